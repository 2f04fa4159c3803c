//! The sections of a sheet whose rows bear the book's own names: owners, segments, customers, months.

use chrono_tz::Tz;

use super::breakdown::NO_GROWTH;
use super::cell::Cell;
use super::printed::{Printed, PrintedRoll, printed_added, printed_expanders, printed_rolls};
use super::reference::meets;
use super::sections::{round, title};
use super::sheet::{Section, local};
use super::{
    Basis, BridgeRow, CurrencyBlock, Figures, Fraction, Incomplete, OwnerBook, Rate, Report, RollForward,
    Scale, SegmentTable, reference_line, remedy_of,
};
use crate::mrr::{Delta, Kind, Lane, Mrr};

/// Each owner's book against the target, and what is in nobody's.
pub(super) fn owners(report: &Report, block: &CurrencyBlock, printed: &Printed) -> Option<Section> {
    let scale = printed.scale;
    let columns = ["owner", "#core expansion", "#book growth", "#share", "target"];
    let mut section = Section::of("owners", "Owners' books", &columns);
    section.note = reference_line("owner_book_growth").map(|line| format!("Reference line: {line}."));
    let core: Vec<Delta> = block.owners.iter().map(|book| book.core_expansion).collect();
    let growth: Vec<Delta> = block.owners.iter().map(|book| book.growth).collect();
    let grown: Delta = growth.iter().copied().sum();
    let total = (printed.core(), scale.units(Mrr::ZERO + grown));
    let units = scale.parts(&core, total.0).into_iter().zip(scale.parts(&growth, total.1));
    for (book, (core, growth)) in block.owners.iter().zip(units) {
        let target =
            if book.is_owned() { standing(book, report.targets.of_owner(&book.owner)) } else { "".into() };
        section.row(vec![
            book.owner.clone().into(),
            Cell::amount(scale, core),
            Cell::amount(scale, growth),
            Cell::share(&book.owner_book_growth),
            target,
        ]);
    }
    let share = Rate::of(block.figures.core_expansion.0, grown.0, NO_GROWTH);
    let (core, growth) = (Cell::amount(scale, total.0), Cell::amount(scale, total.1));
    section.sum(vec!["Total".into(), core, growth, Cell::share(&share), "".into()]);
    (!block.owners.is_empty()).then_some(section)
}

/// A target, and whether an owner's book meets it.
fn standing(book: &OwnerBook, target: Fraction) -> Cell {
    let met = match meets(&book.owner_book_growth, target) {
        Some(true) => "met",
        Some(false) => "not met",
        None => "(n/a)",
    };
    format!("{} {met}", round(target)).into()
}

/// The lanes of a segment that have a column of their own.
const SHOWN: [Lane; 4] = [Lane::New, Lane::Expansion, Lane::Contraction, Lane::Churn];

/// A dimension's segments; each row foots as printed, and each column sums to the currency's roll-forward.
pub(super) fn segments(table: &SegmentTable, block: &CurrencyBlock) -> Section {
    let columns = [
        "segment",
        "#starting",
        "#new",
        "#expansion",
        "#contraction",
        "#churn",
        "#other",
        "#transfer in",
        "#transfer out",
        "#ending",
        "#expansion rate",
        "#NRR",
    ];
    let mut section = Section::of(
        &format!("segments_{}", table.dimension),
        &format!("By {}", table.dimension.replace('_', " ")),
        &columns,
    );
    let scale = Scale::of(&block.currency);
    let (rolls, total) = printed_rolls(table, block);
    let cells = |name: &str, roll: &PrintedRoll, figures: &Figures| {
        let mut amounts = vec![roll.start];
        amounts.extend(SHOWN.map(|lane| roll.lane(lane)));
        amounts.extend([roll.rest(&SHOWN), roll.transfer_in, roll.transfer_out, roll.end]);
        let mut cells = vec![Cell::from(name)];
        cells.extend(amounts.into_iter().map(|units| Cell::amount(scale, units)));
        cells.extend([Cell::short(&figures.expansion_rate), Cell::short(&figures.nrr)]);
        cells
    };
    for (row, roll) in table.rows.iter().zip(&rolls) {
        section.row(cells(&row.segment, roll, &row.figures));
    }
    if !rolls.is_empty() {
        section.sum(cells("Total", &total, &block.figures));
    }
    section
}

/// The customers with most expansion, and all others in one row.
pub(super) fn expanders(block: &CurrencyBlock, scale: Scale) -> Option<Section> {
    let mut section = Section::of("top_expanders", "Top expanders", &["customer", "#expansion", "by kind"]);
    let (printed, others) = printed_expanders(block);
    for (expander, printed) in block.top_expanders.iter().zip(&printed) {
        let kind = |(kind, units): &(Kind, i128)| format!("{} {}", title(kind.as_str()), scale.text(*units));
        let kinds: Vec<String> = printed.by_kind.iter().map(kind).collect();
        section.row(vec![
            expander.customer.as_str().into(),
            Cell::amount(scale, printed.expansion),
            kinds.join(", ").into(),
        ]);
    }
    let left = block.concentration.expanders.saturating_sub(block.top_expanders.len() as u64);
    if left > 0 {
        section.row(vec![format!("others ({left})").into(), Cell::amount(scale, others), "".into()]);
    }
    let total = printed.iter().map(|expander| expander.expansion).sum::<i128>() + others;
    section.sum(vec!["Total".into(), Cell::amount(scale, total), "".into()]);
    (!block.top_expanders.is_empty()).then_some(section)
}

/// What was posted for closed months, each named (R24).
pub(super) fn adjustments(report: &Report, block: &CurrencyBlock, printed: &Printed) -> Option<Section> {
    let scale = printed.scale;
    let columns = ["customer", "belongs to", "posted in", "class", "kind", "#MRR", "event", "posting"];
    let (name, note) = match report.basis {
        Basis::Reported => ("Prior-period adjustments", "Posted in this month, and of months closed before."),
        Basis::Restated => {
            ("Adjusted since it was closed", "Posted after this month was closed, and of it or before.")
        }
    };
    let mut section = Section::of("prior_period_adjustments", name, &columns).noted(Some(note.to_owned()));
    let all = &block.prior_period_adjustments;
    let parts: Vec<Delta> = all.iter().map(|entry| entry.movement.delta).collect();
    let sum: Delta = parts.iter().copied().sum();
    // As reported they are the lane of the roll-forward; restated they lie in other lanes.
    let is_lane = sum == block.figures.rollforward.lane(Lane::PriorPeriod);
    let total = if is_lane { printed.lane(Lane::PriorPeriod) } else { scale.units(Mrr::ZERO + sum) };
    for (entry, units) in all.iter().zip(scale.parts(&parts, total)) {
        let movement = &entry.movement;
        let class = title(movement.class.as_str());
        section.row(vec![
            entry.customer.as_str().into(),
            entry.month.to_string().into(),
            entry.posted_in.to_string().into(),
            if entry.adjusts.is_some() { format!("{class}, taken back") } else { class }.into(),
            title(movement.kind.as_str()).into(),
            Cell::amount(scale, units),
            movement.evidence.event.to_string().into(),
            entry.id.clone().into(),
        ]);
    }
    let none = || Cell::from("");
    let total = Cell::amount(scale, total);
    section.sum(vec!["Total".into(), none(), none(), none(), none(), total, none(), none()]);
    (!all.is_empty()).then_some(section)
}

/// From what was reported to what is known now; every column foots as printed.
pub(super) fn bridge(block: &CurrencyBlock, scale: Scale) -> Option<Section> {
    let bridge = block.bridge.as_ref()?;
    let [first, lanes @ .., last] = &bridge.rows[..] else { return None };
    let column = |amount: fn(&BridgeRow) -> Delta| {
        let level = |row| Mrr::ZERO + amount(row);
        let flows: Vec<Delta> = lanes.iter().map(amount).collect();
        let mut units = vec![scale.units(level(first))];
        units.extend(scale.between(level(first), &flows, level(last)));
        units.push(scale.units(level(last)));
        units
    };
    let (reported, restated) = (column(|row| row.reported), column(|row| row.restated));
    let columns = ["lane", "#reported", "#adjustment", "#restated"];
    let mut section = Section::of("bridge", "From reported to restated", &columns);
    for (row, (reported, restated)) in bridge.rows.iter().zip(reported.into_iter().zip(restated)) {
        let name = match row.lane {
            "starting_mrr" => "Starting MRR".to_owned(),
            "ending_mrr" => "Ending MRR".to_owned(),
            lane => title(lane),
        };
        let amounts = [reported, restated - reported, restated].map(|units| Cell::amount(scale, units));
        let cells = [name.into()].into_iter().chain(amounts).collect();
        if row.lane == "starting_mrr" {
            section.level(cells);
        } else if row.lane == "ending_mrr" {
            section.sum(cells);
        } else if reported != 0 || restated != 0 {
            section.row(cells);
        }
    }
    Some(section)
}

pub(super) fn scheduled(block: &CurrencyBlock, zone: Tz, scale: Scale) -> Option<Section> {
    let columns = ["effective", "customer", "class", "kind", "cause", "#MRR"];
    let note = "Ends that were asked for, discounts that run out and phases of schedules, as they are known now. A phase whose \
                prices are not known is left out.";
    let mut section =
        Section::of("scheduled", "Scheduled in the next 90 days", &columns).noted(Some(note.to_owned()));
    let parts: Vec<Delta> = block.scheduled.iter().map(|entry| entry.movement.delta).collect();
    let total = scale.units(Mrr::ZERO + parts.iter().copied().sum::<Delta>());
    for (entry, units) in block.scheduled.iter().zip(scale.parts(&parts, total)) {
        let movement = &entry.movement;
        section.row(vec![
            local(movement.effective_at, zone).into(),
            entry.customer.as_str().into(),
            title(movement.class.as_str()).into(),
            title(movement.kind.as_str()).into(),
            title(movement.cause.as_str()).into(),
            Cell::amount(scale, units),
        ]);
    }
    let none = || Cell::from("");
    section.sum(vec!["Total".into(), none(), none(), none(), none(), Cell::amount(scale, total)]);
    (!block.scheduled.is_empty()).then_some(section)
}

/// Items without a value, each with what it lacks (R4).
pub(super) fn incomplete(lines: &[Incomplete], zone: Tz) -> Option<Section> {
    let columns = ["customer", "subscription", "item", "missing", "since", "what to do"];
    let note = "Held at the last known level until the missing piece arrives.".to_owned();
    let mut section = Section::of("incomplete", "Incomplete", &columns).noted(Some(note));
    for entry in lines {
        section.row(vec![
            entry.customer.as_str().into(),
            entry.line.subscription.as_str().into(),
            entry.line.item.as_str().into(),
            entry.line.missing.clone().into(),
            local(entry.line.since, zone).into(),
            remedy_of(&entry.line.missing).into(),
        ]);
    }
    (!lines.is_empty()).then_some(section)
}

/// What the last months added.
pub(super) fn trend(block: &CurrencyBlock) -> Option<Section> {
    let scale = Scale::of(&block.currency);
    let columns = ["month", "#new", "#core expansion", "#expansion share"];
    let mut section = Section::of("trend", "New and expansion by month", &columns);
    for (month, (new, core)) in block.last_year().iter().zip(printed_added(block)) {
        section.row(vec![
            month.month.to_string().into(),
            Cell::amount(scale, new),
            Cell::amount(scale, core),
            Cell::short(&month.share()),
        ]);
    }
    (block.trend.len() > 1).then_some(section)
}

/// Retention by the month customers began in.
pub(super) fn cohorts(block: &CurrencyBlock) -> Option<Section> {
    let printed = Printed::block(block);
    let scale = printed.scale;
    let columns = ["began in", "#customers", "#starting MRR", "#ending MRR", "#NRR", "#GRR"];
    let mut section = Section::of("cohorts", "Cohorts", &columns);
    let column = |level: fn(&RollForward) -> Mrr, total| {
        let levels = block.cohorts.iter().map(|cohort| level(&cohort.figures.rollforward) - Mrr::ZERO);
        scale.parts(&levels.collect::<Vec<Delta>>(), total)
    };
    let starting = column(|roll| roll.starting_mrr, printed.levels.0);
    let ending = column(|roll| roll.ending_mrr, printed.levels.1);
    let cells = |name: String, figures: &Figures, (start, end): (i128, i128)| {
        vec![
            name.into(),
            Cell::count(figures.customers.starting),
            Cell::amount(scale, start),
            Cell::amount(scale, end),
            Cell::short(&figures.nrr),
            Cell::short(&figures.grr),
        ]
    };
    for (cohort, levels) in block.cohorts.iter().zip(starting.into_iter().zip(ending)) {
        section.row(cells(cohort.month.to_string(), &cohort.figures, levels));
    }
    section.sum(cells("Total".to_owned(), &block.figures, printed.levels));
    (block.cohorts.len() > 1).then_some(section)
}
