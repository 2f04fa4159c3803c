//! What was posted for months that were closed, listed where it counts (R24): in the block of its currency, and in the
//! consolidated one in the reporting currency.

use super::exchange::{Exchange, PER_MICRO};
use super::rounding::parts;
use super::{Adjustment, Basis, CurrencyBlock, Report, Settings};
use crate::mrr::{Currency, Delta, Lane, Movement, divide_half_even};

/// How an amount of a currency is told in the reporting currency, finely; `None` without a rate.
pub(super) type Fine<'f> = &'f dyn Fn(&Currency, i128) -> Option<i128>;

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

    /// Lists them all in the consolidated block, where there is one. What has no rate in this month is in none of its
    /// figures either, or there would be no block.
    pub(super) fn list_adjustments_told<'a>(
        &mut self,
        adjustments: impl Iterator<Item = &'a Adjustment>,
        fine: Fine<'_>,
    ) {
        let basis = self.basis;
        let Ok(block) = &mut self.consolidated else { return };
        let told = |one: &'a Adjustment| {
            let delta = fine(&one.movement.currency, one.movement.delta.0).map(Delta)?;
            Some((one, delta))
        };
        let (all, deltas): (Vec<&Adjustment>, Vec<Delta>) = adjustments.filter_map(told).unzip();
        let sum: Delta = deltas.iter().copied().sum();
        // As reported they are a lane, which was rounded with the others.
        let total = match basis {
            Basis::Reported => block.figures.rollforward.lane(Lane::PriorPeriod),
            Basis::Restated => Delta(divide_half_even(sum.0, PER_MICRO)),
        };
        let currency = block.currency.clone();
        let told = all.into_iter().zip(parts(&deltas, total)).map(|(one, delta)| Adjustment {
            movement: Movement { delta, currency: currency.clone(), ..one.movement.clone() },
            ..one.clone()
        });
        block.prior_period_adjustments.extend(told);
    }

    /// The same at this month's rates, as they are known now.
    pub(super) fn list_adjustments_at_its_rates(&mut self, adjustments: &[Adjustment], settings: &Settings) {
        let Some(by) = &settings.consolidation else { return };
        let mut exchange = Exchange::of(self.month, by);
        adjustments.iter().for_each(|one| exchange.see(&one.movement.currency, by));
        self.list_adjustments_told(adjustments.iter(), &|currency, amount| {
            exchange.convert(currency, amount)
        });
    }
}
