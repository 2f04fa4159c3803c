//! The worker: settles what is stored, as soon as it is, and is begun again if a defect ends it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Instrument;

use super::now;
use crate::ledger::{Ledger, LedgerError};
use crate::metrics::Metrics;
use crate::pipeline::{Settled, Settler};

/// How often the worker looks around without being told: for customers whose time has come, and
/// after the store was away.
const LOOK_AROUND: Duration = Duration::from_secs(1);
/// How long a worker that a defect ended rests before it is begun again: at first, and at most, for it is twice as long each
/// time.
const RESTS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];

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
    (stop, tokio::spawn(keep_going(begin, RESTS, stopped, metrics)))
}

/// Begins work again, after a rest, each time that a defect ends it, until it is told to stop.
async fn keep_going<W>(
    begin: impl Fn() -> W,
    [first, most]: [Duration; 2],
    mut stopped: watch::Receiver<bool>,
    metrics: Metrics,
) where
    W: Future<Output = ()> + Send + 'static,
{
    let mut rest = first;
    loop {
        let (begun, is_last) = (Instant::now(), *stopped.borrow());
        if tokio::spawn(begin()).await.is_ok() {
            return;
        }
        metrics.worker_failed(true);
        tracing::error!("a defect ended the worker; what is stored waits, and the worker is begun again");
        if is_last {
            return;
        }
        if begun.elapsed() > most {
            rest = first;
        }
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            _ = stopped.changed() => {}
        }
        rest = most.min(2 * rest);
    }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, clippy::unwrap_used)]
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Work that a defect ends so many times before it goes on to its end; how often it was begun, and what the metrics say.
    async fn begun(defects: usize, is_stopped: bool) -> (usize, String) {
        let (count, metrics) = (Arc::new(AtomicUsize::new(0)), Metrics::new().unwrap());
        let (stop, stopped) = watch::channel(is_stopped);
        let begin = {
            let count = Arc::clone(&count);
            move || {
                let number = count.fetch_add(1, Ordering::Relaxed);
                async move { assert!(number >= defects, "a defect") }
            }
        };
        keep_going(begin, [Duration::ZERO; 2], stopped, metrics.clone()).await;
        drop(stop);
        (count.load(Ordering::Relaxed), metrics.text().unwrap())
    }

    #[tokio::test]
    async fn a_worker_that_a_defect_ends_is_begun_again_and_told() {
        for defects in [0, 1, 3] {
            let (count, metrics) = begun(defects, false).await;
            assert_eq!(count, defects + 1);
            let told = format!("upswell_worker_failures_total{{reason=\"defect\"}} {defects}");
            assert!(metrics.lines().any(|line| line == told), "{metrics}");
        }
    }

    #[tokio::test]
    async fn one_that_is_told_to_stop_is_not_begun_for_ever() {
        assert_eq!(begun(3, true).await.0, 1);
    }
}
