//! `upswell close`: freezes a month (R24).

use clap::Args;

use super::args::month;
use super::{Outcome, SummaryFormat, emit, instant, say};
use crate::app::{App, now};
use crate::ledger::{Closed, Closing, Doubts};
use crate::mrr::Month;

/// What `upswell close` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell close 2026-10")]
pub struct CloseArgs {
    /// The month; earlier ones that are still open are closed with it
    #[arg(value_name = "MONTH", value_parser = month)]
    pub month: Month,
    /// The form [default: table on a terminal, else json]
    #[arg(long, value_enum)]
    pub format: Option<SummaryFormat>,
    /// The book, where there are several
    #[arg(long)]
    pub book: Option<String>,
}

#[derive(serde::Serialize)]
struct Row {
    book: String,
    month: String,
    closed_at: String,
    postings: i64,
    digest: String,
}

/// Closes the month, after what waits is settled.
///
/// # Errors
///
/// A month that can't be closed, with the remedy; the store's.
pub async fn run(args: &CloseArgs, app: &App) -> anyhow::Result<Outcome> {
    let settings = app.reporter().settings(args.book.as_deref()).await?;
    let keys = settings.metadata_keys();
    let closed = app.settler().close(&settings.book, args.month, keys, now()).await?;
    warn(&closed.doubts, &settings.book);
    emit(&text(&closed, &settings.book, args.format)?)?;
    Ok(Outcome::Done)
}

/// What a person should know who closes a month: it is closed all the same.
fn warn(doubts: &Doubts, book: &str) {
    let counts = [
        (doubts.parked, "parked deliveries"),
        (doubts.incomplete, "incomplete lines"),
        (doubts.broken_chains, "broken chains"),
        (doubts.not_derived, "customers that could not be derived"),
    ];
    let found: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if !found.is_empty() {
        say(&format!(
            "book {book} has {}; `upswell doctor` names them, and what they change later is posted as an \
             adjustment of the month that is open then",
            found.join(", ")
        ));
    }
}

fn text(closed: &Closed, book: &str, format: Option<SummaryFormat>) -> anyhow::Result<String> {
    let is_json = SummaryFormat::or_by_reader(format) == SummaryFormat::Json;
    let line = |closing: &Closing| {
        let row = Row {
            book: book.to_owned(),
            month: closing.month.to_string(),
            closed_at: instant(closing.closed_at),
            postings: closing.postings,
            digest: closing.digest.clone(),
        };
        if is_json {
            return serde_json::to_string(&row);
        }
        Ok(format!("closed {}  {} postings  SHA-256 {}", row.month, row.postings, row.digest))
    };
    let lines = closed.closings.iter().map(line).collect::<Result<Vec<String>, _>>()?;
    Ok(lines.join("\n") + "\n")
}
