//! What stands around every page: the way to the others, the search, who is signed in.

use axum::Extension;

use super::shown::encoded;
use crate::http::access::Visitor;
use crate::mrr::Month;
use crate::report::{CustomerCut, Lead, MovementFilter, page_style};

/// The book that needs not be named.
const USUAL_BOOK: &str = "live";

/// The styles that a page may have: the report's, and the frame's.
pub(super) const STYLES: [fn() -> &'static str; 2] = [page_style, frame_style];

fn frame_style() -> &'static str {
    include_str!("../../../templates/pages/frame.css")
}

/// Where a page belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Months,
    Customers,
    Movements,
    Exceptions,
    Imports,
    /// None of them.
    Elsewhere,
}

/// The frame of a page.
pub(super) struct Frame {
    pub(super) title: String,
    tab: Tab,
    /// The book that the page is about.
    pub(super) book: String,
    /// All books there are.
    books: Vec<String>,
    /// What a form of this visitor brings with it.
    form: Option<String>,
    /// Whether there is a session to end.
    is_signed_in: bool,
    /// What was searched for.
    pub(super) asked: String,
}

/// A way to another page.
pub(super) struct Way {
    pub(super) name: &'static str,
    pub(super) href: String,
    pub(super) is_here: bool,
}

impl Frame {
    pub(super) fn new(
        title: String,
        tab: Tab,
        book: &str,
        books: Vec<String>,
        Extension(visitor): &Extension<Visitor>,
    ) -> Self {
        Self {
            title,
            tab,
            book: book.to_owned(),
            books,
            form: visitor.form.clone(),
            is_signed_in: visitor.session.is_some(),
            asked: String::new(),
        }
    }

    /// The styles, for the template.
    pub(super) fn styles(&self) -> impl Iterator<Item = &'static str> {
        STYLES.iter().map(|style| style())
    }

    /// The pages that everybody starts from.
    pub(super) fn ways(&self) -> [Way; 5] {
        let all = [
            ("Months", "/months", Tab::Months),
            ("Customers", "/customers", Tab::Customers),
            ("Movements", "/movements", Tab::Movements),
            ("Exceptions", "/exceptions", Tab::Exceptions),
            ("Imports", "/imports", Tab::Imports),
        ];
        all.map(|(name, path, tab)| Way { name, href: self.to(path), is_here: tab == self.tab })
    }

    /// The other books.
    pub(super) fn other_books(&self) -> impl Iterator<Item = &String> {
        self.books.iter().filter(|book| **book != self.book)
    }

    /// The months of another book.
    pub(super) fn to_book(&self, book: &str) -> String {
        in_book("/months", book)
    }

    /// What the form that ends the session brings with it.
    pub(super) fn way_out(&self) -> Option<&str> {
        self.form.as_deref().filter(|_| self.is_signed_in)
    }

    /// Whether the book has to be named.
    pub(super) fn named_book(&self) -> Option<&str> {
        (self.book != USUAL_BOOK).then_some(self.book.as_str())
    }

    /// A path of this dashboard, in the same book.
    pub(super) fn to(&self, path: &str) -> String {
        in_book(path, &self.book)
    }

    /// The page of a month.
    pub(super) fn to_month(&self, month: Month) -> String {
        self.to(&format!("/months/{month}"))
    }

    /// The page of a customer.
    pub(super) fn to_customer(&self, id: &str) -> String {
        self.to(&format!("/customers/{}", encoded(id)))
    }

    /// The page that explains a movement, an event, a subscription, a price.
    pub(super) fn to_origin(&self, id: &str) -> String {
        self.to(&format!("/explain/{}", encoded(id)))
    }

    /// Where a figure of a report leads.
    pub(super) fn to_lead(&self, lead: &Lead) -> String {
        match lead {
            Lead::Customers { month, cut } => self.to_customers(*month, cut.as_ref()),
            Lead::Customer(id) => self.to_customer(id),
            Lead::Standing { customer, month } => {
                self.to(&format!("/explain/{}?month={month}", encoded(customer)))
            }
            Lead::Section(code, key) => format!("#{code}-{key}"),
            Lead::Origin(id) => self.to_origin(id),
            Lead::Month(month) => self.to_month(*month),
            Lead::Movements(filter) => self.to_movements(filter, &[]),
        }
    }

    /// The movements that a filter is of, with what else is asked for.
    pub(super) fn to_movements(&self, filter: &MovementFilter, and: &[(&str, String)]) -> String {
        let words = filter.words();
        let words = words.iter().map(|(name, word)| (*name, word)).chain(and.iter().map(|(n, w)| (*n, w)));
        self.to(&asking("/movements", words))
    }

    /// The customers at the end of a month, or some of them.
    pub(super) fn to_customers(&self, month: Month, cut: Option<&CustomerCut>) -> String {
        let mut words = vec![("month", month.to_string())];
        words.extend(cut.into_iter().flat_map(CustomerCut::words));
        self.to(&asking("/customers", words.iter().map(|(name, word)| (*name, word))))
    }
}

/// A path with parameters.
fn asking<'w>(path: &str, words: impl Iterator<Item = (&'w str, &'w String)>) -> String {
    let words: Vec<String> = words.map(|(name, word)| format!("{name}={}", encoded(word))).collect();
    let mark = if words.is_empty() { "" } else { "?" };
    format!("{path}{mark}{}", words.join("&"))
}

/// A path with the book named, where that has to be.
pub(super) fn in_book(path: &str, book: &str) -> String {
    if book == USUAL_BOOK {
        return path.to_owned();
    }
    let sign = if path.contains('?') { '&' } else { '?' };
    format!("{path}{sign}book={}", encoded(book))
}
