//! The dashboard's first pages: the report of a month, rendered by the server.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use super::Problem;
use crate::report::Reporter;

/// What the pages are made from.
#[derive(Clone)]
struct Pages {
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

async fn home(State(pages): State<Pages>) -> Result<Redirect, Problem> {
    let last = pages.reporter.last_full_month((pages.now)());
    Ok(Redirect::temporary(&format!("/months/{last}")))
}

async fn month(State(pages): State<Pages>, Path(month): Path<String>) -> Result<Response, Problem> {
    let page = pages.reporter.page(&month).await.map_err(|error| unavailable(&error))?;
    let Some(page) = page else {
        let detail = "a month is written YYYY-MM, for example /months/2026-10";
        return Err(Problem::new(StatusCode::NOT_FOUND, "not_a_month", detail));
    };
    // The page is one file with its style inside; nothing else may be loaded into it.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                  frame-ancestors 'none'";
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, page).into_response())
}

fn unavailable(error: &dyn std::error::Error) -> Problem {
    tracing::error!(%error, "a page could not be made");
    let detail = "the figures can't be read now; the log says why";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "figures_unavailable", detail)
}
