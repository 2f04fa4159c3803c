//! Payloads that others have recorded, where there is a folder of them: set `UPSWELL_PAYLOADS` to a
//! folder of JSON files, each an event, a bare API object or an event's `{object,
//! previous_attributes}`.

use std::path::Path;

use serde_json::{Value, json};
use upswell::mrr::Fact;
use upswell::stripe::{Translation, read, translate};

#[test]
fn recorded_payloads_are_understood() {
    #[allow(clippy::disallowed_methods, reason = "the test run's own variable, not upswell's")]
    let Ok(folder) = std::env::var("UPSWELL_PAYLOADS") else {
        eprintln!("UPSWELL_PAYLOADS is not set: no recorded payloads to read");
        return;
    };
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).expect("UPSWELL_PAYLOADS is a folder").flatten().collect();
    files.sort_by_key(std::fs::DirEntry::path);
    let (mut table, mut faults) = (Vec::new(), 0);
    for file in files {
        let name = file.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".json") || name == "index.json" {
            continue;
        }
        for (event, outcome) in outcomes(&file.path(), &name) {
            faults += usize::from(outcome.is_err());
            table.push(format!(
                "{} {name:70} {event:36} {outcome:?}",
                if outcome.is_err() { "FAULT" } else { "     " }
            ));
        }
    }
    eprintln!("{}", table.join("\n"));
    assert!(table.len() > 50, "only {} payloads in {folder}", table.len());
    assert_eq!(faults, 0, "see the table above");
}

/// What becomes of a file, as it stands (with placeholder ids, maybe) and with ids that are none.
fn outcomes(path: &Path, name: &str) -> Vec<(String, Result<String, String>)> {
    let text = std::fs::read_to_string(path).expect("a readable file");
    let real = text.replace("_000000000000000000000000", "_1x").replace("_00000000000000", "_1x");
    let texts = if real == text { vec![text] } else { vec![text, real] };
    texts.iter().map(|text| outcome(&serde_json::from_str(text).expect("JSON"), name)).collect()
}

fn outcome(payload: &Value, name: &str) -> (String, Result<String, String>) {
    let event = as_event(payload, name);
    let kind = event["type"].as_str().unwrap_or_default().to_owned();
    let body = event.to_string().into_bytes();
    let envelope = read(&body).expect("JSON");
    let said = match translate(&body, &envelope, "00") {
        Translation::Parked { path, reason } => Err(format!("parked {path}: {reason}")),
        Translation::Ignored { reason } => match must_tell(&kind) && !reason.contains("placeholder") {
            true => Err(format!("ignored: {reason}")),
            false => Ok(format!("ignored: {reason}")),
        },
        Translation::Learnt { catalogue, facts } => Ok(catalogue
            .iter()
            .map(|fact| format!("{:?}", fact.lesson))
            .chain(facts.iter().map(told))
            .collect::<Vec<_>>()
            .join("; ")),
        Translation::Facts(facts) => Ok(facts.iter().map(told).collect::<Vec<_>>().join("; ")),
    };
    (kind, said)
}

fn told(fact: &Fact) -> String {
    match fact {
        Fact::Subscription(snapshot) => {
            let items = snapshot.state.items.iter();
            let prices: Vec<_> =
                items.map(|item| format!("{} x {:?}", item.quantity, item.price.scheme)).collect();
            let changed = snapshot.previous.as_ref().map(|previous| *previous != snapshot.state);
            format!("{:?} {prices:?} changed: {changed:?}", snapshot.state.status)
        }
        Fact::Usage(invoice) => {
            format!("{:?}, {} lines, cycle: {}", invoice.status, invoice.lines.len(), invoice.is_cycle)
        }
        Fact::Discount(discount) => format!("discount, {:?}", discount.change),
        Fact::Customer(customer) => format!("customer, deleted: {}", customer.is_deleted),
    }
}

/// Subscriptions and customers always tell something; an invoice may have no usage.
fn must_tell(kind: &str) -> bool {
    kind.starts_with("customer.subscription.")
        || ["customer.created", "customer.updated", "customer.deleted"].contains(&kind)
}

/// A whole event; of an object or a fragment, the event that would carry it.
fn as_event(payload: &Value, name: &str) -> Value {
    if payload["object"] == "event" && payload["data"].is_object() && payload["type"].is_string() {
        return payload.clone();
    }
    let data = if payload["object"].is_object() { payload.clone() } else { json!({ "object": payload }) };
    let kind = match data["object"]["object"].as_str().unwrap_or_default() {
        "subscription" => "customer.subscription.updated",
        "invoice" if name.contains("upcoming") => "invoice.upcoming",
        "invoice" => "invoice.updated",
        "customer" => "customer.updated",
        "price" => "price.updated",
        "plan" => "plan.updated",
        "coupon" => "coupon.updated",
        "discount" => "customer.discount.updated",
        "product" => "product.updated",
        "" => "charge.updated",
        other => other,
    };
    json!({ "id": "evt_payload", "object": "event", "type": kind, "created": 1_700_000_000, "livemode": false,
        "api_version": null, "data": data })
}
