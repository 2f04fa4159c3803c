//! The doors that speak HTTP, one file a door: the webhook, health, and what only the owner may see.

mod access;
mod dashboard;
mod health;
mod problem;
mod server;
mod webhook;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use crate::pipeline::Door;

pub use access::Access;
pub use dashboard::dashboard;
pub use problem::Problem;
pub use server::{serve, shutdown_signal};

/// What the doors lead to.
#[derive(Clone)]
pub struct Rooms {
    /// Where deliveries go.
    pub door: Arc<Door>,
    /// How large a delivery may be; exactly so large is accepted.
    pub max_body_bytes: usize,
    /// The clock, in unix seconds; it is the app's.
    pub now: fn() -> i64,
}

/// All routes. `private` ones answer only to those that `access` lets in; the webhook proves itself
/// by its signature, and health tells nothing.
pub fn router(rooms: Rooms, access: Access, private: Router) -> Router {
    let guarded = private.layer(from_fn_with_state(Arc::new(access), access::check));
    Router::new()
        .route("/webhooks/stripe", post(webhook::receive))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .with_state(rooms)
        .merge(guarded)
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
}

async fn unknown() -> Problem {
    let detail = "there is nothing here; Stripe's events go to POST /webhooks/stripe";
    Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
}

async fn wrong_method() -> Problem {
    let detail = "this address has another method; the Allow header names it";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}
