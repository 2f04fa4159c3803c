//! R12: what a subscription held before its first fact.

use super::testing::*;
use crate::mrr::{EndReason, Grade, Origin, State, Status};

fn plan(quantity: u64) -> State {
    active(&[item("a.1", &price("p", "P", 10), quantity)])
}

fn first_updated(previous: State, state: State) -> Story {
    Story::new().snapshot("a", day(5), Origin::Updated, Some(previous), state)
}

#[test]
fn an_update_seen_first_opens_with_the_state_before_it() {
    let story = first_updated(plan(9), plan(12));
    story.moves(&["d5 opening a.1 +90", "d5 expansion/seat quantity a.1 +30"]);
    let grades: Vec<Grade> = story.derive().movements.iter().map(|m| m.evidence.grade).collect();
    assert_eq!(grades, [Grade::PreviousAttributes, Grade::Event]);
}

#[test]
fn a_listing_seen_first_opens_with_its_own_state() {
    let story = Story::new().snapshot("a", day(5), Origin::Seen, None, plan(9));
    story.moves(&["d5 opening a.1 +90"]);
}

#[test]
fn a_deletion_seen_first_opens_with_its_items_and_churns() {
    let ended = State { status: Status::Canceled, ended_at: Some(day(5)), ..plan(9) };
    let story = Story::new().snapshot("a", day(5), Origin::Deleted, None, ended);
    story.moves(&["d5 opening a.1 +90", "d5 churn canceled a.1 -90"]);
}

#[test]
fn a_deletion_with_its_trial_opens_nothing() {
    let ended =
        State { status: Status::Canceled, ended_at: Some(day(5)), trial_end: Some(day(5)), ..plan(9) };
    Story::new().snapshot("a", day(5), Origin::Deleted, None, ended.clone()).moves(&[]);
    let paid = State { trial_end: Some(day(4)), ..ended };
    Story::new()
        .snapshot("a", day(5), Origin::Deleted, None, paid)
        .moves(&["d5 opening a.1 +90", "d5 churn canceled a.1 -90"]);
}

#[test]
fn a_prior_trial_opens_nothing_and_what_follows_is_new() {
    first_updated(with_status(Status::Trialing, plan(9)), plan(9)).moves(&["d5 new trial_ended a.1 +90"]);
    first_updated(with_status(Status::Incomplete, plan(9)), plan(9)).moves(&["d5 new activated a.1 +90"]);
}

#[test]
fn a_paused_collection_seen_first_opens_at_zero_and_its_return_is_a_resume() {
    first_updated(paused(plan(9)), plan(9)).moves(&["d5 resume a.1 +90"]);
    Story::new()
        .snapshot("a", day(5), Origin::Seen, None, paused(plan(9)))
        .resume("a", day(8))
        .moves(&["d8 resume a.1 +90"]);
}

#[test]
fn a_paused_status_seen_first_has_never_paid() {
    first_updated(with_status(Status::Paused, plan(9)), plan(9)).moves(&["d5 new activated a.1 +90"]);
}

#[test]
fn a_paused_status_seen_first_has_never_paid_even_where_pauses_count() {
    let mut story = first_updated(with_status(Status::Paused, plan(9)), plan(9));
    story.policy.paused = crate::mrr::Counting::Counts;
    story.moves(&["d5 new activated a.1 +90"]);
}

#[test]
fn a_paused_collection_seen_first_that_ends_moves_nothing() {
    Story::new().snapshot("a", day(5), Origin::Seen, None, paused(plan(9))).deleted("a", day(8)).moves(&[]);
}

#[test]
fn a_pause_seen_first_opens_and_is_set_aside() {
    first_updated(plan(9), paused(plan(9))).moves(&["d5 opening a.1 +90", "d5 pause a.1 -90"]);
}

#[test]
fn older_history_adjusts_the_opening_away() {
    first_updated(plan(9), plan(12))
        .created("a", day(1), plan(9))
        .moves(&["d1 new created a.1 +90", "d5 expansion/seat quantity a.1 +30"]);
}

#[test]
fn an_opening_and_another_subscriptions_change_of_the_same_instant_are_told_apart() {
    let b = active(&[item("b.1", &price("q", "Q", 20), 1)]);
    first_updated(plan(9), plan(12)).created("b", day(5), b.clone()).moves(&[
        "d5 opening a.1 +90",
        "d5 expansion/seat quantity a.1 +30",
        "d5 expansion/cross_sell product b.1 +20",
    ]);
    Story::new()
        .created("b", day(0), b)
        .snapshot("a", day(5), Origin::Updated, Some(plan(9)), plan(9))
        .deleted("b", day(5))
        .moves(&[
            "d0 new created b.1 +20",
            "d5 opening a.1 +90",
            "d5 contraction/product_removed canceled b.1 -20",
        ]);
}

#[test]
fn an_opening_after_a_churn_is_no_transfer_and_no_reactivation() {
    let b = active(&[item("b.1", &price("q", "Q", 20), 1)]);
    let story = Story::new()
        .created("b", day(0), b)
        .deleted_for("b", day(4), day(4), EndReason::Requested)
        .snapshot("a", day(5), Origin::Updated, Some(plan(9)), plan(12));
    story.moves(&[
        "d0 new created b.1 +20",
        "d4 churn canceled b.1 -20",
        "d5 opening a.1 +90",
        "d5 expansion/seat quantity a.1 +30",
    ]);
}

#[test]
fn a_customer_that_opened_has_paid() {
    first_updated(plan(9), plan(9)).deleted("a", day(6)).created("b", day(30), plan(1)).moves(&[
        "d5 opening a.1 +90",
        "d6 churn canceled a.1 -90",
        "d30 reactivation created a.1 +10",
    ]);
}
