//! The doors that speak HTTP, one file a door: the webhook, health, and what only the owner may see.

mod access;
mod api;
mod around;
mod client;
mod form;
mod guesses;
mod health;
mod metrics;
mod outgoing;
mod pages;
mod places;
mod problem;
mod quiet;
mod server;
mod session;
mod webhook;

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use axum::{Extension, Router};
use tokio::sync::Semaphore;

use crate::metrics::Metrics;
use crate::pipeline::Door;

use quiet::Quiet;

pub use access::{Access, AccessTerms};
pub use api::{api, openapi};
pub use metrics::metrics;
pub use pages::{Dashboard, dashboard};
pub use problem::Problem;
pub use server::{serve, shutdown_signal};

/// What strangers can make the server hold, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections held at once.
    pub connections: usize,
    /// The size of a request's header.
    pub header_bytes: usize,
    /// The size of a delivery; exactly so large is accepted.
    pub body_bytes: usize,
    /// The size of a form of a page.
    pub form_bytes: usize,
    /// Bytes of deliveries held at once, arriving or waiting to be stored.
    pub waiting_bytes: usize,
    /// Requests for figures answered at once.
    pub questions: usize,
    /// Entries of a part of a list.
    pub page_rows: usize,
    /// The time for a header.
    pub header_seconds: u64,
    /// The time for a body.
    pub body_seconds: u64,
    /// The time for a part of an answer to be taken.
    pub answer_seconds: u64,
    /// The time for requests under way, once the server is told to stop.
    pub drain_seconds: u64,
}

/// What the doors lead to.
#[derive(Clone)]
pub struct Rooms {
    /// Where deliveries go.
    pub door: Arc<Door>,
    /// What is held of strangers, and for how long.
    pub limits: Limits,
    /// The proxies whose word on where a request comes from counts.
    pub trusted_proxies: Vec<IpAddr>,
    /// What is counted.
    pub metrics: Metrics,
    /// The clock, in unix seconds; it is the app's.
    pub now: fn() -> i64,
}

/// All routes. `private` ones answer only to those that `access` lets in; the webhook proves itself
/// by its signature, and health tells nothing. The rooms go with the routes: nobody else keeps the door open.
pub fn router(rooms: Rooms, access: Access, private: Router) -> Router {
    let proxies = client::Proxies::new(&rooms.trusted_proxies);
    let gate = access::Gate {
        access,
        proxies: proxies.clone(),
        metrics: rooms.metrics.clone(),
        questions: Arc::new(Semaphore::new(rooms.limits.questions)),
        wrong: Quiet::new(),
        now: rooms.now,
    };
    let gate = Arc::new(gate);
    let guarded = private
        .merge(pages::sign_out(Arc::clone(&gate)))
        .layer(from_fn_with_state(Arc::clone(&gate), access::check));
    let limits = rooms.limits;
    let readiness = health::Readiness::of(Arc::clone(&rooms.door), rooms.now);
    let bytes = Arc::new(Semaphore::new(limits.waiting_bytes.min(Semaphore::MAX_PERMITS)));
    Router::new()
        .route("/webhooks/stripe", post(webhook::receive))
        .with_state(webhook::Webhook { rooms, bytes, refused: Arc::new(Quiet::new()) })
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .with_state(readiness)
        .merge(pages::sign_in(gate))
        .merge(guarded)
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(Extension(limits))
        .layer(from_fn(pages::for_people))
        .layer(from_fn(around::place))
        .layer(from_fn(around::span))
        .layer(from_fn_with_state(proxies, around::headers))
}

async fn unknown() -> Problem {
    let detail = "there is nothing here; Stripe's events go to POST /webhooks/stripe";
    Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
}

async fn wrong_method() -> Problem {
    let detail = "this address has another method; the Allow header names it";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}
