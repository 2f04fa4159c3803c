//! `upswell doctor`: what is wrong, each with the remedy.

use clap::Args;

use super::{Outcome, SummaryFormat, emit};
use crate::app::{App, now};

/// What `upswell doctor` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell doctor --format json")]
pub struct DoctorArgs {
    /// The form [default: table on a terminal, else json]
    #[arg(long, value_enum)]
    pub format: Option<SummaryFormat>,
}

/// Looks at everything that a person should look at.
///
/// # Errors
///
/// The store's.
pub async fn run(args: &DoctorArgs, app: &App) -> anyhow::Result<Outcome> {
    app.ledger.check().await?;
    let findings = app.doctor().all_findings(now()).await?;
    let text = match SummaryFormat::or_by_reader(args.format) {
        SummaryFormat::Json => format!("{}\n", serde_json::to_string(&findings)?),
        SummaryFormat::Table => findings.text(),
    };
    emit(&text)?;
    Ok(if findings.is_healthy() { Outcome::Done } else { Outcome::FaultFound })
}
