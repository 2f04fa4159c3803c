//! Amounts of money on the one scale of the ledger (R1): millionths of a currency's minor unit.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};

/// Millionths in a minor unit.
pub const MICRO: i128 = 1_000_000;

/// A level of monthly recurring revenue: a stock, in millionths of the minor unit (R1).
///
/// The difference of two levels is a [`Delta`], so that deltas telescope exactly.
///
/// ```
/// use upswell::mrr::{Delta, Mrr};
/// let before = Mrr(8_333_333_333);
/// let after = Mrr(10_000_000_000);
/// assert_eq!(after - before, Delta(1_666_666_667));
/// assert_eq!(before + (after - before), after);
/// assert_eq!(before.to_string(), "8333.333333");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mrr(pub i128);

/// A change of monthly recurring revenue: a flow, in millionths of the minor unit (R1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Delta(pub i128);

impl Mrr {
    /// No revenue.
    pub const ZERO: Self = Self(0);

    /// Whether this level is above zero.
    #[must_use]
    pub fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// The yearly recurring revenue that this level stands for, in whole minor units: twelve months,
    /// rounded half to even, so that a yearly price gives back what the customer pays a year.
    ///
    /// ```
    /// assert_eq!(upswell::mrr::Mrr(8_333_333_333).arr_minor_units(), 100_000);
    /// ```
    #[must_use]
    pub fn arr_minor_units(self) -> i128 {
        divide_half_even(self.0 * 12, MICRO)
    }
}

impl Delta {
    /// No change.
    pub const ZERO: Self = Self(0);
}

impl Sub for Mrr {
    type Output = Delta;
    fn sub(self, before: Self) -> Delta {
        Delta(self.0 - before.0)
    }
}

impl Add<Delta> for Mrr {
    type Output = Self;
    fn add(self, change: Delta) -> Self {
        Self(self.0 + change.0)
    }
}

impl Add for Mrr {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Mrr {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl AddAssign<Delta> for Mrr {
    fn add_assign(&mut self, change: Delta) {
        self.0 += change.0;
    }
}

impl Add for Delta {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Delta {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for Delta {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Delta {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Sum for Mrr {
    fn sum<I: Iterator<Item = Self>>(levels: I) -> Self {
        Self(levels.map(|level| level.0).sum())
    }
}

impl Sum for Delta {
    fn sum<I: Iterator<Item = Self>>(changes: I) -> Self {
        Self(changes.map(|change| change.0).sum())
    }
}

impl fmt::Display for Mrr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&minor_units(self.0))
    }
}

impl fmt::Display for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&minor_units(self.0))
    }
}

/// Minor units with up to six decimals and no exponent, the form in which money leaves upswell.
fn minor_units(micro: i128) -> String {
    let sign = if micro < 0 { "-" } else { "" };
    let whole = micro.unsigned_abs() / MICRO.unsigned_abs();
    let part = micro.unsigned_abs() % MICRO.unsigned_abs();
    if part == 0 {
        return format!("{sign}{whole}");
    }
    let decimals = format!("{part:06}");
    format!("{sign}{whole}.{}", decimals.trim_end_matches('0'))
}

const NO_DECIMALS: [&str; 15] =
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"];
const THREE_DECIMALS: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];

/// How many decimals of a currency's major unit its minor unit is, as Stripe sends amounts (R9): none for
/// a list of currencies, three for five of them, two for all others, ISK and UGX included.
///
/// ```
/// use upswell::mrr::{Currency, minor_decimals};
/// assert_eq!(["usd", "jpy", "ugx", "kwd"].map(|code| minor_decimals(&Currency::from(code))), [2, 0, 2, 3]);
/// ```
#[must_use]
pub fn minor_decimals(currency: &super::Currency) -> u32 {
    match currency.as_str() {
        code if NO_DECIMALS.contains(&code) => 0,
        code if THREE_DECIMALS.contains(&code) => 3,
        _ => 2,
    }
}

/// `numerator / denominator` rounded to the nearest integer, halves to the even one (R1).
///
/// `denominator` is positive.
///
/// ```
/// use upswell::mrr::divide_half_even;
/// assert_eq!(divide_half_even(5, 2), 2);
/// assert_eq!(divide_half_even(7, 2), 4);
/// assert_eq!(divide_half_even(-5, 2), -2);
/// assert_eq!(divide_half_even(10, 3), 3);
/// ```
#[must_use]
pub fn divide_half_even(numerator: i128, denominator: i128) -> i128 {
    let quotient = numerator.div_euclid(denominator);
    let twice = numerator.rem_euclid(denominator) * 2;
    match twice.cmp(&denominator) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + quotient.rem_euclid(2),
    }
}
