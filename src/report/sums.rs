//! Sums over customers for a run of months, before anything is made of them: two that are of the same months
//! are one by adding them up, whoever is in which.

use std::collections::BTreeMap;

use super::block::Block;
use super::kept::{Sign, Stored as _, Sum as _, restored, sums};
use super::segment::Subject;
use super::trailing::{LOOK_BACK, Span, Trailing};
use super::{CustomerHistory, Settings};
use crate::ledger::RollUpMonth;
use crate::mrr::{Currency, Delta, Month, Mrr, NetMonth, levels_before, net_month};

/// One month's sums by currency.
pub(super) type Blocks = BTreeMap<Currency, Block>;

/// What is looked back to, by month and currency.
pub(super) type Years = BTreeMap<Month, BTreeMap<Currency, Year>>;

/// Sums of some months, with what is looked back to.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    /// Eleven months before the first, then the months.
    pub(super) spans: Vec<Span>,
    pub(super) trailing: Trailing,
    pub(super) months: Vec<Blocks>,
    /// How many customers began in which month.
    pub(super) firsts: BTreeMap<Month, u64>,
}

/// What later months need to know of one, in one currency.
#[derive(Debug, Clone, Default)]
pub(super) struct Year {
    /// What it added.
    pub(super) new: Delta,
    pub(super) core_expansion: Delta,
    /// Of those there twelve months ago: core expansion since, and MRR then.
    pub(super) expanded: Delta,
    pub(super) held: Mrr,
}

sums!(Year { new, core_expansion, expanded, held });

impl Sums {
    /// Nothing yet, of so many months.
    pub(super) fn over(from: Month, count: usize, settings: &Settings) -> Self {
        let mut month = from.minus(11);
        let mut spans = Vec::with_capacity(count + LOOK_BACK - 1);
        for _ in 0..count + LOOK_BACK - 1 {
            spans.push(Span::of(month, settings.zone));
            month = month.next();
        }
        let trailing = Trailing::over(spans.clone());
        Self { spans, trailing, months: vec![Blocks::new(); count], firsts: BTreeMap::new() }
    }

    /// Nothing yet, of the same months.
    pub(super) fn emptied(&self) -> Self {
        let trailing = Trailing::over(self.spans.clone());
        let months = vec![Blocks::new(); self.months.len()];
        Self { spans: self.spans.clone(), trailing, months, firsts: BTreeMap::new() }
    }

    /// Adds a customer, and gives its months.
    pub(super) fn add(&mut self, customer: &CustomerHistory, settings: &Settings) -> Vec<Option<NetMonth>> {
        let nets = nets(customer, &self.spans);
        self.trailing.add(customer, &nets);
        if let Some(first) = customer.first_month(settings.zone) {
            *self.firsts.entry(first).or_default() += 1;
        }
        for (index, blocks) in self.months.iter_mut().enumerate() {
            let place = index + LOOK_BACK - 1;
            if let (Some(net), Some(span)) = (&nets[place], self.spans.get(place)) {
                add(blocks, customer, net, span, settings);
            }
        }
        nets
    }

    /// Sums of the same months, laid over these.
    pub(super) fn combine(&mut self, other: &Self, sign: Sign) {
        self.trailing.combine(&other.trailing, sign);
        self.firsts.combine(&other.firsts, sign);
        for (blocks, other) in self.months.iter_mut().zip(&other.months) {
            blocks.combine(other, sign);
        }
    }

    /// The month of the first movement of all.
    pub(super) fn first(&self) -> Option<Month> {
        self.firsts.keys().next().copied()
    }

    /// The months as they are kept.
    pub(super) fn kept(&self) -> Vec<RollUpMonth> {
        let month = |(index, blocks): (usize, &Blocks)| RollUpMonth {
            month: self.spans[index + LOOK_BACK - 1].month,
            sums: blocks.to_bytes(),
            year: self.trailing.year(index + LOOK_BACK - 1).to_bytes(),
        };
        self.months.iter().enumerate().map(month).collect()
    }

    /// What is known of each month, those looked back to among them.
    pub(super) fn years(&self) -> Years {
        self.spans.iter().enumerate().map(|(span, of)| (of.month, self.trailing.year(span))).collect()
    }

    /// Puts in what is known of months.
    pub(super) fn put_in_years(&mut self, years: &Years) {
        for (span, of) in self.spans.iter().enumerate() {
            if let Some(year) = years.get(&of.month) {
                self.trailing.put_in(span, year);
            }
        }
    }

    /// Puts in what was kept of a month, be it one that is looked back to; `None` if that can't be read.
    pub(super) fn put_in(&mut self, kept: &RollUpMonth) -> Option<()> {
        let Some(place) = self.spans.iter().position(|span| span.month == kept.month) else {
            return Some(());
        };
        let years: BTreeMap<Currency, Year> = restored(&kept.year)?;
        self.trailing.put_in(place, &years);
        if let Some(blocks) = (place + 1).checked_sub(LOOK_BACK).and_then(|index| self.months.get_mut(index))
        {
            *blocks = restored(&kept.sums)?;
        }
        Some(())
    }
}

/// What the bytes of sums hold, in their order: sums of another shape are made anew.
pub(super) fn shape() -> String {
    let shapes = [Block::SHAPE, super::tally::Tally::SHAPE, super::CustomerCounts::SHAPE, Year::SHAPE];
    shapes.join("; ")
}

/// A customer's months; those of the look-back are left out where nothing happened.
fn nets(customer: &CustomerHistory, spans: &[Span]) -> Vec<Option<NetMonth>> {
    let net = |(index, span): (usize, &Span)| {
        let movements = span.movements(&customer.movements);
        let is_reported = index + 1 >= LOOK_BACK;
        let net = || net_month(&customer.levels, movements, span.start, span.end);
        if is_reported {
            let posted = customer.adjustments.iter().filter(|posted| posted.posted_in == span.month);
            return Some(net().with_prior_period(posted.map(|posted| &posted.movement)));
        }
        (!movements.is_empty()).then(net)
    };
    spans.iter().enumerate().map(net).collect()
}

fn add(blocks: &mut Blocks, customer: &CustomerHistory, month: &NetMonth, span: &Span, settings: &Settings) {
    if month.currencies.is_empty() {
        return;
    }
    let starting = levels_before(&customer.levels, span.start);
    let ending = levels_before(&customer.levels, span.end);
    let movements = span.movements(&customer.movements);
    for (currency, net) in &month.currencies {
        let subject = Subject {
            history: customer,
            month: span.month,
            currency,
            net,
            fate: month.fate,
            starting: &starting,
            ending: &ending,
            per_micro: 1,
        };
        let block = blocks.entry(currency.clone()).or_insert_with(|| Block::of(settings));
        block.add(subject, movements, settings);
    }
}
