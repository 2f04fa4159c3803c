//! `upswell customers`: MRR of each customer at the end of a month.

use clap::Args;

use super::{Month, RowFormat};

/// What `upswell customers` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell customers --month 2026-10 --format csv")]
pub struct CustomersArgs {
    /// The month at whose end [default: the last full one]
    #[arg(long)]
    pub month: Option<Month>,
    /// Customers at zero as well
    #[arg(long)]
    pub all: bool,
    /// The rows' form [default: table on a terminal, else ndjson]
    #[arg(long, value_enum)]
    pub format: Option<RowFormat>,
    /// The book, where there are several
    #[arg(long)]
    pub book: Option<String>,
}
