//! `explain/{id}`: where a figure comes from, as `upswell explain` gives it.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use utoipa::IntoParams;

use super::asked::{Asked, named};
use super::{Figures, answer, refusal};
use crate::explain::Explained;
use crate::http::Problem;
use crate::mrr::Month;

/// The choices, as the command's flags.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct Choices {
    /// The book, where there are several.
    #[param(example = "live")]
    book: Option<String>,
    /// Of a customer or a subscription, only what took effect in this month.
    #[param(value_type = Option<String>, example = "2026-10", pattern = r"^\d{4}-\d{2}$")]
    month: Option<Month>,
}

/// Where a figure comes from, down to the digest of the stored bytes: what `upswell explain --format json` gives.
#[utoipa::path(
    get,
    path = "/api/v1/explain/{id}",
    operation_id = "explain",
    tag = "figures",
    params(
        ("id" = String, Path, description = "A customer, a subscription, an event, a movement, or a price, product or coupon.", example = "cus_1"),
        Choices
    ),
    responses((status = 200, description = "The explanation.", body = Explained), refusal::OfOne)
)]
pub(super) async fn show(
    State(figures): State<Figures>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = named(path)?;
    let mut asked = Asked::of::<Choices>(&uri)?;
    let choices = Choices { book: asked.text("book"), month: asked.month("month")? };
    let settings = figures.reporter.settings(choices.book.as_deref()).await;
    let settings = settings.map_err(|error| refusal::of_asking(&error))?;
    let explained = figures.explainer.explain(&settings.book, &id, choices.month).await;
    let explained = explained.map_err(|error| refusal::of_explaining(&error))?;
    let body = serde_json::to_string(&explained).map_err(|error| refusal::unavailable(&error))?;
    Ok(answer::json(&headers, body + "\n"))
}
