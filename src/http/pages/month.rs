//! A month's report, every figure leading to what it is made of; and the same as a file.
#![expect(unused_qualifications, reason = "what describes a route writes the types of its parameters so")]

use askama::Template;
use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use utoipa::IntoParams;

use super::frame::{Frame, Tab};
use super::{Dashboard, page};
use crate::http::Problem;
use crate::http::access::Visitor;
use crate::http::api::asked::{Asked, named};
use crate::http::api::refusal;
use crate::mrr::Month;
use crate::report::{Basis, Form, Lead, MonthStatus, Report, Settings, View, heading};

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
        self.chosen(&format!("/months/{}", self.month), view, is_restated)
    }

    fn chosen(&self, path: &str, view: Option<View>, is_restated: bool) -> String {
        let mut choices = Vec::new();
        choices.extend(view.map(|view| format!("view={}", view.as_str())));
        choices.extend(is_restated.then(|| "restated=true".to_owned()));
        let mark = if choices.is_empty() { "" } else { "?" };
        self.frame.to(&format!("{path}{mark}{}", choices.join("&")))
    }

    /// The forms in which this report can be taken along, each with its address.
    fn forms(&self) -> [(&'static str, String); Form::ALL.len()] {
        Form::ALL.map(|form| {
            let path = format!("/months/{}/report/{}", self.month, form.as_str());
            (form.as_str(), self.chosen(&path, self.view, self.is_restated))
        })
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

/// What a month's page and its files can be asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what `chosen` reads")]
struct Choices {
    /// The book, where there are several.
    #[param(example = "live")]
    book: Option<String>,
    /// For whom it is laid out: sales, marketing, finance, executive, owner.
    #[param(example = "finance")]
    view: Option<String>,
    /// A closed month as it is known now, with the bridge from what was reported.
    #[param(value_type = Option<bool>, example = false)]
    restated: bool,
}

/// A month's report, as it was chosen.
struct Chosen {
    frame: Frame,
    settings: Settings,
    report: Report,
}

/// The page of a month's report.
#[utoipa::path(
    get,
    path = "/months/{month}",
    operation_id = "month_page",
    tag = "doors",
    params(("month" = String, Path, description = "The month.", example = "2026-10"), Choices),
    responses(
        (status = 200, description = "The page.", body = String, content_type = "text/html"),
        (status = 400, description = "`unknown_parameter`, `invalid_parameter`: the query can't be read.", body = ref("#/components/schemas/Problem"), content_type = "application/problem+json"),
        (status = 404, description = "`not_a_month`: the path names no month; `no_such_book`: there is no such book.", body = ref("#/components/schemas/Problem"), content_type = "application/problem+json"),
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
    let Chosen { frame, settings, report } = chosen(&rooms, &visitor, month, &uri).await?;
    let is_closed = report.status != MonthStatus::Open;
    let is_restated = settings.basis == Basis::Restated;
    let href = |lead: &Lead| match lead {
        // Who comes from what is known now is shown that figure again.
        Lead::Movements(filter) if is_restated => {
            frame.to_movements(filter, &[("restated", "true".to_owned())])
        }
        lead => frame.to_lead(lead),
    };
    let text = report.to_html_part(&href);
    let report = text.map_err(|error| refusal::unavailable(&error))?;
    page(&MonthPage { frame, month, is_closed, is_restated, view: settings.view, report })
}

/// A month's report as a file: html, xlsx, csv, zip, json or md.
#[utoipa::path(
    get,
    path = "/months/{month}/report/{form}",
    operation_id = "month_file",
    tag = "doors",
    params(
        ("month" = String, Path, description = "The month.", example = "2026-10"),
        ("form" = String, Path, description = "The form: html, xlsx, csv, zip, json or md.", example = "xlsx"),
        Choices
    ),
    responses(
        (status = 200, description = "The file, as `upswell report -o FILE` writes it.", body = String, content_type = "application/octet-stream"),
        (status = 400, description = "`unknown_parameter`, `invalid_parameter`: the query can't be read.", body = ref("#/components/schemas/Problem"), content_type = "application/problem+json"),
        (status = 404, description = "`not_a_month`, `not_a_form`: the path names no month, or no form; `no_such_book`: there is no such book.", body = ref("#/components/schemas/Problem"), content_type = "application/problem+json"),
        (status = 503, description = "`figures_unavailable`: the store can't be read.", body = ref("#/components/schemas/Problem"), content_type = "application/problem+json"),
    )
)]
pub(in crate::http) async fn file(
    State(rooms): State<Dashboard>,
    visitor: Extension<Visitor>,
    path: Result<Path<(String, String)>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let Path((month, form)) = path.map_err(|_| refusal::not_a_month())?;
    let month = Month::parse(&month).ok_or_else(refusal::not_a_month)?;
    let forms = || refusal::NOT_A_FORM.problem("a report is html, xlsx, csv, zip, json or md");
    let form = Form::parse(&form).ok_or_else(forms)?;
    let Chosen { settings, mut report, .. } = chosen(&rooms, &visitor, month, &uri).await?;
    if form.holds_register() {
        let with = rooms.reporter.with_register(&settings, report).await;
        report = with.map_err(|error| refusal::of_asking(&error))?;
    }
    let bytes = report.in_form(form).map_err(|error| refusal::unavailable(&error))?;
    let name = format!("attachment; filename=\"expansion-report-{month}.{}\"", form.as_str());
    let headers = [(header::CONTENT_TYPE, form.media_type().to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, bytes).into_response())
}

/// The report of a month with what a request chooses.
async fn chosen(
    rooms: &Dashboard,
    visitor: &Extension<Visitor>,
    month: Month,
    uri: &Uri,
) -> Result<Chosen, Problem> {
    let mut asked = Asked::of::<Choices>(uri)?;
    let view = asked.word("view", &View::ALL, View::as_str)?;
    let basis = if asked.flag("restated")? { Basis::Restated } else { Basis::Reported };
    let book = asked.text("book");
    let (frame, settings) = rooms.open(book.as_deref(), visitor, Tab::Months, month.to_string()).await?;
    let settings = Settings { view, basis, ..settings };
    let report = rooms.reporter.month(&settings, month).await;
    let report = report.map_err(|error| refusal::of_asking(&error))?;
    Ok(Chosen { frame, settings, report })
}

/// The month that a path names.
///
/// # Errors
///
/// None.
pub(super) fn month_of(path: Result<Path<String>, PathRejection>) -> Result<Month, Problem> {
    Month::parse(&named(path)?).ok_or_else(refusal::not_a_month)
}
