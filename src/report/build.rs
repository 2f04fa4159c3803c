//! From a book's history to its reports: one pass over the customers, whatever the number of months.

use std::cmp::Reverse;

use super::block::Block;
use super::consolidated::Consolidated;
use super::listed::list_consolidated;
use super::segment_trend::followed;
use super::sums::{MonthSums, Sums};
use super::trailing::{BEFORE, Span, Trailing};
use super::{CurrencyBlock, History, RangeReport, Report, ReportError, Settings};
use crate::mrr::{Currency, Month};

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
    let trailing = Trailing::over(vec![Span::of(month, settings.zone); BEFORE + 1]);
    Block::of(settings).finish(currency, 0, &trailing, None, settings)
}

fn reports(history: &History, settings: &Settings, from: Month, count: usize) -> Vec<Report> {
    let mut sums = Sums::over(from, count, followed(settings), settings);
    history.customers.iter().for_each(|customer| sums.add(customer, settings));
    finish(sums, history, settings)
}

/// The reports that sums come to; `listed` are the customers that have something to come, to be valued or
/// adjusted, at least.
pub(super) fn finish(mut sums: Sums, listed: &History, settings: &Settings) -> Vec<Report> {
    let first = sums.first();
    let months = std::mem::take(&mut sums.months);
    let mut consolidated = sums.consolidated.take();
    if let Some(consolidated) = &mut consolidated {
        let to_come = listed.customers.iter().flat_map(|customer| &customer.scheduled);
        to_come.for_each(|movement| consolidated.see(&movement.currency));
        let posted = listed.customers.iter().flat_map(|customer| &customer.adjustments);
        posted.for_each(|posted| consolidated.see(&posted.movement.currency));
    }
    let finish = |(index, month): (usize, MonthSums)| {
        let end = sums.spans[index + BEFORE].end;
        let paused = consolidated.as_ref().map(|_| month.paused.clone()).unwrap_or_default();
        let mut report = blocks(&sums, index, month, settings);
        let in_month = report.month;
        let posted = listed.customers.iter().flat_map(|customer| &customer.adjustments);
        let posted = posted.filter(|posted| posted.posted_in == in_month);
        report.list_adjustments(posted.clone());
        report.list(listed, end, settings);
        let missing = consolidated
            .as_mut()
            .map_or(0, |consolidated| consolidate(&mut report, consolidated, index, first, settings));
        if let Some(consolidated) = &consolidated {
            report.list_adjustments_told(posted, &|currency, amount| {
                consolidated.fine(index, currency, amount)
            });
        }
        if let (Ok(block), Some(consolidated)) = (&mut report.consolidated, &consolidated) {
            let told = |currency: &Currency, amount| consolidated.told(index, currency, amount);
            list_consolidated(block, (listed, paused), end, settings, &told);
        }
        report.note_exceptions(listed, end, missing);
        report
    };
    months.into_iter().enumerate().map(finish).collect()
}

/// A month's report with its blocks, and nothing yet that is listed beside sums.
fn blocks(sums: &Sums, index: usize, month: MonthSums, settings: &Settings) -> Report {
    let MonthSums { blocks, rest_on, mut paused } = month;
    let mut report = Report::empty(sums.spans[index + BEFORE].month, settings);
    let is_asked_for = |currency: &Currency| settings.currency.as_ref().is_none_or(|asked| asked == currency);
    report.currencies = blocks
        .into_iter()
        .filter(|(currency, _)| is_asked_for(currency))
        .map(|(currency, block)| {
            let mut block = block.finish(&currency, index, &sums.trailing, sums.first(), settings);
            block.retention = sums.cohorts.curves(&currency, index + BEFORE);
            block.follow(&sums.segments, settings);
            block.list_paused(paused.remove(&currency).unwrap_or_default());
            block
        })
        .collect();
    // The currency that most customers pay in comes first.
    report.currencies.sort_by_key(|block| {
        let customers = &block.figures.customers;
        (Reverse(customers.starting.max(customers.ending)), block.currency.clone())
    });
    for ((_, grade), count) in rest_on.iter().filter(|((currency, _), _)| settings.shows(currency)) {
        *report.movements_by_evidence.entry(*grade).or_default() += *count;
    }
    report.movements_by_evidence.retain(|_, count| *count > 0);
    report.movements = report.movements_by_evidence.values().sum();
    report
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
