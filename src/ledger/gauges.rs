//! What is watched from outside: what waits, what is parked, what is incomplete, what was posted.

use sea_orm::FromQueryResult;

use super::sql::{all, one, statement};
use super::{Ledger, LedgerError};

/// Where the ledger stands, by counts that are cheap to make.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Gauges {
    /// Deliveries that wait to be settled.
    pub pending: i64,
    /// When the oldest came that the worker is to settle.
    pub oldest_pending_at: Option<i64>,
    /// Deliveries that can't be used by this version.
    pub parked: i64,
    /// Items that stand at their last known level, for something about them is missing.
    pub incomplete: i64,
    /// Reports that somebody is to have and that could not be sent.
    pub unsent_reports: i64,
    /// The highest number of a posting.
    pub last_posting: i64,
}

/// How many movements of one class and kind were posted.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct PostedCount {
    /// The class.
    pub class: String,
    /// The kind.
    pub kind: String,
    /// Whether they take others back.
    pub is_reversal: bool,
    /// How many.
    pub count: i64,
}

impl Ledger {
    /// Where the ledger stands.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn gauges(&self) -> Result<Gauges, LedgerError> {
        let sql = "SELECT (SELECT COUNT(*) FROM pending) AS pending, \
                   (SELECT MIN(received_at) FROM pending WHERE run IS NULL) AS oldest_pending_at, \
                   (SELECT COUNT(*) FROM disposition WHERE outcome = 'parked' AND outcome <> 'settled') AS parked, \
                   (SELECT COUNT(*) FROM (SELECT DISTINCT book, customer, subscription, item FROM finding \
                    WHERE matter = 'incomplete') AS items) AS incomplete, \
                   (SELECT COUNT(*) FROM dispatch d JOIN dispatch_plan p ON p.name = d.name \
                    WHERE d.state = 'failed') AS unsent_reports, \
                   (SELECT COALESCE(MAX(seq), 0) FROM posting) AS last_posting";
        let none = Gauges {
            pending: 0,
            oldest_pending_at: None,
            parked: 0,
            incomplete: 0,
            unsent_reports: 0,
            last_posting: 0,
        };
        let gauges: Option<Gauges> =
            one(self.reader(), "look where it stands", statement(sql, Vec::new())).await?;
        Ok(gauges.unwrap_or(none))
    }

    /// What was posted after one posting and up to another, by class and kind.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn posted_between(&self, after: i64, up_to: i64) -> Result<Vec<PostedCount>, LedgerError> {
        let sql = "SELECT class, kind, reverses IS NOT NULL AS is_reversal, COUNT(*) AS count FROM posting \
                   WHERE seq > $1 AND seq <= $2 GROUP BY class, kind, reverses IS NOT NULL";
        let values = vec![after.into(), up_to.into()];
        all(self.reader(), "count what was posted", statement(sql, values)).await
    }
}
