//! The thirteen months that end with a report's: how the cohorts that began in them lasted, and what each
//! segment's core expansion came to.

use std::collections::BTreeMap;

use super::retention::Retention;
use super::segment::Subject;
use super::segment_trend::SegmentTrends;
use super::trailing::{BEFORE, Span, core_expansion};
use super::{CurrencyBlock, CustomerHistory, Settings};
use crate::mrr::{Currency, Delta, Level, Month, Mrr, NetMonth, levels_before};

/// A level as a window counts it, in the currency of its block; `None` without a rate.
pub(super) type Told<'t> = &'t dyn Fn(&Level) -> Option<(Currency, Mrr)>;

/// Running sums of the windows of reports that follow one another.
#[derive(Debug, Clone)]
pub(super) struct Windows {
    spans: Vec<Span>,
    /// How many units of an amount make a millionth of the minor unit.
    per_micro: i128,
    /// Each report's cohorts.
    cohorts: Vec<Retention>,
    /// The segments of all months.
    segments: BTreeMap<Currency, SegmentTrends>,
}

impl Windows {
    /// Of spans that begin twelve months before the first report.
    pub(super) fn over(spans: &[Span], per_micro: i128) -> Self {
        Self {
            spans: spans.to_vec(),
            per_micro,
            cohorts: spans.windows(BEFORE + 1).map(Retention::over).collect(),
            segments: BTreeMap::new(),
        }
    }

    /// Adds a customer to every report's cohorts, its levels being told of each report (by its place) as given.
    pub(super) fn follow(
        &mut self,
        customer: &CustomerHistory,
        settings: &Settings,
        told: impl Fn(usize, &Level) -> Option<(Currency, Mrr)>,
    ) {
        for (report, cohorts) in self.cohorts.iter_mut().enumerate() {
            cohorts.add(customer, settings.zone, &|level| told(report, level));
        }
    }

    /// Adds a customer's months to the segments; quiet ones may be missing.
    pub(super) fn add(&mut self, customer: &CustomerHistory, nets: &[Option<NetMonth>], settings: &Settings) {
        for (place, (span, net)) in self.spans.iter().zip(nets).enumerate() {
            let Some(month) = net else { continue };
            let expanded = month.currencies.iter().filter(|(_, net)| core_expansion(net) != Delta::ZERO);
            for (currency, net) in expanded {
                let starting = levels_before(&customer.levels, span.start);
                let ending = levels_before(&customer.levels, span.end);
                let subject = Subject {
                    history: customer,
                    month: span.month,
                    currency,
                    net,
                    fate: month.fate,
                    starting: &starting,
                    ending: &ending,
                    per_micro: self.per_micro,
                };
                let fresh = || SegmentTrends::of(settings, self.spans.len());
                let segments = self.segments.entry(currency.clone()).or_insert_with(fresh);
                segments.add(place, subject, settings);
            }
        }
    }

    /// Puts what a report's window says of a block's currency into the block.
    pub(super) fn finish(&self, report: usize, block: &mut CurrencyBlock) {
        let cohorts = self.cohorts.get(report);
        block.retention = cohorts.map(|cohorts| cohorts.curves(&block.currency)).unwrap_or_default();
        let place = |month: Month| self.spans.iter().position(|span| span.month == month);
        let places: Vec<usize> = block.trend.iter().filter_map(|month| place(month.month)).collect();
        block.segment_trends =
            self.segments.get(&block.currency).map(|trends| trends.tables(&places)).unwrap_or_default();
    }
}
