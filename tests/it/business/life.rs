//! Lives: of a customer with its subscriptions, and of a subscription from its beginning to its end.

use serde_json::json;

use super::catalogue::{ADD_ON, COUPONS, METERED, NEWEST, THREE_MONTHS, any_price, listed};
use super::wire::{discount_object, items_listed, told};
use super::{A_DAY, BEGINNING, Chance, Event, event_id, invoice, whole_event};

const OLDEST: &str = "2018-05-21";
const VERSIONS: [&str; 3] = [OLDEST, "2022-11-15", NEWEST];

#[derive(Clone, PartialEq)]
pub struct Item {
    pub id: String,
    pub price: usize,
    pub quantity: u64,
    pub created: i64,
}

impl Item {
    pub fn is_metered(&self) -> bool {
        METERED.contains(&self.price)
    }
}

#[derive(Clone, PartialEq)]
pub struct Discount {
    pub id: String,
    pub coupon: usize,
    pub start: i64,
    pub end: Option<i64>,
}

#[derive(Clone, PartialEq)]
pub struct Subscription {
    /// Its id without the prefix.
    pub name: String,
    pub customer: String,
    pub version: &'static str,
    pub currency: &'static str,
    pub status: &'static str,
    pub items: Vec<Item>,
    pub is_paused: bool,
    pub discount: Option<Discount>,
    /// Whether its discounts are sent as ids alone.
    pub shows_ids: bool,
    pub has_tax: bool,
    pub created: i64,
    pub trial_end: Option<i64>,
    pub ends_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub period: i64,
}

impl Subscription {
    pub fn id(&self) -> String {
        format!("sub_{}", self.name)
    }

    pub fn is_oldest(&self) -> bool {
        self.version == OLDEST
    }

    pub fn is_newest(&self) -> bool {
        self.version == NEWEST
    }

    fn begin(chance: &mut Chance, customer: &str, name: &str, clock: i64) -> Self {
        let mut now = Self {
            name: name.to_owned(),
            customer: customer.to_owned(),
            version: chance.pick::<&'static str>(&VERSIONS),
            currency: chance.pick::<&'static str>(&["usd", "usd", "usd", "eur"]),
            status: chance.pick::<&'static str>(&["active", "active", "trialing", "incomplete"]),
            items: Vec::new(),
            is_paused: false,
            discount: None,
            shows_ids: chance.happens(50),
            has_tax: chance.happens(15),
            created: clock,
            trial_end: None,
            ends_at: None,
            ended_at: None,
            period: clock,
        };
        now.trial_end = (now.status == "trialing").then_some(clock + 14 * A_DAY);
        now.add_item(chance, 0, clock);
        if chance.happens(20) {
            now.add_item(chance, 99, clock);
            now.items[1].price = METERED[usize::from(now.currency == "eur")];
        }
        if now.currency == "usd" && chance.happens(10) {
            // More than an event shows.
            for number in 100..111 {
                now.add_item(chance, number, clock);
                now.items.last_mut().unwrap().price = ADD_ON;
            }
        }
        now
    }

    fn any_price(&self, chance: &mut Chance) -> usize {
        any_price(chance, self.currency, self.is_oldest())
    }

    fn add_item(&mut self, chance: &mut Chance, number: usize, created: i64) {
        let id = format!("si_{}_{number}", self.name);
        let price = self.any_price(chance);
        let quantity = 1 + u64::try_from(chance.below(12)).unwrap();
        self.items.push(Item { id, price, quantity, created });
    }

    fn is_wide(&self) -> bool {
        self.items.len() > 10
    }
}

/// All that happens to a customer, as it is heard of.
pub fn customer(chance: &mut Chance, number: usize, is_midlife: bool) -> Vec<Event> {
    let customer = format!("cus_{number}");
    let mut told = Vec::new();
    let mut clock = BEGINNING + chance.seconds(40);
    let mut last = clock;
    for subscription in 0..=chance.below(3) {
        let name = format!("{number}{subscription}");
        let (mut events, ended_at) = live(chance, &customer, &name, clock);
        last = last.max(events.iter().map(|event| event.created).max().unwrap());
        if is_midlife && chance.happens(50) {
            let missing = chance.below(events.len());
            events.drain(..missing);
        }
        told.append(&mut events);
        clock = match ended_at {
            // It moves to another subscription.
            Some(ended_at) if chance.happens(60) => ended_at + chance.seconds(3),
            _ => clock + chance.seconds(60),
        };
    }
    if chance.happens(10) {
        let object = json!({"id": customer, "object": "customer", "metadata": {}, "discount": null});
        let id = event_id(chance, &customer, 0);
        let gone = whole_event(&id, NEWEST, last + A_DAY, "customer.deleted", &json!({ "object": object }));
        told.push(gone);
    }
    told
}

/// A subscription's life, and when it ended if it did.
fn live(chance: &mut Chance, customer: &str, name: &str, from: i64) -> (Vec<Event>, Option<i64>) {
    let mut clock = from;
    let mut now = Subscription::begin(chance, customer, name, clock);
    let mut events = vec![told(chance, 0, clock, "created", &now, None)];
    for step in 1..=chance.below(12) {
        // A third of the changes come in the same second as the one before.
        if !chance.happens(33) {
            clock += 1 + chance.seconds(25);
        }
        let was = now.clone();
        let kind = change(chance, &mut now, step, clock);
        if now.period != was.period {
            events.append(&mut invoice::bills(chance, &was, step, clock));
        }
        let number = events.len();
        events.push(told(chance, number, clock, kind, &now, Some(&was)));
        events.extend(discount_told(chance, &was, &now, step, clock));
        if kind == "deleted" {
            break;
        }
        if now.is_wide() && chance.happens(50) {
            events.push(listed(clock, &items_listed(&now)));
        }
    }
    events.sort_by_key(|event| event.created);
    (events, now.ended_at)
}

/// What an event of the discount itself tells, of one that the subscription's shows as an id.
fn discount_told(
    chance: &mut Chance,
    was: &Subscription,
    now: &Subscription,
    step: usize,
    clock: i64,
) -> Option<Event> {
    if !now.shows_ids || now.discount == was.discount {
        return None;
    }
    let (change, discount) = match (&was.discount, &now.discount) {
        (_, Some(given)) => ("created", given),
        (Some(taken), None) => ("deleted", taken),
        (None, None) => return None,
    };
    let id = event_id(chance, &format!("{}_di", now.name), step);
    let data = json!({ "object": discount_object(now, discount, now.is_newest()) });
    Some(whole_event(&id, now.version, clock, &format!("customer.discount.{change}"), &data))
}

/// Changes the subscription as a person or Stripe would, and says by which event it is told.
fn change(chance: &mut Chance, now: &mut Subscription, step: usize, clock: i64) -> &'static str {
    match chance.below(20) {
        0 | 1 => now.items[0].quantity += 1 + u64::try_from(chance.below(4)).unwrap(),
        2 => now.items[0].quantity = 1,
        3 | 4 => now.items[0].price = now.any_price(chance),
        5 => {
            now.items[0].price = now.any_price(chance);
            now.items[0].quantity += 2;
        }
        6 if !now.is_wide() => now.add_item(chance, step, clock),
        7 if !now.is_wide() && now.items.len() > 1 => {
            now.items.pop();
        }
        8 => now.is_paused = !now.is_paused,
        9 | 10 => change_discount(chance, now, step, clock),
        11 => now.status = chance.pick::<&'static str>(&["active", "past_due", "unpaid"]),
        12 if chance.happens(70) => {
            now.status = "canceled";
            now.ended_at = Some(clock - i64::try_from(chance.below(3)).unwrap());
            return "deleted";
        }
        13 | 14 | 18 | 19 => now.period = clock,
        15 => now.ends_at = if now.ends_at.is_some() { None } else { Some(clock + 40 * A_DAY) },
        16 => now.has_tax = !now.has_tax && !now.is_oldest(),
        _ => now.status = "active",
    }
    "updated"
}

fn change_discount(chance: &mut Chance, now: &mut Subscription, step: usize, clock: i64) {
    now.discount = match &now.discount {
        Some(_) => None,
        None => {
            let coupon = chance.below(COUPONS.len());
            let end = COUPONS[coupon].is_repeating().then_some(clock + THREE_MONTHS);
            Some(Discount { id: format!("di_{}_{step}", now.name), coupon, start: clock, end })
        }
    };
}
