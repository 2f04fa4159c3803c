//! Lines of the log that strangers can bring about, a few of them and then how many more there were: else whoever
//! sends much also fills the disk.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// How often a line may come.
const EVERY_SECONDS: i64 = 10;

/// One kind of line.
#[derive(Debug)]
pub(super) struct Quiet {
    next_at: AtomicI64,
    left_out: AtomicU64,
}

impl Quiet {
    pub(super) fn new() -> Self {
        Self { next_at: AtomicI64::new(i64::MIN), left_out: AtomicU64::new(0) }
    }

    /// Whether the line is to be written at `now`, and if so, how many were left out before it.
    pub(super) fn asks(&self, now: i64) -> Option<u64> {
        let next_at = self.next_at.load(Ordering::Relaxed);
        let is_due = now >= next_at;
        let after = now.saturating_add(EVERY_SECONDS);
        let swap = |from| self.next_at.compare_exchange(from, after, Ordering::Relaxed, Ordering::Relaxed);
        if is_due && swap(next_at).is_ok() {
            return Some(self.left_out.swap(0, Ordering::Relaxed));
        }
        self.left_out.fetch_add(1, Ordering::Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_every_ten_seconds_and_says_how_many_did_not() {
        let quiet = Quiet::new();
        assert_eq!(quiet.asks(100), Some(0));
        assert_eq!((quiet.asks(100), quiet.asks(109)), (None, None));
        assert_eq!(quiet.asks(110), Some(2));
        assert_eq!(quiet.asks(200), Some(0));
    }
}
