//! `upswell report`: the monthly expansion report.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::args::month;
use super::{Outcome, UsageError, emit, say};
use crate::app::{App, now};
use crate::mrr::{Currency, Month};
use crate::report::{Basis, CONSOLIDATED, Dimension, Report, Settings};

/// What `upswell report` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  upswell report --month 2026-10\n  upswell report --month 2026-09 --restated\n  upswell report --from 2026-01 --to 2026-06 --format csv -o half-year.csv"
)]
pub struct ReportArgs {
    /// The month [default: the last full one]
    #[arg(long, conflicts_with_all = ["from", "to"], value_parser = month)]
    pub month: Option<Month>,
    /// The first of several months
    #[arg(long, requires = "to", value_parser = month)]
    pub from: Option<Month>,
    /// The last of several months
    #[arg(long, requires = "from", value_parser = month)]
    pub to: Option<Month>,
    /// Only this currency; `consolidated` for all of them in the reporting currency
    #[arg(long, value_name = "CODE")]
    pub currency: Option<String>,
    /// Cut by product, price, currency, country, size_band, tenure, pricing_model, owner or metadata.KEY
    #[arg(long, value_name = "SEGMENT")]
    pub by: Option<String>,
    /// Closed months as they are known now, with the bridge from what was reported
    #[arg(long)]
    pub restated: bool,
    /// The report's form [default: by the ending of --output; else table on a terminal, json otherwise]
    #[arg(long, value_enum)]
    pub format: Option<ReportFormat>,
    /// Write here instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The book, where there are several
    #[arg(long)]
    pub book: Option<String>,
}

/// The forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people.
    Table,
    /// One JSON object.
    Json,
    /// Comma-separated values, one figure a row.
    Csv,
    /// Markdown.
    Md,
    /// One self-contained page.
    Html,
}

/// Prints the report of a month or of a range of months.
///
/// # Errors
///
/// A dimension or range that is none; the store's.
pub async fn run(args: &ReportArgs, app: &App) -> anyhow::Result<Outcome> {
    let reporter = app.reporter();
    let settings = asked(args, reporter.settings(args.book.as_deref()).await?)?;
    let format = args.format.unwrap_or_else(|| by_reader(args.output.as_deref()));
    let mut missing = Vec::new();
    let text = if let (Some(from), Some(to)) = (args.from, args.to) {
        let range = reporter.range(&settings, from, to).await?;
        missing.extend(range.months.iter().filter_map(not_consolidated));
        match format {
            ReportFormat::Table => range.to_table(),
            ReportFormat::Json => range.to_json()?,
            ReportFormat::Csv => range.to_csv()?,
            ReportFormat::Md => range.to_markdown(),
            ReportFormat::Html => range.to_html()?,
        }
    } else {
        let month = args.month.unwrap_or_else(|| reporter.last_full_month(now()));
        let report = reporter.month(&settings, month).await?;
        missing.extend(not_consolidated(&report));
        text(&report, format)?
    };
    match &args.output {
        None => emit(&text)?,
        Some(path) => {
            std::fs::write(path, text).with_context(|| format!("{} can't be written", path.display()))?;
            say(&format!("written to {}", path.display()));
        }
    }
    if missing.is_empty() || !settings.asks_for_consolidated() {
        return Ok(Outcome::Done);
    }
    missing.iter().for_each(|reason| say(reason));
    Ok(Outcome::FaultFound)
}

/// Why a month has no consolidated figures, if it has none.
fn not_consolidated(report: &Report) -> Option<String> {
    let reason = report.consolidated.as_ref().err()?;
    Some(format!("{}: not consolidated: {reason}", report.month))
}

/// The form that whoever reads it expects.
fn by_reader(output: Option<&Path>) -> ReportFormat {
    let ending = output.and_then(Path::extension).and_then(|ending| ending.to_str());
    match ending {
        Some("json") => ReportFormat::Json,
        Some("csv") => ReportFormat::Csv,
        Some("md") => ReportFormat::Md,
        Some("html") => ReportFormat::Html,
        None if output.is_none() && !std::io::stdout().is_terminal() => ReportFormat::Json,
        _ => ReportFormat::Table,
    }
}

/// A report in a form.
///
/// # Errors
///
/// A form that can't be written.
pub(super) fn text(report: &Report, format: ReportFormat) -> anyhow::Result<String> {
    Ok(match format {
        ReportFormat::Table => report.to_table(),
        ReportFormat::Json => report.to_json()?,
        ReportFormat::Csv => report.to_csv()?,
        ReportFormat::Md => report.to_markdown(),
        ReportFormat::Html => report.to_html()?,
    })
}

fn asked(args: &ReportArgs, settings: Settings) -> Result<Settings, UsageError> {
    let by = args.by.as_deref().map(Dimension::parse).transpose().map_err(|error| UsageError {
        what: format!("--by: {error}"),
        example: "upswell report --by product".to_owned(),
    })?;
    let currency = args.currency.as_deref().map(|code| Currency::from(code.to_lowercase()));
    if currency.as_ref().is_some_and(|asked| asked.as_str() == CONSOLIDATED)
        && settings.consolidation.is_none()
    {
        return Err(UsageError {
            what: "--currency consolidated: there is no reporting currency; set UPSWELL_REPORTING_CURRENCY"
                .to_owned(),
            example: "upswell report --currency consolidated --reporting-currency eur".to_owned(),
        });
    }
    let basis = if args.restated { Basis::Restated } else { Basis::Reported };
    Ok(Settings { by, currency, basis, ..settings })
}
