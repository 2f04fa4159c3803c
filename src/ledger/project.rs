//! Writing projections: levels, findings, the forward view, attributes. They follow from the facts and
//! are written anew for the stretch that was derived; `view` reads them.

use std::collections::BTreeMap;

use sea_orm::Value;

use super::customer::names;
use super::finding::{self, FINDING};
use super::limited::Transaction;
use super::mirror::{self, write};
use super::open::run;
use super::sql::{KEYS_A_STATEMENT, Table, is_postgres, marks, statement, with_customers};
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
    // Where a row lies, by which it is found again in the same statement.
    let place = if is_postgres(db) { "ctid" } else { "rowid" };
    for chunk in of.chunks(KEYS_A_STATEMENT) {
        for (sql, values) in clearing(place, book, chunk) {
            run(db, "write what follows from the facts", statement(sql, values)).await?;
        }
    }
    Ok(())
}

/// The statements that make room. Each goes from its customers to the rows that it changes, and to no others: of
/// `UPDATE … FROM k` SQLite makes a walk through all levels of the book, and a comparison with each customer's own instant
/// looks for it among all of them, for each row.
fn clearing(place: &str, book: &str, of: &[(&CustomerId, Option<Instant>)]) -> [(String, Vec<Value>); 4] {
    let keys = with_customers(of.len(), "since");
    let rows = |table: &str, that: &str| {
        format!(
            "WHERE {place} IN (SELECT t.{place} FROM k CROSS JOIN {table} t \
             WHERE t.book = ? AND t.customer = k.customer AND {that})"
        )
    };
    let began = rows("level", "t.from_at >= k.since");
    let lasted = rows("level", "t.from_at < k.since AND (t.until_at IS NULL OR t.until_at > k.since)");
    let found = rows("finding", "t.at > k.since");
    let since = "(SELECT k.since FROM k WHERE k.customer = level.customer)";
    let at = |since: Option<Instant>| since.map_or(i64::MIN, |since| since.0);
    let pairs = of.iter().flat_map(|(name, since)| [name.to_string().into(), at(*since).into()]);
    let values: Vec<Value> = pairs.chain([book.into()]).collect();
    let named = format!("book = ? AND customer IN ({})", marks(of.len()));
    [
        (format!("{keys} DELETE FROM level {began}"), values.clone()),
        (format!("{keys} UPDATE level SET until_at = {since} {lasted}"), values.clone()),
        (format!("{keys} DELETE FROM finding {found}"), values),
        (
            format!("DELETE FROM scheduled WHERE {named}"),
            names(book, of.iter().map(|(name, _)| name.as_str())),
        ),
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
        for count in [1, 2, 7, 26, 64, KEYS_A_STATEMENT] {
            let customers: Vec<CustomerId> =
                (0..count).map(|number| format!("cus_{number}").as_str().into()).collect();
            let of: Vec<_> = customers.iter().map(|customer| (customer, Some(Instant(1)))).collect();
            for (sql, values) in clearing("rowid", "live", &of) {
                let plan = statement(format!("EXPLAIN QUERY PLAN {sql}"), values);
                let steps = ledger.reader().query_all_raw(plan).await.unwrap();
                let steps: Vec<String> =
                    steps.iter().map(|step| step.try_get("", "detail").unwrap()).collect();
                let of_tables = steps.iter().filter(|step| {
                    ["level", "finding", "scheduled", "t"]
                        .iter()
                        .any(|table| step.contains(&format!(" {table} ")))
                });
                let of_tables: Vec<&String> = of_tables.collect();
                assert!(!of_tables.is_empty(), "{steps:?}");
                // Those of the customers are looked for, and what was found is changed where it lies.
                let is_sought = |step: &&String| {
                    let changed = step.contains(" level ") || step.contains(" finding ");
                    step.contains(if changed { "(rowid=?)" } else { "customer=?" })
                };
                assert!(of_tables.iter().all(is_sought), "{count}: {steps:?}");
            }
        }
    }
}
