//! R1, R2, R3: from a price and a quantity to a level.

use super::testing::*;
use crate::mrr::{Interval, Price, PriceAmount, Scheme, TiersMode, TransformQuantity, Unvalued, per_month};

fn level(price: &Price, quantity: u64) -> String {
    per_month(price, quantity).unwrap().to_string()
}

#[test]
fn every_interval_has_its_factor() {
    let cases = [
        (Interval::Month, 1, 12_000, "12000"),
        (Interval::Month, 3, 12_000, "4000"),
        (Interval::Month, 7, 10_000, "1428.571429"),
        (Interval::Year, 1, 100_000, "8333.333333"),
        (Interval::Year, 2, 240_000, "10000"),
        (Interval::Week, 1, 1_200, "5200"),
        (Interval::Week, 2, 1_200, "2600"),
        (Interval::Day, 1, 1_200, "36500"),
        (Interval::Day, 30, 1_200, "1216.666667"),
    ];
    for (interval, count, cents, expected) in cases {
        let scheme = Scheme::PerUnit { unit: PriceAmount::minor_units(cents), transform: None };
        let price = Price { cadence: every(count, interval), scheme, ..price("p", "P", 0) };
        assert_eq!(level(&price, 1), expected, "{count} {interval:?}");
    }
}

#[test]
fn a_yearly_price_gives_back_what_is_paid_a_year() {
    let level = per_month(&yearly(price("p", "P", 1_000)), 1).unwrap();
    assert_eq!(level.arr_minor_units(), 100_000);
}

#[test]
fn twelve_decimals_of_a_unit_amount_count() {
    let scheme = |text| Scheme::PerUnit { unit: PriceAmount::parse(text).unwrap(), transform: None };
    let tiny = Price { scheme: scheme("0.000000000001"), ..price("p", "P", 0) };
    assert_eq!(level(&tiny, 1_000_000_000_000), "1");
    assert_eq!(level(&tiny, 500_000), "0", "half a micro-unit goes to the even one below");
    assert_eq!(level(&tiny, 1_500_000), "0.000002", "and one and a half to the even one above");
    assert_eq!(level(&Price { scheme: scheme("0.05"), ..tiny }, 3), "0.15");
}

#[test]
fn packages_are_counted_up_or_down() {
    let packages = |quantity, round_up| {
        let transform = Some(TransformQuantity { divide_by: 10.try_into().unwrap(), round_up });
        let scheme = Scheme::PerUnit { unit: dollars(5), transform };
        level(&Price { scheme, ..price("p", "P", 0) }, quantity)
    };
    assert_eq!(packages(20, true), "1000");
    assert_eq!(packages(21, true), "1500");
    assert_eq!(packages(29, false), "1000");
    assert_eq!(packages(9, false), "0");
    assert_eq!(packages(0, true), "0");
}

#[test]
fn graduated_tiers_bill_each_band_at_its_rate() {
    let tiers = [(Some(5), 10, 4), (Some(10), 20, 3), (None, 0, 2)];
    let price = tiered(price("p", "P", 0), TiersMode::Graduated, &tiers);
    assert_eq!(level(&price, 1), "1400");
    assert_eq!(level(&price, 5), "3000", "the last unit of a band belongs to it");
    assert_eq!(level(&price, 6), "5300", "the second band's flat amount is due with its first unit");
    assert_eq!(level(&price, 12), "6900");
    assert_eq!(level(&price, 0), "1000", "quantity 0 still bills the first tier's flat amount");
}

#[test]
fn no_unit_is_free_for_want_of_a_band() {
    for mode in [TiersMode::Graduated, TiersMode::Volume] {
        let price = tiered(price("p", "P", 0), mode, &[(Some(5), 0, 4)]);
        assert_eq!(level(&price, 8), "3200", "{mode:?}");
    }
}

#[test]
fn volume_tiers_bill_all_units_at_the_rate_of_their_band() {
    let tiers = [(Some(5), 10, 4), (Some(10), 20, 3), (None, 0, 2)];
    let price = tiered(price("p", "P", 0), TiersMode::Volume, &tiers);
    assert_eq!(level(&price, 5), "3000");
    assert_eq!(level(&price, 6), "3800");
    assert_eq!(level(&price, 11), "2200");
    assert_eq!(level(&price, 0), "1000");
}

#[test]
fn what_an_event_does_not_carry_is_named_not_guessed() {
    let price = unknown_tiers(price("price_7", "P", 0));
    assert_eq!(per_month(&price, 1), Err(Unvalued::Tiers("price_7".to_owned())));
    let price = Price { scheme: Scheme::AmountNotSent, ..price };
    assert_eq!(per_month(&price, 1), Err(Unvalued::Amount("price_7".to_owned())));
}

#[test]
fn an_amount_past_64_bits_is_refused_and_named() {
    let scheme = Scheme::PerUnit { unit: PriceAmount::minor_units(i64::MAX), transform: None };
    let price = Price { scheme, ..price("price_7", "P", 0) };
    assert_eq!(per_month(&price, u64::MAX), Err(Unvalued::TooLarge("price_7".to_owned())));
}
