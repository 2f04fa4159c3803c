//! What each month added: new under expansion for the share that expansion has, and expansion in its kinds against
//! what would have met the target.

use super::drawing::{Axis, Drawing, Shape, View, legend, paint};
use super::over_time::moved_kinds;
use super::printed::{printed_added, printed_months};
use super::sections::{round, title};
use super::{CurrencyBlock, Fraction, Scale, TrendMonth};
use crate::mrr::{Kind, Mrr, divide_half_even};

/// The drawings' measures.
const TOP: i128 = 20;
const HEIGHT: i128 = 150;
const STEP: i128 = 68;
const BAR: i128 = 40;

/// The most months that are drawn: more could not be read on a page.
const MOST: usize = 18;

/// The last months that are drawn, and what is said of those that are not.
fn last(months: &[TrendMonth]) -> (&[TrendMonth], String) {
    let left_out = months.len().saturating_sub(MOST);
    let note = format!("the last {MOST} of {} months", months.len());
    (&months[left_out..], if left_out > 0 { note } else { String::new() })
}

/// New and core expansion of the last twelve months. Core expansion below zero, of a month whose seats shrank more
/// than they grew, is drawn as none and stands in the table.
pub(super) fn added(block: &CurrencyBlock) -> Option<Drawing> {
    new_and_core(block.last_year(), &printed_added(block), Scale::of(&block.currency))
}

/// New and core expansion of some months, each as it is printed.
pub(super) fn new_and_core(months: &[TrendMonth], printed: &[(i128, i128)], scale: Scale) -> Option<Drawing> {
    let (months, left_out) = last(months);
    let added = &printed[printed.len().saturating_sub(months.len())..];
    let stacked = |(new, core): &(i128, i128)| (core.max(&0) + new.max(&0), *core.max(&0));
    let axis = Axis::from_zero(added.iter().map(|month| stacked(month).0), TOP, HEIGHT)?;
    let mut shapes = Vec::new();
    let mut said = Vec::new();
    for (index, (month, added)) in (0..).zip(months.iter().zip(added)) {
        let x = STEP * index;
        let (all, core) = stacked(added);
        let name = month.month.to_string();
        let (new, expansion) = (scale.text(added.0), scale.text(added.1));
        for (from, to, paint, what) in [
            (core, all, "new", format!("{name}: new {new}")),
            (0, core, "gain", format!("{name}: core expansion {expansion}")),
        ] {
            if to > from {
                let (y, height) = axis.between(from, to);
                shapes.push(Shape::Bar { x, y, width: BAR, height, paint, said: what });
            }
        }
        let share = month.share().known().map(whole_percent).unwrap_or_default();
        said.push(format!("{name} core expansion {expansion}, new {new}, share {share}"));
        shapes.push(Shape::text(x + BAR / 2, axis.y(all) - 6, share));
        shapes.push(Shape::text(x + BAR / 2, TOP + HEIGHT + 16, name));
    }
    (months.len() > 1).then(|| Drawing {
        twin: "trend".to_owned(),
        title: "What each month added".to_owned(),
        legend: vec![
            ("gain", "core expansion, its share above the bar".to_owned()),
            ("new", "new customers".to_owned()),
        ],
        note: left_out,
        said: said.join("; "),
        view: view(months.len()),
        is_wide: true,
        shapes,
    })
}

/// Thirteen months of expansion stacked by kind, what is below zero hanging from the line, with the core expansion
/// that would have met the target.
pub(super) fn by_kind(block: &CurrencyBlock, target: Fraction) -> Option<Drawing> {
    stacked("expansion_by_month", &block.trend, &printed_months(block), Scale::of(&block.currency), target)
}

/// The same of some months, each with its kinds as they are printed; `twin` is the section with these figures.
pub(super) fn stacked(
    twin: &str,
    months: &[TrendMonth],
    printed: &[Vec<(Kind, i128)>],
    scale: Scale,
    target: Fraction,
) -> Option<Drawing> {
    let (months, left_out) = last(months);
    let printed = &printed[printed.len().saturating_sub(months.len())..];
    let aimed = |month: &TrendMonth| month.aimed(target).map(|aimed| scale.units(Mrr::ZERO + aimed));
    let ends =
        printed.iter().flat_map(|month| [signed(month, |units| units > 0), signed(month, |units| units < 0)]);
    let axis = Axis::from_zero(ends.chain(months.iter().filter_map(aimed)), TOP, HEIGHT)?;
    let mut shapes = Vec::new();
    let mut said = Vec::new();
    for (index, (month, kinds)) in (0..).zip(months.iter().zip(printed)) {
        let x = STEP * index;
        let total: i128 = kinds.iter().map(|(_, units)| *units).sum();
        shapes.extend(stack(x, kinds, &axis, scale));
        let mut line = format!("{} expansion {}", month.month, scale.text(total));
        let mut top = axis.y(signed(kinds, |units| units > 0));
        if let Some(aimed) = aimed(month).filter(|aimed| *aimed > 0) {
            let y = axis.y(aimed);
            shapes.push(Shape::Line { x1: x - 7, y1: y, x2: x + BAR + 7, y2: y, paint: "target" });
            line.push_str(&format!(", for the target {}", scale.text(aimed)));
            // The amount stands above the line where the two would meet.
            top = if (y..y + 16).contains(&top) { y } else { top };
        }
        said.push(line);
        shapes.push(Shape::text(x + BAR / 2, top - 6, scale.text(total)));
        shapes.push(Shape::text(x + BAR / 2, TOP + HEIGHT + 16, month.month.to_string()));
    }
    let end = STEP * (i128::try_from(months.len()).ok()? - 1) + BAR;
    shapes.push(Shape::Line { x1: -8, y1: axis.y(0), x2: end + 8, y2: axis.y(0), paint: "ground" });
    let mut keys = legend(moved_kinds(months));
    keys.push(("line", format!("core expansion for a share of {} of new ARR", round(target))));
    (months.len() > 1).then(|| Drawing {
        twin: twin.to_owned(),
        title: "Expansion by month and kind".to_owned(),
        legend: keys,
        note: left_out,
        said: said.join("; "),
        view: view(months.len()),
        is_wide: true,
        shapes,
    })
}

/// A month's kinds, up from the line and down from it.
fn stack(x: i128, kinds: &[(Kind, i128)], axis: &Axis, scale: Scale) -> Vec<Shape> {
    let (mut above, mut below) = (0, 0);
    let mut shapes = Vec::new();
    for (kind, units) in kinds.iter().filter(|(_, units)| *units != 0) {
        let from = if *units > 0 { &mut above } else { &mut below };
        let (y, height) = axis.between(*from, *from + units);
        *from += units;
        let said = format!("{} {}", title(kind.as_str()), scale.text(*units));
        shapes.push(Shape::Bar { x, y, width: BAR, height, paint: paint(*kind), said });
    }
    shapes
}

fn signed(kinds: &[(Kind, i128)], is_meant: fn(i128) -> bool) -> i128 {
    kinds.iter().map(|(_, units)| *units).filter(|units| is_meant(*units)).sum()
}

fn view(months: usize) -> View {
    let steps = i128::try_from(months).unwrap_or(1);
    View { x: -14, width: STEP * (steps - 1) + BAR + 28, height: TOP + HEIGHT + 22 }
}

fn whole_percent(share: Fraction) -> String {
    format!("{} %", divide_half_even(share.numerator * 100, share.denominator))
}
