//! The report as it is described: what was added to its blocks by and by; `report/json_sections.rs` writes it.
#![expect(dead_code, reason = "it describes what the report room writes")]

use utoipa::ToSchema;

use super::report_schema::Amounts;
use super::words::{CauseWord, ClassWord, KindWord};

/// Expansion of one of the thirteen months up to the report's, by kind.
#[derive(ToSchema)]
pub(super) struct ExpansionMonth {
    month: String,
    by_kind: Amounts,
    total_expansion: String,
    core_expansion: String,
    /// The lane of new customers.
    new: String,
    /// The core expansion that would have met the target for expansion's share of new ARR; null of a share that none
    /// can have.
    #[schema(required)]
    core_expansion_for_target: Option<String>,
}

/// The customers who began in one month, followed from its end.
#[derive(ToSchema)]
pub(super) struct CohortCurve {
    /// The month.
    cohort: String,
    /// How many had MRR at its end.
    customers: u64,
    /// How many of them were brought forward in it, so that they began some time before.
    brought_forward: u64,
    /// Their MRR at its end, which retention is of.
    mrr: String,
    /// The months since.
    months: Vec<RetentionMonth>,
}

/// What is left of a cohort at the end of a later month.
#[derive(ToSchema)]
struct RetentionMonth {
    month: String,
    mrr: String,
    #[schema(required)]
    nrr: Option<String>,
    #[schema(nullable = false)]
    nrr_reason: Option<String>,
    /// No customer counted above what it had at first.
    #[schema(required)]
    grr: Option<String>,
    #[schema(nullable = false)]
    grr_reason: Option<String>,
}

/// What the largest so many expanders come to.
#[derive(ToSchema)]
struct ConcentrationPoint {
    customers: u64,
    expansion: String,
    #[schema(required)]
    share: Option<String>,
    #[schema(nullable = false)]
    share_reason: Option<String>,
}

/// A subscription that is paused at the month's end.
#[derive(ToSchema)]
pub(super) struct Paused {
    customer: String,
    subscription: String,
    #[schema(format = DateTime)]
    since: String,
    /// What the pause took.
    mrr: String,
}

/// What the change of a currency's rate did: a part of the lane `fx`.
#[derive(ToSchema)]
pub(super) struct FxEffect {
    currency: String,
    /// Starting MRR in it.
    starting_mrr: String,
    /// The rate of the month before.
    rate_before: String,
    /// The month's own.
    rate: String,
    /// In the reporting currency.
    effect: String,
}

/// Segments of a dimension through the months of `expansion_by_month`.
#[derive(ToSchema)]
pub(super) struct SegmentTrend {
    dimension: String,
    rows: Vec<SegmentMonths>,
}

/// One of them.
#[derive(ToSchema)]
struct SegmentMonths {
    segment: String,
    /// An amount for each month.
    core_expansion: Vec<String>,
}

/// What stands between the facts and the figures.
#[derive(ToSchema)]
pub(super) struct ExceptionTold {
    /// `incomplete`, `parked`, `not_derived`, `broken_chain`, `items_truncated`, `unknown_status`,
    /// `unconfirmed_coupon`, `unproved_history` or `missing_rate`.
    exception: String,
    count: u64,
    remedy: String,
}

/// A movement that is dated after the run.
#[derive(ToSchema)]
pub(super) struct ScheduledMovement {
    customer: String,
    #[schema(format = DateTime)]
    effective_at: String,
    #[schema(inline)]
    class: ClassWord,
    #[schema(inline)]
    kind: KindWord,
    delta: String,
    #[schema(inline)]
    cause: CauseWord,
    /// Of a schedule that has not begun its subscription, the schedule's id.
    subscription: String,
}

/// An item without a value.
#[derive(ToSchema)]
pub(super) struct IncompleteLine {
    customer: String,
    subscription: String,
    item: String,
    /// What is missing, with its id.
    missing: String,
    #[schema(format = DateTime)]
    since: String,
    /// How what is missing is supplied.
    remedy: String,
}

/// How much of expansion comes from how few.
#[derive(ToSchema)]
pub(super) struct Concentration {
    expanders: u64,
    #[schema(required)]
    top_ten_share: Option<String>,
    #[schema(nullable = false)]
    top_ten_share_reason: Option<String>,
    #[schema(required)]
    median: Option<String>,
    #[schema(nullable = false)]
    median_reason: Option<String>,
    /// What the largest 1, 2, 5, 10, 20, 50 … expanders come to, all of them last.
    curve: Vec<ConcentrationPoint>,
}

/// What a comparison with Stripe's own figures found of a month in one currency (`upswell reconcile`).
#[derive(ToSchema)]
pub(super) struct ComparedTold {
    currency: String,
    /// What it was compared with: `mrr_per_subscriber` or `subscription_item_change_events`.
    form: String,
    #[schema(format = DateTime)]
    compared_at: String,
    /// When the files had been made.
    #[schema(format = DateTime)]
    exported_at: String,
    /// Our levels at the month's end.
    ours: String,
    /// Stripe's.
    stripes: String,
    /// Stripe's less ours.
    gap: String,
    /// Customers who agree to the last unit.
    agreed: u64,
    /// Those who differ by less than the files print.
    rounded: u64,
    /// Those whose gap has known causes.
    explained: u64,
    /// Those in whose gap something stays unknown.
    unknown: u64,
    /// Rows of the files that could not be read.
    unreadable_rows: u64,
}
