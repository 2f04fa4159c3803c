//! `/metrics`, for Prometheus.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::Problem;
use crate::metrics::{Metrics, Standing};
use crate::pipeline::{Door, Unready, Watch};

/// What is looked at when Prometheus asks.
#[derive(Clone)]
pub(super) struct Watched {
    metrics: Metrics,
    door: Arc<Door>,
    watch: Option<Arc<Watch>>,
    now: fn() -> i64,
}

/// The page of metrics: what the process counted, and how the ledger stands when it is asked. Who only receives may
/// not look at it, and has no watch.
pub fn metrics(metrics: Metrics, door: Arc<Door>, watch: Option<Watch>, now: fn() -> i64) -> Router {
    let watched = Watched { metrics, door, watch: watch.map(Arc::new), now };
    Router::new().route("/metrics", get(show)).with_state(watched)
}

/// What the process counted, and how the ledger stands, for Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "doors",
    responses(
        (status = 200, description = "Prometheus's text form.", body = String, content_type = "text/plain"),
        (status = 500, description = "`metrics_unavailable`: they can't be written.", body = ref("#/components/schemas/Problem"), content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(State(watched): State<Watched>) -> Result<Response, Problem> {
    let Watched { metrics, door, watch, now } = watched;
    metrics.waiting(door.waiting());
    match &watch {
        Some(watch) => look(watch, &metrics, now()).await,
        None => metrics.store(!matches!(door.readiness(now()).await, Err(Unready::Store))),
    }
    let text = metrics.text().map_err(|error| {
        tracing::error!(%error, "the metrics could not be written");
        let detail = "the metrics can't be written; the log says why";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "metrics_unavailable", detail)
    })?;
    Ok(([(header::CONTENT_TYPE, Metrics::content_type())], text).into_response())
}

/// How the ledger stands, and what was posted since the look before.
async fn look(watch: &Watch, metrics: &Metrics, now: i64) {
    match watch.read(now).await {
        Ok(read) => {
            for count in &read.posted {
                metrics.posted(&count.class, &count.kind, count.is_reversal, count.count.unsigned_abs());
            }
            metrics.ledger(Standing {
                pending: read.pending,
                lag_seconds: read.lag_seconds,
                parked: read.parked,
                incomplete: read.incomplete,
                unsent_reports: read.unsent_reports,
            });
        }
        // What the process counted is told all the same: that is when it is needed.
        Err(error) => {
            tracing::error!(%error, "the ledger could not be looked at");
            metrics.store(false);
        }
    }
}
