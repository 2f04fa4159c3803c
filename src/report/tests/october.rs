//! The worked October.

use super::book::{at, block, dollars, history, month, mrr, october, settings, value};
use crate::mrr::{Cause, Class, Delta, Kind, Lane, Mrr};
use crate::report::{CurrencyBlock, Fraction, Rate, month_report};

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

#[test]
fn the_worked_october_splits_expansion_by_cause() {
    let october = block_of("2026-10");
    // A: two seats +20, G: three fewer −30; D: another tier +30, G: another tier +90.
    let moved: Vec<(Cause, Delta)> =
        october.expansion_by_cause.iter().copied().filter(|(_, sum)| *sum != Delta::ZERO).collect();
    assert_eq!(moved, [(Cause::Quantity, delta(-10)), (Cause::Tier, delta(120))]);
    assert_eq!(october.expansion_by_cause.len(), Cause::OF_ITEMS.len());
    assert!(october.contraction_by_cause.iter().all(|(_, sum)| *sum == Delta::ZERO));
}

#[test]
fn the_worked_octobers_expansion_hangs_on_three() {
    let concentration = block_of("2026-10").concentration;
    let curve: Vec<(u64, Delta, String)> = concentration
        .curve
        .iter()
        .map(|point| (point.customers, point.expansion, value(&point.share)))
        .collect();
    let expected = [(1, 60, "0.545455"), (2, 90, "0.818182"), (3, 110, "1")];
    assert_eq!(curve, expected.map(|(count, amount, share)| (count, delta(amount), share.to_owned())));
}

#[test]
fn the_worked_octobers_cohorts_are_followed_from_the_end_of_their_first_month() {
    let october = block_of("2026-10");
    let cohort = |name: &str| october.retention.iter().find(|cohort| cohort.month == month(name)).unwrap();
    let shares = |name: &str| -> Vec<(String, String)> {
        cohort(name).points.iter().map(|point| (value(&point.nrr), value(&point.grr))).collect()
    };
    // A 100 and G 300 become 120 and 360; C 200 leaves while H keeps 60; E pauses, F is between two subscriptions.
    let pair = |net: &str, gross: &str| (net.to_owned(), gross.to_owned());
    assert_eq!((cohort("2026-09").customers, cohort("2026-09").base), (2, mrr(400)));
    assert_eq!(shares("2026-09"), [pair("1.2", "1")]);
    assert_eq!(cohort("2026-08").base, mrr(260));
    assert_eq!(shares("2026-08"), [pair("1", "1"), pair("0.230769", "0.230769")]);
    assert_eq!(shares("2026-07").last(), Some(&pair("0", "0")));
    assert_eq!(shares("2026-06").len(), 4);
    // B is new at 80, D was brought forward and stands at 120: nothing is behind them yet.
    let own = cohort("2026-10");
    assert_eq!((own.customers, own.brought_forward, own.base), (2, 1, mrr(200)));
    assert!(own.points.is_empty());
}

#[test]
fn the_worked_october_has_a_year_of_expansion_and_what_the_target_asks() {
    let october = block_of("2026-10");
    let last = october.trend.last().unwrap();
    assert_eq!(last.expansion_by_kind, october.figures.expansion_by_kind);
    assert_eq!((last.total_expansion(), last.new), (delta(110), delta(80)));
    // Three tenths of what the month adds: 80 × 3 ÷ 7.
    let aimed = last.aimed(Fraction { numerator: 3, denominator: 10 }).unwrap();
    assert_eq!(aimed.to_string(), "3428.571429");
    assert_eq!(last.aimed(Fraction { numerator: 1, denominator: 1 }), None);
    let products: Vec<(&str, Delta)> = october.segment_trends[0]
        .rows
        .iter()
        .map(|(segment, months)| (segment.as_str(), *months.last().unwrap()))
        .collect();
    assert_eq!(products, [("seats", delta(-30)), ("team", delta(140))]);
}

#[test]
fn the_worked_october_names_who_is_paused_until_the_subscription_ends() {
    let paused = block_of("2026-10").pauses;
    let told: Vec<(&str, &str, Mrr)> =
        paused.iter().map(|one| (one.customer.as_str(), one.subscription.as_str(), one.mrr)).collect();
    assert_eq!(told, [("cus_e", "sub_e", mrr(100))]);
    assert_eq!(paused[0].since, at("2026-10-18"));
    assert_eq!(block_of("2026-11").pauses, [], "it ended while paused");
}
