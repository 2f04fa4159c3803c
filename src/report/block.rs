//! One currency's figures, summed customer by customer.

use std::collections::BTreeMap;

use super::breakdown::{TOP, share_of_new};
use super::kept::sums;
use super::largest::Largest;
use super::segment::{NONE, Segments, Subject, owner_key};
use super::tally::{Slice, Tally};
use super::trailing::{Trailing, core_expansion};
use super::{
    Activity, BlockRates, Cohort, Concentration, CurrencyBlock, CustomerHistory, OwnerBook, Rate, Settings,
};
use crate::mrr::{
    Cause, Class, Currency, CustomerId, Delta, Fate, Grade, Kind, Lane, Month, Motion, Movement, Mrr,
    ProductId,
};

/// Running sums of one currency and month.
#[derive(Debug, Clone, Default)]
pub(super) struct Block {
    /// Customers with anything in it.
    subjects: u64,
    tally: Tally,
    outside: Delta,
    motion: BTreeMap<Motion, Delta>,
    /// The lanes of expansion and contraction.
    causes: BTreeMap<(Lane, Cause), Delta>,
    /// What the movements come to, and how many they are.
    activity: BTreeMap<(Class, Kind), (Delta, u64)>,
    segments: Segments,
    cohorts: BTreeMap<Month, Tally>,
    /// Core expansion and growth of each owner's book, and its customers.
    owners: BTreeMap<String, (Delta, Delta, u64)>,
    /// How many customers expanded by how much.
    expansions: BTreeMap<Delta, u64>,
    /// Who expanded most.
    largest: Largest,
    /// Starting customers whose family is up: tiers, products, seats, usage.
    up: [u64; 4],
    with_two_products: u64,
    at_risk: Mrr,
    late_payers: BTreeMap<CustomerId, Mrr>,
    first_month: (Delta, Delta),
    evidence: BTreeMap<Grade, Mrr>,
}

sums!(Block {
    subjects,
    tally,
    outside,
    motion,
    causes,
    activity,
    segments,
    cohorts,
    owners,
    expansions,
    largest,
    up,
    with_two_products,
    at_risk,
    late_payers,
    first_month,
    evidence,
});

const FAMILIES: [Kind; 4] = [Kind::Upsell, Kind::CrossSell, Kind::Seat, Kind::Usage];

impl Block {
    pub(super) fn of(settings: &Settings) -> Self {
        Self { segments: Segments::of(settings.dimensions()), ..Self::default() }
    }

    /// Adds a customer's month; `movements` are that month's, of all currencies.
    pub(super) fn add(&mut self, subject: Subject<'_>, movements: &[Movement], settings: &Settings) {
        let net = subject.net;
        let slice = Slice::whole(net);
        self.subjects += 1;
        self.tally.add(&slice, subject.fate);
        if let Some(first) = subject.history.first_month(settings.zone) {
            self.cohorts.entry(first).or_default().add(&slice, subject.fate);
        }
        for cell in &slice.cells {
            if let Some(cause) = cell.cause {
                *self.causes.entry((cell.lane, cause)).or_default() += cell.delta;
            }
        }
        self.add_expansion(subject, &slice);
        self.add_ends(subject);
        self.add_owner(subject.history, core_expansion(net), net.end - net.base(), settings);
        let is_new = subject.fate == Fate::Came(Lane::New);
        for movement in movements.iter().filter(|movement| movement.currency == *subject.currency) {
            let activity = self.activity.entry((movement.class, movement.kind)).or_default();
            activity.0 += movement.delta;
            activity.1 += 1;
            match movement.class {
                Class::Expansion if is_new => self.first_month.0 += movement.delta,
                Class::Contraction if is_new => self.first_month.1 += movement.delta,
                _ => {}
            }
        }
        self.segments.add(subject, settings);
    }

    fn add_expansion(&mut self, subject: Subject<'_>, slice: &Slice<'_>) {
        let expansion = slice.lane(Lane::Expansion);
        if !slice.base.is_positive() {
            self.outside += expansion;
        } else if slice.end.is_positive() {
            for (count, family) in self.up.iter_mut().zip(FAMILIES) {
                let is_up = subject.net.families.get(&family).is_some_and(|delta| *delta > Delta::ZERO);
                *count += u64::from(is_up);
            }
        }
        if expansion <= Delta::ZERO {
            return;
        }
        let mut by_kind: BTreeMap<Kind, Delta> = BTreeMap::new();
        for cell in slice.cells.iter().filter(|cell| cell.lane == Lane::Expansion) {
            let Some(kind) = cell.kind else { continue };
            *by_kind.entry(kind).or_default() += cell.delta;
            if kind.is_core() {
                *self.motion.entry(cell.motion).or_default() += cell.delta;
            }
        }
        by_kind.retain(|_, delta| *delta != Delta::ZERO);
        *self.expansions.entry(expansion).or_default() += 1;
        self.largest.add(expansion, &subject.history.customer, by_kind);
    }

    fn add_ends(&mut self, subject: Subject<'_>) {
        let mut products: Vec<&ProductId> = Vec::new();
        let mut late = Mrr::ZERO;
        for level in subject.ending.iter().filter(|level| level.currency == *subject.currency) {
            if level.is_at_risk {
                late += level.mrr;
            }
            if level.mrr.is_positive() {
                *self.evidence.entry(level.grade).or_default() += level.mrr;
            }
            if !products.contains(&&level.product) {
                products.push(&level.product);
            }
        }
        self.with_two_products += u64::from(products.len() > 1);
        if late.is_positive() {
            self.at_risk += late;
            self.late_payers.insert(subject.history.customer.clone(), late);
        }
    }

    fn add_owner(&mut self, history: &CustomerHistory, core: Delta, growth: Delta, settings: &Settings) {
        if settings.owner_key.is_none() {
            return;
        }
        if let Some(owner) = history.metadata.get(owner_key(settings)) {
            let book = self.owners.entry(owner.clone()).or_default();
            book.0 += core;
            book.1 += growth;
            book.2 += 1;
        }
    }

    /// What its movements come to, not netted.
    pub(super) fn moved(&self) -> Delta {
        self.activity.values().map(|(sum, _)| *sum).sum()
    }

    /// Leaves out the names of small expanders, of which reports need the amounts only.
    pub(super) fn trim(&mut self) {
        self.largest.trim();
    }

    /// Whether it still has the names of all expanders that reports name: they may have been taken out again.
    pub(super) fn names_the_largest(&self) -> bool {
        self.largest.names(TOP)
    }

    /// Leaves out what either of two does not know by name, so that they can be compared.
    pub(super) fn level(&mut self, other: &mut Self) {
        self.largest.level(&mut other.largest);
    }

    /// The block, still without what is dated after the month and what is incomplete.
    pub(super) fn finish(
        mut self,
        currency: &Currency,
        report: usize,
        trailing: &Trailing,
        first: Option<Month>,
        settings: &Settings,
    ) -> CurrencyBlock {
        let figures = self.tally.figures();
        let ending = figures.rollforward.ending_mrr;
        let late_payers = by_amount(std::mem::take(&mut self.late_payers));
        let mut motion: BTreeMap<Motion, Delta> =
            Motion::ALL.iter().map(|motion| (*motion, Delta::ZERO)).collect();
        motion.append(&mut self.motion);
        let mut trend = trailing.trend(report, currency);
        trend.retain(|month| first.is_some_and(|first| month.month >= first));
        CurrencyBlock {
            currency: currency.clone(),
            expansion_from_outside: self.outside,
            rates: self.rates(currency, report, trailing, first),
            arpa: Rate::of(ending.0, micro(figures.customers.ending), "no customers"),
            starting_arr: figures.rollforward.starting_mrr.arr_minor_units(),
            ending_arr: ending.arr_minor_units(),
            concentration: Concentration::of(&largest_first(&self.expansions), figures.total_expansion),
            expansion_by_cause: by_cause(&self.causes, Lane::Expansion),
            contraction_by_cause: by_cause(&self.causes, Lane::Contraction),
            owners: self.books(),
            figures,
            motion,
            activity: Activity {
                sums: self.activity.into_iter().map(|(key, (sum, _))| (key, sum)).collect(),
            },
            segments: self.segments.tables(&settings.dimensions(), settings.by.is_some()),
            cohorts: self
                .cohorts
                .into_iter()
                .filter(|(_, tally)| !tally.is_empty())
                .map(|(month, tally)| Cohort { month, figures: tally.figures() })
                .collect(),
            retention: Vec::new(),
            top_expanders: self.largest.expanders(TOP),
            prior_period_adjustments: Vec::new(),
            bridge: None,
            scheduled: Vec::new(),
            pauses: Vec::new(),
            fx: Vec::new(),
            at_risk: self.at_risk,
            late_payers,
            first_month: self.first_month,
            evidence: self.evidence,
            incomplete: Vec::new(),
            trend,
            segment_trends: Vec::new(),
        }
    }

    fn rates(
        &self,
        currency: &Currency,
        report: usize,
        trailing: &Trailing,
        first: Option<Month>,
    ) -> BlockRates {
        let figures = self.tally.figures();
        let roll = &figures.rollforward;
        let customers = figures.customers;
        let lane = |lane| roll.lane(lane);
        let up =
            |family: usize| Rate::of_counts(self.up[family], customers.starting, "no starting customers");
        let of_core = |kinds: &[Kind]| {
            let some = figures.expansion_by_kind.iter().filter(|(kind, _)| kinds.contains(kind));
            let some: Delta = some.map(|(_, amount)| *amount).sum();
            Rate::of(some.0, figures.core_expansion.0, "no core expansion")
        };
        let gains = lane(Lane::New) + lane(Lane::Reactivation) + lane(Lane::Expansion);
        let losses = -(lane(Lane::Churn) + lane(Lane::Contraction));
        BlockRates {
            expansion_share_of_new_arr: share_of_new(lane(Lane::New), figures.core_expansion),
            expansion_share_of_new_arr_3m: trailing.share(report, currency, 3),
            expansion_share_of_new_arr_12m: trailing.share(report, currency, 12),
            upsell_rate: up(0),
            cross_sell_rate: up(1),
            seat_rate: up(2),
            usage_rate: up(3),
            quick_ratio: Rate::of(gains.0, losses.0, "no losses"),
            logo_churn: Rate::of_counts(customers.churned, customers.starting, "no starting customers"),
            ttm_expansion_rate: trailing.ttm_expansion_rate(report, currency, first),
            attach_rate: Rate::of_counts(self.with_two_products, customers.ending, "no customers"),
            upsell_share: of_core(&[Kind::Upsell]),
            seat_and_usage_share: of_core(&[Kind::Seat, Kind::Usage]),
            cross_sell_share: of_core(&[Kind::CrossSell]),
        }
    }

    /// Each owner's book, and last what is in nobody's, so that they sum to the whole.
    fn books(&self) -> Vec<OwnerBook> {
        let mut rest = (self.tally.figures().core_expansion, self.tally.growth(), self.subjects);
        let mut books = Vec::with_capacity(self.owners.len() + 1);
        for (owner, (core, growth, customers)) in &self.owners {
            books.push(OwnerBook::of(owner, *core, *growth));
            rest = (rest.0 - *core, rest.1 - *growth, rest.2.saturating_sub(*customers));
        }
        if !books.is_empty() && rest.2 > 0 {
            books.push(OwnerBook::of(NONE, rest.0, rest.1));
        }
        books
    }
}

/// A lane by cause: those that items have, and others that anything moved for.
fn by_cause(causes: &BTreeMap<(Lane, Cause), Delta>, lane: Lane) -> Vec<(Cause, Delta)> {
    let sum = |cause: &Cause| causes.get(&(lane, *cause)).copied().unwrap_or_default();
    let is_told = |cause: &&Cause| Cause::OF_ITEMS.contains(cause) || sum(cause) != Delta::ZERO;
    Cause::ALL.iter().filter(is_told).map(|cause| (*cause, sum(cause))).collect()
}

/// Amounts of so many customers each, one by one, the largest first.
fn largest_first(amounts: &BTreeMap<Delta, u64>) -> Vec<Delta> {
    let times = |(amount, count): (&Delta, &u64)| {
        std::iter::repeat_n(*amount, usize::try_from(*count).unwrap_or_default())
    };
    amounts.iter().rev().flat_map(times).collect()
}

/// Customers with what is theirs, the largest first.
fn by_amount(of: BTreeMap<CustomerId, Mrr>) -> Vec<(CustomerId, Mrr)> {
    let mut all: Vec<(CustomerId, Mrr)> = of.into_iter().collect();
    // Those of one amount stay in the order of their ids.
    all.sort_by_key(|(_, mrr)| std::cmp::Reverse(*mrr));
    all
}

/// A count as the denominator under an amount: the ratio is in minor units.
fn micro(count: u64) -> i128 {
    i128::from(count) * crate::mrr::MICRO
}
