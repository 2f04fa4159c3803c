//! What browsers are told where programs are told a problem.

use askama::Template;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::frame::STYLES;
use super::page_with;
use super::shown::encoded;
use crate::http::Problem;

/// What programs come to, which are answered as programs whatever they accept.
const FOR_PROGRAMS: [&str; 5] = ["/api/", "/webhooks/", "/metrics", "/healthz", "/readyz"];
/// What a page keeps of the headers of a problem.
const KEPT: [HeaderName; 3] = [header::RETRY_AFTER, header::ALLOW, header::WWW_AUTHENTICATE];

#[derive(Template)]
#[template(path = "pages/problem.html")]
struct ProblemPage<'p> {
    title: &'p str,
    detail: String,
    code: &'p str,
    asks_for_sign_in: bool,
}

#[derive(Template)]
#[template(path = "pages/again.html")]
struct AgainPage<'p> {
    address: &'p str,
}

impl ProblemPage<'_> {
    fn styles(&self) -> impl Iterator<Item = &'static str> {
        STYLES.iter().map(|style| style())
    }
}

impl AgainPage<'_> {
    fn styles(&self) -> impl Iterator<Item = &'static str> {
        STYLES.iter().map(|style| style())
    }
}

/// What programs are told, as people read it.
fn sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

/// Whether a browser asks, for something to show.
fn wants_page(request: &Request) -> bool {
    let is_for_programs = FOR_PROGRAMS.iter().any(|path| request.uri().path().starts_with(path));
    !is_for_programs && accepts_html(request.headers())
}

fn accepts_html(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.contains("text/html"))
}

/// Makes a page of a problem that a browser is answered with.
pub(in crate::http) async fn for_people(request: Request, next: Next) -> Response {
    let is_for_people = wants_page(&request);
    let response = next.run(request).await;
    let problem = response.extensions().get::<Problem>().filter(|_| is_for_people);
    let Some(problem) = problem else { return response };
    let page = ProblemPage {
        title: problem.status().canonical_reason().unwrap_or("Error"),
        detail: sentence(problem.detail()),
        code: problem.code(),
        asks_for_sign_in: problem.status() == axum::http::StatusCode::UNAUTHORIZED,
    };
    let Ok(mut page) = page_with(problem.status(), &page) else { return response };
    for name in KEPT {
        if let Some(value) = response.headers().get(&name) {
            page.headers_mut().insert(name, value.clone());
        }
    }
    page
}

/// Leads a browser that asks for a page to sign in and back; none where it is not a browser that asks, or not for
/// a page.
///
/// A browser that comes here by a link of another site does not show its session (`SameSite=Strict`): it is sent
/// once more to the same page, from here, so that a link in a message leads to the page and not to the sign-in.
pub(in crate::http) fn lead_to_sign_in(request: &Request) -> Option<Response> {
    if request.method() != Method::GET || !wants_page(request) {
        return None;
    }
    let address = request.uri().path_and_query()?.as_str();
    let came_from = request.headers().get("sec-fetch-site").and_then(|value| value.to_str().ok());
    if came_from.is_some_and(|site| ["cross-site", "same-site"].contains(&site)) && is_own_path(address) {
        return page_with(axum::http::StatusCode::OK, &AgainPage { address }).ok();
    }
    Some(Redirect::to(&format!("/sign-in?next={}", encoded(address))).into_response())
}

/// Whether an address is a path on this host, whatever reads it.
pub(super) fn is_own_path(address: &str) -> bool {
    let has_odd = address.bytes().any(|byte| byte == b'\\' || byte.is_ascii_control());
    address.starts_with('/') && !address.starts_with("//") && !has_odd
}

#[cfg(test)]
mod tests {
    use super::is_own_path;

    #[test]
    fn nobody_is_led_to_another_host() {
        for own in ["/", "/months/2026-10", "/movements?month=2026-10&class=new"] {
            assert!(is_own_path(own), "{own}");
        }
        for other in
            ["", "//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "x"]
        {
            assert!(!is_own_path(other), "{other:?}");
        }
    }
}
