//! The second half of the road: what is stored becomes facts, a customer's facts become movements,
//! and the difference to what stands is posted.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::Pace;
use super::apart::Standing;
use super::contained::{derive_contained, told_contained};
use super::parallel::in_parallel;
use super::shelf::{Shelf, catalogue_with};
use crate::ledger::{
    CustomerKey, CustomerSettlement, Disposition, Known, Ledger, LedgerError, NewFact, NewLesson, Outcome,
    Posted, Settlement, SettlementRules, Stored,
};
use crate::mrr::{Catalogue, CatalogueFact, Fact, Grade, Instant, Lesson, Policy, Timeline, Topic};
use crate::stripe::{Delivery, Translation};

/// The version that derives; each posting carries it (R23).
pub const ENGINE: &str = concat!("upswell ", env!("CARGO_PKG_VERSION"));

/// Deliveries settled in one transaction at most while others wait for their answers: few while the worker keeps up,
/// and twice as many each time there were more. Sixty-four senders that wait for a large one deliver less than they could, and
/// it may go on so: after a disk had halted, settlements of 256 kept answers waiting for seconds.
const A_BATCH: RangeInclusive<usize> = 16..=64;
/// The same once the worker is late, when it matters more that it gets on.
const A_LATE_BATCH: usize = 256;
/// Customers derived again in one transaction at most, when their time has come.
const DUE_CUSTOMERS: usize = 128;
/// How often in a row a settlement may find that another process came before it. Each time that one got
/// on, and what is left is read anew.
const TRIES: usize = 100;

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
    pub(super) ledger: Ledger,
    pub(super) rules: SettlementRules,
    /// What the books have learnt, as far as it was read.
    pub(super) shelf: Shelf,
    pace: Arc<Pace>,
}

/// Why a stored delivery has no facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoFacts {
    /// Ignored or parked.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
    /// The JSON path that does not fit, if it is parked.
    pub path: Option<String>,
}

/// What a stored delivery says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// Facts about customers.
    pub facts: Vec<Fact>,
    /// What its book learns.
    pub lessons: Vec<CatalogueFact>,
}

/// What a stored delivery says, read from its bytes.
///
/// # Errors
///
/// [`NoFacts`] of a delivery that says nothing.
pub fn told_by(stored: &Stored) -> Result<Told, NoFacts> {
    told_contained(|| {
        let delivery =
            Delivery::read(&stored.body).map_err(|error| parked("$".to_owned(), error.to_string()))?;
        tell(&delivery, &stored.sha256, Instant(stored.received_at))
    })
}

/// What a delivery says that came at an instant.
pub(super) fn told_of(
    delivery: &Delivery<'_>,
    sha256_hex: &str,
    received_at: Instant,
) -> Result<Told, NoFacts> {
    told_contained(|| tell(delivery, sha256_hex, received_at))
}

fn tell(delivery: &Delivery<'_>, sha256_hex: &str, received_at: Instant) -> Result<Told, NoFacts> {
    match delivery.translate(sha256_hex) {
        Translation::Facts(mut facts) => {
            facts.iter_mut().for_each(|fact| shown_at(fact, received_at));
            Ok(Told { facts, lessons: Vec::new() })
        }
        Translation::Learnt { mut catalogue, mut facts } => {
            catalogue.iter_mut().for_each(|fact| seen_at(fact, received_at));
            facts.iter_mut().for_each(|fact| shown_at(fact, received_at));
            Ok(Told { facts, lessons: catalogue })
        }
        Translation::Ignored { reason } => {
            Err(NoFacts { outcome: Outcome::Ignored, reason: reason.to_owned(), path: None })
        }
        Translation::Parked { path, reason } => Err(parked(path, reason)),
    }
}

fn parked(path: String, reason: String) -> NoFacts {
    NoFacts { outcome: Outcome::Parked, reason, path: Some(path) }
}

/// A listed price may ask something else in other currencies than it did when it was made, and a
/// subscription may hold other items: what a list shows holds since it was seen, at the latest.
fn seen_at(fact: &mut CatalogueFact, received_at: Instant) {
    let is_undated = matches!(fact.lesson, Lesson::Price(_) | Lesson::Items { .. });
    if fact.evidence.grade == Grade::Listing && is_undated {
        fact.at = fact.at.max(received_at);
    }
}

/// A listed subscription, schedule or customer is as it was when it was seen; a subscription or a schedule whose
/// period or phase was over by then, as it was in that one, for the list was made in it.
fn shown_at(fact: &mut Fact, received_at: Instant) {
    match fact {
        Fact::Subscription(shown) => {
            if let Some(listed) = shown.listed {
                let seen = listed.lasts_until.map_or(received_at, |until| received_at.min(until));
                shown.at = shown.at.max(seen);
            }
        }
        Fact::Schedule(shown) if !shown.evidence.grade.is_event() => {
            let seen = shown.lasts_until.map_or(received_at, |until| received_at.min(until));
            shown.at = shown.at.max(seen);
        }
        Fact::Customer(shown) if !shown.evidence.grade.is_event() => {
            shown.at = shown.at.max(received_at);
        }
        _ => {}
    }
}

/// A stored delivery's facts.
///
/// # Errors
///
/// [`NoFacts`] of a delivery that says nothing.
pub fn facts_of(stored: &Stored) -> Result<Vec<Fact>, NoFacts> {
    told_by(stored).map(|told| told.facts)
}

/// What is to be derived of a customer.
#[derive(Default)]
pub(super) struct Changed {
    pub(super) facts: Vec<NewFact>,
    /// Whether the facts are the whole timeline, read anew, and not what comes to it.
    pub(super) is_whole: bool,
}

/// A customer about to be derived.
struct Underived {
    key: CustomerKey,
    known: Known,
    facts: Vec<Fact>,
    is_reread: bool,
}

impl Settler {
    /// A settler by a catalogue, a policy, and the time zone whose calendar months are the periods.
    #[must_use]
    pub fn new(ledger: Ledger, catalogue: Catalogue, policy: Policy, zone: chrono_tz::Tz) -> Self {
        let rules = SettlementRules { engine: ENGINE.to_owned(), policy, catalogue, zone };
        Self { ledger, rules, shelf: Shelf::default(), pace: Arc::default() }
    }

    /// How far it is with what is delivered.
    #[must_use]
    pub fn pace(&self) -> Arc<Pace> {
        Arc::clone(&self.pace)
    }

    /// What it settles in.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The rules it settles by.
    #[must_use]
    pub fn rules(&self) -> &SettlementRules {
        &self.rules
    }

    /// Settles everything that is pending, then the customers whose time has come.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] of the store; what was settled before it stays settled.
    pub async fn settle(&self, now: i64) -> Result<Settled, LedgerError> {
        let settled = self.settle_all(now).await;
        self.pace.is_through();
        settled
    }

    async fn settle_all(&self, now: i64) -> Result<Settled, LedgerError> {
        let (mut settled, mut overtaken, mut batch) = (Settled::default(), 0, *A_BATCH.start());
        loop {
            match self.settle_some(batch, now).await {
                Err(error) if gives_way(&error, &mut overtaken) => {}
                Ok(more) if more.deliveries == 0 => break,
                more => {
                    overtaken = 0;
                    let more = more?;
                    batch = if more.deliveries == batch { 2 * batch } else { more.deliveries };
                    let most = if self.pace.is_late(now) { A_LATE_BATCH } else { *A_BATCH.end() };
                    batch = batch.clamp(*A_BATCH.start(), most);
                    settled.add(more);
                }
            }
        }
        loop {
            let due = self.ledger.due_customers(now, DUE_CUSTOMERS).await?;
            if due.is_empty() {
                return Ok(settled);
            }
            let changed = due.into_iter().map(|key| (key, Changed::default())).collect();
            match self.post(changed, Heard::default(), now).await {
                Err(error) if gives_way(&error, &mut overtaken) => {}
                more => {
                    overtaken = 0;
                    settled.posted += more?;
                }
            }
        }
    }

    /// Settles the oldest of what is pending, so many at most, in one transaction; nothing if nothing is.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] of the store; then none of it is settled.
    async fn settle_some(&self, most: usize, now: i64) -> Result<Settled, LedgerError> {
        let pending = self.ledger.pending(most, now).await?;
        // Times are of whole seconds: few that wait are no sign of being late.
        match pending.first().filter(|_| pending.len() == most) {
            Some(oldest) => self.pace.is_behind(oldest.seq, oldest.received_at),
            None => self.pace.is_through(),
        }
        let mut changed: BTreeMap<CustomerKey, Changed> = BTreeMap::new();
        let mut heard = Heard::default();
        pending.iter().for_each(|stored| heard.listen(stored));
        for new in std::mem::take(&mut heard.facts) {
            changed.entry(new.key.clone()).or_default().facts.push(new);
        }
        let posted =
            if pending.is_empty() { Posted::default() } else { self.post(changed, heard, now).await? };
        self.pace.has_settled();
        Ok(Settled { deliveries: pending.len(), posted })
    }

    /// Derives the customers again, with what their books have learnt and learn here, and posts the
    /// difference, in one transaction.
    pub(super) async fn post(
        &self,
        changed: BTreeMap<CustomerKey, Changed>,
        heard: Heard,
        now: i64,
    ) -> Result<Posted, LedgerError> {
        let mut settlement = self.prepare(changed, heard, now).await?;
        self.commit(&mut settlement).await
    }

    /// Derives them, and writes nothing yet.
    pub(super) async fn prepare(
        &self,
        mut changed: BTreeMap<CustomerKey, Changed>,
        heard: Heard,
        now: i64,
    ) -> Result<Settlement, LedgerError> {
        let Heard { dispositions, lessons, .. } = heard;
        let taught = lessons.iter().map(|lesson| lesson.book.as_str());
        let books = changed.keys().map(|key| key.book.as_str()).chain(taught).collect();
        let shelf = self.shelf.up_to_date(&self.ledger, books).await?;
        let mut rules = BTreeMap::new();
        for (book, known) in &shelf {
            let catalogue = catalogue_with(&self.rules.catalogue, book, known, &lessons);
            rules.insert(book.clone(), SettlementRules { catalogue, ..self.rules.clone() });
        }
        Ok(Settlement {
            customers: self.derived_all(&mut changed, rules, &lessons, now).await?,
            now,
            rules: self.rules.clone(),
            dispositions,
            lessons,
            learnt: shelf.into_iter().map(|(book, known)| (book, known.seq)).collect(),
            facts: changed.into_values().flat_map(|changed| changed.facts).collect(),
        })
    }

    /// Writes what was derived. One customer the ledger can't hold, or can't read any more, does not stop the others.
    pub(super) async fn commit(&self, settlement: &mut Settlement) -> Result<Posted, LedgerError> {
        loop {
            match self.ledger.settle(settlement).await {
                Err(LedgerError::DoesNotFit { customer, what, value }) => {
                    let reason = format!("{what} of {value} does not fit into the ledger");
                    let poisoned = settlement.customers.iter_mut().filter(|of| of.key.customer == customer);
                    poisoned.for_each(|of| of.derivation = Err(reason.clone()));
                }
                Err(error) if error.is_of_a_row() => match self.set_aside(settlement).await? {
                    true => {}
                    false => return Err(error),
                },
                settled => return settled,
            }
        }
    }

    /// Customers derived with their new facts, each from its checkpoint if none of them reaches back to it,
    /// and nothing that it asks for is learnt with them.
    async fn derived_all(
        &self,
        changed: &mut BTreeMap<CustomerKey, Changed>,
        rules: BTreeMap<String, SettlementRules>,
        lessons: &[NewLesson],
        now: i64,
    ) -> Result<Vec<CustomerSettlement>, LedgerError> {
        let concerned = self.concerned(changed, lessons).await?;
        let reach = |(key, changed): (&CustomerKey, &Changed)| {
            let reach = changed.facts.iter().map(|new| new.fact.reaches_back_to()).min();
            let is_concerned = concerned.contains(key);
            (key.clone(), (!is_concerned).then(|| reach.unwrap_or(Instant(i64::MAX))))
        };
        let asked: Vec<_> = changed.iter().map(reach).collect();
        let Standing { mut known, set_aside } = self.standing(changed, &asked).await?;
        let underived = |(key, changed): (&CustomerKey, &Changed)| Underived {
            key: key.clone(),
            known: known.remove(key).unwrap_or_default(),
            facts: changed.facts.iter().map(|new| new.fact.clone()).collect(),
            is_reread: changed.is_whole,
        };
        let is_readable = |key: &CustomerKey| set_aside.iter().all(|aside| aside.key != *key);
        let work = changed.iter().filter(|(key, _)| is_readable(key)).map(underived).collect();
        let otherwise = self.rules.clone();
        let derive = move |customer: Underived| {
            let rules = rules.get(&customer.key.book).unwrap_or(&otherwise);
            derived(customer, rules, now)
        };
        let mut customers = in_parallel(work, derive).await;
        customers.extend(set_aside);
        Ok(customers)
    }

    /// The customers that ask for something that is learnt here.
    async fn concerned(
        &self,
        changed: &BTreeMap<CustomerKey, Changed>,
        lessons: &[NewLesson],
    ) -> Result<BTreeSet<CustomerKey>, LedgerError> {
        let mut taught: BTreeMap<&str, BTreeSet<Topic>> = BTreeMap::new();
        for lesson in lessons {
            taught.entry(&lesson.book).or_default().insert(lesson.fact.topic());
        }
        let mut concerned = BTreeSet::new();
        for (book, topics) in taught {
            let of_book = changed.keys().filter(|key| key.book == book);
            let customers: Vec<_> = of_book.map(|key| &key.customer).collect();
            let found = self.ledger.concerned(book, &customers, &topics).await?;
            let key = |customer| CustomerKey { book: book.to_owned(), customer };
            concerned.extend(found.into_iter().map(key));
        }
        Ok(concerned)
    }
}

fn derived(customer: Underived, rules: &SettlementRules, now: i64) -> CustomerSettlement {
    let Underived { key, known, mut facts, is_reread } = customer;
    let mut timeline = if is_reread { Timeline::default() } else { known.timeline };
    timeline.facts.append(&mut facts);
    let since = timeline.start.as_ref().map(|start| start.checkpoint.at);
    let derivation = derive_contained(&timeline, rules, now).map_err(|reason| {
        tracing::error!(customer = %key.customer, reason, "customer could not be derived; others go on");
        reason
    });
    CustomerSettlement { key, revision: known.revision, since, is_reread, derivation }
}

/// Whether a settlement failed only because another process came before it, and is to be begun anew.
pub(super) fn gives_way(error: &LedgerError, overtaken: &mut usize) -> bool {
    *overtaken += 1;
    matches!(error, LedgerError::Overtaken { .. }) && *overtaken <= TRIES
}

/// What stored deliveries come to.
#[derive(Clone, Default)]
pub(super) struct Heard {
    pub(super) dispositions: Vec<Disposition>,
    pub(super) facts: Vec<NewFact>,
    pub(super) lessons: Vec<NewLesson>,
}

impl Heard {
    pub(super) fn listen(&mut self, stored: &Stored) {
        self.hear(stored.seq, &stored.book, told_by(stored));
    }

    /// What the delivery of a number says, in a book.
    pub(super) fn hear(&mut self, inbox_seq: i64, book: &str, told: Result<Told, NoFacts>) {
        let disposition = |outcome, reason, path| Disposition { inbox_seq, outcome, reason, path };
        let told = match told {
            Ok(told) => told,
            Err(NoFacts { outcome, reason, path }) => {
                return self.dispositions.push(disposition(outcome, Some(reason), path));
            }
        };
        self.dispositions.push(disposition(Outcome::Settled, None, None));
        self.facts.extend((0..).zip(told.facts).map(|(part, fact)| {
            let key = CustomerKey { book: book.to_owned(), customer: fact.customer().clone() };
            NewFact::of(key, inbox_seq, part, fact)
        }));
        let lesson = |(part, fact)| NewLesson { book: book.to_owned(), inbox_seq, part, fact };
        self.lessons.extend((0..).zip(told.lessons).map(lesson));
    }
}

impl Settled {
    pub(super) fn add(&mut self, more: Self) {
        self.deliveries += more.deliveries;
        self.posted += more.posted;
    }
}
