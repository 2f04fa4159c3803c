//! Kept sums (DECISIONS 155): a report from them is the report from all levels and postings, byte by byte, whatever
//! was settled, reversed, closed or configured meanwhile; and the proof sees them when they are not.

use std::collections::BTreeSet;

use proptest::prelude::any;
use proptest::test_runner::{Config, TestRunner};
use upswell::ledger::{ImportedQuote, Ledger, Source};
use upswell::mrr::{Catalogue, ExchangeRate, Instant, Month, PastDuePolicy, Policy, Quote, RateTable};
use upswell::pipeline::{Settler, arrival};
use upswell::report::{Basis, Consolidation, CustomerRow, Dimension, KeptProof, Reporter, Settings};

use crate::business::{A_DAY, BEGINNING, Chance, Event, business, cases};
use crate::process::Place;

/// A time after every generated life.
const NOW: i64 = 1_795_000_000;
const CASES: u32 = 4;

struct Book {
    ledger: Ledger,
    _directory: tempfile::TempDir,
    policy: Policy,
    settings: Settings,
}

impl Book {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&crate::store::new_url(directory.path())).await.unwrap();
        ledger.migrate().await.unwrap();
        let segments = vec!["plan_tier".to_owned()];
        let settings =
            Settings { owner_key: Some("metadata.owner".to_owned()), segments, ..Settings::of("live") };
        Self { ledger, _directory: directory, policy: Policy::default(), settings }
    }

    fn settler(&self) -> Settler {
        Settler::new(self.ledger.clone(), Catalogue::default(), self.policy.clone(), self.settings.zone)
    }

    fn reporter(&self) -> Reporter {
        Reporter::new(self.ledger.clone(), self.settings.clone())
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

    /// Brings rates of most months, so that some are missing and some are replaced.
    async fn quote(&self, chance: &mut Chance, now: i64) {
        let mut quotes = Vec::new();
        for back in 0..30 {
            if chance.happens(85) {
                let date = Month::parse("2026-04").unwrap().minus(back).last_day();
                let rate = ExchangeRate::parse(&format!("1.{:03}", chance.below(400))).unwrap();
                let quote = Quote { date, from: "eur".into(), to: "usd".into(), rate };
                quotes.push(ImportedQuote { quote, line: 1 });
            }
        }
        self.ledger.import_rates(&quotes, "rates.csv", now).await.unwrap();
    }

    /// Every report reads the same from kept sums and from postings, and the sums are proved.
    async fn agrees(&self, when: &str) {
        let reporter = self.reporter();
        let slow = reporter.clone().from_postings();
        for book in self.ledger.books().await.unwrap() {
            let settings = reporter.settings(Some(&book)).await.unwrap();
            let by = |by: Dimension| Settings { by: Some(by), ..settings.clone() };
            let restated = Settings { basis: Basis::Restated, ..settings.clone() };
            let mut asked = vec![(Month::parse("2025-05").unwrap(), by(Dimension::Tenure))];
            asked.push((Month::parse("2025-08").unwrap(), by(Dimension::metadata("plan_tier"))));
            for month in ["2024-11", "2025-01", "2025-02", "2025-04", "2025-07", "2025-10", "2026-01"] {
                let month = Month::parse(month).unwrap();
                asked.extend([(month, settings.clone()), (month, restated.clone())]);
            }
            for (month, settings) in &asked {
                let kept = reporter.month(settings, *month).await.unwrap().to_json().unwrap();
                let anew = slow.month(settings, *month).await.unwrap().to_json().unwrap();
                assert_eq!(kept, anew, "{book} {month} {when}");
            }
            self.pages_agree(&settings, when).await;
            let (from, to) = (Month::parse("2025-02").unwrap(), Month::parse("2025-09").unwrap());
            let kept = reporter.range(&settings, from, to).await.unwrap().to_json().unwrap();
            assert_eq!(kept, slow.range(&settings, from, to).await.unwrap().to_json().unwrap(), "{when}");
            let until = Month::parse("2025-11").unwrap();
            let missing = reporter.missing_rates(&settings, until).await.unwrap();
            assert_eq!(missing, slow.missing_rates(&settings, until).await.unwrap(), "{book} {when}");
            let proof = reporter.prove_kept(&book).await.unwrap();
            assert!(!matches!(proof, KeptProof::Differs(_)), "{book} {when}: {proof:?}");
        }
    }

    /// Customers come page by page as they come all at once.
    async fn pages_agree(&self, settings: &Settings, when: &str) {
        let reporter = self.reporter();
        for (month, with_zeros) in [("2025-01", true), ("2025-06", false), ("2026-01", true)] {
            let month = Month::parse(month).unwrap();
            let all = reporter.customers(settings, month, with_zeros).await.unwrap();
            let mut paged: Vec<CustomerRow> = Vec::new();
            loop {
                let last = paged.last().map(|row| (row.customer.to_string(), row.currency.to_string()));
                let after = last.as_ref().map(|(customer, currency)| (customer.as_str(), currency.as_str()));
                let page = reporter.customers_behind(settings, month, with_zeros, after, 2).await.unwrap();
                if page.is_empty() {
                    break;
                }
                paged.extend(page);
            }
            assert_eq!(paged, all, "customers of {month} {when}");
            for row in all.iter().filter(|_| with_zeros) {
                let one = reporter.customer_standing(settings, month, &row.customer).await.unwrap();
                assert!(one.contains(row), "{} of {month} {when}", row.customer);
            }
        }
    }
}

async fn lives(seed: u64, is_midlife: bool) {
    let mut chance = Chance::new(seed);
    let mut book = Book::new().await;
    let mut untold = business(seed, is_midlife);
    // In any order.
    chance.shuffle(&mut untold);
    let mut now = BEGINNING + 400 * A_DAY;
    for round in 0..6 {
        let some = if round == 5 { untold.len() } else { chance.below(untold.len() + 1) };
        let told: Vec<Event> = untold.drain(..some).collect();
        match chance.below(8) {
            0 => book.policy = Policy { past_due: PastDuePolicy::LapsesAfterDays(14), ..Policy::default() },
            1 => book.settings.zone = chrono_tz::Asia::Tokyo,
            2 => book.settings.size_bands = vec![50, 500],
            _ => {}
        }
        match chance.below(4) {
            0 => {
                let currency = (*chance.pick(&["eur", "usd", "jpy"])).into();
                let by = Consolidation { currency, rates: RateTable::default(), through: 0 };
                book.settings.consolidation = Some(by);
            }
            1 => book.quote(&mut chance, now).await,
            _ => {}
        }
        book.learn(&told, now).await;
        book.agrees("before they are taken in").await;
        if chance.happens(70) {
            book.reporter().keep_up(now).await.unwrap();
            book.agrees("taken in").await;
        }
        if chance.happens(40) {
            let month = Month::of(Instant(now), book.settings.zone).minus(8 - round);
            // There may be nothing to close, or all of it closed.
            let keys = ["plan_tier", "owner"].map(str::to_owned);
            let keys = if chance.happens(70) { BTreeSet::from(keys) } else { BTreeSet::new() };
            drop(book.settler().close("live", month, keys, now).await);
            book.agrees("closed").await;
        }
        now += 20 * A_DAY;
    }
    book.reporter().keep_up(NOW).await.unwrap();
    let live = book.reporter().prove_kept("live").await.unwrap();
    // Of a business that never billed anything there is nothing to keep.
    let has_months = !book.ledger.months_posted("live").await.unwrap().is_empty();
    assert_eq!(matches!(live, KeptProof::Same(_)), has_months, "{live:?}");
    book.agrees("at the end").await;
}

#[test]
fn a_report_from_kept_sums_is_the_report_from_postings_whatever_came_in_whatever_order() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // One that bills nothing for a while found something once.
    runtime.block_on(lives(14_331_384_977_100_838_420, false));
    runtime.block_on(lives(9_709_752_315_649_746_334, false));
    let config =
        Config { cases: cases(CASES), failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    TestRunner::new(config)
        .run(&(any::<u64>(), any::<bool>()), |(seed, is_midlife)| {
            runtime.block_on(lives(seed, is_midlife));
            Ok(())
        })
        .unwrap();
}

#[test]
fn customers_settled_while_sums_are_written_are_taken_in_once() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let book = Book::new().await;
        let events: Vec<Event> = (1..=6).flat_map(|seed| business(seed, false)).collect();
        let (first, rest) = events.split_at(events.len() / 3);
        book.learn(first, NOW).await;
        let learn = async {
            for some in rest.chunks(3) {
                book.learn(some, NOW).await;
            }
        };
        let reporter = book.reporter();
        let keep = async {
            for _ in 0..20 {
                reporter.keep_up(NOW).await.unwrap();
                reporter.keep_anew("live", NOW).await.unwrap();
            }
        };
        tokio::join!(learn, keep);
        book.agrees("as it was left").await;
        reporter.keep_up(NOW).await.unwrap();
        book.agrees("taken in").await;
    });
}

#[test]
fn sums_that_were_meddled_with_are_found_and_made_anew() {
    let place = Place::new();
    let events: Vec<String> =
        (1..=4).flat_map(|seed| business(seed, false)).map(|event| event.body).collect();
    place.receive(&events);
    place.output(&["rollup"]);
    let month = ["report", "--month", "2025-06", "--format", "json"];
    let kept = place.output(&month);
    assert_eq!(kept, place.output(&[&month[..], &["--from-postings"]].concat()));
    assert!(place.output(&["verify"]).contains("months have the sums that are kept of them"));

    let other = "UPDATE roll_up_month SET sums = (SELECT sums FROM roll_up_month WHERE book = 'live' \
                 AND month = '2025-09') WHERE book = 'live' AND month = '2025-06'";
    crate::store::execute(&place.url(), other).unwrap();
    let proof = place.run(&["verify"]);
    assert_eq!(proof.status.code(), Some(1));
    let said = String::from_utf8(proof.stderr).unwrap();
    assert!(said.contains("2025-06") && said.contains("upswell rollup --anew"), "{said}");

    let found = place.run(&["doctor", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(found["other_sums"][0]["month"], "2025-06", "{found}");
    assert!(found["other_sums"][0]["remedy"].as_str().unwrap().contains("upswell rollup --anew"));

    place.output(&["rollup", "--anew"]);
    place.output(&["verify"]);
    assert_eq!(place.output(&month), kept);
}

#[test]
fn a_backfill_on_kept_sums_and_servers_beside_it_leave_them_right() {
    let place = Place::new();
    let events: Vec<String> =
        (1..=8).flat_map(|seed| business(seed, seed % 2 == 0)).map(|event| event.body).collect();
    let (first, rest) = events.split_at(events.len() / 2);
    place.write("first.ndjson", first.join("\n"));
    place.write("rest.ndjson", rest.join("\n"));
    place.output(&["backfill", "first.ndjson"]);
    place.output(&["rollup"]);
    let month = ["report", "--month", "2025-06", "--format", "json"];
    let of_half = place.output(&month);
    // Two servers take in what the backfill touches, while it goes on.
    let servers = [place.serve(), place.serve()];
    place.output(&["backfill", "rest.ndjson"]);
    let anew = place.output(&[&month[..], &["--from-postings"]].concat());
    assert_eq!(place.output(&month), anew);
    drop(servers);
    place.output(&["rollup"]);
    assert_eq!(place.output(&month), anew);
    assert_ne!(anew, of_half);
    assert!(place.output(&["verify"]).contains("months have the sums that are kept of them"));
}
