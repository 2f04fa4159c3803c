//! The store by itself: what it refuses, what it keeps, what a settlement posts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use bytes::Bytes;
use migration::MigratorTrait;
use sea_orm::ConnectionTrait;
use sha2::{Digest, Sha256};

use super::*;
use crate::mrr::{
    Cadence, Class, Derivation, Evidence, Fact, Grade, Instant, Item, Kind, Motion, MotionSigns, Movement,
    Mrr, Origin, Price, PriceAmount, Scheme, Side, Snapshot, State, Status, UsageType,
};

/// Where a store of this test's own is to be: a file, or with `UPSWELL_TEST_STORE=postgres` a database on the cluster
/// that `./test` starts.
#[expect(clippy::disallowed_methods, reason = "a test is told by its runner")]
pub(super) async fn new_url(directory: &std::path::Path) -> String {
    if std::env::var("UPSWELL_TEST_STORE").is_ok_and(|store| store == "postgres") {
        let cluster = std::env::var("UPSWELL_TEST_POSTGRES").unwrap();
        let name = directory.file_name().unwrap().to_string_lossy().to_lowercase().replace('.', "l");
        let store = sea_orm::Database::connect(&cluster).await.unwrap();
        store.execute_unprepared(&format!("CREATE DATABASE {name} TEMPLATE template0")).await.unwrap();
        store.close().await.unwrap();
        return cluster.replace("/postgres?", &format!("/{name}?"));
    }
    format!("sqlite://{}?mode=rwc", directory.join("upswell.db").display())
}

async fn ledger() -> (tempfile::TempDir, Ledger) {
    let directory = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&new_url(directory.path()).await).await.unwrap();
    ledger.migrate().await.unwrap();
    (directory, ledger)
}

fn arrival(event: &str, digest: u8) -> Arrival {
    Arrival {
        book: "live".to_owned(),
        account: String::new(),
        event_id: event.to_owned(),
        kind: "customer.subscription.created".to_owned(),
        created: 100,
        livemode: true,
        api_version: None,
        sha256: [digest; 32],
        signed_at: Some(101),
        received_at: 102,
        source: Source::Webhook,
        body: Packed::of(format!("{{\"id\":\"{event}\",\"says\":{digest}}}").as_bytes()),
    }
}

/// What a body says, in these tests: all of it.
fn says(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}

fn key() -> CustomerKey {
    CustomerKey { book: "live".to_owned(), customer: "cus_1".into() }
}

fn snapshot(event: &str) -> Fact {
    let price = Price {
        id: "price_1".into(),
        product: "prod_1".into(),
        currency: "usd".into(),
        cadence: Cadence::MONTHLY,
        usage_type: UsageType::Licensed,
        scheme: Scheme::PerUnit { unit: PriceAmount::parse("0.5").unwrap(), transform: None },
        is_seat: true,
        succeeds: None,
    };
    let item = Item {
        id: "si_1".into(),
        price: price.into(),
        quantity: 3,
        discounts: Vec::new(),
        inclusive_tax: 190_000,
    };
    let state = State {
        status: Status::Active,
        collection_paused: false,
        items: vec![item],
        items_truncated: false,
        discounts: Vec::new(),
        trial_end: None,
        ends_at: None,
        canceled_at: None,
        ended_at: None,
        end_reason: None,
    };
    Fact::Subscription(Snapshot {
        subscription: "sub_1".into(),
        customer: "cus_1".into(),
        at: Instant(100),
        origin: Origin::Created,
        previous: Some(state.clone()),
        state,
        motion: MotionSigns::default(),
        metadata: [("owner".to_owned(), "north".to_owned())].into(),
        listed: None,
        evidence: evidence(event),
    })
}

fn evidence(event: &str) -> Evidence {
    Evidence { grade: Grade::Event, event: event.into(), sha256: "00".into() }
}

fn movement(mrr: i128) -> Movement {
    let side = Side { product: "prod_1".into(), price: "price_1".into(), quantity: 1, mrr: Mrr(mrr) };
    Movement {
        effective_at: Instant(100),
        class: Class::New,
        kind: Kind::New,
        cause: crate::mrr::Cause::Created,
        motion: Motion::Unknown,
        subscription: "sub_1".into(),
        item: "si_1".into(),
        currency: "usd".into(),
        is_metered: false,
        before: None,
        after: Some(side),
        delta: Mrr(mrr) - Mrr::ZERO,
        customer_mrr_before: Mrr::ZERO,
        customer_mrr_after: Mrr(mrr),
        bridge: None,
        evidence: evidence("evt_1"),
    }
}

fn rules() -> SettlementRules {
    SettlementRules {
        engine: "test".to_owned(),
        policy: crate::mrr::Policy { usage_window: 3, ..crate::mrr::Policy::default() },
        catalogue: crate::mrr::Catalogue {
            ladders: vec![vec!["low".to_owned(), "high".to_owned()]],
            ..crate::mrr::Catalogue::default()
        },
        zone: chrono_tz::UTC,
    }
}

fn settlement(revision: i64, movements: Vec<Movement>) -> Settlement {
    let derivation = Derivation { movements, ..Derivation::default() };
    Settlement {
        now: 200,
        rules: rules(),
        dispositions: Vec::new(),
        facts: Vec::new(),
        lessons: Vec::new(),
        learnt: std::collections::BTreeMap::new(),
        customers: vec![CustomerSettlement {
            key: key(),
            revision,
            since: None,
            is_reread: false,
            derivation: Ok(derivation),
        }],
    }
}

#[tokio::test]
async fn the_store_itself_refuses_to_change_or_remove_what_was_written() {
    let (_directory, ledger) = ledger().await;
    ledger.accept(&[arrival("evt_1", 1)], says).await.unwrap();
    ledger.accept(&[arrival("evt_1", 2)], says).await.unwrap();
    ledger.settle(&mut settlement(0, vec![movement(5)])).await.unwrap();
    for table in ["inbox", "conflict", "posting"] {
        for act in [format!("UPDATE {table} SET book = 'x'"), format!("DELETE FROM {table}")] {
            let transaction = ledger.begin().await.unwrap();
            let refused = transaction.execute_unprepared(&act).await.unwrap_err().to_string();
            assert!(refused.contains("append-only"), "{act}: {refused}");
        }
    }
}

#[tokio::test]
async fn an_event_is_stored_once_and_one_that_says_something_else_is_kept_aside() {
    let (_directory, ledger) = ledger().await;
    let batch = vec![arrival("evt_1", 1), arrival("evt_1", 1), arrival("evt_2", 1), arrival("evt_1", 9)];
    let accepted = ledger.accept(&batch, says).await.unwrap();
    let [
        Acceptance::New { seq },
        Acceptance::Duplicate { seq: again },
        Acceptance::New { .. },
        Acceptance::Conflict,
    ] = accepted[..]
    else {
        panic!("{accepted:?}")
    };
    assert_eq!(seq, again);
    assert_eq!(
        ledger.accept(&[arrival("evt_2", 1)], says).await.unwrap(),
        [Acceptance::Duplicate { seq: seq + 1 }]
    );
    let elsewhere =
        Arrival { account: "acct_1".to_owned(), book: "acct_1".to_owned(), ..arrival("evt_1", 1) };
    assert!(matches!(ledger.accept(&[elsewhere], says).await.unwrap()[..], [Acceptance::New { .. }]));
    assert_eq!(ledger.conflicts(9).await.unwrap().len(), 1);
    let counts = ledger.counts().await.unwrap();
    assert_eq!((counts.stored, counts.pending), (3, 3));
}

#[tokio::test]
async fn what_a_run_stores_is_left_to_it_until_its_claim_lapses() {
    let (_directory, ledger) = ledger().await;
    let run = ledger.begin_run(50).await.unwrap();
    ledger.accept_for(run, &[arrival("evt_1", 1)], says, 60).await.unwrap();
    ledger.accept(&[arrival("evt_2", 1)], says).await.unwrap();
    let waiting = async |now| {
        let waiting = ledger.pending(10, now).await.unwrap();
        waiting.into_iter().map(|stored| stored.event_id).collect::<Vec<_>>()
    };
    assert_eq!(waiting(59).await, ["evt_2"]);
    assert_eq!(waiting(60).await, ["evt_1", "evt_2"]);
    assert_eq!(ledger.lag_seconds(109).await.unwrap(), 7, "of what nobody claims");
    ledger.keep_claim(run, 90).await.unwrap();
    assert_eq!(waiting(60).await, ["evt_2"]);
    // Another run takes over what has lapsed, and not what has not.
    let other = ledger.begin_run(200).await.unwrap();
    assert_eq!(ledger.claimed_beside(other).await.unwrap(), Some(90));
    let of_other = async || ledger.pending_of(other, 0, 10).await.unwrap().len();
    ledger.take_over(other, 89).await.unwrap();
    assert_eq!(of_other().await, 0);
    ledger.take_over(other, 90).await.unwrap();
    ledger.take_unclaimed(other).await.unwrap();
    assert_eq!((of_other().await, ledger.claimed_beside(other).await.unwrap()), (2, None));
    ledger.end_run(other).await.unwrap();
    assert_eq!(waiting(0).await, ["evt_1", "evt_2"]);
}

#[tokio::test]
async fn who_waits_for_another_writer_knows_that_the_store_is_shared() {
    let directory = tempfile::tempdir().unwrap();
    let url = new_url(directory.path()).await;
    let (ledger, other) = (Ledger::open(&url).await.unwrap(), Ledger::open(&url).await.unwrap());
    ledger.migrate().await.unwrap();
    let held = other.begin_accepting().await.unwrap();
    let mut waiting = std::pin::pin!(ledger.begin_accepting());
    let patience = Duration::from_millis(50);
    assert!(tokio::time::timeout(patience, &mut waiting).await.is_err(), "two write at once");
    drop(held);
    drop(waiting.await.unwrap());
    assert!(ledger.is_shared());
}

#[tokio::test]
async fn a_question_that_is_still_being_answered_does_not_keep_a_store_open() {
    let (_directory, ledger) = ledger().await;
    let asking = ledger.snapshot().await.unwrap();
    let closed = tokio::time::timeout(Duration::from_secs(60), ledger.close()).await;
    closed.expect("it waits for the answer").unwrap();
    drop(asking);
}

#[tokio::test]
async fn bytes_come_back_as_they_went_in() {
    let (_directory, ledger) = ledger().await;
    let body = Bytes::from_static(b"{ \"id\": \"evt_1\",\n \"odd\": \"\\u0000\" }\r\n");
    ledger.accept(&[Arrival { body: Packed::of(&body), ..arrival("evt_1", 1) }], says).await.unwrap();
    let stored = ledger.stored_event("evt_1", None).await.unwrap().unwrap();
    assert_eq!(stored.body, body);
    assert_eq!((stored.signed_at, stored.sha256), (Some(101), hex::encode([1; 32])));
}

#[tokio::test]
async fn a_settlement_posts_the_difference_and_again_posts_nothing() {
    let (_directory, ledger) = ledger().await;
    let posted = ledger.settle(&mut settlement(0, vec![movement(5)])).await.unwrap();
    assert_eq!(posted, Posted { posted: 1, reversed: 0 });
    let posted = ledger.settle(&mut settlement(1, vec![movement(5)])).await.unwrap();
    assert_eq!(posted, Posted::default());
    let posted = ledger.settle(&mut settlement(2, vec![movement(7)])).await.unwrap();
    assert_eq!(posted, Posted { posted: 1, reversed: 1 });
    let stands = ledger.postings(&Wanted::default()).await.unwrap();
    assert_eq!(stands.iter().map(|posting| posting.movement.delta.0).collect::<Vec<_>>(), [7]);
    let all = ledger.postings(&Wanted { all: true, ..Wanted::default() }).await.unwrap();
    assert_eq!(all.iter().map(|posting| posting.movement.delta.0).collect::<Vec<_>>(), [5, -5, 7]);
    assert_eq!(all[1].adjusts.as_ref(), Some(&all[0].id));
    // What was taken back can stand again.
    let posted = ledger.settle(&mut settlement(3, vec![movement(5)])).await.unwrap();
    assert_eq!(posted, Posted { posted: 1, reversed: 1 });
}

#[tokio::test]
async fn the_same_event_in_other_bytes_moves_nothing_and_another_one_is_named_instead() {
    let (_directory, ledger) = ledger().await;
    ledger.settle(&mut settlement(0, vec![movement(5)])).await.unwrap();
    let rendered = Evidence { sha256: "11".into(), ..evidence("evt_1") };
    let again = Movement { evidence: rendered, ..movement(5) };
    assert_eq!(ledger.settle(&mut settlement(1, vec![again])).await.unwrap(), Posted::default());
    let other = Movement { evidence: evidence("evt_2"), ..movement(5) };
    assert_eq!(
        ledger.settle(&mut settlement(2, vec![other])).await.unwrap(),
        Posted { posted: 1, reversed: 1 }
    );
}

#[tokio::test]
async fn a_month_in_another_time_zone_is_posted_anew() {
    let (_directory, ledger) = ledger().await;
    let midnight = |at| Movement { effective_at: Instant(at), ..movement(5) };
    let last_hour = 1_790_809_200 - 1_800;
    ledger.settle(&mut settlement(0, vec![midnight(last_hour)])).await.unwrap();
    let before = ledger.postings(&Wanted::default()).await.unwrap()[0].month;
    let rules = SettlementRules { zone: chrono_tz::Pacific::Kiritimati, ..rules() };
    let mut moved = Settlement { rules, ..settlement(1, vec![midnight(last_hour)]) };
    assert_eq!(ledger.settle(&mut moved).await.unwrap(), Posted { posted: 1, reversed: 1 });
    assert_eq!(ledger.postings(&Wanted::default()).await.unwrap()[0].month, before.next());
}

#[tokio::test]
async fn a_settlement_that_was_overtaken_changes_nothing() {
    let (_directory, ledger) = ledger().await;
    ledger.settle(&mut settlement(0, vec![movement(5)])).await.unwrap();
    let mut late = Settlement {
        facts: vec![NewFact::of(key(), 1, 0, snapshot("evt_1"))],
        ..settlement(0, vec![movement(9)])
    };
    ledger.accept(&[arrival("evt_1", 1)], says).await.unwrap();
    assert!(matches!(ledger.settle(&mut late).await, Err(LedgerError::Overtaken { .. })));
    assert_eq!(ledger.postings(&Wanted::default()).await.unwrap()[0].movement.delta.0, 5);
    assert!(ledger.known(&key(), None).await.unwrap().timeline.facts.is_empty());
}

#[tokio::test]
async fn an_amount_past_64_bits_is_refused_and_nothing_of_its_settlement_stays() {
    let (_directory, ledger) = ledger().await;
    let error = ledger.settle(&mut settlement(0, vec![movement(1 << 70)])).await.unwrap_err();
    assert!(matches!(error, LedgerError::DoesNotFit { .. }), "{error}");
    assert!(ledger.postings(&Wanted { all: true, ..Wanted::default() }).await.unwrap().is_empty());
    assert!(ledger.customers("live").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_fact_comes_back_as_it_was_told() {
    let (_directory, ledger) = ledger().await;
    ledger.accept(&[arrival("evt_1", 1)], says).await.unwrap();
    let fact = NewFact::of(key(), 1, 0, snapshot("evt_1"));
    let disposition = Disposition { inbox_seq: 1, outcome: Outcome::Settled, reason: None, path: None };
    let mut settled =
        Settlement { facts: vec![fact], dispositions: vec![disposition], ..settlement(0, vec![movement(5)]) };
    ledger.settle(&mut settled).await.unwrap();
    assert_eq!(ledger.known(&key(), None).await.unwrap().timeline.facts, [snapshot("evt_1")]);
    let attributes = ledger.attributes("live").await.unwrap();
    assert_eq!(attributes[&key().customer].metadata["owner"], "north");
    let counts = ledger.counts().await.unwrap();
    assert_eq!((counts.settled, counts.pending), (1, 0));
}

#[tokio::test]
async fn what_another_version_parked_is_tried_again_and_no_more() {
    let (_directory, ledger) = ledger().await;
    ledger.accept(&[arrival("evt_1", 1)], says).await.unwrap();
    let disposition = Disposition { inbox_seq: 1, outcome: Outcome::Parked, reason: None, path: None };
    let mut parked =
        Settlement { dispositions: vec![disposition], customers: Vec::new(), ..settlement(0, Vec::new()) };
    ledger.settle(&mut parked).await.unwrap();
    assert_eq!(ledger.retry_parked("test").await.unwrap(), 0);
    assert_eq!(ledger.retry_parked("a newer one").await.unwrap(), 1);
    assert_eq!(ledger.pending(10, 999).await.unwrap().len(), 1);
}

#[tokio::test]
async fn several_may_open_and_migrate_one_store_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let url = new_url(directory.path()).await;
    let open = || async {
        let ledger = Ledger::open(&url).await.unwrap();
        ledger.migrate().await.unwrap()
    };
    let applied = tokio::join!(open(), open(), open());
    assert_eq!(applied.0 + applied.1 + applied.2, migration::Migrator::migrations().len());
    let ledger = Ledger::open(&url).await.unwrap();
    assert!(ledger.is_current().await.unwrap());
    assert_eq!(ledger.migrate().await.unwrap(), 0);
    ledger.check().await.unwrap();
}

#[tokio::test]
async fn a_store_of_another_kind_is_refused_by_name() {
    let error = Ledger::open("mysql://localhost/upswell").await.unwrap_err().to_string();
    assert!(
        error.contains("`mysql`") && error.contains("sqlite://") && error.contains("postgres://"),
        "{error}"
    );
}

#[tokio::test]
async fn the_rules_that_a_customer_was_settled_by_are_kept_and_others_make_it_outdated() {
    let (_directory, ledger) = ledger().await;
    ledger.settle(&mut settlement(0, vec![movement(5)])).await.unwrap();
    assert_eq!(ledger.rules_of(&key()).await.unwrap(), Some(rules()));
    assert_eq!(ledger.rules_in_force("live").await.unwrap(), Some(rules()));
    assert!(ledger.outdated_customers(&rules().digest().unwrap(), 9).await.unwrap().is_empty());
    let newer = SettlementRules { engine: "newer".to_owned(), ..rules() };
    assert_eq!(ledger.outdated_customers(&newer.digest().unwrap(), 9).await.unwrap(), [key()]);
    assert_eq!(rules().policy_digest().unwrap(), newer.policy_digest().unwrap());
}

#[tokio::test]
async fn a_timeline_that_is_read_anew_takes_the_place_of_the_old_one() {
    let (_directory, ledger) = ledger().await;
    ledger.accept(&[arrival("evt_1", 1), arrival("evt_2", 2)], says).await.unwrap();
    let fact = |inbox_seq, event| NewFact::of(key(), inbox_seq, 0, snapshot(event));
    let told = vec![fact(1, "evt_1"), fact(2, "evt_2")];
    ledger.settle(&mut Settlement { facts: told, ..settlement(0, vec![movement(5)]) }).await.unwrap();
    let mut reread = Settlement { facts: vec![fact(2, "evt_2")], ..settlement(1, vec![movement(5)]) };
    reread.customers[0].is_reread = true;
    ledger.settle(&mut reread).await.unwrap();
    assert_eq!(ledger.known(&key(), None).await.unwrap().timeline.facts, [snapshot("evt_2")]);
}

#[tokio::test]
async fn as_many_read_at_a_time_as_the_terms_have_it() {
    let directory = tempfile::tempdir().unwrap();
    let terms = StoreTerms { readers: 2, connect: Duration::from_secs(1), ..StoreTerms::default() };
    let ledger = Ledger::open_by(&new_url(directory.path()).await, terms).await.unwrap();
    ledger.migrate().await.unwrap();
    let (one, _two) = (ledger.snapshot().await.unwrap(), ledger.snapshot().await.unwrap());
    let third = tokio::time::timeout(Duration::from_secs(3), ledger.snapshot()).await;
    // A connection to PostgreSQL is waited for as long as is set; a file is waited for.
    let is_refused = matches!(third, Ok(Err(_)));
    assert!(third.is_err() || is_refused, "three read at a time");
    assert_eq!(is_refused, ledger.is_postgres());
    drop(one);
    ledger.snapshot().await.unwrap();
}
