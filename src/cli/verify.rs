//! `upswell verify`: proves the ledger from the stored bytes (R25).

use clap::Args;

/// What `upswell verify` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell verify")]
pub struct VerifyArgs {
    /// Only this book [default: all]
    #[arg(long)]
    pub book: Option<String>,
}
