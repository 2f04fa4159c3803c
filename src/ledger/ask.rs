//! Questions about single things: what a book was taught of one, who asks for it, what rests on an event, which event types
//! came.

use std::collections::BTreeMap;

use sea_orm::FromQueryResult;

use super::catalogue::{TaughtRow, taught_of};
use super::customer::names;
use super::error::while_doing;
use super::posting::STANDS;
use super::sql::{KEYS_A_STATEMENT, Table, all, marks, number, statement};
use super::{CustomerKey, Ledger, LedgerError, Taught};
use crate::mrr::CustomerId;

/// Deliveries looked at in one statement for their types.
const KINDS_AT_A_TIME: usize = 100_000;
/// Numbers are given before what has them is stored: so far behind the last one, some may still come.
const STORED_LATE: i64 = 1_000;

const KIND_TOLD: Table = Table {
    name: "kind_told",
    columns: &["kind", "newest", "through"],
    tail: "ON CONFLICT (kind) DO UPDATE SET through = excluded.through, newest = CASE \
           WHEN excluded.newest > kind_told.newest THEN excluded.newest ELSE kind_told.newest END",
};

/// A delivery that waits to be settled.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct WaitingEvent {
    /// Its number in the inbox.
    pub seq: i64,
    /// The event.
    pub event: String,
    /// Its type.
    pub kind: String,
    /// When it came.
    pub received_at: i64,
}

/// An event of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct EventAt {
    /// The event.
    pub event: String,
    /// When it was made.
    pub at: i64,
}

/// A stretch of a subscription that is not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The last event before it.
    pub from: Option<EventAt>,
    /// The event that shows that something is missing.
    pub to: EventAt,
}

#[derive(FromQueryResult)]
struct KindRow {
    kind: String,
    newest: i64,
    through: i64,
}

#[derive(FromQueryResult)]
struct CustomerRow {
    customer: String,
}

impl Ledger {
    /// What a book was taught of the price, product, coupon or subscription of this id, in the order of
    /// learning.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn taught_about(&self, book: &str, id: &str) -> Result<Vec<Taught>, LedgerError> {
        let sql =
            "SELECT seq, inbox_seq, part, body FROM catalogue WHERE book = $1 AND topic = $2 ORDER BY seq";
        let values = vec![book.into(), id.into()];
        let rows: Vec<TaughtRow> = all(self.reader(), "read the catalogue", statement(sql, values)).await?;
        rows.iter().map(taught_of).collect()
    }

    /// The customers whose facts refer to the price, product, coupon or subscription of this id.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn asked_by(&self, book: &str, id: &str) -> Result<Vec<CustomerId>, LedgerError> {
        let sql = "SELECT DISTINCT customer FROM asks WHERE book = $1 AND topic = $2 ORDER BY customer";
        let rows: Vec<CustomerRow> =
            all(self.reader(), "read who asks", statement(sql, vec![book.into(), id.into()])).await?;
        Ok(rows.into_iter().map(|row| row.customer.into()).collect())
    }

    /// Those of some customers whose standing movements rest on an event.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn resting_on(
        &self,
        book: &str,
        event: &str,
        among: &[CustomerId],
    ) -> Result<Vec<CustomerId>, LedgerError> {
        let mut resting = Vec::new();
        for chunk in among.chunks(KEYS_A_STATEMENT) {
            let sql = format!(
                "SELECT DISTINCT p.customer FROM posting p WHERE p.book = ? AND p.customer IN ({}) AND p.event = ? \
                 AND {STANDS} ORDER BY p.customer",
                marks(chunk.len())
            );
            let mut values = names(book, chunk.iter().map(CustomerId::as_str));
            values.push(event.into());
            let rows: Vec<CustomerRow> = all(self.reader(), "read postings", statement(sql, values)).await?;
            resting.extend(rows.into_iter().map(|row| CustomerId::from(row.customer)));
        }
        Ok(resting)
    }

    /// The event types that came, each with when its newest event was made.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn kinds_told(&self) -> Result<BTreeMap<String, i64>, LedgerError> {
        let noted = "SELECT kind, newest, through FROM kind_told";
        let noted: Vec<KindRow> =
            all(self.reader(), "read event types", statement(noted, Vec::new())).await?;
        let mut through = noted.iter().map(|row| row.through).max().unwrap_or_default();
        let mut told: BTreeMap<String, i64> = noted.into_iter().map(|row| (row.kind, row.newest)).collect();
        loop {
            let came = self.kinds_behind(through).await?;
            for row in &came {
                let newest = told.entry(row.kind.clone()).or_insert(row.newest);
                *newest = row.newest.max(*newest);
            }
            let last = came.iter().map(|row| row.through).max().unwrap_or_default();
            if last <= through {
                return Ok(told);
            }
            through = last;
        }
    }

    /// Notes which event types came, so that who asks later need not look through the inbox for them. Notes lose
    /// nothing where several servers store at once: what was noted last is looked at again.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn note_kinds(&self) -> Result<(), LedgerError> {
        loop {
            let sql = "SELECT MAX(through) FROM kind_told";
            let through = self.count(sql, Vec::new()).await?;
            let last = self.count("SELECT MAX(seq) FROM inbox", Vec::new()).await?;
            if last <= through {
                return Ok(());
            }
            let came = self.kinds_behind(through).await?;
            let row = |row: KindRow| [row.kind.into(), row.newest.into(), row.through.into()];
            let rows = came.into_iter().flat_map(row).collect();
            let transaction = self.begin().await?;
            KIND_TOLD.insert(&transaction, rows).await?;
            transaction.commit().await.map_err(while_doing("note event types"))?;
        }
    }

    /// The event types of some of the deliveries behind one, and of a few before it.
    async fn kinds_behind(&self, through: i64) -> Result<Vec<KindRow>, LedgerError> {
        let sql = format!(
            "SELECT kind, MAX(created) AS newest, MAX(seq) AS through FROM (\
               SELECT kind, created, seq FROM inbox WHERE seq > $1 ORDER BY seq LIMIT {KINDS_AT_A_TIME}) AS came \
             GROUP BY kind"
        );
        let values = vec![(through - STORED_LATE).into()];
        all(self.reader(), "read event types", statement(sql, values)).await
    }

    /// The deliveries that came before an instant and still wait, oldest first, so many at most.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn waiting_since(&self, before: i64, limit: usize) -> Result<Vec<WaitingEvent>, LedgerError> {
        let sql = "SELECT i.seq, i.event_id AS event, i.kind, i.received_at FROM pending p \
                   CROSS JOIN inbox i WHERE i.seq = p.inbox_seq AND p.received_at < $1 AND p.run IS NULL \
                   ORDER BY p.inbox_seq LIMIT $2";
        let values = vec![before.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()];
        all(self.reader(), "look for what waits", statement(sql, values)).await
    }

    /// Whether a delivery waits to be settled.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn is_waiting(&self, seq: i64) -> Result<bool, LedgerError> {
        let sql = "SELECT COUNT(*) FROM pending WHERE inbox_seq = $1";
        Ok(self.count(sql, vec![seq.into()]).await? > 0)
    }

    /// What is not told before an event of a subscription: between the event before it and itself.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn gap_before(
        &self,
        key: &CustomerKey,
        subscription: &str,
        event: &EventAt,
    ) -> Result<Gap, LedgerError> {
        let sql = "SELECT event_id AS event, at FROM fact WHERE book = $1 AND customer = $2 AND subscription = $3 \
                   AND status IS NOT NULL AND event_id <> $4 AND at <= $5 ORDER BY at DESC, inbox_seq DESC LIMIT 1";
        let values = vec![
            key.book.clone().into(),
            key.customer.to_string().into(),
            subscription.into(),
            event.event.clone().into(),
            event.at.into(),
        ];
        let before: Vec<EventAt> = all(self.reader(), "look for a gap", statement(sql, values)).await?;
        Ok(Gap { from: before.into_iter().next(), to: event.clone() })
    }

    /// Of how many metered items, held since before an instant, no invoice came after it.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn unbilled_meters(&self, since: i64) -> Result<i64, LedgerError> {
        let sql = "SELECT COUNT(*) FROM level l WHERE l.is_metered = 1 AND l.until_at IS NULL \
                   AND l.from_at < $1 AND NOT EXISTS (\
                     SELECT 1 FROM fact f JOIN inbox i ON i.seq = f.inbox_seq \
                     WHERE f.book = l.book AND f.customer = l.customer AND f.subscription = l.subscription \
                     AND f.status IS NULL AND i.kind LIKE 'invoice.%' AND f.at >= $1)";
        self.count(sql, vec![since.into()]).await
    }

    /// Whether anything was told of a subscription before an instant.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn was_told_before(&self, before: i64) -> Result<bool, LedgerError> {
        let sql = "SELECT COUNT(*) FROM (SELECT 1 AS told FROM fact WHERE subscription IS NOT NULL \
                   AND status IS NOT NULL AND at < $1 LIMIT 1) AS first";
        Ok(self.count(sql, vec![before.into()]).await? > 0)
    }

    async fn count(&self, sql: &str, values: Vec<sea_orm::Value>) -> Result<i64, LedgerError> {
        Ok(number(self.reader(), "count", statement(sql, values)).await?.unwrap_or_default())
    }
}
