//! What is left of cohorts, net and gross, as maps of cells: the more is left, the darker; each has its share in it.

use super::drawing::{Drawing, Shape, View};
use super::{CohortCurve, CurrencyBlock, Fraction, Rate, RetentionPoint};
use crate::mrr::divide_half_even;

/// The drawing's measures.
const LEFT: i128 = 58;
const TOP: i128 = 40;
const WIDE: i128 = 40;
const HIGH: i128 = 24;
const APART: i128 = 30;

/// From which share on, in per cent, a cell has which paint.
const STEPS: [(i128, &str); 5] = [(105, "h5"), (95, "h4"), (85, "h3"), (70, "h2"), (i128::MIN, "h1")];

/// Draws both maps side by side; `None` where no cohort has a month behind it.
pub(super) fn retention(block: &CurrencyBlock) -> Option<Drawing> {
    let cohorts: Vec<&CohortCurve> =
        block.retention.iter().filter(|cohort| !cohort.points.is_empty()).collect();
    let longest = i128::try_from(cohorts.iter().map(|cohort| cohort.points.len()).max()?).ok()?;
    let width = LEFT + longest * WIDE;
    let mut shapes = map("Net retention", &cohorts, 0, |point| &point.nrr);
    shapes.extend(map("Gross retention", &cohorts, width + APART, |point| &point.grr));
    let last = |cohort: &&CohortCurve| {
        let point = cohort.points.last()?;
        let share = |rate: &Rate| rate.known().map_or_else(|| "n/a".to_owned(), percent);
        let (net, gross) = (share(&point.nrr), share(&point.grr));
        Some(format!("begun in {}: net {net}, gross {gross} at the end of {}", cohort.month, point.month))
    };
    let said: Vec<String> = cohorts.iter().filter_map(last).collect();
    let high = HIGH * i128::try_from(cohorts.len()).ok()?;
    Some(Drawing {
        twin: "retention_net".to_owned(),
        title: "What is left of each cohort".to_owned(),
        legend: ["under 70 %", "from 70 %", "from 85 %", "from 95 %", "from 105 %"]
            .into_iter()
            .zip(["h1", "h2", "h3", "h4", "h5"])
            .map(|(name, paint)| (paint, name.to_owned()))
            .collect(),
        note: "of the MRR at the end of the month they began in, so many months later".to_owned(),
        said: said.join("; "),
        view: View { x: 0, width: width * 2 + APART, height: TOP + high + 6 },
        is_wide: true,
        shapes,
    })
}

fn map(name: &str, cohorts: &[&CohortCurve], left: i128, rate: fn(&RetentionPoint) -> &Rate) -> Vec<Shape> {
    let mut shapes = vec![Shape::text_from(left + LEFT, 12, name)];
    let longest = cohorts.iter().map(|cohort| cohort.points.len()).max().unwrap_or_default();
    for (index, months) in (0..).zip(1..=longest) {
        shapes.push(Shape::text(left + LEFT + WIDE * index + WIDE / 2, TOP - 8, format!("+{months}")));
    }
    for (row, cohort) in (0..).zip(cohorts) {
        let y = TOP + HIGH * row;
        shapes.push(Shape::text_to(left + LEFT - 8, y + 15, cohort.month.to_string()));
        for (column, point) in (0..).zip(&cohort.points) {
            let Some(share) = rate(point).known() else { continue };
            let (x, text) = (left + LEFT + WIDE * column, percent(share));
            let said = format!("begun in {}, end of {}: {text}", cohort.month, point.month);
            let (width, height) = (WIDE - 2, HIGH - 2);
            shapes.push(Shape::Bar { x, y, width, height, paint: paint(share), said });
            shapes.push(Shape::text(x + WIDE / 2 - 1, y + 15, text));
        }
    }
    shapes
}

fn paint(share: Fraction) -> &'static str {
    let reaches = |(from, _): &&(i128, &str)| {
        *from == i128::MIN || share.is_at_least(Fraction { numerator: *from, denominator: 100 })
    };
    STEPS.iter().find(reaches).map_or("h1", |(_, paint)| paint)
}

fn percent(share: Fraction) -> String {
    format!("{} %", divide_half_even(share.numerator * 100, share.denominator))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_the_darker_the_more_is_left() {
        let of = |percent| paint(Fraction { numerator: percent, denominator: 100 });
        assert_eq!(
            [0, 69, 70, 85, 95, 104, 105, 200].map(of),
            ["h1", "h1", "h2", "h3", "h4", "h4", "h5", "h5"]
        );
    }
}
