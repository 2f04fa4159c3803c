//! What describes the API: OpenAPI 3.1, from the code that answers.

use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::response::Response;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{answer, described, refusal};
use crate::http::{health, metrics, pages, webhook};

/// The doors beside the API, and what holds for all.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "upswell",
        description = "How much existing customers grew, from Stripe's signed webhooks, with the evidence for every figure. \
            Money is text in minor units with up to six decimals, its currency beside it; ratios are text with up to six \
            decimals, or null with the reason beside them; months are written 2026-10, instants as RFC 3339 in UTC. \
            Errors are problem details (RFC 9457) with a `code` that stays as it is. Lists come in parts: `next` is what \
            `after` is for the part that follows.",
    ),
    tags(
        (name = "figures", description = "What the ledger says. A token is asked for, or, where none is set, only this machine is answered."),
        (name = "doors", description = "What Stripe, Prometheus, load balancers and browsers come to."),
    ),
    paths(webhook::receive, health::alive, health::ready, metrics::show, pages::home, pages::month::show, pages::month::file, show),
    components(schemas(refusal::ProblemDetails)),
    modifiers(&Bearer),
    security(("token" = []))
)]
struct Document;

/// The token.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("One of UPSWELL_API_TOKEN; while none is set, this machine needs none. A browser that signed in with one may read without."))
            .build();
        openapi.components.get_or_insert_default().add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// It never changes while the process runs.
static TEXT: LazyLock<Result<String, serde_json::Error>> = LazyLock::new(|| {
    let mut document = Document::openapi();
    document.merge(described().into_openapi());
    document.to_pretty_json().map(|text| text + "\n")
});

/// The description of the API as JSON.
///
/// # Errors
///
/// One that can't be written, which does not happen.
pub fn openapi() -> Result<&'static str, &'static serde_json::Error> {
    TEXT.as_ref().map(String::as_str)
}

/// This document.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    operation_id = "openapi",
    tag = "figures",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object), refusal::OfLists)
)]
pub(super) async fn show(headers: HeaderMap) -> Result<Response, crate::http::Problem> {
    let text = openapi().map_err(|error| refusal::unavailable(error))?;
    Ok(answer::json(&headers, text.to_owned()))
}
