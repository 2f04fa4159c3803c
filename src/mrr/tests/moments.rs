//! The moments that an explanation tells: what was brought forward, what counted for nothing and why, and
//! who taught what a line is valued by.

use std::sync::Arc;

use super::testing::*;
use crate::mrr::{
    Cause, Counting, Counts, Coupon, Discount, DiscountChange, Explanation, Instant, ListedItem, Moment, Mrr,
    Occasion, PastDuePolicy, Policy, Price, Scheme, Scope, SideSteps, State, Status, ValuationStep, explain,
};

fn told(story: &Story) -> Explanation {
    explain(&story.timeline(), story.rules())
}

fn occasions(story: &Story) -> Vec<(Instant, Occasion)> {
    told(story).moments.into_iter().map(|moment| (moment.at, moment.occasion)).collect()
}

fn is_opening(moment: &&Moment) -> bool {
    moment.occasion == Occasion::Opening
}

fn seats(quantity: u64) -> State {
    active(&[item("i", &price("p", "P", 10), quantity)])
}

/// A subscription first heard of by a change of what it was.
fn first_heard(before: State, after: State) -> Story {
    let mut story = Story::new();
    story.states.insert("a".to_owned(), before);
    story.updated("a", day(1), after)
}

#[test]
fn what_is_brought_forward_is_a_moment_with_the_evidence_of_the_first_word() {
    let told = told(&first_heard(seats(3), seats(5)));
    let [opening, word] = told.moments.as_slice() else { panic!("{:?}", told.moments) };
    assert_eq!((opening.at, &opening.occasion), (day(1), &Occasion::Opening));
    assert_eq!(opening.evidence, word.evidence);
    assert_eq!((opening.lines[0].quantity, word.lines[0].quantity), (3, 5));
    assert_eq!(opening.lines[0].valuation.level, Ok(Mrr(3_000_000_000)));
}

#[test]
fn what_counted_for_nothing_is_not_brought_forward() {
    let trial = first_heard(with_status(Status::Trialing, seats(3)), seats(3));
    assert_eq!(told(&trial).moments.iter().filter(is_opening).count(), 0);
    // A status of paused has never paid, even where it counts.
    let mut paused = first_heard(with_status(Status::Paused, seats(3)), seats(3));
    paused.policy = Policy { paused: Counting::Counts, ..Policy::default() };
    assert_eq!(told(&paused).moments.iter().filter(is_opening).count(), 0);
}

#[test]
fn a_deleted_customers_lines_count_for_nothing_from_then_on() {
    let story = Story::new().created("a", day(0), seats(3)).customer_deleted(day(5));
    let told = told(&story);
    let counts: Vec<_> =
        told.moments.iter().map(|moment| (moment.at, moment.occasion.clone(), moment.counts)).collect();
    assert_eq!(counts.len(), 2, "{counts:?}");
    assert_eq!((counts[0].0, counts[0].2), (day(0), Counts::Levels));
    assert_eq!(counts[1], (day(5), Occasion::CustomerDeleted, Counts::Zero(Cause::CustomerDeleted)));
    assert_eq!(told.moments[1].lines[0].stands, None);
}

#[test]
fn a_lapse_and_a_discounts_end_are_told_apart() {
    let late = with_status(Status::PastDue, discounted(seats(3), &[until(percent("d", 10), day(9))]));
    let mut story = Story::new().created("a", day(0), late);
    story.policy = Policy { past_due: PastDuePolicy::LapsesAfterDays(20), ..Policy::default() };
    let silent = occasions(&story).split_off(1);
    assert_eq!(silent, [(day(9), Occasion::DiscountEnded), (day(20), Occasion::Lapsed)]);
}

#[test]
fn what_an_invoice_bills_is_a_moment_of_usage() {
    let state = active(&[item("i", &price("p", "P", 10), 1), item("m", &metered("m", "M"), 1)]);
    let state = discounted(state, &[until(percent("d", 10), day(40))]);
    let story = Story::new().created("a", day(0), state).billed("a", (day(0), day(31)), &[("m", 40)]);
    let silent = occasions(&story).split_off(1);
    let before_its_end = Instant(day(31).0 - 1);
    assert_eq!(silent, [(before_its_end, Occasion::Usage), (day(40), Occasion::DiscountEnded)]);
}

/// A discount of which an event says the id alone.
fn id_alone(discount: &Discount) -> Discount {
    Discount { coupon: None, coupon_id: None, ..discount.clone() }
}

fn abouts(story: &Story, index: usize) -> Vec<String> {
    let teachers = told(story).moments.last().unwrap().lines[index].teachers.clone();
    teachers.into_iter().map(|teacher| teacher.about).collect()
}

#[test]
fn a_discount_is_taught_about_where_it_applies_and_by_its_name() {
    let (own, other, shared) = (percent("own", 10), percent("other", 10), percent("shared", 10));
    let mut items = [item("i", &price("p", "P", 10), 1), item("j", &price("q", "Q", 10), 1)];
    items[0].discounts = vec![id_alone(&own)];
    items[1].discounts = vec![id_alone(&other)];
    let story = Story::new()
        .discount(Some("a"), day(-3), DiscountChange::Created, &own)
        .discount(Some("a"), day(-3), DiscountChange::Created, &other)
        .discount(Some("a"), day(-3), DiscountChange::Created, &shared)
        .created("a", day(0), discounted(active(&items), &[id_alone(&shared)]));
    assert_eq!(abouts(&story, 0), ["discount di_own", "discount di_shared"]);
    assert_eq!(abouts(&story, 1), ["discount di_other", "discount di_shared"]);
}

#[test]
fn a_discount_is_called_by_its_id_or_its_coupons() {
    let whole = percent("c", 10);
    assert_eq!(whole.name(), "di_c");
    assert_eq!(Discount { id: None, ..whole.clone() }.name(), "c");
    assert_eq!(Discount { id: None, coupon_id: None, ..whole.clone() }.name(), "c");
    assert_eq!(Discount { id: None, coupon_id: None, coupon: None, ..whole }.name(), "without an id");
}

#[test]
fn only_an_item_that_was_not_sent_is_taught_about_by_the_list_of_items() {
    let items = [item("i", &price("p", "P", 10), 1), item("j", &price("q", "Q", 10), 1)];
    let listed = items.iter().map(|item| ListedItem { item: item.clone(), created: day(0) }).collect();
    let sent = State { items_truncated: true, ..active(&items[..1]) };
    let story = Story::new()
        .created("a", day(0), sent)
        .updated(
            "a",
            day(1),
            State { items_truncated: true, ..active(&[item("i", &price("p", "P", 10), 2)]) },
        )
        .learns_items("a", day(0), listed);
    let first = &told(&story).moments[0];
    let names: Vec<Vec<&str>> = first
        .lines
        .iter()
        .map(|line| line.teachers.iter().map(|teacher| teacher.about.as_str()).collect())
        .collect();
    assert_eq!(names, [vec![], vec!["items of a"]]);
}

/// The scopes of a story's discounts on its only line, as the newest moment has them.
fn scopes(story: &Story) -> Vec<Scope> {
    let steps = told(story).moments.last().unwrap().lines[0].valuation.steps.clone();
    let scope = |step: &ValuationStep| match step {
        ValuationStep::Discount { scope, .. } => Some(*scope),
        _ => None,
    };
    steps.iter().filter_map(scope).collect()
}

#[test]
fn discounts_that_items_share_are_the_subscriptions_own_or_else_the_customers() {
    let story = |own: Discount| {
        Story::new().discount(None, day(-1), DiscountChange::Created, &percent("customer", 30)).created(
            "a",
            day(0),
            discounted(seats(3), &[own]),
        )
    };
    assert_eq!(scopes(&story(percent("own", 10))), [Scope::Shared]);
    // One that is ignored is no discount of its own (R6).
    assert_eq!(scopes(&story(once(percent("own", 10)))), [Scope::Customer]);
    assert_eq!(scopes(&story(until(percent("own", 10), day(-5)))), [Scope::Customer]);
}

/// The side of a story's movement of a subscription, and where it was found.
fn side_of(story: &Story, subscription: &str, is_after: bool) -> SideSteps {
    let told = told(story);
    let movements = &told.derivation.movements;
    let movement =
        movements.iter().rev().find(|movement| movement.subscription.as_str() == subscription).unwrap();
    let side = if is_after { &movement.after } else { &movement.before };
    told.side(&movement.subscription, movement.effective_at, side.as_ref().unwrap(), is_after).unwrap()
}

#[test]
fn the_sides_of_a_first_change_are_what_was_brought_forward_and_what_was_told() {
    let story = first_heard(seats(3), seats(5));
    for (is_after, units) in [(false, 3), (true, 5)] {
        let side = side_of(&story, "a", is_after);
        assert!(!side.is_between, "{side:?}");
        assert!(side.steps.contains(&ValuationStep::Quantity { units }), "{side:?}");
    }
}

#[test]
fn the_sides_of_a_movement_are_those_of_its_own_subscription() {
    let state = |id: &str, quantity| active(&[item(id, &price("p", "P", 10), quantity)]);
    let story = Story::new()
        .created("a", day(0), state("i", 3))
        .created("b", day(0), state("j", 3))
        .updated("a", day(5), state("i", 4))
        .updated("b", day(5), state("j", 4));
    for subscription in ["a", "b"] {
        for is_after in [false, true] {
            assert_eq!(side_of(&story, subscription, is_after).subscription.as_str(), subscription);
        }
    }
}

#[test]
fn a_side_is_the_line_of_its_price_its_quantity_and_its_level() {
    let (p, q) = (price("p", "P", 10), price("q", "Q", 50));
    // Another price of the same level; the same price of another quantity.
    let beside =
        |quantity| active(&[item("same-level", &q, 1), item("same-price", &p, 3), item("i", &p, quantity)]);
    let story = Story::new().created("a", day(0), beside(5)).updated("a", day(5), beside(6));
    assert_eq!(side_of(&story, "a", false).item.as_str(), "i");
    let back = Story::new().created("a", day(0), beside(6)).updated("a", day(5), beside(5));
    assert_eq!(side_of(&back, "a", true).item.as_str(), "i");
    let metered_beside = |quantity| active(&[item("m", &metered("p", "P"), 5), item("i", &p, quantity)]);
    let story = Story::new().created("a", day(0), metered_beside(5)).updated("a", day(5), metered_beside(6));
    assert_eq!(side_of(&story, "a", false).item.as_str(), "i");
}

#[test]
fn a_price_sent_as_its_id_is_taught_about_even_where_its_amount_is_not() {
    let tiers = unknown_tiers(price("p", "P", 0));
    let story = |sent: &Price| {
        let state = active(&[item("i", sent, 1)]);
        Story::new().created("a", day(0), state).learns_price(day(-5), &tiers)
    };
    let id_alone = Price { scheme: Scheme::PriceNotSent, ..price("p", "p", 0) };
    assert_eq!(abouts(&story(&id_alone), 0), ["price p"]);
    assert_eq!(abouts(&story(&tiers), 0), [""; 0]);
}

fn with_option(discount: Discount) -> Discount {
    let coupon = discount.coupon.as_deref().unwrap().clone();
    let options = [("usd".into(), dollars(1))].into();
    Discount { coupon: Some(Arc::new(Coupon { options, ..coupon })), ..discount }
}

/// The events that taught about the only discount of a subscription that is sent like this, where the catalogue
/// learnt its coupon like that.
fn taught(sent: &Discount, told: Option<&Discount>, learnt: &Discount) -> Vec<String> {
    let state = discounted(seats(1), std::slice::from_ref(sent));
    let mut story = Story::new().created("a", day(0), state).learns_coupon(day(-5), learnt);
    if let Some(told) = told {
        story = story.discount(Some("a"), day(-3), DiscountChange::Created, told);
    }
    let teachers = explain(&story.timeline(), story.rules()).moments[0].lines[0].teachers.clone();
    teachers.into_iter().map(|teacher| teacher.evidence.event.to_string()).collect()
}

#[test]
fn a_coupon_is_taught_about_by_the_catalogue_where_it_tells_what_was_left_out() {
    let plain = percent("c", 10);
    let (by_coupon, by_id) = (Discount { coupon: None, ..plain.clone() }, id_alone(&plain));
    let limited = limited_to(plain.clone(), &["P"]);
    let nobody = [""; 0];
    assert_eq!(taught(&by_coupon, None, &plain), ["evt_learnt_0"]);
    assert_eq!(taught(&plain, None, &plain), nobody);
    assert_eq!(taught(&plain, None, &limited), ["evt_learnt_0"]);
    assert_eq!(taught(&limited, None, &limited), nobody);
    assert_eq!(taught(&by_id, Some(&plain), &plain), ["evt_9998"]);
    assert_eq!(taught(&by_id, Some(&by_coupon), &limited), ["evt_9998", "evt_learnt_0"]);
    let amount = dollars_off("c", 1);
    assert_eq!(taught(&amount, None, &with_option(amount.clone())), ["evt_learnt_0"]);
    assert_eq!(taught(&with_option(amount.clone()), None, &with_option(amount)), nobody);
}

#[test]
fn a_mean_is_told_where_several_periods_count() {
    let state = active(&[item("m", &metered("m", "M"), 1)]);
    let mut story = Story::new().created("a", day(0), state).billed("a", (day(0), day(31)), &[("m", 40)]);
    story.policy = Policy { usage_window: 3, ..Policy::default() };
    let means = |story: &Story| -> Vec<usize> {
        let steps = told(story).moments.last().unwrap().lines[0].valuation.steps.clone();
        let mean = |step: &ValuationStep| match step {
            ValuationStep::Mean { periods, .. } => Some(*periods),
            _ => None,
        };
        steps.iter().filter_map(mean).collect()
    };
    assert_eq!(means(&story), [0; 0]);
    assert_eq!(means(&story.billed("a", (day(31), day(59)), &[("m", 20)])), [2]);
}

#[test]
fn a_step_is_told_only_where_it_changes_the_line() {
    let mut items = [item("i", &price("p", "P", 10), 1), item("j", &price("q", "Q", 10), 1)];
    items[0].discounts = vec![percent("own", 10)];
    let shared = [limited_to(percent("c", 10), &["Q"])];
    let story = Story::new().created("a", day(0), discounted(active(&items), &shared));
    let lines = told(&story).moments[0].lines.clone();
    let is_discount = |step: &&ValuationStep| matches!(step, ValuationStep::Discount { .. });
    assert_eq!(lines[0].valuation.steps.iter().filter(is_discount).count(), 1);
    // Of a percentage it does not matter what it is spread over; without tax none is taken out.
    let discounts: Vec<&ValuationStep> = lines[1].valuation.steps.iter().filter(is_discount).collect();
    assert!(matches!(discounts[..], [ValuationStep::Discount { eligible: None, .. }]), "{discounts:?}");
    let is_tax = |step: &&ValuationStep| matches!(step, ValuationStep::WithoutTax { .. });
    assert_eq!(lines[1].valuation.steps.iter().filter(is_tax).count(), 0);
}
