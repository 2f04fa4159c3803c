//! R6: discounts of the customer itself, discounts sent as their ids, and what coupons are limited to
//! where only the catalogue tells.

use std::sync::Arc;

use super::testing::*;
use crate::mrr::DiscountChange::{Created, Deleted, Updated};
use crate::mrr::{Coupon, Discount, Item, Matter, Off, Origin, State, Topic};

fn plan() -> State {
    active(&[item("a.1", &price("p", "P", 100), 1)])
}

fn begun() -> Story {
    Story::new().created("a", day(0), plan())
}

/// The discount as versions since 2025 send it.
fn id_only(discount: &Discount) -> Discount {
    Discount { coupon: None, coupon_id: None, end: None, ..discount.clone() }
}

fn coupon_id_only(discount: &Discount) -> Discount {
    Discount { coupon: None, ..discount.clone() }
}

#[test]
fn a_discount_of_the_customer_starts_changes_and_ends() {
    let (half, ten) = (percent("half", 50), percent("ten", 10));
    let story = begun()
        .discount(None, day(3), Created, &half)
        .discount(None, day(5), Updated, &ten)
        .discount(None, day(9), Deleted, &ten);
    story.moves(&[
        "d0 new created a.1 +100",
        "d3 contraction/discount discount_started a.1 -50",
        "d5 expansion/discount discount_changed a.1 +40",
        "d9 expansion/discount discount_ended a.1 +10",
    ]);
    let proofs: Vec<_> = story.derive().movements.iter().map(|m| m.evidence.event.to_string()).collect();
    assert_eq!(proofs, ["evt_9999", "evt_9998", "evt_9997", "evt_9996"]);
}

#[test]
fn it_takes_something_off_every_licensed_item_within_its_products() {
    let items = [item("a.1", &price("p", "P", 100), 1), item("a.2", &price("q", "Q", 40), 1)];
    let story = Story::new().created("a", day(0), active(&items)).created(
        "b",
        day(0),
        active(&[item("b.1", &price("p", "P", 100), 1)]),
    );
    story.discount(None, day(3), Created, &limited_to(percent("half", 50), &["P"])).moves(&[
        "d0 new created a.1 +100",
        "d0 new created a.2 +40",
        "d0 new created b.1 +100",
        "d3 contraction/discount discount_started a.1 -50",
        "d3 contraction/discount discount_started b.1 -50",
    ]);
}

#[test]
fn it_ends_by_itself_with_the_proof_of_what_ended() {
    let story = begun().discount(None, day(3), Created, &until(percent("half", 50), day(33)));
    story.moves(&[
        "d0 new created a.1 +100",
        "d3 contraction/discount discount_started a.1 -50",
        "d33 expansion/discount discount_ended a.1 +50",
    ]);
    assert_eq!(story.derive().movements[2].evidence.event.as_ref(), "evt_9998");
}

#[test]
fn one_of_the_subscriptions_own_keeps_it_away_as_long_as_it_runs() {
    let own = discounted(plan(), &[until(percent("ten", 10), day(20))]);
    Story::new()
        .created("a", day(0), own)
        .discount(None, day(3), Created, &percent("half", 50))
        .moves(&["d0 new created a.1 +90", "d20 contraction/discount discount_changed a.1 -40"]);
}

#[test]
fn one_used_once_or_of_an_item_does_not_keep_it_away() {
    let half = percent("half", 50);
    let used = discounted(plan(), &[once(percent("ten", 10))]);
    Story::new()
        .discount(None, day(-3), Created, &half)
        .created("a", day(0), used)
        .moves(&["d0 new created a.1 +50"]);
    let own = Item { discounts: vec![percent("ten", 10)], ..item("a.1", &price("p", "P", 100), 1) };
    Story::new()
        .discount(None, day(-3), Created, &half)
        .created("a", day(0), active(&[own]))
        .moves(&["d0 new created a.1 +45"]);
}

#[test]
fn all_off_of_the_customer_is_churn_and_its_end_a_reactivation() {
    let all = until(percent("all", 100), day(33));
    let story = begun().discount(None, day(3), Created, &all);
    story.moves(&[
        "d0 new created a.1 +100",
        "d3 churn discount_started a.1 -100",
        "d33 reactivation discount_ended a.1 +100",
    ]);
    assert_eq!(story.derive().movements[1].evidence.event.as_ref(), "evt_9998");
}

#[test]
fn the_customers_own_events_show_it_and_show_that_it_is_gone() {
    let half = percent("half", 50);
    begun()
        .customer_shows(day(3), Some(&half))
        .customer_shows(day(5), Some(&half))
        .customer_shows(day(9), None)
        .moves(&[
            "d0 new created a.1 +100",
            "d3 contraction/discount discount_started a.1 -50",
            "d9 expansion/discount discount_ended a.1 +50",
        ]);
}

#[test]
fn within_a_second_what_goes_comes_before_what_comes() {
    let (half, ten) = (percent("half", 50), percent("ten", 10));
    begun()
        .discount(None, day(3), Created, &half)
        .discount(None, day(5), Created, &ten)
        .discount(None, day(5), Deleted, &half)
        .moves(&[
            "d0 new created a.1 +100",
            "d3 contraction/discount discount_started a.1 -50",
            "d5 expansion/discount discount_changed a.1 +40",
        ]);
}

#[test]
fn the_end_of_another_discount_takes_nothing_away() {
    let (half, ten) = (percent("half", 50), percent("ten", 10));
    begun()
        .discount(None, day(3), Created, &half)
        .discount(None, day(5), Deleted, &ten)
        .moves(&["d0 new created a.1 +100", "d3 contraction/discount discount_started a.1 -50"]);
    let nameless = Discount { id: None, ..ten };
    let story = begun().discount(None, day(3), Created, &half).discount(None, day(5), Deleted, &nameless);
    assert_eq!(told(&story.derive().movements)[2], "d5 expansion/discount discount_ended a.1 +50");
}

#[test]
fn what_is_first_heard_of_as_taken_away_stood_before() {
    begun()
        .discount(None, day(5), Deleted, &percent("half", 50))
        .moves(&["d0 new created a.1 +50", "d5 expansion/discount discount_ended a.1 +50"]);
}

#[test]
fn a_customers_own_event_that_comes_late_changes_nothing_before_itself() {
    let half = percent("half", 50);
    let story = begun().discount(None, day(9), Deleted, &half).customer_shows(day(5), None);
    story.moves(&["d0 new created a.1 +50", "d5 expansion/discount discount_ended a.1 +50"]);
}

#[test]
fn a_discount_shown_with_less_than_is_known_of_it_is_no_change() {
    let half = percent("half", 50);
    let story = begun().discount(None, day(3), Created, &half).customer_shows(day(5), Some(&id_only(&half)));
    story.moves(&["d0 new created a.1 +100", "d3 contraction/discount discount_started a.1 -50"]);
}

#[test]
fn an_opening_sees_it_and_nothing_moves_before_a_subscription_is_seen() {
    let state = active(&[item("a.1", &price("p", "P", 100), 2)]);
    Story::new()
        .discount(None, day(1), Created, &percent("half", 50))
        .snapshot("a", day(5), Origin::Updated, Some(plan()), state)
        .moves(&["d5 opening a.1 +50", "d5 expansion/seat quantity a.1 +50"]);
}

#[test]
fn a_discount_sent_as_its_id_has_the_terms_its_events_tell() {
    let half = until(percent("half", 50), day(33));
    let story = begun().updated("a", day(3), discounted(plan(), &[id_only(&half)]));
    let missing = "the coupon behind discount di_half".to_owned();
    assert_eq!(story.derive().findings[0].matter, Matter::Incomplete { item: "a.1".into(), missing });
    let story = story.discount(Some("a"), day(4), Created, &half);
    story.moves(&[
        "d0 new created a.1 +100",
        "d3 contraction/discount discount_started a.1 -50",
        "d33 expansion/discount discount_ended a.1 +50",
    ]);
}

#[test]
fn a_coupon_known_by_its_id_has_the_terms_the_catalogue_learnt() {
    let half = percent("half", 50);
    begun()
        .updated("a", day(3), discounted(plan(), &[id_only(&half)]))
        .discount(Some("a"), day(3), Created, &coupon_id_only(&half))
        .learns_coupon(day(90), &half)
        .moves(&["d0 new created a.1 +100", "d3 contraction/discount discount_started a.1 -50"]);
}

#[test]
fn a_coupon_is_limited_to_the_products_that_the_catalogue_knows() {
    let items = [item("a.1", &price("p", "P", 100), 1), item("a.2", &price("q", "Q", 40), 1)];
    let half = percent("half", 50);
    let story = Story::new().created("a", day(0), discounted(active(&items), std::slice::from_ref(&half)));
    assert_eq!(story.derive().findings.len(), 1);
    let story = story.learns_coupon(day(90), &limited_to(half, &["Q"]));
    story.moves(&["d0 new created a.1 +100", "d0 new created a.2 +20"]);
    assert_eq!(story.derive().findings, []);
}

#[test]
fn a_coupon_that_stays_unconfirmed_is_reported_once() {
    let half = percent("half", 50);
    let story = begun().discount(None, day(3), Created, &half).learns_coupon(day(0), &half);
    let matters: Vec<_> = story.derive().findings.into_iter().map(|finding| finding.matter).collect();
    assert_eq!(matters, [Matter::UnconfirmedCoupon { coupon: "half".to_owned() }]);
    assert!(story.derive().asked.contains(&Topic::Coupon("half".into())));
}

fn with_option(discount: &Discount, currency: &str, amount: i64) -> Discount {
    let coupon = discount.coupon.as_deref().unwrap().clone();
    let options = [(currency.into(), dollars(amount))].into();
    Discount { coupon: Some(Arc::new(Coupon { options, ..coupon })), ..discount.clone() }
}

#[test]
fn an_amount_is_taken_off_in_the_items_currency_and_may_change_there() {
    let ten = dollars_off("ten", 10);
    let state = active(&[item("a.1", &euros(price("p", "P", 100)), 1)]);
    let story = Story::new()
        .created("a", day(0), discounted(state, std::slice::from_ref(&ten)))
        .learns_coupon(day(0), &with_option(&ten, "eur", 9))
        .learns_coupon(day(5), &with_option(&ten, "eur", 12));
    story.moves(&["d0 new created a.1 +91 eur", "d5 contraction/discount discount_changed a.1 -3 eur"]);
    assert_eq!(story.derive().movements[1].evidence.event.as_ref(), "evt_learnt_1");
}

#[test]
fn an_amount_larger_than_the_price_leaves_nothing_and_no_less() {
    let lot = Off::Amount { amount: dollars(500), currency: "usd".into() };
    let lot = coupon("lot", lot, crate::mrr::Duration::Forever);
    begun().discount(None, day(3), Created, &lot).discount(None, day(9), Deleted, &lot).moves(&[
        "d0 new created a.1 +100",
        "d3 churn discount_started a.1 -100",
        "d9 reactivation discount_ended a.1 +100",
    ]);
}

#[test]
fn a_discount_shown_without_id_and_terms_is_the_one_that_stands() {
    let half = percent("half", 50);
    let bare = Discount { id: None, ..id_only(&half) };
    let story = begun().discount(None, day(3), Created, &half).customer_shows(day(5), Some(&bare));
    story.moves(&["d0 new created a.1 +100", "d3 contraction/discount discount_started a.1 -50"]);
    let is_missing = |matter: &Matter| matches!(matter, Matter::Incomplete { .. });
    assert!(!story.derive().findings.iter().any(|finding| is_missing(&finding.matter)));
}

#[test]
fn a_discount_told_anew_with_other_terms_has_them_from_then_on() {
    let told_anew = percent("half", 20);
    begun()
        .discount(None, day(3), Created, &percent("half", 50))
        .discount(None, day(5), Updated, &told_anew)
        .moves(&[
            "d0 new created a.1 +100",
            "d3 contraction/discount discount_started a.1 -50",
            "d5 expansion/discount discount_changed a.1 +30",
        ]);
}

#[test]
fn a_discount_of_one_subscription_is_not_the_customers() {
    begun()
        .discount(Some("other"), day(3), Created, &percent("half", 50))
        .moves(&["d0 new created a.1 +100"]);
}

#[test]
fn amounts_that_a_payload_carries_come_before_those_learnt() {
    let ten = with_option(&dollars_off("ten", 10), "eur", 9);
    let state = active(&[item("a.1", &euros(price("p", "P", 100)), 1)]);
    Story::new()
        .created("a", day(0), discounted(state, std::slice::from_ref(&ten)))
        .learns_coupon(day(-1), &with_option(&ten, "eur", 12))
        .moves(&["d0 new created a.1 +91 eur"]);
}

#[test]
fn a_change_of_a_discounts_terms_is_proved_by_the_event_that_told_it() {
    let story = Story::new()
        .created("a", day(0), discounted(plan(), &[id_only(&percent("half", 50))]))
        .discount(Some("a"), day(0), Created, &percent("half", 50))
        .discount(Some("a"), day(5), Updated, &percent("half", 20));
    story.moves(&["d0 new created a.1 +50", "d5 expansion/discount discount_changed a.1 +30"]);
    assert_eq!(&*story.derive().movements[1].evidence.event, "evt_9997");
}
