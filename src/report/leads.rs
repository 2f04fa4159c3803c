//! Where a figure of a sheet leads: to the movements it is made of, to customers, to an origin; and back, which figures
//! some movements are behind. What these are called on a page is the page's affair; a report in a file of its own leads
//! nowhere.

use std::collections::BTreeSet;

use super::cell::Form;
use super::sections::{rate_title, title};
use super::sheet::{Row, Section, Sheet, SheetBlock};
use super::{CONSOLIDATED, Classes, Dimension, Kinds, MovementFilter, Report};
use crate::mrr::{Cause, Class, Currency, Kind, Lane, Month, Motion};

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

/// The largest expanders that have a row of their own.
const NAMED_EXPANDERS: u64 = 10;

/// A cell, with what its lead is read from.
struct At<'s> {
    leads: Leads,
    code: &'s str,
    section: &'s Section,
    /// The row's first cell: what it is the row of.
    name: &'s str,
    row: &'s Row,
    index: usize,
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
        let sheet = Sheet::whole(self);
        let mut seen = BTreeSet::new();
        let all = sheet.blocks.iter().flat_map(|block| leads.leading_to(&asked, block));
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
        let is_consolidated = block.code == CONSOLIDATED;
        let led = |section: String, name: &str, cell: &super::cell::Cell| LedHere {
            block: block.currency.clone(),
            section,
            name: name.to_owned(),
            text: cell.text.clone(),
            is_amount: cell.number.as_ref().is_some_and(|number| matches!(number.form, Form::Amount(_))),
            is_consolidated,
        };
        let mut found = Vec::new();
        for tile in
            block.tiles.iter().filter(|tile| self.tile(&block.code, tile.name).as_ref() == Some(asked))
        {
            found.push(led(String::new(), tile.name, &tile.value));
        }
        for section in &block.sections {
            for row in &section.rows {
                for (index, cell) in row.cells.iter().enumerate() {
                    if self.cell(&block.code, section, row, index).as_ref() != Some(asked) {
                        continue;
                    }
                    let column = section.columns.get(index).map_or("", |column| column.name.as_str());
                    // What most tables call their one number says nothing.
                    let is_plain = ["MRR", "amount", "value", "count", "month"].contains(&column);
                    let place =
                        if is_plain { section.title.clone() } else { format!("{}, {column}", section.title) };
                    let name = row.cells.first().map_or("", |first| first.text.as_str());
                    found.push(led(place, name, cell));
                }
            }
        }
        found
    }

    fn movements(self, code: &str, class: Option<Classes>, kind: Option<Kinds>) -> Lead {
        self.filtered(code, MovementFilter { class, kind, ..MovementFilter::default() })
    }

    fn filtered(self, code: &str, filter: MovementFilter) -> Lead {
        let currency = (code != CONSOLIDATED && !code.is_empty()).then(|| Currency::from(code.to_owned()));
        let month = filter.month.or(Some(self.month));
        let currency = filter.currency.clone().or(currency);
        Lead::Movements(Box::new(MovementFilter { month, currency, ..filter }))
    }

    /// The customers at the end of the month, or of one before.
    fn customers(self, months_before: i32) -> Lead {
        Lead::Customers { month: self.month.minus(months_before), cut: None }
    }
}

const EXPANSION: Option<Classes> = Some(Classes::Of(Class::Expansion));
const CONTRACTION: Option<Classes> = Some(Classes::Of(Class::Contraction));

impl At<'_> {
    /// What a number is made of.
    fn figure(&self) -> Option<Lead> {
        let (key, name, index) = (self.section.key.as_str(), self.name, self.index);
        let leads = self.leads;
        if self.row.is_sum
            && (key.starts_with("segments_") || ["cohorts", "owners", "top_expanders"].contains(&key))
        {
            return self.of_all();
        }
        if let Some(dimension) = key.strip_prefix("segments_") {
            return self.segment(&Dimension::parse(dimension).ok()?);
        }
        match (key, name) {
            ("expansion_by_month" | "trend", _) => self.of_month(Month::parse(name)?),
            (_, _) if key.starts_with("segment_months_") => self.of_segment_s_month(),
            ("cohorts", _) => self.of_cohort(Month::parse(name)?),
            ("retention_net" | "retention_gross", _) => self.of_retention(Month::parse(name)?),
            ("top_expanders" | "scheduled" | "at_risk" | "pauses" | "prior_period_adjustments", _) => {
                self.of_customer()
            }
            ("price_and_discount", _) => {
                let class = [EXPANSION, CONTRACTION, None].get(index.checked_sub(1)?).copied()?;
                Some(self.movements(class, Some(Kinds::Of(kind(name)?))))
            }
            ("concentration", _) => match name.parse::<u64>() {
                Ok(first) if first <= NAMED_EXPANDERS => {
                    Some(Lead::Section(self.code.to_owned(), "top_expanders"))
                }
                Ok(_) => None,
                Err(_) => Some(self.movements(EXPANSION, None)),
            },
            ("motion", "Core expansion") => Some(self.movements(EXPANSION, Some(Kinds::Core))),
            ("motion", _) => {
                let motion = Motion::ALL.iter().copied().find(|motion| title(motion.as_str()) == name)?;
                let core = (EXPANSION, Some(Kinds::Core));
                let filter = MovementFilter { class: core.0, kind: core.1, ..MovementFilter::default() };
                Some(leads.filtered(self.code, MovementFilter { motion: Some(motion), ..filter }))
            }
            ("owners", _) => Some(self.of_segment(Dimension::Owner, 0)),
            ("rollforward", "Starting MRR") => Some(leads.customers(1)),
            ("rollforward", "Ending MRR") => Some(leads.customers(0)),
            ("rollforward", _) => self.lane(),
            _ if index == 1 => self.first_number(),
            _ => None,
        }
    }

    /// What the one number of a table's row is made of.
    fn first_number(&self) -> Option<Lead> {
        let of = |class, kind| Some(self.movements(class, kind));
        match (self.section.key.as_str(), self.name) {
            (_, "Ending MRR" | "Ending" | "Ending ARR" | "ARPA") => Some(self.leads.customers(0)),
            (_, "Starting MRR" | "Starting" | "Starting ARR") => Some(self.leads.customers(1)),
            ("expansion_by_kind" | "expansion_by_cause", "Total") | ("summary", "Total expansion") => {
                of(EXPANSION, None)
            }
            ("contraction_by_kind" | "contraction_by_cause", "Total") => of(CONTRACTION, None),
            ("expansion_by_kind", name) => of(EXPANSION, Some(Kinds::Of(kind(name)?))),
            ("contraction_by_kind", name) => of(CONTRACTION, Some(Kinds::Of(kind(name)?))),
            ("expansion_by_cause", name) => self.cause(EXPANSION, name),
            ("contraction_by_cause", name) => self.cause(CONTRACTION, name),
            ("summary", "Core expansion") => of(EXPANSION, Some(Kinds::Core)),
            ("summary", "Net expansion") => of(Some(Classes::NetExpansion), None),
            ("summary", "Retained-base growth") => of(None, None),
            ("rates" | "targets", name) => self.rate(name),
            ("customers", name) => {
                let (_, class) = COUNTED.iter().find(|(counted, _)| *counted == name)?;
                of(Some(Classes::Of(*class)), None)
            }
            _ => None,
        }
    }

    /// What is above the line of a rate, where that is movements; who it is of, where it is customers.
    fn rate(&self, name: &str) -> Option<Lead> {
        let of = |class, kind| Some(self.movements(class, kind));
        let is = |figure: &str| rate_title(figure) == name;
        let by_kind = [
            ("upsell_rate", Kind::Upsell),
            ("cross_sell_rate", Kind::CrossSell),
            ("seat_rate", Kind::Seat),
            ("usage_rate", Kind::Usage),
        ];
        if let Some((_, kind)) = by_kind.into_iter().find(|(figure, _)| is(figure)) {
            return of(EXPANSION, Some(Kinds::Of(kind)));
        }
        if is("expansion_rate") || is("expansion_share_of_new_arr") || name.starts_with("Sources") {
            return of(EXPANSION, Some(Kinds::Core));
        }
        if is("total_expansion_rate") {
            return of(EXPANSION, None);
        }
        if is("logo_churn") {
            return of(Some(Classes::Of(Class::Churn)), None);
        }
        if is("nrr") || is("grr") || is("quick_ratio") {
            return of(None, None);
        }
        is("attach_rate").then(|| self.leads.customers(0))
    }

    fn cause(&self, class: Option<Classes>, name: &str) -> Option<Lead> {
        let cause = Cause::ALL.iter().copied().find(|cause| title(cause.as_str()) == name)?;
        let filter = MovementFilter { class, cause: Some(cause), ..MovementFilter::default() };
        Some(self.leads.filtered(self.code, filter))
    }

    /// A lane leads to the movements of its class, and so does its activity, which is their sum.
    fn lane(&self) -> Option<Lead> {
        let lane = Lane::ALL.iter().copied().find(|lane| title(lane.as_str()) == self.name)?;
        match lane {
            Lane::PriorPeriod => Some(Lead::Section(self.code.to_owned(), "prior_period_adjustments")),
            Lane::Fx => Some(Lead::Section(self.code.to_owned(), "fx")),
            lane => Some(self.movements(Some(Classes::Of(Class::parse(lane.as_str())?)), None)),
        }
    }

    /// A row of a month, in tables of months.
    fn of_month(&self, month: Month) -> Option<Lead> {
        let column = self.section.columns.get(self.index)?.name.as_str();
        let (class, kind) = match column {
            "new" => (Some(Classes::Of(Class::New)), None),
            "total" => (EXPANSION, None),
            "core" | "core expansion" | "expansion share" => (EXPANSION, Some(Kinds::Core)),
            column => (EXPANSION, Some(Kinds::Of(kind(column)?))),
        };
        let filter = MovementFilter { month: Some(month), class, kind, ..MovementFilter::default() };
        Some(self.leads.filtered(self.code, filter))
    }

    /// A column of a month, in tables of segments through months.
    fn of_segment_s_month(&self) -> Option<Lead> {
        let month = Month::parse(&self.section.columns.get(self.index)?.name)?;
        let core = MovementFilter {
            month: Some(month),
            class: EXPANSION,
            kind: Some(Kinds::Core),
            ..MovementFilter::default()
        };
        if self.row.is_sum {
            return Some(self.leads.filtered(self.code, core));
        }
        let dimension = self.section.key.strip_prefix("segment_months_")?;
        let of_line = self.of_line(&Dimension::parse(dimension).ok()?)?;
        let filter = MovementFilter { product: of_line.product, price: of_line.price, ..core };
        Some(self.leads.filtered(self.code, MovementFilter { currency: of_line.currency, ..filter }))
    }

    /// The part of a filter that a segment of lines is; `None` of segments of customers.
    fn of_line(&self, dimension: &Dimension) -> Option<MovementFilter> {
        let name = Some(self.name.to_owned());
        match dimension {
            Dimension::Product => Some(MovementFilter { product: name, ..MovementFilter::default() }),
            Dimension::Price => Some(MovementFilter { price: name, ..MovementFilter::default() }),
            Dimension::Currency => {
                Some(MovementFilter { currency: name.map(Currency::from), ..MovementFilter::default() })
            }
            _ => None,
        }
    }

    /// A segment's amounts: both ends lead to its customers, and lanes to movements where lines make the segment.
    fn segment(&self, dimension: &Dimension) -> Option<Lead> {
        let class = match self.section.columns.get(self.index)?.name.as_str() {
            "starting" => return Some(self.of_segment(dimension.clone(), 1)),
            "ending" => return Some(self.of_segment(dimension.clone(), 0)),
            "new" => Class::New,
            "expansion" => Class::Expansion,
            "contraction" => Class::Contraction,
            "churn" => Class::Churn,
            _ => return None,
        };
        let filter = MovementFilter { class: Some(Classes::Of(class)), ..self.of_line(dimension)? };
        Some(self.leads.filtered(self.code, filter))
    }

    /// What all rows of a table come to: customers of the month's ends, and its movements.
    fn of_all(&self) -> Option<Lead> {
        let class = match self.section.columns.get(self.index)?.name.as_str() {
            "customers" | "starting" | "starting MRR" => return Some(self.leads.customers(1)),
            "ending" | "ending MRR" => return Some(self.leads.customers(0)),
            "core expansion" => return Some(self.movements(EXPANSION, Some(Kinds::Core))),
            "new" => Class::New,
            "expansion" => Class::Expansion,
            "contraction" => Class::Contraction,
            "churn" => Class::Churn,
            _ => return None,
        };
        Some(self.movements(Some(Classes::Of(class)), None))
    }

    fn of_segment(&self, dimension: Dimension, months_before: i32) -> Lead {
        let cut = Some(CustomerCut::Segment(dimension, self.name.to_owned()));
        Lead::Customers { month: self.leads.month.minus(months_before), cut }
    }

    fn of_cohort(&self, cohort: Month) -> Option<Lead> {
        let before = match self.section.columns.get(self.index)?.name.as_str() {
            "customers" | "starting MRR" => 1,
            "ending MRR" => 0,
            _ => return None,
        };
        Some(Lead::Customers { month: self.leads.month.minus(before), cut: Some(CustomerCut::Since(cohort)) })
    }

    /// What a cohort had at the end of its first month, and what of it was left so many months later.
    fn of_retention(&self, cohort: Month) -> Option<Lead> {
        let later = i32::try_from(self.index.saturating_sub(2)).ok()?;
        Some(Lead::Customers { month: cohort.minus(-later), cut: Some(CustomerCut::Since(cohort)) })
    }

    /// A number of a list that names a customer.
    fn of_customer(&self) -> Option<Lead> {
        let named = |column: &str| {
            let place = self.section.columns.iter().position(|named| named.name == column)?;
            self.row.cells.get(place).map(|cell| cell.text.clone()).filter(|text| !text.is_empty())
        };
        if self.row.is_sum {
            return None;
        }
        let customer = named("customer").filter(|name| is_id(name))?;
        match self.section.key.as_str() {
            "top_expanders" => {
                let filter = MovementFilter { customer: Some(customer), ..MovementFilter::default() };
                Some(self.leads.filtered(self.code, filter))
            }
            "pauses" => Some(Lead::Movements(Box::new(MovementFilter {
                customer: Some(customer),
                class: Some(Classes::Of(Class::Pause)),
                ..MovementFilter::default()
            }))),
            "at_risk" => Some(Lead::Standing { customer, month: self.leads.month }),
            "scheduled" => Some(Lead::Customer(customer)),
            _ => named("posting").map(Lead::Origin),
        }
    }

    /// What a name in a column of this name is the name of.
    fn name(&self, column: &str, text: &str) -> Option<Lead> {
        if self.row.is_sum {
            return None;
        }
        match column {
            "customer" => is_id(text).then(|| Lead::Customer(text.to_owned())),
            "subscription" | "event" | "posting" => Some(Lead::Origin(text.to_owned())),
            "month" | "belongs to" | "posted in" => Month::parse(text).map(Lead::Month),
            "began in" => {
                let cut = Some(CustomerCut::Since(Month::parse(text)?));
                Some(Lead::Customers { month: self.leads.month, cut })
            }
            "owner" => Some(self.of_segment(Dimension::Owner, 0)),
            "segment" => {
                let key = self.section.key.as_str();
                let dimension = key.strip_prefix("segments_").or(key.strip_prefix("segment_months_"))?;
                Some(self.of_segment(Dimension::parse(dimension).ok()?, 0))
            }
            _ => None,
        }
    }

    fn movements(&self, class: Option<Classes>, kind: Option<Kinds>) -> Lead {
        self.leads.movements(self.code, class, kind)
    }
}

/// Whether it names a customer, and not `others (12)`: ids have no blanks.
fn is_id(name: &str) -> bool {
    !name.contains(' ')
}

fn kind(name: &str) -> Option<Kind> {
    Kind::ALL.iter().copied().find(|kind| title(kind.as_str()) == name)
}
