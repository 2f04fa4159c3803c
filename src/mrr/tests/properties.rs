//! What holds for every business.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::businesses::business;
use super::testing::*;
use crate::mrr::{
    Catalogue, Checkpoint, Class, Currency, Derivation, Fact, Finding, Instant, Level, Matter, Movement, Mrr,
    Origin, Start, Timeline, derive_with_lag, levels_from,
};

pub(super) fn derived(story: &Story, facts: &[Fact], lag: i64) -> Derivation {
    derive_with_lag(&Timeline { facts: facts.to_vec(), start: None }, story.rules(), lag)
}

/// A shuffle that a number decides.
pub(super) fn shuffled(facts: &[Fact], mut seed: u64) -> Vec<Fact> {
    let mut facts = facts.to_vec();
    for index in (1..facts.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        facts.swap(index, usize::try_from(seed >> 33).unwrap() % (index + 1));
    }
    facts
}

fn level_at(levels: &[Level], at: Instant) -> BTreeMap<Currency, Mrr> {
    let mut sums: BTreeMap<Currency, Mrr> = BTreeMap::new();
    for level in levels.iter().filter(|level| level.from <= at && level.until.is_none_or(|until| at < until))
    {
        *sums.entry(level.currency.clone()).or_default() += level.mrr;
    }
    sums.retain(|_, level| level.is_positive());
    sums
}

/// The movements of each instant, with what each currency stood at before and after it.
fn instants(movements: &[Movement]) -> BTreeMap<Instant, Vec<Movement>> {
    let mut instants: BTreeMap<Instant, Vec<Movement>> = BTreeMap::new();
    for movement in movements {
        instants.entry(movement.effective_at).or_default().push(movement.clone());
    }
    instants
}

pub(super) fn go_on(story: &Story, checkpoint: Checkpoint) -> Derivation {
    let mut base = BTreeMap::new();
    for fact in &story.facts {
        if let Fact::Subscription(snapshot) = fact
            && checkpoint.base.contains(&snapshot.evidence.event)
        {
            base.insert(snapshot.evidence.event.clone(), snapshot.clone());
        }
    }
    let is_needed = |fact: &&Fact| fact.at() > checkpoint.at || is_of_customer(fact);
    let facts = story.facts.iter().filter(is_needed).cloned().collect();
    let start = Some(Start { checkpoint, base: base.into_values().collect() });
    derive_with_lag(&Timeline { facts, start }, story.rules(), 0)
}

/// Levels by their items and the time they stood.
fn in_order(mut levels: Vec<Level>) -> Vec<Level> {
    levels.sort_by_key(|level| {
        let (item, ends) = (level.item.clone(), level.until.unwrap_or(Instant(i64::MAX)));
        (level.subscription.clone(), item, level.is_metered, level.from, ends)
    });
    levels
}

/// Whether it is at hand from any checkpoint on.
fn is_of_customer(fact: &Fact) -> bool {
    matches!(fact, Fact::Customer(_) | Fact::Discount(_) | Fact::Quote(_) | Fact::Schedule(_))
}

/// Whether a pause in force when a subscription was first seen, or an end asked for before, may hide
/// that the customer has paid.
fn may_have_paid(story: &Story) -> bool {
    story.facts.iter().any(|fact| match fact {
        Fact::Subscription(fact) => {
            let before = fact.previous.as_ref().unwrap_or(&fact.state);
            before.collection_paused || before.ends_at.is_some()
        }
        _ => false,
    })
}

fn check_classes(movements: &[Movement], may_have_paid: bool) {
    let mut has_paid = false;
    let mut running: BTreeMap<Currency, Mrr> = BTreeMap::new();
    for (at, moved) in instants(movements) {
        let set_aside = [Class::Opening, Class::Pause, Class::Resume, Class::Transfer];
        let (mut sums, mut classes): (BTreeMap<_, i128>, BTreeSet<Class>) = Default::default();
        for movement in &moved {
            if set_aside.contains(&movement.class) {
                has_paid = true;
            } else if classes.insert(movement.class) && classes.len() == 1 {
                let is_zero = running.values().all(|level| !level.is_positive());
                match movement.class {
                    Class::New => assert!(is_zero && !has_paid, "{at:?} {:#?}", told(movements)),
                    Class::Reactivation => {
                        assert!(is_zero && (has_paid || may_have_paid), "{at:?} {:#?}", told(movements));
                    }
                    _ => assert!(!is_zero, "{at:?} {:#?}", told(movements)),
                }
            }
            *sums.entry((movement.class, movement.currency.clone())).or_default() += movement.delta.0;
            running.insert(movement.currency.clone(), movement.customer_mrr_after);
        }
        for ((class, _), sum) in sums {
            match class {
                Class::New | Class::Reactivation | Class::Expansion | Class::Opening | Class::Resume => {
                    assert!(sum > 0);
                }
                Class::Contraction | Class::Churn => assert!(sum < 0),
                Class::Switch => assert_eq!(sum, 0),
                Class::Pause | Class::Transfer => {}
            }
        }
        if classes.contains(&Class::Churn) {
            assert!(running.values().all(|level| !level.is_positive()), "{:#?}", told(movements));
        }
        has_paid |= running.values().any(|level| level.is_positive());
    }
}

/// Whether every subscription is told from its beginning, and in full.
fn begins_known(story: &Story) -> bool {
    let mut begun = BTreeSet::new();
    story.facts.iter().all(|fact| match fact {
        // A list that leaves items out is a loose link of the chain.
        Fact::Subscription(fact) if fact.state.items_truncated => false,
        Fact::Subscription(fact) => !begun.insert(&fact.subscription) || fact.origin == Origin::Created,
        _ => true,
    })
}

fn check_transfers(movements: &[Movement]) {
    let moved = movements.iter().filter(|movement| movement.class == Class::Transfer);
    assert_eq!(moved.map(|movement| movement.delta.0).sum::<i128>(), 0, "{:#?}", told(movements));
}

proptest! {
    // Twice the usual number, 256, which PROPTEST_CASES changes.
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases * 2,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_order_and_any_number_of_facts_give_the_same(story in business(), seed: u64) {
        let whole = derived(&story, &story.facts, 0);
        let mut twice = shuffled(&story.facts, seed);
        twice.extend(shuffled(&story.facts, seed ^ 7).into_iter().take(story.facts.len() / 2));
        prop_assert_eq!(derived(&story, &shuffled(&twice, seed), 0), whole);
    }

    #[test]
    fn the_ids_of_events_do_not_matter_where_a_beginning_is_known(story in business()) {
        let mut in_order = story.clone();
        for (index, fact) in in_order.facts.iter_mut().enumerate() {
            if let Fact::Subscription(fact) = fact {
                fact.evidence = evidence(&format!("evt_{index:05}"));
            }
        }
        if !begins_known(&story) {
            return Ok(());
        }
        let whole = derived(&story, &story.facts, 0);
        let is_break = |finding: &Finding| finding.matter == Matter::BrokenChain;
        prop_assert!(!whole.findings.iter().any(is_break), "{:#?}", whole.findings);
        prop_assert_eq!(told(&whole.movements), told(&derived(&in_order, &in_order.facts, 0).movements));
    }

    #[test]
    fn deltas_telescope_to_the_level_at_every_instant(story in business()) {
        let whole = derived(&story, &story.facts, 0);
        assert_sound(&whole.movements);
        let mut running: BTreeMap<Currency, Mrr> = BTreeMap::new();
        for (at, moved) in instants(&whole.movements) {
            for movement in moved {
                running.insert(movement.currency.clone(), movement.customer_mrr_after);
            }
            running.retain(|_, level| level.is_positive());
            prop_assert_eq!(&running, &level_at(&whole.levels, at), "{:#?}", told(&whole.movements));
        }
        prop_assert_eq!(running, level_at(&whole.levels, Instant(i64::MAX)));
    }

    #[test]
    fn classes_agree_with_what_the_customer_stood_at(story in business()) {
        let whole = derived(&story, &story.facts, 0);
        check_classes(&whole.movements, may_have_paid(&story));
        check_transfers(&whole.movements);
    }

    #[test]
    fn a_derivation_from_a_checkpoint_is_the_rest_of_one_from_the_start(
        story in business(), cut in 1..24_usize, lag in prop::sample::select(vec![0, 3_600, 4 * DAY]),
    ) {
        let known = &story.facts[..cut.min(story.facts.len())];
        let early = derived(&story, known, lag);
        let Some(checkpoint) = early.checkpoint else { return Ok(()) };
        // A fact that reaches back behind the checkpoint is derived from the start.
        let is_late = |fact: &Fact| fact.reaches_back_to() <= checkpoint.at;
        if story.facts[known.len()..].iter().any(is_late) {
            return Ok(());
        }
        let (at, whole) = (checkpoint.at, derived(&story, &story.facts, lag));
        let is_before = |movement: &&Movement| movement.effective_at <= at;
        let before: Vec<_> = whole.movements.iter().filter(is_before).cloned().collect();
        let known_before: Vec<_> = early.movements.iter().filter(is_before).cloned().collect();
        prop_assert_eq!(told(&before), told(&known_before));
        let rest = go_on(&story, checkpoint);
        let after: Vec<_> = whole.movements.iter().filter(|movement| movement.effective_at > at).cloned().collect();
        prop_assert_eq!(told(&rest.movements), told(&after));
        prop_assert_eq!(&rest.movements, &after);
        let lasts = |level: &&Level| level.until.is_none_or(|until| until > at);
        let stood: Vec<_> = early.levels.iter().filter(lasts).cloned().collect();
        let expected: Vec<_> = whole.levels.iter().filter(lasts).cloned().collect();
        prop_assert_eq!(in_order(levels_from(Some(at), &stood, &rest.levels)), in_order(expected));
        prop_assert_eq!(rest.due_at, whole.due_at);
        prop_assert!(rest.asked.is_subset(&whole.asked));
        let asked: BTreeSet<_> = rest.asked.union(&early.asked).cloned().collect();
        prop_assert_eq!(&asked, &whole.asked);
        prop_assert!(rest.checkpoint.is_some_and(|checkpoint| checkpoint.at >= at));
    }

    #[test]
    fn it_never_matters_in_which_order_the_catalogue_was_learnt(story in business(), seed: u64) {
        let whole = derived(&story, &story.facts, 0);
        let mut facts: Vec<_> = whole
            .asked
            .iter()
            .flat_map(|topic| story.catalogue.learnt.about(topic).iter().cloned())
            .collect();
        facts.extend(facts.clone());
        let turn = usize::try_from(seed % 64).unwrap() % facts.len().max(1);
        facts.rotate_left(turn);
        facts.reverse();
        // What the customer does not ask for makes no difference.
        let learnt = std::sync::Arc::new(facts.into_iter().collect());
        let later = Story { catalogue: Catalogue { learnt, ..story.catalogue.clone() }, ..story.clone() };
        prop_assert_eq!(derived(&later, &later.facts, 0), whole);
    }

    #[test]
    fn an_earlier_run_knows_a_part_of_what_a_later_one_knows(story in business(), days in 0..200_i64) {
        let early = Story { as_of: Some(day(days)), ..story.clone() };
        let (early, whole) = (derived(&early, &early.facts, 0), derived(&story, &story.facts, 0));
        prop_assert!(early.movements.iter().all(|movement| movement.effective_at <= day(days)));
        let stands = whole.movements.iter().filter(|movement| movement.effective_at <= day(days));
        prop_assert_eq!(stands.clone().count(), early.movements.len());
        for (then, now) in early.movements.iter().zip(stands) {
            // A return later on makes a transfer of what was churn (R19).
            let has_moved = then.class == Class::Churn && now.class == Class::Transfer;
            let then = Movement { class: now.class, kind: now.kind, cause: now.cause, ..then.clone() };
            prop_assert!(has_moved || then == *now, "{:?} {:?}", then, now);
            prop_assert_eq!(then.delta, now.delta);
        }
        prop_assert_eq!(whole.due_at, None);
    }
}
