//! Sums that are kept in the ledger, so that a report costs its own size and not that of the book: how they are
//! made, brought up to date, and proved.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;

use rayon::prelude::*;

use super::kept::{Sign, Stored as _, restored};
use super::reporter::{AskError, Reporter, in_effect};
use super::sums::{Sums, shape};
use super::{Adjustment, Basis, CustomerHistory, Settings};
use crate::ledger::{
    Among, Behind, Fold, HeldCustomers, KeptCustomer, Posting, RollUp, RollUpMonth, Snapshot, Touched,
    standing_among,
};
use crate::mrr::{Currency, CustomerId, Delta, Instant, Month};

/// Customers read at a time where all are.
pub(super) const A_CHUNK: usize = 1_000;
/// Customers that one task sums up.
const A_SHARE: usize = 125;
/// Touched customers that are taken in by one writing.
const A_FOLD: usize = 1_000;
/// Writings at a time: what is settled meanwhile waits for the next time.
const FOLDS_AT_A_TIME: usize = 2 * MADE_ANEW_FROM / A_FOLD;
/// With so many touched customers, all are summed up again.
const MADE_ANEW_FROM: usize = 20_000;
/// Months kept beyond the present one, so that the next has its sums when it begins.
const AHEAD: i32 = 1;

/// Customers as the kept sums have them, and as they are.
#[derive(Debug, Default)]
pub(super) struct Changed {
    pub(super) before: Vec<CustomerHistory>,
    pub(super) after: Vec<CustomerHistory>,
}

/// What is proved of a book's kept sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptProof {
    /// None are kept, or by other settings than these.
    None,
    /// So many months are what the ledger makes anew.
    Same(usize),
    /// This month is not.
    Differs(Month),
}

impl Settings {
    /// What kept sums depend on beside the ledger.
    pub(super) fn made_by(&self) -> String {
        let dimensions: Vec<String> =
            self.everything().dimensions().iter().map(super::Dimension::name).collect();
        let bands: Vec<String> = self.size_bands.iter().map(ToString::to_string).collect();
        [
            env!("CARGO_PKG_VERSION").to_owned(),
            shape(),
            self.zone.to_string(),
            super::segment::owner_key(self).to_owned(),
            dimensions.join(","),
            bands.join(","),
            self.consolidation
                .as_ref()
                .map_or_else(String::new, |by| format!("{} {}", by.currency, by.through)),
        ]
        .join("\n")
    }

    /// The same with all dimensions, of which one may be asked for.
    pub(super) fn everything(&self) -> Self {
        Self { by: None, ..self.clone() }
    }
}

impl Reporter {
    /// Brings the kept sums of all books up to date, and makes those that are not there; and notes which event types
    /// came.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn keep_up(&self, now: i64) -> Result<(), AskError> {
        for book in self.ledger().books().await? {
            self.keep_up_with(&book, now).await?;
        }
        Ok(self.ledger().note_kinds().await?)
    }

    /// The same of one book.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn keep_up_with(&self, book: &str, now: i64) -> Result<(), AskError> {
        let settings = self.settings(Some(book)).await?;
        self.ledger().look_how_far_told(book).await?;
        let closings = self.ledger().closings(book).await?;
        self.keep_closed(&settings, &closings, None).await?;
        self.keep_open(&settings, now).await
    }

    /// Brings those sums up to date that the report of a month reads.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn keep_for(&self, settings: &Settings, month: Month, now: i64) -> Result<(), AskError> {
        let closings = self.ledger().closings(&settings.book).await?;
        let is_closed = closings.of(month).is_some();
        if is_closed {
            self.keep_closed(settings, &closings, Some(month)).await?;
        }
        if !is_closed || settings.basis == Basis::Restated {
            self.keep_open(settings, now).await?;
        }
        Ok(())
    }

    /// Makes the kept sums of a book from all of its customers, whatever is kept.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn keep_anew(&self, book: &str, now: i64) -> Result<(), AskError> {
        let settings = self.settings(Some(book)).await?;
        self.make(&settings, last_kept(&settings, now)).await
    }

    /// Takes in who was touched; makes the sums where they lack or are another's.
    async fn keep_open(&self, settings: &Settings, now: i64) -> Result<(), AskError> {
        let (book, last) = (settings.book.as_str(), last_kept(settings, now));
        for _ in 0..FOLDS_AT_A_TIME {
            let snapshot = self.ledger().snapshot().await?;
            let kept = snapshot.roll_up(book).await?;
            let is_good = |kept: &RollUp| kept.made_by == settings.made_by() && kept.to >= last;
            let touched = match &kept {
                Some(kept) => snapshot.touched_count(kept).await?,
                None => 0,
            };
            let Some(kept) = kept.filter(is_good).filter(|_| touched < MADE_ANEW_FROM) else {
                drop(snapshot);
                return self.make(settings, last).await;
            };
            if touched == 0 {
                return Ok(());
            }
            // Somebody took them in meanwhile, or settled some again: that is read again.
            let some = snapshot.touched(&kept, &Behind::Nobody, A_FOLD).await?;
            self.take_in(settings, snapshot, &kept, &some).await?;
        }
        Ok(())
    }

    /// Makes a book's sums from all of its customers.
    async fn make(&self, settings: &Settings, last: Month) -> Result<(), AskError> {
        let book = settings.book.as_str();
        let begun = self.ledger().begin_roll_up(book, &settings.made_by(), last).await?;
        let Some((snapshot, begun)) = begun else { return Ok(()) };
        let sums = self.anew(&snapshot, settings, (begun.from, begun.to)).await?;
        drop(snapshot);
        let firsts = sums.firsts.to_bytes();
        self.ledger().finish_roll_up(&begun, firsts, sums.kept()).await?;
        Ok(())
    }

    /// The sums of some months over all customers of a book.
    async fn anew(
        &self,
        snapshot: &Snapshot,
        settings: &Settings,
        months: (Month, Month),
    ) -> Result<Sums, AskError> {
        let book = settings.book.as_str();
        let settings = &rated(snapshot, settings, months).await?;
        let mut sums = over(months, settings);
        let mut behind = Behind::Nobody;
        loop {
            let customers = snapshot.customers_behind(book, &behind, A_CHUNK).await?;
            let (Some(first), Some(last)) = (customers.first(), customers.last()) else { return Ok(sums) };
            let held = snapshot.held(book, Among::Run(first, last), false).await?;
            let histories = histories(held);
            sums = summed(sums, histories, Sign::Plus, settings).await;
            // Names are few where there are many expanders; amounts are kept of all.
            sums.trim();
            behind = Behind::After(last.clone());
        }
    }

    /// Takes touched customers into the kept sums; nothing is written if they changed meanwhile.
    async fn take_in(
        &self,
        settings: &Settings,
        snapshot: Snapshot,
        kept: &RollUp,
        touched: &[Touched],
    ) -> Result<(), AskError> {
        let book = settings.book.as_str();
        let through_posting = snapshot.last_posting().await?;
        let changed = changed(&snapshot, book, touched, &BTreeMap::new()).await?;
        let now = changed.after.iter().map(CustomerHistory::noted).collect();
        let from = changed.from(kept, settings);
        let settings = &rated(&snapshot, settings, (from, kept.to)).await?;
        let (before, after) = both(changed, (from, kept.to), settings).await;
        let differ: Vec<Month> = before
            .kept()
            .into_iter()
            .zip(after.kept())
            .filter(|(before, after)| before != after)
            .map(|(before, _)| before.month)
            .collect();
        let months = match (differ.first(), differ.last()) {
            (Some(first), Some(last)) => snapshot.roll_up_months(kept, (*first, *last), true).await?,
            _ => Vec::new(),
        };
        drop(snapshot);
        let Some(mut sums) = read(over((from, kept.to), settings), kept, &months) else {
            return self.make(settings, kept.to).await;
        };
        sums.combine(&before, Sign::Minus);
        sums.combine(&after, Sign::Plus);
        if !sums.name_the_largest() {
            return self.make(settings, kept.to).await;
        }
        sums.trim();
        let is_changed = |month: &RollUpMonth| differ.contains(&month.month);
        let fold = Fold {
            of: kept,
            from,
            firsts: sums.firsts.to_bytes(),
            months: sums.kept().into_iter().filter(is_changed).collect(),
            touched,
            now,
            through_posting,
        };
        self.ledger().fold_roll_up(fold).await?;
        Ok(())
    }

    /// Proves a book's kept sums: makes them anew from levels and postings, those of closed months from their books,
    /// and compares.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn prove_kept(&self, book: &str) -> Result<KeptProof, AskError> {
        let settings = self.settings(Some(book)).await?;
        if let Some(month) = self.closed_differs(&settings).await? {
            return Ok(KeptProof::Differs(month));
        }
        let snapshot = self.ledger().snapshot().await?;
        let kept = snapshot.roll_up(book).await?;
        let Some(kept) = kept.filter(|kept| kept.made_by == settings.made_by()) else {
            return Ok(KeptProof::None);
        };
        let mut sums = match up_to_date(&snapshot, &settings, &kept).await? {
            Ok(sums) => sums,
            Err(month) => return Ok(KeptProof::Differs(month)),
        };
        let from = sums.from();
        let mut anew = self.anew(&snapshot, &settings, (from, kept.to)).await?;
        sums.level(&mut anew);
        if sums.firsts != anew.firsts {
            return Ok(KeptProof::Differs(from));
        }
        let (sums, anew) = (sums.kept(), anew.kept());
        let differs = sums.iter().zip(&anew).find(|(kept, anew)| kept != anew);
        Ok(differs.map_or(KeptProof::Same(anew.len()), |(kept, _)| KeptProof::Differs(kept.month)))
    }

    /// The first month whose kept sums are of other movements than stand, or come to something else: a look that takes
    /// one pass over the postings, and proves less than [`Reporter::prove_kept`].
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn kept_of_others(&self, book: &str) -> Result<Option<Month>, AskError> {
        let settings = self.settings(Some(book)).await?;
        let rules = self.ledger().rules_in_force(book).await?;
        let snapshot = self.ledger().snapshot().await?;
        let kept = snapshot.roll_up(book).await?.filter(|kept| kept.made_by == settings.made_by());
        // While another time zone is adopted, postings are in the months of both.
        let Some(kept) = kept.filter(|_| rules.is_none_or(|rules| rules.zone == settings.zone)) else {
            return Ok(None);
        };
        let sums = match up_to_date(&snapshot, &settings, &kept).await? {
            Ok(sums) => sums,
            Err(month) => return Ok(Some(month)),
        };
        let mut standing: BTreeMap<(Month, Currency), (u64, Delta)> = BTreeMap::new();
        for sum in snapshot.standing_sums(book).await? {
            standing.insert((sum.month, sum.currency), (sum.movements, sum.delta));
        }
        let summed = sums.movements();
        let places: BTreeSet<&(Month, Currency)> = standing.keys().chain(summed.keys()).collect();
        let differs = places.into_iter().find(|place| standing.get(place) != summed.get(place));
        Ok(differs.map(|(month, _)| *month))
    }
}

/// The kept sums with all customers that were touched taken in; else a month of which they can't be read.
pub(super) async fn up_to_date(
    snapshot: &Snapshot,
    settings: &Settings,
    kept: &RollUp,
) -> Result<Result<Sums, Month>, AskError> {
    let book = settings.book.as_str();
    let (mut behind, mut all) = (Behind::Nobody, Changed::default());
    loop {
        let touched = snapshot.touched(kept, &behind, A_FOLD).await?;
        let Some(last) = touched.last() else { break };
        behind = Behind::After(last.customer.clone());
        let mut some = changed(snapshot, book, &touched, &BTreeMap::new()).await?;
        all.before.append(&mut some.before);
        all.after.append(&mut some.after);
    }
    let from = all.from(kept, settings);
    let settings = &rated(snapshot, settings, (from, kept.to)).await?;
    let (before, after) = both(all, (from, kept.to), settings).await;
    let months = snapshot.roll_up_months(kept, (kept.from, kept.to), true).await?;
    let Some(mut sums) = read(over((from, kept.to), settings), kept, &months) else {
        return Ok(Err(kept.from));
    };
    sums.combine(&before, Sign::Minus);
    sums.combine(&after, Sign::Plus);
    Ok(Ok(sums))
}

impl CustomerHistory {
    /// What sums are made of beside postings, as it is noted.
    fn noted(&self) -> (CustomerId, KeptCustomer) {
        let kept = KeptCustomer {
            levels: self.levels.clone(),
            country: self.country.clone(),
            metadata: self.metadata.clone(),
            ..KeptCustomer::default()
        };
        (self.customer.clone(), kept)
    }
}

/// Sums with what was kept of months in them; `None` if it can't be read.
pub(super) fn read(mut sums: Sums, kept: &RollUp, months: &[RollUpMonth]) -> Option<Sums> {
    sums.firsts = restored(&kept.firsts)?;
    months.iter().try_for_each(|month| sums.put_in(month))?;
    Some(sums)
}

/// The last month that sums are kept of at a time, in unix seconds.
fn last_kept(settings: &Settings, now: i64) -> Month {
    Month::of(Instant(now), settings.zone).minus(-AHEAD)
}

/// Sums of nothing from one month to another, of every dimension that may be asked for.
pub(super) fn over((from, to): (Month, Month), settings: &Settings) -> Sums {
    let count = usize::try_from(to.since(from) + 1).unwrap_or_default();
    let settings = settings.everything();
    Sums::over(from, count, settings.dimensions(), &settings)
}

/// The settings with the rates that sums of some months need, as the store has them at one instant.
async fn rated(
    snapshot: &Snapshot,
    settings: &Settings,
    (from, to): (Month, Month),
) -> Result<Settings, AskError> {
    let mut settings = settings.clone();
    if let Some(by) = &mut settings.consolidation {
        by.rates = snapshot.rates((from.minus(12), to), by.through).await?;
    }
    Ok(settings)
}

impl Changed {
    /// The first month that is kept, or that one of these reaches back to.
    fn from(&self, kept: &RollUp, settings: &Settings) -> Month {
        let firsts = self.after.iter().filter_map(|customer| customer.first_month(settings.zone));
        firsts.chain([kept.from]).min().unwrap_or(kept.from)
    }
}

/// Changed customers as they were and as they are, over some months.
async fn both(changed: Changed, months: (Month, Month), settings: &Settings) -> (Sums, Sums) {
    let none = over(months, settings);
    let before = summed(none.clone(), changed.before, Sign::Plus, settings).await;
    let after = summed(none, changed.after, Sign::Plus, settings).await;
    (before, after)
}

/// Sums with more customers in them, or fewer, summed up on all cores.
pub(super) async fn summed(
    mut sums: Sums,
    customers: Vec<CustomerHistory>,
    sign: Sign,
    settings: &Settings,
) -> Sums {
    if customers.is_empty() {
        return sums;
    }
    let settings = settings.everything();
    let nothing = sums.emptied();
    let sum_up = move || {
        let share = |customers: &[CustomerHistory]| {
            let mut share = nothing.clone();
            customers.iter().for_each(|customer| share.add(customer, &settings));
            share
        };
        let shares: Vec<Sums> = customers.par_chunks(A_SHARE).map(share).collect();
        shares.iter().for_each(|share| sums.combine(share, sign));
        sums
    };
    match tokio::task::spawn_blocking(sum_up).await {
        Ok(sums) => sums,
        Err(failed) => resume_unwind(failed.into_panic()),
    }
}

/// Customers that were touched, and those that something was posted for when their month was closed, as the kept
/// sums have them and as they are.
pub(super) async fn changed(
    snapshot: &Snapshot,
    book: &str,
    touched: &[Touched],
    adjusted: &BTreeMap<CustomerId, Vec<Adjustment>>,
) -> Result<Changed, AskError> {
    let of: BTreeSet<&CustomerId> =
        touched.iter().map(|touched| &touched.customer).chain(adjusted.keys()).collect();
    let of: Vec<CustomerId> = of.into_iter().cloned().collect();
    let held = snapshot.held(book, Among::These(&of), true).await?;
    let mut was = held.clone();
    let through: BTreeMap<&CustomerId, &Touched> = touched.iter().map(|one| (&one.customer, one)).collect();
    for (customer, touched) in &through {
        let levels = was.levels.entry((*customer).clone()).or_default();
        levels.clone_from(&touched.was.levels);
        let attributes = was.attributes.entry((*customer).clone()).or_default();
        attributes.country.clone_from(&touched.was.country);
        attributes.metadata.clone_from(&touched.was.metadata);
        if let Some(postings) = was.postings.get_mut(*customer) {
            postings.retain(|posting| posting.seq <= touched.through_posting);
        }
    }
    let mut after = histories(held);
    for customer in &mut after {
        customer.adjustments = adjusted.get(&customer.customer).cloned().unwrap_or_default();
    }
    let known: BTreeSet<CustomerId> = after.iter().map(|customer| customer.customer.clone()).collect();
    let unknown = adjusted.iter().filter(|(customer, _)| !known.contains(*customer));
    after.extend(unknown.map(|(customer, adjustments)| CustomerHistory {
        adjustments: adjustments.clone(),
        ..CustomerHistory::of(customer.clone())
    }));
    Ok(Changed { before: histories(was), after })
}

/// The histories that reports sum up, of customers in the order of their ids: without what they only list.
pub(super) fn histories(held: HeldCustomers) -> Vec<CustomerHistory> {
    let mut customers: BTreeMap<CustomerId, CustomerHistory> = BTreeMap::new();
    let HeldCustomers { levels, postings, attributes } = held;
    let mut of = |customer: &CustomerId, fill: &mut dyn FnMut(&mut CustomerHistory)| {
        fill(customers.entry(customer.clone()).or_insert_with(|| CustomerHistory::of(customer.clone())));
    };
    for (customer, mut levels) in levels {
        of(&customer, &mut |history| history.levels = std::mem::take(&mut levels));
    }
    let postings: Vec<Posting> = postings.into_values().flatten().collect();
    for (customer, mut movements) in in_effect(standing_among(postings)) {
        of(&customer, &mut |history| history.movements = std::mem::take(&mut movements));
    }
    for (customer, mut attributes) in attributes {
        of(&customer, &mut |history| {
            history.country = attributes.country.take();
            history.metadata = std::mem::take(&mut attributes.metadata);
        });
    }
    customers.into_values().collect()
}
