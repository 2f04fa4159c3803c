//! Levels: what each item stood at through time, as rows. A settlement writes how they differ from those that stood: most
//! change few of them, or none.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::limited::Transaction;
use super::mirror;
use super::open::run;
use super::sql::{KEYS_A_STATEMENT, Table, all, is_postgres, statement, with_customers, with_rows};
use super::{CustomerKey, LedgerError};
use crate::mrr::{CustomerId, Instant, Level, Mrr};

const ACT: &str = "write levels";

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

#[derive(FromQueryResult)]
struct LevelRow {
    rowid: i64,
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
    grade: String,
    from_at: i64,
    until_at: Option<i64>,
}

/// A level that stood, with the number of its row.
#[derive(Debug)]
pub(super) struct StoodLevel {
    rowid: i64,
    pub(super) level: Level,
}

/// How the levels of customers differ from those that stood.
#[derive(Default)]
pub(super) struct LevelChanges {
    new: Vec<Value>,
    /// Rows of levels that last until another instant than they did, each with that instant.
    lasting: Vec<[Value; 5]>,
    /// Rows of levels that stand no more.
    gone: Vec<[Value; 4]>,
}

impl LevelChanges {
    /// Collects what makes of a customer's levels that stood those that are wanted.
    ///
    /// # Errors
    ///
    /// [`LedgerError::DoesNotFit`] of a level that the store can't hold.
    pub(super) fn collect(
        &mut self,
        key: &CustomerKey,
        mut stood: Vec<StoodLevel>,
        mut wanted: Vec<Level>,
    ) -> Result<(), LedgerError> {
        let row = |stood: &StoodLevel| {
            let (book, customer) = (key.book.clone().into(), key.customer.to_string().into());
            [book, customer, stood.level.from.0.into(), stood.rowid.into()]
        };
        wanted.retain(|level| match stood.iter().position(|stood| stood.level == *level) {
            Some(index) => {
                stood.swap_remove(index);
                false
            }
            None => true,
        });
        for level in wanted {
            let ends = |stood: &StoodLevel| Level { until: level.until, ..stood.level.clone() } == level;
            match stood.iter().position(ends) {
                Some(index) => {
                    let [book, customer, from, rowid] = row(&stood.swap_remove(index));
                    self.lasting.push([book, customer, from, rowid, level.until.map(|until| until.0).into()]);
                }
                None => self.new.extend(level_values(key, &level)?),
            }
        }
        self.gone.extend(stood.iter().map(row));
        Ok(())
    }

    /// Writes what was collected.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub(super) async fn write(&mut self, db: &Transaction) -> Result<(), LedgerError> {
        // Where a row lies, by which it is found again in the same statement.
        let place = if is_postgres(db) { "ctid" } else { "rowid" };
        for chunk in self.gone.chunks(KEYS_A_STATEMENT) {
            let removed = statement(removing(place, chunk.len()), chunk.as_flattened().to_vec());
            run(db, ACT, removed).await?;
        }
        for chunk in self.lasting.chunks(KEYS_A_STATEMENT) {
            let changed = statement(ending(place, chunk.len()), chunk.as_flattened().to_vec());
            run(db, ACT, changed).await?;
        }
        LEVEL.insert(db, std::mem::take(&mut self.new)).await.map(drop)
    }
}

/// Removes so many rows, each named by book, customer, beginning and number.
fn removing(place: &str, count: usize) -> String {
    let keys = with_rows(count, &["book", "customer", "from_at", "number"]);
    format!("{keys} DELETE FROM level WHERE {place} IN ({})", found(place))
}

/// Has so many levels, named so, last until an instant of each.
fn ending(place: &str, count: usize) -> String {
    let keys = with_rows(count, &["book", "customer", "from_at", "number", "until_at"]);
    let until = "(SELECT k.until_at FROM k WHERE k.number = level.rowid)";
    format!("{keys} UPDATE level SET until_at = {until} WHERE {place} IN ({})", found(place))
}

/// Where the rows lie that are named. One goes from them to the table: of `UPDATE … FROM k` SQLite makes a walk through all
/// levels of the book. PostgreSQL has no index by their numbers.
fn found(place: &str) -> String {
    format!(
        "SELECT t.{place} FROM k CROSS JOIN level t WHERE t.book = k.book AND t.customer = k.customer \
         AND t.from_at = k.from_at AND t.rowid = k.number"
    )
}

/// What a [`LevelRow`] is read of, where `l` is the table of levels.
const LEVEL_COLUMNS: &str = "l.rowid, l.customer, l.subscription, l.item, l.product, l.price, l.currency, l.is_metered, \
                             l.quantity, l.mrr, l.is_at_risk, l.grade, l.from_at, l.until_at";

/// The item levels, `l`, that terms name, by customer.
pub(super) async fn levels_where<C: ConnectionTrait>(
    db: &C,
    terms: &str,
    values: Vec<Value>,
) -> Result<BTreeMap<CustomerId, Vec<Level>>, LedgerError> {
    let sql = format!(
        "SELECT {LEVEL_COLUMNS} FROM level l WHERE {terms} \
         ORDER BY customer, subscription, item, from_at, until_at IS NULL, until_at, rowid"
    );
    let rows: Vec<LevelRow> = all(db, "read levels", statement(sql, values)).await?;
    let mut levels: BTreeMap<CustomerId, Vec<Level>> = BTreeMap::new();
    for row in rows {
        levels.entry(row.customer.as_str().into()).or_default().push(row.restore()?);
    }
    Ok(levels)
}

/// The item levels of customers that last longer than an instant of each, or all where there is none; with the numbers of
/// their rows.
pub(super) async fn levels_since<C: ConnectionTrait>(
    db: &C,
    book: &str,
    of: &[(&CustomerId, Option<Instant>)],
) -> Result<BTreeMap<CustomerId, Vec<StoodLevel>>, LedgerError> {
    let mut levels: BTreeMap<CustomerId, Vec<StoodLevel>> = BTreeMap::new();
    for chunk in of.chunks(KEYS_A_STATEMENT) {
        let (sql, values) = lasting(book, chunk);
        let rows: Vec<LevelRow> = all(db, "read levels", statement(sql, values)).await?;
        for row in rows {
            let (rowid, customer) = (row.rowid, row.customer.as_str().into());
            levels.entry(customer).or_default().push(StoodLevel { rowid, level: row.restore()? });
        }
    }
    Ok(levels)
}

/// The statement that reads them: two halves, each of which the index finds without those that were over before.
fn lasting(book: &str, of: &[(&CustomerId, Option<Instant>)]) -> (String, Vec<Value>) {
    let half = |which: &str| {
        format!(
            "SELECT {LEVEL_COLUMNS} FROM k CROSS JOIN level l WHERE l.book = ? AND l.customer = k.customer AND {which}"
        )
    };
    // One that began with the checkpoint and was over at once is of what is derived from there.
    let ended = half("l.until_at >= k.since AND (l.until_at > k.since OR l.from_at = k.since)");
    let keys = with_customers(of.len(), "since");
    let sql = format!("{keys} {} UNION ALL {ended}", half("l.until_at IS NULL"));
    let since = |since: Option<Instant>| since.map_or(i64::MIN, |since| since.0);
    let keys = of.iter().flat_map(|(name, at)| [name.to_string().into(), since(*at).into()]);
    (sql, keys.chain([book.into(), book.into()]).collect())
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

impl LevelRow {
    fn restore(self) -> Result<Level, LedgerError> {
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

#[cfg(test)]
mod tests {
    use super::super::sql::plans::Plans;
    use super::*;

    #[tokio::test]
    async fn levels_are_looked_for_by_their_customers_and_changed_where_they_lie() {
        let plans = Plans::of_a_new_store().await;
        for count in [1, 2, 7, 26, 64, KEYS_A_STATEMENT] {
            let customers: Vec<CustomerId> =
                (0..count).map(|number| format!("cus_{number}").as_str().into()).collect();
            let of: Vec<_> = customers.iter().map(|customer| (customer, Some(Instant(1)))).collect();
            let named = |width: usize| vec![Value::from(0_i64); width * count];
            for (sql, values, sought) in [
                (lasting("live", &of).0, lasting("live", &of).1, "customer=?"),
                (removing("rowid", count), named(4), "(rowid=?)"),
                (ending("rowid", count), named(5), "(rowid=?)"),
            ] {
                let steps = plans.steps(&sql, values).await;
                let of_levels = |step: &&String| {
                    ["level", "t", "l"].iter().any(|table| format!("{step} ").contains(&format!(" {table} ")))
                };
                let of_levels: Vec<&String> = steps.iter().filter(of_levels).collect();
                assert_eq!(of_levels.len(), 2, "{steps:?}");
                assert!(of_levels.iter().all(|step| step.contains(sought)), "{count}: {steps:?}");
                assert!(!of_levels.iter().any(|step| step.starts_with("SCAN")), "{count}: {steps:?}");
            }
        }
    }
}
