//! The thirteen months that end with a report's: how the cohorts that began in them lasted, and what each
//! segment's core expansion came to.

use std::collections::BTreeMap;

use super::retention::Retention;
use super::segment::Subject;
use super::segment_trend::SegmentTrends;
use super::trailing::{BEFORE, Span, core_expansion};
use super::{CurrencyBlock, CustomerHistory, Settings};
use crate::mrr::{Currency, Delta, Level, Mrr, NetMonth, levels_before};

/// A level as a window counts it, in the currency of its block; `None` without a rate.
pub(super) type Told<'t> = &'t dyn Fn(&Level) -> Option<(Currency, Mrr)>;

/// Running sums of one report's window.
#[derive(Debug, Clone)]
pub(super) struct Window {
    spans: Vec<Span>,
    /// How many units of an amount make a millionth of the minor unit.
    per_micro: i128,
    retention: Retention,
    segments: BTreeMap<Currency, SegmentTrends>,
}

impl Window {
    /// The window of each report, of spans that begin twelve months before the first.
    pub(super) fn each(spans: &[Span], per_micro: i128) -> Vec<Self> {
        let windows = spans.windows(BEFORE + 1);
        windows
            .map(|spans| Self {
                spans: spans.to_vec(),
                per_micro,
                retention: Retention::over(spans),
                segments: BTreeMap::new(),
            })
            .collect()
    }

    /// Adds a customer with the window's months, of which quiet ones may be missing.
    pub(super) fn add(
        &mut self,
        customer: &CustomerHistory,
        nets: &[Option<NetMonth>],
        settings: &Settings,
        told: Told<'_>,
    ) {
        self.retention.add(customer, settings.zone, told);
        for (place, net) in nets.iter().enumerate() {
            if let Some(net) = net {
                self.add_month(customer, place, net, settings);
            }
        }
    }

    fn add_month(&mut self, customer: &CustomerHistory, place: usize, month: &NetMonth, settings: &Settings) {
        let expanded = month.currencies.iter().filter(|(_, net)| core_expansion(net) != Delta::ZERO);
        let Some(span) = self.spans.get(place).copied() else { return };
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
            self.segments.entry(currency.clone()).or_insert_with(fresh).add(place, subject, settings);
        }
    }

    /// Puts what the window says of a block's currency into the block.
    pub(super) fn finish(&self, block: &mut CurrencyBlock) {
        block.retention = self.retention.curves(&block.currency);
        let first = self.spans.first().map(|span| span.month);
        let place =
            |month: crate::mrr::Month| first.and_then(|first| usize::try_from(month.since(first)).ok());
        let places: Vec<usize> = block.trend.iter().filter_map(|month| place(month.month)).collect();
        block.segment_trends =
            self.segments.get(&block.currency).map(|trends| trends.tables(&places)).unwrap_or_default();
    }
}
