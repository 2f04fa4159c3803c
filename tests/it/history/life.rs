//! Subscriptions as Stripe keeps them: what happens to them leaves events, invoices, and what lists show.

use chrono::{DateTime, Months};
use serde_json::Value;

use super::wire::{self, Generation, Line, METERED, PRICES, YEARLY};
use crate::business::{A_DAY, BEGINNING, Chance};

#[derive(Clone, PartialEq)]
pub struct Item {
    pub id: String,
    pub price: usize,
    pub quantity: i64,
}

#[derive(Clone, PartialEq)]
pub struct Discount {
    pub id: String,
    pub coupon: String,
    pub is_percent: bool,
    pub duration: &'static str,
    pub start: i64,
    pub end: Option<i64>,
}

#[derive(Clone, PartialEq)]
pub struct Subscription {
    pub id: String,
    pub customer: String,
    pub generation: Generation,
    pub status: &'static str,
    pub items: Vec<Item>,
    pub discount: Option<Discount>,
    pub created: i64,
    pub period: (i64, i64),
    pub trial_end: Option<i64>,
    pub ends_with_period: bool,
    pub canceled_at: Option<i64>,
    pub ended_at: Option<i64>,
}

/// What a life left behind.
#[derive(Default)]
pub struct Left {
    pub events: Vec<Value>,
    pub invoices: Vec<Value>,
    pub subscriptions: Vec<Value>,
    /// When the lists were made.
    pub seen: i64,
}

/// What may happen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Changes {
    /// Only what leaves invoices.
    Billed,
    /// Quantities changed without prorations, as well.
    Unbilled,
}

/// A subscription while it lives.
struct Living<'c> {
    chance: &'c mut Chance,
    now: Subscription,
    clock: i64,
    /// Prorations for the next invoice.
    pending: Vec<Line>,
    /// Something that only the next invoice tells.
    is_untold: bool,
    numbers: usize,
    left: Left,
}

/// One customer with a few subscriptions.
pub fn customer(seed: u64, changes: Changes) -> Left {
    let mut chance = Chance::new(seed);
    let mut left = Left::default();
    for number in 0..=chance.below(2) {
        let begins = BEGINNING + chance.seconds(60);
        let mut living = Living::begin(&mut chance, &format!("sub_{number}"), begins);
        living.live(changes);
        let lived = living.left;
        left.seen = left.seen.max(lived.seen);
        left.events.extend(lived.events);
        left.invoices.extend(lived.invoices);
        left.subscriptions.extend(lived.subscriptions);
    }
    left.events.sort_by_key(|event| event["created"].as_i64());
    left
}

impl<'c> Living<'c> {
    fn begin(chance: &'c mut Chance, id: &str, at: i64) -> Self {
        let generation = *chance.pick(&[Generation::Plan, Generation::Price, Generation::Basil]);
        let trial_end = chance.happens(25).then_some(at + 14 * A_DAY);
        let first = Item { id: format!("si_{id}_0"), price: chance.below(3), quantity: 1 };
        let mut now = Subscription {
            id: id.to_owned(),
            customer: "cus_1".to_owned(),
            generation,
            status: if trial_end.is_some() { "trialing" } else { "active" },
            items: vec![first],
            discount: None,
            created: at,
            period: (at, trial_end.unwrap_or_else(|| months_after(at, 1))),
            trial_end,
            ends_with_period: false,
            canceled_at: None,
            ended_at: None,
        };
        now.items[0].quantity += i64::try_from(chance.below(9)).unwrap();
        if chance.happens(20) {
            now.items.push(Item { id: format!("si_{id}_m"), price: METERED, quantity: 1 });
        }
        let left = Left::default();
        let mut living =
            Self { chance, now, clock: at, pending: Vec::new(), is_untold: false, numbers: 0, left };
        if living.chance.happens(25) {
            living.give_discount();
        }
        living.tell("created", None);
        living.bill("subscription_create");
        living
    }

    fn live(&mut self, changes: Changes) {
        let until = self.clock + 200 * A_DAY + self.chance.seconds(150);
        self.renew_until(self.now.trial_end.unwrap_or(self.clock));
        while self.clock < until && self.now.ended_at.is_none() {
            let next = self.clock + 3_600 + self.chance.seconds(35);
            self.renew_until(next);
            if self.now.ended_at.is_some() {
                break;
            }
            self.clock = next;
            self.change(changes);
        }
        while self.now.ended_at.is_none() && (self.is_untold || !self.pending.is_empty()) {
            self.renew_until(self.now.period.1);
        }
        self.left.seen = self.clock + 7_200;
        let shown = wire::subscription(&self.now);
        self.left.subscriptions.push(shown);
    }

    /// Everything that renews up to an instant, the changes that come with a new period too.
    fn renew_until(&mut self, until: i64) {
        while self.now.ended_at.is_none() && self.now.period.1 <= until {
            self.clock = self.now.period.1;
            let was = self.now.clone();
            if self.now.ends_with_period {
                return self.end(&was);
            }
            let used = self.now.period;
            self.now.period = (self.clock, self.period_after(self.clock));
            self.now.status = "active";
            if was.status == "active" && self.chance.happens(20) {
                self.now.items[0].quantity = 1 + i64::try_from(self.chance.below(9)).unwrap();
            }
            if was.status == "active" && !self.is_untold && self.chance.happens(15) {
                self.now.discount = None;
            }
            self.tell("updated", Some(&was));
            self.bill_cycle(used);
        }
    }

    fn bill_cycle(&mut self, used: (i64, i64)) {
        for item in self.now.items.clone() {
            if item.price == METERED {
                let amount = i64::try_from(self.chance.below(40)).unwrap() * 50;
                self.pending.push(Line { item, period: used, amount, is_proration: false });
            }
        }
        self.bill("subscription_cycle");
        self.is_untold = false;
    }

    fn period_after(&self, at: i64) -> i64 {
        months_after(at, if self.now.items[0].price == YEARLY { 12 } else { 1 })
    }

    fn is_yearly(&self) -> bool {
        self.now.items[0].price == YEARLY
    }

    fn change(&mut self, changes: Changes) {
        let was = self.now.clone();
        let what = self.chance.below(16);
        match what {
            0..=2 => self.now.items[0].quantity += 1 + i64::try_from(self.chance.below(4)).unwrap(),
            3 if self.now.items[0].quantity > 1 => self.now.items[0].quantity -= 1,
            4 | 5 if !self.is_yearly() => self.now.items[0].price = (was.items[0].price + 1) % 3,
            6 | 7 if !self.is_yearly() && !self.has(4) => self.add(4),
            8 if !self.is_yearly() && !self.has(5) => self.add(5),
            9 if self.has(4) => self.now.items.retain(|item| item.price != 4),
            10 if self.now.items.len() == 1 && !self.is_yearly() && self.pending.is_empty() => {
                return self.change_interval(&was);
            }
            11 if self.now.discount.is_none() && !self.is_yearly() && !self.now.ends_with_period => {
                self.give_discount();
                self.is_untold = true;
                return self.tell("updated", Some(&was));
            }
            12 if changes == Changes::Unbilled => {
                self.now.items[0].quantity += 2;
                return self.tell("updated", Some(&was));
            }
            13 if !self.is_yearly() && !self.is_untold && !self.now.ends_with_period => {
                self.now.ends_with_period = true;
                self.now.canceled_at = Some(self.clock);
                return self.tell("updated", Some(&was));
            }
            14 if self.chance.happens(40) && !self.is_untold && self.pending.is_empty() => {
                return self.end(&was);
            }
            _ => return,
        }
        self.tell("updated", Some(&was));
        self.prorate(&was);
    }

    fn has(&self, price: usize) -> bool {
        self.now.items.iter().any(|item| item.price == price)
    }

    fn add(&mut self, price: usize) {
        self.numbers += 1;
        let id = format!("si_{}_{}", self.now.id, self.numbers + 10);
        let quantity = 1 + i64::try_from(self.chance.below(3)).unwrap();
        self.now.items.push(Item { id, price, quantity });
    }

    fn give_discount(&mut self) {
        self.numbers += 1;
        let is_percent = self.chance.happens(60);
        let duration = *self.chance.pick(&["forever", "forever", "repeating", "once"]);
        self.now.discount = Some(Discount {
            id: format!("di_{}_{}", self.now.id, self.numbers),
            coupon: format!("coupon_{}_{duration}", if is_percent { "quarter" } else { "three" }),
            is_percent,
            duration,
            start: self.clock,
            end: (duration == "repeating").then(|| months_after(self.clock, 3)),
        });
    }

    /// Lines for what was not used of the old and what remains of the new, at once or with the next invoice.
    fn prorate(&mut self, was: &Subscription) {
        let period = (self.clock, self.now.period.1);
        let line = |item: &Item, sign: i64| Line {
            item: item.clone(),
            period,
            amount: sign * (PRICES[item.price].2 * item.quantity / 2).max(1),
            is_proration: true,
        };
        let old = was.items.iter().filter(|item| !self.now.items.contains(item)).map(|item| line(item, -1));
        let new = self.now.items.iter().filter(|item| !was.items.contains(item)).map(|item| line(item, 1));
        let lines: Vec<Line> = old.chain(new).collect();
        self.pending.extend(lines);
        if self.is_yearly() || self.now.ends_with_period || self.chance.happens(40) {
            self.bill("subscription_update");
        }
    }

    /// From months to years: a new period begins, and what is left of the old is given back.
    fn change_interval(&mut self, was: &Subscription) {
        let unused = Line {
            item: was.items[0].clone(),
            period: (self.clock, was.period.1),
            amount: -1,
            is_proration: true,
        };
        self.pending.push(unused);
        self.now.items[0].price = YEARLY;
        self.now.period = (self.clock, self.period_after(self.clock));
        self.tell("updated", Some(was));
        let regular = self.regular();
        self.pending.extend(regular);
        self.bill("subscription_update");
        self.is_untold = false;
    }

    fn regular(&self) -> Vec<Line> {
        let is_trial = self.now.status == "trialing";
        let licensed = self.now.items.iter().filter(|item| item.price != METERED);
        let line = |item: &Item| Line {
            item: item.clone(),
            period: self.now.period,
            amount: if is_trial { 0 } else { PRICES[item.price].2 * item.quantity },
            is_proration: false,
        };
        licensed.map(line).collect()
    }

    fn end(&mut self, was: &Subscription) {
        self.now.status = "canceled";
        self.now.ended_at = Some(self.clock);
        self.now.canceled_at.get_or_insert(self.clock);
        self.tell("deleted", Some(was));
        if !self.pending.is_empty() {
            // What is left of prorations is billed with the end.
            self.bill("subscription_cancel");
        }
    }

    fn bill(&mut self, reason: &str) {
        let mut lines = std::mem::take(&mut self.pending);
        if matches!(reason, "subscription_cycle" | "subscription_create") {
            lines.extend(self.regular());
        }
        self.numbers += 1;
        let id = format!("in_{}_{}", self.now.id, self.numbers);
        let invoice = wire::invoice(&self.now, &id, reason, self.clock, &lines);
        self.left.invoices.push(invoice);
    }

    fn tell(&mut self, kind: &str, was: Option<&Subscription>) {
        self.numbers += 1;
        let id = format!("evt_{:04}_{}_{}", self.chance.below(10_000), self.now.id, self.numbers);
        let shown = wire::subscription(&self.now);
        let before = was.filter(|_| kind == "updated").map(|was| previous(&wire::subscription(was), &shown));
        let kind = format!("customer.subscription.{kind}");
        self.left.events.push(wire::event(&id, self.clock, &kind, &shown, before));
    }
}

/// What an event shows of the state before it.
fn previous(was: &Value, now: &Value) -> Value {
    let members = was.as_object().unwrap().iter();
    let changed = members.filter(|(name, value)| now.get(name.as_str()) != Some(value));
    changed.map(|(name, value)| (name.clone(), value.clone())).collect::<serde_json::Map<_, _>>().into()
}

fn months_after(at: i64, months: u32) -> i64 {
    let at = DateTime::from_timestamp(at, 0).unwrap();
    at.checked_add_months(Months::new(months)).unwrap().timestamp()
}
