//! Projections: levels, findings, the forward view, attributes. They follow from the facts and are
//! written anew for the stretch that was derived.

use std::collections::BTreeMap;

use sea_orm::{DatabaseTransaction, FromQueryResult, Value};

use super::mirror::{self, read, write};
use super::open::run;
use super::sql::{Table, all, statement};
use super::{CustomerKey, CustomerSettlement, Ledger, LedgerError, NewFact};
use crate::mrr::{
    CustomerId, Derivation, Fact, Finding, Instant, Level, Matter, Movement, Mrr, Status, SubscriptionId,
};

const LEVEL: Table = Table {
    name: "level",
    columns: &[
        "book",
        "customer",
        "subscription",
        "item",
        "product",
        "price",
        "currency",
        "is_metered",
        "quantity",
        "mrr",
        "is_at_risk",
        "from_at",
        "until_at",
    ],
    tail: "",
};
const FINDING: Table = Table {
    name: "finding",
    columns: &["book", "customer", "at", "subscription", "matter", "item", "detail", "event"],
    tail: "",
};
const SCHEDULED: Table =
    Table { name: "scheduled", columns: &["book", "customer", "effective_at", "body"], tail: "" };
const ATTRIBUTE: Table = Table {
    name: "attribute",
    columns: &["book", "customer", "subscription", "country", "metadata", "at", "event"],
    tail: "ON CONFLICT (book, customer, subscription) DO UPDATE SET country = excluded.country, \
           metadata = excluded.metadata, at = excluded.at, event = excluded.event \
           WHERE (excluded.at, excluded.event) >= (attribute.at, attribute.event)",
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

/// Rows collected over a settlement.
#[derive(Default)]
pub(super) struct Projections {
    levels: Vec<Value>,
    findings: Vec<Value>,
    scheduled: Vec<Value>,
}

impl Projections {
    /// Clears the stretch that a customer was derived for, and collects its rows.
    pub(super) async fn replace(
        &mut self,
        db: &DatabaseTransaction,
        customer: &CustomerSettlement,
        derivation: &Derivation,
    ) -> Result<(), LedgerError> {
        clear(db, &customer.key, customer.since).await?;
        for level in &derivation.levels {
            self.levels.extend(level_values(&customer.key, level)?);
        }
        let is_new = |finding: &&Finding| customer.since.is_none_or(|since| finding.at > since);
        for finding in derivation.findings.iter().filter(is_new) {
            self.findings.extend(finding_values(&customer.key, finding));
        }
        for movement in &derivation.scheduled {
            self.scheduled.extend([
                Value::from(customer.key.book.clone()),
                customer.key.customer.to_string().into(),
                movement.effective_at.0.into(),
                write::<mirror::Movement, _>(movement)?.into(),
            ]);
        }
        Ok(())
    }

    pub(super) async fn insert(&mut self, db: &DatabaseTransaction) -> Result<(), LedgerError> {
        LEVEL.insert(db, std::mem::take(&mut self.levels)).await?;
        FINDING.insert(db, std::mem::take(&mut self.findings)).await?;
        SCHEDULED.insert(db, std::mem::take(&mut self.scheduled)).await?;
        Ok(())
    }

    /// Keeps the newest attributes that the facts tell; those of the customer itself stand under the
    /// empty subscription.
    pub(super) async fn attributes(
        &self,
        db: &DatabaseTransaction,
        facts: &[NewFact],
    ) -> Result<(), LedgerError> {
        let mut newest: BTreeMap<(CustomerKey, String), [Value; 7]> = BTreeMap::new();
        let mut told: Vec<&NewFact> = facts.iter().collect();
        told.sort_by_key(|new| new.fact.at());
        for new in told {
            let (subscription, country, metadata, event) = match &new.fact {
                Fact::Subscription(fact) => {
                    (fact.subscription.to_string(), None, &fact.metadata, &fact.evidence.event)
                }
                Fact::Customer(fact) => {
                    (String::new(), fact.country.clone(), &fact.metadata, &fact.evidence.event)
                }
                Fact::Usage(_) => continue,
            };
            let values = [
                Value::from(new.key.book.clone()),
                new.key.customer.to_string().into(),
                subscription.clone().into(),
                country.into(),
                mirror::metadata_json(metadata)?.into(),
                new.fact.at().0.into(),
                event.to_string().into(),
            ];
            newest.insert((new.key.clone(), subscription), values);
        }
        let values = newest.into_values().flatten().collect();
        ATTRIBUTE.insert(db, values).await.map(drop)
    }
}

/// Levels that began before the stretch end where it begins; all else of it goes.
async fn clear(
    db: &DatabaseTransaction,
    key: &CustomerKey,
    since: Option<Instant>,
) -> Result<(), LedgerError> {
    let names = || vec![Value::from(key.book.clone()), key.customer.to_string().into()];
    let whole = "book = $1 AND customer = $2";
    let at = since.map_or(i64::MIN, |since| since.0);
    let from = || [names(), vec![at.into()]].concat();
    let statements = [
        (format!("DELETE FROM level WHERE {whole} AND from_at >= $3"), from()),
        (
            format!("UPDATE level SET until_at = $3 WHERE {whole} AND (until_at IS NULL OR until_at > $3)"),
            from(),
        ),
        (format!("DELETE FROM finding WHERE {whole} AND at > $3"), from()),
        (format!("DELETE FROM scheduled WHERE {whole}"), names()),
    ];
    for (sql, values) in statements {
        run(db, "write what follows from the facts", statement(sql, values)).await?;
    }
    Ok(())
}

fn level_values(key: &CustomerKey, level: &Level) -> Result<[Value; 13], LedgerError> {
    let fits = |what: &'static str, value: i128| {
        let customer = key.customer.clone();
        i64::try_from(value).map_err(|_| LedgerError::DoesNotFit { what, value, customer })
    };
    Ok([
        key.book.clone().into(),
        key.customer.to_string().into(),
        level.subscription.to_string().into(),
        level.item.to_string().into(),
        level.product.to_string().into(),
        level.price.to_string().into(),
        level.currency.to_string().into(),
        i64::from(level.is_metered).into(),
        fits("a quantity", level.quantity.into())?.into(),
        fits("a level", level.mrr.0)?.into(),
        i64::from(level.is_at_risk).into(),
        level.from.0.into(),
        level.until.map(|until| until.0).into(),
    ])
}

/// The words of findings' matters.
const BROKEN_CHAIN: &str = "broken_chain";
const INCOMPLETE: &str = "incomplete";
const ITEMS_TRUNCATED: &str = "items_truncated";
const UNKNOWN_STATUS: &str = "unknown_status";
const UNCONFIRMED_COUPON: &str = "unconfirmed_coupon";

fn finding_values(key: &CustomerKey, finding: &Finding) -> [Value; 8] {
    let (matter, item, detail) = match &finding.matter {
        Matter::BrokenChain => (BROKEN_CHAIN, None, None),
        Matter::Incomplete { item, missing } => (INCOMPLETE, Some(item.to_string()), Some(missing.clone())),
        Matter::ItemsTruncated => (ITEMS_TRUNCATED, None, None),
        Matter::UnknownStatus => (UNKNOWN_STATUS, None, None),
        Matter::UnconfirmedCoupon { coupon } => (UNCONFIRMED_COUPON, None, Some(coupon.clone())),
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

#[derive(FromQueryResult)]
struct LevelRow {
    customer: String,
    subscription: String,
    item: String,
    product: String,
    price: String,
    currency: String,
    is_metered: i64,
    quantity: i64,
    mrr: i64,
    is_at_risk: i64,
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
struct AttributeRow {
    customer: String,
    subscription: String,
    country: Option<String>,
    metadata: String,
}

#[derive(FromQueryResult)]
struct StatusRow {
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
        let sql = "SELECT customer, subscription, item, product, price, currency, is_metered, quantity, mrr, \
                   is_at_risk, from_at, until_at FROM level WHERE book = $1 AND ($2 IS NULL OR customer = $2) \
                   ORDER BY customer, subscription, item, from_at";
        let values = vec![book.into(), customer.map(ToString::to_string).into()];
        let rows: Vec<LevelRow> = all(self.reader(), "read levels", statement(sql, values)).await?;
        let mut levels: BTreeMap<CustomerId, Vec<Level>> = BTreeMap::new();
        for row in rows {
            levels.entry(row.customer.as_str().into()).or_default().push(row.restore());
        }
        Ok(levels)
    }

    /// What a person should look at.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn findings(&self, book: Option<&str>) -> Result<Vec<FoundFinding>, LedgerError> {
        let sql = "SELECT book, customer, at, subscription, matter, item, detail, event FROM finding \
                   WHERE $1 IS NULL OR book = $1 ORDER BY book, at, customer, subscription, event";
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
        let mut scheduled: BTreeMap<CustomerId, Vec<Movement>> = BTreeMap::new();
        for row in rows {
            let movement = read::<mirror::Movement, _>("a movement", &row.body)?;
            scheduled.entry(row.customer.into()).or_default().push(movement);
        }
        Ok(scheduled)
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

    /// The last status told of each subscription before an instant.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn statuses(&self, book: &str, before: Instant) -> Result<Vec<StatusAt>, LedgerError> {
        let sql = "SELECT customer, subscription, status FROM (\
                     SELECT customer, subscription, status, ROW_NUMBER() OVER (\
                       PARTITION BY customer, subscription ORDER BY at DESC, inbox_seq DESC) AS place \
                     FROM fact WHERE book = $1 AND status IS NOT NULL AND subscription IS NOT NULL AND at < $2) AS told \
                   WHERE place = 1 ORDER BY customer, subscription";
        let values = vec![book.into(), before.0.into()];
        let rows: Vec<StatusRow> = all(self.reader(), "read statuses", statement(sql, values)).await?;
        let status = |row: StatusRow| StatusAt {
            customer: row.customer.into(),
            subscription: row.subscription.into(),
            status: mirror::status(&row.status).unwrap_or(Status::Unknown),
        };
        Ok(rows.into_iter().map(status).collect())
    }
}

impl LevelRow {
    fn restore(self) -> Level {
        Level {
            subscription: self.subscription.into(),
            item: self.item.into(),
            product: self.product.into(),
            price: self.price.into(),
            currency: self.currency.into(),
            is_metered: self.is_metered != 0,
            quantity: u64::try_from(self.quantity).unwrap_or_default(),
            mrr: Mrr(self.mrr.into()),
            is_at_risk: self.is_at_risk != 0,
            from: Instant(self.from_at),
            until: self.until_at.map(Instant),
        }
    }
}

impl FindingRow {
    fn restore(self) -> Result<FoundFinding, LedgerError> {
        let detail = self.detail.unwrap_or_default();
        let matter = match self.matter.as_str() {
            BROKEN_CHAIN => Matter::BrokenChain,
            INCOMPLETE => Matter::Incomplete { item: self.item.unwrap_or_default().into(), missing: detail },
            ITEMS_TRUNCATED => Matter::ItemsTruncated,
            UNKNOWN_STATUS => Matter::UnknownStatus,
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
