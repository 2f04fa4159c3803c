//! The door for Stripe: raw bytes in, 200 only once they are durable.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use serde::Serialize;

use super::{Problem, Rooms};
use crate::pipeline::AcceptError;

/// Longer than any honest sender needs for a mebibyte; Stripe itself gives up earlier.
const BODY_SECONDS: u64 = 30;
/// Stripe retries by its own plan; others are told to come back soon.
const RETRY_AFTER_SECONDS: u32 = 5;
/// How much of an oversized body is read and thrown away, in multiples of the limit, so that the
/// sender gets to read the answer instead of a reset connection.
const DISCARDED_LIMITS: usize = 4;

/// What Stripe is answered.
#[derive(Serialize)]
pub(super) struct Received {
    received: bool,
    event: String,
    duplicate: bool,
}

/// Takes one delivery.
pub(super) async fn receive(State(rooms): State<Rooms>, request: Request) -> Result<Json<Received>, Problem> {
    let (parts, body) = request.into_parts();
    let collected = collect(body, content_length(&parts.headers), rooms.max_body_bytes);
    let body = tokio::time::timeout(Duration::from_secs(BODY_SECONDS), collected)
        .await
        .map_err(|_| too_slow())??;
    let signature = signature(&parts.headers)?;
    let accepted =
        rooms.door.accept(body, signature, (rooms.now)()).await.map_err(|error| refusal(&error))?;
    Ok(Json(Received { received: true, event: accepted.event, duplicate: accepted.duplicate }))
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

/// The whole body. The limit holds for what arrives, whatever `Content-Length` says.
async fn collect(mut body: Body, said: Option<usize>, limit: usize) -> Result<Bytes, Problem> {
    let mut kept = BytesMut::with_capacity(said.unwrap_or(0).min(limit));
    let mut arrived = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| broken_off())?.into_data() else {
            continue;
        };
        arrived += data.len();
        if arrived <= limit {
            kept.extend_from_slice(&data);
        } else if arrived > limit.saturating_mul(DISCARDED_LIMITS) {
            break;
        }
    }
    if arrived > limit {
        return Err(too_large(limit));
    }
    Ok(kept.freeze())
}

fn too_large(limit: usize) -> Problem {
    let detail = format!("the body is over the limit of {limit} bytes; UPSWELL_MAX_BODY_BYTES raises it");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

fn too_slow() -> Problem {
    let detail = format!("the body did not arrive within {BODY_SECONDS} s; send it again");
    Problem::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", detail)
}

fn broken_off() -> Problem {
    let detail = "the body broke off before its end; send it again";
    Problem::new(StatusCode::BAD_REQUEST, "body_broken_off", detail)
}

fn refusal(error: &AcceptError) -> Problem {
    let code = error.code();
    match error {
        AcceptError::Signature(_) | AcceptError::NotJson(_) => {
            tracing::warn!(code, "delivery refused");
            Problem::new(StatusCode::BAD_REQUEST, code, error.to_string())
        }
        AcceptError::Unavailable => {
            tracing::error!(code, "delivery not taken");
            let detail = "the store can't be reached; nothing was taken, send it again";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
                .retry_after_seconds(RETRY_AFTER_SECONDS)
        }
    }
}
