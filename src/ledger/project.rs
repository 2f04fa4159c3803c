//! Writing projections: levels, findings, the forward view, attributes. They follow from the facts and
//! are written anew for the stretch that was derived; `view` reads them.

use std::collections::BTreeMap;

use sea_orm::Value;

use super::customer::names;
use super::finding::{self, FINDING};
use super::limited::Transaction;
use super::mirror::{self, write};
use super::open::run;
use super::sql::{Table, marks, statement, with_customers};
use super::{CustomerKey, CustomerSettlement, LedgerError, NewFact};
use crate::mrr::{CustomerId, Derivation, Fact, Finding, Instant, Level};

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
        "grade",
        "from_at",
        "until_at",
    ],
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

/// Customers cleared in one statement: each row looks for its own among them.
const CLEARED_A_STATEMENT: usize = 64;

/// Rows collected over a settlement.
#[derive(Default)]
pub(super) struct Projections {
    levels: Vec<Value>,
    findings: Vec<Value>,
    scheduled: Vec<Value>,
}

impl Projections {
    /// Collects a customer's rows, for which [`clear`] makes room.
    pub(super) fn collect(
        &mut self,
        customer: &CustomerSettlement,
        derivation: &Derivation,
    ) -> Result<(), LedgerError> {
        for level in &derivation.levels {
            self.levels.extend(level_values(&customer.key, level)?);
        }
        let is_new = |finding: &&Finding| customer.since.is_none_or(|since| finding.at > since);
        for finding in derivation.findings.iter().filter(is_new) {
            self.findings.extend(finding::values(&customer.key, finding));
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

    pub(super) async fn insert(&mut self, db: &Transaction) -> Result<(), LedgerError> {
        LEVEL.insert(db, std::mem::take(&mut self.levels)).await?;
        FINDING.insert(db, std::mem::take(&mut self.findings)).await?;
        SCHEDULED.insert(db, std::mem::take(&mut self.scheduled)).await?;
        Ok(())
    }

    /// Keeps the newest attributes that the facts tell; those of the customer itself stand under the
    /// empty subscription.
    pub(super) async fn attributes(&self, db: &Transaction, facts: &[NewFact]) -> Result<(), LedgerError> {
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
                Fact::Usage(_)
                | Fact::Discount(_)
                | Fact::Quote(_)
                | Fact::Schedule(_)
                | Fact::Billed(_)
                | Fact::Change(_) => continue,
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

/// Makes room for what customers of a book were derived to, each since its checkpoint. Levels that began
/// before the stretch end where it begins; all else of it goes.
pub(super) async fn clear(
    db: &Transaction,
    book: &str,
    of: &[(&CustomerId, Option<Instant>)],
) -> Result<(), LedgerError> {
    for chunk in of.chunks(CLEARED_A_STATEMENT) {
        for (sql, values) in clearing(book, chunk) {
            run(db, "write what follows from the facts", statement(sql, values)).await?;
        }
    }
    Ok(())
}

/// The statements that make room. Each names its customers by `IN`, so that it looks for theirs: of `UPDATE … FROM k`
/// SQLite makes a walk through all levels of the book.
fn clearing(book: &str, of: &[(&CustomerId, Option<Instant>)]) -> [(String, Vec<Value>); 4] {
    let keys = with_customers(of.len(), "since");
    let named = format!("book = ? AND customer IN ({})", marks(of.len()));
    let since = |table| format!("(SELECT k.since FROM k WHERE k.customer = {table}.customer)");
    let at = |since: Option<Instant>| since.map_or(i64::MIN, |since| since.0);
    let pairs = of.iter().flat_map(|(name, since)| [name.to_string().into(), at(*since).into()]);
    let pairs: Vec<Value> = pairs.collect();
    let names = || names(book, of.iter().map(|(name, _)| name.as_str()));
    let both = || [pairs.clone(), names()].concat();
    let level = since("level");
    let shortened = format!(
        "UPDATE level SET until_at = {level} WHERE {named} AND (until_at IS NULL OR until_at > {level})"
    );
    [
        (format!("{keys} DELETE FROM level WHERE {named} AND from_at >= {level}"), both()),
        (format!("{keys} {shortened}"), both()),
        (format!("{keys} DELETE FROM finding WHERE {named} AND at > {}", since("finding")), both()),
        (format!("DELETE FROM scheduled WHERE {named}"), names()),
    ]
}

fn level_values(key: &CustomerKey, level: &Level) -> Result<[Value; 14], LedgerError> {
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
        mirror::word_of(level.grade).into(),
        level.from.0.into(),
        level.until.map(|until| until.0).into(),
    ])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sea_orm::ConnectionTrait as _;

    use super::*;
    use crate::ledger::Ledger;

    #[tokio::test]
    async fn room_is_made_by_looking_for_the_customers_and_not_through_all() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", directory.path().join("upswell.db").display());
        let ledger = Ledger::open(&url).await.unwrap();
        ledger.migrate().await.unwrap();
        for count in [1, 2, 7, 26, CLEARED_A_STATEMENT] {
            let customers: Vec<CustomerId> =
                (0..count).map(|number| format!("cus_{number}").as_str().into()).collect();
            let of: Vec<_> = customers.iter().map(|customer| (customer, Some(Instant(1)))).collect();
            for (sql, values) in clearing("live", &of) {
                let plan = statement(format!("EXPLAIN QUERY PLAN {sql}"), values);
                let steps = ledger.reader().query_all_raw(plan).await.unwrap();
                let steps: Vec<String> =
                    steps.iter().map(|step| step.try_get("", "detail").unwrap()).collect();
                let of_tables = steps.iter().filter(|step| {
                    ["level", "finding", "scheduled"].iter().any(|table| step.contains(&format!(" {table} ")))
                });
                let of_tables: Vec<&String> = of_tables.collect();
                assert!(!of_tables.is_empty(), "{steps:?}");
                assert!(of_tables.iter().all(|step| step.contains("customer=?")), "{count}: {steps:?}");
            }
        }
    }
}
