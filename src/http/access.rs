//! Who may see figures: bearers of a token, or, where there is none, this machine only.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use tokio::sync::Semaphore;

use super::Problem;
use super::client::{Proxies, peer};
use super::guesses::Guesses;
use super::quiet::Quiet;
use crate::metrics::Metrics;

/// What a browser says of where a request was made.
const SEC_FETCH_SITE: header::HeaderName = header::HeaderName::from_static("sec-fetch-site");

/// Headers by which a proxy or a tunnel on this machine gives itself away: its peers are not local.
const FORWARDED: [&str; 5] = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

/// The tokens that open the private routes, kept as digests so that comparing takes the same time
/// whatever is sent.
#[derive(Clone)]
pub struct Access {
    digests: Vec<[u8; 32]>,
    guesses: Arc<Guesses>,
}

impl Access {
    /// Access by these tokens; by none, only from loopback. An address that sends `max_guesses` wrong ones in a
    /// minute is not listened to for the rest of it.
    pub fn by_tokens<'a>(tokens: impl IntoIterator<Item = &'a str>, max_guesses: u32) -> Self {
        let digests = tokens.into_iter().map(|token| Sha256::digest(token).into());
        Self { digests: digests.collect(), guesses: Arc::new(Guesses::new(max_guesses)) }
    }

    fn knows(&self, token: &str) -> bool {
        let sent: [u8; 32] = Sha256::digest(token).into();
        let any = self.digests.iter().fold(Choice::from(0), |found, known| found | known.ct_eq(&sent));
        any.into()
    }

    /// Whether one of the tokens was sent, or else that this is this machine.
    fn refusal(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> Option<Problem> {
        if self.digests.is_empty() {
            return (!is_local(headers, peer)).then(not_local);
        }
        let is_known = bearer(headers).is_some_and(|token| self.knows(token));
        (!is_known).then(no_token)
    }
}

/// What stands before the private routes.
pub(super) struct Gate {
    pub(super) access: Access,
    pub(super) proxies: Proxies,
    pub(super) metrics: Metrics,
    pub(super) questions: Arc<Semaphore>,
    pub(super) wrong: Quiet,
    pub(super) now: fn() -> i64,
}

impl Gate {
    fn refusal(&self, request: &Request) -> Option<Problem> {
        let headers = request.headers();
        let peer = peer(request);
        if is_cross_site(request.method(), headers) {
            return Some(cross_site());
        }
        // Who sends no token guesses none.
        if self.access.digests.is_empty() || !headers.contains_key(header::AUTHORIZATION) {
            return self.access.refusal(headers, peer);
        }
        let Some(client) = self.proxies.client(headers, peer) else { return Some(no_token()) };
        let now = (self.now)();
        if let Some(seconds) = self.access.guesses.wait_seconds(client, now) {
            return Some(too_many_guesses(seconds));
        }
        let refusal = self.access.refusal(headers, peer);
        if refusal.is_some() {
            if let Some(left_out) = self.wrong.asks(now) {
                tracing::warn!(%client, left_out, "wrong token");
            }
            self.access.guesses.was_wrong(client, now);
        }
        refusal
    }
}

/// Lets a request through, or answers why not.
pub(super) async fn check(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let refusal = gate.refusal(&request);
    let turn = gate.questions.try_acquire();
    let Some(problem) = refusal.or_else(|| turn.is_err().then(busy)) else {
        return next.run(request).await;
    };
    gate.metrics.refused(problem.code());
    let mut response = problem.into_response();
    if response.status() == StatusCode::UNAUTHORIZED {
        let scheme = header::HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
    }
    response
}

/// A request that changes something and that another site's page made a browser send. Browsers say so themselves;
/// older ones name the page's origin, which then is not ours.
fn is_cross_site(method: &Method, headers: &HeaderMap) -> bool {
    if method.is_safe() {
        return false;
    }
    let text = |name| headers.get(name).map(|value: &header::HeaderValue| value.to_str().unwrap_or("?"));
    if let Some(site) = text(SEC_FETCH_SITE) {
        return !["same-origin", "none"].contains(&site);
    }
    text(header::ORIGIN).is_some_and(|origin| {
        let from = origin.split_once("://").map(|(_, host)| host);
        from.is_none() || from != text(header::HOST)
    })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A loopback peer that speaks for itself: not a tunnel, and not a web page that had its own name
/// resolved to 127.0.0.1 (DNS rebinding), which the Host header shows.
fn is_local(headers: &HeaderMap, peer: Option<IpAddr>) -> bool {
    let is_loopback = peer.is_some_and(|ip| ip.to_canonical().is_loopback());
    let is_forwarded = FORWARDED.iter().any(|name| headers.contains_key(*name));
    is_loopback && !is_forwarded && names_loopback(headers)
}

fn names_loopback(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else {
        return false;
    };
    if let Ok(address) = host.parse::<SocketAddr>() {
        return address.ip().to_canonical().is_loopback();
    }
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |ip: IpAddr| ip.to_canonical().is_loopback();
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(is_loopback)
}

fn not_local() -> Problem {
    let detail = "without UPSWELL_API_TOKEN only this machine is answered; set one and send it \
                  as `Authorization: Bearer …`";
    Problem::new(StatusCode::FORBIDDEN, "not_local", detail)
}

fn no_token() -> Problem {
    let detail = "send one of UPSWELL_API_TOKEN as `Authorization: Bearer …`";
    Problem::new(StatusCode::UNAUTHORIZED, "token_missing_or_wrong", detail)
}

fn too_many_guesses(seconds: u32) -> Problem {
    let detail = "too many wrong tokens came from this address; come back later, with one that is right";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_guesses", detail).retry_after_seconds(seconds)
}

fn cross_site() -> Problem {
    let detail = "another site's page sent this; only upswell's own pages may change anything";
    Problem::new(StatusCode::FORBIDDEN, "cross_site", detail)
}

fn busy() -> Problem {
    let detail = "too many questions are being answered; come back soon";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after_seconds(1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn is_let_in(tokens: &[&str], headers: &[(&'static str, &str)], peer: &str) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let access = Access::by_tokens(tokens.iter().copied(), 10);
        access.refusal(&map, Some(peer.parse().unwrap())).is_none()
    }

    #[test]
    fn without_a_token_only_loopback_under_a_loopback_name_is_let_in() {
        for host in ["localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "[::1]"] {
            for peer in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
                assert!(is_let_in(&[], &[("host", host)], peer), "{host} {peer}");
            }
        }
        assert!(!is_let_in(&[], &[("host", "localhost")], "192.0.2.1"));
        assert!(!is_let_in(&[], &[("host", "rebound.example:8080")], "127.0.0.1"));
        assert!(!is_let_in(&[], &[], "127.0.0.1"));
    }

    #[test]
    fn a_tunnel_on_this_machine_is_not_this_machine() {
        for name in FORWARDED {
            assert!(!is_let_in(&[], &[("host", "localhost"), (name, "192.0.2.1")], "127.0.0.1"));
        }
    }

    #[test]
    fn with_tokens_any_of_them_is_asked_of_everybody() {
        let tokens = ["one", "two"];
        assert!(is_let_in(&tokens, &[("authorization", "Bearer two")], "192.0.2.1"));
        assert!(is_let_in(&tokens, &[("authorization", "bearer one")], "192.0.2.1"));
        for refused in ["Bearer three", "Bearer", "Basic one", "Bearer on", "one"] {
            assert!(!is_let_in(&tokens, &[("authorization", refused)], "127.0.0.1"), "{refused}");
        }
        assert!(!is_let_in(&tokens, &[("host", "localhost")], "127.0.0.1"));
    }

    #[test]
    fn a_page_of_another_site_changes_nothing() {
        let is_cross = |method: Method, sent: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "upswell.example".parse().unwrap());
            for (name, value) in sent {
                headers.insert(*name, value.parse().unwrap());
            }
            is_cross_site(&method, &headers)
        };
        for site in ["cross-site", "same-site", "anything"] {
            assert!(is_cross(Method::POST, &[("sec-fetch-site", site)]), "{site}");
            assert!(!is_cross(Method::GET, &[("sec-fetch-site", site)]), "{site}");
        }
        for origin in ["https://evil.example", "null", "https://upswell.example.evil.example"] {
            assert!(is_cross(Method::POST, &[("origin", origin)]), "{origin}");
        }
        assert!(!is_cross(Method::POST, &[("origin", "https://upswell.example")]));
        assert!(!is_cross(Method::DELETE, &[("sec-fetch-site", "same-origin")]));
        assert!(!is_cross(Method::POST, &[]), "a program, which no browser sends");
    }
}
