//! `upswell explain`: where a figure comes from, down to the stored bytes.

use clap::Args;

use super::args::month;
use super::{Outcome, SummaryFormat, UsageError, emit};
use crate::app::App;
use crate::explain::{ExplainError, Explainer};
use crate::mrr::Month;

/// What `upswell explain` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell explain cus_1 --month 2026-10")]
pub struct ExplainArgs {
    /// A customer, a subscription, an event, a movement, or a price, product or coupon
    pub id: String,
    /// Of a customer or a subscription, only what took effect in this month
    #[arg(long, value_parser = month)]
    pub month: Option<Month>,
    /// The book, where there are several
    #[arg(long)]
    pub book: Option<String>,
    /// The form [default: table]
    #[arg(long, value_enum)]
    pub format: Option<SummaryFormat>,
}

/// Explains whatever the id is of.
///
/// # Errors
///
/// An id that nothing is known of; the store's.
pub async fn run(args: &ExplainArgs, app: &App) -> anyhow::Result<Outcome> {
    let settings = app.reporter().settings(args.book.as_deref()).await?;
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
