//! The roll-forward as a waterfall. Gains are filled and losses hollow; expansion is stacked by kind, and what kinds
//! took from it hangs beside the stack, from its top down to what is left.

use super::CurrencyBlock;
use super::drawing::{Axis, Drawing, Shape, View, legend, paint};
use super::sections::{Printed, title};
use crate::mrr::{Kind, Lane};

/// The drawing's measures.
const HEIGHT: i128 = 170;
const TOP: i128 = 22;
const STEP: i128 = 78;
const BAR: i128 = 52;
/// Where a stack ends that something hangs beside, and where that begins.
const STACK: i128 = 33;
const BESIDE: i128 = 36;

/// From one amount to another, a part of a step.
struct Piece {
    from: i128,
    to: i128,
    paint: &'static str,
    said: String,
    /// Its left and right edge within the step.
    edges: (i128, i128),
}

/// A level, or a lane from one level to the next.
struct Step {
    name: String,
    amount: String,
    pieces: Vec<Piece>,
    /// Where it ends, if its pieces do not show that.
    mark: Option<i128>,
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
    drawn(&Printed::block(block))
}

/// Draws a roll-forward as it is printed.
pub(super) fn drawn(printed: &Printed) -> Option<Drawing> {
    let scale = printed.scale;
    let (start, end) = printed.levels;
    let moved: Vec<(Lane, i128)> =
        Lane::ALL.iter().map(|lane| (*lane, printed.lane(*lane))).filter(|(_, units)| *units != 0).collect();
    let mut levels = vec![start];
    for (_, units) in &moved {
        levels.push(levels.last().copied().unwrap_or(start) + units);
    }
    let hanging = hanging(printed);
    let ends = moved.iter().zip(&levels).map(|((lane, units), from)| match lane {
        // A stack that something hangs beside reaches above what is left.
        Lane::Expansion => from + units - hanging,
        _ => from + units,
    });
    let axis = axis(&levels.iter().copied().chain(ends).collect::<Vec<i128>>())?;
    let level = |name: &str, units: i128| {
        let amount = scale.text(units);
        let said = format!("{name} {amount}");
        let piece = Piece { from: axis.floor, to: units, paint: "level", said, edges: (0, BAR) };
        Step { name: name.to_owned(), amount, pieces: vec![piece], mark: None }
    };
    let mut steps = vec![level("Starting MRR", start)];
    steps.extend(moved.iter().zip(&levels).map(|((lane, units), from)| step(*lane, *units, *from, printed)));
    steps.push(level("Ending MRR", end));
    let width = STEP * i128::try_from(steps.len()).ok()? - STEP + BAR;
    let begins = (axis.floor != 0).then(|| format!("the axis begins at {}", scale.text(axis.floor)));
    let hangs =
        (hanging != 0).then(|| "kinds below zero hang beside the stack, down to what is left".to_owned());
    let notes: Vec<String> = hangs.into_iter().chain(begins).collect();
    let mut keys = legend(moved_kinds(printed));
    if keys.is_empty() {
        keys.push(("gain", "gains".to_owned()));
    }
    keys.push(("loss", "losses".to_owned()));
    Some(Drawing {
        twin: "rollforward".to_owned(),
        title: "What moved MRR".to_owned(),
        legend: keys,
        note: notes.join("; "),
        said: said(&steps),
        view: View { x: -16, width: width + 32, height: 212 },
        is_wide: true,
        shapes: (0..).zip(&steps).flat_map(|(index, step)| shapes(STEP * index, step, &axis)).collect(),
    })
}

/// The steps in words, those of several pieces with each of them.
fn said(steps: &[Step]) -> String {
    let of = |step: &Step| {
        let pieces: Vec<&str> = step.pieces.iter().map(|piece| piece.said.as_str()).collect();
        let parts = if pieces.len() > 1 { format!(" ({})", pieces.join(", ")) } else { String::new() };
        format!("{} {}{parts}", step.name, step.amount)
    };
    steps.iter().map(of).collect::<Vec<String>>().join(", ")
}

fn shapes(x: i128, step: &Step, axis: &Axis) -> Vec<Shape> {
    let bar = |piece: &Piece| {
        let (y, height) = axis.between(piece.from, piece.to);
        let (left, right) = piece.edges;
        let (width, paint, said) = (right - left, piece.paint, piece.said.clone());
        Shape::Bar { x: x + left, y, width, height, paint, said }
    };
    let mut shapes: Vec<Shape> = step.pieces.iter().map(bar).collect();
    if let Some(mark) = step.mark {
        let y = axis.y(mark);
        shapes.push(Shape::Line { x1: x - 5, y1: y, x2: x + BAR + 5, y2: y, paint: "target" });
    }
    let top = step.pieces.iter().map(|piece| axis.y(piece.from.max(piece.to))).min().unwrap_or(TOP);
    shapes.push(Shape::text(x + BAR / 2, top - 6, step.amount.clone()));
    shapes.push(Shape::text(x + BAR / 2, TOP + HEIGHT + 14, step.name.clone()));
    shapes
}

fn step(lane: Lane, units: i128, from: i128, printed: &Printed) -> Step {
    let name = title(lane.as_str());
    let amount = printed.scale.text(units);
    let kinds = if lane == Lane::Expansion { moved_kinds(printed) } else { Vec::new() };
    if kinds.is_empty() {
        let paint = if units < 0 { "loss" } else { "gain" };
        let said = format!("{name} {amount}");
        let piece = Piece { from, to: from + units, paint, said, edges: (0, BAR) };
        return Step { name, amount, pieces: vec![piece], mark: None };
    }
    let hangs = hanging(printed) != 0;
    let (up, down) = if hangs { ((0, STACK), (BESIDE, BAR)) } else { ((0, BAR), (0, BAR)) };
    let (mut above, mut pieces) = (from, Vec::new());
    let mut below = from + units - hanging(printed);
    for (kind, units) in printed.expansion.iter().filter(|(_, units)| *units != 0) {
        let (level, edges) = if *units > 0 { (&mut above, up) } else { (&mut below, down) };
        let said = format!("{} {}", title(kind.as_str()), printed.scale.text(*units));
        pieces.push(Piece { from: *level, to: *level + units, paint: paint(*kind), said, edges });
        *level += units;
    }
    Step { name, amount, pieces, mark: hangs.then_some(from + units) }
}

/// The kinds that expansion consists of.
fn moved_kinds(printed: &Printed) -> Vec<Kind> {
    printed.expansion.iter().filter(|(_, units)| *units != 0).map(|(kind, _)| *kind).collect()
}

/// What kinds below zero take from expansion together.
fn hanging(printed: &Printed) -> i128 {
    printed.expansion.iter().map(|(_, units)| *units).filter(|units| *units < 0).sum()
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
