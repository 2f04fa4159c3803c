//! `upswell serve`: receives webhooks and keeps the ledger.

use clap::Args;

/// What `upswell serve` takes: settings only.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell serve --listen 127.0.0.1:8080")]
pub struct ServeArgs {}
