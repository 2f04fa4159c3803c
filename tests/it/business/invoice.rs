//! Invoices for use, of both generations: finalized, voided, and paid after all (R8).

use serde_json::{Value, json};

use super::catalogue::PRICES;
use super::life::{Item, Subscription};
use super::{Chance, Event, event_id, whole_event};

/// What comes of a service period that ends now: an invoice, perhaps taken back, perhaps paid after all.
pub fn bills(chance: &mut Chance, now: &Subscription, number: usize, until: i64) -> Vec<Event> {
    let metered: Vec<&Item> = now.items.iter().filter(|item| item.is_metered()).collect();
    if metered.is_empty() || until <= now.period {
        return Vec::new();
    }
    // One in four was not used.
    let is_used = chance.happens(75);
    let lines: Vec<Value> = metered
        .into_iter()
        .filter(|_| is_used)
        .map(|item| line(now, item, 100 + 50 * chance.below(40), until))
        .collect();
    let object = invoice(now, &format!("in_{}_{number}", now.name), until, &lines);
    let mut told = Vec::new();
    let mut tell = |chance: &mut Chance, kind: &str, status: &str, at: i64| {
        let mut object = object.clone();
        object["status"] = json!(status);
        let id = event_id(chance, &format!("{}_in{number}", now.name), told.len());
        told.push(whole_event(&id, now.version, at, kind, &json!({ "object": object })));
    };
    let finalized = until + 3_600;
    tell(chance, "invoice.finalized", "open", finalized);
    if chance.happens(40) {
        let kind = *chance.pick(&["invoice.voided", "invoice.marked_uncollectible"]);
        let taken_back = finalized + 1 + chance.seconds(10);
        tell(chance, kind, if kind == "invoice.voided" { "void" } else { "uncollectible" }, taken_back);
        if kind == "invoice.marked_uncollectible" && chance.happens(60) {
            let paid = taken_back + 1 + chance.seconds(10);
            tell(chance, "invoice.paid", "paid", paid);
        }
    } else {
        tell(chance, "invoice.paid", "paid", finalized + 60);
    }
    told
}

fn invoice(now: &Subscription, id: &str, until: i64, lines: &[Value]) -> Value {
    let mut object = json!({
        "id": id, "object": "invoice", "customer": now.customer, "currency": now.currency,
        "billing_reason": "subscription_cycle", "period_start": now.period, "period_end": until,
        "lines": {"object": "list", "has_more": false, "data": lines},
    });
    if now.is_newest() {
        object["parent"] = json!({"type": "subscription_details",
                                  "subscription_details": {"subscription": now.id(), "metadata": {}}});
    } else {
        object["subscription"] = json!(now.id());
    }
    object
}

fn line(now: &Subscription, item: &Item, amount: usize, until: i64) -> Value {
    let price = &PRICES[item.price];
    let mut line = json!({
        "id": format!("il_{}_{until}", item.id), "object": "line_item", "amount": amount,
        "currency": now.currency, "discountable": true, "discount_amounts": [],
        "period": {"start": now.period, "end": until},
    });
    if now.is_newest() {
        line["parent"] = json!({"type": "subscription_item_details", "subscription_item_details":
            {"subscription": now.id(), "subscription_item": item.id, "proration": false}});
        line["pricing"] = json!({"type": "price_details", "price_details": {"price": price.id}});
        line["taxes"] = json!([]);
        if now.has_tax {
            line["taxes"] = json!([{"amount": amount * 19 / 119, "tax_behavior": "inclusive",
                                    "taxable_amount": amount - amount * 19 / 119}]);
        }
    } else {
        line["proration"] = json!(false);
        line["subscription_item"] = json!(item.id);
        line["plan"] = price.plan();
        if !now.is_oldest() {
            line["price"] = price.shown();
        }
    }
    line
}
