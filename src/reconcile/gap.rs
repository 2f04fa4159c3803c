//! What a comparison finds, as data.

use std::collections::BTreeMap;

use super::cause::Cause;
use super::compare::Question;
use super::export::{Export, Fault, Form};
use super::search::{Cell, Explanation};
use crate::ledger::ComparedMonth;
use crate::mrr::{Currency, CustomerId, Delta, Instant, ItemId, Month, Mrr};
use crate::report::Scale;

/// A customer's month in which Stripe's figure is not ours. Stripe's less ours is what the causes and the
/// rounding come to, exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The customer.
    pub customer: CustomerId,
    /// The currency.
    pub currency: Currency,
    /// The month.
    pub month: Month,
    /// Our level at the month's end.
    pub ours: Mrr,
    /// Stripe's.
    pub theirs: Mrr,
    /// What makes the gap; nothing where only the file's rounding does.
    pub causes: Vec<(Cause, Delta)>,
    /// What the file's rounding leaves, less than it prints.
    pub rounding: Delta,
    /// What would make ours Stripe's, in words.
    pub details: Vec<String>,
    /// The items that differ, where the file names items.
    pub items: Vec<ItemGap>,
}

impl Gap {
    /// Stripe's figure less ours.
    #[must_use]
    pub fn gap(&self) -> Delta {
        self.theirs - self.ours
    }

    /// Whether only the file's rounding makes it, which is no gap.
    #[must_use]
    pub fn is_rounding(&self) -> bool {
        self.causes.is_empty()
    }

    /// Whether a part of it has no known cause.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.causes.iter().any(|(cause, _)| *cause == Cause::Unknown)
    }
}

/// An item of which Stripe's figure is not ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemGap {
    /// The item.
    pub item: ItemId,
    /// Our level.
    pub ours: Mrr,
    /// Stripe's.
    pub theirs: Mrr,
}

/// A month in one currency, over all customers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MonthLine {
    /// Our levels at the month's end.
    pub ours: Mrr,
    /// Stripe's figures.
    pub theirs: Mrr,
    /// What each cause comes to.
    pub causes: BTreeMap<Cause, Delta>,
    /// What the file's rounding leaves.
    pub rounding: Delta,
    /// Customers who agree to the last unit, those at zero on both sides not counted.
    pub agreed: u64,
    /// Those who differ by less than the file prints.
    pub rounded: u64,
    /// Those whose gap is explained whole.
    pub explained: u64,
    /// Those in whose gap something stays unknown.
    pub unknown: u64,
}

impl MonthLine {
    /// Stripe's figure less ours.
    #[must_use]
    pub fn gap(&self) -> Delta {
        self.theirs - self.ours
    }

    pub(super) fn take(&mut self, cell: &Cell, explanation: &Explanation) {
        self.ours += cell.ours;
        self.theirs += cell.theirs;
        self.rounding += explanation.rounding;
        for (cause, delta) in &explanation.parts {
            *self.causes.entry(*cause).or_default() += *delta;
        }
    }
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciliation {
    /// The book.
    pub book: String,
    /// The form of the files.
    pub form: Form,
    /// When they were made.
    pub exported_at: Instant,
    /// Each month of each currency.
    pub months: BTreeMap<(Month, Currency), MonthLine>,
    /// The customers' months that differ, largest first; those that only rounding makes as well.
    pub gaps: Vec<Gap>,
    /// Customers' months that agree to the last unit, those at zero on both sides not counted.
    pub agreed: u64,
    /// Those that differ by less than the file prints.
    pub rounded: u64,
    /// Those whose gap is explained whole.
    pub explained: u64,
    /// Those in whose gap something stays unknown.
    pub unknown: u64,
    /// Rows of the files that can't be read.
    pub faults: Vec<Fault>,
}

impl Reconciliation {
    pub(super) fn of(question: &Question, export: &Export) -> Self {
        Self {
            book: question.book.clone(),
            form: export.form,
            exported_at: question.exported_at,
            months: BTreeMap::new(),
            gaps: Vec::new(),
            agreed: 0,
            rounded: 0,
            explained: 0,
            unknown: 0,
            faults: export.faults.clone(),
        }
    }

    /// Whether there is nothing left to look into: no unknown gap, no row that can't be read.
    #[must_use]
    pub fn is_proved(&self) -> bool {
        self.unknown == 0 && self.faults.is_empty()
    }

    /// Counts a customer's month that agrees to the last unit.
    pub(super) fn agree(&mut self, month: Month, currency: &Currency) {
        self.agreed += 1;
        self.months.entry((month, currency.clone())).or_default().agreed += 1;
    }

    pub(super) fn push(&mut self, gap: Gap) {
        let month = self.months.entry((gap.month, gap.currency.clone())).or_default();
        let (count, of_month) = match (gap.is_rounding(), gap.is_unknown()) {
            (true, _) => (&mut self.rounded, &mut month.rounded),
            (false, false) => (&mut self.explained, &mut month.explained),
            (false, true) => (&mut self.unknown, &mut month.unknown),
        };
        *count += 1;
        *of_month += 1;
        self.gaps.push(gap);
    }

    /// What was found month by month, for the ledger to keep.
    #[must_use]
    pub fn compared(&self, at: Instant) -> Vec<ComparedMonth> {
        let month = |((month, currency), line): (&(Month, Currency), &MonthLine)| ComparedMonth {
            month: *month,
            currency: currency.clone(),
            form: self.form.as_str().to_owned(),
            compared_at: at,
            exported_at: self.exported_at,
            ours: line.ours,
            theirs: line.theirs,
            agreed: line.agreed,
            rounded: line.rounded,
            explained: line.explained,
            unknown: line.unknown,
            unreadable: self.faults.len() as u64,
        };
        self.months.iter().map(month).collect()
    }

    /// Largest first, in major units of whatever currency; then by customer and month.
    pub(super) fn sort(&mut self) {
        let size = |gap: &Gap, other: &Gap| {
            gap.gap().0.abs().saturating_mul(Scale::of(&other.currency).of_major(1).0)
        };
        self.gaps.sort_by(|a, b| {
            let by_size = size(b, a).cmp(&size(a, b));
            let name = |gap: &Gap| (gap.customer.clone(), gap.month, gap.currency.clone());
            by_size.then_with(|| name(a).cmp(&name(b)))
        });
    }
}
