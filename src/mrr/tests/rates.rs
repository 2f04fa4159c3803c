//! R9: exchange rates, and which of them is a month's.

use crate::mrr::{ExchangeRate, MissingRate, Month, MonthRate, Quote, RateTable};

fn rate(text: &str) -> ExchangeRate {
    ExchangeRate::parse(text).unwrap()
}

/// Quotes as (day, from, to, rate).
fn table(quotes: &[(&str, &str, &str, &str)]) -> RateTable {
    let mut table = RateTable::default();
    for (date, from, to, text) in quotes {
        let (from, to) = ((*from).into(), (*to).into());
        table.add(Quote { date: date.parse().unwrap(), from, to, rate: rate(text) });
    }
    table
}

fn in_october(table: &RateTable, from: &str, to: &str) -> Result<MonthRate, MissingRate> {
    table.of_month(&from.into(), &to.into(), Month::parse("2026-10").unwrap())
}

/// October's rate as a fraction, and the days it was quoted on.
fn told(table: &RateTable, from: &str, to: &str) -> (String, Vec<String>) {
    let found = in_october(table, from, to).unwrap();
    (found.value.to_string(), found.quotes.iter().map(|quote| quote.date.to_string()).collect())
}

#[test]
fn a_rate_is_a_plain_decimal_above_zero_of_nine_digits_and_twenty() {
    let (longest, finest) = ("9".repeat(9), format!("0.{}1", "0".repeat(19)));
    for text in ["1", "1.0856", "0.5", "007", &longest, &finest] {
        assert_eq!(rate(text).to_string(), text);
    }
    let (too_long, too_fine) = ("1".repeat(10), format!("1.{}", "1".repeat(21)));
    for text in [
        "", "0", "0.00", ".", ".5", "5.", "-1", "+1", "1.-5", "1_0", "1e3", "1,5", "1.5.2", &too_long,
        &too_fine,
    ] {
        assert_eq!(ExchangeRate::parse(text), None, "{text}");
    }
}

#[test]
fn rates_are_the_same_by_their_value_and_are_written_as_they_were() {
    assert_eq!(rate("1.50"), rate("1.5"));
    assert_ne!(rate("1.50"), rate("1.51"));
    assert_eq!(rate("1.50").value().to_string(), "3/2");
    let quote = Quote {
        date: "2026-10-30".parse().unwrap(),
        from: "eur".into(),
        to: "usd".into(),
        rate: rate("1.50"),
    };
    assert_eq!(quote.to_string(), "1 eur = 1.50 usd on 2026-10-30");
}

#[test]
fn a_months_rate_is_the_last_one_of_its_last_eleven_days() {
    let days = |days: &[&'static str]| -> Vec<(&str, &str, &str, &str)> {
        days.iter().map(|day| (*day, "eur", "usd", if day.ends_with('1') { "1.25" } else { "1.5" })).collect()
    };
    let found = |dated: &[&'static str]| told(&table(&days(dated)), "eur", "usd");
    assert_eq!(found(&["2026-10-21"]), ("5/4".into(), vec!["2026-10-21".into()]));
    assert_eq!(found(&["2026-10-30", "2026-10-21", "2026-11-01"]), ("3/2".into(), vec!["2026-10-30".into()]));
    let old = table(&days(&["2026-10-20", "2026-11-01"]));
    let missing = in_october(&old, "eur", "usd").unwrap_err();
    assert_eq!(missing.to_string(), "no rate of eur in usd for 2026-10-31");
    assert_eq!(missing.earliest().to_string(), "2026-10-21");
}

#[test]
fn of_one_day_and_pair_the_quote_added_last_counts() {
    let twice = table(&[("2026-10-30", "eur", "usd", "1.25"), ("2026-10-30", "eur", "usd", "1.5")]);
    assert_eq!(told(&twice, "eur", "usd").0, "3/2");
}

#[test]
fn a_currency_is_one_of_itself_without_any_quote() {
    assert_eq!(told(&table(&[]), "usd", "usd"), ("1".into(), vec![]));
}

#[test]
fn a_pair_is_read_in_both_directions_and_the_newer_quote_counts() {
    let one = table(&[("2026-10-30", "eur", "usd", "1.25")]);
    assert_eq!(told(&one, "usd", "eur").0, "4/5");
    let newer_own = table(&[("2026-10-30", "eur", "usd", "1.25"), ("2026-10-29", "usd", "eur", "0.5")]);
    assert_eq!(told(&newer_own, "eur", "usd"), ("5/4".into(), vec!["2026-10-30".into()]));
    assert_eq!(told(&newer_own, "usd", "eur"), ("4/5".into(), vec!["2026-10-30".into()]));
    let one_day = table(&[("2026-10-30", "eur", "usd", "1.25"), ("2026-10-30", "usd", "eur", "0.5")]);
    assert_eq!(told(&one_day, "eur", "usd").0, "5/4", "of one day, the pair's own");
    assert_eq!(told(&one_day, "usd", "eur").0, "1/2");
}

#[test]
fn a_currency_that_both_are_quoted_against_joins_them_the_euro_before_others() {
    // A pound is 1 / 0.8 euros of 1.2 dollars each; by Australian dollars it would be two dollars.
    let quotes = [
        ("2026-10-30", "aud", "gbp", "0.5"),
        ("2026-10-30", "aud", "usd", "1"),
        ("2026-10-29", "eur", "gbp", "0.8"),
        ("2026-10-28", "eur", "usd", "1.2"),
    ];
    let found = told(&table(&quotes), "gbp", "usd");
    assert_eq!(found, ("3/2".into(), vec!["2026-10-29".into(), "2026-10-28".into()]));
    assert_eq!(told(&table(&quotes[..2]), "gbp", "usd").0, "2");
    let own = [("2026-10-21", "gbp", "usd", "1.75")];
    assert_eq!(
        told(&table(&[&quotes[..], &own].concat()), "gbp", "usd").0,
        "7/4",
        "a pair's own comes first"
    );
    assert!(in_october(&table(&quotes[2..3]), "gbp", "usd").is_err(), "one half is no rate");
}
