//! What comparisons with Stripe's own figures found of months: written down by whoever compares, said by reports.

use sea_orm::{FromQueryResult, Value};

use super::error::while_doing;
use super::sql::{Table, all, statement};
use super::{Ledger, LedgerError};
use crate::mrr::{Currency, Instant, Month, Mrr};

/// A month in one currency, as a run compared it: customers' levels at the month's end, Stripe's and ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedMonth {
    /// The month.
    pub month: Month,
    /// The currency.
    pub currency: Currency,
    /// What it was compared with, by the form's word.
    pub form: String,
    /// When.
    pub compared_at: Instant,
    /// When the files had been made.
    pub exported_at: Instant,
    /// Our levels.
    pub ours: Mrr,
    /// Stripe's.
    pub theirs: Mrr,
    /// Customers who agree to the last unit.
    pub agreed: u64,
    /// Those who differ by less than the files print.
    pub rounded: u64,
    /// Those whose gap has known causes.
    pub explained: u64,
    /// Those in whose gap something stays unknown.
    pub unknown: u64,
    /// Rows of the files, whatever month they are of, that could not be read.
    pub unreadable: u64,
}

#[derive(FromQueryResult)]
struct ComparedRow {
    month: String,
    currency: String,
    form: String,
    compared_at: i64,
    exported_at: i64,
    ours: String,
    theirs: String,
    agreed: i64,
    rounded: i64,
    explained: i64,
    unknown: i64,
    unreadable: i64,
}

const ACT: &str = "read what was compared";

const COMPARED: Table = Table {
    name: "compared",
    columns: &[
        "book",
        "month",
        "currency",
        "form",
        "compared_at",
        "exported_at",
        "ours",
        "theirs",
        "agreed",
        "rounded",
        "explained",
        "unknown",
        "unreadable",
    ],
    tail: "",
};

impl Ledger {
    /// Writes down what a run found.
    ///
    /// # Errors
    ///
    /// The store's refusal: a role that only reads may not.
    pub async fn note_compared(&self, book: &str, months: &[ComparedMonth]) -> Result<(), LedgerError> {
        let count = |count: u64| Value::from(i64::try_from(count).unwrap_or(i64::MAX));
        let row = |month: &ComparedMonth| {
            let words =
                [book, &month.month.to_string(), month.currency.as_str(), &month.form].map(Value::from);
            let at = [month.compared_at.0, month.exported_at.0].map(Value::from);
            let amounts = [month.ours.0, month.theirs.0].map(|mrr| Value::from(mrr.to_string()));
            let counts =
                [month.agreed, month.rounded, month.explained, month.unknown, month.unreadable].map(count);
            words.into_iter().chain(at).chain(amounts).chain(counts)
        };
        let transaction = self.begin().await?;
        COMPARED.insert(&transaction, months.iter().flat_map(row).collect()).await?;
        transaction.commit().await.map_err(while_doing("write down what was compared"))
    }

    /// What the newest run with each form of files found of some months of a book, by month, currency and form.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn compared(
        &self,
        book: &str,
        (from, to): (Month, Month),
    ) -> Result<Vec<ComparedMonth>, LedgerError> {
        let sql = "SELECT month, currency, form, compared_at, exported_at, ours, theirs, agreed, rounded, explained, \
                   unknown, unreadable FROM compared WHERE seq IN (SELECT MAX(seq) FROM compared \
                   WHERE book = $1 AND month >= $2 AND month <= $3 GROUP BY month, currency, form) \
                   ORDER BY month, currency, form";
        let values = vec![book.into(), from.to_string().into(), to.to_string().into()];
        let rows: Vec<ComparedRow> = all(self.reader(), ACT, statement(sql, values)).await?;
        rows.into_iter().map(ComparedRow::restore).collect()
    }
}

impl ComparedRow {
    fn restore(self) -> Result<ComparedMonth, LedgerError> {
        let unknown = |what, word: &str| LedgerError::UnknownWord { what, word: word.to_owned() };
        let amount = |text: &str| text.parse().map(Mrr).map_err(|_| unknown("amount", text));
        Ok(ComparedMonth {
            month: Month::parse(&self.month).ok_or_else(|| unknown("month", &self.month))?,
            currency: Currency::from(self.currency),
            form: self.form,
            compared_at: Instant(self.compared_at),
            exported_at: Instant(self.exported_at),
            ours: amount(&self.ours)?,
            theirs: amount(&self.theirs)?,
            agreed: self.agreed.unsigned_abs(),
            rounded: self.rounded.unsigned_abs(),
            explained: self.explained.unsigned_abs(),
            unknown: self.unknown.unsigned_abs(),
            unreadable: self.unreadable.unsigned_abs(),
        })
    }
}
