//! What is laid aside becomes settlements of some customers each: while one is written, the next is derived.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::parallel::in_parallel;
use super::settle::{Changed, Heard, Settler, gives_way};
use crate::ledger::{Aside, CustomerKey, LaidFact, Ledger, LedgerError, NewFact, Posted, Settlement};

/// Facts settled in one transaction, about, and documents stored in one.
const A_STEP: usize = 1_000;
/// The same while others write as well: it is over within some tens of milliseconds, and deliveries that come
/// meanwhile get their turn.
const A_SHORT_STEP: usize = 250;

/// How much is written in one transaction now.
pub(super) fn a_step(ledger: &Ledger) -> usize {
    if ledger.is_shared() { A_SHORT_STEP } else { A_STEP }
}

/// Settles customers, some at a time.
#[derive(Debug, Clone)]
pub(super) struct Steps {
    settler: Settler,
    now: fn() -> i64,
}

impl Steps {
    /// Steps of a settler, with the time of the run.
    pub(super) fn new(settler: Settler, now: fn() -> i64) -> Self {
        Self { settler, now }
    }

    /// Derives what is laid aside, a step ahead of whoever writes them.
    pub(super) fn derive_ahead(&self, laid: Aside) -> Receiver<Result<Settlement, LedgerError>> {
        let (derived, receiver) = channel(1);
        let steps = self.clone();
        tokio::spawn(async move {
            if let Err(error) = steps.derive_all(laid, &derived).await {
                // Nobody listens to a run that failed elsewhere.
                let _ = derived.send(Err(error)).await;
            }
        });
        receiver
    }

    async fn derive_all(
        &self,
        laid: Aside,
        derived: &Sender<Result<Settlement, LedgerError>>,
    ) -> Result<(), LedgerError> {
        let mut sorted = laid.sorted()?;
        loop {
            let facts = sorted.take(a_step(self.settler.ledger()))?;
            if facts.is_empty() || derived.send(self.derive(facts).await).await.is_err() {
                return Ok(());
            }
        }
    }

    async fn derive(&self, facts: BTreeMap<CustomerKey, Vec<LaidFact>>) -> Result<Settlement, LedgerError> {
        let read = in_parallel(facts.into_iter().collect(), |(key, facts): (CustomerKey, Vec<LaidFact>)| {
            let facts = facts.into_iter().map(LaidFact::read).collect::<Result<Vec<NewFact>, _>>();
            facts.map(|facts| (key, facts))
        });
        let facts = read.await.into_iter().collect::<Result<BTreeMap<_, _>, _>>()?;
        self.derive_of(facts).await
    }

    /// What is to be settled of customers; what somebody settled meanwhile is no part of it.
    async fn derive_of(
        &self,
        mut facts: BTreeMap<CustomerKey, Vec<NewFact>>,
    ) -> Result<Settlement, LedgerError> {
        let seqs: BTreeSet<i64> = facts.values().flatten().map(|new| new.inbox_seq).collect();
        let seqs: Vec<i64> = seqs.into_iter().collect();
        let pending = self.settler.ledger().still_pending(&seqs).await?;
        if pending.len() < seqs.len() {
            facts.values_mut().for_each(|facts| facts.retain(|new| pending.contains(&new.inbox_seq)));
            facts.retain(|_, facts| !facts.is_empty());
        }
        let changed = facts.into_iter().map(|(key, facts)| (key, Changed { facts, is_whole: false }));
        self.settler.prepare(changed.collect(), Heard::default(), (self.now)()).await
    }

    /// Writes a step; if another process settled some of it meanwhile, what is left of it, derived anew.
    pub(super) async fn write(&self, mut step: Settlement) -> Result<Posted, LedgerError> {
        let mut overtaken = 0;
        loop {
            match self.settler.commit(&mut step).await {
                Err(error) if gives_way(&error, &mut overtaken) => {
                    let mut facts: BTreeMap<CustomerKey, Vec<NewFact>> = BTreeMap::new();
                    for new in step.facts {
                        facts.entry(new.key.clone()).or_default().push(new);
                    }
                    step = self.derive_of(facts).await?;
                }
                posted => return posted,
            }
        }
    }
}
