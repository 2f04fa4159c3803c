//! What other rules settled is brought up to these, and what can't be read any more is told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::settle::{Changed, ENGINE, Heard, Settler, gives_way};
use crate::ledger::{LedgerError, Outcome, Posted, Stored};

/// Customers derived anew in one transaction at most.
const A_BATCH: usize = 128;
/// How many deliveries that can't be read are named.
const NAMED: usize = 5;

/// Stored deliveries that told something once and can't be read now.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    /// Their numbers: one may tell of several customers.
    numbers: BTreeSet<i64>,
    /// The ids of the first ones.
    first: Vec<String>,
}

impl LeftOut {
    /// Hears a delivery that told something when it was settled, and notes it if it can't be read any more.
    pub(super) fn listen(&mut self, heard: &mut Heard, stored: &Stored) {
        heard.listen(stored);
        let is_parked = heard.dispositions.last().is_some_and(|told| told.outcome == Outcome::Parked);
        if is_parked && self.numbers.insert(stored.seq) && self.first.len() < NAMED {
            self.first.push(stored.event_id.clone());
        }
    }

    fn tell(&self) {
        if !self.numbers.is_empty() {
            tracing::error!(
                deliveries = self.numbers.len(),
                first = %self,
                "stored deliveries can't be read any more, and what they said is left out of what was derived anew; \
                 `upswell verify` says what is wrong with them"
            );
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.first.join(", "))
    }
}

impl Settler {
    /// Brings what other rules settled up to these: a new version, another policy, catalogue or time
    /// zone. Parked deliveries are tried again, the catalogue is learnt anew, and customers are derived anew
    /// from the stored bytes; what that changes is posted like any other difference. How many deliveries can't be read
    /// any more, and the first of them, is said in the log.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] of the store; what was done before it stays done.
    pub async fn adopt(&self, now: i64) -> Result<Posted, LedgerError> {
        let mut left_out = LeftOut::default();
        let adopted = self.adopt_all(now, &mut left_out).await;
        // If it broke off too: those that were left out by then are not read again.
        left_out.tell();
        adopted
    }

    async fn adopt_all(&self, now: i64, left_out: &mut LeftOut) -> Result<Posted, LedgerError> {
        self.ledger.retry_parked(ENGINE).await?;
        self.relearn(left_out).await?;
        let mut posted = Posted::default();
        let mut overtaken = 0;
        let rules = self.rules.digest()?;
        loop {
            let outdated = self.ledger.outdated_customers(&rules, A_BATCH).await?;
            if outdated.is_empty() {
                return Ok(posted);
            }
            let mut changed = BTreeMap::new();
            let mut heard = Heard::default();
            for key in outdated {
                for stored in &self.ledger.stored_of(&key).await? {
                    left_out.listen(&mut heard, stored);
                }
                let mut facts = std::mem::take(&mut heard.facts);
                facts.retain(|new| new.key == key);
                changed.insert(key, Changed { facts, is_whole: true });
            }
            heard.dispositions.clear();
            match self.post(changed, heard, now).await {
                Err(error) if gives_way(&error, &mut overtaken) => {}
                more => {
                    overtaken = 0;
                    posted += more?;
                }
            }
        }
    }
}
