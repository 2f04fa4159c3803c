//! A run of months side by side: one column a month, the roll-forward and the rates as rows.

use std::collections::BTreeSet;

use super::cell::Cell;
use super::sections::{rate_title, title};
use super::sheet::Section;
use super::{CurrencyBlock, MonthStatus, RangeReport, Scale};
use crate::mrr::{Currency, Delta, Lane};

/// One currency, or the consolidated report, in every month; a month without it being empty.
struct Strip<'r> {
    name: String,
    currency: &'r Currency,
    blocks: Vec<Option<&'r CurrencyBlock>>,
}

/// Two sections a currency: what foots, and what divides.
pub(super) fn range_sections(range: &RangeReport) -> Vec<Section> {
    let currencies: BTreeSet<&Currency> =
        range.months.iter().flat_map(|report| &report.currencies).map(|block| &block.currency).collect();
    let own = currencies.into_iter().map(|currency| {
        let blocks = range.months.iter().map(|report| block_of(report, currency)).collect();
        Strip { name: currency.as_str().to_uppercase(), currency, blocks }
    });
    consolidated(range)
        .into_iter()
        .chain(own)
        .flat_map(|strip| [rollforward(range, &strip), rates(range, &strip)])
        .collect()
}

/// The block of one currency in a month.
fn block_of<'r>(report: &'r super::Report, currency: &Currency) -> Option<&'r CurrencyBlock> {
    report.currencies.iter().find(|block| block.currency == *currency)
}

/// The consolidated report, where it says more than the only currency's.
fn consolidated(range: &RangeReport) -> Option<Strip<'_>> {
    let blocks: Vec<_> = range.months.iter().map(|report| report.consolidated.as_deref().ok()).collect();
    let mut months = range.months.iter();
    let is_alone = range.months.iter().all(|report| report.currencies.is_empty());
    let says_more = is_alone || months.any(|report| !report.exchange_rates.is_empty());
    let currency = &blocks.iter().flatten().next().filter(|_| says_more)?.currency;
    let name = format!("Consolidated in {}", currency.as_str().to_uppercase());
    Some(Strip { name, currency, blocks })
}

fn section(range: &RangeReport, key: &str, name: &str) -> Section {
    let months: Vec<String> = range.months.iter().map(|report| format!("#{}", report.month)).collect();
    let columns: Vec<&str> = [""].into_iter().chain(months.iter().map(String::as_str)).collect();
    Section::of(key, name, &columns)
}

fn rollforward(range: &RangeReport, strip: &Strip<'_>) -> Section {
    let scale = Scale::of(strip.currency);
    let blocks = &strip.blocks;
    let mut section = section(range, "rollforward", &format!("{} roll-forward", strip.name));
    let line = |name: &str, value: &dyn Fn(&CurrencyBlock) -> Cell| {
        let cells = blocks.iter().map(|block| block.map_or_else(|| "–".into(), value));
        [name.into()].into_iter().chain(cells).collect::<Vec<Cell>>()
    };
    if range.months.iter().any(|report| report.status != MonthStatus::Open) {
        let standing = range.months.iter().map(|report| report.status.as_str().into());
        section.row(["Month".into()].into_iter().chain(standing).collect());
    }
    section.level(line("Starting MRR", &|block| Cell::level(scale, block.figures.rollforward.starting_mrr)));
    for lane in Lane::ALL {
        let is_quiet =
            blocks.iter().flatten().all(|block| block.figures.rollforward.lane(*lane) == Delta::ZERO);
        let may_be_left_out = matches!(
            lane,
            Lane::PriorPeriod | Lane::Opening | Lane::Resume | Lane::Pause | Lane::Transfer | Lane::Fx
        );
        if is_quiet && may_be_left_out {
            continue;
        }
        section.row(line(&title(lane.as_str()), &|block| {
            let roll = &block.figures.rollforward;
            let flows: Vec<Delta> = roll.lanes.iter().map(|(_, amount)| *amount).collect();
            let printed = scale.between(roll.starting_mrr, &flows, roll.ending_mrr);
            let of_lane = roll.lanes.iter().zip(printed).filter(|((name, _), _)| name == lane);
            Cell::amount(scale, of_lane.map(|(_, units)| units).sum())
        }));
    }
    section.sum(line("Ending MRR", &|block| Cell::level(scale, block.figures.rollforward.ending_mrr)));
    section.row(line("Core expansion", &|block| Cell::flow(scale, block.figures.core_expansion)));
    section.row(line("Ending ARR", &|block| Cell::minor(scale, block.ending_arr)));
    section
}

fn rates(range: &RangeReport, strip: &Strip<'_>) -> Section {
    let blocks = &strip.blocks;
    let mut section = section(range, "rates", &format!("{} rates", strip.name));
    let names: Vec<&'static str> = blocks
        .iter()
        .flatten()
        .next()
        .map(|block| block.named_rates().iter().map(|(name, _)| *name).collect())
        .unwrap_or_default();
    for (index, name) in names.into_iter().enumerate() {
        let value = |block: &CurrencyBlock| {
            let rate = block.named_rates()[index].1;
            if name == "quick_ratio" && rate.known().is_some() {
                Cell::times(rate)
            } else {
                Cell::short(rate)
            }
        };
        let cells = blocks.iter().map(|block| block.map_or_else(|| "–".into(), value));
        section.row([rate_title(name).into()].into_iter().chain(cells).collect());
    }
    section
}
