//! Where one subscription stands in the fold: what it counts for, what a pause keeps from counting,
//! and what an instant makes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::change::{Part, Proofs, proved};
use super::fold::Fold;
use super::life::{Standing, is_end_asked, standing, state_before};
use super::line::Line;
use super::value::Terms;
use super::{
    Cause, Class, DiscountPolicy, Evidence, Finding, Grade, Instant, Item, ItemId, Kind, Known, Matter,
    MotionSigns, Mrr, Origin, State, Status, SubscriptionId, UsageType,
};

/// What a pause keeps from counting.
#[derive(Debug, Clone, Default)]
pub(super) enum Pause<'a> {
    /// There is none.
    #[default]
    None,
    /// What it took: the lines that counted before it, maybe none.
    Took(Vec<Line<'a>>),
    /// It was in force when the subscription was first seen: what it took is not known (R12).
    Unseen,
}

/// Where one subscription stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Hold<'a> {
    /// How many of its steps have taken effect.
    pub(super) steps: usize,
    /// The lines that count.
    pub(super) lines: Vec<Line<'a>>,
    pub(super) pause: Pause<'a>,
}

/// What an instant makes of the subscriptions it touches.
#[derive(Default)]
pub(super) struct Targets<'a> {
    /// The lines that count from then on.
    pub(super) lines: BTreeMap<usize, Vec<Line<'a>>>,
    /// Why those that stop counting stop.
    pub(super) ends: BTreeMap<SubscriptionId, Cause>,
    /// Those of them that ended, or, as the policy may be, that are asked to.
    pub(super) ended: BTreeSet<SubscriptionId>,
    /// Why those that start counting start.
    pub(super) starts: BTreeMap<SubscriptionId, Cause>,
    /// What proves a change of an item that was held before.
    pub(super) proofs: Proofs<'a>,
}

impl<'a> Targets<'a> {
    /// A line that goes, with what proves it.
    pub(super) fn proved(&self, line: &Line<'a>) -> Line<'a> {
        proved(line, &self.proofs)
    }
}

impl<'a> Fold<'a, '_> {
    /// Brings forward what a subscription held before its first fact (R12).
    pub(super) fn open(&mut self, index: usize, at: Instant) {
        let life = &self.lives[index];
        if self.holds[index].steps > 0 || life.is_continued {
            return;
        }
        let first = life.steps[0].snapshot;
        let policy = self.rules.policy;
        let Some(state) = state_before(first, policy) else { return };
        // An item that the first fact itself added was not there before it.
        let told_at = if first.previous.is_some() { Instant(first.at.0.saturating_sub(1)) } else { first.at };
        let state = self.known.whole(&first.subscription, &state, told_at);
        match standing(&state, policy, is_end_asked(&state, policy)) {
            // A status of paused has never paid; a paused collection has, nobody knows what.
            Standing::Paused | Standing::Counts if state.status == Status::Paused => {
                self.holds[index].pause = Pause::Took(Vec::new());
            }
            Standing::Counts => {
                let mut lines = self.value(index, &state, at);
                // The first fact tells of the state before it, whatever else its second holds.
                // A quote stands behind what it makes, not behind what was there.
                for line in &mut lines {
                    (line.evidence, line.signs) = (&first.evidence, first.motion);
                }
                for line in lines.iter().filter(|line| line.level.is_positive()) {
                    self.has_paid = true;
                    let grade = first.previous.is_some().then_some(Grade::PreviousAttributes);
                    let part = arrival(line, Kind::Opening, Cause::Opening);
                    self.post(at, Class::Opening, Part { grade, ..part }, None);
                }
                self.holds[index].lines = lines;
            }
            Standing::Paused => {
                self.has_paid = true;
                self.holds[index].pause = Pause::Unseen;
            }
            // Until its end was asked for, which nobody told us of, it did pay.
            Standing::Zero(_) => {
                let otherwise = standing(&state, policy, false);
                self.has_paid |= !matches!(otherwise, Standing::Zero(_)) && state.status != Status::Paused;
            }
        }
    }

    /// Sets aside what a pause takes or its end gives back, and works out what the subscription
    /// counts for from this instant on.
    pub(super) fn aim(&mut self, index: usize, at: Instant, targets: &mut Targets<'a>) {
        let life = &self.lives[index];
        let steps = life.steps_until(at);
        let standing = self.standing_at(index, steps - 1, at);
        if self.is_over_at(index, steps - 1, at) {
            self.ended.insert(life.id.clone());
            targets.ended.insert(life.id.clone());
        }
        if life.is_end_asked(steps - 1, self.rules.policy) {
            targets.ended.insert(life.id.clone());
        }
        self.prove(index, at, &mut targets.proofs);
        if let Some(cause) = self.start_cause(index) {
            targets.starts.insert(life.id.clone(), cause);
        }
        self.set_aside(index, at, standing, &targets.proofs);
        let lines = match standing {
            Standing::Counts => self.value(index, &life.steps[steps - 1].state, at),
            Standing::Paused => Vec::new(),
            Standing::Zero(cause) => {
                targets.ends.insert(life.id.clone(), cause);
                Vec::new()
            }
        };
        targets.lines.insert(index, lines);
        self.holds[index].steps = steps;
    }

    /// What proves that an item of this subscription, held or paused, is no longer what it was.
    fn prove(&self, index: usize, at: Instant, proofs: &mut Proofs<'a>) {
        let life = &self.lives[index];
        let hold = &self.holds[index];
        let span = (hold.steps, life.steps_until(at));
        let deletion = self.deleted.filter(|(deleted, _)| *deleted == at).map(|(_, evidence)| evidence);
        let signs = self.signs(index, at);
        let paused = match &hold.pause {
            Pause::Took(lines) => lines.as_slice(),
            Pause::None | Pause::Unseen => &[],
        };
        for line in hold.lines.iter().chain(paused) {
            let made = self.evidence(index, &line.item, span, at);
            let proof = (deletion.unwrap_or(made), signs);
            proofs.insert((life.id.clone(), line.item.clone()), proof);
        }
    }

    /// What tells who stands behind what an instant makes of a subscription (R20): its last word, and whether
    /// a schedule or a quote stands behind any word of that instant.
    fn signs(&self, index: usize, at: Instant) -> MotionSigns {
        let life = &self.lives[index];
        let told = &life.steps[..life.steps_until(at)];
        let last = told.last().map(|step| step.snapshot.motion).unwrap_or_default();
        let now: Vec<MotionSigns> =
            told.iter().filter(|step| step.at == at).map(|step| step.snapshot.motion).collect();
        let is_quoted = !now.is_empty() && self.quotes.stand_behind(&life.id, at);
        let is_scheduled = now.iter().chain([&last]).any(|signs| signs.is_scheduled)
            || now.iter().any(|signs| signs.is_released);
        MotionSigns { is_scheduled: is_scheduled || is_quoted, ..last }
    }

    fn standing_at(&self, index: usize, step: usize, at: Instant) -> Standing {
        if self.is_deleted(at) {
            return Standing::Zero(Cause::CustomerDeleted);
        }
        if self.is_asked_end_over(index, at) {
            return Standing::Zero(Cause::Canceled);
        }
        let life = &self.lives[index];
        // A policy that counts pauses counts what they took, and a trial never was anything.
        let has_lines = !self.holds[index].lines.is_empty();
        match life.standing(step, at, self.rules.policy) {
            Standing::Counts if life.steps[step].snapshot.state.status == Status::Paused && !has_lines => {
                Standing::Paused
            }
            standing => standing,
        }
    }

    /// Whether a subscription is over for good.
    fn is_over_at(&self, index: usize, step: usize, at: Instant) -> bool {
        self.is_deleted(at) || self.is_asked_end_over(index, at) || self.lives[index].is_over_at(step)
    }

    pub(super) fn is_deleted(&self, at: Instant) -> bool {
        self.deleted.is_some_and(|(deleted, _)| deleted <= at)
    }

    fn is_asked_end_over(&self, index: usize, at: Instant) -> bool {
        self.asked_ends.get(&index).is_some_and(|end| *end <= at)
    }

    /// Why a subscription that did not count may begin to: it began, its trial ended, it was paid.
    fn start_cause(&self, index: usize) -> Option<Cause> {
        let life = &self.lives[index];
        let held = self.holds[index].steps;
        let first = life.steps[0].snapshot;
        let was = match held {
            0 if first.origin == Origin::Created => return Some(Cause::Created),
            0 => first.previous.as_ref().unwrap_or(&first.state).status,
            _ => life.steps[held - 1].snapshot.state.status,
        };
        match (was, &self.holds[index]) {
            (Status::Trialing, _) => Some(Cause::TrialEnded),
            (_, Hold { lines, pause: Pause::None, .. } | Hold { pause: Pause::Took(lines), .. })
                if lines.is_empty() =>
            {
                Some(Cause::Activated)
            }
            // It did count, if only for nothing: what moved in it tells why.
            _ => None,
        }
    }

    fn set_aside(&mut self, index: usize, at: Instant, standing: Standing, proofs: &Proofs<'a>) {
        let pause = std::mem::take(&mut self.holds[index].pause);
        match (pause, standing) {
            (Pause::None, Standing::Paused) => {
                let lines = std::mem::take(&mut self.holds[index].lines);
                self.pause_parts(at, &lines, proofs, Class::Pause, false);
                self.holds[index].pause = Pause::Took(lines);
            }
            (Pause::Took(lines), Standing::Counts) => {
                self.pause_parts(at, &lines, proofs, Class::Resume, true);
                self.holds[index].lines = lines;
            }
            (Pause::Unseen, Standing::Counts) => {
                let life = &self.lives[index];
                let step = &life.steps[life.steps_until(at) - 1];
                let lines = self.value(index, &step.state, at);
                self.pause_parts(at, &lines, proofs, Class::Resume, true);
                self.holds[index].lines = lines;
            }
            // It ends while paused: put back what the pause took, so that it does churn (R15).
            (Pause::Took(lines), Standing::Zero(_)) => {
                self.pause_parts(at, &lines, proofs, Class::Pause, true);
                self.holds[index].lines = lines;
            }
            (pause, Standing::Paused) => self.holds[index].pause = pause,
            (Pause::None | Pause::Unseen, _) => {}
        }
    }

    fn pause_parts(
        &mut self,
        at: Instant,
        lines: &[Line<'a>],
        proofs: &Proofs<'a>,
        class: Class,
        is_back: bool,
    ) {
        let (kind, cause) = match class {
            Class::Resume => (Kind::Resume, Cause::Resume),
            _ => (Kind::Pause, Cause::Pause),
        };
        let mut lines = lines.to_vec();
        self.place(&mut lines, at);
        for line in lines.iter().filter(|line| line.level.is_positive()) {
            let line = proved(line, proofs);
            let part = if is_back { arrival(&line, kind, cause) } else { departure(&line, kind, cause) };
            self.post(at, class, part, None);
        }
    }

    /// The lines of a state at an instant. What can't be valued is held at its last known level and
    /// reported (R4).
    pub(super) fn value(&mut self, index: usize, state: &State, at: Instant) -> Vec<Line<'a>> {
        let life = &self.lives[index];
        let policy = self.rules.policy;
        let terms = Arc::new(Terms::of(state, at, self.known, policy.discounts));
        let signs = self.signs(index, at);
        let span = (self.holds[index].steps, life.steps_until(at));
        let mut lines = Vec::with_capacity(state.items.len());
        for (place, item) in terms.items.iter().enumerate() {
            let is_metered = item.price.usage_type == UsageType::Metered;
            let used = life.usage.evidence(&item.id, at).filter(|_| is_metered);
            let level = if is_metered {
                Ok(life.usage.level(&item.id, at, item.price.cadence, policy.usage_window))
            } else {
                terms.level(place)
            };
            let line = Line {
                subscription: life.id.clone(),
                item: item.id.clone(),
                price: Arc::clone(&item.price),
                quantity: item.quantity,
                level: Mrr::ZERO,
                terms: Arc::clone(&terms),
                index: place,
                place: self.known.place(&item.price, at),
                missing: None,
                evidence: used.unwrap_or_else(|| self.evidence(index, &item.id, span, at)),
                signs,
            };
            match level {
                Ok(level) => lines.push(Line { level, ..line }),
                Err(unvalued) => {
                    let missing = unvalued.to_string();
                    self.report_missing(&line, &missing, at);
                    let mut held = self.last_known(index, &line, &state.items, &lines);
                    if held.is_empty() {
                        held.push(line);
                    }
                    lines
                        .extend(held.into_iter().map(|held| Line { missing: Some(missing.clone()), ..held }));
                }
            }
        }
        if state.items_truncated {
            let left_out = self.left_out(index, &state.items, &lines);
            lines.extend(left_out);
        }
        lines
    }

    /// What proves that an item is what it is from this instant on: the snapshot that made it so, or,
    /// where no snapshot of the instant changed it, what was learnt or told of it then (R4, R6).
    fn evidence(&self, index: usize, item: &ItemId, span: (usize, usize), at: Instant) -> &'a Evidence {
        let life = &self.lives[index];
        let policy = self.rules.policy;
        let maker = &life.maker(item, span, at, policy).evidence;
        if life.is_told(item, span, at, policy) {
            return maker;
        }
        let state = &life.steps[span.1 - 1].state;
        proof(state, item, at, self.known, policy.discounts).unwrap_or(maker)
    }

    /// The lines of items that a payload leaves out, held at their last known level (R4).
    fn left_out(&self, index: usize, listed: &[Item], taken: &[Line<'a>]) -> Vec<Line<'a>> {
        let is_listed = |line: &Line<'a>| {
            listed.iter().any(|item| item.id == line.item)
                || taken.iter().any(|taken| taken.item == line.item)
        };
        let held = self.holds[index].lines.iter().filter(|line| !is_listed(line));
        held.map(|line| Line { missing: Some("the items past the tenth".to_owned()), ..line.clone() })
            .collect()
    }

    /// The lines that one that can't be valued is held by: its own as it last was, or that of the item whose
    /// place it took; where nothing that came can be valued, all that left, for no figure tells what of it is
    /// gone (R4). No line holds two.
    fn last_known(
        &self,
        index: usize,
        line: &Line<'a>,
        listed: &[Item],
        taken: &[Line<'a>],
    ) -> Vec<Line<'a>> {
        let held = &self.holds[index].lines;
        let own = held.iter().find(|held| held.item == line.item);
        let is_gone = |held: &&Line<'a>| {
            !listed.iter().any(|item| item.id == held.item)
                && !taken.iter().any(|line| line.item == held.item)
        };
        let gone: Vec<&Line<'a>> = held.iter().filter(is_gone).filter(|held| held.is_like(line)).collect();
        let same_product = gone.iter().find(|held| held.price.product == line.price.product);
        if let Some(known) = own.or(same_product.copied()) {
            return vec![known.clone()];
        }
        let came = |item: &Item| !held.iter().any(|held| held.item == item.id);
        let is_licensed = |item: &Item| item.price.usage_type == UsageType::Licensed;
        let whole = line.terms.items.iter().enumerate();
        let mut valued =
            whole.filter(|(place, item)| came(item) && is_licensed(item) && line.terms.level(*place).is_ok());
        if gone.len() > 1 && valued.next().is_some() {
            return Vec::new();
        }
        gone.into_iter().cloned().collect()
    }

    fn report_missing(&mut self, line: &Line<'a>, missing: &str, at: Instant) {
        let key = (line.subscription.clone(), line.item.clone(), missing.to_owned());
        if self.reported.insert(key) {
            self.findings.push(Finding {
                at,
                subscription: line.subscription.clone(),
                matter: Matter::Incomplete { item: line.item.clone(), missing: missing.to_owned() },
                event: line.evidence.event.clone(),
            });
        }
    }
}

/// What was learnt or told at an instant that makes an item of a state worth something else: about its
/// price, its discounts, or, as amounts are spread over all items, about another's price.
fn proof<'a>(
    state: &State,
    item: &ItemId,
    at: Instant,
    known: &Known<'a>,
    policy: DiscountPolicy,
) -> Option<&'a Evidence> {
    if !known.instants(state).contains(&at) {
        return None;
    }
    let before = Terms::of(state, Instant(at.0.saturating_sub(1)), known, policy);
    let after = Terms::of(state, at, known, policy);
    let repriced = |place: &usize| before.items[*place].price != after.items[*place].price;
    let own = state.items.iter().position(|held| held.id == *item);
    let price_proof = |place: usize| known.price_proof(&state.items[place], at);
    let of_price = || own.filter(repriced).and_then(price_proof);
    let of_discounts = || {
        let is_same = own.is_some_and(|own| before.discounts_of(own).eq(after.discounts_of(own)));
        (!is_same).then(|| known.discount_proof(state, at)).flatten()
    };
    let of_others = || (0..state.items.len()).filter(repriced).find_map(price_proof);
    of_price().or_else(of_discounts).or_else(of_others)
}

fn arrival<'a>(line: &Line<'a>, kind: Kind, cause: Cause) -> Part<'a> {
    Part { after: Some(line.side()), delta: line.level - Mrr::ZERO, ..Part::whole(line, kind, cause) }
}

fn departure<'a>(line: &Line<'a>, kind: Kind, cause: Cause) -> Part<'a> {
    Part { before: Some(line.side()), delta: Mrr::ZERO - line.level, ..Part::whole(line, kind, cause) }
}
