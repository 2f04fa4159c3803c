//! Generated businesses: subscriptions that live random lives, told as Stripe tells them, with right
//! `previous_attributes`, in several API versions, with same-second changes.

use serde_json::{Value, json};

/// A small deterministic source of chance.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }

    pub fn happens(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }

    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for index in (1..all.len()).rev() {
            all.swap(index, self.below(index + 1));
        }
    }
}

const VERSIONS: [&str; 3] = ["2018-05-21", "2022-11-15", "2026-09-30.endive"];

/// Price, product, unit amount, interval; an amount below zero stands for tiers, which events leave out.
const PRICES: [(&str, &str, i64, &str); 8] = [
    ("price_basic", "prod_basic", 1_000, "month"),
    ("price_pro", "prod_pro", 2_000, "month"),
    ("price_pro_yearly", "prod_pro", 20_000, "year"),
    ("price_plus", "prod_pro", 3_000, "month"),
    ("price_week", "prod_week", 333, "week"),
    ("price_addon", "prod_addon", 500, "month"),
    ("price_free", "prod_free", 0, "month"),
    ("price_tiered", "prod_pro", -1, "month"),
];

#[derive(Clone, PartialEq)]
struct Item {
    id: String,
    price: usize,
    quantity: u64,
}

#[derive(Clone, PartialEq)]
struct Subscription {
    id: String,
    customer: String,
    version: &'static str,
    status: &'static str,
    items: Vec<Item>,
    is_paused: bool,
    percent_off: Option<u8>,
    /// Whether its discounts are sent as ids alone.
    shows_ids: bool,
    created: i64,
    ended_at: Option<i64>,
    period: i64,
}

/// One event of a generated business.
#[derive(Clone)]
pub struct Event {
    pub id: String,
    pub created: i64,
    pub body: String,
}

/// The business of a seed: every event of its customers, in the order they happened. With
/// `is_midlife` the first events of some subscriptions are missing, as at an endpoint set up late.
pub fn business(seed: u64, is_midlife: bool) -> Vec<Event> {
    let mut chance = Chance::new(seed);
    let mut told = Vec::new();
    for customer in 0..=chance.below(3) {
        let mut clock = 1_735_689_600 + i64::try_from(chance.below(40 * 86_400)).unwrap();
        for subscription in 0..=chance.below(3) {
            let name = format!("{customer}{subscription}");
            let mut events = life(&mut chance, &format!("cus_{customer}"), &name, clock);
            if is_midlife && chance.happens(50) {
                let missing = chance.below(events.len());
                events.drain(..missing);
            }
            told.append(&mut events);
            clock += i64::try_from(chance.below(60 * 86_400)).unwrap();
        }
    }
    told.append(&mut lessons(&mut chance));
    told.sort_by_key(|event: &Event| event.created);
    told
}

/// What the catalogue's own events tell: the tiers, the coupon behind discounts' ids, and now and then a
/// discount of a customer itself; any time, before or after it is needed.
fn lessons(chance: &mut Chance) -> Vec<Event> {
    let mut told = Vec::new();
    let mut tell = |chance: &mut Chance, kind: &str, object: &Value| {
        let created = 1_735_689_600 + i64::try_from(chance.below(400 * 86_400)).unwrap();
        let id = format!("evt_{:04}_{}", chance.below(10_000), told.len());
        told.push(whole_event(&id, "2026-09-30.endive", created, kind, &json!({ "object": object })));
        created
    };
    let tiers = json!({"id": "price_tiered", "object": "price", "active": true, "billing_scheme": "tiered",
        "currency": "usd", "product": "prod_pro", "type": "recurring", "unit_amount": null, "metadata": {},
        "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"},
        "tiers_mode": chance.pick(&["graduated", "volume"]), "transform_quantity": null,
        "tiers": [{"up_to": 5, "flat_amount": 100, "unit_amount": 700}, {"up_to": null, "unit_amount": 400}]});
    for _ in 0..chance.below(3) {
        let kind = if chance.happens(50) { "price.created" } else { "price.updated" };
        tell(chance, kind, &tiers);
    }
    let coupon = json!({"id": "quarter", "object": "coupon", "percent_off": 25, "amount_off": null,
        "duration": "forever", "created": 1_735_000_000});
    if chance.happens(70) {
        tell(chance, "coupon.created", &coupon);
    }
    if chance.happens(40) {
        let mut discount = json!({"id": "di_own", "object": "discount", "customer": "cus_0", "subscription": null,
            "start": 1, "end": null, "coupon": coupon});
        if chance.happens(50) {
            discount["source"] = json!({"type": "coupon", "coupon": "quarter"});
            discount["coupon"] = Value::Null;
        }
        tell(chance, "customer.discount.created", &discount);
        if chance.happens(50) {
            tell(chance, "customer.discount.deleted", &discount);
        }
    }
    told
}

fn whole_event(id: &str, version: &str, created: i64, kind: &str, data: &Value) -> Event {
    let body = json!({
        "id": id, "object": "event", "api_version": version, "created": created, "livemode": true,
        "type": kind, "pending_webhooks": 1, "request": {"id": null, "idempotency_key": null}, "data": data,
    });
    Event { id: id.to_owned(), created, body: body.to_string() }
}

fn life(chance: &mut Chance, customer: &str, name: &str, from: i64) -> Vec<Event> {
    let mut events = Vec::new();
    let mut clock = from;
    let mut now = Subscription {
        id: format!("sub_{name}"),
        customer: customer.to_owned(),
        version: chance.pick::<&'static str>(&VERSIONS),
        status: chance.pick::<&'static str>(&["active", "active", "trialing", "incomplete"]),
        items: vec![item(chance, name, 0)],
        is_paused: false,
        percent_off: None,
        shows_ids: chance.happens(50),
        created: clock,
        ended_at: None,
        period: clock,
    };
    push(&mut events, chance, name, clock, "created", &now, None);
    for step in 1..=chance.below(12) {
        // A third of the changes come in the same second as the one before.
        if !chance.happens(33) {
            clock += 1 + i64::try_from(chance.below(25 * 86_400)).unwrap();
        }
        let was = now.clone();
        let kind = change(chance, &mut now, name, step, clock);
        push(&mut events, chance, name, clock, kind, &now, Some(&was));
        if now.shows_ids && now.percent_off != was.percent_off {
            let kind = if now.percent_off.is_some() { "created" } else { "deleted" };
            let id = format!("evt_{:04}_{name}_di{step}", chance.below(10_000));
            let data = json!({ "object": discount_object(&now) });
            events.push(whole_event(&id, now.version, clock, &format!("customer.discount.{kind}"), &data));
        }
        if kind == "deleted" {
            break;
        }
    }
    events
}

fn item(chance: &mut Chance, name: &str, number: usize) -> Item {
    Item {
        id: format!("si_{name}_{number}"),
        price: chance.below(PRICES.len()),
        quantity: 1 + u64::try_from(chance.below(12)).unwrap(),
    }
}

/// Changes the subscription as a person or Stripe would, and says by which event it is told.
fn change(chance: &mut Chance, now: &mut Subscription, name: &str, step: usize, clock: i64) -> &'static str {
    match chance.below(14) {
        0 | 1 => now.items[0].quantity += 1 + u64::try_from(chance.below(4)).unwrap(),
        2 => now.items[0].quantity = 1,
        3 | 4 => now.items[0].price = chance.below(PRICES.len()),
        5 => {
            now.items[0].price = chance.below(PRICES.len());
            now.items[0].quantity += 2;
        }
        6 => now.items.push(item(chance, name, step)),
        7 if now.items.len() > 1 => {
            now.items.pop();
        }
        8 => now.is_paused = !now.is_paused,
        9 => now.percent_off = if now.percent_off.is_some() { None } else { Some(25) },
        10 => now.status = chance.pick::<&'static str>(&["active", "past_due", "unpaid"]),
        11 if chance.happens(50) => {
            now.status = "canceled";
            now.ended_at = Some(clock - i64::try_from(chance.below(3)).unwrap());
            return "deleted";
        }
        12 => now.period = clock,
        _ => now.status = "active",
    }
    "updated"
}

fn push(
    events: &mut Vec<Event>,
    chance: &mut Chance,
    name: &str,
    created: i64,
    kind: &str,
    now: &Subscription,
    was: Option<&Subscription>,
) {
    // Ids say nothing about order.
    let id = format!("evt_{:04}_{name}_{}", chance.below(10_000), events.len());
    let mut data = json!({ "object": object(now) });
    if let Some(was) = was.filter(|_| kind == "updated") {
        data["previous_attributes"] = previous(was, now);
    }
    events.push(whole_event(&id, now.version, created, &format!("customer.subscription.{kind}"), &data));
}

/// The subscription's discount, as the newest versions show it: its coupon behind a source.
fn discount_object(now: &Subscription) -> Value {
    json!({"id": format!("di_{}", now.id), "object": "discount", "customer": now.customer,
           "source": {"type": "coupon", "coupon": "quarter"}, "start": now.created, "end": null,
           "subscription": now.id})
}

/// The old values of the top-level attributes that changed, arrays whole.
fn previous(was: &Subscription, now: &Subscription) -> Value {
    let (old, new) = (object(was), object(now));
    let old = old.as_object().unwrap();
    let changed = old.iter().filter(|(name, value)| new[name.as_str()] != **value);
    Value::Object(changed.map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn object(now: &Subscription) -> Value {
    let is_new = now.version.contains('.');
    let items: Vec<Value> = now.items.iter().map(|item| item_object(now, item)).collect();
    let mut object = json!({
        "id": now.id, "object": "subscription", "customer": now.customer, "status": now.status,
        "created": now.created, "start_date": now.created, "cancel_at_period_end": false, "cancel_at": null,
        "canceled_at": now.ended_at, "ended_at": now.ended_at, "currency": "usd", "metadata": {},
        "trial_end": null, "schedule": null,
        "pause_collection": now.is_paused.then(|| json!({"behavior": "void", "resumes_at": null})),
        "items": {"object": "list", "has_more": false, "data": items,
                  "url": format!("/v1/subscription_items?subscription={}", now.id)},
    });
    let discount = now.percent_off.map(|percent| {
        json!({"id": format!("di_{}", now.id), "object": "discount", "customer": now.customer,
               "coupon": {"id": "quarter", "object": "coupon", "percent_off": f64::from(percent),
                          "amount_off": null, "duration": "forever", "valid": true},
               "start": now.created, "end": null, "subscription": now.id})
    });
    if is_new {
        // Expanded, so that the coupon's terms are there; or as Stripe sends it.
        let shown = |discount: Value| if now.shows_ids { discount["id"].clone() } else { discount };
        object["discounts"] = Value::Array(discount.map(shown).into_iter().collect());
    } else {
        object["discount"] = discount.unwrap_or(Value::Null);
        object["current_period_start"] = json!(now.period);
        object["current_period_end"] = json!(now.period + 30 * 86_400);
        let only = (now.items.len() == 1).then(|| &object["items"]["data"][0]);
        let (plan, quantity) =
            only.map_or((Value::Null, Value::Null), |item| (item["plan"].clone(), item["quantity"].clone()));
        object["plan"] = plan;
        object["quantity"] = quantity;
    }
    object
}

fn item_object(now: &Subscription, item: &Item) -> Value {
    let (price, product, amount, interval) = PRICES[item.price];
    let is_tiered = amount < 0;
    let scheme = if is_tiered { "tiered" } else { "per_unit" };
    let mode = is_tiered.then_some("graduated");
    let amount = (!is_tiered).then_some(amount);
    let plan = json!({
        "id": price, "object": "plan", "active": true, "amount": amount, "currency": "usd", "interval": interval,
        "interval_count": 1, "product": product, "usage_type": "licensed", "billing_scheme": scheme,
        "metadata": {}, "nickname": null, "tiers_mode": mode, "transform_usage": null,
    });
    let mut object = json!({
        "id": item.id, "object": "subscription_item", "created": now.created, "metadata": {},
        "quantity": item.quantity, "subscription": now.id, "plan": plan,
    });
    if now.version != "2018-05-21" {
        object["price"] = json!({
            "id": price, "object": "price", "active": true, "billing_scheme": scheme, "currency": "usd",
            "product": product, "recurring": {"interval": interval, "interval_count": 1, "usage_type": "licensed"},
            "type": "recurring", "unit_amount": amount, "unit_amount_decimal": amount.map(|amount| amount.to_string()), "metadata": {},
            "transform_quantity": null, "tiers_mode": mode,
        });
    }
    if now.version.contains('.') {
        object["current_period_start"] = json!(now.period);
        object["current_period_end"] = json!(now.period + 30 * 86_400);
    }
    object
}
