//! Whose sums changed since they were written. A settlement notes in its own transaction whose sums it changes, and what
//! these were made of; so sums and notes together always say what stands.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::customer::names;
use super::error::while_doing;
use super::limited::Transaction;
use super::open::run;
use super::snapshot::held_besides_postings;
use super::sql::{KEYS_A_STATEMENT, Table, all, marks, number, statement};
use super::{Among, Behind, Fold, KeptCustomer, Ledger, LedgerError, RollUp, Settlement, Snapshot};
use crate::mrr::CustomerId;

/// A customer whose sums changed since they were last written.
#[derive(Debug, Clone)]
pub struct Touched {
    /// Who.
    pub customer: CustomerId,
    /// How often; another number means it was settled meanwhile.
    pub touches: i64,
    /// The last posting when the sums were right.
    pub through_posting: i64,
    /// What the sums were made of beside postings: levels, country and metadata.
    pub was: KeptCustomer,
}

const TOUCHED: Table = Table {
    name: "roll_up_touched",
    columns: &["book", "edition", "customer", "touches", "through_posting", "was"],
    // What the sums were made of stays: they still are.
    tail: "ON CONFLICT (book, edition, customer) DO UPDATE SET touches = roll_up_touched.touches + 1",
};

const TOLD: Table = Table {
    name: "told",
    columns: &["book", "through"],
    tail: "ON CONFLICT (book) DO UPDATE SET through = CASE WHEN told.through IS NULL THEN NULL \
           WHEN excluded.through > told.through THEN excluded.through ELSE told.through END",
};

#[derive(FromQueryResult)]
struct TouchedRow {
    customer: String,
    touches: i64,
    through_posting: i64,
    was: String,
}

#[derive(FromQueryResult)]
struct NoteRow {
    customer: String,
    touches: i64,
}

#[derive(FromQueryResult)]
struct EditionRow {
    book: String,
    edition: i64,
}

#[derive(FromQueryResult)]
struct NameRow {
    name: String,
}

const ACT: &str = "note whose sums change";

/// Notes, before anything is changed, whose sums a settlement may change, where sums are kept.
pub(super) async fn touch(db: &Transaction, settlement: &Settlement) -> Result<(), LedgerError> {
    let sql = "SELECT book, edition FROM roll_up ORDER BY book, edition";
    let kept: Vec<EditionRow> = all(db, ACT, statement(sql, Vec::new())).await?;
    for EditionRow { book, edition } in kept {
        let settled = settlement.customers.iter().map(|customer| &customer.key);
        // Attributes are kept of a customer that can't be derived, too.
        let keys = settled.chain(settlement.facts.iter().map(|fact| &fact.key));
        let customers: BTreeSet<&CustomerId> =
            keys.filter(|key| key.book == book).map(|key| &key.customer).collect();
        let customers: Vec<CustomerId> = customers.into_iter().cloned().collect();
        if !customers.is_empty() {
            touch_in(db, (&book, edition), &customers).await?;
        }
    }
    Ok(())
}

async fn touch_in(
    db: &Transaction,
    (book, edition): (&str, i64),
    customers: &[CustomerId],
) -> Result<(), LedgerError> {
    let mut noted: BTreeSet<String> = BTreeSet::new();
    for chunk in customers.chunks(KEYS_A_STATEMENT) {
        let sql = format!(
            "SELECT customer AS name FROM roll_up_touched WHERE edition = {edition} AND book = ? AND customer IN ({})",
            marks(chunk.len())
        );
        let values = names(book, chunk.iter().map(CustomerId::as_str));
        noted.extend(
            all::<NameRow, _>(db, ACT, statement(sql, values)).await?.into_iter().map(|row| row.name),
        );
    }
    let fresh = customers.iter().filter(|customer| !noted.contains(customer.as_str()));
    let fresh: Vec<CustomerId> = fresh.cloned().collect();
    let mut held = held_besides_postings(db, book, Among::These(&fresh)).await?;
    let last = last_posting(db).await?;
    let mut rows: Vec<Value> = Vec::with_capacity(customers.len() * TOUCHED.columns.len());
    for customer in customers {
        let attributes = held.attributes.remove(customer).unwrap_or_default();
        let was = KeptCustomer {
            levels: held.levels.remove(customer).unwrap_or_default(),
            country: attributes.country,
            metadata: attributes.metadata,
            ..KeptCustomer::default()
        };
        rows.extend([
            Value::from(book),
            edition.into(),
            customer.as_str().into(),
            1_i64.into(),
            last.into(),
            was.to_body()?.into(),
        ]);
    }
    TOUCHED.insert(db, rows).await.map(drop)
}

async fn last_posting<C: ConnectionTrait>(db: &C) -> Result<i64, LedgerError> {
    Ok(number(db, ACT, statement("SELECT MAX(seq) FROM posting", Vec::new())).await?.unwrap_or_default())
}

/// Keeps how far books are told of. What was read anew may be told of less far: that is looked for when it is
/// asked.
pub(super) async fn tell(db: &Transaction, settlement: &Settlement) -> Result<(), LedgerError> {
    let reread = settlement.customers.iter().filter(|customer| customer.is_reread);
    for book in reread.map(|customer| &customer.key.book).collect::<BTreeSet<_>>() {
        let sql = "UPDATE told SET through = NULL WHERE book = $1";
        run(db, ACT, statement(sql, vec![book.clone().into()])).await?;
    }
    let mut through: BTreeMap<&str, i64> = BTreeMap::new();
    for new in &settlement.facts {
        let newest = through.entry(&new.key.book).or_insert(i64::MIN);
        *newest = (*newest).max(new.fact.at().0);
    }
    let rows = through.into_iter().flat_map(|(book, at)| [Value::from(book), at.into()]).collect();
    TOLD.insert(db, rows).await.map(drop)
}

impl Snapshot {
    /// The place of the last posting of all.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn last_posting(&self) -> Result<i64, LedgerError> {
        last_posting(self.db()).await
    }

    /// How many customers were touched since sums were written.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn touched_count(&self, of: &RollUp) -> Result<usize, LedgerError> {
        let sql = "SELECT COUNT(*) FROM roll_up_touched WHERE book = $1 AND edition = $2";
        let values = vec![of.book.clone().into(), of.edition.into()];
        let count = number(self.db(), ACT, statement(sql, values)).await?;
        Ok(count.and_then(|count| usize::try_from(count).ok()).unwrap_or_default())
    }

    /// The customers that were touched since sums were written, in the order of their ids: so many at most.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn touched(
        &self,
        of: &RollUp,
        behind: &Behind,
        most: usize,
    ) -> Result<Vec<Touched>, LedgerError> {
        let (operator, name) = behind.bound();
        let sql = format!(
            "SELECT customer, touches, through_posting, was FROM roll_up_touched WHERE book = $1 AND edition = $2 \
             AND customer {operator} $3 ORDER BY customer LIMIT {most}"
        );
        let values = vec![of.book.clone().into(), of.edition.into(), name.into()];
        let rows: Vec<TouchedRow> = all(self.db(), "read whose sums changed", statement(sql, values)).await?;
        let restore = |row: TouchedRow| {
            Ok(Touched {
                customer: row.customer.into(),
                touches: row.touches,
                through_posting: row.through_posting,
                was: KeptCustomer::from_body(&row.was)?,
            })
        };
        rows.into_iter().map(restore).collect()
    }
}

impl Ledger {
    /// Looks for how far a book is told of, where that is not known.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn look_how_far_told(&self, book: &str) -> Result<(), LedgerError> {
        let sql = "UPDATE told SET through = (SELECT MAX(at) FROM fact WHERE book = $1) \
                   WHERE book = $1 AND through IS NULL";
        let unknown = "SELECT COUNT(*) FROM told WHERE book = $1 AND through IS NULL";
        if number(self.reader(), ACT, statement(unknown, vec![book.into()]))
            .await?
            .is_none_or(|count| count == 0)
        {
            return Ok(());
        }
        let transaction = self.begin().await?;
        run(&transaction, ACT, statement(sql, vec![book.into()])).await?;
        transaction.commit().await.map_err(while_doing(ACT))
    }
}

impl Fold<'_> {
    /// Takes the notes of customers off that were not settled since they were read.
    pub(super) async fn take_notes_off(
        &self,
        db: &Transaction,
        touched: &[Touched],
    ) -> Result<(), LedgerError> {
        let (book, edition) = (self.of.book.as_str(), self.of.edition);
        let named = || names(book, touched.iter().map(|touched| touched.customer.as_str()));
        let marks = marks(touched.len());
        let of =
            format!("FROM roll_up_touched WHERE edition = {edition} AND book = ? AND customer IN ({marks})");
        let sql = format!("SELECT customer, touches {of}");
        let noted: Vec<NoteRow> = all(db, ACT, statement(sql, named())).await?;
        run(db, ACT, statement(format!("DELETE {of}"), named())).await?;
        let read: BTreeMap<&str, i64> =
            touched.iter().map(|touched| (touched.customer.as_str(), touched.touches)).collect();
        let mut rows: Vec<Value> = Vec::new();
        for note in noted.into_iter().filter(|note| read.get(note.customer.as_str()) != Some(&note.touches)) {
            let customer = CustomerId::from(note.customer.as_str());
            let was = self.now.get(&customer).cloned().unwrap_or_default().to_body()?;
            let touches = note.touches;
            rows.extend([Value::from(book), edition.into(), note.customer.into(), touches.into()]);
            rows.extend([self.through_posting.into(), was.into()]);
        }
        TOUCHED.insert(db, rows).await.map(drop)
    }
}
