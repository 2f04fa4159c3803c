//! Views and targets by the binary: what each reader sees first, of the same figures in every form, and how
//! a month stands against what is aimed at.

use serde_json::Value;

use crate::process::{Place, stories, stories_folder};

const VIEWS: [&str; 5] = ["sales", "marketing", "finance", "executive", "owner"];

/// The stories told under their own configuration and some more of it.
fn told(more: &str) -> Place {
    let place = Place::new().with("UPSWELL_CONFIG", "upswell.toml");
    let own = std::fs::read_to_string(stories_folder().join("upswell.toml")).unwrap();
    place.write("upswell.toml", format!("{own}\n{more}\n"));
    place.write("events.ndjson", stories().join("\n"));
    place.output(&["backfill", "events.ndjson"]);
    place
}

fn report(place: &Place, more: &[&str]) -> String {
    place.output(&[&["report", "--month", "2026-10"], more].concat())
}

fn json(place: &Place, more: &[&str]) -> Value {
    serde_json::from_str(&report(place, &[&["--format", "json"], more].concat())).unwrap()
}

/// The titles of a Markdown report's sections, each with its whole text.
fn sections(text: &str) -> Vec<(String, String)> {
    let block = |block: &str| -> Vec<(String, String)> {
        let name = block.lines().next().unwrap().to_owned();
        let of = |section: &str| {
            (format!("{name}/{}", section.lines().next().unwrap()), section.trim().to_owned())
        };
        block.split("\n### ").skip(1).map(of).collect()
    };
    text.split("\n## ").skip(1).flat_map(block).collect()
}

#[test]
fn a_view_chooses_and_orders_sections_and_changes_no_figure() {
    let place = told("");
    let all = sections(&report(&place, &["--format", "md"]));
    let mut orders = Vec::new();
    for view in VIEWS {
        let seen = sections(&report(&place, &["--format", "md", "--view", view]));
        assert!(seen.len() > 3, "{view}: {seen:?}");
        for (title, text) in &seen {
            let same = all.iter().find(|(of, _)| of == title);
            assert_eq!(same.map(|(_, whole)| whole), Some(text), "{view}: {title}");
        }
        let table = report(&place, &["--format", "table", "--view", view]);
        assert!(table.starts_with(&format!("Expansion report 2026-10, {view} view")), "{table}");
        let shown = report(&place, &["--format", "html", "--view", view]);
        // The movements themselves are on pages, and in Markdown only their number.
        let registers = shown.matches("<h3>Movements</h3>").count();
        assert_eq!(shown.matches("<h3>").count() - registers, seen.len(), "{view}");
        assert_eq!(registers, usize::from(view == "finance"), "{view}");
        orders.push(seen.into_iter().map(|(title, _)| title).collect::<Vec<String>>());
    }
    let first: std::collections::BTreeSet<&String> = orders.iter().map(|titles| &titles[0]).collect();
    assert!(first.len() >= 4, "each looks at something else first: {first:?}");
}

#[test]
fn json_has_every_figure_whatever_the_view_and_names_it() {
    let place = told("");
    let mut whole = json(&place, &[]);
    for view in VIEWS {
        let mut seen = json(&place, &["--view", view]);
        let chosen = seen.as_object_mut().unwrap().remove("view").unwrap();
        assert_eq!((chosen["name"].as_str(), &seen), (Some(view), &whole));
        assert!(chosen["sections"].as_array().unwrap().len() > 4);
    }
    assert!(whole.as_object_mut().unwrap().remove("view").is_none());
    let refused = place.run(&["report", "--view", "ceo"]);
    assert_eq!(refused.status.code(), Some(2));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("--view") && told.contains("executive"), "{told}");
}

#[test]
fn a_month_stands_against_its_targets() {
    let aimed = "[targets]\nexpansion_share_of_new_arr = \"0.000001\"\nnrr = \"9\"\nlogo_churn = \"1\"\n";
    let place = told(aimed);
    let report_json = json(&place, &["--currency", "usd"]);
    let standings = report_json["currencies"][0]["targets"].as_array().unwrap();
    let of = |figure: &str| standings.iter().find(|standing| standing["figure"] == figure).unwrap();
    assert_eq!(of("expansion_share_of_new_arr")["met"], true);
    assert_eq!((&of("nrr")["met"], of("nrr")["target"].as_str()), (&Value::Bool(false), Some("9")));
    assert_eq!(
        (&of("logo_churn")["met"], of("logo_churn")["aim"].as_str()),
        (&Value::Bool(true), Some("at_most"))
    );
    assert!(standings.iter().all(|standing| standing["figure"] != "grr"), "nothing is aimed at unasked");
    assert_eq!(of("nrr")["value"], report_json["currencies"][0]["rates"]["nrr"]);
    let table = report(&place, &["--currency", "usd", "--format", "table"]);
    assert!(table.contains("Against targets") && table.contains("at least 900 %"), "{table}");
    assert!(table.contains("1 of 3 targets are missed: Net revenue retention"), "{table}");
    let long = report(&place, &["--currency", "usd", "--format", "csv"]);
    assert!(
        long.contains("2026-10,usd,targets,nrr,9,at_least\n2026-10,usd,targets_met,nrr,false,\n"),
        "{long}"
    );
}

#[test]
fn an_owner_may_have_a_target_of_their_own() {
    let place = told("[targets]\nowner_book_growth = \"0.25\"\n[targets.owners]\nnobody = \"0.5\"\n");
    let targets = json(&place, &[])["targets"].clone();
    assert_eq!(
        (targets["owner_book_growth"].as_str(), targets["owners"]["nobody"].as_str()),
        (Some("0.25"), Some("0.5"))
    );
}

#[test]
fn parts_of_what_is_at_risk_and_of_other_lists_sum_to_their_totals() {
    let place = told("");
    let range: Value = serde_json::from_str(
        &place.output(&["report", "--from", "2025-09", "--to", "2026-10", "--format", "json"]),
    )
    .unwrap();
    let amount = |value: &Value| {
        let text = value.as_str().unwrap();
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        sign * format!("{whole}{part:0<6}").parse::<i128>().unwrap()
    };
    for report in range["months"].as_array().unwrap() {
        for block in report["currencies"].as_array().unwrap() {
            let payers = block["late_payers"].as_array().unwrap();
            let sum: i128 = payers.iter().map(|payer| amount(&payer["mrr"])).sum();
            assert_eq!(sum, amount(&block["at_risk"]), "{}", report["month"]);
            let roll = block["rollforward"].as_object().unwrap();
            for table in block["segments"].as_array().unwrap() {
                for (name, whole) in roll {
                    let rows = table["rows"].as_array().unwrap().iter();
                    let sum: i128 = rows.map(|row| row.get(name).map_or(0, amount)).sum();
                    assert_eq!(sum, amount(whole), "{} {} {name}", report["month"], table["dimension"]);
                }
            }
            let kinds = block["expansion_by_kind"].as_object().unwrap().values().map(amount).sum::<i128>();
            assert_eq!(kinds, amount(&roll["expansion"]));
            assert_eq!(block["summary"].as_array().unwrap().len(), 3);
        }
    }
}
