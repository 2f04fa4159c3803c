//! R19: a customer that left with one subscription and came back with another has moved.

use super::testing::*;
use crate::mrr::{Delta, Fate, Instant, Lane, Motion, MotionSigns, Policy, State, Status, net_month};

fn on(id: &str, product: &str, amount: i64, quantity: u64) -> State {
    active(&[item(id, &price(&format!("price_{product}"), product, amount), quantity)])
}

fn later(at: Instant, seconds: i64) -> Instant {
    Instant(at.0 + seconds)
}

fn left() -> Story {
    Story::new().created("a", day(0), on("a.1", "P", 20, 5)).deleted("a", day(10))
}

#[test]
fn who_starts_another_subscription_has_moved_not_churned() {
    left().created("b", day(11), on("b.1", "P", 20, 6)).moves(&[
        "d0 new created a.1 +100",
        "d10 transfer a.1 -100",
        "d11 transfer b.1 +100",
        "d11 expansion/seat quantity b.1 +20",
    ]);
}

#[test]
fn what_comes_back_stands_on_the_new_subscription_and_is_moved_by_who_started_it() {
    let deliberate = MotionSigns { declared: Some(Motion::Deliberate), ..MotionSigns::default() };
    let story = Story { motion: deliberate, ..left() }.created("b", day(11), on("b.1", "P", 20, 5));
    let movements = story.derive().movements;
    let told: Vec<_> = movements[1..].iter().map(|m| (m.subscription.to_string(), m.motion)).collect();
    assert_eq!(told, [("a".to_owned(), Motion::Unknown), ("b".to_owned(), Motion::Deliberate)]);
}

#[test]
fn who_has_moved_left_no_gap_to_bridge() {
    let movements = left().created("b", day(11), on("b.1", "P", 20, 6)).derive().movements;
    assert_eq!(movements.len(), 4);
    assert!(movements.iter().all(|movement| movement.bridge.is_none()));
}

#[test]
fn the_window_includes_its_last_second() {
    let started = |at| told(&left().created("b", at, on("b.1", "P", 20, 5)).derive().movements);
    assert_eq!(started(day(13))[1..], ["d10 transfer a.1 -100", "d13 transfer b.1 +100"]);
    let late = started(later(day(13), 1));
    assert_eq!(late[1..], ["d10 churn canceled a.1 -100", "d13+1 reactivation created b.1 +100"]);
}

#[test]
fn the_window_is_the_policys() {
    let mut story = left().created("b", day(11), on("b.1", "P", 20, 5));
    story.policy = Policy { transfer_window_seconds: 0, ..Policy::default() };
    story.moves(&[
        "d0 new created a.1 +100",
        "d10 churn canceled a.1 -100",
        "d11 reactivation created b.1 +100",
    ]);
}

#[test]
fn a_downgrade_on_return_is_a_contraction_after_the_transfer() {
    left().created("b", day(11), on("b.1", "P", 20, 3)).moves(&[
        "d0 new created a.1 +100",
        "d10 transfer a.1 -100",
        "d11 transfer b.1 +100",
        "d11 contraction/seat quantity b.1 -40",
    ]);
}

#[test]
fn the_only_line_is_matched_with_the_only_one_of_the_customer() {
    left().created("b", day(11), on("b.1", "Q", 30, 5)).moves(&[
        "d0 new created a.1 +100",
        "d10 transfer a.1 -100",
        "d11 transfer b.1 +100",
        "d11 expansion/upsell tier b.1 +50",
    ]);
}

#[test]
fn what_is_unmatched_comes_back_on_the_old_item_and_is_removed_there() {
    let two =
        active(&[item("a.1", &price("price_P", "P", 20), 5), item("a.2", &price("price_Q", "Q", 30), 1)]);
    let story = Story::new().created("a", day(0), two).deleted("a", day(10)).created(
        "b",
        day(11),
        on("b.1", "P", 20, 5),
    );
    story.moves(&[
        "d0 new created a.1 +100",
        "d0 new created a.2 +30",
        "d10 transfer a.1 -100",
        "d10 transfer a.2 -30",
        "d11 transfer a.2 +30",
        "d11 transfer b.1 +100",
        "d11 contraction/product_removed canceled a.2 -30",
    ]);
    let proofs: Vec<_> = story.derive().movements.iter().map(|m| m.evidence.event.to_string()).collect();
    let (deleted, created) = ("evt_9998", "evt_9997");
    assert_eq!(proofs[2..], [deleted, deleted, created, created, deleted]);
}

#[test]
fn a_trial_started_in_the_window_that_pays_after_it_is_a_return() {
    left()
        .created("b", day(11), with_status(Status::Trialing, on("b.1", "P", 20, 5)))
        .status("b", day(25), Status::Active)
        .moves(&[
            "d0 new created a.1 +100",
            "d10 churn canceled a.1 -100",
            "d25 reactivation trial_ended b.1 +100",
        ]);
}

#[test]
fn who_did_not_pay_has_not_moved() {
    Story::new()
        .created("a", day(0), on("a.1", "P", 20, 5))
        .status("a", day(10), Status::Unpaid)
        .created("b", day(11), on("b.1", "P", 20, 5))
        .moves(&[
            "d0 new created a.1 +100",
            "d10 churn involuntary a.1 -100",
            "d11 reactivation created b.1 +100",
        ]);
}

#[test]
fn who_left_in_part_for_want_of_payment_has_not_moved() {
    Story::new()
        .created("a", day(0), on("a.1", "P", 20, 5))
        .created("c", day(0), on("c.1", "Q", 30, 1))
        .deleted("a", day(10))
        .status("c", day(10), Status::Unpaid)
        .created("b", day(11), on("b.1", "P", 20, 5))
        .moves(&[
            "d0 new created a.1 +100",
            "d0 new created c.1 +30",
            "d10 churn canceled a.1 -100",
            "d10 churn involuntary c.1 -30",
            "d11 reactivation created b.1 +100",
        ]);
}

#[test]
fn of_two_the_one_that_took_the_customer_to_zero_is_moved() {
    Story::new()
        .created("a", day(0), on("a.1", "P", 20, 5))
        .created("c", day(0), on("c.1", "Q", 30, 1))
        .deleted("c", day(9))
        .deleted("a", day(10))
        .created("b", day(11), on("b.1", "P", 20, 5))
        .moves(&[
            "d0 new created a.1 +100",
            "d0 new created c.1 +30",
            "d9 contraction/product_removed canceled c.1 -30",
            "d10 transfer a.1 -100",
            "d11 transfer b.1 +100",
        ]);
}

#[test]
fn an_end_told_late_is_measured_from_when_it_ended() {
    let story = Story::new()
        .created("a", day(0), on("a.1", "P", 20, 5))
        .deleted_for("a", day(10), day(6), crate::mrr::EndReason::Requested)
        .created("b", day(11), on("b.1", "P", 20, 5));
    let moves = told(&story.derive().movements);
    assert_eq!(moves[1..], ["d6 churn canceled a.1 -100", "d11 reactivation created b.1 +100"]);
}

#[test]
fn all_currencies_of_what_left_come_back() {
    let euro = |id: &str| active(&[item(id, &euros(price("e", "Q", 5)), 1)]);
    Story::new()
        .created("a", day(0), on("a.1", "P", 20, 1))
        .created("e", day(0), euro("e.1"))
        .deleted("a", day(10))
        .deleted("e", day(10))
        .created("b", day(11), on("b.1", "P", 20, 1))
        .moves(&[
            "d0 new created e.1 +5 eur",
            "d0 new created a.1 +20",
            "d10 transfer e.1 -5 eur",
            "d10 transfer a.1 -20",
            "d11 transfer b.1 +20",
            "d11 transfer e.1 +5 eur",
            "d11 contraction/product_removed canceled e.1 -5 eur",
        ]);
}

#[test]
fn a_subscription_that_ended_while_paused_may_have_moved_as_well() {
    Story::new()
        .created("a", day(0), on("a.1", "P", 20, 1))
        .pause("a", day(5))
        .deleted("a", day(10))
        .created("b", day(11), on("b.1", "P", 20, 1))
        .moves(&[
            "d0 new created a.1 +20",
            "d5 pause a.1 -20",
            "d10 pause a.1 +20",
            "d10 transfer a.1 -20",
            "d11 transfer b.1 +20",
        ]);
}

#[test]
fn who_moved_out_of_a_pause_inside_a_month_is_back_and_not_new() {
    let story = Story::new()
        .created("a", day(0), on("a.1", "P", 20, 1))
        .pause("a", day(5))
        .deleted("a", day(10))
        .created("b", day(11), on("b.1", "P", 30, 1));
    let derived = story.derive();
    let net = net_month(&derived.levels, &derived.movements, day(9), day(20));
    assert_eq!(net.fate, Fate::Came(Lane::Resume));
}

#[test]
fn who_moves_out_of_a_pause_over_a_month_s_end_goes_and_comes_in_the_lane_transfer() {
    let story = Story::new()
        .created("a", day(0), on("a.1", "P", 20, 1))
        .pause("a", day(5))
        .deleted("a", day(10))
        .created("b", day(11), on("b.1", "P", 30, 1));
    let derived = story.derive();
    let lane = |net: &crate::mrr::NetMonth, lane| net.currencies.values().map(|net| net.lane(lane)).sum();
    let twenty: Delta = derived.movements[0].delta;
    let left = net_month(&derived.levels, &derived.movements, day(9), day(11));
    assert_eq!(left.fate, Fate::Went(Lane::Transfer));
    assert_eq!((lane(&left, Lane::Pause), lane(&left, Lane::Transfer)), (twenty, -twenty));
    let back = net_month(&derived.levels, &derived.movements, day(11), day(20));
    assert_eq!(back.fate, Fate::Stayed);
    assert_eq!((lane(&back, Lane::Transfer), lane(&back, Lane::Expansion).0 > 0), (twenty, true));
}
