//! Who may see figures: bearers of a token, or, where there is none, this machine only.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use super::client::{Proxies, peer};
use super::guesses::Guesses;
use super::quiet::Quiet;
use super::session::{Ended, Key, Session, random};
use super::{Problem, pages, session};
use crate::metrics::Metrics;

/// What a browser says of where a request was made.
const SEC_FETCH_SITE: header::HeaderName = header::HeaderName::from_static("sec-fetch-site");

/// Headers by which a proxy or a tunnel on this machine gives itself away: its peers are not local.
const FORWARDED: [&str; 5] = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

/// The tokens that open the private routes, kept as digests so that comparing takes the same time
/// whatever is sent, and the keys of their sessions.
#[derive(Clone)]
pub struct Access {
    digests: Vec<[u8; 32]>,
    keys: Arc<[Key]>,
    ended: Arc<Ended>,
    guesses: Arc<Guesses>,
    session_seconds: i64,
    /// What forms are made with while no token is set.
    own: Option<Key>,
}

/// How much who shows tokens may try, and what a right one is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessTerms {
    /// Wrong tokens that an address may send before it is not listened to.
    pub guesses: u32,
    /// How long they are counted, and it is not listened to then, from the first of them.
    pub guess_seconds: i64,
    /// How long a session lasts; then the token is asked for again.
    pub session_seconds: i64,
}

/// Who was let in, and what its forms bring with them.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    /// Its session, where it has one.
    pub(super) session: Option<Session>,
    /// What a form has to bring that changes something; none where there is no making one.
    pub(super) form: Option<String>,
}

impl Access {
    /// Access by these tokens; by none, only from loopback.
    pub fn by_tokens<'a>(tokens: impl IntoIterator<Item = &'a str>, terms: AccessTerms) -> Self {
        let (digests, keys): (Vec<[u8; 32]>, Vec<Key>) = tokens
            .into_iter()
            .map(|token| -> ([u8; 32], Key) { (Sha256::digest(token).into(), Key::of(token.as_bytes())) })
            .unzip();
        Self {
            digests,
            keys: keys.into(),
            ended: Arc::default(),
            guesses: Arc::new(Guesses::new(terms.guesses, terms.guess_seconds)),
            session_seconds: terms.session_seconds,
            own: random::<32>().map(|bytes| Key::of(&bytes)),
        }
    }

    fn asks_for_tokens(&self) -> bool {
        !self.digests.is_empty()
    }

    /// The key of a token that is one of those that are set.
    fn key_of(&self, token: &str) -> Option<&Key> {
        let sent: [u8; 32] = Sha256::digest(token).into();
        let mut found = None;
        for (known, key) in self.digests.iter().zip(self.keys.iter()) {
            if bool::from(known.ct_eq(&sent)) {
                found = Some(key);
            }
        }
        found
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
    /// Whoever asks, if it may.
    fn admit(&self, request: &Request) -> Result<Visitor, Problem> {
        let headers = request.headers();
        let peer = peer(request);
        if is_cross_site(request.method(), headers) {
            return Err(cross_site());
        }
        if !self.access.asks_for_tokens() {
            let form = self.access.own.as_ref().map(|key| key.form("this machine"));
            return if is_local(headers, peer) {
                Ok(Visitor { session: None, form })
            } else {
                Err(not_local())
            };
        }
        if headers.contains_key(header::AUTHORIZATION) {
            let key = self.key_shown(bearer(headers), headers, peer)?;
            return Ok(Visitor { session: None, form: Some(key.form("bearer")) });
        }
        // A session is for reading, and for pages, whose forms prove themselves.
        let is_page = !request.uri().path().starts_with("/api/");
        let session = self.session(headers, peer).filter(|_| is_page || request.method().is_safe());
        let session = session.ok_or_else(no_token)?;
        Ok(Visitor { form: Some(session.form.clone()), session: Some(session) })
    }

    /// The key of the token that is shown, unless its sender has guessed too much.
    fn key_shown(
        &self,
        token: Option<&str>,
        headers: &HeaderMap,
        peer: Option<IpAddr>,
    ) -> Result<&Key, Problem> {
        let client = self.proxies.client(headers, peer).ok_or_else(no_token)?;
        let now = (self.now)();
        if let Some(seconds) = self.access.guesses.wait_seconds(client, now) {
            return Err(too_many_guesses(seconds));
        }
        let key = token.and_then(|token| self.access.key_of(token));
        if key.is_none() {
            if let Some(left_out) = self.wrong.asks(now) {
                tracing::warn!(%client, left_out, "wrong token");
            }
            self.access.guesses.was_wrong(client, now);
        }
        key.ok_or_else(no_token)
    }

    /// The session whose cookie came with a request.
    fn session(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> Option<Session> {
        let value = session::sent(headers, self.proxies.is_over_tls(headers, peer))?;
        session::read(&self.access.keys, &self.access.ended, value, (self.now)())
    }

    /// Whether a request comes from who needs not sign in: somebody who has, or this machine while no token is set.
    pub(super) fn needs_no_sign_in(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> bool {
        if self.access.asks_for_tokens() {
            return self.session(headers, peer).is_some();
        }
        is_local(headers, peer)
    }

    /// The header that begins a session for who shows a token.
    ///
    /// # Errors
    ///
    /// Another site's page sent it; a wrong token, or too many of them; no random bytes.
    pub(super) fn sign_in(
        &self,
        token: &str,
        headers: &HeaderMap,
        peer: Option<IpAddr>,
    ) -> Result<HeaderValue, Problem> {
        if is_cross_site(&Method::POST, headers) {
            return Err(cross_site());
        }
        if !self.access.asks_for_tokens() {
            return Err(not_local());
        }
        let key = self.key_shown(Some(token), headers, peer)?;
        let seconds = self.access.session_seconds;
        let cookie = session::begin(key, (self.now)() + seconds)
            .and_then(|value| session::set(&value, seconds, self.proxies.is_over_tls(headers, peer)));
        cookie.ok_or_else(no_session)
    }

    /// Ends a session; the header that has the browser forget it.
    pub(super) fn sign_out(
        &self,
        visitor: &Visitor,
        headers: &HeaderMap,
        peer: Option<IpAddr>,
    ) -> Option<HeaderValue> {
        if let Some(session) = &visitor.session {
            self.access.ended.end(session, (self.now)());
        }
        session::forget(self.proxies.is_over_tls(headers, peer))
    }
}

impl Visitor {
    /// Whether a form was made for this visitor.
    pub(super) fn made(&self, sent: Option<&str>) -> bool {
        let (Some(own), Some(sent)) = (&self.form, sent) else { return false };
        own.as_bytes().ct_eq(sent.as_bytes()).into()
    }
}

/// Lets a request through, or answers why not.
pub(super) async fn check(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let admitted = gate.admit(&request);
    let turn = gate.questions.try_acquire();
    let problem = match admitted {
        Ok(visitor) if turn.is_ok() => {
            request.extensions_mut().insert(visitor);
            return next.run(request).await;
        }
        Ok(_) => busy(),
        Err(problem) => problem,
    };
    gate.metrics.refused(problem.code());
    let is_sign_in_asked = problem.status() == StatusCode::UNAUTHORIZED;
    if is_sign_in_asked && let Some(page) = pages::lead_to_sign_in(&request) {
        return page;
    }
    let mut response = problem.into_response();
    if is_sign_in_asked {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// A request that changes something and that another site's page made a browser send. Browsers say so themselves;
/// older ones name the page's origin, which then is not ours.
fn is_cross_site(method: &Method, headers: &HeaderMap) -> bool {
    if method.is_safe() {
        return false;
    }
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("?"));
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
    let detail = "send one of UPSWELL_API_TOKEN as `Authorization: Bearer …`; in a browser, sign in with it at /sign-in";
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

fn no_session() -> Problem {
    let detail = "the system gives no random bytes, so no session can begin; try again";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_session", detail)
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
        let mut request = Request::new(axum::body::Body::empty());
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        let address = SocketAddr::new(peer.parse().unwrap(), 1);
        request.extensions_mut().insert(axum::extract::ConnectInfo(address));
        let gate = Gate {
            access: Access::by_tokens(
                tokens.iter().copied(),
                AccessTerms { guesses: 10, guess_seconds: 60, session_seconds: 60 },
            ),
            proxies: Proxies::default(),
            metrics: Metrics::new().unwrap(),
            questions: Arc::new(Semaphore::new(1)),
            wrong: Quiet::new(),
            now: || 1_790_000_000,
        };
        gate.admit(&request).is_ok()
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
