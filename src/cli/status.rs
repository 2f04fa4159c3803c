//! `upswell status`: what is stored, settled, pending, parked; or whether a server is alive.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::args::duration;
use super::{Outcome, SummaryFormat, emit, say};
use crate::app::{App, now};
use crate::config::Config;
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
    /// Ask the server at UPSWELL_LISTEN whether it is alive, and nothing of the store
    #[arg(long, conflicts_with_all = ["wait", "format"])]
    pub server: bool,
    /// How long to wait, for the store or the server
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

/// Asks `upswell serve` of this machine, by `GET /healthz` at the address that it is configured to listen on, whether it is
/// alive: what a container that has no other program asks.
///
/// # Errors
///
/// A server that is not there, does not answer in time, or answers otherwise than 200.
pub async fn ask_server(args: &StatusArgs, config: &Config) -> anyhow::Result<Outcome> {
    let address = own(config.listen);
    let answered = tokio::time::timeout(args.timeout, ask(address)).await;
    let answer = answered
        .with_context(|| format!("within {} s the server did not answer", args.timeout.as_secs()))
        .and_then(|answer| Ok(answer?))
        .with_context(|| {
            format!("no server is alive at {address}; see that `upswell serve` runs, and that UPSWELL_LISTEN is its own")
        })?;
    let status = answer.lines().next().unwrap_or_default();
    anyhow::ensure!(
        status.starts_with("HTTP/1.1 200 "),
        "what listens at {address} answers `{status}`, and not as `upswell serve` does; see that UPSWELL_LISTEN is its own"
    );
    emit("alive\n")?;
    Ok(Outcome::Done)
}

/// Where a server that listens there is reached from its own machine.
fn own(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

async fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut connection = TcpStream::connect(address).await?;
    let question = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    connection.write_all(question.as_bytes()).await?;
    let mut answer = Vec::new();
    // More than a status line is not looked at.
    connection.take(4_096).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
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
