//! Signing in by a token, and out.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};

use super::frame::STYLES;
use super::page_with;
use super::people::is_own_path;
use crate::http::Problem;
use crate::http::access::{Gate, Visitor};
use crate::http::api::asked::Asked;
use crate::http::client::peer;
use crate::http::form::Form;

#[derive(Template)]
#[template(path = "pages/sign_in.html")]
struct SignInPage {
    next: String,
    /// Why the last try came to nothing.
    refused: Option<String>,
}

impl SignInPage {
    fn styles(&self) -> impl Iterator<Item = &'static str> {
        STYLES.iter().map(|style| style())
    }
}

/// The page that asks for the token, before which nothing stands, and the icon.
pub(in crate::http) fn sign_in(gate: Arc<Gate>) -> Router {
    Router::new().route("/sign-in", get(show).post(enter)).route("/icon.svg", get(icon)).with_state(gate)
}

/// The way out, for who is in.
pub(in crate::http) fn sign_out(gate: Arc<Gate>) -> Router {
    Router::new().route("/sign-out", post(leave)).with_state(gate)
}

async fn icon() -> Response {
    let icon = include_str!("../../../templates/pages/icon.svg");
    ([(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "max-age=86400")], icon)
        .into_response()
}

async fn show(State(gate): State<Arc<Gate>>, request: Request) -> Result<Response, Problem> {
    let next = next_of(request.uri())?;
    if gate.needs_no_sign_in(request.headers(), peer(&request)) {
        return Ok(Redirect::to(&next).into_response());
    }
    page_with(StatusCode::OK, &SignInPage { next, refused: None })
}

/// Where to go then.
fn next_of(uri: &Uri) -> Result<String, Problem> {
    let next = Asked::among(uri, &["next".to_owned()])?.text("next");
    Ok(next.filter(|next| is_own_path(next)).unwrap_or_else(|| "/".to_owned()))
}

async fn enter(State(gate): State<Arc<Gate>>, request: Request) -> Result<Response, Problem> {
    let peer = peer(&request);
    let (parts, body) = request.into_parts();
    let form = Form::read(&parts, body).await?;
    let next = form.text("next").filter(|next| is_own_path(next)).unwrap_or("/").to_owned();
    match gate.sign_in(form.text("token").unwrap_or_default(), &parts.headers, peer) {
        Ok(cookie) => {
            let mut response = Redirect::to(&next).into_response();
            response.headers_mut().insert(header::SET_COOKIE, cookie);
            Ok(response)
        }
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => {
            gate.metrics.refused(problem.code());
            let refused = "This is none of the tokens that are set in UPSWELL_API_TOKEN.".to_owned();
            page_with(StatusCode::UNAUTHORIZED, &SignInPage { next, refused: Some(refused) })
        }
        Err(problem) => {
            gate.metrics.refused(problem.code());
            Err(problem)
        }
    }
}

async fn leave(
    State(gate): State<Arc<Gate>>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, Problem> {
    let (headers, peer) = (request.headers().clone(), peer(&request));
    Form::of_visitor(request, &visitor).await?;
    let mut response = Redirect::to("/sign-in").into_response();
    if let Some(cookie) = gate.sign_out(&visitor, &headers, peer) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
