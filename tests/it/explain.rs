//! `upswell explain`: its numbers worked out again, from the event's fields to the report's cells.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::process::{Place, rows, stories, stories_config};
use crate::valuation::arithmetic;

/// 2026-01-01.
pub const BEGINS: i64 = 1_767_225_600;
pub const DAY: i64 = 86_400;

/// An event as Stripe sends it.
pub fn event(id: &str, kind: &str, at: i64, object: &Value, previous: Option<&Value>) -> String {
    let mut data = json!({ "object": object });
    if let Some(previous) = previous {
        data["previous_attributes"] = previous.clone();
    }
    json!({
        "id": id, "object": "event", "api_version": "2026-09-30.endive", "created": at, "livemode": true,
        "type": kind, "data": data,
    })
    .to_string()
}

/// An active subscription of `customer` with one item of a monthly price.
pub fn subscription(name: &str, price: &Value, quantity: u64) -> Value {
    json!({
        "id": format!("sub_{name}"), "object": "subscription", "customer": format!("cus_{name}"),
        "currency": "usd", "created": BEGINS, "start_date": BEGINS, "status": "active",
        "items": {"object": "list", "has_more": false, "data": [
            {"id": format!("si_{name}"), "object": "subscription_item", "price": price, "quantity": quantity}]},
    })
}

/// A price by the month that asks so many cents a unit.
pub fn price(id: &str, cents: i64) -> Value {
    json!({
        "id": id, "object": "price", "product": "prod_1", "currency": "usd", "billing_scheme": "per_unit",
        "unit_amount": cents, "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"},
    })
}

pub fn feed(place: &Place, events: &[String]) {
    place.write("events.ndjson", events.join("\n"));
    place.output(&["backfill", "events.ndjson"]);
}

fn explained(place: &Place, id: &str) -> Value {
    serde_json::from_str(&place.output(&["explain", id, "--format", "json"])).unwrap()
}

/// A coupon in use.
fn discount(id: &str, off: &Value) -> Value {
    let mut coupon = json!({"id": format!("coupon_{id}"), "object": "coupon", "duration": "forever"});
    for (name, value) in off.as_object().unwrap() {
        coupon[name] = value.clone();
    }
    json!({"id": format!("di_{id}"), "object": "discount", "coupon": coupon, "start": BEGINS})
}

fn texts<'v>(values: &'v Value, name: &str) -> Vec<&'v str> {
    values.as_array().unwrap().iter().map(|value| value[name].as_str().unwrap()).collect()
}

#[test]
fn packages_discounts_tax_and_interval_are_the_arithmetic_done_by_hand() {
    let mut yearly = price("price_packs", 10_000);
    yearly["recurring"]["interval"] = "year".into();
    yearly["transform_quantity"] = json!({"divide_by": 10, "round": "up"});
    let mut object = subscription("hand", &yearly, 25);
    let item = &mut object["items"]["data"][0];
    item["discounts"] = json!([discount("half", &json!({"percent_off": 50}))]);
    item["tax_rates"] = json!([{"id": "txr_1", "object": "tax_rate", "inclusive": true, "percentage": 20}]);
    object["discounts"] = json!([
        discount("twenty", &json!({"amount_off": 2_000, "currency": "usd"})),
        discount("once", &json!({"percent_off": 10, "duration": "once"})),
    ]);
    let place = Place::new();
    feed(&place, &[event("evt_hand", "customer.subscription.created", BEGINS, &object, None)]);
    let told = explained(&place, "cus_hand");
    let line = &told["told"][0]["worth"][0]["lines"][0];
    // 25 units are 3 packages of 10: 300.00 a year. Half of it is off, then 20.00: 130.00, of which 130 / 1.2
    // is revenue: 108.3333; a twelfth of that is 9.0277 a month.
    assert_eq!(
        texts(&line["steps"], "result"),
        ["25", "3", "30000", "30000", "15000", "13000", "32500/3", "8125/9", "902.777778"],
        "{line}"
    );
    assert_eq!(texts(&line["steps"], "rule"), ["R3", "R3", "R3", "R3", "R6", "R6", "R7", "R2", "R1"],);
    assert_eq!(texts(&line["set_aside"], "discount"), ["di_once"]);
    assert_eq!(line["set_aside"][0]["why"], "it is used once (R6)");
    assert_eq!((&line["level"], &line["stands"]), (&"902.777778".into(), &"902.777778".into()));
    assert_eq!(told["movements"][0]["delta"], "902.777778");
    assert_eq!(told["movements"][0]["cell"]["lane"], "new");
    assert_eq!(told["levels"][0]["because"], "evt_hand");
    let text = place.output(&["explain", "sub_hand"]);
    assert!(text.contains("R6  30000 × (1 − 0.5) = 15000 (di_half of the item: 50 % off)"), "{text}");
    assert!(text.contains("R7  13000 / (1 + 0.2) = 32500/3"), "{text}");
}

/// Every step under a value, wherever it stands.
fn all_steps<'v>(value: &'v Value, into: &mut Vec<&'v Value>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| all_steps(value, into)),
        Value::Object(entries) => {
            if entries.contains_key("arithmetic") {
                into.push(value);
            }
            entries.values().for_each(|value| all_steps(value, into));
        }
        _ => {}
    }
}

/// A place where the stories have been backfilled, and the ids of its customers.
fn told() -> (Place, Vec<String>) {
    let place = Place::new().with("UPSWELL_CONFIG", &stories_config());
    feed(&place, &stories());
    let mut customers: Vec<String> = rows(&place.output(&["movements", "--format", "ndjson"]))
        .iter()
        .map(|row| row["customer"].as_str().unwrap().to_owned())
        .collect();
    customers.sort();
    customers.dedup();
    (place, customers)
}

#[test]
fn every_step_of_the_stories_is_its_arithmetic_and_every_cell_is_in_the_report() {
    let (place, customers) = told();
    let mut lanes: BTreeMap<String, i128> = BTreeMap::new();
    for customer in &customers {
        let told = explained(&place, customer);
        let mut steps = Vec::new();
        all_steps(&told, &mut steps);
        assert!(!steps.is_empty(), "{customer}");
        for step in steps.into_iter().filter(|step| step["step"] != "packages") {
            let worked = arithmetic::levels(step["arithmetic"].as_str().unwrap()).unwrap();
            assert_eq!(worked, arithmetic::levels(step["result"].as_str().unwrap()).unwrap(), "{step}");
        }
        for movement in told["movements"].as_array().unwrap() {
            for side in [&movement["before"], &movement["after"]].into_iter().filter(|side| !side.is_null()) {
                assert_ne!(side["valued"], "held", "{movement}");
                let last = side["steps"].as_array().unwrap().last().unwrap();
                assert_eq!(last["result"], side["mrr"], "{movement}");
            }
        }
        let month = told["months"].as_array().unwrap().iter().find(|month| month["month"] == "2026-10");
        let usd = month.into_iter().flat_map(|month| month["currencies"].as_array().unwrap());
        for cell in usd.filter(|of| of["currency"] == "usd").flat_map(|of| of["cells"].as_array().unwrap()) {
            *lanes.entry(cell["lane"].as_str().unwrap().to_owned()).or_default() += micro(&cell["delta"]);
        }
    }
    let report = place.output(&["report", "--month", "2026-10", "--format", "json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let block =
        report["currencies"].as_array().unwrap().iter().find(|block| block["currency"] == "usd").unwrap();
    for (lane, amount) in block["rollforward"].as_object().unwrap() {
        if !lane.ends_with("_mrr") {
            assert_eq!(lanes.get(lane).copied().unwrap_or_default(), micro(amount), "{lane}");
        }
    }
    assert!(lanes.len() >= 3, "{lanes:?}");
}

fn micro(amount: &Value) -> i128 {
    let text = amount.as_str().unwrap();
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    sign * arithmetic::levels(digits).unwrap()[0].0
}

#[test]
fn a_movement_is_told_with_both_sides_its_posting_and_its_cell() {
    let (place, _) = told();
    let text =
        place.output(&["movements", "--customer", "cus_Alder", "--month", "2026-02", "--format", "ndjson"]);
    let seat = &rows(&text)[0];
    let told = explained(&place, seat["id"].as_str().unwrap());
    assert_eq!((&told["what"], &told["customer"]), (&"movement".into(), &"cus_Alder".into()));
    let movement = &told["movement"];
    assert_eq!(movement["rules"], json!(["R15", "R16", "R17"]));
    assert_eq!(movement["part"], "1 of 3: quantity at the old price");
    // 10 at 20.00 become 12 at 20.00, between the two states.
    assert_eq!(texts(&movement["before"]["steps"], "arithmetic")[1], "10 × 2000");
    assert_eq!(texts(&movement["after"]["steps"], "arithmetic")[1], "12 × 2000");
    assert_eq!(
        (&movement["before"]["valued"], &movement["after"]["valued"]),
        (&"state".into(), &"between".into())
    );
    assert_eq!(movement["posting"]["seq"], seat["seq"]);
    assert_eq!(movement["posting"]["reversed_by"], Value::Null);
    assert_eq!(movement["sha256"], seat["evidence"]["sha256"]);
    let cell = &movement["cell"];
    let landed = (&cell["month"], &cell["lane"], &cell["kind"], &cell["netted"]);
    assert_eq!(landed, (&"2026-02".into(), &"expansion".into(), &"seat".into(), &"4000".into()));
}

#[test]
fn what_was_taken_back_says_by_which_posting() {
    let place = Place::new();
    let at = |quantity| subscription("late", &price("price_1", 1_000), quantity);
    let kind = "customer.subscription.updated";
    let created = event("evt_1", "customer.subscription.created", BEGINS, &at(1), None);
    feed(&place, &[created, event("evt_3", kind, BEGINS + 2 * DAY, &at(3), None)]);
    let text = place.output(&["movements", "--class", "expansion", "--format", "ndjson"]);
    let id = rows(&text)[0]["id"].as_str().unwrap().to_owned();
    feed(&place, &[event("evt_2", kind, BEGINS + DAY, &at(2), None)]);
    let movements = place.output(&["movements", "--all", "--format", "ndjson"]);
    let reversal = rows(&movements).into_iter().find(|row| row["adjusts"] == id.as_str()).unwrap();
    let text = place.output(&["explain", reversal["adjusts"].as_str().unwrap()]);
    assert!(text.contains("posting and its reversal sum to nothing"), "{text}");
}

#[test]
fn what_belongs_to_a_closed_month_says_where_it_is_reported() {
    let place = Place::new();
    let at = |quantity| subscription("closed", &price("price_1", 1_000), quantity);
    feed(&place, &[event("evt_1", "customer.subscription.created", BEGINS, &at(1), None)]);
    place.output(&["close", "2026-01"]);
    feed(&place, &[event("evt_2", "customer.subscription.updated", BEGINS + DAY, &at(3), None)]);
    let text = place.output(&["movements", "--class", "expansion", "--format", "ndjson"]);
    let row = &rows(&text)[0];
    let told = explained(&place, row["id"].as_str().unwrap());
    let cell = &told["movement"]["cell"];
    assert_eq!(cell["month"], "2026-01");
    assert_eq!(cell["prior_period_of"], row["posted_in"]);
    assert_ne!(row["posted_in"], "2026-01");
    let text = place.output(&["explain", "cus_closed"]);
    assert!(text.contains("for 2026-01 was closed (R24)"), "{text}");
}

#[test]
fn an_event_says_what_it_teaches_or_why_it_says_nothing() {
    let place = Place::new();
    let mut tiered = price("price_tiers", 0);
    tiered["billing_scheme"] = "tiered".into();
    tiered["unit_amount"] = Value::Null;
    tiered["tiers_mode"] = "graduated".into();
    let held = subscription("tiers", &tiered, 7);
    tiered["tiers"] = json!([
        {"up_to": 5, "unit_amount": 300, "flat_amount": 1_000}, {"up_to": null, "unit_amount": 200, "flat_amount": null}]);
    tiered["created"] = (BEGINS - DAY).into();
    let ignored =
        event("evt_charge", "charge.succeeded", BEGINS, &json!({"id": "ch_1", "object": "charge"}), None);
    let parked = event("evt_parked", "customer.subscription.updated", BEGINS, &json!({"id": "sub_x"}), None);
    feed(
        &place,
        &[
            event("evt_held", "customer.subscription.created", BEGINS, &held, None),
            event("evt_price", "price.created", BEGINS + DAY, &tiered, None),
            ignored,
            parked,
        ],
    );
    // 5 × 3.00 + 10.00, then 2 × 2.00.
    let told = explained(&place, "cus_tiers");
    let line = &told["told"][0]["worth"][0]["lines"][0];
    assert_eq!(line["level"], "2900");
    assert_eq!(texts(&line["steps"], "arithmetic")[1..3], ["5 × 300 + 1000", "2 × 200 + 0"]);
    assert_eq!(line["learnt"][0]["event"], "evt_price");
    let told = explained(&place, "evt_price");
    assert_eq!(told["teaches"][0]["id"], "price_tiers");
    assert_eq!(told["derived"], json!(["cus_tiers"]));
    let told = explained(&place, "price_tiers");
    assert_eq!((&told["what"], &told["asked_by"]), (&"catalogue".into(), &json!(["cus_tiers"])));
    assert!(told["known"][0]["says"].as_str().unwrap().contains("graduated tiers to 5 300 + 1000"), "{told}");
    let told = explained(&place, "evt_charge");
    assert_eq!(told["outcome"], "ignored");
    assert_eq!(told["reason"], "event type carries no recurring revenue");
    let told = explained(&place, "evt_parked");
    assert_eq!((&told["outcome"], &told["path"]), (&"parked".into(), &"$.data.object.customer".into()));
    assert!(told["remedy"].as_str().unwrap().contains("tried again"));
}

#[test]
fn a_subscription_that_only_an_invoice_tells_of_is_found_by_its_id() {
    let place = Place::new();
    let mut metered = price("price_calls", 1);
    metered["recurring"]["usage_type"] = "metered".into();
    let line = json!({
        "id": "il_1", "object": "line_item", "type": "subscription", "amount": 500, "currency": "usd", "quantity": 500,
        "proration": false, "subscription": "sub_billed", "subscription_item": "si_calls", "price": metered,
        "period": {"start": BEGINS, "end": BEGINS + 30 * DAY}});
    let invoice = json!({
        "id": "in_1", "object": "invoice", "customer": "cus_billed", "subscription": "sub_billed", "currency": "usd",
        "status": "paid", "billing_reason": "subscription_cycle", "period_start": BEGINS,
        "period_end": BEGINS + 30 * DAY, "lines": {"object": "list", "has_more": false, "data": [line]}});
    feed(&place, &[event("evt_billed", "invoice.paid", BEGINS + 30 * DAY, &invoice, None)]);
    let told = explained(&place, "sub_billed");
    assert_eq!((&told["customer"], &told["subscription"]), (&"cus_billed".into(), &"sub_billed".into()));
    // What the subscription itself says comes over it, though it is of an earlier instant.
    let mut held = subscription("billed", &price("price_1", 1_000), 1);
    held["metadata"] = json!({"owner": "north"});
    feed(&place, &[event("evt_held", "customer.subscription.created", BEGINS, &held, None)]);
    assert_eq!(explained(&place, "sub_billed")["customer"], "cus_billed");
    let by_owner =
        place.output(&["report", "--month", "2026-01", "--by", "metadata.owner", "--format", "json"]);
    assert!(by_owner.contains("north"), "{by_owner}");
}

#[test]
fn names_and_addresses_are_no_part_of_an_explanation() {
    let place = Place::new();
    let mut customer = json!({"id": "cus_named", "object": "customer", "created": BEGINS});
    customer["name"] = "Ada Example".into();
    customer["email"] = "ada@example.com".into();
    customer["metadata"] = json!({"owner": "Grace Example"});
    let held = subscription("named", &price("price_1", 1_000), 1);
    feed(
        &place,
        &[
            event("evt_named", "customer.created", BEGINS, &customer, None),
            event("evt_held", "customer.subscription.created", BEGINS, &held, None),
        ],
    );
    for id in ["cus_named", "evt_named", "sub_named"] {
        for format in ["table", "json"] {
            let told = place.output(&["explain", id, "--format", format]);
            assert!(!told.contains("Example") && !told.contains("ada@"), "{told}");
        }
    }
}
