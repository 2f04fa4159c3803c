//! Books (R13): one for each account and mode. Nothing of one ever counts in another, whatever ids they
//! share.

use serde_json::{Value, json};

use crate::process::{Place, rows};

/// An event as an endpoint for connected accounts gets it: `account` names whose it is, and is missing on
/// one's own.
fn event(id: &str, kind: &str, at: i64, account: Option<&str>, livemode: bool, object: &Value) -> String {
    let mut event = json!({
        "id": id, "object": "event", "type": kind, "created": at, "livemode": livemode,
        "api_version": "2025-03-31.basil", "data": {"object": object},
    });
    if let Some(account) = account {
        event["account"] = account.into();
    }
    event.to_string()
}

fn packs(quantity: u64) -> Value {
    json!({
        "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active", "currency": "usd",
        "items": {"object": "list", "has_more": false, "data": [{
            "id": "si_1", "quantity": quantity, "price": {
                "id": "price_1", "object": "price", "product": "prod_1", "currency": "usd",
                "type": "recurring", "billing_scheme": "per_unit", "unit_amount": 1000,
                "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"},
            },
        }]},
    })
}

const SIGNED_UP: i64 = 1_767_571_200;
const GREW: i64 = 1_770_249_600;

/// A signup and some packs more, told under the same ids whoever tells it.
fn story(account: Option<&str>, livemode: bool, (first, then): (u64, u64)) -> Vec<String> {
    let mode = if livemode { "" } else { "test" };
    let told = |id: &str, kind: &str, at, quantity| {
        event(&format!("evt_{id}{mode}"), kind, at, account, livemode, &packs(quantity))
    };
    vec![
        told("1", "customer.subscription.created", SIGNED_UP, first),
        told("2", "customer.subscription.updated", GREW, then),
    ]
}

/// Class, kind and amount of a book's movements.
fn moves(place: &Place, book: &str) -> Vec<String> {
    let text = place.output(&["movements", "--book", book, "--format", "ndjson"]);
    let word = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let rows = rows(&text);
    assert!(rows.iter().all(|row| row["book"] == book), "{text}");
    rows.iter()
        .map(|row| format!("{} {} {}", word(row, "class"), word(row, "kind"), word(row, "delta")))
        .collect()
}

fn told_by_all() -> Vec<String> {
    let product = json!({
        "id": "prod_1", "object": "product", "metadata": {"upswell_seat": "false"},
    });
    let marked = event("evt_3", "product.created", SIGNED_UP - 60, Some("acct_B"), true, &product);
    [
        story(None, true, (1, 2)),
        story(Some("acct_A"), true, (3, 5)),
        story(Some("acct_B"), true, (4, 9)),
        story(None, false, (10, 100)),
        story(Some("acct_A"), false, (20, 10)),
        vec![marked],
    ]
    .concat()
}

#[test]
fn equal_ids_in_two_accounts_and_both_modes_never_mix() {
    let place = Place::new();
    place.receive(&told_by_all());
    assert_eq!(moves(&place, "live"), ["new new 1000", "expansion seat 1000"]);
    assert_eq!(moves(&place, "acct_A"), ["new new 3000", "expansion seat 2000"]);
    assert_eq!(moves(&place, "test"), ["new new 10000", "expansion seat 90000"]);
    assert_eq!(moves(&place, "acct_A:test"), ["new new 20000", "contraction seat -10000"]);
    // What a book learns of a product is true in that book alone.
    assert_eq!(moves(&place, "acct_B"), ["new new 4000", "expansion upsell 5000"]);
    place.output(&["verify"]);
}

#[test]
fn a_report_and_an_explanation_are_of_one_book() {
    let place = Place::new();
    place.write("events.ndjson", told_by_all().join("\n"));
    place.output(&["backfill", "events.ndjson"]);
    for (book, ending) in [("live", "2000"), ("acct_B", "9000"), ("acct_A:test", "10000")] {
        let text = place.output(&["report", "--month", "2026-02", "--book", book, "--format", "json"]);
        let report: Value = serde_json::from_str(&text).unwrap();
        let blocks = report["currencies"].as_array().unwrap();
        assert_eq!(blocks.len(), 1, "{book}");
        assert_eq!(blocks[0]["rollforward"]["ending_mrr"], ending, "{book}");
        assert_eq!(blocks[0]["customers"]["ending"], 1, "{book}");
    }
    // Without a word about the book it is the own account's live one.
    let report: Value =
        serde_json::from_str(&place.output(&["report", "--month", "2026-02", "--format", "json"])).unwrap();
    assert_eq!(report["currencies"][0]["rollforward"]["ending_mrr"], "2000");
    let explained = place.output(&["explain", "cus_1", "--book", "acct_B"]);
    assert!(!explained.contains("acct_A") && explained.contains("acct_B"), "{explained}");
}

#[test]
fn the_end_of_a_customer_in_one_account_leaves_its_namesake_alone() {
    let place = Place::new();
    let customer = json!({"id": "cus_1", "object": "customer"});
    let gone = event("evt_9", "customer.deleted", GREW + 60, Some("acct_A"), true, &customer);
    let gone_in_test = event("evt_10", "customer.deleted", GREW + 60, None, false, &customer);
    place.receive(&[told_by_all(), vec![gone, gone_in_test]].concat());
    assert_eq!(moves(&place, "acct_A").last().unwrap(), "churn churn -5000");
    assert_eq!(moves(&place, "test").last().unwrap(), "churn churn -100000");
    assert_eq!(moves(&place, "live"), ["new new 1000", "expansion seat 1000"]);
    assert_eq!(moves(&place, "acct_A:test"), ["new new 20000", "contraction seat -10000"]);
    place.output(&["verify"]);
}

/// The motions of the standing movements.
fn motions(place: &Place) -> Vec<String> {
    let text = place.output(&["movements", "--format", "ndjson"]);
    let standing: Vec<Value> = rows(&text);
    let taken_back: Vec<&Value> =
        standing.iter().map(|row| &row["adjusts"]).filter(|id| !id.is_null()).collect();
    let stands = |row: &&Value| row["adjusts"].is_null() && !taken_back.contains(&&row["seq"]);
    standing
        .iter()
        .filter(stands)
        .map(|row| format!("{} {}", row["class"].as_str().unwrap(), row["motion"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_quote_that_is_heard_of_late_makes_its_change_deliberate() {
    let place = Place::new();
    let told = story(None, true, (1, 2));
    let quote = json!({
        "id": "qt_1", "object": "quote", "customer": "cus_1", "subscription": "sub_1", "status": "accepted",
        "status_transitions": {"accepted_at": GREW - 5},
    });
    let accepted = event("evt_5", "quote.accepted", GREW - 4, None, true, &quote);
    let late = event("evt_4", "customer.subscription.updated", GREW + 10 * 86_400, None, true, &packs(3));
    place.receive(&[told.clone(), vec![late.clone()]].concat());
    assert_eq!(motions(&place), ["new unknown", "expansion unknown", "expansion unknown"]);
    place.receive(std::slice::from_ref(&accepted));
    let mut after = motions(&place);
    after.sort();
    assert_eq!(after, ["expansion deliberate", "expansion unknown", "new unknown"]);
    place.output(&["verify"]);
    // It is the same as if the quote had come first.
    let other = Place::new();
    other.receive(&[vec![accepted], told, vec![late]].concat());
    let mut first = motions(&other);
    first.sort();
    assert_eq!(first, after);
    other.output(&["verify"]);
}
