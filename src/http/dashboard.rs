//! The dashboard's first pages: the report of a month, rendered by the server.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::Problem;
use crate::report::Reporter;

/// The page is one file with its style inside; nothing else may be loaded into it, and no other style than the
/// template's is one, whatever the figures' names bring along.
static PAGE_POLICY: LazyLock<String> = LazyLock::new(|| {
    let template = include_str!("../../templates/report.html");
    let styles = template.split("<style>").skip(1).filter_map(|rest| rest.split("</style>").next());
    let digests: String =
        styles.map(|style| format!(" 'sha256-{}'", STANDARD.encode(Sha256::digest(style)))).collect();
    format!(
        "default-src 'none'; style-src{digests}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
});

/// What the pages are made from.
#[derive(Clone)]
pub(super) struct Pages {
    reporter: Reporter,
    now: fn() -> i64,
}

/// The pages: `/` leads to the last full month's report.
pub fn dashboard(reporter: Reporter, now: fn() -> i64) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/months/{month}", get(month))
        .with_state(Pages { reporter, now })
}

/// The way to the last full month's page.
#[utoipa::path(get, path = "/", operation_id = "home", tag = "doors",
    responses((status = 307, description = "To the page of the last full month.")))]
pub(super) async fn home(State(pages): State<Pages>) -> Result<Redirect, Problem> {
    let last = pages.reporter.last_full_month((pages.now)());
    Ok(Redirect::temporary(&format!("/months/{last}")))
}

/// The page of a month's report.
#[utoipa::path(
    get,
    path = "/months/{month}",
    operation_id = "month_page",
    tag = "doors",
    params(("month" = String, Path, description = "The month.", example = "2026-10")),
    responses(
        (status = 200, description = "The page.", body = String, content_type = "text/html"),
        (status = 404, description = "`not_a_month`: the path names no month.", body = ref("#/components/schemas/Problem"), content_type = "application/problem+json"),
        (status = 503, description = "`figures_unavailable`: the store can't be read.", body = ref("#/components/schemas/Problem"), content_type = "application/problem+json"),
    )
)]
pub(super) async fn month(
    State(pages): State<Pages>,
    Path(month): Path<String>,
) -> Result<Response, Problem> {
    let page = pages.reporter.page(&month).await.map_err(|error| unavailable(&error))?;
    let Some(page) = page else {
        let detail = "a month is written YYYY-MM, for example /months/2026-10";
        return Err(Problem::new(StatusCode::NOT_FOUND, "not_a_month", detail));
    };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY.as_str()),
    ];
    Ok((headers, page).into_response())
}

fn unavailable(error: &dyn std::error::Error) -> Problem {
    tracing::error!(%error, "a page could not be made");
    let detail = "the figures can't be read now; the log says why";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "figures_unavailable", detail)
}
