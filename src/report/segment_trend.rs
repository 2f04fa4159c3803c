//! Each segment's core expansion month by month, for the segments that people act on: products, owners, what is
//! configured, and what was asked for.

use std::collections::BTreeMap;

use super::kept::{Sign, Sum as _};
use super::segment::{Segment, Subject, prior, slices};
use super::trailing::{Span, core_expansion};
use super::{CurrencyBlock, CustomerHistory, Dimension, Settings};
use crate::mrr::{Currency, Delta, Kind, Lane, Month, NetMonth, levels_before};

/// One dimension's segments through the months of `trend`; each month's column sums to its core expansion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentTrend {
    /// The dimension's word.
    pub dimension: String,
    /// Each segment's core expansion by month, oldest first; segments without any are left out.
    pub rows: Vec<(String, Vec<Delta>)>,
}

/// A month's core expansion by segment, of some dimensions.
pub(super) type Column = BTreeMap<Dimension, BTreeMap<Segment, Delta>>;

/// Running sums of some months.
#[derive(Debug, Clone)]
pub(super) struct SegmentTrends {
    spans: Vec<Span>,
    /// How many units of an amount make a millionth of the minor unit.
    per_micro: i128,
    /// What customers are added to.
    dimensions: Vec<Dimension>,
    /// A column for each of the months, by currency.
    columns: Vec<BTreeMap<Currency, Column>>,
}

impl SegmentTrends {
    pub(super) fn over(spans: &[Span], per_micro: i128, dimensions: Vec<Dimension>) -> Self {
        let columns = vec![BTreeMap::new(); spans.len()];
        Self { spans: spans.to_vec(), per_micro, dimensions, columns }
    }

    /// Nothing yet, of the same months.
    pub(super) fn emptied(&self) -> Self {
        Self::over(&self.spans, self.per_micro, self.dimensions.clone())
    }

    /// Adds a customer's months; quiet ones may be missing.
    pub(super) fn add(&mut self, customer: &CustomerHistory, nets: &[Option<NetMonth>], settings: &Settings) {
        let months = self.columns.iter_mut().zip(self.spans.iter().zip(nets));
        for (columns, (span, net)) in months {
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
                    prior: &prior(net),
                    per_micro: self.per_micro,
                };
                let column = columns.entry(currency.clone()).or_default();
                for dimension in &self.dimensions {
                    let rows = column.entry(dimension.clone()).or_default();
                    add(rows, dimension, subject, settings);
                }
            }
        }
    }

    /// Lays the sums of other customers over these, of the same months.
    pub(super) fn combine(&mut self, other: &Self, sign: Sign) {
        for (columns, other) in self.columns.iter_mut().zip(&other.columns) {
            columns.combine(other, sign);
        }
    }

    /// A month's columns.
    pub(super) fn month(&self, place: usize) -> Option<&BTreeMap<Currency, Column>> {
        self.columns.get(place)
    }

    /// Puts in a month's column of a currency.
    pub(super) fn put_in(&mut self, place: usize, currency: &Currency, column: Column) {
        if let Some(columns) = self.columns.get_mut(place) {
            columns.insert(currency.clone(), column);
        }
    }

    /// The tables of a currency, of some of the months.
    pub(super) fn tables(
        &self,
        currency: &Currency,
        months: &[Month],
        settings: &Settings,
    ) -> Vec<SegmentTrend> {
        let place = |month: &Month| self.spans.iter().position(|span| span.month == *month);
        let columns: Vec<Option<&Column>> =
            months.iter().filter_map(place).map(|place| self.columns[place].get(currency)).collect();
        let table = |dimension: Dimension| {
            let mut rows: BTreeMap<&Segment, Vec<Delta>> = BTreeMap::new();
            for (index, column) in columns.iter().enumerate() {
                for (segment, sum) in column.and_then(|column| column.get(&dimension)).into_iter().flatten() {
                    rows.entry(segment).or_insert_with(|| vec![Delta::ZERO; columns.len()])[index] = *sum;
                }
            }
            rows.retain(|_, months| months.iter().any(|sum| *sum != Delta::ZERO));
            let rows = rows.into_iter().map(|(segment, months)| (segment.name.clone(), months)).collect();
            SegmentTrend { dimension: dimension.name(), rows }
        };
        followed(settings).into_iter().map(table).filter(|table| !table.rows.is_empty()).collect()
    }
}

impl CurrencyBlock {
    /// Puts in what each segment came to in the months of the trend.
    pub(super) fn follow(&mut self, segments: &SegmentTrends, settings: &Settings) {
        let months: Vec<Month> = self.trend.iter().map(|month| month.month).collect();
        self.segment_trends = segments.tables(&self.currency, &months, settings);
    }
}

/// The dimensions whose segments are followed: those that people act on, or what is asked for.
pub(super) fn followed(settings: &Settings) -> Vec<Dimension> {
    let is_acted_on = |dimension: &Dimension| {
        matches!(dimension, Dimension::Product | Dimension::Owner | Dimension::Metadata(_))
    };
    let is_followed = |dimension: &Dimension| settings.by.is_some() || is_acted_on(dimension);
    settings.dimensions().into_iter().filter(is_followed).collect()
}

fn add(
    rows: &mut BTreeMap<Segment, Delta>,
    dimension: &Dimension,
    subject: Subject<'_>,
    settings: &Settings,
) {
    for (segment, slice) in slices(dimension, subject, settings) {
        let core = slice
            .cells
            .iter()
            .filter(|cell| cell.lane == Lane::Expansion && cell.kind.is_some_and(Kind::is_core));
        *rows.entry(segment).or_default() += core.map(|cell| cell.delta).sum::<Delta>();
    }
}
