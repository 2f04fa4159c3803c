//! The ledger's rows of one instant, some at a time: what is exported is of one piece whatever its size.

use std::collections::BTreeMap;

use super::reporter::{AskError, Reporter, movement_row};
use super::{MovementRow, Settings};
use crate::ledger::{Closings, Frozen, Wanted, place};
use crate::mrr::{CustomerId, Level};

/// Rows held at a time.
const A_PAGE: usize = 10_000;

/// Customers whose levels are held at a time.
const CUSTOMERS_A_PAGE: u32 = 2_000;

/// What a book holds as of one instant.
#[derive(Debug)]
pub struct Extract {
    frozen: Frozen,
    book: String,
    closings: Closings,
}

impl Reporter {
    /// What the book of these settings holds as of now.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn extract(&self, settings: &Settings) -> Result<Extract, AskError> {
        let frozen = self.ledger().frozen().await?;
        let closings = frozen.closings(&settings.book).await?;
        Ok(Extract { frozen, book: settings.book.clone(), closings })
    }
}

impl Extract {
    /// The book.
    #[must_use]
    pub fn book(&self) -> &str {
        &self.book
    }

    /// The highest number of a posting that it knows of.
    #[must_use]
    pub fn through_posting(&self) -> i64 {
        self.frozen.through_posting()
    }

    /// The next movements of the book that are wanted, in the ledger's order; none where there are no more. Those
    /// that were given before are those up to `wanted.since_seq`, which this moves on.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn movements(&self, wanted: &mut Wanted) -> Result<Vec<MovementRow>, AskError> {
        wanted.book = Some(self.book.clone());
        wanted.limit = Some(A_PAGE);
        let mut postings = self.frozen.postings(wanted).await?;
        // A month that was opened and closed again took in what was posted for it meanwhile.
        place(&mut postings, &self.closings);
        if let Some(last) = postings.last() {
            wanted.since_seq = Some(last.seq);
        }
        Ok(postings.into_iter().map(movement_row).collect())
    }

    /// The item levels of the next customers after one through all time, and the last of these customers; `None`
    /// where there are no more.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn levels(
        &self,
        after: &str,
    ) -> Result<(BTreeMap<CustomerId, Vec<Level>>, Option<String>), AskError> {
        Ok(self.frozen.levels(&self.book, after, CUSTOMERS_A_PAGE).await?)
    }
}
