//! What subscriptions' events leave out is learnt from other events and from lists, in any order, and
//! what was incomplete heals by itself (R4).

use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};

use crate::process::{Place, rows};

pub const AT: i64 = 1_750_000_000;

pub fn event(id: &str, kind: &str, at: i64, object: &Value) -> String {
    json!({"id": id, "object": "event", "api_version": "2026-09-30.endive", "created": at, "livemode": true,
           "type": kind, "pending_webhooks": 0, "request": {"id": null, "idempotency_key": null},
           "data": {"object": object}})
    .to_string()
}

pub fn price(id: &str, more: &Value) -> Value {
    let mut price = json!({"id": id, "object": "price", "created": AT - 900_000, "livemode": true, "currency": "usd",
        "product": "prod_1", "type": "recurring", "billing_scheme": "per_unit", "unit_amount": 1000,
        "unit_amount_decimal": "1000", "metadata": {}, "tiers_mode": null, "transform_quantity": null,
        "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"}});
    merge(&mut price, more);
    price
}

/// A price as events show it: tiered, without its tiers.
pub fn tiered() -> Value {
    let none = json!({"billing_scheme": "tiered", "tiers_mode": "graduated", "unit_amount": null,
                      "unit_amount_decimal": null});
    price("price_tiered", &none)
}

/// The same as a list shows it that was asked for the tiers.
pub fn tiered_in_full() -> Value {
    let mut price = tiered();
    price["tiers"] = json!([
        {"up_to": 10, "flat_amount": null, "unit_amount": 1000, "unit_amount_decimal": "1000"},
        {"up_to": null, "flat_amount": null, "unit_amount": 500, "unit_amount_decimal": "500"},
    ]);
    price
}

pub fn item(number: usize, price: &Value, quantity: u64) -> Value {
    json!({"id": format!("si_{number}"), "object": "subscription_item", "created": AT, "quantity": quantity,
           "subscription": "sub_1", "price": price, "metadata": {}, "discounts": []})
}

pub fn subscription(items: &[Value], more: &Value) -> Value {
    let mut subscription = json!({"id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active",
        "created": AT, "start_date": AT, "currency": "usd", "metadata": {}, "discounts": [], "ended_at": null,
        "canceled_at": null, "cancel_at": null, "cancel_at_period_end": false, "trial_end": null, "schedule": null,
        "pause_collection": null, "items": {"object": "list", "has_more": false, "data": items,
        "url": "/v1/subscription_items?subscription=sub_1"}});
    merge(&mut subscription, more);
    subscription
}

pub fn created(items: &[Value], more: &Value) -> String {
    event("evt_sub_1", "customer.subscription.created", AT, &subscription(items, more))
}

fn merge(into: &mut Value, more: &Value) {
    for (name, value) in more.as_object().unwrap() {
        into[name] = value.clone();
    }
}

/// A page of a list, as Stripe's command line prints it.
pub fn list(objects: &[Value]) -> String {
    serde_json::to_string_pretty(
        &json!({"object": "list", "data": objects, "has_more": false, "url": "/v1/x"}),
    )
    .unwrap()
}

/// What the customer's movements come to, in minor units.
pub fn mrr(place: &Place) -> i64 {
    let whole =
        |row: &Value| row["delta"].as_str().unwrap().split('.').next().unwrap().parse::<i64>().unwrap();
    place.movements().iter().map(whole).sum()
}

fn incomplete(place: &Place) -> Vec<Value> {
    let told = place.run(&["doctor", "--format", "json"]);
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    told["incomplete"].as_array().unwrap().clone()
}

fn backfill(place: &Place, name: &str, text: &str) -> String {
    let file = place.write(name, text);
    place.output(&["backfill", &file])
}

/// Every way to feed texts, in both orders: the same levels, and a ledger that proves.
fn heals(first: &str, then: &str, expected: i64) {
    let place = Place::new();
    backfill(&place, "first.json", first);
    assert_eq!(incomplete(&place).len(), 1, "{:?}", incomplete(&place));
    place.output(&["verify"]);
    let before = mrr(&place);
    assert_ne!(before, expected);
    backfill(&place, "then.json", then);
    assert_eq!(incomplete(&place), Vec::<Value>::new());
    assert_eq!(mrr(&place), expected);
    place.output(&["verify"]);
    let known = backfill(&place, "then.json", then);
    assert!(known.contains("0 accepted") && known.contains("posted 0"), "{known}");
    let reversed = Place::new();
    backfill(&reversed, "then.json", then);
    backfill(&reversed, "first.json", first);
    reversed.output(&["verify"]);
    assert_eq!(figures(&reversed), figures(&place));
}

/// What movements say, without who proves it.
fn figures(place: &Place) -> Vec<Value> {
    let mut rows = place.movements();
    for row in &mut rows {
        let row = row.as_object_mut().unwrap();
        row.remove("id");
        row.remove("evidence");
    }
    rows.sort_by_key(ToString::to_string);
    rows
}

#[test]
fn tiers_that_events_leave_out_heal_by_an_imported_price_list() {
    let told = created(&[item(1, &tiered(), 12)], &json!({}));
    heals(&told, &list(&[tiered_in_full(), price("price_2", &json!({}))]), 11_000);
}

#[test]
fn tiers_heal_by_an_event_of_the_price() {
    let told = created(&[item(1, &tiered(), 12)], &json!({}));
    heals(&told, &event("evt_price", "price.updated", AT + 500, &tiered_in_full()), 11_000);
}

#[test]
fn a_coupon_behind_a_discounts_id_heals_by_the_events_of_both() {
    let told = created(&[item(1, &price("price_1", &json!({})), 1)], &json!({"discounts": ["di_1"]}));
    let discount = json!({"id": "di_1", "object": "discount", "customer": "cus_1", "subscription": "sub_1",
        "start": AT, "end": null, "source": {"type": "coupon", "coupon": "quarter"}});
    let coupon = json!({"id": "quarter", "object": "coupon", "created": AT - 9_000, "percent_off": 25.0,
        "amount_off": null, "duration": "forever", "livemode": true});
    let events = [
        event("evt_di", "customer.discount.created", AT + 1, &discount),
        event("evt_coupon", "coupon.created", AT - 9_000, &coupon),
    ];
    heals(&told, &events.join("\n"), 750);
    heals(&told, &format!("{}\n{}", events[0], list(&[coupon])), 750);
}

#[test]
fn what_comes_together_with_a_young_fact_is_learnt_of_the_old_ones_too() {
    let half = json!({"id": "half", "object": "coupon", "created": AT - 9_000, "percent_off": 50.0,
        "amount_off": null, "duration": "forever", "livemode": true});
    let discount = json!({"id": "di_1", "object": "discount", "start": AT, "end": null, "coupon": half});
    let grown = |id: &str, day: i64, quantity: u64| {
        let mut discounted = subscription(&[item(1, &price("price_1", &json!({})), quantity)], &json!({}));
        discounted["discounts"] = json!([discount]);
        let kind = if quantity == 1 { "created" } else { "updated" };
        event(id, &format!("customer.subscription.{kind}"), AT + day * 86_400, &discounted)
    };
    // After the second event there is a checkpoint to go on from.
    let old = [grown("evt_1", 0, 1), grown("evt_2", 10, 2)].join("\n");
    let mut limited = half.clone();
    limited["applies_to"] = json!({"products": ["prod_other"]});
    let young = format!("{}\n{}", list(&[limited]), grown("evt_3", 20, 3));
    let place = Place::new();
    backfill(&place, "old.json", &old);
    assert_eq!(mrr(&place), 1_000);
    backfill(&place, "young.json", &young);
    assert_eq!(mrr(&place), 3_000);
    place.output(&["verify"]);
    let at_once = Place::new();
    backfill(&at_once, "all.json", &format!("{old}\n{young}"));
    assert_eq!(figures(&place), figures(&at_once));
}

#[test]
fn a_line_that_was_incomplete_before_a_checkpoint_heals_together_with_a_young_fact() {
    let on = |id: &str, day: i64, price: &Value, quantity: u64| {
        let kind = if day == 0 { "created" } else { "updated" };
        let object = subscription(&[item(1, price, quantity)], &json!({}));
        event(id, &format!("customer.subscription.{kind}"), AT + day * 86_400, &object)
    };
    let plain = price("price_1", &json!({}));
    let old = [on("evt_1", 0, &tiered(), 12), on("evt_2", 10, &plain, 1), on("evt_3", 20, &plain, 2)];
    let young = format!("{}\n{}", list(&[tiered_in_full()]), on("evt_4", 30, &plain, 3));
    let place = Place::new();
    backfill(&place, "old.json", &old.join("\n"));
    backfill(&place, "young.json", &young);
    place.output(&["verify"]);
    let at_once = Place::new();
    backfill(&at_once, "all.json", &format!("{}\n{young}", old.join("\n")));
    assert_eq!(figures(&place), figures(&at_once));
    assert!(figures(&place).iter().any(|row| row["class"] == "new" && row["delta"] == "11000"));
}

#[test]
fn what_a_price_asks_in_the_subscriptions_currency_heals_by_a_list_with_its_options() {
    let told = created(&[item(1, &price("price_1", &json!({})), 3)], &json!({"currency": "eur"}));
    let options = json!({"currency_options": {"eur": {"unit_amount": 900, "unit_amount_decimal": "900"},
                                              "usd": {"unit_amount": 1000}}});
    heals(&told, &list(&[price("price_1", &options)]), 2_700);
}

#[test]
fn items_past_the_tenth_heal_by_the_list_of_them() {
    let items: Vec<Value> = (0..12).map(|number| item(number, &price("price_1", &json!({})), 1)).collect();
    let mut told = subscription(&items[..10], &json!({}));
    told["items"]["has_more"] = json!(true);
    let told = event("evt_sub_1", "customer.subscription.created", AT, &told);
    heals(&told, &list(&items), 12_000);
}

#[test]
fn a_customers_own_discount_counts_where_the_subscription_has_none() {
    let place = Place::new();
    let discount = json!({"id": "di_1", "object": "discount", "customer": "cus_1", "subscription": null,
        "start": AT, "end": null, "coupon": {"id": "half", "object": "coupon", "percent_off": 50.0,
        "amount_off": null, "duration": "forever", "livemode": true}});
    place.receive(&[
        created(&[item(1, &price("price_1", &json!({})), 1)], &json!({})),
        event("evt_di", "customer.discount.created", AT + 100, &discount),
    ]);
    assert_eq!(mrr(&place), 500);
    let kinds: Vec<Value> = place.movements().iter().map(|row| row["kind"].clone()).collect();
    assert!(kinds.contains(&json!("discount")), "{kinds:?}");
    place.output(&["verify"]);
}

#[test]
fn a_running_server_heals_what_an_import_beside_it_explains() {
    let place = Place::new();
    let server = place.serve();
    let mut connection = server.connect().unwrap();
    let told = created(&[item(1, &tiered(), 12)], &json!({}));
    assert_eq!(connection.deliver(told.as_bytes()).unwrap().status, 200);
    place.output(&["status", "--wait"]);
    let price = event("evt_price", "price.created", AT - 1, &tiered_in_full());
    assert_eq!(connection.deliver(price.as_bytes()).unwrap().status, 200);
    let status: Value =
        serde_json::from_str(&place.output(&["status", "--wait", "--format", "json"])).unwrap();
    assert_eq!(status["due"], json!(0));
    assert_eq!(mrr(&place), 11_000);
    place.output(&["verify"]);
}

#[test]
fn what_an_older_version_passed_over_is_learnt_by_this_one() {
    let place = Place::new();
    let told = created(&[item(1, &tiered(), 12)], &json!({}));
    let price = event("evt_price", "price.created", AT - 1, &tiered_in_full());
    backfill(&place, "price.json", &price);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Database::connect(place.url()).await.unwrap();
        store.execute_unprepared("DELETE FROM catalogue").await.unwrap();
        let ignored = "UPDATE disposition SET outcome = 'ignored', reason = 'catalogue event'";
        store.execute_unprepared(ignored).await.unwrap();
        store.close().await.unwrap();
    });
    backfill(&place, "subscription.json", &told);
    assert_eq!(mrr(&place), 11_000);
    place.output(&["verify"]);
}

#[test]
fn a_catalogue_changed_from_outside_is_no_proof() {
    let place = Place::new();
    backfill(&place, "price.json", &list(&[tiered_in_full()]));
    backfill(&place, "told.json", &created(&[item(1, &tiered(), 12)], &json!({})));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Database::connect(place.url()).await.unwrap();
        let forged = "UPDATE catalogue SET body = REPLACE(body, '\"up_to\":10', '\"up_to\":11')";
        assert_eq!(store.execute_unprepared(forged).await.unwrap().rows_affected(), 1);
        store.close().await.unwrap();
    });
    let proof = place.run(&["verify"]);
    assert_eq!(proof.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&proof.stderr).contains("catalogue"), "{proof:?}");
}

#[test]
fn a_part_of_a_list_of_items_is_ignored_with_its_remedy() {
    let place = Place::new();
    let part = list(&[item(1, &price("price_1", &json!({})), 1)])
        .replace("\"has_more\": false", "\"has_more\": true");
    assert!(backfill(&place, "items.json", &part).contains("--limit 100"));
    let rest = rows(&place.output(&["movements", "--format", "ndjson"]));
    assert_eq!(rest.len(), 0);
}
