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
use crate::mrr::{Grade, Month, ProductId};
use crate::report::{CustomerCut, CustomerRow, Dimension, Scale, Settings, heading};

#[derive(Template)]
#[template(path = "pages/customers.html")]
struct CustomersPage {
    frame: Frame,
    month: Month,
    all: bool,
    /// Which of them, where not all are asked for.
    cut: Option<CustomerCut>,
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

/// The customers of a page, and the way to those that follow.
struct Listed {
    rows: Vec<CustomerRow>,
    next: Option<String>,
}

impl CustomersPage {
    /// Which customers these are, in words.
    fn said(&self) -> String {
        let which = match &self.cut {
            None => String::new(),
            Some(CustomerCut::Since(first)) => format!(", of those whose first movement was in {first}"),
            Some(CustomerCut::Segment(dimension, segment)) => {
                format!(", of those in {} {segment}", heading(&dimension.name()).to_lowercase())
            }
            Some(CustomerCut::Evidence(grade)) => {
                let grade = heading(grade.as_str()).to_lowercase();
                format!(", of those with some of it resting on evidence of the grade {grade}")
            }
        };
        format!("Who pays how much at the end of {}{which}.", self.month)
    }

    /// What the form goes on asking for.
    fn cut_words(&self) -> Vec<(&'static str, String)> {
        self.cut.as_ref().map(CustomerCut::words).unwrap_or_default()
    }

    /// All customers of the month.
    fn all_href(&self) -> String {
        self.frame.to_customers(self.month, None)
    }
}

/// The page.
pub(super) async fn show(
    State(rooms): State<Dashboard>,
    visitor: Extension<Visitor>,
    uri: Uri,
) -> Result<Response, Problem> {
    let known = ["book", "month", "all", "since", "by", "segment", "grade", "after"];
    let mut asked = Asked::among(&uri, &known.map(str::to_owned))?;
    let month = asked.month("month")?.unwrap_or_else(|| rooms.reporter.last_full_month((rooms.now)()));
    let (all, after) = (asked.flag("all")?, asked.text("after"));
    let cut = cut(&mut asked)?;
    let book = asked.text("book");
    let (frame, settings) = rooms.open(book.as_deref(), &visitor, Tab::Customers, "Customers").await?;
    let after = after.as_deref();
    let Listed { rows, next } = match &cut {
        Some(cut) => some(&rooms, &settings, &frame, (month, cut), after).await?,
        None => every(&rooms, &settings, &frame, (month, all), after).await?,
    };
    let customers = rows.iter().map(|row| line(row, &frame)).collect();
    page(&CustomersPage { frame, month, all, cut, customers, next, is_continued: after.is_some() })
}

/// Which of the customers are meant.
///
/// # Errors
///
/// A dimension that is none, or one without a segment; several of cohort, segment and evidence.
fn cut(asked: &mut Asked) -> Result<Option<CustomerCut>, Problem> {
    let (since, by, segment) = (asked.month("since")?, asked.text("by"), asked.text("segment"));
    let grade = asked.word("grade", Grade::ALL, Grade::as_str)?;
    match (since, by, segment, grade) {
        (None, None, None, None) => Ok(None),
        (Some(first), None, None, None) => Ok(Some(CustomerCut::Since(first))),
        (None, None, None, Some(grade)) => Ok(Some(CustomerCut::Evidence(grade))),
        (None, Some(by), Some(segment), None) => {
            let dimension = Dimension::parse(&by).map_err(|_| {
                refused("`by` is what a report can be cut by: product, owner, metadata.KEY".to_owned())
            })?;
            Ok(Some(CustomerCut::Segment(dimension, segment)))
        }
        _ => Err(refused("name `since`, or `grade`, or `by` and `segment` together".to_owned())),
    }
}

/// All customers, some at a time.
async fn every(
    rooms: &Dashboard,
    settings: &Settings,
    frame: &Frame,
    (month, all): (Month, bool),
    after: Option<&str>,
) -> Result<Listed, Problem> {
    let not_a_cursor = || refused("`after` is what the page before led to".to_owned());
    let after = after.map(|after| after.rsplit_once('.').ok_or_else(not_a_cursor)).transpose()?;
    // One more than shown tells whether there are more.
    let part = rooms.reporter.customers_behind(settings, month, all, after, A_PAGE + 1).await;
    let mut rows = part.map_err(|error| refusal::of_asking(&error))?;
    let are_more = rows.len() > A_PAGE;
    rows.truncate(A_PAGE);
    let next = rows.last().filter(|_| are_more).map(|row| {
        let cursor = encoded(&format!("{}.{}", row.customer, row.currency));
        frame.to(&format!("/customers?month={month}&all={all}&after={cursor}"))
    });
    Ok(Listed { rows, next })
}

/// Some of the customers, as far as they were looked for.
async fn some(
    rooms: &Dashboard,
    settings: &Settings,
    frame: &Frame,
    (month, cut): (Month, &CustomerCut),
    after: Option<&str>,
) -> Result<Listed, Problem> {
    let found = rooms.reporter.customers_cut(settings, month, cut, after, A_PAGE).await;
    let found = found.map_err(|error| refusal::of_asking(&error))?;
    let next = found.behind.map(|customer| {
        let address = frame.to_customers(month, Some(cut));
        format!("{address}&after={}", encoded(customer.as_str()))
    });
    Ok(Listed { rows: found.rows, next })
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
