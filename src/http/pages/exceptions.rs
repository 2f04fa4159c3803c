//! What a person should look at, each with the remedy: `upswell doctor` as a page.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use super::frame::{Frame, Tab, in_book};
use super::shown::encoded;
use super::{Dashboard, page};
use crate::doctor::{About, Entry, ON_A_PAGE, Part};
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
        !part.is_fault && part.count > SHORT
    }

    /// What was found, the ids in it with what they lead to.
    fn pieces(&self, entry: &Entry) -> Vec<(String, Option<String>)> {
        let mut pieces = Vec::new();
        let mut rest = entry.what.as_str();
        for about in &entry.about {
            if let Some((before, after)) = rest.split_once(about.id.as_str()) {
                pieces.extend([(before.to_owned(), None), (about.id.clone(), Some(href(about)))]);
                rest = after;
            }
        }
        pieces.push((rest.to_owned(), None));
        pieces
    }
}

fn href(about: &About) -> String {
    let page = if about.is_customer { "customers" } else { "explain" };
    in_book(&format!("/{page}/{}", encoded(&about.id)), &about.book)
}

/// The page.
pub(super) async fn show(
    State(rooms): State<Dashboard>,
    visitor: Extension<Visitor>,
    uri: Uri,
) -> Result<Response, Problem> {
    let book = Asked::among(&uri, &["book".to_owned()])?.text("book");
    let (frame, _) = rooms.open(book.as_deref(), &visitor, Tab::Exceptions, "Exceptions").await?;
    let findings = rooms.doctor.first_findings((rooms.now)(), ON_A_PAGE).await;
    let findings = findings.map_err(|error| refusal::of_asking(&error))?;
    let (faults, notices) = findings.parts().into_iter().partition(|part| part.is_fault);
    page(&ExceptionsPage { frame, faults, notices })
}
