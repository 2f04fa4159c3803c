//! Ratios, exact until they are printed (R1).

use std::borrow::Cow;

use crate::mrr::{Delta, Mrr, divide_half_even};

/// An exact ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction {
    /// Above the line.
    pub numerator: i128,
    /// Below it, always positive.
    pub denominator: i128,
}

impl Fraction {
    /// Millionths, rounded half to even.
    fn scaled(self, by: i128) -> i128 {
        divide_half_even(self.numerator * by, self.denominator)
    }

    /// The form of the contract: a decimal, half-even, of at most six places.
    ///
    /// ```
    /// use upswell::report::Fraction;
    /// assert_eq!(Fraction { numerator: 110, denominator: 950 }.to_decimal(), "0.115789");
    /// assert_eq!(Fraction { numerator: 3, denominator: 10 }.to_decimal(), "0.3");
    /// ```
    #[must_use]
    pub fn to_decimal(self) -> String {
        Mrr(self.scaled(1_000_000)).to_string()
    }

    /// The form for people: per cent with two places.
    ///
    /// ```
    /// use upswell::report::Fraction;
    /// assert_eq!(Fraction { numerator: 110, denominator: 950 }.to_percent(), "11.58 %");
    /// ```
    #[must_use]
    pub fn to_percent(self) -> String {
        let hundredths = self.hundredths_of_percent();
        let sign = if hundredths < 0 { "-" } else { "" };
        let size = hundredths.unsigned_abs();
        format!("{sign}{}.{:02} %", size / 100, size % 100)
    }

    /// What [`Self::to_percent`] prints, in its smallest unit.
    #[must_use]
    pub fn hundredths_of_percent(self) -> i128 {
        self.scaled(10_000)
    }

    /// The form for people of a ratio that is no share: a plain number with two places.
    #[must_use]
    pub fn to_times(self) -> String {
        let hundredths = self.scaled(100);
        let sign = if hundredths < 0 { "-" } else { "" };
        let size = hundredths.unsigned_abs();
        format!("{sign}{}.{:02}×", size / 100, size % 100)
    }

    /// Whether it is at least `other`.
    #[must_use]
    pub fn is_at_least(self, other: Self) -> bool {
        self.numerator * other.denominator >= other.numerator * self.denominator
    }
}

/// A ratio, or why there is none: what has no denominator is never a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rate {
    /// It has a value.
    Known(Fraction),
    /// It has none, for this reason.
    Unknown(Cow<'static, str>),
}

impl Rate {
    /// A ratio of amounts; without a positive denominator, the reason.
    #[must_use]
    pub fn of(numerator: i128, denominator: i128, reason: &'static str) -> Self {
        if denominator > 0 {
            Self::Known(Fraction { numerator, denominator })
        } else {
            Self::Unknown(Cow::Borrowed(reason))
        }
    }

    /// A flow over a stock.
    #[must_use]
    pub fn of_flow(flow: Delta, stock: Mrr, reason: &'static str) -> Self {
        Self::of(flow.0, stock.0, reason)
    }

    /// A count over a count.
    #[must_use]
    pub fn of_counts(some: u64, all: u64, reason: &'static str) -> Self {
        Self::of(i128::from(some), i128::from(all), reason)
    }

    /// Why the history does not reach back far enough.
    pub(super) fn months_short(known: i32) -> Self {
        Self::Unknown(Cow::Owned(format!("{known} of 12 months")))
    }

    /// Its value, if it has one.
    #[must_use]
    pub fn known(&self) -> Option<Fraction> {
        match self {
            Self::Known(fraction) => Some(*fraction),
            Self::Unknown(_) => None,
        }
    }

    /// For people: per cent, or `n/a` with the reason.
    #[must_use]
    pub fn to_percent(&self) -> String {
        match self {
            Self::Known(fraction) => fraction.to_percent(),
            Self::Unknown(reason) => format!("n/a ({reason})"),
        }
    }

    /// For people: a plain number, or `n/a` with the reason.
    #[must_use]
    pub fn to_times(&self) -> String {
        match self {
            Self::Known(fraction) => fraction.to_times(),
            Self::Unknown(reason) => format!("n/a ({reason})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_rounded_half_to_even_in_its_sixth_place() {
        let half = |numerator| Fraction { numerator, denominator: 2_000_000 }.to_decimal();
        assert_eq!(half(1), "0");
        assert_eq!(half(3), "0.000002");
        assert_eq!(half(-3), "-0.000002");
    }

    #[test]
    fn what_has_no_denominator_has_a_reason() {
        assert_eq!(Rate::of(5, 0, "no starting MRR"), Rate::Unknown("no starting MRR".into()));
        assert_eq!(Rate::of(5, 0, "no losses").to_percent(), "n/a (no losses)");
    }
}
