//! Each segment's core expansion month by month, for the segments that people act on: products, owners, what is
//! configured, and what was asked for.

use std::collections::BTreeMap;

use super::segment::{Segment, Subject, slices};
use super::{Dimension, Settings};
use crate::mrr::{Delta, Kind, Lane};

/// One dimension's segments through the months of `trend`; each month's column sums to its core expansion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentTrend {
    /// The dimension's word.
    pub dimension: String,
    /// Each segment's core expansion by month, oldest first; segments without any are left out.
    pub rows: Vec<(String, Vec<Delta>)>,
}

/// Running sums of one currency.
#[derive(Debug, Clone)]
pub(super) struct SegmentTrends {
    tables: Vec<(Dimension, BTreeMap<Segment, Vec<Delta>>)>,
    months: usize,
}

impl SegmentTrends {
    pub(super) fn of(settings: &Settings, months: usize) -> Self {
        let is_followed = |dimension: &Dimension| {
            let is_acted_on =
                matches!(dimension, Dimension::Product | Dimension::Owner | Dimension::Metadata(_));
            settings.by.is_some() || is_acted_on
        };
        let followed = settings.dimensions().into_iter().filter(is_followed);
        Self { tables: followed.map(|dimension| (dimension, BTreeMap::new())).collect(), months }
    }

    /// Adds a customer's month at its place among the months.
    pub(super) fn add(&mut self, place: usize, subject: Subject<'_>, settings: &Settings) {
        for (dimension, rows) in &mut self.tables {
            for (segment, slice) in slices(dimension, subject, settings) {
                let core = slice
                    .cells
                    .iter()
                    .filter(|cell| cell.lane == Lane::Expansion && cell.kind.is_some_and(Kind::is_core));
                let core: Delta = core.map(|cell| cell.delta).sum();
                let months = rows.entry(segment).or_insert_with(|| vec![Delta::ZERO; self.months]);
                if let Some(month) = months.get_mut(place) {
                    *month += core;
                }
            }
        }
    }

    /// The tables, of the months at some places only.
    pub(super) fn tables(&self, places: &[usize]) -> Vec<SegmentTrend> {
        let table = |(dimension, rows): &(Dimension, BTreeMap<Segment, Vec<Delta>>)| {
            let row = |(segment, months): (&Segment, &Vec<Delta>)| {
                let of_places = places.iter().filter_map(|place| months.get(*place).copied());
                (segment.name.clone(), of_places.collect::<Vec<Delta>>())
            };
            let moved = |(_, months): &(String, Vec<Delta>)| months.iter().any(|sum| *sum != Delta::ZERO);
            SegmentTrend { dimension: dimension.name(), rows: rows.iter().map(row).filter(moved).collect() }
        };
        self.tables.iter().map(table).filter(|table| !table.rows.is_empty()).collect()
    }
}
