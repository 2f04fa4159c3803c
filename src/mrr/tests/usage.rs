//! R8: usage MRR; R4: what can't be valued is held.

use super::testing::*;
use crate::mrr::{
    Cadence, Fact, Instant, Interval, InvoiceStatus, Item, Matter, Origin, Policy, Price, State,
};

const JAN: (i64, i64) = (0, 31);
const FEB: (i64, i64) = (31, 59);

fn period(days: (i64, i64)) -> (Instant, Instant) {
    (day(days.0), day(days.1))
}

fn items() -> [Item; 2] {
    [item("a.1", &price("base", "P", 10), 1), item("a.2", &metered("calls", "P"), 1)]
}

fn begun() -> Story {
    Story::new().created("a", day(0), active(&items()))
}

#[test]
fn a_level_is_the_revenue_of_the_last_closed_period_one_second_before_its_end() {
    begun().billed("a", period(JAN), &[("a.2", 40)]).billed("a", period(FEB), &[("a.2", 30)]).moves(&[
        "d0 new created a.1 +10",
        "d31-1 expansion/usage usage a.2 +40",
        "d59-1 contraction/usage usage a.2 -10",
    ]);
}

#[test]
fn months_of_28_to_31_days_are_whole() {
    for (start, end) in [(0, 31), (31, 59), (59, 90), (90, 120), (30, 58), (58, 89)] {
        let moves = told(&begun().billed("a", period((start, end)), &[("a.2", 40)]).derive().movements);
        assert!(moves[1].ends_with("usage a.2 +40"), "{start} to {end}: {moves:?}");
    }
}

#[test]
fn a_short_first_period_is_scaled_up_to_a_whole_one() {
    let moves = told(&begun().billed("a", period((21, 31)), &[("a.2", 40)]).derive().movements);
    assert_eq!(moves[1], "d31-1 expansion/usage usage a.2 +124", "31 days of January 22 to February 22");
}

#[test]
fn a_period_is_normalised_by_the_prices_interval() {
    let yearly =
        Price { cadence: Cadence { interval: Interval::Year, ..Cadence::MONTHLY }, ..metered("c", "P") };
    let story = Story::new().created("a", day(0), active(&[items()[0].clone(), item("a.2", &yearly, 1)]));
    let moves = told(&story.billed("a", period((0, 365)), &[("a.2", 120)]).derive().movements);
    assert_eq!(moves[1], "d365-1 expansion/usage usage a.2 +10");
}

#[test]
fn a_cycles_invoice_without_a_line_says_zero() {
    begun().billed("a", period(JAN), &[("a.2", 40)]).billed("a", period(FEB), &[]).moves(&[
        "d0 new created a.1 +10",
        "d31-1 expansion/usage usage a.2 +40",
        "d59-1 contraction/usage usage a.2 -40",
    ]);
}

#[test]
fn a_cycles_invoice_says_zero_of_one_meter_beside_the_line_of_another() {
    let meters = [items()[0].clone(), items()[1].clone(), item("a.3", &metered("rows", "R"), 1)];
    Story::new()
        .created("a", day(0), active(&meters))
        .billed("a", period(JAN), &[("a.2", 40), ("a.3", 7)])
        .billed("a", period(FEB), &[("a.2", 40)])
        .moves(&[
            "d0 new created a.1 +10",
            "d31-1 expansion/usage usage a.2 +40",
            "d31-1 expansion/usage usage a.3 +7",
            "d59-1 contraction/usage usage a.3 -7",
        ]);
}

#[test]
fn an_invoice_that_closes_no_cycle_says_nothing_of_what_it_leaves_out() {
    let mut story = begun().billed("a", period(JAN), &[("a.2", 40)]).billed("a", period((31, 40)), &[]);
    if let Some(Fact::Usage(invoice)) = story.facts.last_mut() {
        invoice.is_cycle = false;
    }
    story.moves(&["d0 new created a.1 +10", "d31-1 expansion/usage usage a.2 +40"]);
}

#[test]
fn a_voided_invoice_takes_its_usage_back_and_payment_gives_it_again() {
    let story = begun()
        .billed("a", period(JAN), &[("a.2", 40)])
        .invoice("a", "in_feb", day(59), InvoiceStatus::Draft, period(FEB), &[])
        .invoice("a", "in_feb", day(60), InvoiceStatus::Billed, period(FEB), &[("a.2", 100)])
        .invoice("a", "in_feb", day(70), InvoiceStatus::Withdrawn, period(FEB), &[("a.2", 100)])
        .invoice("a", "in_feb", day(80), InvoiceStatus::Billed, period(FEB), &[("a.2", 100)]);
    story.moves(&[
        "d0 new created a.1 +10",
        "d31-1 expansion/usage usage a.2 +40",
        "d59-1 expansion/usage usage a.2 +60",
        "d70 contraction/usage usage a.2 -60",
        "d80 expansion/usage usage a.2 +60",
    ]);
    let proofs: Vec<_> = story.derive().movements.iter().map(|m| m.evidence.event.to_string()).collect();
    assert_eq!(proofs[1..], ["evt_9998", "evt_9996", "evt_9995", "evt_9994"]);
}

#[test]
fn lines_of_one_period_add_up_within_and_across_invoices() {
    begun()
        .billed("a", period(JAN), &[("a.2", 40), ("a.2", 2)])
        .billed("a", period(JAN), &[("a.2", 8)])
        .moves(&["d0 new created a.1 +10", "d31-1 expansion/usage usage a.2 +50"]);
}

#[test]
fn a_window_takes_the_mean_of_the_last_periods() {
    let mut story = begun()
        .billed("a", period(JAN), &[("a.2", 40)])
        .billed("a", period(FEB), &[("a.2", 20)])
        .billed("a", period((59, 90)), &[("a.2", 60)]);
    story.policy = Policy { usage_window: 2, ..Policy::default() };
    story.moves(&[
        "d0 new created a.1 +10",
        "d31-1 expansion/usage usage a.2 +40",
        "d59-1 contraction/usage usage a.2 -10",
        "d90-1 expansion/usage usage a.2 +10",
    ]);
}

#[test]
fn a_cycle_says_nothing_of_an_item_that_was_added_as_it_closed() {
    let mut story = Story::new()
        .created("a", day(0), active(&items()[..1]))
        .updated("a", day(31), active(&items()))
        .billed("a", period(JAN), &[])
        .billed("a", period(FEB), &[("a.2", 40)]);
    story.policy = Policy { usage_window: 2, ..Policy::default() };
    // February alone is its mean.
    story.moves(&["d0 new created a.1 +10", "d59-1 expansion/usage usage a.2 +40"]);
}

#[test]
fn an_item_that_ends_takes_its_usage_to_zero() {
    begun().billed("a", period(JAN), &[("a.2", 40)]).updated("a", day(40), active(&items()[..1])).moves(&[
        "d0 new created a.1 +10",
        "d31-1 expansion/usage usage a.2 +40",
        "d40 contraction/usage usage a.2 -40",
    ]);
}

#[test]
fn a_subscription_that_only_meters_is_new_with_its_first_usage() {
    let story = Story::new().created("a", day(0), active(&items()[1..]));
    story.billed("a", period(JAN), &[("a.2", 40)]).moves(&["d31-1 new usage a.2 +40"]);
}

#[test]
fn usage_known_before_a_subscription_is_first_seen_opens_with_it() {
    Story::new()
        .billed("a", period(JAN), &[("a.2", 40)])
        .snapshot("a", day(40), Origin::Updated, Some(active(&items())), active(&items()))
        .moves(&["d40 opening a.1 +10", "d40 opening a.2 +40"]);
}

#[test]
fn a_cycle_without_a_line_before_a_subscription_is_first_seen_says_zero_as_well() {
    Story::new()
        .billed("a", period(JAN), &[("a.2", 40)])
        .billed("a", period(FEB), &[])
        .snapshot("a", day(70), Origin::Updated, Some(active(&items())), active(&items()))
        .moves(&["d70 opening a.1 +10"]);
}

#[test]
fn what_one_invoice_leaves_out_another_bills() {
    let story = begun().billed("a", period(JAN), &[("a.2", 40)]).billed("a", period(JAN), &[]);
    story.moves(&["d0 new created a.1 +10", "d31-1 expansion/usage usage a.2 +40"]);
}

#[test]
fn one_item_that_left_holds_only_one_of_two_that_came() {
    let (known, unknown) = (price("k", "P", 10), unknown_tiers(price("u", "P", 0)));
    let both = active(&[item("a.2", &unknown, 1), item("a.3", &unknown, 1)]);
    Story::new()
        .created("a", day(0), tiers(&known, 2))
        .updated("a", day(1), both)
        .deleted("a", day(2))
        .moves(&["d0 new created a.1 +20", "d2 churn canceled a.1 -20"]);
}

#[test]
fn what_cannot_be_valued_is_held_by_what_left_its_product_or_by_all_that_left() {
    let (p, q) = (item("a.1", &price("p", "P", 10), 1), item("a.2", &price("q", "Q", 5), 1));
    let unknown = |product| active(&[item("a.3", &unknown_tiers(price("u", product, 0)), 1)]);
    Story::new()
        .created("a", day(0), active(&[p.clone(), q]))
        .updated("a", day(1), unknown("Q"))
        .deleted("a", day(2))
        .moves(&[
            "d0 new created a.1 +10",
            "d0 new created a.2 +5",
            "d1 contraction/product_removed product a.1 -10",
            "d2 churn canceled a.2 -5",
        ]);
    Story::new()
        .created("a", day(0), active(&[p.clone(), item("a.2", &price("q", "Q", 5), 1)]))
        .updated("a", day(1), unknown("R"))
        .deleted("a", day(2))
        .moves(&[
            "d0 new created a.1 +10",
            "d0 new created a.2 +5",
            "d2 churn canceled a.1 -10",
            "d2 churn canceled a.2 -5",
        ]);
    Story::new()
        .created("a", day(0), active(&[p]))
        .updated("a", day(1), unknown("R"))
        .deleted("a", day(2))
        .moves(&["d0 new created a.1 +10", "d2 churn canceled a.1 -10"]);
}

#[test]
fn items_that_a_payload_leaves_out_are_held_and_reported() {
    let few = State { items_truncated: true, ..active(&[item("a.1", &price("k", "P", 10), 2)]) };
    let both = active(&[item("a.1", &price("k", "P", 10), 1), item("a.2", &price("l", "Q", 5), 1)]);
    let story = Story::new().created("a", day(0), both).updated("a", day(1), few).deleted("a", day(2));
    story.moves(&[
        "d0 new created a.1 +10",
        "d0 new created a.2 +5",
        "d1 expansion/seat quantity a.1 +10",
        "d2 churn canceled a.1 -20",
        "d2 churn canceled a.2 -5",
    ]);
    assert_eq!(story.derive().findings[0].matter, Matter::ItemsTruncated);
}

#[test]
fn an_item_held_in_the_place_of_one_that_is_shown_is_not_left_out_as_well() {
    let unknown = item("a.2", &unknown_tiers(price("u", "P", 0)), 1);
    let few = State { items_truncated: true, ..active(&[unknown]) };
    Story::new()
        .created("a", day(0), tiers(&price("k", "P", 10), 2))
        .updated("a", day(1), few)
        .deleted("a", day(2))
        .moves(&["d0 new created a.1 +20", "d2 churn canceled a.1 -20"]);
}

#[test]
fn usage_of_a_subscription_never_seen_moves_nothing() {
    Story::new().billed("a", period(JAN), &[("a.2", 40)]).moves(&[]);
}

#[test]
fn a_usage_fact_reaches_back_to_the_second_it_takes_effect() {
    let story = begun().billed("a", period(JAN), &[("a.2", 40)]);
    assert_eq!(story.facts[1].reaches_back_to(), Instant(day(31).0 - 1));
}

fn tiers(state_price: &Price, quantity: u64) -> State {
    active(&[item("a.1", state_price, quantity)])
}

#[test]
fn what_cannot_be_valued_is_held_at_its_last_known_level_and_reported() {
    let (known, unknown) = (price("k", "P", 10), unknown_tiers(price("u", "P", 0)));
    let story = Story::new()
        .created("a", day(0), tiers(&known, 2))
        .updated("a", day(1), tiers(&unknown, 2))
        .updated("a", day(2), tiers(&unknown, 9))
        .updated("a", day(5), tiers(&known, 3));
    story.moves(&["d0 new created a.1 +20", "d5 expansion/upsell tier a.1 +10"]);
    let findings = story.derive().findings;
    assert_eq!(findings.len(), 1, "{findings:#?}");
    let missing = "the tiers of price u".to_owned();
    assert_eq!(findings[0].matter, Matter::Incomplete { item: "a.1".into(), missing });
}

#[test]
fn a_line_held_ends_with_what_it_was_held_at() {
    let (known, unknown) = (price("k", "P", 10), unknown_tiers(price("u", "P", 0)));
    Story::new()
        .created("a", day(0), tiers(&known, 2))
        .updated("a", day(1), tiers(&unknown, 2))
        .deleted("a", day(5))
        .moves(&["d0 new created a.1 +20", "d5 churn canceled a.1 -20"]);
}

#[test]
fn an_item_put_in_anothers_place_is_held_at_the_others_level() {
    let (known, unknown) = (price("k", "P", 10), unknown_tiers(price("u", "P", 0)));
    Story::new()
        .created("a", day(0), tiers(&known, 2))
        .updated("a", day(1), active(&[item("a.2", &unknown, 2)]))
        .updated("a", day(5), active(&[item("a.2", &known, 3)]))
        .moves(&["d0 new created a.1 +20", "d5 expansion/upsell tier a.2 +10"]);
}

/// Makes the last line of the last invoice one of this price.
fn of_price(mut story: Story, price: &str) -> Story {
    if let Some(Fact::Usage(invoice)) = story.facts.last_mut()
        && let Some(line) = invoice.lines.last_mut()
    {
        line.price = price.into();
    }
    story
}

#[test]
fn lines_of_both_prices_of_a_meter_changed_in_mid_life_add_up_each_by_its_own_interval() {
    let weekly =
        Price { cadence: Cadence { interval: Interval::Week, ..Cadence::MONTHLY }, ..metered("w", "P") };
    let story = begun().learns_price(day(-1), &weekly);
    let story = of_price(story.billed("a", (day(0), day(7)), &[("a.2", 70), ("a.2", 12)]), "w");
    // 70 of seven days of a month of 31, and 12 of a whole week: 310 + 52.
    assert_eq!(told(&story.derive().movements)[1], "d7-1 expansion/usage usage a.2 +362");
}

#[test]
fn a_meter_that_bills_by_another_price_goes_on_with_its_level() {
    let other = [items()[0].clone(), item("a.2", &metered("calls_2", "P"), 1)];
    begun()
        .billed("a", period(JAN), &[("a.2", 40)])
        .updated("a", day(40), active(&other))
        .billed("a", period(FEB), &[("a.2", 50)])
        .moves(&[
            "d0 new created a.1 +10",
            "d31-1 expansion/usage usage a.2 +40",
            "d59-1 expansion/usage usage a.2 +10",
        ]);
}

#[test]
fn a_line_of_a_price_that_is_licensed_is_no_usage() {
    let story = begun().learns_price(day(90), &price("licensed", "P", 10));
    of_price(story.billed("a", period(JAN), &[("a.2", 40), ("a.2", 500)]), "licensed")
        .moves(&["d0 new created a.1 +10", "d31-1 expansion/usage usage a.2 +40"]);
}

#[test]
fn a_line_of_a_price_that_was_held_as_licensed_is_no_usage() {
    of_price(begun().billed("a", period(JAN), &[("a.2", 40), ("a.2", 10)]), "base")
        .moves(&["d0 new created a.1 +10", "d31-1 expansion/usage usage a.2 +40"]);
}

#[test]
fn an_invoice_first_heard_of_as_voided_had_counted_until_then() {
    begun().invoice("a", "in_jan", day(40), InvoiceStatus::Withdrawn, period(JAN), &[("a.2", 40)]).moves(&[
        "d0 new created a.1 +10",
        "d31-1 expansion/usage usage a.2 +40",
        "d40 contraction/usage usage a.2 -40",
    ]);
}
