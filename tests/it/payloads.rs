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
    let payloads: Vec<Value> =
        texts.iter().map(|text| serde_json::from_str(text).expect("a payload")).collect();
    let told = payloads.iter().map(|payload| {
        let event = as_event(payload, name);
        let kind = event["type"].as_str().unwrap_or_default().to_owned();
        (kind, event)
    });
    let listed = payloads.iter().filter_map(|payload| {
        let object = payload["object"].as_str()?;
        let is_listed = LISTED.contains(&object) && payload["created"].is_u64();
        is_listed.then(|| (format!("listing.{object}"), payload.clone()))
    });
    told.chain(listed).map(|(kind, payload)| (kind.clone(), outcome(&kind, &payload))).collect()
}

/// Bare objects that are read as they stand in a list.
const LISTED: [&str; 8] =
    ["price", "plan", "product", "coupon", "subscription", "subscription_schedule", "invoice", "customer"];

fn outcome(kind: &str, payload: &Value) -> Result<String, String> {
    let body = payload.to_string().into_bytes();
    let envelope = read(&body).expect("JSON");
    match translate(&body, &envelope, "00") {
        Translation::Parked { path, reason } => Err(format!("parked {path}: {reason}")),
        Translation::Ignored { reason } => match must_tell(kind) && !is_excused(reason) {
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
    }
}

/// Reasons for which an object that tells something as a rule does not.
fn is_excused(reason: &str) -> bool {
    [
        "placeholder",
        "paid once",
        "of no customer",
        "one invoice",
        "nothing but its id",
        "without a subscription",
        "without lines of a subscription",
    ]
    .iter()
    .any(|excuse| reason.contains(excuse))
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
        Fact::Quote(quote) => format!("quote of {}", quote.subscription),
        Fact::Schedule(told) => format!("schedule, {:?}, {} phases", told.status, told.phases.len()),
        Fact::Billed(invoice) => format!("{} licensed lines", invoice.lines.len()),
        Fact::Change(change) => format!("quantity {:+}", change.quantity),
        Fact::Customer(customer) => format!("customer, deleted: {}", customer.is_deleted),
    }
}

/// Subscriptions, customers and the catalogue always tell something; an invoice may have no usage.
fn must_tell(kind: &str) -> bool {
    let families = [
        "customer.subscription.",
        "subscription_schedule.",
        "customer.discount.",
        "price.",
        "plan.",
        "product.",
        "coupon.",
        "listing.",
    ];
    families.iter().any(|family| kind.starts_with(family))
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
        "subscription_schedule" => "subscription_schedule.updated",
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
