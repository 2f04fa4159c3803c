//! Where a customer stands: its timeline, and the point from which it can go on.

use std::collections::BTreeMap;
use std::sync::Arc;

use sea_orm::{FromQueryResult, Value};

use super::mirror::{self, read};
use super::sql::{KEYS_A_STATEMENT, all, marks, number, statement, with_customers};
use super::{Ledger, LedgerError, fact};
use crate::mrr::{Checkpoint, CustomerId, Fact, Instant, Start, Timeline};

/// A customer within its book: the unit of order, of locking and of derivation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomerKey {
    /// The book (R13).
    pub book: String,
    /// The customer.
    pub customer: CustomerId,
}

/// What the store knows of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// How often the customer was settled; a settlement names it, so that none is overtaken.
    pub revision: i64,
    /// Its facts, or those after a checkpoint with the checkpoint.
    pub timeline: Timeline,
    /// When it was last settled: what a derivation then saw as the time of the run.
    pub settled_at: Option<Instant>,
    /// The number of the last lesson of its book's catalogue that it was derived with.
    pub catalogue_seq: i64,
}

#[derive(FromQueryResult)]
struct CustomerRow {
    customer: String,
    revision: i64,
    checkpoint: Option<String>,
    settled_at: i64,
    catalogue_seq: i64,
}

#[derive(FromQueryResult)]
struct FactRow {
    customer: String,
    codec: i64,
    body: String,
    packed: Option<Vec<u8>>,
}

#[derive(FromQueryResult)]
struct KeyRow {
    book: String,
    customer: String,
}

impl Ledger {
    /// A customer's timeline; see [`Ledger::known_all`].
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn known(
        &self,
        key: &CustomerKey,
        changed_from: Option<Instant>,
    ) -> Result<Known, LedgerError> {
        let known = self.known_all(&[(key.clone(), changed_from)]).await?;
        Ok(known.into_values().next().unwrap_or_default())
    }

    /// How often a customer was settled; that can be told of one whose timeline can't be read, too.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn revision(&self, key: &CustomerKey) -> Result<i64, LedgerError> {
        let sql = "SELECT revision FROM customer WHERE book = $1 AND customer = $2";
        let values = vec![key.book.clone().into(), key.customer.to_string().into()];
        Ok(number(self.reader(), "read customers", statement(sql, values)).await?.unwrap_or_default())
    }

    /// The timelines of customers, in a few statements for all; those that were never settled are left out.
    /// Of one that has a checkpoint which nothing reaches back to (`changed_from` is later), only what
    /// comes after, and all that is about the customer itself, its discounts, quotes and schedules; `None`
    /// asks for all.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn known_all(
        &self,
        asked: &[(CustomerKey, Option<Instant>)],
    ) -> Result<BTreeMap<CustomerKey, Known>, LedgerError> {
        let mut books: BTreeMap<&str, Vec<(&CustomerId, Option<Instant>)>> = BTreeMap::new();
        for (key, changed_from) in asked {
            books.entry(&key.book).or_default().push((&key.customer, *changed_from));
        }
        let mut known = BTreeMap::new();
        for (book, asked) in books {
            for chunk in asked.chunks(KEYS_A_STATEMENT) {
                for (customer, found) in self.known_in(book, chunk).await? {
                    known.insert(CustomerKey { book: book.to_owned(), customer: customer.into() }, found);
                }
            }
        }
        Ok(known)
    }

    async fn known_in(
        &self,
        book: &str,
        asked: &[(&CustomerId, Option<Instant>)],
    ) -> Result<BTreeMap<String, Known>, LedgerError> {
        // One that is not asked for need not be one that can be read.
        let is_asked = asked.iter().any(|(_, from)| from.is_some());
        let checkpoint = if is_asked { "checkpoint" } else { "CAST(NULL AS TEXT) AS checkpoint" };
        let sql = format!(
            "SELECT customer, revision, {checkpoint}, settled_at, catalogue_seq FROM customer \
             WHERE book = ? AND customer IN ({})",
            marks(asked.len())
        );
        let values = names(book, asked.iter().map(|(customer, _)| customer.as_str()));
        let rows: Vec<CustomerRow> = all(self.reader(), "read customers", statement(sql, values)).await?;
        let changed_from: BTreeMap<&str, Option<Instant>> =
            asked.iter().map(|(customer, from)| (customer.as_str(), *from)).collect();
        let mut known: BTreeMap<String, Known> = BTreeMap::new();
        let (mut whole, mut later) = (Vec::new(), Vec::new());
        for row in rows {
            let from = changed_from.get(row.customer.as_str()).copied().flatten();
            let checkpoint: Option<Checkpoint> = match row.checkpoint.as_ref().filter(|_| from.is_some()) {
                Some(json) => Some(read::<mirror::Checkpoint, _>("a checkpoint", json)?),
                None => None,
            };
            let start = checkpoint.filter(|checkpoint| from.is_some_and(|from| from > checkpoint.at));
            match &start {
                None => whole.push(row.customer.clone()),
                Some(checkpoint) => later.push((row.customer.clone(), checkpoint.clone())),
            }
            let start = start.map(|checkpoint| Start { checkpoint, base: Vec::new() });
            let timeline = Timeline { facts: Vec::new(), start };
            let settled_at = Some(Instant(row.settled_at));
            let found =
                Known { revision: row.revision, timeline, settled_at, catalogue_seq: row.catalogue_seq };
            known.insert(row.customer, found);
        }
        for (customer, fact) in self.whole_facts(book, &whole).await? {
            known.entry(customer).or_default().timeline.facts.push(fact);
        }
        for (customer, fact) in self.later_facts(book, &later).await? {
            known.entry(customer).or_default().timeline.facts.push(fact);
        }
        for (customer, fact) in self.base_facts(book, &later).await? {
            let start = known.get_mut(&customer).and_then(|known| known.timeline.start.as_mut());
            if let (Some(start), Fact::Subscription(snapshot)) = (start, fact) {
                start.base.push(snapshot);
            }
        }
        Ok(known)
    }

    /// The customers that were settled by other rules than these, so many at most.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn outdated_customers(
        &self,
        rules: &str,
        limit: usize,
    ) -> Result<Vec<CustomerKey>, LedgerError> {
        let sql = "SELECT book, customer FROM customer WHERE rules < $1 OR rules > $1 ORDER BY book, customer LIMIT $2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.keys(sql, vec![rules.into(), limit.into()]).await
    }

    /// The customers that have to be derived again because their time has come, so many at most.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn due_customers(&self, now: i64, limit: usize) -> Result<Vec<CustomerKey>, LedgerError> {
        let sql = "SELECT book, customer FROM customer WHERE due_at <= $1 ORDER BY due_at LIMIT $2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.keys(sql, vec![now.into(), limit.into()]).await
    }

    /// The customers of a book, in the order of their ids.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn customers(&self, book: &str) -> Result<Vec<CustomerKey>, LedgerError> {
        let sql = "SELECT book, customer FROM customer WHERE book = $1 ORDER BY customer";
        self.keys(sql, vec![book.into()]).await
    }

    /// The customers of a book whose ids begin so, in the order of their ids, so many at most.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn customers_beginning(
        &self,
        book: &str,
        begins: &str,
        limit: usize,
    ) -> Result<Vec<CustomerKey>, LedgerError> {
        // Ids are compared byte by byte, and no text sorts behind this one that begins so.
        let behind = format!("{begins}\u{10FFFF}");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = "SELECT book, customer FROM customer WHERE book = $1 AND customer >= $2 AND customer < $3 \
                   ORDER BY customer LIMIT $4";
        self.keys(sql, vec![book.into(), begins.into(), behind.into(), limit.into()]).await
    }

    /// The customers of a book, those first that were derived with the least of the book's catalogue.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn customers_by_catalogue(&self, book: &str) -> Result<Vec<CustomerKey>, LedgerError> {
        let sql = "SELECT book, customer FROM customer WHERE book = $1 ORDER BY catalogue_seq, customer";
        self.keys(sql, vec![book.into()]).await
    }

    /// The customers that a subscription belongs to: those of whose settled facts one tells of it.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn customer_of(&self, subscription: &str) -> Result<Vec<CustomerKey>, LedgerError> {
        let sql = "SELECT book, customer FROM attribute WHERE subscription = $1 AND subscription <> '' \
                   ORDER BY book, customer";
        self.keys(sql, vec![subscription.into()]).await
    }

    async fn keys(&self, sql: &str, values: Vec<Value>) -> Result<Vec<CustomerKey>, LedgerError> {
        let rows: Vec<KeyRow> = all(self.reader(), "read customers", statement(sql, values)).await?;
        let key = |row: KeyRow| CustomerKey { book: row.book, customer: row.customer.into() };
        Ok(rows.into_iter().map(key).collect())
    }

    /// All facts of customers.
    async fn whole_facts(&self, book: &str, of: &[String]) -> Result<Vec<(String, Fact)>, LedgerError> {
        let sql = format!(
            "SELECT customer, codec, body, packed FROM fact WHERE book = ? AND customer IN ({}) \
             ORDER BY customer, inbox_seq, part",
            marks(of.len())
        );
        let values = names(book, of.iter().map(String::as_str));
        self.facts(of.is_empty(), sql, values).await
    }

    /// Those after their checkpoints, and those about the customers themselves.
    async fn later_facts(
        &self,
        book: &str,
        of: &[(String, Checkpoint)],
    ) -> Result<Vec<(String, Fact)>, LedgerError> {
        let (sql, values) = later(book, of);
        self.facts(of.is_empty(), sql, values).await
    }

    /// The snapshots that checkpoints name, found by the deliveries of their events.
    async fn base_facts(
        &self,
        book: &str,
        of: &[(String, Checkpoint)],
    ) -> Result<Vec<(String, Fact)>, LedgerError> {
        let events = |(name, checkpoint): &(String, Checkpoint)| {
            let event = |event: &Arc<str>| (name.clone(), event.to_string());
            checkpoint.base.iter().map(event).collect::<Vec<_>>()
        };
        let base: Vec<(String, String)> = of.iter().flat_map(events).collect();
        let mut found = Vec::new();
        for chunk in base.chunks(KEYS_A_STATEMENT) {
            let sql = format!(
                "{} SELECT f.customer, f.codec, f.body, f.packed FROM k CROSS JOIN inbox i CROSS JOIN fact f \
                 WHERE i.event_id = k.event AND f.book = ? AND f.customer = k.customer AND f.inbox_seq = i.seq \
                 AND f.event_id = k.event ORDER BY f.customer, f.inbox_seq, f.part",
                with_customers(chunk.len(), "event")
            );
            let keys = chunk.iter().flat_map(|(name, event)| [name.clone().into(), event.clone().into()]);
            let values = keys.chain([book.into()]).collect();
            found.extend(self.facts(false, sql, values).await?);
        }
        Ok(found)
    }

    async fn facts(
        &self,
        is_nothing: bool,
        sql: String,
        values: Vec<Value>,
    ) -> Result<Vec<(String, Fact)>, LedgerError> {
        if is_nothing {
            return Ok(Vec::new());
        }
        let rows: Vec<FactRow> = all(self.reader(), "read timelines", statement(sql, values)).await?;
        let restored = |row: FactRow| Ok((row.customer, fact::restore(row.codec, row.body, row.packed)?));
        rows.into_iter().map(restored).collect()
    }
}

/// The statement that reads them. Each half has an index of its own: of a customer with a long past, most facts are neither.
fn later(book: &str, of: &[(String, Checkpoint)]) -> (String, Vec<Value>) {
    let half = |which: &str| {
        format!(
            "SELECT f.customer, f.inbox_seq, f.part, f.codec, f.body, f.packed FROM k CROSS JOIN fact f \
             WHERE f.book = ? AND f.customer = k.customer AND {which}"
        )
    };
    let sql = format!(
        "{} {} UNION ALL {} ORDER BY 1, 2, 3",
        with_customers(of.len(), "at"),
        half("f.at > k.at"),
        half("f.subscription IS NULL AND f.at <= k.at")
    );
    let keys = of.iter().flat_map(|(name, checkpoint)| [name.clone().into(), checkpoint.at.0.into()]);
    (sql, keys.chain([book.into(), book.into()]).collect())
}

/// A book and names of its customers, as values.
pub(super) fn names<'n>(book: &str, names: impl Iterator<Item = &'n str>) -> Vec<Value> {
    std::iter::once(Value::from(book)).chain(names.map(Value::from)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sql::plans::Plans;
    use super::*;

    #[tokio::test]
    async fn of_a_long_past_no_facts_are_read_but_those_that_are_needed() {
        let plans = Plans::of_a_new_store().await;
        for count in [1, 2, 7, 26, 64, KEYS_A_STATEMENT] {
            let at = |number| Checkpoint { at: Instant(number), base: Vec::new(), ended: Vec::new() };
            let of: Vec<_> =
                (0..count).zip(0..).map(|(name, number)| (name.to_string(), at(number))).collect();
            let (sql, values) = later("live", &of);
            let steps = plans.steps(&sql, values).await;
            let of_facts: Vec<&String> = steps.iter().filter(|step| step.contains(" f USING")).collect();
            let expected = [
                "SEARCH f USING INDEX fact_at (book=? AND customer=? AND at>?)",
                "SEARCH f USING INDEX fact_customer (book=? AND customer=? AND at<?)",
            ];
            assert_eq!(of_facts, expected, "{count}: {steps:?}");
        }
    }
}
