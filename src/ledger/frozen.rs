//! The ledger as it is at one instant, read page by page: what is exported of it is of one piece, and memory holds a
//! page of it.

use std::collections::BTreeMap;

use sea_orm::{AccessMode, FromQueryResult, IsolationLevel, TransactionTrait};

use super::closing::acts_of;
use super::error::while_doing;
use super::level::levels_where;
use super::limited::{Limited, Transaction, within};
use super::sql::{number, one, statement};
use super::wanted::postings_of;
use super::{Closings, Ledger, LedgerError, Posting, Wanted};
use crate::mrr::{CustomerId, Level};

/// The ledger as it was when this was asked for, whatever is written meanwhile. One of the connections that read is
/// taken until it is dropped.
#[derive(Debug)]
pub struct Frozen {
    at: Transaction,
    through_posting: i64,
}

#[derive(FromQueryResult)]
struct CustomerRow {
    last: Option<String>,
}

impl Ledger {
    /// The ledger as it is now.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn frozen(&self) -> Result<Frozen, LedgerError> {
        let act = "be read as of one instant";
        let reader = self.reader();
        // SQLite's readers see one state for as long as they read.
        let isolation = self.is_postgres().then_some(IsolationLevel::RepeatableRead);
        let access = self.is_postgres().then_some(AccessMode::ReadOnly);
        let begun = within(reader.limit(), reader.unlimited().begin_with_config(isolation, access)).await;
        let at = Limited::new(begun.map_err(while_doing(act))?, reader.limit());
        // The first question settles which instant it is.
        let last = number(&at, act, statement("SELECT MAX(seq) FROM posting", Vec::new())).await?;
        Ok(Frozen { at, through_posting: last.unwrap_or_default() })
    }
}

impl Frozen {
    /// The highest number of a posting.
    #[must_use]
    pub fn through_posting(&self) -> i64 {
        self.through_posting
    }

    /// The first of the postings that are wanted, so many as `wanted.limit` says, in the ledger's order.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn postings(&self, wanted: &Wanted) -> Result<Vec<Posting>, LedgerError> {
        postings_of(&self.at, wanted).await
    }

    /// A book's closed months.
    ///
    /// # Errors
    ///
    /// As of [`Ledger::closings`].
    pub async fn closings(&self, book: &str) -> Result<Closings, LedgerError> {
        Ok(Closings::after(&acts_of(&self.at, book).await?))
    }

    /// The item levels, through all time, of the book's next customers after one, so many of them; and the last of
    /// these customers, `None` where there are no more.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn levels(
        &self,
        book: &str,
        after: &str,
        customers: u32,
    ) -> Result<(BTreeMap<CustomerId, Vec<Level>>, Option<String>), LedgerError> {
        let sql = "SELECT MAX(customer) AS last FROM (SELECT customer FROM customer \
                   WHERE book = $1 AND customer > $2 ORDER BY customer LIMIT $3) AS page";
        let values = vec![book.into(), after.into(), i64::from(customers).into()];
        let row: Option<CustomerRow> = one(&self.at, "read customers", statement(sql, values)).await?;
        let Some(last) = row.and_then(|row| row.last) else { return Ok((BTreeMap::new(), None)) };
        let which = "book = $1 AND customer > $2 AND customer <= $3";
        let values = vec![book.into(), after.into(), last.clone().into()];
        Ok((levels_where(&self.at, which, values).await?, Some(last)))
    }
}
