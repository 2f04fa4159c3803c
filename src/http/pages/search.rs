//! An id led to its page; a beginning of one to the customers that begin so.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Redirect, Response};

use super::frame::{Frame, Tab};
use super::shown::A_PAGE;
use super::{Dashboard, page};
use crate::explain::ExplainError;
use crate::http::Problem;
use crate::http::access::Visitor;
use crate::http::api::asked::Asked;
use crate::http::api::refusal;

#[derive(Template)]
#[template(path = "pages/search.html")]
struct SearchPage {
    frame: Frame,
    /// Customers whose ids begin so, each with its page.
    customers: Vec<(String, String)>,
    are_more: bool,
}

/// The page, or the way to the one thing that has this id.
pub(super) async fn show(
    State(rooms): State<Dashboard>,
    visitor: Extension<Visitor>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut asked = Asked::among(&uri, &["book", "q"].map(str::to_owned))?;
    let wanted = asked.text("q").map(|q| q.trim().to_owned()).unwrap_or_default();
    let book = asked.text("book");
    let (mut frame, settings) = rooms.open(book.as_deref(), &visitor, Tab::Elsewhere, "Search").await?;
    frame.asked.clone_from(&wanted);
    if wanted.is_empty() {
        return page(&SearchPage { frame, customers: Vec::new(), are_more: false });
    }
    // A beginning is looked for first: that takes the page's time only, however large the ledger is.
    let found = rooms.ledger.customers_beginning(&settings.book, &wanted, A_PAGE + 1).await;
    let mut found = found.map_err(|error| refusal::unavailable(&error))?;
    if found.first().is_some_and(|first| first.customer.as_str() == wanted) {
        return Ok(Redirect::to(&frame.to_customer(&wanted)).into_response());
    }
    if found.is_empty() {
        match rooms.explainer.explain(&settings.book, &wanted, None).await {
            Ok(_) => return Ok(Redirect::to(&frame.to_origin(&wanted)).into_response()),
            Err(ExplainError::Underivable { customer }) => {
                return Ok(Redirect::to(&frame.to_customer(&customer)).into_response());
            }
            Err(ExplainError::Unknown { .. }) => {}
            Err(error) => return Err(refusal::of_explaining(&error)),
        }
    }
    let are_more = found.len() > A_PAGE;
    found.truncate(A_PAGE);
    let customers = found.iter().map(|key| key.customer.to_string());
    let customers = customers.map(|id| (frame.to_customer(&id), id)).map(|(href, id)| (id, href)).collect();
    page(&SearchPage { frame, customers, are_more })
}
