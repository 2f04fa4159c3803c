//! A business in which every section of a report has something to say: sixty customers in three currencies with
//! yearly prices, so that nearly every amount has thirds of a cent, owners, regions, targets, a discount, a pause, late
//! payers, an item without a value, a refund, and ends that are to come.

use serde_json::{Value, json};
use upswell::app::now;

use crate::process::{Place, stories_folder};

const A_DAY: i64 = 86_400;
/// 1 October 2026.
const OCTOBER: i64 = 1_790_812_800;

const CONFIG: &str = r#"
[reporting]
owner = "metadata.owner"
segments = ["metadata.region"]
size_bands = ["50", "200"]

[targets]
expansion_share_of_new_arr = "0.2"
owner_book_growth = "0.1"
expansion_rate = "0.9"
nrr = "0.5"
grr = "0.99"
logo_churn = "0.01"

[targets.owners]
south = "0.999"
"#;

struct Events(Vec<String>);

impl Events {
    fn tell(&mut self, kind: &str, at: i64, object: &Value) {
        let id = format!("evt_whole_{}", self.0.len());
        let event = json!({
            "id": id, "object": "event", "type": kind, "created": at, "livemode": true,
            "api_version": "2025-03-31.basil", "data": {"object": object},
        });
        self.0.push(event.to_string());
    }
}

/// A price of a product: `unit` minor units a month or a year.
fn price(product: &str, currency: &str, interval: &str, unit: i64) -> Value {
    json!({
        "id": format!("price_{product}_{currency}_{interval}_{unit}"), "object": "price", "product": product,
        "currency": currency, "type": "recurring", "billing_scheme": "per_unit", "unit_amount": unit,
        "recurring": {"interval": interval, "interval_count": 1, "usage_type": "licensed"},
    })
}

/// A price in tiers that the event leaves out.
fn tiered(currency: &str) -> Value {
    let mut price = price("prod_tiers", currency, "month", 1);
    price["billing_scheme"] = json!("tiered");
    price["unit_amount"] = Value::Null;
    price
}

fn item(name: &str, price: &Value, quantity: i64) -> Value {
    json!({"id": format!("si_{name}"), "object": "subscription_item", "quantity": quantity, "price": price})
}

fn subscription(number: i64, currency: &str, items: &[Value]) -> Value {
    json!({
        "id": format!("sub_w{number}"), "object": "subscription", "customer": format!("cus_w{number:02}"),
        "status": "active", "currency": currency, "metadata": {}, "discounts": [], "pause_collection": null,
        "cancel_at": null, "canceled_at": null, "ended_at": null,
        "items": {"object": "list", "has_more": false, "data": items},
    })
}

fn currency(number: i64) -> &'static str {
    ["usd", "usd", "eur", "usd", "jpy"][usize::try_from(number % 5).unwrap()]
}

/// One customer: who it is, how it began, and what it did in October.
fn live(events: &mut Events, number: i64) {
    let currency = currency(number);
    let begun = if number % 10 == 9 {
        OCTOBER + number * 3_600
    } else {
        OCTOBER - (1 + number % 13) * 30 * A_DAY + number * 3_600
    };
    let mut customer = json!({"id": format!("cus_w{number:02}"), "object": "customer", "metadata": {}});
    if number % 3 < 2 {
        customer["metadata"]["owner"] = json!(["north", "south"][usize::try_from(number % 3).unwrap()]);
    }
    if number % 4 > 0 {
        customer["metadata"]["region"] = json!(format!("region {}", number % 4));
        customer["address"] = json!({"country": if number % 3 == 0 { "DE" } else { "FR" }});
    }
    events.tell("customer.created", begun, &customer);
    let seats = 1 + number % 7;
    let basic = price("prod_Basic7Kq", currency, "year", 10_000 + 100 * number + 1);
    let first = item(&format!("w{number}"), &basic, seats);
    let mut held = subscription(number, currency, std::slice::from_ref(&first));
    held["metadata"] = match number % 4 {
        0 => json!({"upswell_motion": "deliberate"}),
        1 => json!({"upswell_channel": "portal"}),
        _ => json!({}),
    };
    events.tell("customer.subscription.created", begun + 60, &held);
    let at = OCTOBER + (2 + number % 20) * A_DAY;
    let upgraded = price("prod_Pro4Wm2", currency, "year", 25_000 + 100 * number + 1);
    let second = item(&format!("w{number}_2"), &price("prod_SsoX3d8", currency, "year", 5_003 + number), 1);
    match number % 12 {
        0 | 1 => held["items"]["data"][0]["quantity"] = json!(seats + 4),
        2 => held["items"]["data"][0]["quantity"] = json!(1),
        3 | 4 => held["items"]["data"][0]["price"] = upgraded,
        5 => held["items"]["data"] = json!([first, second]),
        6 => {
            held["status"] = json!("canceled");
            held["ended_at"] = json!(at);
            events.tell("customer.subscription.deleted", at, &held);
            return;
        }
        7 => held["pause_collection"] = json!({"behavior": "void", "resumes_at": null}),
        8 => held["status"] = json!("past_due"),
        9 => held["items"]["data"][0]["price"] = price("prod_Basic7Kq", currency, "month", 907 + 2 * number),
        10 => {
            held["discounts"] = json!([{"id": format!("di_w{number}"), "object": "discount", "start": at,
                "end": at + 300 * A_DAY, "subscription": format!("sub_w{number}"),
                "coupon": {"id": "third", "object": "coupon", "percent_off": 33.3, "duration": "repeating",
                           "duration_in_months": 10, "currency": null, "amount_off": null}}]);
        }
        _ => return,
    }
    events.tell("customer.subscription.updated", at, &held);
}

/// What is to come, told now, of customers who have been there all the while.
fn ahead(events: &mut Events) {
    for number in [11, 23, 35] {
        let currency = currency(number);
        let basic = price("prod_Basic7Kq", currency, "year", 10_000 + 100 * number + 1);
        let held = item(&format!("w{number}"), &basic, 1 + number % 7);
        let mut ends = subscription(number, currency, &[held]);
        ends["cancel_at"] = json!(now() + (10 + number) * A_DAY);
        events.tell("customer.subscription.updated", now() - 60, &ends);
    }
}

/// What stands beside the sixty: a payer whose first line in another currency comes in October, one that comes back
/// from a pause, one heard of midlife, an item that nothing is known of, a refund.
fn beside(events: &mut Events) {
    let basic = |currency| price("prod_Basic7Kq", currency, "year", 10_001);
    let usd = subscription(90, "usd", &[item("w90", &basic("usd"), 2)]);
    events.tell("customer.subscription.created", OCTOBER - 90 * A_DAY, &usd);
    let mut eur = subscription(90, "eur", &[item("w90e", &basic("eur"), 3)]);
    eur["id"] = json!("sub_w90e");
    events.tell("customer.subscription.created", OCTOBER + 5 * A_DAY, &eur);
    let mut paused = subscription(91, "usd", &[item("w91", &basic("usd"), 5)]);
    events.tell("customer.subscription.created", OCTOBER - 80 * A_DAY, &paused);
    paused["pause_collection"] = json!({"behavior": "void", "resumes_at": null});
    events.tell("customer.subscription.updated", OCTOBER - 40 * A_DAY, &paused);
    paused["pause_collection"] = Value::Null;
    events.tell("customer.subscription.updated", OCTOBER + 7 * A_DAY, &paused);
    let midlife = subscription(92, "usd", &[item("w92", &basic("usd"), 4)]);
    events.tell("customer.subscription.updated", OCTOBER + 8 * A_DAY, &midlife);
    let held = [item("w93", &basic("usd"), 1), item("w93t", &tiered("usd"), 3)];
    events.tell("customer.subscription.created", OCTOBER - 50 * A_DAY, &subscription(93, "usd", &held));
    // Grows twice in its first month.
    let mut young = subscription(94, "usd", &[item("w94", &basic("usd"), 1)]);
    events.tell("customer.subscription.created", OCTOBER + A_DAY, &young);
    young["items"]["data"][0]["quantity"] = json!(6);
    events.tell("customer.subscription.updated", OCTOBER + 9 * A_DAY, &young);
    let refund = json!({"id": "ch_1", "object": "charge", "amount_refunded": 5_000, "currency": "usd"});
    events.tell("charge.refunded", OCTOBER + 10 * A_DAY, &refund);
}

/// A place where it is known, told in euros as well.
pub fn whole() -> Place {
    let place = Place::new().with("UPSWELL_CONFIG", "upswell.toml").with("UPSWELL_REPORTING_CURRENCY", "eur");
    let own = std::fs::read_to_string(stories_folder().join("upswell.toml")).unwrap();
    place.write("upswell.toml", format!("{own}\n{CONFIG}"));
    let mut events = Events(Vec::new());
    (0..60).for_each(|number| live(&mut events, number));
    beside(&mut events);
    ahead(&mut events);
    place.write("events.ndjson", events.0.join("\n"));
    super::rated(&place);
    place.output(&["backfill", "events.ndjson"]);
    place
}
