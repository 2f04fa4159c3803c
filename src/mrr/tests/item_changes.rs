//! History from item changes: their sums are what was held, at the prices that make them.

use std::sync::Arc;

use super::history::{bill, line};
use super::testing::*;
use crate::mrr::{
    BilledLine, BillingReason, Delta, Evidence, Fact, Grade, Instant, Item, ItemChange, Listed, MICRO,
    Matter, Origin, Price, Scheme, Snapshot, State, Status,
};

/// A row of changes of item `a.1` at a price known by its id: a quantity, and minor units of MRR.
fn change(mut story: Story, at: Instant, item: &str, price: &str, quantity: i64, minor: i64) -> Story {
    let bare = Price { scheme: Scheme::PriceNotSent, ..super::testing::price(price, "P", 0) };
    let number = story.facts.len();
    let sub = item.split('.').next().unwrap();
    story.facts.push(Fact::Change(ItemChange {
        customer: "cus_1".into(),
        subscription: sub.into(),
        item: item.into(),
        price: Arc::new(bare),
        quantity,
        delta: Delta(i128::from(minor) * MICRO),
        at,
        evidence: Evidence { grade: Grade::Sigma, ..evidence(&format!("row:{number}")) },
    }));
    story
}

fn seen(mut story: Story, at: Instant, state: State) -> Story {
    let origin = if state.status == Status::Canceled { Origin::Deleted } else { Origin::Seen };
    story.facts.push(Fact::Subscription(Snapshot {
        listed: Some(Listed { began_at: Some(day(0)), lasts_until: None }),
        evidence: Evidence { grade: Grade::Listing, ..evidence("listing:a") },
        ..snapshot("a", "", at, origin, None, state)
    }));
    story
}

/// Two seats at ten dollars from day 0 on, three from day 40 on, told as an end and a start.
fn grown() -> Story {
    let story = change(Story::new(), day(0), "a.1", "p", 2, 2_000);
    let story = change(story, day(40), "a.1", "p", 3, 3_000);
    change(story, day(40), "a.1", "p", -2, -2_000).learns_price(day(50), &price("p", "P", 10))
}

#[test]
fn changes_from_the_first_row_on_are_history() {
    let story = change(grown(), day(90), "a.1", "p", -3, -3_000);
    story.moves(&[
        "d0 new created a.1 +20",
        "d40 expansion/seat quantity a.1 +10",
        "d90 churn canceled a.1 -30",
    ]);
    assert!(story.derive().movements.iter().all(|movement| movement.evidence.grade == Grade::Sigma));
}

#[test]
fn a_figure_is_exact_where_the_price_is_known_and_stripe_s_own_where_it_is_not() {
    let year = yearly(price("y", "P", 100));
    let story = change(Story::new(), day(0), "a.1", "y", 1, 833);
    assert_eq!(story.derive().movements[0].delta, Delta(833 * MICRO));
    let known = story.learns_price(day(9), &year);
    assert_eq!(known.derive().movements[0].delta, Delta(833_333_333));
    assert!(known.derive().findings.is_empty());
}

#[test]
fn what_is_below_the_price_is_a_discount() {
    let story = change(Story::new(), day(0), "a.1", "p", 10, 8_000);
    let story = change(story, day(10), "a.1", "p", 2, 1_600);
    let story = change(story, day(20), "a.1", "p", 0, 2_400).learns_price(day(30), &price("p", "P", 10));
    story.moves(&[
        "d0 new created a.1 +80",
        "d10 expansion/seat quantity a.1 +16",
        "d20 expansion/discount discount_ended a.1 +24",
    ]);
    // No whole percent makes it: an amount does.
    let odd = change(Story::new(), day(0), "a.1", "p", 10, 9_123).learns_price(day(9), &price("p", "P", 10));
    assert_eq!(odd.derive().movements[0].delta, Delta(9_123 * MICRO));
}

#[test]
fn a_discount_of_the_customer_is_not_taken_off_twice() {
    let half = percent("half", 50);
    let story = change(Story::new(), day(5), "a.1", "p", 2, 1_000).learns_price(day(0), &price("p", "P", 10));
    story.customer_shows(day(1), Some(&half)).moves(&["d5 new created a.1 +10"]);
}

#[test]
fn a_table_that_begins_in_the_midst_of_a_life_opens_it() {
    let story = change(Story::new(), day(40), "a.1", "p", -1, -1_000);
    let story = change(story, day(60), "a.1", "p", -1, -1_000).learns_price(day(50), &price("p", "P", 10));
    story.moves(&[
        "d40 opening a.1 +20",
        "d40 contraction/seat quantity a.1 -10",
        "d60 churn canceled a.1 -10",
    ]);
    let ended = change(Story::new(), day(40), "a.1", "p", -2, -2_000);
    ended.moves(&["d40 opening a.1 +20", "d40 churn canceled a.1 -20"]);
}

#[test]
fn another_price_on_the_same_item_is_the_step_it_is() {
    let story = change(grown(), day(50), "a.1", "p", -3, -3_000);
    let story = change(story, day(50), "a.1", "q", 3, 4_500).learns_price(day(60), &price("q", "P", 15));
    story.moves(&[
        "d0 new created a.1 +20",
        "d40 expansion/seat quantity a.1 +10",
        "d50 expansion/upsell tier a.1 +15",
    ]);
}

#[test]
fn what_ends_and_begins_again_is_churn_and_reactivation() {
    let story = change(grown(), day(50), "a.1", "p", -3, -3_000);
    let story = change(story, day(80), "a.1", "p", 1, 1_000);
    story.moves(&[
        "d0 new created a.1 +20",
        "d40 expansion/seat quantity a.1 +10",
        "d50 churn canceled a.1 -30",
        "d80 reactivation activated a.1 +10",
    ]);
}

#[test]
fn an_end_that_a_later_word_does_not_know_is_none() {
    let seats = item("a.1", &price("p", "P", 10), 3);
    let asked = change(grown(), day(50), "a.1", "p", -3, -3_000);
    let before = ["d0 new created a.1 +20", "d40 expansion/seat quantity a.1 +10"];
    seen(asked.clone(), day(60), active(std::slice::from_ref(&seats))).moves(&before);
    let gone =
        State { status: Status::Canceled, ended_at: Some(day(70)), ..active(std::slice::from_ref(&seats)) };
    seen(asked.clone(), day(99), gone).moves(&[before[0], before[1], "d70 churn canceled a.1 -30"]);
    let unpaid = with_status(Status::Unpaid, active(std::slice::from_ref(&seats)));
    seen(asked, day(60), unpaid).moves(&[before[0], before[1], "d50 churn canceled a.1 -30"]);
}

#[test]
fn from_the_first_event_on_changes_have_no_say() {
    let seats = |quantity| active(&[item("a.1", &price("p", "P", 10), quantity)]);
    let story = grown().snapshot("a", day(45), Origin::Updated, Some(seats(3)), seats(5));
    let story = change(story, day(45), "a.1", "p", 2, 2_000);
    let story = change(story, day(70), "a.1", "p", 9, 9_000);
    story.moves(&[
        "d0 new created a.1 +20",
        "d40 expansion/seat quantity a.1 +10",
        "d45 expansion/seat quantity a.1 +20",
    ]);
}

#[test]
fn a_free_item_is_held_by_its_quantity_and_one_without_a_quantity_by_its_figure() {
    assert_eq!(change(Story::new(), day(0), "a.1", "free", 1, 0).derive().levels.len(), 1);
    change(Story::new(), day(0), "a.1", "p", 0, 500).moves(&["d0 new created a.1 +5"]);
}

#[test]
fn what_an_instant_takes_away_goes_before_what_it_gives() {
    let story = change(Story::new(), day(40), "a.1", "p", 3, 3_000);
    let story = change(story, day(40), "a.1", "p", -2, -2_000).learns_price(day(50), &price("p", "P", 10));
    story.moves(&["d40 opening a.1 +20", "d40 expansion/seat quantity a.1 +10"]);
    // Figures alone, as of a discount.
    let story = change(Story::new(), day(40), "a.1", "p", 0, 800);
    let story = change(story, day(40), "a.1", "p", 0, -500);
    let levels = story.derive().movements;
    assert_eq!(
        levels.iter().map(|movement| movement.delta).collect::<Vec<_>>(),
        [Delta(500 * MICRO), Delta(300 * MICRO)]
    );
}

#[test]
fn what_is_taken_away_or_nothing_names_no_price_and_a_figure_does() {
    let known = |story: Story| {
        story.learns_price(day(60), &price("p", "P", 10)).learns_price(day(60), &price("q", "P", 15))
    };
    let prices = |story: Story| {
        let levels = known(story).derive().levels;
        levels.iter().map(|level| level.price.to_string()).collect::<Vec<_>>()
    };
    let begun = || change(Story::new(), day(0), "a.1", "p", 2, 2_000);
    assert_eq!(prices(change(begun(), day(9), "a.1", "q", -1, -1_000)), ["p", "p"]);
    assert_eq!(prices(change(begun(), day(9), "a.1", "q", 0, 0)), ["p"]);
    assert_eq!(prices(change(begun(), day(9), "a.1", "q", 0, 1_000)), ["p", "q"]);
}

#[test]
fn a_figure_rounded_up_is_its_price_s_and_one_a_whole_unit_away_is_not() {
    let year = yearly(price("y", "P", 2));
    let story = change(Story::new(), day(0), "a.1", "y", 1, 17).learns_price(day(9), &year);
    assert_eq!(story.derive().movements[0].delta, Delta(16_666_667));
    let figure = |minor| change(Story::new(), day(0), "a.1", "p", 1, minor);
    let known = |minor| figure(minor).learns_price(day(9), &price("p", "P", 10));
    assert_eq!(known(999).derive().movements[0].delta, Delta(999 * MICRO));
    assert_eq!(known(1_001).derive().movements[0].delta, Delta(1_001 * MICRO));
}

#[test]
fn a_figure_above_the_price_counts_as_it_is_by_the_month_and_without_tax() {
    let year = yearly(price("y", "P", 120));
    let story = change(Story::new(), day(0), "a.1", "y", 1, 1_500).learns_price(day(9), &year);
    story.moves(&["d0 new created a.1 +15"]);
    let taxed = Item { inclusive_tax: 250_000, ..item("a.1", &year, 1) };
    let story = seen(story, day(20), active(&[taxed]));
    assert_eq!(story.derive().movements[0].delta, Delta(1_500 * MICRO));
}

#[test]
fn an_amount_off_a_yearly_price_is_a_year_s() {
    let year = yearly(price("y", "P", 120));
    let story = change(Story::new(), day(0), "a.1", "y", 1, 913).learns_price(day(9), &year);
    assert_eq!(story.derive().movements[0].delta, Delta(913 * MICRO));
}

#[test]
fn a_metered_item_is_one_whatever_its_rows_say() {
    let story = change(Story::new(), day(0), "a.1", "m", 5, 0).learns_price(day(9), &metered("m", "M"));
    let story = change(story, day(0), "a.2", "p", 2, 2_000).learns_price(day(9), &price("p", "P", 10));
    story.moves(&["d0 new created a.2 +20"]);
    assert!(story.derive().levels.iter().all(|level| !level.is_metered || level.quantity == 1));
}

#[test]
fn only_what_is_seen_after_the_last_row_denies_an_end() {
    let seats = active(&[item("a.1", &price("p", "P", 10), 3)]);
    let asked = change(grown(), day(50), "a.1", "p", -3, -3_000);
    let ended =
        ["d0 new created a.1 +20", "d40 expansion/seat quantity a.1 +10", "d50 churn canceled a.1 -30"];
    seen(asked.clone(), day(45), seats.clone()).moves(&ended);
    seen(asked, day(50), seats).moves(&ended);
}

#[test]
fn the_first_row_goes_on_from_what_invoices_told_before_it() {
    let seats = item("a.1", &price("p", "P", 10), 2);
    let trial = BilledLine { is_free: true, ..line(&seats, 0, 14) };
    let story = bill(Story::new(), BillingReason::Beginning, 0, vec![trial]);
    change(story, day(14), "a.1", "p", 2, 2_000).moves(&["d14 new trial_ended a.1 +20"]);
    let story = bill(Story::new(), BillingReason::Beginning, 0, vec![line(&seats, 0, 90)]);
    let story = change(change(story, day(40), "a.1", "p", -1, -1_000), day(60), "a.1", "p", 3, 3_000);
    assert!(!story.derive().findings.iter().any(|finding| finding.matter == Matter::BrokenChain));
    // From the first row on the rows alone tell.
    let story = bill(Story::new(), BillingReason::Cycle, 14, vec![line(&seats, 14, 45)]);
    change(story, day(14), "a.1", "p", 2, 2_000).moves(&["d14 new created a.1 +20"]);
}
