//! `upswell explain`: where a figure comes from.

use clap::Args;

use super::Month;

/// What `upswell explain` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell explain cus_1 --month 2026-10")]
pub struct ExplainArgs {
    /// A customer, a subscription, an event or a movement
    pub id: String,
    /// Only what counts in this month
    #[arg(long)]
    pub month: Option<Month>,
    /// The book, where there are several
    #[arg(long)]
    pub book: Option<String>,
}
