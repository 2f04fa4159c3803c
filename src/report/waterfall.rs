//! The roll-forward as a waterfall. Gains are filled and losses hollow; expansion is stacked by kind.

use super::drawing::{Axis, Drawing, Shape, View, legend, paint};
use super::sections::{Printed, title};
use super::{CurrencyBlock, Scale};
use crate::mrr::{Kind, Lane};

/// The drawing's measures.
const HEIGHT: i128 = 170;
const TOP: i128 = 22;
const STEP: i128 = 78;
const BAR: i128 = 52;

/// From one amount to another, a part of a step.
struct Piece {
    from: i128,
    to: i128,
    paint: &'static str,
    said: String,
}

/// A level, or a lane from one level to the next.
struct Step {
    name: String,
    amount: String,
    pieces: Vec<Piece>,
}

/// Where changes are small beside the level, the axis begins just below the lowest level.
fn axis(levels: &[i128]) -> Option<Axis> {
    let (low, high) = (*levels.iter().min()?, *levels.iter().max()?);
    let range = high - low;
    let floor = if low > range * 2 { round_down(low - range / 4) } else { low.min(0) };
    (range > 0 && high > floor).then_some(Axis { floor, span: high - floor, top: TOP, height: HEIGHT })
}

/// Draws a block's roll-forward; `None` where nothing moved.
pub(super) fn waterfall(block: &CurrencyBlock) -> Option<Drawing> {
    let scale = Scale::of(&block.currency);
    let roll = &block.figures.rollforward;
    let ends = (scale.units(roll.starting_mrr), scale.units(roll.ending_mrr));
    between(ends, &Printed::of(&block.figures, scale))
}

/// Draws what moved MRR from one printed level to another.
pub(super) fn between((start, end): (i128, i128), printed: &Printed) -> Option<Drawing> {
    let scale = printed.scale;
    let moved: Vec<(Lane, i128)> =
        Lane::ALL.iter().map(|lane| (*lane, printed.lane(*lane))).filter(|(_, units)| *units != 0).collect();
    let mut levels = vec![start];
    for (_, units) in &moved {
        levels.push(levels.last().copied().unwrap_or(start) + units);
    }
    let axis = axis(&levels)?;
    let level = |name: &str, units: i128| {
        let amount = scale.text(units);
        let piece = Piece { from: axis.floor, to: units, paint: "level", said: format!("{name} {amount}") };
        Step { name: name.to_owned(), amount, pieces: vec![piece] }
    };
    let mut steps = vec![level("Starting MRR", start)];
    steps.extend(moved.iter().zip(&levels).map(|((lane, units), from)| step(*lane, *units, *from, printed)));
    steps.push(level("Ending MRR", end));
    let said: Vec<String> = steps.iter().map(|step| format!("{} {}", step.name, step.amount)).collect();
    let width = STEP * i128::try_from(steps.len()).ok()? - STEP + BAR;
    let begins = (axis.floor != 0).then(|| format!("the axis begins at {}", scale.text(axis.floor)));
    let mut keys = legend(stacked(printed));
    if keys.is_empty() {
        keys.push(("gain", "gains".to_owned()));
    }
    keys.push(("loss", "losses".to_owned()));
    Some(Drawing {
        twin: "rollforward".to_owned(),
        title: "What moved MRR".to_owned(),
        legend: keys,
        note: begins.unwrap_or_default(),
        said: said.join(", "),
        view: View { x: -16, width: width + 32, height: 212 },
        is_wide: true,
        shapes: (0..).zip(&steps).flat_map(|(index, step)| shapes(STEP * index, step, &axis)).collect(),
    })
}

fn shapes(x: i128, step: &Step, axis: &Axis) -> Vec<Shape> {
    let bar = |piece: &Piece| {
        let (y, height) = axis.between(piece.from, piece.to);
        Shape::Bar { x, y, width: BAR, height, paint: piece.paint, said: piece.said.clone() }
    };
    let mut shapes: Vec<Shape> = step.pieces.iter().map(bar).collect();
    let top = step.pieces.iter().map(|piece| axis.y(piece.from.max(piece.to))).min().unwrap_or(TOP);
    shapes.push(Shape::text(x + BAR / 2, top - 6, step.amount.clone()));
    shapes.push(Shape::text(x + BAR / 2, TOP + HEIGHT + 14, step.name.clone()));
    shapes
}

fn step(lane: Lane, units: i128, from: i128, printed: &Printed) -> Step {
    let name = title(lane.as_str());
    let amount = printed.scale.text(units);
    let kinds = if lane == Lane::Expansion { stacked(printed) } else { Vec::new() };
    let mut pieces = Vec::new();
    let mut below = from;
    for kind in kinds {
        let units =
            printed.expansion.iter().filter(|(of, _)| *of == kind).map(|(_, units)| *units).sum::<i128>();
        let said = format!("{} {}", title(kind.as_str()), printed.scale.text(units));
        pieces.push(Piece { from: below, to: below + units, paint: paint(kind), said });
        below += units;
    }
    if pieces.is_empty() {
        let paint = if units < 0 { "loss" } else { "gain" };
        pieces.push(Piece { from, to: from + units, paint, said: format!("{name} {amount}") });
    }
    Step { name, amount, pieces }
}

/// The kinds that expansion is stacked of; none where one of them is below zero, which no stack can show.
fn stacked(printed: &Printed) -> Vec<Kind> {
    if printed.expansion.iter().any(|(_, units)| *units < 0) {
        return Vec::new();
    }
    printed.expansion.iter().filter(|(_, units)| *units > 0).map(|(kind, _)| *kind).collect()
}

/// An amount above zero without all but its first two digits, so that an axis begins at a plain one.
fn round_down(amount: i128) -> i128 {
    let digits = amount.max(1).ilog10();
    let unit = 10_i128.pow(digits.saturating_sub(1));
    amount / unit * unit
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_axis_begins_at_a_plain_amount_below_the_lowest_level_or_at_nothing() {
        let long = axis(&[8_650_000, 11_316_000, 12_873_000]).unwrap();
        assert_eq!(long.floor, 7_500_000);
        assert_eq!((long.y(7_500_000), long.y(12_873_000)), (TOP + HEIGHT, TOP));
        assert_eq!(axis(&[100, 900]).unwrap().floor, 0);
        assert!(axis(&[500, 500]).is_none(), "nothing moved");
    }
}
