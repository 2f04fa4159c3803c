//! The customers at the end of a month, part by part in the order of their ids: a part costs its own size.

use std::collections::BTreeMap;

use super::closed_sums::books_of;
use super::reporter::{AskError, Reporter};
use super::roll_up::histories;
use super::segment::segments_at_end;
use super::{Basis, CustomerCut, CustomerHistory, CustomerRow, Dimension, History, Settings, customer_rows};
use crate::ledger::{Among, Behind, Closing, Closings, Snapshot};
use crate::mrr::{CustomerId, Instant, Level, Month, levels_before};

/// How many customers are looked at for a page of some of them: who they are is in no index.
const MOST_LOOKED_AT: usize = 800;

/// Some of the customers at the end of a month, and how far they were looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutCustomers {
    /// Those that were found.
    pub rows: Vec<CustomerRow>,
    /// The customer behind whom to go on; `None` when all were looked at.
    pub behind: Option<CustomerId>,
}

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

    /// Some of the customers with MRR at the end of a month, of those that follow on one: looks at some thousands and
    /// says how far that went.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn customers_cut(
        &self,
        settings: &Settings,
        month: Month,
        cut: &CustomerCut,
        after: Option<&str>,
        most: usize,
    ) -> Result<CutCustomers, AskError> {
        let closings = self.ledger().closings(&settings.book).await?;
        let asked = self.asked(settings, month, false, &closings).await?;
        let snapshot = self.ledger().snapshot().await?;
        let mut behind = after.map_or(Behind::Nobody, |customer| Behind::After(customer.into()));
        let (mut rows, mut looked_at) = (Vec::new(), 0);
        while rows.len() < most && looked_at < MOST_LOOKED_AT {
            let some = asked.candidates(&snapshot, &behind, most).await?;
            let Some(last) = some.last().cloned() else { return Ok(CutCustomers { rows, behind: None }) };
            looked_at += some.len();
            let mut customers = asked.histories(&snapshot, &some).await?;
            if let CustomerCut::Segment(Dimension::Country | Dimension::Owner | Dimension::Metadata(_), _) =
                cut
            {
                asked.add_attributes(&snapshot, &mut customers, &some).await?;
            }
            rows.extend(asked.cut(&customers, cut));
            behind = Behind::After(last);
        }
        let Behind::After(last) = behind else { return Ok(CutCustomers { rows, behind: None }) };
        Ok(CutCustomers { rows, behind: Some(last) })
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

    /// What tells how customers stand, of a closing a run of them in the order of their ids.
    async fn histories(
        &self,
        snapshot: &Snapshot,
        some: &[CustomerId],
    ) -> Result<Vec<CustomerHistory>, AskError> {
        let book = self.settings.book.as_str();
        Ok(match &self.closing {
            Some(closing) => {
                let none = BTreeMap::new();
                books_of(snapshot, book, some, (self.closings, closing), &none).await?.0
            }
            None => histories(snapshot.held_at(book, some, self.end(), self.with_zeros).await?),
        })
    }

    /// Gives customers what they are segmented by; of a closing what it did not keep, for that is read as it is now.
    async fn add_attributes(
        &self,
        snapshot: &Snapshot,
        customers: &mut [CustomerHistory],
        some: &[CustomerId],
    ) -> Result<(), AskError> {
        let mut attributes = snapshot.attributes(&self.settings.book, Among::These(some)).await?;
        let is_kept =
            |key: &String| self.closing.as_ref().is_some_and(|closing| closing.segment_keys.contains(key));
        for customer in customers {
            let Some(now) = attributes.remove(&customer.customer) else { continue };
            customer.metadata.extend(now.metadata.into_iter().filter(|(key, _)| !is_kept(key)));
            if self.closing.is_none() {
                customer.country = now.country;
            }
        }
        Ok(())
    }

    /// The rows of those customers that are meant.
    fn cut(&self, customers: &[CustomerHistory], cut: &CustomerCut) -> Vec<CustomerRow> {
        let end = self.end();
        let is_meant = |customer: &CustomerHistory, row: &CustomerRow| {
            let mut levels = levels_before(&customer.levels, end);
            levels.retain(|level: &&Level| level.currency == row.currency);
            match cut {
                CustomerCut::Since(first) => row.since == Some(*first),
                CustomerCut::Segment(dimension, segment) => {
                    let at = (self.month, &row.currency);
                    segments_at_end(dimension, customer, at, &levels, &self.settings).contains(segment)
                }
                CustomerCut::Evidence(grade) => {
                    levels.iter().any(|level| level.mrr.is_positive() && level.grade == *grade)
                }
            }
        };
        let rows_of = |customer: &CustomerHistory| {
            let history = History { customers: vec![customer.clone()], noticed: Vec::new() };
            let rows = customer_rows(&history, &self.settings, self.month, false);
            rows.into_iter().filter(|row| is_meant(customer, row)).collect::<Vec<_>>()
        };
        customers.iter().flat_map(rows_of).collect()
    }

    /// The rows of customers, of a closing a run of them in the order of their ids.
    async fn rows(&self, snapshot: &Snapshot, some: &[CustomerId]) -> Result<Vec<CustomerRow>, AskError> {
        let book = self.settings.book.as_str();
        let mut customers = self.histories(snapshot, some).await?;
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
