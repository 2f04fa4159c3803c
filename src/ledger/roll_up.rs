//! Roll-ups: sums of a book's customers' months, kept for reports, which alone know what is in them. A settlement
//! notes in its own transaction whose sums it changes, and what these were made of; so sums and notes together
//! always say what stands.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult, Value};

use super::customer::names;
use super::error::while_doing;
use super::open::run;
use super::snapshot::held_besides_postings;
use super::sql::{KEYS_A_STATEMENT, Table, all, marks, one, statement, with_customers};
use super::{Among, KeptCustomer, Ledger, LedgerError, Settlement, Snapshot};
use crate::mrr::{CustomerId, Month};

/// What is kept of a book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollUp {
    /// What the sums depend on beside the ledger.
    pub made_by: String,
    /// Another number with each writing.
    pub generation: i64,
    /// The first month that is kept.
    pub from: Month,
    /// The last.
    pub to: Month,
    /// How many customers began when, as reports write it.
    pub firsts: Vec<u8>,
}

/// One month that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollUpMonth {
    /// The month.
    pub month: Month,
    /// What later months need to know of it, as reports write it.
    pub year: Vec<u8>,
    /// Its sums, as reports write them; empty where they were not asked for.
    pub sums: Vec<u8>,
}

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

/// Sums that take in customers that were touched.
#[derive(Debug, Clone)]
pub struct Fold<'f> {
    /// The book.
    pub book: &'f str,
    /// The roll-up as it was read.
    pub of: &'f RollUp,
    /// The first month that is kept now.
    pub from: Month,
    /// Who began when.
    pub firsts: Vec<u8>,
    /// The months that changed.
    pub months: Vec<RollUpMonth>,
    /// The customers taken in.
    pub touched: &'f [Touched],
}

const ROLL_UP: Table = Table {
    name: "roll_up",
    columns: &["book", "made_by", "generation", "is_ready", "from_month", "to_month", "firsts"],
    tail: "ON CONFLICT (book) DO UPDATE SET made_by = excluded.made_by, generation = roll_up.generation + 1, \
           is_ready = excluded.is_ready, from_month = excluded.from_month, to_month = excluded.to_month, \
           firsts = excluded.firsts",
};

const ROLL_UP_MONTH: Table = Table {
    name: "roll_up_month",
    columns: &["book", "month", "year", "sums"],
    tail: "ON CONFLICT (book, month) DO UPDATE SET year = excluded.year, sums = excluded.sums",
};

const TOUCHED: Table = Table {
    name: "roll_up_touched",
    columns: &["book", "customer", "touches", "through_posting", "was"],
    // What the sums were made of stays: they still are.
    tail: "ON CONFLICT (book, customer) DO UPDATE SET touches = roll_up_touched.touches + 1",
};

const TOLD: Table = Table {
    name: "told",
    columns: &["book", "through"],
    tail: "ON CONFLICT (book) DO UPDATE SET through = CASE WHEN told.through IS NULL THEN NULL \
           WHEN excluded.through > told.through THEN excluded.through ELSE told.through END",
};

#[derive(FromQueryResult)]
struct RollUpRow {
    made_by: String,
    generation: i64,
    from_month: String,
    to_month: String,
    firsts: Vec<u8>,
}

#[derive(FromQueryResult)]
struct MonthRow {
    month: String,
    year: Vec<u8>,
    sums: Option<Vec<u8>>,
}

#[derive(FromQueryResult)]
struct TouchedRow {
    customer: String,
    touches: i64,
    through_posting: i64,
    was: String,
}

#[derive(FromQueryResult)]
struct NameRow {
    name: String,
}

#[derive(FromQueryResult)]
struct NumberRow {
    number: i64,
}

const ACT: &str = "keep sums";

/// Notes, before anything is changed, whose sums a settlement may change, where sums are kept.
pub(super) async fn touch(db: &DatabaseTransaction, settlement: &Settlement) -> Result<(), LedgerError> {
    let books: Vec<NameRow> = all(db, ACT, statement("SELECT book AS name FROM roll_up", Vec::new())).await?;
    for NameRow { name: book } in books {
        let settled = settlement.customers.iter().map(|customer| &customer.key);
        // Attributes are kept of a customer that can't be derived, too.
        let keys = settled.chain(settlement.facts.iter().map(|fact| &fact.key));
        let customers: BTreeSet<&CustomerId> =
            keys.filter(|key| key.book == book).map(|key| &key.customer).collect();
        let customers: Vec<CustomerId> = customers.into_iter().cloned().collect();
        if !customers.is_empty() {
            touch_in(db, &book, &customers).await?;
        }
    }
    Ok(())
}

async fn touch_in(db: &DatabaseTransaction, book: &str, customers: &[CustomerId]) -> Result<(), LedgerError> {
    let mut noted: BTreeSet<String> = BTreeSet::new();
    for chunk in customers.chunks(KEYS_A_STATEMENT) {
        let sql = format!(
            "SELECT customer AS name FROM roll_up_touched WHERE book = ? AND customer IN ({})",
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
    let last = statement("SELECT COALESCE(MAX(seq), 0) AS number FROM posting", Vec::new());
    let last = one::<NumberRow, _>(db, ACT, last).await?.map_or(0, |row| row.number);
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
            customer.as_str().into(),
            1_i64.into(),
            last.into(),
            was.to_body()?.into(),
        ]);
    }
    TOUCHED.insert(db, rows).await.map(drop)
}

/// Keeps how far books are told of. What was read anew may be told of less far: that is looked for when it is
/// asked.
pub(super) async fn tell(db: &DatabaseTransaction, settlement: &Settlement) -> Result<(), LedgerError> {
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
    /// What is kept of a book, once it is made.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn roll_up(&self, book: &str) -> Result<Option<RollUp>, LedgerError> {
        let sql = "SELECT made_by, generation, from_month, to_month, firsts FROM roll_up \
                   WHERE book = $1 AND is_ready = 1";
        let row: Option<RollUpRow> = one(self.db(), "read sums", statement(sql, vec![book.into()])).await?;
        row.map(RollUpRow::restore).transpose()
    }

    /// The months that are kept of a book from one to another; without their sums, or with them.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn roll_up_months(
        &self,
        book: &str,
        (from, to): (Month, Month),
        with_sums: bool,
    ) -> Result<Vec<RollUpMonth>, LedgerError> {
        let sums = if with_sums { "sums" } else { "CAST(NULL AS BYTEA) AS sums" };
        let sql = format!(
            "SELECT month, year, {sums} FROM roll_up_month WHERE book = $1 AND month >= $2 AND month <= $3"
        );
        let values = vec![book.into(), from.to_string().into(), to.to_string().into()];
        let rows: Vec<MonthRow> = all(self.db(), "read sums", statement(sql, values)).await?;
        let restore = |row: MonthRow| {
            Ok(RollUpMonth { month: month(&row.month)?, year: row.year, sums: row.sums.unwrap_or_default() })
        };
        rows.into_iter().map(restore).collect()
    }

    /// The customers that were touched since the sums were written, in the order of their ids: so many at most.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn touched(&self, book: &str, most: usize) -> Result<Vec<Touched>, LedgerError> {
        let sql = format!(
            "SELECT customer, touches, through_posting, was FROM roll_up_touched WHERE book = $1 \
             ORDER BY customer LIMIT {most}"
        );
        let rows: Vec<TouchedRow> =
            all(self.db(), "read whose sums changed", statement(sql, vec![book.into()])).await?;
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
    /// Begins to make a book's sums anew, from the store as it is now: what is settled from here on is noted.
    /// Gives that store, and the number by which the sums are handed in.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn begin_roll_up(
        &self,
        book: &str,
        made_by: &str,
        (from, to): (Month, Month),
    ) -> Result<(Snapshot, i64), LedgerError> {
        let transaction = self.begin().await?;
        let row = vec![
            book.into(),
            made_by.into(),
            1_i64.into(),
            0_i64.into(),
            from.to_string().into(),
            to.to_string().into(),
            Vec::<u8>::new().into(),
        ];
        ROLL_UP.insert(&transaction, row).await?;
        for table in ["roll_up_month", "roll_up_touched"] {
            let sql = format!("DELETE FROM {table} WHERE book = $1");
            run(&transaction, ACT, statement(sql, vec![book.into()])).await?;
        }
        let sql = "SELECT generation AS number FROM roll_up WHERE book = $1";
        let generation = one::<NumberRow, _>(&transaction, ACT, statement(sql, vec![book.into()])).await?;
        // Nothing is settled between what is seen here and the commit.
        let snapshot = self.snapshot().await?;
        transaction.commit().await.map_err(while_doing(ACT))?;
        Ok((snapshot, generation.map_or(0, |row| row.number)))
    }

    /// Hands in the sums that were begun; `false` if somebody began anew meanwhile.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn finish_roll_up(
        &self,
        book: &str,
        generation: i64,
        firsts: Vec<u8>,
        months: Vec<RollUpMonth>,
    ) -> Result<bool, LedgerError> {
        let transaction = self.begin().await?;
        let sql = "UPDATE roll_up SET is_ready = 1, firsts = $1 WHERE book = $2 AND generation = $3";
        let values = vec![firsts.into(), book.into(), generation.into()];
        if run(&transaction, ACT, statement(sql, values)).await? == 0 {
            return Ok(false);
        }
        write_months(&transaction, book, months).await?;
        transaction.commit().await.map_err(while_doing(ACT))?;
        Ok(true)
    }

    /// Writes sums that take in customers that were touched; `false` if these were settled meanwhile, or the sums
    /// written by somebody else.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn fold_roll_up(&self, fold: Fold<'_>) -> Result<bool, LedgerError> {
        let Fold { book, of, from, firsts, months, touched } = fold;
        let transaction = self.begin().await?;
        let sql = "UPDATE roll_up SET generation = generation + 1, firsts = $1, from_month = $2 \
                   WHERE book = $3 AND generation = $4 AND is_ready = 1";
        let values = vec![firsts.into(), from.to_string().into(), book.into(), of.generation.into()];
        if run(&transaction, ACT, statement(sql, values)).await? == 0 {
            return Ok(false);
        }
        for chunk in touched.chunks(KEYS_A_STATEMENT) {
            if !are_as_read(&transaction, book, chunk).await? {
                return Ok(false);
            }
            let sql = format!(
                "DELETE FROM roll_up_touched WHERE book = ? AND customer IN ({})",
                marks(chunk.len())
            );
            let values = names(book, chunk.iter().map(|touched| touched.customer.as_str()));
            run(&transaction, ACT, statement(sql, values)).await?;
        }
        write_months(&transaction, book, months).await?;
        transaction.commit().await.map_err(while_doing(ACT))?;
        Ok(true)
    }

    /// Looks for how far a book is told of, where that is not known.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn look_how_far_told(&self, book: &str) -> Result<(), LedgerError> {
        let sql = "UPDATE told SET through = (SELECT MAX(at) FROM fact WHERE book = $1) \
                   WHERE book = $1 AND through IS NULL";
        let unknown = "SELECT COUNT(*) AS number FROM told WHERE book = $1 AND through IS NULL";
        let unknown: Option<NumberRow> =
            one(self.reader(), ACT, statement(unknown, vec![book.into()])).await?;
        if unknown.is_none_or(|row| row.number == 0) {
            return Ok(());
        }
        let transaction = self.begin().await?;
        run(&transaction, ACT, statement(sql, vec![book.into()])).await?;
        transaction.commit().await.map_err(while_doing(ACT))
    }
}

/// Whether customers are noted as they were read.
async fn are_as_read<C: ConnectionTrait>(
    db: &C,
    book: &str,
    touched: &[Touched],
) -> Result<bool, LedgerError> {
    let sql = format!(
        "{} SELECT COUNT(*) AS number FROM k CROSS JOIN roll_up_touched t \
         WHERE t.book = ? AND t.customer = k.customer AND t.touches = k.touches",
        with_customers(touched.len(), "touches")
    );
    let keys = touched.iter().flat_map(|one| [Value::from(one.customer.as_str()), one.touches.into()]);
    let values = keys.chain([book.into()]).collect();
    let same: Option<NumberRow> = one(db, ACT, statement(sql, values)).await?;
    Ok(same.and_then(|row| usize::try_from(row.number).ok()) == Some(touched.len()))
}

async fn write_months(
    db: &DatabaseTransaction,
    book: &str,
    months: Vec<RollUpMonth>,
) -> Result<(), LedgerError> {
    for RollUpMonth { month, year, sums } in months {
        // A statement each: sums of a large book are large.
        let row = vec![book.into(), month.to_string().into(), year.into(), sums.into()];
        ROLL_UP_MONTH.insert(db, row).await?;
    }
    Ok(())
}

impl RollUpRow {
    fn restore(self) -> Result<RollUp, LedgerError> {
        Ok(RollUp {
            made_by: self.made_by,
            generation: self.generation,
            from: month(&self.from_month)?,
            to: month(&self.to_month)?,
            firsts: self.firsts,
        })
    }
}

fn month(text: &str) -> Result<Month, LedgerError> {
    let unknown = || LedgerError::UnknownWord { what: "month", word: text.to_owned() };
    Month::parse(text).ok_or_else(unknown)
}
