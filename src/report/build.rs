//! From a book's history to its reports: one pass over the customers, whatever the number of months.

use std::cmp::Reverse;

use super::block::Block;
use super::consolidated::Consolidated;
use super::sums::{Blocks, Sums};
use super::trailing::{LOOK_BACK, Span, Trailing};
use super::{
    Adjustment, CurrencyBlock, History, Incomplete, RangeReport, Report, ReportError, Scheduled, Settings,
};
use crate::mrr::{Currency, Instant, Month};

/// How far the forward view reaches.
const FORWARD_SECONDS: i64 = 90 * 86_400;

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
    let months = check_range(from, to)?;
    Ok(RangeReport { from, to, months: reports(history, settings, from, months) })
}

/// How many months a range has.
pub(super) fn check_range(from: Month, to: Month) -> Result<usize, ReportError> {
    let count = to.since(from) + 1;
    let months = usize::try_from(count).ok().filter(|_| (1..=LONGEST_RANGE).contains(&count));
    months.ok_or(ReportError::BadRange { from, to })
}

/// The block of a currency in which nothing stood and nothing moved.
pub(super) fn quiet_block(currency: &Currency, month: Month, settings: &Settings) -> CurrencyBlock {
    let trailing = Trailing::over(vec![Span::of(month, settings.zone); LOOK_BACK]);
    Block::of(settings).finish(currency, 0, &trailing, None, settings)
}

fn reports(history: &History, settings: &Settings, from: Month, count: usize) -> Vec<Report> {
    let mut sums = Sums::over(from, count, settings);
    let mut consolidated = Consolidated::over(&sums.spans, history, settings);
    for customer in &history.customers {
        let nets = sums.add(customer, settings);
        if let Some(consolidated) = &mut consolidated {
            consolidated.add(customer, &nets, settings);
        }
    }
    finish(sums, consolidated, history, settings)
}

/// The reports that sums come to; `listed` are the customers that have something to come, to be valued or
/// adjusted, at least.
pub(super) fn finish(
    sums: Sums,
    mut consolidated: Option<Consolidated>,
    listed: &History,
    settings: &Settings,
) -> Vec<Report> {
    let first = sums.first();
    let Sums { spans, trailing, months, .. } = sums;
    let finish = |(index, blocks): (usize, Blocks)| {
        let span = spans[index + LOOK_BACK - 1];
        let mut report = Report::empty(span.month, settings);
        let is_asked_for =
            |currency: &Currency| settings.currency.as_ref().is_none_or(|asked| asked == currency);
        report.currencies = blocks
            .into_iter()
            .filter(|(currency, _)| is_asked_for(currency))
            .map(|(currency, block)| block.finish(&currency, index, &trailing, first, settings))
            .collect();
        // The currency that most customers pay in comes first.
        report.currencies.sort_by_key(|block| {
            let customers = &block.figures.customers;
            (Reverse(customers.starting.max(customers.ending)), block.currency.clone())
        });
        let posted = listed.customers.iter().flat_map(|customer| &customer.adjustments);
        report.list_adjustments(posted.filter(|posted| posted.posted_in == span.month));
        look_forward(&mut report, listed, settings);
        list_incomplete(&mut report, listed, span.end, settings);
        if let Some(consolidated) = &mut consolidated {
            consolidate(&mut report, consolidated, index, first, settings);
        }
        report
    };
    months.into_iter().enumerate().map(finish).collect()
}

/// The block in the reporting currency, unless another one alone is asked for.
fn consolidate(
    report: &mut Report,
    consolidated: &mut Consolidated,
    index: usize,
    first: Option<Month>,
    settings: &Settings,
) {
    if let Some(asked) = settings.currency.as_ref().filter(|_| !settings.asks_for_consolidated()) {
        report.consolidated = Err(format!("only {asked} was asked for"));
        return;
    }
    let finished = consolidated.finish(index, first, settings);
    report.consolidated = finished.block;
    report.exchange_rates = finished.rates;
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

/// The forward view: what is dated within ninety days after the newest fact (R22).
fn look_forward(report: &mut Report, history: &History, settings: &Settings) {
    let Some(now) = settings.data_through else { return };
    let until = Instant(now.0.saturating_add(FORWARD_SECONDS));
    for block in &mut report.currencies {
        for customer in &history.customers {
            let near = customer.scheduled.iter().filter(|movement| {
                movement.currency == block.currency
                    && movement.effective_at > now
                    && movement.effective_at <= until
            });
            block.scheduled.extend(near.map(|movement| Scheduled {
                customer: customer.customer.clone(),
                movement: movement.clone(),
            }));
        }
        block.scheduled.sort_by(|a, b| {
            let key = |entry: &Scheduled| (entry.movement.effective_at, entry.customer.clone());
            key(a).cmp(&key(b))
        });
    }
}

/// Every item that could not be valued at the month's end is named, in its currency's block or, where
/// no currency is known of it, in the report's own list: never a silent zero (R4).
fn list_incomplete(report: &mut Report, history: &History, end: Instant, settings: &Settings) {
    for customer in &history.customers {
        for line in customer.incomplete.iter().filter(|line| line.since < end) {
            let of_item = customer.levels.iter().find(|level| level.item == line.item);
            let currency = of_item.or(customer.levels.first()).map(|level| &level.currency);
            if currency.is_some() && settings.currency.is_some() && currency != settings.currency.as_ref() {
                continue;
            }
            let block = report.currencies.iter_mut().find(|block| Some(&block.currency) == currency);
            let list = block.map_or(&mut report.incomplete, |block| &mut block.incomplete);
            list.push(Incomplete { customer: customer.customer.clone(), line: line.clone() });
        }
    }
}
