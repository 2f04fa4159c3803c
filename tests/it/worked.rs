//! The worked examples: the tables of the stories' README, and the ones everybody can do by head.

use serde_json::Value;

use crate::process::{Place, rows, stories, stories_config, stories_folder, story};

const LANES: [&str; 9] =
    ["opening", "new", "reactivation", "resume", "expansion", "contraction", "churn", "pause", "transfer"];
const UPS: [&str; 7] = ["upsell", "cross_sell", "seat", "usage", "price", "discount", "term"];
const DOWNS: [&str; 7] = ["downgrade", "product_removed", "seat", "usage", "price", "discount", "term"];

/// A place where these events have been backfilled.
fn place(events: &[String]) -> Place {
    let place = Place::new().with("UPSWELL_CONFIG", &stories_config());
    place.write("events.ndjson", events.join("\n"));
    place.output(&["backfill", "events.ndjson"]);
    place
}

/// The rows of the table under a heading of the README, cell by cell.
fn table(heading: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(stories_folder().join("README.md")).unwrap();
    let (_, below) = text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let lines = below.lines().skip_while(|line| !line.starts_with('|'));
    let rows = lines.take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// A decimal in units of a millionth.
fn millionths(text: &str) -> i128 {
    let text = text.replace(',', "");
    let (sign, digits) = text.strip_prefix('-').map_or((1, text.as_str()), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    assert!(fraction.len() <= 6, "{text}");
    sign * format!("{whole}{fraction:0<6}").parse::<i128>().unwrap()
}

/// Whether an amount of the report, in minor units, is the README's, in major units to the cent.
fn is_amount(json: &Value, readme: &str) -> bool {
    let exact = millionths(json.as_str().unwrap());
    (exact - millionths(readme) * 100).abs() <= 500_000
}

/// Whether a ratio of the report is the README's percentage of at most four decimals.
fn is_rate(json: &Value, readme: &str) -> bool {
    match readme.strip_suffix(" %") {
        None => json.is_null() && readme == "n/a",
        Some(percent) => millionths(json.as_str().unwrap()) * 100 == millionths(percent),
    }
}

fn reports(place: &Place) -> Vec<Value> {
    let text = place.output(&["report", "--from", "2025-09", "--to", "2026-10", "--format", "json"]);
    let range: Value = serde_json::from_str(&text).unwrap();
    range["months"].as_array().unwrap().clone()
}

/// The block of a currency in a month's report.
fn block<'r>(reports: &'r [Value], month: &str, currency: &str) -> &'r Value {
    let report = reports.iter().find(|report| report["month"] == month).unwrap();
    let blocks = report["currencies"].as_array().unwrap();
    blocks
        .iter()
        .find(|block| block["currency"] == currency)
        .unwrap_or_else(|| panic!("no {currency} in {month}"))
}

fn check_roll_forward(reports: &[Value], heading: &str, currency: &str) -> usize {
    let table = table(heading);
    for row in &table {
        let roll = &block(reports, &row[0], currency)["rollforward"];
        let names = std::iter::once("starting_mrr").chain(LANES).chain(["ending_mrr"]);
        for (name, readme) in names.zip(&row[1..]) {
            assert!(
                is_amount(&roll[name], readme),
                "{} {currency} {name}: {} is not {readme}",
                row[0],
                roll[name]
            );
        }
    }
    table.len()
}

#[test]
fn every_month_rolls_forward_as_the_stories_readme_works_it_out() {
    let reports = reports(&place(&stories()));
    assert_eq!(reports.len(), 14);
    assert_eq!(check_roll_forward(&reports, "### Roll-forward", "usd"), 14);
    assert_eq!(check_roll_forward(&reports, "## The expected months, euros", "eur"), 4);
}

#[test]
fn every_month_splits_by_kind_as_the_stories_readme_works_it_out() {
    let reports = reports(&place(&stories()));
    let table = table("### Expansion by kind");
    assert_eq!(table.len(), 14);
    for row in table {
        let block = block(&reports, &row[0], "usd");
        for (kind, readme) in UPS.iter().zip(&row[1..8]) {
            let amount = &block["expansion_by_kind"][kind];
            assert!(is_amount(amount, readme), "{} {kind}: {amount} is not {readme}", row[0]);
        }
        let core = &block["core_expansion"];
        assert!(is_amount(core, &row[8]), "{} core: {core} is not {}", row[0], row[8]);
        let downs: Vec<(&str, &str)> = row[9].split(", ").filter_map(|part| part.split_once(' ')).collect();
        for kind in DOWNS {
            let readme = downs.iter().find(|(name, _)| *name == kind).map_or("0.00", |(_, amount)| amount);
            let amount = &block["contraction_by_kind"][kind];
            assert!(is_amount(amount, readme), "{} {kind}: {amount} is not {readme}", row[0]);
        }
    }
}

#[test]
fn every_month_has_the_rates_that_the_stories_readme_works_out() {
    let reports = reports(&place(&stories()));
    let table = table("### Rates");
    assert_eq!(table.len(), 14);
    for row in table {
        let block = block(&reports, &row[0], "usd");
        let rates = &block["rates"];
        for (name, readme) in ["expansion_share_of_new_arr", "nrr", "grr"].iter().zip(&row[1..4]) {
            assert!(is_rate(&rates[name], readme), "{} {name}: {} is not {readme}", row[0], rates[name]);
        }
        let customers = &block["customers"];
        assert_eq!(customers["starting"].to_string(), row[4], "{}", row[0]);
        assert_eq!(customers["ending"].to_string(), row[5], "{}", row[0]);
    }
}

/// Class, kind, delta and MRR after, of a customer's movements in a month.
fn told(place: &Place, customer: &str, month: &str) -> Vec<String> {
    let text = place.output(&["movements", "--customer", customer, "--month", month, "--format", "ndjson"]);
    let told = |row: &Value| {
        let words = ["class", "kind", "delta", "customer_mrr_after"].map(|key| row[key].as_str().unwrap());
        words.join(" ")
    };
    rows(&text).iter().map(told).collect()
}

#[test]
fn ten_at_20_that_become_twelve_at_30_are_40_of_seats_and_120_of_upsell() {
    let place = place(&story("seats-and-tier-in-one-change"));
    assert_eq!(
        told(&place, "cus_Alder", "2026-02"),
        ["expansion seat 4000 24000", "expansion upsell 12000 36000"]
    );
}

#[test]
fn a_thousand_a_year_is_8333_333333_a_month_and_exactly_a_thousand_of_arr() {
    let place = place(&story("a-thousand-a-year"));
    assert_eq!(told(&place, "cus_Cedar", "2025-11"), ["new new 8333.333333 8333.333333"]);
    let report = ["report", "--month", "2025-11", "--format"];
    let json: Value = serde_json::from_str(&place.output(&[&report[..], &["json"]].concat())).unwrap();
    let block = &json["currencies"][0];
    assert_eq!(block["rollforward"]["ending_mrr"], "8333.333333");
    assert_eq!(block["ending_arr"], "100000");
    let table = place.output(&[&report[..], &["table"]].concat());
    let line = table.lines().find(|line| line.trim_start().starts_with("Ending ARR")).unwrap();
    assert!(line.split_whitespace().eq(["Ending", "ARR", "1,000.00"]), "{line}");
}

#[test]
fn ten_basic_that_become_five_pro_are_a_switch_and_no_expansion() {
    let place = place(&story("ten-basic-become-five-pro"));
    let text = place.output(&["movements", "--class", "switch", "--format", "ndjson"]);
    let switched = rows(&text);
    let month = switched[0]["month"].as_str().unwrap();
    assert_eq!(told(&place, "cus_Birch", month), ["switch seat -5000 5000", "switch upsell 5000 10000"]);
    let json = place.output(&["report", "--month", month, "--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let block = &json["currencies"][0];
    assert_eq!(block["total_expansion"], "0");
    assert_eq!(block["rollforward"]["contraction"], "0");
    assert_eq!(block["activity"]["by_class"]["switch"], "0");
}

#[test]
fn what_is_first_heard_of_midlife_is_opening_and_never_new() {
    let events = story("heard-of-midlife");
    let place = Place::new().with("UPSWELL_CONFIG", &stories_config());
    place.receive(&events);
    for (customer, first) in [("cus_Poplar", "opening"), ("cus_Quince", "opening"), ("cus_Heather", "new")] {
        let text = place.output(&["movements", "--customer", customer, "--format", "ndjson"]);
        let classes: Vec<Value> = rows(&text).iter().map(|row| row["class"].clone()).collect();
        assert_eq!(classes[0], first, "{customer}: {classes:?}");
        assert!(!classes[1..].iter().any(|class| class == "new" || class == "opening"), "{classes:?}");
    }
    let report: Value =
        serde_json::from_str(&place.output(&["report", "--month", "2026-01", "--format", "json"])).unwrap();
    let block = &report["currencies"][0];
    assert_ne!(block["rollforward"]["opening"], "0");
    // What was carried in is in the denominators, as if it had stood at the month's start.
    assert!(block["rates"]["nrr"].is_string());
}
