//! `upswell reopen`: opens a closed month again, on record (R24).

use clap::Args;

use super::args::month;
use super::{Outcome, UsageError, say};
use crate::app::{App, now};
use crate::mrr::Month;

/// What `upswell reopen` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell reopen 2026-10 --why late-backfill")]
pub struct ReopenArgs {
    /// The month; every later one that is closed is opened with it
    #[arg(value_name = "MONTH", value_parser = month)]
    pub month: Month,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub why: String,
    /// The book, where there are several
    #[arg(long)]
    pub book: Option<String>,
}

/// Opens the month again.
///
/// # Errors
///
/// No reason; a month that is not closed; the store's.
pub async fn run(args: &ReopenArgs, app: &App) -> anyhow::Result<Outcome> {
    let why = args.why.trim();
    if why.is_empty() {
        return Err(UsageError {
            what: "--why is empty: a reopening is kept with its reason".to_owned(),
            example: format!("upswell reopen {} --why \"a late correction of September\"", args.month),
        }
        .into());
    }
    let settings = app.reporter().settings(args.book.as_deref()).await?;
    let opened = app.ledger.reopen_month(&settings.book, args.month, why, now()).await?;
    let months: Vec<String> = opened.iter().map(ToString::to_string).collect();
    say(&format!("open again in book {}: {}; the reason is on record", settings.book, months.join(", ")));
    if let Some(last) = months.last().filter(|_| months.len() > 1) {
        say(&format!(
            "every month after {} is open with it; close them again with `upswell close {last}`",
            args.month
        ));
    }
    Ok(Outcome::Done)
}
