//! Facts as rows: those of the timelines, each with what it is found by and its stored form.

use sea_orm::{ConnectionTrait, Value};

use super::mirror::{self, read_bytes, write};
use super::open::run;
use super::sql::{Table, statement};
use super::{CustomerKey, LedgerError, Packed};
use crate::mrr::Fact;

/// A fact for a timeline.
#[derive(Debug, Clone)]
pub struct NewFact {
    /// Whose.
    pub key: CustomerKey,
    /// The delivery that says it.
    pub inbox_seq: i64,
    /// Which of the delivery's facts it is, from 0.
    pub part: i64,
    /// The fact.
    pub fact: Fact,
    /// Its row, where that is made already; it is taken when it is written.
    pub(super) row: Option<Vec<Value>>,
}

impl NewFact {
    /// The fact that a delivery says as its `part`-th one, from 0.
    #[must_use]
    pub fn of(key: CustomerKey, inbox_seq: i64, part: i64, fact: Fact) -> Self {
        Self { key, inbox_seq, part, fact, row: None }
    }

    /// The same, with its row from a stored form.
    pub(super) fn of_packed(
        key: CustomerKey,
        inbox_seq: i64,
        part: i64,
        packed: Packed,
    ) -> Result<Self, LedgerError> {
        let fact = unpack("a fact laid aside", packed.clone())?;
        let new = Self::of(key, inbox_seq, part, fact);
        let row = new.row_of(packed);
        Ok(Self { row: Some(row), ..new })
    }

    fn take_row(&mut self) -> Result<Vec<Value>, LedgerError> {
        match self.row.take() {
            Some(row) => Ok(row),
            None => Ok(self.row_of(pack(&self.fact)?)),
        }
    }

    fn row_of(&self, packed: Packed) -> Vec<Value> {
        let (subscription, event, status) = match &self.fact {
            Fact::Subscription(fact) => {
                let status = mirror::status_word(fact.state.status);
                (Some(fact.subscription.to_string()), &fact.evidence.event, Some(status))
            }
            Fact::Usage(fact) => (Some(fact.subscription.to_string()), &fact.evidence.event, None),
            Fact::Customer(fact) => (None, &fact.evidence.event, None),
            // Of the customer, whatever it is a discount on: it is at hand from any checkpoint on.
            Fact::Discount(fact) => (None, &fact.evidence.event, None),
            // So is a quote: whether it stands behind a change is asked wherever one goes on from.
            Fact::Quote(fact) => (None, &fact.evidence.event, None),
            // And a schedule, which may change a subscription that has no name yet.
            Fact::Schedule(fact) => (None, &fact.evidence.event, None),
            Fact::Billed(fact) => (Some(fact.subscription.to_string()), &fact.evidence.event, None),
            Fact::Change(fact) => (Some(fact.subscription.to_string()), &fact.evidence.event, None),
        };
        let codec = packed.codec;
        let (text, packed) = match packed.is_plain() {
            true => (String::from_utf8_lossy(&packed.bytes).into_owned(), None),
            false => (String::new(), Some(packed.bytes)),
        };
        vec![
            Value::from(self.key.book.clone()),
            self.key.customer.to_string().into(),
            self.inbox_seq.into(),
            self.part.into(),
            self.fact.at().0.into(),
            self.fact.reaches_back_to().0.into(),
            subscription.into(),
            event.to_string().into(),
            status.into(),
            codec.into(),
            text.into(),
            packed.into(),
        ]
    }
}

/// The table of timelines.
pub(super) const FACT: Table = Table {
    name: "fact",
    columns: &[
        "book",
        "customer",
        "inbox_seq",
        "part",
        "at",
        "reaches_back_to",
        "subscription",
        "event_id",
        "status",
        "codec",
        "body",
        "packed",
    ],
    // Read again from the same bytes by a newer version, it may say something else.
    tail: "ON CONFLICT (book, customer, inbox_seq, part) DO UPDATE SET at = excluded.at, \
           reaches_back_to = excluded.reaches_back_to, subscription = excluded.subscription, \
           event_id = excluded.event_id, status = excluded.status, codec = excluded.codec, body = excluded.body, \
           packed = excluded.packed",
};

/// The rows of facts, to be added to their timelines.
///
/// # Errors
///
/// A fact that can't be written.
pub(super) fn rows(facts: &mut [NewFact]) -> Result<Vec<Value>, LedgerError> {
    let mut values = Vec::with_capacity(facts.len() * FACT.columns.len());
    for fact in facts {
        values.append(&mut fact.take_row()?);
    }
    Ok(values)
}

/// Makes room for a timeline that was read anew: what an older version read out of an event, this one may
/// not. The bytes stay.
///
/// # Errors
///
/// The store's refusal.
pub(super) async fn forget<C: ConnectionTrait>(db: &C, key: &CustomerKey) -> Result<(), LedgerError> {
    let sql = "DELETE FROM fact WHERE book = $1 AND customer = $2";
    let values = vec![key.book.clone().into(), key.customer.to_string().into()];
    run(db, "settle", statement(sql, values)).await.map(drop)
}

/// The stored form of a fact.
///
/// # Errors
///
/// A fact that can't be written.
pub(super) fn pack(fact: &Fact) -> Result<Packed, LedgerError> {
    Ok(Packed::of_fact(&write::<mirror::Fact, _>(fact)?))
}

/// The fact of a stored form.
///
/// # Errors
///
/// A stored form that can't be read.
pub(super) fn unpack(what: &'static str, packed: Packed) -> Result<Fact, LedgerError> {
    read_bytes::<mirror::Fact, _>(what, &packed.unpack())
}

/// The fact of a row's `codec`, `body` and `packed`.
///
/// # Errors
///
/// As of [`unpack`].
pub(super) fn restore(codec: i64, body: String, packed: Option<Vec<u8>>) -> Result<Fact, LedgerError> {
    unpack("a fact", Packed { codec, bytes: packed.unwrap_or_else(|| body.into_bytes()) })
}
