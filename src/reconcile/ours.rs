//! A customer of ours as Stripe may see it: its levels by our rules, and by others of its stored facts.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::cause::{Choice, Discounts};
use crate::ledger::SettlementRules;
use crate::mrr::{
    Catalogue, ChurnPolicy, Class, Counting, Currency, Delta, Discount, DiscountId, DiscountPolicy, Duration,
    Fact, Instant, ItemId, Lesson, Level, Mrr, Origin, PastDuePolicy, Policy, Rules, State, Status, Timeline,
    Topic, derive, levels_before,
};

/// Choices made otherwise than ours.
pub(super) type Choices = BTreeSet<Choice>;

/// What was there before the ledger's first word of it (R12).
struct Opening {
    at: Instant,
    currency: Currency,
    is_metered: bool,
    delta: Delta,
}

/// A customer by some rules.
pub(super) struct View {
    levels: Vec<Level>,
    openings: Vec<Opening>,
}

/// What is known of a customer: its stored facts and the rules it was settled by.
pub(super) struct Subject {
    facts: Vec<Fact>,
    rules: SettlementRules,
    as_of: Instant,
    views: BTreeMap<Choices, Option<View>>,
}

impl Subject {
    pub(super) fn new(facts: Vec<Fact>, rules: SettlementRules, as_of: Instant) -> Self {
        Self { facts, rules, as_of, views: BTreeMap::new() }
    }

    /// The choices that may make a difference to this customer, by what its facts hold.
    pub(super) fn choices(&self) -> Vec<Choice> {
        Choice::all().filter(|choice| self.may_matter(*choice)).collect()
    }

    /// The policy that it was settled by.
    pub(super) fn policy(&self) -> &Policy {
        &self.rules.policy
    }

    /// The customer's level in a currency before an instant, with choices made otherwise; `None` if it
    /// can't be derived by them.
    pub(super) fn level(&mut self, currency: &Currency, before: Instant, choices: &Choices) -> Option<Mrr> {
        let view = self.view(choices)?;
        let is_wanted = |level: &&&Level| {
            level.currency == *currency && !(level.is_metered && choices.contains(&Choice::NoUsage))
        };
        let stood: Mrr =
            levels_before(&view.levels, before).iter().filter(is_wanted).map(|level| level.mrr).sum();
        let is_later = |opening: &&Opening| {
            let is_left_out = opening.is_metered && choices.contains(&Choice::NoUsage);
            opening.currency == *currency && opening.at >= before && !is_left_out
        };
        let opened = view.openings.iter().filter(is_later).map(|opening| opening.delta);
        Some(if choices.contains(&Choice::Before) { stood + opened.sum::<Delta>() } else { stood })
    }

    /// The instants from one to another at which a level changes, with choices made otherwise.
    pub(super) fn changes(&mut self, (from, to): (Instant, Instant), choices: &Choices) -> BTreeSet<Instant> {
        let levels = self.view(choices).into_iter().flat_map(|view| &view.levels);
        let instants = levels.flat_map(|level| [Some(level.from), level.until]).flatten();
        instants.filter(|at| *at >= from && *at <= to).collect()
    }

    /// When the ledger first heard of it, and whether that was not its beginning.
    pub(super) fn heard_of(&self) -> Option<(Instant, bool)> {
        let told = self.facts.iter().filter_map(|fact| match fact {
            Fact::Subscription(snapshot) => Some((snapshot.at, snapshot.origin != Origin::Created)),
            _ => None,
        });
        told.min()
    }

    fn view(&mut self, choices: &Choices) -> Option<&View> {
        // What changes no rule needs no derivation of its own.
        let rules: Choices = choices
            .iter()
            .copied()
            .filter(|choice| !matches!(choice, Choice::NoUsage | Choice::Before))
            .collect();
        let Self { facts, rules: by, as_of, views } = self;
        let view = views.entry(rules).or_insert_with_key(|rules| derived(facts, by, *as_of, rules));
        view.as_ref()
    }

    fn may_matter(&self, choice: Choice) -> bool {
        let policy = &self.rules.policy;
        match choice {
            Choice::NoUsage => self.facts.iter().any(|fact| matches!(fact, Fact::Usage(_))),
            Choice::Discounts(discounts) => self.may_discount(discounts),
            Choice::Trial => self.has(|state| state.status == Status::Trialing),
            Choice::Pause => self.has(|state| state.collection_paused || state.status == Status::Paused),
            Choice::Churn => self.has(|state| state.ends_at.is_some() || state.canceled_at.is_some()),
            Choice::PastDue => {
                policy.past_due != PastDuePolicy::Counts && self.has(|state| state.status == Status::PastDue)
            }
            Choice::Before => self.heard_of().is_some_and(|(_, is_midlife)| is_midlife) || self.opens_later(),
        }
    }

    fn may_discount(&self, discounts: Discounts) -> bool {
        let ours = match self.rules.policy.discounts {
            DiscountPolicy::Recurring => Discounts::Recurring,
            DiscountPolicy::All => Discounts::All,
            DiscountPolicy::None => Discounts::None,
        };
        let of_customer = |fact: &Fact| match fact {
            Fact::Discount(_) => true,
            Fact::Customer(told) => matches!(told.discount, Some(Some(_))),
            Fact::Billed(told) => !told.discounts.is_empty(),
            Fact::Subscription(_) | Fact::Usage(_) | Fact::Quote(_) | Fact::Schedule(_) | Fact::Change(_) => {
                false
            }
        };
        discounts != ours
            && (self.has(|state| !all_discounts(state).is_empty()) || self.facts.iter().any(of_customer))
    }

    /// Whether a subscription was first heard of in the midst of its life.
    fn opens_later(&self) -> bool {
        let mut begun = BTreeSet::new();
        let snapshots = self.facts.iter().filter_map(|fact| match fact {
            Fact::Subscription(snapshot) => Some(snapshot),
            _ => None,
        });
        begun.extend(
            snapshots.clone().filter(|told| told.origin == Origin::Created).map(|told| &told.subscription),
        );
        snapshots.into_iter().any(|told| !begun.contains(&told.subscription))
    }

    fn has(&self, holds: impl Fn(&State) -> bool) -> bool {
        self.facts.iter().any(|fact| match fact {
            Fact::Subscription(told) => holds(&told.state) || told.previous.as_ref().is_some_and(&holds),
            _ => false,
        })
    }
}

/// The customer derived anew from its stored facts with choices made otherwise: the one place where
/// what a derivation depends on comes together here. A defect that it meets proves nothing (`None`), and
/// does not stop the others.
fn derived(facts: &[Fact], by: &SettlementRules, as_of: Instant, choices: &Choices) -> Option<View> {
    let policy = policy(&by.policy, choices);
    let durations = Durations::of(facts, &by.catalogue);
    let facts = facts.iter().filter_map(|fact| seen(fact, choices, &durations)).collect();
    let rules = Rules { catalogue: &by.catalogue, policy: &policy, as_of };
    let timeline = Timeline { facts, start: None };
    let derivation = catch_unwind(AssertUnwindSafe(|| derive(&timeline, rules))).ok()?;
    let metered: BTreeSet<&ItemId> =
        derivation.levels.iter().filter(|level| level.is_metered).map(|level| &level.item).collect();
    let opened = derivation.movements.iter().filter(|movement| movement.class == Class::Opening);
    let openings = opened
        .map(|movement| Opening {
            at: movement.effective_at,
            currency: movement.currency.clone(),
            is_metered: metered.contains(&movement.item),
            delta: movement.delta,
        })
        .collect();
    Some(View { levels: derivation.levels, openings })
}

/// Our policy with choices made otherwise.
fn policy(ours: &Policy, choices: &Choices) -> Policy {
    let mut policy = ours.clone();
    for choice in choices {
        match choice {
            Choice::Discounts(Discounts::Recurring) => policy.discounts = DiscountPolicy::Recurring,
            Choice::Discounts(Discounts::None) => policy.discounts = DiscountPolicy::None,
            Choice::Discounts(Discounts::All | Discounts::Forever | Discounts::ForeverAndOnce) => {
                policy.discounts = DiscountPolicy::All;
            }
            Choice::Trial => policy.trialing = other(policy.trialing),
            Choice::Pause => policy.paused = other(policy.paused),
            Choice::Churn => {
                policy.churn = match policy.churn {
                    ChurnPolicy::Ended => ChurnPolicy::Requested,
                    ChurnPolicy::Requested => ChurnPolicy::Ended,
                }
            }
            Choice::PastDue => policy.past_due = PastDuePolicy::Counts,
            Choice::NoUsage | Choice::Before => {}
        }
    }
    policy
}

fn other(counting: Counting) -> Counting {
    match counting {
        Counting::Zero => Counting::Counts,
        Counting::Counts => Counting::Zero,
    }
}

/// A fact with only the discounts that a choice subtracts: no policy of ours tells them apart by how
/// long they run.
fn seen(fact: &Fact, choices: &Choices, durations: &Durations<'_>) -> Option<Fact> {
    let leaves_out = |duration: Duration| {
        let forever = choices.contains(&Choice::Discounts(Discounts::Forever));
        let forever_and_once = choices.contains(&Choice::Discounts(Discounts::ForeverAndOnce));
        (forever && duration != Duration::Forever) || (forever_and_once && duration == Duration::Repeating)
    };
    let keep = |discount: &Discount| !durations.of_discount(discount).is_some_and(leaves_out);
    let mut fact = fact.clone();
    match &mut fact {
        Fact::Subscription(told) => {
            for state in [Some(&mut told.state), told.previous.as_mut()].into_iter().flatten() {
                state.discounts.retain(keep);
                state.items.iter_mut().for_each(|item| item.discounts.retain(keep));
            }
        }
        Fact::Customer(told) => {
            if let Some(discount) = &mut told.discount {
                *discount = discount.take().filter(keep);
            }
        }
        Fact::Billed(told) => {
            told.discounts.retain(|billed| keep(&billed.discount));
            told.lines.iter_mut().for_each(|line| line.discounts.retain(keep));
        }
        Fact::Discount(told) if told.subscription.is_none() && !keep(&told.discount) => return None,
        Fact::Discount(_) | Fact::Usage(_) | Fact::Quote(_) | Fact::Schedule(_) | Fact::Change(_) => {}
    }
    Some(fact)
}

/// How long discounts run that payloads name by an id alone (R4).
struct Durations<'f> {
    by_id: BTreeMap<&'f DiscountId, &'f Discount>,
    catalogue: &'f Catalogue,
}

impl<'f> Durations<'f> {
    fn of(facts: &'f [Fact], catalogue: &'f Catalogue) -> Self {
        let told = facts.iter().filter_map(|fact| match fact {
            Fact::Discount(told) => Some((told.discount.id.as_ref()?, &told.discount)),
            _ => None,
        });
        Self { by_id: told.collect(), catalogue }
    }

    fn of_discount(&self, discount: &Discount) -> Option<Duration> {
        let told = discount.id.as_ref().and_then(|id| self.by_id.get(id).copied());
        let embedded = [Some(discount), told].into_iter().flatten().find_map(|one| one.coupon.as_ref());
        if let Some(coupon) = embedded {
            return Some(coupon.duration);
        }
        let coupon = discount.coupon_id.as_ref().or_else(|| told.and_then(|told| told.coupon_id.as_ref()))?;
        let learnt = self.catalogue.learnt.about(&Topic::Coupon(coupon.clone()));
        learnt.iter().find_map(|fact| match &fact.lesson {
            Lesson::Coupon(coupon) => Some(coupon.duration),
            _ => None,
        })
    }
}

fn all_discounts(state: &State) -> Vec<&Discount> {
    state.items.iter().flat_map(|item| &item.discounts).chain(&state.discounts).collect()
}
