//! Where a later derivation may go on from, and how it does.

use super::fold::{Fold, is_zero};
use super::hold::Pause;
use super::life::Standing;
use super::{Checkpoint, ChurnPolicy, Instant, PastDuePolicy, Status};

impl Fold<'_, '_> {
    /// The state at this instant as a checkpoint, if nothing is pending there: the customer pays, no
    /// pause, no usage, nothing incomplete, no late payer that may lapse, no unknown status, no end that a policy
    /// may count before its time, no deletion, no quote whose change may still come,
    /// and every fact up to this second has taken effect, none after it.
    pub(super) fn checkpoint(&self, at: Instant) -> Option<Checkpoint> {
        let lapses = matches!(self.rules.policy.past_due, PastDuePolicy::LapsesAfterDays(_));
        if is_zero(&self.running) || self.is_deleted(at) || self.quotes.are_pending(at) {
            return None;
        }
        let mut base = Vec::new();
        for (life, hold) in self.lives.iter().zip(&self.holds) {
            // What is said of one that is over never takes effect.
            let is_over = self.ended.contains(&life.id);
            let pending = !is_over && life.steps.get(hold.steps).is_some_and(|next| next.snapshot.at <= at);
            let is_plain = matches!(hold.pause, Pause::None)
                && hold.lines.iter().all(|line| !line.is_metered() && line.missing.is_none())
                && life.usage.changes().next().is_none();
            // An end may take effect before it is told of; what is told between can still come.
            let is_early = life.steps[..hold.steps].last().is_some_and(|last| last.snapshot.at > at);
            if pending || is_early || !is_plain {
                return None;
            }
            if hold.steps == 0 || is_over {
                continue;
            }
            let last = life.steps[hold.steps - 1].snapshot;
            // What a status that is not known stands for was told before it (R4).
            let is_unknown = last.state.status == Status::Unknown;
            if is_unknown || (lapses && last.state.status == Status::PastDue) {
                return None;
            }
            if self.rules.policy.churn == ChurnPolicy::Requested && last.state.ends_at.is_some() {
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
            let step = &life.steps[0];
            self.holds[index].steps = 1;
            if life.standing(0, checkpoint.at, self.rules.policy) == Standing::Counts {
                let lines = self.value(index, &step.state, checkpoint.at);
                for line in &lines {
                    *self.running.entry(line.price.currency.clone()).or_default() += line.level;
                }
                self.holds[index].lines = lines;
            }
            self.note_levels(index, checkpoint.at);
        }
    }
}
