//! The edge of a consolidated block: amounts that were carried finely are rounded once, to the ledger's
//! millionths, so that parts sum to what is printed (R1).

use std::collections::BTreeMap;

use super::exchange::PER_MICRO;
use super::scale::largest_remainder;
use super::{
    Cohort, CohortCurve, Concentration, ConcentrationPoint, CurrencyBlock, Expander, Figures, FxEffect,
    OwnerBook, Rate, RetentionPoint, SegmentTable, SegmentTrend, TrendMonth,
};
use crate::mrr::{Cause, CustomerId, Delta, Lane, Mrr, divide_half_even};

/// A block of fine amounts, rounded: levels half to even, what lies between them by largest remainder.
pub(super) fn rounded(block: CurrencyBlock) -> CurrencyBlock {
    let mut whole = Rows::default();
    let figures = whole.next(block.figures);
    let motion_parts: Vec<Delta> = block.motion.values().copied().collect();
    let motion = parts(&motion_parts, figures.core_expansion);
    let evidence: Vec<Delta> = block.evidence.values().map(|mrr| *mrr - Mrr::ZERO).collect();
    let evidence = parts(&evidence, figures.rollforward.ending_mrr - Mrr::ZERO);
    CurrencyBlock {
        expansion_from_outside: alone(block.expansion_from_outside),
        arpa: amount(block.arpa),
        starting_arr: figures.rollforward.starting_mrr.arr_minor_units(),
        ending_arr: figures.rollforward.ending_mrr.arr_minor_units(),
        motion: block.motion.keys().copied().zip(motion).collect(),
        activity: super::Activity {
            sums: block.activity.sums.into_iter().map(|(key, sum)| (key, alone(sum))).collect(),
        },
        segments: block.segments.into_iter().map(table).collect(),
        cohorts: cohorts(block.cohorts),
        concentration: concentration(block.concentration, figures.total_expansion),
        expansion_by_cause: by_cause(&block.expansion_by_cause, figures.total_expansion),
        contraction_by_cause: by_cause(
            &block.contraction_by_cause,
            figures.rollforward.lane(Lane::Contraction),
        ),
        retention: block.retention.into_iter().map(curve).collect(),
        fx: effects(block.fx, figures.rollforward.lane(Lane::Fx)),
        owners: books(block.owners, figures.core_expansion),
        top_expanders: block.top_expanders.into_iter().map(expander).collect(),
        evidence: block.evidence.keys().copied().zip(evidence.into_iter().map(|part| Mrr(part.0))).collect(),
        at_risk: Mrr(units(block.at_risk.0)),
        late_payers: late_payers(block.late_payers, block.at_risk),
        first_month: (alone(block.first_month.0), alone(block.first_month.1)),
        segment_trends: block.segment_trends.into_iter().map(segment_trend).collect(),
        trend: block.trend.into_iter().map(trend).collect(),
        figures,
        ..block
    }
}

/// Late payers' amounts, which sum to what is at risk.
fn late_payers(all: Vec<(CustomerId, Mrr)>, at_risk: Mrr) -> Vec<(CustomerId, Mrr)> {
    let amounts: Vec<Delta> = all.iter().map(|(_, mrr)| Delta(mrr.0)).collect();
    let rounded = parts(&amounts, Delta(units(at_risk.0)));
    all.into_iter().zip(rounded).map(|((customer, _), part)| (customer, Mrr(part.0))).collect()
}

/// Rounds rows one after another, each as the difference that it makes to the rows before it, so that
/// every row foots and every column sums to its rounded total.
#[derive(Default)]
struct Rows {
    /// What the rows so far come to, finely.
    exact: BTreeMap<Column, i128>,
    /// And rounded.
    rounded: BTreeMap<Column, i128>,
}

/// An amount of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    Start,
    Lane(Lane),
    /// What came from another segment.
    In,
    /// What left for one.
    Out,
    End,
    /// Of the lane of expansion.
    Expansion(crate::mrr::Kind),
    /// Of the lane of contraction.
    Contraction(crate::mrr::Kind),
    Retained,
}

impl Rows {
    fn next(&mut self, figures: Figures) -> Figures {
        for (column, amount) in columns(&figures) {
            *self.exact.entry(column).or_default() += amount;
        }
        let rounded = foot(&self.exact);
        let before = std::mem::replace(&mut self.rounded, rounded);
        let row = |column| {
            let at = |sums: &BTreeMap<Column, i128>| sums.get(&column).copied().unwrap_or_default();
            at(&self.rounded) - at(&before)
        };
        put(figures, row)
    }
}

/// The amounts of a row.
fn columns(figures: &Figures) -> Vec<(Column, i128)> {
    let roll = &figures.rollforward;
    let mut columns = vec![
        (Column::Start, roll.starting_mrr.0),
        (Column::In, roll.transfer_in.0),
        (Column::Out, roll.transfer_out.0),
        (Column::End, roll.ending_mrr.0),
        (Column::Retained, figures.retained_base_growth.0),
    ];
    columns.extend(Lane::ALL.iter().map(|lane| (Column::Lane(*lane), roll.lane(*lane).0)));
    columns.extend(figures.expansion_by_kind.iter().map(|(kind, sum)| (Column::Expansion(*kind), sum.0)));
    columns.extend(figures.contraction_by_kind.iter().map(|(kind, sum)| (Column::Contraction(*kind), sum.0)));
    columns
}

/// Rounds a sum of rows: the levels, then the lanes between them, then the kinds within their lanes.
fn foot(exact: &BTreeMap<Column, i128>) -> BTreeMap<Column, i128> {
    let at = |column| exact.get(&column).copied().unwrap_or_default();
    let (start, end) = (units(at(Column::Start)), units(at(Column::End)));
    let mut flows: Vec<i128> = Lane::ALL.iter().map(|lane| at(Column::Lane(*lane))).collect();
    flows.push(at(Column::In) + at(Column::Out));
    let mut flows = largest_remainder(&flows, PER_MICRO, end - start);
    let moved = flows.pop().unwrap_or_default();
    let transfer_in = units(at(Column::In));
    let mut rounded = BTreeMap::from([
        (Column::Start, start),
        (Column::End, end),
        (Column::In, transfer_in),
        (Column::Out, moved - transfer_in),
        (Column::Retained, units(at(Column::Retained))),
    ]);
    rounded.extend(Lane::ALL.iter().map(|lane| Column::Lane(*lane)).zip(flows));
    for lane in [Lane::Expansion, Lane::Contraction] {
        let of_lane = |column: &Column| match column {
            Column::Expansion(_) => lane == Lane::Expansion,
            Column::Contraction(_) => lane == Lane::Contraction,
            _ => false,
        };
        let columns: Vec<Column> = exact.keys().copied().filter(of_lane).collect();
        let amounts: Vec<i128> = columns.iter().map(|column| at(*column)).collect();
        let total = rounded.get(&Column::Lane(lane)).copied().unwrap_or_default();
        rounded.extend(columns.into_iter().zip(largest_remainder(&amounts, PER_MICRO, total)));
    }
    rounded
}

/// Figures with rounded amounts; ratios stay as exact as they are.
fn put(figures: Figures, row: impl Fn(Column) -> i128) -> Figures {
    let mut figures = figures;
    let roll = &mut figures.rollforward;
    roll.starting_mrr = Mrr(row(Column::Start));
    roll.ending_mrr = Mrr(row(Column::End));
    roll.transfer_in = Delta(row(Column::In));
    roll.transfer_out = Delta(row(Column::Out));
    roll.lanes = Lane::ALL.iter().map(|lane| (*lane, Delta(row(Column::Lane(*lane))))).collect();
    for (kind, sum) in &mut figures.expansion_by_kind {
        *sum = Delta(row(Column::Expansion(*kind)));
    }
    for (kind, sum) in &mut figures.contraction_by_kind {
        *sum = Delta(row(Column::Contraction(*kind)));
    }
    let core = figures.expansion_by_kind.iter().filter(|(kind, _)| kind.is_core());
    figures.core_expansion = core.map(|(_, sum)| *sum).sum();
    let lane = |lane| figures.rollforward.lane(lane);
    figures.total_expansion = lane(Lane::Expansion);
    figures.net_expansion = lane(Lane::Expansion) + lane(Lane::Contraction) + lane(Lane::Churn);
    figures.retained_base_growth = Delta(row(Column::Retained));
    figures
}

fn table(table: SegmentTable) -> SegmentTable {
    let mut rows = Rows::default();
    let next = |row: super::SegmentRow| super::SegmentRow { figures: rows.next(row.figures), ..row };
    SegmentTable { dimension: table.dimension, rows: table.rows.into_iter().map(next).collect() }
}

fn cohorts(cohorts: Vec<Cohort>) -> Vec<Cohort> {
    let mut rows = Rows::default();
    let next = |cohort: Cohort| Cohort { figures: rows.next(cohort.figures), ..cohort };
    cohorts.into_iter().map(next).collect()
}

/// Books, which sum to core expansion and to what they grew by together.
fn books(books: Vec<OwnerBook>, core_expansion: Delta) -> Vec<OwnerBook> {
    let core: Vec<Delta> = books.iter().map(|book| book.core_expansion).collect();
    let growth: Vec<Delta> = books.iter().map(|book| book.growth).collect();
    let grown = alone(growth.iter().copied().sum());
    let rounded = parts(&core, core_expansion).into_iter().zip(parts(&growth, grown));
    let book = |(book, (core_expansion, growth))| OwnerBook { core_expansion, growth, ..book };
    books.into_iter().zip(rounded).map(book).collect()
}

fn expander(expander: Expander) -> Expander {
    let expansion = alone(expander.expansion);
    let amounts: Vec<Delta> = expander.by_kind.iter().map(|(_, sum)| *sum).collect();
    let by_kind = expander.by_kind.iter().map(|(kind, _)| *kind).zip(parts(&amounts, expansion));
    Expander { by_kind: by_kind.collect(), expansion, ..expander }
}

fn trend(month: TrendMonth) -> TrendMonth {
    let core_expansion = alone(month.core_expansion);
    let (core, rest): (Vec<_>, Vec<_>) =
        month.expansion_by_kind.into_iter().partition(|(kind, _)| kind.is_core());
    let amounts: Vec<Delta> = core.iter().map(|(_, sum)| *sum).collect();
    let core = core.iter().map(|(kind, _)| *kind).zip(parts(&amounts, core_expansion));
    let rest = rest.into_iter().map(|(kind, sum)| (kind, alone(sum)));
    let expansion_by_kind = core.chain(rest).collect();
    TrendMonth { new: alone(month.new), core_expansion, expansion_by_kind, ..month }
}

fn segment_trend(trend: SegmentTrend) -> SegmentTrend {
    let row = |(segment, months): (String, Vec<Delta>)| (segment, months.into_iter().map(alone).collect());
    SegmentTrend { rows: trend.rows.into_iter().map(row).collect(), ..trend }
}

fn by_cause(causes: &[(Cause, Delta)], total: Delta) -> Vec<(Cause, Delta)> {
    let amounts: Vec<Delta> = causes.iter().map(|(_, sum)| *sum).collect();
    causes.iter().map(|(cause, _)| *cause).zip(parts(&amounts, total)).collect()
}

/// The last point is all of expansion, as it is rounded elsewhere.
fn concentration(concentration: Concentration, total: Delta) -> Concentration {
    let last = concentration.curve.len().saturating_sub(1);
    let point = |(index, point): (usize, ConcentrationPoint)| {
        let expansion = if index == last { total } else { alone(point.expansion) };
        ConcentrationPoint { expansion, ..point }
    };
    let curve = concentration.curve.into_iter().enumerate().map(point).collect();
    Concentration { median: amount(concentration.median), curve, ..concentration }
}

fn curve(curve: CohortCurve) -> CohortCurve {
    let point = |point: RetentionPoint| RetentionPoint { mrr: Mrr(units(point.mrr.0)), ..point };
    CohortCurve {
        base: Mrr(units(curve.base.0)),
        points: curve.points.into_iter().map(point).collect(),
        ..curve
    }
}

/// Parts of the lane fx.
fn effects(effects: Vec<FxEffect>, lane: Delta) -> Vec<FxEffect> {
    let amounts: Vec<Delta> = effects.iter().map(|fx| fx.effect).collect();
    effects.into_iter().zip(parts(&amounts, lane)).map(|(fx, effect)| FxEffect { effect, ..fx }).collect()
}

/// A ratio that is an amount of minor units.
fn amount(rate: Rate) -> Rate {
    match rate {
        Rate::Known(fine) => {
            Rate::Known(super::Fraction { numerator: units(fine.numerator), denominator: fine.denominator })
        }
        unknown @ Rate::Unknown(_) => unknown,
    }
}

/// Parts that sum to a rounded total.
pub(super) fn parts(fine: &[Delta], total: Delta) -> Vec<Delta> {
    let fine: Vec<i128> = fine.iter().map(|part| part.0).collect();
    largest_remainder(&fine, PER_MICRO, total.0).into_iter().map(Delta).collect()
}

/// An amount that sums to nothing else.
fn alone(fine: Delta) -> Delta {
    Delta(units(fine.0))
}

fn units(fine: i128) -> i128 {
    divide_half_even(fine, PER_MICRO)
}
