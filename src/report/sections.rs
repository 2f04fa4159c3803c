//! The sections of a sheet, in the order they are read: what the month came to, why, who, what next.

use super::cell::Cell;
use super::effects::{at_risk, first_month, price_and_discount};
use super::lists::{adjustments, bridge, expanders, incomplete, owners, scheduled, segments};
use super::notices::{fx, pauses};
pub(super) use super::printed::Printed;
use super::sheet::Section;
use super::spread::{causes, concentration};
use super::{Aim, CurrencyBlock, Fraction, Rate, Report, Scale, reference_line};
use crate::mrr::{Class, Delta, Kind, Lane, MICRO, Motion, Mrr, divide_half_even};

/// A rate in large type; the reason stands in its own section.
pub(super) fn short(rate: &Rate) -> String {
    rate.known().map_or_else(|| "n/a".to_owned(), Fraction::to_percent)
}

/// A target in per cent, without decimals where it has none.
pub(super) fn round(target: Fraction) -> String {
    target.to_percent().replace(".00 %", " %")
}

/// All sections of a block that have something to say.
pub(super) fn sections(report: &Report, block: &CurrencyBlock) -> Vec<Section> {
    let scale = Scale::of(&block.currency);
    let printed = Printed::of(&block.figures, scale);
    let mut sections = vec![summary(block, &printed), rollforward(block, &printed)];
    sections.extend(fx(block, &printed, scale));
    sections.extend(bridge(block, scale));
    sections.extend(adjustments(report, block, &printed));
    sections.push(kinds(
        "expansion_by_kind",
        "Expansion by kind",
        &printed.expansion,
        printed.lane(Lane::Expansion),
        scale,
    ));
    sections.push(kinds(
        "contraction_by_kind",
        "Contraction by kind",
        &printed.contraction,
        printed.lane(Lane::Contraction),
        scale,
    ));
    sections.extend(causes(block, &printed, scale));
    sections.push(rates(block));
    sections.push(targets(report, block));
    sections.push(customers(block));
    sections.push(motion(block, &printed));
    sections.extend(first_month(block, scale));
    sections.extend(price_and_discount(&printed, scale));
    sections.extend(at_risk(block, scale));
    sections.extend(pauses(block, report.zone, scale));
    sections.extend(evidence(block, scale));
    sections.extend(owners(report, block, &printed));
    if report.by.is_some() {
        sections.extend(block.segments.iter().map(|table| segments(table, block)));
    }
    sections.extend(expanders(block, scale));
    sections.extend(concentration(block, &printed, scale));
    sections.extend(scheduled(block, report.zone, scale));
    sections.extend(incomplete(&block.incomplete, report.zone));
    sections
}

fn summary(block: &CurrencyBlock, printed: &Printed) -> Section {
    let scale = printed.scale;
    let figures = &block.figures;
    let mut section = Section::of("summary", "Summary", &["figure", "#amount"]);
    let arpa = block.arpa.known().map(|arpa| divide_half_even(arpa.numerator * MICRO, arpa.denominator));
    let net = printed.lane(Lane::Expansion) + printed.lane(Lane::Contraction) + printed.lane(Lane::Churn);
    let rows = [
        ("Ending MRR", Cell::level(scale, figures.rollforward.ending_mrr)),
        ("Starting ARR", Cell::minor(scale, block.starting_arr)),
        ("Ending ARR", Cell::minor(scale, block.ending_arr)),
        ("Core expansion", Cell::amount(scale, printed.core())),
        ("Total expansion", Cell::amount(scale, printed.lane(Lane::Expansion))),
        ("Net expansion", Cell::amount(scale, net)),
        ("Retained-base growth", Cell::flow(scale, figures.retained_base_growth)),
        ("ARPA", arpa.map_or_else(|| block.arpa.to_percent().into(), |arpa| Cell::level(scale, Mrr(arpa)))),
        ("At-risk MRR (past due)", Cell::level(scale, block.at_risk)),
    ];
    for (name, value) in rows {
        section.row(vec![name.into(), value]);
    }
    section
}

fn rollforward(block: &CurrencyBlock, printed: &Printed) -> Section {
    let scale = printed.scale;
    let roll = &block.figures.rollforward;
    let outside = (block.expansion_from_outside != Delta::ZERO).then(|| {
        format!(
            "{} of the expansion is of customers who paid in another currency only: outside the denominators.",
            scale.flow(block.expansion_from_outside)
        )
    });
    let mut section =
        Section::of("rollforward", "Roll-forward", &["lane", "#MRR", "#activity"]).noted(outside);
    let none = || Cell::from("");
    section.level(vec!["Starting MRR".into(), Cell::level(scale, roll.starting_mrr), none()]);
    for (lane, units) in &printed.lanes {
        let activity = Class::parse(lane.as_str()).map_or(Delta::ZERO, |class| block.activity.class(class));
        let is_quiet = roll.lane(*lane) == Delta::ZERO && activity == Delta::ZERO;
        let is_always_shown = matches!(lane, Lane::New | Lane::Expansion | Lane::Contraction | Lane::Churn);
        if is_always_shown || !is_quiet {
            section.row(vec![
                title(lane.as_str()).into(),
                Cell::amount(scale, *units),
                Cell::flow(scale, activity),
            ]);
        }
    }
    section.sum(vec!["Ending MRR".into(), Cell::level(scale, roll.ending_mrr), none()]);
    section
}

fn kinds(key: &str, name: &str, kinds: &[(Kind, i128)], total: i128, scale: Scale) -> Section {
    let mut section = Section::of(key, name, &["kind", "#MRR"]);
    for (kind, units) in kinds.iter().filter(|(_, units)| *units != 0) {
        section.row(vec![title(kind.as_str()).into(), Cell::amount(scale, *units)]);
    }
    section.sum(vec!["Total".into(), Cell::amount(scale, total)]);
    section
}

fn rates(block: &CurrencyBlock) -> Section {
    let mut section = Section::of("rates", "Rates", &["rate", "#value", "reference line"]);
    for (name, rate) in block.named_rates() {
        let value = if name == "quick_ratio" { Cell::times(rate) } else { Cell::share(rate) };
        let line = reference_line(name).unwrap_or_default();
        section.row(vec![rate_title(name).into(), value, line.into()]);
    }
    let sources: Vec<String> = block.sources().iter().map(|(_, share)| short(share)).collect();
    section.row(vec![
        "Sources: upsell : seat and usage : cross-sell".into(),
        sources.join(" : ").into(),
        reference_line("sources").unwrap_or_default().into(),
    ]);
    section.row(vec![
        "Ten largest expanders' share of expansion".into(),
        Cell::share(&block.concentration.top_ten_share),
        "".into(),
    ]);
    section
}

/// How the month stands against what is aimed at.
fn targets(report: &Report, block: &CurrencyBlock) -> Section {
    let mut section = Section::of("targets", "Against targets", &["figure", "#month", "target", "standing"]);
    for standing in block.standings(&report.targets) {
        let side = match standing.aim {
            Aim::AtLeast => "at least",
            Aim::AtMost => "at most",
        };
        section.row(vec![
            rate_title(standing.figure).into(),
            Cell::short(&standing.rate),
            format!("{side} {}", round(standing.target)).into(),
            standing.to_words().into(),
        ]);
    }
    section
}

fn customers(block: &CurrencyBlock) -> Section {
    let mut section = Section::of("customers", "Customers", &["customers", "#count"]);
    let counts = block.figures.customers;
    let rows = [
        ("Starting", counts.starting, true),
        ("New", counts.new, false),
        ("Reactivated", counts.reactivated, false),
        ("Resumed", counts.resumed, false),
        ("Expanded", counts.expanded, false),
        ("Contracted", counts.contracted, false),
        ("Churned", counts.churned, false),
        ("Paused", counts.paused, false),
        ("Between subscriptions", counts.transferred, false),
        ("Ending", counts.ending, true),
    ];
    for (name, count, is_total) in rows {
        let cells = vec![name.into(), Cell::count(count)];
        if is_total {
            section.level(cells);
        } else {
            section.row(cells);
        }
    }
    section
}

fn motion(block: &CurrencyBlock, printed: &Printed) -> Section {
    let mut section = Section::of("motion", "Who moved core expansion", &["motion", "#MRR", "#share"]);
    let amounts: Vec<(Motion, Delta)> = block.motion.iter().map(|(motion, sum)| (*motion, *sum)).collect();
    let parts: Vec<Delta> = amounts.iter().map(|(_, sum)| *sum).collect();
    let core = block.figures.core_expansion;
    for ((motion, sum), units) in amounts.iter().zip(printed.scale.parts(&parts, printed.core())) {
        let share = Rate::of(sum.0, core.0, "no core expansion");
        section.row(vec![
            title(motion.as_str()).into(),
            Cell::amount(printed.scale, units),
            Cell::short(&share),
        ]);
    }
    section.sum(vec!["Core expansion".into(), Cell::amount(printed.scale, printed.core()), "".into()]);
    section
}

/// What ending MRR rests on.
fn evidence(block: &CurrencyBlock, scale: Scale) -> Option<Section> {
    let shares = block.evidence_shares();
    let note = "Events first; the past before them is rebuilt from invoices and lists, and what these do not tell \
                is an opening.";
    let mut section = Section::of("evidence", "What ending MRR rests on", &["evidence", "#MRR", "#share"])
        .noted(Some(note.to_owned()));
    let parts: Vec<Delta> = shares.iter().map(|(_, mrr, _)| *mrr - Mrr::ZERO).collect();
    let units = scale.between(Mrr::ZERO, &parts, block.figures.rollforward.ending_mrr);
    for ((grade, _, share), units) in shares.iter().zip(units) {
        section.row(vec![title(grade).into(), Cell::amount(scale, units), Cell::short(share)]);
    }
    let total = Cell::level(scale, block.figures.rollforward.ending_mrr);
    section.sum(vec!["Ending MRR".into(), total, "".into()]);
    (!shares.is_empty()).then_some(section)
}

/// A word of the contract as a heading: `cross_sell` is read as "Cross-sell".
pub(super) fn title(word: &str) -> String {
    let text = match word {
        "cross_sell" => "cross-sell".to_owned(),
        "add_on" => "add-on".to_owned(),
        "fx" => "exchange rates".to_owned(),
        other => other.replace('_', " "),
    };
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A rate's name for people.
pub(super) fn rate_title(name: &str) -> String {
    match name {
        "nrr" => "Net revenue retention".to_owned(),
        "grr" => "Gross revenue retention".to_owned(),
        "expansion_share_of_new_arr" => "Expansion share of new ARR".to_owned(),
        "expansion_share_of_new_arr_3m" => "Expansion share of new ARR, 3 months".to_owned(),
        "expansion_share_of_new_arr_12m" => "Expansion share of new ARR, 12 months".to_owned(),
        "ttm_expansion_rate" => "Expansion rate, trailing 12 months".to_owned(),
        "cross_sell_rate" => "Cross-sell rate".to_owned(),
        "expansion_rate" => "Expansion rate (core)".to_owned(),
        "total_expansion_rate" => "Expansion rate (total)".to_owned(),
        other => title(other),
    }
}
