//! `upswell backfill`: feeds events from files through the same door as webhooks.

use std::path::PathBuf;

use clap::Args;

/// What `upswell backfill` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  upswell backfill events.ndjson.gz\n  upswell backfill --dry-run events.json"
)]
pub struct BackfillArgs {
    /// Files of Stripe events, in any form, plain, .gz or .zst; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Show the movements that would be posted and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The book, where there are several
    #[arg(long)]
    pub book: Option<String>,
}
