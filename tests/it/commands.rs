//! The face that scripts lean on: exit codes, the shapes of JSON, the same bytes every time.

use serde_json::Value;

use crate::process::{Place, rows, stories, stories_config};
use crate::raw::{keys, value};

/// A place where the stories have been backfilled.
fn told() -> Place {
    let place = Place::new().with("UPSWELL_CONFIG", &stories_config());
    place.write("stories.ndjson", stories().join("\n"));
    place.output(&["backfill", "stories.ndjson"]);
    place
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap()
}

#[test]
fn wrong_usage_and_configuration_exit_2_and_name_what_works() {
    let place = Place::new();
    let cases: &[(&[&str], &str)] = &[
        (&["report", "--month", "2026-13"], "for example 2026-10"),
        (&["report", "--by", "colour"], "upswell report --by product"),
        (&["report", "--from", "2026-05", "--to", "2026-01"], "--from"),
        (&["movements", "--class", "nonsense"], "upswell movements --class new"),
        (&["movements", "--kind", "nonsense"], "upswell movements --kind upsell"),
        (&["movements", "--book", "nowhere"], "--book"),
        (&["status", "--timeout", "5"], "for example 60s"),
        (&["explain", "cus_nobody"], "upswell explain cus_1"),
        (&["verify", "--listen", "nowhere"], "--listen 127.0.0.1:8080"),
        (&["verify", "--timezone", "Mars"], "--timezone"),
        (&["verify", "--tolerance-seconds", "0"], "--tolerance-seconds 300"),
        (&["verify", "--database-url", "mysql://somewhere"], "sqlite://upswell.db?mode=rwc"),
        (&["nonsense"], "upswell demo --once"),
        (&["backfill"], "upswell backfill events.ndjson.gz"),
        (&["report", "--from", "2026-01"], "upswell report --month 2026-10"),
        (&["status", "--format", "yaml"], "upswell status --wait"),
    ];
    for (arguments, example) in cases {
        let output = place.run(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(example), "{arguments:?} does not name `{example}`:\n{said}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_wrong_variable_is_named_and_its_value_is_not_repeated() {
    for (name, value) in [("UPSWELL_LISTEN", "nowhere-secret"), ("DATABASE_URL", "mysql://user:hunter2@db")] {
        let place = Place::new().with(name, value);
        let output = place.run(&["verify"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(&format!("for example {name}=")), "{said}");
        assert!(!said.contains("hunter2") && !said.contains("nowhere-secret"), "{said}");
    }
}

#[test]
fn a_misspelt_key_of_the_file_exits_2() {
    let place = Place::new().with("UPSWELL_CONFIG", "upswell.toml");
    place.write("upswell.toml", "[policy]\nchurm = \"ended\"\n");
    let output = place.run(&["verify"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("churm"));
}

#[test]
fn help_and_version_exit_0() {
    let place = Place::new();
    for arguments in [&["--help"][..], &["--version"], &["report", "--help"], &["help", "backfill"]] {
        assert!(!place.output(arguments).is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_status_is_one_object_of_seven_counts() {
    let place = Place::new();
    let status = place.output(&["status", "--wait", "--format", "json"]);
    let empty = r#"{"stored":0,"settled":0,"pending":0,"ignored":0,"parked":0,"lag_seconds":0,"due":0}"#;
    assert_eq!(status, format!("{empty}\n"));
    let status = told().output(&["status", "--wait", "--format", "json"]);
    // One event of the stories is delivered twice.
    let stored = stories().len() - 1;
    let full = format!(r#"{{"stored":{stored},"settled":{stored},"pending":0,"ignored":0,"#);
    assert_eq!(status, format!("{full}\"parked\":0,\"lag_seconds\":0,\"due\":0}}\n"));
}

#[test]
fn a_movement_has_the_keys_of_the_contract_in_its_order() {
    let place = told();
    let text = place.output(&["movements", "--class", "expansion", "--kind", "seat", "--format", "ndjson"]);
    let line = first_line(&text);
    let expected = "seq id book class kind cause motion customer subscription item product price currency delta \
                    customer_mrr_before customer_mrr_after quantity_before quantity_after price_before \
                    effective_at month recorded_at posted_in evidence adjusts";
    assert_eq!(keys(line).join(" "), expected);
    assert_eq!(keys(&value(line, "evidence")).join(" "), "grade event sha256");
    let seqs: Vec<i64> = rows(&text).iter().map(|row| row["seq"].as_i64().unwrap()).collect();
    assert!(seqs.is_sorted(), "{seqs:?}");
    let after = seqs[seqs.len() / 2].to_string();
    let rest = place.output(&["movements", "--class", "expansion", "--kind", "seat", "--since-seq", &after]);
    assert_eq!(rows(&rest).len(), seqs.iter().filter(|seq| **seq > after.parse().unwrap()).count());
    for row in rows(&text) {
        assert_eq!((&row["class"], &row["kind"]), (&"expansion".into(), &"seat".into()));
    }
}

#[test]
fn a_customer_is_a_row_with_its_mrr_at_the_month_s_end() {
    let place = told();
    let text = place.output(&["customers", "--month", "2026-10", "--format", "ndjson"]);
    assert_eq!(keys(first_line(&text)).join(" "), "customer currency mrr since products status");
    let alder = r#"{"customer":"cus_Alder","currency":"usd","mrr":"60000","since":"2025-09","products":["prod_Enterp9Z"],"status":"active"}"#;
    assert_eq!(first_line(&text), alder);
    let all = place.output(&["customers", "--month", "2026-10", "--all", "--format", "ndjson"]);
    assert!(rows(&text).iter().all(|row| row["mrr"] != "0"));
    assert!(rows(&all).iter().any(|row| row["mrr"] == "0"), "{all}");
    let csv = place.output(&["customers", "--month", "2026-10", "--format", "csv"]);
    assert_eq!(csv.lines().count(), text.lines().count() + 1);
}

/// Whether the keys that the contract names are there, in its order; others may stand between.
fn assert_keys(json: &str, contract: &str) {
    let contract: Vec<&str> = contract.split_whitespace().collect();
    let mut own = keys(json);
    own.retain(|key| contract.contains(&key.as_str()));
    assert_eq!(own, contract);
}

#[test]
fn a_report_has_the_keys_of_the_contract_in_its_order() {
    let json = told().output(&["report", "--month", "2026-10", "--format", "json"]);
    assert_keys(
        &json,
        "month timezone book status as data_through policy currencies consolidated consolidated_reason",
    );
    let currencies: Vec<Box<serde_json::value::RawValue>> =
        serde_json::from_str(&value(&json, "currencies")).unwrap();
    let block =
        currencies.iter().map(|raw| raw.get()).find(|raw| value(raw, "currency") == "\"usd\"").unwrap();
    assert_keys(
        block,
        "currency rollforward expansion_by_kind contraction_by_kind core_expansion total_expansion net_expansion \
         retained_base_growth rates customers arpa motion activity segments cohorts top_expanders \
         prior_period_adjustments scheduled at_risk incomplete",
    );
    let exactly = |name: &str, contract: &str| assert_eq!(keys(&value(block, name)).join(" "), contract);
    exactly(
        "rollforward",
        "starting_mrr prior_period opening new reactivation resume expansion contraction churn pause transfer ending_mrr",
    );
    exactly("expansion_by_kind", "upsell cross_sell seat usage price discount term");
    exactly("contraction_by_kind", "downgrade product_removed seat usage price discount term");
    exactly("motion", "deliberate organic unknown");
    assert_keys(
        &value(block, "rates"),
        "expansion_rate total_expansion_rate nrr grr expansion_share_of_new_arr upsell_rate cross_sell_rate \
         seat_rate usage_rate quick_ratio logo_churn ttm_expansion_rate",
    );
    assert_keys(
        &value(block, "customers"),
        "starting new reactivated expanded contracted churned paused ending",
    );
    assert_keys(&value(block, "activity"), "expansion contraction by_kind");
}

#[test]
fn money_and_ratios_are_strings_and_what_is_not_known_says_why() {
    let place = told();
    let json = place.output(&["report", "--month", "2025-09", "--format", "json"]);
    let report: Value = serde_json::from_str(&json).unwrap();
    let rates = &report["currencies"][0]["rates"];
    assert!(rates["nrr"].is_null());
    assert_eq!(rates["nrr_reason"], "no starting MRR");
    assert_eq!(report["currencies"][0]["rollforward"]["new"], "300000");
    assert_eq!(report["consolidated_reason"], "no reporting currency");
}

#[test]
fn a_report_is_the_same_bytes_every_time_in_every_form() {
    let place = told();
    for format in ["table", "json", "csv", "md", "html"] {
        let arguments = ["report", "--from", "2026-08", "--to", "2026-10", "--format", format];
        assert_eq!(place.output(&arguments), place.output(&arguments), "{format}");
        let arguments = ["report", "--month", "2026-10", "--format", format, "-o", "report.out"];
        assert!(place.output(&arguments).is_empty());
        let written = std::fs::read_to_string(place.path("report.out")).unwrap();
        assert_eq!(written, place.output(&arguments[..5]), "{format}");
    }
}

#[test]
fn the_doctor_shows_the_event_that_never_came() {
    let output = told().run(&["doctor", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let json = String::from_utf8(output.stdout).unwrap();
    assert_keys(&json, "parked ignored incomplete broken_chains configuration clock");
    let findings: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(findings["broken_chains"].as_array().unwrap().len(), 1, "{json}");
    assert_eq!(findings["broken_chains"][0]["subscription"], "sub_Tamarind1");
    assert!(findings["broken_chains"][0]["remedy"].as_str().unwrap().contains("backfill"));
    assert_eq!(findings["parked"], Value::Array(Vec::new()));
}

#[test]
fn an_explanation_goes_down_to_arithmetic_digest_and_signature() {
    let place = Place::new().with("UPSWELL_CONFIG", &stories_config());
    place.receive(&stories());
    let text = place.output(&["movements", "--customer", "cus_Cedar", "--format", "ndjson"]);
    let row: Value = serde_json::from_str(first_line(&text)).unwrap();
    let id = |pointer: &str| row.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let digest = id("/evidence/sha256");
    for asked in ["/customer", "/subscription", "/evidence/event", "/id"].map(id) {
        let told = place.output(&["explain", &asked]);
        assert!(told.contains("R3  1 × 100000 = 100000"), "{told}");
        assert!(told.contains("R2  100000 × 1 / 12 = 25000/3"), "{told}");
        assert!(told.contains("R1  25000/3 = 8333.333333"), "{told}");
        assert!(told.contains(&digest), "{told}");
        assert!(told.contains("signed 20"), "{told}");
        assert!(told.contains("new new (created; R15) 8333.333333 usd"), "{told}");
    }
    let none = place.output(&["explain", "cus_Cedar", "--month", "2026-01"]);
    assert!(!none.contains("new new") && !none.contains("sha256"), "{none}");
    assert!(none.contains("8333.333333 usd"), "the level that stood in the month: {none}");
}

#[test]
fn to_migrate_again_changes_nothing() {
    let place = Place::unmigrated();
    let said = |place: &Place| String::from_utf8(place.run(&["migrate"]).stderr).unwrap();
    assert!(said(&place).contains("migrations applied"));
    assert_eq!(said(&place), "the schema is current\n");
    place.output(&["verify"]);
}

#[test]
fn the_demo_needs_nothing_but_itself() {
    let place = Place::new().with("STRIPE_WEBHOOK_SECRET", "").with("DATABASE_URL", "");
    for _ in 0..2 {
        let shown = place.output(&["demo", "--once", "--dir", "shown"]);
        let last = shown.lines().rfind(|line| line.trim_start().starts_with("2026-10")).unwrap();
        assert!(last.split_whitespace().eq(["2026-10", "38.00", "%", "118.00", "%"]), "{last}");
        let first = shown.lines().find(|line| line.trim_start().starts_with("2025-10  ")).unwrap();
        assert!(first.split_whitespace().eq(["2025-10", "15.00", "%", "102.00", "%"]), "{first}");
    }
    let page = std::fs::read_to_string(place.path("shown/upswell-report.html")).unwrap();
    assert!(page.contains("2026-10"));
    // An end that is asked for, and seats that a schedule has in store, whenever the demo runs.
    let (_, scheduled) = page.split_once("<h3>Scheduled in the next 90 days</h3>").unwrap();
    let scheduled = scheduled.split_once("</section>").unwrap().0;
    for told in ["cus_Zinnia", "Churn", "cus_Harbor", "Seat", "600.00"] {
        assert!(scheduled.contains(told), "{told} is not in {scheduled}");
    }
    assert!(!place.path("upswell.db").exists());
}

#[test]
fn every_shell_is_told_every_command() {
    let place = Place::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = place.output(&["completions", shell]);
        for command in ["report", "reconcile", "completions", "openapi"] {
            assert!(script.contains(command), "{shell} is not told of {command}");
        }
    }
    let said = place.run(&["completions", "cmd"]);
    assert_eq!(said.status.code(), Some(2));
    assert!(!place.path("upswell.db").exists(), "nothing is opened for it");
    let place = place.with("UPSWELL_LISTEN", "nowhere");
    assert_eq!(place.run(&["status"]).status.code(), Some(2));
    assert!(place.output(&["completions", "bash"]).contains("report"));
    assert!(place.output(&["openapi"]).contains("/webhooks/stripe"));
}
