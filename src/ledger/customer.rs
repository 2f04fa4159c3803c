//! Where a customer stands: its timeline, and the point from which it can go on.

use sea_orm::{FromQueryResult, Value};

use super::mirror::{self, read};
use super::sql::{all, one, placeholders, statement};
use super::{Ledger, LedgerError};
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
    revision: i64,
    checkpoint: Option<String>,
    settled_at: i64,
    catalogue_seq: i64,
}

#[derive(FromQueryResult)]
struct FactRow {
    body: String,
}

#[derive(FromQueryResult)]
struct KeyRow {
    book: String,
    customer: String,
}

impl Ledger {
    /// A customer's timeline. If it has a checkpoint and nothing reaches back to it
    /// (`changed_from` is later), only what comes after, and all that is about the customer itself, its
    /// discounts and its quotes; `None` asks for all.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn known(
        &self,
        key: &CustomerKey,
        changed_from: Option<Instant>,
    ) -> Result<Known, LedgerError> {
        let names = vec![Value::from(key.book.clone()), key.customer.to_string().into()];
        let sql = "SELECT revision, checkpoint, settled_at, catalogue_seq FROM customer \
                   WHERE book = $1 AND customer = $2";
        let row: Option<CustomerRow> =
            one(self.reader(), "read a customer", statement(sql, names.clone())).await?;
        let Some(row) = row else { return Ok(Known::default()) };
        let checkpoint: Option<Checkpoint> = match &row.checkpoint {
            Some(json) => Some(read::<mirror::Checkpoint, _>("a checkpoint", json)?),
            None => None,
        };
        let start = checkpoint.filter(|checkpoint| changed_from.is_some_and(|from| from > checkpoint.at));
        let timeline = match start {
            None => Timeline { facts: self.facts(key, "", Vec::new()).await?, start: None },
            Some(checkpoint) => {
                let which = "AND (at > $3 OR subscription IS NULL)";
                let facts = self.facts(key, which, vec![checkpoint.at.0.into()]).await?;
                let base = self.base(key, &checkpoint).await?;
                Timeline { facts, start: Some(Start { checkpoint, base }) }
            }
        };
        let settled_at = Some(Instant(row.settled_at));
        Ok(Known { revision: row.revision, timeline, settled_at, catalogue_seq: row.catalogue_seq })
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

    /// The same, those first that were derived with the least of the book's catalogue.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn customers_by_catalogue(&self, book: &str) -> Result<Vec<CustomerKey>, LedgerError> {
        let sql = "SELECT book, customer FROM customer WHERE book = $1 ORDER BY catalogue_seq, customer";
        self.keys(sql, vec![book.into()]).await
    }

    /// The customer that a subscription belongs to, by its facts.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn customer_of(&self, subscription: &str) -> Result<Vec<CustomerKey>, LedgerError> {
        let sql = "SELECT DISTINCT book, customer FROM fact WHERE subscription = $1 ORDER BY book, customer";
        self.keys(sql, vec![subscription.into()]).await
    }

    async fn keys(&self, sql: &str, values: Vec<Value>) -> Result<Vec<CustomerKey>, LedgerError> {
        let rows: Vec<KeyRow> = all(self.reader(), "read customers", statement(sql, values)).await?;
        let key = |row: KeyRow| CustomerKey { book: row.book, customer: row.customer.into() };
        Ok(rows.into_iter().map(key).collect())
    }

    /// The snapshots that a checkpoint names.
    async fn base(
        &self,
        key: &CustomerKey,
        checkpoint: &Checkpoint,
    ) -> Result<Vec<crate::mrr::Snapshot>, LedgerError> {
        let events = checkpoint.base.iter().map(|event| Value::from(event.to_string())).collect();
        let names = format!("AND event_id IN ({})", placeholders(3, checkpoint.base.len()));
        let facts = self.facts(key, &names, events).await?;
        let snapshots = facts.into_iter().filter_map(|fact| match fact {
            Fact::Subscription(snapshot) => Some(snapshot),
            _ => None,
        });
        Ok(snapshots.collect())
    }

    async fn facts(
        &self,
        key: &CustomerKey,
        which: &str,
        mut more: Vec<Value>,
    ) -> Result<Vec<Fact>, LedgerError> {
        let sql = format!(
            "SELECT body FROM fact WHERE book = $1 AND customer = $2 {which} ORDER BY inbox_seq, part"
        );
        let mut values = vec![Value::from(key.book.clone()), key.customer.to_string().into()];
        values.append(&mut more);
        let rows: Vec<FactRow> = all(self.reader(), "read a timeline", statement(sql, values)).await?;
        rows.iter().map(|row| read::<mirror::Fact, _>("a fact", &row.body)).collect()
    }
}
