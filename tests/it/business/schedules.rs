//! Schedules of the business: what its subscriptions are to become, after all that happens to them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::catalogue::{NEWEST, PRICES};
use super::{A_DAY, BEGINNING, Chance, Event, event_id, whole_event};

/// When phases begin: after every generated life.
const AHEAD: i64 = 1_800_000_000;
const VERSIONS: [&str; 3] = ["2019-03-14", "2022-11-15", NEWEST];

/// Schedules of some of the subscriptions that these events tell of, and now and then one that has none yet. The last
/// word about each comes with the last of its subscription, which so has it still.
pub fn schedules(chance: &mut Chance, told: &[Event]) -> Vec<Event> {
    let mut events = Vec::new();
    for (subscription, (customer, last)) in subscriptions(told) {
        if !chance.happens(50) {
            continue;
        }
        let schedule = Schedule::of(chance, &customer, Some(&subscription));
        let early = Schedule { phases: phases(chance, schedule.version), ..schedule.clone() };
        let before = last - chance.seconds(20);
        events.push(early.told(chance, before, "created", "active"));
        events.push(schedule.told(chance, last, "updated", "active"));
        if chance.happens(20) {
            events.push(schedule.told(chance, last + 1, "released", "released"));
        }
    }
    if chance.happens(40) {
        let to_come = Schedule::of(chance, "cus_0", None);
        let at = BEGINNING + chance.seconds(200);
        events.push(to_come.told(chance, at, "created", "not_started"));
    }
    events
}

/// Each subscription's customer, and when the last event of it was made.
fn subscriptions(told: &[Event]) -> BTreeMap<String, (String, i64)> {
    let mut subscriptions = BTreeMap::new();
    for event in told {
        let body: Value = serde_json::from_str(&event.body).unwrap();
        let object = &body["data"]["object"];
        if object["object"] == "subscription" {
            let text = |name: &str| object[name].as_str().unwrap().to_owned();
            let last = subscriptions.entry(text("id")).or_insert((text("customer"), event.created));
            last.1 = last.1.max(event.created);
        }
    }
    subscriptions
}

#[derive(Clone)]
struct Schedule {
    id: String,
    customer: String,
    subscription: Option<String>,
    version: &'static str,
    ends: bool,
    phases: Vec<Value>,
}

impl Schedule {
    fn of(chance: &mut Chance, customer: &str, subscription: Option<&str>) -> Self {
        let version = chance.pick::<&'static str>(&VERSIONS);
        Self {
            id: format!("sub_sched_{}", subscription.unwrap_or(customer)),
            customer: customer.to_owned(),
            subscription: subscription.map(str::to_owned),
            version,
            ends: chance.happens(30),
            phases: phases(chance, version),
        }
    }

    fn told(&self, chance: &mut Chance, at: i64, kind: &str, status: &str) -> Event {
        let object = json!({
            "id": self.id, "object": "subscription_schedule", "created": at, "customer": self.customer,
            "subscription": self.subscription, "status": status, "phases": self.phases, "metadata": {},
            "end_behavior": if self.ends { "cancel" } else { "release" }, "livemode": true,
        });
        let id = event_id(chance, &format!("{}_{kind}", self.id), 0);
        whole_event(
            &id,
            self.version,
            at,
            &format!("subscription_schedule.{kind}"),
            &json!({ "object": object }),
        )
    }
}

/// One phase to three, one after the other.
fn phases(chance: &mut Chance, version: &str) -> Vec<Value> {
    let first = AHEAD + chance.seconds(20);
    let count = 1 + i64::try_from(chance.below(3)).unwrap();
    let phase = |number: i64| {
        let start = first + 30 * A_DAY * number;
        let items: Vec<Value> = (0..=chance.below(2)).map(|_| item(chance, version)).collect();
        let mut phase = json!({"start_date": start, "end_date": start + 30 * A_DAY, "trial_end": null});
        phase[if version == VERSIONS[0] { "plans" } else { "items" }] = items.into();
        if version == NEWEST {
            phase["discounts"] = json!([]);
        } else {
            phase["coupon"] = Value::Null;
        }
        phase
    };
    (0..count).map(phase).collect()
}

/// An item by its price's id, or now and then with the price in full.
fn item(chance: &mut Chance, version: &str) -> Value {
    let price = chance.pick(&PRICES);
    let quantity = 1 + chance.below(9);
    match version == VERSIONS[0] {
        true => json!({"plan": price.id, "quantity": quantity, "tax_rates": []}),
        false if chance.happens(20) => json!({"price": price.shown(), "quantity": quantity}),
        false => json!({"price": price.id, "plan": price.id, "quantity": quantity, "tax_rates": []}),
    }
}
