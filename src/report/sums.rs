//! Sums over customers for a run of months, before anything is made of them: two that are of the same months
//! are one by adding them up, whoever is in which.

use std::collections::{BTreeMap, BTreeSet};

use super::block::Block;
use super::consolidated::{Consolidated, ConsolidatedMonth, ConsolidatedYear};
use super::kept::{Sign, Stored as _, Sum as _, restored, sums};
use super::pauses::paused;
use super::retention::{CohortEnd, Retention};
use super::segment::{Subject, prior};
use super::segment_trend::{Column, SegmentTrends};
use super::trailing::{Added, BEFORE, Span, Trailing};
use super::{CustomerHistory, Dimension, Settings};
use crate::ledger::RollUpMonth;
use crate::mrr::{
    Currency, CustomerId, Delta, Grade, Month, Mrr, NetMonth, SubscriptionId, levels_before, net_month,
};

/// One month's figures by currency.
pub(super) type Blocks = BTreeMap<Currency, Block>;

/// What is looked back to, by month.
pub(super) type Years = BTreeMap<Month, KnownYear>;

/// What later months need to know of one: by currency, and consolidated.
pub(super) type KnownYear = (BTreeMap<Currency, Year>, Whole<ConsolidatedYear>);

/// What is in the reporting currency, where there is one.
type Whole<T> = BTreeMap<Currency, T>;

/// Who is paused: since when, in unix seconds, and what the pause took.
pub(super) type PausedAt = BTreeMap<(CustomerId, SubscriptionId), (i128, Mrr)>;

/// One month's sums.
#[derive(Debug, Clone, Default)]
pub(super) struct MonthSums {
    pub(super) blocks: Blocks,
    /// How many movements stand in it, by what they rest on.
    pub(super) rest_on: BTreeMap<(Currency, Grade), u64>,
    /// Who is paused at its end.
    pub(super) paused: BTreeMap<Currency, PausedAt>,
}

sums!(MonthSums { blocks, rest_on, paused });

/// What later months need to know of one, in one currency.
#[derive(Debug, Clone, Default)]
pub(super) struct Year {
    /// What it added.
    added: Added,
    /// Of those there twelve months ago: core expansion since, and MRR then.
    held: (Delta, Mrr),
    /// What the cohorts of the year up to it have at its end.
    cohorts: BTreeMap<Month, CohortEnd>,
    /// Each segment's core expansion.
    segments: Column,
}

sums!(Year { added, held, cohorts, segments });

/// Sums of some months, with what is looked back to.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    /// Twelve months before the first, then the months.
    pub(super) spans: Vec<Span>,
    pub(super) trailing: Trailing,
    pub(super) cohorts: Retention,
    pub(super) segments: SegmentTrends,
    pub(super) months: Vec<MonthSums>,
    /// How many customers began in which month.
    pub(super) firsts: BTreeMap<Month, u64>,
    /// The same in the reporting currency, where there is one.
    pub(super) consolidated: Option<Consolidated>,
}

impl Year {
    /// What is known of the month at a place in a currency, its cohorts apart.
    pub(super) fn of(
        currency: &Currency,
        place: usize,
        trailing: &Trailing,
        segments: &SegmentTrends,
    ) -> Self {
        let added = trailing.added(place).find(|(of, _)| *of == currency);
        let held = trailing.held(place).find(|(of, _)| *of == currency);
        let column = segments.month(place).and_then(|columns| columns.get(currency));
        Self {
            added: added.map(|(_, added)| added).unwrap_or_default(),
            held: held.map(|(_, held)| held).unwrap_or_default(),
            cohorts: BTreeMap::new(),
            segments: column.cloned().unwrap_or_default(),
        }
    }

    /// Puts it in, its cohorts apart.
    pub(super) fn put_in(
        self,
        currency: &Currency,
        place: usize,
        trailing: &mut Trailing,
        segments: &mut SegmentTrends,
    ) {
        trailing.put_in(place, currency, self.added, self.held);
        segments.put_in(place, currency, self.segments);
    }
}

impl Sums {
    /// Nothing yet, of so many months; `followed` are the dimensions whose segments are followed through the months.
    pub(super) fn over(from: Month, count: usize, followed: Vec<Dimension>, settings: &Settings) -> Self {
        let mut month = from.minus(12);
        let mut spans = Vec::with_capacity(count + BEFORE);
        for _ in 0..count + BEFORE {
            spans.push(Span::of(month, settings.zone));
            month = month.next();
        }
        Self {
            trailing: Trailing::over(spans.clone()),
            cohorts: Retention::over(&spans),
            segments: SegmentTrends::over(&spans, 1, followed.clone()),
            consolidated: Consolidated::over(&spans, followed, settings),
            spans,
            months: vec![MonthSums::default(); count],
            firsts: BTreeMap::new(),
        }
    }

    /// Nothing yet, of the same months.
    pub(super) fn emptied(&self) -> Self {
        Self {
            spans: self.spans.clone(),
            trailing: Trailing::over(self.spans.clone()),
            cohorts: Retention::over(&self.spans),
            segments: self.segments.emptied(),
            consolidated: self.consolidated.as_ref().map(Consolidated::emptied),
            months: vec![MonthSums::default(); self.months.len()],
            firsts: BTreeMap::new(),
        }
    }

    /// Adds a customer.
    pub(super) fn add(&mut self, customer: &CustomerHistory, settings: &Settings) {
        let nets = nets(customer, &self.spans);
        self.trailing.add(customer, &nets);
        self.segments.add(customer, &nets, settings);
        let told = |level: &crate::mrr::Level| Some((level.currency.clone(), level.mrr));
        self.cohorts.add(customer, settings.zone, &told);
        if let Some(first) = customer.first_month(settings.zone) {
            *self.firsts.entry(first).or_default() += 1;
        }
        for (index, month) in self.months.iter_mut().enumerate() {
            let place = index + BEFORE;
            if let (Some(net), Some(span)) = (&nets[place], self.spans.get(place)) {
                month.add(customer, net, span, settings);
            }
        }
        if let Some(consolidated) = &mut self.consolidated {
            consolidated.add(customer, &nets, settings);
        }
    }

    /// Sums of the same months, laid over these.
    pub(super) fn combine(&mut self, other: &Self, sign: Sign) {
        self.trailing.combine(&other.trailing, sign);
        self.cohorts.combine(&other.cohorts, sign);
        self.segments.combine(&other.segments, sign);
        self.firsts.combine(&other.firsts, sign);
        for (month, other) in self.months.iter_mut().zip(&other.months) {
            month.combine(other, sign);
        }
        if let (Some(consolidated), Some(other)) = (&mut self.consolidated, &other.consolidated) {
            consolidated.combine(other, sign);
        }
    }

    /// The month of the first movement of all.
    pub(super) fn first(&self) -> Option<Month> {
        self.firsts.keys().next().copied()
    }

    /// The first month.
    pub(super) fn from(&self) -> Month {
        self.spans[BEFORE].month
    }

    /// How many movements stand in each month, by currency, and what they come to.
    pub(super) fn movements(&self) -> BTreeMap<(Month, Currency), (u64, Delta)> {
        let mut sums = BTreeMap::new();
        for (month, span) in self.months.iter().zip(&self.spans[BEFORE..]) {
            for ((currency, _), count) in month.rest_on.iter().filter(|(_, count)| **count > 0) {
                let moved = || (0, month.blocks.get(currency).map_or(Delta::ZERO, Block::moved));
                sums.entry((span.month, currency.clone())).or_insert_with(moved).0 += *count;
            }
        }
        sums
    }

    /// Leaves out the names that no report prints.
    pub(super) fn trim(&mut self) {
        self.blocks_mut().for_each(Block::trim);
    }

    /// Whether every name is there that reports print.
    pub(super) fn name_the_largest(&self) -> bool {
        let consolidated = self.consolidated.iter().flat_map(Consolidated::blocks);
        self.months
            .iter()
            .flat_map(|month| month.blocks.values())
            .chain(consolidated)
            .all(Block::names_the_largest)
    }

    fn blocks_mut(&mut self) -> impl Iterator<Item = &mut Block> {
        let consolidated = self.consolidated.iter_mut().flat_map(Consolidated::blocks_mut);
        self.months.iter_mut().flat_map(|month| month.blocks.values_mut()).chain(consolidated)
    }

    /// Leaves out the names that either of two does not have, so that they can be compared.
    pub(super) fn level(&mut self, other: &mut Self) {
        for (month, other) in self.months.iter_mut().zip(&mut other.months) {
            level(&mut month.blocks, &mut other.blocks);
        }
        if let (Some(consolidated), Some(other)) = (&mut self.consolidated, &mut other.consolidated) {
            consolidated.level(other);
        }
    }

    /// The months as they are kept.
    pub(super) fn kept(&self) -> Vec<RollUpMonth> {
        let month = |(index, month): (usize, &MonthSums)| {
            let mut sums = month.to_bytes();
            self.whole(|consolidated| consolidated.kept(index)).put(&mut sums);
            let place = index + BEFORE;
            RollUpMonth { month: self.spans[place].month, sums, year: self.year(place).to_bytes() }
        };
        self.months.iter().enumerate().map(month).collect()
    }

    /// What is known of each month, those looked back to among them.
    pub(super) fn years(&self) -> Years {
        self.spans.iter().enumerate().map(|(place, span)| (span.month, self.year(place))).collect()
    }

    /// Something of what is consolidated, by its currency.
    fn whole<T>(&self, part: impl Fn(&Consolidated) -> T) -> Whole<T> {
        let whole = self.consolidated.iter();
        whole.map(|consolidated| (consolidated.currency().clone(), part(consolidated))).collect()
    }

    /// What later months need to know of the month at a place.
    fn year(&self, place: usize) -> KnownYear {
        let cohorts = self.cohorts.month(place);
        let currencies: BTreeSet<&Currency> = (self.trailing.added(place).map(|(currency, _)| currency))
            .chain(self.trailing.held(place).map(|(currency, _)| currency))
            .chain(cohorts.into_iter().flat_map(BTreeMap::keys))
            .chain(self.segments.month(place).into_iter().flat_map(BTreeMap::keys))
            .collect();
        let year = |currency: &Currency| {
            let cohorts = cohorts.and_then(|cohorts| cohorts.get(currency)).cloned().unwrap_or_default();
            Year { cohorts, ..Year::of(currency, place, &self.trailing, &self.segments) }
        };
        let years = currencies.into_iter().map(|currency| (currency.clone(), year(currency))).collect();
        (years, self.whole(|consolidated| consolidated.year(place)))
    }

    /// Puts in what is known of months.
    pub(super) fn put_in_years(&mut self, mut years: Years) {
        for place in 0..self.spans.len() {
            if let Some(year) = years.remove(&self.spans[place].month) {
                self.put_in_year(place, year);
            }
        }
    }

    fn put_in_year(&mut self, place: usize, (years, whole): KnownYear) {
        for (currency, mut year) in years {
            self.cohorts.put_in(place, &currency, std::mem::take(&mut year.cohorts));
            year.put_in(&currency, place, &mut self.trailing, &mut self.segments);
        }
        for (consolidated, (_, year)) in self.consolidated.iter_mut().zip(whole) {
            consolidated.put_in_year(place, year);
        }
    }

    /// Puts in the sums that were kept of a month; `None` if they can't be read.
    pub(super) fn put_in_sums(&mut self, index: usize, kept: &[u8]) -> Option<()> {
        let (sums, whole) = restored::<(MonthSums, Whole<ConsolidatedMonth>)>(kept)?;
        *self.months.get_mut(index)? = sums;
        for (consolidated, (_, month)) in self.consolidated.iter_mut().zip(whole) {
            consolidated.put_in(index, month);
        }
        Some(())
    }

    /// Puts in what was kept of a month, be it one that is looked back to; `None` if that can't be read.
    pub(super) fn put_in(&mut self, kept: &RollUpMonth) -> Option<()> {
        let Some(place) = self.spans.iter().position(|span| span.month == kept.month) else {
            return Some(());
        };
        self.put_in_year(place, restored(&kept.year)?);
        match place.checked_sub(BEFORE).filter(|index| *index < self.months.len()) {
            Some(index) => self.put_in_sums(index, &kept.sums),
            None => Some(()),
        }
    }
}

/// Leaves out the names that either of two months' blocks does not have.
pub(super) fn level(blocks: &mut Blocks, others: &mut Blocks) {
    for (currency, block) in blocks {
        if let Some(other) = others.get_mut(currency) {
            block.level(other);
        }
    }
}

impl MonthSums {
    fn add(&mut self, customer: &CustomerHistory, net: &NetMonth, span: &Span, settings: &Settings) {
        for (currency, paused) in paused(customer, span.end) {
            let place = (paused.customer, paused.subscription);
            self.paused.entry(currency).or_default().insert(place, (paused.since.0.into(), paused.mrr));
        }
        if net.currencies.is_empty() {
            return;
        }
        let starting = levels_before(&customer.levels, span.start);
        let ending = levels_before(&customer.levels, span.end);
        let movements = span.movements(&customer.movements);
        for movement in movements {
            let place = (movement.currency.clone(), movement.evidence.grade);
            *self.rest_on.entry(place).or_default() += 1;
        }
        for (currency, of) in &net.currencies {
            let subject = Subject {
                history: customer,
                month: span.month,
                currency,
                net: of,
                fate: net.fate,
                starting: &starting,
                ending: &ending,
                prior: &prior(of),
                per_micro: 1,
            };
            let block = self.blocks.entry(currency.clone()).or_insert_with(|| Block::of(settings));
            block.add(subject, movements, settings);
        }
    }
}

/// What the bytes of sums hold, in their order: sums of another shape are made anew.
pub(super) fn shape() -> String {
    let shapes = [
        MonthSums::SHAPE,
        Block::SHAPE,
        super::tally::Tally::SHAPE,
        super::CustomerCounts::SHAPE,
        Year::SHAPE,
        Added::SHAPE,
        CohortEnd::SHAPE,
    ];
    [&shapes[..], &super::consolidated::SHAPES].concat().join("; ")
}

/// A customer's months; those of the look-back are left out where nothing happened.
fn nets(customer: &CustomerHistory, spans: &[Span]) -> Vec<Option<NetMonth>> {
    let net = |(index, span): (usize, &Span)| {
        let movements = span.movements(&customer.movements);
        let is_reported = index >= BEFORE;
        let net = || net_month(&customer.levels, movements, span.start, span.end);
        if is_reported {
            let posted = customer.adjustments.iter().filter(|posted| posted.posted_in == span.month);
            return Some(net().with_prior_period(posted.map(|posted| &posted.movement)));
        }
        (!movements.is_empty()).then(net)
    };
    spans.iter().enumerate().map(net).collect()
}
