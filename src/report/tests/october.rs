//! The worked October.

use super::book::{at, block, dollars, history, month, mrr, october, settings, value};
use crate::mrr::{Class, Delta, Kind, Lane};
use crate::report::{CurrencyBlock, Rate, month_report};

fn block_of(name: &str) -> CurrencyBlock {
    let report = month_report(&history(&october(), at("2026-12-01")), &settings(), month(name));
    block(&report, "usd").clone()
}

fn delta(amount: i64) -> Delta {
    Delta(dollars(amount))
}

#[test]
fn the_worked_october_foots_to_the_last_unit() {
    let october = block_of("2026-10");
    let roll = &october.figures.rollforward;
    assert_eq!((roll.starting_mrr, roll.ending_mrr), (mrr(860), mrr(740)));
    let lanes = [
        (Lane::Opening, 90),
        (Lane::New, 80),
        (Lane::Reactivation, 0),
        (Lane::Resume, 0),
        (Lane::Expansion, 110),
        (Lane::Contraction, 0),
        (Lane::Churn, -200),
        (Lane::Pause, -100),
        (Lane::Transfer, -100),
    ];
    for (lane, amount) in lanes {
        assert_eq!(roll.lane(lane), delta(amount), "{lane:?}");
    }
}

#[test]
fn the_worked_october_divides_by_what_stood_and_was_brought_forward() {
    let figures = block_of("2026-10").figures;
    let Rate::Known(rate) = figures.expansion_rate else { panic!("no rate") };
    assert_eq!((rate.numerator, rate.denominator), (dollars(110), dollars(950)));
    assert_eq!(rate.to_decimal(), "0.115789");
    assert_eq!(value(&figures.nrr), "0.694737");
    assert_eq!(value(&figures.grr), "0.578947");
    assert_eq!(figures.retained_base_growth, delta(110));
    assert_eq!(figures.net_expansion, delta(-90));
}

#[test]
fn the_worked_october_splits_expansion_by_kind() {
    let october = block_of("2026-10");
    let kind = |kind| october.figures.expansion_by_kind.iter().find(|(name, _)| *name == kind).unwrap().1;
    assert_eq!(kind(Kind::Upsell), delta(120));
    assert_eq!(kind(Kind::Seat), delta(-10));
    assert_eq!(october.figures.core_expansion, delta(110));
    let expanders: Vec<(&str, Delta)> =
        october.top_expanders.iter().map(|one| (one.customer.as_str(), one.expansion)).collect();
    assert_eq!(expanders, [("cus_g", delta(60)), ("cus_d", delta(30)), ("cus_a", delta(20))]);
    let median = october.concentration.median.known().unwrap();
    assert_eq!(median.to_decimal(), "3000");
}

#[test]
fn the_worked_octobers_activity_is_not_netted() {
    let activity = block_of("2026-10").activity;
    let sums = [
        (Class::Opening, 90),
        (Class::New, 50),
        (Class::Reactivation, 60),
        (Class::Expansion, 20 + 30 + 30 + 90),
        (Class::Contraction, -30),
        (Class::Churn, -200 - 60),
        (Class::Pause, -100),
        (Class::Transfer, -100),
        (Class::Switch, 0),
    ];
    for (class, amount) in sums {
        assert_eq!(activity.class(class), delta(amount), "{class:?}");
    }
}

#[test]
fn the_worked_octobers_customers_are_counted_by_their_fate() {
    let customers = block_of("2026-10").figures.customers;
    assert_eq!(customers.starting, 7);
    assert_eq!((customers.new, customers.expanded, customers.contracted), (1, 3, 0));
    assert_eq!((customers.churned, customers.paused, customers.transferred), (1, 1, 1));
    assert_eq!(customers.ending, 5);
}

#[test]
fn november_brings_the_transfer_back_and_churns_who_ended_while_paused() {
    let (october, november) = (block_of("2026-10"), block_of("2026-11"));
    let roll = &november.figures.rollforward;
    assert_eq!(roll.starting_mrr, october.figures.rollforward.ending_mrr);
    assert_eq!(roll.lane(Lane::Transfer), delta(100));
    assert_eq!(roll.lane(Lane::Expansion), delta(20));
    assert_eq!((roll.lane(Lane::Pause), roll.lane(Lane::Churn)), (delta(100), delta(-100)));
    assert_eq!(november.figures.customers.churned, 1);
}
