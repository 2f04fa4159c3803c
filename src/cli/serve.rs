//! `upswell serve`: receives webhooks and keeps the ledger.

use anyhow::Context;
use clap::Args;
use tokio::net::TcpListener;

use super::{Outcome, say};
use crate::app::{App, Duty};
use crate::config::Config;
use crate::http::shutdown_signal;

/// What `upswell serve` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell serve --listen 127.0.0.1:8080")]
pub struct ServeArgs {
    /// Store deliveries and do nothing else: another `upswell serve` on the same database settles them
    #[arg(long)]
    pub receive_only: bool,
}

/// Serves until it is told to stop.
///
/// # Errors
///
/// An address that is taken; the store's, with the remedy.
pub async fn run(args: &ServeArgs, config: Config) -> anyhow::Result<Outcome> {
    if config.webhook_secrets.is_empty() {
        say("STRIPE_WEBHOOK_SECRET is not set: every delivery will be refused");
    }
    let listen = config.listen;
    let app = App::open(config).await?;
    app.ledger.takes_deliveries().await?;
    // What is wrong with whom reports are sent to is said now, not when the first is due.
    app.courier()?;
    // Before anybody can be answered, so that whoever saw an answer can stop it in order.
    let stop = shutdown_signal();
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("can't listen on {listen}; name another address, for example UPSWELL_LISTEN=127.0.0.1:8081")
    })?;
    let address = listener.local_addr()?;
    say(&format!("webhooks at http://{address}/webhooks/stripe, figures at http://{address}/"));
    let does = if args.receive_only { Duty::Receive } else { Duty::Everything };
    app.serve(listener, does, stop).await?;
    Ok(Outcome::Done)
}
