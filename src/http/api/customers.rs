//! `customers` and `customers/{id}`: who pays how much at the end of a month, as `upswell customers` gives it.

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::asked::{Asked, named};
use super::lists::{Part, not_a_cursor, page};
use super::{Figures, answer, refusal};
use crate::explain::{CustomerExplained, Explained, LevelTold, MonthTold};
use crate::http::{Limits, Problem};
use crate::mrr::Month;
use crate::report::{Basis, Settings, customers_ndjson};

/// The filters, as the command's flags, and which part of the list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct Filters {
    /// The book, where there are several.
    #[param(example = "live")]
    book: Option<String>,
    /// The month at whose end; else the last full one.
    #[param(value_type = Option<String>, example = "2026-10", pattern = r"^\d{4}-\d{2}$")]
    month: Option<Month>,
    /// Customers at zero as well.
    #[param(value_type = Option<bool>, example = false)]
    all: bool,
    /// Of a closed month what is known now, instead of what was reported.
    #[param(value_type = Option<bool>, example = false)]
    restated: bool,
    /// How many at most; where UPSWELL_MAX_PAGE_ROWS is less than 1,000, up to that.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: usize,
    /// The `next` of the part before.
    after: Option<String>,
}

/// The choices for one customer.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct Choices {
    /// The book, where there are several.
    #[param(example = "live")]
    book: Option<String>,
    /// The month at whose end; else the last full one.
    #[param(value_type = Option<String>, example = "2026-10", pattern = r"^\d{4}-\d{2}$")]
    month: Option<Month>,
    /// Of a closed month what is known now, instead of what was reported.
    #[param(value_type = Option<bool>, example = false)]
    restated: bool,
}

/// A customer in one currency at the end of a month.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what the report room writes")]
struct Customer {
    /// The customer.
    #[schema(example = "cus_1")]
    customer: String,
    /// The currency.
    #[schema(example = "usd")]
    currency: String,
    /// MRR, in minor units.
    #[schema(example = "24000")]
    mrr: String,
    /// The month of its first movement.
    #[schema(required, example = "2025-03")]
    since: Option<String>,
    /// What it holds.
    products: Vec<String>,
    /// How its subscriptions stand: `active`, `past_due`, `paused`, `canceled`, or another status of Stripe's.
    #[schema(example = "active")]
    status: String,
}

/// Some of the customers.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what a page is written as")]
pub(super) struct Customers {
    /// The customers, by id and currency.
    data: Vec<Customer>,
    /// What `after` is for those that follow; null where none do.
    #[schema(required)]
    next: Option<String>,
}

/// A customer's life.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomerLife)]
pub(super) struct Life<'a> {
    /// Its book.
    book: &'a str,
    /// The customer.
    customer: &'a str,
    /// The month at whose end it stands so.
    month: String,
    /// How it stands at the end of the month, a row for each currency, as the list has it.
    #[schema(value_type = Vec<Customer>)]
    standing: Vec<&'a RawValue>,
    /// Each item's level through time.
    levels: &'a [LevelTold],
    /// Its months, each with what happened in it.
    months: &'a [MonthTold],
}

/// MRR of each customer at the end of a month: what `upswell customers --format ndjson` gives a line for.
#[utoipa::path(
    get,
    path = "/api/v1/customers",
    operation_id = "customers",
    tag = "figures",
    params(Filters),
    responses((status = 200, description = "Some of the customers.", body = Customers), refusal::OfLists)
)]
pub(super) async fn list(
    State(figures): State<Figures>,
    Extension(limits): Extension<Limits>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut asked = Asked::of::<Filters>(&uri)?;
    let Part { limit, after } = Part::read(&mut asked, limits.page_rows)?;
    let filters = Filters {
        book: asked.text("book"),
        month: asked.month("month")?,
        all: asked.flag("all")?,
        restated: asked.flag("restated")?,
        limit,
        after,
    };
    let after = filters.after.as_deref().map(|after| after.rsplit_once('.').ok_or_else(not_a_cursor));
    let after = after.transpose()?;
    let settings = settings(&figures, filters.book.as_deref(), filters.restated).await?;
    let month = filters.month.unwrap_or_else(|| figures.reporter.last_full_month((figures.now)()));
    // One more than wanted tells whether there are more.
    let part =
        figures.reporter.customers_behind(&settings, month, filters.all, after, filters.limit + 1).await;
    let mut part = part.map_err(|error| refusal::of_asking(&error))?;
    let are_more = part.len() > filters.limit;
    part.truncate(filters.limit);
    let next = part.last().filter(|_| are_more).map(|row| format!("{}.{}", row.customer, row.currency));
    Ok(answer::json(&headers, page(customers_ndjson(&part), next)?))
}

/// A customer's life: how it stands, each item's level through time, and its months.
#[utoipa::path(
    get,
    path = "/api/v1/customers/{id}",
    operation_id = "customer",
    tag = "figures",
    params(("id" = String, Path, description = "The customer.", example = "cus_1"), Choices),
    responses((status = 200, description = "The customer.", body = Life), refusal::OfOne)
)]
pub(super) async fn show(
    State(figures): State<Figures>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = named(path)?;
    let mut asked = Asked::of::<Choices>(&uri)?;
    let choices =
        Choices { book: asked.text("book"), month: asked.month("month")?, restated: asked.flag("restated")? };
    let settings = settings(&figures, choices.book.as_deref(), choices.restated).await?;
    let month = choices.month.unwrap_or_else(|| figures.reporter.last_full_month((figures.now)()));
    let told = told(&figures, &settings.book, &id).await?;
    let rows = figures.reporter.customer_standing(&settings, month, &id.as_str().into()).await;
    let rows = rows.map_err(|error| refusal::of_asking(&error))?;
    let lines = customers_ndjson(&rows).map_err(|error| refusal::unavailable(&error))?;
    let standing = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>();
    let life = standing.map(|standing| Life {
        book: &told.book,
        customer: &told.customer,
        month: month.to_string(),
        standing,
        levels: &told.levels,
        months: &told.months,
    });
    let body = life.and_then(|life| serde_json::to_string(&life));
    Ok(answer::json(&headers, body.map_err(|error| refusal::unavailable(&error))? + "\n"))
}

async fn settings(figures: &Figures, book: Option<&str>, restated: bool) -> Result<Settings, Problem> {
    let settings = figures.reporter.settings(book).await.map_err(|error| refusal::of_asking(&error))?;
    let basis = if restated { Basis::Restated } else { Basis::Reported };
    Ok(Settings { basis, ..settings })
}

/// A customer explained; an id of something else is none.
async fn told(figures: &Figures, book: &str, id: &str) -> Result<CustomerExplained, Problem> {
    let explained = figures.explainer.explain(book, id, None).await;
    match explained.map_err(|error| refusal::of_explaining(&error))? {
        Explained::Customer(told) if told.subscription.is_none() => Ok(*told),
        _ => Err(refusal::UNKNOWN_ID.problem("this id is no customer's; /api/v1/explain takes any id")),
    }
}
