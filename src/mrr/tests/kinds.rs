//! R16, R17, R18, R20, R21: what happened to each item.

use super::testing::*;
use crate::mrr::{Catalogue, Fact, Interval, Item, Motion, MotionSigns, Price, State, SubscriptionId};

fn p(id: &str, product: &str, amount: i64) -> Price {
    price(id, product, amount)
}

fn one(price: &Price, quantity: u64) -> State {
    active(&[item("a.1", price, quantity)])
}

fn from_to(before: &[Item], after: &[Item]) -> Story {
    Story::new().created("a", day(0), active(before)).updated("a", day(1), active(after))
}

/// The movements of day 1.
#[track_caller]
fn change(story: &Story, expected: &[&str]) {
    let moves = told(&story.derive().movements);
    let moves: Vec<&str> = moves.iter().filter_map(|line| line.strip_prefix("d1 ")).collect();
    assert_eq!(moves, expected);
}

fn ladder(steps: &[&str]) -> Catalogue {
    Catalogue { ladders: vec![steps.iter().map(|step| (*step).to_owned()).collect()], ..Catalogue::default() }
}

#[test]
fn more_seats_at_a_higher_price_are_seats_at_the_old_and_a_tier_at_the_new_quantity() {
    let story = from_to(&[item("a.1", &p("s", "S", 20), 10)], &[item("a.1", &p("m", "M", 30), 12)]);
    change(&story, &["expansion/seat quantity a.1 +40", "expansion/upsell tier a.1 +120"]);
    let movements = story.derive().movements;
    let sides: Vec<_> = movements[1..]
        .iter()
        .map(|m| (m.before.clone().unwrap(), m.after.clone().unwrap()))
        .map(|(b, a)| (b.price.to_string(), b.quantity, a.price.to_string(), a.quantity))
        .collect();
    assert_eq!(sides, [("s".into(), 10, "s".into(), 12), ("s".into(), 12, "m".into(), 12)]);
}

#[test]
fn another_price_of_the_same_product_is_a_tier_up_and_down() {
    let (low, high) = ([item("a.1", &p("l", "S", 20), 1)], [item("a.1", &p("h", "S", 30), 1)]);
    change(&from_to(&low, &high), &["expansion/upsell tier a.1 +10"]);
    change(&from_to(&high, &low), &["contraction/downgrade tier a.1 -10"]);
}

#[test]
fn seats_up_and_down_are_seats() {
    let seats = p("s", "S", 20);
    change(
        &from_to(&[item("a.1", &seats, 1)], &[item("a.1", &seats, 3)]),
        &["expansion/seat quantity a.1 +40"],
    );
    change(
        &from_to(&[item("a.1", &seats, 3)], &[item("a.1", &seats, 1)]),
        &["contraction/seat quantity a.1 -40"],
    );
}

#[test]
fn the_quantity_of_packs_is_an_upsell_or_a_downgrade() {
    let packs = Price { is_seat: false, ..p("s", "S", 20) };
    let (few, many) = ([item("a.1", &packs, 1)], [item("a.1", &packs, 3)]);
    change(&from_to(&few, &many), &["expansion/upsell quantity a.1 +40"]);
    change(&from_to(&many, &few), &["contraction/downgrade quantity a.1 -40"]);
    let seats = p("s", "S", 20);
    for name in ["s", "S"] {
        let mut story = from_to(&[item("a.1", &seats, 1)], &[item("a.1", &seats, 3)]);
        story.catalogue.not_seats.insert(name.to_owned());
        change(&story, &["expansion/upsell quantity a.1 +40"]);
    }
}

#[test]
fn another_subscription_to_a_product_already_held_is_seats_or_packs() {
    let seats = p("s", "S", 20);
    let second = |price: &Price| {
        let b = active(&[item("b.1", price, 1)]);
        Story::new().created("a", day(0), one(price, 1)).created("b", day(1), b)
    };
    change(&second(&seats), &["expansion/seat quantity b.1 +20"]);
    change(&second(&seats).deleted("b", day(1)), &[]);
    let packs = Price { is_seat: false, ..seats };
    change(&second(&packs), &["expansion/upsell quantity b.1 +20"]);
}

#[test]
fn one_of_two_subscriptions_to_a_product_that_ends_is_seats() {
    let seats = p("s", "S", 20);
    let b = active(&[item("b.1", &seats, 1)]);
    let story =
        Story::new().created("a", day(0), one(&seats, 1)).created("b", day(0), b).deleted("b", day(1));
    change(&story, &["contraction/seat canceled b.1 -20"]);
}

#[test]
fn a_product_added_is_a_cross_sell_and_removed_a_product_removed() {
    let (base, more) = (item("a.1", &p("s", "S", 20), 1), item("a.2", &p("t", "T", 7), 1));
    let both = [base.clone(), more];
    change(&from_to(std::slice::from_ref(&base), &both), &["expansion/cross_sell product a.2 +7"]);
    change(&from_to(&both, &[base]), &["contraction/product_removed product a.2 -7"]);
}

#[test]
fn an_add_on_is_a_cross_sell_of_cause_add_on() {
    let (base, more) = (item("a.1", &p("s", "S", 20), 1), item("a.2", &p("t", "T", 7), 1));
    let both = [base.clone(), more];
    let mut story = from_to(std::slice::from_ref(&base), &both);
    story.catalogue.add_ons.insert("T".to_owned());
    change(&story, &["expansion/cross_sell add_on a.2 +7"]);
    let mut story = from_to(&both, &[base]);
    story.catalogue.add_ons.insert("T".to_owned());
    change(&story, &["contraction/product_removed add_on a.2 -7"]);
}

#[test]
fn an_add_on_is_never_in_the_place_of_something_else() {
    let base = item("a.1", &p("s", "S", 20), 1);
    let (add_on, other) = (item("a.2", &p("t", "T", 7), 1), item("a.3", &p("u", "U", 9), 1));
    let mut story = from_to(&[base.clone(), add_on], &[base, other]);
    change(&story, &["expansion/upsell tier a.3 +2"]);
    story.catalogue.add_ons.insert("T".to_owned());
    change(&story, &["expansion/product_removed add_on a.2 -7", "expansion/cross_sell product a.3 +9"]);
}

#[test]
fn a_successor_of_the_same_plan_is_a_price_change() {
    let (old, new) = (p("old", "S", 20), p("new", "S", 25));
    let mut story = from_to(&[item("a.1", &old, 2)], &[item("a.1", &new, 2)]);
    story.catalogue.successors.insert("old".to_owned(), "new".to_owned());
    change(&story, &["expansion/price price a.1 +10"]);
    let new = Price { succeeds: Some("old".into()), ..new };
    change(
        &from_to(&[item("a.1", &old, 2)], &[item("a.1", &new, 3)]),
        &["expansion/seat quantity a.1 +20", "expansion/price price a.1 +15"],
    );
    let lower = Price { succeeds: Some("new".into()), ..p("lower", "S", 15) };
    change(
        &from_to(&[item("a.1", &new, 2)], &[item("a.1", &lower, 2)]),
        &["contraction/price price a.1 -20"],
    );
}

#[test]
fn what_could_not_be_valued_before_is_no_price_change_but_a_tier() {
    let (base, known) = (item("a.1", &p("s", "S", 20), 1), p("t", "T", 30));
    let tiers = [base.clone(), item("a.2", &unknown_tiers(known.clone()), 1)];
    // Nobody knows that the price ever asked anything else.
    change(&from_to(&tiers, &[base, item("a.2", &known, 1)]), &["expansion/upsell tier a.2 +30"]);
}

#[test]
fn another_interval_of_the_same_product_is_a_term_wholly() {
    let (monthly, annual) = (p("m", "S", 20), yearly(p("y", "S", 180)));
    // 2 × $20 a month, then 3 × $180 a year.
    change(
        &from_to(&[item("a.1", &monthly, 2)], &[item("a.1", &annual, 3)]),
        &["expansion/seat quantity a.1 +20", "expansion/term term a.1 -15"],
    );
}

#[test]
fn twelve_months_are_the_interval_of_a_year() {
    let twelve = Price { cadence: every(12, Interval::Month), ..p("t", "S", 240) };
    let annual = yearly(p("y", "S", 360));
    change(
        &from_to(&[item("a.1", &twelve, 1)], &[item("a.1", &annual, 1)]),
        &["expansion/upsell tier a.1 +10"],
    );
}

#[test]
fn prices_ranked_on_a_ladder_are_tiers_at_any_interval() {
    let (monthly, annual) = (p("m", "S", 20), yearly(p("y", "S", 360)));
    let mut story = from_to(&[item("a.1", &monthly, 1)], &[item("a.1", &annual, 1)]);
    story.catalogue = ladder(&["m", "y"]);
    change(&story, &["expansion/upsell tier a.1 +10"]);
    story.catalogue = ladder(&["S", "T"]);
    change(&story, &["expansion/term term a.1 +10"]);
}

#[test]
fn another_product_at_another_interval_is_a_tier() {
    let (monthly, annual) = (p("m", "S", 20), yearly(p("y", "T", 360)));
    change(
        &from_to(&[item("a.1", &monthly, 1)], &[item("a.1", &annual, 1)]),
        &["expansion/upsell tier a.1 +10"],
    );
}

#[test]
fn steps_are_net_of_the_discount_as_it_was() {
    let story = Story::new()
        .created("a", day(0), discounted(one(&p("s", "S", 20), 10), &[percent("half", 50)]))
        .updated("a", day(1), discounted(one(&p("m", "M", 30), 12), &[percent("tenth", 10)]));
    change(
        &story,
        &[
            "expansion/seat quantity a.1 +20",
            "expansion/upsell tier a.1 +60",
            "expansion/discount discount_changed a.1 +144",
        ],
    );
}

#[test]
fn the_same_item_comes_before_the_same_price() {
    let (s, t) = (p("s", "S", 20), p("t", "T", 30));
    let story = from_to(&[item("a.1", &s, 1), item("a.2", &t, 1)], &[item("a.1", &t, 1), item("a.2", &s, 2)]);
    change(
        &story,
        &[
            "expansion/upsell tier a.1 +10",
            "expansion/seat quantity a.2 +30",
            "expansion/downgrade tier a.2 -20",
        ],
    );
}

#[test]
fn the_same_price_comes_before_the_same_product() {
    let (s, s2) = (p("s", "S", 20), p("s2", "S", 30));
    let story = from_to(&[item("a.1", &s, 1)], &[item("a.2", &s2, 1), item("a.3", &s, 2)]);
    change(&story, &["expansion/seat quantity a.2 +30", "expansion/seat quantity a.3 +20"]);
}

#[test]
fn of_two_subscriptions_each_item_is_matched_in_its_own_first() {
    let two = |a: Item, b: Item| (active(&[a]), active(&[b]));
    let story = |before: (State, State), after: (State, State)| {
        let story = Story::new().created("a", day(0), before.0).created("b", day(0), before.1);
        story.updated("a", day(1), after.0).updated("b", day(1), after.1)
    };
    let (s, s2) = (p("s", "S", 20), p("s2", "S", 30));
    let before = two(item("a.1", &s, 1), item("b.1", &s, 5));
    // One price on other items.
    let after = two(item("a.2", &s, 2), item("b.2", &s, 5));
    change(&story(before.clone(), after), &["expansion/seat quantity a.2 +20"]);
    // One product at another price.
    let after = two(item("a.2", &s2, 1), item("b.2", &s2, 5));
    change(&story(before, after), &["expansion/upsell tier a.2 +10", "expansion/upsell tier b.2 +50"]);
}

#[test]
fn the_same_product_on_another_item_is_a_tier() {
    let story = from_to(
        &[item("a.1", &p("s", "S", 20), 1), item("a.2", &p("x", "X", 5), 1)],
        &[item("a.3", &p("s2", "S", 30), 1), item("a.4", &p("y", "Y", 6), 1)],
    );
    change(&story, &["expansion/upsell tier a.3 +10", "expansion/upsell tier a.4 +1"]);
}

#[test]
fn one_for_one_in_the_same_subscription_is_a_tier() {
    let story = from_to(&[item("a.1", &p("s", "S", 20), 1)], &[item("a.2", &p("t", "T", 30), 1)]);
    change(&story, &["expansion/upsell tier a.2 +10"]);
}

#[test]
fn one_for_one_across_subscriptions_is_a_removal_and_an_addition() {
    let story = Story::new().created("a", day(0), one(&p("s", "S", 20), 1)).deleted("a", day(1)).created(
        "b",
        day(1),
        active(&[item("b.1", &p("t", "T", 30), 1)]),
    );
    change(&story, &["expansion/product_removed canceled a.1 -20", "expansion/cross_sell product b.1 +30"]);
}

#[test]
fn one_for_two_is_a_removal_and_additions() {
    let story = from_to(
        &[item("a.1", &p("s", "S", 20), 1)],
        &[item("a.2", &p("t", "T", 30), 1), item("a.3", &p("u", "U", 5), 1)],
    );
    change(
        &story,
        &[
            "expansion/product_removed product a.1 -20",
            "expansion/cross_sell product a.2 +30",
            "expansion/cross_sell product a.3 +5",
        ],
    );
}

#[test]
fn a_ladder_matches_its_steps_across_items_and_subscriptions() {
    let mut story = from_to(
        &[item("a.1", &p("s", "S", 20), 1)],
        &[item("a.2", &p("t", "T", 30), 1), item("a.3", &p("u", "U", 5), 1)],
    );
    story.catalogue = ladder(&["S", "T"]);
    change(&story, &["expansion/upsell tier a.2 +10", "expansion/cross_sell product a.3 +5"]);
    let mut story = Story::new().created("a", day(0), one(&p("s", "S", 20), 1)).deleted("a", day(1)).created(
        "b",
        day(1),
        active(&[item("b.1", &p("t", "T", 30), 1)]),
    );
    story.catalogue = ladder(&["S", "T"]);
    change(&story, &["expansion/upsell tier b.1 +10"]);
}

#[test]
fn a_removal_is_proved_by_the_word_that_left_the_item_out() {
    let (base, more) = (item("a.1", &p("s", "S", 20), 1), item("a.2", &p("t", "T", 7), 1));
    let story = from_to(&[base.clone(), more], &[base]);
    let last = story.derive().movements.pop().unwrap();
    assert_eq!(&*last.evidence.event, "evt_9998");
    assert_eq!(last.subscription, SubscriptionId::from("a"));
}

fn motion_of(signs: MotionSigns) -> Motion {
    let mut story = from_to(&[item("a.1", &p("s", "S", 20), 1)], &[item("a.1", &p("s", "S", 20), 2)]);
    if let Some(Fact::Subscription(snapshot)) = story.facts.last_mut() {
        snapshot.motion = signs;
    }
    story.derive().movements[1].motion
}

#[test]
fn motion_takes_the_first_sign_that_applies() {
    let signs = |declared, is_scheduled, is_self_serve| MotionSigns {
        declared,
        is_scheduled,
        is_self_serve,
        is_released: false,
    };
    assert_eq!(motion_of(signs(Some(Motion::Organic), true, false)), Motion::Organic);
    assert_eq!(motion_of(signs(None, true, true)), Motion::Deliberate);
    assert_eq!(motion_of(signs(None, false, true)), Motion::Organic);
    assert_eq!(motion_of(signs(None, false, false)), Motion::Unknown);
}
