//! A customer's life: its MRR through time, what moved it, and the proof of each.

use askama::Template;
use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;

use super::frame::{Frame, Tab};
use super::life_line::{LifeLine, life_line};
use super::shown::Line;
use super::{Dashboard, page};
use crate::http::Problem;
use crate::http::access::Visitor;
use crate::http::api::asked::{Asked, named};
use crate::http::api::refusal;
use crate::ledger::{CustomerKey, Wanted};
use crate::mrr::{CustomerId, Instant};
use crate::report::MovementRow;

#[derive(Template)]
#[template(path = "pages/customer.html")]
struct CustomerPage {
    frame: Frame,
    id: String,
    since: Option<String>,
    lives: Vec<LifeLine>,
    subscriptions: Vec<(String, String)>,
    lines: Vec<Line>,
    with_customer: bool,
}

/// The page.
pub(super) async fn show(
    State(rooms): State<Dashboard>,
    visitor: Extension<Visitor>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let id = named(path)?;
    let book = Asked::among(&uri, &["book".to_owned()])?.text("book");
    let (frame, settings) = rooms.open(book.as_deref(), &visitor, Tab::Customers, id.as_str()).await?;
    let customer = CustomerId::from(id.clone());
    let key = CustomerKey { book: settings.book.clone(), customer: customer.clone() };
    let known = rooms.ledger.known(&key, Some(Instant(i64::MAX))).await;
    if known.map_err(|error| refusal::unavailable(&error))?.settled_at.is_none() {
        return Err(refusal::UNKNOWN_ID.problem("nothing is known of a customer of this id in this book"));
    }
    let lives = rooms.reporter.life(&settings, &customer).await;
    let lives = lives.map_err(|error| refusal::of_asking(&error))?;
    let wanted =
        Wanted { book: Some(settings.book.clone()), customer: Some(id.clone()), ..Wanted::default() };
    let movements = rooms.reporter.movements(&wanted).await;
    let mut movements = movements.map_err(|error| refusal::of_asking(&error))?;
    movements.sort_by_key(|row| (row.movement.effective_at, row.seq));
    let now = (rooms.now)();
    page(&CustomerPage {
        since: movements.first().map(|row| row.month.to_string()),
        lives: lives.iter().filter_map(|life| life_line(life, now, settings.zone)).collect(),
        subscriptions: subscriptions(&movements, &frame),
        // The last one first, as it is read.
        lines: movements.iter().rev().map(|row| Line::of(row, &frame, settings.zone)).collect(),
        with_customer: false,
        id,
        frame,
    })
}

/// The subscriptions that moved, in the order they began to, each with its page.
fn subscriptions(movements: &[MovementRow], frame: &Frame) -> Vec<(String, String)> {
    let mut subscriptions: Vec<(String, String)> = Vec::new();
    for row in movements {
        let id = row.movement.subscription.to_string();
        if subscriptions.iter().all(|(known, _)| *known != id) {
            let href = frame.to_origin(&id);
            subscriptions.push((id, href));
        }
    }
    subscriptions
}
