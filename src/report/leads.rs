//! Where a figure of a sheet leads: to the movements it is made of, to a customer, to an origin. What these are
//! called on a page is the page's affair; a report in a file of its own leads nowhere.

use super::CONSOLIDATED;
use super::sections::title;
use super::sheet::{Row, Section};
use crate::mrr::{Class, Currency, Kind, Lane, Month};

/// What a figure or a name leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lead {
    /// Movements of a month.
    Movements {
        /// The month.
        month: Month,
        /// Only of this class.
        class: Option<Class>,
        /// Only of this kind.
        kind: Option<Kind>,
        /// Only in this currency; `None` of consolidated figures.
        currency: Option<Currency>,
    },
    /// The customers at the end of a month.
    Customers(Month),
    /// A customer.
    Customer(String),
    /// What can be explained by its id: a movement, an event, a subscription.
    Origin(String),
    /// A month's report.
    Month(Month),
}

/// The leads of a report's sheet, and how a page writes them.
pub(super) struct Leads<'p> {
    pub(super) month: Month,
    pub(super) href: &'p dyn Fn(&Lead) -> String,
}

/// Counts of customers by what they did.
const COUNTED: [(&str, Class); 8] = [
    ("New", Class::New),
    ("Reactivated", Class::Reactivation),
    ("Resumed", Class::Resume),
    ("Expanded", Class::Expansion),
    ("Contracted", Class::Contraction),
    ("Churned", Class::Churn),
    ("Paused", Class::Pause),
    ("Between subscriptions", Class::Transfer),
];

impl Leads<'_> {
    /// The address that a figure in large type leads to; `code` is its block's.
    pub(super) fn tile(&self, code: &str, name: &str) -> Option<String> {
        let lead = match name {
            "Expansion rate" | "Core expansion" => self.movements(code, Some(Class::Expansion), None),
            "New MRR" => self.movements(code, Some(Class::New), None),
            "Share of new ARR" | "Net revenue retention" | "Net expansion" => {
                self.movements(code, None, None)
            }
            "Ending MRR" | "At-risk MRR" => Lead::Customers(self.month),
            _ => return None,
        };
        Some((self.href)(&lead))
    }

    /// The address that a cell leads to.
    pub(super) fn cell(&self, code: &str, section: &Section, row: &Row, index: usize) -> Option<String> {
        let column = section.columns.get(index)?;
        let name = row.cells.first()?.text.as_str();
        let text = row.cells.get(index)?.text.as_str();
        let lead = if column.is_number {
            self.figure(code, &section.key, name).filter(|_| index == 1 && text != "n/a")
        } else {
            self.name(&column.name, text)
        };
        lead.map(|lead| (self.href)(&lead))
    }

    /// What the row of this name in a section is made of.
    fn figure(&self, code: &str, section: &str, name: &str) -> Option<Lead> {
        let of_kind = |class| {
            let kind = Kind::ALL.iter().copied().find(|kind| title(kind.as_str()) == name);
            (kind.is_some() || name == "Total").then(|| self.movements(code, Some(class), kind))
        };
        match (section, name) {
            (_, "Ending MRR" | "Ending") => Some(Lead::Customers(self.month)),
            (_, "Starting MRR" | "Starting") => Some(Lead::Customers(self.month.minus(1))),
            ("rollforward", _) => {
                let lane = Lane::ALL.iter().find(|lane| title(lane.as_str()) == name)?;
                Some(self.movements(code, Some(Class::parse(lane.as_str())?), None))
            }
            ("expansion_by_kind", _) => of_kind(Class::Expansion),
            ("contraction_by_kind", _) => of_kind(Class::Contraction),
            ("summary" | "motion", "Core expansion" | "Total expansion") => {
                Some(self.movements(code, Some(Class::Expansion), None))
            }
            ("summary", "Net expansion") => Some(self.movements(code, None, None)),
            ("customers", _) => {
                let (_, class) = COUNTED.iter().find(|(counted, _)| *counted == name)?;
                Some(self.movements(code, Some(*class), None))
            }
            ("top_expanders", customer) => Some(Lead::Customer(customer.to_owned())),
            _ => None,
        }
    }

    /// What a name in a column of this name is the name of.
    fn name(&self, column: &str, text: &str) -> Option<Lead> {
        match column {
            "customer" => Some(Lead::Customer(text.to_owned())),
            "subscription" | "event" | "posting" => Some(Lead::Origin(text.to_owned())),
            "month" | "belongs to" | "posted in" => Month::parse(text).map(Lead::Month),
            _ => None,
        }
    }

    fn movements(&self, code: &str, class: Option<Class>, kind: Option<Kind>) -> Lead {
        let currency = (code != CONSOLIDATED && !code.is_empty()).then(|| Currency::from(code.to_owned()));
        Lead::Movements { month: self.month, class, kind, currency }
    }
}
