//! What a currency's figures break down into: movements, segments, cohorts, owners, customers, months.

use std::collections::BTreeMap;

use super::segment::NONE;
use super::{Figures, IncompleteLine, Rate};
use crate::mrr::{Class, CustomerId, Delta, Kind, Month, Movement};

/// The ledger's movements of a month, not netted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Activity {
    /// Sums by class and kind.
    pub sums: BTreeMap<(Class, Kind), Delta>,
}

impl Activity {
    /// What one class comes to.
    #[must_use]
    pub fn class(&self, class: Class) -> Delta {
        self.sums.iter().filter(|((of, _), _)| *of == class).map(|(_, sum)| *sum).sum()
    }

    /// What each kind comes to over all classes.
    #[must_use]
    pub fn kinds(&self) -> BTreeMap<Kind, Delta> {
        let mut kinds = BTreeMap::new();
        for ((_, kind), sum) in &self.sums {
            *kinds.entry(*kind).or_default() += *sum;
        }
        kinds
    }
}

/// Customers whose share of expansion is printed.
pub(super) const TOP: usize = 10;

/// One dimension's segments; their columns sum to the currency's.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentTable {
    /// The dimension's word.
    pub dimension: String,
    /// One row a segment.
    pub rows: Vec<SegmentRow>,
}

/// One segment.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentRow {
    /// Its name.
    pub segment: String,
    /// Its figures.
    pub figures: Figures,
}

/// Customers who began in one month.
#[derive(Debug, Clone, PartialEq)]
pub struct Cohort {
    /// The month of their first movement.
    pub month: Month,
    /// Their figures.
    pub figures: Figures,
}

/// How much of expansion hangs on how few.
#[derive(Debug, Clone, PartialEq)]
pub struct Concentration {
    /// Customers who expanded.
    pub expanders: u64,
    /// The ten largest expanders' share of total expansion.
    pub top_ten_share: Rate,
    /// The median expander's amount in minor units, the mean of two in the middle.
    pub median: Rate,
    /// What the largest 1, 2, 5, 10, 20, 50 … expanders come to, and all of them last.
    pub curve: Vec<ConcentrationPoint>,
}

/// What the largest so many expanders come to together.
#[derive(Debug, Clone, PartialEq)]
pub struct ConcentrationPoint {
    /// How many.
    pub customers: u64,
    /// Their expansion.
    pub expansion: Delta,
    /// Its share of total expansion.
    pub share: Rate,
}

impl Concentration {
    /// Of expanders' amounts, the largest first, whose sum is `total`.
    pub(super) fn of(amounts: &[Delta], total: Delta) -> Self {
        let middle = amounts.get(amounts.len() / 2).copied().unwrap_or_default();
        let lower = amounts.get(amounts.len().saturating_sub(1) / 2).copied().unwrap_or_default();
        let pair = if amounts.is_empty() { 0 } else { 2 * crate::mrr::MICRO };
        let share = |amount: Delta| Rate::of(amount.0, total.0, "no expansion");
        let point = |count: usize| {
            let expansion: Delta = amounts.iter().take(count).copied().sum();
            ConcentrationPoint { customers: count as u64, expansion, share: share(expansion) }
        };
        Self {
            expanders: amounts.len() as u64,
            top_ten_share: share(amounts.iter().take(TOP).copied().sum()),
            median: Rate::of((middle + lower).0, pair, "no expansion"),
            curve: ladder(amounts.len()).into_iter().map(point).collect(),
        }
    }
}

/// 1, 2, 5, 10, 20, 50 and so on up to a count, which is the last of them.
fn ladder(count: usize) -> Vec<usize> {
    let decades = std::iter::successors(Some(1_usize), |decade| decade.checked_mul(10));
    let steps = decades.flat_map(|decade| [1, 2, 5].map(|step| decade.saturating_mul(step)));
    let mut steps: Vec<usize> = steps.take_while(|step| *step < count).collect();
    steps.extend((count > 0).then_some(count));
    steps
}

/// Why a book's share has no value.
pub(super) const NO_GROWTH: &str = "the book did not grow";

/// How one owner's book grew.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnerBook {
    /// The owner; `(none)` for what is in nobody's book, which is listed last.
    pub owner: String,
    /// Core expansion in the book.
    pub core_expansion: Delta,
    /// Ending MRR less the base S'.
    pub growth: Delta,
    /// The one over the other.
    pub owner_book_growth: Rate,
}

impl OwnerBook {
    /// A book by what it expanded and grew by.
    pub(super) fn of(owner: &str, core_expansion: Delta, growth: Delta) -> Self {
        let owner_book_growth = Rate::of(core_expansion.0, growth.0, NO_GROWTH);
        Self { owner: owner.to_owned(), core_expansion, growth, owner_book_growth }
    }

    /// Whether it is somebody's: only such books have targets.
    #[must_use]
    pub fn is_owned(&self) -> bool {
        self.owner != NONE
    }
}

/// A customer who expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expander {
    /// The customer.
    pub customer: CustomerId,
    /// Its total expansion.
    pub expansion: Delta,
    /// By kind, in the contract's order, zeros left out.
    pub by_kind: Vec<(Kind, Delta)>,
}

/// A movement that is to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    /// Whose.
    pub customer: CustomerId,
    /// The movement.
    pub movement: Movement,
}

/// An item of a customer held at its last known level.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Incomplete {
    /// Whose.
    pub customer: CustomerId,
    /// The item and what it lacks.
    pub line: IncompleteLine,
}

/// What one month added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrendMonth {
    /// The month.
    pub month: Month,
    /// Its lane new.
    pub new: Delta,
    /// Its core expansion.
    pub core_expansion: Delta,
    /// Its lane of expansion by kind, in the contract's order.
    pub expansion_by_kind: Vec<(Kind, Delta)>,
}

impl TrendMonth {
    /// Its lane of expansion.
    #[must_use]
    pub fn total_expansion(&self) -> Delta {
        self.expansion_by_kind.iter().map(|(_, amount)| *amount).sum()
    }

    /// Expansion's share of what the month added.
    #[must_use]
    pub fn share(&self) -> Rate {
        share_of_new(self.new, self.core_expansion)
    }
}

/// Core expansion over new and core expansion.
pub(super) fn share_of_new(new: Delta, core_expansion: Delta) -> Rate {
    Rate::of(core_expansion.0, (new + core_expansion).0, "no new MRR and no core expansion")
}
