//! The sections of a sheet that have a column or a row for each month: expansion by kind, what is left of cohorts,
//! segments.

use super::cell::Cell;
use super::printed::{core, printed_months, printed_segments};
use super::sections::title;
use super::sheet::Section;
use super::{CohortCurve, CurrencyBlock, Fraction, Rate, RetentionPoint, Scale, SegmentTrend, TrendMonth};
use crate::mrr::{Delta, Kind};

/// Thirteen months of expansion: from the same month a year before to this one.
pub(super) fn expansion_by_month(block: &CurrencyBlock, target: Fraction) -> Option<Section> {
    let scale = Scale::of(&block.currency);
    let kinds = moved_kinds(&block.trend);
    let names: Vec<String> = kinds.iter().map(|kind| format!("#{}", title(kind.as_str()))).collect();
    let mut columns = vec!["month"];
    columns.extend(names.iter().map(String::as_str));
    columns.extend(["#total", "#core", "#core for the target"]);
    let note = "The last column is the core expansion that would have met the target for expansion's share of new ARR.";
    let mut section = Section::of("expansion_by_month", "Expansion by month and kind", &columns)
        .noted(Some(note.to_owned()));
    for (month, printed) in block.trend.iter().zip(printed_months(block)) {
        let units = |kind: &Kind| -> i128 {
            printed.iter().filter(|(of, _)| of == kind).map(|(_, units)| *units).sum()
        };
        let total = printed.iter().map(|(_, units)| *units).sum();
        let core = core(&printed);
        let mut cells = vec![month.month.to_string().into()];
        cells.extend(kinds.iter().map(|kind| Cell::amount(scale, units(kind))));
        cells.extend([Cell::amount(scale, total), Cell::amount(scale, core)]);
        cells.push(month.aimed(target).map_or_else(|| "n/a".into(), |aimed| Cell::flow(scale, aimed)));
        section.row(cells);
    }
    (block.trend.len() > 1 && !kinds.is_empty()).then_some(section)
}

/// The kinds that moved in any of some months, in the contract's order.
pub(super) fn moved_kinds(months: &[TrendMonth]) -> Vec<Kind> {
    let moved = |kind: &Kind| {
        let mut amounts = months.iter().flat_map(|month| &month.expansion_by_kind);
        amounts.any(|(of, amount)| of == kind && *amount != Delta::ZERO)
    };
    Kind::EXPANSION.into_iter().filter(moved).collect()
}

/// What is left of the cohorts of the last thirteen months, net and gross: a table each.
pub(super) fn retention(block: &CurrencyBlock) -> Vec<Section> {
    if !block.retention.iter().any(|cohort| !cohort.points.is_empty()) {
        return Vec::new();
    }
    let net = "MRR at the end of each month since, of what the cohort had at the end of its first.";
    let gross = "The same, no customer counted above what it had at the end of the first month.";
    vec![
        retained(block, ("retention_net", "Cohorts over time: net retention", net), |point| &point.nrr),
        retained(block, ("retention_gross", "Cohorts over time: gross retention", gross), |point| &point.grr),
    ]
}

fn retained(
    block: &CurrencyBlock,
    (key, name, note): (&str, &str, &str),
    rate: fn(&RetentionPoint) -> &Rate,
) -> Section {
    let scale = Scale::of(&block.currency);
    let longest = block.retention.iter().map(|cohort| cohort.points.len()).max().unwrap_or_default();
    let since: Vec<String> = (1..=longest).map(|months| format!("#+{months}")).collect();
    let mut columns = vec!["began in", "#customers", "#MRR then"];
    columns.extend(since.iter().map(String::as_str));
    let mut section = Section::of(key, name, &columns).noted(Some(format!("{note}{}", brought(block))));
    for cohort in block.retention.iter().filter(|cohort| !cohort.points.is_empty()) {
        let mut cells = vec![cohort.month.to_string().into(), Cell::count(cohort.customers)];
        cells.push(Cell::level(scale, cohort.base));
        cells.extend(cohort.points.iter().map(|point| Cell::short(rate(point))));
        cells.resize(columns.len(), "".into());
        section.row(cells);
    }
    section
}

/// Which cohorts hold customers who began before.
fn brought(block: &CurrencyBlock) -> String {
    let told = |cohort: &CohortCurve| format!("{} of {}", cohort.brought_forward, cohort.month);
    let cohorts: Vec<String> = block
        .retention
        .iter()
        .filter(|cohort| cohort.brought_forward > 0 && !cohort.points.is_empty())
        .map(told)
        .collect();
    if cohorts.is_empty() {
        return String::new();
    }
    format!(" Brought forward, so that they began some time before: {}.", cohorts.join(", "))
}

/// Core expansion of each segment, month by month; the columns sum to the months' core expansion.
pub(super) fn segment_trend(trend: &SegmentTrend, block: &CurrencyBlock) -> Section {
    let scale = Scale::of(&block.currency);
    let months: Vec<String> = block.trend.iter().map(|month| format!("#{}", month.month)).collect();
    let columns: Vec<&str> = ["segment"].into_iter().chain(months.iter().map(String::as_str)).collect();
    let key = format!("segment_months_{}", trend.dimension);
    let name = format!("Core expansion by {}, month by month", trend.dimension.replace('_', " "));
    let mut section = Section::of(&key, &name, &columns);
    for ((segment, _), months) in trend.rows.iter().zip(printed_segments(trend, block)) {
        let cells = months.into_iter().map(|units| Cell::amount(scale, units));
        section.row([segment.as_str().into()].into_iter().chain(cells).collect());
    }
    let sums = printed_months(block).into_iter().map(|month| Cell::amount(scale, core(&month)));
    section.sum(["Core expansion".into()].into_iter().chain(sums).collect());
    section
}

impl TrendMonth {
    /// The core expansion that would have had a share of what the month added; `None` of a share that none can
    /// have.
    #[must_use]
    pub fn aimed(&self, share: Fraction) -> Option<Delta> {
        let rest = share.denominator - share.numerator;
        let needed = self.new.0.max(0).checked_mul(share.numerator)?;
        (rest > 0).then(|| Delta(crate::mrr::divide_half_even(needed, rest)))
    }
}
