//! Findings: what a person should look at, as rows that are written and read.

use sea_orm::{FromQueryResult, Value};

use super::sql::{Table, all, one, statement};
use super::{CustomerKey, Ledger, LedgerError, Snapshot};
use crate::mrr::{Finding, HistoryGap, Instant, Matter};

/// A finding and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFinding {
    /// Whose.
    pub key: CustomerKey,
    /// The finding.
    pub finding: Finding,
}

/// How many findings there are by matter, those that are incomplete apart: reports list these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromQueryResult)]
pub struct FindingCounts {
    /// Events that do not follow on the state before them (R10).
    pub broken_chain: i64,
    /// Subscriptions with more items than were shown (R4).
    pub items_truncated: i64,
    /// Statuses that this version does not know.
    pub unknown_status: i64,
    /// Coupons that are taken as unrestricted (R6).
    pub unconfirmed_coupon: i64,
    /// History that was rebuilt without events.
    pub history: i64,
}

/// Findings as rows, see [`values`].
pub(super) const FINDING: Table = Table {
    name: "finding",
    columns: &["book", "customer", "at", "subscription", "matter", "item", "detail", "event"],
    tail: "",
};

/// The words of matters, as rows hold them.
const BROKEN_CHAIN: &str = "broken_chain";
const INCOMPLETE: &str = "incomplete";
const ITEMS_TRUNCATED: &str = "items_truncated";
const UNKNOWN_STATUS: &str = "unknown_status";
const UNCONFIRMED_COUPON: &str = "unconfirmed_coupon";
const HISTORY: &str = "history";
const MATTERS: [&str; 6] =
    [BROKEN_CHAIN, INCOMPLETE, ITEMS_TRUNCATED, UNKNOWN_STATUS, UNCONFIRMED_COUPON, HISTORY];

#[derive(FromQueryResult)]
struct FindingRow {
    book: String,
    customer: String,
    at: i64,
    subscription: String,
    matter: String,
    item: Option<String>,
    detail: Option<String>,
    event: String,
}

#[derive(FromQueryResult)]
struct CountedRow {
    matter: String,
    detail: Option<String>,
    count: i64,
}

impl Ledger {
    /// What a person should look at.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn findings(&self, book: Option<&str>) -> Result<Vec<FoundFinding>, LedgerError> {
        let sql = "SELECT book, customer, at, subscription, matter, item, detail, event FROM finding \
                   WHERE $1 IS NULL OR book = $1 ORDER BY book, at, customer, subscription, event, rowid";
        let values = vec![book.map(str::to_owned).into()];
        let rows: Vec<FindingRow> = all(self.reader(), "read findings", statement(sql, values)).await?;
        rows.into_iter().map(FindingRow::restore).collect()
    }

    /// The first findings of each matter, so many at most of each, in the order of [`Ledger::findings`].
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn first_findings(&self, most: usize) -> Result<Vec<FoundFinding>, LedgerError> {
        let mut first = Vec::new();
        for matter in MATTERS {
            let sql = format!(
                "SELECT book, customer, at, subscription, matter, item, detail, event FROM finding \
                 WHERE matter = $1 ORDER BY book, at, customer, subscription, event, rowid LIMIT {most}"
            );
            first.extend(
                all::<FindingRow, _>(self.reader(), "read findings", statement(sql, vec![matter.into()]))
                    .await?,
            );
        }
        first.into_iter().map(FindingRow::restore).collect()
    }

    /// How many findings there are of each matter and what it names; items are not told apart.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn finding_counts(&self) -> Result<Vec<(Matter, usize)>, LedgerError> {
        let sql = "SELECT matter, detail, COUNT(*) AS count FROM finding GROUP BY matter, detail ORDER BY matter, detail";
        let rows: Vec<CountedRow> = all(self.reader(), "count findings", statement(sql, Vec::new())).await?;
        let restore = |row: CountedRow| {
            let count = usize::try_from(row.count).unwrap_or_default();
            Ok((matter(&row.matter, None, row.detail)?, count))
        };
        rows.into_iter().map(restore).collect()
    }
}

impl Snapshot {
    /// The lines of a book's customers that can't be valued yet (R4), in the order that [`Ledger::findings`] has.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn incomplete(&self, book: &str) -> Result<Vec<FoundFinding>, LedgerError> {
        let sql = "SELECT book, customer, at, subscription, matter, item, detail, event FROM finding \
                   WHERE book = $1 AND matter = $2 ORDER BY at, customer, subscription, event, rowid";
        let values = vec![book.into(), INCOMPLETE.into()];
        let rows: Vec<FindingRow> = all(self.db(), "read what is incomplete", statement(sql, values)).await?;
        rows.into_iter().map(FindingRow::restore).collect()
    }

    /// How many findings of a book are dated from one instant until another, which is not included.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn findings_between(
        &self,
        book: &str,
        (from, until): (Instant, Instant),
    ) -> Result<FindingCounts, LedgerError> {
        let count = |matter: &str| {
            format!(
                "(SELECT COUNT(*) FROM finding WHERE book = $1 AND matter = '{matter}' AND at >= $2 AND at < $3)"
            )
        };
        let sql = format!(
            "SELECT {} AS broken_chain, {} AS items_truncated, {} AS unknown_status, {} AS unconfirmed_coupon, \
             {} AS history",
            count(BROKEN_CHAIN),
            count(ITEMS_TRUNCATED),
            count(UNKNOWN_STATUS),
            count(UNCONFIRMED_COUPON),
            count(HISTORY)
        );
        let values = vec![book.into(), from.0.into(), until.0.into()];
        Ok(one(self.db(), "count findings", statement(sql, values)).await?.unwrap_or_default())
    }
}

/// A finding's row, in the order of [`FINDING`]'s columns.
pub(super) fn values(key: &CustomerKey, finding: &Finding) -> [Value; 8] {
    let (matter, item, detail) = match &finding.matter {
        Matter::BrokenChain => (BROKEN_CHAIN, None, None),
        Matter::Incomplete { item, missing } => (INCOMPLETE, Some(item.to_string()), Some(missing.clone())),
        Matter::ItemsTruncated => (ITEMS_TRUNCATED, None, None),
        Matter::UnknownStatus => (UNKNOWN_STATUS, None, None),
        Matter::UnconfirmedCoupon { coupon } => (UNCONFIRMED_COUPON, None, Some(coupon.clone())),
        Matter::History { gap } => (HISTORY, None, Some(gap.as_str().to_owned())),
    };
    [
        key.book.clone().into(),
        key.customer.to_string().into(),
        finding.at.0.into(),
        finding.subscription.to_string().into(),
        matter.into(),
        item.into(),
        detail.into(),
        finding.event.to_string().into(),
    ]
}

/// The matter that a row is about.
fn matter(word: &str, item: Option<String>, detail: Option<String>) -> Result<Matter, LedgerError> {
    let detail = detail.unwrap_or_default();
    let gap = || {
        let word = detail.clone();
        HistoryGap::parse(&detail).ok_or(LedgerError::UnknownWord { what: "history gap", word })
    };
    Ok(match word {
        BROKEN_CHAIN => Matter::BrokenChain,
        INCOMPLETE => Matter::Incomplete { item: item.unwrap_or_default().into(), missing: detail },
        ITEMS_TRUNCATED => Matter::ItemsTruncated,
        UNKNOWN_STATUS => Matter::UnknownStatus,
        HISTORY => Matter::History { gap: gap()? },
        UNCONFIRMED_COUPON => Matter::UnconfirmedCoupon { coupon: detail },
        word => return Err(LedgerError::UnknownWord { what: "matter", word: word.to_owned() }),
    })
}

impl FindingRow {
    fn restore(self) -> Result<FoundFinding, LedgerError> {
        let matter = matter(&self.matter, self.item, self.detail)?;
        Ok(FoundFinding {
            key: CustomerKey { book: self.book, customer: self.customer.into() },
            finding: Finding {
                at: Instant(self.at),
                subscription: self.subscription.into(),
                matter,
                event: self.event.into(),
            },
        })
    }
}
