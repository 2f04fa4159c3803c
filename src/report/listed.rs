//! What a report lists beside its sums: what is to come, what is paused, what has no value, what to look at.

use std::cmp::Reverse;

use super::exceptions::exceptions;
use super::pauses::paused;
use super::{Concern, History, Incomplete, Noticed, Report, Scheduled, Settings};
use crate::mrr::Instant;

/// How far the forward view reaches.
const FORWARD_SECONDS: i64 = 90 * 86_400;

impl Report {
    /// Lists it all; `end` is the month's.
    pub(super) fn list(&mut self, history: &History, end: Instant, settings: &Settings) {
        look_forward(self, history, settings);
        list_pauses(self, history, end);
        list_incomplete(self, history, end, settings);
    }

    /// Counts what stands between the facts and the figures, when everything is listed.
    pub(super) fn note_exceptions(&mut self, history: &History, end: Instant, missing_rates: usize) {
        let lines = self.currencies.iter().map(|block| block.incomplete.len()).sum::<usize>();
        let counts =
            [(Concern::Incomplete, lines + self.incomplete.len()), (Concern::MissingRate, missing_rates)];
        let counted = |(concern, count): (Concern, usize)| {
            Noticed::counted(concern, i64::try_from(count).unwrap_or(i64::MAX))
        };
        let own = counts.into_iter().filter_map(counted);
        let noticed: Vec<Noticed> = history.noticed.iter().copied().chain(own).collect();
        self.exceptions = exceptions(&noticed, end);
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

/// What pauses hold back at the month's end, in the block of its currency.
fn list_pauses(report: &mut Report, history: &History, end: Instant) {
    for (currency, paused) in history.customers.iter().flat_map(|customer| paused(customer, end)) {
        if let Some(block) = report.currencies.iter_mut().find(|block| block.currency == currency) {
            block.pauses.push(paused);
        }
    }
    for block in &mut report.currencies {
        block.pauses.sort_by_key(|paused| (Reverse(paused.mrr), paused.customer.clone()));
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
