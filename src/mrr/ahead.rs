//! What comes after the run (R22): the same fold goes on, with the ends that are asked for and the phases of
//! schedules as if their subscriptions had said them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

use super::derive::points;
use super::fold::Fold;
use super::life::Life;
use super::schedule::running;
use super::{
    Cadence, Currency, Discount, Fact, Grade, Instant, Item, ItemId, Known, MotionSigns, Movement, Origin,
    Phase, PhaseItem, Price, ProductId, ScheduleFact, ScheduleStatus, Scheme, Snapshot, State, Status,
    SubscriptionId, UsageType,
};

/// Whose plan it is.
enum Whose {
    /// The life of a subscription that was heard of, by its place.
    Known(usize),
    /// A subscription to come. Until it has a name it is called by its schedule.
    ToCome(SubscriptionId),
}

/// What is expected of one subscription by its schedule.
pub(super) struct Plan {
    whose: Whose,
    /// What it will say, phase by phase.
    words: Vec<Snapshot>,
    /// When the schedule ends it.
    end: Option<Instant>,
}

/// What schedules have in store after the run.
pub(super) fn plans(facts: &[Fact], lives: &[Life<'_>], known: &Known<'_>, as_of: Instant) -> Vec<Plan> {
    let plan = |schedule: &ScheduleFact| Planner { schedule, lives, known, as_of }.plan();
    let says =
        |plan: &Plan| !plan.words.is_empty() || (plan.end.is_some() && matches!(plan.whose, Whose::Known(_)));
    running(facts).into_iter().filter_map(plan).filter(says).collect()
}

/// When the next phase begins: whether or not the subscription says so, it is no longer to come then.
pub(super) fn next_phase(plans: &[Plan]) -> Option<Instant> {
    plans.iter().flat_map(|plan| &plan.words).map(|word| word.at).min()
}

/// The movements after the run; `to_come` are the instants at which the facts alone let something change.
pub(super) fn scheduled(
    fold: Fold<'_, '_>,
    mut to_come: BTreeMap<Instant, BTreeSet<usize>>,
    plans: &[Plan],
    as_of: Instant,
) -> Vec<Movement> {
    let mut ends: BTreeMap<usize, Instant> = BTreeMap::new();
    for (index, life) in fold.lives.iter().enumerate() {
        ends.extend(life.asked_end().filter(|end| *end > as_of).map(|end| (index, end)));
    }
    let planned: Vec<Life<'_>> = match plans {
        [] => Vec::new(),
        _ => with_plans(fold.lives, plans, &mut ends),
    };
    let mut fold: Fold<'_, '_> = fold;
    if !planned.is_empty() {
        let deleted_at = fold.deleted.map(|(at, _)| at);
        to_come = points(&planned, deleted_at, Some(as_of), fold.known, fold.rules.policy);
        fold.look_at(&planned);
    }
    for (index, end) in &ends {
        to_come.entry(*end).or_default().insert(*index);
    }
    let standing = fold.movements_so_far();
    fold.expect_ends(ends);
    for (at, touched) in to_come.range((Excluded(as_of), Unbounded)) {
        fold.change(*at, touched);
    }
    fold.finish().movements.split_off(standing)
}

/// The lives as they are to go on, those to come behind the others; `ends` take up what ends them.
fn with_plans<'p>(
    lives: &[Life<'p>],
    plans: &'p [Plan],
    ends: &mut BTreeMap<usize, Instant>,
) -> Vec<Life<'p>> {
    let mut planned = lives.to_vec();
    for plan in plans {
        let index = match &plan.whose {
            Whose::Known(index) => *index,
            Whose::ToCome(id) => {
                planned.push(Life::to_come(id.clone()));
                planned.len() - 1
            }
        };
        planned[index] = planned[index].going_on(&plan.words);
        if let Some(end) = plan.end {
            // An end that is asked for as well is the same one, or comes first.
            ends.entry(index).and_modify(|asked| *asked = end.min(*asked)).or_insert(end);
        }
    }
    planned
}

/// Works out one schedule's plan.
struct Planner<'p, 'a> {
    schedule: &'p ScheduleFact,
    lives: &'p [Life<'a>],
    known: &'p Known<'a>,
    as_of: Instant,
}

impl<'a> Planner<'_, 'a> {
    fn plan(&self) -> Option<Plan> {
        let schedule = self.schedule;
        let mut phases: Vec<&Phase> = schedule.phases.iter().collect();
        phases.sort_by_key(|phase| phase.start);
        let whose = match &schedule.subscription {
            Some(id) => {
                // What one holds that was never heard of is not known.
                let index = self.lives.iter().position(|life| life.id == *id)?;
                self.is_attached(&self.lives[index]).then_some(Whose::Known(index))?
            }
            None => {
                let is_to_come = schedule.status == ScheduleStatus::NotStarted
                    && phases.iter().all(|phase| phase.start > self.as_of);
                is_to_come.then(|| Whose::ToCome(schedule.schedule.as_ref().into()))?
            }
        };
        let end = phases.last().and_then(|phase| phase.end);
        let end = end.filter(|end| schedule.cancels_at_end && *end > self.as_of);
        let words = self.words(&whose, &phases);
        Some(Plan { whose, words, end })
    }

    /// Whether a subscription goes on and still has the schedule: where its newest word came after the
    /// schedule's and names none, it was released, though nobody told us.
    fn is_attached(&self, life: &Life<'_>) -> bool {
        let Some(last) = life.steps.len().checked_sub(1) else { return false };
        let names_schedules = |grade: Grade| grade.is_event() || grade == Grade::Listing;
        let mut told = life.steps.iter().rev().map(|step| step.snapshot);
        let newest = told.find(|snapshot| names_schedules(snapshot.evidence.grade));
        let is_released =
            newest.is_some_and(|newest| newest.at > self.schedule.at && !newest.motion.is_scheduled);
        !life.is_over_at(last) && !is_released
    }

    /// What the subscription will say at each beginning of a phase after the run, and where its trial ends in
    /// one.
    fn words(&self, whose: &Whose, phases: &[&Phase]) -> Vec<Snapshot> {
        let mut words: Vec<Snapshot> = Vec::new();
        for (place, phase) in phases.iter().enumerate().filter(|(_, phase)| phase.start > self.as_of) {
            let told = self.life(whose).and_then(|life| life.steps[..life.steps_until(phase.start)].last());
            // It has begun already, by the subscription's own word.
            if told.is_some_and(|told| told.at == phase.start) {
                continue;
            }
            let planned = words.last().map(|word| (word.at, &word.state));
            let told_last = told.map(|told| (told.at, told.state.as_ref()));
            let before = told_last.into_iter().chain(planned).max_by_key(|(at, _)| *at);
            let before = before.map_or_else(|| Some(nothing()), |(_, state)| goes_on(state));
            // Without a word before it, only one to come can begin.
            let can_begin = told.is_some() || matches!(whose, Whose::ToCome(_));
            let Some(before) = before.filter(|_| can_begin) else { continue };
            let motion = told.map(|told| told.snapshot.motion).unwrap_or_default();
            let state = self.state(&before, phase);
            let trial_end = state.trial_end.filter(|_| state.status == Status::Trialing);
            let next = phases.get(place + 1).map(|next| next.start);
            let first = self.word(whose, (phase.start, words.is_empty()), motion, state.clone());
            words.push(first);
            if let Some(end) = trial_end.filter(|end| next.is_none_or(|next| *end < next)) {
                let paid = State { status: Status::Active, ..state };
                words.push(self.word(whose, (end, false), motion, paid));
            }
        }
        words
    }

    fn life(&self, whose: &Whose) -> Option<&Life<'a>> {
        match whose {
            Whose::Known(index) => self.lives.get(*index),
            Whose::ToCome(_) => None,
        }
    }

    fn word(
        &self,
        whose: &Whose,
        (at, is_first): (Instant, bool),
        motion: MotionSigns,
        state: State,
    ) -> Snapshot {
        let (subscription, begins) = match whose {
            Whose::Known(index) => (&self.lives[*index].id, false),
            Whose::ToCome(id) => (id, is_first),
        };
        Snapshot {
            subscription: subscription.clone(),
            customer: self.schedule.customer.clone(),
            at,
            origin: if begins { Origin::Created } else { Origin::Updated },
            state,
            previous: None,
            motion: MotionSigns { is_scheduled: true, is_released: false, ..motion },
            metadata: BTreeMap::new(),
            listed: None,
            evidence: self.schedule.evidence.clone(),
        }
    }

    /// The state that a phase makes of the one before it. A late payer stays one, a paused one stays paused.
    fn state(&self, before: &State, phase: &Phase) -> State {
        let trial_end = phase.trial_end.filter(|end| *end > phase.start);
        let status = match before.status {
            Status::Active | Status::Trialing if trial_end.is_some() => Status::Trialing,
            Status::Trialing => Status::Active,
            other => other,
        };
        let discounts = phase.discounts.iter().map(|given| kept(given, &before.discounts, phase.start));
        State {
            status,
            items: self.items(before, phase),
            items_truncated: false,
            discounts: discounts.collect(),
            trial_end,
            ..before.clone()
        }
    }

    /// A phase's items under the names of those that they are matched to: of the same price, else of the same
    /// product. What is new is called by its price, and is matched like any other change (R18).
    fn items(&self, before: &State, phase: &Phase) -> Vec<Item> {
        let mut free: Vec<&Item> = before.items.iter().collect();
        let mut take = |fits: &dyn Fn(&Item) -> bool| {
            let place = free.iter().position(|held| fits(held))?;
            Some(free.remove(place))
        };
        let priced: Vec<(&PhaseItem, Option<Arc<Price>>)> =
            phase.items.iter().map(|item| (item, self.price(item, before, phase))).collect();
        let same_price = |item: &PhaseItem| take(&|held| held.price.id == item.price);
        let mut held: Vec<Option<&Item>> = phase.items.iter().map(same_price).collect();
        for ((_, price), held) in priced.iter().zip(&mut held) {
            if let Some(price) = price
                && held.is_none()
            {
                let sells = |price: &Arc<Price>| self.sells(price, phase.start);
                let wanted = sells(price);
                *held = take(&|other| sells(&other.price) == wanted);
            }
        }
        let only_tax = only_tax(&before.items);
        let mut names: BTreeSet<ItemId> = before.items.iter().map(|item| item.id.clone()).collect();
        let named = priced.into_iter().zip(held);
        let items = named.filter_map(|((item, price), held)| {
            let own = held.map_or(&[][..], |held| held.discounts.as_slice());
            Some(Item {
                id: held.map_or_else(|| fresh(&item.price, &mut names), |held| held.id.clone()),
                price: price?,
                quantity: item.quantity,
                discounts: item.discounts.iter().map(|given| kept(given, own, phase.start)).collect(),
                inclusive_tax: item.inclusive_tax.or(held.map(|held| held.inclusive_tax)).unwrap_or(only_tax),
            })
        });
        items.collect()
    }

    /// An item's price: as the subscription has it, as the phase tells it, else its id for the catalogue to
    /// complete; `None` where not even a currency is known.
    fn price(&self, item: &PhaseItem, before: &State, phase: &Phase) -> Option<Arc<Price>> {
        let paid_in = phase.currency.as_ref().or(before.items.first().map(|held| &held.price.currency));
        let fits = |price: &&Arc<Price>| paid_in.is_none_or(|paid_in| *paid_in == price.currency);
        let is_whole =
            |price: &&Arc<Price>| matches!(price.scheme, Scheme::PerUnit { .. } | Scheme::Tiered { .. });
        let held = before.items.iter().map(|held| &held.price).find(|price| price.id == item.price);
        let (held, told) = (held.filter(fits), item.terms.as_ref().filter(fits));
        if let Some(price) = [held, told].into_iter().flatten().find(is_whole).or(held).or(told) {
            return Some(Arc::clone(price));
        }
        let learnt = || self.known.price_terms(&item.price, phase.start).map(|terms| &terms.price.currency);
        let currency = paid_in.or_else(learnt)?;
        Some(Arc::new(Price {
            id: item.price.clone(),
            product: item.price.as_str().into(),
            currency: currency.clone(),
            cadence: Cadence::MONTHLY,
            usage_type: UsageType::Licensed,
            scheme: Scheme::PriceNotSent,
            is_seat: true,
            succeeds: None,
        }))
    }

    /// What two prices have to share to be the same thing in the place of the other.
    fn sells(&self, price: &Arc<Price>, at: Instant) -> (ProductId, Currency, UsageType) {
        let whole = self.known.price(price, at);
        (whole.product.clone(), whole.currency.clone(), whole.usage_type)
    }
}

/// A subscription before its first phase.
fn nothing() -> State {
    State {
        status: Status::Active,
        collection_paused: false,
        items: Vec::new(),
        items_truncated: false,
        discounts: Vec::new(),
        trial_end: None,
        ends_at: None,
        canceled_at: None,
        ended_at: None,
        end_reason: None,
    }
}

/// A state that a phase can follow; none of one that is over.
fn goes_on(state: &State) -> Option<State> {
    let is_over = matches!(state.status, Status::Canceled | Status::IncompleteExpired);
    (!is_over).then(|| state.clone())
}

/// A discount of a phase: the one that is held already, if it is of the same id or coupon and still runs.
fn kept(given: &Discount, held: &[Discount], at: Instant) -> Discount {
    let is_same = |held: &&Discount| match &given.id {
        Some(id) => held.id.as_ref() == Some(id),
        None => given.coupon_id.is_some() && held.coupon_id == given.coupon_id,
    };
    let same = held.iter().find(is_same).filter(|held| held.end.is_none_or(|end| end > at));
    same.unwrap_or(given).clone()
}

/// The tax of all of them, where they agree.
fn only_tax(items: &[Item]) -> u32 {
    let first = items.first().map_or(0, |item| item.inclusive_tax);
    if items.iter().all(|item| item.inclusive_tax == first) { first } else { 0 }
}

/// A name for an item that has none yet.
fn fresh(price: &super::PriceId, names: &mut BTreeSet<ItemId>) -> ItemId {
    let mut name = ItemId::from(price.as_str());
    let mut number = 1;
    while !names.insert(name.clone()) {
        number += 1;
        name = format!("{price}.{number}").into();
    }
    name
}
