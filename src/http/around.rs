//! What is done around every request: its place is kept, a span told, and the answer given the headers that keep a
//! browser from doing more with it than showing it.

use std::sync::Arc;

use axum::Extension;
use axum::body::HttpBody;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use super::client::{Proxies, peer};
use super::places::Place;

/// On every answer, unless the door that gave it says more.
pub(super) const HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// A year, for browsers that came over TLS.
const TRANSPORT_SECURITY: &str = "max-age=31536000";

/// Gives every answer its headers.
pub(super) async fn headers(State(proxies): State<Proxies>, request: Request, next: Next) -> Response {
    let is_over_tls = proxies.is_over_tls(request.headers(), peer(&request));
    let mut response = next.run(request).await;
    guard(response.headers_mut(), is_over_tls);
    response
}

fn guard(headers: &mut HeaderMap, is_over_tls: bool) {
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if is_over_tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(TRANSPORT_SECURITY));
    }
}

/// Keeps the connection's place from another once its request is whole. A request with a body is whole when a
/// door has read it, which then says so itself.
pub(super) async fn place(place: Option<Extension<Arc<Place>>>, request: Request, next: Next) -> Response {
    let Some(Extension(place)) = place else { return next.run(request).await };
    if request.body().is_end_stream() {
        place.busy();
    }
    let response = next.run(request).await;
    place.idle();
    response
}

/// A span of each request: which route, never which path, for that is the sender's text.
pub(super) async fn span(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", |path| path.as_str());
    let span = tracing::info_span!(
        "request",
        otel.kind = "server",
        http.request.method = %request.method(),
        http.route = route,
        http.response.status_code = tracing::field::Empty,
    );
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    response
}
