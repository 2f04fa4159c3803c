//! Stripe's events, made of the short lines of a case.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use upswell::mrr::Instant;

/// `2026-01-05`, `01-05` of 2026, each with or without `T12:00:00`.
pub fn instant(text: &str) -> Instant {
    let (day, time) = text.split_once('T').unwrap_or((text, "00:00:00"));
    let day = if day.len() == 5 { format!("2026-{day}") } else { day.to_owned() };
    let at = chrono::DateTime::parse_from_rfc3339(&format!("{day}T{time}Z"));
    Instant(at.unwrap_or_else(|_| panic!("no time: {text}")).timestamp())
}

/// Tells events, and remembers how each subscription stands, for `previous_attributes`.
pub struct Teller<'p> {
    prices: BTreeMap<&'p str, &'p str>,
    subscriptions: BTreeMap<String, Value>,
    invoices: BTreeMap<String, Value>,
    told: usize,
}

/// The options of a line: `key=value`, or a word alone.
fn options<'l>(words: &[&'l str]) -> BTreeMap<&'l str, &'l str> {
    words.iter().map(|word| word.split_once('=').unwrap_or((word, ""))).collect()
}

impl<'p> Teller<'p> {
    pub fn new(prices: &'p [String]) -> Self {
        let prices = prices.iter().map(|line| line.split_once(' ').unwrap()).collect();
        Self { prices, subscriptions: BTreeMap::new(), invoices: BTreeMap::new(), told: 0 }
    }

    /// `TIME WHAT …`: the event of a line.
    pub fn event(&mut self, line: &str) -> Value {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (at, what, rest) = (words[0], words[1], &words[2..]);
        let options = options(rest);
        self.told += 1;
        let (kind, object, previous) = match what {
            "created" | "updated" | "deleted" | "paused" | "resumed" | "trial_will_end" => {
                self.subscription(at, what, rest)
            }
            "customer.deleted" => (what.to_owned(), json!({"id": "cus_1", "object": "customer"}), None),
            "customer.discount" => (format!("customer.discount.{}", rest[0]), discount(rest[1], None), None),
            "quote" => ("quote.accepted".to_owned(), quote(at, rest[0], &options), None),
            "invoice" => self.invoice(at, rest, &options),
            "price" => (format!("price.{}", rest[0]), self.learnt_price(rest[1], &rest[2..]), None),
            "product" => {
                let object = json!({"id": rest[1], "object": "product", "metadata": metadata(&rest[2..])});
                (format!("product.{}", rest[0]), object, None)
            }
            other => panic!("{line}: what is {other}?"),
        };
        let id =
            options.get("event").map_or_else(|| format!("evt_{:03}", self.told), |id| format!("evt_{id}"));
        let mut data = json!({"object": object});
        if let Some(previous) = previous {
            data["previous_attributes"] = previous;
        }
        let version = options.get("version").copied().unwrap_or("2025-03-31.basil");
        json!({
            "id": id, "object": "event", "type": kind, "created": instant(at).0, "livemode": true,
            "api_version": version, "data": data,
        })
    }

    fn subscription(&mut self, at: &str, what: &str, rest: &[&str]) -> (String, Value, Option<Value>) {
        let name = rest[0];
        let mut object = json!({
            "id": format!("sub_{name}"), "object": "subscription", "customer": "cus_1", "status": "active",
            "currency": "usd", "livemode": true, "metadata": {}, "discounts": [], "schedule": null,
            "pause_collection": null, "cancel_at": null, "cancel_at_period_end": false,
            "canceled_at": null, "ended_at": null, "trial_end": null, "start_date": instant(at).0,
        });
        if what == "deleted" {
            object["status"] = "canceled".into();
            object["ended_at"] = instant(at).0.into();
        }
        let mut items = Vec::new();
        for word in &rest[1..] {
            if let Some((key, value)) = word.split_once('=') {
                set(&mut object, key, value);
            } else if *word == "pause" {
                object["pause_collection"] = json!({"behavior": "void", "resumes_at": null});
            } else if *word == "schedule" {
                object["schedule"] = "sub_sched_1".into();
            } else if let Some((price, quantity)) = word.split_once('*') {
                let item = self.item(name, items.len() + 1, price, quantity);
                items.push(item);
            } else if !["bare", "legacy"].contains(word) {
                object["status"] = (*word).into();
            }
        }
        if let Some(currency) = items.first().map(|item| item["price"]["currency"].clone()) {
            object["currency"] = currency;
        }
        object["items"] = json!({"object": "list", "has_more": false, "data": items});
        if rest.contains(&"legacy") {
            only_plan(&mut object);
        }
        let before = self.subscriptions.insert(name.to_owned(), object.clone());
        let from = rest.iter().find_map(|word| word.strip_prefix("from="));
        let before = match from {
            Some(words) => Some(self.subscription_before(at, name, words)),
            None => before,
        };
        let is_bare = rest.contains(&"bare") || what != "updated";
        let previous = before.filter(|_| !is_bare).map(|before| difference(&before, &object));
        (format!("customer.subscription.{what}"), object, previous)
    }

    /// The state that a first `updated` says it came from: `from=active,basic*2`.
    fn subscription_before(&mut self, at: &str, name: &str, words: &str) -> Value {
        let words: Vec<&str> = std::iter::once(name).chain(words.split(',')).collect();
        let stands = self.subscriptions.get(name).cloned();
        let (_, before, _) = self.subscription(at, "created", &words);
        stands.and_then(|stands| self.subscriptions.insert(name.to_owned(), stands));
        before
    }

    /// `basic*2`, `b:basic*2` with a name of its own for the item, `basic*2@10%` with a discount of its own.
    fn item(&self, subscription: &str, place: usize, price: &str, quantity: &str) -> Value {
        let (id, price) = match price.split_once(':') {
            Some((id, price)) => (format!("si_{id}"), price),
            None => (format!("si_{subscription}{place}"), price),
        };
        let (quantity, off) = quantity.split_once('@').unwrap_or((quantity, ""));
        let mut item =
            json!({"id": id, "object": "subscription_item", "price": self.price(price), "discounts": []});
        if !off.is_empty() {
            item["discounts"] = json!([discount(off, Some(&id))]);
        }
        if let Ok(quantity) = quantity.parse::<u64>() {
            item["quantity"] = quantity.into();
        }
        item
    }

    fn price(&self, id: &str) -> Value {
        let terms = self.prices.get(id).unwrap_or_else(|| panic!("no price {id}"));
        let terms: Vec<&str> = terms.split_whitespace().collect();
        let (interval, count) = terms[3].split_once('/').unwrap_or((terms[3], "1"));
        let usage = if terms.contains(&"metered") { "metered" } else { "licensed" };
        json!({
            "id": id, "object": "price", "product": terms[0], "currency": terms[1], "type": "recurring",
            "billing_scheme": "per_unit", "unit_amount": terms[2].parse::<i64>().ok(),
            "unit_amount_decimal": terms[2], "metadata": {},
            "recurring": {
                "interval": interval, "interval_count": count.parse::<u32>().unwrap(), "usage_type": usage,
            },
        })
    }

    fn learnt_price(&self, id: &str, words: &[&str]) -> Value {
        let mut price = self.price(id);
        price["metadata"] = metadata(words);
        price
    }

    /// `invoice WHAT NAME SUB meter*500@FROM..TO …`: the same lines whatever happens to it later.
    fn invoice(
        &mut self,
        at: &str,
        rest: &[&str],
        options: &BTreeMap<&str, &str>,
    ) -> (String, Value, Option<Value>) {
        let (what, name) = (rest[0], rest[1]);
        let known = self.invoices.get(name).cloned();
        let mut invoice = known.unwrap_or_else(|| {
            let lines: Vec<Value> = rest[3..].iter().filter_map(|word| self.invoice_line(word)).collect();
            let reason = options.get("reason").copied().unwrap_or("subscription_cycle");
            json!({
                "id": format!("in_{name}"), "object": "invoice", "customer": "cus_1",
                "subscription": format!("sub_{}", rest[2]), "billing_reason": reason,
                "created": instant(at).0, "period_end": instant(options.get("end").unwrap_or(&at)).0,
                "lines": {"object": "list", "has_more": false, "data": lines},
            })
        });
        if let Some(quote) = options.get("quote") {
            invoice["quote"] = format!("qt_{quote}").into();
        }
        invoice["status"] = match what {
            "voided" => "void",
            "marked_uncollectible" => "uncollectible",
            "finalized" => "open",
            _ => "paid",
        }
        .into();
        self.invoices.insert(name.to_owned(), invoice.clone());
        (format!("invoice.{what}"), invoice, None)
    }

    /// `ITEM:meter*500@01-01..02-01`.
    fn invoice_line(&self, word: &str) -> Option<Value> {
        let (price, rest) = word.split_once('*')?;
        let (item, price) = price.split_once(':')?;
        let (amount, period) = rest.split_once('@')?;
        let (start, end) = period.split_once("..")?;
        Some(json!({
            "object": "line_item", "amount": amount.parse::<i64>().ok()?, "proration": false,
            "subscription_item": format!("si_{item}"), "price": self.price(price),
            "period": {"start": instant(start).0, "end": instant(end).0},
        }))
    }
}

/// A subscription of before there were items: its only one's plan and quantity as its own.
fn only_plan(object: &mut Value) {
    let item = object["items"]["data"][0].clone();
    let (price, recurring) = (&item["price"], &item["price"]["recurring"]);
    object["plan"] = json!({
        "id": price["id"], "object": "plan", "product": price["product"], "currency": price["currency"],
        "amount": price["unit_amount"], "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
    });
    object["quantity"] = item["quantity"].clone();
    object.as_object_mut().unwrap().remove("items");
}

fn set(object: &mut Value, key: &str, value: &str) {
    match key {
        "off" => object["discounts"] = value.split('+').map(|off| discount(off, None)).collect(),
        "channel" | "motion" => object["metadata"][format!("upswell_{key}")] = value.into(),
        "ended_at" | "trial_end" | "cancel_at" | "canceled_at" | "start_date" => {
            object[key] = instant(value).0.into();
        }
        "cancel_at_period_end" => {
            object["cancel_at_period_end"] = true.into();
            object["current_period_end"] = instant(value).0.into();
        }
        "why" => object["cancellation_details"] = json!({"reason": value}),
        "event" | "version" | "from" => {}
        other => panic!("what is {other}={value}?"),
    }
}

/// `10%`, `$5`, `10%till03-01` of a repeating one, `once10%`; an item's or subscription's.
fn discount(text: &str, of: Option<&str>) -> Value {
    let (terms, end) = text.split_once("till").map_or((text, None), |(terms, end)| (terms, Some(end)));
    let (terms, duration) = match terms.strip_prefix("once") {
        Some(terms) => (terms, "once"),
        None => (terms, if end.is_some() { "repeating" } else { "forever" }),
    };
    let mut coupon = json!({"id": format!("co_{terms}"), "object": "coupon", "duration": duration});
    match terms.strip_prefix('$') {
        Some(dollars) => {
            coupon["amount_off"] = (dollars.parse::<i64>().unwrap() * 100).into();
            coupon["currency"] = "usd".into();
        }
        None => coupon["percent_off"] = terms.trim_end_matches('%').parse::<f64>().unwrap().into(),
    }
    json!({
        "id": format!("di_{terms}{}", of.unwrap_or("")), "object": "discount", "coupon": coupon,
        "customer": "cus_1", "end": end.map(|end| instant(end).0),
    })
}

fn metadata(words: &[&str]) -> Value {
    let texts = words.iter().filter_map(|word| word.split_once('='));
    Value::Object(texts.map(|(key, value)| (format!("upswell_{key}"), value.into())).collect::<Map<_, _>>())
}

fn quote(at: &str, name: &str, options: &BTreeMap<&str, &str>) -> Value {
    let accepted = options.get("accepted").map(|at| instant(at).0);
    let subscription = options.get("sub").map(|name| format!("sub_{name}"));
    json!({
        "id": format!("qt_{name}"), "object": "quote", "customer": "cus_1", "status": "accepted",
        "subscription": subscription, "created": instant(at).0 - 86_400,
        "status_transitions": {"accepted_at": accepted, "canceled_at": null},
    })
}

/// The old values of what differs, as `previous_attributes` have them.
fn difference(before: &Value, after: &Value) -> Value {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else { return json!({}) };
    let keys = before.keys().chain(after.keys());
    let differs = keys.filter(|key| before.get(*key) != after.get(*key) && *key != "start_date");
    let old = differs.map(|key| (key.clone(), before.get(key).cloned().unwrap_or(Value::Null)));
    Value::Object(old.collect())
}
