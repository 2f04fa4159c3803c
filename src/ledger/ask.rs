//! Questions about single things: what a book was taught of one, who asks for it, which event types came.

use std::collections::BTreeMap;

use sea_orm::FromQueryResult;

use super::catalogue::{TaughtRow, taught_of};
use super::sql::{all, statement};
use super::{CustomerKey, Ledger, LedgerError, Taught};
use crate::mrr::CustomerId;

/// What came of one event type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindTold {
    /// How many events.
    pub count: i64,
    /// When the newest of them was made.
    pub newest: i64,
}

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
    count: i64,
    newest: i64,
}

#[derive(FromQueryResult)]
struct CustomerRow {
    customer: String,
}

#[derive(FromQueryResult)]
struct CountRow {
    count: i64,
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

    /// The event types that came, each with how many and the newest.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn kinds_told(&self) -> Result<BTreeMap<String, KindTold>, LedgerError> {
        let sql = "SELECT kind, COUNT(*) AS count, MAX(created) AS newest FROM inbox GROUP BY kind";
        let rows: Vec<KindRow> = all(self.reader(), "count event types", statement(sql, Vec::new())).await?;
        let told = |row: KindRow| (row.kind, KindTold { count: row.count, newest: row.newest });
        Ok(rows.into_iter().map(told).collect())
    }

    /// The deliveries that came before an instant and still wait, oldest first, so many at most.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn waiting_since(&self, before: i64, limit: usize) -> Result<Vec<WaitingEvent>, LedgerError> {
        let sql = "SELECT i.seq, i.event_id AS event, i.kind, i.received_at FROM pending p \
                   JOIN inbox i ON i.seq = p.inbox_seq WHERE p.received_at < $1 AND p.run IS NULL ORDER BY i.seq LIMIT $2";
        let values = vec![before.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()];
        all(self.reader(), "look for what waits", statement(sql, values)).await
    }

    /// Whether a delivery waits to be settled.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn is_waiting(&self, seq: i64) -> Result<bool, LedgerError> {
        let sql = "SELECT COUNT(*) AS count FROM pending WHERE inbox_seq = $1";
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
        let sql = "SELECT COUNT(*) AS count FROM level l WHERE l.is_metered = 1 AND l.until_at IS NULL \
                   AND l.from_at < $1 AND NOT EXISTS (\
                     SELECT 1 FROM fact f JOIN inbox i ON i.seq = f.inbox_seq \
                     WHERE f.book = l.book AND f.customer = l.customer AND f.subscription = l.subscription \
                     AND f.status IS NULL AND i.kind LIKE 'invoice.%' AND f.at >= $1)";
        self.count(sql, vec![since.into()]).await
    }

    /// Of how many subscriptions something was told before an instant.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn subscriptions_told(&self, before: i64) -> Result<i64, LedgerError> {
        let sql = "SELECT COUNT(DISTINCT book || ' ' || subscription) AS count FROM fact \
                   WHERE subscription IS NOT NULL AND status IS NOT NULL AND at < $1";
        self.count(sql, vec![before.into()]).await
    }

    async fn count(&self, sql: &str, values: Vec<sea_orm::Value>) -> Result<i64, LedgerError> {
        let rows: Vec<CountRow> = all(self.reader(), "count", statement(sql, values)).await?;
        Ok(rows.first().map_or(0, |row| row.count))
    }
}
