//! Two readings of one book side by side, month by month and lane by lane: what other rules would
//! change. Every figure is the report's own (R26).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::build::LONGEST_RANGE;
use super::tally::Tally;
use super::trailing::Span;
use super::{
    CurrencyBlock, CustomerHistory, Dimension, Figures, History, MonthStatus, Report, ReportError, Settings,
};
use crate::mrr::{Currency, CustomerId, Delta, Kind, Lane, Month, Mrr, NetCurrency, NetMonth, net_month};

/// Customers whose difference is printed, in each currency.
const TOP: usize = 10;

/// A book as some rules have it: its history, and the settings that it is reported by.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'h> {
    /// What stands, or would.
    pub history: &'h History,
    /// The zone whose months they are; the book is that of the other reading.
    pub settings: &'h Settings,
}

/// What differs between two readings of a book.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The first month that is compared.
    pub from: Month,
    /// The last.
    pub to: Month,
    /// The months in which anything differs.
    pub months: Vec<MonthChange>,
    /// Those in which nothing does.
    pub unchanged: Vec<Month>,
    /// The book's customers.
    pub customers: usize,
    /// Those that differ in some month.
    pub customers_that_differ: usize,
    /// In each currency up to ten customers by their largest difference.
    pub largest: BTreeMap<Currency, Vec<CustomerChange>>,
}

/// A month that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct MonthChange {
    /// The month.
    pub month: Month,
    /// Whether it is closed: what it was reported as stays, and a difference goes to the open month
    /// (R24).
    pub is_closed: bool,
    /// The currencies that differ in it.
    pub currencies: Vec<CurrencyChange>,
}

/// A currency that differs in a month.
#[derive(Debug, Clone, PartialEq)]
pub struct CurrencyChange {
    /// The currency.
    pub currency: Currency,
    /// Its figures as they are.
    pub now: Figures,
    /// As they would be.
    pub then: Figures,
    /// How many customers differ.
    pub customers: usize,
}

/// A customer that differs in one currency: where it does most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerChange {
    /// The customer.
    pub customer: CustomerId,
    /// In how many months it differs.
    pub months: usize,
    /// The month of its largest difference.
    pub month: Month,
    /// The lane of it, or `ending_mrr` where no lane differs in these months.
    pub figure: &'static str,
    /// The amount as it is.
    pub now: Delta,
    /// As it would be.
    pub then: Delta,
}

impl CustomerChange {
    fn size(&self) -> u128 {
        (self.then - self.now).0.unsigned_abs()
    }
}

/// The months that two readings can be compared in, from the first movement of either to the last,
/// the last ten years at most; `None` if there is no movement.
#[must_use]
pub fn comparable_months(now: Reading<'_>, then: Reading<'_>) -> Option<(Month, Month)> {
    let months = |reading: Reading<'_>| -> Vec<Month> {
        let moved =
            reading.history.customers.iter().filter_map(|of| of.movements.first().zip(of.movements.last()));
        let ends = moved.flat_map(|(first, last)| [first.effective_at, last.effective_at]);
        ends.map(|at| Month::of(at, reading.settings.zone)).collect()
    };
    let (months, others) = (months(now), months(then));
    let all = || months.iter().chain(&others).copied();
    let (first, last) = all().min().zip(all().max())?;
    Some((first.max(last.minus(LONGEST_RANGE - 1)), last))
}

/// Compares two readings of a book in the months from one to another, both included.
///
/// # Errors
///
/// [`ReportError::BadRange`] as of a range report.
pub fn compare(
    now: Reading<'_>,
    then: Reading<'_>,
    from: Month,
    to: Month,
) -> Result<Comparison, ReportError> {
    let reports = [reports(now, from, to)?, reports(then, from, to)?];
    let customers = pairs(now.history, then.history);
    let mut differing = Differing::default();
    for (customer, (before, after)) in &customers {
        let changes = customer_changes([(now, *before), (then, *after)], &reports[0]);
        differing.add(customer, &changes);
    }
    let mut comparison = Comparison {
        from,
        to,
        months: Vec::new(),
        unchanged: Vec::new(),
        customers: customers.len(),
        customers_that_differ: differing.customers,
        largest: BTreeMap::new(),
    };
    for (before, after) in reports[0].iter().zip(&reports[1]) {
        let currencies = currency_changes(before, after, &differing);
        if currencies.is_empty() {
            comparison.unchanged.push(before.month);
        } else {
            let is_closed = before.status != MonthStatus::Open;
            comparison.months.push(MonthChange { month: before.month, is_closed, currencies });
        }
    }
    comparison.largest = differing.largest();
    Ok(comparison)
}

/// The reports of a reading, all currencies, with no more segments than there must be.
fn reports(reading: Reading<'_>, from: Month, to: Month) -> Result<Vec<Report>, ReportError> {
    let settings = Settings { currency: None, by: Some(Dimension::Currency), ..reading.settings.clone() };
    Ok(super::range_report(reading.history, &settings, from, to)?.months)
}

type Pair<'h> = (Option<&'h CustomerHistory>, Option<&'h CustomerHistory>);

fn pairs<'h>(now: &'h History, then: &'h History) -> BTreeMap<&'h CustomerId, Pair<'h>> {
    let mut pairs: BTreeMap<&CustomerId, Pair<'h>> = BTreeMap::new();
    for customer in &now.customers {
        pairs.entry(&customer.customer).or_default().0 = Some(customer);
    }
    for customer in &then.customers {
        pairs.entry(&customer.customer).or_default().1 = Some(customer);
    }
    pairs
}

/// A currency of a customer's month on both sides.
struct Change {
    month: Month,
    currency: Currency,
    now: NetCurrency,
    then: NetCurrency,
}

/// The months and currencies in which a customer differs.
fn customer_changes(sides: [(Reading<'_>, Option<&CustomerHistory>); 2], months: &[Report]) -> Vec<Change> {
    let [(now, before), (then, after)] = sides;
    let is_same = before
        .zip(after)
        .is_some_and(|(before, after)| before.levels == after.levels && before.movements == after.movements);
    if is_same && now.settings.zone == then.settings.zone {
        return Vec::new();
    }
    let mut changes = Vec::new();
    for month in months.iter().map(|report| report.month) {
        let (mut before, mut after) = (net(now, before, month), net(then, after, month));
        let currencies: BTreeSet<Currency> = before.keys().chain(after.keys()).cloned().collect();
        for currency in currencies {
            let now = before.remove(&currency).unwrap_or_default();
            let then = after.remove(&currency).unwrap_or_default();
            if figures_of(&now) != figures_of(&then) {
                changes.push(Change { month, currency, now, then });
            }
        }
    }
    changes
}

fn net(
    reading: Reading<'_>,
    customer: Option<&CustomerHistory>,
    month: Month,
) -> BTreeMap<Currency, NetCurrency> {
    let span = Span::of(month, reading.settings.zone);
    let net = |of: &CustomerHistory| -> NetMonth {
        net_month(&of.levels, span.movements(&of.movements), span.start, span.end)
    };
    customer.map(|of| net(of).currencies).unwrap_or_default()
}

/// Lanes by kind, what sums to nothing left out.
type Lanes = BTreeMap<(Lane, Option<Kind>), Delta>;

/// What of a customer's month stands in the roll-forward.
fn figures_of(net: &NetCurrency) -> ([Mrr; 3], Lanes) {
    let mut sums = Lanes::new();
    for cell in &net.cells {
        *sums.entry((cell.lane, cell.kind)).or_default() += cell.delta;
    }
    sums.retain(|_, sum| *sum != Delta::ZERO);
    ([net.start, net.base(), net.end], sums)
}

/// The customers that differ.
#[derive(Default)]
struct Differing {
    customers: usize,
    counts: BTreeMap<(Month, Currency), usize>,
    changes: BTreeMap<Currency, Vec<CustomerChange>>,
}

impl Differing {
    fn add(&mut self, customer: &CustomerId, changes: &[Change]) {
        self.customers += usize::from(!changes.is_empty());
        let mut most: BTreeMap<&Currency, CustomerChange> = BTreeMap::new();
        for change in changes {
            *self.counts.entry((change.month, change.currency.clone())).or_default() += 1;
            let here = largest_of(customer, change);
            let most =
                most.entry(&change.currency).or_insert_with(|| CustomerChange { months: 0, ..here.clone() });
            // A lane tells more than the level that it leads to.
            let is_told = |change: &CustomerChange| (change.figure != ENDING, change.size());
            let months = most.months + 1;
            *most = if is_told(&here) > is_told(most) { here } else { most.clone() };
            most.months = months;
        }
        for (currency, change) in most {
            self.changes.entry(currency.clone()).or_default().push(change);
        }
    }

    fn largest(mut self) -> BTreeMap<Currency, Vec<CustomerChange>> {
        for changes in self.changes.values_mut() {
            changes.sort_by_key(|change| (Reverse(change.size()), change.customer.clone()));
            changes.truncate(TOP);
        }
        self.changes
    }
}

const ENDING: &str = "ending_mrr";

/// The lane in which a customer's month differs most; its end, if none does.
fn largest_of(customer: &CustomerId, change: &Change) -> CustomerChange {
    let of = |figure, now, then| CustomerChange {
        customer: customer.clone(),
        months: 0,
        month: change.month,
        figure,
        now,
        then,
    };
    let lanes =
        Lane::ALL.iter().map(|lane| of(lane.as_str(), change.now.lane(*lane), change.then.lane(*lane)));
    // Of equals the first, in the order of the roll-forward.
    let largest = lanes.rev().max_by_key(CustomerChange::size).filter(|largest| largest.size() > 0);
    largest.unwrap_or_else(|| of(ENDING, change.now.end - Mrr::ZERO, change.then.end - Mrr::ZERO))
}

fn currency_changes(now: &Report, then: &Report, differing: &Differing) -> Vec<CurrencyChange> {
    let blocks = || now.currencies.iter().chain(&then.currencies);
    let mut currencies: Vec<&Currency> = Vec::new();
    for block in blocks() {
        if !currencies.contains(&&block.currency) {
            currencies.push(&block.currency);
        }
    }
    let figures = |report: &Report, currency: &Currency| {
        let block: Option<&CurrencyBlock> =
            report.currencies.iter().find(|block| block.currency == *currency);
        block.map_or_else(|| Tally::default().figures(), |block| block.figures.clone())
    };
    let change = |currency: &Currency| CurrencyChange {
        currency: currency.clone(),
        now: figures(now, currency),
        then: figures(then, currency),
        customers: differing.counts.get(&(now.month, currency.clone())).copied().unwrap_or_default(),
    };
    let changes = currencies.into_iter().map(change);
    changes.filter(|change| change.customers > 0 || change.now != change.then).collect()
}
