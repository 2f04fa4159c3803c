//! The consolidated report (R9): every customer's month told in the reporting currency, at that
//! month's rate, and netted over all its currencies (R26).
//!
//! Starting MRR is at the rate of the month before, as that month's ending MRR was; the lane `fx` takes
//! it to the month's own rate, so that every ratio is of one rate.

use std::collections::{BTreeMap, BTreeSet};

use super::block::Block;
use super::exchange::{Exchange, PER_MICRO};
use super::retention::Retention;
use super::segment::Subject;
use super::segment_trend::{SegmentTrends, followed};
use super::trailing::{BEFORE, Span, Trailing};
use super::{CurrencyBlock, CustomerHistory, FxEffect, History, Incomplete, Settings, UsedRate};
use crate::mrr::{
    Cell, Currency, Delta, Fate, Lane, Level, MissingRate, Month, Motion, Movement, Mrr, NetCurrency,
    NetMonth, RateTable, levels_before,
};

/// The word by which `--currency` asks for the consolidated block alone.
pub const CONSOLIDATED: &str = "consolidated";

/// In which currency a book is consolidated, and by which rates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consolidation {
    /// The reporting currency.
    pub currency: Currency,
    /// The rates; those of the months that are reported and of the twelve before them suffice.
    pub rates: RateTable,
}

/// Running sums of every month, in the reporting currency.
#[derive(Debug, Clone)]
pub(super) struct Consolidated {
    currency: Currency,
    spans: Vec<Span>,
    /// The exchange of each span's month.
    now: Vec<Exchange>,
    /// That of the month before it.
    before: Vec<Exchange>,
    trailing: Trailing,
    /// Each report's cohorts, told at its rates.
    cohorts: Vec<Retention>,
    segments: SegmentTrends,
    reports: Vec<OneMonth>,
}

/// Running sums of one month that is reported.
#[derive(Debug, Clone)]
struct OneMonth {
    block: Block,
    /// The rates that it takes, by month.
    needed: BTreeSet<(Month, Currency)>,
    /// What no number of ours holds.
    is_too_large: bool,
    incomplete: Vec<Incomplete>,
    /// Of each other currency, starting MRR in it and what its change of rate did.
    fx: BTreeMap<Currency, (Mrr, Delta)>,
}

/// A customer's month in the reporting currency.
struct Told {
    net: NetCurrency,
    starting: Vec<Level>,
    ending: Vec<Level>,
}

/// The consolidated figures of one month and the rates behind them.
pub(super) struct Finished {
    pub(super) block: Result<Box<CurrencyBlock>, String>,
    pub(super) rates: Vec<UsedRate>,
    /// How many rates are missing.
    pub(super) missing: usize,
}

impl Consolidated {
    /// Sums over spans, of which the first twelve are only looked back to; `None` without a reporting
    /// currency.
    pub(super) fn over(spans: &[Span], history: &History, settings: &Settings) -> Option<Self> {
        let by = settings.consolidation.as_ref()?;
        let currencies: BTreeSet<Currency> = currencies(history).cloned().collect();
        let exchange = |month| Exchange::of(month, &currencies, by);
        let one = OneMonth {
            block: Block::of(settings),
            needed: BTreeSet::new(),
            is_too_large: false,
            incomplete: Vec::new(),
            fx: BTreeMap::new(),
        };
        Some(Self {
            currency: by.currency.clone(),
            now: spans.iter().map(|span| exchange(span.month)).collect(),
            before: spans.iter().map(|span| exchange(span.month.minus(1))).collect(),
            trailing: Trailing::over(spans.to_vec()),
            cohorts: spans.windows(BEFORE + 1).map(Retention::over).collect(),
            segments: SegmentTrends::over(spans, PER_MICRO, followed(settings)),
            reports: vec![one; spans.len().saturating_sub(BEFORE)],
            spans: spans.to_vec(),
        })
    }

    /// Adds a customer with its months, of which quiet ones that are looked back to may be missing.
    pub(super) fn add(&mut self, customer: &CustomerHistory, nets: &[Option<NetMonth>], settings: &Settings) {
        let mut months = Vec::with_capacity(nets.len());
        for (index, net) in nets.iter().enumerate() {
            months.push(self.looked_back_to(customer, index, net.as_ref()));
            if let (Some(report), Some(net)) = (index.checked_sub(BEFORE), net) {
                self.add_month(customer, index, report, net, settings);
            }
        }
        self.trailing.add(customer, &months);
        self.segments.add(customer, &months, settings);
        for (cohorts, now) in self.cohorts.iter_mut().zip(self.now.iter().skip(BEFORE)) {
            let told = |level: &Level| Some((self.currency.clone(), now.level(level)?.mrr));
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
        if net.is_none() && !(1..=self.reports.len()).contains(&index) {
            return None;
        }
        let fate = net.map_or(Fate::Stayed, |net| net.fate);
        let (span, now) = (self.spans[index], &self.now[index]);
        let starting = levels_before(&customer.levels, span.start);
        let moved = net.into_iter().flat_map(|net| net.currencies.keys());
        let missing = starting.iter().map(|level| &level.currency).chain(moved);
        if let Some(missing) = missing.filter_map(|currency| now.missing(currency)).next() {
            self.trailing.lacks(index, missing.to_string());
            return None;
        }
        let told = tell(net, &starting, &[], (now, now))?;
        Some(NetMonth { fate, currencies: [(self.currency.clone(), told.net)].into() })
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
        let (span, now, before) = (self.spans[index], &self.now[index], &self.before[index]);
        let Some(one) = self.reports.get_mut(report) else { return };
        let lines = customer.incomplete.iter().filter(|line| line.since < span.end);
        one.incomplete
            .extend(lines.map(|line| Incomplete { customer: customer.customer.clone(), line: line.clone() }));
        if net.currencies.is_empty() {
            return;
        }
        let starting = levels_before(&customer.levels, span.start);
        let ending = levels_before(&customer.levels, span.end);
        let at_start = starting.iter().map(|level| (before, &level.currency));
        let all = net.currencies.keys().map(|currency| (now, currency)).chain(at_start);
        let mut is_missing = false;
        for (exchange, currency) in all {
            one.needed.insert((exchange.month, currency.clone()));
            is_missing |= exchange.missing(currency).is_some();
        }
        if is_missing {
            return;
        }
        let movements = movements(span.movements(&customer.movements), now, &self.currency);
        let told = tell(Some(net), &starting, &ending, (before, now));
        let (Some(mut told), Some(movements)) = (told, movements) else {
            one.is_too_large = true;
            return;
        };
        for (own, old) in starting.iter().zip(&told.starting).filter(|(own, _)| own.currency != self.currency)
        {
            let fx = one.fx.entry(own.currency.clone()).or_default();
            fx.0 += own.mrr;
            fx.1 += now.level(own).map_or(Delta::ZERO, |new| new.mrr - old.mrr);
        }
        foot(&mut told.net);
        let (starting, ending): (Vec<&Level>, Vec<&Level>) =
            (told.starting.iter().collect(), told.ending.iter().collect());
        let subject = Subject {
            history: customer,
            month: span.month,
            currency: &self.currency,
            net: &told.net,
            fate: net.fate,
            starting: &starting,
            ending: &ending,
            per_micro: PER_MICRO,
        };
        one.block.add(subject, &movements, settings);
    }

    /// An amount of a currency in a report's month, rounded to the ledger's millionths; `None` without a rate.
    pub(super) fn told(&self, report: usize, currency: &Currency, amount: i128) -> Option<i128> {
        let fine = self.now.get(report + BEFORE)?.convert(currency, amount)?;
        Some(crate::mrr::divide_half_even(fine, PER_MICRO))
    }

    /// The figures of one of the reports.
    pub(super) fn finish(&mut self, report: usize, first: Option<Month>, settings: &Settings) -> Finished {
        let one = self.reports[report].clone();
        let index = report + BEFORE;
        let exchanges = [&self.before[index], &self.now[index]];
        let needed = || {
            one.needed.iter().filter_map(|(month, currency)| {
                let exchange = exchanges.iter().find(|exchange| exchange.month == *month)?;
                Some((exchange, currency))
            })
        };
        let missing: Vec<&MissingRate> =
            needed().filter_map(|(exchange, currency)| exchange.missing(currency)).collect();
        let rates = needed().filter_map(|(exchange, currency)| exchange.used(currency)).collect();
        let lacking = missing.len();
        let block = if lacking > 0 {
            Err(reason(&missing))
        } else if one.is_too_large {
            Err(format!("an amount in {} is too large to be summed", self.currency))
        } else {
            let mut fine = one.block.finish(&self.currency, report, &self.trailing, first, settings);
            fine.follow(&self.segments, settings);
            fine.retention = self
                .cohorts
                .get(report)
                .map_or_else(Vec::new, |cohorts| cohorts.curves(&self.currency, BEFORE));
            fine.fx = fx_effects(&one.fx, exchanges);
            Ok(Box::new(CurrencyBlock { incomplete: one.incomplete, ..super::rounding::rounded(fine) }))
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

/// Every currency that a book has had anything in.
fn currencies(history: &History) -> impl Iterator<Item = &Currency> {
    history.customers.iter().flat_map(|customer| {
        let levels = customer.levels.iter().map(|level| &level.currency);
        levels.chain(customer.movements.iter().map(|movement| &movement.currency))
    })
}

/// A customer's month in one currency: starting levels at the rate before, all else at the month's own.
fn tell(
    net: Option<&NetMonth>,
    starting: &[&Level],
    ending: &[&Level],
    (before, now): (&Exchange, &Exchange),
) -> Option<Told> {
    let mut whole = NetCurrency::default();
    let mut told = Vec::with_capacity(starting.len());
    for level in starting {
        let (old, new) = (before.level(level)?, now.level(level)?);
        whole.start += old.mrr;
        if new.mrr != old.mrr {
            let cell = Cell {
                lane: Lane::Fx,
                kind: None,
                cause: None,
                product: level.product.clone(),
                price: level.price.clone(),
                motion: Motion::Unknown,
                delta: new.mrr - old.mrr,
            };
            whole.brought += cell.delta;
            whole.cells.push(cell);
        }
        told.push(old);
    }
    let ending: Vec<Level> = ending.iter().map(|level| now.level(level)).collect::<Option<_>>()?;
    whole.end = ending.iter().map(|level| level.mrr).sum();
    let mut parts = Vec::new();
    for (currency, net) in net.into_iter().flat_map(|net| &net.currencies) {
        whole.brought += Delta(now.convert(currency, net.brought.0)?);
        for (kind, delta) in &net.families {
            *whole.families.entry(*kind).or_default() += Delta(now.convert(currency, delta.0)?);
        }
        for cell in net.cells.iter().chain(&net.balanced) {
            let cell = Cell { delta: Delta(now.convert(currency, cell.delta.0)?), ..cell.clone() };
            let is_part = matches!(cell.lane, Lane::Expansion | Lane::Contraction);
            if is_part { &mut parts } else { &mut whole.cells }.push(cell);
        }
    }
    lay(&mut whole, parts);
    Some(Told { net: whole, starting: told, ending })
}

/// The parts of a customer who stayed are expansion or contraction by what they come to together (R26).
fn lay(whole: &mut NetCurrency, parts: Vec<Cell>) {
    let rest: Delta = parts.iter().map(|cell| cell.delta).sum();
    let lane = if rest < Delta::ZERO { Lane::Contraction } else { Lane::Expansion };
    let cells = if rest == Delta::ZERO { &mut whole.balanced } else { &mut whole.cells };
    cells.extend(parts.into_iter().map(|cell| Cell {
        lane,
        kind: cell.kind.map(|kind| kind.in_lane(lane)),
        ..cell
    }));
}

/// Each amount was rounded for itself, far below what is printed: the last part takes what that leaves.
fn foot(whole: &mut NetCurrency) {
    let parts: Delta = whole.cells.iter().map(|cell| cell.delta).sum();
    let left = (whole.end - whole.start) - parts;
    if let Some(last) = whole.cells.last_mut() {
        last.delta += left;
    }
}

/// The month's movements in the reporting currency.
fn movements(movements: &[Movement], now: &Exchange, to: &Currency) -> Option<Vec<Movement>> {
    let told = |movement: &Movement| {
        let delta = Delta(now.convert(&movement.currency, movement.delta.0)?);
        Some(Movement { delta, currency: to.clone(), ..movement.clone() })
    };
    movements.iter().map(told).collect()
}

/// Every rate that the months of a book lack, up to a month: whatever had MRR in it needs one (R9).
#[must_use]
pub fn missing_rates(history: &History, settings: &Settings, until: Month) -> Vec<MissingRate> {
    let Some(by) = &settings.consolidation else { return Vec::new() };
    let mut needed: BTreeSet<(Month, &Currency)> = BTreeSet::new();
    let levels = history.customers.iter().flat_map(|customer| &customer.levels);
    for level in levels.filter(|level| level.mrr.is_positive() && level.currency != by.currency) {
        let mut month = Month::of(level.from, settings.zone);
        let last = level.until.map_or(until, |end| Month::of(end, settings.zone).min(until));
        while month <= last {
            needed.insert((month, &level.currency));
            month = month.next();
        }
    }
    let missing =
        |(month, currency): (Month, &Currency)| by.rates.of_month(currency, &by.currency, month).err();
    needed.into_iter().filter_map(missing).collect()
}
