//! The second half of the road: what is stored becomes facts, a customer's facts become movements,
//! and the difference to what stands is posted.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::ledger::{
    CustomerSettlement, Disposition, Ledger, LedgerError, NewFact, Outcome, Posted, Settlement, Stored,
};
use crate::mrr::{
    Catalogue, CustomerId, Derivation, Fact, Instant, Month, Policy, Rules, Start, Timeline, derive,
};
use crate::stripe::{Translation, read, translate};

/// Deliveries settled in one transaction at most.
const A_BATCH: usize = 256;
/// Customers derived again in one transaction at most, when their time has come.
const DUE_CUSTOMERS: usize = 128;
/// How often a settlement is tried again that another process came before.
const TRIES: usize = 10;

/// What a run of the worker did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settled {
    /// Deliveries that have their disposition.
    pub deliveries: usize,
    /// What was posted.
    pub posted: Posted,
}

/// Makes of what is stored what the ledger says.
#[derive(Debug, Clone)]
pub struct Settler {
    /// The store.
    pub ledger: Ledger,
    /// What is known about products and prices.
    pub catalogue: Catalogue,
    /// The choices in force.
    pub policy: Policy,
    /// Their digest, which each posting carries (R23).
    pub policy_digest: String,
    /// The time zone whose calendar months are the periods.
    pub zone: chrono_tz::Tz,
}

/// What a delivery came to: facts for a customer's timeline, or why there are none.
struct Told {
    disposition: Disposition,
    facts: Vec<NewFact>,
}

/// A stored delivery's facts, read again from its bytes.
///
/// # Errors
///
/// The disposition of a delivery that has none: ignored, or parked with its path.
pub fn translated(stored: &Stored) -> Result<Vec<Fact>, (Outcome, String, Option<String>)> {
    let envelope =
        read(&stored.body).map_err(|error| (Outcome::Parked, error.to_string(), Some("$".to_owned())))?;
    match translate(&stored.body, &envelope, &stored.sha256) {
        Translation::Facts(facts) => Ok(facts),
        Translation::Ignored { reason } => Err((Outcome::Ignored, reason.to_owned(), None)),
        Translation::Parked { path, reason } => Err((Outcome::Parked, reason, Some(path))),
    }
}

impl Settler {
    /// Settles everything that is pending, and the customers whose time has come.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] of the store; what was settled before it stays settled.
    pub async fn settle(&self, now: i64) -> Result<Settled, LedgerError> {
        let mut settled = Settled::default();
        loop {
            let pending = self.ledger.pending(A_BATCH).await?;
            if pending.is_empty() {
                break;
            }
            settled.deliveries += pending.len();
            let told: Vec<Told> = pending.iter().map(tell).collect();
            settled.posted += self.post(&told, now).await?;
        }
        loop {
            let due = self.ledger.due_customers(now, DUE_CUSTOMERS).await?;
            if due.is_empty() {
                return Ok(settled);
            }
            settled.posted += self.post_customers(due, now).await?;
        }
    }
}
