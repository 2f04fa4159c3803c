//! What was imported, as far as the store knows: where deliveries came from, how far lists of the API were read,
//! exchange rates.

use std::collections::BTreeMap;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use chrono_tz::Tz;

use super::frame::{Frame, Tab};
use super::{Dashboard, page};
use crate::http::Problem;
use crate::http::access::Visitor;
use crate::http::api::asked::Asked;
use crate::http::api::refusal;
use crate::ledger::{Arrivals, PullSlice, RateSource};
use crate::mrr::Instant;
use crate::report::local_time;

/// So many deliveries are looked at for one page: the inbox has no other order than that of arrival.
const LOOKED_AT: i64 = 20_000;

#[derive(Template)]
#[template(path = "pages/imports.html")]
struct ImportsPage {
    frame: Frame,
    /// The numbers in the inbox of the deliveries that were looked at.
    first: i64,
    last: i64,
    sources: Vec<SourceLine>,
    older: Option<String>,
    lists: Vec<ListLine>,
    rates: Vec<RateLine>,
}

/// Deliveries of one source.
struct SourceLine {
    name: String,
    count: i64,
    parked: i64,
    first_at: String,
    last_at: String,
}

/// A list of Stripe's API.
#[derive(Default)]
struct ListLine {
    account: String,
    list: String,
    objects: i64,
    pages: i64,
    spans: u64,
    unfinished: u64,
    last_at: Option<i64>,
    last: String,
}

/// A file of exchange rates.
struct RateLine {
    source: String,
    count: i64,
    from: String,
    to: String,
    at: String,
}

/// The page.
pub(super) async fn show(
    State(rooms): State<Dashboard>,
    visitor: Extension<Visitor>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut asked = Asked::among(&uri, &["book", "before"].map(str::to_owned))?;
    let before = asked.number("before", 1)?;
    let book = asked.text("book");
    let (frame, settings) = rooms.open(book.as_deref(), &visitor, Tab::Imports, "Imports").await?;
    let unavailable = |error| refusal::unavailable(&error);
    let newest = rooms.ledger.last_arrival().await.map_err(unavailable)?;
    let last = before.map_or(newest, |before| newest.min(before - 1));
    let first = (last - LOOKED_AT).max(0);
    let sources = rooms.ledger.arrivals(first, last).await.map_err(unavailable)?;
    let pulls = rooms.ledger.pulls().await.map_err(unavailable)?;
    let rates = rooms.ledger.rate_sources().await.map_err(unavailable)?;
    let zone = settings.zone;
    page(&ImportsPage {
        sources: sources.into_iter().map(|source| source_line(source, zone)).collect(),
        lists: lists(&pulls, zone),
        rates: rates.into_iter().map(|rate| rate_line(rate, zone)).collect(),
        older: (first > 0).then(|| frame.to(&format!("/imports?before={}", first + 1))),
        first: if last == 0 { 0 } else { first + 1 },
        last,
        frame,
    })
}

fn source_line(of: Arrivals, zone: Tz) -> SourceLine {
    let name = match of.source.as_str() {
        "webhook" => "Stripe's webhook, signed".to_owned(),
        "fetched" => "Stripe's API".to_owned(),
        _ => of.file.unwrap_or_else(|| "a file".to_owned()),
    };
    SourceLine {
        name,
        count: of.count,
        parked: of.parked,
        first_at: local_time(Instant(of.first_at), zone),
        last_at: local_time(Instant(of.last_at), zone),
    }
}

/// The lists, their spans taken together.
fn lists(slices: &[PullSlice], zone: Tz) -> Vec<ListLine> {
    let mut lists: BTreeMap<(&str, bool, &str), ListLine> = BTreeMap::new();
    for slice in slices {
        let list = lists.entry((&slice.account, slice.livemode, &slice.list)).or_default();
        list.objects += slice.objects;
        list.pages += slice.pages;
        list.spans += 1;
        list.unfinished += u64::from(slice.done_at.is_none());
        list.last_at = list.last_at.max(slice.done_at);
    }
    let named = |((account, is_live, list), line): ((&str, bool, &str), ListLine)| ListLine {
        account: match (account, is_live) {
            ("", true) => "own account, live".to_owned(),
            ("", false) => "own account, test".to_owned(),
            (account, true) => format!("{account}, live"),
            (account, false) => format!("{account}, test"),
        },
        list: list.replace('_', " "),
        last: line.last_at.map_or_else(|| "–".to_owned(), |at| local_time(Instant(at), zone)),
        ..line
    };
    lists.into_iter().map(named).collect()
}

fn rate_line(of: RateSource, zone: Tz) -> RateLine {
    RateLine {
        source: of.source,
        count: of.count,
        from: of.first_date,
        to: of.last_date,
        at: local_time(Instant(of.imported_at), zone),
    }
}
