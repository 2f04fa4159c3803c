//! A gap inside a month that something else than a return ended (R26).

use super::netting::{JANUARY, month};
use super::testing::*;
use crate::mrr::{Item, Origin, State, Status};

#[test]
fn a_gap_that_an_opening_ended_for_an_instant_is_over() {
    // Two subscriptions are first heard of by their ends; a third begins.
    let ended = |story: Story, sub: &str, at, items: &[Item]| {
        let state = State { status: Status::Canceled, ended_at: Some(at), ..active(items) };
        story.snapshot(sub, at, Origin::Deleted, None, state)
    };
    let story = ended(Story::new(), "a", day(3), &[basic("a.1", 9)]);
    let story = ended(story, "b", day(4), &[basic("b.1", 7)]);
    let story = story.created("c", day(5), active(&[basic("c.1", 7)]));
    assert_eq!(
        month(&story, JANUARY),
        [
            "stayed",
            "usd +0 +160 +70",
            "opening basic_1 +90",
            "opening basic_1 +70",
            "contraction/seat basic_1 -90",
        ]
    );
}

#[test]
fn a_return_in_the_instant_of_an_opening_bridges_no_gap() {
    // In the instant in which one begins again, another is first heard of by its pause.
    let b = active(&[pro("b.1", 1)]);
    let story = Story::new().created("a", day(1), active(&[basic("a.1", 1)])).deleted("a", day(3));
    let story = story.snapshot("b", day(9), Origin::Updated, Some(b.clone()), paused(b));
    let story = story.created("c", day(9), active(&[basic("c.1", 1)]));
    assert_eq!(
        month(&story, JANUARY),
        [
            "stayed",
            "usd +0 +20 +10",
            "opening pro_1 +20",
            "pause pro_1 -20",
            "expansion/cross_sell basic_1 +10",
            "expansion/seat basic_1 -10",
            "expansion/cross_sell basic_1 +10",
        ]
    );
}
