//! A month's report, every figure leading to what it is made of.

use askama::Template;
use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;

use super::frame::{Frame, Tab};
use super::{Dashboard, page};
use crate::http::Problem;
use crate::http::access::Visitor;
use crate::http::api::asked::{Asked, named};
use crate::http::api::refusal;
use crate::mrr::Month;
use crate::report::{Basis, MonthStatus, Settings, View, heading};

#[derive(Template)]
#[template(path = "pages/month.html")]
struct MonthPage {
    frame: Frame,
    month: Month,
    is_closed: bool,
    is_restated: bool,
    view: Option<View>,
    /// The report, as HTML.
    report: String,
}

impl MonthPage {
    /// The page of the same month with other choices.
    fn with(&self, view: Option<View>, is_restated: bool) -> String {
        let mut choices = Vec::new();
        choices.extend(view.map(|view| format!("view={}", view.as_str())));
        choices.extend(is_restated.then(|| "restated=true".to_owned()));
        let mark = if choices.is_empty() { "" } else { "?" };
        self.frame.to(&format!("/months/{}{mark}{}", self.month, choices.join("&")))
    }

    fn movements_href(&self) -> String {
        self.frame.to(&format!("/movements?month={}", self.month))
    }

    fn customers_href(&self) -> String {
        self.frame.to(&format!("/customers?month={}", self.month))
    }

    fn close_href(&self) -> String {
        self.frame.to(&format!("/months/{}/close", self.month))
    }

    /// The views, the one of everything first: name, address, whether it is shown.
    fn views(&self) -> Vec<(String, String, bool)> {
        let everybody = ("Everything".to_owned(), self.with(None, self.is_restated), self.view.is_none());
        let of = |view: View| {
            let is_here = self.view == Some(view);
            (heading(view.as_str()), self.with(Some(view), self.is_restated), is_here)
        };
        std::iter::once(everybody).chain(View::ALL.into_iter().map(of)).collect()
    }
}

/// The page of a month's report.
#[utoipa::path(
    get,
    path = "/months/{month}",
    operation_id = "month_page",
    tag = "doors",
    params(("month" = String, Path, description = "The month.", example = "2026-10")),
    responses(
        (status = 200, description = "The page.", body = String, content_type = "text/html"),
        (status = 404, description = "`not_a_month`: the path names no month.", body = ref("#/components/schemas/Problem"), content_type = "application/problem+json"),
        (status = 503, description = "`figures_unavailable`: the store can't be read.", body = ref("#/components/schemas/Problem"), content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn show(
    State(rooms): State<Dashboard>,
    visitor: Extension<Visitor>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let month = month_of(path)?;
    let mut asked = Asked::among(&uri, &["book", "view", "restated"].map(str::to_owned))?;
    let view = asked.word("view", &View::ALL, View::as_str)?;
    let is_restated = asked.flag("restated")?;
    let book = asked.text("book");
    let (frame, settings) = rooms.open(book.as_deref(), &visitor, Tab::Months, month.to_string()).await?;
    let basis = if is_restated { Basis::Restated } else { Basis::Reported };
    let settings = Settings { view, basis, ..settings };
    let report = rooms.reporter.month(&settings, month).await;
    let report = report.map_err(|error| refusal::of_asking(&error))?;
    let is_closed = report.status != MonthStatus::Open;
    let text = report.to_html_part(&|lead| frame.to_lead(lead));
    let report = text.map_err(|error| refusal::unavailable(&error))?;
    page(&MonthPage { frame, month, is_closed, is_restated, view, report })
}

/// The month that a path names.
///
/// # Errors
///
/// None.
pub(super) fn month_of(path: Result<Path<String>, PathRejection>) -> Result<Month, Problem> {
    let not_a_month =
        || refusal::NOT_A_MONTH.problem("a month is written YYYY-MM, for example /months/2026-10");
    Month::parse(&named(path)?).ok_or_else(not_a_month)
}
