//! `upswell migrate`: brings the store's schema up to date.

use clap::Args;

use super::{Outcome, say};
use crate::app::App;
use crate::config::Config;

/// What `upswell migrate` takes: settings only.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell migrate --database-url sqlite://upswell.db?mode=rwc")]
pub struct MigrateArgs {}

/// Applies the migrations that are missing.
///
/// # Errors
///
/// The store's, with the remedy.
pub async fn run(_: &MigrateArgs, config: &Config) -> anyhow::Result<Outcome> {
    let ledger = App::open_store(config).await?;
    match ledger.migrate().await? {
        0 => say("the schema is current"),
        applied => say(&format!("{applied} migrations applied; the schema is current")),
    }
    ledger.close().await?;
    Ok(Outcome::Done)
}
