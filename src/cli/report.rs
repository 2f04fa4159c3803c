//! `upswell report`: the monthly expansion report.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::args::month;
use super::{Outcome, UsageError, emit_bytes, say};
use crate::app::{App, now};
use crate::mrr::{Currency, Month};
use crate::report::{Basis, CONSOLIDATED, Dimension, Form, Report, Reporter, Settings, View};

/// What `upswell report` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  upswell report --month 2026-10\n  upswell report --month 2026-09 --restated\n  upswell report --from 2026-01 --to 2026-06 --format csv -o half-year.csv\n  upswell report --month 2026-10 --trailing -o year.html\n  upswell report --month 2026-10 -o october.xlsx"
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
    /// The twelve months that end with --month, side by side and as one
    #[arg(long, conflicts_with_all = ["from", "to"])]
    pub trailing: bool,
    /// Only this currency; `consolidated` for all of them in the reporting currency
    #[arg(long, value_name = "CODE")]
    pub currency: Option<String>,
    /// Cut by product, price, currency, country, size_band, tenure, pricing_model, owner or metadata.KEY
    #[arg(long, value_name = "SEGMENT")]
    pub by: Option<String>,
    /// What sales, marketing, finance, the executive or an owner looks at first, of the same figures
    #[arg(long, value_name = "WHO")]
    pub view: Option<String>,
    /// Closed months as they are known now, with the bridge from what was reported
    #[arg(long)]
    pub restated: bool,
    /// Made of all levels and postings, not of the sums that are kept of them: slower, the same figures
    #[arg(long)]
    pub from_postings: bool,
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

impl ReportArgs {
    /// The first and the last of several months; `None` where one is asked for.
    fn range(&self, month: Month) -> Option<(Month, Month)> {
        if self.trailing { Some((month.minus(11), month)) } else { self.from.zip(self.to) }
    }
}

/// The forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people.
    Table,
    /// One JSON object.
    Json,
    /// Comma-separated values, one figure a row; into a file that ends in .zip, also one file a section.
    Csv,
    /// Markdown.
    Md,
    /// One self-contained page.
    Html,
    /// A workbook for spreadsheets.
    Xlsx,
}

impl ReportFormat {
    /// The form of what is written; `None` of a table.
    fn form(self, output: Option<&Path>) -> Option<Form> {
        match self {
            Self::Table => None,
            Self::Json => Some(Form::Json),
            Self::Csv if is_archive(output) => Some(Form::Zip),
            Self::Csv => Some(Form::Csv),
            Self::Md => Some(Form::Md),
            Self::Html => Some(Form::Html),
            Self::Xlsx => Some(Form::Xlsx),
        }
    }

    /// Refuses what can't be asked for: bytes on a terminal.
    fn check(self, args: &ReportArgs) -> Result<(), UsageError> {
        if self == Self::Xlsx && args.output.is_none() && std::io::stdout().is_terminal() {
            return Err(UsageError {
                what: "--format xlsx: a workbook is no text for a terminal; name a file with --output"
                    .to_owned(),
                example: "upswell report --format xlsx -o report.xlsx".to_owned(),
            });
        }
        Ok(())
    }
}

/// Prints the report of a month or of a range of months.
///
/// # Errors
///
/// A dimension or range that is none; the store's.
pub async fn run(args: &ReportArgs, app: &App) -> anyhow::Result<Outcome> {
    let reporter = if args.from_postings { app.reporter().from_postings() } else { app.reporter() };
    let settings = asked(args, reporter.settings(args.book.as_deref()).await?)?;
    let format = args.format.unwrap_or_else(|| by_reader(args.output.as_deref()));
    format.check(args)?;
    let mut missing = Vec::new();
    let form = format.form(args.output.as_deref());
    let month = args.month.unwrap_or_else(|| reporter.last_full_month(now()));
    let data = if let Some((from, to)) = args.range(month) {
        keep(args, &reporter, &settings, to).await;
        let mut range = reporter.range(&settings, from, to).await?;
        if form.is_some_and(Form::holds_registers) {
            range = reporter.with_registers(&settings, range).await?;
        }
        missing.extend(range.months.iter().filter_map(not_consolidated));
        form.map_or_else(|| Ok(range.to_table().into_bytes()), |form| range.in_form(form))?
    } else {
        keep(args, &reporter, &settings, month).await;
        let mut report = reporter.month(&settings, month).await?;
        if form.is_some_and(Form::holds_register) {
            report = reporter.with_register(&settings, report).await?;
        }
        missing.extend(not_consolidated(&report));
        form.map_or_else(|| Ok(report.to_table().into_bytes()), |form| report.in_form(form))?
    };
    match &args.output {
        None => emit_bytes(&data)?,
        Some(path) => {
            std::fs::write(path, data).with_context(|| format!("{} can't be written", path.display()))?;
            say(&format!("written to {}", path.display()));
        }
    }
    if missing.is_empty() || !settings.asks_for_consolidated() {
        return Ok(Outcome::Done);
    }
    missing.iter().for_each(|reason| say(reason));
    Ok(Outcome::FaultFound)
}

/// Brings up to date what the report reads. Whoever may only read, or finds the store locked, waits for the report as
/// long as it takes without.
async fn keep(args: &ReportArgs, reporter: &Reporter, settings: &Settings, month: Month) {
    if args.from_postings {
        return;
    }
    if let Err(error) = reporter.keep_for(settings, month, now()).await {
        tracing::debug!(%error, "the sums of reports could not be kept");
    }
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
        Some("csv" | "zip") => ReportFormat::Csv,
        Some("md") => ReportFormat::Md,
        Some("html") => ReportFormat::Html,
        Some("xlsx") => ReportFormat::Xlsx,
        None if output.is_none() && !std::io::stdout().is_terminal() => ReportFormat::Json,
        _ => ReportFormat::Table,
    }
}

/// Whether the file that is written to is an archive by its name.
fn is_archive(output: Option<&Path>) -> bool {
    output.and_then(Path::extension).is_some_and(|ending| ending.eq_ignore_ascii_case("zip"))
}

fn asked(args: &ReportArgs, settings: Settings) -> Result<Settings, UsageError> {
    let by = args.by.as_deref().map(Dimension::parse).transpose().map_err(|error| UsageError {
        what: format!("--by: {error}"),
        example: "upswell report --by product".to_owned(),
    })?;
    let view = args.view.as_deref().map(View::parse).transpose().map_err(|error| UsageError {
        what: format!("--view: {error}"),
        example: "upswell report --view finance".to_owned(),
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
    Ok(Settings { by, view, currency, basis, ..settings })
}
