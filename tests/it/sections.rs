//! Sections of a report by the binary: pauses, exceptions, causes, cohorts, as the stories tell them.

use serde_json::Value;

use crate::process::{Place, stories, stories_config};

fn told() -> Place {
    let place = Place::new().with("UPSWELL_CONFIG", &stories_config());
    place.write("events.ndjson", stories().join("\n"));
    place.output(&["backfill", "events.ndjson"]);
    place
}

fn report(place: &Place, month: &str) -> Value {
    serde_json::from_str(&place.output(&["report", "--month", month, "--format", "json"])).unwrap()
}

fn dollars(report: &Value) -> &Value {
    report["currencies"].as_array().unwrap().iter().find(|block| block["currency"] == "usd").unwrap()
}

#[test]
fn who_is_paused_is_listed_from_the_pause_to_its_end() {
    let place = told();
    let paused = |month: &str| -> Vec<(String, String)> {
        let report = report(&place, month);
        let block = dollars(&report);
        let listed = block["pauses"].as_array().unwrap().iter();
        let told: Vec<(String, String)> = listed
            .map(|one| [&one["customer"], &one["mrr"]].map(|value| value.as_str().unwrap().to_owned()).into())
            .collect();
        let sum: i64 = told.iter().map(|(_, mrr)| mrr.parse::<i64>().unwrap()).sum();
        assert_eq!(block["paused_mrr"].as_str().unwrap(), sum.to_string(), "{month}");
        told
    };
    let one = |customer: &str, mrr: &str| vec![(customer.to_owned(), mrr.to_owned())];
    assert_eq!(paused("2025-12"), []);
    assert_eq!(paused("2026-01"), one("cus_Iris", "9000"));
    assert_eq!(paused("2026-02"), one("cus_Iris", "9000"));
    assert_eq!(paused("2026-03"), [], "it came back on the second");
    assert_eq!(paused("2026-04"), one("cus_Juniper", "10000"));
    // Larch pauses one of three subscriptions for a month.
    let both = [one("cus_Juniper", "10000"), one("cus_Larch", "3000")].concat();
    assert_eq!(paused("2026-05"), both);
    assert_eq!(paused("2026-06"), [], "it ended while paused, on the last day");
}

#[test]
fn exceptions_are_counted_with_what_to_do_and_doctor_names_each() {
    let place = told();
    let found: Value = serde_json::from_slice(&place.run(&["doctor", "--format", "json"]).stdout).unwrap();
    let broken = found["broken_chains"].as_array().unwrap().len() as u64;
    assert!(broken > 0, "a story has an event that never came");
    let october = report(&place, "2026-10");
    let exceptions = october["exceptions"].as_array().unwrap();
    let chains = exceptions.iter().find(|exception| exception["exception"] == "broken_chain").unwrap();
    assert_eq!(chains["count"].as_u64(), Some(broken));
    assert!(chains["remedy"].as_str().unwrap().contains("upswell doctor"));
    // Nothing had been missed by then.
    let before = report(&place, "2025-11");
    let is_chain = |exception: &Value| exception["exception"] == "broken_chain";
    assert!(!before["exceptions"].as_array().unwrap().iter().any(is_chain), "{}", before["exceptions"]);
    let table = place.output(&["report", "--month", "2026-10", "--format", "table"]);
    assert!(table.contains("Exceptions") && table.contains("upswell reconcile"), "{table}");
}

#[test]
fn what_a_discount_did_is_told_by_its_cause() {
    let place = told();
    let june = report(&place, "2026-06");
    let causes = &dollars(&june)["contraction_by_cause"];
    // Iris gets 15.00 a month off; others may have lost more for the same reason, none has gained.
    let discounts = causes["discount_started"].as_str().unwrap();
    let discounts = discounts.split('.').next().unwrap().parse::<i64>().unwrap();
    assert!(discounts <= -1_500, "{causes}");
}

#[test]
fn a_closed_month_reads_the_same_whatever_is_noticed_later() {
    let place = told();
    place.output(&["close", "2025-12"]);
    let closed = place.output(&["report", "--month", "2025-12", "--format", "json"]);
    place.write("odd.ndjson", odd());
    place.run(&["backfill", "odd.ndjson"]);
    assert_eq!(place.output(&["report", "--month", "2025-12", "--format", "json"]), closed);
}

/// An event about a subscription that no version can use.
fn odd() -> String {
    let event = stories().into_iter().find(|event| event.contains("customer.subscription.updated")).unwrap();
    let mut event: Value = serde_json::from_str(&event).unwrap();
    event["id"] = "evt_odd".into();
    event["data"]["object"]["items"] = "no list".into();
    event.to_string()
}
