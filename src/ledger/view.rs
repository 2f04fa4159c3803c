//! Reading projections: levels, the forward view, attributes, statuses; `finding` has the findings.

use std::collections::BTreeMap;

use sea_orm::FromQueryResult;

use super::level::levels_where;
use super::mirror::{self, read};
use super::sql::{all, statement};
use super::{Ledger, LedgerError, Snapshot};
use crate::mrr::{CustomerId, Instant, Level, Movement, Status, SubscriptionId};

/// What a customer is segmented by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes {
    /// Country of its address.
    pub country: Option<String>,
    /// Its metadata, over that of its subscriptions.
    pub metadata: BTreeMap<String, String>,
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

impl Snapshot {
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
