//! R4, R9, R21: what the catalogue learns, and when it holds.

use super::testing::*;
use crate::mrr::{
    Item, Learnt, ListedItem, Marks, Matter, Price, Role, Scheme, State, TiersMode, Topic, UsageType,
};

fn plan(price: &Price, quantity: u64) -> State {
    active(&[item("a.1", price, quantity)])
}

fn known_tiers(each: i64) -> Price {
    tiered(price("t", "P", 0), TiersMode::Graduated, &[(None, 0, each)])
}

fn id_only(id: &str) -> Price {
    Price { scheme: Scheme::PriceNotSent, ..price(id, id, 0) }
}

fn no_option(id: &str) -> Price {
    Price { scheme: Scheme::OptionNotSent, ..euros(price(id, "P", 0)) }
}

#[test]
fn tiers_learnt_later_hold_backwards() {
    let unknown = unknown_tiers(price("t", "P", 0));
    let story = Story::new().created("a", day(0), plan(&unknown, 2)).updated("a", day(5), plan(&unknown, 3));
    story.moves(&[]);
    let story = story.learns_price(day(90), &known_tiers(10));
    story.moves(&["d0 new created a.1 +20", "d5 expansion/seat quantity a.1 +10"]);
    assert_eq!(story.derive().findings, []);
}

#[test]
fn what_a_payload_carries_comes_before_what_was_learnt() {
    Story::new()
        .created("a", day(0), plan(&price("p", "P", 10), 1))
        .learns_price(day(-1), &price("p", "P", 99))
        .moves(&["d0 new created a.1 +10"]);
}

#[test]
fn of_a_price_sent_as_its_id_all_is_learnt() {
    let learnt = Price { is_seat: false, ..yearly(price("p", "P", 120)) };
    let story = Story::new().created("a", day(0), plan(&id_only("p"), 1)).updated(
        "a",
        day(3),
        plan(&id_only("p"), 2),
    );
    let missing = "the terms of price p".to_owned();
    assert_eq!(story.derive().findings[0].matter, Matter::Incomplete { item: "a.1".into(), missing });
    let story = story.learns_price(day(-3), &learnt);
    story.moves(&["d0 new created a.1 +10", "d3 expansion/upsell quantity a.1 +10"]);
    let movements = story.derive().movements;
    assert_eq!(movements[0].after.as_ref().unwrap().product.as_str(), "P");
    assert!(story.derive().asked.contains(&Topic::Product("P".into())));
}

#[test]
fn a_metered_price_may_be_known_from_the_catalogue_alone() {
    Story::new()
        .created("a", day(0), active(&[item("a.1", &price("p", "P", 10), 1), item("a.2", &id_only("m"), 1)]))
        .billed("a", (day(0), day(31)), &[("a.2", 40)])
        .billed("a", (day(31), day(59)), &[])
        .learns_price(day(90), &metered("m", "Q"))
        .moves(&[
            "d0 new created a.1 +10",
            "d31-1 expansion/usage usage a.2 +40",
            "d59-1 contraction/usage usage a.2 -40",
        ]);
}

#[test]
fn an_amount_in_another_currency_comes_from_the_prices_options() {
    let story = Story::new().created("a", day(0), plan(&no_option("p"), 2));
    let missing = "the amount of price p in eur".to_owned();
    assert_eq!(story.derive().findings[0].matter, Matter::Incomplete { item: "a.1".into(), missing });
    story.learns_options(day(1), &price("p", "P", 10), &[("eur", 9)]).moves(&["d0 new created a.1 +18 eur"]);
}

#[test]
fn an_option_that_changes_moves_those_who_pay_in_it_by_price() {
    let story = Story::new()
        .created("a", day(0), plan(&no_option("p"), 2))
        .created("b", day(0), active(&[item("b.1", &price("p", "P", 10), 1)]))
        .learns_options(day(-9), &price("p", "P", 10), &[("eur", 9)])
        .learns_options(day(5), &price("p", "P", 10), &[("eur", 12)])
        .updated("a", day(9), plan(&no_option("p"), 3));
    story.moves(&[
        "d0 new created a.1 +18 eur",
        "d0 new created b.1 +10",
        "d5 expansion/price price a.1 +6 eur",
        "d9 expansion/seat quantity a.1 +12 eur",
    ]);
    assert_eq!(story.derive().movements[2].evidence.event.as_ref(), "evt_learnt_1");
}

#[test]
fn a_version_without_the_part_that_is_asked_for_is_passed_over() {
    let told = unknown_tiers(price("t", "P", 0));
    Story::new()
        .created("a", day(5), plan(&told, 2))
        .learns_price(day(0), &known_tiers(10))
        .learns_price(day(3), &told)
        .moves(&["d5 new created a.1 +20"]);
}

#[test]
fn the_same_price_with_another_amount_is_a_price_movement() {
    Story::new()
        .created("a", day(0), plan(&price("p", "P", 10), 2))
        .updated("a", day(5), plan(&price("p", "P", 12), 2))
        .moves(&["d0 new created a.1 +20", "d5 expansion/price price a.1 +4"]);
}

#[test]
fn nothing_is_valued_before_a_subscriptions_first_step() {
    Story::new()
        .learns_options(day(-9), &price("p", "P", 10), &[("eur", 9)])
        .learns_options(day(-5), &price("p", "P", 10), &[("eur", 12)])
        .created("a", day(0), plan(&no_option("p"), 1))
        .moves(&["d0 new created a.1 +12 eur"]);
}

#[test]
fn an_opening_is_valued_by_what_was_known_then() {
    let story = Story::new().learns_options(day(-9), &price("p", "P", 10), &[("eur", 9)]).learns_options(
        day(5),
        &price("p", "P", 10),
        &[("eur", 12)],
    );
    let (one, two) = (plan(&no_option("p"), 1), plan(&no_option("p"), 2));
    story.snapshot("a", day(3), crate::mrr::Origin::Updated, Some(one), two).moves(&[
        "d3 opening a.1 +9 eur",
        "d3 expansion/seat quantity a.1 +9 eur",
        "d5 expansion/price price a.1 +6 eur",
    ]);
}

fn eleven(quantity: u64) -> Vec<Item> {
    vec![item("a.1", &price("p", "P", 10), quantity), item("a.2", &price("q", "Q", 5), 1)]
}

fn shown(quantity: u64) -> State {
    State { items_truncated: true, ..active(&eleven(quantity)[..1]) }
}

fn listed(items: &[Item], added: i64) -> Vec<ListedItem> {
    items.iter().map(|item| ListedItem { item: item.clone(), created: day(added) }).collect()
}

#[test]
fn items_past_the_tenth_come_from_a_list_that_fits() {
    let story = Story::new().created("a", day(0), shown(1)).deleted("a", day(9));
    assert_eq!(story.derive().findings[0].matter, Matter::ItemsTruncated);
    assert!(story.derive().asked.contains(&Topic::Items("a".into())));
    let story = story.learns_items("a", day(5), listed(&eleven(1), 0));
    story.moves(&[
        "d0 new created a.1 +10",
        "d0 new created a.2 +5",
        "d9 churn canceled a.1 -10",
        "d9 churn canceled a.2 -5",
    ]);
    assert_eq!(story.derive().findings, []);
}

#[test]
fn a_list_that_does_not_show_what_the_payload_shows_does_not_count() {
    let story = Story::new().created("a", day(0), shown(1)).updated("a", day(3), shown(2));
    let story = story.learns_items("a", day(5), listed(&eleven(2), 0));
    story.moves(&[
        "d0 new created a.1 +10",
        "d3 expansion/seat quantity a.1 +10",
        "d3 expansion/cross_sell product a.2 +5",
    ]);
    assert_eq!(story.derive().findings.len(), 1);
}

#[test]
fn of_several_lists_the_one_seen_next_shows_what_a_payload_left_out() {
    let more = vec![eleven(1)[0].clone(), item("a.2", &price("q", "Q", 5), 3)];
    let story = Story::new()
        .created("a", day(0), shown(1))
        .learns_items("a", day(6), listed(&more, 0))
        .learns_items("a", day(4), listed(&eleven(1), 0));
    story.clone().moves(&["d0 new created a.1 +10", "d0 new created a.2 +5"]);
    // An item past the tenth has changed: the payload shows only that something did.
    story.updated("a", day(5), shown(1)).moves(&[
        "d0 new created a.1 +10",
        "d0 new created a.2 +5",
        "d5 expansion/seat quantity a.2 +10",
    ]);
}

#[test]
fn listed_items_are_paid_in_the_currency_of_those_that_are_shown() {
    let shown = item("a.1", &euros(price("p", "P", 7)), 1);
    let cut = State { items_truncated: true, ..active(std::slice::from_ref(&shown)) };
    let mut story = Story::new().created("a", day(0), cut);
    let listed_items = [shown, item("a.2", &price("q", "Q", 5), 1)];
    story = story.learns_items("a", day(1), listed(&listed_items, 0));
    assert_eq!(story.derive().movements.len(), 1);
    assert!(story.derive().movements.iter().all(|movement| movement.currency.as_str() == "eur"));
}

#[test]
fn what_was_added_after_a_snapshot_is_not_in_it() {
    let mut items = listed(&eleven(1), 0);
    items.extend(listed(&[item("a.3", &price("r", "R", 7), 1)], 4));
    Story::new()
        .created("a", day(0), shown(1))
        .updated("a", day(4), shown(1))
        .learns_items("a", day(5), items)
        .moves(&[
            "d0 new created a.1 +10",
            "d0 new created a.2 +5",
            "d4 expansion/cross_sell product a.3 +7",
        ]);
}

fn ladder(name: &str, rank: i64) -> Marks {
    Marks { ladder: Some(name.to_owned()), rank: Some(rank), ..Marks::default() }
}

fn two_for_two() -> Story {
    let (basic, pro) = (price("b", "basic", 10), price("r", "pro", 20));
    let (old, new) = (price("x", "old", 3), price("y", "new", 4));
    Story::new().created("a", day(0), active(&[item("a.1", &basic, 1), item("a.2", &old, 1)])).updated(
        "a",
        day(5),
        active(&[item("a.3", &pro, 1), item("a.4", &new, 1)]),
    )
}

#[test]
fn products_of_one_learnt_ladder_replace_one_another() {
    two_for_two()
        .marks_product(day(0), "basic", &ladder("plans", 1))
        .marks_product(day(0), "pro", &ladder("plans", 2))
        .moves(&[
            "d0 new created a.1 +10",
            "d0 new created a.2 +3",
            "d5 expansion/upsell tier a.3 +10",
            "d5 expansion/upsell tier a.4 +1",
        ]);
}

#[test]
fn products_of_two_learnt_ladders_do_not() {
    let story = two_for_two().marks_product(day(0), "basic", &ladder("plans", 1)).marks_product(
        day(0),
        "pro",
        &ladder("others", 1),
    );
    story.moves(&[
        "d0 new created a.1 +10",
        "d0 new created a.2 +3",
        "d5 expansion/product_removed product a.1 -10",
        "d5 expansion/product_removed product a.2 -3",
        "d5 expansion/cross_sell product a.3 +20",
        "d5 expansion/cross_sell product a.4 +4",
    ]);
}

#[test]
fn what_is_configured_wins_over_what_was_learnt() {
    let mut story = two_for_two().marks_product(day(0), "basic", &ladder("plans", 1)).marks_product(
        day(0),
        "pro",
        &ladder("others", 1),
    );
    story.catalogue.ladders = vec![["basic", "pro"].map(str::to_owned).to_vec()];
    assert_eq!(told(&story.derive().movements)[2], "d5 expansion/upsell tier a.3 +10");
}

#[test]
fn an_interval_is_a_tier_only_where_the_two_prices_are_ranked() {
    let (monthly, annual) = (price("m", "P", 10), yearly(price("y", "P", 100)));
    let story = Story::new().created("a", day(0), plan(&monthly, 1)).updated("a", day(5), plan(&annual, 1));
    let term = "d5 contraction/term term a.1 -1.66666667";
    let story = story.marks_product(day(0), "P", &ladder("plans", 1));
    assert_eq!(told(&story.derive().movements)[1], term);
    let story = story.marks_price(day(0), &monthly, &ladder("prices", 1)).marks_price(
        day(0),
        &annual,
        &ladder("prices", 2),
    );
    assert_eq!(told(&story.derive().movements)[1], "d5 contraction/downgrade tier a.1 -1.66666667");
}

#[test]
fn a_learnt_add_on_is_one_and_replaces_nothing() {
    let (base, extra) = (price("b", "base", 10), price("e", "extra", 4));
    let marks = Marks { role: Some(Role::AddOn), ..Marks::default() };
    Story::new()
        .created("a", day(0), plan(&base, 1))
        .updated("a", day(5), active(&[item("a.1", &base, 1), item("a.2", &extra, 1)]))
        .marks_product(day(0), "extra", &marks)
        .moves(&["d0 new created a.1 +10", "d5 expansion/cross_sell add_on a.2 +4"]);
}

#[test]
fn packs_and_successors_are_known_as_of_the_instant() {
    let (old, new) = (price("o", "P", 10), price("n", "P", 12));
    let no_seat = Marks { is_seat: Some(false), ..Marks::default() };
    let follows = Marks { succeeds: Some("o".into()), ..Marks::default() };
    Story::new()
        .created("a", day(0), plan(&old, 1))
        .updated("a", day(3), plan(&old, 2))
        .updated("a", day(9), plan(&old, 3))
        .updated("a", day(12), plan(&new, 3))
        .marks_price(day(-1), &old, &Marks::default())
        .marks_price(day(5), &old, &no_seat)
        .marks_price(day(5), &new, &follows)
        .moves(&[
            "d0 new created a.1 +10",
            "d3 expansion/seat quantity a.1 +10",
            "d9 expansion/upsell quantity a.1 +10",
            "d12 expansion/price price a.1 +6",
        ]);
}

#[test]
fn all_that_facts_refer_to_is_asked_for() {
    let metered = Price { usage_type: UsageType::Metered, ..price("m", "M", 0) };
    let state = discounted(active(&[item("a.1", &metered, 1)]), &[percent("half", 50)]);
    let asked = Story::new().created("a", day(0), state).derive().asked;
    let expected = [Topic::Price("m".into()), Topic::Product("M".into()), Topic::Coupon("half".into())];
    assert_eq!(asked.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn facts_taken_up_together_are_known_as_if_one_by_one() {
    let story =
        Story::new().learns_price(day(3), &price("p", "P", 10)).learns_price(day(1), &price("p", "P", 9));
    let topic = Topic::Price("p".into());
    let facts = story.catalogue.learnt.about(&topic);
    assert_eq!(facts.iter().map(|fact| fact.at).collect::<Vec<_>>(), [day(1), day(3)]);
    let together: Learnt = facts.iter().rev().cloned().collect();
    assert_eq!(together, *story.catalogue.learnt);
    assert!(!together.is_empty() && Learnt::default().is_empty());
}

fn missing(story: &Story) -> String {
    match &story.derive().findings[0].matter {
        Matter::Incomplete { missing, .. } => missing.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_a_price_sent_as_its_id_the_amount_is_that_of_its_currency() {
    let story = Story::new()
        .created("a", day(0), plan(&euros(id_only("p")), 2))
        .learns_price(day(-3), &price("p", "P", 10));
    assert_eq!(missing(&story), "the amount of price p in eur");
    story.learns_options(day(1), &price("p", "P", 10), &[("eur", 9)]).moves(&["d0 new created a.1 +18 eur"]);
}

#[test]
fn of_a_price_sent_as_its_id_and_learnt_without_tiers_the_tiers_are_missing() {
    let story = Story::new()
        .created("a", day(0), plan(&id_only("p"), 2))
        .learns_price(day(-3), &unknown_tiers(price("p", "P", 0)));
    assert_eq!(missing(&story), "the tiers of price p");
}

#[test]
fn each_item_is_repriced_by_what_was_learnt_of_its_own_price() {
    let (p, q) = (price("p", "P", 10), price("q", "Q", 10));
    let items =
        [item("a.1", &no_option("p"), 1), item("a.2", &Price { product: "Q".into(), ..no_option("q") }, 1)];
    let story = Story::new()
        .created("a", day(0), active(&items))
        .learns_options(day(-9), &p, &[("eur", 9)])
        .learns_options(day(-9), &q, &[("eur", 9)])
        .learns_options(day(5), &p, &[("eur", 12)])
        .learns_options(day(5), &q, &[("eur", 12)]);
    let movements = story.derive().movements;
    let proofs: Vec<(&str, &str)> =
        movements[2..].iter().map(|moved| (moved.item.as_str(), moved.evidence.event.as_ref())).collect();
    assert_eq!(proofs, [("a.1", "evt_learnt_2"), ("a.2", "evt_learnt_3")]);
}

#[test]
fn what_is_told_and_learnt_in_one_second_is_proved_by_what_was_told() {
    let other = item("a.2", &price("q", "Q", 5), 1);
    let state = |quantity| active(&[item("a.1", &no_option("p"), quantity), other.clone()]);
    let story = Story::new()
        .created("a", day(0), state(2))
        .learns_options(day(-9), &price("p", "P", 10), &[("eur", 9)])
        .learns_options(day(5), &price("p", "P", 10), &[("eur", 12)])
        .updated("a", day(5), state(3));
    let movements = story.derive().movements;
    let now: Vec<&str> =
        movements.iter().filter(|m| m.effective_at == day(5)).map(|m| m.evidence.event.as_ref()).collect();
    assert_eq!(now, ["evt_9998", "evt_9998"]);
}

#[test]
fn of_several_lists_of_items_the_one_of_the_words_own_second_is_the_next() {
    let (shown, hidden) = (item("a.1", &price("p", "P", 10), 1), item("a.2", &price("q", "Q", 5), 1));
    let other = item("a.2", &price("r", "R", 99), 1);
    let listed = |items: &[Item]| {
        items.iter().map(|item| ListedItem { item: item.clone(), created: day(0) }).collect::<Vec<_>>()
    };
    Story::new()
        .created("a", day(0), State { items_truncated: true, ..active(std::slice::from_ref(&shown)) })
        .learns_items("a", day(0), listed(&[shown.clone(), hidden]))
        .learns_items("a", day(9), listed(&[shown, other]))
        .moves(&["d0 new created a.1 +10", "d0 new created a.2 +5"]);
}

#[test]
fn a_listed_item_is_paid_for_in_the_currency_of_those_shown() {
    let shown = item("a.1", &euros(price("p", "P", 10)), 1);
    let hidden = item("a.2", &price("q", "Q", 5), 1);
    let listed = [&shown, &hidden].map(|item| ListedItem { item: item.clone(), created: day(0) });
    Story::new()
        .created("a", day(0), State { items_truncated: true, ..active(std::slice::from_ref(&shown)) })
        .learns_items("a", day(0), listed.to_vec())
        .learns_options(day(-1), &price("q", "Q", 5), &[("eur", 4)])
        .moves(&["d0 new created a.1 +10 eur", "d0 new created a.2 +4 eur"]);
}
