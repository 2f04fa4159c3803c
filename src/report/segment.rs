//! Segments: which of them each part of a customer's month falls into. Their tables foot; what changes
//! segment goes through the transfer columns.

use std::collections::{BTreeMap, BTreeSet};

use super::kept::{Sign, Stored, Sum};
use super::tally::{Slice, Tally};
use super::{CustomerHistory, Dimension, Scale, SegmentRow, SegmentTable, Settings};
use crate::mrr::{Cell, Class, Currency, Delta, Fate, Lane, Level, Month, Mrr, NetCurrency};

/// The segment of what nothing is known about.
pub(super) const NONE: &str = "(none)";

/// A segment's place in its table, and its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Segment {
    rank: usize,
    pub(super) name: String,
}

impl Segment {
    fn named(name: &str) -> Self {
        Self { rank: 0, name: name.to_owned() }
    }

    fn ranked(rank: usize, name: &str) -> Self {
        Self { rank, name: name.to_owned() }
    }
}

/// One customer's month in one currency, and what its segments depend on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'m> {
    pub(super) history: &'m CustomerHistory,
    pub(super) month: Month,
    pub(super) currency: &'m Currency,
    pub(super) net: &'m NetCurrency,
    pub(super) fate: Fate,
    /// The customer's levels at either end, over all currencies.
    pub(super) starting: &'m [&'m Level],
    pub(super) ending: &'m [&'m Level],
    /// Of each adjustment of closed months among the cells, in their order, how much the levels at the start hold of it:
    /// at the rate of before, where amounts are converted.
    pub(super) prior: &'m [Delta],
    /// How many units of its amounts make a millionth of the minor unit; 1 but where they are
    /// converted.
    pub(super) per_micro: i128,
}

/// Adjustments of closed months that are told at one rate, or at none.
pub(super) fn prior(net: &NetCurrency) -> Vec<Delta> {
    net.cells.iter().filter(|cell| cell.lane == Lane::PriorPeriod).map(|cell| cell.delta).collect()
}

/// The sums of each dimension's segments.
#[derive(Debug, Clone, Default)]
pub(super) struct Segments {
    /// What customers are added to; nothing is added to sums that were kept.
    dimensions: Vec<Dimension>,
    rows: BTreeMap<Dimension, BTreeMap<Segment, Tally>>,
}

impl Segments {
    pub(super) fn of(dimensions: Vec<Dimension>) -> Self {
        Self { dimensions, rows: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, subject: Subject<'_>, settings: &Settings) {
        for dimension in &self.dimensions {
            let slices = slices(dimension, subject, settings);
            let rows = match self.rows.get_mut(dimension) {
                Some(rows) => rows,
                None => self.rows.entry(dimension.clone()).or_default(),
            };
            for (segment, slice) in slices {
                rows.entry(segment).or_default().add(&slice, subject.fate);
            }
        }
    }

    /// The tables of dimensions, in their order; one that says nothing is left out unless it was asked for.
    pub(super) fn tables(mut self, dimensions: &[Dimension], is_asked_for: bool) -> Vec<SegmentTable> {
        let tables = dimensions.iter().map(|dimension| SegmentTable {
            dimension: dimension.name(),
            rows: self
                .rows
                .remove(dimension)
                .unwrap_or_default()
                .into_iter()
                .filter(|(_, tally)| !tally.is_empty())
                .map(|(segment, tally)| SegmentRow { segment: segment.name, figures: tally.figures() })
                .collect(),
        });
        tables.filter(|table| is_asked_for || table.rows.iter().any(|row| row.segment != NONE)).collect()
    }
}

impl Stored for Segments {
    fn put(&self, to: &mut Vec<u8>) {
        self.rows.put(to);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some(Self { dimensions: Vec::new(), rows: Stored::take(from)? })
    }
}

impl Sum for Segments {
    fn combine(&mut self, other: &Self, sign: Sign) {
        self.rows.combine(&other.rows, sign);
    }

    fn is_nothing(&self) -> bool {
        self.rows.is_nothing()
    }
}

impl Stored for Segment {
    fn put(&self, to: &mut Vec<u8>) {
        (self.rank as u64).put(to);
        self.name.put(to);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let rank = usize::try_from(u64::take(from)?).ok()?;
        Some(Self { rank, name: String::take(from)? })
    }
}

/// What of a customer's month falls into which segment of a dimension.
pub(super) fn slices<'m>(
    dimension: &Dimension,
    subject: Subject<'m>,
    settings: &Settings,
) -> Vec<(Segment, Slice<'m>)> {
    let of_customer = |segment| vec![(segment, Slice::whole(subject.net))];
    let metadata = |key: &str| Segment::named(subject.history.metadata.get(key).map_or(NONE, String::as_str));
    match dimension {
        Dimension::Product => by_line(
            subject,
            |level| Segment::named(level.product.as_str()),
            |cell| Segment::named(cell.product.as_str()),
        ),
        Dimension::Price => by_line(
            subject,
            |level| Segment::named(level.price.as_str()),
            |cell| Segment::named(cell.price.as_str()),
        ),
        Dimension::PricingModel => by_line(subject, model, |cell| model_of(subject, cell)),
        Dimension::Currency => of_customer(Segment::named(subject.currency.as_str())),
        Dimension::Country => of_customer(Segment::named(subject.history.country.as_deref().unwrap_or(NONE))),
        Dimension::Tenure => of_customer(tenure(subject.history, subject.month, settings)),
        Dimension::SizeBand => by_size(subject, settings),
        Dimension::Owner => of_customer(metadata(owner_key(settings))),
        Dimension::Metadata(key) => of_customer(metadata(key)),
    }
}

/// The segments of a dimension that a customer is in at the end of a month, by the levels that stand then in one
/// currency: where its MRR is in the column `ending` of their table.
pub(super) fn segments_at_end(
    dimension: &Dimension,
    history: &CustomerHistory,
    (month, currency): (Month, &Currency),
    levels: &[&Level],
    settings: &Settings,
) -> BTreeSet<String> {
    let metadata = |key: &str| history.metadata.get(key).map_or(NONE, String::as_str).to_owned();
    let of_lines = |name: fn(&Level) -> String| levels.iter().map(|level| name(level)).collect();
    let of_customer = match dimension {
        Dimension::Product => return of_lines(|level| level.product.to_string()),
        Dimension::Price => return of_lines(|level| level.price.to_string()),
        Dimension::PricingModel => return of_lines(|level| model(level).name),
        Dimension::Currency => currency.to_string(),
        Dimension::Country => history.country.clone().unwrap_or_else(|| NONE.to_owned()),
        Dimension::Tenure => tenure(history, month, settings).name,
        Dimension::SizeBand => band(levels.iter().map(|level| level.mrr).sum(), currency, settings).name,
        Dimension::Owner => metadata(owner_key(settings)),
        Dimension::Metadata(key) => metadata(key),
    };
    BTreeSet::from([of_customer])
}

/// The metadata key of owners, written with or without `metadata.` in front.
pub(super) fn owner_key(settings: &Settings) -> &str {
    let key = settings.owner_key.as_deref().unwrap_or_default();
    key.strip_prefix("metadata.").unwrap_or(key)
}

/// Lines, each in its own segment: what starts in one and ends in another was transferred.
fn by_line<'m>(
    subject: Subject<'m>,
    of_level: impl Fn(&Level) -> Segment,
    of_cell: impl Fn(&Cell) -> Segment,
) -> Vec<(Segment, Slice<'m>)> {
    let mut slices: BTreeMap<Segment, Slice<'m>> = BTreeMap::new();
    let here = |level: &&&Level| level.currency == *subject.currency;
    for level in subject.starting.iter().filter(here) {
        let slice = slices.entry(of_level(level)).or_insert_with(Slice::empty);
        slice.start += level.mrr;
        slice.base += level.mrr;
    }
    for level in subject.ending.iter().filter(here) {
        let slice = slices.entry(of_level(level)).or_insert_with(Slice::empty);
        slice.end += level.mrr;
        slice.kept += level.mrr;
    }
    let mut prior = subject.prior.iter();
    for cell in &subject.net.cells {
        let slice = slices.entry(of_cell(cell)).or_insert_with(Slice::empty);
        // What was brought forward counts as having stood at the start (R26), at the month's rate (R9).
        let is_brought = matches!(cell.lane, Lane::Opening | Lane::Fx)
            || (cell.lane == Lane::Transfer && cell.delta > Delta::ZERO);
        if is_brought {
            slice.base += cell.delta;
        }
        // The levels know what was adjusted; what was reported did not.
        if cell.lane == Lane::PriorPeriod {
            let held = prior.next().copied().unwrap_or(cell.delta);
            slice.start += -held;
            slice.base += cell.delta - held;
        }
        slice.cells.push(cell);
    }
    slices.into_iter().collect()
}

/// How a line is billed.
fn model(level: &Level) -> Segment {
    Segment::named(match (level.is_metered, level.quantity) {
        (true, _) => "usage",
        (false, 1) => "flat",
        (false, _) => "seat",
    })
}

/// How the line of a cell is billed: as it is, or, where it went, as it was.
fn model_of(subject: Subject<'_>, cell: &Cell) -> Segment {
    let of_price = |level: &&&Level| level.price == cell.price;
    let ends = if cell.delta < Delta::ZERO {
        [subject.starting, subject.ending]
    } else {
        [subject.ending, subject.starting]
    };
    let at_an_end = ends.into_iter().find_map(|levels| levels.iter().find(of_price).copied());
    let known = at_an_end.or_else(|| subject.history.levels.iter().find(|level| of_price(&level)));
    known.map_or_else(|| Segment::named(NONE), model)
}

/// How long the customer had been there when the month began.
fn tenure(history: &CustomerHistory, month: Month, settings: &Settings) -> Segment {
    let first = history.movements.first();
    let Some((first_month, class)) =
        first.map(|movement| (Month::of(movement.effective_at, settings.zone), movement.class))
    else {
        return Segment::ranked(6, NONE);
    };
    match month.since(first_month) {
        // How long it had been there before the first fact is not known.
        ..=0 if class == Class::Opening => Segment::ranked(5, "brought forward"),
        ..=0 => Segment::ranked(0, "new"),
        1..=2 => Segment::ranked(1, "under 3 months"),
        3..=11 => Segment::ranked(2, "3 to 11 months"),
        12..=23 => Segment::ranked(3, "12 to 23 months"),
        _ => Segment::ranked(4, "24 months and over"),
    }
}

/// The band at the start takes the lanes; who ends in another is transferred there.
fn by_size<'m>(subject: Subject<'m>, settings: &Settings) -> Vec<(Segment, Slice<'m>)> {
    let band = |mrr: Mrr| band(Mrr(mrr.0 / subject.per_micro), subject.currency, settings);
    let net = subject.net;
    let (started_in, ended_in) = (band(net.base()), band(net.end));
    let whole = Slice::whole(net);
    if !net.base().is_positive() {
        return vec![(ended_in, whole)];
    }
    if !net.end.is_positive() || started_in == ended_in {
        return vec![(started_in, whole)];
    }
    let arrived = Slice { end: net.end, kept: net.end, ..Slice::empty() };
    vec![(started_in, Slice { end: Mrr::ZERO, ..whole }), (ended_in, arrived)]
}

fn band(mrr: Mrr, currency: &Currency, settings: &Settings) -> Segment {
    let scale = Scale::of(currency);
    let bounds = &settings.size_bands;
    let rank = bounds.iter().take_while(|bound| scale.of_major(**bound) <= mrr).count();
    let name = match (rank.checked_sub(1).and_then(|below| bounds.get(below)), bounds.get(rank)) {
        (None, None) => "all".to_owned(),
        (None, Some(above)) => format!("under {above}"),
        (Some(below), Some(above)) => format!("{below} to under {above}"),
        (Some(below), None) => format!("{below} and over"),
    };
    Segment { rank, name }
}
