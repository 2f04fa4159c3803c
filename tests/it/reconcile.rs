//! `upswell reconcile` against files of figures: each cause alone and several together, named to the last
//! unit; what no cause makes stays unknown; files of every form; rows and files that can't be read.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::process::{Place, rows, stories, stories_config};

/// When the fixtures' files were made: a day before the end of their last month.
const MADE: &str = "2026-08-31T06:00:00Z";
const MONTHS: &str = "MRR_per_Subscriber.csv";
const CHANGES: &str = "subscription_item_change_events.csv";

/// What each customer's months come to, worked by hand: ours, Stripe's, and the causes in minor units.
/// The rest agrees.
const EXPECTED: &[(&str, &str, i64, i64, &str)] = &[
    // The first invoice of usage is effective on 3 June; Stripe never counts usage.
    ("Bramble", "2026-06", 7_000, 5_000, "metered -2000"),
    ("Bramble", "2026-07", 8_000, 5_000, "metered -3000"),
    ("Bramble", "2026-08", 8_000, 5_000, "metered -3000"),
    // A quarter off for a year, which Stripe is set not to subtract.
    ("Clover", "2026-05", 7_500, 10_000, "discount_policy 2500"),
    ("Clover", "2026-06", 7_500, 10_000, "discount_policy 2500"),
    ("Clover", "2026-07", 7_500, 10_000, "discount_policy 2500"),
    ("Clover", "2026-08", 7_500, 10_000, "discount_policy 2500"),
    // In trial until 9 June.
    ("Dogrose", "2026-05", 0, 3_000, "trial 3000"),
    // Paused from 10 June to 20 July.
    ("Elder", "2026-06", 0, 4_000, "pause 4000"),
    // Begins on 1 June at 03:00 UTC, which is 31 May in New York.
    ("Furze", "2026-05", 0, 6_000, "time_zone 6000"),
    // One seat more ten hours before the files were made.
    ("Gorse", "2026-08", 9_000, 8_000, "freshness -1000"),
    // 45 euros, told as 49 dollars.
    ("Hazel", "2026-05", 0, 4_900, "currency 4900"),
    ("Hazel", "2026-06", 0, 4_900, "currency 4900"),
    ("Hazel", "2026-07", 0, 4_900, "currency 4900"),
    ("Hazel", "2026-08", 0, 4_900, "currency 4900"),
    // In trial with a quarter off until 10 June, then only with a quarter off.
    ("Juniper", "2026-05", 0, 4_000, "discount_policy 1000, trial 3000"),
    ("Juniper", "2026-06", 3_000, 4_000, "discount_policy 1000"),
    ("Juniper", "2026-07", 3_000, 4_000, "discount_policy 1000"),
    ("Juniper", "2026-08", 3_000, 4_000, "discount_policy 1000"),
    // Licensed 50.00 and used 20.00; paused from 15 July.
    ("Kerria", "2026-06", 7_000, 5_000, "metered -2000"),
    ("Kerria", "2026-07", 0, 5_000, "metered -2000, pause 7000"),
    ("Kerria", "2026-08", 0, 5_000, "metered -2000, pause 7000"),
    // Asked on 5 June to end on 9 July.
    ("Larch", "2026-06", 2_000, 0, "churn_policy -2000"),
    // There since March; first heard of on 12 July, when two seats become three.
    ("Myrtle", "2026-05", 0, 2_000, "history 2000"),
    ("Myrtle", "2026-06", 0, 2_000, "history 2000"),
    // All at once: begins on 1 June at 02:00 UTC at a quarter off, uses 20.00, is paused from 20 July.
    ("Nettle", "2026-05", 0, 10_000, "discount_policy 2500, time_zone 7500"),
    ("Nettle", "2026-06", 7_500, 10_000, "discount_policy 2500"),
    ("Nettle", "2026-07", 0, 10_000, "metered -2000, discount_policy 2500, pause 9500"),
    ("Nettle", "2026-08", 0, 10_000, "metered -2000, discount_policy 2500, pause 9500"),
];

fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/exports");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// A place that knows the business of `fixtures/exports`, with Stripe's files beside it.
fn place() -> Place {
    told(Place::new())
}

fn told(place: Place) -> Place {
    place.write("business.ndjson", fixture("business.ndjson"));
    place.write(MONTHS, fixture(MONTHS));
    place.write(CHANGES, fixture(CHANGES));
    place.output(&["backfill", "business.ndjson"]);
    place
}

fn compare(place: &Place, arguments: &[&str]) -> Output {
    let fixed = ["reconcile", "--exported-at", MADE];
    place.run(&[&fixed[..], arguments].concat())
}

fn json(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON: {said}"))
}

/// The gaps by customer and month, of one currency, each with ours, Stripe's and the causes.
fn gaps(found: &Value, currency: &str) -> BTreeMap<(String, String), String> {
    let gaps = found["gaps"].as_array().unwrap().iter().filter(|gap| gap["currency"] == currency);
    let told = |gap: &Value| {
        let text = |name: &str| gap[name].as_str().unwrap().to_owned();
        let causes: Vec<String> = gap["causes"].as_array().unwrap().iter().map(cause).collect();
        let told = format!("{} {}: {}", text("ours"), text("stripes"), causes.join(", "));
        ((text("customer"), text("month")), told)
    };
    gaps.map(told).collect()
}

fn cause(cause: &Value) -> String {
    format!("{} {}", cause["cause"].as_str().unwrap(), cause["delta"].as_str().unwrap())
}

fn expected() -> BTreeMap<(String, String), String> {
    let of = |(customer, month, ours, theirs, causes): &(&str, &str, i64, i64, &str)| {
        ((format!("cus_{customer}"), (*month).to_owned()), format!("{ours} {theirs}: {causes}"))
    };
    EXPECTED.iter().map(of).collect()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn each_cause_is_named_alone_and_with_others_to_the_last_unit() {
    let place = place();
    for file in [MONTHS, CHANGES] {
        // Sigma tells of Myrtle's March and April too.
        let output = compare(&place, &[file, "--from", "2026-05"]);
        let found = json(&output);
        assert_eq!(gaps(&found, "usd"), expected(), "{file}");
        let in_euros: Vec<String> = gaps(&found, "eur").into_values().collect();
        assert_eq!(in_euros, ["4500 0: currency -4500"; 4], "{file}");
        // Ivy pays 1000.00 a year; Alder, Orchid and what is not above agree.
        let summary = &found["summary"];
        assert_eq!((&summary["rounded"], &summary["unknown"]), (&4.into(), &0.into()), "{file}");
        assert_eq!(summary["agreed"], 25, "{file}");
        assert_eq!(code(&output), 0, "{file}");
        assert_foots(&found);
    }
}

/// Gaps are the sum of their parts, and months that of their customers.
fn assert_foots(found: &Value) {
    let micro = |value: &Value| {
        let text = value.as_str().unwrap();
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        format!("{whole}{part:0<6}").parse::<i128>().unwrap()
    };
    for line in found["gaps"].as_array().unwrap().iter().chain(found["months"].as_array().unwrap()) {
        let causes: i128 =
            line["causes"].as_array().unwrap().iter().map(|cause| micro(&cause["delta"])).sum();
        assert_eq!(micro(&line["gap"]), causes + micro(&line["rounding"]), "{line}");
        assert_eq!(micro(&line["gap"]), micro(&line["stripes"]) - micro(&line["ours"]), "{line}");
    }
}

#[test]
fn a_wrong_amount_stays_unknown_and_exits_1() {
    let place = place();
    let wrong = fixture(MONTHS).replace("usd,50.00,50.00,50.00", "usd,50.00,50.00,51.00").replace(
        "alder@example.invalid,usd,100.00,100.00,100.00",
        "alder@example.invalid,usd,100.00,100.00,99.99",
    );
    place.write("wrong.csv", wrong);
    let output = compare(&place, &["wrong.csv"]);
    assert_eq!(code(&output), 1);
    let gaps = gaps(&json(&output), "usd");
    let of = |customer: &str| gaps[&(format!("cus_{customer}"), "2026-07".to_owned())].as_str();
    assert_eq!(of("Alder"), "10000 9999: unknown -1");
    // What other gaps prove of Stripe's settings is taken off first, so that the unknown stands alone.
    assert_eq!(of("Bramble"), "8000 5100: metered -3000, unknown 100");
    assert_eq!(of("Kerria"), "0 5100: metered -2000, pause 7000, unknown 100");
    assert!(said(&output).contains("3 unknown"), "{}", said(&output));
    assert_foots(&json(&output));
}

#[test]
fn a_wrong_change_stays_unknown_and_its_item_is_named() {
    let place = place();
    let row = "\"ACTIVE_START\",\"usd\",\"10000\",\"1\",\"cus_Alder\"";
    let wrong = fixture(CHANGES).replace(row, &row.replace("10000", "9999"));
    place.write("wrong.csv", wrong);
    let output = compare(&place, &["wrong.csv", "--customer", "cus_Alder", "--month", "2026-06"]);
    assert_eq!(code(&output), 1);
    let gap = json(&output)["gaps"][0].clone();
    assert_eq!(gap["causes"][0]["cause"], "unknown");
    let item = serde_json::json!([{"item": "si_Aldera", "ours": "10000", "stripes": "9999"}]);
    assert_eq!(gap["items"], item);
}

#[test]
fn a_ledger_agrees_with_what_it_says_itself_until_a_cent_is_off() {
    let place = Place::new().with("UPSWELL_CONFIG", &stories_config());
    place.write("stories.ndjson", stories().join("\n"));
    place.output(&["backfill", "stories.ndjson"]);
    let months = ["2026-07", "2026-08", "2026-09", "2026-10"];
    let mut lines: BTreeMap<(String, String), [String; 4]> = BTreeMap::new();
    for (place_of_month, month) in months.iter().enumerate() {
        for row in rows(&place.output(&["customers", "--month", month, "--format", "ndjson"])) {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            let minor = text("mrr");
            let (whole, part) = minor.split_once('.').unwrap_or((&minor, ""));
            let major = format!(
                "{}.{:02}{part}",
                whole.parse::<u64>().unwrap() / 100,
                whole.parse::<u64>().unwrap() % 100
            );
            lines.entry((text("customer"), text("currency"))).or_default()[place_of_month] = major;
        }
    }
    let mut file = format!("Customer,Customer ID,Customer Email,Currency,{}\n", months.join(","));
    for ((customer, currency), amounts) in &lines {
        file.push_str(&format!(",{customer},,{currency},{}\n", amounts.join(",")));
    }
    place.write("own.csv", &file);
    let output = compare(&place, &["own.csv", "--exported-at", "2026-12-01"]);
    assert_eq!(code(&output), 2, "--exported-at is given once");
    let output = place.run(&["reconcile", "own.csv", "--exported-at", "2026-12-01"]);
    let found = json(&output);
    assert_eq!((code(&output), found["gaps"].as_array().unwrap().len()), (0, 0), "{}", said(&output));
    assert!(found["summary"]["agreed"].as_u64().unwrap() > 100, "{}", found["summary"]);

    let (_, amounts) = lines.iter().find(|(_, amounts)| amounts[2].ends_with(".00")).unwrap();
    let old = amounts.join(",");
    let new = old.replace(&amounts[2], &amounts[2].replace(".00", ".01"));
    place.write("off.csv", file.replacen(&old, &new, 1));
    let output = place.run(&["reconcile", "off.csv", "--exported-at", "2026-12-01"]);
    let gaps = json(&output)["gaps"].as_array().unwrap().clone();
    assert_eq!(code(&output), 1);
    assert!(!gaps.is_empty() && gaps.iter().all(|gap| cause(&gap["causes"][0]) == "unknown 1"), "{gaps:?}");
}

#[test]
fn the_other_way_round_each_choice_of_ours_is_named_too() {
    let config = "[policy]\ntrialing = \"counts\"\npaused = \"counts\"\nchurn = \"requested\"\n\
                  discounts = \"none\"\npast_due = 14\n";
    let place = Place::new().with("UPSWELL_CONFIG", "upswell.toml");
    place.write("upswell.toml", config);
    let place = told(place);
    let file = "Customer,Customer ID,Currency,2026-05,2026-06\n\
                ,cus_Clover,usd,75.00,75.00\n,cus_Dogrose,usd,0.00,30.00\n,cus_Elder,usd,40.00,0.00\n\
                ,cus_Larch,usd,20.00,20.00\n,cus_Orchid,usd,10.00,10.00\n";
    place.write("stripes.csv", file);
    let cases = [
        ("cus_Clover", "2026-05", "10000 7500: discount_policy -2500"),
        ("cus_Dogrose", "2026-05", "3000 0: trial -3000"),
        ("cus_Elder", "2026-06", "4000 0: pause -4000"),
        ("cus_Larch", "2026-06", "0 2000: churn_policy 2000"),
        ("cus_Orchid", "2026-06", "0 1000: past_due 1000"),
    ];
    for (customer, month, expected) in cases {
        let output = compare(&place, &["stripes.csv", "--customer", customer, "--month", month]);
        let found = json(&output);
        let gaps: Vec<String> = gaps(&found, "usd").into_values().collect();
        assert_eq!((gaps, code(&output)), (vec![expected.to_owned()], 0));
    }
}

#[test]
fn a_time_zone_that_is_known_explains_only_what_it_does() {
    let place = place();
    let furze = ["--customer", "cus_Furze", "--month", "2026-05"];
    let zone = |zone| compare(&place, &[&[MONTHS, "--stripe-timezone", zone][..], &furze].concat());
    assert_eq!(code(&zone("America/New_York")), 0);
    assert_eq!(code(&zone("Asia/Tokyo")), 1);
    // Sigma's rows show the account's clock themselves: one in Tokyo can't tell of 1 June in May.
    let tokyo = fixture(CHANGES).replace("2026-05-31 23:00:00.000", "2026-06-01 12:00:00.000");
    place.write("tokyo.csv", tokyo);
    assert_eq!(code(&compare(&place, &[&["tokyo.csv"][..], &furze].concat())), 0, "agrees as it is");
}

#[test]
fn one_file_in_every_form_says_one_thing() {
    let place = place();
    let bare = |arguments: &[&str]| {
        let output = compare(&place, arguments);
        (code(&output), json(&output))
    };
    let plain = bare(&[MONTHS]);
    let text = fixture(MONTHS);
    let unmarked = text.trim_start_matches('\u{feff}').replace('\n', "\r\n").replace("\r\r\n", "\r\n");
    place.write("unmarked.csv", unmarked);
    assert_eq!(bare(&["unmarked.csv"]), plain);

    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    place.write("months.csv.gz", gzip.finish().unwrap());
    assert_eq!(bare(&["months.csv.gz"]), plain);
    place.write("nameless", zstd::encode_all(text.as_bytes(), 1).unwrap());
    assert_eq!(bare(&["nameless"]), plain);
    let fed = place.fed(&["reconcile", "-", "--exported-at", MADE], text.as_bytes());
    assert_eq!((code(&fed), json(&fed)), plain);

    // Columns in another order, semicolons, decimal commas, thousands apart, codes in capitals.
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let mut foreign = csv::WriterBuilder::new().delimiter(b';').from_writer(Vec::new());
    let order = [7, 1, 4, 3, 6, 0, 5, 2];
    let headers = reader.headers().unwrap().clone();
    foreign.write_record(order.map(|column| headers[column].to_owned())).unwrap();
    for record in reader.records() {
        let record = record.unwrap();
        let cell = |column: usize| match column {
            3 => record[3].to_uppercase(),
            4.. => format!("0{}", &record[column]).trim_start_matches('0').replace('.', ","),
            _ => record[column].to_owned(),
        };
        foreign.write_record(order.map(cell)).unwrap();
    }
    place.write("foreign.csv", foreign.into_inner().unwrap());
    assert_eq!(bare(&["foreign.csv"]), plain);
}

#[test]
fn parts_of_an_export_and_overlapping_ones_are_one() {
    let place = place();
    let whole = json(&compare(&place, &[CHANGES]));
    let text = fixture(CHANGES);
    let lines: Vec<&str> = text.lines().collect();
    let part = |from: usize, to: usize| [&lines[..1], &lines[from..to]].concat().join("\n");
    place.write("first.csv", part(1, 14));
    place.write("second.csv", part(9, lines.len()));
    assert_eq!(json(&compare(&place, &["first.csv", "second.csv"])), whole);
    let output = compare(&place, &["first.csv", MONTHS]);
    assert_eq!(code(&output), 2);
    assert!(said(&output).contains("one form at a time"), "{}", said(&output));
}

#[test]
fn a_row_that_can_t_be_read_is_told_by_its_line_and_no_name_is_repeated() {
    let place = place();
    let file = "Customer,Customer ID,Customer Email,Currency,2026-05,2026-06\n\
                \"Two\nlines\",cus_Alder,x@example.invalid,usd,100.00,100.00\n\
                Doe, Jane,cus_Bramble,jane@example.invalid,usd,50.00,50.00\n\
                Secret,jane@example.invalid,,usd,1.00,1.00\n\
                Secret,cus_1,,dollars,1.00,1.00\n\
                Secret,cus_2,,usd,1.00,jane@example.invalid\n\
                Secret,cus_Alder,,usd,99.00,100.00\n";
    place.write("faulty.csv", file);
    let only = ["--customer", "cus_Alder"];
    for format in ["table", "json", "csv"] {
        let output = compare(&place, &[&["faulty.csv", "--format", format][..], &only].concat());
        assert_eq!(code(&output), 1, "all of Alder's months agree, but rows are missing");
        let all = said(&output) + &String::from_utf8_lossy(&output.stdout);
        for line in [4, 5, 6, 7, 8] {
            assert!(all.contains(&format!("faulty.csv:{line}")) || format == "json", "line {line}:\n{all}");
        }
        for secret in ["jane", "Jane", "Secret", "Doe", "dollars"] {
            assert!(!all.contains(secret), "{secret}:\n{all}");
        }
    }
    let found = json(&compare(&place, &[&["faulty.csv"][..], &only].concat()));
    let lines: Vec<u64> =
        found["faults"].as_array().unwrap().iter().map(|fault| fault["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [4, 5, 6, 7, 8]);
    let changes =
        fixture(CHANGES).replacen("\"10000\"", "\"\"", 1).replacen("2026-05-03 10:00:00.000", "May", 1);
    place.write("changes.csv", changes);
    let output = compare(&place, &["changes.csv"]);
    assert_eq!((code(&output), json(&output)["summary"]["unreadable_rows"].as_u64()), (1, Some(2)));
}

#[test]
fn a_file_that_is_none_exits_2_and_says_what_was_looked_for() {
    let place = place();
    let cases: [(&str, &str, &str); 9] = [
        ("neither.csv", "id,Amount\nx,1\n", "`Customer ID`"),
        ("headless.csv", "Jane,cus_1,jane@example.invalid,usd,1\n", "line 1 is no header"),
        ("short.csv", "Customer ID,2026-05\ncus_1,1\n", "there is no column `Currency`"),
        ("odd.csv", "Customer ID,Currency,2026-05,June 2026\n", "column 4, `June 2026`, is not known"),
        ("twice.csv", "Customer ID,Currency,2026-05,2026-05\n", "twice"),
        ("sigma.csv", "customer_id,mrr_change,event_timestamp\n", "there is no column `currency`"),
        ("timeless.csv", "customer_id,mrr_change,currency\n", "`local_event_timestamp`"),
        ("events.csv", "{\"object\": \"event\"}\n", "JSON"),
        ("empty.csv", "", "empty"),
    ];
    for (name, text, expected) in cases {
        place.write(name, text);
        let output = compare(&place, &[name]);
        assert_eq!(code(&output), 2, "{name}: {}", said(&output));
        let said = said(&output);
        assert!(said.contains(expected) && said.contains(name) && !said.contains("jane"), "{name}: {said}");
        assert!(output.stdout.is_empty(), "{name}");
    }
    let usage: [&[&str]; 5] = [
        &["missing.csv"],
        &["."],
        &[MONTHS, "--month", "2027-01"],
        &[MONTHS, "--from", "2026-07", "--to", "2026-05"],
        &[MONTHS, "--stripe-timezone", "Mars"],
    ];
    for arguments in usage {
        let output = compare(&place, arguments);
        assert_eq!(code(&output), 2, "{arguments:?}: {}", said(&output));
    }
    let output = place.run(&["reconcile", MONTHS, "--exported-at", "yesterday"]);
    assert_eq!(code(&output), 2);
}

#[test]
fn a_person_reads_months_customers_and_one_sentence() {
    let place = place();
    let output = compare(&place, &[MONTHS, "--format", "table"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let last = "25 customer-months agree to the last unit, 33 explained, 0 unknown; \
                4 differ by less than the files print\n";
    assert!(text.ends_with(last), "{text}");
    assert!(text.contains("and 13 more: --all shows them"), "{text}");
    assert!(text.contains("metered -20.00, discount_policy 25.00, pause 95.00"), "{text}");
    let all = compare(&place, &[MONTHS, "--format", "table", "--all"]);
    let all = String::from_utf8(all.stdout).unwrap();
    assert!(all.contains("rounding -0.00333333"), "{all}");
    let of_one = compare(&place, &[MONTHS, "--format", "csv", "--currency", "EUR", "--month", "2026-06"]);
    let of_one = String::from_utf8(of_one.stdout).unwrap();
    assert_eq!(of_one.lines().count(), 2, "{of_one}");
    assert!(of_one.contains("cus_Hazel,2026-06,eur,4500,0,-4500,"), "{of_one}");
}

#[test]
fn a_setting_that_another_month_does_without_is_named_with_a_doubt() {
    let place = place();
    place.write("torn.csv", "Customer ID,Currency,2026-05,2026-06\ncus_Clover,usd,75.00,100.00\n");
    let output = compare(&place, &["torn.csv", "--customer", "cus_Clover"]);
    let found = json(&output);
    assert_eq!((code(&output), found["gaps"].as_array().unwrap().len()), (0, 1));
    let details = serde_json::json!(["net of discounts for ever only", "though 2026-05 agrees as it is"]);
    assert_eq!(found["gaps"][0]["details"], details);
}

#[test]
fn nothing_is_held_against_stripe_before_the_ledger_s_first_word() {
    let place = place();
    let file = "Customer ID,Currency,2026-03,2026-04,2026-05\ncus_Nobody,usd,5.00,5.00,5.00\n";
    place.write("early.csv", file);
    let nobody = |month| compare(&place, &["early.csv", "--customer", "cus_Nobody", "--month", month]);
    // The ledger's first fact is of 2 May.
    for (month, expected) in [("2026-03", 0), ("2026-04", 0), ("2026-05", 1)] {
        let output = nobody(month);
        let cause = if expected == 0 { "history" } else { "unknown" };
        let gap = json(&output)["gaps"][0].clone();
        assert_eq!((&gap["causes"][0]["cause"], code(&output)), (&cause.into(), expected), "{month}");
        assert!(gap["details"].to_string().contains("no facts about this customer"), "{month}");
    }
}

/// What a month's report says it was compared with.
fn said_of(place: &Place, month: &str) -> Vec<Value> {
    let report = place.output(&["report", "--month", month, "--format", "json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    report["reconciliation"].as_array().unwrap().clone()
}

#[test]
fn a_months_report_says_what_the_newest_comparison_found() {
    let place = place();
    let page = |place: &Place| place.output(&["report", "--month", "2026-06", "--format", "md"]);
    assert_eq!(page(&place).matches("never compared").count(), 2, "with neither of the files");
    compare(&place, &[MONTHS, "--customer", "cus_Clover"]);
    assert!(said_of(&place, "2026-06").is_empty(), "one customer is not the month");

    let found = json(&compare(&place, &[MONTHS]));
    let (mut sums, count) = ([0; 4], |one: &Value, name: &str| one[name].as_u64().unwrap());
    let names = ["agreed", "rounded", "explained", "unknown"];
    for month in found["months"].as_array().unwrap() {
        let said = said_of(&place, month["month"].as_str().unwrap());
        let one = said.iter().find(|one| one["currency"] == month["currency"]).unwrap();
        assert_eq!(
            (&one["ours"], &one["stripes"], &one["gap"]),
            (&month["ours"], &month["stripes"], &month["gap"])
        );
        assert_eq!(
            (one["form"].as_str(), one["exported_at"].as_str()),
            (Some("mrr_per_subscriber"), Some(MADE))
        );
        names.iter().zip(&mut sums).for_each(|(name, sum)| *sum += count(one, name));
    }
    assert_eq!(sums, names.map(|name| count(&found["summary"], name)), "each customer's month once");
    assert!(sums[2] > 20, "{sums:?}");
    let june = said_of(&place, "2026-06").into_iter().find(|one| one["currency"] == "usd").unwrap();
    let text = page(&place);
    let line = text.lines().find(|line| line.starts_with("| Stripe's MRR per subscriber, USD |")).unwrap();
    let cells: Vec<&str> = line.split(" | ").collect();
    let agree = count(&june, "agreed") + count(&june, "rounded");
    let told = [agree, count(&june, "explained"), count(&june, "unknown")].map(|count| count.to_string());
    assert_eq!(cells[1..4], told);
    assert!(cells[5].contains("a file of 2026-08-31 06:00"), "{line}");
    assert_eq!(text.matches("never compared").count(), 1, "of Sigma's there was no file");
    let long = place.output(&["report", "--month", "2026-06", "--format", "csv"]);
    for name in ["ours", "stripes", "agreed", "rounded", "explained", "unknown"] {
        let value = june[name].as_str().map_or_else(|| june[name].to_string(), str::to_owned);
        let row = format!("2026-06,usd,reconciliation:mrr_per_subscriber,{name},{value},");
        assert!(long.contains(&row), "{row}");
    }
    compare(&place, &[CHANGES]);
    compare(&place, &[MONTHS, "--currency", "eur"]);
    let said = said_of(&place, "2026-06");
    assert!(said.contains(&june), "dollars were not compared again");
    assert!(said.iter().any(|one| one["form"] == "subscription_item_change_events"), "{said:?}");
    assert_eq!(page(&place).matches("never compared").count(), 0);
}
