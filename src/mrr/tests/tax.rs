//! R7: tax that amounts include is no revenue.

use super::testing::*;
use crate::mrr::{Catalogue, DiscountPolicy, Item, Known, State, Terms};

const TWENTY_PERCENT: u32 = 200_000;

fn taxed(inclusive_tax: u32) -> State {
    active(&[Item { inclusive_tax, ..item("a.1", &price("p", "P", 120), 1) }])
}

fn level(state: &State) -> String {
    Terms::of(state, day(0), &Known::of(&[], &Catalogue::default()), DiscountPolicy::Recurring)
        .level(0)
        .unwrap()
        .to_string()
}

#[test]
fn included_tax_is_taken_out_of_what_discounts_leave() {
    assert_eq!(level(&taxed(TWENTY_PERCENT)), "10000");
    assert_eq!(level(&discounted(taxed(TWENTY_PERCENT), &[percent("half", 50)])), "5000");
    assert_eq!(level(&discounted(taxed(TWENTY_PERCENT), &[dollars_off("twelve", 12)])), "9000");
    assert_eq!(level(&taxed(88_750)), "11021.814007");
}

#[test]
fn more_seats_are_seats_without_their_tax() {
    let seats = |quantity| active(&[Item { quantity, ..taxed(TWENTY_PERCENT).items[0].clone() }]);
    Story::new()
        .created("a", day(0), seats(1))
        .updated("a", day(1), seats(3))
        .moves(&["d0 new created a.1 +100", "d1 expansion/seat quantity a.1 +200"]);
}

#[test]
fn another_rate_is_a_matter_of_price() {
    Story::new()
        .created("a", day(0), taxed(TWENTY_PERCENT))
        .updated("a", day(1), taxed(0))
        .updated("a", day(2), taxed(TWENTY_PERCENT))
        .moves(&[
            "d0 new created a.1 +100",
            "d1 expansion/price price a.1 +20",
            "d2 contraction/price price a.1 -20",
        ]);
}

#[test]
fn another_rate_with_another_discount_is_of_kind_discount() {
    Story::new()
        .created("a", day(0), taxed(TWENTY_PERCENT))
        .updated("a", day(1), discounted(taxed(0), &[percent("half", 50)]))
        .moves(&["d0 new created a.1 +100", "d1 contraction/discount discount_started a.1 -40"]);
}
