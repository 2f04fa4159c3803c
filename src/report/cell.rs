//! One cell of a sheet: what is printed, and the number that it is, so that a spreadsheet can go on reckoning
//! with exactly what the other faces print.

use super::{Fraction, Rate, Scale};
use crate::mrr::{Delta, Mrr};

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) number: Option<Number>,
}

/// The number that a cell prints, as a plain decimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) decimal: String,
    pub(super) form: Form,
}

/// How a number is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Major units with so many decimals.
    Amount(u32),
    /// A share, printed in per cent.
    Percent,
    /// A ratio that is no share.
    Times,
    /// How many.
    Count,
}

impl Cell {
    /// Printed units of a currency.
    pub(super) fn amount(scale: Scale, units: i128) -> Self {
        let text = scale.text(units);
        let number = Number { decimal: text.replace(',', ""), form: Form::Amount(scale.decimals()) };
        Self { text, number: Some(number) }
    }

    /// A level, rounded half to even.
    pub(super) fn level(scale: Scale, mrr: Mrr) -> Self {
        Self::amount(scale, scale.units(mrr))
    }

    /// A flow that stands alone.
    pub(super) fn flow(scale: Scale, delta: Delta) -> Self {
        Self::level(scale, Mrr(delta.0))
    }

    /// Whole minor units, a yearly amount say.
    pub(super) fn minor(scale: Scale, units: i128) -> Self {
        Self::level(scale, Mrr(units * crate::mrr::MICRO))
    }

    /// How many.
    pub(super) fn count(count: u64) -> Self {
        let text = count.to_string();
        Self { number: Some(Number { decimal: text.clone(), form: Form::Count }), text }
    }

    /// A share, or `n/a` alone: its reason stands elsewhere.
    pub(super) fn short(rate: &Rate) -> Self {
        rate.known().map_or_else(|| Self::from("n/a"), Self::percent)
    }

    /// A share, or `n/a` with the reason.
    pub(super) fn share(rate: &Rate) -> Self {
        rate.known().map_or_else(|| Self::from(rate.to_percent()), Self::percent)
    }

    /// A ratio that is no share, or `n/a` with the reason.
    pub(super) fn times(rate: &Rate) -> Self {
        let text = rate.to_times();
        let number = rate.known().map(|_| text.trim_end_matches('×').to_owned());
        Self { text, number: number.map(|decimal| Number { decimal, form: Form::Times }) }
    }

    fn percent(fraction: Fraction) -> Self {
        let text = fraction.to_percent();
        let decimal = hundredth(text.trim_end_matches(" %"));
        Self { text, number: Some(Number { decimal, form: Form::Percent }) }
    }
}

/// A decimal of two places divided by a hundred, digit by digit.
fn hundredth(percent: &str) -> String {
    let (sign, digits) = percent.strip_prefix('-').map_or(("", percent), |digits| ("-", digits));
    let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
    let padded = format!("{digits:0>5}");
    let (whole, part) = padded.split_at(padded.len() - 4);
    format!("{sign}{whole}.{part}")
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, number: None }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mrr::Currency;

    #[test]
    fn a_cell_is_the_number_that_it_prints() {
        let decimal = |cell: Cell| cell.number.map(|number| number.decimal).unwrap_or_default();
        let dollars = Scale::of(&Currency::from("usd"));
        assert_eq!(decimal(Cell::amount(dollars, -123_456)), "-1234.56");
        let share = |numerator| Rate::of(numerator, 950, "");
        assert_eq!(decimal(Cell::share(&share(110))), "0.1158");
        assert_eq!(decimal(Cell::short(&share(-1))), "-0.0011");
        assert_eq!(decimal(Cell::short(&share(1_900))), "2.0000");
        assert_eq!(decimal(Cell::times(&share(1_425))), "1.50");
        assert_eq!(Cell::times(&Rate::of(1, 0, "no losses")), Cell::from("n/a (no losses)"));
    }
}
