//! The road as it is watched from outside: what waits, what is stuck, what was posted since.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::ledger::{Gauges, Ledger, LedgerError, PostedCount};

/// What a look at the ledger shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readings {
    /// Deliveries that wait to be settled.
    pub pending: i64,
    /// The age of the oldest of them that the worker is to settle; 0 if none is.
    pub lag_seconds: i64,
    /// Deliveries that can't be used by this version.
    pub parked: i64,
    /// Items that stand at their last known level, for something about them is missing.
    pub incomplete: i64,
    /// Reports that somebody is to have and that could not be sent.
    pub unsent_reports: i64,
    /// What was posted since the look before this one, by whomever.
    pub posted: Vec<PostedCount>,
}

/// Looks at the ledger, and remembers up to where it has counted postings.
#[derive(Debug)]
pub struct Watch {
    ledger: Ledger,
    counted_to: AtomicI64,
}

impl Watch {
    /// Counts what is posted from now on.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn begin(ledger: Ledger) -> Result<Self, LedgerError> {
        let counted_to = AtomicI64::new(ledger.gauges().await?.last_posting);
        Ok(Self { ledger, counted_to })
    }

    /// How the ledger stands at `now`.
    ///
    /// # Errors
    ///
    /// The store's refusal; what was posted meanwhile is told by the next look.
    pub async fn read(&self, now: i64) -> Result<Readings, LedgerError> {
        let Gauges { pending, oldest_pending_at, parked, incomplete, unsent_reports, last_posting } =
            self.ledger.gauges().await?;
        let counted_to = self.counted_to.load(Ordering::Acquire);
        let mut posted = Vec::new();
        if last_posting > counted_to {
            posted = self.ledger.posted_between(counted_to, last_posting).await?;
            // Of two looks at once, the one that comes second has nothing to tell.
            let first = self.counted_to.compare_exchange(
                counted_to,
                last_posting,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            if first.is_err() {
                posted.clear();
            }
        }
        let lag_seconds = oldest_pending_at.map_or(0, |oldest| (now - oldest).max(0));
        Ok(Readings { pending, lag_seconds, parked, incomplete, unsent_reports, posted })
    }
}
