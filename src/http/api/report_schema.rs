//! The report as it is described; `report/json.rs` writes it. The tests hold that each says what the other does.
//!
//! A ratio without a value is null and has its reason beside it, under its name with `_reason`.
#![expect(dead_code, reason = "it describes what the report room writes")]

use std::collections::BTreeMap;

use utoipa::ToSchema;

use super::report_sections_schema::{
    CohortCurve, ComparedTold, Concentration, ExceptionTold, ExpansionMonth, FxEffect, IncompleteLine,
    Paused, ScheduledMovement, SegmentTrend,
};
use super::words::{ClassWord, KindWord};

/// Amounts in minor units by their names.
#[derive(ToSchema)]
pub(super) struct Amounts(BTreeMap<String, String>);

/// Ratios by their names, and the reasons of those that are null.
#[derive(ToSchema)]
pub(super) struct Ratios(BTreeMap<String, Option<String>>);

/// Amounts by two names.
#[derive(ToSchema)]
struct AmountsWithin(BTreeMap<String, BTreeMap<String, String>>);

/// The expansion report of a month and a book.
#[derive(ToSchema)]
#[schema(as = Report)]
pub(super) struct ReportAnswer {
    /// The month.
    #[schema(example = "2026-10")]
    month: String,
    /// Whose calendar its months are.
    timezone: String,
    /// The book.
    book: String,
    /// `open`, `closed`, or `restated` where it is closed and shown otherwise than it was reported.
    status: String,
    /// `reported` or `restated`.
    r#as: String,
    /// The newest fact behind it.
    #[schema(required, format = DateTime)]
    data_through: Option<String>,
    policy: PolicyTold,
    /// One block a currency; amounts are never converted.
    currencies: Vec<CurrencyBlock>,
    /// All currencies in the reporting one, with a lane `fx`; null where that can't be.
    #[schema(required)]
    consolidated: Option<CurrencyBlock>,
    /// Why there is no consolidated block.
    #[schema(nullable = false)]
    consolidated_reason: Option<String>,
    /// Items without a value that no currency is known of.
    incomplete: Vec<IncompleteLine>,
    /// How it was closed; null while it is open.
    #[schema(required)]
    closing: Option<Closing>,
    targets: Targets,
    /// The rates that the consolidated block takes, those of the month before first.
    exchange_rates: Vec<ExchangeRate>,
    /// How many movements stand in the month; `movements` lists them.
    movements: u64,
    /// What stands between the facts and the figures; of a closed month, what was known when it was closed.
    exceptions: Vec<ExceptionTold>,
    /// How many of the movements rest on which grade of evidence.
    movements_by_evidence: BTreeMap<String, u64>,
    /// What the newest comparisons with Stripe's own figures found of the month; empty where there was none.
    reconciliation: Vec<ComparedTold>,
    /// The view that was asked for.
    #[schema(nullable = false)]
    view: Option<ViewTold>,
}

/// What a reader looks at first, of the same figures.
#[derive(ToSchema)]
#[schema(as = View)]
struct ViewTold {
    /// `sales`, `marketing`, `finance`, `executive` or `owner`.
    name: String,
    /// The figures in large type, in order.
    tiles: Vec<String>,
    /// The sections, in order.
    sections: Vec<String>,
}

/// The choices that the figures are made by.
#[derive(ToSchema)]
#[schema(as = Policy)]
struct PolicyTold {
    /// `ended` or `requested`.
    churn: String,
    /// `counts`, or after how many days it lapses.
    #[schema(value_type = PastDue)]
    past_due: String,
    /// `zero` or `counts`.
    paused: String,
    /// `zero` or `counts`.
    trialing: String,
    /// `recurring`, `all` or `none`.
    discounts: String,
    /// How many closed service periods usage is the mean of.
    usage_window: u32,
    /// How long a customer may be between two subscriptions without having left.
    transfer_window_seconds: i64,
    /// Free text on pricing.
    pricing_note: String,
}

/// `counts`, or a number of days.
#[derive(ToSchema)]
#[serde(untagged)]
enum PastDue {
    Word(String),
    Days(u32),
}

/// What a business aims at, as ratios.
#[derive(ToSchema)]
struct Targets {
    expansion_share_of_new_arr: String,
    owner_book_growth: String,
    #[schema(required)]
    expansion_rate: Option<String>,
    #[schema(required)]
    nrr: Option<String>,
    #[schema(required)]
    grr: Option<String>,
    /// The most there may be.
    #[schema(required)]
    logo_churn: Option<String>,
    /// Those of single owners.
    owners: BTreeMap<String, String>,
}

/// How a month stands against a target.
#[derive(ToSchema)]
pub(super) struct Standing {
    /// The figure's name.
    figure: String,
    #[schema(required)]
    value: Option<String>,
    /// Why it is null.
    #[schema(nullable = false)]
    value_reason: Option<String>,
    target: String,
    /// Which side of the target is aimed at.
    aim: AimWord,
    /// Null if the value is.
    #[schema(required)]
    met: Option<bool>,
}

/// Whether a target is the least or the most there should be.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum AimWord {
    AtLeast,
    AtMost,
}

/// A customer who is late with paying.
#[derive(ToSchema)]
struct LatePayer {
    customer: String,
    /// MRR of subscriptions that are past due.
    mrr: String,
}

/// What customers that were new in the month did before its end, which is part of what is new.
#[derive(ToSchema)]
struct FirstMonth {
    expansion: String,
    contraction: String,
}

/// How a month was closed.
#[derive(ToSchema)]
struct Closing {
    /// When.
    #[schema(format = DateTime)]
    closed_at: String,
    /// The digest of its books.
    digest: String,
    /// How many postings are in them.
    postings: i64,
}

/// A rate of a month, and the quotes that it is made of.
#[derive(ToSchema)]
struct ExchangeRate {
    month: String,
    from: String,
    to: String,
    rate: String,
    quotes: Vec<Quote>,
}

/// A rate as its source wrote it.
#[derive(ToSchema)]
struct Quote {
    #[schema(format = Date)]
    date: String,
    from: String,
    to: String,
    rate: String,
}

/// Every figure of one currency, amounts in minor units.
#[derive(ToSchema)]
struct CurrencyBlock {
    /// The currency.
    #[schema(example = "usd")]
    currency: String,
    rollforward: Rollforward,
    /// The lane of expansion, by kind.
    expansion_by_kind: Amounts,
    /// The lane of contraction, by kind.
    contraction_by_kind: Amounts,
    /// Upsell, cross-sell, seats and usage.
    core_expansion: String,
    /// Expansion of every kind.
    total_expansion: String,
    /// Expansion less contraction.
    net_expansion: String,
    /// Net expansion less churn.
    retained_base_growth: String,
    /// The ratios by name: `nrr`, `grr`, `expansion_rate` and so on.
    rates: Ratios,
    customers: CustomerCounts,
    /// Ending MRR for each ending customer.
    #[schema(required)]
    arpa: Option<String>,
    /// Why it is null.
    #[schema(nullable = false)]
    arpa_reason: Option<String>,
    /// Core expansion by who moved: `deliberate`, `organic`, `unknown`.
    motion: Amounts,
    activity: Activity,
    segments: Vec<Segments>,
    cohorts: Vec<Cohort>,
    top_expanders: Vec<Expander>,
    /// What was posted in the month and belongs to months closed before.
    prior_period_adjustments: Vec<Adjustment>,
    /// What is dated after the run.
    scheduled: Vec<ScheduledMovement>,
    /// MRR of subscriptions that are past due.
    at_risk: String,
    /// Items held at their last known level for want of something.
    incomplete: Vec<IncompleteLine>,
    starting_arr: String,
    ending_arr: String,
    /// Expansion of customers who had nothing in this currency at the month's start and paid in another.
    expansion_from_outside: String,
    /// Where core expansion came from, as shares of it.
    sources: Ratios,
    concentration: Concentration,
    owners: Vec<Owner>,
    /// The last twelve months, as far as there is history.
    trend: Vec<TrendMonth>,
    /// From what was reported to what is restated; null of a report that is not restated.
    #[schema(required)]
    bridge: Option<Bridge>,
    /// Ending MRR by how good its evidence is.
    evidence: Amounts,
    /// The same as shares.
    evidence_shares: Ratios,
    /// Whose MRR is at risk; they sum up to `at_risk`.
    late_payers: Vec<LatePayer>,
    first_month: FirstMonth,
    /// The month in sentences.
    summary: Vec<String>,
    /// How it stands against what is aimed at.
    targets: Vec<Standing>,
    /// The lane of expansion, by cause.
    expansion_by_cause: Amounts,
    /// The lane of contraction, by cause.
    contraction_by_cause: Amounts,
    /// Thirteen months of expansion, as far as there is history, this one last.
    expansion_by_month: Vec<ExpansionMonth>,
    /// The cohorts of these months, and what is left of each.
    retention: Vec<CohortCurve>,
    /// MRR that pauses hold back at the month's end, in no lane but their own.
    paused_mrr: String,
    /// Whose that is.
    pauses: Vec<Paused>,
    /// The parts of the lane `fx`; of a consolidated block only.
    fx_effects: Vec<FxEffect>,
    /// Core expansion of products, owners and configured segments, month by month.
    segment_trends: Vec<SegmentTrend>,
}

/// Starting MRR, the lanes, ending MRR: starting and lanes sum up to ending.
#[derive(ToSchema)]
pub(super) struct Rollforward {
    starting_mrr: String,
    /// What was posted in the month and belongs to months closed before.
    #[schema(nullable = false)]
    prior_period: Option<String>,
    opening: String,
    new: String,
    reactivation: String,
    resume: String,
    expansion: String,
    contraction: String,
    churn: String,
    pause: String,
    transfer: String,
    /// What starting MRR became by the change of rates; of a consolidated block only.
    #[schema(nullable = false)]
    fx: Option<String>,
    ending_mrr: String,
}

/// How many customers there were, and of how many what happened.
#[derive(ToSchema)]
pub(super) struct CustomerCounts {
    starting: u64,
    new: u64,
    reactivated: u64,
    expanded: u64,
    contracted: u64,
    churned: u64,
    paused: u64,
    ending: u64,
    resumed: u64,
    transferred: u64,
}

/// The sums of all movements, before a customer's are netted.
#[derive(ToSchema)]
pub(super) struct Activity {
    expansion: String,
    contraction: String,
    by_kind: Amounts,
    by_class: Amounts,
    /// Expansion, contraction and switches, each by kind.
    by_class_and_kind: AmountsWithin,
}

/// The figures cut by one dimension.
#[derive(ToSchema)]
struct Segments {
    /// `product`, `country`, `metadata.KEY` and so on.
    dimension: String,
    rows: Vec<Segment>,
}

/// One segment.
#[derive(ToSchema)]
struct Segment {
    segment: String,
    #[schema(inline)]
    #[serde(flatten)]
    rollforward: Rollforward,
    /// What moved here from other segments.
    transfer_in: String,
    /// What moved from here to other segments.
    transfer_out: String,
    expansion_by_kind: Amounts,
    contraction_by_kind: Amounts,
    core_expansion: String,
    total_expansion: String,
    net_expansion: String,
    #[schema(required)]
    expansion_rate: Option<String>,
    #[schema(nullable = false)]
    expansion_rate_reason: Option<String>,
    #[schema(required)]
    nrr: Option<String>,
    #[schema(nullable = false)]
    nrr_reason: Option<String>,
    #[schema(required)]
    grr: Option<String>,
    #[schema(nullable = false)]
    grr_reason: Option<String>,
    customers: CustomerCounts,
}

/// The customers of one month of arrival.
#[derive(ToSchema)]
struct Cohort {
    /// The month.
    cohort: String,
    /// How many were there at the start.
    customers: u64,
    starting_mrr: String,
    ending_mrr: String,
    #[schema(required)]
    nrr: Option<String>,
    #[schema(nullable = false)]
    nrr_reason: Option<String>,
    #[schema(required)]
    grr: Option<String>,
    #[schema(nullable = false)]
    grr_reason: Option<String>,
    /// How many are there at the end.
    ending_customers: u64,
}

/// A customer who expanded.
#[derive(ToSchema)]
struct Expander {
    customer: String,
    expansion: String,
    by_kind: Amounts,
}

/// What was posted in a month and belongs to one closed before.
#[derive(ToSchema)]
struct Adjustment {
    customer: String,
    /// The month it belongs to.
    month: String,
    /// The month whose books it is in.
    posted_in: String,
    #[schema(inline)]
    class: ClassWord,
    #[schema(inline)]
    kind: KindWord,
    delta: String,
    event: String,
    id: String,
    /// The movement that it takes back.
    #[schema(required)]
    adjusts: Option<String>,
}

/// Whose book grew how much.
#[derive(ToSchema)]
struct Owner {
    owner: String,
    core_expansion: String,
    growth: String,
    #[schema(required)]
    owner_book_growth: Option<String>,
    #[schema(nullable = false)]
    owner_book_growth_reason: Option<String>,
}

/// One of the months before.
#[derive(ToSchema)]
struct TrendMonth {
    month: String,
    new: String,
    core_expansion: String,
    #[schema(required)]
    expansion_share_of_new_arr: Option<String>,
    #[schema(nullable = false)]
    expansion_share_of_new_arr_reason: Option<String>,
}

/// From what was reported to what is restated.
#[derive(ToSchema)]
struct Bridge {
    lanes: Vec<BridgeLane>,
}

/// One lane of it.
#[derive(ToSchema)]
struct BridgeLane {
    lane: String,
    reported: String,
    adjustment: String,
    restated: String,
}
