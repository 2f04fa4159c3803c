//! What a person should look at, each with the remedy: `upswell doctor` as a page.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use super::frame::{Frame, Tab, in_book};
use super::shown::encoded;
use super::{Dashboard, page};
use crate::doctor::{About, Part};
use crate::http::Problem;
use crate::http::access::Visitor;
use crate::http::api::asked::Asked;
use crate::http::api::refusal;

#[derive(Template)]
#[template(path = "pages/exceptions.html")]
struct ExceptionsPage {
    frame: Frame,
    /// What somebody has to do something about.
    faults: Vec<Part>,
    /// What is good to know.
    notices: Vec<Part>,
}

/// More notices of one sort than these are told when asked for.
const SHORT: usize = 12;

impl ExceptionsPage {
    fn is_long(&self, part: &Part) -> bool {
        !part.is_fault && part.entries.len() > SHORT
    }

    fn href(&self, about: &About) -> String {
        let page = if about.is_customer { "customers" } else { "explain" };
        in_book(&format!("/{page}/{}", encoded(&about.id)), &about.book)
    }
}

/// The page.
pub(super) async fn show(
    State(rooms): State<Dashboard>,
    visitor: Extension<Visitor>,
    uri: Uri,
) -> Result<Response, Problem> {
    let book = Asked::among(&uri, &["book".to_owned()])?.text("book");
    let (frame, _) = rooms.open(book.as_deref(), &visitor, Tab::Exceptions, "Exceptions").await?;
    let findings = rooms.doctor.findings((rooms.now)()).await;
    let findings = findings.map_err(|error| refusal::of_asking(&error))?;
    let (faults, notices) = findings.parts().into_iter().partition(|part| part.is_fault);
    page(&ExceptionsPage { frame, faults, notices })
}
