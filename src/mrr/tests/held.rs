//! R4: what a line that can't be valued is held by, where other lines came and left with it.

use super::testing::*;
use crate::mrr::Item;

fn known(id: &str, product: &str, amount: i64) -> Item {
    item(id, &price(&product.to_lowercase(), product, amount), 1)
}

fn unknown(id: &str, product: &str) -> Item {
    item(id, &unknown_tiers(price("u", product, 0)), 1)
}

/// From some items to others in one change, and what moves then.
fn changed(from: &[Item], to: &[Item]) -> Vec<String> {
    let story = Story::new().created("a", day(0), active(from)).updated("a", day(1), active(to));
    let moves = told(&story.derive().movements);
    moves.into_iter().filter(|line| line.starts_with("d1 ")).collect()
}

#[test]
fn one_that_left_holds_the_unknown_beside_what_came() {
    let came = [unknown("a.3", "R"), known("a.4", "S", 20)];
    assert_eq!(changed(&[known("a.1", "P", 10)], &came), ["d1 expansion/cross_sell product a.4 +20"]);
}

#[test]
fn several_that_left_hold_nothing_where_what_came_tells_what_is_gone() {
    let left = [known("a.1", "P", 10), known("a.2", "Q", 5)];
    let moves = changed(&left, &[unknown("a.3", "R"), known("a.4", "S", 20)]);
    assert_eq!(
        moves,
        [
            "d1 expansion/product_removed product a.1 -10",
            "d1 expansion/product_removed product a.2 -5",
            "d1 expansion/cross_sell product a.4 +20",
        ]
    );
}

#[test]
fn what_stayed_and_what_is_used_tell_nothing_of_what_is_gone() {
    let stays = known("a.5", "T", 7);
    let left = [known("a.1", "P", 10), known("a.2", "Q", 5), stays.clone()];
    assert_eq!(changed(&left, &[unknown("a.3", "R"), stays]), [""; 0]);
    let used = item("a.6", &metered("m", "M"), 1);
    let left = [known("a.1", "P", 10), known("a.2", "Q", 5)];
    assert_eq!(changed(&left, &[unknown("a.3", "R"), used]), [""; 0]);
}
