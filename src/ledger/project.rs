//! Writing projections: levels, findings, the forward view, attributes. They follow from the facts. Of levels the
//! difference is written, the rest anew for the stretch that was derived; `view` reads them.

use std::collections::BTreeMap;

use sea_orm::Value;

use super::customer::names;
use super::finding::{self, FINDING};
use super::level::{LevelChanges, StoodLevel};
use super::limited::Transaction;
use super::mirror::{self, write};
use super::open::run;
use super::sql::{KEYS_A_STATEMENT, Table, is_postgres, marks, statement, with_customers};
use super::{CustomerKey, CustomerSettlement, LedgerError, NewFact};
use crate::mrr::{CustomerId, Derivation, Fact, Finding, Instant, Level, levels_from};

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
    levels: LevelChanges,
    findings: Vec<Value>,
    scheduled: Vec<Value>,
}

impl Projections {
    /// Collects a customer's rows, for which [`clear`] makes room, and how its levels differ from those that stood.
    pub(super) fn collect(
        &mut self,
        customer: &CustomerSettlement,
        derivation: &Derivation,
        stood: Vec<StoodLevel>,
    ) -> Result<(), LedgerError> {
        let levels: Vec<Level> = stood.iter().map(|stood| stood.level.clone()).collect();
        let wanted = levels_from(customer.since, &levels, &derivation.levels);
        self.levels.collect(&customer.key, stood, wanted)?;
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
        self.levels.write(db).await?;
        FINDING.insert(db, std::mem::take(&mut self.findings)).await?;
        SCHEDULED.insert(db, std::mem::take(&mut self.scheduled)).await?;
        Ok(())
    }

    /// Keeps the newest attributes that the facts tell; those of the customer itself stand under the
    /// empty subscription. A subscription that only invoices or usage tell of has none, before all time: it is found there.
    pub(super) async fn attributes(&self, db: &Transaction, facts: &[NewFact]) -> Result<(), LedgerError> {
        let nothing = BTreeMap::new();
        let mut newest: BTreeMap<(&CustomerKey, &str), [Value; 7]> = BTreeMap::new();
        let mut told: Vec<&NewFact> = facts.iter().collect();
        told.sort_by_key(|new| new.fact.at());
        for new in told {
            let (subscription, country, metadata, at, event) = match &new.fact {
                Fact::Subscription(fact) => {
                    (fact.subscription.as_str(), None, &fact.metadata, fact.at, &*fact.evidence.event)
                }
                Fact::Customer(fact) => {
                    ("", fact.country.clone(), &fact.metadata, fact.at, &*fact.evidence.event)
                }
                other => match other.subscription() {
                    Some(subscription) => (subscription.as_str(), None, &nothing, Instant(i64::MIN), ""),
                    None => continue,
                },
            };
            let values = [
                Value::from(new.key.book.clone()),
                new.key.customer.to_string().into(),
                subscription.into(),
                country.into(),
                mirror::metadata_json(metadata)?.into(),
                at.0.into(),
                event.into(),
            ];
            let key = (&new.key, subscription);
            if at == Instant(i64::MIN) {
                newest.entry(key).or_insert(values);
            } else {
                newest.insert(key, values);
            }
        }
        let values = newest.into_values().flatten().collect();
        ATTRIBUTE.insert(db, values).await.map(drop)
    }
}

/// Makes room for what customers of a book were derived to, beside levels, each since its checkpoint.
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

/// The statements that make room. Each goes from its customers to the rows that it changes, and to no others: a comparison
/// with each customer's own instant looks for it among all of them, for each row.
fn clearing(place: &str, book: &str, of: &[(&CustomerId, Option<Instant>)]) -> [(String, Vec<Value>); 2] {
    let keys = with_customers(of.len(), "since");
    let found = format!(
        "WHERE {place} IN (SELECT t.{place} FROM k CROSS JOIN finding t \
         WHERE t.book = ? AND t.customer = k.customer AND t.at > k.since)"
    );
    let at = |since: Option<Instant>| since.map_or(i64::MIN, |since| since.0);
    let pairs = of.iter().flat_map(|(name, since)| [name.to_string().into(), at(*since).into()]);
    let named = format!("book = ? AND customer IN ({})", marks(of.len()));
    [
        (format!("{keys} DELETE FROM finding {found}"), pairs.chain([book.into()]).collect()),
        (
            format!("DELETE FROM scheduled WHERE {named}"),
            names(book, of.iter().map(|(name, _)| name.as_str())),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::sql::plans::Plans;
    use super::*;

    #[tokio::test]
    async fn room_is_made_by_looking_for_the_customers_and_not_through_all() {
        let plans = Plans::of_a_new_store().await;
        for count in [1, 2, 7, 26, 64, KEYS_A_STATEMENT] {
            let customers: Vec<CustomerId> =
                (0..count).map(|number| format!("cus_{number}").as_str().into()).collect();
            let of: Vec<_> = customers.iter().map(|customer| (customer, Some(Instant(1)))).collect();
            for (sql, values) in clearing("rowid", "live", &of) {
                let steps = plans.steps(&sql, values).await;
                let of_tables = steps.iter().filter(|step| {
                    ["finding", "scheduled", "t"].iter().any(|table| step.contains(&format!(" {table} ")))
                });
                let of_tables: Vec<&String> = of_tables.collect();
                assert!(!of_tables.is_empty(), "{steps:?}");
                // Those of the customers are looked for, and what was found is changed where it lies.
                let is_sought = |step: &&String| {
                    let changed = step.contains(" finding ");
                    step.contains(if changed { "(rowid=?)" } else { "customer=?" })
                };
                assert!(of_tables.iter().all(is_sought), "{count}: {steps:?}");
            }
        }
    }
}
