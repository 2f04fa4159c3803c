//! The life of the business: customers come, renew, grow, shrink, pause a payment, leave and come back.
//! Memory holds the customers and what each does next, whatever the number of events.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use chrono::{DateTime, Months};

use crate::catalogue::{ADD_ON, METERED, PLANS, Price};
use crate::wire;

/// The end of October 2026, UTC, where every business ends.
const END: i64 = 1_793_491_200;
/// A month of the calendar, on average.
const A_MONTH: i64 = 2_629_746;
/// From this instant on events are written in the newer form of the API.
const NEWER_SINCE: i64 = 1_759_276_800;

/// An item of a subscription.
#[derive(Clone)]
pub struct Item {
    pub number: u32,
    pub price: &'static Price,
    pub quantity: u64,
    pub created: i64,
}

/// A customer with its one subscription, as of now.
#[derive(Clone)]
pub struct Customer {
    pub number: u64,
    /// How often it has come; each time a subscription of its own.
    pub times: u32,
    pub created: i64,
    pub started: i64,
    pub period: (i64, i64),
    pub status: &'static str,
    pub currency: &'static str,
    pub country: &'static str,
    pub is_yearly: bool,
    pub plan: usize,
    pub items: Vec<Item>,
    pub invoices: u32,
    pub renewals: u32,
    /// When the period before this one began.
    pub was_since: i64,
    pub ended: Option<i64>,
}

/// What a customer does next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Come,
    Start,
    Change,
    Renew,
    Bill { is_paid: bool },
    FallBehind,
    CatchUp,
    Leave,
}

/// The business, and what is to come of it.
pub struct Business {
    chance: fastrand::Rng,
    customers: Vec<Customer>,
    agenda: BinaryHeap<Reverse<(i64, u64, Act)>>,
    is_newer: bool,
    /// Whether anything is billed by use.
    pub sells_use: bool,
}

impl Business {
    /// A business of so many customers, who come over so many months, more of them later on.
    pub fn new(seed: u64, customers: u64, months: u64) -> Self {
        let mut chance = fastrand::Rng::with_seed(seed);
        let length = i64::try_from(months).unwrap_or(36) * A_MONTH;
        let mut agenda = BinaryHeap::new();
        let mut all = Vec::new();
        for number in 1..=customers {
            // One in five is there at the beginning; the others come evenly.
            let at = if chance.u8(..16) < 3 { chance.i64(0..A_MONTH) } else { chance.i64(0..length) };
            let created = END - length + at;
            all.push(customer(&mut chance, number, created));
            agenda.push(Reverse((created, number, Act::Come)));
        }
        Self { chance, customers: all, agenda, is_newer: false, sells_use: true }
    }

    /// Writes the next event, or says that there is none.
    pub fn next_event(&mut self, number: u64, into: &mut String) -> bool {
        let Some(Reverse((at, of, act))) = self.agenda.pop() else { return false };
        if at >= END {
            return false;
        }
        self.is_newer = at >= NEWER_SINCE;
        let Ok(index) = usize::try_from(of - 1) else { return false };
        let mut customer = self.customers[index].clone();
        let mut event = wire::Event { number, at, is_newer: self.is_newer, into };
        match act {
            Act::Come => {
                event.customer_created(&customer);
                self.then(at + 2, of, Act::Start);
            }
            Act::Start => self.start(&mut customer, at, &mut event),
            Act::Change => self.change(&mut customer, at, &mut event),
            Act::Renew => self.renew(&mut customer, at, &mut event),
            Act::Bill { is_paid } => self.bill(&mut customer, at, is_paid, &mut event),
            Act::FallBehind => self.pay_late(&mut customer, at, &mut event),
            Act::CatchUp => stand(&mut customer, ("past_due", "active"), &mut event),
            Act::Leave => self.leave(&mut customer, at, &mut event),
        }
        self.customers[index] = customer;
        true
    }

    fn then(&mut self, at: i64, of: u64, act: Act) {
        self.agenda.push(Reverse((at, of, act)));
    }

    fn start(&mut self, customer: &mut Customer, at: i64, event: &mut wire::Event<'_>) {
        customer.times += 1;
        customer.started = at;
        customer.ended = None;
        customer.status = "active";
        customer.period = (at, period_end(customer, 1));
        customer.renewals = 1;
        customer.was_since = at;
        customer.items =
            vec![self.item(customer, 0, &PLANS[customer.plan][usize::from(customer.is_yearly)], at)];
        if self.sells_use && !customer.is_yearly && self.chance.u8(..5) == 0 {
            let mut metered = self.item(customer, 1, &METERED, at);
            metered.quantity = 0;
            customer.items.push(metered);
        }
        event.subscribed(customer);
        self.then(at + 3, customer.number, Act::Bill { is_paid: false });
        self.then(customer.period.1, customer.number, Act::Renew);
        self.plan_ahead(customer, at);
    }

    fn item(&mut self, customer: &Customer, index: u32, price: &'static Price, at: i64) -> Item {
        let seats = [1, 1, 2, 3, 5, 8, 12, 25][self.chance.usize(..8)];
        let quantity = if price.product == "prod_audit" { 1 } else { seats };
        Item { number: customer.times * 100 + index, price, quantity, created: at }
    }

    /// Its next change, and for some the day they leave.
    fn plan_ahead(&mut self, customer: &Customer, at: i64) {
        let wait = A_MONTH * 2 + self.chance.i64(0..A_MONTH * 14);
        self.then(at + wait, customer.number, Act::Change);
        if self.chance.u8(..5) < 2 {
            let stay = A_MONTH * 3 + self.chance.i64(0..A_MONTH * 24);
            self.then(at + stay, customer.number, Act::Leave);
        }
    }

    fn change(&mut self, customer: &mut Customer, at: i64, event: &mut wire::Event<'_>) {
        let before = customer.clone();
        let by_year = usize::from(customer.is_yearly);
        match self.chance.u8(..20) {
            // A larger plan, or more seats where there is none.
            0..=5 if customer.plan < 2 => {
                customer.plan += 1;
                customer.items[0].price = &PLANS[customer.plan][by_year];
            }
            6 if customer.plan > 0 => {
                customer.plan -= 1;
                customer.items[0].price = &PLANS[customer.plan][by_year];
            }
            7..=9 if !customer.items.iter().any(|item| item.price.product == "prod_audit") => {
                let item = self.item(customer, 2, &ADD_ON[by_year], at);
                customer.items.push(item);
            }
            10..=12 if customer.items[0].quantity > 1 => customer.items[0].quantity -= 1,
            _ => customer.items[0].quantity += 1 + self.chance.u64(..4),
        }
        if customer.ended.is_none() {
            event.updated(customer, &before);
            let wait = A_MONTH + self.chance.i64(0..A_MONTH * 12);
            self.then(at + wait, customer.number, Act::Change);
        } else {
            *customer = before;
            event.customer_updated(customer);
        }
    }

    fn renew(&mut self, customer: &mut Customer, at: i64, event: &mut wire::Event<'_>) {
        // One of a subscription that has ended in the meantime, or is another by now.
        if customer.ended.is_some() || customer.period.1 != at {
            return event.customer_updated(customer);
        }
        let before = customer.clone();
        customer.renewals += 1;
        customer.was_since = customer.period.0;
        customer.period = (at, period_end(customer, customer.renewals));
        event.updated(customer, &before);
        self.then(at + 1, customer.number, Act::Bill { is_paid: false });
        self.then(customer.period.1, customer.number, Act::Renew);
    }

    fn bill(&mut self, customer: &mut Customer, at: i64, is_paid: bool, event: &mut wire::Event<'_>) {
        if is_paid {
            return event.invoiced(customer, "invoice.paid", "paid");
        }
        customer.invoices += 1;
        let uses = customer.items.iter_mut().filter(|item| item.price.is_metered);
        uses.for_each(|item| item.quantity = item.quantity / 2 + self.chance.u64(..40_000));
        event.invoiced(customer, "invoice.finalized", "open");
        self.then(at + 3_600, customer.number, Act::Bill { is_paid: true });
        if self.chance.u8(..50) == 0 {
            self.then(at + 7_200, customer.number, Act::FallBehind);
        }
    }

    fn pay_late(&mut self, customer: &mut Customer, at: i64, event: &mut wire::Event<'_>) {
        self.then(at + 86_400, customer.number, Act::CatchUp);
        stand(customer, ("active", "past_due"), event);
    }

    fn leave(&mut self, customer: &mut Customer, at: i64, event: &mut wire::Event<'_>) {
        customer.status = "canceled";
        customer.ended = Some(at);
        event.ended(customer);
        if self.chance.u8(..8) == 0 {
            let away = A_MONTH + self.chance.i64(0..A_MONTH * 6);
            self.then(at + away, customer.number, Act::Start);
        }
    }
}

/// From one status to another, if it has the first.
fn stand(customer: &mut Customer, (from, to): (&str, &'static str), event: &mut wire::Event<'_>) {
    if customer.status != from {
        return event.customer_updated(customer);
    }
    let before = customer.clone();
    customer.status = to;
    event.updated(customer, &before);
}

/// When a customer's period of this number ends: so many calendar months after it started.
fn period_end(customer: &Customer, periods: u32) -> i64 {
    let months = Months::new(if customer.is_yearly { 12 * periods } else { periods });
    let end = DateTime::from_timestamp(customer.started, 0).and_then(|at| at.checked_add_months(months));
    end.map_or(END, |at| at.timestamp())
}

fn customer(chance: &mut fastrand::Rng, number: u64, created: i64) -> Customer {
    let (currency, country) =
        [("usd", "US"), ("usd", "CA"), ("usd", "AU"), ("eur", "DE"), ("eur", "FR")][chance.usize(..5)];
    Customer {
        number,
        times: 0,
        created,
        started: created,
        period: (created, created),
        status: "active",
        currency,
        country,
        is_yearly: chance.u8(..5) == 0,
        plan: chance.usize(..3),
        items: Vec::new(),
        invoices: 0,
        renewals: 0,
        was_since: created,
        ended: None,
    }
}
