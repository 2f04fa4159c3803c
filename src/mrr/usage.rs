//! Usage MRR (R8): a metered item's level is the revenue of its last closed service periods.

use std::collections::BTreeMap;

use num_rational::BigRational;

use super::life::Step;
use super::period::period_end;
use super::steps::{Silent, Tell};
use super::value::round_half_even;
use super::{
    Cadence, Delta, Evidence, Exact, Instant, InvoiceStatus, Item, ItemId, Known, Mrr, Origin, Price,
    PriceId, Scheme, UsageInvoice, UsageType, ValuationStep,
};

/// What an invoice says about one service period of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reading<'a> {
    /// One second before the period's end.
    effective_at: Instant,
    period_start: Instant,
    /// Sums of the period's lines by how often their prices bill, where that is known; what an invoice
    /// leaves out was not used.
    amounts: Amounts,
    /// When it was taken back and given again, in turns.
    turns: Vec<(Instant, &'a Evidence)>,
    evidence: &'a Evidence,
}

type Amounts = BTreeMap<Option<Cadence>, i128>;

/// What is known of the metered prices of one subscription.
#[derive(Clone, Copy)]
pub(super) struct Meters<'m, 'a> {
    pub(super) steps: &'m [Step<'a>],
    pub(super) known: &'m Known<'a>,
}

impl Meters<'_, '_> {
    /// The metered items that the subscription held at an instant.
    fn held_at(self, at: Instant) -> Vec<ItemId> {
        let told = self.steps.iter().rfind(|step| step.at <= at).map(|step| step.state.as_ref());
        // Before it was first seen it held what it is opened with (R12).
        let first = self.steps.first().map(|step| step.snapshot);
        let first = first.filter(|first| first.origin != Origin::Created);
        let before = first.map(|first| first.previous.as_ref().unwrap_or(&first.state));
        let items = told.or(before).into_iter().flat_map(|state| &state.items);
        let is_metered = |item: &&Item| self.known.price(&item.price, at).usage_type == UsageType::Metered;
        items.filter(is_metered).map(|item| item.id.clone()).collect()
    }

    /// The terms of a price, as the catalogue or else an item that has it tells them.
    fn terms(self, price: &PriceId, at: Instant) -> Option<(UsageType, Cadence)> {
        let learnt = self.known.price_terms(price, at).map(|terms| &terms.price);
        let is_sent = |price: &&Price| price.scheme != Scheme::PriceNotSent;
        let held = || {
            let items = self.steps.iter().flat_map(|step| step.state.items.iter());
            items.map(|item| item.price.as_ref()).find(|held| held.id == *price).filter(is_sent)
        };
        learnt.or_else(held).map(|price| (price.usage_type, price.cadence))
    }
}

/// The usage of one subscription, ready to be asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Usage<'a> {
    by_item: BTreeMap<ItemId, Vec<Reading<'a>>>,
}

impl<'a> Usage<'a> {
    /// Reads a subscription's invoices. `meters` tell which metered items the subscription held, so that
    /// a cycle's invoice that leaves one out says zero for it.
    #[must_use]
    pub(super) fn of(invoices: &[&'a UsageInvoice], meters: &Meters<'_, 'a>) -> Self {
        let mut by_invoice: BTreeMap<_, Vec<&'a UsageInvoice>> = BTreeMap::new();
        for invoice in invoices {
            by_invoice.entry(&invoice.invoice).or_default().push(invoice);
        }
        let mut usage = Self::default();
        for facts in by_invoice.values_mut() {
            facts.sort_by(|a, b| {
                (a.at, &a.evidence.event, a.status).cmp(&(b.at, &b.evidence.event, b.status))
            });
            usage.add(facts, *meters);
        }
        for readings in usage.by_item.values_mut() {
            readings.sort_by_key(|reading| (reading.effective_at, reading.period_start));
        }
        usage
    }

    fn add(&mut self, facts: &[&'a UsageInvoice], meters: Meters<'_, 'a>) {
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
        let mut periods: BTreeMap<(ItemId, Instant, Instant), Amounts> = BTreeMap::new();
        for line in &first.lines {
            let terms = meters.terms(&line.price, line.period_start);
            // What is billed for what is held is no usage, whatever the line leaves out.
            if terms.is_some_and(|(usage_type, _)| usage_type == UsageType::Licensed) {
                continue;
            }
            let cadence = line.cadence.or(terms.map(|(_, cadence)| cadence));
            let period = periods.entry((line.item.clone(), line.period_end, line.period_start)).or_default();
            *period.entry(cadence).or_default() += line.amount.0;
        }
        if first.is_cycle {
            for item in meters.held_at(Instant(first.period_end.0 - 1)) {
                if !periods.keys().any(|(billed, ..)| *billed == item) {
                    periods.insert((item, first.period_end, first.period_end), Amounts::new());
                }
            }
        }
        for ((item, end, start), amounts) in periods {
            self.by_item.entry(item).or_default().push(Reading {
                effective_at: Instant(end.0 - 1),
                period_start: start,
                amounts,
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
        self.valued(item, at, (cadence, window), &mut Silent)
    }

    /// [`Usage::level`] step by step.
    pub(super) fn steps(
        &self,
        item: &ItemId,
        at: Instant,
        cadence: Cadence,
        window: u32,
    ) -> (Vec<ValuationStep>, Mrr) {
        let mut steps = Vec::new();
        let level = self.valued(item, at, (cadence, window), &mut steps);
        (steps, level)
    }

    fn valued<T: Tell>(
        &self,
        item: &ItemId,
        at: Instant,
        (cadence, window): (Cadence, u32),
        tell: &mut T,
    ) -> Mrr {
        let standing: Vec<&Reading<'_>> = self.standing(item, at).collect();
        let is_billed =
            |end: Instant| standing.iter().any(|other| other.effective_at == end && !other.is_silent());
        let mut periods: BTreeMap<(Instant, Instant), Vec<&Reading<'_>>> = BTreeMap::new();
        for reading in &standing {
            // What one invoice leaves out another may bill.
            if reading.is_silent() && is_billed(reading.effective_at) {
                continue;
            }
            periods.entry((reading.effective_at, reading.period_start)).or_default().push(reading);
        }
        let window = usize::try_from(window.max(1)).unwrap_or(1);
        let counted = periods.len().clamp(1, window);
        let mut sum = BigRational::default();
        for reading in periods.into_values().rev().take(window).flatten() {
            sum += reading.level(cadence, tell);
        }
        let mean = &sum / BigRational::from_integer(counted.into());
        if counted > 1 {
            tell.hear(|| ValuationStep::Mean {
                periods: counted,
                before: Exact::of_micro(&sum),
                after: Exact::of_micro(&mean),
            });
        }
        let level = round_half_even(&mean).unwrap_or_default().max(Mrr::ZERO);
        tell.hear(|| ValuationStep::Rounded { before: Exact::of_micro(&mean), level });
        level
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
    fn level(&self, held: Cadence, tell: &mut impl Tell) -> BigRational {
        let mut sum = BigRational::default();
        for (cadence, amount) in &self.amounts {
            sum += self.part(cadence.unwrap_or(held), *amount, tell);
        }
        if self.amounts.is_empty() {
            sum += self.part(held, 0, tell);
        }
        sum
    }

    fn part(&self, cadence: Cadence, amount: i128, tell: &mut impl Tell) -> BigRational {
        let period_end_at = Instant(self.effective_at.0 + 1);
        let actual = period_end_at.0 - self.period_start.0;
        let factor = cadence.monthly_factor();
        let whole = period_end(self.period_start, cadence).0 - self.period_start.0;
        let scale = if actual > 0 && actual < whole { (whole, actual) } else { (1, 1) };
        let level = BigRational::from_integer(amount.into())
            * BigRational::new(factor.0.into(), factor.1.into())
            * BigRational::new(scale.0.into(), scale.1.into());
        tell.hear(|| ValuationStep::Usage {
            period_start: self.period_start,
            period_end: period_end_at,
            event: std::sync::Arc::clone(&self.evidence.event),
            billed: Delta(amount),
            scale,
            factor,
            after: Exact::of_micro(&level),
        });
        level
    }
}
