//! Usage MRR (R8): a metered item's level is the revenue of its last closed service periods.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;

use super::period::period_end;
use super::value::round_half_even;
use super::{Cadence, Evidence, Instant, InvoiceStatus, ItemId, Mrr, UsageInvoice};

/// What an invoice says about one service period of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reading<'a> {
    /// One second before the period's end.
    effective_at: Instant,
    period_start: Instant,
    /// Sum of the period's lines; what an invoice leaves out was not used.
    amount: i128,
    cadence: Option<Cadence>,
    /// When it was taken back and given again, in turns.
    turns: Vec<(Instant, &'a Evidence)>,
    evidence: &'a Evidence,
}

/// The usage of one subscription, ready to be asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Usage<'a> {
    by_item: BTreeMap<ItemId, Vec<Reading<'a>>>,
}

impl<'a> Usage<'a> {
    /// Reads a subscription's invoices. `metered_at` tells which metered items the subscription held
    /// at an instant, so that a cycle's invoice that leaves one out says zero for it.
    #[must_use]
    pub(super) fn of(invoices: &[&'a UsageInvoice], metered_at: impl Fn(Instant) -> Vec<ItemId>) -> Self {
        let mut by_invoice: BTreeMap<_, Vec<&'a UsageInvoice>> = BTreeMap::new();
        for invoice in invoices {
            by_invoice.entry(&invoice.invoice).or_default().push(invoice);
        }
        let mut usage = Self::default();
        for facts in by_invoice.values_mut() {
            facts.sort_by(|a, b| (a.at, &a.evidence.event).cmp(&(b.at, &b.evidence.event)));
            usage.add(facts, &metered_at);
        }
        for readings in usage.by_item.values_mut() {
            readings.sort_by_key(|reading| (reading.effective_at, reading.period_start));
        }
        usage
    }

    fn add(&mut self, facts: &[&'a UsageInvoice], metered_at: &impl Fn(Instant) -> Vec<ItemId>) {
        let told: Vec<&'a UsageInvoice> =
            facts.iter().filter(|fact| fact.status != InvoiceStatus::Draft).copied().collect();
        // A withdrawn invoice keeps its lines, so the first fact that is no draft tells them.
        let Some(first) = told.first() else { return };
        let mut turns = Vec::new();
        let mut is_billed = true;
        for fact in &told {
            let bills = fact.status == InvoiceStatus::Billed;
            if bills != is_billed {
                turns.push((fact.at, &fact.evidence));
                is_billed = bills;
            }
        }
        let mut periods: BTreeMap<(ItemId, Instant, Instant), (i128, Option<Cadence>)> = BTreeMap::new();
        for line in &first.lines {
            let period = periods
                .entry((line.item.clone(), line.period_end, line.period_start))
                .or_insert((0, line.cadence));
            period.0 += line.amount.0;
        }
        if first.is_cycle {
            for item in metered_at(Instant(first.period_end.0 - 1)) {
                if !first.lines.iter().any(|line| line.item == item) {
                    periods.insert((item, first.period_end, first.period_end), (0, None));
                }
            }
        }
        for ((item, end, start), (amount, cadence)) in periods {
            self.by_item.entry(item).or_default().push(Reading {
                effective_at: Instant(end.0 - 1),
                period_start: start,
                amount,
                cadence,
                turns: turns.clone(),
                evidence: &first.evidence,
            });
        }
    }

    /// The instants at which some item's level may change.
    pub(super) fn changes(&self) -> impl Iterator<Item = Instant> {
        self.by_item.values().flatten().flat_map(|reading| {
            let turns = reading.turns.iter().map(|(at, _)| (*at).max(reading.effective_at));
            std::iter::once(reading.effective_at).chain(turns)
        })
    }

    /// The level of an item at an instant, by the mean of its last `window` closed periods, billed
    /// every `cadence`. What several invoices bill of one period adds up.
    #[must_use]
    pub(super) fn level(&self, item: &ItemId, at: Instant, cadence: Cadence, window: u32) -> Mrr {
        let standing: Vec<&Reading<'_>> = self.standing(item, at).collect();
        let is_billed =
            |end: Instant| standing.iter().any(|other| other.effective_at == end && !other.is_silent());
        let mut periods: BTreeMap<(Instant, Instant), BigRational> = BTreeMap::new();
        for reading in &standing {
            // What one invoice leaves out another may bill.
            if reading.is_silent() && is_billed(reading.effective_at) {
                continue;
            }
            *periods.entry((reading.effective_at, reading.period_start)).or_default() +=
                reading.level(cadence);
        }
        let window = usize::try_from(window.max(1)).unwrap_or(1);
        let count = BigInt::from(periods.len().clamp(1, window));
        let sum: BigRational = periods.into_values().rev().take(window).sum();
        round_half_even(&(sum / count)).unwrap_or_default().max(Mrr::ZERO)
    }

    /// What proves a change of an item's usage at an instant.
    #[must_use]
    pub(super) fn evidence(&self, item: &ItemId, at: Instant) -> Option<&'a Evidence> {
        let readings = self.by_item.get(item)?;
        let turned = readings.iter().flat_map(|reading| &reading.turns).find(|(turn, _)| *turn == at);
        let read = readings.iter().rfind(|reading| reading.effective_at == at);
        turned.map(|(_, evidence)| *evidence).or_else(|| read.map(|reading| reading.evidence))
    }

    fn standing<'s>(&'s self, item: &ItemId, at: Instant) -> impl Iterator<Item = &'s Reading<'a>> {
        self.by_item.get(item).into_iter().flatten().filter(move |reading| {
            let turned = reading.turns.iter().filter(|(turn, _)| *turn <= at).count();
            reading.effective_at <= at && turned % 2 == 0
        })
    }
}

impl Reading<'_> {
    /// Whether it is what an invoice says by leaving the item out.
    fn is_silent(&self) -> bool {
        self.period_start > self.effective_at
    }

    /// The amount normalised to a month; a period shorter than the price's interval is scaled up to
    /// a whole one.
    fn level(&self, held: Cadence) -> BigRational {
        let cadence = self.cadence.unwrap_or(held);
        let (numerator, denominator) = cadence.monthly_factor();
        let end = self.effective_at.0 + 1;
        let actual = end - self.period_start.0;
        let whole = period_end(self.period_start, cadence).0 - self.period_start.0;
        let (scale_up, scale_down) = if actual > 0 && actual < whole { (whole, actual) } else { (1, 1) };
        BigRational::from_integer(self.amount.into())
            * BigRational::new(numerator.into(), denominator.into())
            * BigRational::new(scale_up.into(), scale_down.into())
    }
}
