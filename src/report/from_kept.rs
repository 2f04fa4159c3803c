//! Reports from kept sums, and from the few customers that these do not know as they are.

use std::collections::{BTreeMap, BTreeSet};

use super::as_closed::by_customer;
use super::build::finish;
use super::kept::Sign;
use super::listed::forward;
use super::reporter::{AskError, Reporter};
use super::roll_up::{changed, histories, over, read, summed, up_to_date};
use super::trailing::{BEFORE, Span};
use super::{
    Adjustment, Basis, Concern, CustomerHistory, History, IncompleteLine, Noticed, Report, Settings,
};
use crate::ledger::{Among, Behind, Closings, RollUp, Snapshot};
use crate::mrr::{Currency, CustomerId, Instant, Month};

/// With more customers than this not taken in yet, a report is made of all.
const TOUCHED_AT_MOST: usize = 2_000;

impl Reporter {
    /// The reports of months as they stand now, by kept sums; `None` where there are none that hold for what is
    /// asked. `settings` have the rates of these months.
    pub(super) async fn by_kept(
        &self,
        settings: &Settings,
        closings: &Closings,
        (from, to): (Month, Month),
    ) -> Result<Option<Vec<Report>>, AskError> {
        let dimensions = settings.everything().dimensions();
        let is_other = settings.by.as_ref().is_some_and(|by| !dimensions.contains(by));
        if !self.reads_kept() || is_other {
            return Ok(None);
        }
        let book = settings.book.as_str();
        // All that is asked of other readers is asked first: a snapshot keeps one of them.
        let adjusted = self.adjusted(settings, closings, (from, to)).await?;
        let doubts = self.doubts(book).await?;
        let snapshot = self.ledger().snapshot().await?;
        let Some(kept) = snapshot.roll_up(book).await? else { return Ok(None) };
        if kept.made_by != settings.made_by() || kept.to < to {
            return Ok(None);
        }
        if snapshot.touched_count(&kept).await? > TOUCHED_AT_MOST {
            return Ok(None);
        }
        let touched = snapshot.touched(&kept, &Behind::Nobody, TOUCHED_AT_MOST).await?;
        let mut months = snapshot.roll_up_months(&kept, (from.minus(12), from.minus(1)), false).await?;
        months.extend(snapshot.roll_up_months(&kept, (from, to), true).await?);
        let Some(mut sums) = read(over((from, to), settings), &kept, &months) else { return Ok(None) };
        let changed = changed(&snapshot, book, &touched, &adjusted).await?;
        sums = summed(sums, changed.before, Sign::Minus, settings).await;
        sums = summed(sums, changed.after, Sign::Plus, settings).await;
        if !sums.name_the_largest() {
            return Ok(None);
        }
        let mut listed = self.listed(settings, &snapshot, adjusted).await?;
        listed.noticed = doubts;
        listed.noticed.extend(noticed(&snapshot, book, &sums.spans[BEFORE..]).await?);
        Ok(Some(finish(sums, &listed, settings)))
    }

    /// In which months up to one a book had MRR, and in which currencies, by kept sums; `None` where there are none
    /// that hold.
    pub(super) async fn held_by_kept(
        &self,
        settings: &Settings,
        until: Month,
    ) -> Result<Option<BTreeSet<(Month, Currency)>>, AskError> {
        let snapshot = self.ledger().snapshot().await?;
        let kept = snapshot.roll_up(settings.book.as_str()).await?;
        let holds = |kept: &RollUp| kept.made_by == settings.made_by() && kept.to >= until;
        let Some(kept) = kept.filter(|kept| self.reads_kept() && holds(kept)) else { return Ok(None) };
        if snapshot.touched_count(&kept).await? > TOUCHED_AT_MOST {
            return Ok(None);
        }
        let Ok(sums) = up_to_date(&snapshot, settings, &kept).await? else { return Ok(None) };
        let months = sums.months.iter().zip(&sums.spans[BEFORE..]).filter(|(_, span)| span.month <= until);
        let mut held = BTreeSet::new();
        for (month, span) in months {
            held.extend(month.blocks.keys().map(|currency| (span.month, currency.clone())));
        }
        Ok(Some(held))
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

    /// The customers that a report names beside its sums, and what to look at: what is to come, what is incomplete,
    /// what was adjusted.
    async fn listed(
        &self,
        settings: &Settings,
        snapshot: &Snapshot,
        adjusted: BTreeMap<CustomerId, Vec<Adjustment>>,
    ) -> Result<History, AskError> {
        let book = settings.book.as_str();
        let mut customers: BTreeMap<CustomerId, CustomerHistory> = BTreeMap::new();
        let incomplete = snapshot.incomplete(book).await?;
        let lacking: BTreeSet<&CustomerId> = incomplete.iter().map(|found| &found.key.customer).collect();
        let lacking: Vec<CustomerId> = lacking.into_iter().cloned().collect();
        let held = snapshot.held(book, Among::These(&lacking), false).await?;
        customers.extend(histories(held).into_iter().map(|history| (history.customer.clone(), history)));
        let mut of = |customer: &CustomerId, fill: &mut dyn FnMut(&mut CustomerHistory)| {
            let fresh = || CustomerHistory::of(customer.clone());
            fill(customers.entry(customer.clone()).or_insert_with(fresh));
        };
        for found in &incomplete {
            let line = IncompleteLine::of(&found.finding);
            of(&found.key.customer, &mut |history| history.incomplete.extend(line.clone()));
        }
        if let Some(near) = forward(settings) {
            for (customer, mut scheduled) in snapshot.scheduled_between(book, near).await? {
                of(&customer, &mut |history| history.scheduled = std::mem::take(&mut scheduled));
            }
        }
        for (customer, mut adjustments) in adjusted {
            of(&customer, &mut |history| history.adjustments = std::mem::take(&mut adjustments));
        }
        Ok(History { customers: customers.into_values().collect(), noticed: Vec::new() })
    }
}

/// What a person should look at, counted between the ends of months.
async fn noticed(snapshot: &Snapshot, book: &str, spans: &[Span]) -> Result<Vec<Noticed>, AskError> {
    let mut noticed = Vec::new();
    let mut from = Instant(i64::MIN);
    for span in spans {
        let counts = snapshot.findings_between(book, (from, span.end)).await?;
        let of_matters = [
            (Concern::BrokenChain, counts.broken_chain),
            (Concern::ItemsTruncated, counts.items_truncated),
            (Concern::UnknownStatus, counts.unknown_status),
            (Concern::UnconfirmedCoupon, counts.unconfirmed_coupon),
            (Concern::UnprovedHistory, counts.history),
        ];
        let counted = of_matters.into_iter().filter_map(|(concern, count)| Noticed::counted(concern, count));
        noticed.extend(counted.map(|counted| Noticed { at: Some(from), ..counted }));
        from = span.end;
    }
    Ok(noticed)
}
