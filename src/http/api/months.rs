//! `months`: which months a book has, and which of them are closed.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use utoipa::{IntoParams, ToSchema};

use super::asked::Asked;
use super::lists::{Part, not_a_cursor, page};
use super::{Figures, answer, refusal};
use crate::http::{Limits, Problem};
use crate::mrr::Month;
use crate::report::months_ndjson;

/// Which part of the list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct Filters {
    /// The book, where there are several.
    #[param(example = "live")]
    book: Option<String>,
    /// How many at most; where UPSWELL_MAX_PAGE_ROWS is less than 1,000, up to that.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: usize,
    /// The `next` of the part before.
    #[param(value_type = Option<String>)]
    after: Option<Month>,
}

/// How a month stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "it describes what the report room writes")]
enum MonthState {
    /// Its figures may still change.
    Open,
    /// What was reported does not change any more.
    Closed,
    /// Closed, and more was learnt since: as restated it differs from what was reported.
    Restated,
}

/// A month of a book.
#[derive(ToSchema)]
#[schema(as = Month)]
#[expect(dead_code, reason = "it describes what the report room writes")]
struct MonthTold {
    /// The month.
    #[schema(example = "2026-10")]
    month: String,
    status: MonthState,
    /// When it was closed; null while it is open.
    #[schema(required, format = DateTime)]
    closed_at: Option<String>,
    /// The digest of its books; null while it is open.
    #[schema(required)]
    digest: Option<String>,
    /// How many postings are in its books; null while it is open.
    #[schema(required)]
    postings: Option<i64>,
    /// How many postings were added since it was closed, for it or for a month before it.
    adjustments: i64,
}

/// Some of the months.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what a page is written as")]
pub(super) struct Months {
    /// The months, in their order.
    data: Vec<MonthTold>,
    /// What `after` is for those that follow; null where none do.
    #[schema(required)]
    next: Option<String>,
}

/// The months of a book, from that of its first movement to this one, each open, closed or restated.
#[utoipa::path(
    get,
    path = "/api/v1/months",
    operation_id = "months",
    tag = "figures",
    params(Filters),
    responses((status = 200, description = "Some of the months.", body = Months), refusal::OfLists)
)]
pub(super) async fn list(
    State(figures): State<Figures>,
    Extension(limits): Extension<Limits>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut asked = Asked::of::<Filters>(&uri)?;
    let Part { limit, after } = Part::read(&mut asked, limits.page_rows)?;
    let after = after.map(|text| Month::parse(&text).ok_or_else(not_a_cursor)).transpose()?;
    let filters = Filters { book: asked.text("book"), limit, after };
    let settings = figures.reporter.settings(filters.book.as_deref()).await;
    let settings = settings.map_err(|error| refusal::of_asking(&error))?;
    let rows = figures.reporter.months(&settings, (figures.now)()).await;
    let mut rows = rows.map_err(|error| refusal::of_asking(&error))?;
    rows.retain(|row| filters.after.is_none_or(|after| row.month > after));
    let are_more = rows.len() > filters.limit;
    rows.truncate(filters.limit);
    let next = rows.last().filter(|_| are_more).map(|row| row.month.to_string());
    Ok(answer::json(&headers, page(months_ndjson(&rows), next)?))
}
