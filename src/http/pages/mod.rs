//! The dashboard: pages rendered by the server, readable without JavaScript, one file a page. They ask the same rooms
//! as the commands and the API; no figure is made here.

mod close;
mod customer;
mod customers;
mod exceptions;
mod explain;
mod frame;
mod imports;
mod life_line;
pub(super) mod month;
mod months;
mod movements;
mod people;
mod search;
mod shown;
mod sign_in;

use std::sync::LazyLock;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::Problem;
use super::access::Visitor;
use super::api::refusal;
use crate::doctor::Doctor;
use crate::explain::Explainer;
use crate::ledger::Ledger;
use crate::pipeline::Settler;
use crate::report::{AskError, Reporter, Settings};
use frame::{Frame, Tab};

pub(super) use people::{for_people, lead_to_sign_in};
pub(super) use sign_in::{sign_in, sign_out};

/// A page is one file with its styles inside; nothing else may be loaded into it but the icon, and no other style than
/// the templates' is one, whatever the figures' names bring along. Forms are sent here and nowhere else.
static PAGE_POLICY: LazyLock<String> = LazyLock::new(|| {
    let digest = |style: &str| format!(" 'sha256-{}'", STANDARD.encode(Sha256::digest(style)));
    let styles: String = frame::STYLES.iter().map(|style| digest(style())).collect();
    format!(
        "default-src 'none'; style-src{styles}; img-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    )
});

/// What the pages are made from.
#[derive(Clone)]
pub struct Dashboard {
    /// Figures.
    pub reporter: Reporter,
    /// Where they come from.
    pub explainer: Explainer,
    /// Single things: ids, closings, imports.
    pub ledger: Ledger,
    /// What is wrong.
    pub doctor: Doctor,
    /// What closes months; none where another server settles.
    pub settler: Option<Settler>,
    /// Whether stored bytes may be taken along.
    pub gives_bytes: bool,
    /// The clock, in unix seconds.
    pub now: fn() -> i64,
}

/// The pages: `/` leads to the last full month's report.
pub fn dashboard(rooms: Dashboard) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/months", get(months::show))
        .route("/months/{month}", get(month::show))
        .route("/months/{month}/report/{form}", get(month::file))
        .route("/months/{month}/close", get(close::show).post(close::close))
        .route("/months/{month}/reopen", post(close::reopen))
        .route("/customers", get(customers::show))
        .route("/customers/{id}", get(customer::show))
        .route("/movements", get(movements::show))
        .route("/explain/{id}", get(explain::show))
        .route("/explain/{id}/bytes", get(explain::bytes))
        .route("/exceptions", get(exceptions::show))
        .route("/imports", get(imports::show))
        .route("/search", get(search::show))
        .with_state(rooms)
}

/// The way to the last full month's page.
#[utoipa::path(get, path = "/", operation_id = "home", tag = "doors",
    responses((status = 307, description = "To the page of the last full month.")))]
pub(super) async fn home(State(rooms): State<Dashboard>) -> Redirect {
    Redirect::temporary(&format!("/months/{}", rooms.reporter.last_full_month((rooms.now)())))
}

impl Dashboard {
    /// The settings of the book that a page is about, and the page's frame.
    ///
    /// # Errors
    ///
    /// The store's; a book that is not there.
    async fn open(
        &self,
        book: Option<&str>,
        visitor: &Extension<Visitor>,
        tab: Tab,
        title: impl Into<String>,
    ) -> Result<(Frame, Settings), Problem> {
        let books = self.ledger.books().await.map_err(|error| refusal::unavailable(&error))?;
        let settings = match self.reporter.settings(book).await {
            // There are several and none is the usual one: any is better than none.
            Err(AskError::NoSuchBook { .. }) if book.is_none() => {
                self.reporter.settings(books.first().map(String::as_str)).await
            }
            settings => settings,
        };
        let settings = settings.map_err(|error| refusal::of_asking(&error))?;
        Ok((Frame::new(title.into(), tab, &settings.book, books, visitor), settings))
    }
}

/// A page as it is answered.
///
/// # Errors
///
/// One that can't be written, which does not happen for text in memory.
fn page(template: &impl Template) -> Result<Response, Problem> {
    page_with(StatusCode::OK, template)
}

/// The same, with another status.
fn page_with(status: StatusCode, template: &impl Template) -> Result<Response, Problem> {
    let text = template.render().map_err(|error| refusal::unavailable(&error))?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY.as_str()),
    ];
    Ok((status, headers, text).into_response())
}
