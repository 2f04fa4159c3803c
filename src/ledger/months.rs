//! Which months a book has.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, FromQueryResult};

use super::sql::{all, statement};
use super::{Ledger, LedgerError};
use crate::mrr::Month;

#[derive(FromQueryResult)]
struct MonthRow {
    month: String,
    last: i64,
}

impl Ledger {
    /// The months that a book has postings of, each with the place of the last of them.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn months_posted(&self, book: &str) -> Result<BTreeMap<Month, i64>, LedgerError> {
        posted(self.reader(), book).await
    }
}

/// The months that a book has postings of, each with the place of the last of them.
pub(super) async fn posted<C: ConnectionTrait>(
    db: &C,
    book: &str,
) -> Result<BTreeMap<Month, i64>, LedgerError> {
    // From one month to the next, not through all postings.
    let sql = "WITH RECURSIVE named (month) AS (\
                 SELECT MIN(month) FROM posting WHERE book = $1 UNION ALL \
                 SELECT (SELECT MIN(p.month) FROM posting p WHERE p.book = $1 AND p.month > named.month) \
                 FROM named WHERE named.month IS NOT NULL\
               ) SELECT month, (SELECT MAX(p.seq) FROM posting p WHERE p.book = $1 AND p.month = named.month) AS last \
               FROM named WHERE month IS NOT NULL ORDER BY month";
    let rows: Vec<MonthRow> = all(db, "read its months", statement(sql, vec![book.into()])).await?;
    let month = |row: MonthRow| {
        let unknown = || LedgerError::UnknownWord { what: "month", word: row.month.clone() };
        Ok((Month::parse(&row.month).ok_or_else(unknown)?, row.last))
    };
    rows.into_iter().map(month).collect()
}
