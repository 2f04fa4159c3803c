//! `upswell movements`: the ledger's standing postings.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::month;
use super::written::{Written, is_enough};
use super::{Outcome, RowFormat, UsageError, say};
use crate::app::App;
use crate::export::{MovementsFile, Origin, chartmogul_csv};
use crate::ledger::Wanted;
use crate::mrr::{Cause, Currency, Grade, Month, Motion};
use crate::report::{
    Classes, Extract, Kinds, MovementFilter, MovementRow, Settings, movements_csv, movements_csv_part,
    movements_ndjson, movements_table,
};

/// What `upswell movements` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  upswell movements --month 2026-10 --class expansion --format ndjson\n  upswell movements --month 2026-10 -o october.parquet\n  upswell movements --format chartmogul -o mrr-movements.csv"
)]
pub struct MovementsArgs {
    /// Only of this month
    #[arg(long, value_parser = month)]
    pub month: Option<Month>,
    /// Only of this customer
    #[arg(long, value_name = "ID")]
    pub customer: Option<String>,
    /// Only of this kind: upsell, cross_sell, seat and so on; core: those of core expansion
    #[arg(long)]
    pub kind: Option<String>,
    /// Only of this class: new, expansion, churn and so on; net_expansion: expansion, contraction and churn
    #[arg(long)]
    pub class: Option<String>,
    /// Only of this cause: quantity, tier, discount_ended and so on
    #[arg(long)]
    pub cause: Option<String>,
    /// Only moved so: deliberate, organic, unknown
    #[arg(long)]
    pub motion: Option<String>,
    /// Only of this product: the item's after it, or before it where nothing is left
    #[arg(long, value_name = "ID")]
    pub product: Option<String>,
    /// Only of this price, likewise
    #[arg(long, value_name = "ID")]
    pub price: Option<String>,
    /// Only in this currency
    #[arg(long, value_name = "CODE")]
    pub currency: Option<String>,
    /// Only those that rest on evidence of this grade: event, invoice_line, opening and so on
    #[arg(long, value_name = "GRADE")]
    pub grade: Option<String>,
    /// Only of customers who were new in that month; goes with --month
    #[arg(long, requires = "month")]
    pub new_customers: bool,
    /// Only those after this sequence number
    #[arg(long, value_name = "SEQ")]
    pub since_seq: Option<i64>,
    /// Adjustments and reversals as well
    #[arg(long)]
    pub all: bool,
    /// The rows' form [default: by the ending of --output; else table on a terminal, ndjson otherwise]
    #[arg(long, value_enum)]
    pub format: Option<MovementFormat>,
    /// Write here instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The book, where there are several
    #[arg(long)]
    pub book: Option<String>,
}

/// The forms of movements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MovementFormat {
    /// For people.
    Table,
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values with a header.
    Csv,
    /// A Parquet file, for a warehouse.
    Parquet,
    /// Comma-separated values with the columns of ChartMogul's MRR movements.
    Chartmogul,
}

/// Lists the movements that are wanted, in the ledger's order, as they are read: memory holds some thousands.
///
/// # Errors
///
/// A class or kind that is none; a file that can't be written; the store's.
pub async fn run(args: &MovementsArgs, app: &App) -> anyhow::Result<Outcome> {
    let filter = args.filter()?;
    let format = args.format.unwrap_or_else(|| by_reader(args));
    if format == MovementFormat::Parquet && args.output.is_none() && std::io::stdout().is_terminal() {
        return Err(UsageError {
            what: "--format parquet is no text for a terminal; name a file with --output".to_owned(),
            example: "upswell movements -o movements.parquet".to_owned(),
        }
        .into());
    }
    let reporter = app.reporter();
    let settings = reporter.settings(args.book.as_deref()).await?;
    let wanted = Wanted { since_seq: args.since_seq, all: args.all, ..filter.wanted(&settings.book) };
    let extract = reporter.extract(&settings).await?;
    let to = Written::to(args.output.as_deref())?;
    let written = match format {
        MovementFormat::Table => {
            let rows = reporter.movements(&wanted).await?;
            in_one(to, &movements_table(&rows, app.config.timezone))
        }
        MovementFormat::Parquet => parquet(&extract, wanted, to, &settings).await,
        MovementFormat::Ndjson => lines(&extract, wanted, to, |rows, _| Ok(movements_ndjson(rows)?)).await,
        MovementFormat::Csv => {
            lines(&extract, wanted, to, |rows, is_first| Ok(movements_csv_part(rows, is_first)?)).await
        }
        MovementFormat::Chartmogul => {
            lines(&extract, wanted, to, |rows, is_first| Ok(chartmogul_csv(rows, is_first)?)).await
        }
    };
    match written {
        // A reader that has had enough (`| head`) is no failure.
        Err(error) if is_enough(&error) => {}
        written => written?.keep()?.into_iter().for_each(|path| say(&format!("written to {path}"))),
    }
    Ok(Outcome::Done)
}

impl MovementsArgs {
    /// What the movements are cut by.
    fn filter(&self) -> Result<MovementFilter, UsageError> {
        Ok(MovementFilter {
            month: self.month,
            customer: self.customer.clone(),
            class: known("--class", self.class.as_deref(), &Classes::ALL, Classes::as_str)?,
            kind: known("--kind", self.kind.as_deref(), &Kinds::ALL, Kinds::as_str)?,
            cause: known("--cause", self.cause.as_deref(), Cause::ALL, Cause::as_str)?,
            motion: known("--motion", self.motion.as_deref(), Motion::ALL, Motion::as_str)?,
            product: self.product.clone(),
            price: self.price.clone(),
            currency: self.currency.as_deref().map(|code| Currency::from(code.to_lowercase())),
            grade: known("--grade", self.grade.as_deref(), Grade::ALL, Grade::as_str)?,
            new_customers: self.new_customers,
        })
    }
}

/// The form that whoever reads it expects.
fn by_reader(args: &MovementsArgs) -> MovementFormat {
    let ending = args.output.as_deref().and_then(std::path::Path::extension);
    match ending.and_then(|ending| ending.to_str()) {
        Some("parquet") => MovementFormat::Parquet,
        Some("csv") => MovementFormat::Csv,
        _ if args.output.is_none() && std::io::stdout().is_terminal() => MovementFormat::Table,
        _ => MovementFormat::Ndjson,
    }
}

fn in_one(mut to: Written, text: &str) -> anyhow::Result<Written> {
    to.write_all(text.as_bytes())?;
    Ok(to)
}

/// Rows as text, some at a time; the first are asked for even if there are none, for they bring the head.
async fn lines(
    extract: &Extract,
    mut wanted: Wanted,
    mut to: Written,
    text: impl Fn(&[MovementRow], bool) -> anyhow::Result<String>,
) -> anyhow::Result<Written> {
    let mut is_first = true;
    loop {
        let rows = extract.movements(&mut wanted).await?;
        if rows.is_empty() && !is_first {
            return Ok(to);
        }
        to.write_all(text(&rows, is_first)?.as_bytes())?;
        is_first = false;
    }
}

async fn parquet(
    extract: &Extract,
    mut wanted: Wanted,
    to: Written,
    settings: &Settings,
) -> anyhow::Result<Written> {
    let mut file = MovementsFile::begin(to, &origin(extract, settings))?;
    loop {
        let rows = extract.movements(&mut wanted).await?;
        if rows.is_empty() {
            return Ok(file.finish()?.0);
        }
        file.push(&rows)?;
    }
}

/// What exported files say of where their rows come from.
pub(super) fn origin(extract: &Extract, settings: &Settings) -> Origin {
    Origin {
        book: extract.book().to_owned(),
        zone: settings.zone,
        through_posting: extract.through_posting(),
    }
}

/// Movements in the form that was asked for.
///
/// # Errors
///
/// A row that can't be written.
pub(super) fn text(
    rows: &[MovementRow],
    format: Option<RowFormat>,
    zone: chrono_tz::Tz,
) -> anyhow::Result<String> {
    Ok(match RowFormat::or_by_reader(format) {
        RowFormat::Table => movements_table(rows, zone),
        RowFormat::Ndjson => movements_ndjson(rows)?,
        RowFormat::Csv => movements_csv(rows)?,
    })
}

fn known<W: Copy>(
    flag: &str,
    word: Option<&str>,
    all: &[W],
    text: fn(W) -> &'static str,
) -> Result<Option<W>, UsageError> {
    let Some(word) = word else { return Ok(None) };
    all.iter().copied().find(|known| text(*known) == word).map(Some).ok_or_else(|| {
        let words: Vec<&str> = all.iter().map(|known| text(*known)).collect();
        UsageError {
            what: format!("{flag} {word} is none of {}", words.join(", ")),
            example: format!("upswell movements {flag} {}", words.first().unwrap_or(&"")),
        }
    })
}
