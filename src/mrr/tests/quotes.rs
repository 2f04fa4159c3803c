//! R20: an accepted quote stands behind one change of its subscription, a schedule behind the one that releases it.

use super::testing::*;
use crate::mrr::{Instant, Motion, MotionSigns, State, derive_with_lag};

fn seats(quantity: u64) -> State {
    active(&[item("i", &price("p", "P", 10), quantity)])
}

fn after(at: Instant, seconds: i64) -> Instant {
    Instant(at.0 + seconds)
}

fn motions(story: &Story) -> Vec<Motion> {
    story.derive().movements.iter().map(|movement| movement.motion).collect()
}

/// A subscription that grows so many seconds after a quote for it was accepted.
fn grows(seconds: i64) -> Story {
    Story::new().created("a", day(0), seats(1)).quoted("a", day(3), day(3)).updated(
        "a",
        after(day(3), seconds),
        seats(2),
    )
}

#[test]
fn a_quote_stands_behind_a_change_from_a_minute_before_to_an_hour_after_it() {
    for (seconds, motion) in [
        (-61, Motion::Unknown),
        (-60, Motion::Deliberate),
        (0, Motion::Deliberate),
        (3_600, Motion::Deliberate),
        (3_601, Motion::Unknown),
    ] {
        assert_eq!(motions(&grows(seconds))[1], motion, "{seconds} s");
    }
}

#[test]
fn a_quote_has_one_change_only() {
    let story = grows(5).updated("a", after(day(3), 10), seats(3));
    assert_eq!(motions(&story), [Motion::Unknown, Motion::Deliberate, Motion::Unknown]);
}

#[test]
fn a_quote_is_for_its_own_subscription() {
    let story = Story::new().created("a", day(0), seats(1)).quoted("b", day(3), day(3)).updated(
        "a",
        day(3),
        seats(2),
    );
    assert_eq!(motions(&story), [Motion::Unknown, Motion::Unknown]);
}

#[test]
fn what_another_subscription_does_is_not_the_change_of_a_quote() {
    let other = active(&[item("j", &price("q", "Q", 10), 1)]);
    let more = active(&[item("j", &price("q", "Q", 10), 2)]);
    let story = Story::new()
        .created("a", day(0), seats(1))
        .created("b", day(0), other)
        .quoted("a", day(3), day(3))
        .updated("a", day(3), seats(1))
        .updated("b", day(3), more)
        .updated("a", after(day(3), 10), seats(2));
    let derivation = story.derive();
    let last = derivation.movements.last().unwrap();
    assert_eq!((last.subscription.as_str(), last.motion), ("a", Motion::Deliberate));
}

#[test]
fn what_is_brought_forward_is_not_the_change_of_a_quote() {
    // First heard of by an event that changes nothing.
    let story = Story::new()
        .snapshot("a", day(3), crate::mrr::Origin::Updated, Some(seats(1)), seats(1))
        .quoted("a", day(3), day(3))
        .updated("a", after(day(3), 10), seats(2));
    assert_eq!(told(&story.derive().movements)[0], "d3 opening i +10");
    assert_eq!(motions(&story)[1], Motion::Deliberate);
}

#[test]
fn no_checkpoint_is_taken_while_a_quote_may_have_its_change() {
    for (seconds, expected) in
        [(-61, after(day(3), -61)), (-60, day(0)), (3_599, day(0)), (3_600, after(day(3), 3_600))]
    {
        let story = grows(seconds).updated("a", day(9), seats(5));
        let derivation = derive_with_lag(&story.timeline(), story.rules(), 0);
        assert_eq!(derivation.checkpoint.map(|checkpoint| checkpoint.at), Some(expected), "{seconds} s");
    }
}

#[test]
fn what_happens_without_a_word_is_not_the_change_of_a_quote() {
    let state = discounted(seats(1), &[until(percent("d", 10), after(day(3), 5))]);
    let story = Story::new().created("a", day(0), state).quoted("a", day(3), day(3));
    assert_eq!(motions(&story), [Motion::Unknown, Motion::Unknown]);
}

#[test]
fn a_schedule_stands_behind_the_change_that_releases_it_and_no_later_one() {
    let released = MotionSigns { is_released: true, ..MotionSigns::default() };
    let story = Story { motion: released, ..Story::new().created("a", day(0), seats(1)) };
    let story = story.updated("a", day(3), seats(2));
    let story = Story { motion: MotionSigns::default(), ..story }.updated("a", day(5), seats(3));
    assert_eq!(motions(&story), [Motion::Unknown, Motion::Deliberate, Motion::Unknown]);
}

#[test]
fn a_quote_keeps_its_change_over_what_happens_without_a_word() {
    let state = discounted(seats(1), &[until(percent("d", 10), after(day(3), 5))]);
    let story = Story::new().created("a", day(0), state).quoted("a", day(3), day(3));
    let story = story.updated("a", after(day(3), 10), seats(2));
    assert_eq!(motions(&story), [Motion::Unknown, Motion::Unknown, Motion::Deliberate]);
}
