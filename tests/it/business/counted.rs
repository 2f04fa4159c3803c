//! That chance brings everything about: what the properties say of whole businesses, they say of all this.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Event, business};

/// Businesses that are looked through; a property tries others, drawn from the same chances.
const SEEDS: u64 = 60;

type Sign = fn(&Value) -> bool;

const SIGNS: [(&str, Sign); 30] = [
    ("tiers by an event", |of| kind(of).starts_with("price.") && has(&object(of)["tiers"])),
    ("tiers by a list", |of| of["object"] == "price" && has(&of["tiers"])),
    ("a coupon in full by an event", |of| kind(of).starts_with("coupon.") && has(&object(of)["applies_to"])),
    ("a coupon in full by a list", |of| of["object"] == "coupon" && has(&of["applies_to"])),
    ("currency options by a list", |of| of["object"] == "price" && has(&of["currency_options"])),
    ("a product's marks by an event", |of| kind(of).starts_with("product.")),
    ("a product's marks by a list", |of| of["object"] == "product"),
    ("items past the tenth", |of| object(of)["items"]["has_more"] == true),
    ("a list of items", |of| of["object"] == "list"),
    ("a discount as an id alone", |of| object(of)["discounts"][0].is_string()),
    ("a repeating discount", |of| object(of)["discount"]["coupon"]["duration"] == "repeating"),
    ("a customer's discount with an end", |of| of_customer(of) && has(&object(of)["end"])),
    ("a customer's discount without one", |of| of_customer(of) && !has(&object(of)["end"])),
    ("a customer that shows its discount", |of| {
        kind(of) == "customer.updated" && has(&object(of)["discount"])
    }),
    ("an invoice of the older generation", |of| {
        kind(of) == "invoice.finalized" && has(&object(of)["subscription"])
    }),
    ("an invoice of the newer one", |of| kind(of) == "invoice.finalized" && has(&object(of)["parent"])),
    ("an invoice taken back", |of| kind(of) == "invoice.voided"),
    ("an invoice given up", |of| kind(of) == "invoice.marked_uncollectible"),
    ("euros", |of| object(of)["object"] == "subscription" && object(of)["currency"] == "eur"),
    ("a pause", |of| has(&object(of)["pause_collection"])),
    ("a trial", |of| object(of)["status"] == "trialing"),
    ("an end asked for", |of| has(&object(of)["cancel_at"])),
    ("a customer deleted", |of| kind(of) == "customer.deleted"),
    ("a connected account", |of| has(&of["account"])),
    ("test mode", |of| of["livemode"] == false),
    ("phases to come", |of| kind(of) == "subscription_schedule.updated"),
    ("phases of plans", |of| has(&object(of)["phases"][0]["plans"])),
    ("a schedule released", |of| kind(of) == "subscription_schedule.released"),
    ("a subscription to come", |of| object(of)["status"] == "not_started"),
    ("tax included", |of| has(&object(of)["default_tax_rates"][0])),
];

fn kind(of: &Value) -> &str {
    of["type"].as_str().unwrap_or_default()
}

fn object(of: &Value) -> &Value {
    &of["data"]["object"]
}

fn has(value: &Value) -> bool {
    !value.is_null()
}

fn of_customer(of: &Value) -> bool {
    kind(of).starts_with("customer.discount.") && !has(&object(of)["subscription"])
}

/// What the events of a business show only together.
fn shown_together(events: &[Value]) -> Vec<&'static str> {
    let mut together = Vec::new();
    let ids = |name: &str| -> Vec<&Value> {
        events.iter().filter(|of| kind(of) == name).map(|of| &object(of)["id"]).collect()
    };
    let given_up = ids("invoice.marked_uncollectible");
    if ids("invoice.paid").iter().any(|paid| given_up.contains(paid)) {
        together.push("an invoice paid after all");
    }
    let mut ended: BTreeMap<String, i64> = BTreeMap::new();
    for of in events {
        let customer = object(of)["customer"].to_string();
        match kind(of) {
            "customer.subscription.deleted" => {
                ended.insert(customer, object(of)["ended_at"].as_i64().unwrap());
            }
            "customer.subscription.created" => {
                let at = of["created"].as_i64().unwrap();
                if ended.get(&customer).is_some_and(|end| (0..3 * super::A_DAY).contains(&(at - end))) {
                    together.push("a move to another subscription");
                }
            }
            _ => {}
        }
        let items = object(of)["items"]["data"].as_array().into_iter().flatten();
        let mut intervals: Vec<String> = items.map(|item| item["plan"]["interval"].to_string()).collect();
        intervals.sort();
        intervals.dedup();
        if intervals.len() > 1 {
            together.push("mixed intervals");
        }
    }
    together
}

#[test]
fn generated_businesses_bring_about_everything_the_properties_are_said_of() {
    let mut seen: BTreeMap<&str, usize> = SIGNS.iter().map(|(name, _)| (*name, 0)).collect();
    for name in ["an invoice paid after all", "a move to another subscription", "mixed intervals"] {
        seen.insert(name, 0);
    }
    for seed in 0..SEEDS {
        let told: Vec<Event> = business(seed, seed % 2 == 1);
        let events: Vec<Value> =
            told.iter().map(|event| serde_json::from_str(&event.body).unwrap()).collect();
        for (name, sign) in SIGNS {
            *seen.entry(name).or_default() += usize::from(events.iter().any(sign));
        }
        let mut together = shown_together(&events);
        together.sort_unstable();
        together.dedup();
        for name in together {
            *seen.entry(name).or_default() += 1;
        }
    }
    let rare: Vec<_> = seen.iter().filter(|(_, count)| **count < 3).collect();
    assert!(rare.is_empty(), "too few of {SEEDS} businesses have {rare:?}; of all: {seen:?}");
}
