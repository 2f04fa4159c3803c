//! The proof (R25): every customer derived again from the stored bytes, and compared with what
//! stands; every month's footing; every stored byte against its digest.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use sha2::{Digest, Sha256};

use super::closed_months;
use super::contained::derive_contained;
use super::parallel::in_parallel;
use super::settle::facts_of;
use super::verify_catalogue::{Lessons, Proofs};
use crate::ledger::{
    CustomerKey, Ledger, LedgerError, Posting, SettlementRules, Stored, Wanted, movement_id,
};
use crate::mrr::{Catalogue, Delta, Derivation, Instant, Level, Month, Movement, Mrr, Timeline, net_month};

/// Deliveries read at a time.
const A_PAGE: usize = 1_000;
/// Customers in memory at once at most, and the bytes of their deliveries, about.
const CUSTOMERS_AT_ONCE: usize = 64;
const BYTES_AT_ONCE: usize = 16 << 20;
/// How often a customer is looked at again that was settled while it was compared.
const TRIES: usize = 5;

/// What was proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Proof {
    /// Stored deliveries whose bytes have the digest they came with.
    pub deliveries: usize,
    /// Customers that derive to what stands.
    pub customers: usize,
    /// Standing movements that were derived again.
    pub movements: usize,
    /// Customers' months that foot.
    pub months: usize,
    /// Closed months whose books are those they were closed with.
    pub closed_months: usize,
}

/// What was found instead of a proof.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The store itself.
    #[error(transparent)]
    Store(#[from] LedgerError),
    /// A stored delivery is not what came.
    #[error(
        "event {event} (inbox {seq}): the stored bytes do not have the digest they came with; the file was changed \
         from outside: restore a backup"
    )]
    Bytes {
        /// The event.
        event: String,
        /// Its number in the inbox.
        seq: i64,
    },
    /// A fact of the catalogue is not what the stored bytes teach.
    #[error(
        "event {event} (inbox {seq}): the catalogue holds something else than the stored bytes teach; the file was \
         changed from outside: restore a backup"
    )]
    Catalogue {
        /// The event, or the listed object.
        event: String,
        /// Its number in the inbox.
        seq: i64,
    },
    /// A closed month is not as it was closed.
    #[error("closed month {month} of book {book}: {what}")]
    Closed {
        /// The month.
        month: Month,
        /// Its book.
        book: String,
        /// What differs, and what to do.
        what: String,
    },
    /// A customer derives to something else than stands.
    #[error("customer {customer} in book {book}: {what}")]
    Differs {
        /// The customer.
        customer: String,
        /// Its book.
        book: String,
        /// The first difference, and what to do.
        what: String,
    },
}

/// Proves the ledger, or one book of it: every customer by the rules that it was settled by, whatever
/// is configured now. While some customers are proved, the next ones are read.
///
/// # Errors
///
/// [`Fault`], with the first customer that differs.
pub async fn verify(ledger: &Ledger, book: Option<&str>) -> Result<Proof, Fault> {
    let mut proof = Proof { deliveries: verify_bytes(ledger).await?, ..Proof::default() };
    for name in ledger.books().await? {
        if book.is_some_and(|book| book != name) {
            continue;
        }
        let mut lessons = Lessons::of(ledger, &name).await?;
        let mut keys = ledger.customers_by_catalogue(&name).await?.into_iter();
        let mut held = hold_some(ledger, &mut keys, &mut lessons).await?;
        while !held.is_empty() {
            let (proved, next) =
                tokio::join!(in_parallel(held, Held::prove), hold_some(ledger, &mut keys, &mut lessons));
            for customer in proved {
                proof.add(customer?);
            }
            held = next?;
        }
        proof.closed_months += closed_months::verify(ledger, &name).await?;
    }
    Ok(proof)
}

/// A customer as the store holds it, all of it of one settlement.
struct Held {
    key: CustomerKey,
    stored: Vec<Stored>,
    standing: Vec<Posting>,
    levels: Vec<Level>,
    rules: SettlementRules,
    /// The time of the run that settled it.
    as_of: Instant,
    lessons: Proofs,
}

/// The next customers, as many as are to be in memory at once; none after the last.
async fn hold_some(
    ledger: &Ledger,
    keys: &mut impl Iterator<Item = CustomerKey>,
    lessons: &mut Lessons,
) -> Result<Vec<Held>, Fault> {
    let (mut held, mut bytes) = (Vec::new(), 0);
    while held.len() < CUSTOMERS_AT_ONCE && bytes < BYTES_AT_ONCE {
        let Some(key) = keys.next() else { break };
        let customer = hold(ledger, key, lessons).await?;
        bytes += customer.stored.iter().map(|stored| stored.body.len()).sum::<usize>();
        held.push(customer);
    }
    Ok(held)
}

async fn hold(ledger: &Ledger, key: CustomerKey, lessons: &mut Lessons) -> Result<Held, Fault> {
    let mut tries = 0;
    loop {
        let before = ledger.known(&key, Some(Instant(i64::MAX))).await?;
        let rules = ledger.rules_of(&key).await?;
        let stored = ledger.stored_of(&key).await?;
        let wanted = Wanted {
            book: Some(key.book.clone()),
            customer: Some(key.customer.to_string()),
            ..Wanted::default()
        };
        let standing = ledger.postings(&wanted).await?;
        let levels = ledger.levels(&key.book, Some(&key.customer)).await?.remove(&key.customer);
        let after = ledger.known(&key, Some(Instant(i64::MAX))).await?;
        if before.revision != after.revision && tries < TRIES {
            tries += 1;
            continue;
        }
        let rules = rules.ok_or_else(|| differs(&key, "the rules it was settled by are missing"))?;
        let learnt = lessons.until(ledger, before.catalogue_seq).await?;
        let rules = SettlementRules { catalogue: Catalogue { learnt, ..rules.catalogue }, ..rules };
        let as_of = before.settled_at.unwrap_or_default();
        let (levels, lessons) = (levels.unwrap_or_default(), lessons.proofs());
        return Ok(Held { key, stored, standing, levels, rules, as_of, lessons });
    }
}

impl Held {
    /// Derives it anew from its bytes, and compares.
    fn prove(self) -> Result<Proof, Fault> {
        let Self { key, stored, standing, levels, rules, as_of, lessons } = self;
        let derived = derived_from_bytes(&key, &stored, &rules, as_of)?;
        compare(&key, &derived, &standing)?;
        compare_evidence(&key, &standing, &stored, &lessons, rules.zone)?;
        let months = foot(&key, &levels, &in_effect(&standing), rules.zone)?;
        Ok(Proof { customers: 1, movements: standing.len(), months, ..Proof::default() })
    }
}

impl Proof {
    fn add(&mut self, more: Self) {
        self.customers += more.customers;
        self.movements += more.movements;
        self.months += more.months;
    }
}

/// From the stored bytes alone, from the start, with what its book had learnt and as of a time: of the run
/// that settled it, for a proof.
pub(super) fn derived_from_bytes(
    key: &CustomerKey,
    stored: &[Stored],
    rules: &SettlementRules,
    as_of: Instant,
) -> Result<Derivation, Fault> {
    let facts = stored.iter().filter_map(|stored| facts_of(stored).ok()).flatten();
    let facts = facts.filter(|fact| *fact.customer() == key.customer).collect();
    let timeline = Timeline { facts, start: None };
    derive_contained(&timeline, rules, as_of.0)
        .map_err(|reason| differs(key, &format!("can't be derived: {reason}")))
}

/// What stands, in the order it took effect, as reports read it.
fn in_effect(standing: &[Posting]) -> Vec<Movement> {
    let mut movements: Vec<Movement> = standing.iter().map(|posting| posting.movement.clone()).collect();
    movements.sort_by_key(|movement| movement.effective_at);
    movements
}

/// Every month foots, each closing is the next opening, and the levels that reports read are those
/// that the movements make.
fn foot(key: &CustomerKey, levels: &[Level], movements: &[Movement], zone: Tz) -> Result<usize, Fault> {
    let instants = movements.iter().map(|movement| movement.effective_at);
    let Some((first, last)) = instants.clone().min().zip(instants.max()) else { return Ok(0) };
    let (first, last) = (Month::of(first, zone), Month::of(last, zone));
    let mut month = first;
    let mut months = 0;
    let mut closing: BTreeMap<String, Mrr> = BTreeMap::new();
    while month <= last {
        let net = net_month(levels, movements, month.start(zone), month.end(zone));
        for (currency, net) in &net.currencies {
            let lanes: Delta = net.cells.iter().map(|cell| cell.delta).sum();
            if net.start + lanes != net.end {
                return Err(differs(key, &format!("{month} does not foot in {currency}")));
            }
            let name = currency.to_string();
            if closing.remove(&name).unwrap_or_default() != net.start {
                let what = format!("{month} does not open in {currency} as the month before closed");
                return Err(differs(key, &what));
            }
            closing.insert(name, net.end);
        }
        let moved = movements.iter().filter(|movement| movement.effective_at < month.end(zone));
        let moved: Delta = moved.map(|movement| movement.delta).sum();
        let held: Mrr = closing.values().copied().sum();
        if held - Mrr::ZERO != moved {
            let what = format!("the levels at the end of {month} are not what the movements make");
            return Err(differs(key, &what));
        }
        months += 1;
        month = month.next();
    }
    Ok(months)
}

/// Every stored delivery against the digest it came with; while some are looked at, the next are read.
async fn verify_bytes(ledger: &Ledger) -> Result<usize, Fault> {
    let mut count = 0;
    let mut page = ledger.stored_after(0, A_PAGE).await?;
    while let Some(last) = page.last() {
        let (after, read) = (last.seq, page.len());
        let (looked_at, next) =
            tokio::join!(in_parallel(page, verify_delivery), ledger.stored_after(after, A_PAGE));
        looked_at.into_iter().collect::<Result<(), Fault>>()?;
        count += read;
        page = next?;
    }
    Ok(count)
}

/// Whether a delivery's bytes have the digest that they came with.
pub(super) fn is_as_it_came(stored: &Stored) -> bool {
    hex::encode(Sha256::digest(&stored.body)) == stored.sha256
}

fn verify_delivery(stored: Stored) -> Result<(), Fault> {
    match is_as_it_came(&stored) {
        true => Ok(()),
        false => Err(Fault::Bytes { event: stored.event_id, seq: stored.seq }),
    }
}

/// What derives against what stands, movement by movement.
fn compare(key: &CustomerKey, derived: &Derivation, standing: &[Posting]) -> Result<(), Fault> {
    let mut stands: BTreeMap<String, usize> = BTreeMap::new();
    for posting in standing {
        // A row changed from outside no longer has the name of what it says.
        let named = movement_id(key, &posting.movement)?;
        if named != posting.id {
            return Err(differs(
                key,
                &format!("posting {} does not say what its name {} stands for", posting.seq, posting.id),
            ));
        }
        *stands.entry(named).or_default() += 1;
    }
    for movement in &derived.movements {
        let id = movement_id(key, movement)?;
        let what = || format!("{} {} of {}", movement.class.as_str(), movement.kind.as_str(), movement.delta);
        match stands.get_mut(&id) {
            Some(count) if *count > 0 => *count -= 1,
            _ => {
                return Err(differs(
                    key,
                    &format!("the stored bytes make a movement ({}) that does not stand", what()),
                ));
            }
        }
    }
    match stands.into_iter().find(|(_, count)| *count > 0) {
        Some((id, _)) => {
            Err(differs(key, &format!("movement {id} stands and the stored bytes do not make it")))
        }
        None => Ok(()),
    }
}

/// What a posting says beside its movement: the month it belongs to, and the stored bytes that prove
/// it.
fn compare_evidence(
    key: &CustomerKey,
    standing: &[Posting],
    stored: &[Stored],
    lessons: &Proofs,
    zone: Tz,
) -> Result<(), Fault> {
    let bytes: BTreeMap<&str, &str> =
        stored.iter().map(|stored| (stored.event_id.as_str(), stored.sha256.as_str())).collect();
    for posting in standing {
        let (seq, evidence) = (posting.seq, &posting.movement.evidence);
        if posting.month != Month::of(posting.movement.effective_at, zone) {
            return Err(differs(key, &format!("posting {seq} is in a month that it did not take effect in")));
        }
        let proves = bytes
            .get(&*evidence.event)
            .copied()
            .or_else(|| lessons.get(&evidence.event).map(|sha256| &**sha256));
        if proves != Some(&*evidence.sha256) {
            return Err(differs(
                key,
                &format!("posting {seq} names evidence that is not among the stored bytes"),
            ));
        }
    }
    Ok(())
}

fn differs(key: &CustomerKey, what: &str) -> Fault {
    let what = format!("{what}; look with `upswell explain {}`", key.customer);
    Fault::Differs { customer: key.customer.to_string(), book: key.book.clone(), what }
}
