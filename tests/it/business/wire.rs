//! A subscription as Stripe writes it, in several versions of its API.

use serde_json::{Value, json};

use super::catalogue::{COUPONS, PRICES};
use super::life::{Discount, Item, Subscription};
use super::{A_DAY, Chance, Event, event_id, whole_event};

/// How many items an event shows.
const SHOWN: usize = 10;

/// An event of a subscription.
pub fn told(
    chance: &mut Chance,
    number: usize,
    created: i64,
    kind: &str,
    now: &Subscription,
    was: Option<&Subscription>,
) -> Event {
    let id = event_id(chance, &now.name, number);
    let mut data = json!({ "object": object(now) });
    if let Some(was) = was.filter(|_| kind == "updated") {
        data["previous_attributes"] = previous(was, now);
    }
    whole_event(&id, now.version, created, &format!("customer.subscription.{kind}"), &data)
}

/// The old values of the top-level attributes that changed, arrays whole.
fn previous(was: &Subscription, now: &Subscription) -> Value {
    let (old, new) = (object(was), object(now));
    let old = old.as_object().unwrap();
    let changed = old.iter().filter(|(name, value)| new[name.as_str()] != **value);
    Value::Object(changed.map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn object(now: &Subscription) -> Value {
    let items: Vec<Value> = now.items.iter().map(|item| item_object(now, item)).collect();
    let shown = &items[..items.len().min(SHOWN)];
    let is_paused = now.is_paused;
    let mut object = json!({
        "id": now.id(), "object": "subscription", "customer": now.customer, "status": now.status,
        "created": now.created, "start_date": now.created, "cancel_at_period_end": false,
        "cancel_at": now.ends_at, "canceled_at": now.ended_at, "ended_at": now.ended_at,
        "currency": now.currency, "metadata": {}, "trial_end": now.trial_end, "schedule": null,
        "pause_collection": is_paused.then(|| json!({"behavior": "void", "resumes_at": null})),
        "items": {"object": "list", "has_more": items.len() > shown.len(), "data": shown,
                  "url": format!("/v1/subscription_items?subscription={}", now.id())},
    });
    if !now.is_oldest() {
        object["default_tax_rates"] = json!([]);
        if now.has_tax {
            object["default_tax_rates"] = json!([{"id": "txr_1", "object": "tax_rate", "inclusive": true,
                                                  "percentage": 19.0}]);
        }
    }
    if now.is_newest() {
        // Expanded, so that the coupon's terms are there; or as Stripe sends it.
        let shown = |of: &Discount| {
            if now.shows_ids { json!(of.id) } else { discount_object(now, of, false) }
        };
        object["discounts"] = now.discount.iter().map(shown).collect();
    } else {
        object["discount"] = now.discount.as_ref().map_or(Value::Null, |of| discount_object(now, of, false));
        object["current_period_start"] = json!(now.period);
        object["current_period_end"] = json!(now.period + 30 * A_DAY);
        let only = (items.len() == 1).then(|| &items[0]);
        object["plan"] = only.map_or(Value::Null, |item| item["plan"].clone());
        object["quantity"] = only.map_or(Value::Null, |item| item["quantity"].clone());
    }
    object
}

/// A subscription's discount; `by_source` as the newest versions show it, its coupon behind a source.
pub fn discount_object(now: &Subscription, discount: &Discount, by_source: bool) -> Value {
    let coupon = &COUPONS[discount.coupon];
    let mut object = json!({"id": discount.id, "object": "discount", "customer": now.customer,
        "start": discount.start, "end": discount.end, "subscription": now.id()});
    if by_source {
        object["source"] = json!({"type": "coupon", "coupon": coupon.id});
    } else {
        object["coupon"] = coupon.shown();
    }
    object
}

/// All items, those past the tenth too, as a list shows them.
pub fn items_listed(now: &Subscription) -> Value {
    let items: Vec<Value> = now.items.iter().map(|item| item_object(now, item)).collect();
    json!({"object": "list", "data": items, "has_more": false,
           "url": format!("/v1/subscription_items?subscription={}", now.id())})
}

fn item_object(now: &Subscription, item: &Item) -> Value {
    let price = &PRICES[item.price];
    let mut object = json!({
        "id": item.id, "object": "subscription_item", "created": item.created, "metadata": {},
        "subscription": now.id(), "plan": price.plan(),
    });
    if !item.is_metered() {
        object["quantity"] = json!(item.quantity);
    }
    if !now.is_oldest() {
        object["price"] = price.shown();
    }
    if now.is_newest() {
        object["current_period_start"] = json!(now.period);
        object["current_period_end"] = json!(now.period + 30 * A_DAY);
    }
    object
}
