//! R15 as far as pauses go: what one takes and its end gives back is set aside first.

use super::testing::*;
use crate::mrr::{Counting, Policy, State, Status};

fn a(quantity: u64) -> State {
    active(&[item("a.1", &price("p", "P", 10), quantity)])
}

fn b() -> State {
    active(&[item("b.1", &price("q", "Q", 5), 1)])
}

fn both() -> Story {
    Story::new().created("a", day(0), a(1)).created("b", day(0), b())
}

const BEGAN: [&str; 2] = ["d0 new created a.1 +10", "d0 new created b.1 +5"];

#[test]
fn a_pause_takes_and_its_end_gives_back() {
    Story::new().created("a", day(0), a(1)).pause("a", day(3)).resume("a", day(9)).moves(&[
        "d0 new created a.1 +10",
        "d3 pause a.1 -10",
        "d9 resume a.1 +10",
    ]);
}

#[test]
fn one_of_two_subscriptions_pauses_without_any_contraction() {
    both().pause("a", day(3)).resume("a", day(9)).moves(&[
        BEGAN[0],
        BEGAN[1],
        "d3 pause a.1 -10",
        "d9 resume a.1 +10",
    ]);
}

#[test]
fn a_resume_with_an_upgrade_in_the_same_instant_is_a_resume_and_an_expansion() {
    Story::new().created("a", day(0), a(1)).pause("a", day(3)).updated("a", day(9), a(3)).moves(&[
        "d0 new created a.1 +10",
        "d3 pause a.1 -10",
        "d9 resume a.1 +10",
        "d9 expansion/seat quantity a.1 +20",
    ]);
}

#[test]
fn a_change_while_paused_shows_when_the_pause_ends() {
    Story::new()
        .created("a", day(0), a(3))
        .pause("a", day(3))
        .updated("a", day(5), paused(a(2)))
        .resume("a", day(9))
        .moves(&[
            "d0 new created a.1 +30",
            "d3 pause a.1 -30",
            "d9 resume a.1 +30",
            "d9 contraction/seat quantity a.1 -10",
        ]);
}

#[test]
fn a_subscription_that_ends_while_paused_lets_the_customer_churn() {
    Story::new().created("a", day(0), a(1)).pause("a", day(3)).deleted("a", day(9)).moves(&[
        "d0 new created a.1 +10",
        "d3 pause a.1 -10",
        "d9 pause a.1 +10",
        "d9 churn canceled a.1 -10",
    ]);
}

#[test]
fn one_of_two_that_ends_while_paused_is_a_contraction() {
    both().pause("a", day(3)).deleted("a", day(9)).moves(&[
        BEGAN[0],
        BEGAN[1],
        "d3 pause a.1 -10",
        "d9 pause a.1 +10",
        "d9 contraction/product_removed canceled a.1 -10",
    ]);
}

#[test]
fn a_pause_and_another_subscriptions_upgrade_of_one_instant_are_told_apart() {
    let more = active(&[item("b.1", &price("q", "Q", 5), 3)]);
    both().pause("a", day(3)).updated("b", day(3), more).moves(&[
        BEGAN[0],
        BEGAN[1],
        "d3 pause a.1 -10",
        "d3 expansion/seat quantity b.1 +10",
    ]);
}

#[test]
fn what_a_trial_pauses_was_nothing_and_its_return_is_new() {
    Story::new()
        .created("a", day(0), with_status(Status::Trialing, a(1)))
        .status("a", day(14), Status::Paused)
        .status("a", day(20), Status::Active)
        .moves(&["d20 new activated a.1 +10"]);
    Story::new()
        .created("a", day(0), paused(with_status(Status::Trialing, a(1))))
        .updated("a", day(14), paused(a(1)))
        .resume("a", day(20))
        .moves(&["d20 new activated a.1 +10"]);
}

#[test]
fn pauses_count_where_the_policy_says_so() {
    let mut story = Story::new().created("a", day(0), a(1)).pause("a", day(3)).deleted("a", day(9));
    story.policy = Policy { paused: Counting::Counts, ..Policy::default() };
    story.moves(&["d0 new created a.1 +10", "d9 churn canceled a.1 -10"]);
}

#[test]
fn a_product_that_is_only_paused_is_still_held() {
    let second = active(&[item("c.1", &price("p", "P", 10), 1)]);
    both().pause("a", day(3)).created("c", day(4), second).moves(&[
        BEGAN[0],
        BEGAN[1],
        "d3 pause a.1 -10",
        "d4 expansion/seat quantity c.1 +10",
    ]);
}

#[test]
fn who_pays_for_something_else_while_all_is_paused_is_back() {
    let story = Story::new().created("a", day(0), a(1)).pause("a", day(3)).created("b", day(5), b());
    story.resume("a", day(9)).moves(&[
        "d0 new created a.1 +10",
        "d3 pause a.1 -10",
        "d5 reactivation created b.1 +5",
        "d9 resume a.1 +10",
    ]);
}

#[test]
fn a_pause_is_proved_by_the_word_that_told_it() {
    let story =
        Story::new().created("a", day(0), a(1)).pause("a", day(3)).resume("a", day(9)).deleted("a", day(12));
    let proofs: Vec<String> =
        story.derive().movements.iter().map(|movement| movement.evidence.event.to_string()).collect();
    assert_eq!(proofs, ["evt_9999", "evt_9998", "evt_9997", "evt_9996"]);
}

#[test]
fn where_pauses_count_a_paused_status_keeps_what_was_paid_and_a_trial_stays_nothing() {
    let told_of = |first: Status| {
        let mut story = Story::new().created("a", day(0), with_status(first, a(1)));
        story = story.status("a", day(14), Status::Paused).status("a", day(20), Status::Active);
        story.policy = Policy { paused: Counting::Counts, ..Policy::default() };
        told(&story.derive().movements)
    };
    assert_eq!(told_of(Status::Active), ["d0 new created a.1 +10"]);
    assert_eq!(told_of(Status::Trialing), ["d20 new activated a.1 +10"]);
}
