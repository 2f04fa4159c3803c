//! The roll-forward as a waterfall: an inline drawing with whole coordinates. Gains are filled and losses
//! hollow, so that no colour is needed to tell them apart; expansion is stacked by kind. The same figures
//! stand in the tables of the roll-forward and of expansion by kind.

use super::sections::{Printed, title};
use super::{CurrencyBlock, Scale};
use crate::mrr::{Lane, divide_half_even};

/// The drawing's measures.
const HEIGHT: i128 = 170;
const TOP: i128 = 22;
const STEP: i128 = 78;
const BAR: i128 = 52;

/// A rectangle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) y: i128,
    pub(super) height: i128,
    /// How it is painted: `level`, `gain`, `other` (every second kind of a gain) or `loss`.
    pub(super) paint: &'static str,
    /// What it is, for readers who point at it.
    pub(super) said: String,
}

/// A level, or a lane from one level to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) x: i128,
    pub(super) middle: i128,
    pub(super) label_y: i128,
    pub(super) name: String,
    pub(super) amount: String,
    pub(super) pieces: Vec<Piece>,
}

/// The steps, the size of their drawing, and what it says to those who do not see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waterfall {
    pub(super) width: i128,
    pub(super) bar: i128,
    pub(super) steps: Vec<Step>,
    /// The amount that the drawing begins at, where that is not nothing.
    pub(super) begins_at: Option<String>,
    pub(super) said: String,
}

/// The part of the drawing's height that an amount is.
struct Axis {
    floor: i128,
    span: i128,
}

impl Axis {
    /// Where changes are small beside the level, the axis begins just below the lowest level.
    fn of(levels: &[i128]) -> Option<Self> {
        let (low, high) = (*levels.iter().min()?, *levels.iter().max()?);
        let range = high - low;
        let floor = if low > range * 2 { round_down(low - range / 4) } else { low.min(0) };
        (range > 0 && high > floor).then_some(Self { floor, span: high - floor })
    }

    fn y(&self, amount: i128) -> i128 {
        TOP + HEIGHT - divide_half_even((amount - self.floor) * HEIGHT, self.span)
    }

    fn piece(&self, from: i128, to: i128, paint: &'static str, said: String) -> Piece {
        let (top, bottom) = (self.y(from.max(to)), self.y(from.min(to)));
        // What moved at all is seen.
        Piece { y: top, height: (bottom - top).max(1), paint, said }
    }
}

/// Draws a block's roll-forward; `None` where nothing moved.
pub(super) fn waterfall(block: &CurrencyBlock) -> Option<Waterfall> {
    let scale = Scale::of(&block.currency);
    let printed = Printed::of(&block.figures, scale);
    let roll = &block.figures.rollforward;
    let (start, end) = (scale.units(roll.starting_mrr), scale.units(roll.ending_mrr));
    let moved: Vec<(Lane, i128)> = roll
        .lanes
        .iter()
        .map(|(lane, _)| (*lane, printed.lane(*lane)))
        .filter(|(_, units)| *units != 0)
        .collect();
    let mut levels = vec![start];
    for (_, units) in &moved {
        levels.push(levels.last().copied().unwrap_or(start) + units);
    }
    let axis = Axis::of(&levels)?;
    let bar = |name: String, units: i128, pieces: Vec<Piece>| (name, scale.text(units), pieces);
    let level = |units| vec![axis.piece(axis.floor, units, "level", scale.text(units))];
    let mut bars = vec![bar("Starting MRR".to_owned(), start, level(start))];
    for ((lane, units), from) in moved.iter().zip(&levels) {
        let name = title(lane.as_str());
        let pieces = match lane {
            Lane::Expansion => by_kind(&axis, &printed, *from, scale),
            _ => None,
        };
        let paint = if *units < 0 { "loss" } else { "gain" };
        let whole = || vec![axis.piece(*from, from + units, paint, format!("{name} {}", scale.text(*units)))];
        let pieces = pieces.unwrap_or_else(whole);
        bars.push(bar(name, *units, pieces));
    }
    bars.push(bar("Ending MRR".to_owned(), end, level(end)));
    let said: Vec<String> = bars.iter().map(|(name, amount, _)| format!("{name} {amount}")).collect();
    let steps: Vec<Step> = (0..).zip(bars).map(step).collect();
    let width = STEP * i128::try_from(steps.len()).ok()? - STEP + BAR;
    let begins_at = (axis.floor != 0).then(|| scale.text(axis.floor));
    Some(Waterfall { width, bar: BAR, steps, begins_at, said: said.join(", ") })
}

/// An amount above zero without all but its first two digits, so that an axis begins at a plain one.
fn round_down(amount: i128) -> i128 {
    let digits = amount.max(1).ilog10();
    let unit = 10_i128.pow(digits.saturating_sub(1));
    amount / unit * unit
}

/// Expansion in its kinds; `None` where one of them is below zero, which no stack can show.
fn by_kind(axis: &Axis, printed: &Printed, from: i128, scale: Scale) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut from = from;
    for (kind, units) in printed.expansion.iter().filter(|(_, units)| *units != 0) {
        if *units < 0 {
            return None;
        }
        let paint = if pieces.len() % 2 == 0 { "gain" } else { "other" };
        let said = format!("{} {}", title(kind.as_str()), scale.text(*units));
        pieces.push(axis.piece(from, from + units, paint, said));
        from += units;
    }
    (!pieces.is_empty()).then_some(pieces)
}

fn step((index, (name, amount, pieces)): (i128, (String, String, Vec<Piece>))) -> Step {
    let x = STEP * index;
    let top = pieces.iter().map(|piece| piece.y).min().unwrap_or(TOP);
    Step { x, middle: x + BAR / 2, label_y: top - 6, name, amount, pieces }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_axis_begins_at_a_plain_amount_below_the_lowest_level_or_at_nothing() {
        let axis = Axis::of(&[8_650_000, 11_316_000, 12_873_000]).unwrap();
        assert_eq!(axis.floor, 7_500_000);
        assert_eq!((axis.y(7_500_000), axis.y(12_873_000)), (TOP + HEIGHT, TOP));
        assert_eq!(Axis::of(&[100, 900]).unwrap().floor, 0);
        assert!(Axis::of(&[500, 500]).is_none(), "nothing moved");
    }
}
