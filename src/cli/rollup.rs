//! `upswell rollup`: makes the sums that reports read, instead of waiting until they are asked for.

use clap::Args;

use super::{Outcome, say};
use crate::app::{App, now};

/// What `upswell rollup` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example, after a large backfill:\n  upswell rollup")]
pub struct RollupArgs {
    /// Make them from the ledger again, whatever is kept
    #[arg(long)]
    pub anew: bool,
    /// Only this book [default: all]
    #[arg(long)]
    pub book: Option<String>,
}

/// Brings the kept sums up to date.
///
/// # Errors
///
/// A book that is not there; the store's.
pub async fn run(args: &RollupArgs, app: &App) -> anyhow::Result<Outcome> {
    let reporter = app.reporter();
    let books = match &args.book {
        Some(book) => vec![reporter.settings(Some(book)).await?.book],
        None => app.ledger.books().await?,
    };
    for book in books {
        if args.anew {
            reporter.keep_anew(&book, now()).await?;
        } else {
            reporter.keep_up_with(&book, now()).await?;
        }
        say(&format!("book {book}: the sums that reports read are up to date"));
    }
    app.ledger.note_kinds().await?;
    Ok(Outcome::Done)
}
