//! A run of months in large type and in three sentences, made from what its tables print.

use super::cell::Cell;
use super::range::Grid;
use super::run::RunTotal;
use super::sections::{Printed, round, short, title};
use super::sheet::Tile;
use super::tiles::{aim, counted};
use super::{Fraction, Rate, Targets, View};
use crate::mrr::{Kind, Lane, Motion, Mrr};

/// What everybody is shown: the first five of these that a run has.
const USUAL: [&str; 6] =
    ["expansion_rate", "core_expansion", "expansion_share_of_new_arr", "net_expansion", "ending_mrr", "new"];

/// As many as stand side by side.
const MOST: usize = 5;

/// The figures in large type: those of the view, or the usual ones, that a run has.
pub(super) fn tiles(grid: &Grid<'_>, view: Option<View>, targets: &Targets) -> Vec<Tile> {
    let (Ok(total), Some(printed)) = (&grid.run.total, &grid.total) else { return Vec::new() };
    let wanted = view.map_or(&USUAL[..], View::tiles);
    wanted.iter().filter_map(|key| tile(key, grid, (total, printed), targets)).take(MOST).collect()
}

fn tile(
    key: &str,
    grid: &Grid<'_>,
    (total, printed): (&RunTotal, &Printed),
    targets: &Targets,
) -> Option<Tile> {
    let scale = grid.scale;
    let customers = total.figures.customers;
    let tile = |name, value, note| Some(Tile { name, value, note });
    let amount = |units| Cell::amount(scale, units);
    match key {
        // No other run has one: the rules follow customers through a month, or through twelve.
        "expansion_rate" if grid.run.months.len() == 12 => {
            let note = "of who was there at the start".to_owned();
            tile("Expansion rate, 12 months", Cell::short(&total.ttm_expansion_rate), note)
        }
        "core_expansion" => {
            let note = format!("of {} total expansion", scale.text(printed.lane(Lane::Expansion)));
            tile("Core expansion", amount(printed.core()), note)
        }
        "expansion_share_of_new_arr" => tile(
            "Share of new ARR",
            Cell::short(&total.share),
            aim(&total.share, targets.expansion_share_of_new_arr),
        ),
        "ending_mrr" => {
            let (_, end) = grid.ends();
            tile("Ending MRR", amount(end), format!("ARR {}", scale.minor_units(total.ending_arr)))
        }
        "new" => {
            tile("New MRR", amount(printed.lane(Lane::New)), counted(customers.new, "customer", "customers"))
        }
        "attach_rate" => tile(
            "Attach rate",
            Cell::short(&grid.run.last()?.rates.attach_rate),
            "of customers hold two or more products at the end".to_owned(),
        ),
        "net_expansion" => {
            let lost = printed.lane(Lane::Contraction) + printed.lane(Lane::Churn);
            let note = format!("{} contraction and churn", scale.text(lost));
            tile("Net expansion", amount(printed.lane(Lane::Expansion) + lost), note)
        }
        "prior_period" => tile(
            "Prior period",
            amount(printed.lane(Lane::PriorPeriod)),
            "of months closed before".to_owned(),
        ),
        "at_risk" => tile(
            "At-risk MRR",
            Cell::level(scale, grid.run.last().map_or(Mrr::ZERO, |last| last.at_risk)),
            "past due at the end".to_owned(),
        ),
        _ => None,
    }
}

/// Three sentences: what became of MRR, where expansion came from, how the months stand against the target; where the
/// months are not one period, why.
pub(super) fn said(grid: &Grid<'_>, targets: &Targets) -> Vec<String> {
    match (&grid.run.total, &grid.total) {
        (Ok(total), Some(printed)) => vec![
            level_said(grid, printed),
            source_said(grid, total, printed),
            target_said(grid, total, targets),
        ],
        (Err(reason), _) => vec![format!("These months have no total: {reason}.")],
        (Ok(_), None) => Vec::new(),
    }
}

fn level_said(grid: &Grid<'_>, printed: &Printed) -> String {
    let scale = grid.scale;
    let (start, end) = grid.ends();
    let went = match end.cmp(&start) {
        std::cmp::Ordering::Greater => "rose",
        std::cmp::Ordering::Less => "fell",
        std::cmp::Ordering::Equal => "stayed",
    };
    let months = counted(grid.run.months.len() as u64, "month", "months");
    format!(
        "In {months} MRR {went} from {} to {}: {} from new customers, {} from expansion, {} lost to churn and contraction.",
        scale.text(start),
        scale.text(end),
        scale.text(printed.lane(Lane::New)),
        scale.text(printed.lane(Lane::Expansion)),
        scale.text(-(printed.lane(Lane::Churn) + printed.lane(Lane::Contraction))),
    )
}

fn source_said(grid: &Grid<'_>, total: &RunTotal, printed: &Printed) -> String {
    let core: Vec<&(Kind, i128)> =
        printed.expansion.iter().filter(|(kind, units)| kind.is_core() && *units > 0).collect();
    // Of equals the earlier kind of the contract's order, and the earlier month.
    let Some((kind, units)) = core.iter().rev().max_by_key(|(_, units)| *units) else {
        return "No kind of core expansion was above zero.".to_owned();
    };
    let cores =
        grid.run.months.iter().zip(&grid.printed).filter_map(|((month, _), printed)| {
            printed.as_ref().map(|(_, printed)| (*month, printed.core()))
        });
    let best = cores.collect::<Vec<_>>().into_iter().rev().max_by_key(|(_, core)| *core);
    let best = best.map_or_else(String::new, |(month, core)| {
        format!(", {} of it in {month}, more than in any other month", grid.scale.text(core))
    });
    let unknown = total.motion.get(&Motion::Unknown).copied().unwrap_or_default();
    let unknown = Rate::of(unknown.0, total.figures.core_expansion.0, "no core expansion");
    format!(
        "{} brought the most, {}, to a core expansion of {}{best}; who moved it is not known of {}.",
        title(kind.as_str()),
        grid.scale.text(*units),
        grid.scale.text(printed.core()),
        short(&unknown),
    )
}

fn target_said(grid: &Grid<'_>, total: &RunTotal, targets: &Targets) -> String {
    let target = targets.expansion_share_of_new_arr;
    let shares = grid.run.blocks().map(|block| block.rates.expansion_share_of_new_arr.known());
    let judged: Vec<Fraction> = shares.flatten().collect();
    let met = judged.iter().filter(|share| share.is_at_least(target)).count();
    if judged.is_empty() {
        return "No month can be judged by the target for expansion's share of new ARR.".to_owned();
    }
    let standing = total.standing(targets);
    format!(
        "Expansion was {} of new ARR where {} is aimed at ({}); {met} of {} met it.",
        short(&total.share),
        round(target),
        standing.to_words(),
        counted(judged.len() as u64, "month", "months"),
    )
}
