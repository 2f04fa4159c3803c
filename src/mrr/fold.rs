//! One customer's state carried from instant to instant, and the movements on the way: openings
//! (R12), pauses set aside, classes (R15), transfers (R19).

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Change, Part};
use super::derive::Rules;
use super::hold::{Hold, Pause, Targets};
use super::life::Life;
use super::line::Line;
use super::matching::Reach;
use super::quotes::Quotes;
use super::transfer::Left;
use super::{
    Bridge, Cause, Class, Currency, Delta, Derivation, Evidence, Finding, Instant, Kind, Known, Level,
    Movement, Mrr, ProductId, SubscriptionId,
};

/// A customer's MRR in each currency.
pub(super) type Sums = BTreeMap<Currency, Mrr>;

/// The fold over a customer's instants.
#[derive(Clone)]
pub(super) struct Fold<'a, 'r> {
    pub(super) rules: Rules<'a>,
    pub(super) known: &'r Known<'a>,
    pub(super) lives: &'r [Life<'a>],
    pub(super) deleted: Option<(Instant, &'a Evidence)>,
    /// Ends that are asked for, when looking forward.
    pub(super) asked_ends: BTreeMap<usize, Instant>,
    pub(super) holds: Vec<Hold<'a>>,
    pub(super) quotes: Quotes,
    pub(super) running: Sums,
    pub(super) has_paid: bool,
    /// Since when the customer has been at zero after it had paid.
    pub(super) zero_since: Option<Instant>,
    /// The lines that churned since then.
    pub(super) gone: Vec<Line<'a>>,
    left: Option<Left<'a>>,
    pub(super) movements: Vec<Movement>,
    pub(super) levels: Vec<Level>,
    pub(super) open_levels: BTreeMap<(SubscriptionId, super::ItemId, bool), Level>,
    pub(super) findings: Vec<Finding>,
    pub(super) reported: BTreeSet<(SubscriptionId, super::ItemId, String)>,
    pub(super) ended: BTreeSet<SubscriptionId>,
}

impl<'a, 'r> Fold<'a, 'r> {
    pub(super) fn new(
        rules: Rules<'a>,
        known: &'r Known<'a>,
        lives: &'r [Life<'a>],
        deleted: Option<(Instant, &'a Evidence)>,
        quotes: Quotes,
    ) -> Self {
        Self {
            rules,
            known,
            lives,
            deleted,
            asked_ends: BTreeMap::new(),
            holds: lives.iter().map(|_| Hold::default()).collect(),
            quotes,
            running: Sums::new(),
            has_paid: false,
            zero_since: None,
            gone: Vec::new(),
            left: None,
            movements: Vec::new(),
            levels: Vec::new(),
            open_levels: BTreeMap::new(),
            findings: Vec::new(),
            reported: BTreeSet::new(),
            ended: BTreeSet::new(),
        }
    }

    /// From here on, lives go on as they are planned: those there are, and behind them those to come.
    pub(super) fn look_at(&mut self, planned: &'r [Life<'a>]) {
        self.lives = planned;
        self.holds.resize_with(planned.len(), Hold::default);
    }

    /// From here on, ends that are asked for happen.
    pub(super) fn expect_ends(&mut self, ends: BTreeMap<usize, Instant>) {
        self.asked_ends = ends;
    }

    pub(super) fn movements_so_far(&self) -> usize {
        self.movements.len()
    }

    /// Everything that changes at one instant is one change of the customer (R15).
    pub(super) fn change(&mut self, at: Instant, touched: &BTreeSet<usize>) {
        let told: Vec<usize> =
            touched.iter().copied().filter(|index| self.lives[*index].steps_until(at) > 0).collect();
        let first = self.movements.len();
        for index in &told {
            self.open(*index, at);
        }
        let mut targets = Targets::default();
        for index in &told {
            self.aim(*index, at, &mut targets);
        }
        self.classify(at, &targets);
        for (index, lines) in targets.lines {
            self.holds[index].lines = lines;
            self.note_levels(index, at);
        }
        self.note_quotes(at, &told, first);
    }

    /// A quote has one change of its subscription: the first that moves something and that an event of the
    /// subscription makes (R20).
    fn note_quotes(&mut self, at: Instant, told: &[usize], first: usize) {
        let moved = &self.movements[first..];
        for life in told.iter().map(|index| &self.lives[*index]).filter(|life| life.speaks_at(at)) {
            let is_its = |movement: &Movement| movement.subscription == life.id;
            if moved.iter().any(|movement| is_its(movement) && movement.class != Class::Opening) {
                self.quotes.moved(&life.id, at);
            }
        }
    }

    /// Classifies what is left of a change when openings and pauses are set aside.
    fn classify(&mut self, at: Instant, targets: &Targets<'a>) {
        self.end_gap(at);
        let mut before = self.lines(at, |_| None);
        let after = self.lines(at, |index| targets.lines.get(&index));
        let mut start = sums(&before);
        let end = sums(&after);
        let first = self.movements.len();
        let mut reach = Reach::Subscription;
        let window = self.rules.policy.transfer_window_seconds;
        if is_zero(&start)
            && !is_zero(&end)
            && let Some(left) =
                self.left.take_if(|left| at.0 - left.at.0 <= window && left.is_followed_by(&after))
        {
            before = self.move_over(at, left, &before, &after);
            start = sums(&before);
            reach = Reach::Customer;
        }
        let paused = self.paused_products();
        let change = Change {
            before: &before,
            after: &after,
            paused: &paused,
            ends: &targets.ends,
            proofs: &targets.proofs,
            known: self.known,
        };
        let parts = change.parts(reach);
        let currencies: BTreeSet<&Currency> = start.keys().chain(end.keys()).collect();
        let mut bridges = self.bridges(at, (&start, &end), &before, &after);
        for currency in currencies {
            let (from, to) = (level(&start, currency), level(&end, currency));
            let class = self.class(is_zero(&start), is_zero(&end), to - from);
            let moved: Vec<Part<'a>> = match class {
                Class::New | Class::Reactivation => arrivals(&after, currency, class, targets, &parts),
                Class::Churn => departures(&before, currency, targets, &parts),
                _ => parts.iter().filter(|part| part.currency == *currency).cloned().collect(),
            };
            for part in moved {
                let bridge = bridges.remove(currency);
                self.post(at, class, part, bridge);
            }
        }
        self.remember(at, &before, &start, &end, targets, first);
    }

    /// The table of R15.
    fn class(&self, was_zero: bool, is_zero: bool, delta: Delta) -> Class {
        match (was_zero, is_zero) {
            (true, _) if self.has_paid => Class::Reactivation,
            (true, _) => Class::New,
            (false, true) => Class::Churn,
            (false, false) if delta > Delta::ZERO => Class::Expansion,
            (false, false) if delta < Delta::ZERO => Class::Contraction,
            (false, false) => Class::Switch,
        }
    }

    /// A gap that an opening or a return from a pause ended just now is over, and no return bridges it (R26).
    fn end_gap(&mut self, at: Instant) {
        let mut now = self.movements.iter().rev().take_while(|movement| movement.effective_at == at);
        if now.any(|movement| matches!(movement.class, Class::Opening | Class::Resume)) {
            self.zero_since = None;
            self.gone.clear();
        }
    }

    /// Keeps what later changes need to know of this one.
    fn remember(
        &mut self,
        at: Instant,
        before: &[Line<'a>],
        start: &Sums,
        end: &Sums,
        targets: &Targets<'a>,
        first: usize,
    ) {
        if !is_zero(end) {
            self.has_paid = true;
            self.zero_since = None;
            self.gone.clear();
            self.left = None;
            return;
        }
        if self.has_paid {
            self.zero_since.get_or_insert(at);
        }
        if !is_zero(start) {
            let lines: Vec<Line<'a>> =
                before.iter().filter(|line| line.level.is_positive()).cloned().collect();
            let has_ended = lines.iter().all(|line| targets.ended.contains(&line.subscription));
            self.gone.extend(lines.iter().cloned());
            let movements = first..self.movements.len();
            let lines = lines.iter().map(|line| targets.proved(line)).collect();
            self.left = has_ended.then_some(Left { at, lines, movements });
        }
    }

    /// Appends a movement of one part.
    pub(super) fn post(&mut self, at: Instant, class: Class, part: Part<'a>, bridge: Option<Bridge>) {
        let running = self.running.entry(part.currency.clone()).or_default();
        let customer_mrr_before = *running;
        *running += part.delta;
        let customer_mrr_after = *running;
        self.movements.push(Movement {
            effective_at: at,
            class,
            kind: part.kind,
            cause: part.cause,
            motion: part.motion,
            subscription: part.subscription,
            item: part.item,
            currency: part.currency,
            is_metered: part.is_metered,
            before: part.before,
            after: part.after,
            delta: part.delta,
            customer_mrr_before,
            customer_mrr_after,
            bridge,
            evidence: Evidence { grade: part.grade.unwrap_or(part.evidence.grade), ..part.evidence.clone() },
        });
    }

    /// All lines that count, those of some subscriptions replaced, placed as of an instant.
    fn lines<'t>(&self, at: Instant, replaced: impl Fn(usize) -> Option<&'t Vec<Line<'a>>>) -> Vec<Line<'a>>
    where
        'a: 't,
    {
        let holds = self.holds.iter().enumerate();
        let mut lines: Vec<Line<'a>> =
            holds.flat_map(|(index, hold)| replaced(index).unwrap_or(&hold.lines).iter().cloned()).collect();
        self.place(&mut lines, at);
        lines
    }

    /// Puts lines where the catalogue of an instant has them, whenever they were valued (R21).
    pub(super) fn place(&self, lines: &mut [Line<'a>], at: Instant) {
        if self.known.catalogue.learnt.is_empty() {
            return;
        }
        for line in lines {
            line.place = self.known.place(&line.price, at);
        }
    }

    pub(super) fn paused_products(&self) -> BTreeSet<ProductId> {
        let paused = self.holds.iter().filter_map(|hold| match &hold.pause {
            Pause::Took(lines) => Some(lines),
            Pause::None | Pause::Unseen => None,
        });
        paused.flatten().map(|line| line.price.product.clone()).collect()
    }

    pub(super) fn finish(mut self) -> Derivation {
        self.levels.extend(self.open_levels.into_values());
        self.levels
            .sort_by(|a, b| (&a.subscription, &a.item, a.from).cmp(&(&b.subscription, &b.item, b.from)));
        Derivation {
            movements: self.movements,
            levels: self.levels,
            findings: self.findings,
            ..Derivation::default()
        }
    }
}

pub(super) fn is_zero(sums: &Sums) -> bool {
    sums.values().all(|level| !level.is_positive())
}

fn level(sums: &Sums, currency: &Currency) -> Mrr {
    sums.get(currency).copied().unwrap_or_default()
}

fn sums(lines: &[Line<'_>]) -> Sums {
    let mut sums = Sums::new();
    for line in lines {
        *sums.entry(line.price.currency.clone()).or_default() += line.level;
    }
    sums
}

/// The movements of a customer that comes: one an item.
fn arrivals<'a>(
    after: &[Line<'a>],
    currency: &Currency,
    class: Class,
    targets: &Targets<'a>,
    parts: &[Part<'a>],
) -> Vec<Part<'a>> {
    let lines = positive(after, currency);
    let arrival = |line: &Line<'a>| {
        let cause = targets.starts.get(&line.subscription).copied();
        let cause = cause.or_else(|| cause_of(line, parts)).unwrap_or(Cause::Created);
        let kind = Kind::of_class(class).unwrap_or(Kind::New);
        Part { after: Some(line.side()), delta: line.level - Mrr::ZERO, ..Part::whole(line, kind, cause) }
    };
    lines.map(arrival).collect()
}

/// The movements of a customer that goes: one an item.
fn departures<'a>(
    before: &[Line<'a>],
    currency: &Currency,
    targets: &Targets<'a>,
    parts: &[Part<'a>],
) -> Vec<Part<'a>> {
    let lines = positive(before, currency);
    let departure = |line: &Line<'a>| {
        let cause = targets.ends.get(&line.subscription).copied();
        let cause = cause.or_else(|| cause_of(line, parts)).unwrap_or(Cause::Canceled);
        let line = &targets.proved(line);
        Part {
            before: Some(line.side()),
            delta: Mrr::ZERO - line.level,
            ..Part::whole(line, Kind::Churn, cause)
        }
    };
    lines.map(departure).collect()
}

fn positive<'l, 'a>(lines: &'l [Line<'a>], currency: &'l Currency) -> impl Iterator<Item = &'l Line<'a>> {
    let mut lines: Vec<&Line<'a>> =
        lines.iter().filter(|line| line.level.is_positive() && line.price.currency == *currency).collect();
    lines.sort_by(|a, b| (&a.subscription, &a.item).cmp(&(&b.subscription, &b.item)));
    lines.into_iter()
}

/// Why an item moved, where its subscription neither began nor ended.
fn cause_of(line: &Line<'_>, parts: &[Part<'_>]) -> Option<Cause> {
    let mut own =
        parts.iter().filter(|part| part.item == line.item && part.subscription == line.subscription);
    own.next_back().map(|part| part.cause)
}
