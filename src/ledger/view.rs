//! Reading projections: levels, findings, the forward view, attributes, statuses.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::mirror::{self, read};
use super::project::{
    BROKEN_CHAIN, HISTORY, INCOMPLETE, ITEMS_TRUNCATED, UNCONFIRMED_COUPON, UNKNOWN_STATUS,
};
use super::sql::{all, one, statement};
use super::{CustomerKey, Ledger, LedgerError, Snapshot};
use crate::mrr::{
    CustomerId, Finding, HistoryGap, Instant, Level, Matter, Movement, Mrr, Status, SubscriptionId,
};

/// What a customer is segmented by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes {
    /// Country of its address.
    pub country: Option<String>,
    /// Its metadata, over that of its subscriptions.
    pub metadata: BTreeMap<String, String>,
}

/// A finding and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFinding {
    /// Whose.
    pub key: CustomerKey,
    /// The finding.
    pub finding: Finding,
}

/// A subscription's status as of an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusAt {
    /// Whose.
    pub customer: CustomerId,
    /// The subscription.
    pub subscription: SubscriptionId,
    /// Its status.
    pub status: Status,
}

#[derive(FromQueryResult)]
pub(super) struct LevelRow {
    pub(super) customer: String,
    subscription: String,
    item: String,
    product: String,
    price: String,
    currency: String,
    is_metered: i64,
    quantity: i64,
    mrr: i64,
    is_at_risk: i64,
    grade: String,
    from_at: i64,
    until_at: Option<i64>,
}

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
struct ScheduledRow {
    customer: String,
    body: String,
}

#[derive(FromQueryResult)]
pub(super) struct AttributeRow {
    customer: String,
    subscription: String,
    country: Option<String>,
    metadata: String,
}

#[derive(FromQueryResult)]
pub(super) struct StatusRow {
    customer: String,
    subscription: String,
    status: String,
}

impl Ledger {
    /// The item levels of a book's customers through all time, or of one customer.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn levels(
        &self,
        book: &str,
        customer: Option<&CustomerId>,
    ) -> Result<BTreeMap<CustomerId, Vec<Level>>, LedgerError> {
        let (which, named) = match customer {
            Some(customer) => ("book = $1 AND customer = $2", Some(customer.to_string().into())),
            None => ("book = $1", None),
        };
        let values = std::iter::once(book.into()).chain(named).collect();
        levels_where(self.reader(), which, values).await
    }

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

    /// The movements that are to come.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn scheduled(&self, book: &str) -> Result<BTreeMap<CustomerId, Vec<Movement>>, LedgerError> {
        let sql =
            "SELECT customer, body FROM scheduled WHERE book = $1 ORDER BY customer, effective_at, rowid";
        let rows: Vec<ScheduledRow> =
            all(self.reader(), "read what is to come", statement(sql, vec![book.into()])).await?;
        by_customer(rows)
    }

    /// What customers are segmented by: their own metadata over that of their subscriptions.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn attributes(&self, book: &str) -> Result<BTreeMap<CustomerId, Attributes>, LedgerError> {
        // Newer subscriptions over older ones, and the customer itself, the empty one, over all.
        let sql = "SELECT customer, subscription, country, metadata FROM attribute WHERE book = $1 \
                   ORDER BY customer, subscription = '', at, subscription";
        let rows: Vec<AttributeRow> =
            all(self.reader(), "read attributes", statement(sql, vec![book.into()])).await?;
        laid_over(rows)
    }

    /// The last status told of each subscription before an instant, by the deliveries up to one.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn statuses(
        &self,
        book: &str,
        before: Instant,
        through_delivery: i64,
    ) -> Result<Vec<StatusAt>, LedgerError> {
        let sql = statuses_told("f.book = ?");
        let values = vec![book.into(), before.0.into(), through_delivery.into()];
        let rows: Vec<StatusRow> = all(self.reader(), "read statuses", statement(sql, values)).await?;
        Ok(rows.into_iter().map(StatusRow::restore).collect())
    }
}

/// The item levels that a term names, by customer.
pub(super) async fn levels_where<C: ConnectionTrait>(
    db: &C,
    which: &str,
    values: Vec<Value>,
) -> Result<BTreeMap<CustomerId, Vec<Level>>, LedgerError> {
    let sql = format!(
        "SELECT customer, subscription, item, product, price, currency, is_metered, quantity, mrr, is_at_risk, grade, \
         from_at, until_at FROM level WHERE {which} ORDER BY customer, subscription, item, from_at, rowid"
    );
    let rows: Vec<LevelRow> = all(db, "read levels", statement(sql, values)).await?;
    let mut levels: BTreeMap<CustomerId, Vec<Level>> = BTreeMap::new();
    for row in rows {
        levels.entry(row.customer.as_str().into()).or_default().push(row.restore()?);
    }
    Ok(levels)
}

/// The last status told of each subscription, of facts that are named, before an instant and through a delivery.
pub(super) fn statuses_told(named: &str) -> String {
    format!(
        "SELECT customer, subscription, status FROM (\
           SELECT f.customer, f.subscription, f.status, ROW_NUMBER() OVER (\
             PARTITION BY f.customer, f.subscription ORDER BY f.at DESC, f.inbox_seq DESC) AS place \
           FROM fact f WHERE {named} AND f.status IS NOT NULL AND f.subscription IS NOT NULL AND f.at < ? \
             AND f.inbox_seq <= ?) AS told \
         WHERE place = 1 ORDER BY customer, subscription"
    )
}

impl StatusRow {
    pub(super) fn restore(self) -> StatusAt {
        StatusAt {
            customer: self.customer.into(),
            subscription: self.subscription.into(),
            status: mirror::status(&self.status).unwrap_or(Status::Unknown),
        }
    }
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

    /// The movements of a book that are to come after one instant, up to another.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn scheduled_between(
        &self,
        book: &str,
        (after, until): (Instant, Instant),
    ) -> Result<BTreeMap<CustomerId, Vec<Movement>>, LedgerError> {
        let sql = "SELECT customer, body FROM scheduled WHERE book = $1 AND effective_at > $2 \
                   AND effective_at <= $3 ORDER BY customer, effective_at, rowid";
        let values = vec![book.into(), after.0.into(), until.0.into()];
        by_customer(all(self.db(), "read what is to come", statement(sql, values)).await?)
    }
}

/// Movements by whose they are, in the order of their rows.
fn by_customer(rows: Vec<ScheduledRow>) -> Result<BTreeMap<CustomerId, Vec<Movement>>, LedgerError> {
    let mut scheduled: BTreeMap<CustomerId, Vec<Movement>> = BTreeMap::new();
    for row in rows {
        let movement = read::<mirror::Movement, _>("a movement", &row.body)?;
        scheduled.entry(row.customer.into()).or_default().push(movement);
    }
    Ok(scheduled)
}

/// The attributes of customers, of rows in their order: later ones over earlier.
pub(super) fn laid_over(rows: Vec<AttributeRow>) -> Result<BTreeMap<CustomerId, Attributes>, LedgerError> {
    let mut attributes: BTreeMap<CustomerId, Attributes> = BTreeMap::new();
    for row in rows {
        let entry = attributes.entry(row.customer.into()).or_default();
        entry.metadata.extend(mirror::metadata(&row.metadata)?);
        if row.subscription.is_empty() {
            entry.country = row.country;
        }
    }
    Ok(attributes)
}

impl LevelRow {
    pub(super) fn restore(self) -> Result<Level, LedgerError> {
        let unknown = || LedgerError::UnknownWord { what: "grade", word: self.grade.clone() };
        let grade = mirror::grade(&self.grade).ok_or_else(unknown)?;
        Ok(Level {
            subscription: self.subscription.into(),
            item: self.item.into(),
            product: self.product.into(),
            price: self.price.into(),
            currency: self.currency.into(),
            is_metered: self.is_metered != 0,
            quantity: u64::try_from(self.quantity).unwrap_or_default(),
            mrr: Mrr(self.mrr.into()),
            is_at_risk: self.is_at_risk != 0,
            grade,
            from: Instant(self.from_at),
            until: self.until_at.map(Instant),
        })
    }
}

impl FindingRow {
    fn restore(self) -> Result<FoundFinding, LedgerError> {
        let detail = self.detail.unwrap_or_default();
        let gap = || {
            let word = detail.clone();
            HistoryGap::parse(&detail).ok_or(LedgerError::UnknownWord { what: "history gap", word })
        };
        let matter = match self.matter.as_str() {
            BROKEN_CHAIN => Matter::BrokenChain,
            INCOMPLETE => Matter::Incomplete { item: self.item.unwrap_or_default().into(), missing: detail },
            ITEMS_TRUNCATED => Matter::ItemsTruncated,
            UNKNOWN_STATUS => Matter::UnknownStatus,
            HISTORY => Matter::History { gap: gap()? },
            UNCONFIRMED_COUPON => Matter::UnconfirmedCoupon { coupon: detail },
            word => return Err(LedgerError::UnknownWord { what: "matter", word: word.to_owned() }),
        };
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
