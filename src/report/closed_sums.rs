//! Closed months as they were reported, from sums that are made once of their books.

use std::collections::{BTreeMap, BTreeSet};

use super::as_closed::by_customer;
use super::build::finish;
use super::kept::{Sign, Stored as _, restored};
use super::reporter::{AskError, Reporter, in_effect};
use super::roll_up::{A_CHUNK, over, summed};
use super::segment::owner_key;
use super::sums::{Sums, Years};
use super::{Adjustment, CustomerHistory, Dimension, History, IncompleteLine, Report, Settings};
use crate::ledger::{
    Among, Behind, ClosedSums, Closing, Closings, KeptCustomer, Posting, Snapshot, place, standing_among,
};
use crate::mrr::{CustomerId, Month};

impl Reporter {
    /// The report of a closed month as it was reported, by its kept sums; `settings` are those it was closed
    /// under. `None` where there are none that hold for what is asked.
    pub(super) async fn closed_from_kept(
        &self,
        settings: &Settings,
        closings: &Closings,
        closing: &Closing,
    ) -> Result<Option<Report>, AskError> {
        let dimensions = settings.everything().dimensions();
        let is_other = settings.by.as_ref().is_some_and(|by| !dimensions.contains(by));
        if !self.reads_kept() || is_other || !knows(closing, settings) {
            return Ok(None);
        }
        let (book, month) = (settings.book.as_str(), closing.month);
        // A month before the first that was closed is closed with it, and has no books of its own.
        if !closings.all().any(|closed| closed.month == month) {
            return Ok(None);
        }
        let Some(kept) = self.ledger().closed_sums(book, closing.seq, &settings.made_by()).await? else {
            return Ok(None);
        };
        let Some(sums) = sums_of(&kept, month, settings).filter(Sums::name_the_largest) else {
            return Ok(None);
        };
        let adjusted = by_customer(self.ledger().adjustments(book, closings, month).await?);
        let listed = listed(kept.listed, adjusted);
        Ok(finish(sums, &listed, settings).pop())
    }

    /// Makes the sums of the closed months of a book that have none: of one, or of all.
    pub(super) async fn keep_closed(
        &self,
        settings: &Settings,
        closings: &Closings,
        only: Option<Month>,
    ) -> Result<(), AskError> {
        let book = settings.book.as_str();
        for closing in closings.all().filter(|closing| only.is_none_or(|only| closing.month == only)) {
            let settings = self.settings_of(settings, closing).await?;
            let made_by = settings.made_by();
            let is_kept = self.ledger().has_closed_sums(book, closing.seq, &made_by).await?;
            if is_kept || !knows(closing, &settings) {
                continue;
            }
            let settings = self.with_rates_of(settings, closing).await?;
            let adjusted = by_customer(self.ledger().adjustments(book, closings, closing.month).await?);
            let (sums, listed) = self.of_books(&settings, closings, closing, &adjusted).await?;
            let kept = ClosedSums {
                made_by,
                years: sums.years().to_bytes(),
                firsts: sums.firsts.to_bytes(),
                sums: sums.kept().pop().map(|month| month.sums).unwrap_or_default(),
                listed,
            };
            self.ledger().keep_closed_sums(book, closing.seq, kept).await?;
        }
        Ok(())
    }

    /// The first closed month whose kept sums are not those of its books.
    pub(super) async fn closed_differs(&self, settings: &Settings) -> Result<Option<Month>, AskError> {
        let book = settings.book.as_str();
        let closings = self.ledger().closings(book).await?;
        for closing in closings.all() {
            let settings = self.settings_of(settings, closing).await?;
            let Some(kept) = self.ledger().closed_sums(book, closing.seq, &settings.made_by()).await? else {
                continue;
            };
            let settings = self.with_rates_of(settings, closing).await?;
            let adjusted = by_customer(self.ledger().adjustments(book, &closings, closing.month).await?);
            let (mut anew, listed) = self.of_books(&settings, &closings, closing, &adjusted).await?;
            let Some(mut sums) = sums_of(&kept, closing.month, &settings) else {
                return Ok(Some(closing.month));
            };
            sums.level(&mut anew);
            let is_same = sums.firsts == anew.firsts
                && sums.years().to_bytes() == anew.years().to_bytes()
                && sums.kept() == anew.kept()
                && kept.listed == listed;
            if !is_same {
                return Ok(Some(closing.month));
            }
        }
        Ok(None)
    }

    /// The sums of a closed month's books over all customers, and what the report lists beside them.
    async fn of_books(
        &self,
        settings: &Settings,
        closings: &Closings,
        closing: &Closing,
        adjusted: &BTreeMap<CustomerId, Vec<Adjustment>>,
    ) -> Result<(Sums, BTreeMap<CustomerId, KeptCustomer>), AskError> {
        let book = settings.book.as_str();
        let snapshot = self.ledger().snapshot().await?;
        let mut sums = over((closing.month, closing.month), settings);
        let mut listed = BTreeMap::new();
        let mut behind = Behind::Nobody;
        loop {
            let customers = snapshot.customers_behind(book, &behind, A_CHUNK).await?;
            let Some(last) = customers.last() else { return Ok((sums, listed)) };
            let (histories, kept) =
                books_of(&snapshot, book, &customers, (closings, closing), adjusted).await?;
            sums = summed(sums, histories, Sign::Plus, settings).await;
            sums.trim();
            listed.extend(kept.into_iter().filter_map(|(customer, kept)| Some((customer, listed_of(kept)?))));
            behind = Behind::After(last.clone());
        }
    }
}

/// The sums of a closed month as they were kept; `None` if they can't be read.
fn sums_of(kept: &ClosedSums, month: Month, settings: &Settings) -> Option<Sums> {
    let mut sums = over((month, month), settings);
    sums.put_in_years(restored::<Years>(&kept.years)?);
    sums.firsts = restored(&kept.firsts)?;
    sums.put_in_sums(0, &kept.sums)?;
    Some(sums)
}

/// What a closed month's books hold of some customers, a run of them.
pub(super) async fn books_of(
    snapshot: &Snapshot,
    book: &str,
    customers: &[CustomerId],
    (closings, closing): (&Closings, &Closing),
    adjusted: &BTreeMap<CustomerId, Vec<Adjustment>>,
) -> Result<(Vec<CustomerHistory>, BTreeMap<CustomerId, KeptCustomer>), AskError> {
    let (Some(first), Some(last)) = (customers.first(), customers.last()) else {
        return Ok((Vec::new(), BTreeMap::new()));
    };
    let kept = snapshot.kept_from(book, closing.seq, (first, last)).await?;
    let held = snapshot.held(book, Among::Run(first, last), true).await?;
    let mut postings: Vec<Posting> = held.postings.into_values().flatten().collect();
    postings.retain(|posting| posting.seq <= closing.through_posting && posting.month <= closing.month);
    place(&mut postings, closings);
    postings.retain(|posting| posting.posted_in <= closing.month);
    let mut movements = in_effect(standing_among(postings));
    let history = |customer: &CustomerId| {
        let kept = kept.get(customer).cloned().unwrap_or_default();
        CustomerHistory {
            levels: kept.levels,
            country: kept.country,
            metadata: kept.metadata,
            movements: movements.remove(customer).unwrap_or_default(),
            adjustments: adjusted.get(customer).cloned().unwrap_or_default(),
            ..CustomerHistory::of(customer.clone())
        }
    };
    Ok((customers.iter().map(history).collect(), kept))
}

/// Of what was kept of a customer, what a report lists beside its sums.
fn listed_of(kept: KeptCustomer) -> Option<KeptCustomer> {
    let is_listed = !kept.scheduled.is_empty() || !kept.incomplete.is_empty();
    let levels = if kept.incomplete.is_empty() { Vec::new() } else { kept.levels };
    let listed = KeptCustomer {
        levels,
        scheduled: kept.scheduled,
        incomplete: kept.incomplete,
        ..KeptCustomer::default()
    };
    is_listed.then_some(listed)
}

fn listed(
    kept: BTreeMap<CustomerId, KeptCustomer>,
    mut adjusted: BTreeMap<CustomerId, Vec<Adjustment>>,
) -> History {
    let mut customers: BTreeMap<CustomerId, CustomerHistory> = BTreeMap::new();
    for (customer, kept) in kept {
        let incomplete = kept.incomplete.into_iter();
        let incomplete = incomplete.map(|(subscription, item, missing, since)| IncompleteLine {
            subscription,
            item,
            missing,
            since,
        });
        let history = CustomerHistory {
            levels: kept.levels,
            scheduled: kept.scheduled,
            incomplete: incomplete.collect(),
            adjustments: adjusted.remove(&customer).unwrap_or_default(),
            ..CustomerHistory::of(customer.clone())
        };
        customers.insert(customer, history);
    }
    for (customer, adjustments) in adjusted {
        let history = CustomerHistory { adjustments, ..CustomerHistory::of(customer.clone()) };
        customers.insert(customer, history);
    }
    History { customers: customers.into_values().collect(), noticed: Vec::new() }
}

/// Whether all that customers are segmented by was kept with a closing: what was not is read as it is now.
fn knows(closing: &Closing, settings: &Settings) -> bool {
    let dimensions = settings.everything().dimensions();
    let keys: BTreeSet<&str> = dimensions
        .iter()
        .filter_map(|dimension| match dimension {
            Dimension::Metadata(key) => Some(key.as_str()),
            Dimension::Owner => Some(owner_key(settings)),
            _ => None,
        })
        .collect();
    keys.into_iter().all(|key| closing.segment_keys.contains(key))
}
