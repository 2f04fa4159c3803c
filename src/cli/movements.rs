//! `upswell movements`: the ledger's standing postings.

use clap::Args;

use super::args::month;
use super::{Outcome, RowFormat, UsageError, emit};
use crate::app::App;
use crate::ledger::Wanted;
use crate::mrr::{Class, Kind, Month};
use crate::report::{MovementRow, movements_csv, movements_ndjson, movements_table};

/// What `upswell movements` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell movements --month 2026-10 --class expansion --format ndjson")]
pub struct MovementsArgs {
    /// Only of this month
    #[arg(long, value_parser = month)]
    pub month: Option<Month>,
    /// Only of this customer
    #[arg(long, value_name = "ID")]
    pub customer: Option<String>,
    /// Only of this kind: upsell, cross_sell, seat and so on
    #[arg(long)]
    pub kind: Option<String>,
    /// Only of this class: new, expansion, churn and so on
    #[arg(long)]
    pub class: Option<String>,
    /// Only those after this sequence number
    #[arg(long, value_name = "SEQ")]
    pub since_seq: Option<i64>,
    /// Adjustments and reversals as well
    #[arg(long)]
    pub all: bool,
    /// The rows' form [default: table on a terminal, else ndjson]
    #[arg(long, value_enum)]
    pub format: Option<RowFormat>,
    /// The book, where there are several
    #[arg(long)]
    pub book: Option<String>,
}

/// Lists the movements that are wanted, in the ledger's order.
///
/// # Errors
///
/// A class or kind that is none; the store's.
pub async fn run(args: &MovementsArgs, app: &App) -> anyhow::Result<Outcome> {
    let class =
        args.class.as_deref().map(|word| known("--class", word, Class::ALL, Class::as_str)).transpose()?;
    let kind = args.kind.as_deref().map(|word| known("--kind", word, Kind::ALL, Kind::as_str)).transpose()?;
    let reporter = app.reporter();
    let settings = reporter.settings(args.book.as_deref()).await?;
    let wanted = Wanted {
        book: Some(settings.book),
        customer: args.customer.clone(),
        from_month: args.month,
        to_month: args.month,
        class,
        kind,
        since_seq: args.since_seq,
        all: args.all,
        ..Wanted::default()
    };
    let rows = reporter.movements(&wanted).await?;
    emit(&text(&rows, args.format, app.config.timezone)?)?;
    Ok(Outcome::Done)
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

fn known<W: Copy>(flag: &str, word: &str, all: &[W], text: fn(W) -> &'static str) -> Result<W, UsageError> {
    all.iter().copied().find(|known| text(*known) == word).ok_or_else(|| {
        let words: Vec<&str> = all.iter().map(|known| text(*known)).collect();
        UsageError {
            what: format!("{flag} {word} is none of {}", words.join(", ")),
            example: format!("upswell movements {flag} {}", words.first().unwrap_or(&"")),
        }
    })
}
