//! The worker: settles what is stored, as soon as it is, and is begun again if a defect ends it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tracing::Instrument;

use super::{now, supervised};
use crate::ledger::{Ledger, LedgerError};
use crate::metrics::Metrics;
use crate::pipeline::{Settled, Settler};

/// How often the worker looks around without being told: for customers whose time has come, and
/// after the store was away.
const LOOK_AROUND: Duration = Duration::from_secs(1);

/// What the worker works with.
#[derive(Clone)]
struct Tools {
    settler: Settler,
    ledger: Ledger,
    stored: Arc<Notify>,
    metrics: Metrics,
}

/// Starts the worker, which is told by `stored` of what came. It settles a last time when it is told to stop.
pub(super) fn start(
    settler: Settler,
    ledger: Ledger,
    stored: Arc<Notify>,
    metrics: Metrics,
) -> (watch::Sender<bool>, JoinHandle<()>) {
    let (stop, stopped) = watch::channel(false);
    let tools = Tools { settler, ledger, stored, metrics: metrics.clone() };
    let begin = {
        let stopped = stopped.clone();
        move || work(tools.clone(), stopped.clone())
    };
    (stop, supervised::start("the worker", begin, stopped, metrics))
}

async fn work(tools: Tools, mut stopped: watch::Receiver<bool>) {
    let mut is_adopted = false;
    let mut is_told = true;
    loop {
        let is_last = *stopped.borrow();
        // A look around that finds nothing is no trace.
        let span = if is_told { tracing::info_span!("settle") } else { tracing::Span::none() };
        match settle_in_turn(&tools, &mut is_adopted).instrument(span).await {
            Ok(settled) if settled.deliveries > 0 => {
                tracing::debug!(
                    deliveries = settled.deliveries,
                    posted = settled.posted.posted,
                    reversed = settled.posted.reversed,
                    "settled"
                );
            }
            Ok(_) => {}
            Err(error) => {
                tools.metrics.worker_failed(false);
                tracing::error!(%error, "could not settle; the worker tries again");
            }
        }
        if is_last {
            return;
        }
        is_told = tokio::select! {
            () = tools.stored.notified() => true,
            () = tokio::time::sleep(LOOK_AROUND) => false,
            _ = stopped.changed() => true,
        };
    }
}

/// Settles what is stored, while no other process on the same database does.
async fn settle_in_turn(tools: &Tools, is_adopted: &mut bool) -> Result<Settled, LedgerError> {
    let Some(_turn) = tools.ledger.settling_turn().await? else { return Ok(Settled::default()) };
    if !*is_adopted {
        *is_adopted = adopt(&tools.settler).await;
    }
    tools.settler.settle(now()).await
}

/// Brings the ledger up to this version and configuration; whether that is done.
async fn adopt(settler: &Settler) -> bool {
    match settler.adopt(now()).await {
        Ok(posted) => {
            if posted.posted + posted.reversed > 0 {
                tracing::info!(
                    posted.posted,
                    posted.reversed,
                    "version or configuration changed: ledger brought up to it"
                );
            }
            true
        }
        Err(error) => {
            tracing::error!(%error, "could not bring the ledger up to the configuration; the worker tries again");
            false
        }
    }
}
