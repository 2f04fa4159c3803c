//! `upswell demo`: everything a newcomer wants to see.

use std::path::PathBuf;

use clap::Args;

/// What `upswell demo` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell demo --once")]
pub struct DemoArgs {
    /// Where to keep the demo's store and report [default: a temporary directory]
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Exit after the report instead of staying up
    #[arg(long)]
    pub once: bool,
}
