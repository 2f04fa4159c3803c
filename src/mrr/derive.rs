//! From a customer's timeline to its movements (R22): the facts are brought into one order of
//! instants, and each instant's change is classified for the customer (R15).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::ahead::{next_phase, plans, scheduled};
use super::asked::asked;
use super::fold::Fold;
use super::life::Life;
use super::quotes::Quotes;
use super::rebuild::rebuilt;
use super::{
    Catalogue, Checkpoint, Derivation, Evidence, Fact, Finding, Instant, Known, Matter, Policy, Snapshot,
    Status, SubscriptionId, UsageInvoice,
};

/// A checkpoint is only taken this long before the newest fact: Stripe tries to deliver for three
/// days, so that what is younger may yet be overtaken by an older fact.
pub const CHECKPOINT_LAG_SECONDS: i64 = 3 * 86_400;

/// What a derivation depends on beside the facts (R22).
#[derive(Debug, Clone, Copy)]
pub struct Rules<'r> {
    /// What is known about products and prices.
    pub catalogue: &'r Catalogue,
    /// The choices in force.
    pub policy: &'r Policy,
    /// The time of the run: what is dated after it is scheduled.
    pub as_of: Instant,
}

/// All facts about one customer of one book, in any order, with or without duplicates; or, from a
/// checkpoint on, those after it and, of the customer itself, its discounts, quotes and schedules, all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Timeline {
    /// The facts.
    pub facts: Vec<Fact>,
    /// Where they go on from; `None` if they are all.
    pub start: Option<Start>,
}

/// A checkpoint with the snapshots that make up its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The snapshots it names, one for each subscription that counts.
    pub base: Vec<Snapshot>,
}

/// Derives a customer's movements, levels and findings (R10 to R22): a pure function, the same for
/// the same facts in any order and any number.
#[must_use]
pub fn derive(timeline: &Timeline, rules: Rules<'_>) -> Derivation {
    derive_with_lag(timeline, rules, CHECKPOINT_LAG_SECONDS)
}

/// [`derive()`], with checkpoints taken another time before the newest fact.
#[must_use]
pub fn derive_with_lag<'a>(
    timeline: &'a Timeline,
    rules: Rules<'a>,
    checkpoint_lag_seconds: i64,
) -> Derivation {
    let known = Known::of(&timeline.facts, rules.catalogue);
    let rebuilt = rebuilt(timeline, &known, rules.as_of);
    let timeline = rebuilt.timeline.as_ref();
    let lives = lives(timeline, &known, rules.policy);
    let start = timeline.start.as_ref().map(|start| start.checkpoint.at);
    let deleted = deletion(timeline);
    let points = points(&lives, deleted.map(|(at, _)| at), start, &known, rules.policy);
    let newest = timeline.facts.iter().map(Fact::at).max();
    let checkpoint_before = newest.map(|newest| Instant(newest.0.saturating_sub(checkpoint_lag_seconds)));
    let findings = findings(&lives, &known);

    let mut fold = Fold::new(rules, &known, &lives, deleted, Quotes::of(&timeline.facts));
    if let Some(start) = &timeline.start {
        fold.go_on_from(&start.checkpoint);
    }
    let unseen_usage_from = unseen_usage_from(timeline, &lives);
    let running = running_periods(timeline);
    // One that no newer one replaces stands; what lists tell is weighed as a whole, with all that comes later.
    let is_rebuilt = matches!(rebuilt.timeline, Cow::Owned(_));
    let mut checkpoint = timeline.start.as_ref().map(|start| start.checkpoint.clone());
    for (at, touched) in points.range(..=rules.as_of) {
        fold.change(*at, touched);
        let is_told = unseen_usage_from.is_none_or(|from| *at < from)
            && !running.iter().any(|(from, until)| from <= at && at < until);
        if is_told && !is_rebuilt && checkpoint_before.is_some_and(|before| *at < before) {
            checkpoint = fold.checkpoint(*at).or(checkpoint);
        }
    }
    let mut derivation = fold.clone().finish();
    derivation.findings.extend(findings);
    derivation.findings.extend(rebuilt.findings);
    derivation
        .findings
        .sort_by(|a, b| (a.at, &a.subscription, &a.event).cmp(&(b.at, &b.subscription, &b.event)));
    derivation.checkpoint = checkpoint;
    let later = (std::ops::Bound::Excluded(rules.as_of), std::ops::Bound::Unbounded);
    let plans = plans(&timeline.facts, &lives, &known, rules.as_of);
    derivation.due_at =
        points.range(later).next().map(|(at, _)| *at).into_iter().chain(next_phase(&plans)).min();
    derivation.asked = asked(&timeline.facts, &lives, &known);
    derivation.scheduled = scheduled(fold, points, &plans, rules.as_of);
    derivation
}

/// Every subscription of the timeline with its facts, in the order of their ids.
pub(super) fn lives<'a>(timeline: &'a Timeline, known: &Known<'a>, policy: &Policy) -> Vec<Life<'a>> {
    let mut snapshots: BTreeMap<SubscriptionId, Vec<&'a Snapshot>> = BTreeMap::new();
    let mut invoices: BTreeMap<SubscriptionId, Vec<&'a UsageInvoice>> = BTreeMap::new();
    for fact in &timeline.facts {
        match fact {
            Fact::Subscription(fact) => snapshots.entry(fact.subscription.clone()).or_default().push(fact),
            Fact::Usage(fact) => invoices.entry(fact.subscription.clone()).or_default().push(fact),
            Fact::Customer(_)
            | Fact::Discount(_)
            | Fact::Quote(_)
            | Fact::Schedule(_)
            | Fact::Billed(_)
            | Fact::Change(_) => {}
        }
    }
    let start = timeline.start.as_ref();
    let base: BTreeMap<&SubscriptionId, &'a Snapshot> = start
        .into_iter()
        .flat_map(|start| &start.base)
        .map(|snapshot| (&snapshot.subscription, snapshot))
        .collect();
    let over: BTreeSet<&SubscriptionId> =
        start.into_iter().flat_map(|start| &start.checkpoint.ended).collect();
    let ids: BTreeSet<SubscriptionId> = snapshots.keys().chain(base.keys().copied()).cloned().collect();
    ids.into_iter()
        .map(|id| {
            let told = snapshots.get(&id).map_or(&[][..], Vec::as_slice);
            let billed = invoices.get(&id).map_or(&[][..], Vec::as_slice);
            let is_over = over.contains(&id);
            let base = base.get(&id).copied();
            Life::of(id, base, is_over, told, billed, known, policy)
        })
        .collect()
}

/// The first word about usage of a subscription that is not seen yet: what it says has to be at hand
/// when the subscription opens (R12), so that no checkpoint may come after it.
fn unseen_usage_from(timeline: &Timeline, lives: &[Life<'_>]) -> Option<Instant> {
    let billed = timeline.facts.iter().filter_map(|fact| match fact {
        Fact::Usage(fact) => Some(fact),
        _ => None,
    });
    billed.filter(|fact| !lives.iter().any(|life| life.id == fact.subscription)).map(|fact| fact.at).min()
}

/// The service periods that invoices tell of before they are over, from when to when: an item that comes while
/// one runs is told of already, so that no checkpoint may lie in it. Stripe bills in arrears; none does.
fn running_periods(timeline: &Timeline) -> Vec<(Instant, Instant)> {
    let billed = timeline.facts.iter().filter_map(|fact| match fact {
        Fact::Usage(fact) => Some((fact.at, fact.period_end)),
        _ => None,
    });
    billed.filter(|(from, until)| from < until).collect()
}

/// When the customer was deleted, which ends all its subscriptions at once.
pub(super) fn deletion(timeline: &Timeline) -> Option<(Instant, &Evidence)> {
    let deletions = timeline.facts.iter().filter_map(|fact| match fact {
        Fact::Customer(fact) if fact.is_deleted => Some((fact.at, &fact.evidence)),
        _ => None,
    });
    deletions.min_by(|a, b| (a.0, &a.1.event).cmp(&(b.0, &b.1.event)))
}

/// The instants at which anything may change, each with the subscriptions it touches.
pub(super) fn points(
    lives: &[Life<'_>],
    deleted_at: Option<Instant>,
    start: Option<Instant>,
    known: &Known<'_>,
    policy: &Policy,
) -> BTreeMap<Instant, BTreeSet<usize>> {
    let mut points: BTreeMap<Instant, BTreeSet<usize>> = BTreeMap::new();
    for (index, life) in lives.iter().enumerate() {
        for at in life.told_changes().chain(life.silent_changes(known, policy)).chain(deleted_at) {
            if start.is_none_or(|start| at > start) {
                points.entry(at).or_default().insert(index);
            }
        }
    }
    points
}

/// What the facts themselves give a person to look at.
fn findings(lives: &[Life<'_>], known: &Known<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for life in lives {
        let mut coupons = BTreeSet::new();
        for step in &life.steps {
            let snapshot = step.snapshot;
            let mut matters = Vec::new();
            if step.is_chain_broken {
                matters.push(Matter::BrokenChain);
            }
            if snapshot.state.status == Status::Unknown {
                matters.push(Matter::UnknownStatus);
            }
            if step.state.items_truncated {
                matters.push(Matter::ItemsTruncated);
            }
            for discount in known.discounts_of(&step.state) {
                let Some(coupon) = known.discount(discount, step.at).coupon else { continue };
                if coupon.applies_to.is_none() && coupons.insert(coupon.id.clone()) {
                    matters.push(Matter::UnconfirmedCoupon { coupon: coupon.id.to_string() });
                }
            }
            findings.extend(matters.into_iter().map(|matter| Finding {
                at: snapshot.at,
                subscription: life.id.clone(),
                matter,
                event: snapshot.evidence.event.clone(),
            }));
        }
    }
    findings
}
