//! R22: phases of schedules that are to come. They are scheduled and never stand by themselves.

use std::sync::Arc;

use super::testing::*;
use crate::mrr::{
    Derivation, Discount, Duration, Fact, Grade, Instant, Interval, Item, Marks, Motion, MotionSigns, Off,
    Origin, Phase, PhaseItem, Price, ScheduleFact, ScheduleStatus, State, Status,
};

/// A phase of thirty days with items by the ids of their prices.
fn phase(start: i64, items: &[(&str, u64)]) -> Phase {
    let named = |(price, quantity): &(&str, u64)| PhaseItem {
        price: (*price).into(),
        terms: None,
        quantity: *quantity,
        discounts: Vec::new(),
        inclusive_tax: None,
    };
    Phase {
        start: day(start),
        end: Some(day(start + 30)),
        currency: None,
        items: items.iter().map(named).collect(),
        discounts: Vec::new(),
        trial_end: None,
    }
}

fn given(phase: Phase, discounts: &[Discount]) -> Phase {
    Phase { discounts: discounts.to_vec(), ..phase }
}

/// The schedule of subscription `a`, or of one to come.
fn of(sub: Option<&str>, phases: &[Phase]) -> ScheduleFact {
    ScheduleFact {
        customer: "cus_1".into(),
        schedule: "sched".into(),
        subscription: sub.map(Into::into),
        origin: Origin::Updated,
        status: if sub.is_some() { ScheduleStatus::Active } else { ScheduleStatus::NotStarted },
        cancels_at_end: false,
        phases: phases.to_vec(),
        lasts_until: None,
        at: day(1),
        evidence: evidence(""),
    }
}

fn over(fact: ScheduleFact, at: Instant, status: ScheduleStatus) -> ScheduleFact {
    ScheduleFact { status, at, phases: Vec::new(), ..fact }
}

/// Two of basic at $10 on day 0, as of day 5; pro at $20 is known.
fn two_basic() -> Story {
    let story = Story::new()
        .learns_price(day(-1), &price("pro_1", "pro", 20))
        .learns_price(day(-1), &price("basic_1", "basic", 10))
        .created("a", day(0), active(&[basic("a.1", 2)]));
    Story { as_of: Some(day(5)), ..story }
}

fn to_come(story: &Story) -> Vec<String> {
    told(&story.derive().scheduled)
}

fn planned(phases: &[Phase]) -> Vec<String> {
    to_come(&two_basic().schedule(of(Some("a"), phases)))
}

#[test]
fn more_seats_are_scheduled_and_do_not_stand() {
    let story =
        two_basic().schedule(of(Some("a"), &[phase(0, &[("basic_1", 2)]), phase(30, &[("basic_1", 5)])]));
    let derivation = story.derive();
    assert_eq!(told(&derivation.movements), ["d0 new created a.1 +20"]);
    assert_eq!(told(&derivation.scheduled), ["d30 expansion/seat quantity a.1 +30"]);
    let movement = &derivation.scheduled[0];
    assert_eq!(movement.motion, Motion::Deliberate);
    assert_eq!(movement.evidence.event, story.facts.last().map(event_of).unwrap());
    assert_eq!(derivation.due_at, Some(day(30)), "it is looked at again when the phase begins");
}

fn event_of(fact: &Fact) -> Arc<str> {
    match fact {
        Fact::Schedule(fact) => Arc::clone(&fact.evidence.event),
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_price_is_matched_as_in_any_change() {
    assert_eq!(planned(&[phase(30, &[("pro_1", 2)])]), ["d30 expansion/upsell tier pro_1 +20"]);
    // Quantity at the old price first (R17).
    assert_eq!(
        planned(&[phase(30, &[("pro_1", 3)])]),
        ["d30 expansion/seat quantity pro_1 +10", "d30 expansion/upsell tier pro_1 +30"]
    );
    assert_eq!(
        planned(&[phase(30, &[("basic_1", 2), ("pro_1", 1)])]),
        ["d30 expansion/cross_sell product pro_1 +20"]
    );
    let both = two_basic().updated("a", day(1), active(&[basic("a.1", 2), pro("a.2", 1)]));
    let both = both.schedule(ScheduleFact { at: day(2), ..of(Some("a"), &[phase(30, &[("basic_1", 1)])]) });
    assert_eq!(
        to_come(&both),
        ["d30 contraction/seat quantity a.1 -10", "d30 contraction/product_removed product a.2 -20"]
    );
}

#[test]
fn a_price_of_the_same_product_keeps_the_item() {
    let story = two_basic().learns_price(day(-1), &yearly(price("basic_y", "basic", 96)));
    let story = story.schedule(of(Some("a"), &[phase(30, &[("basic_y", 2)])]));
    assert_eq!(to_come(&story), ["d30 contraction/term term a.1 -4"]);
}

#[test]
fn ladders_decide_as_in_any_change() {
    let marks = |rank| Marks { ladder: Some("plans".to_owned()), rank: Some(rank), ..Marks::default() };
    let story = two_basic()
        .learns_price(day(-1), &price("extra_1", "extra", 4))
        .marks_product(day(-1), "basic", &marks(1))
        .marks_product(day(-1), "pro", &marks(2));
    let story = story.schedule(of(Some("a"), &[phase(30, &[("extra_1", 1), ("pro_1", 2)])]));
    assert_eq!(
        to_come(&story),
        ["d30 expansion/cross_sell product extra_1 +4", "d30 expansion/upsell tier pro_1 +20"]
    );
}

#[test]
fn each_phase_follows_the_one_before() {
    let phases = [phase(30, &[("basic_1", 5)]), phase(60, &[("basic_1", 4)]), phase(90, &[("pro_1", 4)])];
    assert_eq!(
        planned(&phases),
        [
            "d30 expansion/seat quantity a.1 +30",
            "d60 contraction/seat quantity a.1 -10",
            "d90 expansion/upsell tier pro_1 +40"
        ]
    );
    let turned: Vec<Phase> = phases.iter().rev().cloned().collect();
    assert_eq!(planned(&turned), planned(&phases), "their order in the payload does not matter");
}

#[test]
fn a_phase_that_changes_nothing_moves_nothing_and_neither_does_a_gap() {
    assert_eq!(planned(&[phase(0, &[("basic_1", 2)]), phase(30, &[("basic_1", 2)])]), [""; 0]);
    let apart = [phase(0, &[("basic_1", 2)]), phase(50, &[("basic_1", 3)])];
    assert_eq!(planned(&apart), ["d50 expansion/seat quantity a.1 +10"]);
}

#[test]
fn the_schedule_ends_its_subscription_only_if_it_cancels() {
    let phases = [phase(0, &[("basic_1", 2)]), phase(30, &[("basic_1", 3)])];
    let cancels = ScheduleFact { cancels_at_end: true, ..of(Some("a"), &phases) };
    let story = two_basic().schedule(cancels.clone());
    assert_eq!(to_come(&story), ["d30 expansion/seat quantity a.1 +10", "d60 churn canceled a.1 -30"]);
    assert_eq!(planned(&phases), ["d30 expansion/seat quantity a.1 +10"]);
    // The last phase runs.
    let story = Story { as_of: Some(day(40)), ..story };
    assert_eq!(to_come(&story), ["d60 churn canceled a.1 -20"]);
}

#[test]
fn an_end_that_the_subscription_asks_for_as_well_is_one_end() {
    let ends = |at| State { ends_at: Some(day(at)), ..active(&[basic("a.1", 2)]) };
    let phases = [phase(0, &[("basic_1", 2)]), phase(30, &[("basic_1", 3)])];
    let cancels = |at| ScheduleFact { cancels_at_end: true, at: day(at), ..of(Some("a"), &phases) };
    let story = |end| two_basic().updated("a", day(2), ends(end)).schedule(cancels(2));
    assert_eq!(to_come(&story(60)), ["d30 expansion/seat quantity a.1 +10", "d60 churn canceled a.1 -30"]);
    assert_eq!(to_come(&story(20)), ["d20 churn canceled a.1 -20"]);
    assert_eq!(to_come(&story(80)), ["d30 expansion/seat quantity a.1 +10", "d60 churn canceled a.1 -30"]);
}

#[test]
fn what_passes_without_a_word_is_not_invented() {
    let story =
        two_basic().schedule(of(Some("a"), &[phase(30, &[("basic_1", 5)]), phase(60, &[("basic_1", 6)])]));
    let story = Story { as_of: Some(day(30)), ..story };
    let derivation = story.derive();
    assert_eq!(told(&derivation.movements), ["d0 new created a.1 +20"]);
    // What comes next is counted from what the subscription says it holds.
    assert_eq!(told(&derivation.scheduled), ["d60 expansion/seat quantity a.1 +40"]);
    assert_eq!(derivation.due_at, Some(day(60)));
    let last = Story { as_of: Some(day(60)), ..story }.derive();
    assert_eq!((last.scheduled.len(), last.due_at), (0, None));
}

#[test]
fn a_phase_that_the_subscription_has_told_stands_and_is_no_longer_to_come() {
    let signs = MotionSigns { is_scheduled: true, ..MotionSigns::default() };
    let story =
        two_basic().schedule(of(Some("a"), &[phase(30, &[("basic_1", 5)]), phase(60, &[("basic_1", 6)])]));
    let story = Story { motion: signs, ..story }.updated("a", day(30), active(&[basic("a.1", 5)]));
    let derivation = Story { as_of: Some(day(31)), ..story }.derive();
    assert_eq!(
        told(&derivation.movements),
        ["d0 new created a.1 +20", "d30 expansion/seat quantity a.1 +30"]
    );
    assert_eq!(told(&derivation.scheduled), ["d60 expansion/seat quantity a.1 +10"]);
}

#[test]
fn nothing_comes_of_a_schedule_that_is_over_whatever_an_older_list_shows() {
    let schedule = of(Some("a"), &[phase(30, &[("basic_1", 5)])]);
    for status in [ScheduleStatus::Released, ScheduleStatus::Canceled, ScheduleStatus::Completed] {
        let story = two_basic().schedule(schedule.clone()).schedule(over(schedule.clone(), day(3), status));
        assert_eq!(to_come(&story), [""; 0], "{status:?}");
        let mut listed = ScheduleFact { at: day(4), origin: Origin::Seen, ..schedule.clone() };
        listed.evidence.grade = Grade::Listing;
        assert_eq!(to_come(&story.schedule(listed)), [""; 0], "{status:?}");
    }
    let unknown = ScheduleFact { status: ScheduleStatus::Unknown, ..schedule };
    assert_eq!(to_come(&two_basic().schedule(unknown)), [""; 0]);
}

#[test]
fn the_newest_word_counts() {
    let word =
        |at, quantity| ScheduleFact { at: day(at), ..of(Some("a"), &[phase(30, &[("basic_1", quantity)])]) };
    let story = two_basic().schedule(word(3, 9)).schedule(word(2, 5));
    assert_eq!(to_come(&story), ["d30 expansion/seat quantity a.1 +70"]);
    // Within a second the beginning comes first, and an event knows better than a list.
    let begun = ScheduleFact { origin: Origin::Created, ..word(3, 4) };
    assert_eq!(to_come(&story.clone().schedule(begun)), ["d30 expansion/seat quantity a.1 +70"]);
    let mut listed = ScheduleFact { origin: Origin::Seen, ..word(3, 4) };
    listed.evidence.grade = Grade::Listing;
    assert_eq!(to_come(&story.schedule(listed)), ["d30 expansion/seat quantity a.1 +70"]);
}

#[test]
fn of_two_schedules_of_a_subscription_the_one_heard_of_last_counts() {
    let other = ScheduleFact {
        schedule: "another".into(),
        at: day(3),
        ..of(Some("a"), &[phase(30, &[("pro_1", 2)])])
    };
    let story = two_basic().schedule(other).schedule(of(Some("a"), &[phase(30, &[("basic_1", 5)])]));
    assert_eq!(to_come(&story), ["d30 expansion/upsell tier pro_1 +20"]);
}

#[test]
fn a_subscription_that_has_its_schedule_no_more_was_released_from_it() {
    let story = two_basic().schedule(of(Some("a"), &[phase(30, &[("basic_1", 5)])]));
    let held = active(&[basic("a.1", 3)]);
    let released = story.clone().updated("a", day(3), held.clone());
    assert_eq!(to_come(&released), [""; 0]);
    let signs = MotionSigns { is_scheduled: true, ..MotionSigns::default() };
    let kept = Story { motion: signs, ..story }.updated("a", day(3), held);
    assert_eq!(to_come(&kept), ["d30 expansion/seat quantity a.1 +20"]);
}

#[test]
fn nothing_comes_of_a_subscription_that_is_over_or_was_never_heard_of() {
    let story = two_basic().schedule(of(Some("a"), &[phase(30, &[("basic_1", 5)])]));
    assert_eq!(to_come(&story.clone().deleted("a", day(4))), [""; 0]);
    assert_eq!(to_come(&story.customer_deleted(day(4))), [""; 0]);
    assert_eq!(to_come(&two_basic().schedule(of(Some("b"), &[phase(30, &[("basic_1", 5)])]))), [""; 0]);
}

#[test]
fn a_schedule_that_has_not_begun_is_business_to_come() {
    let phases = [phase(20, &[("basic_1", 1)]), phase(50, &[("basic_1", 3)])];
    let cancels = ScheduleFact { cancels_at_end: true, ..of(None, &phases) };
    let expected =
        |first: &str| vec![format!("d20 {first} +10"), "d50 expansion/seat quantity basic_1 +20".to_owned()];
    let nobody =
        Story { as_of: Some(day(5)), ..Story::new() }.learns_price(day(-1), &price("basic_1", "basic", 10));
    let new = nobody.clone().schedule(cancels.clone());
    let whole = [expected("new created basic_1"), vec!["d80 churn canceled basic_1 -30".to_owned()]].concat();
    assert_eq!(to_come(&new), whole);
    assert_eq!(new.derive().scheduled[0].subscription.as_str(), "sched");
    assert_eq!(new.derive().movements, []);
    // By then the first phase has passed: what came of it is its subscription's to say.
    assert_eq!(to_come(&Story { as_of: Some(day(20)), ..new }), [""; 0]);
    let gone = two_basic().deleted("a", day(4));
    assert_eq!(to_come(&gone.schedule(of(None, &phases))), expected("reactivation created basic_1"));
    let beside = Story { as_of: Some(day(5)), ..two_basic() };
    assert_eq!(to_come(&beside.schedule(of(None, &phases)))[0], "d20 expansion/seat quantity basic_1 +10");
}

#[test]
fn a_schedule_that_begins_within_the_window_is_a_transfer() {
    let story = two_basic().deleted("a", day(4)).schedule(of(None, &[phase(6, &[("basic_1", 3)])]));
    let derivation = story.derive();
    assert_eq!(told(&derivation.movements)[1], "d4 churn canceled a.1 -20", "until then it has left");
    assert_eq!(
        told(&derivation.scheduled),
        ["d6 transfer basic_1 +20", "d6 expansion/seat quantity basic_1 +10"]
    );
}

#[test]
fn a_trial_in_a_phase_counts_from_its_end() {
    let nobody =
        Story { as_of: Some(day(5)), ..Story::new() }.learns_price(day(-1), &price("basic_1", "basic", 10));
    let trial = |end| Phase { trial_end: Some(day(end)), ..phase(20, &[("basic_1", 2)]) };
    let inside = nobody.clone().schedule(of(None, &[trial(34)]));
    assert_eq!(to_come(&inside), ["d34 new trial_ended basic_1 +20"]);
    // The next phase begins as the trial ends.
    let whole = nobody.schedule(of(None, &[trial(50), phase(50, &[("basic_1", 3)])]));
    assert_eq!(to_come(&whole), ["d50 new trial_ended basic_1 +30"]);
    let trialing = with_status(Status::Trialing, active(&[basic("a.1", 2)]));
    let story = Story { as_of: Some(day(5)), ..Story::new() }.created("a", day(0), trialing);
    let story = story.schedule(of(Some("a"), &[phase(0, &[("basic_1", 2)]), phase(30, &[("basic_1", 2)])]));
    assert_eq!(to_come(&story), ["d30 new trial_ended a.1 +20"]);
}

#[test]
fn who_does_not_count_does_not_count_for_a_phase() {
    let later = of(Some("a"), &[phase(30, &[("basic_1", 5)])]);
    let of_state = |state: State| {
        let story = Story { as_of: Some(day(5)), ..Story::new() }.created("a", day(0), state);
        to_come(&story.schedule(later.clone()))
    };
    let held = active(&[basic("a.1", 2)]);
    assert_eq!(of_state(with_status(Status::Unpaid, held.clone())), [""; 0]);
    assert_eq!(of_state(paused(held.clone())), [""; 0]);
    assert_eq!(of_state(with_status(Status::PastDue, held)), ["d30 expansion/seat quantity a.1 +30"]);
}

#[test]
fn a_phases_coupons_take_the_place_of_those_before() {
    let half = percent("half", 50);
    let later = phase(30, &[("basic_1", 2)]);
    assert_eq!(
        planned(&[given(later.clone(), std::slice::from_ref(&half)), phase(60, &[("basic_1", 2)])]),
        [
            "d30 contraction/discount discount_started a.1 -10",
            "d60 expansion/discount discount_ended a.1 +10"
        ]
    );
    let by_id = Discount { id: None, coupon: None, ..half.clone() };
    let named = given(later.clone(), std::slice::from_ref(&by_id));
    let learnt =
        two_basic().learns_coupon(day(-1), &half).schedule(of(Some("a"), std::slice::from_ref(&named)));
    assert_eq!(to_come(&learnt), ["d30 contraction/discount discount_started a.1 -10"]);
    // It has it already: the same discount goes on, to its own end.
    let ends = until(half, day(40));
    let has = two_basic().updated("a", day(1), discounted(active(&[basic("a.1", 2)]), &[ends]));
    assert_eq!(
        to_come(&has.schedule(of(Some("a"), &[named]))),
        ["d40 expansion/discount discount_ended a.1 +10"]
    );
    let repeating = until(coupon("third", Off::Percent(300_000), Duration::Repeating), day(45));
    assert_eq!(
        planned(&[given(later, &[repeating])]),
        ["d30 contraction/discount discount_started a.1 -6", "d45 expansion/discount discount_ended a.1 +6"]
    );
}

#[test]
fn what_no_price_is_known_for_is_no_movement_and_heals() {
    let phases = [phase(30, &[("mystery", 2)]), phase(60, &[("basic_1", 3)])];
    let story = two_basic().schedule(of(Some("a"), &phases));
    let derivation = story.derive();
    // Held at its last known level, and the next known one counts from there (R4).
    assert_eq!(told(&derivation.scheduled), ["d60 expansion/upsell tier basic_1 +10"]);
    assert_eq!(derivation.findings, [], "what is to come lacks nothing yet");
    assert!(derivation.asked.contains(&crate::mrr::Topic::Price("mystery".into())));
    let healed = story.learns_price(day(3), &price("mystery", "basic", 30));
    assert_eq!(to_come(&healed)[0], "d30 expansion/upsell tier a.1 +40");
    let nobody = Story { as_of: Some(day(5)), ..Story::new() };
    assert_eq!(to_come(&nobody.schedule(of(None, &[phase(30, &[("mystery", 2)])]))), [""; 0]);
    let coded = Discount { id: None, coupon: None, coupon_id: None, end: None };
    assert_eq!(planned(&[given(phase(30, &[("basic_1", 5)]), &[coded])]), [""; 0]);
}

#[test]
fn a_price_that_the_subscription_holds_need_not_be_learnt() {
    let story =
        Story { as_of: Some(day(5)), ..Story::new() }.created("a", day(0), active(&[basic("a.1", 2)]));
    let story = story.schedule(of(Some("a"), &[phase(30, &[("basic_1", 7)])]));
    assert_eq!(to_come(&story), ["d30 expansion/seat quantity a.1 +50"]);
    let mut expanded = phase(30, &[("pro_1", 2)]);
    expanded.items[0].terms = Some(Arc::new(price("pro_1", "pro", 20)));
    let story =
        Story { as_of: Some(day(5)), ..Story::new() }.created("a", day(0), active(&[basic("a.1", 2)]));
    assert_eq!(to_come(&story.schedule(of(Some("a"), &[expanded]))), ["d30 expansion/upsell tier pro_1 +20"]);
}

#[test]
fn the_subscriptions_currency_and_taxes_stay() {
    let in_euros = price("pro_1", "pro", 20);
    let taxed = Item { inclusive_tax: 250_000, ..item("a.1", &euros(price("basic_1", "basic", 10)), 1) };
    let story = Story { as_of: Some(day(5)), ..Story::new() }
        .learns_options(day(-1), &in_euros, &[("eur", 15)])
        .created("a", day(0), active(&[taxed]));
    let story = story.schedule(of(Some("a"), &[phase(30, &[("pro_1", 1)])]));
    // €15 with a quarter of tax on top of 12, after €10 with 8 without it.
    assert_eq!(to_come(&story), ["d30 expansion/upsell tier pro_1 +4 eur"]);
}

#[test]
fn usage_ends_with_its_item_and_nothing_is_said_of_what_will_be_used() {
    let calls = item("a.2", &metered("calls", "calls"), 1);
    let story = Story { as_of: Some(day(35)), ..Story::new() }
        .created("a", day(0), active(&[basic("a.1", 2), calls]))
        .billed("a", (day(0), day(31)), &[("a.2", 40)]);
    let story = story.schedule(of(Some("a"), &[phase(60, &[("basic_1", 2)])]));
    assert_eq!(to_come(&story), ["d60 contraction/usage usage a.2 -40"]);
    let kept = of(Some("a"), &[phase(60, &[("calls", 1), ("basic_1", 3)])]);
    let story = Story { facts: story.facts[..2].to_vec(), ..story }.schedule(kept);
    assert_eq!(to_come(&story), ["d60 expansion/seat quantity a.1 +10"]);
}

#[test]
fn two_items_of_one_price_keep_their_names() {
    let state = active(&[basic("a.1", 2), basic("a.2", 3)]);
    let story = Story { as_of: Some(day(5)), ..Story::new() }.created("a", day(0), state);
    let story =
        story.schedule(of(Some("a"), &[phase(30, &[("basic_1", 2), ("basic_1", 4), ("basic_1", 1)])]));
    assert_eq!(
        to_come(&story),
        ["d30 expansion/seat quantity a.2 +10", "d30 expansion/seat quantity basic_1 +10"]
    );
}

#[test]
fn several_subscriptions_go_on_side_by_side() {
    let other = active(&[item("b.1", &price("q", "Q", 7), 1)]);
    let of_b = ScheduleFact { schedule: "other".into(), ..of(Some("b"), &[phase(30, &[("q", 2)])]) };
    let story = two_basic()
        .created("b", day(0), State { ends_at: Some(day(40)), ..other })
        .schedule(of_b)
        .schedule(of(Some("a"), &[phase(30, &[("basic_1", 3)])]));
    assert_eq!(
        to_come(&story),
        [
            "d30 expansion/seat quantity a.1 +10",
            "d30 expansion/seat quantity b.1 +7",
            "d40 contraction/product_removed canceled b.1 -14"
        ]
    );
}

#[test]
fn yearly_prices_of_phases_are_valued_by_the_month() {
    let yearly_plan = yearly(price("year", "pro", 240));
    let story =
        two_basic().learns_price(day(-1), &Price { cadence: every(2, Interval::Year), ..yearly_plan });
    let story = story.schedule(of(Some("a"), &[phase(30, &[("year", 4)])]));
    let derivation: Derivation = story.derive();
    assert_eq!(derivation.scheduled.iter().map(|movement| movement.delta.0).sum::<i128>(), 2_000 * 1_000_000);
}
