//! `upswell close` and `reopen`, and what they make of reports, as people call them (R24).

use serde_json::{Value, json};

use crate::process::{Place, rows};
use crate::store::{execute, unlock};

/// 2025-09-05.
const SEPTEMBER: i64 = 1_757_030_400;
const A_DAY: i64 = 86_400;

/// An event about a subscription of ten-dollar seats, as Stripe tells it.
fn told(id: &str, kind: &str, customer: &str, created: i64, seats: u64, was: Option<u64>) -> String {
    let item = |seats: u64| {
        json!({"object": "list", "has_more": false, "data": [{
            "id": format!("si_{customer}"), "object": "subscription_item", "quantity": seats, "metadata": {},
            "price": {"id": "price_seat", "object": "price", "product": "prod_seat", "currency": "usd",
                      "unit_amount": 1_000, "unit_amount_decimal": "1000", "billing_scheme": "per_unit",
                      "type": "recurring", "metadata": {},
                      "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"}},
        }]})
    };
    let mut data = json!({"object": {
        "id": format!("sub_{customer}"), "object": "subscription", "customer": format!("cus_{customer}"),
        "status": "active", "created": SEPTEMBER, "start_date": SEPTEMBER, "currency": "usd", "metadata": {},
        "cancel_at_period_end": false, "items": item(seats),
    }});
    if let Some(was) = was {
        data["previous_attributes"] = json!({"items": item(was)});
    }
    json!({"id": id, "object": "event", "api_version": "2024-11-20.acacia", "created": created, "livemode": true,
           "type": format!("customer.subscription.{kind}"), "data": data})
    .to_string()
}

impl Place {
    fn learn(&self, events: &[String]) {
        self.write("events.ndjson", events.join("\n"));
        self.output(&["backfill", "events.ndjson"]);
    }

    fn report(&self, month: &str, more: &[&str]) -> String {
        self.output(&[&["report", "--month", month, "--format", "json"], more].concat())
    }
}

/// A business that began in September 2025 and grew in October, September closed.
fn closed() -> Place {
    let place = Place::new();
    place.learn(&[
        told("evt_1", "created", "birch", SEPTEMBER, 10, None),
        told("evt_2", "created", "oak", SEPTEMBER + A_DAY, 5, None),
        told("evt_4", "updated", "birch", SEPTEMBER + 35 * A_DAY, 12, Some(10)),
    ]);
    place.output(&["close", "2025-09"]);
    place
}

/// A seat that oak took in September, heard of once that was closed.
fn late() -> String {
    told("evt_3", "updated", "oak", SEPTEMBER + 2 * A_DAY, 6, Some(5))
}

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

fn lane<'v>(report: &'v Value, lane: &str) -> &'v str {
    report["currencies"][0]["rollforward"][lane].as_str().unwrap()
}

fn fails(place: &Place, arguments: &[&str], code: i32) -> String {
    let output = place.run(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    said
}

#[test]
fn a_late_event_leaves_what_was_reported_and_is_posted_in_the_open_month() {
    let place = closed();
    let reported = place.report("2025-09", &[]);
    let customers = place.output(&["customers", "--month", "2025-09"]);
    assert_eq!(
        (lane(&value(&reported), "ending_mrr"), &value(&reported)["status"]),
        ("15000", &json!("closed"))
    );
    place.learn(&[late()]);
    assert_eq!(place.report("2025-09", &[]), reported);
    assert_eq!(place.output(&["customers", "--month", "2025-09"]), customers);
    assert_ne!(place.output(&["customers", "--month", "2025-09", "--restated"]), customers);

    let october = value(&place.report("2025-10", &[]));
    let lanes = ["starting_mrr", "prior_period", "expansion", "ending_mrr"].map(|name| lane(&october, name));
    assert_eq!(lanes, ["15000", "1000", "2000", "18000"]);
    let adjustments = &october["currencies"][0]["prior_period_adjustments"];
    assert_eq!(adjustments.as_array().unwrap().len(), 1);
    let row = &rows(&place.output(&["movements", "--month", "2025-09", "--customer", "cus_oak"]))[1];
    let expected = json!([{"customer": "cus_oak", "month": "2025-09", "posted_in": "2025-10", "class": "expansion",
        "kind": "seat", "delta": "1000", "event": "evt_3", "id": row["id"], "adjusts": null}]);
    assert_eq!(*adjustments, expected);
    assert_eq!((&row["month"], &row["posted_in"]), (&json!("2025-09"), &json!("2025-10")));
    // S' knows of it: 2,000 of growth over 16,000.
    assert_eq!(october["currencies"][0]["rates"]["expansion_rate"], "0.125");
    assert!(place.output(&["verify"]).contains("1 closed months have the books"));
}

#[test]
fn a_restated_month_is_bridged_from_what_was_reported() {
    let place = closed();
    let same = value(&place.report("2025-09", &["--restated"]));
    assert_eq!((&same["status"], &same["as"]), (&json!("closed"), &json!("restated")));
    place.learn(&[late()]);
    let restated = value(&place.report("2025-09", &["--restated"]));
    assert_eq!((&restated["status"], &restated["as"]), (&json!("restated"), &json!("restated")));
    assert_eq!(lane(&restated, "ending_mrr"), "16000");
    let lanes = restated["currencies"][0]["bridge"]["lanes"].as_array().unwrap();
    let moved: Vec<_> = lanes.iter().filter(|row| row["adjustment"] != "0").collect();
    let new = json!({"lane": "new", "reported": "15000", "adjustment": "1000", "restated": "16000"});
    let end = json!({"lane": "ending_mrr", "reported": "15000", "adjustment": "1000", "restated": "16000"});
    assert_eq!(moved, [&new, &end]);
    assert_eq!(restated["currencies"][0]["prior_period_adjustments"].as_array().unwrap().len(), 1);
    let october = value(&place.report("2025-10", &["--restated"]));
    assert_eq!((lane(&october, "prior_period"), lane(&october, "starting_mrr")), ("0", "16000"));
    assert_eq!((&october["status"], &october["currencies"][0]["bridge"]), (&json!("open"), &Value::Null));
    for format in ["table", "md", "html"] {
        let text = place.output(&["report", "--month", "2025-09", "--restated", "--format", format]);
        assert!(text.contains("From reported to restated") && text.contains("Adjusted since"), "{text}");
        let text = place.output(&["report", "--month", "2025-10", "--format", format]);
        assert!(text.contains("Prior-period adjustments") && text.contains("evt"), "{text}");
    }
    let csv = place.output(&["report", "--month", "2025-09", "--restated", "--format", "csv"]);
    assert!(csv.contains("2025-09,usd,bridge:adjustment,new,1000,usd_minor"), "{csv}");
    let range = ["report", "--from", "2025-09", "--to", "2025-10", "--format", "json"];
    let range = value(&place.output(&range));
    assert_eq!(lane(&range["months"][0], "ending_mrr"), lane(&range["months"][1], "starting_mrr"));
}

#[test]
fn older_history_another_policy_and_another_time_zone_leave_what_was_reported() {
    let place = closed();
    let reported = place.report("2025-09", &[]);
    place.learn(&[told("evt_0", "created", "elm", SEPTEMBER - 60 * A_DAY, 3, None)]);
    assert_eq!(place.report("2025-09", &[]), reported);
    assert_eq!(lane(&value(&place.report("2025-10", &[])), "prior_period"), "3000");
    // July was before the first closed month: as reported there was nothing.
    assert_eq!(value(&place.report("2025-07", &[]))["currencies"], json!([]));
    assert_eq!(lane(&value(&place.report("2025-07", &["--restated"])), "new"), "3000");

    place.write("other.toml", "[policy]\ndiscounts = \"none\"\ntransfer_window = \"1d\"\n");
    let place = place.with("UPSWELL_CONFIG", "other.toml").with("UPSWELL_TIMEZONE", "Asia/Tokyo");
    let said = fails(&place, &["close", "2025-10"], 1);
    assert!(said.contains("3 customers of book live were settled by another"), "{said}");
    place.learn(&[]);
    assert_eq!(place.report("2025-09", &[]), reported);
    place.output(&["close", "2025-10"]);
    assert_eq!(place.report("2025-09", &[]), reported);
    assert!(place.output(&["verify"]).contains("2 closed months have the books"));
}

#[test]
fn segments_of_a_closed_month_are_those_that_customers_were_in() {
    let place = Place::new();
    let told = |id: &str, at: i64, region: &str| {
        let event = told(id, if at == SEPTEMBER { "created" } else { "updated" }, "ash", at, 10, None);
        event.replace(
            r#""metadata":{},"object":"subscription","#,
            &format!(r#""metadata":{{"region":"{region}","plan":"{region}"}},"object":"subscription","#),
        )
    };
    place.write("segments.toml", "[reporting]\nsegments = [\"metadata.region\"]\n");
    let place = place.with("UPSWELL_CONFIG", "segments.toml");
    place.learn(&[told("evt_1", SEPTEMBER, "north")]);
    place.output(&["close", "2025-09"]);
    place.learn(&[told("evt_2", SEPTEMBER + A_DAY, "south")]);
    let segment = |more: &[&str]| {
        let report = value(&place.report("2025-09", more));
        report["currencies"][0]["segments"][0]["rows"][0]["segment"].clone()
    };
    assert_eq!(segment(&["--by", "metadata.region"]), "north");
    assert_eq!(segment(&["--by", "metadata.region", "--restated"]), "south");
    // Nobody reported by this one when the month was closed.
    assert_eq!(segment(&["--by", "metadata.plan"]), "south");
}

#[test]
fn a_month_is_opened_again_with_its_reason_and_closed_with_what_was_learnt() {
    let place = closed();
    let reported = value(&place.report("2025-09", &[]));
    place.output(&["close", "2025-10"]);
    place.learn(&[late()]);
    assert_eq!(lane(&value(&place.report("2025-11", &[])), "prior_period"), "1000");
    let output = place.run(&["reopen", "2025-09", "--why", "oak was forgotten"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("2025-09, 2025-10"), "{said}");
    assert_eq!(value(&place.report("2025-09", &[]))["status"], "open");
    assert_eq!(lane(&value(&place.report("2025-09", &[])), "ending_mrr"), "16000");
    assert_eq!(lane(&value(&place.report("2025-11", &[])), "prior_period"), "0");
    place.output(&["verify"]);

    place.output(&["close", "2025-10"]);
    let again = value(&place.report("2025-09", &[]));
    assert_eq!((&again["status"], lane(&again, "ending_mrr")), (&json!("closed"), "16000"));
    assert_ne!(again["closing"]["digest"], reported["closing"]["digest"]);
    let row = &rows(&place.output(&["movements", "--month", "2025-09", "--customer", "cus_oak"]))[1];
    assert_eq!(row["posted_in"], "2025-09");
    assert!(place.output(&["verify"]).contains("2 closed months have the books"));
}

#[test]
fn what_can_t_be_closed_or_opened_says_why_and_what_to_do() {
    let place = closed();
    assert!(fails(&place, &["close", "2025-09"], 1).contains("upswell reopen 2025-09 --why"));
    assert!(fails(&place, &["close", "9998-01"], 1).contains("is not over yet in UTC"));
    assert!(fails(&place, &["close", "2025-9"], 2).contains("for example 2026-10"));
    assert!(fails(&place, &["close", "2025-10", "--book", "nowhere"], 2).contains("--book"));
    assert!(
        fails(&place, &["reopen", "2025-10", "--why", "x"], 1).contains("the last closed month is 2025-09")
    );
    assert!(fails(&place, &["reopen", "2025-09"], 2).contains("--why"));
    assert!(fails(&place, &["reopen", "2025-09", "--why", " "], 2).contains("kept with its reason"));
    assert!(fails(&Place::new(), &["close", "2025-09"], 1).contains("nothing to close"));
    assert!(fails(&Place::new(), &["reopen", "2025-09", "--why", "x"], 1).contains("no month is"));
}

#[test]
fn a_closed_month_that_was_tampered_with_is_named() {
    let changes = [
        ("posting", "posting", "UPDATE posting SET recorded_at = recorded_at - 1 WHERE seq = 1"),
        ("posting", "posting", "UPDATE posting SET posted_in = '2025-09' WHERE event = 'evt_3'"),
        ("closing", "closing", "UPDATE closing SET through_posting = through_posting + 9"),
        ("closing", "closing", "UPDATE closing SET digest = 'aa'"),
        (
            "kept",
            "closed_customer",
            "UPDATE closed_customer SET body = \
                  replace(body, 'price_seat', 'price_x')",
        ),
    ];
    for (what, table, sql) in changes {
        let place = closed();
        place.learn(&[late()]);
        place.output(&["verify"]);
        execute(&place.url(), &format!("{}; {sql}", unlock(table, "update"))).unwrap();
        let said = fails(&place, &["verify"], 1);
        assert!(
            said.contains("closed month 2025-") && said.contains("restore a backup"),
            "{what} {sql}: {said}"
        );
    }
}

#[test]
fn the_store_refuses_to_change_or_remove_a_closing() {
    let place = closed();
    for table in ["closing", "closed_customer"] {
        for sql in [format!("UPDATE {table} SET book = 'other'"), format!("DELETE FROM {table}")] {
            let refusal = execute(&place.url(), &sql).unwrap_err();
            assert!(refusal.contains("is append-only"), "{sql}: {refusal}");
        }
    }
}
