//! What holds of closed months of any business (R24): what was reported never changes by a unit, whatever is
//! learnt later; the books go on from it; restated, the ledger is as if no month had ever been closed.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::any;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use upswell::ledger::{CloseError, Ledger, Source};
use upswell::mrr::{Catalogue, Delta, DiscountPolicy, Instant, Lane, Month, Mrr, PastDuePolicy, Policy};
use upswell::pipeline::{Settler, arrival, verify};
use upswell::report::{Basis, Report, Reporter, Settings};

use crate::business::{A_DAY, BEGINNING, Chance, Event, business, cases};

/// A time after every generated life.
const NOW: i64 = 1_795_000_000;
const CASES: u32 = 10;

/// A book that is settled by one set of rules after another, and closed now and then.
struct Book {
    ledger: Ledger,
    _directory: tempfile::TempDir,
    policy: Policy,
    zone: chrono_tz::Tz,
    /// What was reported of closed months.
    reported: BTreeMap<Month, String>,
}

impl Book {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = crate::store::new_url(directory.path());
        let ledger = Ledger::open(&url).await.unwrap();
        ledger.migrate().await.unwrap();
        let (policy, zone) = (Policy::default(), chrono_tz::UTC);
        Self { ledger, _directory: directory, policy, zone, reported: BTreeMap::new() }
    }

    fn settler(&self) -> Settler {
        Settler::new(self.ledger.clone(), Catalogue::default(), self.policy.clone(), self.zone)
    }

    async fn learn(&self, events: &[Event], now: i64) {
        let arrivals = events.iter().map(|event| {
            let source = Source::Backfill { place: "business.ndjson:1".to_owned() };
            arrival(event.body.as_bytes(), None, event.received_at(now), source).unwrap()
        });
        self.ledger.accept(&arrivals.collect::<Vec<_>>(), upswell::stripe::says).await.unwrap();
        self.settler().adopt(now).await.unwrap();
        self.settler().settle(now).await.unwrap();
    }

    async fn report(&self, month: Month, basis: Basis) -> Report {
        let settings =
            Settings { zone: self.zone, policy: self.policy.clone(), basis, ..Settings::of("live") };
        let reporter = Reporter::new(self.ledger.clone(), settings);
        let settings = reporter.settings(None).await.unwrap();
        reporter.month(&settings, month).await.unwrap()
    }

    /// Closes a month, if there is anything to close, and keeps what is reported of it and of those closed
    /// with it; it is what was reported while they were open.
    async fn close(&mut self, month: Month, now: i64) {
        let mut open = BTreeMap::new();
        for back in 0..12 {
            let month = month.minus(back);
            open.insert(month, bare(&self.report(month, Basis::Reported).await));
        }
        match self.settler().close("live", month, BTreeSet::new(), now).await {
            Ok(closed) => {
                assert_eq!(closed.closings.last().unwrap().month, month);
                for closing in closed.closings {
                    let report = self.report(closing.month, Basis::Reported).await;
                    if let Some(open) = open.get(&closing.month) {
                        assert_eq!(
                            bare(&report),
                            *open,
                            "{} reads otherwise once it is closed",
                            closing.month
                        );
                    }
                    self.reported.insert(closing.month, report.to_json().unwrap());
                }
            }
            Err(CloseError::AlreadyClosed { .. } | CloseError::Nothing { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }

    async fn reopen(&mut self, month: Month, now: i64) {
        self.ledger.reopen_month("live", month, "it was wrong", now).await.unwrap();
        self.reported.split_off(&month);
    }

    /// Nothing that was reported has changed, and the proof holds.
    async fn holds(&self) {
        for (month, reported) in &self.reported {
            let report = self.report(*month, Basis::Reported).await;
            assert_eq!(report.to_json().unwrap(), *reported, "{month} has changed");
        }
        let proof = verify(&self.ledger, None).await.unwrap();
        assert_eq!(proof.closed_months, self.reported.len());
    }

    /// Every month foots, opens as the month before was reported to end, and is bridged to what is known.
    async fn goes_on(&self, last: Month) {
        let mut month = Month::parse("2024-12").unwrap();
        let mut ended: BTreeMap<String, Mrr> = BTreeMap::new();
        while month <= last {
            let report = self.report(month, Basis::Reported).await;
            let mut opened = std::mem::take(&mut ended);
            for block in &report.currencies {
                let roll = &block.figures.rollforward;
                let lanes: Delta = roll.lanes.iter().map(|(_, amount)| *amount).sum();
                assert_eq!(roll.starting_mrr + lanes, roll.ending_mrr, "{month}");
                let opening = opened.remove(block.currency.as_str()).unwrap_or_default();
                assert_eq!(roll.starting_mrr, opening, "{month} does not open as the month before ended");
                let listed = block.prior_period_adjustments.iter().map(|one| one.movement.delta);
                assert_eq!(listed.sum::<Delta>(), roll.lane(Lane::PriorPeriod), "{month}");
                for row in block.segments.iter().flat_map(|table| &table.rows) {
                    let roll = &row.figures.rollforward;
                    let lanes: Delta = roll.lanes.iter().map(|(_, amount)| *amount).sum();
                    let moved = roll.transfer_in + roll.transfer_out;
                    assert_eq!(roll.starting_mrr + lanes + moved, roll.ending_mrr, "{month} {}", row.segment);
                }
                ended.insert(block.currency.to_string(), roll.ending_mrr);
            }
            assert!(opened.values().all(|left| *left == Mrr::ZERO), "{month}: {opened:?}");
            self.is_bridged(&report).await;
            month = month.next();
        }
    }

    async fn is_bridged(&self, reported: &Report) {
        let restated = self.report(reported.month, Basis::Restated).await;
        for block in &restated.currencies {
            assert_eq!(block.figures.rollforward.lane(Lane::PriorPeriod), Delta::ZERO);
            let is_closed = self.reported.keys().next_back().is_some_and(|last| reported.month <= *last);
            assert_eq!(block.bridge.is_some(), is_closed);
            let Some(bridge) = &block.bridge else { continue };
            let [first, lanes @ .., last] = &bridge.rows[..] else { panic!("{bridge:?}") };
            let sum = |column: fn(&upswell::report::BridgeRow) -> Delta| -> Delta {
                [first].into_iter().chain(lanes).map(column).sum()
            };
            assert_eq!(sum(|row| row.reported), last.reported);
            assert_eq!(sum(upswell::report::BridgeRow::adjustment), last.adjustment());
            assert_eq!(sum(|row| row.restated), last.restated);
            let since = block.prior_period_adjustments.iter().map(|one| one.movement.delta);
            let is_same_calendar = reported.zone == restated.zone;
            assert!(!is_same_calendar || since.sum::<Delta>() == last.adjustment(), "{}", reported.month);
        }
    }
}

/// A report without what says how it stands.
fn bare(report: &Report) -> Value {
    let mut json: Value = serde_json::from_str(&report.to_json().unwrap()).unwrap();
    let of = json.as_object_mut().unwrap();
    // What a person should look at is asked of the ledger as it is, and not of books that are closed.
    for key in ["status", "as", "closing", "exceptions"] {
        of.remove(key).unwrap();
    }
    json
}

/// The same, without what only a restated report has.
fn figures(report: &Report) -> Value {
    let mut json = bare(report);
    for block in json["currencies"].as_array_mut().unwrap() {
        block.as_object_mut().unwrap().remove("bridge").unwrap();
        block.as_object_mut().unwrap().remove("prior_period_adjustments").unwrap();
    }
    // A currency that was reported and is gone has a block of nothing.
    json["currencies"].as_array_mut().unwrap().retain(|block| {
        let roll = block["rollforward"].as_object().unwrap();
        let activity = block["activity"]["by_class"].as_object().unwrap();
        roll.values().any(|amount| amount != "0") || activity.values().any(|amount| amount != "0")
    });
    json
}

fn other_rules(book: &mut Book, chance: &mut Chance) {
    match chance.below(5) {
        0 => book.policy.discounts = DiscountPolicy::None,
        1 => book.policy = Policy { past_due: PastDuePolicy::LapsesAfterDays(14), ..Policy::default() },
        2 => book.zone = *chance.pick(&[chrono_tz::Asia::Tokyo, chrono_tz::America::Los_Angeles]),
        _ => {}
    }
}

async fn lives(seed: u64, is_midlife: bool) {
    let mut chance = Chance::new(seed);
    let mut untold = business(seed, is_midlife);
    let all = untold.clone();
    let mut book = Book::new().await;
    for round in 1..=4 {
        let now = BEGINNING + round * 80 * A_DAY;
        // A third of what happened comes in a later round.
        let (told, later): (Vec<Event>, Vec<Event>) =
            untold.into_iter().partition(|event| event.created < now && !chance.happens(33));
        untold = later;
        other_rules(&mut book, &mut chance);
        book.learn(&told, now).await;
        book.holds().await;
        if let Some(last) = book.reported.keys().next_back().copied().filter(|_| chance.happens(25)) {
            book.reopen(last.minus(i32::from(book.reported.contains_key(&last.minus(1)))), now).await;
        }
        if chance.happens(75) {
            let back = i32::from(chance.happens(40));
            book.close(Month::of(Instant(now), book.zone).minus(1 + back), now).await;
        }
    }
    other_rules(&mut book, &mut chance);
    book.learn(&untold, NOW).await;
    book.holds().await;
    let last = Month::parse("2026-01").unwrap();
    book.goes_on(last).await;

    let mut open = Book::new().await;
    (open.policy, open.zone) = (book.policy.clone(), book.zone);
    open.learn(&all, NOW).await;
    let mut month = Month::parse("2025-01").unwrap();
    while month <= last {
        let (restated, never_closed) =
            (book.report(month, Basis::Restated).await, open.report(month, Basis::Reported).await);
        assert_eq!(figures(&restated), figures(&never_closed), "{month}");
        month = month.next();
    }
}

#[test]
fn what_was_reported_never_changes_and_restated_is_as_if_nothing_had_been_closed() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config =
        Config { cases: cases(CASES), failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    let cases = (any::<u64>(), any::<bool>());
    TestRunner::new(config)
        .run(&cases, |(seed, is_midlife)| {
            runtime.block_on(lives(seed, is_midlife));
            Ok(())
        })
        .unwrap();
}

#[test]
fn what_is_settled_while_a_month_is_closed_is_in_its_books_or_in_the_next() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut book = Book::new().await;
        let events: Vec<Event> = (1..=6).flat_map(|seed| business(seed, false)).collect();
        let (first, rest) = events.split_at(events.len() / 3);
        book.learn(first, NOW).await;
        let settler = book.settler();
        let learn = async {
            for some in rest.chunks(3) {
                book.learn(some, NOW).await;
            }
        };
        let close = async {
            let mut month = Month::parse("2025-02").unwrap();
            while month <= Month::parse("2025-08").unwrap() {
                settler.close("live", month, BTreeSet::new(), NOW).await.unwrap();
                month = month.next();
            }
        };
        tokio::join!(learn, close);
        for closing in book.ledger.closings("live").await.unwrap().all() {
            let report = book.report(closing.month, Basis::Reported).await;
            book.reported.insert(closing.month, report.to_json().unwrap());
        }
        book.holds().await;
        book.goes_on(Month::parse("2025-12").unwrap()).await;
    });
}
