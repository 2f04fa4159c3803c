//! Whole businesses: customers whose subscriptions live random lives, told as Stripe tells them, with right
//! `previous_attributes`, in several API versions, with same-second changes; and what the catalogue's own
//! events and lists tell of the prices and coupons behind them.

mod beside;
mod catalogue;
mod chance;
mod counted;
mod invoice;
mod life;
mod schedules;
mod wire;

use serde_json::{Value, json};

pub use catalogue::told_otherwise;
pub use chance::{Chance, cases};

/// When the first business begins.
pub const BEGINNING: i64 = 1_735_689_600;
pub const A_DAY: i64 = 86_400;

/// One event of a generated business, or an object of a list.
#[derive(Clone)]
pub struct Event {
    pub id: String,
    /// Of a listed object, when the list was made.
    pub created: i64,
    pub body: String,
    /// Whether it is an object of a list, which no webhook brings.
    pub is_listed: bool,
}

impl Event {
    /// When it was received, if the rest was at `now`: what a list shows holds since it was seen.
    pub fn received_at(&self, now: i64) -> i64 {
        if self.is_listed { self.created } else { now }
    }
}

/// The business of a seed: every event of its customers, in the order they happened. With
/// `is_midlife` the first events of some subscriptions are missing, as at an endpoint set up late.
pub fn business(seed: u64, is_midlife: bool) -> Vec<Event> {
    let mut chance = Chance::new(seed);
    let mut told = Vec::new();
    let customers = 1 + chance.below(3);
    for customer in 0..customers {
        told.append(&mut life::customer(&mut chance, customer, is_midlife));
    }
    told.append(&mut catalogue::lessons(&mut chance));
    told.append(&mut beside::discounts_of_customers(&mut chance));
    // Of chances of their own, so that all else of a seed is as it was.
    let mut ahead = schedules::schedules(&mut Chance::new(seed ^ 0x5CED), &told);
    told.append(&mut beside::other_books(&mut chance, &told));
    told.append(&mut ahead);
    told.sort_by_key(|event: &Event| event.created);
    told
}

fn whole_event(id: &str, version: &str, created: i64, kind: &str, data: &Value) -> Event {
    let body = json!({
        "id": id, "object": "event", "api_version": version, "created": created, "livemode": true,
        "type": kind, "pending_webhooks": 1, "request": {"id": null, "idempotency_key": null}, "data": data,
    });
    Event { id: id.to_owned(), created, body: body.to_string(), is_listed: false }
}

/// An id that says nothing about order.
fn event_id(chance: &mut Chance, name: &str, number: usize) -> String {
    format!("evt_{:04}_{name}_{number}", chance.below(10_000))
}
