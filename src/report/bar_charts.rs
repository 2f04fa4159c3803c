//! Charts of bars that lie: who moved core expansion; segments month by month.

use super::drawing::{Axis, Drawing, Shape, View};
use super::printed::printed_segments;
use super::sections::{Printed, short, title};
use super::{CurrencyBlock, Rate, Scale, SegmentTrend};
use crate::mrr::{Delta, divide_half_even};

/// The most segments that are drawn; the table has all.
const MOST: usize = 8;

/// Who moved core expansion: a bar each, hollow below zero.
pub(super) fn motion(block: &CurrencyBlock) -> Option<Drawing> {
    const LEFT: i128 = 84;
    const LONG: i128 = 180;
    const STEP: i128 = 34;
    let scale = Scale::of(&block.currency);
    let core = Printed::of(&block.figures, scale).core();
    let parts: Vec<Delta> = block.motion.values().copied().collect();
    let units = scale.parts(&parts, core);
    let longest = units.iter().map(|units| units.abs()).max().filter(|longest| *longest > 0)?;
    let mut shapes = Vec::new();
    let mut said = Vec::new();
    for (index, ((motion, sum), units)) in (0..).zip(block.motion.iter().zip(units)) {
        let y = STEP * index + 8;
        let share = short(&Rate::of(sum.0, block.figures.core_expansion.0, "no core expansion"));
        let told = format!("{} {}", title(motion.as_str()), scale.text(units));
        let width = divide_half_even(units.abs() * LONG, longest);
        let paint = if units < 0 { "loss" } else { "k1" };
        shapes.push(Shape::text_to(LEFT - 8, y + 14, title(motion.as_str())));
        shapes.push(Shape::Bar { x: LEFT, y, width: width.max(1), height: 20, paint, said: told.clone() });
        shapes.push(Shape::text_from(LEFT + width + 8, y + 14, format!("{} · {share}", scale.text(units))));
        said.push(format!("{told}, {share}"));
    }
    Some(Drawing {
        twin: "motion".to_owned(),
        title: "Who moved core expansion".to_owned(),
        legend: Vec::new(),
        note: String::new(),
        said: said.join("; "),
        view: View {
            x: 0,
            width: LEFT + LONG + 136,
            height: STEP * i128::try_from(block.motion.len()).ok()? + 4,
        },
        is_wide: false,
        shapes,
    })
}

/// The largest segments' core expansion month by month, each on a scale of its own.
pub(super) fn segments(trend: &SegmentTrend, block: &CurrencyBlock) -> Option<Drawing> {
    const LEFT: i128 = 190;
    const STEP: i128 = 40;
    const BAR: i128 = 30;
    const ROW: i128 = 32;
    let scale = Scale::of(&block.currency);
    let mut rows: Vec<(&str, Vec<i128>)> =
        trend.rows.iter().map(|(segment, _)| segment.as_str()).zip(printed_segments(trend, block)).collect();
    rows.sort_by_key(|(_, months)| std::cmp::Reverse(months.iter().sum::<i128>()));
    rows.truncate(MOST);
    let last = block.trend.last()?.month;
    let mut shapes = Vec::new();
    let mut said = Vec::new();
    for (index, (segment, units)) in (0..).zip(&rows) {
        let top = ROW * index + 4;
        let Some(axis) = Axis::from_zero(units.iter().copied(), top, ROW - 14) else { continue };
        shapes.push(Shape::text_to(LEFT - 10, axis.y(0), shortened(segment)));
        for (place, (units, month)) in (0..).zip(units.iter().zip(&block.trend)) {
            if *units != 0 {
                let (y, height) = axis.between(0, *units);
                let paint = if *units < 0 { "loss" } else { "k1" };
                let said = format!("{segment}, {}: {}", month.month, scale.text(*units));
                shapes.push(Shape::Bar { x: LEFT + STEP * place, y, width: BAR, height, paint, said });
            }
        }
        let end = LEFT + STEP * i128::try_from(block.trend.len()).ok()?;
        shapes.push(Shape::Line { x1: LEFT - 3, y1: axis.y(0), x2: end, y2: axis.y(0), paint: "ground" });
        let newest = units.last().copied().unwrap_or_default();
        shapes.push(Shape::text_from(end + 10, axis.y(0), scale.text(newest)));
        let all = scale.text(units.iter().sum());
        said.push(format!("{segment} {all} in all, {} in {last}", scale.text(newest)));
    }
    let all = trend.rows.len();
    let note = if all > MOST { format!("the largest {MOST} of {all}; ") } else { String::new() };
    let width = LEFT + STEP * i128::try_from(block.trend.len()).ok()? + 110;
    let is_drawn = block.trend.len() > 1 && !shapes.is_empty();
    is_drawn.then(|| Drawing {
        twin: format!("segment_months_{}", trend.dimension),
        title: format!("Core expansion by {}, month by month", trend.dimension.replace('_', " ")),
        legend: Vec::new(),
        note: format!("{note}each on a scale of its own, {last} in figures"),
        said: said.join("; "),
        view: View { x: 0, width, height: ROW * i128::try_from(rows.len()).unwrap_or(1) + 8 },
        is_wide: true,
        shapes,
    })
}

/// A name that has room.
fn shortened(name: &str) -> String {
    const ROOM: usize = 30;
    if name.chars().count() <= ROOM {
        return name.to_owned();
    }
    let kept: String = name.chars().take(ROOM - 1).collect();
    format!("{kept}…")
}
