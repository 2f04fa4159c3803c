//! The store as it is at one instant, for what is read in several statements and has to fit together.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{AccessMode, ConnectionTrait, FromQueryResult, IsolationLevel, TransactionTrait, Value};

use super::error::while_doing;
use super::level::levels_where;
use super::limited::{Limited, Transaction, within};
use super::posting::{COLUMNS, PostingRow, STANDS};
use super::sql::{KEYS_A_STATEMENT, all, marks, one, statement, with_customers};
use super::view::{AttributeRow, StatusRow, laid_over, statuses_told};
use super::{Attributes, Ledger, LedgerError, Posting, StatusAt};
use crate::mrr::{CustomerId, Instant, Level};

/// The store at one instant: what is committed later is not seen. It keeps one of the few readers while it lives.
#[derive(Debug)]
pub struct Snapshot {
    db: Transaction,
}

/// Where a run of customers begins, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behind {
    /// With the first.
    Nobody,
    /// With this one.
    Before(CustomerId),
    /// Behind this one.
    After(CustomerId),
}

impl Behind {
    /// The comparison with a name that says so.
    pub(super) fn bound(&self) -> (&'static str, &str) {
        match self {
            Self::Nobody => (">=", ""),
            Self::Before(customer) => (">=", customer.as_str()),
            Self::After(customer) => (">", customer.as_str()),
        }
    }
}

/// Some customers of a book.
#[derive(Debug, Clone, Copy)]
pub enum Among<'c> {
    /// From one to another in the order of their ids, both included.
    Run(&'c CustomerId, &'c CustomerId),
    /// These.
    These(&'c [CustomerId]),
}

/// What the store holds of customers that reports are made of.
#[derive(Debug, Clone, Default)]
pub struct HeldCustomers {
    /// Each item's level through time.
    pub levels: BTreeMap<CustomerId, Vec<Level>>,
    /// Postings, in the ledger's order: those that stand, or all.
    pub postings: BTreeMap<CustomerId, Vec<Posting>>,
    /// What they are segmented by.
    pub attributes: BTreeMap<CustomerId, Attributes>,
}

#[derive(FromQueryResult)]
struct CustomerRow {
    customer: String,
}

#[derive(FromQueryResult)]
struct EndsRow {
    first: Option<i64>,
    last: Option<i64>,
}

impl Ledger {
    /// The store as it is now.
    ///
    /// # Errors
    ///
    /// A store that is away.
    pub async fn snapshot(&self) -> Result<Snapshot, LedgerError> {
        let act = "begin to read";
        let (reader, limit) = (self.reader().unlimited(), self.reader().limit());
        let begun = if self.is_postgres() {
            let (isolation, access) = (IsolationLevel::RepeatableRead, AccessMode::ReadOnly);
            within(limit, reader.begin_with_config(Some(isolation), Some(access))).await
        } else {
            within(limit, reader.begin()).await
        };
        let snapshot = Snapshot { db: Limited::new(begun.map_err(while_doing(act))?, limit) };
        // Either store decides what it sees with the first statement.
        let first = statement("SELECT book AS customer FROM roll_up LIMIT 1", Vec::new());
        one::<CustomerRow, _>(&snapshot.db, act, first).await?;
        Ok(snapshot)
    }
}

impl Snapshot {
    /// What reads in it.
    pub(super) fn db(&self) -> &Transaction {
        &self.db
    }

    /// The next customers of a book in the order of their ids: so many at most.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn customers_behind(
        &self,
        book: &str,
        behind: &Behind,
        most: usize,
    ) -> Result<Vec<CustomerId>, LedgerError> {
        let (operator, name) = behind.bound();
        let sql = format!(
            "SELECT customer FROM customer WHERE book = $1 AND customer {operator} $2 ORDER BY customer LIMIT {most}"
        );
        let rows: Vec<CustomerRow> =
            all(&self.db, "read customers", statement(sql, vec![book.into(), name.into()])).await?;
        Ok(rows.into_iter().map(|row| row.customer.into()).collect())
    }

    /// The same of those that have MRR at an instant, or, with those at zero, had some by then.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn customers_standing(
        &self,
        book: &str,
        behind: &Behind,
        at: Instant,
        with_zeros: bool,
        most: usize,
    ) -> Result<Vec<CustomerId>, LedgerError> {
        let (operator, name) = behind.bound();
        let stands = if with_zeros { "" } else { "AND (until_at IS NULL OR until_at >= $3) AND mrr > 0" };
        let sql = format!(
            "SELECT DISTINCT customer FROM level WHERE book = $1 AND customer {operator} $2 AND from_at < $3 {stands} \
             ORDER BY customer LIMIT {most}"
        );
        let values = vec![book.into(), name.into(), at.0.into()];
        let rows: Vec<CustomerRow> = all(&self.db, "read customers", statement(sql, values)).await?;
        Ok(rows.into_iter().map(|row| row.customer.into()).collect())
    }

    /// The last status told of each subscription of customers before an instant, by the deliveries up to one.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn statuses(
        &self,
        book: &str,
        among: Among<'_>,
        (before, through_delivery): (Instant, i64),
    ) -> Result<Vec<StatusAt>, LedgerError> {
        let mut found = Vec::new();
        for (named, mut values) in among.terms("f", book) {
            let sql = statuses_told(&named);
            values.extend([before.0.into(), through_delivery.into()]);
            let rows: Vec<StatusRow> = all(&self.db, "read statuses", statement(sql, values)).await?;
            found.extend(rows.into_iter().map(StatusRow::restore));
        }
        Ok(found)
    }

    /// What is held of customers of a book; of postings those that stand, or all.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn held(
        &self,
        book: &str,
        among: Among<'_>,
        with_all_postings: bool,
    ) -> Result<HeldCustomers, LedgerError> {
        let mut held = held_besides_postings(&self.db, book, among).await?;
        let stands = if with_all_postings { String::new() } else { format!("AND {STANDS}") };
        for (named, values) in among.terms("p", book) {
            self.add_postings(&mut held, &format!("{named} {stands}"), values).await?;
        }
        Ok(held)
    }

    /// Of what is held of customers, that which a stretch of time consists of: the levels that stand in it, and the
    /// postings that stand and took effect from its start, until its end.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn held_within(
        &self,
        book: &str,
        customers: &[CustomerId],
        (start, end): (Instant, Instant),
    ) -> Result<HeldCustomers, LedgerError> {
        let mut held = HeldCustomers::default();
        for (named, mut values) in Among::These(customers).terms("l", book) {
            values.extend([end.0.into(), start.0.into()]);
            let terms = format!("{named} AND l.from_at < ? AND (l.until_at IS NULL OR l.until_at >= ?)");
            held.levels.extend(levels_where(&self.db, &terms, values).await?);
        }
        for (named, mut values) in Among::These(customers).terms("p", book) {
            values.extend([start.0.into(), end.0.into()]);
            let terms = format!("{named} AND p.effective_at >= ? AND p.effective_at < ? AND {STANDS}");
            self.add_postings(&mut held, &terms, values).await?;
        }
        Ok(held)
    }

    /// Of what is held of customers, that which tells how they stand at an instant: the levels that stand then, or
    /// with `zeros` the last of each currency, and of the postings that stand the first of all and the last before it.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn held_at(
        &self,
        book: &str,
        customers: &[CustomerId],
        at: Instant,
        zeros: bool,
    ) -> Result<HeldCustomers, LedgerError> {
        let mut held = HeldCustomers::default();
        let is_last = "OR NOT EXISTS (SELECT 1 FROM level n WHERE n.book = l.book AND n.customer = l.customer \
                       AND n.currency = l.currency AND n.from_at > l.from_at AND n.from_at < ?)";
        for (named, mut values) in Among::These(customers).terms("l", book) {
            values.extend([at.0.into(), at.0.into()]);
            values.extend(zeros.then(|| at.0.into()));
            let is_last = if zeros { is_last } else { "" };
            let terms =
                format!("{named} AND l.from_at < ? AND (l.until_at IS NULL OR l.until_at >= ? {is_last})");
            held.levels.extend(levels_where(&self.db, &terms, values).await?);
        }
        let end = |order: &str| {
            format!(
                "(SELECT p.seq FROM posting p WHERE p.book = ? AND p.customer = k.customer {order} LIMIT 1)"
            )
        };
        let first = end(&format!("AND {STANDS} ORDER BY p.effective_at, p.seq"));
        let last =
            end(&format!("AND p.effective_at < k.at AND {STANDS} ORDER BY p.effective_at DESC, p.seq DESC"));
        for chunk in customers.chunks(KEYS_A_STATEMENT) {
            let sql = format!(
                "{} SELECT {first} AS first, {last} AS last FROM k",
                with_customers(chunk.len(), "at")
            );
            let keys = chunk.iter().flat_map(|customer| [customer.as_str().into(), at.0.into()]);
            let values = keys.chain([book.into(), book.into()]).collect();
            let ends: Vec<EndsRow> = all(&self.db, "look for postings", statement(sql, values)).await?;
            let places: BTreeSet<i64> = ends.iter().flat_map(|row| [row.first, row.last]).flatten().collect();
            if !places.is_empty() {
                let values = places.iter().map(|seq| (*seq).into()).collect();
                self.add_postings(&mut held, &format!("p.seq IN ({})", marks(places.len())), values).await?;
            }
        }
        Ok(held)
    }

    /// What customers are segmented by.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn attributes(
        &self,
        book: &str,
        among: Among<'_>,
    ) -> Result<BTreeMap<CustomerId, Attributes>, LedgerError> {
        attributes_of(&self.db, book, among).await
    }

    /// Adds the postings that a term names, in the ledger's order.
    async fn add_postings(
        &self,
        held: &mut HeldCustomers,
        terms: &str,
        values: Vec<Value>,
    ) -> Result<(), LedgerError> {
        let columns = COLUMNS.map(|column| format!("p.{column}")).join(", ");
        let sql = format!("SELECT p.seq, {columns} FROM posting p WHERE {terms} ORDER BY p.seq");
        let rows: Vec<PostingRow> = all(&self.db, "read postings", statement(sql, values)).await?;
        for row in rows {
            let posting = row.restore()?;
            held.postings.entry(posting.customer.clone()).or_default().push(posting);
        }
        Ok(())
    }
}

/// Levels and attributes of customers of a book.
pub(super) async fn held_besides_postings<C: ConnectionTrait>(
    db: &C,
    book: &str,
    among: Among<'_>,
) -> Result<HeldCustomers, LedgerError> {
    let mut held = HeldCustomers::default();
    for (named, values) in among.terms("l", book) {
        held.levels.extend(levels_where(db, &named, values).await?);
    }
    held.attributes = attributes_of(db, book, among).await?;
    Ok(held)
}

async fn attributes_of<C: ConnectionTrait>(
    db: &C,
    book: &str,
    among: Among<'_>,
) -> Result<BTreeMap<CustomerId, Attributes>, LedgerError> {
    let mut attributes = BTreeMap::new();
    for (named, values) in among.terms("a", book) {
        let sql = format!(
            "SELECT customer, subscription, country, metadata FROM attribute a WHERE {named} \
             ORDER BY customer, subscription = '', at, subscription"
        );
        let rows: Vec<AttributeRow> = all(db, "read attributes", statement(sql, values)).await?;
        attributes.extend(laid_over(rows)?);
    }
    Ok(attributes)
}

impl Among<'_> {
    /// Which rows of a table that is called so are theirs, statement by statement.
    fn terms(self, table: &str, book: &str) -> Vec<(String, Vec<Value>)> {
        match self {
            Self::Run(first, last) => {
                let named = format!("{table}.book = ? AND {table}.customer >= ? AND {table}.customer <= ?");
                vec![(named, vec![book.into(), first.as_str().into(), last.as_str().into()])]
            }
            Self::These(customers) => customers
                .chunks(KEYS_A_STATEMENT)
                .map(|chunk| {
                    let named = format!("{table}.book = ? AND {table}.customer IN ({})", marks(chunk.len()));
                    let names = chunk.iter().map(|customer| Value::from(customer.as_str()));
                    (named, std::iter::once(Value::from(book)).chain(names).collect())
                })
                .collect(),
        }
    }
}
