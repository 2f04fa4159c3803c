//! What Stripe's API is to be asked for: topics that customers ask for and that no answer of it has told yet,
//! or not since they changed (R4).

use sea_orm::FromQueryResult;

use super::sql::{all, statement};
use super::{Ledger, LedgerError};
use crate::mrr::Topic;

/// A topic that the API may tell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Untold {
    /// The book (R13).
    pub book: String,
    /// What.
    pub topic: Topic,
    /// The number of the newest delivery about it: asked again only where that has changed.
    pub since_seq: i64,
}

#[derive(FromQueryResult)]
struct UntoldRow {
    book: String,
    kind: String,
    topic: String,
    since_seq: i64,
}

impl Ledger {
    /// The topics that customers ask for and that the API has not told: prices, again after each of their
    /// events, which leave out tiers and currencies; coupons; products that nothing told of; the items of
    /// subscriptions whose payloads leave some out, again after each of their events.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn untold_topics(&self) -> Result<Vec<Untold>, LedgerError> {
        let sql = "WITH asked AS (SELECT DISTINCT book, kind, topic FROM asks), \
                   told AS (\
                     SELECT c.book, c.kind, c.topic, \
                       MAX(CASE WHEN i.source = 'api' THEN c.inbox_seq END) AS by_api, MAX(c.inbox_seq) AS newest \
                     FROM catalogue c JOIN inbox i ON i.seq = c.inbox_seq GROUP BY c.book, c.kind, c.topic), \
                   changed AS (\
                     SELECT a.book, a.topic, MAX(f.inbox_seq) AS newest FROM asks a \
                     JOIN fact f ON f.book = a.book AND f.customer = a.customer AND f.subscription = a.topic \
                     WHERE a.kind = 'items' GROUP BY a.book, a.topic) \
                   SELECT a.book, a.kind, a.topic, \
                     CASE WHEN COALESCE(t.newest, 0) > COALESCE(f.newest, 0) THEN COALESCE(t.newest, 0) \
                       ELSE COALESCE(f.newest, 0) END AS since_seq \
                   FROM asked a \
                   LEFT JOIN told t ON t.book = a.book AND t.kind = a.kind AND t.topic = a.topic \
                   LEFT JOIN changed f ON a.kind = 'items' AND f.book = a.book AND f.topic = a.topic \
                   WHERE CASE a.kind \
                     WHEN 'product' THEN t.newest IS NULL \
                     WHEN 'coupon' THEN t.by_api IS NULL \
                     WHEN 'price' THEN t.by_api IS NULL OR t.newest > t.by_api \
                     ELSE t.by_api IS NULL OR f.newest > t.by_api END \
                   ORDER BY a.book, a.kind, a.topic";
        let rows: Vec<UntoldRow> =
            all(self.reader(), "read what is to be fetched", statement(sql, Vec::new())).await?;
        rows.into_iter().map(UntoldRow::restore).collect()
    }
}

impl UntoldRow {
    fn restore(self) -> Result<Untold, LedgerError> {
        let topic = match self.kind.as_str() {
            "price" => Topic::Price(self.topic.into()),
            "product" => Topic::Product(self.topic.into()),
            "coupon" => Topic::Coupon(self.topic.into()),
            "items" => Topic::Items(self.topic.into()),
            _ => return Err(LedgerError::UnknownWord { what: "topic", word: self.kind }),
        };
        Ok(Untold { book: self.book, topic, since_seq: self.since_seq })
    }
}
