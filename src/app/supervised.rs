//! Work that a defect does not end for good: it is begun again after a rest.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use crate::metrics::Metrics;

/// How long work that a defect ended rests before it is begun again: at first, and at most, for it is twice as long each
/// time. Not for anybody to set: a defect comes again however long the rest is.
const RESTS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];

/// Starts work that goes on until it is told to stop and ends by itself then; begun again by `begin` each time that a
/// defect ends it.
pub(super) fn start<W>(
    what: &'static str,
    begin: impl Fn() -> W + Send + 'static,
    stopped: watch::Receiver<bool>,
    metrics: Metrics,
) -> JoinHandle<()>
where
    W: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(keep_going(what, begin, RESTS, stopped, metrics))
}

/// Starts work that goes on for ever, until its task is aborted, and that ends with it.
pub(super) fn start_endless<W>(
    what: &'static str,
    begin: impl Fn() -> W + Send + 'static,
    metrics: Metrics,
) -> JoinHandle<()>
where
    W: Future<Output = ()> + Send + 'static,
{
    let (_, nobody) = watch::channel(false);
    start(what, begin, nobody, metrics)
}

async fn keep_going<W>(
    what: &'static str,
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
        // A set, because what is in it ends when this task is aborted.
        let mut work = JoinSet::new();
        work.spawn(begin());
        if !matches!(work.join_next().await, Some(Err(_))) {
            return;
        }
        metrics.worker_failed(true);
        tracing::error!(what, "a defect ended what works in the background; it is begun again");
        if is_last {
            return;
        }
        if begun.elapsed() > most {
            rest = first;
        }
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            () = told(&mut stopped) => {}
        }
        rest = most.min(2 * rest);
    }
}

/// Done when it is told to stop: never, if nobody is there to tell it.
async fn told(stopped: &mut watch::Receiver<bool>) {
    if stopped.wait_for(|is_told| *is_told).await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, clippy::unwrap_used)]
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::{Notify, oneshot};

    use super::*;

    /// Work that a defect ends so many times before it goes on to its end; how often it was begun, and what the metrics say.
    async fn begun(defects: usize, stopped: watch::Receiver<bool>) -> (usize, String) {
        let (count, metrics) = (Arc::new(AtomicUsize::new(0)), Metrics::new().unwrap());
        let begin = {
            let count = Arc::clone(&count);
            move || {
                let number = count.fetch_add(1, Ordering::Relaxed);
                async move { assert!(number >= defects, "a defect") }
            }
        };
        keep_going("work", begin, [Duration::ZERO; 2], stopped, metrics.clone()).await;
        (count.load(Ordering::Relaxed), metrics.text().unwrap())
    }

    #[tokio::test]
    async fn work_that_a_defect_ends_is_begun_again_and_told_whoever_may_stop_it() {
        for defects in [0, 1, 3] {
            let ((_stop, stopped), (_, nobody)) = (watch::channel(false), watch::channel(false));
            for stopped in [stopped, nobody] {
                let (count, metrics) = begun(defects, stopped).await;
                assert_eq!(count, defects + 1);
                let told = format!("upswell_worker_failures_total{{reason=\"defect\"}} {defects}");
                assert!(metrics.lines().any(|line| line == told), "{metrics}");
            }
        }
    }

    #[tokio::test]
    async fn work_that_is_told_to_stop_is_not_begun_for_ever() {
        let (_stop, stopped) = watch::channel(true);
        assert_eq!(begun(3, stopped).await.0, 1);
    }

    #[tokio::test]
    async fn without_anybody_to_stop_it_the_rest_is_taken_all_the_same() {
        let (_, nobody) = watch::channel(false);
        let count = Arc::new(AtomicUsize::new(0));
        let begin = {
            let count = Arc::clone(&count);
            move || {
                count.fetch_add(1, Ordering::Relaxed);
                async { panic!("a defect") }
            }
        };
        let long = Duration::from_secs(3_600);
        let task = tokio::spawn(keep_going("work", begin, [long; 2], nobody, Metrics::new().unwrap()));
        while count.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(count.load(Ordering::Relaxed), 1);
        task.abort();
    }

    #[tokio::test]
    async fn endless_work_ends_with_its_task() {
        let (is_dropped, was_dropped) = oneshot::channel::<()>();
        let (begun, given) = (Arc::new(Notify::new()), std::sync::Mutex::new(Some(is_dropped)));
        let begin = {
            let begun = Arc::clone(&begun);
            move || {
                let (begun, held) = (Arc::clone(&begun), given.lock().unwrap().take());
                async move {
                    begun.notify_one();
                    std::future::pending::<()>().await;
                    drop(held);
                }
            }
        };
        let task = start_endless("work", begin, Metrics::new().unwrap());
        begun.notified().await;
        task.abort();
        assert!(was_dropped.await.is_err(), "what it held is gone with it");
    }
}
