//! Every road leads to the same ledger: any order, any duplication, any batches, any split between
//! webhook and backfill (R22).

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestRunner};
use tokio::sync::Notify;
use upswell::ledger::{Ledger, Source, Wanted};
use upswell::mrr::{Catalogue, Instant, Level, Month, Policy, levels_before};
use upswell::pipeline::{Bulk, Door, DoorTerms, Settler, arrival};
use upswell::stripe::{Secret, sign};

use crate::business::{Chance, Event, business, cases, told_otherwise};

/// A time after every generated life.
const NOW: i64 = 1_795_000_000;
const SECRET: &str = "whsec_of_the_road";
const CASES: u32 = 24;

/// What a road led to: the standing movements by name, each customer's levels through time, and what is to come.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    movements: BTreeMap<String, usize>,
    levels: BTreeMap<String, Vec<Level>>,
    scheduled: Vec<String>,
}

/// A ledger of its own, and what leads into it.
struct Road {
    ledger: Ledger,
    settler: Settler,
    door: Door,
    url: String,
    _directory: tempfile::TempDir,
}

impl Road {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = crate::store::new_url(directory.path());
        let ledger = Ledger::open(&url).await.unwrap();
        ledger.migrate().await.unwrap();
        let settler = Settler::new(ledger.clone(), Catalogue::default(), Policy::default(), chrono_tz::UTC);
        let terms = DoorTerms {
            secrets: vec![Secret::new(SECRET).unwrap()],
            tolerance_seconds: 300,
            waiting: 4_096,
            patience: std::time::Duration::from_secs(20),
            lag_limit_seconds: 300,
        };
        let (door, _) = Door::open(ledger.clone(), terms, Arc::new(Notify::new()), Arc::default());
        Self { ledger, settler, door, url, _directory: directory }
    }

    /// By webhook, but for what lists show, which no webhook brings.
    async fn webhooks(&self, events: &[Event]) {
        let (lists, events): (Vec<Event>, Vec<Event>) =
            events.iter().cloned().partition(|event| event.is_listed);
        self.backfill(&lists).await;
        let secret = Secret::new(SECRET).unwrap();
        for event in events {
            let signature = sign(event.body.as_bytes(), &secret, NOW);
            let body = Bytes::from(event.body);
            self.door.accept(body, Some(signature.as_bytes()), NOW).await.unwrap();
        }
    }

    async fn backfill(&self, events: &[Event]) {
        let arrivals = events.iter().map(|event| {
            let source = Source::Backfill { place: "business.ndjson:1".to_owned() };
            arrival(event.body.as_bytes(), None, event.received_at(NOW), source).unwrap()
        });
        self.ledger.accept(&arrivals.collect::<Vec<_>>(), upswell::stripe::says).await.unwrap();
    }

    async fn settle(&self) {
        self.settler.settle(NOW).await.unwrap();
    }

    /// How many customers would be derived from a checkpoint if something new came.
    async fn checkpoints(&self) -> usize {
        let mut count = 0;
        for key in self.ledger.customers("live").await.unwrap() {
            let known = self.ledger.known(&key, Some(Instant(i64::MAX))).await.unwrap();
            count += usize::from(known.timeline.start.is_some());
        }
        count
    }

    /// Proves the ledger and reads what it says.
    async fn outcome(self) -> Outcome {
        upswell::pipeline::verify(&self.ledger, None).await.unwrap();
        let mut movements = BTreeMap::new();
        for posting in self.ledger.postings(&Wanted::default()).await.unwrap() {
            *movements.entry(posting.id).or_default() += 1;
        }
        let mut levels = BTreeMap::new();
        let mut scheduled = Vec::new();
        for book in self.ledger.books().await.unwrap() {
            for (customer, movements) in self.ledger.scheduled(&book).await.unwrap() {
                scheduled.extend(movements.iter().map(|to_come| {
                    let (at, kind, item) = (to_come.effective_at.0, to_come.kind.as_str(), &to_come.item);
                    format!("{book} {customer} {at} {kind} {item} {} {}", to_come.delta, to_come.currency)
                }));
            }
            let held = self.ledger.levels(&book, None).await.unwrap().into_iter();
            levels.extend(held.map(|(customer, held)| (format!("{book} {customer}"), held)));
        }
        for held in levels.values() {
            let mut month = Month::parse("2025-01").unwrap();
            while month <= Month::parse("2026-10").unwrap() {
                let mut items = BTreeSet::new();
                for level in levels_before(held, month.end(chrono_tz::UTC)) {
                    assert!(items.insert(&level.item), "an item has two levels: {level:?}");
                }
                month = month.next();
            }
        }
        self.ledger.close().await.unwrap();
        Outcome { movements, levels, scheduled }
    }
}

/// One by one, as they happened, each settled before the next comes: this goes through checkpoints.
async fn one_by_one(events: &[Event], checkpoints: &Cell<usize>) -> Outcome {
    let road = Road::new().await;
    for event in events {
        road.backfill(std::slice::from_ref(event)).await;
        road.settle().await;
    }
    checkpoints.set(checkpoints.get() + road.checkpoints().await);
    road.outcome().await
}

/// In batches of any size, each by webhook or by backfill, settled or not before the next.
async fn in_batches(events: &[Event], chance: &mut Chance) -> Outcome {
    let road = Road::new().await;
    let mut rest = events;
    while !rest.is_empty() {
        let (batch, after) = rest.split_at(1 + chance.below(rest.len().min(20)));
        if chance.happens(30) {
            road.webhooks(batch).await;
        } else {
            road.backfill(batch).await;
        }
        if chance.happens(60) {
            road.settle().await;
        }
        rest = after;
    }
    road.settle().await;
    road.outcome().await
}

/// By webhook from a point on, and what was before it, with some that came both ways, backfilled.
async fn split(events: &[Event], chance: &mut Chance) -> Outcome {
    let road = Road::new().await;
    let at = chance.below(events.len() + 1);
    let overlap = chance.below(events.len() - at + 1);
    for batch in events[at..].chunks(1 + chance.below(8)) {
        road.webhooks(batch).await;
        road.settle().await;
    }
    road.backfill(&events[..at + overlap]).await;
    road.settle().await;
    road.outcome().await
}

async fn every_road(seed: u64, is_midlife: bool, checkpoints: &Cell<usize>, scheduled: &Cell<usize>) {
    let events = business(seed, is_midlife);
    if events.is_empty() {
        return;
    }
    let chance = &mut Chance::new(!seed);
    let expected = one_by_one(&events, checkpoints).await;
    scheduled.set(scheduled.get() + expected.scheduled.len());
    assert_eq!(split(&events, chance).await, expected, "split between webhook and backfill");
    let mut mixed = events.clone();
    mixed.extend(events.iter().filter(|_| chance.happens(30)).cloned().collect::<Vec<_>>());
    chance.shuffle(&mut mixed);
    assert_eq!(in_batches(&mixed, chance).await, expected, "shuffled, some twice, in batches");
    let mut late = events.clone();
    // Nearly in order, as a queue with a few retries delivers.
    for _ in 0..=events.len() / 6 {
        let moved = late.remove(chance.below(late.len()));
        late.insert(chance.below(late.len() + 1), moved);
    }
    assert_eq!(in_batches(&late, chance).await, expected, "some late, in batches");
}

#[test]
fn any_order_any_duplication_and_any_split_make_the_same_ledger() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (checkpoints, scheduled) = (Cell::new(0), Cell::new(0));
    let config =
        Config { cases: cases(CASES), failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    TestRunner::new(config)
        .run(&(any::<u64>(), any::<bool>()), |(seed, is_midlife)| {
            runtime.block_on(every_road(seed, is_midlife, &checkpoints, &scheduled));
            Ok(())
        })
        .unwrap();
    // Without any, settling one by one would prove nothing about going on from one.
    assert!(checkpoints.get() > 0, "no customer was ever at a checkpoint");
    assert!(scheduled.get() > 0, "nothing was ever to come");
}

/// Which road tells of tiers, coupons and marks, an event or a list, changes nothing, not even what proves
/// a movement.
#[test]
fn what_the_catalogue_is_told_by_makes_no_difference() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut changed = 0;
    for seed in 0..u64::from(cases(CASES)) {
        let events = business(1_000 + seed, seed % 2 == 1);
        let chance = &mut Chance::new(seed);
        let mut otherwise: Vec<Event> = events.iter().map(told_otherwise).collect();
        let both = otherwise.iter().zip(&events);
        changed += both.filter(|(other, event)| other.is_listed != event.is_listed).count();
        chance.shuffle(&mut otherwise);
        runtime.block_on(async {
            let expected = in_batches(&events, chance).await;
            assert_eq!(in_batches(&otherwise, chance).await, expected, "seed {seed}");
        });
    }
    assert!(changed > 0, "nothing was told otherwise");
}

/// Several settle one store at once, live and in bulk, through connections of their own: each delivery
/// counts once, and all get done.
#[test]
fn several_that_settle_at_once_post_nothing_twice_and_leave_nothing() {
    let events: Vec<Event> = (0..12)
        .flat_map(|seed| {
            let rename = move |text: &str| {
                ["cus_", "sub_", "evt_", "si_", "in_", "di_"]
                    .iter()
                    .fold(text.to_owned(), |text, prefix| text.replace(prefix, &format!("{prefix}{seed}_")))
            };
            let told = business(seed, false).into_iter();
            told.map(move |event| Event { id: rename(&event.id), body: rename(&event.body), ..event })
        })
        .collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let alone = Road::new().await;
        alone.backfill(&events).await;
        alone.settle().await;
        let together = Road::new().await;
        let mut others = Vec::new();
        for _ in 0..3 {
            let ledger = Ledger::open(&together.url).await.unwrap();
            others.push(Settler::new(ledger, Catalogue::default(), Policy::default(), chrono_tz::UTC));
        }
        for batch in events.chunks(80) {
            together.backfill(batch).await;
            let settling = others.iter().enumerate().map(|(index, settler)| {
                let settler = settler.clone();
                tokio::spawn(async move {
                    match index {
                        0 => drop(Bulk::settle_waiting(settler, || NOW).await.unwrap()),
                        _ => drop(settler.settle(NOW).await.unwrap()),
                    }
                })
            });
            for task in settling.collect::<Vec<_>>() {
                task.await.unwrap();
            }
        }
        assert_eq!(together.ledger.counts().await.unwrap().pending, 0);
        assert_eq!(alone.outcome().await, together.outcome().await);
    });
}
