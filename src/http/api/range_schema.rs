//! The reports of several months as they are described; `report/json.rs` and `report/run_data.rs` write them.
#![expect(dead_code, reason = "it describes what the report room writes")]

use utoipa::ToSchema;

use super::report_schema::{Activity, Amounts, CustomerCounts, Ratios, ReportAnswer, Rollforward, Standing};

/// The reports of several months, and what they come to.
#[derive(ToSchema)]
#[schema(as = Reports)]
pub(super) struct RangeAnswer {
    /// The first month.
    #[schema(example = "2026-01")]
    from: String,
    /// The last.
    #[schema(example = "2026-06")]
    to: String,
    /// One report a month.
    months: Vec<ReportAnswer>,
    total: Total,
}

/// Several months as one period.
#[derive(ToSchema)]
struct Total {
    /// How many months there are.
    months: u64,
    /// One block a currency.
    currencies: Vec<TotalBlock>,
    /// The currencies whose months are no period, with the reason.
    lacking: Vec<Lacking>,
    /// All currencies in the reporting one; null where a month has no such block.
    #[schema(required)]
    consolidated: Option<TotalBlock>,
    /// Why there is no consolidated block.
    #[schema(nullable = false)]
    consolidated_reason: Option<String>,
}

/// A currency without a total.
#[derive(ToSchema)]
struct Lacking {
    currency: String,
    /// Which month does not begin with what the one before it ended with.
    reason: String,
}

/// What the months come to in one currency, amounts in minor units: levels are those of the first month's start and of
/// the last one's end, flows are sums of the months' flows.
#[derive(ToSchema)]
struct TotalBlock {
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
    /// Expansion less contraction and churn.
    net_expansion: String,
    /// What customers who were there at both ends of a month came to, summed over the months.
    retained_base_growth: String,
    /// The ratios that the rules have of more than a month; `nrr` and `grr` are null, being of single months.
    rates: Ratios,
    /// Who was there at both ends, and how often something happened: who expanded in three months counts three times.
    customers: CustomerCounts,
    /// Core expansion by who moved: `deliberate`, `organic`, `unknown`.
    motion: Amounts,
    activity: Activity,
    starting_arr: String,
    ending_arr: String,
    /// Expansion of customers who had nothing in this currency at a month's start and paid in another.
    expansion_from_outside: String,
    /// Where core expansion came from, as shares of it.
    sources: Ratios,
    /// The months in sentences.
    summary: Vec<String>,
    /// How they stand against what is aimed at.
    targets: Vec<Standing>,
    /// The lane of expansion, by cause.
    expansion_by_cause: Amounts,
    /// The lane of contraction, by cause.
    contraction_by_cause: Amounts,
}
