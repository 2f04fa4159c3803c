//! What holds for every price, quantity and discount (R1, R2, R3, R6, R7).

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use super::testing::*;
use crate::mrr::{
    Cadence, Catalogue, Discount, DiscountPolicy, Interval, Item, Known, MICRO, Mrr, Price, PriceAmount,
    Scheme, State, Terms, Tier, TiersMode, TransformQuantity, ValuationStep, per_month,
};

/// Beside the payload itself.
fn nothing_known() -> Known<'static> {
    static EMPTY: LazyLock<Catalogue> = LazyLock::new(Catalogue::default);
    Known::of(&[], &EMPTY)
}

/// Up to a million dollars, in twelve decimals of a cent.
fn amount() -> impl Strategy<Value = PriceAmount> {
    prop_oneof![
        0..=100_000_000 * PriceAmount::ONE,
        (0..=1_000_000_i128).prop_map(|cents| cents * PriceAmount::ONE)
    ]
    .prop_map(PriceAmount)
}

fn cadence() -> impl Strategy<Value = Cadence> {
    let interval =
        prop_oneof![Just(Interval::Day), Just(Interval::Week), Just(Interval::Month), Just(Interval::Year)];
    (interval, 1..=400_u32).prop_map(|(interval, count)| every(count, interval))
}

fn bands() -> impl Strategy<Value = Vec<Tier>> {
    let band = (1..=50_u64, amount(), amount());
    (prop::collection::vec(band, 0..=4), amount(), amount()).prop_map(|(bands, flat, unit)| {
        let mut end = 0;
        let mut tiers: Vec<Tier> = Vec::new();
        for (width, flat, unit) in bands {
            end += width;
            tiers.push(Tier { up_to: Some(end), flat, unit });
        }
        tiers.push(Tier { up_to: None, flat, unit });
        tiers
    })
}

fn of(scheme: Scheme, cadence: Cadence) -> Price {
    Price { scheme, cadence, ..price("p", "P", 0) }
}

fn by_bands(mode: TiersMode, tiers: &[Tier]) -> Price {
    of(Scheme::Tiered { mode, tiers: tiers.to_vec() }, Cadence::MONTHLY)
}

fn by_unit(unit: PriceAmount, cadence: Cadence) -> Price {
    of(Scheme::PerUnit { unit, transform: None }, cadence)
}

fn level(price: &Price, quantity: u64) -> Mrr {
    per_month(price, quantity).unwrap()
}

/// Monthly items of products P0, P1, … with their amounts, taxed alike.
fn items(amounts: &[PriceAmount], inclusive_tax: u32) -> State {
    let each = amounts.iter().enumerate().map(|(index, unit)| {
        let price =
            Price { product: format!("P{index}").as_str().into(), ..by_unit(*unit, Cadence::MONTHLY) };
        Item { inclusive_tax, ..item(&format!("a.{index}"), &price, 1) }
    });
    active(&each.collect::<Vec<_>>())
}

fn levels(state: &State) -> Vec<Mrr> {
    let terms = Terms::of(state, day(0), &nothing_known(), DiscountPolicy::Recurring);
    (0..state.items.len()).map(|index| terms.level(index).unwrap()).collect()
}

fn a_discount() -> impl Strategy<Value = Discount> {
    let off = prop_oneof![
        (1..=100_u32).prop_map(|hundredths| percent("rate", hundredths)),
        (1..=20_000_i64).prop_map(|amount| dollars_off("amount", amount)),
    ];
    (off, 0..4_u32).prop_map(|(off, to)| match to {
        0 => limited_to(off, &["P0"]),
        1 => limited_to(off, &["P1", "P2"]),
        _ => off,
    })
}

fn discounts() -> impl Strategy<Value = Vec<Discount>> {
    prop::collection::vec(a_discount(), 0..=3)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_level_is_the_exact_one_to_the_nearest_millionth(unit in amount(), cadence in cadence(), quantity in 0..=1_000_u64) {
        let (numerator, denominator) = cadence.monthly_factor();
        // Both in 1e-12 minor units, times the denominator: no further off than half a millionth.
        let exact = unit.0 * i128::from(quantity) * numerator;
        let held = level(&by_unit(unit, cadence), quantity).0 * MICRO * denominator;
        prop_assert!((exact - held).abs() * 2 <= MICRO * denominator);
    }

    #[test]
    fn what_bills_n_times_as_much_every_n_periods_is_the_same(
        unit in amount(), cadence in cadence(), times in 1..=100_u32, quantity in 0..=100_u64,
    ) {
        let rarer = Cadence { count: cadence.count.checked_mul(times.try_into().unwrap()).unwrap(), ..cadence };
        let larger = PriceAmount(unit.0 * i128::from(times));
        prop_assert_eq!(level(&by_unit(larger, rarer), quantity), level(&by_unit(unit, cadence), quantity));
    }

    #[test]
    fn twelve_months_fifty_two_weeks_and_365_days_are_a_year(unit in amount(), years in 1..=10_u32) {
        let year = level(&by_unit(unit, every(years, Interval::Year)), 1);
        for (count, interval) in [(12, Interval::Month), (52, Interval::Week), (365, Interval::Day)] {
            prop_assert_eq!(level(&by_unit(unit, every(count * years, interval)), 1), year);
        }
    }

    #[test]
    fn seven_days_are_worth_more_than_a_week(unit in 1_000_000_000_000..=PriceAmount::ONE * 1_000_000) {
        let unit = PriceAmount(unit);
        let week = level(&by_unit(unit, every(1, Interval::Week)), 1);
        prop_assert!(level(&by_unit(unit, every(7, Interval::Day)), 1) > week);
    }

    #[test]
    fn more_units_of_a_graduated_price_never_cost_less(tiers in bands(), quantity in 0..=300_u64, more in 0..=300_u64) {
        let price = by_bands(TiersMode::Graduated, &tiers);
        prop_assert!(level(&price, quantity) <= level(&price, quantity + more));
    }

    #[test]
    fn graduated_and_volume_agree_in_the_first_band(tiers in bands(), quantity in 0..=300_u64) {
        let quantity = quantity.min(tiers[0].up_to.unwrap_or(u64::MAX));
        let [graduated, volume] = [TiersMode::Graduated, TiersMode::Volume].map(|mode| by_bands(mode, &tiers));
        prop_assert_eq!(level(&graduated, quantity), level(&volume, quantity));
    }

    #[test]
    fn bands_at_one_rate_without_fees_are_a_price_per_unit(tiers in bands(), unit in amount(), quantity in 0..=300_u64) {
        let even: Vec<Tier> = tiers.iter().map(|tier| Tier { flat: PriceAmount(0), unit, ..*tier }).collect();
        let per_unit = level(&by_unit(unit, Cadence::MONTHLY), quantity);
        for mode in [TiersMode::Graduated, TiersMode::Volume] {
            prop_assert_eq!(level(&by_bands(mode, &even), quantity), per_unit);
        }
    }

    #[test]
    fn a_package_begun_is_at_most_one_more(unit in amount(), quantity in 0..=10_000_u64, size in 1..=500_u64) {
        let packages = |round_up| {
            let transform = Some(TransformQuantity { divide_by: size.try_into().unwrap(), round_up });
            level(&of(Scheme::PerUnit { unit, transform }, Cadence::MONTHLY), quantity)
        };
        let begun = u64::from(!quantity.is_multiple_of(size));
        let [full, more] = [quantity / size, quantity / size + begun].map(|count| level(&by_unit(unit, Cadence::MONTHLY), count));
        prop_assert_eq!((packages(false), packages(true)), (full, more));
    }

    #[test]
    fn discounts_and_taxes_never_raise_a_level_nor_take_it_below_zero(
        amounts in prop::collection::vec(amount(), 1..=4), own in discounts(), shared in discounts(), tax in 0..=250_000_u32,
    ) {
        let whole = levels(&items(&amounts, 0));
        let mut state = discounted(items(&amounts, tax), &shared);
        state.items[0].discounts = own;
        for (less, whole) in levels(&state).into_iter().zip(whole) {
            prop_assert!(Mrr::ZERO <= less && less <= whole);
        }
    }

    #[test]
    fn an_amount_comes_off_once_however_many_items_it_is_spread_over(
        amounts in prop::collection::vec(amount(), 1..=6), dollars in 1..=1_000_000_i64,
    ) {
        let total = |levels: Vec<Mrr>| levels.into_iter().sum::<Mrr>().0;
        let whole = total(levels(&items(&amounts, 0)));
        let less = total(levels(&discounted(items(&amounts, 0), &[dollars_off("amount", dollars)])));
        let off = (i128::from(dollars) * 100 * MICRO).min(whole);
        // Each line is rounded by itself, before and after.
        prop_assert!((whole - less - off).abs() <= i128::try_from(amounts.len()).unwrap());
    }

    #[test]
    fn what_an_amount_leaves_is_in_proportion(first in amount(), times in 1..=9_i128, dollars in 1..=1_000_i64) {
        let second = PriceAmount(first.0 * times);
        let left = levels(&discounted(items(&[first, second], 0), &[dollars_off("amount", dollars)]));
        prop_assert!((left[0].0 * times - left[1].0).abs() <= times);
    }

    #[test]
    fn percentages_may_change_places_and_an_amount_before_one_takes_less(
        unit in amount(), first in 1..=100_u32, second in 1..=100_u32, dollars in 1..=20_000_i64,
    ) {
        let with = |discounts: &[Discount]| levels(&discounted(items(&[unit], 0), discounts))[0];
        let (one, other, amount) = (percent("one", first), percent("other", second), dollars_off("amount", dollars));
        prop_assert_eq!(with(&[one.clone(), other.clone()]), with(&[other, one.clone()]));
        prop_assert!(with(&[amount.clone(), one.clone()]) >= with(&[one, amount]));
    }

    #[test]
    fn an_items_own_discount_is_the_subscriptions_where_there_is_one_item(unit in amount(), discounts in discounts()) {
        let mut own = items(&[unit], 0);
        own.items[0].discounts.clone_from(&discounts);
        prop_assert_eq!(levels(&own), levels(&discounted(items(&[unit], 0), &discounts)));
    }

    #[test]
    fn a_step_to_the_same_price_and_quantity_is_none(amounts in prop::collection::vec(amount(), 1..=4), shared in discounts()) {
        let terms = Terms::of(&discounted(items(&amounts, 0), &shared), day(0), &nothing_known(), DiscountPolicy::Recurring);
        for (index, item) in terms.items.iter().enumerate() {
            prop_assert_eq!(terms.level_at(index, &Arc::clone(&item.price), item.quantity), terms.level(index));
        }
    }

    #[test]
    fn the_steps_of_a_level_end_at_it_and_each_goes_on_from_the_one_before(
        bands in bands(), amounts in prop::collection::vec(amount(), 0..=3), cadence in cadence(), quantity in 0..=300_u64,
        own in discounts(), shared in discounts(), tax in 0..=250_000_u32, is_volume in any::<bool>(),
    ) {
        let mode = if is_volume { TiersMode::Volume } else { TiersMode::Graduated };
        let tiered = of(Scheme::Tiered { mode, tiers: bands }, cadence);
        let mut state = discounted(items(&amounts, tax), &shared);
        state.items.push(Item { inclusive_tax: tax, discounts: own, ..item("a.t", &tiered, quantity) });
        let terms = Terms::of(&state, day(0), &nothing_known(), DiscountPolicy::Recurring);
        for index in 0..state.items.len() {
            let valuation = terms.steps(index);
            prop_assert_eq!(&valuation.level, &terms.level(index));
            super::explanations::assert_chained(&valuation.steps);
            let Some(ValuationStep::Rounded { level, .. }) = valuation.steps.last() else {
                return Err(TestCaseError::fail(format!("{:?}", valuation.steps)));
            };
            prop_assert_eq!(Ok(*level), valuation.level);
            let period = valuation.steps.iter().find_map(|step| match step {
                ValuationStep::Period { amount, .. } => Some(amount.0),
                _ => None,
            });
            let parts = valuation.steps.iter().map(|step| match step {
                ValuationStep::Band { units, unit, flat, .. } => i128::from(*units) * unit.0 + flat.0,
                ValuationStep::Units { units, unit, .. } => i128::from(*units) * unit.0,
                _ => 0,
            });
            prop_assert_eq!(period, Some(parts.sum::<i128>()));
        }
    }

    #[test]
    fn the_tax_put_back_gives_the_amount(unit in amount(), tax in 0..=1_000_000_u32) {
        let gross = levels(&items(&[unit], 0))[0].0;
        let net = levels(&items(&[unit], tax))[0].0;
        let put_back = net * (MICRO + i128::from(tax));
        prop_assert!((put_back - gross * MICRO).abs() <= 2 * MICRO);
    }
}
