//! The door and the worker of one process keep step: no more is taken than is settled, once the ledger is late.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// A door waits for a worker that is late by so much, in whole seconds as deliveries are dated. A disk that halts for a
/// moment does not make it so: answers would wait for it twice.
const LATE_SECONDS: i64 = 2;
/// The door waits no longer than this for the worker, whatever that one does.
const A_TURN: Duration = Duration::from_millis(250);

/// How far the worker is. While it is late, each commit of deliveries waits for a settlement, which is of more of them: so
/// what waits gets less, and who delivers is answered a little later.
#[derive(Debug)]
pub struct Pace {
    /// When the oldest delivery came that was not settled when last looked, in unix seconds; no time of all while nothing
    /// is left behind.
    oldest: AtomicI64,
    /// When the delivery came that this process stored last.
    newest: AtomicI64,
    settled: Notify,
}

impl Default for Pace {
    fn default() -> Self {
        Self { oldest: AtomicI64::new(i64::MAX), newest: AtomicI64::new(0), settled: Notify::new() }
    }
}

impl Pace {
    /// The worker settles what came since then, and leaves more behind.
    pub(super) fn is_behind(&self, oldest: i64) {
        self.oldest.store(oldest, Ordering::Relaxed);
    }

    /// The worker leaves nothing behind, or gives up for now.
    pub(super) fn is_through(&self) {
        self.is_behind(i64::MAX);
        self.settled.notify_one();
    }

    /// The worker has settled some.
    pub(super) fn has_settled(&self) {
        self.settled.notify_one();
    }

    /// By how much the worker is behind what was delivered, and behind a time that is known to have come; not positive while
    /// it keeps up.
    pub(super) fn seconds_late(&self, now: i64) -> i64 {
        let newest = self.newest.load(Ordering::Relaxed).max(now);
        newest.saturating_sub(self.oldest.load(Ordering::Relaxed))
    }

    /// Deliveries are stored, the newest of which came now. Waits for a settlement if the worker is late.
    pub(super) async fn keep(&self, now: i64) {
        // A clock that was set back is believed.
        self.newest.store(now, Ordering::Relaxed);
        if self.seconds_late(now) >= LATE_SECONDS {
            // A worker that is stuck does not keep anybody from being answered.
            let _ = tokio::time::timeout(A_TURN, self.settled.notified()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a delivery that came now has to wait.
    async fn waits(pace: &Pace, now: i64) -> bool {
        tokio::select! {
            biased;
            () = pace.keep(now) => false,
            () = std::future::ready(()) => true,
        }
    }

    #[tokio::test]
    async fn who_takes_waits_for_who_settles_once_for_each_settlement_and_only_while_that_one_is_late() {
        let pace = Pace::default();
        assert!(!waits(&pace, 1_000).await);
        pace.is_behind(1_000 - LATE_SECONDS);
        assert!(!waits(&pace, 999).await);
        assert!(waits(&pace, 1_000).await);
        pace.has_settled();
        assert!(!waits(&pace, 1_000).await);
        assert!(waits(&pace, 1_000).await);
        pace.is_through();
        assert!(!waits(&pace, 9_999).await);
    }

    #[tokio::test]
    async fn a_worker_that_does_not_settle_keeps_nobody_for_ever() {
        let pace = Pace::default();
        pace.is_behind(0);
        pace.keep(9_999).await;
    }
}
