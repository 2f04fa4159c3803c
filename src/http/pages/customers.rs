//! Who pays how much at the end of a month.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use super::frame::{Frame, Tab};
use super::shown::{A_PAGE, code, encoded};
use super::{Dashboard, page};
use crate::http::Problem;
use crate::http::access::Visitor;
use crate::http::api::asked::{Asked, refused};
use crate::http::api::refusal;
use crate::mrr::{Month, ProductId};
use crate::report::{CustomerRow, Scale};

#[derive(Template)]
#[template(path = "pages/customers.html")]
struct CustomersPage {
    frame: Frame,
    month: Month,
    all: bool,
    customers: Vec<CustomerLine>,
    /// The way to those that follow.
    next: Option<String>,
    /// Whether these are not the first.
    is_continued: bool,
}

/// A customer in one currency.
struct CustomerLine {
    customer: String,
    href: String,
    mrr: String,
    currency: String,
    since: String,
    products: String,
    status: &'static str,
}

/// The page.
pub(super) async fn show(
    State(rooms): State<Dashboard>,
    visitor: Extension<Visitor>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut asked = Asked::among(&uri, &["book", "month", "all", "after"].map(str::to_owned))?;
    let month = asked.month("month")?.unwrap_or_else(|| rooms.reporter.last_full_month((rooms.now)()));
    let (all, after) = (asked.flag("all")?, asked.text("after"));
    let not_a_cursor = || refused("`after` is what the page before led to".to_owned());
    let after = after.as_deref().map(|after| after.rsplit_once('.').ok_or_else(not_a_cursor)).transpose()?;
    let book = asked.text("book");
    let (frame, settings) = rooms.open(book.as_deref(), &visitor, Tab::Customers, "Customers").await?;
    // One more than shown tells whether there are more.
    let part = rooms.reporter.customers_behind(&settings, month, all, after, A_PAGE + 1).await;
    let mut part = part.map_err(|error| refusal::of_asking(&error))?;
    let are_more = part.len() > A_PAGE;
    part.truncate(A_PAGE);
    let next = part.last().filter(|_| are_more).map(|row| {
        let cursor = encoded(&format!("{}.{}", row.customer, row.currency));
        frame.to(&format!("/customers?month={month}&all={all}&after={cursor}"))
    });
    let customers = part.iter().map(|row| line(row, &frame)).collect();
    page(&CustomersPage { frame, month, all, customers, next, is_continued: after.is_some() })
}

fn line(row: &CustomerRow, frame: &Frame) -> CustomerLine {
    let products: Vec<&str> = row.products.iter().map(ProductId::as_str).collect();
    CustomerLine {
        customer: row.customer.to_string(),
        href: frame.to_customer(row.customer.as_str()),
        mrr: Scale::of(&row.currency).level(row.mrr),
        currency: code(&row.currency),
        since: row.since.map_or_else(|| "–".to_owned(), |since| since.to_string()),
        products: products.join(", "),
        status: row.status,
    }
}
