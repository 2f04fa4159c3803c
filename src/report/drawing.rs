//! A chart as data: shapes at whole coordinates, worked out in integers like the figures. What it shows stands in
//! a table on the same page, and in words for those who do not see it. No colour is needed to read one: paints
//! differ by fill, hatching and outline.

use super::sections::title;
use crate::mrr::{Kind, divide_half_even};

/// A chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Drawing {
    /// The section with the same figures; the chart stands before it.
    pub(super) twin: String,
    pub(super) title: String,
    /// Paints and what they stand for.
    pub(super) legend: Vec<(&'static str, String)>,
    /// How it is read, beside the legend.
    pub(super) note: String,
    /// What it shows, in words.
    pub(super) said: String,
    /// What is seen of the plane.
    pub(super) view: View,
    /// Whether it takes the page's whole width.
    pub(super) is_wide: bool,
    pub(super) shapes: Vec<Shape>,
}

/// A part of the plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct View {
    pub(super) x: i128,
    pub(super) width: i128,
    pub(super) height: i128,
}

/// A shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// A rectangle; `said` is shown to who points at it.
    Bar { x: i128, y: i128, width: i128, height: i128, paint: &'static str, said: String },
    /// A line of text; `place` is where its point is: `start`, `middle` or `end`.
    Text { x: i128, y: i128, place: &'static str, text: String },
    /// A straight line.
    Line { x1: i128, y1: i128, x2: i128, y2: i128, paint: &'static str },
    /// Straight lines from point to point.
    Path { points: String, paint: &'static str },
    /// A point.
    Dot { x: i128, y: i128, said: String },
}

impl Shape {
    /// Text around a point.
    pub(super) fn text(x: i128, y: i128, text: impl Into<String>) -> Self {
        Self::Text { x, y, place: "middle", text: text.into() }
    }

    /// Text that begins at a point.
    pub(super) fn text_from(x: i128, y: i128, text: impl Into<String>) -> Self {
        Self::Text { x, y, place: "start", text: text.into() }
    }

    /// Text that ends at a point.
    pub(super) fn text_to(x: i128, y: i128, text: impl Into<String>) -> Self {
        Self::Text { x, y, place: "end", text: text.into() }
    }
}

/// Amounts on a height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    /// The amount at the bottom.
    pub(super) floor: i128,
    /// The amounts between bottom and top.
    pub(super) span: i128,
    /// The top's place, and the height.
    pub(super) top: i128,
    pub(super) height: i128,
}

impl Axis {
    /// An axis that holds zero and all of some amounts; `None` where all are zero.
    pub(super) fn from_zero(
        amounts: impl IntoIterator<Item = i128>,
        top: i128,
        height: i128,
    ) -> Option<Self> {
        let (mut low, mut high) = (0, 0);
        for amount in amounts {
            (low, high) = (amount.min(low), amount.max(high));
        }
        (high > low).then_some(Self { floor: low, span: high - low, top, height })
    }

    /// Where an amount is.
    pub(super) fn y(&self, amount: i128) -> i128 {
        self.top + self.height - divide_half_even((amount - self.floor) * self.height, self.span)
    }

    /// The place of a bar between two amounts, and its height; what moved at all is seen.
    pub(super) fn between(&self, from: i128, to: i128) -> (i128, i128) {
        let (top, bottom) = (self.y(from.max(to)), self.y(from.min(to)));
        // A gain too small to be drawn still stands on its line, and a loss hangs from it.
        let top = if top == bottom && to > from { top - 1 } else { top };
        (top, (bottom - top).max(1))
    }
}

/// How a kind of expansion is painted.
pub(super) fn paint(kind: Kind) -> &'static str {
    const PAINTS: [&str; 7] = ["k1", "k2", "k3", "k4", "k5", "k6", "k7"];
    let place = Kind::EXPANSION.iter().position(|of| *of == kind);
    place.and_then(|place| PAINTS.get(place)).copied().unwrap_or("k7")
}

/// Kinds with their paints.
pub(super) fn legend(kinds: impl IntoIterator<Item = Kind>) -> Vec<(&'static str, String)> {
    kinds.into_iter().map(|kind| (paint(kind), title(kind.as_str()))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_axis_holds_zero_and_amounts_on_both_sides_of_it() {
        let axis = Axis::from_zero([300, -100], 10, 200).unwrap();
        assert_eq!((axis.y(300), axis.y(0), axis.y(-100)), (10, 160, 210));
        assert_eq!(axis.between(0, 300), (10, 150));
        assert_eq!(
            (axis.between(0, 1), axis.between(0, -1)),
            ((159, 1), (160, 1)),
            "what moved at all is seen"
        );
        assert!(Axis::from_zero([0, 0], 10, 200).is_none());
    }

    #[test]
    fn every_kind_has_a_paint_of_its_own() {
        let paints: std::collections::BTreeSet<&str> = Kind::EXPANSION.into_iter().map(paint).collect();
        assert_eq!(paints.len(), Kind::EXPANSION.len());
    }
}
