//! The door and the worker of one process keep step: no more is taken than is settled, once the ledger is late.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// A door waits for a worker that is so many deliveries behind: less than a second's worth even where customers have a long
/// past, and more than a disk that halts for a moment leaves behind, for which answers would wait twice.
const BEHIND: i64 = 1_024;
/// The same in whole seconds, as deliveries are dated, where few of them come.
const LATE_SECONDS: i64 = 2;
/// The door waits no longer than this for the worker, whatever that one does.
const A_TURN: Duration = Duration::from_millis(250);

/// How far the worker is. While it is late, each commit of deliveries waits for a settlement, which is of more of them: so
/// what waits gets less, and who delivers is answered a little later.
#[derive(Debug)]
pub struct Pace {
    /// The oldest delivery that was not settled when last looked; none of all while nothing is left behind.
    oldest: Place,
    /// The delivery that this process stored last.
    newest: Place,
    settled: Notify,
}

/// A delivery's number, and when it came, in unix seconds.
#[derive(Debug)]
struct Place {
    seq: AtomicI64,
    at: AtomicI64,
}

impl Place {
    fn new(seq: i64, at: i64) -> Self {
        Self { seq: AtomicI64::new(seq), at: AtomicI64::new(at) }
    }

    fn put(&self, seq: i64, at: i64) {
        self.seq.store(seq, Ordering::Relaxed);
        self.at.store(at, Ordering::Relaxed);
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self { oldest: Place::new(i64::MAX, i64::MAX), newest: Place::new(0, 0), settled: Notify::new() }
    }
}

impl Pace {
    /// The worker settles from the delivery of a number on, which came then, and leaves more behind.
    pub(super) fn is_behind(&self, seq: i64, at: i64) {
        self.oldest.put(seq, at);
    }

    /// The worker leaves nothing behind, or gives up for now.
    pub(super) fn is_through(&self) {
        self.is_behind(i64::MAX, i64::MAX);
        self.settled.notify_one();
    }

    /// The worker has settled some.
    pub(super) fn has_settled(&self) {
        self.settled.notify_one();
    }

    /// Whether the worker is so late, at a time that is known to have come, that it matters more to get on than to let others
    /// in soon.
    pub(super) fn is_late(&self, now: i64) -> bool {
        self.deliveries_behind() >= BEHIND / 2 || self.seconds_late(now) > 0
    }

    /// The delivery of a number is stored, and all before it, and came now. Waits for a settlement if the worker is late.
    pub(super) async fn keep(&self, seq: i64, now: i64) {
        // A clock that was set back is believed.
        self.newest.put(seq, now);
        if self.deliveries_behind() >= BEHIND || self.seconds_late(now) >= LATE_SECONDS {
            // A worker that is stuck does not keep anybody from being answered.
            let _ = tokio::time::timeout(A_TURN, self.settled.notified()).await;
        }
    }

    /// How many deliveries were stored from the oldest on; not positive while the worker keeps up.
    fn deliveries_behind(&self) -> i64 {
        self.newest.seq.load(Ordering::Relaxed).saturating_sub(self.oldest.seq.load(Ordering::Relaxed))
    }

    /// By how much the worker is behind what was delivered, and behind a time; not positive while it keeps up.
    fn seconds_late(&self, now: i64) -> i64 {
        let newest = self.newest.at.load(Ordering::Relaxed).max(now);
        newest.saturating_sub(self.oldest.at.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a delivery of a number that came now has to wait.
    async fn waits(pace: &Pace, seq: i64, now: i64) -> bool {
        tokio::select! {
            biased;
            () = pace.keep(seq, now) => false,
            () = std::future::ready(()) => true,
        }
    }

    #[tokio::test]
    async fn who_takes_waits_for_who_settles_once_for_each_settlement_and_only_while_that_one_is_late() {
        let pace = Pace::default();
        assert!(!waits(&pace, 9, 1_000).await);
        pace.is_behind(10, 1_000 - LATE_SECONDS);
        assert!(!waits(&pace, 11, 999).await);
        assert!(waits(&pace, 12, 1_000).await);
        pace.has_settled();
        assert!(!waits(&pace, 13, 1_000).await);
        assert!(waits(&pace, 14, 1_000).await);
        pace.is_through();
        assert!(!waits(&pace, 9_999, 9_999).await);
    }

    #[tokio::test]
    async fn so_it_does_behind_many_that_came_in_one_second() {
        let pace = Pace::default();
        pace.is_behind(10, 1_000);
        assert!(!waits(&pace, 9 + BEHIND, 1_000).await);
        assert!(pace.is_late(1_000));
        assert!(waits(&pace, 10 + BEHIND, 1_000).await);
        pace.is_behind(10 + BEHIND / 2, 1_000);
        assert!(!waits(&pace, 10 + BEHIND, 1_000).await);
        assert!(pace.is_late(1_000));
        pace.is_behind(11 + BEHIND / 2, 1_000);
        assert!(!pace.is_late(1_000));
        assert!(pace.is_late(1_001));
    }

    #[tokio::test]
    async fn a_worker_that_does_not_settle_keeps_nobody_for_ever() {
        let pace = Pace::default();
        pace.is_behind(0, 0);
        pace.keep(9_999, 9_999).await;
    }
}
