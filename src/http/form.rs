//! What a page's form brings with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri, header};

use super::access::Visitor;
use super::places::Place;
use super::{Limits, Problem};

/// What HTML's forms are sent as.
const TYPE: &str = "application/x-www-form-urlencoded";
/// The field that says for whom a form was made.
const MADE_FOR: &str = "form";

/// The fields of a form.
pub(super) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads a form to its end.
    ///
    /// # Errors
    ///
    /// A body that is none, is too large or too slow.
    pub(super) async fn read(parts: &Parts, body: Body) -> Result<Self, Problem> {
        let is_form = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| {
            let kind = kind.to_str().unwrap_or_default();
            kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(TYPE))
        });
        if !is_form {
            return Err(no_form());
        }
        let Limits { form_bytes, body_seconds, .. } = parts.extensions.get().copied().ok_or_else(no_form)?;
        let bytes = tokio::time::timeout(Duration::from_secs(body_seconds), to_bytes(body, form_bytes)).await;
        let bytes = bytes.map_err(|_| no_form())?.map_err(|_| no_form())?;
        if let Some(place) = parts.extensions.get::<Arc<Place>>() {
            place.busy();
        }
        // A form is written as a query is.
        let text = String::from_utf8(bytes.to_vec()).map_err(|_| no_form())?;
        let uri = Uri::builder().path_and_query(format!("/?{text}")).build().map_err(|_| no_form())?;
        let Query(fields) = Query::<BTreeMap<String, String>>::try_from_uri(&uri).map_err(|_| no_form())?;
        Ok(Self(fields))
    }

    /// Reads a form that changes something, which has to have been made for this visitor.
    ///
    /// # Errors
    ///
    /// Those of [`Form::read`]; one that was made for somebody else, or for nobody.
    pub(super) async fn of_visitor(request: Request, visitor: &Visitor) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let form = Self::read(&parts, body).await?;
        if visitor.made(form.text(MADE_FOR)) { Ok(form) } else { Err(not_yours()) }
    }

    /// A field; an empty one counts as none.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

fn no_form() -> Problem {
    let detail = "this is not what the page's form sends; go back to the page and send it from there";
    Problem::new(StatusCode::BAD_REQUEST, "not_a_form", detail)
}

fn not_yours() -> Problem {
    let detail = "this form was not made for your session: it ended, or another page made it; go back, load the page \
                  again and send it once more";
    Problem::new(StatusCode::FORBIDDEN, "form_not_yours", detail)
}
