//! `reports/{month}`: the monthly expansion report, as `upswell report` gives it.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use utoipa::IntoParams;

use super::asked::{Asked, named, refused};
use super::report_schema::ReportAnswer;
use super::{Figures, answer, refusal};
use crate::http::Problem;
use crate::mrr::{Currency, Month};
use crate::report::{Basis, CONSOLIDATED, Dimension, ReportError, Settings};

/// The choices, as the command's flags.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct Choices {
    /// The book, where there are several.
    #[param(example = "live")]
    book: Option<String>,
    /// Only this currency; `consolidated` for all of them in the reporting currency.
    #[param(example = "usd")]
    currency: Option<String>,
    /// Cut by product, price, currency, country, size_band, tenure, pricing_model, owner or metadata.KEY, and
    /// by nothing else.
    #[param(value_type = Option<String>, example = "product")]
    by: Option<Dimension>,
    /// A closed month as it is known now, with the bridge from what was reported.
    #[param(value_type = Option<bool>, example = false)]
    restated: bool,
}

impl Choices {
    fn read(uri: &Uri) -> Result<Self, Problem> {
        let mut asked = Asked::of::<Self>(uri)?;
        let by = asked.text("by").map(|word| Dimension::parse(&word)).transpose();
        Ok(Self {
            book: asked.text("book"),
            currency: asked.text("currency"),
            by: by.map_err(|error| not_a_dimension(&error))?,
            restated: asked.flag("restated")?,
        })
    }

    /// The settings of the book, with the choices in them.
    fn over(self, settings: Settings) -> Result<Settings, Problem> {
        let currency = self.currency.map(|code| Currency::from(code.to_lowercase()));
        let is_consolidated = currency.as_ref().is_some_and(|asked| asked.as_str() == CONSOLIDATED);
        if is_consolidated && settings.consolidation.is_none() {
            return Err(refusal::NO_REPORTING_CURRENCY
                .problem("there is no reporting currency; set UPSWELL_REPORTING_CURRENCY"));
        }
        let basis = if self.restated { Basis::Restated } else { Basis::Reported };
        Ok(Settings { by: self.by, currency, basis, ..settings })
    }
}

/// The monthly expansion report: what `upswell report --format json` gives, byte for byte.
///
/// A closed month is as it was reported, unless `restated` is asked for. Where consolidated figures lack a rate,
/// `consolidated` is null and `consolidated_reason` says which.
#[utoipa::path(
    get,
    path = "/api/v1/reports/{month}",
    operation_id = "report",
    tag = "figures",
    params(("month" = String, Path, description = "The month.", example = "2026-10", pattern = r"^\d{4}-\d{2}$"), Choices),
    responses((status = 200, description = "The report.", body = ReportAnswer), refusal::OfReports)
)]
pub(super) async fn show(
    State(figures): State<Figures>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut choices = Choices::read(&uri)?;
    let Some(month) = Month::parse(&named(path)?) else {
        return Err(refusal::NOT_A_MONTH.problem("a month is written YYYY-MM, for example 2026-10"));
    };
    let of_book = figures.reporter.settings(choices.book.take().as_deref()).await;
    let settings = choices.over(of_book.map_err(|error| refusal::of_asking(&error))?)?;
    let report = figures.reporter.month(&settings, month).await;
    let report = report.map_err(|error| refusal::of_asking(&error))?;
    let body = report.to_json().map_err(|error| refusal::unavailable(&error))?;
    Ok(answer::json(&headers, body))
}

fn not_a_dimension(_: &ReportError) -> Problem {
    refused(
        "`by` is product, price, currency, country, size_band, tenure, pricing_model, owner or metadata.KEY"
            .to_owned(),
    )
}
