//! Cohorts over time: of the customers who began in one month, what is left of their MRR after each month since.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::trailing::Span;
use super::window::Told;
use super::{CustomerHistory, Rate};
use crate::mrr::{Class, Currency, Month, Mrr};

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

/// Running sums of the cohorts of some months.
#[derive(Debug, Clone)]
pub(super) struct Retention {
    spans: Vec<Span>,
    cohorts: BTreeMap<(Currency, usize), Cohort>,
    /// Cohorts that a rate is missing for.
    lacking: Vec<usize>,
}

#[derive(Debug, Clone, Default)]
struct Cohort {
    customers: u64,
    brought_forward: u64,
    /// At the end of each month from the first.
    kept: Vec<Mrr>,
    at_most: Vec<Mrr>,
}

impl Retention {
    /// Over months that follow one another.
    pub(super) fn over(spans: &[Span]) -> Self {
        Self { spans: spans.to_vec(), cohorts: BTreeMap::new(), lacking: Vec::new() }
    }

    /// Adds a customer, if it began in one of the months.
    pub(super) fn add(&mut self, customer: &CustomerHistory, zone: Tz, told: Told<'_>) {
        let (Some(first), Some(began)) = (self.spans.first(), customer.first_month(zone)) else { return };
        let place = usize::try_from(began.since(first.month)).ok();
        let Some(place) = place.filter(|place| *place < self.spans.len()) else { return };
        let Some(ends) = ends(customer, &self.spans[place..], told) else {
            self.lacking.push(place);
            return;
        };
        let is_brought = customer.movements.first().is_some_and(|first| first.class == Class::Opening);
        for (currency, ends) in ends {
            let base = ends.first().copied().unwrap_or_default();
            if !base.is_positive() {
                continue;
            }
            let cohort = self.cohorts.entry((currency, place)).or_default();
            cohort.customers += 1;
            cohort.brought_forward += u64::from(is_brought);
            cohort.kept.resize(ends.len(), Mrr::ZERO);
            cohort.at_most.resize(ends.len(), Mrr::ZERO);
            for (index, end) in ends.into_iter().enumerate() {
                cohort.kept[index] += end;
                cohort.at_most[index] += end.min(base);
            }
        }
    }

    /// The cohorts of a currency, the oldest first.
    pub(super) fn curves(&self, currency: &Currency) -> Vec<CohortCurve> {
        let of_currency =
            self.cohorts.iter().filter(|((of, place), _)| of == currency && !self.lacking.contains(place));
        of_currency.map(|((_, place), cohort)| cohort.curve(&self.spans[*place..])).collect()
    }
}

impl Cohort {
    fn curve(&self, spans: &[Span]) -> CohortCurve {
        let base = self.kept.first().copied().unwrap_or_default();
        let share = |mrr: Mrr| Rate::of(mrr.0, base.0, "no MRR at the end of its first month");
        let ends = spans.iter().zip(self.kept.iter().zip(&self.at_most));
        let point = |(span, (kept, at_most)): (&Span, (&Mrr, &Mrr))| RetentionPoint {
            month: span.month,
            mrr: *kept,
            nrr: share(*kept),
            grr: share(*at_most),
        };
        CohortCurve {
            month: spans
                .first()
                .map_or_else(|| Month::of(crate::mrr::Instant(0), Tz::UTC), |span| span.month),
            customers: self.customers,
            brought_forward: self.brought_forward,
            base,
            points: ends.skip(1).map(point).collect(),
        }
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
