//! Amounts for people: major units of a currency, rounded so that parts sum to the printed total (R1).

use crate::mrr::{Currency, Delta, MICRO, Mrr, divide_half_even, minor_decimals};

/// How a currency's amounts are printed for people.
///
/// Minor-unit exponents follow Stripe (R9): a list of currencies without decimals; ISK and UGX, which
/// have none but are sent as if they had two; five with three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// Decimals of the major unit in a payload.
    exponent: u32,
    /// Decimals that are printed.
    shown: u32,
}

/// Have no decimals, and are sent as if they had two.
const SHOWN_WITHOUT: [&str; 2] = ["isk", "ugx"];

impl Scale {
    /// The scale of a currency.
    #[must_use]
    pub fn of(currency: &Currency) -> Self {
        let exponent = minor_decimals(currency);
        let shown = if SHOWN_WITHOUT.contains(&currency.as_str()) { 0 } else { exponent };
        Self { exponent, shown }
    }

    /// Decimals that are printed.
    pub(super) fn decimals(self) -> u32 {
        self.shown
    }

    /// Minor units, as they are sent, that make a major one.
    pub(super) fn minor_units_in_major(self) -> i128 {
        10_i128.pow(self.exponent)
    }

    /// The level that so many major units make.
    #[must_use]
    pub fn of_major(self, units: u64) -> Mrr {
        Mrr(i128::from(units) * self.minor_units_in_major() * MICRO)
    }

    /// Millionths of the minor unit in the smallest amount that is printed.
    pub(super) fn unit(self) -> i128 {
        MICRO * 10_i128.pow(self.exponent - self.shown)
    }

    /// A level in printed units, rounded half to even.
    #[must_use]
    pub fn units(self, mrr: Mrr) -> i128 {
        divide_half_even(mrr.0, self.unit())
    }

    /// A level, rounded half to even.
    #[must_use]
    pub fn level(self, mrr: Mrr) -> String {
        self.text(self.units(mrr))
    }

    /// A flow, rounded half to even, for where it stands alone.
    #[must_use]
    pub fn flow(self, delta: Delta) -> String {
        self.text(divide_half_even(delta.0, self.unit()))
    }

    /// A flow with every decimal that it has, none of them rounded away.
    ///
    /// ```
    /// use upswell::{mrr::{Currency, Delta}, report::Scale};
    /// let dollars = Scale::of(&Currency::from("usd"));
    /// assert_eq!(dollars.exact(Delta(-123_450_000_000)), "-1,234.50");
    /// assert_eq!(dollars.exact(Delta(333_333)), "0.00333333");
    /// ```
    #[must_use]
    pub fn exact(self, delta: Delta) -> String {
        let unit = self.unit();
        let sign = if delta.0 < 0 { "-" } else { "" };
        let size = delta.0.abs();
        let printed = format!("{sign}{}", self.text(size / unit));
        if size % unit == 0 {
            return printed;
        }
        let point = if self.shown == 0 { "." } else { "" };
        let width = unit.ilog10() as usize;
        let rest = format!("{:0width$}", size % unit);
        format!("{printed}{point}{}", rest.trim_end_matches('0'))
    }

    /// Whole minor units, a yearly amount say.
    #[must_use]
    pub fn minor_units(self, units: i128) -> String {
        self.level(Mrr(units * MICRO))
    }

    /// Flows between two printed levels, so that the printed column foots.
    #[must_use]
    pub fn between(self, start: Mrr, flows: &[Delta], end: Mrr) -> Vec<i128> {
        let total = self.units(end) - self.units(start);
        self.parts(flows, total)
    }

    /// Parts as printed units that sum to a printed total.
    #[must_use]
    pub fn parts(self, parts: &[Delta], total: i128) -> Vec<i128> {
        let parts: Vec<i128> = parts.iter().map(|part| part.0).collect();
        largest_remainder(&parts, self.unit(), total)
    }

    /// Printed units as text, thousands apart: `-1,234.50`.
    #[must_use]
    pub fn text(self, units: i128) -> String {
        let sign = if units < 0 { "-" } else { "" };
        let base = 10_u128.pow(self.shown);
        let whole = thousands(units.unsigned_abs() / base);
        if self.shown == 0 {
            return format!("{sign}{whole}");
        }
        let width = self.shown as usize;
        format!("{sign}{whole}.{:0width$}", units.unsigned_abs() % base)
    }
}

fn thousands(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Rounds amounts to units so that they sum to `total` exactly: each down, then what is left to those
/// that lost most, of equals to the larger, then to the earlier (R1).
pub(super) fn largest_remainder(amounts: &[i128], unit: i128, total: i128) -> Vec<i128> {
    let mut rounded: Vec<i128> = amounts.iter().map(|amount| amount.div_euclid(unit)).collect();
    let mut order: Vec<usize> = (0..amounts.len()).collect();
    order.sort_by_key(|index| {
        let amount = amounts[*index];
        (std::cmp::Reverse(amount.rem_euclid(unit)), std::cmp::Reverse(amount.abs()), *index)
    });
    let mut left = total - rounded.iter().sum::<i128>();
    // A total rounded at both ends may be one unit off what the parts come to, never more.
    for index in order.iter().cycle().take(amounts.len() * 2) {
        if left > 0 {
            rounded[*index] += 1;
            left -= 1;
        }
    }
    // What is too much comes off the largest, never off a part that is nothing.
    order.sort_by_key(|index| std::cmp::Reverse(amounts[*index].abs()));
    for index in order {
        if left < 0 {
            rounded[index] -= 1;
            left += 1;
        }
    }
    rounded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_yen_has_no_decimals_and_a_krona_is_sent_as_if_it_had() {
        let amount = Mrr(1_234_500 * MICRO);
        let printed = |code: &str| Scale::of(&Currency::from(code)).level(amount);
        assert_eq!(printed("usd"), "12,345.00");
        assert_eq!(printed("jpy"), "1,234,500");
        assert_eq!(printed("isk"), "12,345");
        assert_eq!(printed("ugx"), "12,345");
        assert_eq!(printed("kwd"), "1,234.500");
    }

    #[test]
    fn thirds_of_a_cent_sum_to_the_printed_total() {
        let third = Delta(333_333);
        let scale = Scale::of(&Currency::from("usd"));
        assert_eq!(scale.between(Mrr::ZERO, &[third, third, third], Mrr(999_999)), [1, 0, 0]);
    }

    proptest! {
        #[test]
        fn printed_parts_sum_to_the_printed_total_and_none_is_a_unit_off(
            start in 0_i128..100_000_000,
            flows in prop::collection::vec(-10_000_000_i128..10_000_000, 1..12),
        ) {
            let scale = Scale::of(&Currency::from("usd"));
            let end = Mrr(start + flows.iter().sum::<i128>());
            let flows: Vec<Delta> = flows.into_iter().map(Delta).collect();
            let printed = scale.between(Mrr(start), &flows, end);
            let total = divide_half_even(end.0, MICRO) - divide_half_even(start, MICRO);
            prop_assert_eq!(printed.iter().sum::<i128>(), total);
            for (flow, printed) in flows.iter().zip(printed) {
                prop_assert!((flow.0 - printed * MICRO).abs() < 2 * MICRO);
            }
        }
    }
}
