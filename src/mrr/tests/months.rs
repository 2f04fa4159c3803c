//! Months in a time zone, and the ends of billing periods (R2, R8).

use chrono_tz::Tz;

use super::testing::{DAY, every};
use crate::mrr::{Instant, Interval, Month, period_end};

fn month(text: &str) -> Month {
    Month::parse(text).unwrap()
}

#[test]
fn a_month_is_four_digits_and_two() {
    for text in ["2026-10", "2026-01", "2026-12", "0001-01", "9999-12"] {
        assert_eq!(month(text).to_string(), text);
    }
    for text in [
        "", "2026", "2026-1", "202-10", "26-10", "2026-00", "2026-13", "0000-01", "+026-10", "2026-+1",
        "2026-010",
    ] {
        assert_eq!(Month::parse(text), None, "{text}");
    }
    assert_eq!(Month::new(2026, 10), Some(month("2026-10")));
    assert_eq!(Month::new(10_000, 1), None);
}

#[test]
fn months_are_counted_over_the_turn_of_a_year() {
    assert_eq!(month("2026-12").next(), month("2027-01"));
    assert_eq!(month("2027-01").minus(1), month("2026-12"));
    assert_eq!(month("2026-03").minus(15), month("2024-12"));
    assert_eq!(month("2027-02").since(month("2026-11")), 3);
    assert_eq!(month("2026-11").since(month("2027-02")), -3);
}

#[test]
fn an_instant_falls_into_the_month_that_its_zone_says() {
    // 2026-12-31 23:30 UTC.
    let late = Instant(1_798_759_800);
    assert_eq!(Month::of(late, Tz::UTC), month("2026-12"));
    assert_eq!(Month::of(late, Tz::America__New_York), month("2026-12"));
    assert_eq!(Month::of(late, Tz::Europe__Berlin), month("2027-01"));
    assert_eq!(Month::of(Instant(0), Tz::UTC), month("1970-01"));
}

#[test]
fn a_month_starts_at_midnight_of_its_zone_and_ends_where_the_next_starts() {
    let october = month("2026-10");
    assert_eq!(october.start(Tz::UTC), Instant(1_790_812_800));
    assert_eq!(october.start(Tz::America__New_York), Instant(1_790_827_200));
    assert_eq!(october.start(Tz::Pacific__Auckland), Instant(1_790_766_000));
    assert_eq!(october.end(Tz::UTC), Instant(1_793_491_200));
    assert_eq!(month("2026-12").end(Tz::UTC), month("2027-01").start(Tz::UTC));
}

#[test]
fn a_month_whose_midnight_the_clock_skips_starts_an_hour_later() {
    // In Jordan the clock went from 2011-04-01 00:00 to 01:00, which is 22:00 UTC of the day before.
    assert_eq!(month("2011-04").start(Tz::Asia__Amman), Instant(1_301_608_800));
}

#[test]
fn a_billing_period_is_days_by_the_clock_and_months_by_the_calendar() {
    let end = |start, count, interval| period_end(Instant(start), every(count, interval)).0;
    // 2026-01-31 00:00 UTC.
    let start = 1_769_817_600;
    assert_eq!(end(start, 1, Interval::Day), start + DAY);
    assert_eq!(end(start, 3, Interval::Day), start + 3 * DAY);
    assert_eq!(end(start, 2, Interval::Week), start + 14 * DAY);
    assert_eq!(end(start, 1, Interval::Month), start + 28 * DAY);
    assert_eq!(end(start, 12, Interval::Month), start + 365 * DAY);
    assert_eq!(end(start, 1, Interval::Year), start + 365 * DAY);
}
