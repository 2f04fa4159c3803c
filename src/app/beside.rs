//! What goes on beside the worker: what events leave out is fetched, what was missed is looked for, and the sums of
//! reports are kept. Each is begun again if a defect ends it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::{App, now, supervised};
use crate::api::Api;
use crate::metrics::Metrics;
use crate::pipeline::Completer;
use crate::pull::CatchUp;
use crate::report::Reporter;

/// How often what events leave out is looked for.
const COMPLETE_EVERY: Duration = Duration::from_secs(5);

/// How often the sums of reports take in what was settled.
const KEEP_SUMS_EVERY: Duration = Duration::from_secs(2);

/// How often what Stripe could not deliver is looked for, and when again after Stripe did not answer.
const CATCH_UP_EVERY: Duration = Duration::from_secs(3_600);
const CATCH_UP_AGAIN: Duration = Duration::from_secs(60);

/// Starts what is fetched, under one rate limit, where there is a key: what events leave out, and what was missed. The
/// worker is told by `stored` of what came.
pub(super) fn start_fetching(
    app: &App,
    api: &Api,
    stored: &Arc<Notify>,
    metrics: &Metrics,
) -> Vec<JoinHandle<()>> {
    let completing = {
        let (ledger, api, stored) = (app.ledger.clone(), api.clone(), Arc::clone(stored));
        move || complete(Completer::new(ledger.clone(), api.clone()), Arc::clone(&stored))
    };
    let catching_up = {
        let (puller, stored) = (app.puller(api.clone()), Arc::clone(stored));
        move || catch_up(CatchUp::new(puller.clone()), Arc::clone(&stored))
    };
    vec![
        supervised::start_endless("fetching what events leave out", completing, metrics.clone()),
        supervised::start_endless("looking for what was missed", catching_up, metrics.clone()),
    ]
}

/// Starts keeping the sums that reports read.
pub(super) fn start_keeping_sums(reporter: Reporter, metrics: &Metrics) -> JoinHandle<()> {
    let begin = move || keep_sums(reporter.clone());
    supervised::start_endless("keeping the sums of reports", begin, metrics.clone())
}

async fn complete(mut completer: Completer, stored: Arc<Notify>) {
    loop {
        match completer.complete(now()).await {
            Ok(completed) if completed.new > 0 => {
                tracing::info!(completed.fetched, completed.new, "fetched what events leave out");
                stored.notify_one();
            }
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "could not look for what events leave out; tried again");
            }
        }
        tokio::time::sleep(COMPLETE_EVERY).await;
    }
}

/// What takes long is not begun again soon.
async fn keep_sums(reporter: Reporter) {
    loop {
        let begun = tokio::time::Instant::now();
        if let Err(error) = reporter.keep_up(now()).await {
            tracing::error!(%error, "could not keep the sums of reports; tried again");
        }
        tokio::time::sleep(KEEP_SUMS_EVERY.max(begun.elapsed() * 10)).await;
    }
}

/// Looks at once and then now and again.
async fn catch_up(mut catch_up: CatchUp, stored: Arc<Notify>) {
    loop {
        let wait = match catch_up.look().await {
            Ok(caught) => {
                if caught.new > 0 {
                    tracing::info!(caught.events, caught.new, "stored events that were missed");
                    stored.notify_one();
                }
                if caught.is_whole { CATCH_UP_EVERY } else { CATCH_UP_AGAIN }
            }
            Err(error) => {
                tracing::error!(%error, "could not look for what was missed; tried again");
                CATCH_UP_AGAIN
            }
        };
        tokio::time::sleep(wait).await;
    }
}
