//! From a book's history to its reports: one pass over the customers, whatever the number of months.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::block::Block;
use super::consolidated::Consolidated;
use super::segment::Subject;
use super::trailing::{LOOK_BACK, Span, Trailing};
use super::{
    Adjustment, CurrencyBlock, CustomerHistory, History, Incomplete, RangeReport, Report, ReportError,
    Scheduled, Settings,
};
use crate::mrr::{Currency, Instant, Month, NetMonth, levels_before, net_month};

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
    let trailing = Trailing::over(vec![Span::of(month, settings.zone); LOOK_BACK]);
    Block::of(settings).finish(currency, 0, &trailing, None, settings)
}

/// One month's sums by currency.
type Blocks = BTreeMap<Currency, Block>;

fn reports(history: &History, settings: &Settings, from: Month, count: usize) -> Vec<Report> {
    let mut month = from.minus(11);
    let mut spans = Vec::with_capacity(count + LOOK_BACK - 1);
    for _ in 0..count + LOOK_BACK - 1 {
        spans.push(Span::of(month, settings.zone));
        month = month.next();
    }
    let mut trailing = Trailing::over(spans.clone());
    let mut months: Vec<Blocks> = vec![Blocks::new(); count];
    let mut consolidated = Consolidated::over(&spans, history, settings);
    for customer in &history.customers {
        let nets = nets(customer, &spans);
        trailing.add(customer, &nets);
        if let Some(consolidated) = &mut consolidated {
            consolidated.add(customer, &nets, settings);
        }
        for (index, blocks) in months.iter_mut().enumerate() {
            let place = index + LOOK_BACK - 1;
            if let (Some(net), Some(span)) = (&nets[place], spans.get(place)) {
                add(blocks, customer, net, span, settings);
            }
        }
    }
    let first = history.first_month(settings.zone);
    let finish = |(index, blocks): (usize, Blocks)| {
        let mut report = Report::empty(spans[index + LOOK_BACK - 1].month, settings);
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
        let month = report.month;
        let posted = history.customers.iter().flat_map(|customer| &customer.adjustments);
        report.list_adjustments(posted.filter(|posted| posted.posted_in == month));
        look_forward(&mut report, history, settings);
        list_incomplete(&mut report, history, spans[index + LOOK_BACK - 1].end, settings);
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

/// A customer's months; those of the look-back are left out where nothing happened.
fn nets(customer: &CustomerHistory, spans: &[Span]) -> Vec<Option<NetMonth>> {
    let net = |(index, span): (usize, &Span)| {
        let movements = span.movements(&customer.movements);
        let is_reported = index + 1 >= LOOK_BACK;
        let net = || net_month(&customer.levels, movements, span.start, span.end);
        if is_reported {
            let posted = customer.adjustments.iter().filter(|posted| posted.posted_in == span.month);
            return Some(net().with_prior_period(posted.map(|posted| &posted.movement)));
        }
        (!movements.is_empty()).then(net)
    };
    spans.iter().enumerate().map(net).collect()
}

fn add(blocks: &mut Blocks, customer: &CustomerHistory, month: &NetMonth, span: &Span, settings: &Settings) {
    if month.currencies.is_empty() {
        return;
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
