//! The steps of a valuation, told by the code that values: the arithmetic from a quantity to a level, one
//! rule after the other (R1, R2, R3, R6, R7, R8).

use std::fmt;

use num_bigint::BigInt;
use num_rational::BigRational;

use super::{
    Cadence, Delta, Discount, Instant, Mrr, Off, PriceAmount, TiersMode, TransformQuantity, Unvalued,
};

/// An amount of minor units, exact: it is rounded once, when a line is valued (R1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exact(BigRational);

impl Exact {
    /// Of an amount in 1e-12 minor units, as prices count.
    pub(super) fn of_price_units(units: &BigRational) -> Self {
        Self(units / BigRational::from_integer(PriceAmount::ONE.into()))
    }

    /// Of an amount in 1e-6 minor units, as the ledger counts.
    pub(super) fn of_micro(units: &BigRational) -> Self {
        Self(units / BigRational::from_integer(super::MICRO.into()))
    }
}

impl fmt::Display for Exact {
    /// A decimal where it ends within 24 digits, else a fraction in lowest terms.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: usize = 24;
        let scaled = &self.0 * BigRational::from_integer(BigInt::from(10).pow(24));
        if !scaled.is_integer() {
            return write!(f, "{}/{}", self.0.numer(), self.0.denom());
        }
        let text = scaled.to_integer().to_string();
        let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
        let digits = format!("{digits:0>width$}", width = DIGITS + 1);
        let (whole, part) = digits.split_at(digits.len() - DIGITS);
        match part.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            part => write!(f, "{sign}{whole}.{part}"),
        }
    }
}

/// Whose discount it is (R6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The item's own.
    Item,
    /// The subscription's, or the customer's where the subscription has none.
    Shared,
    /// The customer's.
    Customer,
}

/// One step of a valuation. Amounts are of one billing period until [`ValuationStep::Month`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValuationStep {
    /// How many units are held (R3).
    Quantity {
        /// Units.
        units: u64,
    },
    /// Units counted as packages (`transform_quantity`, R3).
    Packages {
        /// Units.
        units: u64,
        /// How they are counted.
        transform: TransformQuantity,
        /// Packages.
        packages: u64,
    },
    /// Units, or packages, at one rate (R3).
    Units {
        /// How many.
        units: u64,
        /// What one costs.
        unit: PriceAmount,
        /// What they cost together.
        amount: PriceAmount,
    },
    /// One band of a tiered price (R3).
    Band {
        /// How the bands combine.
        mode: TiersMode,
        /// Its place, from 1.
        number: usize,
        /// Units charged in it.
        units: u64,
        /// What one costs in it.
        unit: PriceAmount,
        /// What entering it costs.
        flat: PriceAmount,
        /// What it comes to.
        amount: PriceAmount,
    },
    /// What one billing period costs before discounts (R3).
    Period {
        /// The amount.
        amount: PriceAmount,
        /// How often it bills.
        cadence: Cadence,
    },
    /// One discount, taken off (R6).
    Discount {
        /// Whose it is.
        scope: Scope,
        /// The discount.
        discount: Discount,
        /// What its coupon takes off in the item's currency.
        off: Off,
        /// Of an amount: what it is spread over, in proportion.
        eligible: Option<Exact>,
        /// Before it.
        before: Exact,
        /// After it.
        after: Exact,
    },
    /// Tax that the amounts include, taken out (R7).
    WithoutTax {
        /// In millionths of the amount without it.
        inclusive_tax: u32,
        /// With it.
        before: Exact,
        /// Without it.
        after: Exact,
    },
    /// What one invoice bills of a metered item's service period, as a month's (R8, R2).
    Usage {
        /// Start of the period.
        period_start: Instant,
        /// End of the period, exclusive.
        period_end: Instant,
        /// The event whose invoice bills it.
        event: std::sync::Arc<str>,
        /// Net of discounts and without tax; 0 where a cycle's invoice leaves the item out.
        billed: Delta,
        /// What scales a period shorter than the price's interval up to a whole one, as numerator and
        /// denominator in seconds; (1, 1) of a whole one.
        scale: (i64, i64),
        /// The factor of R2.
        factor: (i128, i128),
        /// A month's.
        after: Exact,
    },
    /// The mean of the closed periods that the policy counts (R8).
    Mean {
        /// How many.
        periods: usize,
        /// Their sum.
        before: Exact,
        /// The mean.
        after: Exact,
    },
    /// The amount of a billing period as a month's (R2).
    Month {
        /// The factor, as numerator and denominator.
        factor: (i128, i128),
        /// Of a billing period.
        before: Exact,
        /// Of a month, exact.
        after: Exact,
    },
    /// Rounded half to even to a millionth, once (R1).
    Rounded {
        /// Before.
        before: Exact,
        /// The level.
        level: Mrr,
    },
}

/// Why a discount takes nothing off an item (R6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotApplied {
    /// The policy counts no discounts.
    Policy,
    /// It is used once.
    Once,
    /// It ended.
    Over(Instant),
    /// Its coupon is limited to other products.
    OtherProducts,
    /// Its coupon takes off an amount and has none in the item's currency.
    OtherCurrency,
    /// The item is metered: what its invoices bill is net of discounts.
    Metered,
    /// It is the customer's, and the subscription has one of its own that runs.
    StandsAside,
}

/// A discount that takes nothing off an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Whose it is.
    pub scope: Scope,
    /// The discount.
    pub discount: Discount,
    /// Why it takes nothing off.
    pub why: NotApplied,
}

/// How a line comes to its level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Valuation {
    /// The steps, as far as they go where something is missing.
    pub steps: Vec<ValuationStep>,
    /// The level, or what is missing (R4).
    pub level: Result<Mrr, Unvalued>,
}

/// Hears the steps of a valuation while it is made.
pub(super) trait Tell {
    /// Whether anybody asks, so that nothing is worked out for telling alone.
    const IS_ASKED: bool;

    fn hear(&mut self, step: impl FnOnce() -> ValuationStep);
}

/// Nobody asks how a level comes about.
pub(super) struct Silent;

impl Tell for Silent {
    const IS_ASKED: bool = false;

    fn hear(&mut self, _: impl FnOnce() -> ValuationStep) {}
}

impl Tell for Vec<ValuationStep> {
    const IS_ASKED: bool = true;

    fn hear(&mut self, step: impl FnOnce() -> ValuationStep) {
        self.push(step());
    }
}
