//! `upswell explain`: where a figure comes from, down to the stored bytes.

use std::io::Write;

use clap::Args;

use super::args::month;
use super::written::{Written, is_enough};
use super::{Outcome, SummaryFormat, UsageError, emit};
use crate::app::App;
use crate::explain::{ExplainError, Explainer};
use crate::mrr::Month;

/// What `upswell explain` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  upswell explain cus_1 --month 2026-10\n  upswell explain evt_1 --bytes | sha256sum"
)]
pub struct ExplainArgs {
    /// A customer, a subscription, an event, a movement, or a price, product or coupon
    pub id: String,
    /// Of a customer or a subscription, only what took effect in this month
    #[arg(long, value_parser = month)]
    pub month: Option<Month>,
    /// Of an event, write the bytes as they are stored, and nothing else: their SHA-256 is the one that is shown
    #[arg(long, conflicts_with_all = ["month", "format"])]
    pub bytes: bool,
    /// The book, where there are several
    #[arg(long)]
    pub book: Option<String>,
    /// The form [default: table]
    #[arg(long, value_enum)]
    pub format: Option<SummaryFormat>,
}

/// The stored bytes of an event, on standard output.
async fn bytes(args: &ExplainArgs, app: &App, book: &str) -> anyhow::Result<Outcome> {
    let Some(stored) = app.ledger.stored_event(&args.id, Some(book)).await? else {
        return Err(UsageError {
            what: format!("nothing is stored under {} in book {book}; --bytes is of events", args.id),
            example: "upswell explain evt_1 --bytes, with an event that `upswell explain cus_1` names"
                .to_owned(),
        }
        .into());
    };
    let mut to = Written::to(None)?;
    match to.write_all(&stored.body).map_err(anyhow::Error::from) {
        // A reader that has had enough (`| head`) is no failure.
        Err(error) if is_enough(&error) => {}
        written => {
            written?;
            to.keep()?;
        }
    }
    Ok(Outcome::Done)
}

/// Explains whatever the id is of.
///
/// # Errors
///
/// An id that nothing is known of; the store's.
pub async fn run(args: &ExplainArgs, app: &App) -> anyhow::Result<Outcome> {
    let settings = app.reporter().settings(args.book.as_deref()).await?;
    if args.bytes {
        return bytes(args, app, &settings.book).await;
    }
    let explainer = Explainer::new(app.ledger.clone());
    let explained = match explainer.explain(&settings.book, &args.id, args.month).await {
        Err(unknown @ ExplainError::Unknown { .. }) => {
            let example = "upswell explain cus_1, with an id that `upswell customers` lists".to_owned();
            return Err(UsageError { what: unknown.to_string(), example }.into());
        }
        explained => explained?,
    };
    match args.format.unwrap_or(SummaryFormat::Table) {
        SummaryFormat::Json => emit(&format!("{}\n", serde_json::to_string(&explained)?))?,
        SummaryFormat::Table => emit(&explained.text())?,
    }
    Ok(Outcome::Done)
}
