//! Phases of schedules in the forward view, by the binary: webhooks and lists come in, the report says what is to
//! come, and what the subscription says itself takes its place.

use serde_json::{Value, json};
use upswell::app::now;

use crate::process::Place;
use crate::store::execute;

const A_DAY: i64 = 86_400;

fn event(id: &str, kind: &str, created: i64, object: &Value) -> String {
    json!({"id": id, "object": "event", "api_version": "2026-06-24.dahlia", "created": created, "livemode": true,
           "type": kind, "pending_webhooks": 1, "request": {"id": null, "idempotency_key": null},
           "data": {"object": object}})
    .to_string()
}

fn price(id: &str, amount: i64) -> Value {
    json!({"id": id, "object": "price", "product": format!("prod_{id}"), "currency": "usd", "unit_amount": amount,
           "type": "recurring", "billing_scheme": "per_unit", "created": 1_700_000_000,
           "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"}})
}

/// A subscription to basic at $10 a seat.
fn subscription(seats: u64, schedule: Option<&str>) -> Value {
    json!({"id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active", "currency": "usd",
           "created": 1_700_000_000, "metadata": {}, "discounts": [], "schedule": schedule,
           "cancel_at_period_end": false, "cancel_at": null, "canceled_at": null, "ended_at": null,
           "items": {"object": "list", "has_more": false, "data": [
               {"id": "si_1", "object": "subscription_item", "quantity": seats, "price": price("basic", 1_000)}]}})
}

/// A phase of thirty days from so many days after now, with seats of a price.
fn phase(day: i64, price: &str, seats: u64) -> Value {
    let start = now() + day * A_DAY;
    json!({"start_date": start, "end_date": start + 30 * A_DAY, "currency": "usd", "discounts": [],
           "trial_end": null, "items": [{"price": price, "plan": price, "quantity": seats, "discounts": []}]})
}

fn schedule(status: &str, phases: &[Value]) -> Value {
    json!({"id": "sub_sched_1", "object": "subscription_schedule", "customer": "cus_1", "livemode": true,
           "subscription": "sub_1", "status": status, "end_behavior": "release", "phases": phases,
           "created": now() - 29 * A_DAY,
           "current_phase": {"start_date": now() - 29 * A_DAY, "end_date": now() + 20 * A_DAY}})
}

/// Two seats for a month by now; a phase that has begun of which the subscription has said nothing yet, and one
/// that is to come.
fn begun() -> Vec<String> {
    let phases = [phase(-29, "basic", 2), phase(-1, "basic", 5), phase(20, "basic", 8)];
    vec![
        event("evt_1", "customer.subscription.created", now() - 30 * A_DAY, &subscription(2, None)),
        event("evt_2", "subscription_schedule.created", now() - 29 * A_DAY, &schedule("active", &phases)),
    ]
}

/// What the report says is to come of a customer: kind, cause, subscription, amount.
fn scheduled(place: &Place, customer: &str) -> Vec<[String; 4]> {
    let told = place.output(&["report", "--month", &month_of(now()), "--format", "json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    let blocks = told["currencies"].as_array().unwrap().iter();
    let entries = blocks.flat_map(|block| block["scheduled"].as_array().unwrap());
    let of_customer = entries.filter(|entry| entry["customer"] == customer);
    let words = ["kind", "cause", "subscription", "delta"];
    of_customer.map(|entry| words.map(|word| entry[word].as_str().unwrap().to_owned())).collect()
}

fn rows(rows: &[[&str; 4]]) -> Vec<[String; 4]> {
    rows.iter().map(|row| row.map(str::to_owned)).collect()
}

#[test]
fn a_phase_is_to_come_until_its_subscription_says_it_or_is_released() {
    let place = Place::new();
    place.receive(&begun());
    // What has passed without a word is not invented: from two seats, which is what the subscription says.
    assert_eq!(scheduled(&place, "cus_1"), rows(&[["seat", "quantity", "sub_1", "6000"]]));
    let grown = subscription(5, Some("sub_sched_1"));
    place.receive(&[event("evt_3", "customer.subscription.updated", now() - A_DAY, &grown)]);
    assert_eq!(scheduled(&place, "cus_1"), rows(&[["seat", "quantity", "sub_1", "3000"]]));
    let stands = place.movements();
    let stands: Vec<_> = stands.iter().map(|movement| (&movement["kind"], &movement["motion"])).collect();
    assert_eq!(stands.len(), 2);
    assert!(stands.contains(&(&json!("seat"), &json!("deliberate"))), "{stands:?}");
    let table = place.output(&["report", "--month", &month_of(now()), "--format", "table"]);
    assert!(
        table.contains("Scheduled in the next 90 days") && table.contains("phases of schedules"),
        "{table}"
    );
    let released = schedule("released", &[]);
    place.receive(&[event("evt_4", "subscription_schedule.released", now() - 60, &released)]);
    assert_eq!(scheduled(&place, "cus_1"), rows(&[]));
    assert_eq!(place.movements().len(), 2);
    place.output(&["verify"]);
}

fn month_of(at: i64) -> String {
    chrono::DateTime::from_timestamp(at, 0).unwrap().format("%Y-%m").to_string()
}

#[test]
fn lists_tell_of_schedules_and_prices_that_come_later_heal_what_is_to_come() {
    let place = Place::new();
    let phases = [phase(-29, "basic", 2), phase(20, "pro", 2)];
    let mut to_come = schedule("not_started", &[phase(10, "pro", 1)]);
    (to_come["id"], to_come["customer"], to_come["subscription"]) =
        ("sub_sched_2".into(), "cus_2".into(), Value::Null);
    let list = json!({"object": "list", "has_more": false, "url": "/v1/subscription_schedules",
                      "data": [schedule("active", &phases), to_come]});
    place.write("events.ndjson", &begun()[0]);
    place.write("schedules.json", list.to_string());
    place.output(&["backfill", "events.ndjson", "schedules.json"]);
    assert_eq!(scheduled(&place, "cus_1"), rows(&[]), "what pro costs nobody knows");
    assert_eq!(scheduled(&place, "cus_2"), rows(&[]));
    let prices =
        json!({"object": "list", "has_more": false, "url": "/v1/prices", "data": [price("pro", 2_500)]});
    place.write("prices.json", prices.to_string());
    place.output(&["backfill", "prices.json"]);
    assert_eq!(scheduled(&place, "cus_1"), rows(&[["upsell", "tier", "sub_1", "3000"]]));
    assert_eq!(scheduled(&place, "cus_2"), rows(&[["new", "created", "sub_sched_2", "2500"]]));
    place.output(&["verify"]);
}

#[test]
fn schedules_that_an_older_version_ignored_are_read_once_the_schema_is_brought_up_to_date() {
    let place = Place::new();
    place.receive(&begun());
    let expected = scheduled(&place, "cus_1");
    assert_eq!(expected.len(), 1);
    let of_schedules = "(SELECT seq FROM inbox WHERE kind LIKE 'subscription_schedule.%')";
    for sql in [
        format!(
            "UPDATE disposition SET outcome = 'ignored', reason = 'event type carries no recurring revenue' \
             WHERE inbox_seq IN {of_schedules}"
        ),
        format!("DELETE FROM fact WHERE inbox_seq IN {of_schedules}"),
        "DELETE FROM scheduled".to_owned(),
    ] {
        execute(&place.url(), &sql).unwrap();
    }
    assert_eq!(scheduled(&place, "cus_1"), rows(&[]));
    execute(&place.url(), "DELETE FROM seaql_migrations WHERE version = 'm0015_schedules'").unwrap();
    let said = String::from_utf8(place.run(&["migrate"]).stderr).unwrap();
    assert!(said.contains("1 migrations applied"), "{said}");
    place.receive(&[]);
    assert_eq!(scheduled(&place, "cus_1"), expected);
    place.output(&["verify"]);
}
