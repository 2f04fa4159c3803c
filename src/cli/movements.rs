//! `upswell movements`: the ledger's standing postings.

use clap::Args;

use super::{Month, RowFormat};

/// What `upswell movements` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell movements --month 2026-10 --class expansion --format ndjson")]
pub struct MovementsArgs {
    /// Only of this month
    #[arg(long)]
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
