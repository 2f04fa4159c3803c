//! `upswell doctor`: each finding provoked, and gone once its remedy is followed.

use serde_json::{Value, json};
use upswell::ledger::{Ledger, Source};
use upswell::pipeline::arrival;
use upswell::stripe::EVENT_TYPES;

use crate::explain::{BEGINS, DAY, event, feed, price, subscription};
use crate::process::Place;

const CREATED: &str = "customer.subscription.created";
const UPDATED: &str = "customer.subscription.updated";

/// What the doctor finds, and the code it exits with.
fn findings(place: &Place) -> (Value, Option<i32>) {
    let output = place.run(&["doctor", "--format", "json"]);
    (serde_json::from_slice(&output.stdout).unwrap(), output.status.code())
}

fn count(findings: &Value, section: &str) -> usize {
    findings[section].as_array().unwrap().len()
}

/// Whether a type is named as one that should have come.
fn misses(findings: &Value, kind: &str) -> bool {
    let missing = findings["missing_events"].as_array().unwrap();
    missing.iter().any(|missing| missing["types"].as_array().unwrap().contains(&kind.into()))
}

#[test]
fn the_readme_lists_the_event_types_that_the_code_does() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (_, from) = readme.split_once("```text\ncustomer.subscription.created\n").unwrap();
    let (listed, _) = from.split_once("```").unwrap();
    let listed: Vec<&str> = std::iter::once(CREATED).chain(listed.lines()).collect();
    assert_eq!(listed, EVENT_TYPES, "README.md and src/stripe/event_types.rs");
}

#[test]
fn an_empty_store_is_well_and_lists_what_to_enable() {
    let place = Place::new();
    let (found, code) = findings(&place);
    assert_eq!(code, Some(0), "{found}");
    assert_eq!(count(&found["event_types"], "enable"), EVENT_TYPES.len());
    assert_eq!(count(&found, "missing_events"), 0);
    let text = place.output(&["doctor", "--format", "table"]);
    assert!(text.contains("customer.subscription.created (never came)"), "{text}");
    assert!(text.contains("Nothing needs to be done."), "{text}");
}

#[test]
fn a_gap_is_told_with_its_ends_and_goes_when_it_is_filled() {
    let place = Place::new();
    let at = |quantity| subscription("gap", &price("price_1", 1_000), quantity);
    let before = |quantity: u64| json!({"items": {"data": [at(quantity)["items"]["data"][0]]}});
    let changed = |id, day, to: u64| event(id, UPDATED, BEGINS + day * DAY, &at(to), Some(&before(to - 1)));
    feed(&place, &[event("evt_1", CREATED, BEGINS, &at(1), None), changed("evt_3", 2, 3)]);
    let (found, code) = findings(&place);
    assert_eq!(code, Some(1), "{found}");
    assert_eq!((count(&found, "gaps"), count(&found, "broken_chains")), (1, 1), "{found}");
    let gap = &found["gaps"][0];
    assert_eq!((&gap["after_event"], &gap["before_event"]), (&"evt_1".into(), &"evt_3".into()));
    assert_eq!((&gap["from"], &gap["to"]), (&"2026-01-01T00:00:00Z".into(), &"2026-01-03T00:00:00Z".into()));
    assert!(gap["remedy"].as_str().unwrap().contains("upswell backfill"));
    feed(&place, &[changed("evt_2", 1, 2)]);
    let (found, code) = findings(&place);
    assert_eq!((count(&found, "gaps"), count(&found, "broken_chains"), code), (0, 0, Some(0)), "{found}");
}

#[test]
fn what_waits_for_more_than_a_minute_is_told_until_it_is_settled() {
    let place = Place::new();
    place.output(&["verify"]);
    let held = subscription("waits", &price("price_1", 1_000), 1);
    let body = event("evt_waits", CREATED, BEGINS, &held, None);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let ledger = Ledger::open(&place.url()).await.unwrap();
        let source = Source::Backfill { place: "by hand:1".to_owned() };
        let arrival = arrival(body.as_bytes(), None, BEGINS, source).unwrap();
        ledger.accept(&[arrival], upswell::stripe::says).await.unwrap();
        ledger.close().await.unwrap();
    });
    let (found, code) = findings(&place);
    assert_eq!((count(&found, "pending"), code), (1, Some(1)), "{found}");
    assert_eq!(found["pending"][0]["event"], "evt_waits");
    let told = place.output(&["explain", "evt_waits", "--format", "json"]);
    assert!(told.contains(r#""outcome":"pending""#), "{told}");
    feed(&place, &[event("evt_more", UPDATED, BEGINS + DAY, &held, None)]);
    let (found, code) = findings(&place);
    assert_eq!((count(&found, "pending"), code), (0, Some(0)), "{found}");
}

#[test]
fn tiers_that_nobody_tells_name_the_types_to_enable_until_they_come() {
    let place = Place::new();
    let mut tiered = price("price_tiers", 0);
    tiered["billing_scheme"] = "tiered".into();
    tiered["unit_amount"] = Value::Null;
    tiered["tiers_mode"] = "volume".into();
    let held = subscription("tiers", &tiered, 7);
    feed(&place, &[event("evt_1", CREATED, BEGINS, &held, None)]);
    let (found, code) = findings(&place);
    assert!(misses(&found, "price.created") && misses(&found, "price.updated"), "{found}");
    assert_eq!((count(&found, "incomplete"), code), (1, Some(1)));
    tiered["tiers"] = json!([{"up_to": null, "unit_amount": 200, "flat_amount": null}]);
    feed(&place, &[event("evt_2", "price.created", BEGINS, &tiered, None)]);
    let (found, code) = findings(&place);
    assert!(!misses(&found, "price.created"), "{found}");
    assert_eq!((count(&found, "incomplete"), code), (0, Some(0)), "{found}");
}

#[test]
fn a_discount_of_which_only_the_id_came_asks_for_its_events() {
    let place = Place::new();
    let mut held = subscription("coupon", &price("price_1", 1_000), 1);
    held["discounts"] = json!(["di_1"]);
    feed(&place, &[event("evt_1", CREATED, BEGINS, &held, None)]);
    let (found, _) = findings(&place);
    assert!(misses(&found, "customer.discount.created"), "{found}");
    let coupon = json!({"id": "ten", "object": "coupon", "percent_off": 10, "duration": "forever"});
    let given = json!({"id": "di_1", "object": "discount", "customer": "cus_coupon", "subscription": "sub_coupon",
                       "start": BEGINS, "coupon": coupon});
    feed(&place, &[event("evt_2", "customer.discount.created", BEGINS, &given, None)]);
    let (found, _) = findings(&place);
    assert!(!misses(&found, "customer.discount.created"), "{found}");
    // The coupon is there; what changes in it still comes by its own events.
    assert!(misses(&found, "coupon.updated"), "{found}");
    let mut changed = coupon;
    changed["created"] = BEGINS.into();
    changed["applies_to"] = json!({"products": ["prod_1"]});
    feed(&place, &[event("evt_3", "coupon.updated", BEGINS + DAY, &changed, None)]);
    let (found, code) = findings(&place);
    assert_eq!((count(&found, "missing_events"), code), (0, Some(0)), "{found}");
}

#[test]
fn half_a_year_without_an_end_asks_for_ends() {
    let place = Place::new();
    let held = subscription("long", &price("price_1", 1_000), 1);
    let again = event("evt_2", UPDATED, BEGINS + 200 * DAY, &held, None);
    feed(&place, &[event("evt_1", CREATED, BEGINS, &held, None), again]);
    let (found, code) = findings(&place);
    assert!(misses(&found, "customer.subscription.deleted"), "{found}");
    assert!(!misses(&found, "customer.subscription.updated"), "{found}");
    assert_eq!(code, Some(0), "advice is no fault: {found}");
    // The types that came are noted beside the sums of reports; what comes later is seen all the same.
    place.output(&["rollup"]);
    assert_eq!(findings(&place).0["missing_events"], found["missing_events"]);
    let mut ended = subscription("other", &price("price_1", 1_000), 1);
    ended["status"] = "canceled".into();
    ended["ended_at"] = (BEGINS + DAY).into();
    feed(&place, &[event("evt_3", "customer.subscription.deleted", BEGINS + DAY, &ended, None)]);
    let (found, _) = findings(&place);
    assert!(!misses(&found, "customer.subscription.deleted"), "{found}");
    place.output(&["rollup"]);
    assert_eq!(findings(&place).0["event_types"], found["event_types"]);
}

#[test]
fn meters_that_are_never_billed_ask_for_invoices() {
    let place = Place::new();
    let mut metered = price("price_calls", 1);
    metered["recurring"]["usage_type"] = "metered".into();
    let held = subscription("calls", &metered, 1);
    let again = event("evt_2", UPDATED, BEGINS + 50 * DAY, &held, None);
    feed(&place, &[event("evt_1", CREATED, BEGINS, &held, None), again]);
    let (found, _) = findings(&place);
    assert!(misses(&found, "invoice.finalized"), "{found}");
    let line = json!({
        "id": "il_1", "object": "line_item", "type": "subscription", "amount": 500, "currency": "usd", "quantity": 500,
        "proration": false, "subscription": "sub_calls", "subscription_item": "si_calls", "price": metered,
        "period": {"start": BEGINS + 19 * DAY, "end": BEGINS + 50 * DAY}});
    let invoice = json!({
        "id": "in_1", "object": "invoice", "customer": "cus_calls", "subscription": "sub_calls", "currency": "usd",
        "status": "paid", "billing_reason": "subscription_cycle", "period_start": BEGINS + 19 * DAY,
        "period_end": BEGINS + 50 * DAY, "lines": {"object": "list", "has_more": false, "data": [line]}});
    feed(&place, &[event("evt_3", "invoice.paid", BEGINS + 50 * DAY, &invoice, None)]);
    let (found, _) = findings(&place);
    assert!(!misses(&found, "invoice.finalized"), "{found}");
}

#[test]
fn an_imported_list_goes_stale_without_its_events() {
    let place = Place::new();
    let mut listed = price("price_1", 1_000);
    listed["created"] = BEGINS.into();
    place.write("prices.json", json!({"object": "list", "data": [listed]}).to_string());
    place.output(&["backfill", "prices.json"]);
    let (found, code) = findings(&place);
    assert!(misses(&found, "price.updated"), "{found}");
    assert_eq!(code, Some(0), "{found}");
    feed(&place, &[event("evt_1", "price.updated", BEGINS + DAY, &listed, None)]);
    assert!(!misses(&findings(&place).0, "price.updated"));
}
