//! The search for what makes a gap: choices made otherwise than ours, one alone, then two, then three,
//! until our level is Stripe's figure to the last unit. What is not met exactly proves nothing.

use super::cause::{Cause, Choice};
use super::export::Line;
use super::ours::{Choices, Subject};
use crate::mrr::{Delta, Instant, Month, Mrr};

/// So many causes together are tried.
const MAX_CAUSES: usize = 3;

/// One customer's month in one currency.
pub(super) struct Cell {
    pub(super) line: Line,
    pub(super) month: Month,
    /// When our month ends.
    pub(super) end: Instant,
    pub(super) ours: Mrr,
    pub(super) theirs: Mrr,
    /// How far Stripe's figure may be off for being rounded, in millionths of the minor unit.
    pub(super) slack: i128,
}

impl Cell {
    pub(super) fn gap(&self) -> Delta {
        self.theirs - self.ours
    }

    /// Whether a level of ours is Stripe's figure, but for its rounding.
    pub(super) fn is_met_by(&self, level: Mrr) -> bool {
        (self.theirs - level).0.abs() <= self.slack
    }
}

/// When Stripe's month may end.
pub(super) enum TheirEnd {
    /// The file, or whoever asks, tells.
    Known(Vec<Instant>),
    /// Anywhere between the two.
    Within(Instant, Instant),
}

/// What is known of Stripe's clock for one month.
pub(super) struct Clock {
    pub(super) end: TheirEnd,
    /// What is younger may not have been in Stripe's figures yet.
    pub(super) fresh_from: Instant,
    pub(super) exported_at: Instant,
}

/// What makes a gap, to the last unit.
#[derive(Debug, Default)]
pub(super) struct Explanation {
    pub(super) parts: Vec<(Cause, Delta)>,
    /// What is left for Stripe's rounding.
    pub(super) rounding: Delta,
    pub(super) choices: Choices,
    pub(super) moved_end: Option<(Cause, Instant)>,
    /// What makes ours Stripe's, in words.
    pub(super) details: Vec<String>,
}

impl Explanation {
    /// The one setting of Stripe's account that makes the gap alone, if it does.
    pub(super) fn only_setting(&self) -> Option<Choice> {
        let only = self.choices.first().filter(|_| self.choices.len() == 1 && self.moved_end.is_none());
        only.copied().filter(|choice| choice.is_setting())
    }
}

/// The fewest causes that make the gap, the first of them in the pinned order; `None` if none do.
pub(super) fn explain(subject: &mut Subject, cell: &Cell, clock: &Clock) -> Option<Explanation> {
    let choices = subject.choices();
    for count in 1..=MAX_CAUSES {
        for made in combinations(&choices, count) {
            if is_met(subject, cell, &made) {
                return Some(taken_apart(subject, cell, &made, None));
            }
        }
        for made in combinations(&choices, count - 1) {
            for moved_end in ends(subject, cell, clock, &made) {
                let level = subject.level(&cell.line.1, moved_end.1, &made);
                if level.is_some_and(|level| cell.is_met_by(level)) {
                    return Some(taken_apart(subject, cell, &made, Some(moved_end)));
                }
            }
        }
    }
    None
}

/// Whether our level with choices made otherwise is Stripe's figure.
pub(super) fn is_met(subject: &mut Subject, cell: &Cell, choices: &Choices) -> bool {
    subject.level(&cell.line.1, cell.end, choices).is_some_and(|level| cell.is_met_by(level))
}

/// The gap as far as the account's settings make it, which other gaps have proved; what stays is
/// unknown.
pub(super) fn explain_by_settings(subject: &mut Subject, cell: &Cell, settings: &Choices) -> Explanation {
    let matter = subject.choices();
    let made = settings.iter().copied().filter(|choice| matter.contains(choice)).collect();
    let mut explanation = taken_apart(subject, cell, &made, None);
    if explanation.rounding.0.abs() > cell.slack {
        explanation.parts.push((Cause::Unknown, explanation.rounding));
        explanation.rounding = Delta::ZERO;
    }
    explanation
}

pub(super) fn rfc3339(at: Instant) -> String {
    let time = chrono::DateTime::from_timestamp(at.0, 0).unwrap_or_default();
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// One step from our level to Stripe's.
#[derive(Clone, Copy)]
enum Step {
    Choice(Choice),
    End(Cause, Instant),
}

/// Each choice's part of a gap: the step that it makes after those before it, in the first order, from
/// the pinned one on, in which each makes one. (A discount on what is paused shows once the pause counts.)
fn taken_apart(
    subject: &mut Subject,
    cell: &Cell,
    choices: &Choices,
    moved_end: Option<(Cause, Instant)>,
) -> Explanation {
    let mut steps: Vec<Step> = choices.iter().copied().map(Step::Choice).collect();
    steps.extend(moved_end.map(|(cause, end)| Step::End(cause, end)));
    let mut first: Option<Explanation> = None;
    for order in orders(&steps) {
        let (parts, level) = walked(subject, cell, &order);
        let is_whole = parts.iter().all(|(_, delta)| *delta != Delta::ZERO);
        let parts: Vec<_> = parts.into_iter().filter(|(_, delta)| *delta != Delta::ZERO).collect();
        let rounding = cell.theirs - level;
        let found =
            Explanation { parts, rounding, choices: choices.clone(), moved_end, ..Explanation::default() };
        if is_whole {
            first = Some(found);
            break;
        }
        first.get_or_insert(found);
    }
    let mut explanation = first.unwrap_or_default();
    explanation.parts.sort();
    let words = explanation.choices.iter().map(|choice| choice.words(subject.policy()).to_owned());
    let end = moved_end.map(|(_, end)| format!("as of {}", rfc3339(end)));
    explanation.details = words.chain(end).collect();
    explanation
}

/// The part of each step of an order, and the level that they lead to.
fn walked(subject: &mut Subject, cell: &Cell, order: &[Step]) -> (Vec<(Cause, Delta)>, Mrr) {
    let mut made = Choices::new();
    let mut before = cell.end;
    let mut level = cell.ours;
    let mut parts = Vec::with_capacity(order.len());
    for step in order {
        let cause = match step {
            Step::Choice(choice) => {
                made.insert(*choice);
                choice.cause()
            }
            Step::End(cause, end) => {
                before = *end;
                *cause
            }
        };
        let next = subject.level(&cell.line.1, before, &made).unwrap_or(level);
        parts.push((cause, next - level));
        level = next;
    }
    (parts, level)
}

/// Every order of some steps, beginning with the one they are in; that one alone if they are many.
fn orders(steps: &[Step]) -> Vec<Vec<Step>> {
    if steps.is_empty() || steps.len() > MAX_CAUSES {
        return vec![steps.to_vec()];
    }
    let mut all = Vec::new();
    for place in 0..steps.len() {
        let mut rest = steps.to_vec();
        let first = rest.remove(place);
        all.extend(orders(&rest).into_iter().map(|rest| [vec![first], rest].concat()));
    }
    all
}

/// So many of the choices, in every way that takes a cause once.
fn combinations(choices: &[Choice], count: usize) -> Vec<Choices> {
    if count == 0 {
        return vec![Choices::new()];
    }
    let mut all = Vec::new();
    for (place, choice) in choices.iter().enumerate() {
        for mut made in combinations(&choices[place + 1..], count - 1) {
            if made.iter().all(|other| other.cause() != choice.cause()) {
                made.insert(*choice);
                all.push(made);
            }
        }
    }
    all
}

/// The other instants up to which Stripe's figure may tell, each with its cause: the month's end on
/// another clock, and what was not known yet when the file was made.
fn ends(subject: &mut Subject, cell: &Cell, clock: &Clock, choices: &Choices) -> Vec<(Cause, Instant)> {
    let time_zone: Vec<Instant> = match &clock.end {
        TheirEnd::Known(ends) => ends.clone(),
        TheirEnd::Within(from, to) => around(subject, (*from, *to), choices),
    };
    let fresh = if cell.end > clock.fresh_from {
        let changes = around(subject, (clock.fresh_from, cell.end), choices);
        [clock.fresh_from].into_iter().chain(changes).filter(|at| *at < cell.end).collect()
    } else {
        Vec::new()
    };
    let time_zone = time_zone.into_iter().map(|end| (Cause::TimeZone, end));
    let fresh = fresh.into_iter().map(|end| (Cause::Freshness, end));
    // A month that was not over when the file was made is not known to the end, on any clock.
    if cell.end > clock.exported_at {
        fresh.chain(time_zone).collect()
    } else {
        time_zone.chain(fresh).collect()
    }
}

/// The instants just before and just after each change between two.
fn around(subject: &mut Subject, (from, to): (Instant, Instant), choices: &Choices) -> Vec<Instant> {
    let changes = subject.changes((from, to), choices);
    let sides = changes.into_iter().flat_map(|at| [at, Instant(at.0 + 1)]);
    sides.filter(|at| *at >= from && *at <= to).collect()
}
