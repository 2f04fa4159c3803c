//! `upswell verify`: proves the ledger from the stored bytes (R25).

use clap::Args;

use super::{Outcome, emit, say};
use crate::app::App;
use crate::pipeline::{self, Fault};
use crate::report::KeptProof;

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
            let months = match sums(args, app).await? {
                Ok(months) => months,
                Err(fault) => {
                    say(&format!("not proved: {fault}"));
                    return Ok(Outcome::FaultFound);
                }
            };
            emit(&format!(
                "proved: {} deliveries have the bytes they came with, {} customers derive to the {} movements that \
                 stand, {} customer months foot and open as the month before closed, {} closed months have the books \
                 they were closed with{}\n",
                proof.deliveries,
                proof.customers,
                proof.movements,
                proof.months,
                proof.closed_months,
                if months > 0 {
                    format!(", {months} months have the sums that are kept of them")
                } else {
                    String::new()
                }
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

/// How many months have the sums that are kept of them, or which has not.
async fn sums(args: &VerifyArgs, app: &App) -> anyhow::Result<Result<usize, String>> {
    let reporter = app.reporter();
    let mut months = 0;
    for book in app.ledger.books().await? {
        if args.book.as_ref().is_some_and(|only| *only != book) {
            continue;
        }
        match reporter.prove_kept(&book).await? {
            KeptProof::None => {}
            KeptProof::Same(same) => months += same,
            KeptProof::Differs(month) => {
                return Ok(Err(format!(
                    "the sums kept of {month} in book {book} are not what its movements make, which are proved: make \
                     them from the movements with `upswell rollup --anew`, and tell us what happened before"
                )));
            }
        }
    }
    Ok(Ok(months))
}
