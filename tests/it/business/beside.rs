//! What stands beside the subscriptions: discounts of customers themselves, and other books' events.

use serde_json::{Value, json};

use super::catalogue::{COUPONS, NEWEST};
use super::{A_DAY, BEGINNING, Chance, Event, event_id, whole_event};

/// Now and then a discount of the first customer itself, with an end or without, told by its own events or
/// shown by the customer's.
pub fn discounts_of_customers(chance: &mut Chance) -> Vec<Event> {
    let mut told = Vec::new();
    let mut at = BEGINNING + chance.seconds(200);
    for number in 0..chance.below(3) {
        let coupon = &COUPONS[chance.below(COUPONS.len())];
        let end = (coupon.is_repeating() || chance.happens(30)).then_some(at + 60 * A_DAY);
        let mut discount = json!({"id": format!("di_own_{number}"), "object": "discount", "customer": "cus_0",
            "subscription": null, "start": at, "end": end, "coupon": coupon.shown()});
        if chance.happens(50) {
            discount["source"] = json!({"type": "coupon", "coupon": coupon.id});
            discount["coupon"] = Value::Null;
        }
        let mut tell = |chance: &mut Chance, kind: &str, at: i64, object: &Value| {
            let id = event_id(chance, "own", told.len());
            told.push(whole_event(&id, NEWEST, at, kind, &json!({ "object": object })));
        };
        if chance.happens(70) {
            tell(chance, "customer.discount.created", at, &discount);
        } else {
            tell(chance, "customer.updated", at, &customer(&discount));
        }
        let gone = at + 1 + chance.seconds(100);
        match chance.below(4) {
            0 | 1 => tell(chance, "customer.discount.deleted", gone, &discount),
            2 => tell(chance, "customer.updated", gone, &customer(&Value::Null)),
            _ => {}
        }
        at = gone + 1 + chance.seconds(30);
    }
    told
}

fn customer(discount: &Value) -> Value {
    json!({"id": "cus_0", "object": "customer", "metadata": {}, "discount": discount})
}

/// The same as happened here, in test mode or at a connected account: books of their own (R13).
pub fn other_books(chance: &mut Chance, told: &[Event]) -> Vec<Event> {
    if !chance.happens(30) {
        return Vec::new();
    }
    let is_test = chance.happens(50);
    let events = told.iter().filter(|event| !event.is_listed && chance.happens(30));
    let moved = events.map(|event| {
        let mut body: Value = serde_json::from_str(&event.body).unwrap();
        let id = format!("{}_x", event.id);
        body["id"] = json!(id);
        if is_test {
            body["livemode"] = json!(false);
        } else {
            body["account"] = json!("acct_1");
        }
        Event { id, body: body.to_string(), ..event.clone() }
    });
    moved.collect()
}
