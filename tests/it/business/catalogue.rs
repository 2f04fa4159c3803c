//! The business's prices and coupons: how payloads show them, and what only the catalogue's own events and
//! lists tell of them (R4), whenever they come.

use serde_json::{Value, json};

use super::{A_DAY, BEGINNING, Chance, Event, event_id, whole_event};

/// How a price asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// So much a unit.
    Each(i64),
    /// By tiers, which events leave out.
    Tiers,
    /// By use.
    Use,
    /// So much a unit in dollars, and something else in other currencies, which events leave out.
    Options(i64),
}

/// A price of the business.
#[derive(Clone, Copy)]
pub struct Price {
    pub id: &'static str,
    product: &'static str,
    pub asks: Asks,
    interval: &'static str,
    currency: &'static str,
}

const fn price(id: &'static str, product: &'static str, asks: Asks, interval: &'static str) -> Price {
    Price { id, product, asks, interval, currency: "usd" }
}

const fn in_euros(price: Price) -> Price {
    Price { currency: "eur", ..price }
}

/// The first ten are sold in dollars, the last four in euros.
pub const PRICES: [Price; 14] = [
    price("price_basic", "prod_basic", Asks::Each(1_000), "month"),
    price("price_pro", "prod_pro", Asks::Each(2_000), "month"),
    price("price_pro_yearly", "prod_pro", Asks::Each(20_000), "year"),
    price("price_plus", "prod_pro", Asks::Each(3_000), "month"),
    price("price_week", "prod_week", Asks::Each(333), "week"),
    price("price_addon", "prod_addon", Asks::Each(500), "month"),
    price("price_free", "prod_free", Asks::Each(0), "month"),
    price("price_tiered", "prod_pro", Asks::Tiers, "month"),
    price("price_calls", "prod_calls", Asks::Use, "month"),
    price("price_packs", "prod_packs", Asks::Each(700), "month"),
    in_euros(price("price_basic_eur", "prod_basic", Asks::Each(900), "month")),
    in_euros(price("price_pro_eur", "prod_pro", Asks::Each(1_800), "month")),
    in_euros(price("price_calls_eur", "prod_calls", Asks::Use, "month")),
    price("price_world", "prod_basic", Asks::Options(1_100), "month"),
];
pub const METERED: [usize; 2] = [8, 12];
pub const ADD_ON: usize = 5;
const IN_DOLLARS: usize = 10;
const TIERED: usize = 7;
const WORLD: usize = 13;

/// Any price that a subscription in a currency may hold, of those that a version of the API knew.
pub fn any_price(chance: &mut Chance, currency: &str, is_old: bool) -> usize {
    match currency {
        "usd" => chance.below(IN_DOLLARS),
        _ if is_old => IN_DOLLARS + chance.below(PRICES.len() - IN_DOLLARS - 1),
        _ => IN_DOLLARS + chance.below(PRICES.len() - IN_DOLLARS),
    }
}

impl Price {
    fn scheme(&self) -> (&'static str, Option<&'static str>, Option<i64>) {
        match self.asks {
            Asks::Tiers => ("tiered", Some("graduated"), None),
            Asks::Each(amount) | Asks::Options(amount) => ("per_unit", None, Some(amount)),
            Asks::Use => ("per_unit", None, Some(1)),
        }
    }

    fn usage_type(&self) -> &'static str {
        if self.asks == Asks::Use { "metered" } else { "licensed" }
    }

    /// As events show it, in today's words.
    pub fn shown(&self) -> Value {
        let (scheme, mode, amount) = self.scheme();
        json!({
            "id": self.id, "object": "price", "active": true, "billing_scheme": scheme,
            "currency": self.currency, "product": self.product, "type": "recurring", "unit_amount": amount,
            "unit_amount_decimal": amount.map(|amount| amount.to_string()), "metadata": {},
            "recurring": {"interval": self.interval, "interval_count": 1, "usage_type": self.usage_type()},
            "transform_quantity": null, "tiers_mode": mode, "created": BEGINNING - 9 * A_DAY, "livemode": true,
        })
    }

    /// As events show it, in older words.
    pub fn plan(&self) -> Value {
        let (scheme, mode, amount) = self.scheme();
        json!({
            "id": self.id, "object": "plan", "active": true, "amount": amount, "currency": self.currency,
            "interval": self.interval, "interval_count": 1, "product": self.product,
            "usage_type": self.usage_type(), "billing_scheme": scheme, "metadata": {}, "nickname": null,
            "tiers_mode": mode, "transform_usage": null,
        })
    }
}

/// A coupon of the business.
pub struct Coupon {
    pub id: &'static str,
    percent_off: Option<u8>,
    duration: &'static str,
    /// Of which product only, which events leave out.
    product: Option<&'static str>,
}

const fn percent(id: &'static str, percent: u8, duration: &'static str) -> Coupon {
    Coupon { id, percent_off: Some(percent), duration, product: None }
}

pub const COUPONS: [Coupon; 5] = [
    percent("quarter", 25, "forever"),
    percent("three_months", 50, "repeating"),
    Coupon { product: Some("prod_pro"), ..percent("pros", 10, "forever") },
    Coupon { id: "five", percent_off: None, duration: "forever", product: None },
    percent("first", 100, "once"),
];
/// How long a repeating discount runs.
pub const THREE_MONTHS: i64 = 91 * A_DAY;

impl Coupon {
    pub fn is_repeating(&self) -> bool {
        self.duration == "repeating"
    }

    /// As events show it: without the products it is limited to and its amounts in other currencies.
    pub fn shown(&self) -> Value {
        let amount = self.percent_off.is_none().then_some(500);
        json!({
            "id": self.id, "object": "coupon", "percent_off": self.percent_off.map(f64::from),
            "amount_off": amount, "currency": amount.map(|_| "usd"), "duration": self.duration,
            "duration_in_months": self.is_repeating().then_some(3), "valid": true, "livemode": true,
            "created": BEGINNING - 9 * A_DAY, "metadata": {},
        })
    }

    /// As a list shows it that was asked for the rest.
    fn in_full(&self) -> Value {
        let mut coupon = self.shown();
        if let Some(product) = self.product {
            coupon["applies_to"] = json!({ "products": [product] });
        }
        if self.percent_off.is_none() {
            coupon["currency_options"] = json!({"eur": {"amount_off": 450}, "usd": {"amount_off": 500}});
        }
        coupon
    }
}

/// What is told of the catalogue, by events or by lists, any time, before or after it is needed.
pub fn lessons(chance: &mut Chance) -> Vec<Event> {
    let mut told = Vec::new();
    let tiers = with_tiers(if chance.happens(50) { "graduated" } else { "volume" });
    for _ in 0..chance.below(3) {
        tell(&mut told, chance, "price", &tiers);
    }
    // What is asked in euros changes, and only lists show it.
    for step in 0..chance.below(4) {
        list(&mut told, chance, &with_options(1_000 + 50 * step));
    }
    for coupon in &COUPONS {
        // Coupons never change, but for their names.
        if chance.happens(70) {
            tell(&mut told, chance, "coupon", &coupon.in_full());
        }
        if chance.happens(20) {
            happen(&mut told, chance, "coupon.updated", &coupon.shown());
        }
    }
    products(&mut told, chance);
    told
}

/// Products whose metadata says what they are, and which may become something else.
fn products(told: &mut Vec<Event>, chance: &mut Chance) {
    let marks = [
        ("prod_packs", json!({"upswell_seat": "false"})),
        ("prod_addon", json!({"upswell_role": "add_on"})),
        ("prod_basic", json!({"upswell_ladder": "main", "upswell_rank": "1"})),
        ("prod_pro", json!({"upswell_ladder": "main", "upswell_rank": "2"})),
        ("prod_pro", json!({"upswell_ladder": "main", "upswell_rank": "0"})),
    ];
    for (product, metadata) in marks {
        if chance.happens(50) {
            let at = BEGINNING + chance.seconds(400);
            let object = json!({"id": product, "object": "product", "active": true, "metadata": metadata,
                "created": BEGINNING - 9 * A_DAY, "updated": at, "livemode": true});
            if chance.happens(40) {
                told.push(listed(at, &object));
            } else {
                let id = event_id(chance, "product", told.len());
                told.push(whole_event(&id, NEWEST, at, "product.updated", &json!({ "object": object })));
            }
        }
    }
}

pub const NEWEST: &str = "2026-09-30.endive";

fn tell(told: &mut Vec<Event>, chance: &mut Chance, kind: &str, object: &Value) {
    if chance.happens(50) {
        return list(told, chance, object);
    }
    let change = chance.pick(&["created", "updated"]);
    happen(told, chance, &format!("{kind}.{change}"), object);
}

fn happen(told: &mut Vec<Event>, chance: &mut Chance, kind: &str, object: &Value) {
    let at = BEGINNING + chance.seconds(400);
    let id = event_id(chance, "lesson", told.len());
    told.push(whole_event(&id, NEWEST, at, kind, &json!({ "object": object })));
}

fn list(told: &mut Vec<Event>, chance: &mut Chance, object: &Value) {
    told.push(listed(BEGINNING + chance.seconds(400), object));
}

/// An object of a list that was made at a time.
pub fn listed(at: i64, object: &Value) -> Event {
    let body = object.to_string();
    Event { id: format!("listing:{at}"), created: at, body, is_listed: true }
}

/// The same word about the catalogue by the other road: a list instead of an event, an event instead of a list.
/// Everything else stays, and what is asked in other currencies, which only lists show.
pub fn told_otherwise(event: &Event) -> Event {
    let body: Value = serde_json::from_str(&event.body).unwrap();
    let is_lesson = |kind: &Value| {
        let kind = kind.as_str().unwrap_or_default().split('.').next().unwrap();
        ["price", "product", "coupon"].contains(&kind)
    };
    if !event.is_listed && event.id.ends_with("_x") {
        return event.clone();
    }
    if is_lesson(&body["type"]) {
        return listed(event.created, &body["data"]["object"]);
    }
    if is_lesson(&body["object"]) && (body["object"] != "price" || !body["tiers"].is_null()) {
        let kind = body["object"].as_str().unwrap();
        let id = format!("evt_{kind}_{}", event.created);
        let data = json!({ "object": body });
        return whole_event(&id, NEWEST, event.created, &format!("{kind}.updated"), &data);
    }
    event.clone()
}

fn with_tiers(mode: &str) -> Value {
    let mut price = PRICES[TIERED].shown();
    price["tiers_mode"] = json!(mode);
    price["tiers"] = json!([{"up_to": 5, "flat_amount": 100, "unit_amount": 700},
                            {"up_to": null, "unit_amount": 400}]);
    price
}

fn with_options(euros: usize) -> Value {
    let mut price = PRICES[WORLD].shown();
    price["currency_options"] = json!({"eur": {"unit_amount": euros}, "usd": {"unit_amount": 1_100}});
    price
}
