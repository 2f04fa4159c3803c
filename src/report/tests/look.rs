//! Writes the page of a made-up business where `UPSWELL_LOOK` says, to be looked at.

use super::book::{Told, at, history, item, month, settings};
use crate::report::{Settings, month_report};

#[test]
fn a_page_of_thirteen_months_draws_them() {
    let mut told: Vec<Told> = Vec::new();
    for index in 0..13_i64 {
        let (year, number) = (2025 + (9 + index) / 12, (9 + index) % 12 + 1);
        let day = |day: i64| format!("{year}-{number:02}-{day:02}");
        told.push(
            Told::of(&format!("cus_{index:02}"))
                .with("owner", ["north", "south"][usize::try_from(index % 2).unwrap()])
                .starts("sub_1", &day(3), vec![item("si_1", "team", 20 + index, 10)])
                .becomes("sub_1", &day(25), vec![item("si_1", "team", 20 + index, 10)]),
        );
        let grows = told.remove(0);
        let seats = 12 + u64::try_from(index).unwrap();
        told.push(grows.becomes("sub_1", &day(26), vec![item("si_1", "team", 21 + index, seats)]));
    }
    let asked = Settings {
        owner_key: Some("owner".to_owned()),
        by: Some(crate::report::Dimension::Tenure),
        ..settings()
    };
    let report = month_report(&history(&told, at("2026-11-05")), &asked, month("2026-10"));
    let page = report.to_html().unwrap();
    assert!(page.contains("<svg") && !page.contains("<script") && !page.contains("http"));
    if let Ok(path) = std::env::var("UPSWELL_LOOK") {
        std::fs::write(path, page).unwrap();
    }
}
