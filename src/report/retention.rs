//! Cohorts over time: of the customers who began in one month, what is left of their MRR after each month since.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::kept::{Sign, Sum as _, sums};
use super::trailing::{BEFORE, Span};
use super::{CustomerHistory, Rate};
use crate::mrr::{Class, Currency, Level, Month, Mrr};

/// The customers who began in one month, followed from its end.
#[derive(Debug, Clone, PartialEq)]
pub struct CohortCurve {
    /// The month of their first movement.
    pub month: Month,
    /// How many of them had MRR at its end.
    pub customers: u64,
    /// How many of these were brought forward in it, and began some time before (R12).
    pub brought_forward: u64,
    /// Their MRR at its end: the denominator.
    pub base: Mrr,
    /// The months since, the first one first.
    pub points: Vec<RetentionPoint>,
}

/// What is left of a cohort at the end of a later month.
#[derive(Debug, Clone, PartialEq)]
pub struct RetentionPoint {
    /// The month.
    pub month: Month,
    /// Its customers' MRR at the month's end.
    pub mrr: Mrr,
    /// That over the base.
    pub nrr: Rate,
    /// The same, no customer counted above its own part of the base.
    pub grr: Rate,
}

/// A level as a cohort counts it, in the currency of its block; `None` without a rate.
pub(super) type Told<'t> = &'t dyn Fn(&Level) -> Option<(Currency, Mrr)>;

/// What the cohorts have at one month's end, by currency and the month they began in.
pub(super) type CohortEnds = BTreeMap<Currency, BTreeMap<Month, CohortEnd>>;

/// Cohorts as they are kept: what they have at each month's end, and those that lack a rate.
pub(super) type KeptRetention = (BTreeMap<Month, CohortEnds>, BTreeMap<Month, u64>);

/// What a cohort has at a month's end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CohortEnd {
    /// How many it is of, and of them how many were brought forward: at the end of its first month only.
    customers: u64,
    brought_forward: u64,
    kept: Mrr,
    at_most: Mrr,
}

sums!(CohortEnd { customers, brought_forward, kept, at_most });

/// Running sums of the cohorts of some months, each followed for a year.
#[derive(Debug, Clone)]
pub(super) struct Retention {
    spans: Vec<Span>,
    /// At each month's end.
    ends: Vec<CohortEnds>,
    /// The months whose cohorts lack a rate, and of how many customers.
    lacking: BTreeMap<Month, u64>,
}

impl Retention {
    /// Over months that follow one another.
    pub(super) fn over(spans: &[Span]) -> Self {
        Self { spans: spans.to_vec(), ends: vec![CohortEnds::new(); spans.len()], lacking: BTreeMap::new() }
    }

    /// Adds a customer, if it began in one of the months.
    pub(super) fn add(&mut self, customer: &CustomerHistory, zone: Tz, told: Told<'_>) {
        let (Some(first), Some(began)) = (self.spans.first(), customer.first_month(zone)) else { return };
        let place = usize::try_from(began.since(first.month)).ok();
        let Some(place) = place.filter(|place| *place < self.spans.len()) else { return };
        let last = self.spans.len().min(place + BEFORE + 1);
        let Some(ends) = ends(customer, &self.spans[place..last], told) else {
            *self.lacking.entry(began).or_default() += 1;
            return;
        };
        let is_brought = customer.movements.first().is_some_and(|first| first.class == Class::Opening);
        for (currency, ends) in ends {
            let base = ends.first().copied().unwrap_or_default();
            if !base.is_positive() {
                continue;
            }
            for (index, end) in ends.into_iter().enumerate() {
                let cohorts = self.ends[place + index].entry(currency.clone()).or_default();
                let cohort = cohorts.entry(began).or_default();
                cohort.kept += end;
                cohort.at_most += end.min(base);
                if index == 0 {
                    cohort.customers += 1;
                    cohort.brought_forward += u64::from(is_brought);
                }
            }
        }
    }

    /// Lays the sums of other customers over these, of the same months.
    pub(super) fn combine(&mut self, other: &Self, sign: Sign) {
        for (ends, other) in self.ends.iter_mut().zip(&other.ends) {
            ends.combine(other, sign);
        }
        self.lacking.combine(&other.lacking, sign);
    }

    /// All of it, by month, and the months whose cohorts lack a rate.
    pub(super) fn kept(&self) -> KeptRetention {
        let months = self.spans.iter().map(|span| span.month);
        (months.zip(self.ends.iter().cloned()).collect(), self.lacking.clone())
    }

    /// Puts in what was kept of it.
    pub(super) fn put_in_kept(&mut self, (mut ends, lacking): KeptRetention) {
        for (span, end) in self.spans.iter().zip(&mut self.ends) {
            *end = ends.remove(&span.month).unwrap_or_default();
        }
        self.lacking = lacking;
    }

    /// What the cohorts have at the end of a month.
    pub(super) fn month(&self, place: usize) -> Option<&CohortEnds> {
        self.ends.get(place)
    }

    /// Puts in what the cohorts of a currency have at the end of a month.
    pub(super) fn put_in(&mut self, place: usize, currency: &Currency, ends: BTreeMap<Month, CohortEnd>) {
        if let Some(month) = self.ends.get_mut(place) {
            month.insert(currency.clone(), ends);
        }
    }

    /// The cohorts of a currency that began in the year up to a month, the oldest first, up to its end.
    pub(super) fn curves(&self, currency: &Currency, last: usize) -> Vec<CohortCurve> {
        let last = last.min(self.spans.len().saturating_sub(1));
        let curve = |place: usize| self.curve(currency, place, last);
        (last.saturating_sub(BEFORE)..=last).filter_map(curve).collect()
    }

    fn curve(&self, currency: &Currency, place: usize, last: usize) -> Option<CohortCurve> {
        let month = self.spans.get(place)?.month;
        let end = |place: usize| self.ends.get(place)?.get(currency)?.get(&month).copied();
        let first = end(place).filter(|first| first.customers > 0)?;
        if self.lacking.contains_key(&month) {
            return None;
        }
        let share = |mrr: Mrr| Rate::of(mrr.0, first.kept.0, "no MRR at the end of its first month");
        let point = |place: usize| {
            let end = end(place).unwrap_or_default();
            let month = self.spans[place].month;
            RetentionPoint { month, mrr: end.kept, nrr: share(end.kept), grr: share(end.at_most) }
        };
        Some(CohortCurve {
            month,
            customers: first.customers,
            brought_forward: first.brought_forward,
            base: first.kept,
            points: (place + 1..=last).map(point).collect(),
        })
    }
}

/// A customer's MRR at the end of each month, by currency; `None` where a rate is missing.
fn ends(customer: &CustomerHistory, spans: &[Span], told: Told<'_>) -> Option<BTreeMap<Currency, Vec<Mrr>>> {
    let mut ends: BTreeMap<Currency, Vec<Mrr>> = BTreeMap::new();
    for level in customer.levels.iter().filter(|level| level.mrr.is_positive()) {
        let stands = |span: &Span| level.from < span.end && level.until.is_none_or(|until| until >= span.end);
        if !spans.iter().any(stands) {
            continue;
        }
        let (currency, mrr) = told(level)?;
        let sums = ends.entry(currency).or_insert_with(|| vec![Mrr::ZERO; spans.len()]);
        for (sum, _) in sums.iter_mut().zip(spans).filter(|(_, span)| stands(span)) {
            *sum += mrr;
        }
    }
    Some(ends)
}
