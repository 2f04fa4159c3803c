//! Reports from kept sums, and from the few customers that these do not know as they are.

use std::collections::BTreeMap;

use super::as_closed::by_customer;
use super::build::finish;
use super::kept::{Sign, restored};
use super::reporter::{AskError, Reporter};
use super::roll_up::{changed, histories, over, summed};
use super::{Adjustment, Basis, CustomerHistory, History, Report, Settings};
use crate::ledger::{Among, Closings, Snapshot};
use crate::mrr::{CustomerId, Month};

/// With more customers than this not taken in yet, a report is made of all.
const TOUCHED_AT_MOST: usize = 2_000;

impl Reporter {
    /// The reports of months as they stand now, by kept sums; `None` where there are none that hold for what is
    /// asked.
    pub(super) async fn from_kept(
        &self,
        settings: &Settings,
        closings: &Closings,
        (from, to): (Month, Month),
    ) -> Result<Option<Vec<Report>>, AskError> {
        let dimensions = settings.everything().dimensions();
        let is_other = settings.by.as_ref().is_some_and(|by| !dimensions.contains(by));
        if !self.reads_kept() || settings.consolidation.is_some() || is_other {
            return Ok(None);
        }
        let book = settings.book.as_str();
        let adjusted = self.adjusted(settings, closings, (from, to)).await?;
        let snapshot = self.ledger().snapshot().await?;
        let Some(kept) = snapshot.roll_up(book).await? else { return Ok(None) };
        if kept.made_by != settings.made_by() || kept.to < to {
            return Ok(None);
        }
        let touched = snapshot.touched(book, TOUCHED_AT_MOST + 1).await?;
        if touched.len() > TOUCHED_AT_MOST {
            return Ok(None);
        }
        let mut sums = over((from, to), settings);
        let mut months = snapshot.roll_up_months(book, (from.minus(11), from.minus(1)), false).await?;
        months.extend(snapshot.roll_up_months(book, (from, to), true).await?);
        let Some(firsts) = restored(&kept.firsts) else { return Ok(None) };
        sums.firsts = firsts;
        if months.iter().any(|month| sums.put_in(month).is_none()) {
            return Ok(None);
        }
        let changed = changed(&snapshot, book, &touched, &adjusted).await?;
        sums = summed(sums, changed.before, Sign::Minus, settings).await;
        sums = summed(sums, changed.after, Sign::Plus, settings).await;
        let listed = self.listed(&snapshot, book, adjusted).await?;
        Ok(Some(finish(sums, None, &listed, settings)))
    }

    /// What was posted in the first open month for closed ones, where it is asked for as reported.
    async fn adjusted(
        &self,
        settings: &Settings,
        closings: &Closings,
        (from, to): (Month, Month),
    ) -> Result<BTreeMap<CustomerId, Vec<Adjustment>>, AskError> {
        let open = closings.last().map(|last| last.month.next());
        let open = open.filter(|open| settings.basis == Basis::Reported && (from..=to).contains(open));
        let Some(open) = open else { return Ok(BTreeMap::new()) };
        Ok(by_customer(self.ledger().adjustments(&settings.book, closings, open).await?))
    }

    /// The customers that a report names beside its sums: what is to come, what is incomplete, what was adjusted.
    async fn listed(
        &self,
        snapshot: &Snapshot,
        book: &str,
        adjusted: BTreeMap<CustomerId, Vec<Adjustment>>,
    ) -> Result<History, AskError> {
        let mut customers: BTreeMap<CustomerId, CustomerHistory> = BTreeMap::new();
        let incomplete = self.incomplete(book).await?;
        let mut lacking: Vec<CustomerId> = incomplete.iter().map(|(customer, _)| customer.clone()).collect();
        lacking.sort();
        lacking.dedup();
        let held = snapshot.held(book, Among::These(&lacking), false).await?;
        customers.extend(histories(held).into_iter().map(|history| (history.customer.clone(), history)));
        let mut of = |customer: CustomerId, fill: &mut dyn FnMut(&mut CustomerHistory)| {
            let fresh = || CustomerHistory::of(customer.clone());
            fill(customers.entry(customer.clone()).or_insert_with(fresh));
        };
        for (customer, line) in incomplete {
            of(customer, &mut |history| history.incomplete.push(line.clone()));
        }
        for (customer, mut scheduled) in self.ledger().scheduled(book).await? {
            of(customer, &mut |history| history.scheduled = std::mem::take(&mut scheduled));
        }
        for (customer, mut adjustments) in adjusted {
            of(customer, &mut |history| history.adjustments = std::mem::take(&mut adjustments));
        }
        Ok(History { customers: customers.into_values().collect() })
    }
}
