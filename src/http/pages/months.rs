//! The months of a book, newest first, each in a line.

use std::collections::BTreeMap;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use super::frame::{Frame, Tab};
use super::{Dashboard, page};
use crate::http::Problem;
use crate::http::access::Visitor;
use crate::http::api::asked::Asked;
use crate::http::api::refusal;
use crate::mrr::{Instant, Month};
use crate::report::{Headline, MonthRow};

/// So many months come on one page.
const A_YEAR: usize = 12;

#[derive(Template)]
#[template(path = "pages/months.html")]
struct MonthsPage {
    frame: Frame,
    months: Vec<MonthLine>,
    /// The way to those before.
    older: Option<String>,
}

/// A month in the list.
struct MonthLine {
    month: Month,
    href: String,
    status: &'static str,
    close_href: String,
    /// What can be done about its books.
    act: &'static str,
    headlines: Vec<Headline>,
}

/// The page.
pub(super) async fn show(
    State(rooms): State<Dashboard>,
    visitor: Extension<Visitor>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut asked = Asked::among(&uri, &["book".to_owned(), "before".to_owned()])?;
    let before = asked.month("before")?;
    let (frame, settings) =
        rooms.open(asked.text("book").as_deref(), &visitor, Tab::Months, "Months").await?;
    let now = (rooms.now)();
    let rows = rooms.reporter.months(&settings, now).await.map_err(|error| refusal::of_asking(&error))?;
    let mut rows: Vec<MonthRow> =
        rows.into_iter().filter(|row| before.is_none_or(|before| row.month < before)).collect();
    let are_more = rows.len() > A_YEAR;
    rows.drain(..rows.len().saturating_sub(A_YEAR));
    let older =
        rows.first().filter(|_| are_more).map(|row| frame.to(&format!("/months?before={}", row.month)));
    let mut headlines = BTreeMap::new();
    if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
        let range = rooms.reporter.range(&settings, first.month, last.month).await;
        let range = range.map_err(|error| refusal::of_asking(&error))?;
        headlines.extend(range.months.iter().map(|report| (report.month, report.headlines())));
    }
    let line = |row: MonthRow| MonthLine {
        month: row.month,
        href: frame.to_month(row.month),
        status: row.status.as_str(),
        close_href: frame.to(&format!("/months/{}/close", row.month)),
        act: match row.closed_at {
            Some(_) => "Digest",
            None if row.month.end(settings.zone) <= Instant(now) => "Close",
            None => "",
        },
        headlines: headlines.remove(&row.month).unwrap_or_default(),
    };
    let months = rows.into_iter().rev().map(line).collect();
    page(&MonthsPage { frame, months, older })
}
