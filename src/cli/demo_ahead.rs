//! What is to come in the demo's business. Stories have dates, and what they tell to come has come one day; so this is
//! told of the day the demo runs on, of two customers as their stories leave them.

use anyhow::Context;
use serde_json::{Value, json};

const A_DAY: i64 = 86_400;

/// Events of `now`: one customer asks to end in a month, and for another one a schedule has seats in store that begin
/// in six weeks. `story` gives a story's events by its name.
///
/// # Errors
///
/// A story that is not there or is no JSON: the binary was built with others.
pub(super) fn ahead(story: impl Fn(&str) -> Option<&'static str>, now: i64) -> anyhow::Result<Vec<String>> {
    let last = |name: &str| -> anyhow::Result<Value> {
        let line =
            story(name).and_then(|events| events.lines().last()).context("a story of the demo is missing")?;
        Ok(serde_json::from_str(line)?)
    };
    let mut ends = last("monthly-to-yearly-and-back")?;
    ends["id"] = json!("evt_demo_ends");
    ends["created"] = json!(now);
    ends["data"]["object"]["cancel_at"] = json!(now + 30 * A_DAY);
    ends["data"]["previous_attributes"] = json!({ "cancel_at": null });

    let grows = last("founding-customers")?;
    let subscription = &grows["data"]["object"];
    let items = subscription["items"]["data"].as_array().context("the story's subscription has no items")?;
    let item = |(place, item): (usize, &Value)| {
        let seats = item["quantity"].as_u64().unwrap_or(1) + if place == 0 { 20 } else { 0 };
        json!({"price": item["price"]["id"], "plan": item["price"]["id"], "quantity": seats, "discounts": []})
    };
    let begins = now + 45 * A_DAY;
    let phase = json!({
        "start_date": begins, "end_date": begins + 365 * A_DAY, "currency": subscription["currency"],
        "discounts": [], "trial_end": null, "items": items.iter().enumerate().map(item).collect::<Vec<Value>>(),
    });
    let schedule = json!({
        "id": "evt_demo_schedule", "object": "event", "api_version": grows["api_version"], "created": now,
        "livemode": true, "pending_webhooks": 1, "request": {"id": null, "idempotency_key": null},
        "type": "subscription_schedule.created",
        "data": {"object": {
            "id": "sub_sched_demo", "object": "subscription_schedule", "customer": subscription["customer"],
            "subscription": subscription["id"], "status": "active", "livemode": true, "end_behavior": "release",
            "created": now, "phases": [phase], "current_phase": null,
        }},
    });
    Ok(vec![ends.to_string(), schedule.to_string()])
}
