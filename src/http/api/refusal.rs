//! Every refusal of the API: its code, its status and what it means. What answers and what describes read the one list.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use crate::explain::ExplainError;
use crate::http::Problem;
use crate::report::{AskError, ReportError};

/// A kind of refusal.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Refusal {
    /// Its code, which stays as it is.
    pub(in crate::http) code: &'static str,
    status: StatusCode,
    means: &'static str,
}

impl Refusal {
    const fn new(status: StatusCode, code: &'static str, means: &'static str) -> Self {
        Self { code, status, means }
    }

    /// It, with a sentence on what to do.
    pub(in crate::http) fn problem(self, detail: impl Into<String>) -> Problem {
        Problem::new(self.status, self.code, detail)
    }
}

pub(in crate::http) const UNKNOWN_PARAMETER: Refusal =
    Refusal::new(StatusCode::BAD_REQUEST, "unknown_parameter", "no parameter has this name");
pub(in crate::http) const INVALID_PARAMETER: Refusal =
    Refusal::new(StatusCode::BAD_REQUEST, "invalid_parameter", "a parameter's value can't be used");
pub(in crate::http) const NO_REPORTING_CURRENCY: Refusal = Refusal::new(
    StatusCode::BAD_REQUEST,
    "no_reporting_currency",
    "consolidated figures are asked for and there is no reporting currency",
);
pub(in crate::http) const NOT_A_MONTH: Refusal =
    Refusal::new(StatusCode::NOT_FOUND, "not_a_month", "the path names no month");
pub(in crate::http) const NO_BYTES: Refusal =
    Refusal::new(StatusCode::NOT_FOUND, "no_bytes", "stored bytes are not given out here");
pub(in crate::http) const NOT_A_FORM: Refusal =
    Refusal::new(StatusCode::NOT_FOUND, "not_a_form", "the path names no form of a report");
pub(in crate::http) const NO_SUCH_BOOK: Refusal = Refusal::new(
    StatusCode::NOT_FOUND,
    "no_such_book",
    "there is no such book, or several and none was named",
);
pub(in crate::http) const UNKNOWN_ID: Refusal =
    Refusal::new(StatusCode::NOT_FOUND, "unknown_id", "nothing is known of this id in this book");
pub(in crate::http) const NOT_DERIVABLE: Refusal = Refusal::new(
    StatusCode::CONFLICT,
    "not_derivable",
    "the customer can't be derived, so there is nothing to explain; `upswell doctor` says why",
);
const FIGURES_UNAVAILABLE: Refusal =
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "figures_unavailable", "the store can't be read now");

/// What any route of the API may answer.
const OF_ALL: [Refusal; 9] = [
    UNKNOWN_PARAMETER,
    INVALID_PARAMETER,
    NO_SUCH_BOOK,
    FIGURES_UNAVAILABLE,
    Refusal::new(
        StatusCode::UNAUTHORIZED,
        "token_missing_or_wrong",
        "a token is asked for, and none or a wrong one was sent",
    ),
    Refusal::new(
        StatusCode::FORBIDDEN,
        "not_local",
        "there is no token, and so only this machine is answered",
    ),
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "the address has another method"),
    Refusal::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_guesses",
        "too many wrong tokens came from this address",
    ),
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "busy",
        "too many questions are being answered; `Retry-After` says when",
    ),
];

/// An error as problem details (RFC 9457).
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "it describes what `Problem` answers")]
pub(in crate::http) struct ProblemDetails {
    /// Always `about:blank`: the code tells what it is.
    #[schema(example = "about:blank")]
    r#type: String,
    /// The status in words.
    title: String,
    /// The status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What it is, for programs; it stays as it is from version to version.
    code: String,
    /// What to do, for people.
    detail: String,
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident: $($own:expr),*;)+) => { $(
        $(#[$doc])*
        pub(in crate::http) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                described(&[$($own),*])
            }
        }
    )+ };
}

refusals! {
    /// What a list may answer instead.
    OfLists: ;
    /// What a report may.
    OfReports: NOT_A_MONTH, NO_REPORTING_CURRENCY;
    /// What reports of several months may.
    OfRanges: NO_REPORTING_CURRENCY;
    /// What a question about one thing may.
    OfOne: UNKNOWN_ID, NOT_DERIVABLE;
}

/// Refusals by status, each with its codes.
fn described(own: &[Refusal]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, Vec<Refusal>> = BTreeMap::new();
    for refusal in OF_ALL.iter().chain(own) {
        by_status.entry(refusal.status.as_u16()).or_default().push(*refusal);
    }
    by_status.into_iter().map(|(status, refusals)| (status.to_string(), response(&refusals).into())).collect()
}

fn response(refusals: &[Refusal]) -> Response {
    let means: Vec<String> =
        refusals.iter().map(|refusal| format!("`{}`: {}", refusal.code, refusal.means)).collect();
    let code = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(refusals.iter().map(|refusal| refusal.code)));
    let schema = AllOfBuilder::new()
        .item(Ref::from_schema_name("Problem"))
        .item(ObjectBuilder::new().schema_type(Type::Object).property("code", code));
    ResponseBuilder::new()
        .description(means.join("; "))
        .content("application/problem+json", ContentBuilder::new().schema(Some(schema)).build())
        .build()
}

/// A page's path that names no month.
pub(in crate::http) fn not_a_month() -> Problem {
    NOT_A_MONTH.problem("a month is written YYYY-MM, for example /months/2026-10")
}

/// Why a question of the ledger has no answer.
pub(in crate::http) fn of_asking(error: &AskError) -> Problem {
    match error {
        AskError::NoSuchBook { books, .. } => {
            NO_SUCH_BOOK.problem(format!("the books are {books}: name one with `book`"))
        }
        AskError::Report(ReportError::BadRange { from, to }) => INVALID_PARAMETER.problem(format!(
            "the months {from} to {to} are no range of 1 to 120 months; `from` is the earlier one"
        )),
        error => unavailable(error),
    }
}

/// Why an id has no explanation.
pub(in crate::http) fn of_explaining(error: &ExplainError) -> Problem {
    match error {
        ExplainError::Unknown { .. } => UNKNOWN_ID
            .problem("nothing is known of this id in this book; ids of customers are at /api/v1/customers"),
        ExplainError::Underivable { .. } => {
            NOT_DERIVABLE.problem("this customer can't be derived; `upswell doctor` says why")
        }
        error @ ExplainError::Store(_) => unavailable(error),
    }
}

/// The store does not answer, or says what this version can't read.
pub(in crate::http) fn unavailable(error: &dyn std::error::Error) -> Problem {
    tracing::error!(%error, "a question could not be answered");
    FIGURES_UNAVAILABLE.problem("the figures can't be read now; the log says why")
}
