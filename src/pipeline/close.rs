//! Closing a month (R24): what waits is settled first, by the rules that all is settled by.

use std::collections::BTreeSet;

use super::Settler;
use crate::ledger::{CloseError, CloseOrder, Closed};
use crate::mrr::Month;

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
        let is_adopted = self.ledger.outdated_customers(&self.rules.digest()?, 1).await?.is_empty();
        if is_adopted {
            self.settle(now).await?;
        }
        let book = book.to_owned();
        let order = CloseOrder { book, month, now, rules: self.rules.clone(), segment_keys };
        self.ledger.close_month(&order).await
    }
}
