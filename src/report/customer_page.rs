//! The customers at the end of a month, part by part in the order of their ids: a part costs its own size.

use std::collections::BTreeMap;

use super::closed_sums::books_of;
use super::reporter::{AskError, Reporter};
use super::roll_up::histories;
use super::{Basis, CustomerHistory, CustomerRow, History, Settings, customer_rows};
use crate::ledger::{Among, Behind, Closing, Closings, Snapshot};
use crate::mrr::{CustomerId, Instant, Month};

/// What is asked of customers.
struct Asked<'a> {
    settings: Settings,
    month: Month,
    with_zeros: bool,
    closings: &'a Closings,
    /// The closing whose books are read; without one, what stands now.
    closing: Option<Closing>,
}

impl Reporter {
    /// Some of the customers at the end of a month, as [`Reporter::customers`] has them all: those that follow on a
    /// customer and currency, so many at most.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn customers_behind(
        &self,
        settings: &Settings,
        month: Month,
        with_zeros: bool,
        after: Option<(&str, &str)>,
        most: usize,
    ) -> Result<Vec<CustomerRow>, AskError> {
        let closings = self.ledger().closings(&settings.book).await?;
        let asked = self.asked(settings, month, with_zeros, &closings).await?;
        let snapshot = self.ledger().snapshot().await?;
        // Of the customer that was shown last, some currencies may be left.
        let mut behind = after.map_or(Behind::Nobody, |(customer, _)| Behind::Before(customer.into()));
        let mut rows = Vec::new();
        while rows.len() < most {
            let some = asked.candidates(&snapshot, &behind, most).await?;
            let Some(last) = some.last().cloned() else { break };
            let found = asked.rows(&snapshot, &some).await?;
            let is_behind = |row: &CustomerRow| {
                after.is_none_or(|after| (row.customer.as_str(), row.currency.as_str()) > after)
            };
            rows.extend(found.into_iter().filter(is_behind));
            behind = Behind::After(last);
        }
        rows.truncate(most);
        Ok(rows)
    }

    /// How one customer stands at the end of a month, zeros among it.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn customer_standing(
        &self,
        settings: &Settings,
        month: Month,
        customer: &CustomerId,
    ) -> Result<Vec<CustomerRow>, AskError> {
        let closings = self.ledger().closings(&settings.book).await?;
        let asked = self.asked(settings, month, true, &closings).await?;
        let snapshot = self.ledger().snapshot().await?;
        asked.rows(&snapshot, std::slice::from_ref(customer)).await
    }

    async fn asked<'a>(
        &self,
        settings: &Settings,
        month: Month,
        with_zeros: bool,
        closings: &'a Closings,
    ) -> Result<Asked<'a>, AskError> {
        let closing = closings.of(month).filter(|_| settings.basis == Basis::Reported);
        let settings = match &closing {
            Some(closing) => self.settings_of(settings, closing).await?,
            None => settings.clone(),
        };
        Ok(Asked { settings, month, with_zeros, closings, closing })
    }
}

impl Asked<'_> {
    fn end(&self) -> Instant {
        self.month.end(self.settings.zone)
    }

    /// The next customers that may have a row.
    async fn candidates(
        &self,
        snapshot: &Snapshot,
        behind: &Behind,
        most: usize,
    ) -> Result<Vec<CustomerId>, AskError> {
        let book = self.settings.book.as_str();
        Ok(match &self.closing {
            Some(_) => snapshot.customers_behind(book, behind, most).await?,
            None => snapshot.customers_standing(book, behind, self.end(), self.with_zeros, most).await?,
        })
    }

    /// The rows of customers, of a closing a run of them in the order of their ids.
    async fn rows(&self, snapshot: &Snapshot, some: &[CustomerId]) -> Result<Vec<CustomerRow>, AskError> {
        let book = self.settings.book.as_str();
        let mut customers: Vec<CustomerHistory> = match &self.closing {
            Some(closing) => {
                let none = BTreeMap::new();
                books_of(snapshot, book, some, (self.closings, closing), &none).await?.0
            }
            None => histories(snapshot.held_at(book, some, self.end(), self.with_zeros).await?),
        };
        if self.with_zeros {
            let through = self.closing.as_ref().map_or(i64::MAX, |closing| closing.through_delivery);
            for told in snapshot.statuses(book, Among::These(some), (self.end(), through)).await? {
                let of = customers.iter_mut().find(|customer| customer.customer == told.customer);
                if let Some(customer) = of {
                    customer.statuses.insert(told.subscription, told.status);
                }
            }
        }
        let history = History { customers, noticed: Vec::new() };
        Ok(customer_rows(&history, &self.settings, self.month, self.with_zeros))
    }
}
