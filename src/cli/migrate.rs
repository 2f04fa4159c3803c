//! `upswell migrate`: brings the store's schema up to date.

use clap::Args;

/// What `upswell migrate` takes: settings only.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell migrate --database-url sqlite://upswell.db?mode=rwc")]
pub struct MigrateArgs {}
