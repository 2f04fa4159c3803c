//! The tables of a run of months: a column a month, and one for the run.
//!
//! The run's column is the sum of what the months print, so that the grid foots in both directions as it stands (R1):
//! down, because each month does; across, because that is how it is made. It may be some of the smallest units off
//! the exact sum rounded, never more than one a month; JSON and CSV have that exactly.

use std::collections::{BTreeMap, BTreeSet};

use super::cell::Cell;
use super::run::Run;
use super::sections::{Printed, rate_title, round, title};
use super::segment::NONE as NOT_KNOWN;
use super::sheet::Section;
use super::{Aim, CurrencyBlock, MonthStatus, RangeReport, Scale, SegmentRow, Targets, TrendMonth};
use crate::mrr::{Cause, Delta, Kind, Lane, MICRO, Motion, Mrr, divide_half_even};

/// What a month that lacks a figure shows.
const NONE: &str = "–";

/// A run as it is printed.
pub(super) struct Grid<'p> {
    pub(super) run: &'p Run<'p>,
    pub(super) scale: Scale,
    pub(super) printed: Vec<Option<(&'p CurrencyBlock, Printed)>>,
    /// All of it; without a total there is no such column.
    pub(super) total: Option<Printed>,
}

/// What stands in the run's column.
#[derive(Clone, Copy)]
enum Whole {
    /// Of a flow, the months' sum.
    Sum,
    /// Of a level, the one at the run's start.
    First,
    /// Or at its end.
    Last,
}

impl<'p> Grid<'p> {
    pub(super) fn of(run: &'p Run<'p>) -> Self {
        let scale = Scale::of(run.currency);
        let print = |block: &'p CurrencyBlock| (block, Printed::of(&block.figures, scale));
        let printed: Vec<_> = run.months.iter().map(|(_, block)| block.map(print)).collect();
        let months: Vec<&Printed> = printed.iter().flatten().map(|(_, printed)| printed).collect();
        let total = run.total.is_ok().then(|| Printed::summed(&months, scale));
        Self { run, scale, printed, total }
    }

    /// MRR at the run's start and end, as it is printed.
    pub(super) fn ends(&self) -> (i128, i128) {
        let roll = self.run.total.as_ref().map(|total| &total.figures.rollforward);
        roll.map_or((0, 0), |roll| (self.scale.units(roll.starting_mrr), self.scale.units(roll.ending_mrr)))
    }

    /// What each month added: new, and core expansion.
    pub(super) fn added(&self) -> Vec<(i128, i128)> {
        let of = |month: &Option<(&CurrencyBlock, Printed)>| {
            month.as_ref().map_or((0, 0), |(_, printed)| (printed.lane(Lane::New), printed.core()))
        };
        self.printed.iter().map(of).collect()
    }

    /// Each month's expansion by kind.
    pub(super) fn kinds(&self) -> Vec<Vec<(Kind, i128)>> {
        let quiet = || Kind::EXPANSION.map(|kind| (kind, 0)).to_vec();
        let of = |month: &Option<(&CurrencyBlock, Printed)>| {
            month.as_ref().map_or_else(quiet, |(_, printed)| printed.expansion.clone())
        };
        self.printed.iter().map(of).collect()
    }

    fn section(&self, key: &str, name: &str, first: &str) -> Section {
        let months: Vec<String> = self.run.months.iter().map(|(month, _)| format!("#{month}")).collect();
        let total = self.total.is_some().then_some("#total");
        let months = months.iter().map(String::as_str);
        let columns: Vec<&str> = [first].into_iter().chain(months).chain(total).collect();
        Section::of(key, name, &columns)
    }

    /// A row: its name, a cell for each month, and the run's.
    fn cells(
        &self,
        name: &str,
        of: &dyn Fn(&CurrencyBlock, &Printed) -> Cell,
        whole: Option<Cell>,
    ) -> Vec<Cell> {
        let cell = |month: &Option<(&CurrencyBlock, Printed)>| {
            month.as_ref().map_or_else(|| NONE.into(), |(block, printed)| of(block, printed))
        };
        let months = self.printed.iter().map(cell);
        let whole = self.total.as_ref().and(whole);
        [name.into()].into_iter().chain(months).chain(whole).collect()
    }

    /// A row of amounts.
    fn amounts(&self, name: &str, of: &dyn Fn(&CurrencyBlock, &Printed) -> i128, whole: Whole) -> Vec<Cell> {
        let units: Vec<Option<i128>> = self
            .printed
            .iter()
            .map(|month| month.as_ref().map(|(block, printed)| of(block, printed)))
            .collect();
        let whole = in_all(&units, whole);
        self.cells(
            name,
            &|block, printed| Cell::amount(self.scale, of(block, printed)),
            Some(Cell::amount(self.scale, whole)),
        )
    }

    /// A row of flows that are printed already.
    fn line(&self, name: &str, units: &[Option<i128>]) -> Vec<Cell> {
        let cell = |units: i128| Cell::amount(self.scale, units);
        let months = units.iter().map(|units| units.map_or_else(|| NONE.into(), cell));
        let total = self.total.as_ref().map(|_| cell(in_all(units, Whole::Sum)));
        [name.into()].into_iter().chain(months).chain(total).collect()
    }

    /// Parts of something that each month prints, by name; those that are nothing in all months are left out.
    fn parts(
        &self,
        section: &mut Section,
        names: &[String],
        parts: &dyn Fn(&CurrencyBlock) -> Vec<Delta>,
        total: fn(&Printed) -> i128,
    ) {
        let of_month =
            |(block, printed): &(&CurrencyBlock, Printed)| self.scale.parts(&parts(block), total(printed));
        let months: Vec<Option<Vec<i128>>> =
            self.printed.iter().map(|month| month.as_ref().map(of_month)).collect();
        for (index, name) in names.iter().enumerate() {
            let units: Vec<Option<i128>> = months
                .iter()
                .map(|month| month.as_ref().map(|parts| parts.get(index).copied().unwrap_or_default()))
                .collect();
            if units.iter().flatten().all(|units| *units == 0) {
                continue;
            }
            section.row(self.line(name, &units));
        }
    }
}

/// What all months have, of what each has.
fn in_all(months: &[Option<i128>], whole: Whole) -> i128 {
    match whole {
        Whole::Sum => months.iter().flatten().sum(),
        Whole::First => months.first().copied().flatten().unwrap_or_default(),
        Whole::Last => months.last().copied().flatten().unwrap_or_default(),
    }
}

/// The tables of a run, in the order they are read.
pub(super) fn range_sections(range: &RangeReport, grid: &Grid<'_>) -> Vec<Section> {
    let targets = &range.targets();
    let mut sections =
        vec![summary(range, grid), rollforward(grid), expansion(grid, targets), contraction(grid)];
    sections.extend(causes(grid));
    sections.extend([trend(grid), rates(grid), standings(grid, targets), customers(grid), motion(grid)]);
    sections
}

fn summary(range: &RangeReport, grid: &Grid<'_>) -> Section {
    let scale = grid.scale;
    let mut section = grid.section("summary", "Summary", "figure");
    if range.months.iter().any(|report| report.status != MonthStatus::Open) {
        let standing = range.months.iter().map(|report| report.status.as_str().into());
        let total = grid.total.as_ref().map(|_| "".into());
        section.row(["Month".into()].into_iter().chain(standing).chain(total).collect());
    }
    let lost = |printed: &Printed| printed.lane(Lane::Contraction) + printed.lane(Lane::Churn);
    let minor = |units: i128| scale.units(Mrr(units * MICRO));
    let mut row = |name: &str, of: &dyn Fn(&CurrencyBlock, &Printed) -> i128, whole| {
        section.row(grid.amounts(name, of, whole));
    };
    row("Ending MRR", &|block, _| scale.units(block.figures.rollforward.ending_mrr), Whole::Last);
    row("Starting ARR", &|block, _| minor(block.starting_arr), Whole::First);
    row("Ending ARR", &|block, _| minor(block.ending_arr), Whole::Last);
    row("Core expansion", &|_, printed| printed.core(), Whole::Sum);
    row("Total expansion", &|_, printed| printed.lane(Lane::Expansion), Whole::Sum);
    row("Net expansion", &|_, printed| printed.lane(Lane::Expansion) + lost(printed), Whole::Sum);
    row(
        "Retained-base growth",
        &|block, _| scale.units(Mrr::ZERO + block.figures.retained_base_growth),
        Whole::Sum,
    );
    let arpa = |block: &CurrencyBlock| {
        let known = block.arpa.known();
        let level = known.map(|arpa| Mrr(divide_half_even(arpa.numerator * MICRO, arpa.denominator)));
        level.map_or_else(|| "n/a".into(), |level| Cell::level(scale, level))
    };
    let last = grid.run.last().map_or_else(|| NONE.into(), arpa);
    section.row(grid.cells("ARPA", &|block, _| arpa(block), Some(last)));
    section.row(grid.amounts("At-risk MRR (past due)", &|block, _| scale.units(block.at_risk), Whole::Last));
    section
}

fn rollforward(grid: &Grid<'_>) -> Section {
    let scale = grid.scale;
    let mut section = grid.section("rollforward", "Roll-forward", "lane");
    section.level(grid.amounts(
        "Starting MRR",
        &|block, _| scale.units(block.figures.rollforward.starting_mrr),
        Whole::First,
    ));
    for lane in Lane::ALL {
        let is_quiet = grid.run.blocks().all(|block| block.figures.rollforward.lane(*lane) == Delta::ZERO);
        let may_be_left_out = matches!(
            lane,
            Lane::PriorPeriod | Lane::Opening | Lane::Resume | Lane::Pause | Lane::Transfer | Lane::Fx
        );
        if !is_quiet || !may_be_left_out {
            section.row(grid.amounts(&title(lane.as_str()), &|_, printed| printed.lane(*lane), Whole::Sum));
        }
    }
    section.sum(grid.amounts(
        "Ending MRR",
        &|block, _| scale.units(block.figures.rollforward.ending_mrr),
        Whole::Last,
    ));
    let lacking = grid.run.total.as_ref().err();
    section.noted(lacking.map(|reason| format!("The run has no total: {reason}.")))
}

/// The lane of expansion by kind, with the core expansion that would have met the target.
fn expansion(grid: &Grid<'_>, targets: &Targets) -> Section {
    let mut section = grid.section("expansion_by_kind", "Expansion by kind", "kind");
    for kind in Kind::EXPANSION {
        let of = |kinds: &[(Kind, i128)]| {
            kinds.iter().filter(|(of, _)| *of == kind).map(|(_, units)| *units).sum()
        };
        if grid.printed.iter().flatten().any(|(_, printed)| of(&printed.expansion) != 0) {
            section.row(grid.amounts(
                &title(kind.as_str()),
                &|_, printed| of(&printed.expansion),
                Whole::Sum,
            ));
        }
    }
    section.sum(grid.amounts("Total", &|_, printed| printed.lane(Lane::Expansion), Whole::Sum));
    section.row(grid.amounts("Core expansion", &|_, printed| printed.core(), Whole::Sum));
    let target = targets.expansion_share_of_new_arr;
    let added = grid.run.added();
    if added.iter().all(|month| month.aimed(target).is_some()) {
        let aimed = |(month, printed): (&TrendMonth, &Option<_>)| {
            month.aimed(target).filter(|_| printed.is_some()).map(|aimed| grid.scale.units(Mrr::ZERO + aimed))
        };
        let units: Vec<Option<i128>> = added.iter().zip(&grid.printed).map(aimed).collect();
        section.row(grid.line("Core for the target", &units));
    }
    section.noted(Some(format!(
        "The last row is the core expansion that would have been {} of new ARR in each month.",
        round(target)
    )))
}

fn contraction(grid: &Grid<'_>) -> Section {
    let mut section = grid.section("contraction_by_kind", "Contraction by kind", "kind");
    for kind in Kind::CONTRACTION {
        let of = |kinds: &[(Kind, i128)]| {
            kinds.iter().filter(|(of, _)| *of == kind).map(|(_, units)| *units).sum()
        };
        if grid.printed.iter().flatten().any(|(_, printed)| of(&printed.contraction) != 0) {
            section.row(grid.amounts(
                &title(kind.as_str()),
                &|_, printed| of(&printed.contraction),
                Whole::Sum,
            ));
        }
    }
    section.sum(grid.amounts("Total", &|_, printed| printed.lane(Lane::Contraction), Whole::Sum));
    section
}

/// Both lanes by cause, where anything moved.
fn causes(grid: &Grid<'_>) -> Vec<Section> {
    let names: Vec<String> = Cause::ALL.iter().map(|cause| title(cause.as_str())).collect();
    let table = |(key, name), lane: fn(&Printed) -> i128, of: fn(&CurrencyBlock) -> &[(Cause, Delta)]| {
        let mut section = grid.section(key, name, "cause");
        let parts = |block: &CurrencyBlock| {
            let sum =
                |cause: &Cause| of(block).iter().filter(|(of, _)| of == cause).map(|(_, sum)| *sum).sum();
            Cause::ALL.iter().map(sum).collect()
        };
        grid.parts(&mut section, &names, &parts, lane);
        section.sum(grid.amounts("Total", &|_, printed| lane(printed), Whole::Sum));
        section
    };
    let expansion = table(
        ("expansion_by_cause", "Expansion by cause"),
        |printed| printed.lane(Lane::Expansion),
        |block| &block.expansion_by_cause,
    );
    let contraction = table(
        ("contraction_by_cause", "Contraction by cause"),
        |printed| printed.lane(Lane::Contraction),
        |block| &block.contraction_by_cause,
    );
    [expansion, contraction].into_iter().filter(|section| section.rows.len() > 1).collect()
}

/// What was new beside what expanded, and expansion's share of both.
fn trend(grid: &Grid<'_>) -> Section {
    let mut section = grid.section("trend", "New and expansion by month", "figure");
    section.row(grid.amounts("New", &|_, printed| printed.lane(Lane::New), Whole::Sum));
    section.row(grid.amounts("Core expansion", &|_, printed| printed.core(), Whole::Sum));
    section.sum(grid.amounts("Both", &|_, printed| printed.lane(Lane::New) + printed.core(), Whole::Sum));
    let share = grid.run.total.as_ref().ok().map(|total| Cell::short(&total.share));
    let of_month = |block: &CurrencyBlock, _: &Printed| Cell::short(&block.rates.expansion_share_of_new_arr);
    section.row(grid.cells(&rate_title("expansion_share_of_new_arr"), &of_month, share));
    section
}

fn rates(grid: &Grid<'_>) -> Section {
    let mut section = grid.section("rates", "Rates", "rate");
    let names = grid.run.blocks().next().map(|block| block.named_rates().map(|(name, _)| name));
    for (index, name) in names.into_iter().flatten().enumerate() {
        let value = |rate: &super::Rate| match (name, rate.known()) {
            ("quick_ratio", Some(_)) => Cell::times(rate),
            _ => Cell::short(rate),
        };
        let total = grid.run.total.as_ref().ok().and_then(|total| match name {
            "expansion_share_of_new_arr" => Some(value(&total.share)),
            "quick_ratio" => Some(value(&total.quick_ratio)),
            "ttm_expansion_rate" if grid.run.months.len() == 12 => Some(value(&total.ttm_expansion_rate)),
            _ => None,
        });
        let total = total.unwrap_or_else(|| "".into());
        section.row(grid.cells(
            &rate_title(name),
            &|block, _| value(block.named_rates()[index].1),
            Some(total),
        ));
    }
    let note = "The total has the ratios that are of flows, and of twelve months their own; the others follow customers \
                from a month's start to its end.";
    section.noted(grid.total.as_ref().map(|_| note.to_owned()))
}

/// How the months and the run stand against what is aimed at.
fn standings(grid: &Grid<'_>, targets: &Targets) -> Section {
    let mut section = grid.section("targets", "Against targets", "figure");
    for name in ["target", "#months that met it"] {
        section.columns.extend(Section::of("", "", &[name]).columns);
    }
    let standings = grid.run.blocks().next().map(|block| block.standings(targets)).unwrap_or_default();
    for standing in standings {
        let of = |block: &CurrencyBlock| {
            block.standings(targets).into_iter().find(|of| of.figure == standing.figure)
        };
        let months: Vec<_> = grid.run.blocks().filter_map(of).collect();
        let judged = months.iter().filter_map(super::Standing::is_met);
        let met = judged.clone().filter(|is_met| *is_met).count();
        let total = match (&grid.run.total, standing.figure) {
            (Ok(total), "expansion_share_of_new_arr") => Cell::short(&total.share),
            _ => "".into(),
        };
        let cell = |block: &CurrencyBlock, _: &Printed| {
            of(block).map_or_else(|| NONE.into(), |standing| Cell::short(&standing.rate))
        };
        let mut cells = grid.cells(&rate_title(standing.figure), &cell, Some(total));
        let side = match standing.aim {
            Aim::AtLeast => "at least",
            Aim::AtMost => "at most",
        };
        cells.push(format!("{side} {}", round(standing.target)).into());
        cells.push(format!("{met} of {}", judged.count()).into());
        section.row(cells);
    }
    section
}

fn customers(grid: &Grid<'_>) -> Section {
    let mut section = grid.section("customers", "Customers", "customers");
    let total = grid.run.total.as_ref().ok().map(|total| total.figures.customers.named());
    let rows = [
        ("Starting", "starting"),
        ("New", "new"),
        ("Reactivated", "reactivated"),
        ("Resumed", "resumed"),
        ("Expanded", "expanded"),
        ("Contracted", "contracted"),
        ("Churned", "churned"),
        ("Paused", "paused"),
        ("Between subscriptions", "transferred"),
        ("Ending", "ending"),
    ];
    for (name, key) in rows {
        let find = |counts: &[(&'static str, u64); 10]| {
            Cell::count(counts.iter().filter(|(of, _)| *of == key).map(|(_, count)| *count).sum())
        };
        let cells =
            grid.cells(name, &|block, _| find(&block.figures.customers.named()), total.as_ref().map(find));
        if ["starting", "ending"].contains(&key) { section.level(cells) } else { section.row(cells) }
    }
    let note = "The total counts who was there at both ends, and between them how often something happened: a customer \
                that expanded in three months counts three times.";
    section.noted(grid.total.as_ref().map(|_| note.to_owned()))
}

fn motion(grid: &Grid<'_>) -> Section {
    const MOTIONS: [Motion; 3] = [Motion::Deliberate, Motion::Organic, Motion::Unknown];
    let mut section = grid.section("motion", "Who moved core expansion", "motion");
    let names = MOTIONS.map(|motion| title(motion.as_str()));
    let parts = |block: &CurrencyBlock| {
        MOTIONS.iter().map(|motion| block.motion.get(motion).copied().unwrap_or_default()).collect()
    };
    grid.parts(&mut section, &names, &parts, Printed::core);
    section.sum(grid.amounts("Core expansion", &|_, printed| printed.core(), Whole::Sum));
    section
}

/// Core expansion of each segment, month by month; the columns sum to the months' core expansion.
pub(super) fn segment_months(grid: &Grid<'_>) -> Vec<Section> {
    let mut dimensions: Vec<&str> = Vec::new();
    for table in grid.run.blocks().flat_map(|block| &block.segments) {
        if !dimensions.contains(&table.dimension.as_str()) {
            dimensions.push(&table.dimension);
        }
    }
    let table = |dimension: &&str| {
        let rows = |block: &CurrencyBlock| -> Vec<(String, Delta)> {
            let of = block.segments.iter().find(|table| table.dimension == **dimension);
            let row = |row: &SegmentRow| (row.segment.clone(), row.figures.core_expansion);
            // A month of which nothing is known by this dimension has no such table.
            let unknown = || vec![(NOT_KNOWN.to_owned(), block.figures.core_expansion)];
            of.map_or_else(unknown, |table| table.rows.iter().map(row).collect())
        };
        let mut seen = BTreeSet::new();
        let names = grid.run.blocks().flat_map(rows).map(|(name, _)| name);
        let names: Vec<String> = names.filter(|name| seen.insert(name.clone())).collect();
        let parts = |block: &CurrencyBlock| {
            let rows: BTreeMap<String, Delta> = rows(block).into_iter().collect();
            names.iter().map(|name| rows.get(name).copied().unwrap_or_default()).collect()
        };
        let key = format!("segment_months_{dimension}");
        let name = format!("Core expansion by {}, month by month", dimension.replace('_', " "));
        let mut section = grid.section(&key, &name, "segment");
        grid.parts(&mut section, &names, &parts, Printed::core);
        section.sum(grid.amounts("Core expansion", &|_, printed| printed.core(), Whole::Sum));
        section
    };
    dimensions.iter().map(table).filter(|section| section.rows.len() > 1).collect()
}
