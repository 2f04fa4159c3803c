//! Sections that look at one cause apart: what prices and discounts did, who is late with paying, what new
//! customers did in their first month.

use super::cell::Cell;
use super::sections::{Printed, title};
use super::sheet::Section;
use super::{CurrencyBlock, Scale};
use crate::mrr::{Delta, Kind};

/// What changes of price, discount and term did, apart from what customers bought; none of it is core.
pub(super) fn price_and_discount(printed: &Printed, scale: Scale) -> Option<Section> {
    let note = "Price rises, discounts that start or end, and other terms: in total expansion and contraction, \
                never in core expansion.";
    let columns = ["effect", "#up", "#down", "#net"];
    let mut section =
        Section::of("price_and_discount", "Price, discount and term", &columns).noted(Some(note.to_owned()));
    let units = |kinds: &[(Kind, i128)], of: Kind| -> i128 {
        kinds.iter().filter(|(kind, _)| *kind == of).map(|(_, units)| *units).sum()
    };
    let mut sums = [0, 0];
    for kind in [Kind::Price, Kind::Discount, Kind::Term] {
        let (up, down) = (units(&printed.expansion, kind), units(&printed.contraction, kind));
        sums = [sums[0] + up, sums[1] + down];
        if (up, down) != (0, 0) {
            let amounts = [up, down, up + down].map(|units| Cell::amount(scale, units));
            section.row([title(kind.as_str()).into()].into_iter().chain(amounts).collect());
        }
    }
    let amounts = [sums[0], sums[1], sums[0] + sums[1]].map(|units| Cell::amount(scale, units));
    section.sum(["Total".into()].into_iter().chain(amounts).collect());
    (section.rows.len() > 1).then_some(section)
}

/// Customers whose payments are late, the largest first (R5).
pub(super) fn at_risk(block: &CurrencyBlock, scale: Scale) -> Option<Section> {
    let mut section = Section::of("at_risk", "At risk: past due", &["customer", "#MRR"]);
    let parts: Vec<Delta> = block.late_payers.iter().map(|(_, mrr)| Delta(mrr.0)).collect();
    let units = scale.parts(&parts, scale.units(block.at_risk));
    for ((customer, _), units) in block.late_payers.iter().zip(units) {
        section.row(vec![customer.as_str().into(), Cell::amount(scale, units)]);
    }
    section.sum(vec!["Total".into(), Cell::level(scale, block.at_risk)]);
    (!block.late_payers.is_empty()).then_some(section)
}

/// What new customers did after their first sale, still in their first month: in the lane new (R26).
pub(super) fn first_month(block: &CurrencyBlock, scale: Scale) -> Option<Section> {
    let note = "A memo: all of it is in the lane new, and in no rate of expansion.".to_owned();
    let columns = ["new customers' first month", "#MRR"];
    let mut section = Section::of("first_month", "New customers' first month", &columns).noted(Some(note));
    let (up, down) = block.first_month;
    section.row(vec!["Grew by".into(), Cell::flow(scale, up)]);
    section.row(vec!["Shrank by".into(), Cell::flow(scale, down)]);
    ((up, down) != (Delta::ZERO, Delta::ZERO)).then_some(section)
}
