//! `upswell verify`: proves the ledger from the stored bytes (R25).

use clap::Args;

use super::{Outcome, emit, say};
use crate::app::App;
use crate::pipeline::{self, Fault};

/// What `upswell verify` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell verify")]
pub struct VerifyArgs {
    /// Only this book [default: all]
    #[arg(long)]
    pub book: Option<String>,
}

/// Derives everything again and compares; names the first customer that differs.
///
/// # Errors
///
/// The store's.
pub async fn run(args: &VerifyArgs, app: &App) -> anyhow::Result<Outcome> {
    app.ledger.check().await?;
    match pipeline::verify(&app.ledger, args.book.as_deref()).await {
        Ok(proof) => {
            emit(&format!(
                "proved: {} deliveries have the bytes they came with, {} customers derive to the {} movements that \
                 stand, {} customer months foot and open as the month before closed, {} closed months have the books \
                 they were closed with\n",
                proof.deliveries, proof.customers, proof.movements, proof.months, proof.closed_months
            ))?;
            Ok(Outcome::Done)
        }
        Err(Fault::Store(error)) => Err(error.into()),
        Err(fault) => {
            say(&format!("not proved: {fault}"));
            Ok(Outcome::FaultFound)
        }
    }
}
