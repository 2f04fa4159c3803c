//! What holds for whatever schedules a business has.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use super::businesses::business;
use super::properties::{derived, go_on, shuffled};
use super::testing::*;
use crate::mrr::{Discount, Fact, Origin, Phase, PhaseItem, ScheduleFact, ScheduleStatus};

/// One word about a schedule: of which subscription, when, how long until its first phase, and a number that
/// says the rest.
type Word = (usize, i64, i64, usize);

const PRICES: [&str; 10] =
    ["basic_1", "basic_2", "pro_1", "pro_y", "max_1", "free", "tiers", "calls", "extra_1", "nobody_knows"];
const STATUSES: [ScheduleStatus; 8] = [
    ScheduleStatus::Active,
    ScheduleStatus::Active,
    ScheduleStatus::Active,
    ScheduleStatus::Active,
    ScheduleStatus::NotStarted,
    ScheduleStatus::NotStarted,
    ScheduleStatus::Released,
    ScheduleStatus::Unknown,
];

/// A business as of a day, without its schedules and with them.
fn scheduled_business() -> impl Strategy<Value = (Story, Story)> {
    let word = (0..9_usize, 0..200_i64, -40..90_i64, 0..10_000_usize);
    (business(), prop::collection::vec(word, 2..6), 0..120_i64).prop_map(|(story, words, as_of)| {
        let story = Story { as_of: Some(day(as_of)), ..story };
        let without = story.learns_price(day(0), &price("basic_1", "basic", 10));
        let with = words.into_iter().fold(without.clone(), say);
        (without, with)
    })
}

fn say(story: Story, (of, at, until, which): Word) -> Story {
    let status = STATUSES[which % STATUSES.len()];
    let subscription =
        (status != ScheduleStatus::NotStarted).then(|| format!("sub_{}_{}", of % 3, 1 + of / 3));
    story.schedule(ScheduleFact {
        customer: "cus_1".into(),
        schedule: format!("sched_{}", of % 4).into(),
        subscription: subscription.map(Into::into),
        origin: [Origin::Created, Origin::Updated][which % 2],
        status,
        cancels_at_end: which.is_multiple_of(3),
        phases: (0..1 + which / 3 % 3).map(|number| phase(at + until, number, which)).collect(),
        lasts_until: None,
        at: day(at),
        evidence: evidence(""),
    })
}

fn phase(start: i64, number: usize, which: usize) -> Phase {
    let start = start + 25 * i64::try_from(number).unwrap();
    let items = 1 + which / 7 % 3;
    let item = |place: usize| PhaseItem {
        price: PRICES[(which / 11 + 3 * place + number) % PRICES.len()].into(),
        terms: None,
        quantity: 1 + u64::try_from((which + place) % 4).unwrap(),
        discounts: Vec::new(),
        inclusive_tax: [None, Some(190_000)][usize::from(which.is_multiple_of(13))],
    };
    let discounts: Vec<Discount> = match which / 17 % 4 {
        0 => vec![percent("half", 50)],
        1 => vec![Discount { coupon: None, id: None, ..dollars_off("five", 5) }],
        _ => Vec::new(),
    };
    Phase {
        start: day(start),
        end: Some(day(start + [25, 20][which % 2])),
        currency: None,
        items: (0..items).map(item).collect(),
        discounts,
        trial_end: which.is_multiple_of(19).then(|| day(start + 7)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases * 2,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn schedules_change_nothing_that_stands((without, with) in scheduled_business()) {
        let (without, with) = (derived(&without, &without.facts, 0), derived(&with, &with.facts, 0));
        prop_assert_eq!(told(&with.movements), told(&without.movements));
        prop_assert_eq!(with.movements, without.movements);
        prop_assert_eq!(with.levels, without.levels);
        prop_assert_eq!(with.findings, without.findings);
    }

    #[test]
    fn what_is_to_come_goes_on_from_what_stands_after_the_run((_, story) in scheduled_business()) {
        let derivation = derived(&story, &story.facts, 0);
        let as_of = story.rules().as_of;
        prop_assert!(derivation.scheduled.iter().all(|movement| movement.effective_at > as_of));
        prop_assert!(derivation.due_at.is_none_or(|due| due > as_of));
        assert_sound(&[derivation.movements, derivation.scheduled].concat());
    }

    #[test]
    fn any_order_and_any_number_of_words_tell_the_same((_, story) in scheduled_business(), seed: u64) {
        let whole = derived(&story, &story.facts, 0);
        let twice = [shuffled(&story.facts, seed), shuffled(&story.facts, !seed)].concat();
        prop_assert_eq!(derived(&story, &twice, 0), whole);
    }

    #[test]
    fn from_a_checkpoint_the_same_is_to_come((_, story) in scheduled_business(), cut in 1..30_usize) {
        let mut facts = story.facts.clone();
        facts.sort_by_key(Fact::at);
        let known = &facts[..cut.min(facts.len())];
        let Some(checkpoint) = derived(&story, known, 0).checkpoint else { return Ok(()) };
        let is_late = |fact: &Fact| fact.reaches_back_to() <= checkpoint.at;
        if facts[known.len()..].iter().any(is_late) {
            return Ok(());
        }
        let whole = derived(&story, &facts, 0);
        let rest = go_on(&story, checkpoint);
        prop_assert_eq!(told(&rest.scheduled), told(&whole.scheduled));
        prop_assert_eq!(rest.scheduled, whole.scheduled);
        prop_assert_eq!(rest.due_at, whole.due_at);
    }
}

#[test]
fn businesses_have_phases_that_are_to_come() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = scheduled_business();
    let counts = (0..300).filter(|_| {
        let (without, with) = strategy.new_tree(&mut runner).unwrap().current();
        let ahead = |story: &Story| derived(story, &story.facts, 0).scheduled;
        ahead(&with) != ahead(&without)
    });
    let found = counts.count();
    assert!(found > 30, "only {found} of 300: the properties above would prove little");
}
