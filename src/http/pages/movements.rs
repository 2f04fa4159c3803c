//! The ledger's movements, of which every figure is made.

use std::collections::BTreeMap;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use super::frame::{Frame, Tab};
use super::shown::{A_PAGE, Line, code, encoded, signed};
use super::{Dashboard, page};
use crate::http::Problem;
use crate::http::access::Visitor;
use crate::http::api::asked::Asked;
use crate::http::api::refusal;
use crate::ledger::Wanted;
use crate::mrr::{Class, Currency, Delta, Kind, Month};
use crate::report::{MovementRow, Scale};

/// What is asked for.
struct Filters {
    month: Option<Month>,
    customer: Option<String>,
    class: Option<Class>,
    kind: Option<Kind>,
    currency: Option<Currency>,
    all: bool,
    after: Option<i64>,
}

#[derive(Template)]
#[template(path = "pages/movements.html")]
struct MovementsPage {
    frame: Frame,
    filters: Filters,
    lines: Vec<Line>,
    with_customer: bool,
    /// What they come to, a currency each, where all of them are on the page.
    sums: Vec<String>,
    /// The way to those that follow.
    next: Option<String>,
}

impl Filters {
    fn read(asked: &mut Asked) -> Result<Self, Problem> {
        Ok(Self {
            month: asked.month("month")?,
            customer: asked.text("customer"),
            class: asked.word("class", Class::ALL, Class::as_str)?,
            kind: asked.word("kind", Kind::ALL, Kind::as_str)?,
            currency: asked.text("currency").map(|code| Currency::from(code.to_lowercase())),
            all: asked.flag("all")?,
            after: asked.number("after", 0)?,
        })
    }

    fn wanted(&self, book: &str) -> Wanted {
        Wanted {
            book: Some(book.to_owned()),
            customer: self.customer.clone(),
            from_month: self.month,
            to_month: self.month,
            class: self.class,
            kind: self.kind,
            currency: self.currency.clone(),
            since_seq: self.after,
            all: self.all,
            // One more than shown tells whether there are more.
            limit: Some(A_PAGE + 1),
            ..Wanted::default()
        }
    }

    /// The address of the same question, behind an entry.
    fn after(&self, seq: i64) -> String {
        let words = [
            ("month", self.month.map(|month| month.to_string())),
            ("customer", self.customer.clone()),
            ("class", self.class.map(|class| class.as_str().to_owned())),
            ("kind", self.kind.map(|kind| kind.as_str().to_owned())),
            ("currency", self.currency.as_ref().map(ToString::to_string)),
            ("all", self.all.then(|| "true".to_owned())),
        ];
        let mut path = format!("/movements?after={seq}");
        for (name, word) in words {
            path.extend(word.map(|word| format!("&{name}={}", encoded(&word))));
        }
        path
    }
}

impl MovementsPage {
    /// Every class, and whether it is the one that is asked for.
    fn classes(&self) -> impl Iterator<Item = (&'static str, bool)> {
        Class::ALL.iter().map(|class| (class.as_str(), self.filters.class == Some(*class)))
    }

    /// The kinds that are not the name of a class.
    fn kinds(&self) -> impl Iterator<Item = (&'static str, bool)> {
        let is_own = |kind: &&Kind| Class::parse(kind.as_str()).is_none();
        Kind::ALL.iter().filter(is_own).map(|kind| (kind.as_str(), self.filters.kind == Some(*kind)))
    }

    fn month(&self) -> String {
        self.filters.month.map(|month| month.to_string()).unwrap_or_default()
    }

    fn customer(&self) -> &str {
        self.filters.customer.as_deref().unwrap_or_default()
    }

    fn currency(&self) -> &str {
        self.filters.currency.as_ref().map_or("", Currency::as_str)
    }
}

/// The page.
pub(super) async fn show(
    State(rooms): State<Dashboard>,
    visitor: Extension<Visitor>,
    uri: Uri,
) -> Result<Response, Problem> {
    let known = ["book", "month", "customer", "class", "kind", "currency", "all", "after"];
    let mut asked = Asked::among(&uri, &known.map(str::to_owned))?;
    let filters = Filters::read(&mut asked)?;
    let book = asked.text("book");
    let (frame, settings) = rooms.open(book.as_deref(), &visitor, Tab::Movements, "Movements").await?;
    let rows = rooms.reporter.movements(&filters.wanted(&settings.book)).await;
    let mut rows = rows.map_err(|error| refusal::of_asking(&error))?;
    let are_more = rows.len() > A_PAGE;
    rows.truncate(A_PAGE);
    let next = rows.last().filter(|_| are_more).map(|row| frame.to(&filters.after(row.seq)));
    let is_whole = !are_more && filters.after.is_none();
    page(&MovementsPage {
        lines: rows.iter().map(|row| Line::of(row, &frame, settings.zone)).collect(),
        with_customer: true,
        sums: if is_whole { sums(&rows) } else { Vec::new() },
        next,
        filters,
        frame,
    })
}

fn sums(rows: &[MovementRow]) -> Vec<String> {
    let mut by_currency: BTreeMap<&Currency, Delta> = BTreeMap::new();
    for row in rows {
        *by_currency.entry(&row.movement.currency).or_default() += row.movement.delta;
    }
    let sum = |(currency, delta): (&Currency, Delta)| {
        format!("{} {}", signed(Scale::of(currency), delta), code(currency))
    };
    by_currency.into_iter().map(sum).collect()
}
