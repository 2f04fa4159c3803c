//! `upswell status`: what is stored, settled, pending, parked.

use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use super::args::duration;
use super::{Outcome, SummaryFormat, emit, say};
use crate::app::{App, now};
use crate::ledger::Counts;

/// How often a waiting status looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What `upswell status` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell status --wait --timeout 60s --format json")]
pub struct StatusArgs {
    /// Return once everything stored is settled, and every customer that it concerns is derived
    #[arg(long)]
    pub wait: bool,
    /// How long to wait
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub timeout: Duration,
    /// The form [default: table on a terminal, else json]
    #[arg(long, value_enum)]
    pub format: Option<SummaryFormat>,
}

#[derive(Serialize)]
struct Status {
    stored: i64,
    settled: i64,
    pending: i64,
    ignored: i64,
    parked: i64,
    lag_seconds: i64,
    due: i64,
}

/// Tells where deliveries stand.
///
/// # Errors
///
/// The store's.
pub async fn run(args: &StatusArgs, app: &App) -> anyhow::Result<Outcome> {
    let begun = Instant::now();
    let mut counts = app.ledger.counts().await?;
    while args.wait && counts.pending + counts.due > 0 && begun.elapsed() < args.timeout {
        tokio::time::sleep(LOOK_AGAIN).await;
        counts = app.ledger.counts().await?;
    }
    emit(&text(&counts, args.format)?)?;
    if args.wait && counts.pending + counts.due > 0 {
        say(&format!(
            "{} deliveries are still pending and {} customers due after {} s; is `upswell serve` running, and what does its log say?",
            counts.pending,
            counts.due,
            args.timeout.as_secs()
        ));
        return Ok(Outcome::FaultFound);
    }
    Ok(Outcome::Done)
}

fn text(counts: &Counts, format: Option<SummaryFormat>) -> anyhow::Result<String> {
    let status = Status {
        stored: counts.stored,
        settled: counts.settled,
        pending: counts.pending,
        ignored: counts.ignored,
        parked: counts.parked,
        due: counts.due,
        lag_seconds: counts.lag_seconds(now()),
    };
    if SummaryFormat::or_by_reader(format) == SummaryFormat::Json {
        return Ok(format!("{}\n", serde_json::to_string(&status)?));
    }
    Ok(format!(
        "stored   {}\nsettled  {}\npending  {}\nignored  {}\nparked   {}\ndue      {}\nlag      {} s\n",
        status.stored,
        status.settled,
        status.pending,
        status.ignored,
        status.parked,
        status.due,
        status.lag_seconds
    ))
}
