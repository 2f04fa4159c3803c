//! R15: the class is decided for the customer.

use super::testing::*;
use crate::mrr::{Item, State};

fn on(id: &str, product: &str, amount: i64, quantity: u64) -> State {
    active(&[item(id, &price(&format!("price_{product}"), product, amount), quantity)])
}

#[test]
fn a_second_subscription_of_a_payer_is_expansion_not_new() {
    Story::new()
        .created("a", day(0), on("a.1", "P", 10, 1))
        .created("b", day(1), on("b.1", "Q", 5, 1))
        .deleted("a", day(2))
        .moves(&[
            "d0 new created a.1 +10",
            "d1 expansion/cross_sell product b.1 +5",
            "d2 contraction/product_removed canceled a.1 -10",
        ]);
}

#[test]
fn who_paid_before_and_stands_at_zero_is_reactivated() {
    Story::new()
        .created("a", day(0), on("a.1", "P", 10, 1))
        .deleted("a", day(1))
        .created("b", day(10), on("b.1", "Q", 5, 1))
        .moves(&["d0 new created a.1 +10", "d1 churn canceled a.1 -10", "d10 reactivation created b.1 +5"]);
}

#[test]
fn a_free_subscription_is_no_movement_and_paying_for_it_is_new() {
    Story::new()
        .created("a", day(0), on("a.1", "P", 0, 1))
        .updated("a", day(3), on("a.1", "Q", 10, 1))
        .moves(&["d3 new tier a.1 +10"]);
}

#[test]
fn each_item_that_comes_from_nothing_has_the_cause_that_moved_it() {
    let second = item("a.2", &price("q", "Q", 5), 1);
    let gift = Item { discounts: vec![percent("all", 100)], ..second.clone() };
    let free = item("a.1", &price("free", "P", 0), 1);
    let story = Story::new().created("a", day(0), active(&[free, gift]));
    story
        .updated("a", day(3), active(&[item("a.1", &price("paid", "P", 10), 1), second]))
        .moves(&["d3 new tier a.1 +10", "d3 new discount_ended a.2 +5"]);
}

#[test]
fn parts_that_sum_to_zero_are_a_switch() {
    let story = Story::new().created("a", day(0), on("a.1", "basic", 10, 10)).updated(
        "a",
        day(1),
        on("a.1", "pro", 20, 5),
    );
    story.moves(&[
        "d0 new created a.1 +100",
        "d1 switch/seat quantity a.1 -50",
        "d1 switch/upsell tier a.1 +50",
    ]);
}

#[test]
fn all_that_changes_in_one_second_is_one_change() {
    Story::new()
        .created("a", day(0), on("a.1", "P", 10, 3))
        .created("b", day(0), on("b.1", "Q", 10, 3))
        .updated("a", day(1), on("a.1", "P", 10, 4))
        .updated("b", day(1), on("b.1", "Q", 10, 1))
        .moves(&[
            "d0 new created a.1 +30",
            "d0 new created b.1 +30",
            "d1 contraction/seat quantity a.1 +10",
            "d1 contraction/seat quantity b.1 -20",
        ]);
}

#[test]
fn a_subscription_replaced_by_another_in_one_second_is_no_churn() {
    Story::new()
        .created("a", day(0), on("a.1", "P", 10, 3))
        .deleted("a", day(1))
        .created("b", day(1), on("b.1", "P", 10, 5))
        .moves(&["d0 new created a.1 +30", "d1 expansion/seat quantity b.1 +20"]);
}

#[test]
fn a_customer_of_one_currency_exists_in_every_other() {
    let euro = active(&[item("b.1", &euros(price("e", "Q", 5)), 1)]);
    Story::new()
        .created("a", day(0), on("a.1", "P", 10, 1))
        .created("b", day(1), euro)
        .deleted("a", day(2))
        .deleted("b", day(3))
        .moves(&[
            "d0 new created a.1 +10",
            "d1 expansion/cross_sell product b.1 +5 eur",
            "d2 contraction/product_removed canceled a.1 -10",
            "d3 churn canceled b.1 -5 eur",
        ]);
}

#[test]
fn a_move_to_another_currency_is_decided_for_the_customer_and_booked_in_each() {
    let euro = active(&[item("a.1", &euros(price("price_P_eur", "P", 9)), 1)]);
    let story = Story::new().created("a", day(0), on("a.1", "P", 10, 1)).updated("a", day(1), euro);
    let moves = told(&story.derive().movements);
    assert_eq!(moves.len(), 3, "{moves:?}");
    assert!(moves[1].starts_with("d1 expansion/") && moves[1].ends_with("+9 eur"), "{moves:?}");
    assert!(moves[2].starts_with("d1 contraction/") && moves[2].ends_with("-10"), "{moves:?}");
}

#[test]
fn both_currencies_of_one_beginning_are_new() {
    let euro = active(&[item("b.1", &euros(price("e", "Q", 5)), 1)]);
    Story::new()
        .created("a", day(0), on("a.1", "P", 10, 1))
        .created("b", day(0), euro)
        .moves(&["d0 new created b.1 +5 eur", "d0 new created a.1 +10"]);
}

#[test]
fn a_movement_is_proved_by_the_event_that_caused_it() {
    let story = Story::new()
        .created("a", day(0), on("a.1", "P", 10, 1))
        .created("b", day(1), on("b.1", "Q", 5, 1))
        .updated("a", day(2), on("a.1", "P", 10, 2))
        .deleted("b", day(3))
        .deleted("a", day(4));
    let proofs: Vec<String> =
        story.derive().movements.iter().map(|movement| movement.evidence.event.to_string()).collect();
    assert_eq!(proofs, ["evt_9999", "evt_9998", "evt_9997", "evt_9996", "evt_9995"]);
}

#[test]
fn a_reactivation_carries_how_it_reads_without_the_gap() {
    let story = Story::new().created("a", day(0), on("a.1", "P", 10, 3)).deleted("a", day(1)).created(
        "b",
        day(10),
        on("b.1", "P", 10, 5),
    );
    let movements = story.derive().movements;
    let bridge = movements[2].bridge.as_ref().unwrap();
    assert_eq!(bridge.gap_began_at, day(1));
    let parts: Vec<String> = bridge
        .parts
        .iter()
        .map(|part| format!("{} {}", part.kind.as_str(), in_dollars(part.delta)))
        .collect();
    assert_eq!(parts, ["seat +20"]);
    assert!(movements[..2].iter().all(|movement| movement.bridge.is_none()));
}
