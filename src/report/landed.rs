//! Where movements count in their month's report (R26), for lists of them.

use std::collections::{BTreeMap, BTreeSet};

use super::reporter::{AskError, Reporter};
use super::roll_up::histories;
use super::{MovementRow, Settings};
use crate::ledger::{Wanted, WantedSum};
use crate::mrr::{CustomerId, Landing, Month, NetMonth, landing, net_month};

/// How many movements are summed up for a page.
const MOST_SUMMED: usize = 5_000;

impl Reporter {
    /// Which cell of their month each of some standing movements of one month counts in, in their order: of what
    /// stands now, as a restated report has it.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn landings(
        &self,
        settings: &Settings,
        month: Month,
        rows: &[MovementRow],
    ) -> Result<Vec<Landing>, AskError> {
        let customers: BTreeSet<CustomerId> = rows.iter().map(|row| row.customer.clone()).collect();
        let customers: Vec<CustomerId> = customers.into_iter().collect();
        let (start, end) = (month.start(settings.zone), month.end(settings.zone));
        let snapshot = self.ledger().snapshot().await?;
        let held = snapshot.held_within(&settings.book, &customers, (start, end)).await?;
        let netted: BTreeMap<CustomerId, NetMonth> = histories(held)
            .into_iter()
            .map(|history| {
                let net = net_month(&history.levels, &history.movements, start, end);
                (history.customer, net)
            })
            .collect();
        let nothing = net_month(&[], &[], start, end);
        let of = |row: &MovementRow| netted.get(&row.customer).unwrap_or(&nothing);
        Ok(rows.iter().map(|row| landing(of(row), &row.movement, start)).collect())
    }

    /// What the movements that are wanted come to, a currency each; `None` of very many.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn movement_sums(&self, wanted: &Wanted) -> Result<Option<Vec<WantedSum>>, AskError> {
        Ok(self.ledger().sums_of(wanted, MOST_SUMMED).await?)
    }
}
