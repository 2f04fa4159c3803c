//! Settling much at once, by customer and not by arrival: all that is pending is read first, and then each
//! customer derived once, with everything that came of it.

use std::collections::{BTreeMap, BTreeSet};

use super::parallel::in_parallel;
use super::settle::{Changed, Heard, Settled, Settler, gives_way};
use crate::ledger::{Aside, CustomerKey, Disposition, LedgerError, NewFact, Outcome, Settlement, Stored};

/// Deliveries read at a time.
const A_PAGE: usize = 2_000;
/// Facts settled in one transaction, about: it is over within some tens of milliseconds, and deliveries that
/// come meanwhile get their turn.
const A_STEP: usize = 1_000;

impl Settler {
    /// Settles what is pending, so many deliveries at most. A delivery is pending until its customer is
    /// settled, so that a run that breaks off is gone on with by the next one, whichever way that settles.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] of the store, or of the room beside it; what was settled before it stays settled.
    pub(super) async fn settle_by_customer(&self, most: usize, now: i64) -> Result<Settled, LedgerError> {
        let mut settled = Settled::default();
        let mut aside = self.ledger.aside()?;
        let mut page = self.ledger.pending_after(0, A_PAGE).await?;
        let mut read = 0;
        while let Some(last) = page.last().map(|stored| stored.seq) {
            read += page.len();
            let wanted = A_PAGE.min(most.saturating_sub(read));
            let (heard, next) = tokio::join!(heard_of(page), self.ledger.pending_after(last, wanted));
            settled.add(self.sort(heard, &mut aside, now).await?);
            page = next?;
        }
        while let Some(facts) = aside.take()? {
            settled.add(self.settle_in_steps(facts, now).await?);
        }
        Ok(settled)
    }

    /// Settles what says nothing of customers, what books learn first of all, and lays the rest aside.
    async fn sort(&self, heard: Vec<Heard>, aside: &mut Aside, now: i64) -> Result<Settled, LedgerError> {
        let mut told = Heard::default();
        for mut delivery in heard {
            told.lessons.append(&mut delivery.lessons);
            let customers: BTreeSet<&CustomerKey> = delivery.facts.iter().map(|new| &new.key).collect();
            match customers.len() {
                0 => told.dispositions.append(&mut delivery.dispositions),
                1 => delivery.facts.iter().try_for_each(|new| aside.lay(new))?,
                // It is settled with all of its customers or with none: that is left to the usual way.
                _ => {}
            }
        }
        let deliveries = told.dispositions.len();
        if deliveries == 0 && told.lessons.is_empty() {
            return Ok(Settled::default());
        }
        let posted = match self.post(BTreeMap::new(), told, now).await {
            // Settled by somebody beside us: what is left is found pending.
            Err(LedgerError::Overtaken { .. }) => return Ok(Settled::default()),
            posted => posted?,
        };
        Ok(Settled { deliveries, posted })
    }

    /// Settles customers, some at a time; while one step is written, the next one is derived.
    async fn settle_in_steps(&self, facts: Vec<NewFact>, now: i64) -> Result<Settled, LedgerError> {
        let mut settled = Settled::default();
        let mut ready = None;
        for step in steps(by_customer(facts)) {
            let (written, next) = tokio::join!(self.write_step(ready, now), self.step(step, now));
            settled.add(written?);
            ready = Some(next?);
        }
        settled.add(self.write_step(ready, now).await?);
        Ok(settled)
    }

    /// What is to be settled of customers; what somebody settled meanwhile is no part of it.
    async fn step(
        &self,
        mut facts: BTreeMap<CustomerKey, Vec<NewFact>>,
        now: i64,
    ) -> Result<Settlement, LedgerError> {
        let seqs: BTreeSet<i64> = facts.values().flatten().map(|new| new.inbox_seq).collect();
        let seqs: Vec<i64> = seqs.into_iter().collect();
        let pending = self.ledger.still_pending(&seqs).await?;
        facts.values_mut().for_each(|facts| facts.retain(|new| pending.contains(&new.inbox_seq)));
        facts.retain(|_, facts| !facts.is_empty());
        let disposition =
            |inbox_seq| Disposition { inbox_seq, outcome: Outcome::Settled, reason: None, path: None };
        let heard =
            Heard { dispositions: pending.into_iter().map(disposition).collect(), ..Heard::default() };
        let changed = facts.into_iter().map(|(key, facts)| (key, Changed { facts, is_whole: false }));
        self.prepare(changed.collect(), heard, now).await
    }

    async fn write_step(&self, step: Option<Settlement>, now: i64) -> Result<Settled, LedgerError> {
        let Some(mut step) = step else { return Ok(Settled::default()) };
        let mut overtaken = 0;
        loop {
            match self.commit(&mut step).await {
                Err(error) if gives_way(&error, &mut overtaken) => {
                    step = self.step(by_customer(step.facts), now).await?;
                }
                posted => return Ok(Settled { deliveries: step.dispositions.len(), posted: posted? }),
            }
        }
    }
}

/// What each of these deliveries says.
async fn heard_of(page: Vec<Stored>) -> Vec<Heard> {
    let listen = |stored: Stored| {
        let mut heard = Heard::default();
        heard.listen(&stored);
        heard
    };
    in_parallel(page, listen).await
}

fn by_customer(facts: Vec<NewFact>) -> BTreeMap<CustomerKey, Vec<NewFact>> {
    let mut customers: BTreeMap<CustomerKey, Vec<NewFact>> = BTreeMap::new();
    for new in facts {
        customers.entry(new.key.clone()).or_default().push(new);
    }
    customers
}

/// Customers in steps of about so many facts; a customer stays whole.
fn steps(customers: BTreeMap<CustomerKey, Vec<NewFact>>) -> Vec<BTreeMap<CustomerKey, Vec<NewFact>>> {
    let mut steps = Vec::new();
    let (mut step, mut count) = (BTreeMap::new(), 0);
    for (key, facts) in customers {
        count += facts.len();
        step.insert(key, facts);
        if count >= A_STEP {
            steps.push(std::mem::take(&mut step));
            count = 0;
        }
    }
    if !step.is_empty() {
        steps.push(step);
    }
    steps
}
