//! Exchange rates as people import them, and what reports say with and without them.

use serde_json::Value;

use crate::process::{Place, stories, stories_config};

/// The bank's table through time: five days, one without yen, with a comma at the end of each line.
const HISTORY: &str = "\u{feff}Date,USD,JPY,CYP,\r\n\
    2026-10-30,1.0856,162.34,N/A,\r\n\
    2026-10-29,1.0841,,N/A,\r\n\
    2026-09-30,1.1000,160.00,N/A,\r\n";

/// The bank's table of one day.
const DAY: &str = "Date, USD, JPY, \n30 October 2026, 1.0856, 162.34, \n";

fn imported(place: &Place, file: &str) -> Value {
    serde_json::from_str(&place.output(&["fx", file])).unwrap()
}

fn counts(summary: &Value) -> [usize; 4] {
    let number = |name: &str| usize::try_from(summary[name].as_u64().unwrap()).unwrap();
    let listed = |name: &str| summary[name].as_array().unwrap().len();
    [number("new"), number("known"), listed("replaced"), listed("unreadable")]
}

/// A place where the stories have been backfilled, to be reported in euros.
fn told() -> Place {
    let place =
        Place::new().with("UPSWELL_CONFIG", &stories_config()).with("UPSWELL_REPORTING_CURRENCY", "eur");
    place.write("stories.ndjson", stories().join("\n"));
    place.output(&["backfill", "stories.ndjson"]);
    place
}

/// A dollar is so many euros at the end of every month of the stories.
fn rates_of_the_stories() -> String {
    let months = (0..26).map(|index| (2024 + (11 + index) / 12, (11 + index) % 12 + 1));
    let rows = months.map(|(year, month)| format!("{year}-{month:02}-28,USD,EUR,0.9{month}\n"));
    "date,from,to,rate\n".to_owned() + &rows.collect::<String>()
}

fn report(place: &Place, arguments: &[&str]) -> (Option<i32>, Value, String) {
    let output = place.run(&[&["report", "--format", "json"], arguments].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_default(), said)
}

#[test]
fn rates_are_imported_once_from_whatever_form() {
    let place = Place::new();
    place.write("eurofxref-hist.csv", HISTORY);
    place.write("eurofxref.csv", DAY);
    assert_eq!(counts(&imported(&place, "eurofxref-hist.csv")), [5, 0, 0, 0]);
    assert_eq!(counts(&imported(&place, "eurofxref-hist.csv")), [0, 5, 0, 0]);
    assert_eq!(counts(&imported(&place, "eurofxref.csv")), [0, 2, 0, 0]);
    let fed =
        place.fed(&["fx", "-"], b"date,from,to,rate\n2026-10-30,eur,usd,1.08560\n2026-10-30,usd,brl,5.4\n");
    assert!(fed.status.success());
    assert_eq!(counts(&serde_json::from_slice(&fed.stdout).unwrap()), [1, 1, 0, 0]);
    let text = place.output(&["fx", "eurofxref.csv", "--format", "table"]);
    assert_eq!(text, "eurofxref.csv: 2 rates read, 0 new, 2 known already, 0 replaced, 0 rows unreadable\n");
}

#[test]
fn a_rate_that_changed_takes_the_place_of_the_old_one_and_says_so() {
    let place = Place::new();
    place.write("rates.csv", "date,from,to,rate\n2026-10-30,usd,eur,0.92\n");
    imported(&place, "rates.csv");
    place.write("rates.csv", "date,from,to,rate\n2026-10-30,usd,eur,0.93\n");
    let output = place.run(&["fx", "rates.csv"]);
    assert!(output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("1 usd = 0.93 eur on 2026-10-30; it was 0.92, which stays on record"), "{said}");
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["replaced"][0]["old"], "0.92");
    assert_eq!(counts(&imported(&place, "rates.csv")), [0, 1, 0, 0]);
}

#[test]
fn of_a_file_with_a_bad_row_nothing_is_imported_unless_told() {
    let place = Place::new();
    place.write("rates.csv", "date,from,to,rate\n2026-10-30,usd,eur,0.92\n2026-10-31,usd,eur,zero\n");
    let output = place.run(&["fx", "rates.csv"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("rates.csv, line 3: `zero`") && said.contains("--skip-bad-rows"), "{said}");
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((counts(&summary), &summary["imported"]), ([0, 0, 0, 1], &Value::Bool(false)));
    let output = place.run(&["fx", "rates.csv", "--skip-bad-rows"]);
    assert_eq!(output.status.code(), Some(1));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((counts(&summary), &summary["imported"]), ([1, 0, 0, 1], &Value::Bool(true)));
    place.write("twice.csv", "2026-10-30,usd,gbp,0.7\n2026-10-30,usd,gbp,0.8\n");
    let said = String::from_utf8(place.run(&["fx", "twice.csv"]).stderr).unwrap();
    assert!(said.contains("line 2") && said.contains("in line 1"), "{said}");
}

#[test]
fn what_is_no_file_of_rates_is_told_what_is() {
    let place = Place::new();
    place.write("events.ndjson", stories().join("\n"));
    for file in ["events.ndjson", "not-there.csv"] {
        let output = place.run(&["fx", file]);
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(file), "{said}");
    }
    let output = place.run(&["fx"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("upswell fx eurofxref-hist.csv"));
}

#[test]
fn without_a_rate_a_report_says_which_and_asking_for_it_exits_1() {
    let place = told();
    let (code, json, _) = report(&place, &["--month", "2026-10"]);
    assert_eq!(code, Some(0));
    assert!(json["consolidated"].is_null());
    let reason = json["consolidated_reason"].as_str().unwrap();
    assert!(reason.contains("no rate of usd in eur for 2026-10-31"), "{reason}");
    for asked in ["eur", "EUR", "consolidated"] {
        let (code, json, said) = report(&place, &["--month", "2026-10", "--currency", asked]);
        assert_eq!(code, Some(1), "{asked}");
        assert!(json["consolidated"].is_null() && said.contains("usd in eur for 2026-10-31"), "{said}");
    }
    let range = ["--from", "2026-09", "--to", "2026-10", "--currency", "eur"];
    assert_eq!(report(&place, &range).0, Some(1));
    let (code, json, _) = report(&place, &["--month", "2026-10", "--currency", "usd"]);
    assert_eq!((code, json["currencies"].as_array().unwrap().len()), (Some(0), 1));
    let doctor = place.run(&["doctor", "--format", "json"]);
    assert_eq!(doctor.status.code(), Some(1));
    let findings: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    let needed = findings["missing_rates"].as_array().unwrap();
    let october = needed.iter().find(|needed| needed["date"] == "2026-10-31").unwrap();
    assert_eq!((&october["currency"], &october["reporting_currency"]), (&"usd".into(), &"eur".into()));
    assert!(place.run(&["doctor", "--format", "table"]).stdout.starts_with(b"Broken chains"));
}

#[test]
fn to_consolidate_without_a_reporting_currency_is_wrong_usage() {
    let output = Place::new().run(&["report", "--currency", "consolidated"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("UPSWELL_REPORTING_CURRENCY"), "{said}");
}

#[test]
fn with_rates_a_year_of_the_stories_foots_in_euros() {
    let place = told();
    place.write("rates.csv", rates_of_the_stories());
    imported(&place, "rates.csv");
    let range = ["--from", "2025-10", "--to", "2026-10", "--currency", "consolidated"];
    let (code, json, said) = report(&place, &range);
    assert_eq!(code, Some(0), "{said}");
    let micro = |text: &Value| {
        let (whole, part) = text.as_str().unwrap().split_once('.').unwrap_or((text.as_str().unwrap(), ""));
        format!("{whole}{part:0<6}").parse::<i128>().unwrap()
    };
    let mut opening = None;
    for month in json["months"].as_array().unwrap() {
        assert_eq!(month["currencies"].as_array().unwrap().len(), 0);
        assert_eq!(month["exchange_rates"].as_array().unwrap().len(), 2);
        let roll = month["consolidated"]["rollforward"].as_object().unwrap();
        let lanes: i128 =
            roll.iter().filter(|(name, _)| !name.ends_with("_mrr")).map(|(_, v)| micro(v)).sum();
        let (start, end) = (micro(&roll["starting_mrr"]), micro(&roll["ending_mrr"]));
        assert_eq!(start + lanes, end, "{}", month["month"]);
        assert!(opening.is_none_or(|opening| opening == start));
        assert_ne!(micro(&roll["fx"]), 0);
        opening = Some(end);
    }
    let doctor = place.run(&["doctor", "--format", "json"]);
    let findings: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    let before_now = |needed: &&Value| needed["date"].as_str().unwrap() <= "2026-10-31";
    assert_eq!(findings["missing_rates"].as_array().unwrap().iter().filter(before_now).count(), 0);
}
