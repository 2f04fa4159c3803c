//! Whether the process is alive, and whether it can take events.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use tokio::sync::Mutex;

use super::Problem;
use crate::pipeline::{Door, Unready};

/// Whether events can be taken, asked of the store once a second at most: everybody may ask.
#[derive(Clone)]
pub(super) struct Readiness {
    door: Arc<Door>,
    now: fn() -> i64,
    last: Arc<Mutex<Option<Found>>>,
}

/// What the store said last.
#[derive(Clone)]
struct Found {
    at: i64,
    ready: Result<(), Unready>,
}

impl Readiness {
    pub(super) fn of(door: Arc<Door>, now: fn() -> i64) -> Self {
        Self { door, now, last: Arc::default() }
    }

    async fn ask(&self) -> Result<(), Unready> {
        let mut last = self.last.lock().await;
        let now = (self.now)();
        if let Some(found) = last.as_ref().filter(|found| found.at == now) {
            return found.ready.clone();
        }
        let ready = self.door.readiness(now).await;
        *last = Some(Found { at: now, ready: ready.clone() });
        ready
    }
}

/// Alive: the process answers. It asks nothing of the store, so that a slow store does not get the
/// process killed.
#[utoipa::path(get, path = "/healthz", operation_id = "alive", tag = "doors", security(()),
    responses((status = 200, description = "It is alive.", body = String, content_type = "text/plain")))]
pub(super) async fn alive() -> &'static str {
    "alive\n"
}

/// Ready: store reachable, schema current, worker in time. The reason stands in the code.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "ready",
    tag = "doors",
    security(()),
    responses(
        (status = 200, description = "It can take events.", body = String, content_type = "text/plain"),
        (status = 503, description = "`store_unavailable`, `schema_behind`, `schema_newer` or `worker_lagging`.", body = ref("#/components/schemas/Problem"), content_type = "application/problem+json"),
    )
)]
pub(super) async fn ready(State(readiness): State<Readiness>) -> Result<&'static str, Problem> {
    let Err(reason) = readiness.ask().await else {
        return Ok("ready\n");
    };
    let code = match reason {
        Unready::Store => "store_unavailable",
        Unready::Schema => "schema_behind",
        Unready::Newer => "schema_newer",
        Unready::Lag { .. } => "worker_lagging",
    };
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, reason.to_string()))
}
