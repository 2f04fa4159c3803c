//! A run of months side by side: one column a month, the roll-forward and the rates as rows.

use std::collections::BTreeSet;

use super::sections::{rate_title, title};
use super::sheet::Section;
use super::{CurrencyBlock, MonthStatus, RangeReport, Scale};
use crate::mrr::{Currency, Delta, Lane};

/// Two sections a currency: what foots, and what divides.
pub(super) fn range_sections(range: &RangeReport) -> Vec<Section> {
    let currencies: BTreeSet<&Currency> =
        range.months.iter().flat_map(|report| &report.currencies).map(|block| &block.currency).collect();
    currencies
        .into_iter()
        .flat_map(|currency| [rollforward(range, currency), rates(range, currency)])
        .collect()
}

fn section(range: &RangeReport, name: &str) -> Section {
    let months: Vec<String> = range.months.iter().map(|report| format!("#{}", report.month)).collect();
    let columns: Vec<&str> = [""].into_iter().chain(months.iter().map(String::as_str)).collect();
    Section::of(name, &columns)
}

/// The blocks of one currency, a month without one being empty.
fn blocks<'r>(range: &'r RangeReport, currency: &Currency) -> Vec<Option<&'r CurrencyBlock>> {
    let of = |report: &'r super::Report| report.currencies.iter().find(|block| block.currency == *currency);
    range.months.iter().map(of).collect()
}

fn rollforward(range: &RangeReport, currency: &Currency) -> Section {
    let scale = Scale::of(currency);
    let blocks = blocks(range, currency);
    let mut section = section(range, &format!("{} roll-forward", currency.as_str().to_uppercase()));
    let line = |name: &str, value: &dyn Fn(&CurrencyBlock) -> String| {
        let cells = blocks.iter().map(|block| block.map_or_else(|| "–".to_owned(), value));
        [name.to_owned()].into_iter().chain(cells).collect::<Vec<String>>()
    };
    if range.months.iter().any(|report| report.status != MonthStatus::Open) {
        let standing = range.months.iter().map(|report| report.status.as_str().to_owned());
        section.row(["Month".to_owned()].into_iter().chain(standing).collect());
    }
    section.total(line("Starting MRR", &|block| scale.level(block.figures.rollforward.starting_mrr)));
    for (index, lane) in Lane::ALL.iter().enumerate() {
        let is_quiet =
            blocks.iter().flatten().all(|block| block.figures.rollforward.lane(*lane) == Delta::ZERO);
        let may_be_left_out =
            matches!(lane, Lane::PriorPeriod | Lane::Opening | Lane::Resume | Lane::Pause | Lane::Transfer);
        if is_quiet && may_be_left_out {
            continue;
        }
        section.row(line(&title(lane.as_str()), &|block| {
            let roll = &block.figures.rollforward;
            let flows: Vec<Delta> = roll.lanes.iter().map(|(_, amount)| *amount).collect();
            scale.text(scale.between(roll.starting_mrr, &flows, roll.ending_mrr)[index])
        }));
    }
    section.total(line("Ending MRR", &|block| scale.level(block.figures.rollforward.ending_mrr)));
    section.row(line("Core expansion", &|block| scale.flow(block.figures.core_expansion)));
    section.row(line("Ending ARR", &|block| scale.minor_units(block.ending_arr)));
    section
}

fn rates(range: &RangeReport, currency: &Currency) -> Section {
    let blocks = blocks(range, currency);
    let mut section = section(range, &format!("{} rates", currency.as_str().to_uppercase()));
    let names: Vec<&'static str> = blocks
        .iter()
        .flatten()
        .next()
        .map(|block| block.named_rates().iter().map(|(name, _)| *name).collect())
        .unwrap_or_default();
    for (index, name) in names.into_iter().enumerate() {
        let value = |block: &CurrencyBlock| {
            let rate = block.named_rates()[index].1.known();
            let print =
                if name == "quick_ratio" { super::Fraction::to_times } else { super::Fraction::to_percent };
            rate.map_or_else(|| "n/a".to_owned(), print)
        };
        let cells = blocks.iter().map(|block| block.map_or_else(|| "–".to_owned(), value));
        section.row([rate_title(name)].into_iter().chain(cells).collect());
    }
    section
}
