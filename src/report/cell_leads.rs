//! What a cell of a sheet leads to: read from its section, its row and its column.

use super::leads::{CustomerCut, Lead, Leads};
use super::sections::{rate_title, title};
use super::sheet::{Row, Section};
use super::{Classes, Dimension, Kinds, MovementFilter};
use crate::mrr::{Cause, Class, Currency, Grade, Kind, Lane, Month, Motion};

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
pub(super) struct At<'s> {
    pub(super) leads: Leads,
    pub(super) code: &'s str,
    pub(super) section: &'s Section,
    /// The row's first cell: what it is the row of.
    pub(super) name: &'s str,
    pub(super) row: &'s Row,
    pub(super) index: usize,
}

pub(super) const EXPANSION: Option<Classes> = Some(Classes::Of(Class::Expansion));
const CONTRACTION: Option<Classes> = Some(Classes::Of(Class::Contraction));

impl At<'_> {
    /// What a number is made of.
    pub(super) fn figure(&self) -> Option<Lead> {
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
            ("evidence", name) if !self.row.is_sum => Some(self.of_evidence(grade(name)?)),
            ("first_month", name) => self.of_new_customers(name),
            ("fx", _) => Some(self.of_rates()),
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
            ("summary", "Retained-base growth") | ("movement_evidence", "Total") => of(None, None),
            ("rates" | "targets", name) => self.rate(name),
            ("movement_evidence", name) => {
                let filter = MovementFilter { grade: Some(grade(name)?), ..MovementFilter::default() };
                Some(self.leads.filtered(self.code, filter))
            }
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
        // What several months added is listed month by month; whose expansion trails, by who was there at its start.
        if is("expansion_share_of_new_arr_3m") || is("expansion_share_of_new_arr_12m") {
            return Some(Lead::Section(self.code.to_owned(), "trend"));
        }
        if is("ttm_expansion_rate") {
            return Some(self.leads.customers(12));
        }
        is("attach_rate").then(|| self.leads.customers(0))
    }

    /// Whose MRR at the month's end rests on a grade of evidence.
    fn of_evidence(&self, grade: Grade) -> Lead {
        Lead::Customers { month: self.leads.month, cut: Some(CustomerCut::Evidence(grade)) }
    }

    /// What new customers did after their first sale.
    fn of_new_customers(&self, name: &str) -> Option<Lead> {
        let class = match name {
            "Grew by" => EXPANSION,
            "Shrank by" => CONTRACTION,
            _ => return None,
        };
        let filter = MovementFilter { class, new_customers: true, ..MovementFilter::default() };
        Some(self.leads.filtered(self.code, filter))
    }

    /// No movement is behind a change of rates: it is of what stood in the currency, whose own block has that.
    fn of_rates(&self) -> Lead {
        let code = if self.row.is_sum { self.code.to_owned() } else { self.name.to_lowercase() };
        Lead::Section(code, "rollforward")
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
    pub(super) fn name(&self, column: &str, text: &str) -> Option<Lead> {
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

fn grade(name: &str) -> Option<Grade> {
    Grade::ALL.iter().copied().find(|grade| title(grade.as_str()) == name)
}
