//! A run of months as one period: in each currency, and in the reporting one, what the months come to.
//!
//! Flows are sums of the months' flows, levels those of the first month's start and the last one's end. A ratio is
//! given only where the rules have it of more than a month: what customers of the run's start still have at its end
//! is not known from the months alone, and no rule asks for it.

use std::collections::BTreeMap;

use super::breakdown::share_of_new;
use super::{
    Activity, CONSOLIDATED, CurrencyBlock, CustomerCounts, Figures, RangeReport, Rate, Report, RollForward,
    Standing, Targets, TrendMonth,
};
use crate::mrr::{Cause, Currency, Delta, Kind, Lane, Month, Motion, Mrr};

/// Why a ratio of a month has no value of a run.
const OF_A_MONTH: &str = "of single months: customers are followed from a month's start to its end";

/// One currency, or the consolidated figures, in every month of a run; a month without it being empty.
pub(super) struct Run<'r> {
    /// The currency's code, or `consolidated`.
    pub(super) code: String,
    /// What it is called on paper.
    pub(super) name: String,
    pub(super) currency: &'r Currency,
    pub(super) months: Vec<(Month, Option<&'r CurrencyBlock>)>,
    /// The run as one period, or why its months are none.
    pub(super) total: Result<RunTotal, String>,
}

/// What the months of a run come to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RunTotal {
    /// Levels of both ends, sums of flows, and how often something happened to a customer.
    pub(super) figures: Figures,
    pub(super) expansion_from_outside: Delta,
    pub(super) expansion_by_cause: Vec<(Cause, Delta)>,
    pub(super) contraction_by_cause: Vec<(Cause, Delta)>,
    pub(super) motion: BTreeMap<Motion, Delta>,
    pub(super) activity: Activity,
    pub(super) starting_arr: i128,
    pub(super) ending_arr: i128,
    /// Core expansion over new and core expansion.
    pub(super) share: Rate,
    /// Gains over losses.
    pub(super) quick_ratio: Rate,
    /// Of twelve months: core expansion of those there at their start, over their MRR then.
    pub(super) ttm_expansion_rate: Rate,
}

impl RangeReport {
    /// The runs that people are shown: the consolidated one first, where it says more than the only currency's.
    pub(super) fn runs(&self) -> Vec<Run<'_>> {
        let is_alone = self.months.iter().all(|report| report.currencies.is_empty());
        let says_more = is_alone || self.months.iter().any(|report| !report.exchange_rates.is_empty());
        let consolidated = self.consolidated_run().filter(|run| says_more && run.has_moved());
        consolidated.into_iter().chain(self.currency_runs()).collect()
    }

    /// One run a currency, in the order of the last month that has it.
    pub(super) fn currency_runs(&self) -> Vec<Run<'_>> {
        let mut currencies: Vec<&Currency> = Vec::new();
        for block in self.months.iter().rev().flat_map(|report| &report.currencies) {
            if !currencies.contains(&&block.currency) {
                currencies.push(&block.currency);
            }
        }
        currencies.into_iter().map(|currency| self.run_of(currency)).collect()
    }

    fn run_of<'r>(&'r self, currency: &'r Currency) -> Run<'r> {
        let of_month = |report: &'r Report| {
            let block = report.currencies.iter().find(|block| block.currency == *currency);
            (report.month, block)
        };
        let months: Vec<(Month, Option<&CurrencyBlock>)> = self.months.iter().map(of_month).collect();
        Run {
            code: currency.to_string(),
            name: currency.as_str().to_uppercase(),
            currency,
            total: RunTotal::of(&months),
            months,
        }
    }

    /// The run in the reporting currency; `None` where no month has such a block.
    pub(super) fn consolidated_run(&self) -> Option<Run<'_>> {
        let currency = &self.months.iter().find_map(|report| report.consolidated.as_ref().ok())?.currency;
        let months: Vec<(Month, Option<&CurrencyBlock>)> =
            self.months.iter().map(|report| (report.month, report.consolidated.as_deref().ok())).collect();
        let total = match self.not_consolidated() {
            Some(reason) => Err(reason),
            None => RunTotal::of(&months),
        };
        let name = format!("Consolidated in {}", currency.as_str().to_uppercase());
        Some(Run { code: CONSOLIDATED.to_owned(), name, currency, months, total })
    }

    /// Why the run has no consolidated figures, if a month has none: the reason, with the month where it is not that
    /// of all.
    pub(super) fn not_consolidated(&self) -> Option<String> {
        let reasons: Vec<(Month, &String)> = self
            .months
            .iter()
            .filter_map(|report| Some((report.month, report.consolidated.as_ref().err()?)))
            .collect();
        let (month, reason) = reasons.first()?;
        let is_of_all =
            reasons.len() == self.months.len() && reasons.iter().all(|(_, other)| other == reason);
        Some(if is_of_all { (*reason).clone() } else { format!("{month}: {reason}") })
    }

    /// The months as one period, in a word: `2025-11..2026-10`.
    pub(super) fn span(&self) -> String {
        format!("{}..{}", self.from, self.to)
    }
}

impl<'r> Run<'r> {
    /// The months' blocks, of those that have one.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &'r CurrencyBlock> {
        self.months.iter().filter_map(|(_, block)| *block)
    }

    /// The last month's block.
    pub(super) fn last(&self) -> Option<&'r CurrencyBlock> {
        self.months.last().and_then(|(_, block)| *block)
    }

    fn has_moved(&self) -> bool {
        self.blocks().any(|block| block.figures.customers != CustomerCounts::default())
    }

    /// What each month added.
    pub(super) fn added(&self) -> Vec<TrendMonth> {
        let added = |(month, block): &(Month, Option<&CurrencyBlock>)| {
            let figures = block.map(|block| &block.figures);
            let quiet = || Kind::EXPANSION.map(|kind| (kind, Delta::ZERO)).to_vec();
            TrendMonth {
                month: *month,
                new: figures.map_or(Delta::ZERO, |figures| figures.rollforward.lane(Lane::New)),
                core_expansion: figures.map_or(Delta::ZERO, |figures| figures.core_expansion),
                expansion_by_kind: figures.map_or_else(quiet, |figures| figures.expansion_by_kind.clone()),
            }
        };
        self.months.iter().map(added).collect()
    }
}

impl RunTotal {
    /// The months as one period; the reason, where one does not begin with what the one before it ended with.
    fn of(months: &[(Month, Option<&CurrencyBlock>)]) -> Result<Self, String> {
        let ends = |block: &Option<&CurrencyBlock>| {
            let roll = block.map(|block| &block.figures.rollforward);
            roll.map_or((Mrr::ZERO, Mrr::ZERO), |roll| (roll.starting_mrr, roll.ending_mrr))
        };
        for ((before, earlier), (month, later)) in months.iter().zip(months.iter().skip(1)) {
            if ends(earlier).1 != ends(later).0 {
                return Err(format!("{month} does not begin with what {before} ended with"));
            }
        }
        let starting_mrr = months.first().map_or(Mrr::ZERO, |(_, block)| ends(block).0);
        let ending_mrr = months.last().map_or(Mrr::ZERO, |(_, block)| ends(block).1);
        let blocks: Vec<&CurrencyBlock> = months.iter().filter_map(|(_, block)| *block).collect();
        let figures = figures(&blocks, months, (starting_mrr, ending_mrr));
        let lane = |lane| figures.rollforward.lane(lane);
        let gains = lane(Lane::New) + lane(Lane::Reactivation) + lane(Lane::Expansion);
        let losses = -(lane(Lane::Churn) + lane(Lane::Contraction));
        let mut motion = BTreeMap::new();
        let mut activity = Activity::default();
        for block in &blocks {
            for (who, sum) in &block.motion {
                *motion.entry(*who).or_default() += *sum;
            }
            for (key, sum) in &block.activity.sums {
                *activity.sums.entry(*key).or_default() += *sum;
            }
        }
        let ttm = match (months.len(), months.last()) {
            (12, Some((_, Some(last)))) => last.rates.ttm_expansion_rate.clone(),
            (12, _) => Rate::Unknown("nobody was there twelve months ago".into()),
            (count, _) => Rate::Unknown(format!("of twelve months, not of {count}").into()),
        };
        Ok(Self {
            expansion_from_outside: blocks.iter().map(|block| block.expansion_from_outside).sum(),
            expansion_by_cause: causes(blocks.iter().map(|block| &block.expansion_by_cause[..])),
            contraction_by_cause: causes(blocks.iter().map(|block| &block.contraction_by_cause[..])),
            motion,
            activity,
            starting_arr: starting_mrr.arr_minor_units(),
            ending_arr: ending_mrr.arr_minor_units(),
            share: share_of_new(lane(Lane::New), figures.core_expansion),
            quick_ratio: Rate::of(gains.0, losses.0, "no losses"),
            ttm_expansion_rate: ttm,
            figures,
        })
    }

    /// The ratios that the rules have of more than a month, and the two that whoever reads a run looks for first.
    pub(super) fn named_rates(&self) -> [(&'static str, &Rate); 5] {
        [
            ("nrr", &self.figures.nrr),
            ("grr", &self.figures.grr),
            ("expansion_share_of_new_arr", &self.share),
            ("quick_ratio", &self.quick_ratio),
            ("ttm_expansion_rate", &self.ttm_expansion_rate),
        ]
    }

    /// Where core expansion came from, as shares of it.
    pub(super) fn sources(&self) -> [(&'static str, Rate); 3] {
        let of_core = |kinds: &[Kind]| {
            let some = self.figures.expansion_by_kind.iter().filter(|(kind, _)| kinds.contains(kind));
            let some: Delta = some.map(|(_, amount)| *amount).sum();
            Rate::of(some.0, self.figures.core_expansion.0, "no core expansion")
        };
        [
            ("upsell", of_core(&[Kind::Upsell])),
            ("seat_and_usage", of_core(&[Kind::Seat, Kind::Usage])),
            ("cross_sell", of_core(&[Kind::CrossSell])),
        ]
    }

    /// How the run stands against the one target that is asked of more than a month.
    pub(super) fn standing(&self, targets: &Targets) -> Standing {
        Standing {
            figure: "expansion_share_of_new_arr",
            rate: self.share.clone(),
            target: targets.expansion_share_of_new_arr,
            aim: super::Aim::AtLeast,
        }
    }
}

/// The sums of months between two levels.
fn figures(
    blocks: &[&CurrencyBlock],
    months: &[(Month, Option<&CurrencyBlock>)],
    (starting_mrr, ending_mrr): (Mrr, Mrr),
) -> Figures {
    let of =
        |amount: &dyn Fn(&Figures) -> Delta| blocks.iter().map(|block| amount(&block.figures)).sum::<Delta>();
    let has_lane = |lane: &&Lane| {
        let mut lanes = blocks.iter().flat_map(|block| &block.figures.rollforward.lanes);
        lanes.any(|(name, _)| name == *lane)
    };
    let lane = |lane: Lane| of(&|figures| figures.rollforward.lane(lane));
    let kinds = |kinds: &[Kind], of_month: fn(&Figures) -> &[(Kind, Delta)]| -> Vec<(Kind, Delta)> {
        let sum = |kind: &Kind| {
            let amounts = blocks.iter().flat_map(|block| of_month(&block.figures));
            amounts.filter(|(name, _)| name == kind).map(|(_, amount)| *amount).sum()
        };
        kinds.iter().map(|kind| (*kind, sum(kind))).collect()
    };
    let of_a_month = || Rate::Unknown(OF_A_MONTH.into());
    Figures {
        rollforward: RollForward {
            starting_mrr,
            lanes: Lane::ALL.iter().filter(has_lane).map(|name| (*name, lane(*name))).collect(),
            transfer_in: Delta::ZERO,
            transfer_out: Delta::ZERO,
            ending_mrr,
        },
        expansion_by_kind: kinds(&Kind::EXPANSION, |figures| &figures.expansion_by_kind),
        contraction_by_kind: kinds(&Kind::CONTRACTION, |figures| &figures.contraction_by_kind),
        core_expansion: of(&|figures| figures.core_expansion),
        total_expansion: of(&|figures| figures.total_expansion),
        net_expansion: of(&|figures| figures.net_expansion),
        retained_base_growth: of(&|figures| figures.retained_base_growth),
        expansion_rate: of_a_month(),
        total_expansion_rate: of_a_month(),
        nrr: of_a_month(),
        grr: of_a_month(),
        customers: customers(blocks, months),
    }
}

/// Who was there at both ends, and how often what happened: a customer that expanded in three months counts thrice.
fn customers(blocks: &[&CurrencyBlock], months: &[(Month, Option<&CurrencyBlock>)]) -> CustomerCounts {
    let end = |month: Option<&(Month, Option<&CurrencyBlock>)>, count: fn(&CustomerCounts) -> u64| {
        let block = month.and_then(|(_, block)| *block);
        block.map_or(0, |block| count(&block.figures.customers))
    };
    let times =
        |count: fn(&CustomerCounts) -> u64| blocks.iter().map(|block| count(&block.figures.customers)).sum();
    CustomerCounts {
        starting: end(months.first(), |counts| counts.starting),
        new: times(|counts| counts.new),
        reactivated: times(|counts| counts.reactivated),
        resumed: times(|counts| counts.resumed),
        expanded: times(|counts| counts.expanded),
        contracted: times(|counts| counts.contracted),
        churned: times(|counts| counts.churned),
        paused: times(|counts| counts.paused),
        transferred: times(|counts| counts.transferred),
        ending: end(months.last(), |counts| counts.ending),
    }
}

/// Causes summed, in the contract's order, those that any month tells.
fn causes<'c>(months: impl Iterator<Item = &'c [(Cause, Delta)]>) -> Vec<(Cause, Delta)> {
    let mut sums: BTreeMap<usize, (Cause, Delta)> = BTreeMap::new();
    for (cause, amount) in months.flatten() {
        let place = Cause::ALL.iter().position(|of| of == cause).unwrap_or(usize::MAX);
        sums.entry(place).or_insert((*cause, Delta::ZERO)).1 += *amount;
    }
    sums.into_values().collect()
}
