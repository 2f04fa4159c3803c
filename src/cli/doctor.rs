//! `upswell doctor`: what is wrong, each with the remedy.

use clap::Args;

use super::SummaryFormat;

/// What `upswell doctor` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell doctor --format json")]
pub struct DoctorArgs {
    /// The form [default: table]
    #[arg(long, value_enum)]
    pub format: Option<SummaryFormat>,
}
