//! Lists as files, through the binary: what is posted, what the report rests on, and what explains it.

use serde_json::{Value, json};

use super::life::{Changes, customer};
use super::wire;
use crate::catalogue::list;
use crate::process::Place;

/// A customer's lists in three files, as Stripe's command line prints them.
fn lists(place: &Place, seed: u64) -> Vec<String> {
    let left = customer(seed, Changes::Billed);
    let prices: Vec<Value> = (0..wire::PRICES.len()).map(wire::price).collect();
    vec![
        place.write("subscriptions.json", list(&left.subscriptions)),
        place.write("invoices.json", list(&left.invoices)),
        place.write("prices.json", list(&prices)),
    ]
}

fn said(place: &Place, arguments: &[&str]) -> Value {
    serde_json::from_str(&place.output(arguments)).unwrap()
}

/// What movements say, without the order they were posted in.
pub fn figures(place: &Place) -> Vec<String> {
    let mut rows: Vec<String> = place
        .movements()
        .iter()
        .map(|row| {
            ["effective_at", "class", "kind", "item", "delta"].map(|name| row[name].to_string()).join(" ")
        })
        .collect();
    rows.sort();
    rows
}

#[test]
fn lists_in_any_order_make_the_same_ledger_and_it_proves() {
    for seed in 1..4 {
        let (one, other) = (Place::new(), Place::new());
        for file in lists(&one, seed) {
            one.output(&["backfill", &file]);
        }
        for file in lists(&other, seed).iter().rev() {
            other.output(&["backfill", file]);
            other.output(&["backfill", file]);
        }
        one.output(&["verify"]);
        other.output(&["verify"]);
        assert!(!figures(&one).is_empty());
        assert_eq!(figures(&one), figures(&other), "seed {seed}");
    }
}

#[test]
fn events_and_lists_make_one_ledger_whatever_came_first_and_by_which_road() {
    let left = customer(3, Changes::Billed);
    let events: Vec<String> = left.events.iter().map(Value::to_string).collect();
    let (alone, mixed) = (Place::new(), Place::new());
    let write = |place: &Place| place.write("events.ndjson", events.join("\n"));
    alone.output(&["backfill", &write(&alone)]);
    for file in lists(&alone, 3) {
        alone.output(&["backfill", &file]);
    }
    mixed.receive(&events[..events.len() / 2]);
    for file in lists(&mixed, 3) {
        mixed.output(&["backfill", &file]);
    }
    mixed.output(&["backfill", &write(&mixed)]);
    mixed.output(&["verify"]);
    assert_eq!(figures(&mixed), figures(&alone));
}

/// One subscription with two invoices: two seats in January, three from 15 January on.
fn story() -> (Value, [Value; 2]) {
    let price = wire::price(0);
    let item = json!({"id": "si_1", "object": "subscription_item", "quantity": 3, "price": price,
                      "created": 1_735_689_600, "subscription": "sub_1"});
    let subscription = json!({"id": "sub_1", "object": "subscription", "customer": "cus_1", "livemode": true,
        "status": "canceled", "created": 1_735_689_600, "start_date": 1_735_689_600, "currency": "usd",
        "ended_at": 1_740_787_200, "canceled_at": 1_740_000_000, "metadata": {},
        "items": {"object": "list", "has_more": false, "data": [item]}});
    let line = |quantity: i64, amount: i64, is_proration: bool, from: i64, to: i64| {
        json!({"id": "il_1", "object": "line_item", "type": "subscription", "amount": amount, "currency": "usd",
            "quantity": quantity, "proration": is_proration, "subscription_item": "si_1", "price": price,
            "period": {"start": from, "end": to}})
    };
    let invoice = |id: &str, reason: &str, at: i64, lines: Vec<Value>| {
        json!({"id": id, "object": "invoice", "created": at, "livemode": true, "customer": "cus_1",
            "subscription": "sub_1", "currency": "usd", "status": "paid", "billing_reason": reason,
            "period_end": at, "lines": {"object": "list", "has_more": false, "data": lines}})
    };
    let (january, middle, february, march) = (1_735_689_600, 1_736_899_200, 1_738_368_000, 1_740_787_200);
    let first =
        invoice("in_1", "subscription_create", january, vec![line(2, 2_000, false, january, february)]);
    let second = vec![
        line(2, -1_100, true, middle, february),
        line(3, 1_650, true, middle, february),
        line(3, 3_000, false, february, march),
    ];
    (subscription, [first, invoice("in_2", "subscription_cycle", february, second)])
}

fn told() -> Place {
    let place = Place::new();
    let (subscription, invoices) = story();
    let file = place.write("subscriptions.json", list(&[subscription]));
    place.output(&["backfill", &file]);
    let file = place.write("invoices.json", list(&invoices));
    place.output(&["backfill", &file]);
    place
}

#[test]
fn a_past_without_events_is_posted_with_its_grades() {
    let place = told();
    let mut rows: Vec<String> = place
        .movements()
        .iter()
        .map(|row| {
            let named = |name: &str| row[name].as_str().unwrap().to_owned();
            let grade = row["evidence"]["grade"].as_str().unwrap().to_owned();
            [named("effective_at"), named("class"), named("delta"), grade].join(" ")
        })
        .collect();
    // They are listed in the order they were posted in: the end was told first.
    rows.sort();
    assert_eq!(
        rows,
        [
            "2025-01-01T00:00:00Z new 2000 invoice_line",
            "2025-01-15T00:00:00Z expansion 1000 invoice_line",
            "2025-03-01T00:00:00Z churn -3000 listing",
        ]
    );
    place.output(&["verify"]);
}

#[test]
fn every_face_of_a_report_prints_what_ending_mrr_rests_on() {
    let place = told();
    let report = said(&place, &["report", "--month", "2025-01", "--format", "json"]);
    let block = &report["currencies"][0];
    assert_eq!(block["evidence"], json!({"invoice_line": "3000"}));
    assert_eq!(block["evidence_shares"]["invoice_line"], json!("1"));
    for format in ["table", "md", "html"] {
        let text = place.output(&["report", "--month", "2025-01", "--format", format]);
        assert!(
            text.contains("What ending MRR rests on") && text.contains("Invoice line"),
            "{format}: {text}"
        );
    }
    let text = place.output(&["report", "--month", "2025-01", "--format", "csv"]);
    assert!(text.contains("evidence_shares,invoice_line,1"), "{text}");
}

#[test]
fn explain_names_the_grade_and_the_invoices_lines() {
    let place = told();
    let text = place.output(&["explain", "cus_1"]);
    for wanted in [
        "invoice in_2 of sub_1 bills",
        "si_1 unused, 2 × basic from 2025-01-15T00:00:00Z",
        "si_1 remaining, 3 × basic",
        "grade invoice_line",
        "grade listing",
    ] {
        assert!(text.contains(wanted), "`{wanted}` is missing:\n{text}");
    }
}

#[test]
fn doctor_lists_what_history_can_not_tell_and_calls_nobody_for_it() {
    let place = Place::new();
    let (_, invoices) = story();
    let file = place.write("invoices.json", list(&invoices));
    place.output(&["backfill", &file]);
    let told = said(&place, &["doctor", "--format", "json"]);
    assert_eq!(told["history"][0]["cause"], json!("end_not_told"));
    assert_eq!(told["history"][0]["subscriptions"], json!(1));
    assert!(told["history"][0]["remedy"].as_str().unwrap().contains("status=all"));
}

#[test]
fn a_schedule_and_an_invoice_of_no_subscription_are_ignored_with_their_reasons() {
    let place = Place::new();
    let schedule = json!({"id": "sub_sched_1", "object": "subscription_schedule", "created": 1_735_689_600});
    let single = json!({"id": "in_9", "object": "invoice", "created": 1_735_689_600, "customer": "cus_1",
                        "status": "paid", "currency": "usd", "lines": {"object": "list", "data": []}});
    let file = place.write("lists.ndjson", format!("{schedule}\n{single}\n"));
    place.output(&["backfill", &file]);
    let told = said(&place, &["doctor", "--format", "json"]);
    assert_eq!(told["parked"], json!([]));
    assert_eq!(told["ignored"].as_array().unwrap().len(), 2);
}
