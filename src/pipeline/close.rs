//! Closing a month (R24): what waits is settled first, by the rules that all is settled by.

use std::collections::BTreeSet;

use super::Settler;
use crate::ledger::{Checklist, CloseError, CloseOrder, Closed, LedgerError};
use crate::mrr::Month;

/// How often what came meanwhile is settled before the month is left open.
const TRIES: usize = 20;

impl Settler {
    /// Closes a month of a book, and every earlier one that is open. `segment_keys` are the metadata keys
    /// that reports are segmented by.
    ///
    /// What waits is settled first, unless the ledger was settled by other rules than these: adopting rules
    /// is no part of closing a month.
    ///
    /// # Errors
    ///
    /// [`CloseError`], with the remedy; nothing is closed then.
    pub async fn close(
        &self,
        book: &str,
        month: Month,
        segment_keys: BTreeSet<String>,
        now: i64,
    ) -> Result<Closed, CloseError> {
        let order = self.order(book, month, segment_keys, now);
        let mut tries = 0;
        loop {
            if self.ledger.outdated_customers(&order.rules.digest()?, 1).await?.is_empty() {
                self.settle(now).await?;
            }
            match self.ledger.close_month(&order).await {
                // Something came between the settling and the closing.
                Err(CloseError::Pending { .. } | CloseError::Due { .. }) if tries < TRIES => tries += 1,
                closed => return closed,
            }
        }
    }

    /// What closing a month of a book would find.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn before_closing(&self, book: &str, month: Month, now: i64) -> Result<Checklist, LedgerError> {
        self.ledger.checklist(&self.order(book, month, BTreeSet::new(), now)).await
    }

    fn order(&self, book: &str, month: Month, segment_keys: BTreeSet<String>, now: i64) -> CloseOrder {
        CloseOrder { book: book.to_owned(), month, now, rules: self.rules.clone(), segment_keys }
    }
}
