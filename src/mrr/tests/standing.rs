//! R5: what a status counts for; R14: when an end takes effect.

use super::testing::*;
use crate::mrr::{ChurnPolicy, Counting, EndReason, Origin, PastDuePolicy, Policy, State, Status};

fn plan(quantity: u64) -> State {
    active(&[item("a.1", &price("p", "P", 10), quantity)])
}

#[test]
fn a_trial_counts_for_nothing_and_its_end_is_new() {
    Story::new()
        .created("a", day(0), with_status(Status::Trialing, plan(1)))
        .status("a", day(14), Status::Active)
        .moves(&["d14 new trial_ended a.1 +10"]);
}

#[test]
fn a_trial_counts_where_the_policy_says_so() {
    let mut story = Story::new().created("a", day(0), with_status(Status::Trialing, plan(1))).status(
        "a",
        day(14),
        Status::Active,
    );
    story.policy = Policy { trialing: Counting::Counts, ..Policy::default() };
    story.moves(&["d0 new created a.1 +10"]);
}

#[test]
fn a_first_payment_makes_an_incomplete_subscription_new() {
    Story::new()
        .created("a", day(0), with_status(Status::Incomplete, plan(1)))
        .status("a", day(1), Status::Active)
        .moves(&["d1 new activated a.1 +10"]);
}

#[test]
fn a_first_payment_never_made_moves_nothing() {
    Story::new()
        .created("a", day(0), with_status(Status::Incomplete, plan(1)))
        .status("a", day(1), Status::IncompleteExpired)
        .moves(&[]);
}

#[test]
fn a_late_payer_counts_and_is_at_risk() {
    let story = Story::new().created("a", day(0), plan(1)).status("a", day(30), Status::PastDue);
    story.moves(&["d0 new created a.1 +10"]);
    let levels = story.derive().levels;
    assert_eq!(levels.iter().map(|level| level.is_at_risk).collect::<Vec<_>>(), [false, true]);
    assert_eq!((levels[0].until, levels[1].from), (Some(day(30)), day(30)));
}

#[test]
fn a_late_payer_lapses_after_the_days_of_the_policy_counted_from_the_first() {
    let mut story = Story::new()
        .created("a", day(0), plan(1))
        .status("a", day(30), Status::PastDue)
        .updated("a", day(33), with_status(Status::PastDue, plan(1)))
        .status("a", day(50), Status::Active);
    story.policy = Policy { past_due: PastDuePolicy::LapsesAfterDays(14), ..Policy::default() };
    story.moves(&[
        "d0 new created a.1 +10",
        "d44 churn involuntary a.1 -10",
        "d50 reactivation activated a.1 +10",
    ]);
}

#[test]
fn a_late_payer_that_pays_in_time_does_not_lapse() {
    let mut story = Story::new().created("a", day(0), plan(1)).status("a", day(30), Status::PastDue).status(
        "a",
        day(43),
        Status::Active,
    );
    story.policy = Policy { past_due: PastDuePolicy::LapsesAfterDays(14), ..Policy::default() };
    story.moves(&["d0 new created a.1 +10"]);
}

#[test]
fn unpaid_is_involuntary_churn_and_payment_brings_it_back() {
    Story::new()
        .created("a", day(0), plan(1))
        .status("a", day(30), Status::Unpaid)
        .status("a", day(40), Status::Active)
        .moves(&[
            "d0 new created a.1 +10",
            "d30 churn involuntary a.1 -10",
            "d40 reactivation activated a.1 +10",
        ]);
}

#[test]
fn a_deleted_subscription_counts_for_nothing_whatever_its_items_say() {
    Story::new()
        .created("a", day(0), plan(3))
        .deleted("a", day(9))
        .moves(&["d0 new created a.1 +30", "d9 churn canceled a.1 -30"]);
}

#[test]
fn an_end_for_want_of_payment_is_involuntary() {
    Story::new()
        .created("a", day(0), plan(1))
        .deleted_for("a", day(9), day(9), EndReason::Payment)
        .moves(&["d0 new created a.1 +10", "d9 churn involuntary a.1 -10"]);
}

#[test]
fn an_unknown_status_holds_what_was_held_and_is_reported() {
    let story = Story::new().created("a", day(0), plan(1)).status("a", day(9), Status::Unknown);
    story.moves(&["d0 new created a.1 +10"]);
    assert_eq!(story.derive().findings.len(), 1);
}

#[test]
fn an_unknown_status_from_the_first_on_counts_for_nothing() {
    let story = Story::new().created("a", day(0), plan(1)).status("a", day(0), Status::Unknown);
    let story = story.status("a", day(9), Status::Active);
    assert_eq!(story.derive().findings.len(), 1);
}

#[test]
fn an_end_takes_effect_when_it_ended() {
    Story::new()
        .created("a", day(0), plan(1))
        .deleted_for("a", day(9), day(7), EndReason::Requested)
        .moves(&["d0 new created a.1 +10", "d7 churn canceled a.1 -10"]);
}

#[test]
fn an_end_never_takes_effect_before_the_fact_it_follows() {
    Story::new()
        .created("a", day(0), plan(1))
        .updated("a", day(8), plan(2))
        .deleted_for("a", day(9), day(7), EndReason::Requested)
        .moves(&["d0 new created a.1 +10", "d8 churn canceled a.1 -10"]);
}

#[test]
fn under_the_requested_policy_an_end_counts_when_it_is_asked_for() {
    let asked = State { ends_at: Some(day(30)), canceled_at: Some(day(9)), ..plan(1) };
    let mut story =
        Story::new().created("a", day(0), plan(1)).updated("a", day(9), asked).deleted("a", day(30));
    story.moves(&["d0 new created a.1 +10", "d30 churn canceled a.1 -10"]);
    story.policy = Policy { churn: ChurnPolicy::Requested, ..Policy::default() };
    story.moves(&["d0 new created a.1 +10", "d9 churn canceled a.1 -10"]);
}

#[test]
fn under_the_requested_policy_an_end_taken_back_is_a_reactivation() {
    let asked = State { ends_at: Some(day(30)), canceled_at: Some(day(9)), ..plan(1) };
    let mut story =
        Story::new().created("a", day(0), plan(1)).updated("a", day(9), asked).updated("a", day(12), plan(1));
    story.moves(&["d0 new created a.1 +10"]);
    story.policy = Policy { churn: ChurnPolicy::Requested, ..Policy::default() };
    story.moves(&[
        "d0 new created a.1 +10",
        "d9 churn canceled a.1 -10",
        "d12 reactivation activated a.1 +10",
    ]);
}

fn requested() -> Policy {
    Policy { churn: ChurnPolicy::Requested, ..Policy::default() }
}

#[test]
fn under_the_requested_policy_a_fixed_term_counts_until_it_ends() {
    let sold = State { ends_at: Some(day(30)), canceled_at: Some(day(0)), ..plan(1) };
    let mut story = Story::new().created("a", day(0), sold.clone()).updated(
        "a",
        day(5),
        State { items: plan(2).items, ..sold.clone() },
    );
    story.policy = requested();
    let running = ["d0 new created a.1 +10", "d5 expansion/seat quantity a.1 +10"];
    story.moves(&running);
    story.clone().deleted("a", day(30)).moves(&[running[0], running[1], "d30 churn canceled a.1 -20"]);
    story.as_of = Some(day(9));
    assert_eq!(told(&story.derive().scheduled), ["d30 churn canceled a.1 -20"]);
    // Another end than the one it was sold with is asked for.
    story.as_of = None;
    let sooner = State { ends_at: Some(day(12)), canceled_at: Some(day(8)), ..story.state("a") };
    story.updated("a", day(8), sooner).moves(&[running[0], running[1], "d8 churn canceled a.1 -20"]);
}

#[test]
fn under_the_requested_policy_nothing_more_is_scheduled_of_an_end_that_counts() {
    let asked = State { ends_at: Some(day(30)), canceled_at: Some(day(9)), ..plan(1) };
    let mut story = Story::new().created("a", day(0), plan(1)).updated("a", day(9), asked);
    (story.policy, story.as_of) = (requested(), Some(day(10)));
    assert_eq!(told(&story.derive().movements), ["d0 new created a.1 +10", "d9 churn canceled a.1 -10"]);
    assert_eq!(story.derive().scheduled, []);
}

#[test]
fn under_the_requested_policy_an_end_asked_for_before_the_first_fact_opens_nothing_and_has_paid() {
    let asked = State { ends_at: Some(day(30)), canceled_at: Some(day(1)), ..plan(1) };
    let mut story = Story::new()
        .snapshot("a", day(5), Origin::Updated, Some(asked.clone()), State { items: plan(2).items, ..asked })
        .updated("a", day(8), plan(2));
    story.moves(&["d5 opening a.1 +10", "d5 expansion/seat quantity a.1 +10"]);
    story.policy = requested();
    story.moves(&["d8 reactivation activated a.1 +20"]);
}

#[test]
fn under_the_requested_policy_an_end_asked_for_while_paused_is_churn() {
    let story = Story::new().created("a", day(0), plan(1)).status("a", day(3), Status::Paused);
    let asked = State { ends_at: Some(day(30)), canceled_at: Some(day(9)), ..story.state("a") };
    let mut story = story.updated("a", day(9), asked);
    story.policy = requested();
    story.moves(&[
        "d0 new created a.1 +10",
        "d3 pause a.1 -10",
        "d9 pause a.1 +10",
        "d9 churn canceled a.1 -10",
    ]);
}

#[test]
fn a_late_payer_lapses_at_once_after_no_days_and_what_is_left_is_not_at_risk() {
    let mut story = Story::new().created("a", day(0), plan(1)).status("a", day(30), Status::PastDue);
    story.policy = Policy { past_due: PastDuePolicy::LapsesAfterDays(0), ..Policy::default() };
    story.moves(&["d0 new created a.1 +10", "d30 churn involuntary a.1 -10"]);
    assert!(!story.derive().levels.iter().any(|level| level.is_at_risk));
}

#[test]
fn a_lapse_that_is_to_come_is_scheduled_and_has_its_time() {
    let mut story = Story::new().created("a", day(0), plan(1)).status("a", day(30), Status::PastDue);
    story.policy = Policy { past_due: PastDuePolicy::LapsesAfterDays(14), ..Policy::default() };
    story.as_of = Some(day(40));
    let derivation = story.derive();
    assert_eq!(told(&derivation.scheduled), ["d44 churn involuntary a.1 -10"]);
    assert_eq!(derivation.due_at, Some(day(44)));
}

#[test]
fn a_trial_first_heard_of_by_its_end_opens_where_trials_count() {
    let trial = State { trial_end: Some(day(14)), ..with_status(Status::Trialing, plan(1)) };
    let gone = State { status: Status::Canceled, ended_at: Some(day(9)), ..trial };
    let mut story = Story::new().snapshot("a", day(9), Origin::Deleted, None, gone);
    story.moves(&[]);
    story.policy = Policy { trialing: Counting::Counts, ..Policy::default() };
    story.moves(&["d9 opening a.1 +10", "d9 churn canceled a.1 -10"]);
}

#[test]
fn a_deleted_customer_ends_all_its_subscriptions_at_once() {
    let b = active(&[item("b.1", &price("q", "Q", 5), 1)]);
    Story::new()
        .created("a", day(0), plan(1))
        .created("b", day(0), b)
        .customer_deleted(day(9))
        .deleted("a", day(10))
        .deleted("b", day(10))
        .moves(&[
            "d0 new created a.1 +10",
            "d0 new created b.1 +5",
            "d9 churn customer_deleted a.1 -10",
            "d9 churn customer_deleted b.1 -5",
        ]);
}

#[test]
fn the_end_of_a_deleted_customer_is_proved_by_its_deletion() {
    let story = Story::new().created("a", day(0), plan(1)).updated("a", day(5), plan(3));
    let story = story.customer_deleted(day(9)).deleted("a", day(9));
    let proofs: Vec<String> =
        story.derive().movements.iter().map(|movement| movement.evidence.event.to_string()).collect();
    assert_eq!(proofs, ["evt_9999", "evt_9998", "evt_9997"]);
}

#[test]
fn what_is_told_after_an_end_moves_nothing() {
    let story =
        Story::new().created("a", day(0), plan(1)).deleted("a", day(9)).updated("a", day(10), plan(2));
    story.moves(&["d0 new created a.1 +10", "d9 churn canceled a.1 -10"]);
    assert_eq!(story.derive().findings.len(), 1, "the word that can't be is reported");
}
