//! Where a figure of a sheet leads: to the movements it is made of, to customers, to an origin; and back, which figures
//! some movements are behind. What these are called on a page is the page's affair; a report in a file of its own leads
//! nowhere.

use std::collections::BTreeSet;

use super::cell::{Cell, Form};
use super::cell_leads::{At, EXPANSION};
use super::sheet::{Row, Section, Sheet, SheetBlock};
use super::{CONSOLIDATED, Classes, Dimension, Kinds, MovementFilter, Report};
use crate::mrr::{Class, Currency, Grade, Month};

/// What a figure or a name leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lead {
    /// Movements.
    Movements(Box<MovementFilter>),
    /// Customers at the end of a month.
    Customers {
        /// The month.
        month: Month,
        /// Only some of them.
        cut: Option<CustomerCut>,
    },
    /// A customer.
    Customer(String),
    /// A customer's levels and movements of a month, each with its evidence.
    Standing {
        /// The customer.
        customer: String,
        /// The month.
        month: Month,
    },
    /// What can be explained by its id: a movement, an event, a subscription.
    Origin(String),
    /// A month's report.
    Month(Month),
    /// A section of the same report: its block's code and its key.
    Section(String, &'static str),
}

/// Some of the customers at the end of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomerCut {
    /// Those whose first movement was in this month: a cohort.
    Since(Month),
    /// Those in a segment.
    Segment(Dimension, String),
    /// Those with MRR that rests on evidence of this grade.
    Evidence(Grade),
}

impl CustomerCut {
    /// It as parameters, each with its word.
    #[must_use]
    pub fn words(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Since(first) => vec![("since", first.to_string())],
            Self::Segment(dimension, segment) => {
                vec![("by", dimension.name()), ("segment", segment.clone())]
            }
            Self::Evidence(grade) => vec![("grade", grade.as_str().to_owned())],
        }
    }
}

/// A figure that some movements are behind, as it is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedHere {
    /// The block: a currency's code, or what is consolidated.
    pub block: String,
    /// The section, and of several columns which.
    pub section: String,
    /// The row.
    pub name: String,
    /// The figure.
    pub text: String,
    /// Whether it is an amount, which a sum can be held against.
    pub is_amount: bool,
    /// Whether it is converted (R9).
    pub is_consolidated: bool,
}

/// How a page writes a lead.
pub(super) type Href<'p> = &'p dyn Fn(&Lead) -> String;

/// The leads of a report's sheet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leads {
    pub(super) month: Month,
}

impl Report {
    /// The figures of this report that lead to some movements, in the order that they are read; what stands in several
    /// tables is told once.
    #[must_use]
    pub fn led_here(&self, by: &MovementFilter) -> Vec<LedHere> {
        let leads = Leads { month: self.month };
        let currency = match (&by.currency, &self.currencies[..]) {
            (None, [only]) => Some(only.currency.clone()),
            (asked, _) => asked.clone(),
        };
        let asked = Lead::Movements(Box::new(MovementFilter { currency, ..by.clone() }));
        // Beside the blocks no currency is taken for granted.
        let of_all = Lead::Movements(Box::new(by.clone()));
        let sheet = Sheet::whole(self);
        let mut seen = BTreeSet::new();
        let of_blocks = sheet.blocks.iter().flat_map(|block| leads.leading_to(&asked, block));
        let all = of_blocks.chain(leads.leading_to_of(&of_all, ("", ""), &sheet.rest));
        all.filter(|led| seen.insert((led.block.clone(), led.text.clone()))).collect()
    }
}

impl Leads {
    /// Where a figure in large type leads.
    pub(super) fn tile(self, code: &str, name: &str) -> Option<Lead> {
        let of = |class, kind| self.movements(code, class, kind);
        let section = |key| Some(Lead::Section(code.to_owned(), key));
        match name {
            "Expansion rate" | "Core expansion" | "Share of new ARR" => {
                Some(of(EXPANSION, Some(Kinds::Core)))
            }
            "New MRR" => Some(of(Some(Classes::Of(Class::New)), None)),
            "Net revenue retention" => Some(of(None, None)),
            "Net expansion" => Some(of(Some(Classes::NetExpansion), None)),
            "Ending MRR" | "Attach rate" => Some(self.customers(0)),
            "At-risk MRR" => section("at_risk"),
            "Scheduled" => section("scheduled"),
            "Prior period" => section("prior_period_adjustments"),
            "Books on target" => section("owners"),
            _ => None,
        }
    }

    /// Where a cell leads.
    pub(super) fn cell(self, code: &str, section: &Section, row: &Row, index: usize) -> Option<Lead> {
        let column = section.columns.get(index)?;
        let name = row.cells.first()?.text.as_str();
        let text = row.cells.get(index)?.text.as_str();
        let at = At { leads: self, code, section, name, row, index };
        if column.is_number {
            let has_figure = !text.is_empty() && !text.starts_with("n/a");
            return has_figure.then(|| at.figure()).flatten();
        }
        at.name(&column.name, text)
    }

    /// The figures of a block that lead to something.
    fn leading_to(self, asked: &Lead, block: &SheetBlock) -> Vec<LedHere> {
        let tiles =
            block.tiles.iter().filter(|tile| self.tile(&block.code, tile.name).as_ref() == Some(asked));
        let names = (block.code.as_str(), block.currency.as_str());
        let mut found: Vec<LedHere> =
            tiles.map(|tile| led(names, String::new(), tile.name, &tile.value)).collect();
        found.extend(self.leading_to_of(asked, names, &block.sections));
        found
    }

    /// The same of sections; `names` are those of their block in files and for people.
    fn leading_to_of(self, asked: &Lead, names: (&str, &str), sections: &[Section]) -> Vec<LedHere> {
        let mut found = Vec::new();
        for section in sections {
            for row in &section.rows {
                for (index, cell) in row.cells.iter().enumerate() {
                    if self.cell(names.0, section, row, index).as_ref() != Some(asked) {
                        continue;
                    }
                    let column = section.columns.get(index).map_or("", |column| column.name.as_str());
                    // What most tables call their one number says nothing.
                    let is_plain = ["MRR", "amount", "value", "count", "month"].contains(&column);
                    let place =
                        if is_plain { section.title.clone() } else { format!("{}, {column}", section.title) };
                    let name = row.cells.first().map_or("", |first| first.text.as_str());
                    found.push(led(names, place, name, cell));
                }
            }
        }
        found
    }

    pub(super) fn movements(self, code: &str, class: Option<Classes>, kind: Option<Kinds>) -> Lead {
        self.filtered(code, MovementFilter { class, kind, ..MovementFilter::default() })
    }

    pub(super) fn filtered(self, code: &str, filter: MovementFilter) -> Lead {
        let currency = (code != CONSOLIDATED && !code.is_empty()).then(|| Currency::from(code.to_owned()));
        let month = filter.month.or(Some(self.month));
        let currency = filter.currency.clone().or(currency);
        Lead::Movements(Box::new(MovementFilter { month, currency, ..filter }))
    }

    /// The customers at the end of the month, or of one before.
    pub(super) fn customers(self, months_before: i32) -> Lead {
        Lead::Customers { month: self.month.minus(months_before), cut: None }
    }
}

/// A figure of a block, as it is printed.
fn led((code, block): (&str, &str), section: String, name: &str, cell: &Cell) -> LedHere {
    LedHere {
        block: block.to_owned(),
        section,
        name: name.to_owned(),
        text: cell.text.clone(),
        is_amount: cell.number.as_ref().is_some_and(|number| matches!(number.form, Form::Amount(_))),
        is_consolidated: code == CONSOLIDATED,
    }
}
