//! Questions about deliveries and books: what waits, what was ignored or parked, what was kept aside.

use sea_orm::{FromQueryResult, Value};

use super::sql::{all, number, one, statement};
use super::{CustomerKey, Ledger, LedgerError};

/// How many of the newest deliveries tell how clocks stand to each other: one that is off is so in each of them.
const CLOCK_FROM: usize = 500;

/// In an order that no index has: SQLite would look through all customers in theirs, where few are set aside or none.
const POISONED: &str = "SELECT book, customer, poisoned FROM customer WHERE poisoned IS NOT NULL \
     ORDER BY (book || ''), customer LIMIT $1";

/// How many deliveries stand where.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Counts {
    /// Deliveries stored.
    pub stored: i64,
    /// Of them, those whose facts are in their timelines.
    pub settled: i64,
    /// Those that wait to be settled.
    pub pending: i64,
    /// Those that say nothing about recurring revenue.
    pub ignored: i64,
    /// Those that can't be used by this version.
    pub parked: i64,
    /// Customers that something was learnt for and that are not derived with it yet.
    pub due: i64,
    /// When the oldest of those that wait came.
    pub oldest_pending_at: Option<i64>,
    /// The highest number of an inbox row.
    pub last_seq: i64,
    /// The highest number of a posting.
    pub last_posting: i64,
}

impl Counts {
    /// The age of the oldest delivery that is not settled; 0 if all are.
    #[must_use]
    pub fn lag_seconds(&self, now: i64) -> i64 {
        self.oldest_pending_at.map_or(0, |oldest| (now - oldest).max(0))
    }
}

/// A parked delivery.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct ParkedEvent {
    /// Its number in the inbox.
    pub seq: i64,
    /// Its book.
    pub book: String,
    /// The event.
    pub event: String,
    /// Its type.
    pub kind: String,
    /// The JSON path that does not fit.
    pub path: String,
    /// What was expected there and found.
    pub reason: String,
    /// The file and line it came from.
    pub place: Option<String>,
}

/// Ignored deliveries of one type, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct IgnoredEvents {
    /// Their type.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// How many.
    pub count: i64,
}

/// A delivery that was kept aside: a known event that said something else.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Conflict {
    /// The event.
    pub event: String,
    /// Its type.
    pub kind: String,
    /// When it came.
    pub received_at: i64,
    /// Where it came from.
    pub source: String,
}

/// A customer that could not be derived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poisoned {
    /// Who.
    pub key: CustomerKey,
    /// Why.
    pub reason: String,
    /// Whether it is for a row that can't be read.
    pub is_unreadable: bool,
}

/// How the reason begins where it is a row that can't be read.
const UNREADABLE: &str = "can't be read: ";

/// Why a customer is set aside that has a row which can't be read.
#[must_use]
pub fn unreadable(error: &LedgerError) -> String {
    format!("{UNREADABLE}{error}")
}

/// How many deliveries and customers are set aside, of all books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, FromQueryResult)]
pub struct SetAside {
    /// Deliveries that can't be used by this version.
    pub parked: i64,
    /// Deliveries of a known event that said something else.
    pub conflicts: i64,
    /// Customers that could not be derived.
    pub poisoned: i64,
}

#[derive(FromQueryResult)]
struct PoisonedRow {
    book: String,
    customer: String,
    poisoned: String,
}

#[derive(FromQueryResult)]
struct BookRow {
    book: String,
}

impl Ledger {
    /// How many deliveries stand where.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn counts(&self) -> Result<Counts, LedgerError> {
        let sql = "SELECT (SELECT COUNT(*) FROM inbox) AS stored, \
                   (SELECT COUNT(*) FROM disposition WHERE outcome = 'settled') AS settled, \
                   (SELECT COUNT(*) FROM pending) AS pending, \
                   (SELECT COUNT(*) FROM disposition WHERE outcome = 'ignored' AND outcome <> 'settled') AS ignored, \
                   (SELECT COUNT(*) FROM disposition WHERE outcome = 'parked' AND outcome <> 'settled') AS parked, \
                   (SELECT COUNT(*) FROM customer WHERE due_at <= settled_at) AS due, \
                   (SELECT MIN(received_at) FROM pending WHERE run IS NULL) AS oldest_pending_at, \
                   (SELECT COALESCE(MAX(seq), 0) FROM inbox) AS last_seq, \
                   (SELECT COALESCE(MAX(seq), 0) FROM posting) AS last_posting";
        let counts: Option<Counts> =
            one(self.reader(), "count deliveries", statement(sql, Vec::new())).await?;
        Ok(counts.unwrap_or(Counts {
            stored: 0,
            settled: 0,
            pending: 0,
            ignored: 0,
            parked: 0,
            due: 0,
            oldest_pending_at: None,
            last_seq: 0,
            last_posting: 0,
        }))
    }

    /// How long the oldest pending delivery has waited at `now`; 0 if none does.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn lag_seconds(&self, now: i64) -> Result<i64, LedgerError> {
        let sql = "SELECT received_at FROM pending WHERE run IS NULL ORDER BY inbox_seq LIMIT 1";
        let oldest = number(self.reader(), "look for what waits", statement(sql, Vec::new())).await?;
        Ok(oldest.map_or(0, |oldest| (now - oldest).max(0)))
    }

    /// When the newest event of a book was made.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn data_through(&self, book: &str) -> Result<Option<i64>, LedgerError> {
        // It is kept, unless facts were read anew.
        let sql = "SELECT COALESCE((SELECT through FROM told WHERE book = $1), \
                   (SELECT MAX(at) FROM fact WHERE book = $1))";
        number(self.reader(), "look for the newest fact", statement(sql, vec![book.into()])).await
    }

    /// The oldest instant that a fact of a book tells of; `None` of an empty book.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn data_since(&self, book: &str) -> Result<Option<i64>, LedgerError> {
        let sql = "SELECT MIN(at) FROM fact WHERE book = $1";
        number(self.reader(), "look for the oldest fact", statement(sql, vec![book.into()])).await
    }

    /// The books that anything was delivered to, in the order of their names.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn books(&self) -> Result<Vec<String>, LedgerError> {
        // From each book to the next by the key: there are few books and many customers.
        let sql = "WITH RECURSIVE b (book) AS (SELECT MIN(book) FROM customer UNION ALL \
                   SELECT (SELECT MIN(book) FROM customer c WHERE c.book > b.book) FROM b WHERE b.book IS NOT NULL) \
                   SELECT book FROM b WHERE book IS NOT NULL ORDER BY book";
        let rows: Vec<BookRow> = all(self.reader(), "read the books", statement(sql, Vec::new())).await?;
        Ok(rows.into_iter().map(|row| row.book).collect())
    }

    /// The parked deliveries, after an inbox number, oldest first, so many at most.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn parked(&self, after_seq: i64, most: usize) -> Result<Vec<ParkedEvent>, LedgerError> {
        let sql = "SELECT i.seq, i.book, i.event_id AS event, i.kind, COALESCE(d.path, '$') AS path, \
                   COALESCE(d.reason, '') AS reason, i.place \
                   FROM disposition d JOIN inbox i ON i.seq = d.inbox_seq \
                   WHERE d.outcome = 'parked' AND d.outcome <> 'settled' AND i.seq > $1 ORDER BY i.seq LIMIT $2";
        all(self.reader(), "read what is parked", statement(sql, vec![after_seq.into(), limit(most)])).await
    }

    /// The ignored deliveries after an inbox number, by type and reason.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn ignored(&self, after_seq: i64) -> Result<Vec<IgnoredEvents>, LedgerError> {
        let sql = "SELECT i.kind, COALESCE(d.reason, '') AS reason, COUNT(*) AS count \
                   FROM disposition d JOIN inbox i ON i.seq = d.inbox_seq \
                   WHERE d.outcome = 'ignored' AND d.outcome <> 'settled' AND i.seq > $1 \
                   GROUP BY i.kind, d.reason ORDER BY i.kind, d.reason";
        all(self.reader(), "read what is ignored", statement(sql, vec![after_seq.into()])).await
    }

    /// How many deliveries are ignored, by reason: soon counted, for the reasons lie in an index.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn ignored_by_reason(&self) -> Result<Vec<(String, i64)>, LedgerError> {
        #[derive(FromQueryResult)]
        struct Row {
            reason: String,
            count: i64,
        }
        let sql = "SELECT COALESCE(reason, '') AS reason, COUNT(*) AS count FROM disposition \
                   WHERE outcome = 'ignored' AND outcome <> 'settled' GROUP BY reason ORDER BY reason";
        let rows: Vec<Row> = all(self.reader(), "read what is ignored", statement(sql, Vec::new())).await?;
        Ok(rows.into_iter().map(|row| (row.reason, row.count)).collect())
    }

    /// The deliveries that were kept aside, so many at most.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn conflicts(&self, most: usize) -> Result<Vec<Conflict>, LedgerError> {
        let sql = "SELECT event_id AS event, kind, received_at, source FROM conflict ORDER BY seq LIMIT $1";
        all(self.reader(), "read what is kept aside", statement(sql, vec![limit(most)])).await
    }

    /// The customers that could not be derived, so many at most.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn poisoned(&self, most: usize) -> Result<Vec<Poisoned>, LedgerError> {
        let rows: Vec<PoisonedRow> =
            all(self.reader(), "read customers", statement(POISONED, vec![limit(most)])).await?;
        let poisoned = |row: PoisonedRow| Poisoned {
            key: CustomerKey { book: row.book, customer: row.customer.into() },
            is_unreadable: row.poisoned.starts_with(UNREADABLE),
            reason: row.poisoned,
        };
        Ok(rows.into_iter().map(poisoned).collect())
    }

    /// How many deliveries and customers a person should look at.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn set_aside(&self) -> Result<SetAside, LedgerError> {
        let sql = "SELECT \
                     (SELECT COUNT(*) FROM disposition WHERE outcome = 'parked' AND outcome <> 'settled') AS parked, \
                     (SELECT COUNT(*) FROM conflict) AS conflicts, \
                     (SELECT COUNT(*) FROM customer WHERE poisoned IS NOT NULL) AS poisoned";
        let counts = one(self.reader(), "count what is set aside", statement(sql, Vec::new())).await?;
        Ok(counts.unwrap_or_default())
    }

    /// By how many seconds the newest deliveries were signed ahead of our clock at most; negative or
    /// none if none was.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn clock_ahead_seconds(&self) -> Result<Option<i64>, LedgerError> {
        let sql = format!(
            "SELECT MAX(signed_at - received_at) AS ahead FROM \
               (SELECT signed_at, received_at FROM inbox ORDER BY seq DESC LIMIT {CLOCK_FROM}) AS newest"
        );
        number(self.reader(), "compare the clocks", statement(sql, Vec::new())).await
    }
}

/// A number of rows as stores take it.
fn limit(most: usize) -> Value {
    i64::try_from(most).unwrap_or(i64::MAX).into()
}

#[cfg(test)]
mod tests {
    use super::super::sql::plans::Plans;
    use super::*;

    #[tokio::test]
    async fn who_is_set_aside_is_not_looked_for_among_all_customers() {
        let steps = Plans::of_a_new_store().await.steps(POISONED, vec![limit(9)]).await;
        assert!(steps[0].contains("USING INDEX customer_poisoned"), "{steps:?}");
    }
}
