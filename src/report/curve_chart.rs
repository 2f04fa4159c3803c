//! How much of expansion the largest expanders have, beside what they would have if all had grown alike.

use super::drawing::{Drawing, Shape, View};
use super::sections::short;
use super::{ConcentrationPoint, CurrencyBlock, Rate};
use crate::mrr::divide_half_even;

/// The drawing's measures.
const LEFT: i128 = 44;
const TOP: i128 = 18;
const HEIGHT: i128 = 130;
const WIDTH: i128 = 330;

/// Draws the curve; `None` where fewer than three points make none.
pub(super) fn concentration(block: &CurrencyBlock) -> Option<Drawing> {
    let concentration = &block.concentration;
    let steps = i128::try_from(concentration.curve.len()).ok().filter(|points| *points > 2)? - 1;
    let x = |index: i128| LEFT + divide_half_even(WIDTH * index, steps);
    let y = |rate: &Rate| {
        let share =
            rate.known().map_or(0, |share| divide_half_even(share.numerator * HEIGHT, share.denominator));
        TOP + HEIGHT - share
    };
    let alike =
        |point: &ConcentrationPoint| Rate::of_counts(point.customers, concentration.expanders, "none");
    let path = |place: &dyn Fn(&ConcentrationPoint) -> i128| {
        let points = (0..).zip(&concentration.curve);
        let points: Vec<String> =
            points.map(|(index, point)| format!("{},{}", x(index), place(point))).collect();
        points.join(" ")
    };
    let mut shapes = Vec::new();
    for percent in [0, 50, 100] {
        let at = TOP + HEIGHT - HEIGHT * percent / 100;
        shapes.push(Shape::Line { x1: LEFT, y1: at, x2: LEFT + WIDTH, y2: at, paint: "grid" });
        shapes.push(Shape::text_to(LEFT - 8, at + 3, format!("{percent} %")));
    }
    shapes.push(Shape::Path { points: path(&|point| y(&alike(point))), paint: "alike" });
    shapes.push(Shape::Path { points: path(&|point| y(&point.share)), paint: "curve" });
    let mut said = Vec::new();
    for (index, point) in (0..).zip(&concentration.curve) {
        let told = format!("largest {}: {}", point.customers, short(&point.share));
        shapes.push(Shape::Dot { x: x(index), y: y(&point.share), said: told.clone() });
        let name =
            if index == steps { format!("all {}", point.customers) } else { point.customers.to_string() };
        shapes.push(Shape::text(x(index), TOP + HEIGHT + 16, name));
        said.push(told);
    }
    Some(Drawing {
        twin: "concentration".to_owned(),
        title: "Concentration of expansion".to_owned(),
        legend: vec![
            ("curve", "share of the largest expanders".to_owned()),
            ("dashes", "if all had expanded alike".to_owned()),
        ],
        note: String::new(),
        said: said.join("; "),
        view: View { x: 0, width: LEFT + WIDTH + 26, height: TOP + HEIGHT + 24 },
        is_wide: false,
        shapes,
    })
}
