//! The figures in large type, and three sentences made from the figures.

use super::cell::Cell;
use super::sections::{Printed, rate_title, round, short, title};
use super::sheet::Tile;
use super::{CurrencyBlock, Fraction, Rate, Report, Scale, Standing, meets};
use crate::mrr::{Delta, Kind, Lane, Motion};

/// What everybody is shown.
const USUAL: [&str; 5] =
    ["expansion_rate", "core_expansion", "expansion_share_of_new_arr", "nrr", "ending_mrr"];

/// The figures in large type: those of the view, or the usual ones.
pub(super) fn tiles(report: &Report, block: &CurrencyBlock) -> Vec<Tile> {
    let scale = Scale::of(&block.currency);
    let printed = Printed::of(&block.figures, scale);
    let wanted = report.view.map_or(&USUAL[..], |view| view.tiles());
    wanted.iter().filter_map(|key| tile(key, report, block, &printed)).collect()
}

fn tile(key: &str, report: &Report, block: &CurrencyBlock, printed: &Printed) -> Option<Tile> {
    let scale = Scale::of(&block.currency);
    let figures = &block.figures;
    let tile = |name, value, note| Some(Tile { name, value, note });
    match key {
        "expansion_rate" => tile(
            "Expansion rate",
            Cell::short(&figures.expansion_rate),
            format!("total {}", short(&figures.total_expansion_rate)),
        ),
        "core_expansion" => {
            let note = counted(figures.customers.expanded, "customer", "customers");
            tile("Core expansion", Cell::amount(scale, printed.core()), note)
        }
        "expansion_share_of_new_arr" => {
            let share = &block.rates.expansion_share_of_new_arr;
            tile(
                "Share of new ARR",
                Cell::short(share),
                aim(share, report.targets.expansion_share_of_new_arr),
            )
        }
        "nrr" => {
            tile("Net revenue retention", Cell::short(&figures.nrr), format!("gross {}", short(&figures.grr)))
        }
        "ending_mrr" => tile(
            "Ending MRR",
            Cell::level(scale, figures.rollforward.ending_mrr),
            format!("ARR {}", scale.minor_units(block.ending_arr)),
        ),
        "new" => {
            let note = counted(figures.customers.new, "customer", "customers");
            tile("New MRR", Cell::amount(scale, printed.lane(Lane::New)), note)
        }
        "attach_rate" => tile(
            "Attach rate",
            Cell::short(&block.rates.attach_rate),
            "of customers hold two or more products".to_owned(),
        ),
        "net_expansion" => {
            let lost = printed.lane(Lane::Contraction) + printed.lane(Lane::Churn);
            let note = format!("{} contraction and churn", scale.text(lost));
            tile("Net expansion", Cell::amount(scale, printed.lane(Lane::Expansion) + lost), note)
        }
        "prior_period" => {
            let note = counted(block.prior_period_adjustments.len() as u64, "adjustment", "adjustments");
            tile("Prior period", Cell::amount(scale, printed.lane(Lane::PriorPeriod)), note)
        }
        "at_risk" => tile("At-risk MRR", Cell::level(scale, block.at_risk), "past due".to_owned()),
        "scheduled" => {
            let sum: Delta = block.scheduled.iter().map(|entry| entry.movement.delta).sum();
            let note =
                format!("{}, next 90 days", counted(block.scheduled.len() as u64, "movement", "movements"));
            tile("Scheduled", Cell::flow(scale, sum), note)
        }
        "owners_on_target" => {
            let owned: Vec<&super::OwnerBook> = block.owners.iter().filter(|book| book.is_owned()).collect();
            let is_met = |book: &&&super::OwnerBook| {
                meets(&book.owner_book_growth, report.targets.of_owner(&book.owner))
            };
            let met = owned.iter().filter(|book| is_met(book) == Some(true)).count();
            let note = format!("of {}", counted(owned.len() as u64, "book", "books"));
            tile("Books on target", Cell::count(met as u64), note)
        }
        _ => None,
    }
}

pub(super) fn aim(rate: &Rate, target: Fraction) -> String {
    match meets(rate, target) {
        Some(true) => format!("target {} met", round(target)),
        _ => format!("target {}", round(target)),
    }
}

pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Three sentences: what became of MRR, where expansion came from, how the month stands against targets.
pub(super) fn said(report: &Report, block: &CurrencyBlock) -> Vec<String> {
    let scale = Scale::of(&block.currency);
    let printed = Printed::of(&block.figures, scale);
    vec![level_said(block, &printed), source_said(block, &printed), targets_said(report, block)]
}

fn level_said(block: &CurrencyBlock, printed: &Printed) -> String {
    let scale = Scale::of(&block.currency);
    let roll = &block.figures.rollforward;
    let (start, end) = (scale.units(roll.starting_mrr), scale.units(roll.ending_mrr));
    let went = match end.cmp(&start) {
        std::cmp::Ordering::Greater => "rose",
        std::cmp::Ordering::Less => "fell",
        std::cmp::Ordering::Equal => "stayed",
    };
    format!(
        "MRR {went} from {} to {}: {} from new customers, {} from expansion, {} lost to churn and contraction.",
        scale.text(start),
        scale.text(end),
        scale.text(printed.lane(Lane::New)),
        scale.text(printed.lane(Lane::Expansion)),
        scale.text(-(printed.lane(Lane::Churn) + printed.lane(Lane::Contraction))),
    )
}

fn source_said(block: &CurrencyBlock, printed: &Printed) -> String {
    let scale = Scale::of(&block.currency);
    let core: Vec<&(Kind, i128)> =
        printed.expansion.iter().filter(|(kind, units)| kind.is_core() && *units > 0).collect();
    // Of equals the earlier kind of the contract's order.
    let largest = core.iter().rev().max_by_key(|(_, units)| *units);
    let Some((kind, units)) = largest else {
        return "No customer's core expansion was above zero.".to_owned();
    };
    let unknown = block.motion.get(&Motion::Unknown).copied().unwrap_or_default();
    let unknown = Rate::of(unknown.0, block.figures.core_expansion.0, "no core expansion");
    let (expanded, starting) = (block.figures.customers.expanded, block.figures.customers.starting);
    format!(
        "{expanded} of {} grew; {} brought the most, {}, to a core expansion of {}; who moved it is not known of {}.",
        counted(starting, "starting customer", "starting customers"),
        title(kind.as_str()).to_lowercase(),
        scale.text(*units),
        scale.text(printed.core()),
        short(&unknown),
    )
}

fn targets_said(report: &Report, block: &CurrencyBlock) -> String {
    let standings = block.standings(&report.targets);
    let known: Vec<&Standing> = standings.iter().filter(|standing| standing.is_met().is_some()).collect();
    let missed: Vec<String> = known
        .iter()
        .filter(|standing| standing.is_met() == Some(false))
        .map(|standing| format!("{} ({})", rate_title(standing.figure), short(&standing.rate)))
        .collect();
    match (known.len(), missed.len()) {
        (0, _) => "No target can be judged by this month.".to_owned(),
        (all, 0) => format!(
            "{} met.",
            counted(all as u64, "target that can be judged is", "targets that can be judged are all")
        ),
        (all, few) => format!(
            "{few} of {} missed: {}.",
            counted(all as u64, "target is", "targets are"),
            missed.join(", ")
        ),
    }
}
