//! Amounts of the ledger and of prices, and how often prices bill (R1 to R3).

use super::testing::every;
use crate::mrr::{Cadence, Delta, Interval, Mrr, PriceAmount, divide_half_even};

#[test]
fn halves_are_rounded_to_the_even_one_on_both_sides_of_zero() {
    for (numerator, denominator, rounded) in [
        (0, 7, 0),
        (6, 3, 2),
        (10, 3, 3),
        (11, 3, 4),
        (1, 2, 0),
        (3, 2, 2),
        (5, 2, 2),
        (7, 2, 4),
        (-1, 2, 0),
        (-5, 2, -2),
        (-7, 2, -4),
        (-10, 3, -3),
        (-11, 3, -4),
    ] {
        assert_eq!(divide_half_even(numerator, denominator), rounded, "{numerator}/{denominator}");
    }
}

#[test]
fn amounts_are_written_in_minor_units_without_needless_decimals() {
    for (micro, text) in [
        (0, "0"),
        (1, "0.000001"),
        (1_000_000, "1"),
        (2_500_000, "2.5"),
        (-2_500_000, "-2.5"),
        (-40, "-0.00004"),
        (8_333_333_333, "8333.333333"),
    ] {
        assert_eq!(Mrr(micro).to_string(), text);
        assert_eq!(Delta(micro).to_string(), text);
    }
}

#[test]
fn levels_and_changes_add_up_exactly() {
    let (low, high) = (Mrr(3), Mrr(10));
    assert_eq!(high - low, Delta(7));
    assert_eq!(low + Delta(7), high);
    assert_eq!(low + high, Mrr(13));
    assert_eq!(Delta(5) + Delta(-7), Delta(-2));
    assert_eq!(Delta(5) - Delta(-7), Delta(12));
    assert_eq!(-Delta(5), Delta(-5));
    assert_eq!([low, high, low].into_iter().sum::<Mrr>(), Mrr(16));
    assert_eq!([Delta(4), Delta(-1)].into_iter().sum::<Delta>(), Delta(3));
    let (mut level, mut change) = (low, Delta(3));
    level += high;
    level += Delta(-2);
    change += Delta(4);
    assert_eq!((level, change), (Mrr(11), Delta(7)));
}

#[test]
fn only_what_is_above_zero_is_positive() {
    assert_eq!([1, 0, -1].map(|micro| Mrr(micro).is_positive()), [true, false, false]);
}

#[test]
fn a_year_of_a_yearly_price_is_that_price() {
    assert_eq!(Mrr(8_333_333_333).arr_minor_units(), 100_000);
    assert_eq!(Mrr(5_000_000).arr_minor_units(), 60);
}

#[test]
fn an_interval_is_so_many_months_of_a_year_of_365_days_and_52_weeks() {
    for (interval, factor) in [
        (Interval::Day, (365, 36)),
        (Interval::Week, (52, 36)),
        (Interval::Month, (1, 3)),
        (Interval::Year, (1, 36)),
    ] {
        assert_eq!(every(3, interval).monthly_factor(), factor);
    }
}

#[test]
fn prices_that_bill_equally_often_are_told_by_how_often_not_by_words() {
    let same = [
        (Cadence::MONTHLY, Cadence::MONTHLY),
        (every(12, Interval::Month), every(1, Interval::Year)),
        (every(1, Interval::Day), every(1, Interval::Day)),
        (every(2, Interval::Week), every(2, Interval::Week)),
    ];
    let different = [
        (Cadence::MONTHLY, every(1, Interval::Year)),
        (every(1, Interval::Week), every(7, Interval::Day)),
        (every(1, Interval::Month), every(2, Interval::Month)),
    ];
    assert!(same.into_iter().all(|(one, other)| one.equals(other) && other.equals(one)));
    assert!(!different.into_iter().any(|(one, other)| one.equals(other) || other.equals(one)));
}

#[test]
fn a_price_amount_is_a_plain_decimal_of_twelve_places() {
    let one = PriceAmount::ONE;
    assert_eq!(PriceAmount::minor_units(5).0, 5 * one);
    let longest = "9".repeat(24);
    for (text, amount) in [
        ("0", 0),
        ("12", 12 * one),
        ("0.5", one / 2),
        ("-3.25", -13 * one / 4),
        ("12.000", 12 * one),
        ("0.000000000001", 1),
        ("0.5000000000000000000", one / 2),
        (longest.as_str(), (10_i128.pow(24) - 1) * one),
    ] {
        assert_eq!(PriceAmount::parse(text), Some(PriceAmount(amount)), "{text}");
    }
    let too_long = "1".repeat(25);
    for text in ["", "-", ".", ".5", "+5", "-+5", "1e3", "1a", "1.a", "1.+5", "0.0000000000001", &too_long] {
        assert_eq!(PriceAmount::parse(text), None, "{text}");
    }
}

#[test]
fn a_price_amount_is_written_as_it_is_read() {
    for text in ["0", "12", "0.5", "-3.25", "0.000000000001", "-0.1", "999999999999.999999999999"] {
        assert_eq!(PriceAmount::parse(text).map(|amount| amount.to_string()).as_deref(), Some(text));
    }
}
