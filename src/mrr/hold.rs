//! Where one subscription stands in the fold: what it counts for, what a pause keeps from counting,
//! and what an instant makes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::change::{Part, Proof, proved};
use super::fold::{Fold, is_zero};
use super::life::{Standing, is_end, standing, state_before};
use super::line::Line;
use super::value::Terms;
use super::{
    Cause, Checkpoint, ChurnPolicy, Class, Finding, Grade, Instant, Kind, Level, Matter, Mrr, Origin,
    PastDuePolicy, Snapshot, State, Status, SubscriptionId, UsageType,
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
    /// Those of them that are over for good.
    pub(super) ended: BTreeSet<SubscriptionId>,
    /// Why those that start counting start.
    pub(super) starts: BTreeMap<SubscriptionId, Cause>,
    pub(super) proofs: BTreeMap<SubscriptionId, Proof<'a>>,
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
        let Some(state) = state_before(first) else { return };
        match standing(&state, self.rules.policy) {
            Standing::Counts => {
                let lines = self.value(index, &state, first, at);
                for line in lines.iter().filter(|line| line.level.is_positive()) {
                    self.has_paid = true;
                    let grade = first.previous.is_some().then_some(Grade::PreviousAttributes);
                    let part = arrival(line, Kind::Opening, Cause::Opening);
                    self.post(at, Class::Opening, Part { grade, ..part }, None);
                }
                self.holds[index].lines = lines;
            }
            // A status of paused has never paid; a paused collection has, nobody knows what.
            Standing::Paused if state.status == Status::Paused => {
                self.holds[index].pause = Pause::Took(Vec::new());
            }
            Standing::Paused => {
                self.has_paid = true;
                self.holds[index].pause = Pause::Unseen;
            }
            Standing::Zero(_) => {}
        }
    }

    /// Sets aside what a pause takes or its end gives back, and works out what the subscription
    /// counts for from this instant on.
    pub(super) fn aim(&mut self, index: usize, at: Instant, targets: &mut Targets<'a>) {
        let life = &self.lives[index];
        let steps = life.steps_until(at);
        let snapshot = life.steps[steps - 1].snapshot;
        let (standing, is_over) = self.standing_at(index, steps - 1, at);
        let evidence =
            self.deleted.filter(|(deleted, _)| *deleted == at).map_or(&snapshot.evidence, |(_, by)| by);
        let proof = (evidence, &snapshot.motion);
        targets.proofs.insert(life.id.clone(), proof);
        if let Some(cause) = self.start_cause(index, steps) {
            targets.starts.insert(life.id.clone(), cause);
        }
        self.set_aside(index, at, standing, proof);
        let lines = match standing {
            Standing::Counts => self.value(index, &snapshot.state, snapshot, at),
            Standing::Paused => Vec::new(),
            Standing::Zero(cause) => {
                targets.ends.insert(life.id.clone(), cause);
                Vec::new()
            }
        };
        if is_over {
            targets.ended.insert(life.id.clone());
            self.ended.insert(life.id.clone());
        }
        targets.lines.insert(index, lines);
        self.holds[index].steps = steps;
    }

    /// What a subscription counts for, and whether it is over for good.
    fn standing_at(&self, index: usize, step: usize, at: Instant) -> (Standing, bool) {
        if self.deleted.is_some_and(|(deleted, _)| deleted <= at) {
            return (Standing::Zero(Cause::CustomerDeleted), true);
        }
        if self.asked_ends.get(&index).is_some_and(|end| *end <= at) {
            return (Standing::Zero(Cause::Canceled), true);
        }
        let life = &self.lives[index];
        let snapshot = life.steps[step].snapshot;
        let is_requested =
            self.rules.policy.churn == ChurnPolicy::Requested && snapshot.state.ends_at.is_some();
        let standing = life.standing(step, at, self.rules.policy);
        // A policy that counts pauses counts what they took, and a trial never was anything.
        let has_lines = !self.holds[index].lines.is_empty();
        let standing = match standing {
            Standing::Counts if snapshot.state.status == Status::Paused && !has_lines => Standing::Paused,
            standing => standing,
        };
        (standing, is_end(snapshot) || is_requested || life.is_over)
    }

    /// Why a subscription that did not count may begin to: it began, its trial ended, it was paid.
    fn start_cause(&self, index: usize, steps: usize) -> Option<Cause> {
        let life = &self.lives[index];
        let held = self.holds[index].steps;
        let first = life.steps[0].snapshot;
        let was = match held {
            0 if first.origin == Origin::Created => return Some(Cause::Created),
            0 => first.previous.as_ref().unwrap_or(&first.state).status,
            _ => life.steps[held - 1].snapshot.state.status,
        };
        let is = life.steps[steps - 1].snapshot.state.status;
        match was {
            Status::Trialing => Some(Cause::TrialEnded),
            // It did count, if only for nothing: what moved in it tells why.
            Status::Active | Status::PastDue => None,
            _ if was == is => None,
            _ => Some(Cause::Activated),
        }
    }

    fn set_aside(&mut self, index: usize, at: Instant, standing: Standing, proof: Proof<'a>) {
        let pause = std::mem::take(&mut self.holds[index].pause);
        match (pause, standing) {
            (Pause::None, Standing::Paused) => {
                let lines = std::mem::take(&mut self.holds[index].lines);
                self.pause_parts(at, &lines, proof, Class::Pause, false);
                self.holds[index].pause = Pause::Took(lines);
            }
            (Pause::Took(lines), Standing::Counts) => {
                self.pause_parts(at, &lines, proof, Class::Resume, true);
                self.holds[index].lines = lines;
            }
            (Pause::Unseen, Standing::Counts) => {
                let life = &self.lives[index];
                let snapshot = life.steps[life.steps_until(at) - 1].snapshot;
                let lines = self.value(index, &snapshot.state, snapshot, at);
                self.pause_parts(at, &lines, proof, Class::Resume, true);
                self.holds[index].lines = lines;
            }
            // It ends while paused: put back what the pause took, so that it does churn (R15).
            (Pause::Took(lines), Standing::Zero(_)) => {
                self.pause_parts(at, &lines, proof, Class::Pause, true);
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
        proof: Proof<'a>,
        class: Class,
        is_back: bool,
    ) {
        let (kind, cause) = match class {
            Class::Resume => (Kind::Resume, Cause::Resume),
            _ => (Kind::Pause, Cause::Pause),
        };
        for line in lines.iter().filter(|line| line.level.is_positive()) {
            let line = Line { evidence: proof.0, signs: proof.1, ..line.clone() };
            let part = if is_back { arrival(&line, kind, cause) } else { departure(&line, kind, cause) };
            self.post(at, class, part, None);
        }
    }

    /// The lines of a state at an instant. What can't be valued is held at its last known level and
    /// reported (R4).
    fn value(&mut self, index: usize, state: &State, snapshot: &'a Snapshot, at: Instant) -> Vec<Line<'a>> {
        let life = &self.lives[index];
        let policy = self.rules.policy;
        let terms = Arc::new(Terms::of(state, at, policy.discounts));
        let mut lines = Vec::with_capacity(state.items.len());
        for (place, item) in state.items.iter().enumerate() {
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
                missing: None,
                evidence: used.unwrap_or(&snapshot.evidence),
                signs: &snapshot.motion,
            };
            match level {
                Ok(level) => lines.push(Line { level, ..line }),
                Err(unvalued) => {
                    let missing = unvalued.to_string();
                    self.report_missing(&line, &missing, at);
                    let held = self.holds[index].lines.iter().find(|held| held.item == line.item);
                    lines.push(Line { missing: Some(missing), ..held.cloned().unwrap_or(line) });
                }
            }
        }
        lines
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

    /// Keeps the levels of a subscription through time.
    pub(super) fn note_levels(&mut self, index: usize, at: Instant) {
        let life = &self.lives[index];
        let hold = &self.holds[index];
        let is_at_risk =
            hold.steps > 0 && life.steps[hold.steps - 1].snapshot.state.status == Status::PastDue;
        let now: BTreeMap<_, Level> = hold
            .lines
            .iter()
            .map(|line| {
                (
                    (line.subscription.clone(), line.item.clone(), line.is_metered()),
                    level_of(line, is_at_risk, at),
                )
            })
            .collect();
        let open = self.open_levels.range((life.id.clone(), "".into(), false)..);
        let open: Vec<_> = open.map(|(key, _)| key.clone()).take_while(|key| key.0 == life.id).collect();
        for key in open {
            let lasts = now
                .get(&key)
                .zip(self.open_levels.get(&key))
                .is_some_and(|(new, old)| is_same_level(new, old));
            if !lasts && let Some(old) = self.open_levels.remove(&key) {
                self.levels.push(Level { until: Some(at), ..old });
            }
        }
        for (key, level) in now {
            self.open_levels.entry(key).or_insert(level);
        }
    }

    /// The state at this instant as a checkpoint, if nothing is pending there: the customer pays, no
    /// pause, no usage, nothing incomplete, no late payer that may lapse, no deletion, and every fact
    /// up to this second has taken effect.
    pub(super) fn checkpoint(&self, at: Instant) -> Option<Checkpoint> {
        let lapses = matches!(self.rules.policy.past_due, PastDuePolicy::LapsesAfterDays(_));
        let is_deleted = self.deleted.is_some_and(|(deleted, _)| deleted <= at);
        if is_zero(&self.running) || is_deleted {
            return None;
        }
        let mut base = Vec::new();
        for (life, hold) in self.lives.iter().zip(&self.holds) {
            let pending = life.steps.get(hold.steps).is_some_and(|next| next.snapshot.at <= at);
            let is_plain = matches!(hold.pause, Pause::None)
                && hold.lines.iter().all(|line| !line.is_metered() && line.missing.is_none())
                && life.usage.changes().next().is_none();
            if pending || !is_plain {
                return None;
            }
            if hold.steps == 0 || self.ended.contains(&life.id) {
                continue;
            }
            let last = life.steps[hold.steps - 1].snapshot;
            if lapses && last.state.status == Status::PastDue {
                return None;
            }
            base.push(last.evidence.event.clone());
        }
        Some(Checkpoint { at, base, ended: self.ended.iter().cloned().collect() })
    }

    /// Takes up the state of a checkpoint.
    pub(super) fn go_on_from(&mut self, checkpoint: &Checkpoint) {
        self.has_paid = true;
        self.ended = checkpoint.ended.iter().cloned().collect();
        for index in 0..self.lives.len() {
            let life = &self.lives[index];
            if !life.is_continued || life.is_over {
                continue;
            }
            let snapshot = life.steps[0].snapshot;
            self.holds[index].steps = 1;
            if life.standing(0, checkpoint.at, self.rules.policy) == Standing::Counts {
                let lines = self.value(index, &snapshot.state, snapshot, checkpoint.at);
                for line in &lines {
                    *self.running.entry(line.price.currency.clone()).or_default() += line.level;
                }
                self.holds[index].lines = lines;
            }
            self.note_levels(index, checkpoint.at);
        }
    }
}

fn arrival<'a>(line: &Line<'a>, kind: Kind, cause: Cause) -> Part<'a> {
    Part { after: Some(line.side()), delta: line.level - Mrr::ZERO, ..Part::whole(line, kind, cause) }
}

fn departure<'a>(line: &Line<'a>, kind: Kind, cause: Cause) -> Part<'a> {
    Part { before: Some(line.side()), delta: Mrr::ZERO - line.level, ..Part::whole(line, kind, cause) }
}

fn level_of(line: &Line<'_>, is_at_risk: bool, from: Instant) -> Level {
    Level {
        subscription: line.subscription.clone(),
        item: line.item.clone(),
        product: line.price.product.clone(),
        price: line.price.id.clone(),
        currency: line.price.currency.clone(),
        is_metered: line.is_metered(),
        quantity: line.quantity,
        mrr: line.level,
        is_at_risk,
        from,
        until: None,
    }
}

/// Whether two levels differ in nothing but when they began.
fn is_same_level(one: &Level, other: &Level) -> bool {
    Level { from: other.from, ..one.clone() } == *other
}
