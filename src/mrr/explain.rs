//! A derivation told from the facts up: at each instant of a subscription's life what it counted for and
//! how each line came to its level, by the code that derives.

use std::sync::Arc;

use super::derive::{deletion, lives};
use super::life::{Life, Standing, is_end_asked, standing, state_before};
use super::rebuild::rebuilt;
use super::steps::Scope;
use super::{
    Cause, Derivation, Discount, Evidence, Instant, Item, ItemId, Known, Level, Mrr, Origin, Price, Rules,
    SetAside, Side, State, Status, SubscriptionId, Terms, Timeline, UsageType, Valuation, ValuationStep,
    derive,
};

/// What a subscription counts for at an instant (R5, R14).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// Its items' levels.
    Levels,
    /// Nothing while it is paused.
    Paused,
    /// Nothing, and why.
    Zero(Cause),
}

/// What makes a moment one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Occasion {
    /// The state before the subscription's first fact, brought forward (R12).
    Opening,
    /// A fact told it.
    Told {
        /// When the fact was made; the moment is when it took effect (R14).
        at: Instant,
        /// Where in the subscription's life it stands.
        origin: Origin,
        /// Whether it does not follow the state before it (R10).
        is_chain_broken: bool,
    },
    /// A service period closed, or an invoice was taken back (R8).
    Usage,
    /// A discount ended by its own date (R6).
    DiscountEnded,
    /// A late payer lapsed (R5).
    Lapsed,
    /// The customer was deleted.
    CustomerDeleted,
    /// Something about its prices or discounts was told, or the customer's discount changed (R4, R6).
    Learnt,
}

/// What told a part that a payload leaves out (R4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Teacher {
    /// The price, discount or subscription that it is about.
    pub about: String,
    /// Since when it holds.
    pub since: Instant,
    /// Where it is proved.
    pub evidence: Evidence,
}

/// One item at a moment.
#[derive(Debug, Clone)]
pub struct LineAt {
    /// The item.
    pub item: ItemId,
    /// Its price, with what was learnt.
    pub price: Arc<Price>,
    /// Its quantity.
    pub quantity: u64,
    /// How its level comes about.
    pub valuation: Valuation,
    /// The discounts that take nothing off it.
    pub set_aside: Vec<SetAside>,
    /// What told the parts that its payload leaves out.
    pub teachers: Vec<Teacher>,
    /// The level that the derivation holds from then on: the last known one where the line can't be
    /// valued, `None` where the subscription counts for nothing.
    pub stands: Option<Mrr>,
}

/// One subscription at an instant at which something changed, or might have.
#[derive(Debug, Clone)]
pub struct Moment {
    /// When it took effect.
    pub at: Instant,
    /// The subscription.
    pub subscription: SubscriptionId,
    /// What makes it one.
    pub occasion: Occasion,
    /// The fact that told the state.
    pub evidence: Evidence,
    /// The status that it told.
    pub status: Status,
    /// Whether collection was paused.
    pub collection_paused: bool,
    /// What it counts for from then on.
    pub counts: Counts,
    /// Its items.
    pub lines: Vec<LineAt>,
    terms: Arc<Terms>,
}

/// A derivation, and the moments it was made of.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The derivation.
    pub derivation: Derivation,
    /// The moments up to the time of the run, in their order.
    pub moments: Vec<Moment>,
}

/// Where a side of a movement was valued, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideSteps {
    /// The moment whose terms it is valued by.
    pub at: Instant,
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The item.
    pub item: ItemId,
    /// Whether it is a step between two states (R17), not a state itself.
    pub is_between: bool,
    /// The steps.
    pub steps: Vec<ValuationStep>,
}

/// Derives a customer and tells each moment of it.
#[must_use]
pub fn explain(timeline: &Timeline, rules: Rules<'_>) -> Explanation {
    let known = Known::of(&timeline.facts, rules.catalogue);
    let derivation = derive(timeline, rules);
    let rebuilt = rebuilt(timeline, &known, rules.as_of);
    let timeline = rebuilt.timeline.as_ref();
    let lives = lives(timeline, &known, rules.policy);
    let deleted = deletion(timeline).map(|(at, _)| at);
    let teller = Teller { rules, known: &known, levels: &derivation.levels, deleted };
    let mut moments: Vec<Moment> = lives.iter().flat_map(|life| teller.moments(life)).collect();
    moments.retain(|moment| moment.at <= rules.as_of);
    moments.sort_by(|a, b| (a.at, &a.subscription).cmp(&(b.at, &b.subscription)));
    Explanation { derivation, moments }
}

struct Teller<'t, 'a> {
    rules: Rules<'t>,
    known: &'t Known<'a>,
    levels: &'t [Level],
    deleted: Option<Instant>,
}

impl Teller<'_, '_> {
    fn moments(&self, life: &Life<'_>) -> Vec<Moment> {
        let mut moments: Vec<Moment> = self.opening(life).into_iter().collect();
        for (index, step) in life.steps.iter().enumerate() {
            let origin = step.snapshot.origin;
            let is_chain_broken = step.is_chain_broken;
            let occasion = Occasion::Told { at: step.snapshot.at, origin, is_chain_broken };
            moments.push(self.moment(life, index, step.at, occasion));
        }
        let mut silent = life.silent_changes(self.known, self.rules.policy);
        silent.extend(self.deleted);
        for at in silent {
            let told = life.steps_until(at);
            if told > 0 && !life.steps.iter().any(|step| step.at == at) {
                let occasion = self.occasion(life, told - 1, at);
                moments.push(self.moment(life, told - 1, at, occasion));
            }
        }
        moments
    }

    /// The state that is brought forward, where there is one that counts (R12).
    fn opening(&self, life: &Life<'_>) -> Option<Moment> {
        let step = life.steps.first().filter(|_| !life.is_continued)?;
        let policy = self.rules.policy;
        let state = state_before(step.snapshot, policy)?;
        // A status of paused has never paid.
        let counts = standing(&state, policy, is_end_asked(&state, policy)) == Standing::Counts;
        if !counts || state.status == Status::Paused {
            return None;
        }
        let first = step.snapshot;
        let told_at = if first.previous.is_some() { Instant(first.at.0.saturating_sub(1)) } else { first.at };
        let state = self.known.whole(&life.id, &state, told_at);
        let mut opening = self.valued(life, &state, step.at, told_at);
        opening.occasion = Occasion::Opening;
        opening.evidence = first.evidence.clone();
        Some(opening)
    }

    fn moment(&self, life: &Life<'_>, index: usize, at: Instant, occasion: Occasion) -> Moment {
        let step = &life.steps[index];
        let mut moment = self.valued(life, &step.state, at, step.snapshot.at);
        let standing = match life.standing(index, at, self.rules.policy) {
            _ if self.deleted.is_some_and(|deleted| deleted <= at) => Standing::Zero(Cause::CustomerDeleted),
            standing => standing,
        };
        moment.occasion = occasion;
        moment.evidence = step.snapshot.evidence.clone();
        moment.counts = match standing {
            Standing::Counts => Counts::Levels,
            Standing::Paused => Counts::Paused,
            Standing::Zero(cause) => Counts::Zero(cause),
        };
        if moment.counts != Counts::Levels {
            moment.lines.iter_mut().for_each(|line| line.stands = None);
        }
        moment
    }

    fn occasion(&self, life: &Life<'_>, index: usize, at: Instant) -> Occasion {
        let policy = self.rules.policy;
        let ends = |discount: &Discount| self.known.discount(discount, at).end == Some(at);
        if self.deleted == Some(at) {
            Occasion::CustomerDeleted
        } else if life.usage.changes().any(|change| change == at) {
            Occasion::Usage
        } else if life.lapses_at(index, policy) == Some(at) {
            Occasion::Lapsed
        } else if self.known.discounts_of(&life.steps[index].state).any(ends) {
            Occasion::DiscountEnded
        } else {
            Occasion::Learnt
        }
    }

    /// A state valued as of an instant, told at another.
    fn valued(&self, life: &Life<'_>, state: &State, at: Instant, told_at: Instant) -> Moment {
        let discounts = self.rules.policy.discounts;
        let terms = Arc::new(Terms::of(state, at, self.known, discounts));
        let line = |index: usize| {
            let item = &terms.items[index];
            LineAt {
                item: item.id.clone(),
                price: Arc::clone(&item.price),
                quantity: item.quantity,
                valuation: self.valuation(life, state, &terms, index, at),
                set_aside: terms.set_aside(index, (state, at), self.known, discounts),
                teachers: self.teachers(life, state, &state.items[index], (at, told_at)),
                stands: self.level(&life.id, item, at).map(|level| level.mrr),
            }
        };
        let lines = (0..terms.items.len()).map(line).collect();
        Moment {
            at,
            subscription: life.id.clone(),
            occasion: Occasion::Learnt,
            evidence: life.steps[0].snapshot.evidence.clone(),
            status: state.status,
            collection_paused: state.collection_paused,
            counts: Counts::Levels,
            lines,
            terms,
        }
    }

    fn valuation(
        &self,
        life: &Life<'_>,
        state: &State,
        terms: &Terms,
        index: usize,
        at: Instant,
    ) -> Valuation {
        let item = &terms.items[index];
        if item.price.usage_type == UsageType::Metered {
            let window = self.rules.policy.usage_window;
            let (steps, level) = life.usage.steps(&item.id, at, item.price.cadence, window);
            return Valuation { steps, level: Ok(level) };
        }
        let mut valuation = terms.steps(index);
        // Where none of the subscription's own discounts runs, those that it shares are the customer's.
        let customers = self.known.customer.at(at).filter(|_| !shares_own(state, terms));
        if customers.is_some() {
            for step in &mut valuation.steps {
                if let ValuationStep::Discount { scope: scope @ Scope::Shared, .. } = step {
                    *scope = Scope::Customer;
                }
            }
        }
        valuation
    }

    fn level(&self, subscription: &SubscriptionId, item: &Item, at: Instant) -> Option<&Level> {
        let is_metered = item.price.usage_type == UsageType::Metered;
        self.levels.iter().find(|level| {
            level.subscription == *subscription
                && level.item == item.id
                && level.is_metered == is_metered
                && level.from <= at
                && level.until.is_none_or(|until| until > at)
        })
    }

    fn teachers(
        &self,
        life: &Life<'_>,
        state: &State,
        item: &Item,
        (at, told_at): (Instant, Instant),
    ) -> Vec<Teacher> {
        let mut teachers = Vec::new();
        let mut push = |about: String, since: Instant, evidence: &Evidence| {
            let teacher = Teacher { about, since, evidence: evidence.clone() };
            if !teachers.contains(&teacher) {
                teachers.push(teacher);
            }
        };
        if let Some(fact) = self.known.price_teacher(&item.price, at) {
            push(format!("price {}", item.price.id), fact.at, &fact.evidence);
        }
        for discount in item
            .discounts
            .iter()
            .chain(self.known.discounts_of(&State { items: Vec::new(), ..state.clone() }))
        {
            for (since, evidence) in self.known.discount_teachers(discount, at) {
                push(format!("discount {}", name(discount)), since, evidence);
            }
        }
        let sent =
            life.steps.iter().find(|step| step.snapshot.at == told_at).map(|step| &step.snapshot.state);
        if let Some(sent) = sent.filter(|sent| sent.items_truncated)
            && !sent.items.iter().any(|shown| shown.id == item.id)
            && let Some((_, fact)) = self.known.fitting(&life.id, sent, told_at)
        {
            push(format!("items of {}", life.id), fact.at, &fact.evidence);
        }
        teachers
    }
}

/// Whether the discounts that the items share are the subscription's own.
fn shares_own(state: &State, terms: &Terms) -> bool {
    let is_same = |own: &Discount, shared: &Discount| own.id == shared.id && own.end == shared.end;
    state.discounts.iter().any(|own| terms.discounts.iter().any(|shared| is_same(own, shared)))
}

/// What a discount is called: its id, or its coupon's.
fn name(discount: &Discount) -> String {
    let coupon = || discount.coupon.as_ref().map(|coupon| coupon.id.to_string());
    let named = discount.id.as_ref().map(ToString::to_string);
    let named = named.or_else(|| discount.coupon_id.as_ref().map(ToString::to_string)).or_else(coupon);
    named.unwrap_or_else(|| "without an id".to_owned())
}

impl Discount {
    /// What it is called: its id, or its coupon's.
    #[must_use]
    pub fn name(&self) -> String {
        name(self)
    }
}

impl Explanation {
    /// How a side of a movement of a subscription, which took effect at an instant, was valued: as the
    /// state of a moment, or between two (R17). `None` of a level that was held for want of something (R4),
    /// and of what a checkpoint or another subscription's past keeps out of sight.
    #[must_use]
    pub fn side(
        &self,
        subscription: &SubscriptionId,
        at: Instant,
        side: &Side,
        is_after: bool,
    ) -> Option<SideSteps> {
        let is_now = |moment: &&Moment| moment.at == at && moment.occasion != Occasion::Opening;
        let (mut now, mut past): (Vec<&Moment>, Vec<&Moment>) =
            self.moments.iter().rev().filter(|moment| moment.at <= at).partition(is_now);
        // Its own subscription first: a movement may name another's past (R18, R19).
        now.sort_by_key(|moment| moment.subscription != *subscription);
        past.sort_by_key(|moment| moment.subscription != *subscription);
        let (first, second) = if is_after { (&now, &past) } else { (&past, &now) };
        let whole = |moments: &[&Moment]| moments.iter().find_map(|moment| moment.whole(side));
        whole(first)
            .or_else(|| past.iter().find_map(|moment| moment.between(side, &now)))
            .or_else(|| whole(second))
    }
}

impl Moment {
    fn whole(&self, side: &Side) -> Option<SideSteps> {
        let is_side = |line: &&LineAt| {
            line.price.id == side.price
                && (line.quantity == side.quantity || line.price.usage_type == UsageType::Metered)
                && line.valuation.level == Ok(side.mrr)
        };
        let line = self.lines.iter().find(is_side)?;
        Some(self.steps_of(line, line.valuation.steps.clone(), false))
    }

    /// A line of this moment at another price and quantity, all else as it was.
    fn between(&self, side: &Side, after: &[&Self]) -> Option<SideSteps> {
        let own = self.lines.iter().map(|line| &line.price);
        let next = after.iter().flat_map(|moment| moment.lines.iter().map(|line| &line.price));
        let price = own.chain(next).find(|price| price.id == side.price)?;
        self.lines.iter().enumerate().find_map(|(index, line)| {
            let valuation = self.terms.steps_at(index, price, side.quantity);
            (valuation.level == Ok(side.mrr)).then(|| self.steps_of(line, valuation.steps, true))
        })
    }

    fn steps_of(&self, line: &LineAt, steps: Vec<ValuationStep>, is_between: bool) -> SideSteps {
        SideSteps {
            at: self.at,
            subscription: self.subscription.clone(),
            item: line.item.clone(),
            is_between,
            steps,
        }
    }
}
