//! `upswell status`: what is stored, settled, pending, parked.

use std::time::Duration;

use clap::Args;

use super::SummaryFormat;
use super::args::duration;

/// What `upswell status` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell status --wait --timeout 60s --format json")]
pub struct StatusArgs {
    /// Return once everything stored is settled
    #[arg(long)]
    pub wait: bool,
    /// How long to wait
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub timeout: Duration,
    /// The form [default: table]
    #[arg(long, value_enum)]
    pub format: Option<SummaryFormat>,
}
