//! `/api/v1`: the figures as JSON, each the same object as the command line's, made by the same code; and what
//! describes it, made from the code as well.

#![expect(
    unused_qualifications,
    reason = "the macro that describes a route writes the types of its parameters so"
)]

mod answer;
pub(super) mod asked;
mod customers;
mod document;
mod explain;
mod lists;
mod months;
mod movements;
mod range_schema;
pub(super) mod refusal;
mod report;
mod report_schema;
mod report_sections_schema;
mod words;

use axum::Router;
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::explain::Explainer;
use crate::report::Reporter;

pub use document::openapi;

/// What the answers are made from.
#[derive(Clone)]
pub(super) struct Figures {
    reporter: Reporter,
    explainer: Explainer,
    now: fn() -> i64,
}

/// The API, and its description at `/api/openapi.json`.
pub fn api(reporter: Reporter, explainer: Explainer, now: fn() -> i64) -> Router {
    let router: Router<Figures> = described().into();
    router.route("/api/openapi.json", get(document::show)).with_state(Figures { reporter, explainer, now })
}

/// Each route with what describes it: there is none without.
fn described() -> OpenApiRouter<Figures> {
    OpenApiRouter::default()
        .routes(routes!(report::show))
        .routes(routes!(report::range))
        .routes(routes!(months::list))
        .routes(routes!(movements::list))
        .routes(routes!(customers::list))
        .routes(routes!(customers::show))
        .routes(routes!(explain::show))
}
