//! A subscription's life: its snapshots in order, when each took effect (R14), and what the
//! subscription counts for at an instant (R5).

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::order::order;
use super::usage::{Meters, Usage};
use super::value::Terms;
use super::{
    Cause, ChurnPolicy, Counting, EndReason, Instant, ItemId, Known, Origin, PastDuePolicy, Policy, Snapshot,
    State, Status, SubscriptionId, UsageInvoice,
};

/// What a subscription counts for (R5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Its items' levels.
    Counts,
    /// Nothing while it is paused.
    Paused,
    /// Nothing.
    Zero(Cause),
}

/// A snapshot at the instant it took effect.
#[derive(Debug, Clone)]
pub(super) struct Step<'a> {
    pub(super) at: Instant,
    pub(super) snapshot: &'a Snapshot,
    /// The state it tells, with the items that it leaves out where they are known (R4).
    pub(super) state: Cow<'a, State>,
    pub(super) is_chain_broken: bool,
}

/// One subscription through time.
#[derive(Debug, Clone)]
pub(super) struct Life<'a> {
    pub(super) id: SubscriptionId,
    pub(super) steps: Vec<Step<'a>>,
    pub(super) usage: Usage<'a>,
    /// Whether the first step is the state of a checkpoint, or it was over before one.
    pub(super) is_continued: bool,
    /// Whether it was over at the checkpoint.
    pub(super) is_over: bool,
    /// The step that ended it.
    ended_by: Option<usize>,
}

impl<'a> Life<'a> {
    /// The life told by `snapshots`, going on from `base` where a checkpoint keeps one.
    pub(super) fn of(
        id: SubscriptionId,
        base: Option<&'a Snapshot>,
        is_over: bool,
        snapshots: &[&'a Snapshot],
        invoices: &[&'a UsageInvoice],
        known: &Known<'a>,
        policy: &Policy,
    ) -> Self {
        let step = |at, snapshot: &'a Snapshot, is_chain_broken| Step {
            at,
            snapshot,
            state: known.whole(&snapshot.subscription, &snapshot.state, snapshot.at),
            is_chain_broken,
        };
        let mut steps: Vec<Step<'a>> =
            base.map(|snapshot| step(snapshot.at, snapshot, false)).into_iter().collect();
        for told in order(base.map(|base| &base.state), snapshots) {
            let took_effect = effective_at(told.snapshot, policy, is_sold_with_end(&steps));
            // Never before the fact it follows (R14).
            let at = steps.last().map_or(took_effect, |last| took_effect.max(last.at));
            // An end is for good: that it lives on can only be told by a word out of place.
            let is_after_end = is_over || steps.iter().any(|step| step.snapshot.is_end());
            let is_chain_broken = told.is_broken || (is_after_end && !told.snapshot.is_end());
            steps.push(step(at, told.snapshot, is_chain_broken));
        }
        let ended_by = steps.iter().position(|step| step.snapshot.is_end());
        let usage = Usage::of(invoices, &Meters { steps: &steps, known });
        Self { id, steps, usage, is_continued: base.is_some() || is_over, is_over, ended_by }
    }

    /// One that has said nothing yet.
    pub(super) fn to_come(id: SubscriptionId) -> Self {
        Self {
            id,
            steps: Vec::new(),
            usage: Usage::default(),
            is_continued: false,
            is_over: false,
            ended_by: None,
        }
    }

    /// The same life with words that are expected of it, in their order.
    pub(super) fn going_on<'w>(&self, words: &'w [Snapshot]) -> Life<'w>
    where
        'a: 'w,
    {
        let mut life: Life<'w> = self.clone();
        for snapshot in words {
            let place = life.steps.partition_point(|step| step.at <= snapshot.at);
            let state = Cow::Borrowed(&snapshot.state);
            life.steps.insert(place, Step { at: snapshot.at, snapshot, state, is_chain_broken: false });
        }
        life.ended_by = life.steps.iter().position(|step| step.snapshot.is_end());
        life
    }

    /// The snapshot that made an item what it is after `steps` steps, of which `held` had taken effect
    /// before: the first of the new ones from which on neither the item, nor the discounts, nor what
    /// the subscription counts for changed. What only repeats a change, or changes something else in
    /// the same second, is not its evidence, whichever is heard of first.
    pub(super) fn maker(
        &self,
        item: &ItemId,
        (held, steps): (usize, usize),
        at: Instant,
        policy: &Policy,
    ) -> &'a Snapshot {
        let last = steps - 1;
        let is_as_last = |step: &usize| self.is_same(item, (*step, last), at, policy);
        let unchanged = (held..last).rev().take_while(is_as_last);
        self.steps[unchanged.last().unwrap_or(last)].snapshot
    }

    /// Whether a snapshot tells that an item is no longer what it was: one of the first `steps`, of which
    /// `held` had taken effect before.
    pub(super) fn is_told(
        &self,
        item: &ItemId,
        (held, steps): (usize, usize),
        at: Instant,
        policy: &Policy,
    ) -> bool {
        held == 0 || !self.is_same(item, (held - 1, steps - 1), at, policy)
    }

    /// Whether an item, the discounts and what the subscription counts for are the same after two steps.
    fn is_same(&self, item: &ItemId, (one, other): (usize, usize), at: Instant, policy: &Policy) -> bool {
        let look = |step: usize| {
            let state = &self.steps[step].state;
            let item = state.items.iter().find(|held| held.id == *item);
            (item, &state.discounts, self.standing(step, at, policy))
        };
        look(one) == look(other)
    }

    /// How many steps have taken effect at an instant.
    pub(super) fn steps_until(&self, at: Instant) -> usize {
        self.steps.partition_point(|step| step.at <= at)
    }

    /// Whether one of its snapshots takes effect at an instant.
    pub(super) fn speaks_at(&self, at: Instant) -> bool {
        self.steps.iter().any(|step| step.at == at)
    }

    /// The instants at which a word about it takes effect. None after its end, which is for good: what is
    /// still said of it changes nothing, and nobody has to come back for it.
    pub(super) fn told_changes(&self) -> impl Iterator<Item = Instant> + '_ {
        let end = self.ended_by.map(|end| self.steps[end].at);
        let is_heard = move |at: &Instant| !self.is_over && end.is_none_or(|end| *at <= end);
        self.steps.iter().map(|step| step.at).filter(is_heard)
    }

    /// The instants at which what it counts for may change without a word about it: discounts that end,
    /// the customer's discount, what is learnt of prices and coupons, late payers that lapse, usage.
    pub(super) fn silent_changes(&self, known: &Known<'_>, policy: &Policy) -> BTreeSet<Instant> {
        // What is billed after an end comes to nothing (R8).
        let is_over = |at: &Instant| {
            self.is_over || self.steps_until(*at).checked_sub(1).is_some_and(|last| self.is_over_at(last))
        };
        let mut instants: BTreeSet<Instant> = self.usage.changes().filter(|at| !is_over(at)).collect();
        for (index, step) in self.steps.iter().enumerate() {
            let until = self.steps.get(index + 1).map(|next| next.at);
            let lasts = |at: &Instant| *at > step.at && until.is_none_or(|until| *at < until);
            let terms = |at: Instant| Terms::of(&step.state, at, known, policy.discounts);
            let changes = |at: &Instant| terms(Instant(at.0.saturating_sub(1))) != terms(*at);
            if self.is_over_at(index) {
                continue;
            }
            instants.extend(known.instants(&step.state).into_iter().filter(lasts).filter(changes));
            instants.extend(self.lapses_at(index, policy).filter(lasts));
        }
        instants
    }

    /// When it is to end, if its last word is that it will (R14).
    pub(super) fn asked_end(&self) -> Option<Instant> {
        let last = self.steps.last()?;
        let is_over = self.is_over_at(self.steps.len() - 1);
        last.snapshot.state.ends_at.filter(|at| !is_over && *at > last.at)
    }

    /// When the late payer of a step lapses, counted from the first of the steps that were late.
    pub(super) fn lapses_at(&self, index: usize, policy: &Policy) -> Option<Instant> {
        let PastDuePolicy::LapsesAfterDays(days) = policy.past_due else {
            return None;
        };
        let is_late = |step: &Step<'a>| step.snapshot.state.status == Status::PastDue;
        let late = self.steps[..=index].iter().rev().take_while(|step| is_late(step));
        late.last().map(|first| Instant(first.at.0 + i64::from(days) * 86_400))
    }

    /// Whether it is over for good at the step at `index`.
    pub(super) fn is_over_at(&self, index: usize) -> bool {
        self.is_over || self.ended_by.is_some_and(|end| end <= index)
    }

    /// What it counts for at an instant, after the step at `index`.
    pub(super) fn standing(&self, index: usize, at: Instant, policy: &Policy) -> Standing {
        let snapshot = self.steps[index].snapshot;
        if self.is_over_at(index) && !snapshot.is_end() {
            return Standing::Zero(Cause::Canceled);
        }
        if snapshot.origin == Origin::Deleted {
            return Standing::Zero(end_cause(&snapshot.state));
        }
        if self.lapses_at(index, policy).is_some_and(|lapse| lapse <= at) {
            return Standing::Zero(Cause::Involuntary);
        }
        standing(self.last_known(index), policy, self.is_end_asked(index, policy))
    }

    /// Whether at the step at `index` its end is asked for, and the policy counts it from then on (R14).
    /// The end that a subscription began with, a fixed term, nobody asked for (DECISIONS 69).
    pub(super) fn is_end_asked(&self, index: usize, policy: &Policy) -> bool {
        is_end_asked(&self.steps[index].snapshot.state, policy) && !is_sold_with_end(&self.steps[..=index])
    }

    /// The state of the step at `index` or, where this version does not know its status, of the last
    /// before it whose status it knows, which may be the one that it is opened with (R12): what can't be
    /// judged holds what it held (R4).
    fn last_known(&self, index: usize) -> &'a State {
        let is_known = |state: &&State| state.status != Status::Unknown;
        let told = self.steps[..=index].iter().rev().map(|step| &step.snapshot.state);
        let opened_with = self.steps[0].snapshot.previous.as_ref();
        let known = told.chain(opened_with).find(is_known);
        known.unwrap_or(&self.steps[index].snapshot.state)
    }
}

/// Whether a state's end is asked for, and the policy counts it from then on (R14).
pub(super) fn is_end_asked(state: &State, policy: &Policy) -> bool {
    policy.churn == ChurnPolicy::Requested && state.ends_at.is_some()
}

/// Whether a subscription is to end when it began to say it would.
fn is_sold_with_end(steps: &[Step<'_>]) -> bool {
    let Some(first) = steps.first().map(|step| step.snapshot) else { return false };
    let end = first.state.ends_at;
    let is_same = |step: &Step<'_>| step.snapshot.state.ends_at == end;
    first.origin == Origin::Created && end.is_some() && steps.iter().all(is_same)
}

/// What a state counts for (R5), whatever comes of late payment; `is_end_asked` as the policy has it.
pub(super) fn standing(state: &State, policy: &Policy, is_end_asked: bool) -> Standing {
    match state.status {
        Status::Trialing if policy.trialing == Counting::Zero => return Standing::Zero(Cause::Canceled),
        Status::Paused if policy.paused == Counting::Zero && !is_end_asked => return Standing::Paused,
        Status::Active | Status::PastDue | Status::Trialing | Status::Paused => {}
        Status::Incomplete
        | Status::IncompleteExpired
        | Status::Canceled
        | Status::Unpaid
        | Status::Unknown => return Standing::Zero(end_cause(state)),
    }
    if is_end_asked {
        return Standing::Zero(end_cause(state));
    }
    if state.collection_paused && policy.paused == Counting::Zero {
        return Standing::Paused;
    }
    Standing::Counts
}

/// Why a subscription counts for nothing: for want of payment, or because somebody ended it (R5).
fn end_cause(state: &State) -> Cause {
    let is_unpaid = matches!(state.status, Status::Unpaid | Status::IncompleteExpired);
    if is_unpaid || state.end_reason == Some(EndReason::Payment) {
        Cause::Involuntary
    } else {
        Cause::Canceled
    }
}

/// When a snapshot took effect: when it was made, except an end (R14).
fn effective_at(snapshot: &Snapshot, policy: &Policy, is_sold_with_end: bool) -> Instant {
    if !snapshot.is_end() {
        return snapshot.at;
    }
    let asked = match policy.churn {
        ChurnPolicy::Requested if !is_sold_with_end => snapshot.state.canceled_at,
        ChurnPolicy::Requested | ChurnPolicy::Ended => None,
    };
    asked.or(snapshot.state.ended_at).unwrap_or(snapshot.at)
}

/// The state before a subscription's first fact (R12); `None` if there was nothing to count.
pub(super) fn state_before(snapshot: &Snapshot, policy: &Policy) -> Option<State> {
    if snapshot.origin == Origin::Created {
        return None;
    }
    if snapshot.origin != Origin::Deleted {
        return Some(snapshot.previous.clone().unwrap_or_else(|| snapshot.state.clone()));
    }
    // A deletion tells what was held; it held nothing yet if it ended before or with a trial that
    // counts for nothing.
    let state = &snapshot.state;
    let ended_at = state.ended_at.unwrap_or(snapshot.at);
    let was_trial =
        policy.trialing == Counting::Zero && state.trial_end.is_some_and(|trial_end| ended_at <= trial_end);
    let was = State { status: Status::Active, ends_at: None, ..state.clone() };
    (!was_trial).then_some(was)
}
