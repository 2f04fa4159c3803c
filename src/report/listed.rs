//! What a report lists beside its sums: what is to come, what is paused, what has no value, what to look at.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::exceptions::exceptions;
use super::sums::PausedAt;
use super::{
    Concern, CurrencyBlock, CustomerHistory, History, Incomplete, Noticed, Paused, Report, Scheduled,
    Settings,
};
use crate::mrr::{Currency, CustomerId, Delta, Instant, Movement, Mrr};

/// How far the forward view reaches.
const FORWARD_SECONDS: i64 = 90 * 86_400;

impl Report {
    /// Lists it all; `end` is the month's.
    pub(super) fn list(&mut self, history: &History, end: Instant, settings: &Settings) {
        look_forward(self, history, settings);
        list_incomplete(self, history, end, settings);
    }

    /// Counts what stands between the facts and the figures, when everything is listed.
    pub(super) fn note_exceptions(&mut self, history: &History, end: Instant, missing_rates: usize) {
        let lines = self.currencies.iter().map(|block| block.incomplete.len()).sum::<usize>();
        // Asked for alone, the consolidated block has the lines of all currencies.
        let consolidated = self.consolidated.as_ref().map_or(0, |block| block.incomplete.len());
        let lines = (lines + self.incomplete.len()).max(consolidated);
        let counts = [(Concern::Incomplete, lines), (Concern::MissingRate, missing_rates)];
        let counted = |(concern, count): (Concern, usize)| {
            Noticed::counted(concern, i64::try_from(count).unwrap_or(i64::MAX))
        };
        let own = counts.into_iter().filter_map(counted);
        let noticed: Vec<Noticed> = history.noticed.iter().copied().chain(own).collect();
        self.exceptions = exceptions(&noticed, end);
    }
}

/// How far the forward view reaches: from the newest fact, ninety days on.
pub(super) fn forward(settings: &Settings) -> Option<(Instant, Instant)> {
    let now = settings.data_through?;
    Some((now, Instant(now.0.saturating_add(FORWARD_SECONDS))))
}

/// The forward view: what is dated within ninety days after the newest fact (R22).
fn upcoming<'h>(history: &'h History, settings: &Settings) -> Vec<(&'h CustomerId, &'h Movement)> {
    let Some((now, until)) = forward(settings) else { return Vec::new() };
    let is_near = |movement: &&Movement| movement.effective_at > now && movement.effective_at <= until;
    let of = |customer: &'h CustomerHistory| {
        customer.scheduled.iter().filter(is_near).map(|movement| (&customer.customer, movement))
    };
    let mut upcoming: Vec<(&CustomerId, &Movement)> = history.customers.iter().flat_map(of).collect();
    upcoming.sort_by_key(|(customer, movement)| (movement.effective_at, *customer));
    upcoming
}

fn look_forward(report: &mut Report, history: &History, settings: &Settings) {
    for (customer, movement) in upcoming(history, settings) {
        if let Some(block) = report.currencies.iter_mut().find(|block| block.currency == movement.currency) {
            block.scheduled.push(Scheduled { customer: customer.clone(), movement: movement.clone() });
        }
    }
}

impl CurrencyBlock {
    /// Lists what pauses hold back at the month's end.
    pub(super) fn list_paused(&mut self, paused: PausedAt) {
        self.pauses.extend(those_of(paused));
        largest_first(self);
    }
}

fn those_of(paused: PausedAt) -> impl Iterator<Item = Paused> {
    paused.into_iter().map(|((customer, subscription), (since, mrr))| {
        let since = Instant(i64::try_from(since).unwrap_or_default());
        Paused { customer, subscription, since, mrr }
    })
}

fn largest_first(block: &mut CurrencyBlock) {
    block
        .pauses
        .sort_by_key(|paused| (Reverse(paused.mrr), paused.customer.clone(), paused.subscription.clone()));
}

/// Lists the same of all currencies in a consolidated block, at the month's rates; what has none is in its own
/// currency's block only.
pub(super) fn list_consolidated(
    block: &mut CurrencyBlock,
    (history, paused): (&History, BTreeMap<Currency, PausedAt>),
    end: Instant,
    settings: &Settings,
    told: &dyn Fn(&Currency, i128) -> Option<i128>,
) {
    for (customer, movement) in upcoming(history, settings) {
        if let Some(delta) = told(&movement.currency, movement.delta.0).map(Delta) {
            let movement = Movement { delta, currency: block.currency.clone(), ..movement.clone() };
            block.scheduled.push(Scheduled { customer: customer.clone(), movement });
        }
    }
    for (currency, paused) in paused {
        let told = |paused: Paused| Some(Paused { mrr: Mrr(told(&currency, paused.mrr.0)?), ..paused });
        block.pauses.extend(those_of(paused).filter_map(told));
    }
    largest_first(block);
    for customer in &history.customers {
        let lines = customer.incomplete.iter().filter(|line| line.since < end);
        let of = &customer.customer;
        block.incomplete.extend(lines.map(|line| Incomplete { customer: of.clone(), line: line.clone() }));
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
