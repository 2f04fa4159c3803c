//! R22: what stands, what is scheduled, when to derive again; and going on from a checkpoint.

use super::testing::*;
use crate::mrr::{
    ChurnPolicy, Derivation, DiscountChange, EndReason, Fact, Grade, Instant, Marks, Origin, PastDuePolicy,
    Policy, Price, Scheme, Snapshot, Start, State, Status, Timeline, derive_with_lag,
};

fn plan(quantity: u64) -> State {
    active(&[item("a.1", &price("p", "P", 10), quantity)])
}

#[test]
fn a_discounts_end_is_scheduled_until_its_instant_passes() {
    let mut story =
        Story::new().created("a", day(0), discounted(plan(1), &[until(percent("half", 50), day(90))]));
    story.as_of = Some(Instant(day(90).0 - 1));
    let derivation = story.derive();
    assert_eq!(told(&derivation.movements), ["d0 new created a.1 +5"]);
    assert_eq!(told(&derivation.scheduled), ["d90 expansion/discount discount_ended a.1 +5"]);
    assert_eq!(derivation.due_at, Some(day(90)));
    story.as_of = Some(day(90));
    let derivation = story.derive();
    assert_eq!(told(&derivation.movements).len(), 2);
    assert_eq!((derivation.scheduled.len(), derivation.due_at), (0, None));
}

#[test]
fn an_end_asked_for_is_scheduled_and_never_stands_by_itself() {
    let asked = State { ends_at: Some(day(30)), ..plan(1) };
    let mut story = Story::new().created("a", day(0), plan(1)).updated("a", day(9), asked);
    story.as_of = Some(day(10));
    let derivation = story.derive();
    assert_eq!(told(&derivation.movements), ["d0 new created a.1 +10"]);
    assert_eq!(told(&derivation.scheduled), ["d30 churn canceled a.1 -10"]);
    assert_eq!(derivation.due_at, None);
    story.as_of = Some(day(40));
    let derivation = story.derive();
    assert_eq!(told(&derivation.movements), ["d0 new created a.1 +10"]);
    assert_eq!(derivation.scheduled, []);
}

#[test]
fn an_end_asked_for_and_taken_back_is_no_longer_scheduled() {
    let asked = State { ends_at: Some(day(30)), canceled_at: Some(day(9)), ..plan(1) };
    let mut story = Story::new().created("a", day(0), plan(1)).updated("a", day(9), asked);
    story.as_of = Some(day(20));
    assert_eq!(told(&story.derive().scheduled), ["d30 churn canceled a.1 -10"]);
    let story = story.updated("a", day(12), plan(1));
    assert_eq!(story.derive().scheduled, []);
    assert_eq!(told(&story.derive().movements), ["d0 new created a.1 +10"]);
}

#[test]
fn a_discount_that_ends_after_the_asked_end_is_not_scheduled() {
    let state =
        State { ends_at: Some(day(30)), ..discounted(plan(1), &[until(percent("half", 50), day(90))]) };
    let mut story = Story::new().created("a", day(0), state);
    story.as_of = Some(day(10));
    assert_eq!(told(&story.derive().scheduled), ["d30 churn canceled a.1 -5"]);
}

/// Goes on from the checkpoint of a derivation, with the facts after it.
fn go_on(story: &Story, from: &Derivation) -> Derivation {
    let checkpoint = from.checkpoint.clone().unwrap();
    let snapshot = |fact: &Fact| match fact {
        Fact::Subscription(snapshot) => Some(snapshot.clone()),
        _ => None,
    };
    let base: Vec<Snapshot> = story
        .facts
        .iter()
        .filter_map(snapshot)
        .filter(|snapshot| checkpoint.base.contains(&snapshot.evidence.event))
        .collect();
    let is_needed =
        |fact: &&Fact| fact.at() > checkpoint.at || matches!(fact, Fact::Customer(_) | Fact::Discount(_));
    let facts = story.facts.iter().filter(is_needed).cloned().collect();
    derive_with_lag(&Timeline { facts, start: Some(Start { checkpoint, base }) }, story.rules(), 0)
}

fn same_from_the_checkpoint(story: &Story) {
    let whole = story.derive();
    let at = whole.checkpoint.as_ref().unwrap().at;
    let after: Vec<_> =
        whole.movements.iter().filter(|movement| movement.effective_at > at).cloned().collect();
    assert_eq!(told(&go_on(story, &whole).movements), told(&after));
    assert_eq!(go_on(story, &whole).movements, after);
}

#[test]
fn a_derivation_goes_on_from_its_checkpoint() {
    same_from_the_checkpoint(
        &Story::new().created("a", day(0), plan(1)).updated("a", day(5), plan(2)).updated(
            "a",
            day(9),
            plan(3),
        ),
    );
}

#[test]
fn a_checkpoint_that_no_newer_one_replaces_stays() {
    let story = Story::new().created("a", day(0), plan(1)).updated("a", day(5), plan(2)).pause("a", day(9));
    let story = story.updated("a", day(12), paused(plan(3)));
    let whole = story.derive();
    assert_eq!(whole.checkpoint.as_ref().unwrap().at, day(5));
    assert_eq!(go_on(&story, &whole).checkpoint, whole.checkpoint);
}

#[test]
fn an_end_taken_back_is_not_over_at_a_checkpoint() {
    let asked = State { ends_at: Some(day(30)), canceled_at: Some(day(9)), ..plan(1) };
    let mut story = Story::new()
        .created("a", day(0), plan(1))
        .updated("a", day(9), asked)
        .updated("a", day(12), plan(1))
        .updated("a", day(15), plan(2));
    story.policy = Policy { churn: ChurnPolicy::Requested, ..Policy::default() };
    same_from_the_checkpoint(&story);
}

#[test]
fn an_end_asked_for_by_one_of_two_is_not_over_at_a_checkpoint() {
    let asked = State { ends_at: Some(day(30)), canceled_at: Some(day(9)), ..plan(1) };
    let mut story = Story::new()
        .created("b", day(0), active(&[item("b.1", &price("q", "Q", 10), 1)]))
        .created("a", day(0), plan(1))
        .updated("a", day(9), asked)
        .updated("a", day(12), plan(1));
    story.policy = Policy { churn: ChurnPolicy::Requested, ..Policy::default() };
    same_from_the_checkpoint(&story);
}

#[test]
fn a_fixed_term_is_known_from_a_checkpoint() {
    let sold = State { ends_at: Some(day(30)), ..plan(1) };
    let mut story = Story::new()
        .created("b", day(0), active(&[item("b.1", &price("q", "Q", 10), 1)]))
        .updated("b", day(1), active(&[item("b.1", &price("q", "Q", 10), 2)]))
        .created("a", day(3), sold.clone())
        .updated("a", day(12), State { items: plan(2).items, ..sold })
        .deleted("a", day(30));
    story.policy = Policy { churn: ChurnPolicy::Requested, ..Policy::default() };
    assert_eq!(
        told(&story.derive().movements).last().unwrap(),
        "d30 contraction/product_removed canceled a.1 -20"
    );
    same_from_the_checkpoint(&story);
}

#[test]
fn usage_billed_before_its_subscription_is_seen_keeps_checkpoints_away() {
    let metered = active(&[item("b.1", &metered("calls", "Q"), 1)]);
    let story = Story::new()
        .created("a", day(0), plan(1))
        .billed("b", (day(1), day(5)), &[("b.1", 40)])
        .updated("a", day(6), plan(2))
        .updated("a", day(8), plan(3))
        .snapshot("b", day(9), Origin::Updated, Some(metered.clone()), metered);
    let is_before = |story: &Story| story.derive().checkpoint.is_none_or(|checkpoint| checkpoint.at < day(5));
    assert!(is_before(&story));
    let mut unseen = story;
    unseen.facts.pop();
    assert!(is_before(&unseen));
}

#[test]
fn a_late_payer_that_may_lapse_keeps_checkpoints_away() {
    let mut story = Story::new()
        .created("a", day(0), plan(1))
        .created("b", day(0), active(&[item("b.1", &price("q", "Q", 10), 1)]))
        .status("a", day(5), Status::PastDue)
        .updated("a", day(8), with_status(Status::PastDue, plan(1)))
        .updated("a", day(11), with_status(Status::PastDue, plan(1)));
    story.policy = Policy { past_due: PastDuePolicy::LapsesAfterDays(7), ..Policy::default() };
    assert_eq!(story.derive().checkpoint.as_ref().unwrap().at, day(0));
    same_from_the_checkpoint(&story);
}

#[test]
fn items_held_that_a_payload_leaves_out_keep_checkpoints_away() {
    let extra = item("a.2", &price("q", "Q", 5), 1);
    let both = active(&[plan(1).items[0].clone(), extra]);
    let few = |quantity| State { items_truncated: true, ..plan(quantity) };
    let story = Story::new()
        .created("a", day(0), both)
        .updated("a", day(1), few(2))
        .updated("a", day(5), few(3))
        .updated("a", day(9), few(4));
    assert_eq!(story.derive().checkpoint.unwrap().at, day(0));
}

#[test]
fn an_end_told_before_it_takes_effect_keeps_checkpoints_away_until_then() {
    let b = active(&[item("b.1", &price("q", "Q", 10), 1)]);
    let story = Story::new()
        .created("b", day(0), b.clone())
        .created("a", day(0), plan(1))
        .deleted_for("a", day(5), day(7), EndReason::Requested)
        .updated("b", day(6), discounted(b.clone(), &[percent("half", 50)]))
        .updated("b", Instant(day(6).0 + 60), b);
    same_from_the_checkpoint(&story);
}

#[test]
fn what_is_told_late_about_an_end_is_known_from_the_checkpoint() {
    let b = active(&[item("b.1", &price("q", "Q", 10), 1)]);
    let story = Story::new()
        .created("a", day(0), plan(1))
        .created("b", day(0), b.clone())
        .deleted("b", day(3))
        .updated("a", day(5), plan(2))
        .updated("b", day(9), State { status: Status::Canceled, ..b });
    same_from_the_checkpoint(&story);
}

#[test]
fn a_fact_of_a_lower_grade_says_so() {
    let mut story = Story::new().snapshot("a", day(5), Origin::Seen, None, plan(9));
    if let Some(Fact::Subscription(snapshot)) = story.facts.last_mut() {
        snapshot.evidence.grade = Grade::Listing;
    }
    assert_eq!(story.derive().movements[0].evidence.grade, Grade::Listing);
}

#[test]
fn from_the_first_event_on_an_export_has_no_say() {
    let row = |story: Story, at| {
        let mut story = story.snapshot("a", at, Origin::Seen, None, plan(9));
        if let Some(Fact::Subscription(snapshot)) = story.facts.last_mut() {
            snapshot.evidence.grade = Grade::Csv;
        }
        story
    };
    let story = row(Story::new(), day(2)).snapshot("a", day(5), Origin::Updated, Some(plan(10)), plan(12));
    let story = row(story, day(7));
    story.moves(&["d2 opening a.1 +90", "d5 expansion/seat quantity a.1 +30"]);
    assert!(story.derive().findings.is_empty(), "what an export leaves out breaks no chain");
}

#[test]
fn what_is_learnt_before_and_after_a_checkpoint_is_known_from_it() {
    let in_euros = |quantity| {
        let price = Price { scheme: Scheme::OptionNotSent, ..euros(price("p", "P", 0)) };
        active(&[item("a.1", &price, quantity)])
    };
    let story = Story::new()
        .learns_options(day(-9), &price("p", "P", 10), &[("eur", 9)])
        .learns_options(day(3), &price("p", "P", 10), &[("eur", 12)])
        .learns_options(day(7), &price("p", "P", 10), &[("eur", 15)])
        .created("a", day(0), in_euros(1))
        .updated("a", day(5), in_euros(2))
        .updated("a", day(9), in_euros(3));
    assert_eq!(story.derive().checkpoint.unwrap().at, day(7));
    same_from_the_checkpoint(&story);
}

#[test]
fn where_a_line_stands_is_asked_as_of_the_change_not_as_of_the_checkpoint() {
    let marks = |ladder: &str| Marks { ladder: Some(ladder.to_owned()), rank: Some(1), ..Marks::default() };
    let (basic, pro) = (price("b", "basic", 10), price("r", "pro", 20));
    let story = Story::new()
        .marks_product(day(-1), "basic", &marks("one"))
        .marks_product(day(2), "basic", &marks("two"))
        .marks_product(day(-1), "pro", &marks("two"))
        .created("a", day(0), active(&[item("a.1", &basic, 1)]))
        .created("b", day(0), active(&[item("b.1", &price("q", "Q", 10), 1)]))
        .updated("b", day(5), active(&[item("b.1", &price("q", "Q", 10), 2)]))
        .updated("a", day(9), active(&[item("a.2", &pro, 1)]))
        .updated("b", day(12), active(&[item("b.1", &price("q", "Q", 10), 3)]));
    assert_eq!(told(&story.derive().movements)[3], "d9 expansion/upsell tier a.2 +10");
    same_from_the_checkpoint(&story);
}

#[test]
fn the_customers_discount_is_at_hand_from_a_checkpoint() {
    let story = Story::new()
        .discount(None, day(-3), DiscountChange::Created, &until(percent("half", 50), day(20)))
        .created("a", day(0), plan(1))
        .updated("a", day(5), plan(2))
        .updated("a", day(9), plan(3));
    assert_eq!(told(&story.derive().movements)[3], "d20 expansion/discount discount_ended a.1 +15");
    same_from_the_checkpoint(&story);
}

#[test]
fn what_is_told_of_a_discount_may_reach_back_to_the_beginning() {
    let story = Story::new().discount(None, day(5), DiscountChange::Deleted, &percent("half", 50));
    assert_eq!(story.facts[0].reaches_back_to(), Instant(i64::MIN));
}
