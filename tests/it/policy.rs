//! `upswell policy`: what another policy would change is what adopting it changes, and what is taken
//! back leaves the ledger as it was.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::business::business;
use crate::process::{Place, assert_same, rows, stories_config, story};
use crate::store::{bytes, execute, number, unlock};

/// Policies that differ from the default in one key each, then in all.
const POLICIES: [(&str, &str); 10] = [
    ("churn.toml", "[policy]\nchurn = \"requested\""),
    ("past-due.toml", "[policy]\npast_due = 5"),
    ("paused.toml", "[policy]\npaused = \"counts\""),
    ("trialing.toml", "[policy]\ntrialing = \"counts\""),
    ("once.toml", "[policy]\ndiscounts = \"all\""),
    ("gross.toml", "[policy]\ndiscounts = \"none\""),
    ("usage.toml", "[policy]\nusage_window = 3"),
    ("transfer.toml", "[policy]\ntransfer_window = \"30d\""),
    ("west.toml", "[reporting]\ntimezone = \"America/Los_Angeles\""),
    (
        "all.toml",
        "[policy]\nchurn = \"requested\"\npast_due = 0\npaused = \"counts\"\ntrialing = \"counts\"\n\
         discounts = \"none\"\nusage_window = 2\ntransfer_window = \"0d\"\n\
         [reporting]\ntimezone = \"America/Los_Angeles\"",
    ),
];

/// Events that every policy bears on, beside those of the stories: an end asked for and taken back, one
/// that comes, a late payer, a gap of ten days, a coupon used once.
fn more_events() -> Vec<String> {
    let item = r#"{"object":"list","has_more":false,"data":[{"id":"si_ITEM","object":"subscription_item","quantity":1,
        "price":{"id":"price_x","object":"price","product":"prod_x","currency":"usd","unit_amount":5000,"billing_scheme":"per_unit",
        "type":"recurring","recurring":{"interval":"month","interval_count":1,"usage_type":"licensed"}}}]}"#;
    let event = |id: &str, sub: &str, kind: &str, created: i64, more: &str, previous: &str| {
        let items = item.replace("ITEM", sub).replace('\n', "");
        let customer = sub.split('_').next().unwrap();
        format!(
            r#"{{"id":"evt_{id}","object":"event","api_version":"2026-09-30.endive","created":{created},"livemode":true,"type":"customer.subscription.{kind}","data":{{"object":{{"id":"sub_{sub}","object":"subscription","customer":"cus_{customer}","created":1767225600,"currency":"usd","items":{items},{more}}}{previous}}}}}"#
        )
    };
    let active = r#""status":"active","cancel_at_period_end":false,"cancel_at":null,"canceled_at":null"#;
    let asked =
        r#""status":"active","cancel_at_period_end":false,"cancel_at":1775001600,"canceled_at":1769904000"#;
    let gone = r#""status":"canceled","canceled_at":1769300000,"ended_at":1769300000"#;
    let late = r#""status":"past_due","cancel_at_period_end":false,"cancel_at":null,"canceled_at":null"#;
    let was = r#","previous_attributes":{"cancel_at":null,"canceled_at":null}"#;
    let had = r#","previous_attributes":{"cancel_at":1775001600,"canceled_at":1769904000}"#;
    let over = r#""status":"canceled","cancel_at":1775001600,"canceled_at":1769904000,"ended_at":1775001600"#;
    let once = r#""status":"active","discounts":[{"id":"di_1","object":"discount","start":1767225600,"end":null,"coupon":{"id":"half","object":"coupon","percent_off":50,"duration":"once"}}]"#;
    vec![
        event("stay_1", "stay", "created", 1_767_225_600, active, ""),
        event("stay_2", "stay", "updated", 1_769_904_000, asked, was),
        event("stay_3", "stay", "updated", 1_773_000_000, active, had),
        event("leave_1", "leave", "created", 1_767_225_600, active, ""),
        event("leave_2", "leave", "updated", 1_769_904_000, asked, was),
        event("leave_3", "leave", "deleted", 1_775_001_600, over, ""),
        event("late_1", "late", "created", 1_767_225_600, active, ""),
        event(
            "late_2",
            "late",
            "updated",
            1_771_545_600,
            late,
            r#","previous_attributes":{"status":"active"}"#,
        ),
        event(
            "late_3",
            "late",
            "updated",
            1_773_100_800,
            active,
            r#","previous_attributes":{"status":"past_due"}"#,
        ),
        event("move_1", "move", "created", 1_767_225_600, active, ""),
        event("move_2", "move", "deleted", 1_769_300_000, gone, ""),
        event("move_3", "move_b", "created", 1_770_200_000, active, ""),
        event("once_1", "once", "created", 1_767_225_600, once, ""),
    ]
}

/// Stories that policies bear on, and more.
fn told() -> Place {
    place(&told_events())
}

fn told_events() -> Vec<String> {
    let names = [
        "a-trial-that-pays-leaves-and-returns",
        "cancelled-while-paused",
        "collection-paused-and-resumed",
        "discounts-come-and-go",
        "usage-on-newer-invoices",
    ];
    names.into_iter().flat_map(story).chain(more_events()).collect()
}

/// A place with the policies as files, where events have been backfilled by the default.
fn place(events: &[String]) -> Place {
    filled(Place::new(), events)
}

fn filled(place: Place, events: &[String]) -> Place {
    let catalogue = std::fs::read_to_string(stories_config()).unwrap();
    for (name, policy) in POLICIES.iter().chain(&[("default.toml", "")]) {
        place.write(name, format!("{catalogue}\n{policy}\n"));
    }
    place.write("events.ndjson", events.join("\n"));
    place.output(&["backfill", "events.ndjson", "--config", "default.toml"]);
    place
}

#[test]
fn deliveries_that_can_t_be_read_any_more_are_counted_and_named_when_rules_change() {
    let place = told();
    let damaged = "SELECT COUNT(*) FROM inbox WHERE event_id IN ('evt_move_1', 'evt_once_1')";
    assert_eq!(number(&place.url(), damaged), 2);
    let damage = format!(
        "{}; UPDATE inbox SET body = {} WHERE event_id IN ('evt_move_1', 'evt_once_1')",
        unlock("inbox", "update"),
        bytes("00")
    );
    execute(&place.url(), &damage).unwrap();
    let (file, _) = POLICIES[0];
    let output = place.fed(&["backfill", "-", "--config", file], b"");
    let said = String::from_utf8(output.stderr).unwrap();
    let told = said.lines().find(|line| line.contains("can't be read any more")).unwrap_or_default();
    assert!(
        told.contains("deliveries=2") && told.contains("evt_move_1") && told.contains("evt_once_1"),
        "{said}"
    );
    // Once: those that were left out are settled by these rules now.
    let output = place.fed(&["backfill", "-", "--config", file], b"");
    assert!(!String::from_utf8(output.stderr).unwrap().contains("can't be read any more"));
}

/// Makes the ledger follow a file: a backfill of nothing.
fn adopt(place: &Place, file: &str) {
    let output = place.fed(&["backfill", "-", "--config", file], b"");
    assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
}

fn json(place: &Place, arguments: &[&str]) -> Value {
    serde_json::from_str(&place.output(arguments)).unwrap()
}

/// Month and currency to what is reported.
fn reported(place: &Place, trial: &Value, file: &str) -> BTreeMap<(String, String), Value> {
    let (from, to) = (trial["from"].as_str().unwrap(), trial["to"].as_str().unwrap());
    let range = ["report", "--from", from, "--to", to, "--format", "json", "--config", file];
    let range = json(place, &range);
    let months = range["months"].as_array().unwrap().iter();
    let blocks = months.flat_map(|month| {
        let blocks = month["currencies"].as_array().unwrap().iter();
        blocks.map(|block| ((word(&month["month"]), word(&block["currency"])), block.clone()))
    });
    blocks.collect()
}

fn word(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// What a trial says of its months, by side.
fn told_of(trial: &Value) -> BTreeMap<(String, String), &Value> {
    let months = trial["months"].as_array().unwrap().iter();
    let blocks = months.flat_map(|month| {
        let blocks = month["currencies"].as_array().unwrap().iter();
        blocks.map(|block| ((word(&month["month"]), word(&block["currency"])), block))
    });
    blocks.collect()
}

/// One side of what a trial says of a month, in the form of the report's block.
fn side(change: &Value, side: &str) -> Value {
    let mut block = serde_json::Map::new();
    for section in ["rollforward", "expansion_by_kind", "contraction_by_kind", "rates"] {
        let of = change[section].as_object().unwrap();
        let of = of.iter().map(|(name, pair)| (name.clone(), pair[side].clone())).collect();
        block.insert(section.to_owned(), Value::Object(of));
    }
    for name in ["core_expansion", "total_expansion"] {
        block.insert(name.to_owned(), change[name][side].clone());
    }
    Value::Object(block)
}

/// Holds that a report's block says what one side of a trial does.
fn assert_says(block: &Value, side: &Value, at: &str) {
    for (section, expected) in side.as_object().unwrap() {
        match expected.as_object() {
            None => assert_eq!(&block[section], expected, "{at} {section}"),
            Some(expected) => {
                for (name, expected) in expected {
                    assert_eq!(&block[section][name], expected, "{at} {section} {name}");
                }
            }
        }
    }
}

/// Tries a policy, adopts it, and holds that what was told has come; then takes it back.
fn adopted_and_taken_back(place: &Place, file: &str) -> Value {
    let before = place.movements();
    let trial = json(place, &["policy", "--try", file, "--format", "json", "--config", "default.toml"]);
    let reported_before = reported(place, &trial, "default.toml");
    let postings = |place: &Place| rows(&place.output(&["movements", "--all", "--format", "ndjson"])).len();
    let count = postings(place);
    adopt(place, file);
    let adopting = &trial["adopting"];
    let posted = adopting["posted"].as_u64().unwrap() + adopting["reversed"].as_u64().unwrap();
    assert_eq!(u64::try_from(postings(place) - count).unwrap(), posted, "{file}");
    let reported_after = reported(place, &trial, file);
    let told = told_of(&trial);
    for (at, block) in &reported_after {
        let name = format!("{file} {} {}", at.0, at.1);
        match told.get(at) {
            Some(change) => {
                assert_says(block, &side(change, "then"), &name);
                let was = &reported_before.get(at).cloned().unwrap_or(Value::Null);
                if !was.is_null() {
                    assert_says(was, &side(change, "now"), &name);
                }
            }
            None => {
                for section in ["rollforward", "expansion_by_kind", "contraction_by_kind", "customers"] {
                    assert_eq!(block[section], reported_before[at][section], "{name} {section}");
                }
            }
        }
    }
    if file == "all.toml" {
        place.output(&["verify", "--config", file]);
    }
    adopt(place, "default.toml");
    assert_same(&place.movements(), &before, &format!("{file} adopted and taken back"));
    trial
}

#[test]
fn a_policy_that_is_tried_says_what_adopting_it_reports_and_taking_it_back_undoes_it() {
    let place = told();
    for (file, _) in POLICIES {
        let trial = adopted_and_taken_back(&place, file);
        assert!(!trial["months"].as_array().unwrap().is_empty(), "{file} changes nothing of the stories");
        let changed = trial["changed"].as_array().unwrap();
        assert!(!changed.is_empty(), "{file}");
        let customers = trial["customers_that_differ"].as_u64().unwrap();
        let largest = trial["largest_differences"].as_array().unwrap();
        assert!(customers > 0 && !largest.is_empty(), "{file}");
    }
}

#[test]
fn a_policy_adopted_and_taken_back_leaves_any_business_as_it_was() {
    let mut events = Vec::new();
    for seed in 0..8 {
        // Every business has its own customers.
        let own = |event: crate::business::Event| {
            let named = ["cus_", "sub_", "evt_", "si_", "in_", "di_"].into_iter();
            named.fold(event.body, |body, prefix| body.replace(prefix, &format!("{prefix}{seed}x")))
        };
        events.extend(business(seed, seed % 2 == 1).into_iter().map(own));
    }
    let place = place(&events);
    for file in ["paused.toml", "gross.toml", "all.toml"] {
        let trial = adopted_and_taken_back(&place, file);
        assert_ne!(trial["adopting"]["posted"], 0, "{file}");
    }
}

#[test]
fn a_policy_that_is_tried_changes_nothing_in_the_store() {
    // Byte for byte, which can be seen of a file only.
    let place = filled(Place::on_sqlite(), &told_events());
    let bytes = || std::fs::read(place.path("upswell.db")).unwrap();
    let before = bytes();
    for format in ["table", "json", "csv"] {
        place.output(&["policy", "--try", "all.toml", "--format", format, "--config", "default.toml"]);
    }
    assert!(bytes() == before, "the store is another file after trying");
    let in_force = json(&place, &["policy", "--format", "json", "--config", "default.toml"]);
    assert_eq!(in_force["books"][0]["settled_by"][0]["differs_in"], Value::Array(Vec::new()));
}

#[test]
fn the_policy_that_is_in_force_tried_changes_no_figure() {
    let place = told();
    let trial = json(&place, &["policy", "--try", "default.toml", "--format", "json"]);
    assert_eq!(trial["months"], Value::Array(Vec::new()));
    assert_eq!(trial["customers_that_differ"], 0);
    assert_eq!(trial["adopting"].to_string(), r#"{"posted":0,"reversed":0}"#);
    assert_eq!(trial["changed"], Value::Array(Vec::new()));
    let table = place.output(&["policy", "--try", "default.toml", "--format", "table"]);
    assert!(table.contains("No figure of these months would change."), "{table}");
}

#[test]
fn an_end_asked_for_moves_from_its_month_to_that_of_the_request() {
    let place = place(&more_events());
    let arguments = ["policy", "--try", "churn.toml", "--format", "json", "--config", "default.toml"];
    let trial = json(&place, &arguments);
    let change = &trial["changed"][0];
    let words = ["key", "rule", "now", "then"].map(|name| change[name].as_str().unwrap());
    assert_eq!(words, ["policy.churn", "R14", "ended", "requested"]);
    let told = told_of(&trial);
    let lane = |month: &str, lane: &str| {
        let pair = &told[&(month.to_owned(), "usd".to_owned())]["rollforward"][lane];
        ["now", "then", "difference"].map(|side| word(&pair[side]))
    };
    // cus_stay and cus_leave ask in February at 50 each; one takes it back in March, one ends in April.
    assert_eq!(lane("2026-02", "churn")[2], "-10000");
    assert_eq!(lane("2026-03", "reactivation")[2], "5000");
    assert_eq!(lane("2026-04", "churn")[2], "5000");
    let largest = trial["largest_differences"][0]["customers"].as_array().unwrap();
    let stay = largest.iter().find(|of| of["customer"] == "cus_stay").unwrap();
    let words = ["month", "figure", "now", "then", "difference"].map(|name| stay[name].as_str().unwrap());
    assert_eq!(words, ["2026-02", "churn", "0", "-5000", "-5000"]);
    assert_eq!(stay["months"], 2);
    let quiet = trial["months_without_difference"].as_array().unwrap();
    assert!(quiet.contains(&Value::from("2026-01")) && !quiet.contains(&Value::from("2026-02")));
}

#[test]
fn months_and_faces_of_a_trial_are_those_asked_for() {
    let place = place(&more_events());
    let months = ["--from", "2026-02", "--to", "2026-03", "--config", "default.toml"];
    let face = |format| {
        place.output(&[&["policy", "--try", "churn.toml", "--format", format][..], &months].concat())
    };
    let table = face("table");
    for line in
        ["policy.churn (R14): ended → requested", "2026-02 to 2026-03: 2 differ", "USD largest differences"]
    {
        assert!(table.contains(line), "no `{line}` in\n{table}");
    }
    let csv = face("csv");
    assert_eq!(csv.lines().next().unwrap(), "month,currency,section,name,now,then,difference,unit");
    let churn: Vec<&str> =
        csv.lines().filter(|line| line.starts_with("2026-02,usd,rollforward,churn,")).collect();
    assert_eq!(churn.len(), 1);
    assert!(churn[0].ends_with(",-10000,usd_minor"), "{churn:?}");
    assert!(csv.contains("2026-02,usd,customers,that_differ,,,2,customers"), "{csv}");
    assert!(!csv.contains("2026-04,"), "{csv}");
}

#[test]
fn the_policy_in_force_stands_beside_the_one_configured_until_it_is_adopted() {
    let place = place(&more_events());
    let policy = |file: &str, format| place.output(&["policy", "--format", format, "--config", file]);
    let table = policy("past-due.toml", "table");
    let row = table.lines().find(|line| line.trim_start().starts_with("policy.past_due")).unwrap();
    let cells: Vec<&str> = row.split_whitespace().take(4).collect();
    assert_eq!(cells, ["policy.past_due", "R5", "5", "counts"]);
    assert!(table.contains("settled by other rules than configured, in policy.past_due."), "{table}");
    let parsed: Value = serde_json::from_str(&policy("past-due.toml", "json")).unwrap();
    assert_eq!(parsed["books"][0]["settled_by"][0]["differs_in"][0], "policy.past_due");
    assert_eq!(parsed["configured"]["policy"]["past_due"], 5);
    assert_eq!(parsed["books"][0]["settled_by"][0]["rules"]["policy"]["past_due"], "counts");
    // A server adopts as it starts.
    let place = place.with("UPSWELL_CONFIG", "past-due.toml");
    let _server = place.serve();
    let is_adopted = || place.output(&["policy", "--format", "table"]).contains("by what is configured");
    assert!((0..100).any(|_| is_adopted()), "the server did not adopt what is configured");
}

#[test]
fn a_file_that_can_not_be_tried_exits_2_and_says_why() {
    let place = Place::new();
    place.write("misspelt.toml", "[policy]\nchrun = \"ended\"\n");
    place.write("wrong.toml", "[policy]\npaused = \"sometimes\"\n");
    place.write("typed.toml", "[policy]\nusage_window = \"three\"\n");
    let cases: &[(&[&str], &str)] = &[
        (&["policy", "--try", "missing.toml"], "missing.toml"),
        (&["policy", "--try", "misspelt.toml"], "chrun"),
        (&["policy", "--try", "wrong.toml"], "policy.paused in wrong.toml"),
        (&["policy", "--try", "typed.toml"], "usage_window"),
        (&["policy", "--from", "2026-01", "--to", "2026-02"], "upswell policy --try other.toml"),
        (&["policy", "--format", "csv"], "upswell policy --try other.toml --format csv"),
        (&["policy", "--book", "nowhere"], "--book"),
    ];
    for (arguments, said) in cases {
        let output = place.run(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(said), "{arguments:?} does not name `{said}`:\n{stderr}");
    }
}

#[test]
fn an_empty_store_has_a_policy_and_nothing_to_try_it_on() {
    let place = Place::new();
    place.write("other.toml", "[policy]\nchurn = \"requested\"\n");
    assert!(place.output(&["policy", "--format", "table"]).contains("No customer has been settled yet."));
    let table = place.output(&["policy", "--try", "other.toml", "--format", "table"]);
    assert!(table.contains("Nothing has moved in this book."), "{table}");
    let trial = json(&place, &["policy", "--try", "other.toml", "--format", "json"]);
    assert_eq!(trial["months"], Value::Array(Vec::new()));
}

#[test]
fn every_face_of_the_report_prints_the_policy_in_force() {
    let place = told();
    let policy = format!(
        "{}\npricing_note = \"List prices of 2026\"\n",
        POLICIES[9].1.split("\n[reporting]").next().unwrap()
    );
    place.write("printed.toml", policy);
    adopt(&place, "printed.toml");
    let face = |format| {
        place.output(&["report", "--month", "2026-03", "--format", format, "--config", "printed.toml"])
    };
    let words = "churn requested · past due lapses after 0 days · paused counts · trialing counts · discounts none · \
                 usage window 2 · transfer window 0 d";
    for format in ["table", "md", "html"] {
        let text = face(format);
        assert!(text.contains(words) && text.contains("List prices of 2026"), "{format}:\n{text}");
    }
    let report: Value = serde_json::from_str(&face("json")).unwrap();
    let expected = r#"{"churn":"requested","past_due":0,"paused":"counts","trialing":"counts","discounts":"none","usage_window":2,"transfer_window_seconds":0,"pricing_note":"List prices of 2026"}"#;
    assert_eq!(report["policy"], serde_json::from_str::<Value>(expected).unwrap());
    let csv = face("csv");
    for row in [
        "2026-03,,policy,churn,requested,R14",
        "2026-03,,policy,past_due,0,R5",
        "2026-03,,policy,paused,counts,R5",
        "2026-03,,policy,trialing,counts,R5",
        "2026-03,,policy,discounts,none,R6",
        "2026-03,,policy,usage_window,2,R8",
        "2026-03,,policy,transfer_window,0d,R19",
        "2026-03,,policy,timezone,UTC,",
        "2026-03,,policy,pricing_note,List prices of 2026,",
    ] {
        assert!(csv.lines().any(|line| line == row), "no `{row}` in\n{csv}");
    }
}
