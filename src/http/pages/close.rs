//! Closing a month with what it would find, and opening it again, on record (R24): what `upswell close` and
//! `upswell reopen` do.

use askama::Template;
use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};

use super::frame::{Frame, Tab};
use super::month::month_of;
use super::{Dashboard, page_with};
use crate::http::Problem;
use crate::http::access::Visitor;
use crate::http::api::asked::Asked;
use crate::http::api::refusal;
use crate::http::form::Form;
use crate::ledger::{Checklist, CloseError};
use crate::mrr::{MissingRate, Month};
use crate::pipeline::Settler;
use crate::report::{Settings, local_time};

#[derive(Template)]
#[template(path = "pages/close.html")]
struct ClosePage {
    frame: Frame,
    month: Month,
    /// How it was closed: when, how many postings, the digest.
    closed: Option<(String, i64, String)>,
    checks: Vec<Check>,
    can_close: bool,
    months: Vec<Month>,
    opens: Vec<Month>,
    reopened: Vec<(String, String)>,
    /// Why the last try came to nothing.
    refused: Option<String>,
    form: Option<String>,
}

impl ClosePage {
    /// Where a form of this month is sent.
    fn act(&self, act: &str) -> String {
        self.frame.to(&format!("/months/{}/{act}", self.month))
    }
}

/// One thing that is looked at before a month is closed.
struct Check {
    /// `done`, `note` or `stop`.
    state: &'static str,
    /// The same in a word.
    word: &'static str,
    what: String,
    why: &'static str,
}

/// What the page is about.
struct Wanted {
    month: Month,
    frame: Frame,
    settings: Settings,
    settler: Settler,
}

impl Dashboard {
    async fn of_month(
        &self,
        visitor: &Extension<Visitor>,
        path: Result<Path<String>, PathRejection>,
        uri: &Uri,
    ) -> Result<Wanted, Problem> {
        let month = month_of(path)?;
        let book = Asked::among(uri, &["book".to_owned()])?.text("book");
        let title = format!("Close {month}");
        let (frame, settings) = self.open(book.as_deref(), visitor, Tab::Months, title).await?;
        let settler = self.settler.clone().ok_or_else(settled_elsewhere)?;
        Ok(Wanted { month, frame, settings, settler })
    }
}

/// The checklist, and the form that closes; of a closed month the digest, and the form that opens it again.
pub(super) async fn show(
    State(rooms): State<Dashboard>,
    visitor: Extension<Visitor>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let wanted = rooms.of_month(&visitor, path, &uri).await?;
    shown(&rooms, wanted, &visitor, None).await
}

/// Closes the month.
pub(super) async fn close(
    State(rooms): State<Dashboard>,
    visitor: Extension<Visitor>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let uri = request.uri().clone();
    Form::of_visitor(request, &visitor).await?;
    let wanted = rooms.of_month(&visitor, path, &uri).await?;
    let (month, book) = (wanted.month, wanted.settings.book.as_str());
    let closed = wanted.settler.close(book, month, wanted.settings.metadata_keys(), (rooms.now)()).await;
    if closed.is_ok() {
        tracing::info!(%month, book, "month closed on the dashboard");
    }
    done(&rooms, wanted, &visitor, closed.map(drop)).await
}

/// Opens the month again.
pub(super) async fn reopen(
    State(rooms): State<Dashboard>,
    visitor: Extension<Visitor>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let uri = request.uri().clone();
    let form = Form::of_visitor(request, &visitor).await?;
    let wanted = rooms.of_month(&visitor, path, &uri).await?;
    let Some(why) = form.text("why") else {
        let refused = "Say why: a month that is opened again is kept with its reason.".to_owned();
        return shown(&rooms, wanted, &visitor, Some(refused)).await;
    };
    let (month, book) = (wanted.month, wanted.settings.book.as_str());
    let opened = rooms.ledger.reopen_month(book, month, why, (rooms.now)()).await;
    if opened.is_ok() {
        tracing::info!(%month, book, "month opened again on the dashboard");
    }
    done(&rooms, wanted, &visitor, opened.map(drop)).await
}

/// Leads to what was done, or says why it was not.
async fn done(
    rooms: &Dashboard,
    wanted: Wanted,
    visitor: &Extension<Visitor>,
    outcome: Result<(), CloseError>,
) -> Result<Response, Problem> {
    match outcome {
        Ok(()) => {
            let page = wanted.frame.to(&format!("/months/{}/close", wanted.month));
            Ok(Redirect::to(&page).into_response())
        }
        Err(CloseError::Store(error)) => Err(refusal::unavailable(&error)),
        Err(refused) => shown(rooms, wanted, visitor, Some(refused.to_string())).await,
    }
}

async fn shown(
    rooms: &Dashboard,
    wanted: Wanted,
    Extension(visitor): &Extension<Visitor>,
    refused: Option<String>,
) -> Result<Response, Problem> {
    let Wanted { month, frame, settings, settler } = wanted;
    let found = settler.before_closing(&settings.book, month, (rooms.now)()).await;
    let found = found.map_err(|error| refusal::unavailable(&error))?;
    let missing = rooms.reporter.missing_rates(&settings, month).await;
    let missing = missing.map_err(|error| refusal::of_asking(&error))?;
    let at = |at| local_time(at, settings.zone);
    let status = if refused.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let closing = found.closing.as_ref();
    let page = ClosePage {
        frame,
        month,
        closed: closing.map(|closing| (at(closing.closed_at), closing.postings, closing.digest.clone())),
        checks: checks(&found, &missing, settings.zone.name()),
        can_close: !found.is_refused(),
        opens: found.opens,
        months: found.months,
        reopened: found.reopened.into_iter().map(|(when, why)| (at(when), why)).collect(),
        refused,
        form: visitor.form.clone(),
    };
    page_with(status, &page)
}

fn checks(found: &Checklist, missing: &[MissingRate], zone: &str) -> Vec<Check> {
    let over = if found.is_over { "The month is over" } else { "The month is not over yet" };
    let has_postings = if found.months.is_empty() {
        "Nothing belongs to this month or an earlier open one"
    } else {
        "There is something to close"
    };
    let mut checks = vec![
        stops(
            found.is_over,
            format!("{over} in {zone}"),
            "A month is closed once it is over in the reporting time zone.",
        ),
        stops(
            !found.months.is_empty(),
            has_postings.to_owned(),
            "A month is closed with what belongs to it.",
        ),
        stops(
            found.other_rules == 0,
            counted(found.other_rules, "customer settled by other rules", "customers settled by other rules"),
            "Version, policy, catalogue and time zone must be those configured; the worker brings the ledger up to them.",
        ),
    ];
    let waiting = [
        (found.pending, "delivery to settle first", "deliveries to settle first"),
        (found.due, "customer to derive first", "customers to derive first"),
    ];
    for (count, one, many) in waiting {
        checks.push(notes(count, one, many, "Closing does so before it closes."));
    }
    let doubts = [
        (found.doubts.parked, "parked delivery", "parked deliveries"),
        (found.doubts.incomplete, "incomplete line", "incomplete lines"),
        (found.doubts.broken_chains, "broken chain", "broken chains"),
        (
            found.doubts.not_derived,
            "customer that could not be derived",
            "customers that could not be derived",
        ),
    ];
    for (count, one, many) in doubts {
        let why = "What it changes later is posted as an adjustment of the month that is open then.";
        checks.push(notes(count, one, many, why));
    }
    let rates = i64::try_from(missing.len()).unwrap_or(i64::MAX);
    let why = "Without it the month is not consolidated; import it with `upswell fx FILE`.";
    checks.push(notes(rates, "missing exchange rate", "missing exchange rates", why));
    checks
}

fn stops(is_met: bool, what: String, why: &'static str) -> Check {
    let (state, word) = if is_met { ("done", "ok") } else { ("stop", "stops") };
    Check { state, word, what, why }
}

fn notes(count: i64, one: &str, many: &str, why: &'static str) -> Check {
    let (state, word) = if count == 0 { ("done", "ok") } else { ("note", "note") };
    Check { state, word, what: counted(count, one, many), why }
}

fn counted(count: i64, one: &str, many: &str) -> String {
    match count {
        0 => format!("No {one}"),
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    }
}

fn settled_elsewhere() -> Problem {
    let detail = "this server only receives; close months on the one that settles, or with `upswell close`";
    Problem::new(StatusCode::CONFLICT, "settled_elsewhere", detail)
}
