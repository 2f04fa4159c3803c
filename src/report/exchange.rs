//! A month's exchange into the reporting currency (R9). Converted amounts are carried finer than the
//! ledger's and rounded once, at the edge of the report.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

use super::{Consolidation, Scale};
use crate::mrr::{Currency, Delta, Level, MissingRate, Month, MonthRate, Mrr};

/// How many units of a converted amount make a millionth of the reporting currency's minor unit.
pub(super) const PER_MICRO: i128 = 1_000_000_000;

/// A rate that a consolidated report was made by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedRate {
    /// The month whose rate it is.
    pub month: Month,
    /// What was converted.
    pub from: Currency,
    /// Into what.
    pub to: Currency,
    /// The rate, and the quotes it was made from.
    pub rate: MonthRate,
}

impl UsedRate {
    /// The rate per major unit, rounded half to even to twelve decimals; its quotes say it exactly.
    #[must_use]
    pub fn to_decimal(&self) -> String {
        let places = BigInt::from(10).pow(12);
        let scaled = half_even(&(self.rate.value.numer() * &places), self.rate.value.denom());
        let (whole, part) = (&scaled / &places, &scaled % &places);
        let part = format!("{part:0>12}");
        match part.trim_end_matches('0') {
            "" => whole.to_string(),
            part => format!("{whole}.{part}"),
        }
    }
}

/// What the change of a currency's rate did to MRR that stood at a month's start (R9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FxEffect {
    /// The currency.
    pub currency: Currency,
    /// Starting MRR in it.
    pub starting_mrr: Mrr,
    /// The rate of the month before, per major unit, and this month's.
    pub rates: (String, String),
    /// The change in the reporting currency.
    pub effect: Delta,
}

/// The exchange of one month.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub(super) month: Month,
    to: Currency,
    factors: BTreeMap<Currency, Result<Factor, MissingRate>>,
}

/// What an amount is multiplied by: the rate, the minor units and the finer scale together.
#[derive(Debug, Clone)]
struct Factor {
    rate: MonthRate,
    exact: BigRational,
    /// The same in machine numbers, where it fits.
    small: Option<(i128, i128)>,
}

impl Exchange {
    /// The exchange of a month, of no currency yet.
    pub(super) fn of(month: Month, by: &Consolidation) -> Self {
        Self { month, to: by.currency.clone(), factors: BTreeMap::new() }
    }

    /// Looks for the rate of a currency.
    pub(super) fn see(&mut self, from: &Currency, by: &Consolidation) {
        let rate = by.rates.of_month(from, &self.to, self.month);
        self.factors.insert(from.clone(), rate.map(|rate| Factor::of(rate, from, &self.to)));
    }

    /// An amount of a currency, finely; `None` without a rate, or if no number holds it.
    pub(super) fn convert(&self, currency: &Currency, amount: i128) -> Option<i128> {
        self.factors.get(currency)?.as_ref().ok()?.convert(amount)
    }

    /// A level in the reporting currency.
    pub(super) fn level(&self, level: &Level) -> Option<Level> {
        let mrr = Mrr(self.convert(&level.currency, level.mrr.0)?);
        Some(Level { mrr, currency: self.to.clone(), ..level.clone() })
    }

    /// The rate that is missing of a currency, if it is.
    pub(super) fn missing(&self, currency: &Currency) -> Option<&MissingRate> {
        self.factors.get(currency)?.as_ref().err()
    }

    /// The rate of a currency, where one was needed and found.
    pub(super) fn used(&self, currency: &Currency) -> Option<UsedRate> {
        let factor = self.factors.get(currency)?.as_ref().ok()?;
        (*currency != self.to).then(|| UsedRate {
            month: self.month,
            from: currency.clone(),
            to: self.to.clone(),
            rate: factor.rate.clone(),
        })
    }
}

impl Factor {
    fn of(rate: MonthRate, from: &Currency, to: &Currency) -> Self {
        let minor = |currency| BigInt::from(Scale::of(currency).minor_units_in_major());
        let scale = BigRational::new(minor(to) * PER_MICRO, minor(from));
        let exact = &rate.value * scale;
        // Halves of the machine's width each leave room for an amount.
        let narrow = |part: &BigInt| part.to_i64().map(i128::from);
        let small = narrow(exact.numer()).zip(narrow(exact.denom()));
        Self { rate, exact, small }
    }

    fn convert(&self, amount: i128) -> Option<i128> {
        let product = self.small.and_then(|(numerator, denominator)| {
            Some(crate::mrr::divide_half_even(amount.checked_mul(numerator)?, denominator))
        });
        product.or_else(|| half_even(&(self.exact.numer() * amount), self.exact.denom()).to_i128())
    }
}

/// `numerator / denominator` to the nearest integer, halves to the even one; the denominator is positive.
fn half_even(numerator: &BigInt, denominator: &BigInt) -> BigInt {
    let doubled: BigInt = numerator.abs() * 2 + denominator;
    let width: BigInt = denominator * 2;
    let (quotient, rest) = (&doubled / &width, &doubled % &width);
    let is_odd = !(&quotient % BigInt::from(2)).is_zero();
    let rounded = if rest.is_zero() && is_odd { quotient - 1 } else { quotient };
    if numerator.is_negative() { -rounded } else { rounded }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::mrr::{ExchangeRate, MICRO, Quote, RateTable};
    use proptest::prelude::*;

    fn exchange(from: &str, to: &str, rate: &str) -> Exchange {
        let mut rates = RateTable::default();
        let date = "2026-10-30".parse().unwrap();
        let rate = ExchangeRate::parse(rate).unwrap();
        rates.add(Quote { date, from: from.into(), to: to.into(), rate });
        let by = Consolidation { currency: to.into(), rates, through: 0 };
        let mut exchange = Exchange::of(Month::parse("2026-10").unwrap(), &by);
        exchange.see(&from.into(), &by);
        exchange
    }

    /// Minor units of one currency in minor units of the other.
    fn converted(from: &str, to: &str, rate: &str, minor: i128) -> i128 {
        let fine = exchange(from, to, rate).convert(&from.into(), minor * MICRO).unwrap();
        assert_eq!(fine % (PER_MICRO * MICRO), 0);
        fine / (PER_MICRO * MICRO)
    }

    #[test]
    fn rates_are_per_major_unit_and_minor_units_follow_each_currency() {
        assert_eq!(converted("usd", "eur", "0.9", 10_000), 9_000);
        assert_eq!(converted("usd", "jpy", "150", 10_000), 15_000);
        assert_eq!(converted("jpy", "usd", "0.01", 15_000), 15_000);
        assert_eq!(converted("usd", "kwd", "0.3", 10_000), 30_000);
        assert_eq!(converted("kwd", "jpy", "500", 1_000), 500);
        // 1,000 krónur are sent as 100000 (R9).
        assert_eq!(converted("isk", "eur", "0.007", 100_000), 700);
    }

    #[test]
    fn a_rate_is_printed_to_twelve_decimals() {
        let printed = |rate| exchange("usd", "eur", rate).used(&"usd".into()).unwrap().to_decimal();
        assert_eq!((printed("0.50"), printed("1.0000000000005")), ("0.5".to_owned(), "1".to_owned()));
    }

    proptest! {
        #[test]
        fn machine_numbers_and_big_ones_agree(amount in any::<i64>(), rate in 1_u64..99_999_999) {
            let rate = format!("{}.{:04}", rate / 10_000, rate % 10_000);
            let exchange = exchange("eur", "usd", &rate);
            let factor = exchange.factors[&Currency::from("eur")].clone().unwrap();
            let big = Factor { small: None, ..factor.clone() };
            prop_assert_eq!(factor.convert(amount.into()), big.convert(amount.into()));
        }
    }
}
