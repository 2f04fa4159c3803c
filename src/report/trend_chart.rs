//! What each month added, new over expansion, as an inline drawing with whole coordinates. The table of
//! the same months stands on the page beside it.

use super::TrendMonth;
use crate::mrr::{Delta, divide_half_even};

/// The drawing's measures.
const HEIGHT: i128 = 150;
const STEP: i128 = 52;
const BAR: i128 = 30;

/// One bar of two parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) x: i128,
    pub(super) middle: i128,
    pub(super) expansion_y: i128,
    pub(super) expansion_height: i128,
    pub(super) new_y: i128,
    pub(super) new_height: i128,
    pub(super) month: String,
    pub(super) share: String,
}

/// The bars and the size of their drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chart {
    pub(super) width: i128,
    pub(super) bar: i128,
    pub(super) bars: Vec<Bar>,
}

/// Draws the months; `None` where fewer than two or nothing was added. Core expansion below zero, of a
/// month whose seats shrank more than they grew, is drawn as none and stands in the table.
pub(super) fn chart(trend: &[TrendMonth]) -> Option<Chart> {
    let up = |delta: Delta| delta.0.max(0);
    let highest = trend.iter().map(|month| up(month.new) + up(month.core_expansion)).max()?;
    if trend.len() < 2 || highest == 0 {
        return None;
    }
    let scaled = |amount: i128| divide_half_even(amount * HEIGHT, highest);
    let mut bars = Vec::with_capacity(trend.len());
    let mut x = 0;
    for month in trend {
        let expansion_height = scaled(up(month.core_expansion));
        let new_height = scaled(up(month.core_expansion) + up(month.new)) - expansion_height;
        let ground = HEIGHT + 20;
        bars.push(Bar {
            x,
            middle: x + BAR / 2,
            expansion_y: ground - expansion_height,
            expansion_height,
            new_y: ground - expansion_height - new_height,
            new_height,
            month: month.month.to_string(),
            share: month.share().known().map(whole_percent).unwrap_or_default(),
        });
        x += STEP;
    }
    Some(Chart { width: x - STEP + BAR, bar: BAR, bars })
}

fn whole_percent(share: super::Fraction) -> String {
    format!("{} %", divide_half_even(share.numerator * 100, share.denominator))
}
