//! Stripe's own figures as the files tell them, whatever form they came in.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::NaiveDateTime;
use chrono_tz::Tz;

use crate::mrr::{Currency, CustomerId, Delta, Instant, ItemId, MICRO, Month, Mrr};

/// What a file tells, found from its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `MRR_per_Subscriber`: a row a subscriber and currency, a column a month, in major units.
    SubscriberMonths,
    /// Sigma's `subscription_item_change_events`: a row a change, in minor units with a sign.
    ItemChanges,
}

impl Form {
    /// The form's name in messages and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SubscriberMonths => "mrr_per_subscriber",
            Self::ItemChanges => "subscription_item_change_events",
        }
    }
}

/// A row that can't be read. It never repeats what the row holds: that may be a name or an e-mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: String,
    /// The line where the row starts, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.reason)
    }
}

/// One row of item changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Change {
    /// When it was, on the clock of Stripe's account.
    pub(super) local: NaiveDateTime,
    /// When it was.
    pub(super) at: Instant,
    /// The item; none where the file has no such column.
    pub(super) item: Option<ItemId>,
    pub(super) event_type: String,
    pub(super) delta: Delta,
}

/// Whose figures they are, and in which currency.
pub(super) type Line = (CustomerId, Currency);

/// Stripe's figures, of one file or of several of one form.
#[derive(Debug, Clone)]
pub struct Export {
    /// What the files tell.
    pub form: Form,
    /// The newest instant that they tell of; none of files of months.
    pub newest: Option<Instant>,
    /// Rows that can't be read.
    pub faults: Vec<Fault>,
    /// Rows that were read.
    pub rows: u64,
    /// Months that have a column.
    pub(super) columns: BTreeSet<Month>,
    pub(super) months: BTreeMap<Line, BTreeMap<Month, Mrr>>,
    pub(super) changes: BTreeMap<Line, Vec<Change>>,
    /// The smallest amount that is printed of a currency, in millionths of the minor unit.
    pub(super) units: BTreeMap<Currency, i128>,
    /// How far the account's clock is from UTC, in seconds, as the rows show it.
    pub(super) offsets: BTreeSet<i64>,
}

impl Export {
    pub(super) fn new(form: Form) -> Self {
        Self {
            form,
            newest: None,
            faults: Vec::new(),
            rows: 0,
            columns: BTreeSet::new(),
            months: BTreeMap::new(),
            changes: BTreeMap::new(),
            units: BTreeMap::new(),
            offsets: BTreeSet::new(),
        }
    }

    /// The months that the files tell of: those that have a column, or those from the first change to
    /// the one in which the export was made.
    #[must_use]
    pub fn months(&self, exported_at: Instant, zone: Tz) -> BTreeSet<Month> {
        let first = self.changes.values().filter_map(|changes| changes.first()).map(month).min();
        let mut months = self.columns.clone();
        let Some(mut next) = first else { return months };
        let of_export = match self.offsets.last() {
            Some(offset) => Month::of(Instant(exported_at.0 + offset), Tz::UTC),
            None => Month::of(exported_at, zone),
        };
        let last = self.changes.values().filter_map(|changes| changes.last()).map(month).max();
        while Some(next) <= last.max(Some(of_export)) {
            months.insert(next);
            next = next.next();
        }
        months
    }

    /// Whom and which currencies the files name.
    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.months.keys().chain(self.changes.keys())
    }

    /// Whether the files name a customer.
    pub(super) fn names(&self, customer: &CustomerId) -> bool {
        let from: Line = (customer.clone(), "".into());
        let first = [
            self.months.range(&from..).next().map(|(line, _)| line),
            self.changes.range(&from..).next().map(|(line, _)| line),
        ];
        first.into_iter().flatten().any(|(named, _)| named == customer)
    }

    /// A customer's figure at the end of a month; nothing told is zero.
    pub(super) fn figure(&self, line: &Line, month: Month) -> Mrr {
        let told = self.months.get(line).and_then(|months| months.get(&month)).copied();
        let moved: Delta = self.changes_until(line, month).map(|change| change.delta).sum();
        told.unwrap_or_default() + moved
    }

    /// Each item's figure at the end of a month, as far as rows name their items.
    pub(super) fn items(&self, line: &Line, month: Month) -> BTreeMap<ItemId, Mrr> {
        let mut items: BTreeMap<ItemId, Mrr> = BTreeMap::new();
        for change in self.changes_until(line, month) {
            let Some(item) = &change.item else { continue };
            *items.entry(item.clone()).or_default() += change.delta;
        }
        items
    }

    /// How far a figure may be off for being rounded, in millionths of the minor unit: less than the
    /// smallest amount that is printed, or half of it for every row of an item whose level is no whole
    /// number of them.
    pub(super) fn slack(&self, line: &Line, month: Month, fractional: &BTreeSet<ItemId>) -> i128 {
        let unit = self.units.get(&line.1).copied().unwrap_or(MICRO);
        let is_fractional =
            |change: &&Change| change.item.as_ref().is_some_and(|item| fractional.contains(item));
        let rows = self.changes_until(line, month).filter(is_fractional).count();
        let rows = i128::try_from(rows).unwrap_or_default();
        (unit - 1).max(rows * unit / 2)
    }

    /// Takes the changes of one more file; those that an earlier one told of the same item are the same.
    pub(super) fn take(&mut self, told: BTreeMap<Line, Vec<Change>>) {
        for (line, mut told) in told {
            let known = self.changes.entry(line).or_default();
            told.retain(|change| change.item.is_none() || known.binary_search(change).is_err());
            known.append(&mut told);
            known.sort();
        }
    }

    fn changes_until(&self, line: &Line, until: Month) -> impl Iterator<Item = &Change> {
        let changes = self.changes.get(line).into_iter().flatten();
        changes.take_while(move |change| month(change) <= until)
    }
}

/// The month that a change is in, on the clock of Stripe's account.
fn month(change: &Change) -> Month {
    Month::of(Instant(change.local.and_utc().timestamp()), Tz::UTC)
}
