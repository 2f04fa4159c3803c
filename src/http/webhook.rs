//! The door for Stripe: raw bytes in, 200 only once they are durable.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa::ToSchema;

use super::places::Place;
use super::quiet::Quiet;
use super::{Problem, Rooms};
use crate::pipeline::{AcceptError, Accepted};

/// Stripe retries by its own plan; others are told to come back soon.
const RETRY_AFTER_SECONDS: u32 = 5;
/// How much of an oversized body is read and thrown away, in multiples of the limit, so that the
/// sender gets to read the answer instead of a reset connection. A courtesy, which goes with the limit and the time for a body.
const DISCARDED_LIMITS: usize = 4;
/// How long a body waits for others to make room in memory. Not for anybody to set: they were told to go, and go at once.
const ROOM_PATIENCE: Duration = Duration::from_secs(1);
/// What is set aside for a body before anything of it is there: its length is only what the sender says.
const FIRST_BYTES: usize = 64 << 10;

/// What Stripe is answered.
#[derive(Serialize, ToSchema)]
pub(super) struct Received {
    /// Always true.
    received: bool,
    /// The event.
    event: String,
    /// Whether it was stored before.
    duplicate: bool,
}

/// The door, and the memory that deliveries may take.
#[derive(Clone)]
pub(super) struct Webhook {
    pub(super) rooms: Rooms,
    pub(super) bytes: Arc<Semaphore>,
    pub(super) refused: Arc<Quiet>,
}

/// Takes one delivery: answered once its bytes are durable.
///
/// The signature stands in `Stripe-Signature`. An event that is verified and can't be used is stored and answered
/// 200 as well.
#[utoipa::path(
    post,
    path = "/webhooks/stripe",
    operation_id = "receive",
    tag = "doors",
    security(()),
    params(("Stripe-Signature" = String, Header, description = "Stripe's signature over time and body.", example = "t=1790000000,v1=…")),
    request_body(content = String, content_type = "application/json", description = "The event as Stripe sent it."),
    responses(
        (status = 200, description = "It is stored, or was before.", body = Received),
        (status = 400, description = "`signature_…`: the signature is missing, repeated, malformed, wrong or stale; `body_…`: the body is no JSON of an event, or broke off.", body = ref("#/components/schemas/Problem"), content_type = "application/problem+json"),
        (status = 408, description = "`body_too_slow`: the body took too long.", body = ref("#/components/schemas/Problem"), content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`: the body is larger than UPSWELL_MAX_BODY_BYTES.", body = ref("#/components/schemas/Problem"), content_type = "application/problem+json"),
        (status = 503, description = "The store can't be reached, or too many deliveries wait; `Retry-After` says when.", body = ref("#/components/schemas/Problem"), content_type = "application/problem+json"),
    )
)]
pub(super) async fn receive(
    State(webhook): State<Webhook>,
    request: Request,
) -> Result<Json<Received>, Problem> {
    let begun = Instant::now();
    let metrics = &webhook.rooms.metrics;
    match webhook.take(request).await {
        Ok(accepted) => {
            let outcome = match (accepted.conflict, accepted.duplicate) {
                (true, _) => "conflict",
                (_, true) => "duplicate",
                _ => "stored",
            };
            metrics.acknowledged(outcome, begun.elapsed(), accepted.ahead_seconds);
            Ok(Json(Received { received: true, event: accepted.event, duplicate: accepted.duplicate }))
        }
        Err(problem) => {
            metrics.refused_delivery(problem.code());
            Err(problem)
        }
    }
}

impl Webhook {
    async fn take(&self, request: Request) -> Result<Accepted, Problem> {
        let Rooms { door, limits, now, .. } = &self.rooms;
        let (parts, body) = request.into_parts();
        let mut arriving = Arriving {
            limit: limits.body_bytes,
            place: parts.extensions.get::<Arc<Place>>(),
            bytes: &self.bytes,
            held: None,
        };
        let collected = arriving.collect(body, content_length(&parts.headers));
        let body = tokio::time::timeout(Duration::from_secs(limits.body_seconds), collected)
            .await
            .map_err(|_| too_slow(limits.body_seconds))??;
        if let Some(place) = arriving.place {
            place.busy();
        }
        let signature = signature(&parts.headers)?;
        door.accept(body, signature, now()).await.map_err(|error| self.refusal(&error))
    }

    fn refusal(&self, error: &AcceptError) -> Problem {
        let code = error.code();
        let left_out = self.refused.asks((self.rooms.now)());
        match error {
            AcceptError::Signature(_) | AcceptError::NotJson(_) => {
                if let Some(left_out) = left_out {
                    tracing::warn!(code, left_out, "delivery refused");
                }
                Problem::new(StatusCode::BAD_REQUEST, code, error.to_string())
            }
            AcceptError::Busy => {
                if let Some(left_out) = left_out {
                    tracing::warn!(code, left_out, "delivery not taken");
                }
                busy()
            }
            AcceptError::Unavailable => {
                tracing::error!(code, "delivery not taken");
                let detail = "the store can't be reached; nothing was taken, send it again";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
                    .retry_after_seconds(RETRY_AFTER_SECONDS)
            }
        }
    }
}

/// Two signature headers would leave open which one counts.
fn signature(headers: &HeaderMap) -> Result<Option<&[u8]>, Problem> {
    let mut values = headers.get_all("stripe-signature").iter();
    let first = values.next();
    if values.next().is_some() {
        let detail = "there are several Stripe-Signature headers; send the one Stripe sent";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "signature_repeated", detail));
    }
    Ok(first.map(axum::http::HeaderValue::as_bytes))
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A body on its way in. What it takes of the memory for deliveries it keeps until it is dropped, which is when the
/// delivery is answered.
struct Arriving<'a> {
    limit: usize,
    place: Option<&'a Arc<Place>>,
    bytes: &'a Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Arriving<'_> {
    /// The whole body. The limit holds for what arrives, whatever `Content-Length` says.
    async fn collect(&mut self, mut body: Body, said: Option<usize>) -> Result<Bytes, Problem> {
        // A body that comes in one piece is passed on as it is.
        let mut first = Bytes::new();
        let mut kept = BytesMut::new();
        let mut arrived = 0;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| broken_off())?.into_data() else {
                continue;
            };
            arrived += data.len();
            if arrived > self.limit {
                self.held = None;
                (first, kept) = (Bytes::new(), BytesMut::new());
                if arrived > self.limit.saturating_mul(DISCARDED_LIMITS) {
                    break;
                }
                continue;
            }
            self.hold(data.len(), arrived).await?;
            if arrived == data.len() {
                first = data;
                continue;
            }
            if kept.is_empty() {
                kept.reserve(said.unwrap_or(0).clamp(arrived, self.limit.min(FIRST_BYTES).max(arrived)));
                kept.extend_from_slice(&std::mem::take(&mut first));
            }
            kept.extend_from_slice(&data);
        }
        if arrived > self.limit {
            return Err(too_large(self.limit));
        }
        Ok(if kept.is_empty() { first } else { kept.freeze() })
    }

    /// Takes memory for what arrived, if need be from senders that are slower.
    async fn hold(&mut self, more: usize, arrived: usize) -> Result<(), Problem> {
        let wanted = u32::try_from(more).map_err(|_| busy())?;
        let permit = match Arc::clone(self.bytes).try_acquire_many_owned(wanted) {
            Ok(permit) => permit,
            Err(_) if self.place.is_some_and(|place| place.make_room_for_bytes(more)) => {
                let freed = Arc::clone(self.bytes).acquire_many_owned(wanted);
                let freed = tokio::time::timeout(ROOM_PATIENCE, freed).await;
                freed.ok().and_then(Result::ok).ok_or_else(busy)?
            }
            Err(_) => return Err(busy()),
        };
        match &mut self.held {
            Some(held) => held.merge(permit),
            None => self.held = Some(permit),
        }
        if let Some(place) = self.place {
            place.holds(arrived);
        }
        Ok(())
    }
}

fn too_large(limit: usize) -> Problem {
    let detail = format!("the body is over the limit of {limit} bytes; UPSWELL_MAX_BODY_BYTES raises it");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

fn busy() -> Problem {
    let detail = "too much is waiting to be stored; nothing was taken, send it again";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, AcceptError::Busy.code(), detail)
        .retry_after_seconds(RETRY_AFTER_SECONDS)
}

fn too_slow(seconds: u64) -> Problem {
    let detail = format!("the body did not arrive within {seconds} s; send it again");
    Problem::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", detail)
}

fn broken_off() -> Problem {
    let detail = "the body broke off before its end; send it again";
    Problem::new(StatusCode::BAD_REQUEST, "body_broken_off", detail)
}
