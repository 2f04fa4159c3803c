//! `upswell backfill --from-api` and what `serve` catches up with, against a Stripe of our own.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use upswell::app::now;
use upswell::ledger::{Ledger, PullSlice, Source, Stored};
use upswell::pipeline::arrival;

use crate::catalogue::{event, item, mrr, price, subscription, tiered, tiered_in_full};
use crate::process::Place;
use crate::stripe::{Lists, Reply, Stripe};

const A_DAY: i64 = 86_400;

/// An object of a kind, made so many days ago.
fn object(id: &str, kind: &str, days: i64) -> Value {
    json!({"id": id, "object": kind, "created": now() - days * A_DAY, "livemode": true, "metadata": {}})
}

fn products(count: usize) -> Vec<Value> {
    (1..=count).map(|n| object(&format!("prod_{n}"), "product", i64::try_from(n).unwrap() * 30)).collect()
}

/// The event by which the subscription of the tests began, two days ago.
fn begun(id: &str, price: &Value, quantity: u64) -> Value {
    let told = event(id, "customer.subscription.created", now() - 2 * A_DAY, &{
        subscription(&[item(1, price, quantity)], &json!({}))
    });
    serde_json::from_str(&told).unwrap()
}

fn speaking(lists: Lists) -> Stripe {
    Stripe::speaking(move |asked| lists.answer(asked))
}

/// A question to the store of a place.
fn stored<T>(place: &Place, ask: impl AsyncFnOnce(&Ledger) -> T) -> T {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let ledger = Ledger::open(&place.url()).await.unwrap();
        ledger.migrate().await.unwrap();
        let told = ask(&ledger).await;
        ledger.close().await.unwrap();
        told
    })
}

fn inbox(place: &Place) -> Vec<Stored> {
    stored(place, async |ledger| ledger.stored_after(0, 100_000).await.unwrap())
}

fn unfinished(place: &Place) -> Vec<PullSlice> {
    stored(place, async |ledger| ledger.unfinished_pulls().await.unwrap())
}

/// Runs a command that has to find a fault, for all that it says.
fn faulty(place: &Place, arguments: &[&str]) -> String {
    let output = place.run(arguments);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8(said).unwrap()
}

fn doctor(place: &Place) -> Value {
    serde_json::from_slice(&place.run(&["doctor", "--format", "json"]).stdout).unwrap()
}

/// Waits until something is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}: not so after a minute");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn everything_is_read_page_after_page_and_counts() {
    let seats: Vec<Value> = (1..=12).map(|number| item(number, &price("price_1", &json!({})), 1)).collect();
    let mut cut = subscription(&seats[..10], &json!({}));
    cut["items"]["has_more"] = true.into();
    let lists = Lists::paged(4)
        .with("products", products(10))
        .with("prices", vec![tiered_in_full(), price("price_old", &json!({"active": false}))])
        .with("coupons", vec![object("half", "coupon", 3)])
        .with("events", vec![begun("evt_1", &tiered(), 12)])
        .with("customers", (1..=30).map(|n| object(&format!("cus_{n}"), "customer", n * 100)).collect())
        .with("subscriptions", vec![cut])
        .with("subscription_items", seats)
        .with("subscription_schedules", vec![object("sub_sched_1", "subscription_schedule", 4)])
        .with("invoices", (1..=9).map(|n| object(&format!("in_{n}"), "invoice", n)).collect());
    let stripe = speaking(lists);
    let place = stripe.place();
    let said = place.output(&["backfill", "--from-api"]);
    let bodies: BTreeSet<String> = inbox(&place)
        .iter()
        .map(|stored| serde_json::from_slice::<Value>(&stored.body).unwrap()["id"].to_string())
        .collect();
    // A list of items has no id, and is one document.
    assert_eq!(bodies.len(), 10 + 2 + 1 + 1 + 30 + 1 + 1 + 1 + 9, "{bodies:?}");
    assert!(said.contains("products: 3 pages, 10 objects"), "{said}");
    assert!(said.contains("customers:") && said.contains("30 objects"), "{said}");
    let asked = stripe.asked();
    let was_asked = |words: &[&str]| asked.iter().any(|asked| words.iter().all(|word| asked.contains(word)));
    assert!(was_asked(&["/v1/subscriptions?", "status=all", "data.discounts"]), "{asked:#?}");
    assert!(was_asked(&["/v1/prices?", "active=true", "data.tiers", "data.currency_options"]), "{asked:#?}");
    assert!(was_asked(&["/v1/prices?", "active=false", "data.tiers"]), "{asked:#?}");
    assert!(was_asked(&["/v1/coupons?", "data.applies_to"]), "{asked:#?}");
    assert!(was_asked(&["/v1/subscription_items?", "subscription=sub_1"]), "{asked:#?}");
    assert!(was_asked(&["/v1/products?", "starting_after=prod_4"]), "{asked:#?}");
    assert!(was_asked(&["/v1/customers?", "created[gte]=", "created[lt]="]), "{asked:#?}");
    assert!(!was_asked(&["/v1/prices/price_tiered"]), "a listed price is not asked for again: {asked:#?}");
    let places: BTreeSet<_> = inbox(&place).into_iter().filter_map(|stored| stored.place).collect();
    assert!(places.contains("api:subscriptions") && places.contains("api:events"), "{places:?}");
    place.output(&["verify"]);
}

#[test]
fn events_and_the_catalogue_make_the_figures_and_a_second_run_changes_nothing() {
    let lists = Lists::paged(100)
        .with("prices", vec![tiered_in_full()])
        .with("events", vec![begun("evt_1", &tiered(), 12)]);
    let stripe = speaking(lists);
    let place = stripe.place();
    let tried = place.output(&["backfill", "--from-api", "--dry-run"]);
    assert!(tried.contains("cus_1"), "{tried}");
    assert_eq!(mrr(&place), 0);
    place.output(&["backfill", "--from-api"]);
    // 10 × 1000 + 2 × 500.
    assert_eq!(mrr(&place), 11_000);
    place.output(&["verify"]);
    let before = stripe.asked().len();
    let again = place.output(&["backfill", "--from-api"]);
    assert!(again.contains(" 0 accepted") && again.contains("posted 0"), "{again}");
    let spans: Vec<String> = stripe.asked()[before..].to_vec();
    let is_newer = |asked: &String| asked.contains("created[gte]=") || asked.starts_with("/v1/products/");
    assert!(spans.iter().all(is_newer), "only what is newer is listed again: {spans:#?}");
    let earlier = place.output(&["backfill", "--from-api", "--since", "2020-01-01"]);
    assert!(earlier.contains("1 already known") || earlier.contains("2 already known"), "{earlier}");
}

#[test]
fn a_busy_and_a_broken_stripe_are_waited_out() {
    let busy = Reply { headers: "Retry-After: 1\r\n", ..Reply::refusal(429, "rate_limit_error") };
    let lists = Lists::paged(4)
        .with("products", products(10))
        .failing("products", vec![busy, Reply::of(500, "<html>"), Reply::refusal(503, "api_error")]);
    let stripe = speaking(lists);
    let place = stripe.place();
    let begun = Instant::now();
    place.output(&["backfill", "--from-api"]);
    assert!(begun.elapsed() >= Duration::from_secs(1), "it came back before it was told to");
    assert_eq!(inbox(&place).len(), 10);
    assert!(unfinished(&place).is_empty());
}

#[test]
fn stripe_is_waited_for_as_long_as_it_says_in_seconds_or_by_an_instant() {
    let seconds = Reply { headers: "Retry-After: 4\r\n", ..Reply::refusal(503, "api_error") };
    let date = "Date: Wed, 21 Oct 2026 07:28:00 GMT\r\nRetry-After: Wed, 21 Oct 2026 07:28:04 GMT\r\n";
    let instant = Reply { headers: date, ..Reply::refusal(429, "rate_limit_error") };
    for told in [seconds, instant] {
        let stripe = speaking(Lists::paged(4).with("products", products(2)).failing("products", vec![told]));
        let place = stripe.place();
        let begun = Instant::now();
        place.output(&["backfill", "--from-api"]);
        assert!(begun.elapsed() >= Duration::from_secs(4), "it came back before it was told to");
        assert_eq!(inbox(&place).len(), 2);
    }
}

#[test]
fn a_permission_that_lacks_is_named_and_the_other_lists_are_read() {
    let refused = Arc::new(AtomicBool::new(true));
    let is_refused = Arc::clone(&refused);
    let lists =
        Lists::paged(4).with("products", products(3)).with("invoices", vec![object("in_1", "invoice", 3)]);
    let stripe = Stripe::speaking(move |asked| {
        let is_refused = asked.path == "/v1/invoices" && is_refused.load(Ordering::SeqCst);
        if is_refused { Reply::refusal(403, "invalid_request_error") } else { lists.answer(asked) }
    });
    let place = stripe.place();
    let said = faulty(&place, &["backfill", "--from-api"]);
    assert!(said.contains("not read to the end: invoices: "), "{said}");
    assert!(said.contains("read permission for Invoices"), "{said}");
    assert!(!said.contains("Ada") && !said.contains("rk_live"), "{said}");
    assert_eq!(inbox(&place).len(), 3);
    let left = doctor(&place)["unfinished_pulls"].clone();
    assert_eq!((left[0]["list"].as_str(), left.as_array().unwrap().len()), (Some("invoices"), 1), "{left}");
    refused.store(false, Ordering::SeqCst);
    place.output(&["backfill", "--from-api"]);
    assert_eq!(inbox(&place).len(), 4);
    assert_eq!(doctor(&place)["unfinished_pulls"], json!([]));
}

#[test]
fn a_wrong_key_is_named_once_and_a_missing_one_is_wrong_usage() {
    let stripe = Stripe::speaking(|_| Reply::refusal(401, "authentication_error"));
    let place = stripe.place();
    let said = faulty(&place, &["backfill", "--from-api"]);
    assert_eq!(said.matches("does not know the key").count(), 1, "{said}");
    assert!(stripe.asked().len() <= 12, "asked on and on: {:?}", stripe.asked());
    let output = Place::new().run(&["backfill", "--from-api"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("STRIPE_API_KEY"));
}

#[test]
fn a_pull_that_was_killed_goes_on_with_the_page_in_flight() {
    let is_held = Arc::new(AtomicBool::new(true));
    let hold = Arc::clone(&is_held);
    let lists = Lists::paged(4)
        .with("products", products(18))
        .with("invoices", (1..=30).map(|n| object(&format!("in_{n}"), "invoice", n * 40)).collect());
    let stripe = Stripe::speaking(move |asked| {
        // The third page of products does not come while it is held.
        while asked.query.get("starting_after").is_some_and(|after| after == "prod_8")
            && hold.load(Ordering::SeqCst)
        {
            std::thread::sleep(Duration::from_millis(20));
        }
        lists.answer(asked)
    });
    let place = stripe.place();
    place.output(&["migrate"]);
    let mut pull = place.start(&["backfill", "--from-api"]);
    until("all but products are read", || {
        let left = unfinished(&place);
        stripe.asked().len() > 20 && left.len() == 1 && left[0].after.as_deref() == Some("prod_8")
    });
    pull.kill().unwrap();
    pull.wait().unwrap();
    assert_eq!(inbox(&place).len(), 8 + 30);
    is_held.store(false, Ordering::SeqCst);
    let first: BTreeSet<String> = stripe.asked().into_iter().collect();
    let count = stripe.asked().len();
    place.output(&["backfill", "--from-api"]);
    let second: BTreeSet<String> = stripe.asked()[count..].iter().cloned().collect();
    let twice: Vec<&String> = first.intersection(&second).collect();
    assert!(twice.len() == 1 && twice[0].contains("starting_after=prod_8"), "{twice:#?}");
    assert_eq!(inbox(&place).len(), 18 + 30);
    assert!(unfinished(&place).is_empty());
}

#[test]
fn a_cursor_whose_object_is_gone_is_gone_on_with_by_date() {
    let lists = Lists::paged(4).with("products", products(10));
    let stripe = Stripe::speaking(move |asked| {
        let is_deleted = asked.query.get("starting_after").is_some_and(|after| after == "prod_4");
        if is_deleted { Reply::missing() } else { lists.answer(asked) }
    });
    let place = stripe.place();
    place.output(&["backfill", "--from-api"]);
    assert_eq!(inbox(&place).len(), 10);
}

#[test]
fn each_connected_account_is_read_into_its_own_book() {
    let lists = Lists::paged(100)
        .with("accounts", vec![object("acct_1", "account", 9)])
        .with("events", vec![begun("evt_own", &price("price_1", &json!({})), 1)])
        .with_of("acct_1", "events", vec![begun("evt_1", &tiered(), 12)])
        .with_of("acct_1", "prices", vec![tiered_in_full()]);
    let stripe = speaking(lists);
    let one = stripe.place();
    one.output(&["backfill", "--from-api", "--account", "acct_1"]);
    assert!(stripe.asked().iter().all(|asked| asked.ends_with(" for acct_1")), "{:?}", stripe.asked());
    assert_eq!(mrr_of(&one, "acct_1"), ["11000"]);
    let all = stripe.place();
    all.output(&["backfill", "--from-api", "--all-accounts"]);
    assert_eq!((mrr_of(&all, "acct_1"), mrr_of(&all, "live")), (vec!["11000".into()], vec!["1000".into()]));
    let books: BTreeSet<(String, Option<String>)> =
        inbox(&all).into_iter().map(|stored| (stored.book, stored.place)).collect();
    assert!(books.contains(&("acct_1".to_owned(), Some("api:prices".to_owned()))), "{books:?}");
    all.output(&["verify"]);
    let said = faulty(&all, &["backfill", "--from-api", "--account", "cus_1"]);
    assert!(said.contains("may not read the account cus_1"), "{said}");
}

/// The deltas of a book's movements, in minor units.
fn mrr_of(place: &Place, book: &str) -> Vec<String> {
    let rows = crate::process::rows(&place.output(&["movements", "--book", book, "--format", "ndjson"]));
    let whole = |row: &Value| row["delta"].as_str().unwrap().split('.').next().unwrap().to_owned();
    rows.iter().map(whole).collect()
}

#[test]
fn a_server_catches_up_with_what_was_sent_while_it_was_away() {
    let known = begun("evt_known", &price("price_1", &json!({})), 1);
    let events = Arc::new(Mutex::new(Vec::new()));
    let there = Arc::clone(&events);
    let stripe = Stripe::speaking(move |asked| {
        Lists::paged(2).with("events", there.lock().unwrap().clone()).answer(asked)
    });
    let place = stripe.place();
    place.receive(&[known.to_string()]);
    let at = |id: &str, at: i64, pending: u64| {
        let mut missed = begun(id, &price("price_1", &json!({})), 1);
        missed["created"] = at.into();
        missed["pending_webhooks"] = pending.into();
        missed
    };
    let mut rendered_otherwise = known;
    rendered_otherwise["pending_webhooks"] = 1.into();
    rendered_otherwise["data"]["object"]["livemode"] = true.into();
    events.lock().unwrap().extend([
        rendered_otherwise,
        at("evt_away_1", now() - 60, 0),
        at("evt_away_2", now() - 50, 0),
        at("evt_away_3", now() - 40, 0),
        at("evt_failed", now() - 20 * A_DAY, 1),
    ]);
    let before = stripe.asked().len();
    let server = place.serve();
    let missed = ["evt_away_1", "evt_away_2", "evt_away_3", "evt_failed"];
    until("the missed events are stored", || {
        let stored = place.stored();
        missed.iter().all(|id| stored.contains(*id))
    });
    // The receiver was there all the while.
    let mut connection = server.connect().unwrap();
    assert_eq!(connection.deliver(at("evt_live", now(), 1).to_string().as_bytes()).unwrap().status, 200);
    place.output(&["status", "--wait", "--timeout", "60s"]);
    until("it is written down", || unfinished(&place).is_empty());
    let asked = stripe.asked()[before..].to_vec();
    assert!(asked.iter().any(|asked| asked.contains("delivery_success=false")), "{asked:#?}");
    let found = doctor(&place);
    assert_eq!((&found["conflicts"], &found["outages"]), (&json!([]), &json!([])), "{found}");
}

#[test]
fn a_gap_that_no_key_can_look_into_and_one_that_is_too_long_are_told() {
    let stripe = speaking(Lists::paged(4));
    let place = Place::new();
    let told = begun("evt_1", &price("price_1", &json!({})), 1).to_string();
    stored(&place, async |ledger| {
        let old = now() - 40 * A_DAY;
        let arrival = arrival(told.as_ref(), Some(old), old, Source::Webhook).unwrap();
        ledger.accept(&[arrival], upswell::stripe::says).await.unwrap();
    });
    let server = place.serve();
    // It answers once it has looked at the time before.
    assert_eq!(server.connect().unwrap().post("", b"{}").unwrap().status, 400);
    drop(server);
    let found = doctor(&place);
    let remedies: Vec<_> =
        found["outages"].as_array().unwrap().iter().map(|o| o["remedy"].to_string()).collect();
    assert_eq!(remedies.len(), 2, "{remedies:?}");
    assert!(remedies.iter().any(|remedy| remedy.contains("--from-api --since ")), "{remedies:?}");
    assert!(remedies.iter().any(|remedy| remedy.contains("set STRIPE_API_KEY")), "{remedies:?}");
    assert!(found["configuration"].to_string().contains("STRIPE_API_KEY"), "{found}");
    let place = stripe.known_to(place);
    let _server = place.serve();
    until("the gap was looked into", || {
        !unfinished(&place).iter().any(|slice| slice.list == "missed events")
    });
    place.output(&["backfill", "--from-api"]);
    assert_eq!(doctor(&place)["outages"], json!([]));
}
