//! Whether the process is alive, and whether it can take events.

use axum::extract::State;
use axum::http::StatusCode;

use super::{Problem, Rooms};
use crate::pipeline::Unready;

/// Alive: the process answers. It asks nothing of the store, so that a slow store does not get the
/// process killed.
pub(super) async fn alive() -> &'static str {
    "alive\n"
}

/// Ready: store reachable, schema current, worker in time. The reason stands in the code.
pub(super) async fn ready(State(rooms): State<Rooms>) -> Result<&'static str, Problem> {
    let Err(reason) = rooms.door.readiness((rooms.now)()).await else {
        return Ok("ready\n");
    };
    let code = match reason {
        Unready::Store => "store_unavailable",
        Unready::Schema => "schema_behind",
        Unready::Lag { .. } => "worker_lagging",
    };
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, reason.to_string()))
}
