//! Valuation: from a price and a quantity to a month's revenue (R1, R2, R3, R6, R7). Rounded once, when
//! a line is valued.

use std::collections::BTreeMap;
use std::sync::Arc;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, ToPrimitive, Zero};

use super::bearing::{covers, runs};
use super::money::divide_half_even;
use super::steps::{Silent, Tell};
use super::{
    Currency, Discount, DiscountPolicy, Exact, Instant, Item, Known, Mrr, Off, Price, PriceAmount, Scheme,
    Scope, State, Tier, TiersMode, TransformQuantity, UsageType, Valuation, ValuationStep,
};

/// Units of a price amount (1e-12) in one of the ledger (1e-6).
const PER_MICRO: i128 = 1_000_000;

/// Why a line can't be valued (R4).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unvalued {
    /// The price is tiered and its tiers are not known.
    #[error("the tiers of price {0}")]
    Tiers(String),
    /// The price's amount is not known.
    #[error("the amount of price {0}")]
    Amount(String),
    /// Nothing is known of the price but its id.
    #[error("the terms of price {0}")]
    Price(String),
    /// What the price asks in the subscription's currency is not known.
    #[error("the amount of price {price} in {currency}")]
    Option {
        /// The price.
        price: String,
        /// The currency.
        currency: String,
    },
    /// A discount's coupon is not known.
    #[error("the coupon behind discount {0}")]
    Coupon(String),
    /// What a coupon takes off in the subscription's currency is not known.
    #[error("the amount of coupon {coupon} in {currency}")]
    CouponOption {
        /// The coupon.
        coupon: String,
        /// The currency.
        currency: String,
    },
    /// The amount is past what the ledger holds.
    #[error("an amount of price {0} that is not past the ledger's limit")]
    TooLarge(String),
}

/// What a subscription's items are valued by at an instant: the items, and the discounts that run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Terms {
    /// The items, each with its own running discounts.
    pub items: Vec<Item>,
    /// The subscription's running discounts, in order.
    pub discounts: Vec<Discount>,
}

impl Terms {
    /// The terms of `state` at `at`, completed by what is known then (R4), with the discounts that the
    /// policy counts and that run: where none of the subscription's own does, the customer's (R6).
    #[must_use]
    pub fn of(state: &State, at: Instant, known: &Known<'_>, policy: DiscountPolicy) -> Self {
        let running = |discounts: &[Discount]| -> Vec<Discount> {
            let whole = discounts.iter().map(|discount| known.discount(discount, at));
            whole.filter(|discount| runs(discount, at, policy)).collect()
        };
        let complete = |item: &Item| Item {
            id: item.id.clone(),
            price: known.price(&item.price, at),
            quantity: item.quantity,
            inclusive_tax: item.inclusive_tax,
            discounts: running(&item.discounts),
        };
        let mut discounts = running(&state.discounts);
        if discounts.is_empty() {
            discounts = known.customer.at(at).map_or_else(Vec::new, |own| running(std::slice::from_ref(own)));
        }
        Self { items: state.items.iter().map(complete).collect(), discounts }
    }

    /// The level of the item at `index`.
    ///
    /// # Errors
    /// [`Unvalued`] if something that the level depends on is missing.
    pub fn level(&self, index: usize) -> Result<Mrr, Unvalued> {
        self.valued(index, &mut Silent)
    }

    /// [`Terms::level`] step by step.
    #[must_use]
    pub fn steps(&self, index: usize) -> Valuation {
        let mut steps = Vec::new();
        let level = self.valued(index, &mut steps);
        Valuation { steps, level }
    }

    /// The level that the item at `index` would have at another price and quantity, all else as it
    /// is: one step of R17.
    ///
    /// # Errors
    /// [`Unvalued`] as for [`Terms::level`].
    pub fn level_at(&self, index: usize, price: &Arc<Price>, quantity: u64) -> Result<Mrr, Unvalued> {
        self.stepped(index, price, quantity).level(index)
    }

    /// [`Terms::level_at`] step by step.
    #[must_use]
    pub fn steps_at(&self, index: usize, price: &Arc<Price>, quantity: u64) -> Valuation {
        self.stepped(index, price, quantity).steps(index)
    }

    fn stepped(&self, index: usize, price: &Arc<Price>, quantity: u64) -> Self {
        let mut stepped = self.clone();
        if let Some(item) = stepped.items.get_mut(index) {
            item.price = Arc::clone(price);
            item.quantity = quantity;
        }
        stepped
    }

    fn valued(&self, index: usize, tell: &mut impl Tell) -> Result<Mrr, Unvalued> {
        let Some(item) = self.items.get(index) else {
            return Ok(Mrr::ZERO);
        };
        if !self.touches(index) && item.inclusive_tax == 0 {
            return monthly(&item.price, item.quantity, tell);
        }
        let gross = self.net_amounts(index, tell).swap_remove(index)?;
        let net = &gross * share_without_tax(item);
        if item.inclusive_tax > 0 {
            tell.hear(|| ValuationStep::WithoutTax {
                inclusive_tax: item.inclusive_tax,
                before: Exact::of_price_units(&gross),
                after: Exact::of_price_units(&net),
            });
        }
        let factor = item.price.cadence.monthly_factor();
        let exact = &net * BigRational::new(factor.0.into(), (factor.1 * PER_MICRO).into());
        tell.hear(|| ValuationStep::Month {
            factor,
            before: Exact::of_price_units(&net),
            after: Exact::of_micro(&exact),
        });
        let level = round_half_even(&exact).ok_or_else(|| Unvalued::TooLarge(item.price.id.to_string()))?;
        tell.hear(|| ValuationStep::Rounded { before: Exact::of_micro(&exact), level });
        Ok(level)
    }

    /// The discounts that bear on the item at `index`, its own first.
    pub fn discounts_of(&self, index: usize) -> impl Iterator<Item = &Discount> {
        let item = self.items.get(index);
        let own = item.into_iter().flat_map(|item| item.discounts.iter());
        let shared =
            self.discounts.iter().filter(move |discount| item.is_some_and(|item| covers(discount, item)));
        own.chain(shared)
    }

    fn touches(&self, index: usize) -> bool {
        self.discounts_of(index).next().is_some()
    }

    /// What each licensed item's invoice line comes to after discounts (R6), in 1e-12 minor units:
    /// item-level first, then subscription-level in array order. The steps of the item at `told` are told.
    fn net_amounts<T: Tell>(&self, told: usize, tell: &mut T) -> Vec<Net> {
        let mut net: Vec<Net> = Vec::with_capacity(self.items.len());
        for (index, item) in self.items.iter().enumerate() {
            net.push(if index == told { whole_amount(item, tell) } else { whole_amount(item, &mut Silent) });
        }
        let mut take = |scope, eligible: &[usize], discount: &Discount, currency: &Currency| {
            let is_told = T::IS_ASKED && eligible.contains(&told);
            let before = is_told.then(|| (sum_of(&net, eligible), net[told].clone()));
            take_off(&mut net, eligible, discount, currency);
            if let (Some((total, Ok(before))), Ok(after), Some(off)) =
                (&before, &net[told], off_in(discount, currency))
            {
                tell.hear(|| ValuationStep::Discount {
                    scope,
                    discount: discount.clone(),
                    eligible: total.as_ref().ok().filter(|_| is_amount(&off)).map(Exact::of_price_units),
                    off,
                    before: Exact::of_price_units(before),
                    after: Exact::of_price_units(after),
                });
            }
        };
        for (index, item) in self.items.iter().enumerate() {
            for discount in item.discounts.iter().filter(|discount| covers(discount, item)) {
                take(Scope::Item, &[index], discount, &item.price.currency);
            }
        }
        for discount in &self.discounts {
            let mut eligible: BTreeMap<&Currency, Vec<usize>> = BTreeMap::new();
            for (index, item) in self.items.iter().enumerate().filter(|(_, item)| covers(discount, item)) {
                eligible.entry(&item.price.currency).or_default().push(index);
            }
            for (currency, eligible) in eligible {
                take(Scope::Shared, &eligible, discount, currency);
            }
        }
        net
    }
}

/// What a discount's coupon takes off in a currency.
fn off_in(discount: &Discount, currency: &Currency) -> Option<Off> {
    let coupon = discount.coupon.as_ref()?;
    match &coupon.off {
        Off::Percent(millionths) => Some(Off::Percent(*millionths)),
        Off::Amount { .. } => {
            coupon.amount_in(currency).map(|amount| Off::Amount { amount, currency: currency.clone() })
        }
    }
}

fn is_amount(off: &Off) -> bool {
    matches!(off, Off::Amount { .. })
}

/// What lines come to together.
fn sum_of(net: &[Net], eligible: &[usize]) -> Net {
    let mut total = BigRational::zero();
    for index in eligible {
        total += net[*index].clone()?;
    }
    Ok(total)
}

/// The share of an item's amounts that is not tax (R7): at 20 % included, 100 of 120. Discounts come
/// off first; what is left includes the tax.
fn share_without_tax(item: &Item) -> BigRational {
    BigRational::new(1_000_000.into(), (1_000_000 + i64::from(item.inclusive_tax)).into())
}

/// What an item's invoice line comes to, as far as it can be known.
type Net = Result<BigRational, Unvalued>;

/// An item's invoice line before discounts; usage comes from invoices, net already.
fn whole_amount(item: &Item, tell: &mut impl Tell) -> Net {
    match item.price.usage_type {
        UsageType::Metered => Ok(BigRational::zero()),
        UsageType::Licensed => {
            Ok(BigRational::from_integer(amount(&item.price, item.quantity, tell)?.into()))
        }
    }
}

/// Takes one discount off the eligible lines: a percentage of each, or an amount spread over them in
/// proportion to their value; never below zero. The lines are of one currency.
fn take_off(net: &mut [Net], eligible: &[usize], discount: &Discount, currency: &Currency) {
    let left = share_left(net, eligible, discount, currency);
    for index in eligible {
        net[*index] = match (&net[*index], &left) {
            (Ok(amount), Ok(left)) => Ok(amount * left),
            (Err(unvalued), _) | (_, Err(unvalued)) => Err(unvalued.clone()),
        };
    }
}

/// The share of the eligible lines that a discount leaves.
fn share_left(net: &[Net], eligible: &[usize], discount: &Discount, currency: &Currency) -> Net {
    let Some(coupon) = &discount.coupon else {
        let name = discount.id.as_ref().map(ToString::to_string);
        let name = name.or_else(|| discount.coupon_id.as_ref().map(ToString::to_string));
        return Err(Unvalued::Coupon(name.unwrap_or_else(|| "without an id".to_owned())));
    };
    let off = match &coupon.off {
        Off::Percent(millionths) => BigRational::new((*millionths).into(), 1_000_000.into()),
        Off::Amount { .. } => {
            let unknown =
                || Unvalued::CouponOption { coupon: coupon.id.to_string(), currency: currency.to_string() };
            let amount = coupon.amount_in(currency).ok_or_else(unknown)?;
            let total = sum_of(net, eligible)?;
            let is_nothing = total.is_zero();
            if is_nothing { total } else { BigRational::from_integer(amount.0.into()) / total }
        }
    };
    Ok((BigRational::one() - off).max(BigRational::zero()))
}

/// The level of a price at a quantity without any discount (R1, R2, R3).
///
/// ```
/// use upswell::mrr::{per_month, Cadence, Interval, Price, PriceAmount, Scheme, UsageType};
/// let yearly = Price {
///     id: "price_1".into(), product: "prod_1".into(), currency: "usd".into(),
///     cadence: Cadence { interval: Interval::Year, ..Cadence::MONTHLY },
///     usage_type: UsageType::Licensed,
///     scheme: Scheme::PerUnit { unit: PriceAmount::minor_units(100_000), transform: None },
///     is_seat: true, succeeds: None,
/// };
/// assert_eq!(per_month(&yearly, 1)?.to_string(), "8333.333333");
/// # Ok::<(), upswell::mrr::Unvalued>(())
/// ```
///
/// # Errors
/// [`Unvalued`] if the price's amount or tiers are not known, or the level is past the ledger's limit.
pub fn per_month(price: &Price, quantity: u64) -> Result<Mrr, Unvalued> {
    monthly(price, quantity, &mut Silent)
}

fn monthly(price: &Price, quantity: u64, tell: &mut impl Tell) -> Result<Mrr, Unvalued> {
    let factor = price.cadence.monthly_factor();
    let too_large = || Unvalued::TooLarge(price.id.to_string());
    let amount = amount(price, quantity, tell)?;
    let whole = amount.checked_mul(factor.0).ok_or_else(too_large)?;
    let exact = || Exact::of_price_units(&BigRational::new(whole.into(), factor.1.into()));
    tell.hear(|| ValuationStep::Month {
        factor,
        before: Exact::of_price_units(&BigRational::from_integer(amount.into())),
        after: exact(),
    });
    let level = divide_half_even(whole, factor.1 * PER_MICRO);
    // A line is held in 64 bits (R1).
    let level = i64::try_from(level).map(|level| Mrr(level.into())).map_err(|_| too_large())?;
    tell.hear(|| ValuationStep::Rounded { before: exact(), level });
    Ok(level)
}

/// What one billing period of `quantity` costs, in 1e-12 minor units (R3).
fn amount(price: &Price, quantity: u64, tell: &mut impl Tell) -> Result<i128, Unvalued> {
    tell.hear(|| ValuationStep::Quantity { units: quantity });
    let sum = match &price.scheme {
        Scheme::PerUnit { unit, transform } => per_unit(*unit, *transform, quantity, tell),
        Scheme::Tiered { mode: TiersMode::Graduated, tiers } => graduated(tiers, quantity, tell),
        Scheme::Tiered { mode: TiersMode::Volume, tiers } => volume(tiers, quantity, tell),
        Scheme::TiersNotSent => return Err(Unvalued::Tiers(price.id.to_string())),
        Scheme::AmountNotSent => return Err(Unvalued::Amount(price.id.to_string())),
        Scheme::PriceNotSent => return Err(Unvalued::Price(price.id.to_string())),
        Scheme::OptionNotSent => {
            return Err(Unvalued::Option {
                price: price.id.to_string(),
                currency: price.currency.to_string(),
            });
        }
    };
    // Left room for the factor of R2 and the doubling of the rounding.
    let sum = sum
        .filter(|sum| sum.unsigned_abs() < 1 << 110)
        .ok_or_else(|| Unvalued::TooLarge(price.id.to_string()))?;
    tell.hear(|| ValuationStep::Period { amount: PriceAmount(sum), cadence: price.cadence });
    Ok(sum)
}

/// Every unit, or package of units, at one rate.
fn per_unit(
    unit: PriceAmount,
    transform: Option<TransformQuantity>,
    quantity: u64,
    tell: &mut impl Tell,
) -> Option<i128> {
    let units = transform.map_or(quantity, |transform| {
        let packages = packages(quantity, transform);
        tell.hear(|| ValuationStep::Packages { units: quantity, transform, packages });
        packages
    });
    let amount = unit.0.checked_mul(units.into())?;
    tell.hear(|| ValuationStep::Units { units, unit, amount: PriceAmount(amount) });
    Some(amount)
}

fn packages(quantity: u64, transform: TransformQuantity) -> u64 {
    if transform.round_up {
        quantity.div_ceil(transform.divide_by.get())
    } else {
        quantity / transform.divide_by.get()
    }
}

/// Each band's units at its own rate, and the flat amount of each band entered. Quantity 0 still
/// enters the first (R3). The last has no end, whatever it says: no unit is free for want of a band.
fn graduated(tiers: &[Tier], quantity: u64, tell: &mut impl Tell) -> Option<i128> {
    let mut sum = 0_i128;
    let mut below = 0_u64;
    for (index, tier) in tiers.iter().enumerate() {
        if index > 0 && quantity <= below {
            break;
        }
        let is_last = index + 1 == tiers.len();
        let end = tier.up_to.filter(|_| !is_last).unwrap_or(u64::MAX);
        let units = end.min(quantity).saturating_sub(below);
        sum = sum.checked_add(band((TiersMode::Graduated, index + 1), tier, units, tell)?)?;
        below = end;
    }
    Some(sum)
}

/// All units at the rate of the band that the quantity falls into, and its flat amount.
fn volume(tiers: &[Tier], quantity: u64, tell: &mut impl Tell) -> Option<i128> {
    let reaches = |tier: &Tier| tier.up_to.is_none_or(|up_to| quantity <= up_to);
    let index = tiers.iter().position(reaches).unwrap_or_else(|| tiers.len().saturating_sub(1));
    let Some(tier) = tiers.get(index) else {
        return Some(0);
    };
    band((TiersMode::Volume, index + 1), tier, quantity, tell)
}

/// So many units at a band's rate, and its flat amount.
fn band((mode, number): (TiersMode, usize), tier: &Tier, units: u64, tell: &mut impl Tell) -> Option<i128> {
    let Tier { unit, flat, .. } = *tier;
    let amount = unit.0.checked_mul(units.into())?.checked_add(flat.0)?;
    let told = PriceAmount(amount);
    tell.hear(|| ValuationStep::Band { mode, number, units, unit, flat, amount: told });
    Some(amount)
}

/// Rounds an exact level to the scale of the ledger, half to even; `None` if it is past 64 bits.
pub(super) fn round_half_even(exact: &BigRational) -> Option<Mrr> {
    let doubled = exact * BigRational::from_integer(BigInt::from(2));
    let floor = exact.floor().to_integer();
    let rest = doubled - BigRational::from_integer(&floor * 2);
    let is_up = match rest.cmp(&BigRational::one()) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => &floor % BigInt::from(2) != BigInt::zero(),
    };
    let rounded = if is_up { floor + 1 } else { floor };
    rounded.to_i64().map(|level| Mrr(level.into()))
}
