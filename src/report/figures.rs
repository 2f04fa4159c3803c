//! The report as data, exact: the one model from which every face is made.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::{
    Activity, Adjustment, Basis, Bridge, ClosedMonth, Cohort, CohortCurve, Concentration, Dimension,
    Exception, Expander, FxEffect, Incomplete, MonthStatus, MovementRow, OwnerBook, Paused, Rate, Scheduled,
    SegmentTable, SegmentTrend, Settings, Targets, TrendMonth, UsedRate, View,
};
use crate::ledger::ComparedMonth;
use crate::mrr::{
    Cause, Currency, CustomerId, Delta, Grade, Instant, Kind, Lane, Month, Motion, Mrr, Policy,
};

/// The expansion report of one month and book (section 6 of the rules).
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The month.
    pub month: Month,
    /// Whose calendar its months are.
    pub zone: Tz,
    /// The book.
    pub book: String,
    /// Whether the month is open, closed, or shown otherwise than it was closed (R24).
    pub status: MonthStatus,
    /// How it was closed; `None` while it is open.
    pub closing: Option<ClosedMonth>,
    /// As reported or restated.
    pub basis: Basis,
    /// The newest fact behind it.
    pub data_through: Option<Instant>,
    /// The policy in force.
    pub policy: Policy,
    /// Free text on pricing.
    pub pricing_note: String,
    /// What is aimed at.
    pub targets: Targets,
    /// The one dimension that was asked for.
    pub by: Option<Dimension>,
    /// For whom it is laid out.
    pub view: Option<View>,
    /// One block a currency, by its code; amounts are never converted (R9).
    pub currencies: Vec<CurrencyBlock>,
    /// Items without a value that no currency is known of (R4).
    pub incomplete: Vec<Incomplete>,
    /// What stands between the facts and the figures, with its remedy.
    pub exceptions: Vec<Exception>,
    /// How many movements stand in the month.
    pub movements: u64,
    /// How many of them rest on which grade of evidence, best first; grades without any left out.
    pub movements_by_evidence: BTreeMap<Grade, u64>,
    /// What the newest comparisons with Stripe's own figures found of the month, by currency and form of files.
    pub compared: Vec<ComparedMonth>,
    /// These movements, where they were asked for.
    pub register: Option<Vec<MovementRow>>,
    /// The reporting currency, if there is one.
    pub reporting_currency: Option<Currency>,
    /// All currencies in the reporting one (R9), or why there is no such block.
    pub consolidated: Result<Box<CurrencyBlock>, String>,
    /// The rates that it takes, those of the month before first.
    pub exchange_rates: Vec<UsedRate>,
}

impl Report {
    /// A month's report, still without figures.
    pub(super) fn empty(month: Month, settings: &Settings) -> Self {
        Self {
            month,
            zone: settings.zone,
            book: settings.book.clone(),
            status: if settings.closed.contains_key(&month) {
                MonthStatus::Closed
            } else {
                MonthStatus::Open
            },
            closing: settings.closed.get(&month).cloned(),
            basis: settings.basis,
            data_through: settings.data_through,
            policy: settings.policy.clone(),
            pricing_note: settings.pricing_note.clone(),
            targets: settings.targets.clone(),
            by: settings.by.clone(),
            view: settings.view,
            currencies: Vec::new(),
            incomplete: Vec::new(),
            exceptions: Vec::new(),
            movements: 0,
            movements_by_evidence: BTreeMap::new(),
            compared: Vec::new(),
            register: None,
            reporting_currency: settings.consolidation.as_ref().map(|by| by.currency.clone()),
            consolidated: Err("no reporting currency".to_owned()),
            exchange_rates: Vec::new(),
        }
    }

    /// The blocks that people are shown: the consolidated one first, but where it would repeat the only
    /// currency's.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (String, &CurrencyBlock)> {
        let says_more = |block: &&CurrencyBlock| {
            let is_empty = block.figures.customers == CustomerCounts::default();
            !self.exchange_rates.is_empty() || (self.currencies.is_empty() && !is_empty)
        };
        let consolidated = self.consolidated.as_deref().ok().filter(says_more);
        let code = |block: &CurrencyBlock| block.currency.as_str().to_uppercase();
        let consolidated =
            consolidated.map(|block| (format!("Consolidated in {}", code(block)), block)).into_iter();
        consolidated.chain(self.currencies.iter().map(move |block| (code(block), block)))
    }
}

/// The reports of a run of months.
#[derive(Debug, Clone, PartialEq)]
pub struct RangeReport {
    /// The first month.
    pub from: Month,
    /// The last.
    pub to: Month,
    /// One report a month.
    pub months: Vec<Report>,
}

/// Every figure of one currency.
#[derive(Debug, Clone, PartialEq)]
pub struct CurrencyBlock {
    /// The currency.
    pub currency: Currency,
    /// The figures that segments have as well.
    pub figures: Figures,
    /// Expansion of customers who had nothing in this currency at the month's start but paid in
    /// another: in the lane, and outside the denominators (R26).
    pub expansion_from_outside: Delta,
    /// The ratios that only make sense of a whole currency.
    pub rates: BlockRates,
    /// Ending MRR for each ending customer, in minor units.
    pub arpa: Rate,
    /// Yearly recurring revenue at the start, in whole minor units.
    pub starting_arr: i128,
    /// The same at the end.
    pub ending_arr: i128,
    /// The lane of expansion by cause, in the contract's order: those of items, and others that something moved
    /// for.
    pub expansion_by_cause: Vec<(Cause, Delta)>,
    /// The lane of contraction by cause.
    pub contraction_by_cause: Vec<(Cause, Delta)>,
    /// Who moved core expansion (R20).
    pub motion: BTreeMap<Motion, Delta>,
    /// The month's movements summed without netting.
    pub activity: Activity,
    /// Segment tables, one a dimension.
    pub segments: Vec<SegmentTable>,
    /// Retention by the month customers began in.
    pub cohorts: Vec<Cohort>,
    /// Of the cohorts of the last thirteen months, what was left after each month since.
    pub retention: Vec<CohortCurve>,
    /// How much of expansion hangs on how few.
    pub concentration: Concentration,
    /// Each owner's book.
    pub owners: Vec<OwnerBook>,
    /// Up to ten customers by total expansion.
    pub top_expanders: Vec<Expander>,
    /// As reported: what was posted in this month for months closed before. Restated: what was posted for
    /// this month and those before it since it was closed (R24).
    pub prior_period_adjustments: Vec<Adjustment>,
    /// From what was reported to this, where a closed month is restated (R24).
    pub bridge: Option<Bridge>,
    /// Movements within ninety days after the newest fact (R22).
    pub scheduled: Vec<Scheduled>,
    /// The subscriptions that are paused at the month's end, the largest first.
    pub pauses: Vec<Paused>,
    /// Of a consolidated block, what each currency's change of rate did: the parts of the lane fx (R9).
    pub fx: Vec<FxEffect>,
    /// MRR of subscriptions that are past due at the month's end (R5).
    pub at_risk: Mrr,
    /// Whose MRR that is, the largest first.
    pub late_payers: Vec<(CustomerId, Mrr)>,
    /// What new customers' movements up, and down, came to after their first: a memo, for all of it is in the
    /// lane new (R26).
    pub first_month: (Delta, Delta),
    /// Ending MRR by how good the evidence is that it rests on, best first; grades without any left out.
    pub evidence: BTreeMap<Grade, Mrr>,
    /// Items held at their last known level (R4).
    pub incomplete: Vec<Incomplete>,
    /// What each month added, from the same one a year before to this one, as far as there is history.
    pub trend: Vec<TrendMonth>,
    /// Core expansion of segments in the same months.
    pub segment_trends: Vec<SegmentTrend>,
}

/// What is figured for a currency and for each segment of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Starting MRR, lanes, ending MRR.
    pub rollforward: RollForward,
    /// The expansion lane by kind, in the contract's order.
    pub expansion_by_kind: Vec<(Kind, Delta)>,
    /// The contraction lane by kind, in the contract's order.
    pub contraction_by_kind: Vec<(Kind, Delta)>,
    /// Upsell, cross-sell, seats and usage (R16); targets use it.
    pub core_expansion: Delta,
    /// The expansion lane.
    pub total_expansion: Delta,
    /// Total expansion less contraction and churn.
    pub net_expansion: Delta,
    /// What customers who were there at both ends came to.
    pub retained_base_growth: Delta,
    /// Core expansion over the base S'.
    pub expansion_rate: Rate,
    /// Total expansion over the base S'.
    pub total_expansion_rate: Rate,
    /// Net revenue retention.
    pub nrr: Rate,
    /// Gross revenue retention.
    pub grr: Rate,
    /// Head counts.
    pub customers: CustomerCounts,
}

/// Starting MRR + lanes = ending MRR.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RollForward {
    /// At the month's start, S.
    pub starting_mrr: Mrr,
    /// Signed amounts, in the order of [`Lane::ALL`].
    pub lanes: Vec<(Lane, Delta)>,
    /// What came from another segment; zero in a currency's own roll-forward.
    pub transfer_in: Delta,
    /// What left for another segment, negative.
    pub transfer_out: Delta,
    /// At the month's end, E.
    pub ending_mrr: Mrr,
}

impl RollForward {
    /// One lane's amount.
    #[must_use]
    pub fn lane(&self, lane: Lane) -> Delta {
        self.lanes.iter().filter(|(name, _)| *name == lane).map(|(_, amount)| *amount).sum()
    }
}

/// Head counts of a month; what became of a customer is asked over all its currencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CustomerCounts {
    /// With MRR at the start, S' > 0.
    pub starting: u64,
    /// Came, never paid before.
    pub new: u64,
    /// Came back.
    pub reactivated: u64,
    /// Came back from a pause.
    pub resumed: u64,
    /// Stayed and grew.
    pub expanded: u64,
    /// Stayed and shrank.
    pub contracted: u64,
    /// Left.
    pub churned: u64,
    /// Paused.
    pub paused: u64,
    /// Between two subscriptions at the month's end.
    pub transferred: u64,
    /// With MRR at the end.
    pub ending: u64,
}

/// The ratios of a whole currency.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockRates {
    /// Core expansion over new and core expansion, this month.
    pub expansion_share_of_new_arr: Rate,
    /// The same over three months.
    pub expansion_share_of_new_arr_3m: Rate,
    /// The same over twelve months.
    pub expansion_share_of_new_arr_12m: Rate,
    /// Starting customers whose tiers are up, over starting customers.
    pub upsell_rate: Rate,
    /// The same of products.
    pub cross_sell_rate: Rate,
    /// The same of seats.
    pub seat_rate: Rate,
    /// The same of usage.
    pub usage_rate: Rate,
    /// Gains over losses.
    pub quick_ratio: Rate,
    /// Churned over starting customers.
    pub logo_churn: Rate,
    /// Core expansion of twelve months of those there at their start, over their MRR then.
    pub ttm_expansion_rate: Rate,
    /// Ending customers with two or more products, over ending customers.
    pub attach_rate: Rate,
    /// Upsell's share of core expansion.
    pub upsell_share: Rate,
    /// Seats' and usage's share of core expansion.
    pub seat_and_usage_share: Rate,
    /// Cross-sell's share of core expansion.
    pub cross_sell_share: Rate,
}

impl CurrencyBlock {
    /// The ratios of the contract's `rates`, in its order, then those added to it.
    #[must_use]
    pub fn named_rates(&self) -> [(&'static str, &Rate); 15] {
        let rates = &self.rates;
        [
            ("expansion_rate", &self.figures.expansion_rate),
            ("total_expansion_rate", &self.figures.total_expansion_rate),
            ("nrr", &self.figures.nrr),
            ("grr", &self.figures.grr),
            ("expansion_share_of_new_arr", &rates.expansion_share_of_new_arr),
            ("upsell_rate", &rates.upsell_rate),
            ("cross_sell_rate", &rates.cross_sell_rate),
            ("seat_rate", &rates.seat_rate),
            ("usage_rate", &rates.usage_rate),
            ("quick_ratio", &rates.quick_ratio),
            ("logo_churn", &rates.logo_churn),
            ("ttm_expansion_rate", &rates.ttm_expansion_rate),
            ("expansion_share_of_new_arr_3m", &rates.expansion_share_of_new_arr_3m),
            ("expansion_share_of_new_arr_12m", &rates.expansion_share_of_new_arr_12m),
            ("attach_rate", &rates.attach_rate),
        ]
    }

    /// Which grade of evidence ending MRR rests on, with its amount and share of it; the shares sum to one.
    #[must_use]
    pub fn evidence_shares(&self) -> Vec<(&'static str, Mrr, Rate)> {
        let whole: Mrr = self.evidence.values().copied().sum();
        let share =
            |(grade, mrr): (&Grade, &Mrr)| (grade.as_str(), *mrr, Rate::of(mrr.0, whole.0, "no ending MRR"));
        self.evidence.iter().map(share).collect()
    }

    /// The last twelve of the months in `trend`.
    #[must_use]
    pub fn last_year(&self) -> &[TrendMonth] {
        &self.trend[self.trend.len().saturating_sub(12)..]
    }

    /// Where core expansion came from, as shares of it.
    #[must_use]
    pub fn sources(&self) -> [(&'static str, &Rate); 3] {
        [
            ("upsell", &self.rates.upsell_share),
            ("seat_and_usage", &self.rates.seat_and_usage_share),
            ("cross_sell", &self.rates.cross_sell_share),
        ]
    }
}

impl CustomerCounts {
    /// The counts by name, in the contract's order, then those added to it.
    #[must_use]
    pub fn named(&self) -> [(&'static str, u64); 10] {
        [
            ("starting", self.starting),
            ("new", self.new),
            ("reactivated", self.reactivated),
            ("expanded", self.expanded),
            ("contracted", self.contracted),
            ("churned", self.churned),
            ("paused", self.paused),
            ("ending", self.ending),
            ("resumed", self.resumed),
            ("transferred", self.transferred),
        ]
    }
}
