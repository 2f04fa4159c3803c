//! History from lists and invoices alone against the events' truth: on businesses whose changes all left
//! invoices every month-end level of licensed items is the same; where they did not, the difference is found
//! by its cause.

mod files;
mod life;
mod sigma;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::any;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use upswell::ledger::Stored;
use upswell::mrr::{
    Catalogue, Derivation, Fact, HistoryGap, Instant, Level, Matter, Month, Policy, Rules, Timeline, derive,
    derive_with_lag, levels_before,
};
use upswell::pipeline::told_by;

use crate::business::{Chance, cases};
use life::{Changes, Left, customer};

const CASES: u32 = 150;
/// Lives on which a claim here once failed.
const FOUND: [u64; 1] = [5_467_841_317_147_660_582];

/// A customer's facts, with what its book has learnt.
#[derive(Default)]
struct Told {
    facts: Vec<Fact>,
    catalogue: Catalogue,
    as_of: i64,
}

impl Told {
    fn hear(&mut self, body: &Value, received_at: i64) {
        let stored = Stored {
            seq: 0,
            book: "live".to_owned(),
            event_id: String::new(),
            kind: String::new(),
            created: 0,
            api_version: None,
            sha256: "00".to_owned(),
            signed_at: None,
            received_at,
            source: "backfill".to_owned(),
            place: None,
            body: body.to_string().into_bytes(),
        };
        let told = told_by(&stored).unwrap_or_else(|nothing| panic!("{nothing:?}: {body}"));
        self.facts.extend(told.facts);
        for lesson in told.lessons {
            Arc::make_mut(&mut self.catalogue.learnt).add(lesson);
        }
    }

    fn events(left: &Left, from: usize) -> Self {
        let mut told = Self { as_of: left.seen, ..Self::default() };
        left.events.iter().skip(from).for_each(|event| told.hear(event, left.seen));
        told
    }

    fn lists(mut self, left: &Left) -> Self {
        self.as_of = left.seen;
        left.subscriptions.iter().chain(&left.invoices).for_each(|listed| self.hear(listed, left.seen));
        (0..wire::PRICES.len()).for_each(|index| self.hear(&wire::price(index), left.seen));
        self
    }

    fn derive(&self) -> Derivation {
        let (timeline, policy) = (Timeline { facts: self.facts.clone(), start: None }, Policy::default());
        let rules = Rules { catalogue: &self.catalogue, policy: &policy, as_of: Instant(self.as_of) };
        derive(&timeline, rules)
    }
}

/// What lists tell is weighed with all that comes later: no derivation goes on from a point in the midst of it.
fn assert_has_no_checkpoint(told: &Told, seed: u64) {
    let policy = Policy::default();
    let rules = Rules { catalogue: &told.catalogue, policy: &policy, as_of: Instant(told.as_of) };
    let derived = derive_with_lag(&Timeline { facts: told.facts.clone(), start: None }, rules, 0);
    assert_eq!(derived.checkpoint, None, "{seed}");
}

/// What is held of licensed items at the ends of months, and when the lists were made.
fn month_ends(levels: &[Level], seen: i64) -> BTreeMap<String, String> {
    let licensed: Vec<Level> =
        levels.iter().filter(|level| !level.is_metered && level.mrr.is_positive()).cloned().collect();
    let mut held = BTreeMap::new();
    let mut add = |name: &str, at: Instant| {
        for level in levels_before(&licensed, at) {
            let told = format!("{} × {} = {}", level.quantity, level.price, level.mrr);
            held.insert(format!("{name} {}", level.item), told);
        }
    };
    let mut month = Month::parse("2025-01").unwrap();
    while month.end(chrono_tz::UTC).0 <= seen {
        add(&month.to_string(), month.end(chrono_tz::UTC));
        month = month.next();
    }
    add("seen", Instant(seen + 1));
    held
}

fn gaps(derivation: &Derivation) -> Vec<HistoryGap> {
    let found = derivation.findings.iter().filter_map(|finding| match finding.matter {
        Matter::History { gap } => Some(gap),
        _ => None,
    });
    found.collect()
}

fn property(check: impl Fn(u64)) {
    FOUND.into_iter().for_each(&check);
    let config = Config { cases: cases(CASES), failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&any::<u64>(), |seed| {
            check(seed);
            Ok(())
        })
        .unwrap();
}

#[test]
fn lists_and_invoices_tell_every_month_end_as_events_do() {
    property(|seed| {
        let left = customer(seed, Changes::Billed);
        let (truth, rebuilt) = (Told::events(&left, 0).derive(), Told::default().lists(&left).derive());
        assert_eq!(month_ends(&rebuilt.levels, left.seen), month_ends(&truth.levels, left.seen), "{seed}");
    });
}

#[test]
fn what_left_no_invoice_is_found_by_its_cause_and_right_when_the_list_was_made() {
    property(|seed| {
        let left = customer(seed, Changes::Unbilled);
        let (truth, rebuilt) = (Told::events(&left, 0).derive(), Told::default().lists(&left).derive());
        let (was, told) = (month_ends(&truth.levels, left.seen), month_ends(&rebuilt.levels, left.seen));
        let seen = |held: &BTreeMap<String, String>| -> Vec<String> {
            held.iter().filter(|(key, _)| key.starts_with("seen")).map(|(_, told)| told.clone()).collect()
        };
        assert_eq!(seen(&told), seen(&was), "{seed}");
        if told != was && !came_back(&rebuilt.levels, &truth.levels, left.seen) {
            assert!(gaps(&rebuilt).contains(&HistoryGap::Unbilled), "{seed}: {told:#?} {was:#?}");
        }
    });
}

/// What an item held from an instant on.
type Course = BTreeMap<i64, Option<(String, u64, i128)>>;

/// What each licensed item held through time.
fn courses(levels: &[Level]) -> BTreeMap<String, Course> {
    let mut courses: BTreeMap<String, Course> = BTreeMap::new();
    let mut licensed: Vec<&Level> =
        levels.iter().filter(|level| !level.is_metered && level.mrr.is_positive()).collect();
    licensed.sort_by_key(|level| level.from);
    for level in licensed {
        let course = courses.entry(level.item.to_string()).or_default();
        course.insert(level.from.0, Some((level.price.to_string(), level.quantity, level.mrr.0)));
        if let Some(until) = level.until {
            course.insert(until.0, None);
        }
    }
    courses
}

/// Whether all that is told otherwise than it was are changes that were taken back before an invoice could tell of
/// them: what was told stood before, went on while it was otherwise, and stands again, with nothing told meanwhile.
fn came_back(told: &[Level], truth: &[Level], seen: i64) -> bool {
    let (told, truth) = (courses(told), courses(truth));
    let items: BTreeSet<&String> = told.keys().chain(truth.keys()).collect();
    items.into_iter().all(|item| {
        let (told, truth) = (told.get(item), truth.get(item));
        let held = |course: Option<&Course>, at: i64| {
            course.and_then(|course| course.range(..=at).next_back()).and_then(|(_, held)| held.clone())
        };
        let what = |held: &Option<(String, u64, i128)>| held.as_ref().map(|held| (held.0.clone(), held.1));
        let points: BTreeSet<i64> = told.into_iter().chain(truth).flat_map(Course::keys).copied().collect();
        let (mut before, mut otherwise) = (None, None);
        for at in points.into_iter().filter(|at| *at <= seen) {
            let now = held(told, at);
            if now != held(truth, at) {
                if what(&now) != *otherwise.get_or_insert(what(&before)) {
                    return false;
                }
            } else if otherwise.take().is_some_and(|stood| stood != what(&now)) {
                return false;
            }
            before = now;
        }
        otherwise.is_none()
    })
}

#[test]
fn events_from_some_day_on_and_lists_before_it_are_the_same_history() {
    property(|seed| {
        let left = customer(seed, Changes::Billed);
        let mut chance = Chance::new(seed ^ 7);
        let truth = Told::events(&left, 0).derive();
        let mut mixed = Told::events(&left, chance.below(left.events.len())).lists(&left);
        let derived = mixed.derive();
        assert_eq!(month_ends(&derived.levels, left.seen), month_ends(&truth.levels, left.seen), "{seed}");
        assert_has_no_checkpoint(&mixed, seed);
        mixed.facts.extend(mixed.facts.clone());
        chance.shuffle(&mut mixed.facts);
        assert_eq!(mixed.derive(), derived, "{seed}: order and number of facts matter");
        let is_broken = |matter: &Matter| *matter == Matter::BrokenChain;
        assert!(!derived.findings.iter().any(|finding| is_broken(&finding.matter)), "{seed}");
    });
}

#[test]
fn lists_beside_all_events_move_nothing() {
    property(|seed| {
        let left = customer(seed, Changes::Billed);
        let licensed = |derived: Derivation| {
            // What a listed invoice bills of usage no event tells here.
            derived.levels.into_iter().filter(|level| !level.is_metered).collect::<Vec<_>>()
        };
        let truth = licensed(Told::events(&left, 0).derive());
        assert_eq!(licensed(Told::events(&left, 0).lists(&left).derive()), truth, "{seed}");
    });
}
