//! A block's amounts as they are printed, rounded once for all of its tables, tiles, sentences and charts: what is
//! a part in one of them is the same amount in every other, and parts sum to printed totals (R1).

use super::footing::both_ways;
use super::{CurrencyBlock, Figures, RollForward, Scale, SegmentTable, SegmentTrend, TrendMonth};
use crate::mrr::{Delta, Kind, Lane, Mrr};

/// The roll-forward as it is printed: the column foots, and kinds sum to their lane.
pub(super) struct Printed {
    pub(super) scale: Scale,
    /// Starting and ending MRR.
    pub(super) levels: (i128, i128),
    pub(super) lanes: Vec<(Lane, i128)>,
    pub(super) expansion: Vec<(Kind, i128)>,
    pub(super) contraction: Vec<(Kind, i128)>,
}

impl Printed {
    pub(super) fn of(figures: &Figures, scale: Scale) -> Self {
        let roll = &figures.rollforward;
        let flows: Vec<Delta> = roll.lanes.iter().map(|(_, amount)| *amount).collect();
        let units = scale.between(roll.starting_mrr, &flows, roll.ending_mrr);
        let lanes: Vec<(Lane, i128)> = roll.lanes.iter().map(|(lane, _)| *lane).zip(units).collect();
        let of_lane = |lane| lanes.iter().filter(|(name, _)| *name == lane).map(|(_, units)| *units).sum();
        let kinds = |kinds: &[(Kind, Delta)], total| -> Vec<(Kind, i128)> {
            let parts: Vec<Delta> = kinds.iter().map(|(_, amount)| *amount).collect();
            kinds.iter().map(|(kind, _)| *kind).zip(scale.parts(&parts, total)).collect()
        };
        let expansion = kinds(&figures.expansion_by_kind, of_lane(Lane::Expansion));
        let contraction = kinds(&figures.contraction_by_kind, of_lane(Lane::Contraction));
        let levels = (scale.units(roll.starting_mrr), scale.units(roll.ending_mrr));
        Self { scale, levels, lanes, expansion, contraction }
    }

    /// Months as one period, the sums of what they print: what foots in each of them foots in all.
    pub(super) fn summed(months: &[&Self], scale: Scale) -> Self {
        let lanes = Lane::ALL.iter().map(|lane| (*lane, months.iter().map(|month| month.lane(*lane)).sum()));
        let kinds = |kinds: &[Kind], of_month: fn(&Self) -> &[(Kind, i128)]| -> Vec<(Kind, i128)> {
            let all = || months.iter().flat_map(|month| of_month(month));
            let sum = |kind: &Kind| all().filter(|(of, _)| of == kind).map(|(_, units)| *units).sum();
            kinds.iter().map(|kind| (*kind, sum(kind))).collect()
        };
        let first = months.first().map_or(0, |month| month.levels.0);
        let last = months.last().map_or(0, |month| month.levels.1);
        Self {
            scale,
            levels: (first, last),
            lanes: lanes.collect(),
            expansion: kinds(&Kind::EXPANSION, |month| &month.expansion),
            contraction: kinds(&Kind::CONTRACTION, |month| &month.contraction),
        }
    }

    /// The same of a block.
    pub(super) fn block(block: &CurrencyBlock) -> Self {
        Self::of(&block.figures, Scale::of(&block.currency))
    }

    pub(super) fn lane(&self, lane: Lane) -> i128 {
        self.lanes.iter().filter(|(name, _)| *name == lane).map(|(_, units)| *units).sum()
    }

    pub(super) fn core(&self) -> i128 {
        core(&self.expansion)
    }
}

/// Core expansion of printed kinds.
pub(super) fn core(kinds: &[(Kind, i128)]) -> i128 {
    kinds.iter().filter(|(kind, _)| kind.is_core()).map(|(_, units)| *units).sum()
}

/// An expander as it is printed; the kinds sum to the expansion.
pub(super) struct PrintedExpander {
    pub(super) expansion: i128,
    pub(super) by_kind: Vec<(Kind, i128)>,
}

/// A block's named expanders, and what all others come to: together the lane of expansion.
pub(super) fn printed_expanders(block: &CurrencyBlock) -> (Vec<PrintedExpander>, i128) {
    let scale = Scale::of(&block.currency);
    let named = &block.top_expanders;
    let mut amounts: Vec<Delta> = named.iter().map(|expander| expander.expansion).collect();
    let known: Delta = amounts.iter().copied().sum();
    amounts.push(block.figures.total_expansion - known);
    let mut units = scale.parts(&amounts, Printed::block(block).lane(Lane::Expansion));
    let others = units.pop().unwrap_or_default();
    let printed = |(expander, units): (&super::Expander, i128)| {
        let parts: Vec<Delta> = expander.by_kind.iter().map(|(_, amount)| *amount).collect();
        let kinds = expander.by_kind.iter().map(|(kind, _)| *kind);
        let by_kind = kinds.zip(scale.parts(&parts, units)).collect();
        PrintedExpander { expansion: units, by_kind }
    };
    (named.iter().zip(units).map(printed).collect(), others)
}

/// Each month's kinds as they are printed; the block's own month as in its other tables.
pub(super) fn printed_months(block: &CurrencyBlock) -> Vec<Vec<(Kind, i128)>> {
    let scale = Scale::of(&block.currency);
    let printed = |month: &TrendMonth| {
        let parts: Vec<Delta> = month.expansion_by_kind.iter().map(|(_, amount)| *amount).collect();
        let units = scale.parts(&parts, scale.units(Mrr::ZERO + month.total_expansion()));
        month.expansion_by_kind.iter().map(|(kind, _)| *kind).zip(units).collect()
    };
    let mut months: Vec<Vec<(Kind, i128)>> = block.trend.iter().map(printed).collect();
    if let Some(last) = months.last_mut() {
        *last = Printed::block(block).expansion;
    }
    months
}

/// What each of the last twelve months added as it is printed: new, and core expansion.
pub(super) fn printed_added(block: &CurrencyBlock) -> Vec<(i128, i128)> {
    let scale = Scale::of(&block.currency);
    let months = block.last_year();
    let kinds = printed_months(block);
    let kinds = &kinds[kinds.len() - months.len()..];
    let mut added: Vec<(i128, i128)> = months
        .iter()
        .zip(kinds)
        .map(|(month, kinds)| (scale.units(Mrr::ZERO + month.new), core(kinds)))
        .collect();
    if let Some(last) = added.last_mut() {
        last.0 = Printed::block(block).lane(Lane::New);
    }
    added
}

/// Core expansion of each segment of a trend as it is printed, a row a segment; the columns sum to the months' core
/// expansion.
pub(super) fn printed_segments(trend: &SegmentTrend, block: &CurrencyBlock) -> Vec<Vec<i128>> {
    let scale = Scale::of(&block.currency);
    let month = |(place, kinds): (usize, &Vec<(Kind, i128)>)| {
        let at = |(_, months): &(String, Vec<Delta>)| months.get(place).copied().unwrap_or_default();
        scale.parts(&trend.rows.iter().map(at).collect::<Vec<Delta>>(), core(kinds))
    };
    let columns: Vec<Vec<i128>> = printed_months(block).iter().enumerate().map(month).collect();
    (0..trend.rows.len()).map(|row| columns.iter().map(|column| column[row]).collect()).collect()
}

/// A roll-forward as it is printed, of a segment or of all of them.
pub(super) struct PrintedRoll {
    pub(super) start: i128,
    lanes: Vec<(Lane, i128)>,
    pub(super) transfer_in: i128,
    pub(super) transfer_out: i128,
    pub(super) end: i128,
}

impl PrintedRoll {
    pub(super) fn lane(&self, lane: Lane) -> i128 {
        self.lanes.iter().filter(|(name, _)| *name == lane).map(|(_, units)| *units).sum()
    }

    /// What all lanes but some come to.
    pub(super) fn rest(&self, shown: &[Lane]) -> i128 {
        self.lanes.iter().filter(|(lane, _)| !shown.contains(lane)).map(|(_, units)| *units).sum()
    }

    /// Of amounts in the order of [`signed`].
    fn of(row: &[i128]) -> Self {
        let at = |place: usize| row.get(place).copied().unwrap_or_default();
        let lanes = Lane::ALL.iter().enumerate().map(|(place, lane)| (*lane, at(place + 1))).collect();
        let moved = Lane::ALL.len() + 1;
        Self { start: at(0), lanes, transfer_in: at(moved), transfer_out: at(moved + 1), end: -at(moved + 2) }
    }
}

/// The rows of a segment table as they are printed, and the row of all of them, which is the block's roll-forward.
/// Each row foots, and each column sums to the last row.
pub(super) fn printed_rolls(table: &SegmentTable, block: &CurrencyBlock) -> (Vec<PrintedRoll>, PrintedRoll) {
    let scale = Scale::of(&block.currency);
    let rolls: Vec<&RollForward> = table.rows.iter().map(|row| &row.figures.rollforward).collect();
    let exact: Vec<Vec<i128>> = rolls.iter().map(|roll| signed(roll)).collect();
    let apart = exact.iter().zip(&rolls).map(|(row, roll)| {
        let flows: Vec<Delta> = row[1..row.len() - 1].iter().map(|amount| Delta(*amount)).collect();
        let mut units = vec![scale.units(roll.starting_mrr)];
        units.extend(scale.between(roll.starting_mrr, &flows, roll.ending_mrr));
        units.push(-scale.units(roll.ending_mrr));
        units
    });
    let printed = Printed::block(block);
    let moved: Delta = rolls.iter().map(|roll| roll.transfer_in).sum();
    let moved = scale.units(Mrr::ZERO + moved);
    let mut total = vec![printed.levels.0];
    total.extend(Lane::ALL.iter().map(|lane| printed.lane(*lane)));
    total.extend([moved, -moved, -printed.levels.1]);
    let rows = both_ways(&exact, apart.collect(), scale.unit(), &total);
    (rows.iter().map(|row| PrintedRoll::of(row)).collect(), PrintedRoll::of(&total))
}

/// What a segment starts with, its lanes, what came from another segment and left for one, and, against all of it,
/// what it ends with.
fn signed(roll: &RollForward) -> Vec<i128> {
    let mut row = vec![roll.starting_mrr.0];
    row.extend(Lane::ALL.iter().map(|lane| roll.lane(*lane).0));
    row.extend([roll.transfer_in.0, roll.transfer_out.0, -roll.ending_mrr.0]);
    row
}
