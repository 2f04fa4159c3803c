//! R15, R26: a customer's month in several currencies.

use super::testing::*;
use crate::mrr::{Item, Month, net_month};

fn euro(id: &str) -> Item {
    item(id, &euros(price("euro_1", "euro", 18)), 1)
}

/// The cells of a story's February in a currency, which foot.
fn february(story: &Story, currency: &str) -> Vec<String> {
    let zone = chrono_tz::UTC;
    let derivation = story.derive();
    let month = Month::of(day(40), zone);
    let net = net_month(&derivation.levels, &derivation.movements, month.start(zone), month.end(zone));
    let net = &net.currencies[&currency.into()];
    let cells = net.cells.iter().map(|cell| {
        let kind = cell.kind.map(|kind| format!("/{}", kind.as_str())).unwrap_or_default();
        format!("{}{kind} {}", cell.lane.as_str(), in_dollars(cell.delta))
    });
    let sum = net.cells.iter().fold(net.start, |sum, cell| sum + cell.delta);
    assert_eq!(sum, net.end, "{currency} does not foot: {net:#?}");
    cells.collect()
}

#[test]
fn what_left_before_a_return_in_another_currency_is_no_part_of_a_later_gap() {
    let story = Story::new()
        .created("a", day(0), active(&[basic("a.1", 2)]))
        .deleted("a", day(32))
        .created("b", day(42), active(&[euro("b.1")]))
        .pause("b", day(45))
        .created("c", day(50), active(&[basic("c.1", 1)]));
    assert_eq!(february(&story, "eur"), ["pause -18", "expansion/cross_sell +18"]);
    assert_eq!(february(&story, "usd"), ["contraction/product_removed +10", "contraction/seat -20"]);
}
