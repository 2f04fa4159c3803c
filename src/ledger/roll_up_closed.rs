//! Sums of closed months as they were reported: made once of each closing, for nothing in its books changes.

use std::collections::BTreeMap;

use sea_orm::FromQueryResult;

use super::error::while_doing;
use super::sql::{Table, all, one, statement};
use super::{KeptCustomer, Ledger, LedgerError, Snapshot};
use crate::mrr::CustomerId;

/// The sums of a closed month.
#[derive(Debug, Clone, Default)]
pub struct ClosedSums {
    /// What they depend on beside the books.
    pub made_by: String,
    /// What is looked back to, as reports write it.
    pub years: Vec<u8>,
    /// How many customers began when, as reports write it.
    pub firsts: Vec<u8>,
    /// The sums, as reports write them.
    pub sums: Vec<u8>,
    /// The customers that the report lists beside them.
    pub listed: BTreeMap<CustomerId, KeptCustomer>,
}

const ROLL_UP_CLOSED: Table = Table {
    name: "roll_up_closed",
    columns: &["book", "closing", "made_by", "years", "firsts", "sums", "listed"],
    tail: "ON CONFLICT (book, closing) DO UPDATE SET made_by = excluded.made_by, years = excluded.years, \
           firsts = excluded.firsts, sums = excluded.sums, listed = excluded.listed",
};

#[derive(FromQueryResult)]
struct SumsRow {
    years: Vec<u8>,
    firsts: Vec<u8>,
    sums: Vec<u8>,
    listed: String,
}

#[derive(FromQueryResult)]
struct MadeRow {
    made_by: String,
}

#[derive(FromQueryResult)]
struct KeptRow {
    customer: String,
    body: String,
}

const ACT: &str = "keep sums of a closed month";

impl Ledger {
    /// Whether the sums of a closing are kept, made by what is named.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn has_closed_sums(
        &self,
        book: &str,
        closing: i64,
        made_by: &str,
    ) -> Result<bool, LedgerError> {
        let sql = "SELECT made_by FROM roll_up_closed WHERE book = $1 AND closing = $2";
        let values = vec![book.into(), closing.into()];
        let row: Option<MadeRow> = one(self.reader(), ACT, statement(sql, values)).await?;
        Ok(row.is_some_and(|row| row.made_by == made_by))
    }

    /// The sums of a closing, if they are kept and were made by what is named.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn closed_sums(
        &self,
        book: &str,
        closing: i64,
        made_by: &str,
    ) -> Result<Option<ClosedSums>, LedgerError> {
        let sql = "SELECT years, firsts, sums, listed FROM roll_up_closed \
                   WHERE book = $1 AND closing = $2 AND made_by = $3";
        let values = vec![book.into(), closing.into(), made_by.into()];
        let row: Option<SumsRow> = one(self.reader(), ACT, statement(sql, values)).await?;
        let Some(SumsRow { years, firsts, sums, listed }) = row else { return Ok(None) };
        let unreadable = |source| LedgerError::Unreadable { what: "the customers of a closed month", source };
        let listed: BTreeMap<String, String> = serde_json::from_str(&listed).map_err(unreadable)?;
        let restore = |(customer, body): (String, String)| {
            Ok((CustomerId::from(customer), KeptCustomer::from_body(&body)?))
        };
        let listed = listed.into_iter().map(restore).collect::<Result<_, LedgerError>>()?;
        Ok(Some(ClosedSums { made_by: made_by.to_owned(), years, firsts, sums, listed }))
    }

    /// Keeps the sums of a closing.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn keep_closed_sums(
        &self,
        book: &str,
        closing: i64,
        kept: ClosedSums,
    ) -> Result<(), LedgerError> {
        let body =
            |(customer, kept): (&CustomerId, &KeptCustomer)| Ok((customer.to_string(), kept.to_body()?));
        let listed =
            kept.listed.iter().map(body).collect::<Result<BTreeMap<String, String>, LedgerError>>()?;
        let listed = serde_json::to_string(&listed)
            .map_err(|source| LedgerError::Unreadable { what: "the customers of a closed month", source })?;
        let row = vec![
            book.into(),
            closing.into(),
            kept.made_by.into(),
            kept.years.into(),
            kept.firsts.into(),
            kept.sums.into(),
            listed.into(),
        ];
        let transaction = self.begin().await?;
        ROLL_UP_CLOSED.insert(&transaction, row).await?;
        transaction.commit().await.map_err(while_doing(ACT))
    }
}

impl Snapshot {
    /// What was kept, up to a closing, of a book's customers from one to another in the order of their ids.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn kept_from(
        &self,
        book: &str,
        closing: i64,
        (first, last): (&CustomerId, &CustomerId),
    ) -> Result<BTreeMap<CustomerId, KeptCustomer>, LedgerError> {
        let sql = "SELECT customer, body FROM closed_customer WHERE book = $1 AND customer >= $2 \
                   AND customer <= $3 AND closing <= $4 ORDER BY customer, closing";
        let values = vec![book.into(), first.as_str().into(), last.as_str().into(), closing.into()];
        let rows: Vec<KeptRow> = all(self.db(), "read what was kept", statement(sql, values)).await?;
        // Each as its last row has it.
        let bodies: BTreeMap<String, String> = rows.into_iter().map(|row| (row.customer, row.body)).collect();
        let restore = |(customer, body): (String, String)| {
            Ok((CustomerId::from(customer), KeptCustomer::from_body(&body)?))
        };
        bodies.into_iter().map(restore).collect()
    }
}
