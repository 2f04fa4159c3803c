//! R10, R11: order within a second, duplicates, broken chains.

use proptest::prelude::*;

use super::testing::*;
use crate::mrr::order::order;
use crate::mrr::{Fact, Item, Matter, Origin, Snapshot, State, Status, Timeline, derive};

fn plan(quantity: u64) -> State {
    active(&[item("a.1", &price("p", "P", 10), quantity)])
}

/// Every order of `0..size`.
fn permutations(size: usize) -> Vec<Vec<usize>> {
    let Some(last) = size.checked_sub(1) else { return vec![Vec::new()] };
    let shorter = permutations(last);
    let longer = |order: Vec<usize>| {
        (0..size).map(move |place| {
            let mut order = order.clone();
            order.insert(place, last);
            order
        })
    };
    shorter.into_iter().flat_map(longer).collect()
}

/// Tells the story with its event ids dealt out in every order, and expects the same of each.
fn in_every_order_of_ids(story: &Story, expected: &[&str]) {
    for ids in permutations(story.facts.len()) {
        let mut story = story.clone();
        for (fact, id) in story.facts.iter_mut().zip(ids) {
            if let Fact::Subscription(snapshot) = fact {
                snapshot.evidence = evidence(&format!("evt_{id}"));
            }
        }
        story.moves(expected);
        assert!(!breaks(&story), "{:#?}", story.derive().findings);
    }
}

fn breaks(story: &Story) -> bool {
    story.derive().findings.iter().any(|finding| finding.matter == Matter::BrokenChain)
}

#[test]
fn a_chain_within_one_second_is_followed_whatever_the_ids() {
    let story = Story::new()
        .created("a", day(0), plan(1))
        .updated("a", day(1), plan(2))
        .updated("a", day(1), plan(5))
        .updated("a", day(1), plan(3))
        .updated("a", day(1), plan(4));
    in_every_order_of_ids(&story, &["d0 new created a.1 +10", "d1 expansion/seat quantity a.1 +30"]);
}

#[test]
fn a_tax_that_comes_and_goes_in_one_second_is_a_chain_too() {
    let taxed = |inclusive_tax| active(&[Item { inclusive_tax, ..plan(1).items[0].clone() }]);
    let story = Story::new()
        .created("a", day(0), taxed(0))
        .updated("a", day(1), taxed(250_000))
        .updated("a", day(1), taxed(0))
        .updated("a", day(1), taxed(1_000_000));
    in_every_order_of_ids(&story, &["d0 new created a.1 +10", "d1 contraction/price price a.1 -5"]);
}

#[test]
fn a_ring_within_one_second_comes_back_to_where_it_was() {
    let story = Story::new().created("a", day(0), plan(1)).updated("a", day(1), plan(2)).updated(
        "a",
        day(1),
        plan(1),
    );
    in_every_order_of_ids(&story, &["d0 new created a.1 +10"]);
}

#[test]
fn a_chain_without_a_known_beginning_is_followed() {
    let story = Story::new()
        .snapshot("a", day(1), Origin::Updated, Some(plan(1)), plan(2))
        .updated("a", day(1), plan(3))
        .updated("a", day(1), plan(4));
    in_every_order_of_ids(&story, &["d1 opening a.1 +10", "d1 expansion/seat quantity a.1 +30"]);
}

#[test]
fn a_life_within_one_second_begins_with_created_and_ends_with_deleted() {
    let story = Story::new()
        .created("a", day(0), with_status(Status::Incomplete, plan(1)))
        .status("a", day(0), Status::Active)
        .updated("a", day(0), plan(2))
        .deleted("a", day(0));
    in_every_order_of_ids(&story, &[]);
}

#[test]
fn discounts_of_items_are_links_of_the_chain() {
    let with = |hundredths: u32| {
        let mut state = plan(1);
        if hundredths > 0 {
            state.items[0].discounts = vec![percent(&format!("off{hundredths}"), hundredths)];
        }
        state
    };
    let story = Story::new()
        .created("a", day(0), with(0))
        .updated("a", day(1), with(10))
        .updated("a", day(1), with(30))
        .updated("a", day(1), with(20));
    in_every_order_of_ids(
        &story,
        &["d0 new created a.1 +10", "d1 contraction/discount discount_started a.1 -2"],
    );
}

#[test]
fn an_end_asked_for_and_taken_back_within_one_second_is_in_order() {
    let asked = State { ends_at: Some(day(30)), ..plan(1) };
    let story =
        Story::new().created("a", day(0), plan(1)).updated("a", day(1), asked).updated("a", day(1), plan(1));
    let first = State { ends_at: Some(day(30)), ..plan(1) };
    let other = Story::new().created("a", day(0), first.clone()).updated("a", day(1), plan(1)).updated(
        "a",
        day(1),
        first,
    );
    for (story, scheduled) in [(story, 0), (other, 1)] {
        for ids in permutations(3) {
            let mut story = story.clone();
            story.as_of = Some(day(2));
            for (fact, id) in story.facts.iter_mut().zip(ids) {
                if let Fact::Subscription(snapshot) = fact {
                    snapshot.evidence = evidence(&format!("evt_{id}"));
                }
            }
            assert_eq!(story.derive().scheduled.len(), scheduled);
        }
    }
}

#[test]
fn two_events_of_one_change_move_once() {
    let story = Story::new()
        .created("a", day(0), plan(1))
        .updated("a", day(1), plan(2))
        .snapshot("a", day(1), Origin::Updated, Some(plan(1)), plan(2))
        .snapshot("a", day(2), Origin::Updated, Some(plan(1)), plan(2));
    in_every_order_of_ids(&story, &["d0 new created a.1 +10", "d1 expansion/seat quantity a.1 +10"]);
}

#[test]
fn a_broken_chain_is_kept_as_told_and_reported() {
    let story = Story::new().created("a", day(0), plan(1)).snapshot(
        "a",
        day(1),
        Origin::Updated,
        Some(plan(7)),
        plan(8),
    );
    story.moves(&["d0 new created a.1 +10", "d1 expansion/seat quantity a.1 +70"]);
    assert!(breaks(&story));
}

#[test]
fn a_created_event_that_comes_late_takes_its_place() {
    let mut story = Story::new().created("a", day(0), plan(1)).updated("a", day(0), plan(2));
    story.facts.reverse();
    story.moves(&["d0 new created a.1 +20"]);
}

#[test]
fn more_events_than_can_be_tried_in_every_order_are_put_in_order_step_by_step() {
    let mut story = Story::new().created("a", day(0), plan(1));
    for quantity in 2..=20 {
        story = story.updated("a", day(1), plan(quantity));
    }
    story.moves(&["d0 new created a.1 +10", "d1 expansion/seat quantity a.1 +190"]);
    assert!(!breaks(&story));
}

#[test]
fn one_event_delivered_in_two_versions_is_one() {
    let story = Story::new().created("a", day(0), plan(1)).updated("a", day(1), plan(2));
    let mut facts = story.facts.clone();
    if let Fact::Subscription(snapshot) = &story.facts[1] {
        facts.push(Fact::Subscription(Snapshot { evidence: snapshot.evidence.clone(), ..snapshot.clone() }));
    }
    let twice = derive(&Timeline { facts, start: None }, story.rules());
    assert_eq!(twice.movements, story.derive().movements);
}

#[test]
fn an_update_that_carries_nothing_of_before_breaks_no_chain() {
    let story =
        Story::new().created("a", day(0), plan(1)).snapshot("a", day(1), Origin::Updated, None, plan(3));
    assert!(!breaks(&story));
    story.moves(&["d0 new created a.1 +10", "d1 expansion/seat quantity a.1 +20"]);
}

#[test]
fn a_notice_follows_the_change_that_it_shows_whatever_the_ids() {
    for (change, notice) in [("evt_1", "evt_2"), ("evt_2", "evt_1")] {
        let mut story = Story::new()
            .created("a", day(0), plan(1))
            .updated("a", day(1), plan(3))
            .snapshot("a", day(1), Origin::Seen, None, plan(3))
            .updated("a", day(1), plan(4));
        for (fact, id) in story.facts[1..].iter_mut().zip([change, notice, "evt_3"]) {
            if let Fact::Subscription(snapshot) = fact {
                snapshot.evidence = evidence(id);
            }
        }
        let snapshots: Vec<&Snapshot> = story
            .facts
            .iter()
            .filter_map(|fact| match fact {
                Fact::Subscription(snapshot) => Some(snapshot),
                _ => None,
            })
            .collect();
        let ids: Vec<&str> =
            order(None, &snapshots).iter().map(|ordered| &*ordered.snapshot.evidence.event).collect();
        assert_eq!(ids[1..], [change, notice, "evt_3"]);
    }
}

/// An update from a number of seats to another, in the second that is looked at.
type Link = (u64, u64);

/// What an order costs: breaks of the chain, then events that say what was known (R10).
fn cost(order: &[usize], links: &[Link], reached: u64) -> (u32, u32) {
    let mut cost = (0, 0);
    let mut reached = reached;
    for (before, after) in order.iter().map(|index| links[*index]) {
        if !(before == reached && before != after) {
            if after == reached {
                cost.1 += 1;
            } else {
                cost.0 += 1;
            }
        }
        reached = after;
    }
    cost
}

proptest! {
    #[test]
    fn within_a_second_no_other_order_costs_less_and_ties_go_by_id(
        links in prop::collection::vec((1_u64..5, 1_u64..5), 1..6)
    ) {
        let made: Vec<Snapshot> = links.iter().enumerate().map(|(index, (before, after))| {
            snapshot("a", &format!("evt_{index}"), day(1), Origin::Updated, Some(plan(*before)), plan(*after))
        }).collect();
        let first = snapshot("a", "evt_9", day(0), Origin::Created, None, plan(1));
        // Handed over in the reverse of their ids.
        let told: Vec<&Snapshot> = made.iter().rev().chain([&first]).collect();
        let found: Vec<usize> = order(None, &told)[1..].iter().map(|ordered| {
            links.iter().enumerate().position(|(index, _)| {
                ordered.snapshot.evidence.event.as_ref() == format!("evt_{index}")
            }).unwrap()
        }).collect();
        let best = permutations(links.len()).into_iter().min_by_key(|order| (cost(order, &links, 1), order.clone()));
        prop_assert_eq!(Some(found), best);
    }
}
