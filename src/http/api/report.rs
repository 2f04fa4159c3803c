//! `reports/{month}` and `reports`: the expansion report of a month and of several, as `upswell report` gives them.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use utoipa::IntoParams;

use super::asked::{Asked, named, parameters, refused};
use super::range_schema::RangeAnswer;
use super::report_schema::ReportAnswer;
use super::{Figures, answer, refusal};
use crate::http::Problem;
use crate::mrr::{Currency, Month};
use crate::report::{Basis, CONSOLIDATED, Dimension, ReportError, Settings, View};

/// The choices, as the command's flags.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Choices {
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
    /// Whose view is named beside the figures, with the tiles and sections that it shows: sales, marketing, finance,
    /// executive or owner. The figures are the same.
    #[param(value_type = Option<String>, example = "finance")]
    view: Option<View>,
}

impl Choices {
    /// Takes the choices out of what is asked.
    fn take(asked: &mut Asked) -> Result<Self, Problem> {
        let by = asked.text("by").map(|word| Dimension::parse(&word)).transpose();
        Ok(Self {
            book: asked.text("book"),
            currency: asked.text("currency"),
            by: by.map_err(|error| not_a_dimension(&error))?,
            restated: asked.flag("restated")?,
            view: asked.word("view", &View::ALL, View::as_str)?,
        })
    }

    /// The settings of the book that is asked for, with the choices in them.
    async fn settings(mut self, figures: &Figures) -> Result<Settings, Problem> {
        let of_book = figures.reporter.settings(self.book.take().as_deref()).await;
        self.over(of_book.map_err(|error| refusal::of_asking(&error))?)
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
        Ok(Settings { by: self.by, view: self.view, currency, basis, ..settings })
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
    let choices = Choices::take(&mut Asked::of::<Choices>(&uri)?)?;
    let Some(month) = Month::parse(&named(path)?) else {
        return Err(refusal::NOT_A_MONTH.problem("a month is written YYYY-MM, for example 2026-10"));
    };
    let settings = choices.settings(&figures).await?;
    let report = figures.reporter.month(&settings, month).await;
    let report = report.map_err(|error| refusal::of_asking(&error))?;
    let body = report.to_json().map_err(|error| refusal::unavailable(&error))?;
    Ok(answer::json(&headers, body))
}

/// Which months, as the command's flags.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct Months {
    /// The first of several months.
    #[param(value_type = Option<String>, example = "2026-01", pattern = r"^\d{4}-\d{2}$")]
    from: Option<Month>,
    /// The last of them; 120 are the most there may be.
    #[param(value_type = Option<String>, example = "2026-06", pattern = r"^\d{4}-\d{2}$")]
    to: Option<Month>,
    /// The twelve months that end with `month`, in place of `from` and `to`.
    #[param(value_type = Option<bool>, example = false)]
    trailing: bool,
    /// The last of the trailing twelve; the last full one if none is named.
    #[param(value_type = Option<String>, example = "2026-10", pattern = r"^\d{4}-\d{2}$")]
    month: Option<Month>,
}

impl Months {
    fn take(asked: &mut Asked) -> Result<Self, Problem> {
        Ok(Self {
            from: asked.month("from")?,
            to: asked.month("to")?,
            trailing: asked.flag("trailing")?,
            month: asked.month("month")?,
        })
    }

    /// The first and the last.
    fn range(self, last_full: Month) -> Result<(Month, Month), Problem> {
        match self {
            Self { from: Some(from), to: Some(to), trailing: false, month: None } => Ok((from, to)),
            Self { from: None, to: None, trailing: true, month } => {
                let last = month.unwrap_or(last_full);
                Ok((last.minus(11), last))
            }
            _ => Err(refused(
                "name the months with `from` and `to`, or with `trailing=true` and, if it is not the last full one, `month`"
                    .to_owned(),
            )),
        }
    }
}

/// The reports of several months and what they come to: what `upswell report --from --to --format json` gives, or with
/// `--trailing`, byte for byte.
///
/// `months` are reports as of one month; `total` has the run as one period: levels of both ends, and between them the
/// sums of the months' flows.
#[utoipa::path(
    get,
    path = "/api/v1/reports",
    operation_id = "reports",
    tag = "figures",
    params(Months, Choices),
    responses((status = 200, description = "The reports.", body = RangeAnswer), refusal::OfRanges)
)]
pub(super) async fn range(
    State(figures): State<Figures>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let known = [parameters::<Months>(), parameters::<Choices>()].concat();
    let mut asked = Asked::among(&uri, &known)?;
    let (months, choices) = (Months::take(&mut asked)?, Choices::take(&mut asked)?);
    let (from, to) = months.range(figures.reporter.last_full_month((figures.now)()))?;
    let settings = choices.settings(&figures).await?;
    let range = figures.reporter.range(&settings, from, to).await;
    let range = range.map_err(|error| refusal::of_asking(&error))?;
    let body = range.to_json().map_err(|error| refusal::unavailable(&error))?;
    Ok(answer::json(&headers, body))
}

fn not_a_dimension(_: &ReportError) -> Problem {
    refused(
        "`by` is product, price, currency, country, size_band, tenure, pricing_model, owner or metadata.KEY"
            .to_owned(),
    )
}
