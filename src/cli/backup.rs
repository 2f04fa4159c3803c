//! `upswell backup`: a copy of the store as it is now, while others go on writing to it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::{Outcome, say};
use crate::app::App;

/// What `upswell backup` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell backup upswell-2026-11-26.db")]
pub struct BackupArgs {
    /// The new file; one that is there already is left alone
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Copies the store into a new file that its owner alone can read.
///
/// # Errors
///
/// A file that is there already or can't be written; the store's.
pub async fn run(args: &BackupArgs, app: &App) -> anyhow::Result<Outcome> {
    let file = &args.file;
    let can_not = || format!("{} can't be written; name a file that is not there yet", file.display());
    // Made first, so that it is nobody else's to read while it fills.
    open_new(file).with_context(can_not)?;
    if let Err(error) = app.ledger.copy_to(file).await {
        // Half a copy is none.
        let _ = std::fs::remove_file(file);
        return Err(error).with_context(can_not);
    }
    std::fs::File::open(file).and_then(|copy| copy.sync_all()).with_context(can_not)?;
    say(&format!(
        "the store as it is now is in {0}; prove it with\n  upswell verify --database-url sqlite://{0}",
        file.display()
    ));
    Ok(Outcome::Done)
}

fn open_new(file: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop)
}
