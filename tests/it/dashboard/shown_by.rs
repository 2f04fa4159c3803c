//! Figures that are no sum of movements, and cuts by evidence and by first months: each leads to what shows it again.

use std::collections::BTreeSet;

use serde_json::Value;

use super::leads::{asked, figures, links, rows_of, text, told};
use super::{get, shown};
use crate::process::rows;

/// The cells of a section of a month's page, row by row: each with what it shows and where it leads.
fn cells(page: &str, id: &str) -> Vec<Vec<(String, Option<String>)>> {
    let (_, section) = page.split_once(&format!("<section id=\"{id}\"")).unwrap_or_else(|| panic!("no {id}"));
    let (section, _) = section.split_once("</section>").unwrap();
    let cell = |cell: &str| {
        let (_, inside) = cell.split_once('>').unwrap();
        (text(inside), links(inside).pop().map(|(href, _)| href))
    };
    let row = |row: &str| row.split("<td").skip(1).map(cell).collect();
    section.split("<tr").skip(2).map(row).collect()
}

#[test]
fn what_is_no_movement_leads_to_what_shows_it() {
    let place = crate::faces::whole();
    let server = place.serve();
    let page = shown(&server, "/months/2026-10", "");
    let lead = |id: &str, name: &str, column: usize| {
        let rows = cells(&page, id);
        let row = rows.iter().find(|row| row[0].0 == name).unwrap_or_else(|| panic!("{id} has no {name}"));
        row[column].1.clone()
    };
    for (block, there) in [("usd", "&currency=usd"), ("consolidated", "")] {
        let trend = Some(format!("#{block}-trend"));
        let rates = format!("{block}-rates");
        for (name, expected) in [
            ("Expansion share of new ARR, 3 months", trend.clone()),
            ("Expansion share of new ARR, 12 months", trend.clone()),
        ] {
            // A share that the book is too young for is no figure.
            let is_known =
                cells(&page, &rates).iter().any(|row| row[0].0 == name && !row[1].0.starts_with("n/a"));
            assert_eq!(lead(&rates, name, 1), expected.filter(|_| is_known), "{name}");
        }
        let evidence = cells(&page, &format!("{block}-evidence"));
        let (total, grades) = evidence.split_last().unwrap();
        assert_eq!(total[1].1.as_deref(), Some("/customers?month=2026-10"));
        for row in grades {
            let word = row[0].0.to_lowercase().replace(' ', "_");
            let expected = Some(format!("/customers?month=2026-10&grade={word}"));
            assert_eq!((&row[1].1, &row[2].1), (&expected, &expected));
        }
        let memo = format!("{block}-first_month");
        let memo = if page.contains(&format!("\"{memo}\"")) { cells(&page, &memo) } else { Vec::new() };
        for row in memo {
            let class = if row[0].0 == "Grew by" { "expansion" } else { "contraction" };
            let expected = format!("/movements?month=2026-10&class={class}{there}&new_customers=true");
            assert_eq!(row[1].1, Some(expected));
        }
    }
    let fx = cells(&page, "consolidated-fx");
    let (total, currencies) = fx.split_last().unwrap();
    assert_eq!(total[4].1.as_deref(), Some("#consolidated-rollforward"));
    for row in currencies {
        let code = row[0].0.to_lowercase();
        assert_eq!(row[1].1, Some(format!("#{code}-rollforward")));
        // What it was done to stands there again.
        assert_eq!(cells(&page, &format!("{code}-rollforward"))[0][1].0, row[1].0);
    }
    let rest = cells(&page, "movement_evidence");
    let (total, grades) = rest.split_last().unwrap();
    assert_eq!(total[1].1.as_deref(), Some("/movements?month=2026-10"));
    assert!(grades.iter().all(|row| row[1].1.as_ref().is_some_and(|href| href.contains("grade="))));
}

#[test]
fn movements_and_customers_are_cut_by_what_they_rest_on_and_by_whose_first_month_it_was() {
    let place = told();
    let server = place.serve();
    let all = rows(&place.output(&["movements", "--format", "ndjson"]));
    let by_api = |query: &str| -> Vec<Value> {
        let answer = get(&server, &format!("/api/v1/movements?limit=1000&{query}"), "");
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        answer["data"].as_array().unwrap().clone()
    };
    let mut found = 0;
    for grade in all.iter().map(|row| row["evidence"]["grade"].as_str().unwrap()).collect::<BTreeSet<_>>() {
        let expected: Vec<&Value> = all.iter().filter(|row| row["evidence"]["grade"] == grade).collect();
        let query = format!("grade={grade}");
        let by_command = rows_of(&place, &asked(&format!("?{query}")));
        assert_eq!(by_command.iter().collect::<Vec<_>>(), expected, "{grade}");
        assert_eq!(by_api(&query).iter().collect::<Vec<_>>(), expected, "{grade}");
        found += expected.len();
    }
    assert_eq!(found, all.len());
    let key = |row: &Value| (row["customer"].clone(), row["month"].clone());
    let begun: Vec<_> = all.iter().filter(|row| row["class"] == "new").map(key).collect();
    let expected: Vec<&Value> = all.iter().filter(|row| begun.contains(&key(row))).collect();
    assert!(!expected.is_empty() && expected.len() < all.len());
    for month in all.iter().map(|row| row["month"].as_str().unwrap()).collect::<BTreeSet<_>>() {
        let of_month: Vec<&Value> = expected.iter().copied().filter(|row| row["month"] == month).collect();
        let arguments = ["movements", "--month", month, "--new-customers", "--format", "ndjson"];
        let by_command = rows(&place.output(&arguments));
        assert_eq!(by_command.iter().collect::<Vec<_>>(), of_month, "{month}");
        let by_api = by_api(&format!("month={month}&new_customers=true"));
        assert_eq!(by_api.iter().collect::<Vec<_>>(), of_month, "{month}");
    }
    // The memo of a first month is the sum of what it leads to.
    let grown = expected.iter().find(|row| row["class"] == "expansion").unwrap();
    let (month, code) = (grown["month"].as_str().unwrap(), grown["currency"].as_str().unwrap());
    let page = shown(&server, &format!("/months/{month}"), "");
    let memo = cells(&page, &format!("{code}-first_month"));
    let (printed, href) = memo[0][1].clone();
    let list = shown(&server, &href.unwrap(), "");
    assert!(figures(&list).contains(&(format!("{printed} {}", code.to_uppercase()), "their sum".to_owned())));
    // Each grade leads to customers, and all of them together are all there are.
    let evidence = cells(&shown(&server, "/months/2026-10", ""), "usd-evidence");
    let (total, grades) = evidence.split_last().unwrap();
    let of = |href: &Option<String>| -> BTreeSet<String> {
        let page = shown(&server, href.as_ref().unwrap(), "");
        page.split("<tr><td><a href=\"/customers/")
            .skip(1)
            .map(|row| row.split('"').next().unwrap().to_owned())
            .collect()
    };
    let by_grade: BTreeSet<String> = grades.iter().flat_map(|row| of(&row[1].1)).collect();
    assert!(!by_grade.is_empty() && by_grade.is_subset(&of(&total[1].1)));
    for refused in ["/customers?grade=rumour", "/customers?grade=event&since=2026-01"] {
        assert_eq!(get(&server, refused, "").status, 400, "{refused}");
    }
    for refused in ["grade=rumour", "new_customers=perhaps", "new_customers=true"] {
        assert_eq!(get(&server, &format!("/movements?{refused}"), "").status, 400, "{refused}");
        assert_eq!(get(&server, &format!("/api/v1/movements?{refused}"), "").status, 400, "{refused}");
    }
    assert_eq!(place.run(&["movements", "--grade", "rumour"]).status.code(), Some(2));
    assert_eq!(place.run(&["movements", "--new-customers"]).status.code(), Some(2));
}
