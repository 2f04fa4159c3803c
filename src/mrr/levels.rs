//! Each item's level through time, kept while the fold goes on.

use std::collections::BTreeMap;

use super::fold::Fold;
use super::line::Line;
use super::{Instant, Level, Status};

impl Fold<'_, '_> {
    /// Keeps the levels of a subscription through time.
    pub(super) fn note_levels(&mut self, index: usize, at: Instant) {
        let life = &self.lives[index];
        let hold = &self.holds[index];
        let told = life.steps[..hold.steps].last();
        let is_at_risk = told.is_some_and(|step| step.snapshot.state.status == Status::PastDue);
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
            let lasts =
                now.get(&key).zip(self.open_levels.get(&key)).is_some_and(|(new, old)| goes_on(old, new));
            if !lasts && let Some(old) = self.open_levels.remove(&key) {
                self.levels.push(Level { until: Some(at), ..old });
            }
        }
        for (key, level) in now {
            self.open_levels.entry(key).or_insert(level);
        }
    }
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
        grade: line.evidence.grade,
        from,
        until: None,
    }
}

/// The levels that stand from a checkpoint on, of those that stood (all that last longer than it) and those that were derived
/// from it. One that lasts goes on as it began, so that the same facts give the same levels whether they were derived at once
/// or one after the other; else it ends at the checkpoint.
#[must_use]
pub fn levels_from(checkpoint: Option<Instant>, stood: &[Level], derived: &[Level]) -> Vec<Level> {
    let mut derived = derived.to_vec();
    let Some(at) = checkpoint else { return derived };
    let mut levels = Vec::with_capacity(stood.len() + derived.len());
    for old in stood.iter().filter(|old| old.from < at) {
        let mut until = Some(at);
        let next = |until, derived: &[Level]| {
            derived.iter().position(|new| Some(new.from) == until && goes_on(old, new))
        };
        while let Some(index) = next(until, &derived) {
            until = derived.remove(index).until;
        }
        levels.push(Level { until, ..old.clone() });
    }
    levels.append(&mut derived);
    levels
}

/// Whether a level goes on in another: the same, on evidence that is no better.
fn goes_on(old: &Level, new: &Level) -> bool {
    new.grade >= old.grade
        && Level { from: old.from, until: old.until, grade: old.grade, ..new.clone() } == *old
}
