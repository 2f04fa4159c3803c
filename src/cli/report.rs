//! `upswell report`: the monthly expansion report.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Month;

/// What `upswell report` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  upswell report --month 2026-10\n  upswell report --from 2026-01 --to 2026-06 --format csv -o half-year.csv"
)]
pub struct ReportArgs {
    /// The month [default: the last full one]
    #[arg(long, conflicts_with_all = ["from", "to"])]
    pub month: Option<Month>,
    /// The first of several months
    #[arg(long, requires = "to")]
    pub from: Option<Month>,
    /// The last of several months
    #[arg(long, requires = "from")]
    pub to: Option<Month>,
    /// Only this currency
    #[arg(long, value_name = "CODE")]
    pub currency: Option<String>,
    /// Cut by product, price, currency, country, owner or metadata.KEY
    #[arg(long, value_name = "SEGMENT")]
    pub by: Option<String>,
    /// The report's form [default: table]
    #[arg(long, value_enum)]
    pub format: Option<ReportFormat>,
    /// Write here instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The book, where there are several
    #[arg(long)]
    pub book: Option<String>,
}

/// The forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people.
    Table,
    /// One JSON object a month.
    Json,
    /// Comma-separated values, one figure a row.
    Csv,
    /// Markdown.
    Md,
}
