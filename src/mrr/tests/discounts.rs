//! R6: what discounts take off, and when they end; R17 for the discount step.

use std::sync::Arc;

use super::testing::*;
use crate::mrr::{
    Catalogue, Coupon, Discount, DiscountPolicy, Item, Known, Matter, Policy, Price, PriceAmount, Scheme,
    State, Terms,
};

fn terms_of(state: &State, policy: DiscountPolicy) -> Terms {
    Terms::of(state, day(0), &Known::of(&[], &Catalogue::default()), policy)
}

fn levels(state: &State) -> Vec<String> {
    let terms = terms_of(state, DiscountPolicy::Recurring);
    (0..state.items.len()).map(|index| terms.level(index).unwrap().to_string()).collect()
}

fn two_items() -> State {
    active(&[item("a.1", &price("p", "P", 60), 1), item("a.2", &price("q", "Q", 40), 1)])
}

fn own(item: Item, discount: &Discount) -> Item {
    Item { discounts: vec![discount.clone()], ..item }
}

#[test]
fn discounts_of_a_subscription_apply_in_array_order() {
    let one = || active(&[item("a.1", &price("p", "P", 100), 1)]);
    let (rate, amount) = (percent("rate", 20), dollars_off("five", 5));
    assert_eq!(levels(&discounted(one(), &[rate.clone(), amount.clone()])), ["7500"]);
    assert_eq!(levels(&discounted(one(), &[amount, rate])), ["7600"]);
}

#[test]
fn item_discounts_come_first() {
    let state = active(&[own(item("a.1", &price("p", "P", 100), 1), &dollars_off("ten", 10))]);
    assert_eq!(levels(&discounted(state, &[percent("half", 50)])), ["4500"]);
}

#[test]
fn an_amount_is_spread_in_proportion_to_value() {
    assert_eq!(levels(&discounted(two_items(), &[dollars_off("ten", 10)])), ["5400", "3600"]);
}

#[test]
fn a_level_is_never_below_zero() {
    assert_eq!(levels(&discounted(two_items(), &[dollars_off("lot", 1_000)])), ["0", "0"]);
    assert_eq!(levels(&discounted(two_items(), &[percent("all", 100), percent("more", 50)])), ["0", "0"]);
}

#[test]
fn halves_that_discounts_leave_are_rounded_to_the_even_one() {
    for (whole, half) in [("0.000001", "0"), ("0.000003", "0.000002"), ("0.000005", "0.000002")] {
        let scheme = Scheme::PerUnit { unit: PriceAmount::parse(whole).unwrap(), transform: None };
        let price = Price { scheme, ..price("p", "P", 0) };
        assert_eq!(levels(&discounted(active(&[item("a.1", &price, 1)]), &[percent("half", 50)])), [half]);
    }
}

#[test]
fn a_coupon_limited_to_products_leaves_the_others() {
    let limited = limited_to(dollars_off("ten", 10), &["Q"]);
    assert_eq!(levels(&discounted(two_items(), &[limited])), ["6000", "3000"]);
}

/// The coupon's amounts in other currencies, as far as they are known.
fn with_options(discount: Discount, options: &[(&str, i64)]) -> Discount {
    let coupon = discount.coupon.as_deref().unwrap().clone();
    let options = options.iter().map(|(currency, amount)| ((*currency).into(), dollars(*amount))).collect();
    Discount { coupon: Some(Arc::new(Coupon { options, ..coupon })), ..discount }
}

#[test]
fn an_amount_in_another_currency_takes_what_it_has_there() {
    let discounted_by = |options: &[(&str, i64)]| {
        let state = active(&[item("a.1", &euros(price("p", "P", 60)), 1)]);
        discounted(state, &[with_options(dollars_off("ten", 10), options)])
    };
    assert_eq!(levels(&discounted_by(&[("usd", 10), ("eur", 9)])), ["5100"]);
    assert_eq!(levels(&discounted_by(&[("usd", 10), ("gbp", 8)])), ["6000"]);
    // Nobody told what it has there (R4).
    let unknown = terms_of(&discounted_by(&[]), DiscountPolicy::Recurring).level(0);
    assert_eq!(unknown.unwrap_err().to_string(), "the amount of coupon ten in eur");
}

#[test]
fn an_amount_off_a_yearly_price_is_spread_over_its_year() {
    let state = active(&[item("a.1", &yearly(price("p", "P", 1_200)), 1)]);
    assert_eq!(levels(&discounted(state, &[dollars_off("lot", 120)])), ["9000"]);
}

#[test]
fn a_discount_used_once_is_ignored_unless_the_policy_says_all() {
    let state = discounted(two_items(), &[once(percent("half", 50))]);
    assert_eq!(levels(&state), ["6000", "4000"]);
    let all = terms_of(&state, DiscountPolicy::All);
    assert_eq!(all.level(0).unwrap().to_string(), "3000");
    let state = discounted(two_items(), &[percent("half", 50)]);
    let none = terms_of(&state, DiscountPolicy::None);
    assert_eq!(none.level(0).unwrap().to_string(), "6000");
}

#[test]
fn one_items_unknown_price_leaves_a_percentage_of_another_known() {
    let items = [item("a.1", &price("p", "P", 60), 1), item("a.2", &unknown_tiers(price("q", "Q", 0)), 1)];
    let state = discounted(active(&items), &[percent("half", 50)]);
    let terms = terms_of(&state, DiscountPolicy::Recurring);
    assert_eq!(terms.level(0).unwrap().to_string(), "3000");
    assert!(terms.level(1).is_err());
    let state = discounted(active(&items), &[dollars_off("ten", 10)]);
    let terms = terms_of(&state, DiscountPolicy::Recurring);
    assert!(terms.level(0).is_err(), "how an amount is spread depends on the other item");
}

#[test]
fn a_repeating_discount_ends_by_itself() {
    let state = active(&[item("a.1", &price("p", "P", 100), 1)]);
    Story::new()
        .created("a", day(0), discounted(state, &[until(percent("half", 50), day(90))]))
        .moves(&["d0 new created a.1 +50", "d90 expansion/discount discount_ended a.1 +50"]);
}

#[test]
fn the_word_that_follows_a_discounts_end_moves_nothing() {
    let state = active(&[item("a.1", &price("p", "P", 100), 1)]);
    Story::new()
        .created("a", day(0), discounted(state.clone(), &[until(percent("half", 50), day(90))]))
        .updated("a", day(91), state)
        .moves(&["d0 new created a.1 +50", "d90 expansion/discount discount_ended a.1 +50"]);
}

#[test]
fn a_discount_started_changed_and_ended_is_of_kind_discount() {
    let state = active(&[item("a.1", &price("p", "P", 100), 1)]);
    Story::new()
        .created("a", day(0), state.clone())
        .updated("a", day(1), discounted(state.clone(), &[percent("ten", 10)]))
        .updated("a", day(2), discounted(state.clone(), &[percent("half", 50)]))
        .updated("a", day(3), state)
        .moves(&[
            "d0 new created a.1 +100",
            "d1 contraction/discount discount_started a.1 -10",
            "d2 contraction/discount discount_changed a.1 -40",
            "d3 expansion/discount discount_ended a.1 +50",
        ]);
}

/// A discount is put beside those that a subscription has, and taken away again.
fn beside(stay: &[Discount], comes: Discount) -> Vec<String> {
    let with =
        |discounts: &[Discount]| discounted(active(&[item("a.1", &price("p", "P", 100), 1)]), discounts);
    let both = [stay, &[comes]].concat();
    let story = Story::new().created("a", day(0), with(stay)).updated("a", day(1), with(&both)).updated(
        "a",
        day(2),
        with(stay),
    );
    told(&story.derive().movements[1..])
}

#[test]
fn a_discount_beside_those_that_stay_starts_and_ends() {
    let (tenth, fifth, half) = (percent("tenth", 10), percent("fifth", 20), percent("half", 50));
    let expected = |amount: i64| {
        let start = format!("d1 contraction/discount discount_started a.1 -{amount}");
        [start, format!("d2 expansion/discount discount_ended a.1 +{amount}")]
    };
    assert_eq!(beside(std::slice::from_ref(&tenth), half.clone()), expected(45));
    assert_eq!(beside(&[tenth.clone(), fifth.clone()], half.clone()), expected(36));
    // Old versions of the API give discounts no ids: they are known by their coupons.
    let [tenth, fifth, half] = [tenth, fifth, half].map(|discount| Discount { id: None, ..discount });
    assert_eq!(beside(std::slice::from_ref(&tenth), half.clone()), expected(45));
    assert_eq!(beside(&[tenth, fifth], half), expected(36));
}

#[test]
fn two_discounts_of_one_coupon_are_two() {
    let one = percent("half", 50);
    let other = Discount { id: Some("di_other".into()), ..one.clone() };
    assert_eq!(
        beside(&[one], other),
        ["d1 contraction/discount discount_started a.1 -25", "d2 expansion/discount discount_ended a.1 +25"]
    );
}

#[test]
fn all_off_is_churn_and_its_end_brings_the_customer_back() {
    let state = active(&[item("a.1", &price("p", "P", 100), 1)]);
    Story::new()
        .created("a", day(0), state.clone())
        .updated("a", day(1), discounted(state, &[until(percent("all", 100), day(31))]))
        .moves(&[
            "d0 new created a.1 +100",
            "d1 churn discount_started a.1 -100",
            "d31 reactivation discount_ended a.1 +100",
        ]);
}

#[test]
fn a_customer_that_starts_free_is_new_when_the_discount_ends() {
    let state = active(&[item("a.1", &price("p", "P", 100), 1)]);
    let story = Story::new().created("a", day(0), discounted(state, &[until(percent("all", 100), day(31))]));
    story.moves(&["d31 new discount_ended a.1 +100"]);
}

#[test]
fn one_item_steps_while_the_others_keep_their_share_until_the_discount_step() {
    let (p, q) = (price("p", "P", 60), price("q", "Q", 40));
    let of = |quantity| {
        discounted(active(&[item("a.1", &p, quantity), item("a.2", &q, 1)]), &[dollars_off("ten", 10)])
    };
    // 54 + 36 before; 114 + 36 of 120 and 40 after: 112.5 + 37.5. The step alone, at the old share of
    // the other: 120 − 10 × 120/160 = 112.5.
    Story::new().created("a", day(0), of(1)).updated("a", day(1), of(2)).moves(&[
        "d0 new created a.1 +54",
        "d0 new created a.2 +36",
        "d1 expansion/seat quantity a.1 +58.5",
        "d1 expansion/discount discount_changed a.2 +1.5",
    ]);
}

#[test]
fn two_items_that_step_at_once_leave_the_rest_of_the_spread_to_the_discount_step() {
    let (p, q) = (price("p", "P", 60), price("q", "Q", 40));
    let of = |quantity| {
        discounted(active(&[item("a.1", &p, quantity), item("a.2", &q, quantity)]), &[dollars_off("ten", 10)])
    };
    // 120 beside 40 is 112.5, 80 beside 60 is 80 − 10 × 80/140 = 74.285714…; together 114 and 76.
    Story::new().created("a", day(0), of(1)).updated("a", day(1), of(2)).moves(&[
        "d0 new created a.1 +54",
        "d0 new created a.2 +36",
        "d1 expansion/seat quantity a.1 +58.5",
        "d1 expansion/discount discount_changed a.1 +1.5",
        "d1 expansion/seat quantity a.2 +38.28571429",
        "d1 expansion/discount discount_changed a.2 +1.71428571",
    ]);
}

#[test]
fn an_embedded_coupon_without_products_is_reported_as_unconfirmed() {
    let state = discounted(two_items(), &[percent("half", 50)]);
    let found =
        Story::new().created("a", day(0), state.clone()).updated("a", day(1), state).derive().findings;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].matter, Matter::UnconfirmedCoupon { coupon: "half".to_owned() });
}

#[test]
fn a_policy_without_discounts_knows_no_discount_movements() {
    let state = active(&[item("a.1", &price("p", "P", 100), 1)]);
    let mut story =
        Story::new().created("a", day(0), discounted(state, &[until(percent("half", 50), day(90))]));
    story.policy = Policy { discounts: DiscountPolicy::None, ..Policy::default() };
    story.moves(&["d0 new created a.1 +100"]);
}
