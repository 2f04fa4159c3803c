//! Two readings of one book side by side.

use proptest::prelude::*;

use super::book::*;
use crate::mrr::{Cadence, Currency, Delta, Month};
use crate::report::{
    Comparison, CurrencyChange, CustomerChange, History, Reading, Settings, comparable_months, compare,
};

fn compared(now: &[Told], then: &[Told]) -> Comparison {
    let (now, then) = (history(now, at("2026-11-05")), history(then, at("2026-11-05")));
    of(&now, &then, &settings(), month("2026-09"), month("2026-10"))
}

fn of(now: &History, then: &History, settings: &Settings, from: Month, to: Month) -> Comparison {
    let now = Reading { history: now, settings };
    let then = Reading { history: then, settings };
    compare(now, then, from, to).unwrap()
}

fn usd() -> Currency {
    Currency::from("usd")
}

/// A customer that pays so much from September on, and so much more from October on.
fn payer(customer: &str, amount: i64, more: i64) -> Told {
    let told = Told::of(customer).starts("sub", "2026-09-03", vec![item("si", "team", amount, 1)]);
    told.becomes("sub", "2026-10-07", vec![item("si", "team", amount + more, 1)])
}

#[test]
fn a_book_compared_with_itself_differs_in_no_month() {
    let same = compared(&october(), &october());
    assert_eq!(same.months, []);
    assert_eq!(same.unchanged, [month("2026-09"), month("2026-10")]);
    assert_eq!((same.customers, same.customers_that_differ), (8, 0));
    assert!(same.largest.is_empty());
}

#[test]
fn what_differs_is_told_by_month_lane_and_customer() {
    let now = [payer("cus_a", 10, 5), payer("cus_b", 20, 1)];
    let then = [payer("cus_a", 10, 8), payer("cus_b", 20, 1)];
    let comparison = compared(&now, &then);
    assert_eq!(comparison.unchanged, [month("2026-09")]);
    let change = &comparison.months[0].currencies[0];
    assert_eq!((comparison.months[0].month, change.customers), (month("2026-10"), 1));
    assert_eq!(change.now.total_expansion, Delta(dollars(6)));
    assert_eq!(change.then.total_expansion, Delta(dollars(9)));
    assert_eq!((value(&change.now.nrr), value(&change.then.nrr)), ("1.2".to_owned(), "1.3".to_owned()));
    let expected = CustomerChange {
        customer: "cus_a".into(),
        months: 1,
        month: month("2026-10"),
        figure: "expansion",
        now: Delta(dollars(5)),
        then: Delta(dollars(8)),
    };
    assert_eq!(comparison.largest[&usd()], [expected]);
}

#[test]
fn customers_that_differ_and_sum_to_the_same_are_a_difference() {
    let now = [payer("cus_a", 10, 5), payer("cus_b", 10, 1)];
    let then = [payer("cus_a", 10, 1), payer("cus_b", 10, 5)];
    let comparison = compared(&now, &then);
    let change = &comparison.months[0].currencies[0];
    assert_eq!((&change.now, change.customers), (&change.then, 2));
    assert_eq!(comparison.largest[&usd()].len(), 2);
}

#[test]
fn a_level_carried_into_the_months_compared_is_told_by_its_end() {
    let starts =
        |amount| vec![Told::of("cus_a").starts("sub", "2026-07-03", vec![item("si", "team", amount, 1)])];
    let comparison = compared(&starts(10), &starts(30));
    assert_eq!(comparison.months.len(), 2);
    let change = &comparison.largest[&usd()][0];
    assert_eq!((change.figure, change.months, change.month), ("ending_mrr", 2, month("2026-09")));
    assert_eq!((change.now, change.then), (Delta(dollars(10)), Delta(dollars(30))));
}

#[test]
fn a_currency_of_one_side_alone_is_compared_with_nothing() {
    let euros = |customer: &str| {
        let item = priced("si", "team", "eur", 1_000, 1, Cadence::MONTHLY);
        Told::of(customer).starts("sub", "2026-10-03", vec![item])
    };
    let comparison = compared(&[], &[euros("cus_a")]);
    let change = &comparison.months[0].currencies[0];
    assert_eq!(change.currency, Currency::from("eur"));
    assert_eq!(change.now.rollforward.ending_mrr, mrr(0));
    assert_eq!(change.then.rollforward.ending_mrr, mrr(10));
}

#[test]
fn the_ten_largest_differences_are_told() {
    let told = |more: i64| -> Vec<Told> {
        (1..=12).map(|number| payer(&format!("cus_{number:02}"), 10, 1 + number * more)).collect()
    };
    let comparison = compared(&told(0), &told(1));
    let largest = &comparison.largest[&usd()];
    assert_eq!((largest.len(), comparison.customers_that_differ), (10, 12));
    assert_eq!(largest[0].customer, "cus_12".into());
    assert_eq!(largest[9].customer, "cus_03".into());
}

#[test]
fn the_months_that_are_compared_reach_from_the_first_movement_of_either_to_the_last() {
    let long = Told::of("cus_a").starts("sub", "2009-07-03", vec![item("si", "team", 1, 1)]);
    let now = history(&[payer("cus_a", 1, 1)], at("2026-11-05"));
    let settings = settings();
    let months = |now: &History, then: &History| {
        let now = Reading { history: now, settings: &settings };
        comparable_months(now, Reading { history: then, settings: &settings })
    };
    assert_eq!(months(&now, &now), Some((month("2026-09"), month("2026-10"))));
    // Ten years at most, the last ones.
    assert_eq!(months(&now, &history(&[long], at("2026-11-05"))), Some((month("2016-11"), month("2026-10"))));
    let none = History::default();
    assert_eq!(months(&none, &none), None);
}

/// What holds of every currency of every month: starting MRR and lanes make ending MRR, on both sides.
fn foots(change: &CurrencyChange) -> bool {
    [&change.now, &change.then].into_iter().all(|figures| {
        let roll = &figures.rollforward;
        let lanes: Delta = roll.lanes.iter().map(|(_, amount)| *amount).sum();
        roll.starting_mrr + lanes == roll.ending_mrr
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_sides_foot_and_compare_the_other_way_round_with_the_same_months(
        now in prop::collection::vec((1..50_i64, 1..50_i64), 1..6),
        then in prop::collection::vec((1..50_i64, 1..50_i64), 1..6),
    ) {
        let told = |amounts: &[(i64, i64)]| -> Vec<Told> {
            let told = amounts.iter().enumerate();
            told.map(|(index, (amount, more))| payer(&format!("cus_{index}"), *amount, *more)).collect()
        };
        let (there, back) = (compared(&told(&now), &told(&then)), compared(&told(&then), &told(&now)));
        prop_assert!(there.months.iter().flat_map(|month| &month.currencies).all(foots));
        prop_assert_eq!(&there.unchanged, &back.unchanged);
        prop_assert_eq!(there.customers_that_differ, back.customers_that_differ);
        for (there, back) in there.months.iter().zip(&back.months) {
            for (there, back) in there.currencies.iter().zip(&back.currencies) {
                prop_assert_eq!((&there.now, &there.then), (&back.then, &back.now));
            }
        }
    }
}
