//! The one rate limit: requests take turns, whoever sends them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The least time between two requests: 20 a second, below the 25 that Stripe grants a sandbox.
const GAP: Duration = Duration::from_millis(50);

/// When the next request may go out; every clone is the same.
#[derive(Debug, Clone)]
pub(super) struct Pace(Arc<Mutex<Instant>>);

impl Pace {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    /// Waits for a turn.
    pub(super) async fn turn(&self) {
        let at = {
            let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let at = (*next).max(Instant::now());
            *next = at + GAP;
            at
        };
        sleep_until(at).await;
    }

    /// Lets nobody have a turn for a while: Stripe said that there are too many.
    pub(super) fn hold(&self, wait: Duration) {
        let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *next = (*next).max(Instant::now() + wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_are_apart_and_a_hold_is_for_all() {
        let pace = Pace::new();
        let begun = Instant::now();
        for _ in 0..3 {
            pace.clone().turn().await;
        }
        assert!(begun.elapsed() >= GAP * 2);
        pace.hold(GAP * 4);
        let held = Instant::now();
        pace.turn().await;
        assert!(held.elapsed() >= GAP * 3);
    }
}
