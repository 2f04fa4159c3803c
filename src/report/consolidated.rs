//! The consolidated report (R9): every customer's month told in the reporting currency, at that
//! month's rate, and netted over all its currencies (R26).
//!
//! Starting MRR is at the rate of the month before, as that month's ending MRR was; the lane `fx` takes
//! it to the month's own rate, so that every ratio is of one rate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::block::Block;
use super::converted::{foot, movements, tell};
use super::exchange::{Exchange, PER_MICRO};
use super::kept::{Sign, Sum as _, sums};
use super::retention::{KeptRetention, Retention};
use super::segment::{Subject, prior};
use super::segment_trend::SegmentTrends;
use super::sums::{Blocks, Year, level};
use super::trailing::{BEFORE, Lacking, Span, Trailing};
use super::{CurrencyBlock, CustomerHistory, Dimension, FxEffect, History, Settings, UsedRate};
use crate::mrr::{Currency, Delta, Fate, Level, MissingRate, Month, Mrr, NetMonth, RateTable, levels_before};

/// The word by which `--currency` asks for the consolidated block alone.
pub const CONSOLIDATED: &str = "consolidated";

/// In which currency a book is consolidated, and by which rates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consolidation {
    /// The reporting currency.
    pub currency: Currency,
    /// The rates; those of the months that are reported and of the twelve before them suffice.
    pub rates: RateTable,
    /// The place in the ledger of the last rate that counts; what was imported after it does not.
    pub through: i64,
}

/// Running sums of every month, in the reporting currency.
#[derive(Debug, Clone)]
pub(super) struct Consolidated {
    by: Arc<Consolidation>,
    spans: Vec<Span>,
    /// The exchange of each span's month, of the currencies that were seen.
    exchanges: Vec<Exchange>,
    seen: BTreeSet<Currency>,
    trailing: Trailing,
    segments: SegmentTrends,
    reports: Vec<OneMonth>,
    /// Each report's cohorts, told at its rates.
    cohorts: Vec<Retention>,
}

/// Running sums of one month that is reported.
#[derive(Debug, Clone, Default)]
struct OneMonth {
    /// One, of the reporting currency, once anything is in it.
    blocks: Blocks,
    /// The rates that it takes, by month, and for how many customers.
    needed: BTreeMap<(Month, Currency), u64>,
    /// Of how many customers no number of ours holds what they come to.
    too_large: u64,
    /// Of each other currency, starting MRR in it and what its change of rate did.
    fx: BTreeMap<Currency, (Mrr, Delta)>,
}

sums!(OneMonth { blocks, needed, too_large, fx });

/// What is kept of a month, in the reporting currency.
#[derive(Debug, Clone, Default)]
pub(super) struct ConsolidatedMonth {
    sums: OneMonth,
    cohorts: KeptRetention,
}

sums!(ConsolidatedMonth { sums, cohorts });

/// What later months need to know of one, in the reporting currency.
#[derive(Debug, Clone, Default)]
pub(super) struct ConsolidatedYear {
    year: Year,
    lacking: Lacking,
}

sums!(ConsolidatedYear { year, lacking });

/// What the bytes of these hold, in their order.
pub(super) const SHAPES: [&str; 4] =
    [ConsolidatedMonth::SHAPE, OneMonth::SHAPE, ConsolidatedYear::SHAPE, Lacking::SHAPE];

/// The consolidated figures of one month and the rates behind them.
pub(super) struct Finished {
    pub(super) block: Result<Box<CurrencyBlock>, String>,
    pub(super) rates: Vec<UsedRate>,
    /// How many rates are missing.
    pub(super) missing: usize,
}

impl Consolidated {
    /// Nothing yet, over spans of which the first twelve are only looked back to; `None` without a reporting
    /// currency. `followed` are the dimensions whose segments are followed through the months.
    pub(super) fn over(spans: &[Span], followed: Vec<Dimension>, settings: &Settings) -> Option<Self> {
        let by = settings.consolidation.as_ref()?;
        Some(Self {
            exchanges: spans.iter().map(|span| Exchange::of(span.month, by)).collect(),
            seen: BTreeSet::new(),
            trailing: Trailing::over(spans.to_vec()),
            segments: SegmentTrends::over(spans, PER_MICRO, followed),
            reports: vec![OneMonth::default(); spans.len().saturating_sub(BEFORE)],
            cohorts: spans.windows(BEFORE + 1).map(Retention::over).collect(),
            spans: spans.to_vec(),
            by: Arc::new(by.clone()),
        })
    }

    /// Nothing yet, of the same months.
    pub(super) fn emptied(&self) -> Self {
        Self {
            by: Arc::clone(&self.by),
            spans: self.spans.clone(),
            exchanges: self.exchanges.clone(),
            seen: self.seen.clone(),
            trailing: Trailing::over(self.spans.clone()),
            segments: self.segments.emptied(),
            reports: vec![OneMonth::default(); self.reports.len()],
            cohorts: self.spans.windows(BEFORE + 1).map(Retention::over).collect(),
        }
    }

    /// Looks for the rates of a currency, once.
    pub(super) fn see(&mut self, currency: &Currency) {
        if !self.seen.contains(currency) {
            self.exchanges.iter_mut().for_each(|exchange| exchange.see(currency, &self.by));
            self.seen.insert(currency.clone());
        }
    }

    /// Adds a customer with its months, of which quiet ones that are looked back to may be missing.
    pub(super) fn add(&mut self, customer: &CustomerHistory, nets: &[Option<NetMonth>], settings: &Settings) {
        customer.levels.iter().for_each(|level| self.see(&level.currency));
        customer.movements.iter().for_each(|movement| self.see(&movement.currency));
        customer.adjustments.iter().for_each(|adjustment| self.see(&adjustment.movement.currency));
        let mut months = Vec::with_capacity(nets.len());
        for (index, net) in nets.iter().enumerate() {
            months.push(self.looked_back_to(customer, index, net.as_ref()));
            if let (Some(report), Some(net)) = (index.checked_sub(BEFORE), net) {
                self.add_month(customer, index, report, net, settings);
            }
        }
        self.trailing.add(customer, &months);
        self.segments.add(customer, &months, settings);
        for (cohorts, now) in self.cohorts.iter_mut().zip(self.exchanges.iter().skip(BEFORE)) {
            let told = |level: &Level| Some((self.by.currency.clone(), now.level(level)?.mrr));
            cohorts.add(customer, settings.zone, &told);
        }
    }

    /// A month as later ones look back to it, wholly at its own rate.
    fn looked_back_to(
        &mut self,
        customer: &CustomerHistory,
        index: usize,
        net: Option<&NetMonth>,
    ) -> Option<NetMonth> {
        // A quiet month adds nothing; it matters where a year begins with it.
        let begins = index.checked_sub(1).filter(|report| *report < self.reports.len());
        if net.is_none() && begins.is_none() {
            return None;
        }
        let fate = net.map_or(Fate::Stayed, |net| net.fate);
        let (span, now) = (self.spans[index], &self.exchanges[index]);
        let starting = levels_before(&customer.levels, span.start);
        let moved = net.into_iter().flat_map(|net| net.currencies.keys());
        let missing = starting.iter().map(|level| &level.currency).chain(moved);
        if let Some(missing) = missing.filter_map(|currency| now.missing(currency)).next() {
            let reason = missing.to_string();
            if !span.movements(&customer.movements).is_empty() {
                self.trailing.lacks(index, reason.clone());
            }
            if let Some(report) = begins {
                self.trailing.lacks_held(report, reason);
            }
            return Some(NetMonth { fate, currencies: BTreeMap::new() });
        }
        let told = tell(net, &starting, &[], (now, now))?;
        Some(NetMonth { fate, currencies: [(self.by.currency.clone(), told.net)].into() })
    }

    /// Adds a month that is reported.
    fn add_month(
        &mut self,
        customer: &CustomerHistory,
        index: usize,
        report: usize,
        net: &NetMonth,
        settings: &Settings,
    ) {
        let (span, now, before) = (self.spans[index], &self.exchanges[index], &self.exchanges[index - 1]);
        let Some(one) = self.reports.get_mut(report) else { return };
        if net.currencies.is_empty() {
            return;
        }
        let starting = levels_before(&customer.levels, span.start);
        let ending = levels_before(&customer.levels, span.end);
        let of_currency = |(currency, net)| prior(net).into_iter().map(move |own| (currency, own));
        let adjusted: Vec<(&Currency, Delta)> = net.currencies.iter().flat_map(of_currency).collect();
        let at_start = starting.iter().map(|level| &level.currency);
        let at_start = at_start.chain(adjusted.iter().map(|(currency, _)| *currency));
        let at_start = at_start.map(|currency| (before, currency));
        let all = net.currencies.keys().map(|currency| (now, currency)).chain(at_start);
        let mut is_missing = false;
        for (exchange, currency) in all {
            *one.needed.entry((exchange.month, currency.clone())).or_default() += 1;
            is_missing |= exchange.missing(currency).is_some();
        }
        if is_missing {
            return;
        }
        let movements = movements(span.movements(&customer.movements), now, &self.by.currency);
        let told = tell(Some(net), &starting, &ending, (before, now));
        let (Some(mut told), Some(movements)) = (told, movements) else {
            one.too_large += 1;
            return;
        };
        let others = starting.iter().zip(&told.starting).filter(|(own, _)| own.currency != self.by.currency);
        for (own, old) in others {
            let fx = one.fx.entry(own.currency.clone()).or_default();
            fx.0 += own.mrr;
            fx.1 += now.level(own).map_or(Delta::ZERO, |new| new.mrr - old.mrr);
        }
        for ((currency, own), held) in adjusted.iter().zip(&told.prior) {
            if **currency == self.by.currency {
                continue;
            }
            let fx = one.fx.entry((*currency).clone()).or_default();
            fx.0 += -*own;
            fx.1 += *held - now.convert(currency, own.0).map_or(*held, Delta);
        }
        foot(&mut told.net);
        let (starting, ending): (Vec<&Level>, Vec<&Level>) =
            (told.starting.iter().collect(), told.ending.iter().collect());
        let subject = Subject {
            history: customer,
            month: span.month,
            currency: &self.by.currency,
            net: &told.net,
            fate: net.fate,
            starting: &starting,
            ending: &ending,
            prior: &told.prior,
            per_micro: PER_MICRO,
        };
        let block = one.blocks.entry(self.by.currency.clone()).or_insert_with(|| Block::of(settings));
        block.add(subject, &movements, settings);
    }

    /// Lays the sums of other customers over these, of the same months.
    pub(super) fn combine(&mut self, other: &Self, sign: Sign) {
        other.seen.iter().for_each(|currency| self.see(currency));
        self.trailing.combine(&other.trailing, sign);
        self.segments.combine(&other.segments, sign);
        for (month, other) in self.reports.iter_mut().zip(&other.reports) {
            month.combine(other, sign);
        }
        for (cohorts, other) in self.cohorts.iter_mut().zip(&other.cohorts) {
            cohorts.combine(other, sign);
        }
    }

    /// The blocks of all months.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.reports.iter().flat_map(|month| month.blocks.values())
    }

    /// The same, to be changed.
    pub(super) fn blocks_mut(&mut self) -> impl Iterator<Item = &mut Block> {
        self.reports.iter_mut().flat_map(|month| month.blocks.values_mut())
    }

    /// The reporting currency.
    pub(super) fn currency(&self) -> &Currency {
        &self.by.currency
    }

    /// Leaves out the names that either of two does not have.
    pub(super) fn level(&mut self, other: &mut Self) {
        for (month, other) in self.reports.iter_mut().zip(&mut other.reports) {
            level(&mut month.blocks, &mut other.blocks);
        }
    }

    /// What is kept of a report's month.
    pub(super) fn kept(&self, report: usize) -> ConsolidatedMonth {
        let sums = self.reports.get(report).cloned().unwrap_or_default();
        let cohorts = self.cohorts.get(report).map(Retention::kept).unwrap_or_default();
        ConsolidatedMonth { sums, cohorts }
    }

    /// Puts in what was kept of a report's month.
    pub(super) fn put_in(&mut self, report: usize, kept: ConsolidatedMonth) {
        kept.sums.needed.keys().for_each(|(_, currency)| self.see(currency));
        if let (Some(month), Some(cohorts)) = (self.reports.get_mut(report), self.cohorts.get_mut(report)) {
            *month = kept.sums;
            cohorts.put_in_kept(kept.cohorts);
        }
    }

    /// What later months need to know of the month at a place.
    pub(super) fn year(&self, place: usize) -> ConsolidatedYear {
        let year = Year::of(&self.by.currency, place, &self.trailing, &self.segments);
        ConsolidatedYear { year, lacking: self.trailing.lacking(place) }
    }

    /// Puts in what is known of the month at a place.
    pub(super) fn put_in_year(&mut self, place: usize, known: ConsolidatedYear) {
        known.year.put_in(&self.by.currency, place, &mut self.trailing, &mut self.segments);
        self.trailing.put_in_lacking(place, known.lacking);
    }

    /// An amount of a currency at the rate of a report's month, finely; `None` without a rate.
    pub(super) fn fine(&self, report: usize, currency: &Currency, amount: i128) -> Option<i128> {
        self.exchanges.get(report + BEFORE)?.convert(currency, amount)
    }

    /// The same, rounded to the ledger's millionths.
    pub(super) fn told(&self, report: usize, currency: &Currency, amount: i128) -> Option<i128> {
        let fine = self.fine(report, currency, amount)?;
        Some(crate::mrr::divide_half_even(fine, PER_MICRO))
    }

    /// The figures of one of the reports.
    pub(super) fn finish(&mut self, report: usize, first: Option<Month>, settings: &Settings) -> Finished {
        let mut one = std::mem::take(&mut self.reports[report]);
        let index = report + BEFORE;
        let exchanges = [&self.exchanges[index - 1], &self.exchanges[index]];
        let needed = || {
            one.needed.keys().filter_map(|(month, currency)| {
                let exchange = exchanges.iter().find(|exchange| exchange.month == *month)?;
                Some((exchange, currency))
            })
        };
        let missing: Vec<&MissingRate> =
            needed().filter_map(|(exchange, currency)| exchange.missing(currency)).collect();
        let rates = needed().filter_map(|(exchange, currency)| exchange.used(currency)).collect();
        let lacking = missing.len();
        let currency = &self.by.currency;
        let block = if lacking > 0 {
            Err(reason(&missing))
        } else if one.too_large > 0 {
            Err(format!("an amount in {currency} is too large to be summed"))
        } else {
            let block = one.blocks.remove(currency).unwrap_or_else(|| Block::of(settings));
            let mut fine = block.finish(currency, report, &self.trailing, first, settings);
            fine.follow(&self.segments, settings);
            fine.retention = self.cohorts[report].curves(currency, BEFORE);
            fine.fx = fx_effects(&one.fx, exchanges);
            Ok(Box::new(super::rounding::rounded(fine)))
        };
        Finished { block, rates, missing: lacking }
    }
}

/// What each currency's change of rate did; one whose rate stayed as it was did nothing.
fn fx_effects(sums: &BTreeMap<Currency, (Mrr, Delta)>, exchanges: [&Exchange; 2]) -> Vec<FxEffect> {
    let effect = |(currency, (starting_mrr, effect)): (&Currency, &(Mrr, Delta))| {
        let [before, now] = exchanges.map(|exchange| exchange.used(currency).map(|used| used.to_decimal()));
        let (starting_mrr, effect) = (*starting_mrr, *effect);
        Some(FxEffect { currency: currency.clone(), starting_mrr, rates: (before?, now?), effect })
    };
    sums.iter().filter_map(effect).collect()
}

/// Every rate that is missing, and the remedy.
fn reason(missing: &[&MissingRate]) -> String {
    let all: Vec<String> = missing
        .iter()
        .map(|missing| format!("{missing} (one dated {} to {} is needed)", missing.earliest(), missing.date))
        .collect();
    format!("{}: import rates with `upswell fx FILE`", all.join(", "))
}

/// In which months up to one a book had MRR, or a movement of it, and in which currencies: what reports of them need
/// rates of.
pub(super) fn held(history: &History, settings: &Settings, until: Month) -> BTreeSet<(Month, Currency)> {
    let mut held = BTreeSet::new();
    let levels = history.customers.iter().flat_map(|customer| &customer.levels);
    for level in levels.filter(|level| level.mrr.is_positive()) {
        let mut month = Month::of(level.from, settings.zone);
        let last = level.until.map_or(until, |end| Month::of(end, settings.zone).min(until));
        while month <= last {
            held.insert((month, level.currency.clone()));
            month = month.next();
        }
    }
    // What came and went within an instant has no level, and its month counts it all the same.
    let movements = history.customers.iter().flat_map(|customer| &customer.movements);
    let moved =
        movements.map(|movement| (Month::of(movement.effective_at, settings.zone), &movement.currency));
    held.extend(
        moved.filter(|(month, _)| *month <= until).map(|(month, currency)| (month, currency.clone())),
    );
    held
}

impl Consolidation {
    /// Every rate that is missing of months and currencies: whatever had MRR in it needs one (R9).
    pub(super) fn missing(&self, held: &BTreeSet<(Month, Currency)>) -> Vec<MissingRate> {
        let others = held.iter().filter(|(_, currency)| *currency != self.currency);
        others
            .filter_map(|(month, currency)| self.rates.of_month(currency, &self.currency, *month).err())
            .collect()
    }
}
