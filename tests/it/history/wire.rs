//! How Stripe shows subscriptions and invoices, in three generations.

use serde_json::{Value, json};

use super::life::{Discount, Item, Subscription};

/// What the wire looked like when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Generation {
    /// Plans alone.
    Plan,
    /// Prices on lines.
    Price,
    /// Ids of prices on lines.
    Basil,
}

/// (id, product, cents a unit, interval); metered where a unit costs nothing of its own.
pub type Price = (&'static str, &'static str, i64, &'static str);

pub const PRICES: [Price; 7] = [
    ("basic", "prod_basic", 1_000, "month"),
    ("pro", "prod_pro", 2_000, "month"),
    ("max", "prod_pro", 3_300, "month"),
    ("pro_year", "prod_pro", 20_000, "year"),
    ("extra", "prod_extra", 700, "month"),
    ("support", "prod_support", 1_100, "month"),
    ("calls", "prod_calls", 0, "month"),
];
pub const YEARLY: usize = 3;
pub const METERED: usize = 6;

pub fn price(index: usize) -> Value {
    let (id, product, amount, interval) = PRICES[index];
    let usage = if index == METERED { "metered" } else { "licensed" };
    json!({"id": id, "object": "price", "created": 1_700_000_000, "livemode": true, "active": true,
        "product": product, "currency": "usd", "type": "recurring", "billing_scheme": "per_unit",
        "unit_amount": amount, "unit_amount_decimal": amount.to_string(), "metadata": {},
        "recurring": {"interval": interval, "interval_count": 1, "usage_type": usage}})
}

fn plan(index: usize) -> Value {
    let (id, product, amount, interval) = PRICES[index];
    let usage = if index == METERED { "metered" } else { "licensed" };
    json!({"id": id, "object": "plan", "product": product, "currency": "usd", "amount": amount,
        "interval": interval, "interval_count": 1, "usage_type": usage, "billing_scheme": "per_unit"})
}

fn item(of: &Subscription, item: &Item) -> Value {
    let mut shown = json!({"id": item.id, "object": "subscription_item", "created": of.created,
        "subscription": of.id, "plan": plan(item.price), "metadata": {}, "discounts": []});
    if item.price != METERED {
        shown["quantity"] = json!(item.quantity);
    }
    if of.generation != Generation::Plan {
        shown["price"] = price(item.price);
    }
    if of.generation == Generation::Basil {
        shown["current_period_start"] = json!(of.period.0);
        shown["current_period_end"] = json!(of.period.1);
    }
    shown
}

fn discount(of: &Subscription, discount: &Discount) -> Value {
    let mut coupon = json!({"id": discount.coupon, "object": "coupon", "duration": discount.duration,
        "percent_off": null, "amount_off": null, "currency": "usd"});
    let name = if discount.is_percent { "percent_off" } else { "amount_off" };
    coupon[name] = json!(if discount.is_percent { 25 } else { 300 });
    let mut shown = json!({"id": discount.id, "object": "discount", "start": discount.start,
        "end": discount.end, "customer": of.customer, "subscription": of.id, "invoice": null});
    if of.generation == Generation::Basil {
        shown["source"] = json!({"type": "coupon", "coupon": coupon});
    } else {
        shown["coupon"] = coupon;
    }
    shown
}

/// Puts a subscription's discount where its generation has it.
fn show_discount(of: &Subscription, on: &mut Value) {
    let shown = of.discount.as_ref().map(|given| discount(of, given));
    match of.generation {
        Generation::Plan => on["discount"] = json!(shown),
        _ => on["discounts"] = Value::Array(shown.into_iter().collect()),
    }
}

pub fn subscription(of: &Subscription) -> Value {
    let items: Vec<Value> = of.items.iter().map(|held| item(of, held)).collect();
    let mut shown = json!({"id": of.id, "object": "subscription", "customer": of.customer,
        "status": of.status, "created": of.created, "start_date": of.created, "livemode": true,
        "currency": "usd", "metadata": {}, "cancel_at_period_end": of.ends_with_period,
        "cancel_at": null, "canceled_at": of.canceled_at, "ended_at": of.ended_at,
        "trial_start": of.trial_end.map(|_| of.created), "trial_end": of.trial_end,
        "pause_collection": null, "schedule": null, "latest_invoice": "in_x",
        "items": {"object": "list", "has_more": false, "data": items}});
    if of.generation != Generation::Basil {
        shown["current_period_start"] = json!(of.period.0);
        shown["current_period_end"] = json!(of.period.1);
    }
    show_discount(of, &mut shown);
    shown
}

/// A line before it is shown.
#[derive(Clone)]
pub struct Line {
    pub item: Item,
    pub period: (i64, i64),
    pub amount: i64,
    pub is_proration: bool,
}

fn line(of: &Subscription, line: &Line, number: usize) -> Value {
    let mut shown = json!({"id": format!("il_{}_{number}", line.item.id), "object": "line_item",
        "amount": line.amount, "currency": "usd", "discountable": !line.is_proration,
        "discount_amounts": [], "period": {"start": line.period.0, "end": line.period.1}});
    if line.item.price != METERED {
        shown["quantity"] = json!(line.item.quantity);
    }
    if of.generation == Generation::Basil {
        let credited = (line.amount < 0).then(|| json!({"invoice": "in_x", "invoice_line_items": []}));
        shown["parent"] = json!({"type": "subscription_item_details", "subscription_item_details":
            {"subscription": of.id, "subscription_item": line.item.id, "invoice_item": null,
             "proration": line.is_proration, "proration_details": {"credited_items": credited}}});
        let (id, product, ..) = PRICES[line.item.price];
        shown["pricing"] = json!({"type": "price_details",
                                  "price_details": {"price": id, "product": product}});
    } else {
        let kind = if line.is_proration { "invoiceitem" } else { "subscription" };
        shown["type"] = json!(kind);
        shown["proration"] = json!(line.is_proration);
        shown["subscription"] = json!(of.id);
        shown["subscription_item"] = json!(line.item.id);
        shown["plan"] = plan(line.item.price);
        if of.generation == Generation::Price {
            shown["price"] = price(line.item.price);
        }
    }
    shown
}

pub fn invoice(of: &Subscription, id: &str, reason: &str, at: i64, lines: &[Line]) -> Value {
    let shown: Vec<Value> = lines.iter().enumerate().map(|(number, told)| line(of, told, number)).collect();
    let finalized = if reason == "subscription_cycle" { at + 3_600 } else { at };
    let mut invoice = json!({"id": id, "object": "invoice", "created": at, "livemode": true,
        "customer": of.customer, "currency": "usd", "status": "paid", "billing_reason": reason,
        "period_start": of.period.0.min(at), "period_end": at,
        "status_transitions": {"finalized_at": finalized, "paid_at": finalized + 60,
                               "voided_at": null, "marked_uncollectible_at": null},
        "lines": {"object": "list", "has_more": false, "data": shown}});
    if of.generation == Generation::Basil {
        invoice["parent"] = json!({"type": "subscription_details",
                                   "subscription_details": {"subscription": of.id, "metadata": {}}});
    } else {
        invoice["subscription"] = json!(of.id);
    }
    show_discount(of, &mut invoice);
    invoice
}

pub fn event(id: &str, at: i64, kind: &str, object: &Value, previous: Option<Value>) -> Value {
    let mut data = json!({"object": object});
    if let Some(previous) = previous {
        data["previous_attributes"] = previous;
    }
    json!({"id": id, "object": "event", "api_version": "2025-03-31.basil", "created": at,
        "livemode": true, "type": kind, "pending_webhooks": 1,
        "request": {"id": null, "idempotency_key": null}, "data": data})
}
