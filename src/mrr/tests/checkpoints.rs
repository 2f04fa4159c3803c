//! Where a later derivation may go on from.

use super::testing::*;
use crate::mrr::{EndReason, Instant, InvoiceStatus, State, derive, derive_with_lag};

fn seats(quantity: u64) -> State {
    active(&[item("i", &price("p", "P", 10), quantity)])
}

/// The checkpoint where no time is left for late facts.
fn checkpoint(story: &Story) -> Option<Instant> {
    derive_with_lag(&story.timeline(), story.rules(), 0).checkpoint.map(|checkpoint| checkpoint.at)
}

#[test]
fn a_checkpoint_is_three_days_and_more_before_the_newest_fact() {
    let grown = |story: Story, at: i64| story.updated("a", day(at), seats(u64::try_from(at).unwrap() + 1));
    let story = [2, 3, 4, 5].into_iter().fold(Story::new().created("a", day(0), seats(1)), grown);
    let at = derive(&story.timeline(), story.rules()).checkpoint.map(|checkpoint| checkpoint.at);
    // The newest is of day 5; on day 2 the three days are not over.
    assert_eq!(at, Some(day(0)));
    let story = grown(story, 6);
    let at = derive(&story.timeline(), story.rules()).checkpoint.map(|checkpoint| checkpoint.at);
    assert_eq!(at, Some(day(2)));
}

#[test]
fn no_checkpoint_lies_between_an_end_and_the_word_of_it() {
    let story = |told| {
        Story::new()
            .created("a", day(0), seats(1))
            .created("b", day(0), seats(1))
            .updated("a", day(9), seats(2))
            .deleted_for("b", told, day(5), EndReason::Requested)
            .updated("a", day(20), seats(3))
    };
    assert_eq!(checkpoint(&story(day(9))), Some(day(9)));
    // What "b" was told to be on day 9 could still come, and would move its end.
    assert_eq!(checkpoint(&story(day(10))), Some(day(0)));
}

#[test]
fn who_pays_nothing_has_no_checkpoint() {
    let story = Story::new().created("a", day(0), seats(1)).deleted("a", day(5)).customer_shows(day(9), None);
    assert_eq!(checkpoint(&story), Some(day(0)));
}

#[test]
fn no_checkpoint_comes_after_the_first_word_about_usage_of_a_subscription_not_seen_yet() {
    let story = Story::new()
        .created("a", day(0), seats(1))
        .updated("a", day(3), seats(2))
        .billed("unseen", (day(-27), day(3)), &[("m", 5)])
        .updated("a", day(9), seats(3));
    assert_eq!(checkpoint(&story), Some(day(0)));
    let seen = Story::new().created("a", day(0), seats(1)).updated("a", day(3), seats(2)).updated(
        "a",
        day(9),
        seats(3),
    );
    assert_eq!(checkpoint(&seen), Some(day(3)));
}

#[test]
fn no_checkpoint_lies_in_a_period_that_was_billed_before_it_was_over() {
    let story = |end| {
        Story::new()
            .created("a", day(0), seats(1))
            .updated("a", day(3), seats(2))
            .invoice("a", "in_1", day(1), InvoiceStatus::Billed, (day(-27), end), &[])
            .updated("a", day(9), seats(3))
    };
    assert_eq!(checkpoint(&story(day(1))), Some(day(3)));
    assert_eq!(checkpoint(&story(day(3))), Some(day(3)));
    assert_eq!(checkpoint(&story(day(4))), Some(day(0)));
}

#[test]
fn an_end_that_was_asked_for_until_now_is_no_longer_to_come() {
    let asked = State { ends_at: Some(day(5)), canceled_at: Some(day(1)), ..seats(2) };
    let asked = discounted(asked, &[until(percent("d", 10), day(8))]);
    let mut story = Story::new().created("a", day(0), asked);
    story.as_of = Some(day(5));
    // Nobody told that it ended: it stands, and its discount ends.
    assert_eq!(told(&story.derive().scheduled), ["d8 expansion/discount discount_ended i +2"]);
}
