//! The sections of a sheet that have a column or a row for each month: expansion by kind, what is left of cohorts,
//! segments.

use super::cell::Cell;
use super::sections::{Printed, title};
use super::sheet::Section;
use super::{CohortCurve, CurrencyBlock, Fraction, Rate, RetentionPoint, Scale, SegmentTrend, TrendMonth};
use crate::mrr::{Delta, Kind, Mrr};

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
        let core = printed.iter().filter(|(kind, _)| kind.is_core()).map(|(_, units)| *units).sum();
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

/// Each month's kinds as they are printed; the block's own month as in its other tables.
pub(super) fn printed_months(block: &CurrencyBlock) -> Vec<Vec<(Kind, i128)>> {
    let scale = Scale::of(&block.currency);
    let mut months: Vec<Vec<(Kind, i128)>> = block.trend.iter().map(|month| printed(month, scale)).collect();
    if let Some(last) = months.last_mut() {
        *last = Printed::of(&block.figures, scale).expansion;
    }
    months
}

fn printed(month: &TrendMonth, scale: Scale) -> Vec<(Kind, i128)> {
    let parts: Vec<Delta> = month.expansion_by_kind.iter().map(|(_, amount)| *amount).collect();
    let units = scale.parts(&parts, scale.units(Mrr::ZERO + month.total_expansion()));
    month.expansion_by_kind.iter().map(|(kind, _)| *kind).zip(units).collect()
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
    let cores: Vec<i128> = printed_months(block).iter().map(|month| core(month)).collect();
    let printed: Vec<Vec<i128>> = cores
        .iter()
        .enumerate()
        .map(|(month, core)| {
            let at = |(_, months): &(String, Vec<Delta>)| months.get(month).copied().unwrap_or_default();
            scale.parts(&trend.rows.iter().map(at).collect::<Vec<Delta>>(), *core)
        })
        .collect();
    for (row, (segment, _)) in trend.rows.iter().enumerate() {
        let cells = printed.iter().map(|month| Cell::amount(scale, month.get(row).copied().unwrap_or(0)));
        section.row([segment.as_str().into()].into_iter().chain(cells).collect());
    }
    let sums = cores.iter().map(|core| Cell::amount(scale, *core));
    section.sum(["Core expansion".into()].into_iter().chain(sums).collect());
    section
}

fn core(month: &[(Kind, i128)]) -> i128 {
    month.iter().filter(|(kind, _)| kind.is_core()).map(|(_, units)| *units).sum()
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
