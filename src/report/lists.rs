//! The sections of a sheet whose rows bear the book's own names: owners, segments, customers, months.

use chrono_tz::Tz;

use super::cell::Cell;
use super::reference::meets;
use super::sections::{round, title};
use super::sheet::{Section, local};
use super::{
    Basis, BridgeRow, CurrencyBlock, Expander, Incomplete, Report, RollForward, Scale, SegmentTable,
    reference_line, remedy_of,
};
use crate::mrr::{Delta, Lane, Mrr};

pub(super) fn owners(report: &Report, block: &CurrencyBlock, scale: Scale) -> Option<Section> {
    let columns = ["owner", "#core expansion", "#book growth", "#share", "target"];
    let mut section = Section::of("owners", "Owners' books", &columns);
    section.note = reference_line("owner_book_growth").map(|line| format!("Reference line: {line}."));
    for book in &block.owners {
        let target = report.targets.of_owner(&book.owner);
        let met = match meets(&book.owner_book_growth, target) {
            Some(true) => "met",
            Some(false) => "not met",
            None => "(n/a)",
        };
        section.row(vec![
            book.owner.clone().into(),
            Cell::flow(scale, book.core_expansion),
            Cell::flow(scale, book.growth),
            Cell::share(&book.owner_book_growth),
            format!("{} {met}", round(target)).into(),
        ]);
    }
    (!block.owners.is_empty()).then_some(section)
}

pub(super) fn segments(table: &SegmentTable, scale: Scale) -> Section {
    let columns = [
        "segment",
        "#starting",
        "#new",
        "#expansion",
        "#contraction",
        "#churn",
        "#other",
        "#transfers",
        "#ending",
        "#expansion rate",
        "#NRR",
    ];
    let mut section = Section::of(
        &format!("segments_{}", table.dimension),
        &format!("By {}", table.dimension.replace('_', " ")),
        &columns,
    );
    for row in &table.rows {
        let mut cells = vec![row.segment.clone().into()];
        cells.extend(segment_amounts(&row.figures.rollforward, scale));
        cells.push(Cell::short(&row.figures.expansion_rate));
        cells.push(Cell::short(&row.figures.nrr));
        section.row(cells);
    }
    section
}

/// A segment's row; each foots as printed.
fn segment_amounts(roll: &RollForward, scale: Scale) -> Vec<Cell> {
    let shown = [Lane::New, Lane::Expansion, Lane::Contraction, Lane::Churn];
    let other: Delta =
        roll.lanes.iter().filter(|(lane, _)| !shown.contains(lane)).map(|(_, amount)| *amount).sum();
    let flows: Vec<Delta> = shown
        .iter()
        .map(|lane| roll.lane(*lane))
        .chain([other, roll.transfer_in + roll.transfer_out])
        .collect();
    let mut cells = vec![Cell::level(scale, roll.starting_mrr)];
    let units = scale.between(roll.starting_mrr, &flows, roll.ending_mrr);
    cells.extend(units.into_iter().map(|units| Cell::amount(scale, units)));
    cells.push(Cell::level(scale, roll.ending_mrr));
    cells
}

pub(super) fn expanders(expanders: &[Expander], scale: Scale) -> Option<Section> {
    let mut section = Section::of("top_expanders", "Top expanders", &["customer", "#expansion", "by kind"]);
    for expander in expanders {
        let kinds: Vec<String> = expander
            .by_kind
            .iter()
            .map(|(kind, amount)| format!("{} {}", title(kind.as_str()), scale.flow(*amount)))
            .collect();
        section.row(vec![
            expander.customer.as_str().into(),
            Cell::flow(scale, expander.expansion),
            kinds.join(", ").into(),
        ]);
    }
    (!expanders.is_empty()).then_some(section)
}

/// What was posted for closed months, each named (R24).
pub(super) fn adjustments(report: &Report, block: &CurrencyBlock, scale: Scale) -> Option<Section> {
    let columns = ["customer", "belongs to", "posted in", "class", "kind", "#MRR", "event", "posting"];
    let (name, note) = match report.basis {
        Basis::Reported => ("Prior-period adjustments", "Posted in this month, and of months closed before."),
        Basis::Restated => {
            ("Adjusted since it was closed", "Posted after this month was closed, and of it or before.")
        }
    };
    let mut section = Section::of("prior_period_adjustments", name, &columns).noted(Some(note.to_owned()));
    for entry in &block.prior_period_adjustments {
        let movement = &entry.movement;
        let class = title(movement.class.as_str());
        section.row(vec![
            entry.customer.as_str().into(),
            entry.month.to_string().into(),
            entry.posted_in.to_string().into(),
            if entry.adjusts.is_some() { format!("{class}, taken back") } else { class }.into(),
            title(movement.kind.as_str()).into(),
            Cell::flow(scale, movement.delta),
            movement.evidence.event.to_string().into(),
            entry.id.clone().into(),
        ]);
    }
    (!block.prior_period_adjustments.is_empty()).then_some(section)
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
    for entry in &block.scheduled {
        let movement = &entry.movement;
        section.row(vec![
            local(movement.effective_at, zone).into(),
            entry.customer.as_str().into(),
            title(movement.class.as_str()).into(),
            title(movement.kind.as_str()).into(),
            title(movement.cause.as_str()).into(),
            Cell::flow(scale, movement.delta),
        ]);
    }
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
    for month in block.last_year() {
        section.row(vec![
            month.month.to_string().into(),
            Cell::flow(scale, month.new),
            Cell::flow(scale, month.core_expansion),
            Cell::short(&month.share()),
        ]);
    }
    (block.trend.len() > 1).then_some(section)
}

/// Retention by the month customers began in.
pub(super) fn cohorts(block: &CurrencyBlock) -> Option<Section> {
    let scale = Scale::of(&block.currency);
    let columns = ["began in", "#customers", "#starting MRR", "#ending MRR", "#NRR", "#GRR"];
    let mut section = Section::of("cohorts", "Cohorts", &columns);
    for cohort in &block.cohorts {
        let roll = &cohort.figures.rollforward;
        section.row(vec![
            cohort.month.to_string().into(),
            Cell::count(cohort.figures.customers.starting),
            Cell::level(scale, roll.starting_mrr),
            Cell::level(scale, roll.ending_mrr),
            Cell::short(&cohort.figures.nrr),
            Cell::short(&cohort.figures.grr),
        ]);
    }
    (block.cohorts.len() > 1).then_some(section)
}
