//! Roll-ups: sums of a book's customers' months, kept for reports, which alone know what is in them. `touched` has whose
//! are not in them as they are.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::error::while_doing;
use super::limited::Transaction;
use super::open::run;
use super::posting::STANDS;
use super::sql::{KEYS_A_STATEMENT, Table, all, number, one, statement};
use super::{KeptCustomer, Ledger, LedgerError, Snapshot, Touched, months};
use crate::mrr::{Currency, CustomerId, Delta, MICRO, Month};

/// What is kept of a book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollUp {
    /// The book.
    pub book: String,
    /// Which of two it is: while one is read, the next is made beside it.
    pub edition: i64,
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

/// The movements of a month in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingSum {
    /// The month.
    pub month: Month,
    /// The currency.
    pub currency: Currency,
    /// How many stand.
    pub movements: u64,
    /// What they come to.
    pub delta: Delta,
}

/// Sums that take in customers that were touched.
#[derive(Debug, Clone)]
pub struct Fold<'f> {
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
    /// What they were taken in with, beside postings.
    pub now: BTreeMap<CustomerId, KeptCustomer>,
    /// The last posting then.
    pub through_posting: i64,
}

const ROLL_UP: Table = Table {
    name: "roll_up",
    columns: &["book", "edition", "made_by", "generation", "is_ready", "from_month", "to_month", "firsts"],
    tail: "",
};

const ROLL_UP_MONTH: Table = Table {
    name: "roll_up_month",
    columns: &["book", "edition", "month", "year", "sums"],
    tail: "ON CONFLICT (book, edition, month) DO UPDATE SET year = excluded.year, sums = excluded.sums",
};

#[derive(FromQueryResult)]
struct RollUpRow {
    book: String,
    edition: i64,
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
struct StandingRow {
    month: String,
    currency: String,
    movements: i64,
    whole: i64,
    part: i64,
}

const ACT: &str = "keep sums";

/// An edition is made within so many writings of the other, which are seconds apart.
const A_MAKING_LASTS: i64 = 10_000;

impl Snapshot {
    /// What is kept of a book, once it is made.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn roll_up(&self, book: &str) -> Result<Option<RollUp>, LedgerError> {
        ready(self.db(), book).await
    }

    /// The months that are kept from one to another; without their sums, or with them.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn roll_up_months(
        &self,
        of: &RollUp,
        (from, to): (Month, Month),
        with_sums: bool,
    ) -> Result<Vec<RollUpMonth>, LedgerError> {
        let sums = if with_sums { "sums" } else { "CAST(NULL AS BYTEA) AS sums" };
        let sql = format!(
            "SELECT month, year, {sums} FROM roll_up_month WHERE book = $1 AND edition = $2 AND month >= $3 \
             AND month <= $4"
        );
        let values =
            vec![of.book.clone().into(), of.edition.into(), from.to_string().into(), to.to_string().into()];
        let rows: Vec<MonthRow> = all(self.db(), "read sums", statement(sql, values)).await?;
        let restore = |row: MonthRow| {
            Ok(RollUpMonth { month: month(&row.month)?, year: row.year, sums: row.sums.unwrap_or_default() })
        };
        rows.into_iter().map(restore).collect()
    }

    /// How many movements stand in each month of a book, by currency, and what they come to.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn standing_sums(&self, book: &str) -> Result<Vec<StandingSum>, LedgerError> {
        // In two parts: no integer of the store holds the sum of all.
        let sql = format!(
            "SELECT p.month, p.currency, COUNT(*) AS movements, \
             CAST(SUM(p.delta / {MICRO}) AS BIGINT) AS whole, CAST(SUM(p.delta % {MICRO}) AS BIGINT) AS part \
             FROM posting p WHERE p.book = $1 AND {STANDS} GROUP BY p.month, p.currency"
        );
        let rows: Vec<StandingRow> = all(self.db(), "sum up", statement(sql, vec![book.into()])).await?;
        let restore = |row: StandingRow| {
            Ok(StandingSum {
                month: month(&row.month)?,
                currency: row.currency.into(),
                movements: row.movements.unsigned_abs(),
                delta: Delta(i128::from(row.whole) * MICRO + i128::from(row.part)),
            })
        };
        rows.into_iter().map(restore).collect()
    }
}

impl Ledger {
    /// Begins to make a book's sums anew, from the store as it is now: what is settled from here on is noted. Those
    /// that are there are read until the new ones are handed in. They begin with the first month that anything is posted
    /// of, and go to `last` at least. Gives that store, and what to hand in; `None` of a book in which nothing is posted.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn begin_roll_up(
        &self,
        book: &str,
        made_by: &str,
        last: Month,
    ) -> Result<Option<(Snapshot, RollUp)>, LedgerError> {
        let transaction = self.begin().await?;
        // Looked for where nothing is settled beside: of a month before the first one no sums would be kept.
        let posted = months::posted(&transaction, book).await?;
        let ends = posted.keys().next().zip(posted.keys().next_back());
        let Some((from, to)) = ends.map(|(first, newest)| (*first, last.max(*newest))) else {
            return Ok(None);
        };
        let edition = ready(&transaction, book).await?.map_or(0, |ready| 1 - ready.edition);
        // Higher than any before: a row that is ready has the highest but one that is begun.
        let sql = "SELECT MAX(generation) FROM roll_up WHERE book = $1";
        let highest = number(&transaction, ACT, statement(sql, vec![book.into()])).await?;
        let generation = highest.unwrap_or_default() + 1;
        forget(&transaction, book, edition).await?;
        let begun = RollUp {
            book: book.to_owned(),
            edition,
            made_by: made_by.to_owned(),
            generation,
            from,
            to,
            firsts: Vec::new(),
        };
        ROLL_UP.insert(&transaction, begun.values()).await?;
        // Nothing is settled between what is seen here and the commit.
        let snapshot = self.snapshot().await?;
        transaction.commit().await.map_err(while_doing(ACT))?;
        Ok(Some((snapshot, begun)))
    }

    /// Hands in the sums that were begun, which are read from then on; `false` if somebody began anew meanwhile.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn finish_roll_up(
        &self,
        begun: &RollUp,
        firsts: Vec<u8>,
        months: Vec<RollUpMonth>,
    ) -> Result<bool, LedgerError> {
        let transaction = self.begin().await?;
        let sql = "UPDATE roll_up SET is_ready = 1, firsts = $1 WHERE book = $2 AND edition = $3 AND generation = $4";
        let book = begun.book.as_str();
        let values = vec![firsts.into(), book.into(), begun.edition.into(), begun.generation.into()];
        if run(&transaction, ACT, statement(sql, values)).await? == 0 {
            return Ok(false);
        }
        forget(&transaction, book, 1 - begun.edition).await?;
        write_months(&transaction, begun, months).await?;
        transaction.commit().await.map_err(while_doing(ACT))?;
        Ok(true)
    }

    /// Writes sums that take in customers that were touched; `false` if somebody wrote them meanwhile. Of customers
    /// that were settled meanwhile it is noted what the sums are made of now.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn fold_roll_up(&self, fold: Fold<'_>) -> Result<bool, LedgerError> {
        let transaction = self.begin().await?;
        let sql = "UPDATE roll_up SET generation = generation + 1, firsts = $1, from_month = $2 \
                   WHERE book = $3 AND edition = $4 AND generation = $5 AND is_ready = 1";
        let (firsts, from, of) = (fold.firsts.clone(), fold.from.to_string(), fold.of);
        let values =
            vec![firsts.into(), from.into(), of.book.clone().into(), of.edition.into(), of.generation.into()];
        if run(&transaction, ACT, statement(sql, values)).await? == 0 {
            return Ok(false);
        }
        // An edition that nobody hands in any more, because its process died, is not noted for for ever.
        let sql = "SELECT COUNT(*) FROM roll_up WHERE book = $1 AND is_ready = 0 AND generation < $2";
        let values = vec![of.book.clone().into(), (of.generation - A_MAKING_LASTS).into()];
        if number(&transaction, ACT, statement(sql, values)).await?.is_some_and(|count| count > 0) {
            forget(&transaction, &of.book, 1 - of.edition).await?;
        }
        for chunk in fold.touched.chunks(KEYS_A_STATEMENT) {
            fold.take_notes_off(&transaction, chunk).await?;
        }
        write_months(&transaction, of, fold.months).await?;
        transaction.commit().await.map_err(while_doing(ACT))?;
        Ok(true)
    }
}

/// The sums of a book that are read.
async fn ready<C: ConnectionTrait>(db: &C, book: &str) -> Result<Option<RollUp>, LedgerError> {
    let sql = "SELECT book, edition, made_by, generation, from_month, to_month, firsts FROM roll_up \
               WHERE book = $1 AND is_ready = 1";
    let row: Option<RollUpRow> = one(db, "read sums", statement(sql, vec![book.into()])).await?;
    row.map(RollUpRow::restore).transpose()
}

/// Removes an edition of a book's sums, with what was noted for it.
async fn forget(db: &Transaction, book: &str, edition: i64) -> Result<(), LedgerError> {
    for table in ["roll_up", "roll_up_month", "roll_up_touched"] {
        let sql = format!("DELETE FROM {table} WHERE book = $1 AND edition = $2");
        run(db, ACT, statement(sql, vec![book.into(), edition.into()])).await?;
    }
    Ok(())
}

async fn write_months(db: &Transaction, of: &RollUp, months: Vec<RollUpMonth>) -> Result<(), LedgerError> {
    for RollUpMonth { month, year, sums } in months {
        // A statement each: sums of a large book are large.
        let (book, edition) = (of.book.clone().into(), of.edition.into());
        let row = vec![book, edition, month.to_string().into(), year.into(), sums.into()];
        ROLL_UP_MONTH.insert(db, row).await?;
    }
    Ok(())
}

impl RollUp {
    /// Its row, before it is ready.
    fn values(&self) -> Vec<Value> {
        vec![
            self.book.clone().into(),
            self.edition.into(),
            self.made_by.clone().into(),
            self.generation.into(),
            0_i64.into(),
            self.from.to_string().into(),
            self.to.to_string().into(),
            self.firsts.clone().into(),
        ]
    }
}

impl RollUpRow {
    fn restore(self) -> Result<RollUp, LedgerError> {
        Ok(RollUp {
            book: self.book,
            edition: self.edition,
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
