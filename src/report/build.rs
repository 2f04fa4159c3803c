//! From a book's history to its reports: one pass over the customers, whatever the number of months.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::block::Block;
use super::consolidated::Consolidated;
use super::listed::list_consolidated;
use super::segment::Subject;
use super::trailing::{BEFORE, Span, Trailing};
use super::window::Windows;
use super::{
    Adjustment, CurrencyBlock, CustomerHistory, History, RangeReport, Report, ReportError, Settings,
};
use crate::mrr::{Currency, Month, NetMonth, levels_before, net_month};

/// How many months a range may have.
pub(super) const LONGEST_RANGE: i32 = 120;

/// The expansion report of one month (section 6 of the rules).
#[must_use]
pub fn month_report(history: &History, settings: &Settings, month: Month) -> Report {
    let mut reports = reports(history, settings, month, 1);
    reports.pop().unwrap_or_else(|| Report::empty(month, settings))
}

/// The reports of the months from one to another, both included.
///
/// # Errors
///
/// [`ReportError::BadRange`] if `to` is before `from`, or more than ten years after.
pub fn range_report(
    history: &History,
    settings: &Settings,
    from: Month,
    to: Month,
) -> Result<RangeReport, ReportError> {
    let count = to.since(from) + 1;
    match usize::try_from(count) {
        Ok(months) if (1..=LONGEST_RANGE).contains(&count) => {
            Ok(RangeReport { from, to, months: reports(history, settings, from, months) })
        }
        _ => Err(ReportError::BadRange { from, to }),
    }
}

/// The block of a currency in which nothing stood and nothing moved.
pub(super) fn quiet_block(currency: &Currency, month: Month, settings: &Settings) -> CurrencyBlock {
    let trailing = Trailing::over(vec![Span::of(month, settings.zone); BEFORE + 1]);
    Block::of(settings).finish(currency, 0, &trailing, None, settings)
}

/// One month's sums by currency.
type Blocks = BTreeMap<Currency, Block>;

fn reports(history: &History, settings: &Settings, from: Month, count: usize) -> Vec<Report> {
    let mut month = from.minus(12);
    let mut spans = Vec::with_capacity(count + BEFORE);
    for _ in 0..count + BEFORE {
        spans.push(Span::of(month, settings.zone));
        month = month.next();
    }
    let mut trailing = Trailing::over(spans.clone());
    let mut months: Vec<Blocks> = vec![Blocks::new(); count];
    let mut movements = vec![0; count];
    let mut windows = Windows::over(&spans, 1);
    let mut consolidated = Consolidated::over(&spans, history, settings);
    for customer in &history.customers {
        let nets = nets(customer, &spans);
        trailing.add(customer, &nets);
        windows.add(customer, &nets, settings);
        windows.follow(customer, settings, |_, level| Some((level.currency.clone(), level.mrr)));
        if let Some(consolidated) = &mut consolidated {
            consolidated.add(customer, &nets, settings);
        }
        for (index, blocks) in months.iter_mut().enumerate() {
            let place = index + BEFORE;
            if let (Some(net), Some(span)) = (&nets[place], spans.get(place)) {
                movements[index] += add(blocks, customer, net, span, settings);
            }
        }
    }
    let first = history.first_month(settings.zone);
    let finish = |(index, blocks): (usize, Blocks)| {
        let mut report = Report::empty(spans[index + BEFORE].month, settings);
        report.currencies = blocks
            .into_iter()
            .filter(|(currency, _)| settings.currency.as_ref().is_none_or(|asked| asked == currency))
            .map(|(currency, block)| {
                let mut block = block.finish(&currency, index, &trailing, first, settings);
                windows.finish(index, &mut block);
                block
            })
            .collect();
        // The currency that most customers pay in comes first.
        report.currencies.sort_by_key(|block| {
            let customers = &block.figures.customers;
            (Reverse(customers.starting.max(customers.ending)), block.currency.clone())
        });
        let month = report.month;
        let posted = history.customers.iter().flat_map(|customer| &customer.adjustments);
        report.list_adjustments(posted.filter(|posted| posted.posted_in == month));
        let end = spans[index + BEFORE].end;
        report.list(history, end, settings);
        let missing = consolidated
            .as_mut()
            .map_or(0, |consolidated| consolidate(&mut report, consolidated, index, first, settings));
        if let (Ok(block), Some(consolidated)) = (&mut report.consolidated, &consolidated) {
            let told = |currency: &Currency, amount| consolidated.told(index, currency, amount);
            list_consolidated(block, history, end, settings, &told);
        }
        report.note_exceptions(history, end, missing);
        report.movements = movements[index];
        report
    };
    months.into_iter().enumerate().map(finish).collect()
}

/// The block in the reporting currency, unless another one alone is asked for; gives how many rates it lacks.
fn consolidate(
    report: &mut Report,
    consolidated: &mut Consolidated,
    index: usize,
    first: Option<Month>,
    settings: &Settings,
) -> usize {
    if let Some(asked) = settings.currency.as_ref().filter(|_| !settings.asks_for_consolidated()) {
        report.consolidated = Err(format!("only {asked} was asked for"));
        return 0;
    }
    let finished = consolidated.finish(index, first, settings);
    report.consolidated = finished.block;
    report.exchange_rates = finished.rates;
    finished.missing
}

/// A customer's months; those of the look-back are left out where nothing happened.
fn nets(customer: &CustomerHistory, spans: &[Span]) -> Vec<Option<NetMonth>> {
    let net = |(index, span): (usize, &Span)| {
        let movements = span.movements(&customer.movements);
        let is_reported = index >= BEFORE;
        let net = || net_month(&customer.levels, movements, span.start, span.end);
        if is_reported {
            let posted = customer.adjustments.iter().filter(|posted| posted.posted_in == span.month);
            return Some(net().with_prior_period(posted.map(|posted| &posted.movement)));
        }
        (!movements.is_empty()).then(net)
    };
    spans.iter().enumerate().map(net).collect()
}

/// Adds a customer's month; gives how many movements stand in it, of the currency that is asked for.
fn add(
    blocks: &mut Blocks,
    customer: &CustomerHistory,
    month: &NetMonth,
    span: &Span,
    settings: &Settings,
) -> u64 {
    if month.currencies.is_empty() {
        return 0;
    }
    let starting = levels_before(&customer.levels, span.start);
    let ending = levels_before(&customer.levels, span.end);
    let movements = span.movements(&customer.movements);
    for (currency, net) in &month.currencies {
        let subject = Subject {
            history: customer,
            month: span.month,
            currency,
            net,
            fate: month.fate,
            starting: &starting,
            ending: &ending,
            per_micro: 1,
        };
        let block = blocks.entry(currency.clone()).or_insert_with(|| Block::of(settings));
        block.add(subject, movements, settings);
    }
    movements.iter().filter(|movement| settings.shows(&movement.currency)).count() as u64
}

impl Report {
    /// Lists adjustments in the blocks of their currencies.
    pub(super) fn list_adjustments<'a>(&mut self, adjustments: impl Iterator<Item = &'a Adjustment>) {
        for adjustment in adjustments {
            let of = |block: &&mut CurrencyBlock| block.currency == adjustment.movement.currency;
            if let Some(block) = self.currencies.iter_mut().find(of) {
                block.prior_period_adjustments.push(adjustment.clone());
            }
        }
    }
}
