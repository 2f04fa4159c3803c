//! The sections of a sheet that spread expansion over causes and over customers.

use super::cell::Cell;
use super::printed::printed_expanders;
use super::sections::{Printed, title};
use super::sheet::Section;
use super::{CurrencyBlock, Scale};
use crate::mrr::{Cause, Delta, Lane};

/// Expansion and contraction by cause; each sums to its lane.
pub(super) fn causes(block: &CurrencyBlock, printed: &Printed, scale: Scale) -> Vec<Section> {
    let of = |key, name, causes, lane| table((key, name), causes, printed.lane(lane), scale);
    let expansion =
        of("expansion_by_cause", "Expansion by cause", &block.expansion_by_cause, Lane::Expansion);
    let contraction =
        of("contraction_by_cause", "Contraction by cause", &block.contraction_by_cause, Lane::Contraction);
    let moved = |section: &Section| section.rows.len() > 1;
    [expansion, contraction].into_iter().filter(moved).collect()
}

fn table((key, name): (&str, &str), causes: &[(Cause, Delta)], total: i128, scale: Scale) -> Section {
    let mut section = Section::of(key, name, &["cause", "#MRR"]);
    let parts: Vec<Delta> = causes.iter().map(|(_, amount)| *amount).collect();
    for ((cause, _), units) in causes.iter().zip(scale.parts(&parts, total)) {
        if units != 0 {
            section.row(vec![title(cause.as_str()).into(), Cell::amount(scale, units)]);
        }
    }
    section.sum(vec!["Total".into(), Cell::amount(scale, total)]);
    section
}

/// How much of expansion hangs on how few.
pub(super) fn concentration(block: &CurrencyBlock, printed: &Printed, scale: Scale) -> Option<Section> {
    let concentration = &block.concentration;
    let columns = ["largest expanders", "#expansion", "#share"];
    let median = concentration.median.known();
    let median = median.map(|median| {
        let half = crate::mrr::divide_half_even(median.numerator * crate::mrr::MICRO, median.denominator);
        format!("Half of them expanded by {} or more.", scale.flow(Delta(half)))
    });
    let mut section = Section::of("concentration", "Concentration of expansion", &columns).noted(median);
    let last = concentration.curve.len().saturating_sub(1);
    let (named, _) = printed_expanders(block);
    for (index, point) in concentration.curve.iter().enumerate() {
        // The first are those that are printed by name.
        let first = usize::try_from(point.customers).ok().and_then(|count| named.get(..count));
        let (name, units) = match (index == last, first) {
            (true, _) => (format!("All {}", point.customers), printed.lane(Lane::Expansion)),
            (_, Some(first)) => {
                (point.customers.to_string(), first.iter().map(|expander| expander.expansion).sum())
            }
            (_, None) => (point.customers.to_string(), scale.units(crate::mrr::Mrr::ZERO + point.expansion)),
        };
        section.row(vec![name.into(), Cell::amount(scale, units), Cell::short(&point.share)]);
    }
    (!concentration.curve.is_empty()).then_some(section)
}
