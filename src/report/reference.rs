//! Reference lines: what the trade says of a figure. Named as such, with where they come from, and never
//! as truth.

use super::{Fraction, Rate};

/// A line that others draw beside a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReferenceLine {
    /// What it says.
    pub text: &'static str,
    /// Which figure it stands beside.
    pub figure: &'static str,
}

/// Where the reference lines come from; printed with them, for they are no truth.
pub const REFERENCE_SOURCE: &str = "rules of thumb of the subscription trade, not measured by upswell; targets of your own go into upswell.toml";

/// The reference lines, each beside the one figure that it may be compared with.
pub const REFERENCE_LINES: [ReferenceLine; 6] = [
    ReferenceLine { figure: "expansion_share_of_new_arr", text: "above 30 % of new ARR" },
    ReferenceLine {
        figure: "ttm_expansion_rate",
        text: "a year: under 10 % weak, 10-20 % healthy, above 30 % best in class",
    },
    ReferenceLine { figure: "nrr", text: "a year: 110-130 %" },
    ReferenceLine { figure: "sources", text: "40 : 35 : 25" },
    ReferenceLine { figure: "owner_book_growth", text: "30 % of a book's growth from expansion" },
    ReferenceLine { figure: "signals", text: "at 80 % of a limit" },
];

/// The reference line beside a figure, if there is one.
#[must_use]
pub fn reference_line(figure: &str) -> Option<&'static str> {
    REFERENCE_LINES.iter().find(|line| line.figure == figure).map(|line| line.text)
}

/// Whether a ratio reaches a target; `None` where it has no value.
#[must_use]
pub fn meets(rate: &Rate, target: Fraction) -> Option<bool> {
    rate.known().map(|fraction| fraction.is_at_least(target))
}
