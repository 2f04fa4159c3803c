//! `upswell customers`: MRR of each customer at the end of a month.

use clap::Args;

use super::args::month;
use super::{Outcome, RowFormat, emit};
use crate::app::{App, now};
use crate::mrr::Month;
use crate::report::{Basis, Settings, customers_csv, customers_ndjson, customers_table};

/// What `upswell customers` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell customers --month 2026-10 --format csv")]
pub struct CustomersArgs {
    /// The month at whose end [default: the last full one]
    #[arg(long, value_parser = month)]
    pub month: Option<Month>,
    /// Customers at zero as well
    #[arg(long)]
    pub all: bool,
    /// Of a closed month what is known now, instead of what was reported
    #[arg(long)]
    pub restated: bool,
    /// The rows' form [default: table on a terminal, else ndjson]
    #[arg(long, value_enum)]
    pub format: Option<RowFormat>,
    /// The book, where there are several
    #[arg(long)]
    pub book: Option<String>,
}

/// Lists the customers.
///
/// # Errors
///
/// The store's.
pub async fn run(args: &CustomersArgs, app: &App) -> anyhow::Result<Outcome> {
    let reporter = app.reporter();
    let basis = if args.restated { Basis::Restated } else { Basis::Reported };
    let settings = Settings { basis, ..reporter.settings(args.book.as_deref()).await? };
    let month = args.month.unwrap_or_else(|| reporter.last_full_month(now()));
    let rows = reporter.customers(&settings, month, args.all).await?;
    emit(&match RowFormat::or_by_reader(args.format) {
        RowFormat::Table => customers_table(&rows),
        RowFormat::Ndjson => customers_ndjson(&rows)?,
        RowFormat::Csv => customers_csv(&rows)?,
    })?;
    Ok(Outcome::Done)
}
