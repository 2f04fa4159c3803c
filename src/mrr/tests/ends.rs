//! R12, R14: when a subscription ends, and what was held before an end that is the first word.

use super::testing::*;
use crate::mrr::{ChurnPolicy, Instant, Origin, PastDuePolicy, Policy, State, Status, explain};

fn seats(quantity: u64) -> State {
    active(&[item("i", &price("p", "P", 10), quantity)])
}

fn canceled(state: State, ended_at: Instant) -> State {
    State { status: Status::Canceled, ended_at: Some(ended_at), ..state }
}

fn requested(story: Story) -> Story {
    Story { policy: Policy { churn: ChurnPolicy::Requested, ..Policy::default() }, ..story }
}

#[test]
fn an_end_told_by_status_alone_took_effect_when_it_ended() {
    Story::new()
        .created("a", day(0), seats(2))
        .updated("a", day(5), canceled(seats(2), day(4)))
        .moves(&["d0 new created i +20", "d4 churn canceled i -20"]);
}

#[test]
fn an_end_counts_when_it_was_asked_for_if_the_policy_says_so() {
    let asked = State { canceled_at: Some(day(10)), ..canceled(seats(2), day(30)) };
    let story =
        Story::new().created("a", day(0), seats(2)).snapshot("a", day(30), Origin::Deleted, None, asked);
    story.moves(&["d0 new created i +20", "d30 churn canceled i -20"]);
    requested(story).moves(&["d0 new created i +20", "d10 churn canceled i -20"]);
}

#[test]
fn what_is_first_heard_of_by_its_end_was_held_until_then_whenever_it_was_to_end() {
    let ended = State { ends_at: Some(day(30)), ..canceled(seats(2), day(30)) };
    let story = Story::new().snapshot("a", day(30), Origin::Deleted, None, ended);
    requested(story).moves(&["d30 opening i +20", "d30 churn canceled i -20"]);
}

#[test]
fn an_end_asked_for_in_the_past_is_not_to_come() {
    for ends_at in [3, 5] {
        let asked = State { ends_at: Some(day(ends_at)), ..seats(2) };
        let mut story = Story::new().created("a", day(0), seats(2)).updated("a", day(5), asked);
        story.as_of = Some(day(2));
        assert_eq!(told(&story.derive().scheduled), [""; 0], "{ends_at}");
    }
}

#[test]
fn a_discount_that_is_gone_does_not_end() {
    let half = discounted(seats(2), &[until(percent("half", 50), day(30))]);
    let story = Story::new().created("a", day(0), half).updated("a", day(10), seats(2));
    let moments = explain(&story.timeline(), story.rules()).moments;
    assert_eq!(moments.iter().map(|moment| moment.at).collect::<Vec<_>>(), [day(0), day(10)]);
}

#[test]
fn a_word_that_changes_nothing_leaves_the_level_whole() {
    let story = Story::new().created("a", day(0), seats(2)).updated("a", day(5), seats(2));
    let levels = story.derive().levels;
    assert_eq!(levels.iter().map(|level| (level.from, level.until)).collect::<Vec<_>>(), [(day(0), None)]);
}

#[test]
fn a_late_payer_that_ended_lapses_no_more() {
    let late = with_status(Status::PastDue, seats(2));
    let mut story = Story::new().created("a", day(0), seats(2)).created("b", day(0), late.clone());
    story.policy = Policy { past_due: PastDuePolicy::LapsesAfterDays(7), ..Policy::default() };
    let ended = story.snapshot("b", day(5), Origin::Deleted, None, State { ended_at: Some(day(5)), ..late });
    let ended = Story { as_of: Some(day(6)), ..ended };
    assert_eq!(ended.derive().due_at, None);
}

#[test]
fn what_is_said_of_a_subscription_after_its_end_is_waited_for_no_more() {
    let gone = State { canceled_at: Some(day(40)), ..with_status(Status::Canceled, seats(2)) };
    let mut story = Story::new().created("a", day(0), seats(2)).deleted("a", day(5));
    story.policy = Policy { churn: ChurnPolicy::Requested, ..Policy::default() };
    let story = story.snapshot("a", day(20), Origin::Updated, None, gone);
    assert_eq!(Story { as_of: Some(day(30)), ..story }.derive().due_at, None);
}

#[test]
fn what_is_said_of_a_subscription_after_its_end_holds_no_checkpoint_up() {
    let story =
        Story::new().created("a", day(0), seats(2)).created("b", day(0), seats(1)).deleted("a", day(5));
    let story =
        story.updated("a", day(10), seats(3)).updated("b", day(20), seats(2)).updated("b", day(90), seats(3));
    assert_eq!(story.derive().checkpoint.map(|checkpoint| checkpoint.at), Some(day(20)));
}

#[test]
fn what_is_billed_after_an_end_is_waited_for_no_more() {
    let state = active(&[item("i", &price("p", "P", 10), 1), item("m", &metered("m", "M"), 1)]);
    let story = Story::new().created("a", day(0), state).billed("a", (day(0), day(31)), &[("m", 5)]);
    let due = |story: Story| Story { as_of: Some(day(20)), ..story }.derive().due_at;
    assert_eq!(due(story.clone()), Some(Instant(day(31).0 - 1)));
    assert_eq!(due(story.deleted("a", day(10))), None);
}

#[test]
fn an_end_told_by_status_alone_reaches_back_to_when_it_was_asked_for() {
    let reach = |status| {
        let asked = State { canceled_at: Some(day(10)), ..with_status(status, seats(2)) };
        Story::new().snapshot("a", day(30), Origin::Updated, None, asked).facts[0].reaches_back_to()
    };
    assert_eq!(reach(Status::Canceled), day(10));
    assert_eq!(reach(Status::IncompleteExpired), day(10));
    assert_eq!(reach(Status::Active), day(30));
}
