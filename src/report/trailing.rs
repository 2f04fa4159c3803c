//! What the months before say: expansion's share over a quarter and a year, and the expansion of
//! those who were there twelve months ago.

use std::collections::BTreeMap;

use super::breakdown::share_of_new;
use super::kept::{Sign, Sum as _, sums};
use super::{CustomerHistory, Rate, TrendMonth};
use crate::mrr::{
    Currency, Delta, Instant, Kind, Lane, Month, Movement, Mrr, NetCurrency, NetMonth, levels_before,
};

/// Months that figures look back over, the month itself among them.
const LOOK_BACK: usize = 12;

/// Months before the first report that are netted as well: a trend begins with the same month a year before.
pub(super) const BEFORE: usize = 12;

/// A month with its two instants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) month: Month,
    pub(super) start: Instant,
    pub(super) end: Instant,
}

impl Span {
    pub(super) fn of(month: Month, zone: chrono_tz::Tz) -> Self {
        Self { month, start: month.start(zone), end: month.end(zone) }
    }

    /// The movements of this month, of movements in order.
    pub(super) fn movements<'m>(&self, movements: &'m [Movement]) -> &'m [Movement] {
        let from = movements.partition_point(|movement| movement.effective_at < self.start);
        let to = movements.partition_point(|movement| movement.effective_at < self.end);
        &movements[from..to.max(from)]
    }
}

/// Sums over the months that reports look back over.
#[derive(Debug, Clone)]
pub(super) struct Trailing {
    /// Twelve months before the first report, then the months of the reports.
    spans: Vec<Span>,
    added: BTreeMap<Currency, Vec<Added>>,
    /// For each report: core expansion over twelve months, and MRR at their start.
    held: BTreeMap<(usize, Currency), (Delta, Mrr)>,
    /// The spans that lack something.
    lacking: BTreeMap<usize, Lacking>,
}

/// Why something can't be said of a month, and of how many customers.
#[derive(Debug, Clone, Default)]
pub(super) struct Lacking {
    /// Of what it added.
    moved: BTreeMap<String, u64>,
    /// Of those who were there at the start of the twelve months up to it.
    held: BTreeMap<String, u64>,
}

sums!(Lacking { moved, held });

/// What a month added in one currency.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Added {
    new: Delta,
    expansion: [Delta; Kind::EXPANSION.len()],
}

sums!(Added { new, expansion });

impl Added {
    fn of(net: &NetCurrency) -> Self {
        let mut added = Self { new: net.lane(Lane::New), ..Self::default() };
        for cell in net.cells.iter().filter(|cell| cell.lane == Lane::Expansion) {
            if let Some(place) = Kind::EXPANSION.iter().position(|kind| Some(*kind) == cell.kind) {
                added.expansion[place] += cell.delta;
            }
        }
        added
    }
}

impl Trailing {
    pub(super) fn over(spans: Vec<Span>) -> Self {
        Self { spans, added: BTreeMap::new(), held: BTreeMap::new(), lacking: BTreeMap::new() }
    }

    /// Marks a span as one of which it can't be said what it added: no figure that needs it is given.
    pub(super) fn lacks(&mut self, span: usize, reason: String) {
        *self.lacking.entry(span).or_default().moved.entry(reason).or_default() += 1;
    }

    /// Marks a report as one of which it can't be said who was there twelve months before.
    pub(super) fn lacks_held(&mut self, report: usize, reason: String) {
        *self.lacking.entry(report + BEFORE).or_default().held.entry(reason).or_default() += 1;
    }

    /// Why the last months of a report can't be summed, if they can't.
    fn lack(&self, report: usize, months: usize) -> Option<Rate> {
        let end = report + BEFORE + 1;
        let lacking = self.lacking.range(end.saturating_sub(months)..end).rev();
        let reason = lacking.filter_map(|(_, lacking)| lacking.moved.keys().next()).next();
        reason.map(|reason| Rate::Unknown(reason.clone().into()))
    }

    /// Adds a customer with its months, of which quiet ones may be missing.
    pub(super) fn add(&mut self, customer: &CustomerHistory, months: &[Option<NetMonth>]) {
        let mut core: BTreeMap<&Currency, Vec<Delta>> = BTreeMap::new();
        for (index, month) in months.iter().enumerate() {
            for (currency, net) in month.iter().flat_map(|month| &month.currencies) {
                let added = Added::of(net);
                if added.is_nothing() {
                    continue;
                }
                let none = || vec![Added::default(); months.len()];
                self.added.entry(currency.clone()).or_insert_with(none)[index].combine(&added, Sign::Plus);
                let of_currency = core.entry(currency).or_insert_with(|| vec![Delta::ZERO; months.len()]);
                of_currency[index] += core_expansion(net);
            }
        }
        for report in 0..months.len().saturating_sub(BEFORE) {
            let first = report + BEFORE + 1 - LOOK_BACK;
            for (currency, base) in self.base(customer, months, first) {
                let expanded: Delta = core
                    .get(&currency)
                    .map_or(Delta::ZERO, |core| core.iter().skip(first).take(LOOK_BACK).copied().sum());
                let held = self.held.entry((report, currency)).or_default();
                held.0 += expanded;
                held.1 += base;
            }
        }
    }

    /// Lays the sums of other customers over these, of the same months.
    pub(super) fn combine(&mut self, other: &Self, sign: Sign) {
        for (currency, months) in &other.added {
            let none = || vec![Added::default(); months.len()];
            let sums = self.added.entry(currency.clone()).or_insert_with(none);
            sums.iter_mut().zip(months).for_each(|(sum, other)| sum.combine(other, sign));
        }
        for (place, other) in &other.held {
            self.held.entry(place.clone()).or_default().combine(other, sign);
        }
        for (span, other) in &other.lacking {
            self.lacking.entry(*span).or_default().combine(other, sign);
        }
    }

    /// What the month of a span lacks.
    pub(super) fn lacking(&self, span: usize) -> Lacking {
        self.lacking.get(&span).cloned().unwrap_or_default()
    }

    /// Puts in what the month of a span lacks.
    pub(super) fn put_in_lacking(&mut self, span: usize, lacking: Lacking) {
        self.lacking.insert(span, lacking);
    }

    /// What the month of a span added, by currency.
    pub(super) fn added(&self, span: usize) -> impl Iterator<Item = (&Currency, Added)> {
        self.added.iter().filter_map(move |(currency, months)| Some((currency, *months.get(span)?)))
    }

    /// Core expansion over the twelve months up to a span's of those there at their start, and their MRR then, by
    /// currency.
    pub(super) fn held(&self, span: usize) -> impl Iterator<Item = (&Currency, (Delta, Mrr))> {
        let report = span.checked_sub(BEFORE);
        let of_report = self.held.iter().filter(move |((of, _), _)| Some(*of) == report);
        of_report.map(|((_, currency), held)| (currency, *held))
    }

    /// Puts in what is known of the month of a span in a currency.
    pub(super) fn put_in(&mut self, span: usize, currency: &Currency, added: Added, held: (Delta, Mrr)) {
        let none = || vec![Added::default(); self.spans.len()];
        let months = self.added.entry(currency.clone()).or_insert_with(none);
        if let Some(month) = months.get_mut(span) {
            *month = added;
        }
        if let Some(report) = span.checked_sub(BEFORE) {
            self.held.insert((report, currency.clone()), held);
        }
    }

    /// What the customer's MRR was at the start of a month, brought forward included (R26).
    fn base(
        &self,
        customer: &CustomerHistory,
        months: &[Option<NetMonth>],
        index: usize,
    ) -> BTreeMap<Currency, Mrr> {
        let mut bases: BTreeMap<Currency, Mrr> = BTreeMap::new();
        match (months.get(index), self.spans.get(index)) {
            (Some(Some(month)), _) => {
                bases.extend(month.currencies.iter().map(|(currency, net)| (currency.clone(), net.base())));
            }
            (_, Some(span)) => {
                for level in levels_before(&customer.levels, span.start) {
                    *bases.entry(level.currency.clone()).or_default() += level.mrr;
                }
            }
            _ => {}
        }
        bases.retain(|_, base| base.is_positive());
        bases
    }

    /// Core expansion of twelve months of those there at their start, over their MRR then.
    ///
    /// `first` is the month of the book's first movement: a year is not judged by less than a year.
    pub(super) fn ttm_expansion_rate(
        &self,
        report: usize,
        currency: &Currency,
        first: Option<Month>,
    ) -> Rate {
        let month = self.spans.get(report + BEFORE).map(|span| span.month);
        let known = month.zip(first).map_or(0, |(month, first)| month.since(first));
        if known < 12 {
            return Rate::months_short(known.max(0));
        }
        let held = self.lacking.get(&(report + BEFORE)).and_then(|lacking| lacking.held.keys().next());
        let held = held.map(|reason| Rate::Unknown(reason.clone().into()));
        if let Some(unknown) = self.lack(report, LOOK_BACK).or(held) {
            return unknown;
        }
        let (expanded, base) = self.held.get(&(report, currency.clone())).copied().unwrap_or_default();
        Rate::of_flow(expanded, base, "nobody was there twelve months ago")
    }

    /// Expansion's share of what the last months added.
    pub(super) fn share(&self, report: usize, currency: &Currency, months: usize) -> Rate {
        if let Some(unknown) = self.lack(report, months) {
            return unknown;
        }
        let trend = self.trend(report, currency);
        let last = &trend[trend.len().saturating_sub(months)..];
        share_of_new(
            last.iter().map(|month| month.new).sum(),
            last.iter().map(|month| month.core_expansion).sum(),
        )
    }

    /// What each month from the same one a year before added, oldest first, as far back as all is known.
    pub(super) fn trend(&self, report: usize, currency: &Currency) -> Vec<TrendMonth> {
        let sums = self.added.get(currency);
        let end = report + BEFORE + 1;
        let lacking = self.lacking.range(report..end).rev();
        let last = lacking.filter(|(_, lacking)| !lacking.moved.is_empty()).map(|(last, _)| last + 1).next();
        let known_from = last.unwrap_or(report);
        let months = self.spans.iter().enumerate().skip(known_from).take(end - known_from);
        months
            .map(|(index, span)| {
                let added = sums.and_then(|sums| sums.get(index)).copied().unwrap_or(Added::default());
                let expansion_by_kind: Vec<(Kind, Delta)> =
                    Kind::EXPANSION.into_iter().zip(added.expansion).collect();
                let core = expansion_by_kind.iter().filter(|(kind, _)| kind.is_core());
                let core_expansion = core.map(|(_, amount)| *amount).sum();
                TrendMonth { month: span.month, new: added.new, core_expansion, expansion_by_kind }
            })
            .collect()
    }
}

/// Core expansion of one customer's month.
pub(super) fn core_expansion(net: &NetCurrency) -> Delta {
    let is_core =
        |cell: &&crate::mrr::Cell| cell.lane == Lane::Expansion && cell.kind.is_some_and(Kind::is_core);
    net.cells.iter().filter(is_core).map(|cell| cell.delta).sum()
}
