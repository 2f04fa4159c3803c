//! Where deliveries came from: the webhook, files, the API.

use sea_orm::FromQueryResult;

use super::sql::{all, number, statement};
use super::{Ledger, LedgerError};

/// Deliveries of a stretch of the inbox that came from one source.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Arrivals {
    /// `webhook`, `backfill` or `fetched`.
    pub source: String,
    /// The file of a backfill.
    pub file: Option<String>,
    /// How many.
    pub count: i64,
    /// Of them, those that can't be used by this version.
    pub parked: i64,
    /// When the first of them came.
    pub first_at: i64,
    /// When the last of them came.
    pub last_at: i64,
    /// The highest number of them in the inbox.
    pub last_seq: i64,
}

impl Ledger {
    /// Where the deliveries with numbers after one and up to another came from, what came last first.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn arrivals(&self, after: i64, up_to: i64) -> Result<Vec<Arrivals>, LedgerError> {
        // A place is a file and a line, `events.ndjson:12`, or what was asked of the API.
        let sql = "SELECT i.source, CASE WHEN i.source = 'backfill' THEN RTRIM(i.place, '0123456789') END AS file, \
                   COUNT(*) AS count, COUNT(d.inbox_seq) AS parked, MIN(i.received_at) AS first_at, \
                   MAX(i.received_at) AS last_at, MAX(i.seq) AS last_seq \
                   FROM inbox i LEFT JOIN disposition d ON d.inbox_seq = i.seq AND d.outcome = 'parked' \
                   WHERE i.seq > $1 AND i.seq <= $2 GROUP BY 1, 2 ORDER BY MAX(i.seq) DESC";
        let values = vec![after.into(), up_to.into()];
        let mut rows: Vec<Arrivals> =
            all(self.reader(), "look where deliveries came from", statement(sql, values)).await?;
        for row in &mut rows {
            row.file = row.file.take().map(|file| file.trim_end_matches(':').to_owned());
        }
        Ok(rows)
    }

    /// The highest number in the inbox; 0 of an empty one.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn last_arrival(&self) -> Result<i64, LedgerError> {
        let last = statement("SELECT MAX(seq) FROM inbox", Vec::new());
        Ok(number(self.reader(), "count deliveries", last).await?.unwrap_or_default())
    }
}
