//! Ratios, ARR, currencies, the months before.

use std::num::NonZeroU32;

use super::book::{Told, at, block, dollars, history, item, month, october, priced, settings, value};
use crate::mrr::{Cadence, Currency, Delta, Interval};
use crate::report::{IncompleteLine, Rate, Settings, customer_rows, month_report, range_report};

#[test]
fn a_thousand_dollars_a_year_print_an_arr_of_exactly_that() {
    let yearly = Cadence { interval: Interval::Year, count: NonZeroU32::MIN };
    let told = [Told::of("cus_1").starts(
        "sub_1",
        "2026-09-02",
        vec![priced("si_1", "team", "usd", 100_000, 1, yearly)],
    )];
    let report = month_report(&history(&told, at("2026-11-01")), &settings(), month("2026-10"));
    let json = report.to_json().unwrap();
    assert!(json.contains("\"ending_mrr\": \"8333.333333\""));
    assert!(json.contains("\"ending_arr\": \"100000\""));
    assert!(report.to_table().contains("1,000.00"));
}

#[test]
fn without_a_denominator_there_is_a_reason() {
    let told = [Told::of("cus_1").starts("sub_1", "2026-10-02", vec![item("si_1", "team", 10, 1)])];
    let report = month_report(&history(&told, at("2026-11-01")), &settings(), month("2026-10"));
    let usd = block(&report, "usd");
    let reason = |rate: &Rate| match rate {
        Rate::Known(fraction) => fraction.to_decimal(),
        Rate::Unknown(reason) => reason.to_string(),
    };
    assert_eq!(reason(&usd.figures.nrr), "no starting MRR");
    assert_eq!(reason(&usd.figures.expansion_rate), "no starting MRR");
    assert_eq!(reason(&usd.rates.quick_ratio), "no losses");
    assert_eq!(reason(&usd.rates.upsell_rate), "no starting customers");
    assert_eq!(reason(&usd.rates.ttm_expansion_rate), "0 of 12 months");
    assert_eq!(reason(&usd.rates.expansion_share_of_new_arr), "0");
    let json = report.to_json().unwrap();
    assert!(json.contains("\"nrr\": null,\n        \"nrr_reason\": \"no starting MRR\""), "{json}");
}

#[test]
fn a_payers_first_line_in_another_currency_is_expansion_from_outside() {
    let euros = |quantity| vec![priced("si_eur", "team", "eur", 4_000, quantity, Cadence::MONTHLY)];
    let told = [
        Told::of("cus_1").starts("sub_1", "2026-08-02", vec![item("si_1", "team", 10, 1)]).starts(
            "sub_2",
            "2026-10-11",
            euros(1),
        ),
        Told::of("cus_2").starts("sub_3", "2026-08-02", euros(2)),
    ];
    let report = month_report(&history(&told, at("2026-11-01")), &settings(), month("2026-10"));
    let eur = block(&report, "eur");
    assert_eq!(eur.expansion_from_outside, Delta(dollars(40)));
    assert_eq!(eur.figures.total_expansion, Delta(dollars(40)));
    assert_eq!(value(&eur.figures.nrr), "1");
    assert_eq!((eur.figures.customers.new, eur.figures.customers.starting), (0, 1));
    assert_eq!(block(&report, "usd").figures.total_expansion, Delta::ZERO);
    let asked = Settings { currency: Some(Currency::from("eur")), ..settings() };
    let report = month_report(&history(&told, at("2026-11-01")), &asked, month("2026-10"));
    assert_eq!(report.currencies.len(), 1);
}

#[test]
fn trailing_twelve_months_count_those_who_were_there_at_their_start() {
    let told = [
        Told::of("cus_1")
            .starts("sub_1", "2025-06-01", vec![item("si_1", "team", 10, 10)])
            .becomes("sub_1", "2025-12-10", vec![item("si_1", "team", 10, 13)])
            .becomes("sub_1", "2026-09-10", vec![item("si_1", "team", 10, 14)]),
        Told::of("cus_2").starts("sub_2", "2026-02-01", vec![item("si_2", "team", 10, 5)]).becomes(
            "sub_2",
            "2026-03-01",
            vec![item("si_2", "team", 10, 50)],
        ),
    ];
    let history = history(&told, at("2026-11-05"));
    let rate = |name| {
        let report = month_report(&history, &settings(), month(name));
        value(&block(&report, "usd").rates.ttm_expansion_rate)
    };
    assert_eq!(rate("2026-10"), "0.4");
    assert_eq!(rate("2026-06"), "0.3");
    assert!(rate("2026-05").contains("11 of 12 months"));
    let october = month_report(&history, &settings(), month("2026-10"));
    let rates = &block(&october, "usd").rates;
    assert_eq!(value(&rates.expansion_share_of_new_arr_3m), "1");
    assert_eq!(value(&rates.expansion_share_of_new_arr_12m), "0.907407");
}

#[test]
fn a_range_says_of_each_month_what_its_own_report_says() {
    let history = history(&october(), at("2026-12-01"));
    let range = range_report(&history, &settings(), month("2026-06"), month("2026-11")).unwrap();
    assert_eq!(range.months.len(), 6);
    for report in &range.months {
        assert_eq!(*report, month_report(&history, &settings(), report.month));
    }
    let backwards = range_report(&history, &settings(), month("2026-11"), month("2026-06"));
    assert!(backwards.unwrap_err().to_string().contains("--from"));
}

#[test]
fn past_due_is_at_risk_and_an_asked_end_is_scheduled() {
    let told = [Told::of("cus_1")
        .starts("sub_1", "2026-08-02", vec![item("si_1", "team", 10, 1)])
        .falls_due("sub_1", "2026-10-20")
        .will_end("sub_1", "2026-10-25", "2026-12-02")];
    let mut history = history(&told, at("2026-11-05"));
    history.customers[0].incomplete.push(IncompleteLine {
        subscription: "sub_9".into(),
        item: "si_9".into(),
        missing: "tiers of price_9".to_owned(),
        since: at("2026-10-01"),
    });
    let report = month_report(&history, &settings(), month("2026-10"));
    let usd = block(&report, "usd");
    assert_eq!(usd.at_risk.0, dollars(10));
    assert_eq!(usd.scheduled.len(), 1);
    assert_eq!(usd.scheduled[0].movement.delta, Delta(dollars(-10)));
    assert_eq!(usd.incomplete.len(), 1);
    let rows = customer_rows(&history, &settings(), month("2026-10"), false);
    assert_eq!((rows[0].status, rows[0].mrr.0), ("past_due", dollars(10)));
}

#[test]
fn an_owners_book_grows_by_its_expansion_and_the_rest() {
    let told = [
        Told::of("cus_1")
            .with("owner", "north")
            .starts("sub_1", "2026-08-02", vec![item("si_1", "team", 10, 10)])
            .becomes("sub_1", "2026-10-02", vec![item("si_1", "team", 10, 13)]),
        Told::of("cus_2").with("owner", "north").starts(
            "sub_2",
            "2026-10-03",
            vec![item("si_2", "team", 70, 1)],
        ),
        Told::of("cus_3").starts("sub_3", "2026-10-03", vec![item("si_3", "team", 70, 1)]),
    ];
    let asked = Settings { owner_key: Some("metadata.owner".to_owned()), ..settings() };
    let report = month_report(&history(&told, at("2026-11-01")), &asked, month("2026-10"));
    let owners = &block(&report, "usd").owners;
    assert_eq!((owners[0].owner.as_str(), value(&owners[0].owner_book_growth)), ("north", "0.3".to_owned()));
    // What is in nobody's book comes last, so that the books sum to the whole; it has no target.
    assert_eq!((owners.len(), owners[1].owner.as_str(), owners[1].is_owned()), (2, "(none)", false));
    assert_eq!((owners[1].core_expansion, owners[1].growth), (Delta(0), Delta(dollars(70))));
}
