//! The faces: the same model as JSON, CSV, tables, Markdown, HTML.

use super::book::{Told, at, history, item, month, october, settings};
use crate::report::{
    Dimension, MovementRow, Report, Settings, customer_rows, customers_csv, customers_ndjson,
    customers_table, month_report, movements_csv, movements_ndjson, movements_table, range_report,
};

fn report() -> Report {
    month_report(&history(&october(), at("2026-12-01")), &settings(), month("2026-10"))
}

fn rows() -> Vec<MovementRow> {
    let history = history(&october(), at("2026-12-01"));
    let a = &history.customers[0];
    let row = |(seq, movement): (i64, &crate::mrr::Movement)| MovementRow {
        seq,
        id: format!("mv_{seq}"),
        book: "acct_example/live".to_owned(),
        customer: a.customer.clone(),
        movement: movement.clone(),
        month: month("2026-10"),
        recorded_at: at("2026-11-01"),
        posted_in: month("2026-10"),
        adjusts: None,
    };
    (1..).zip(&a.movements).map(row).collect()
}

#[test]
fn the_json_is_the_contracts() {
    let asked = Settings { by: Some(Dimension::Product), ..settings() };
    let report = month_report(&history(&october(), at("2026-12-01")), &asked, month("2026-10"));
    insta::assert_snapshot!("october_json", report.to_json().unwrap());
}

#[test]
fn the_table_reads_from_top_to_bottom() {
    insta::assert_snapshot!("october_table", report().to_table());
}

#[test]
fn the_csv_has_one_figure_a_row() {
    let asked = Settings { by: Some(Dimension::Currency), ..settings() };
    let report = month_report(&history(&october(), at("2026-12-01")), &asked, month("2026-10"));
    let csv = report.to_csv().unwrap();
    assert!(csv.starts_with(
        "month,currency,section,name,value,unit\n2026-10,usd,rollforward,starting_mrr,86000,usd_minor\n"
    ));
    assert!(csv.contains("2026-10,usd,rates,expansion_rate,0.115789,ratio\n"));
    assert!(csv.contains("2026-10,usd,rates,ttm_expansion_rate,,n/a: 4 of 12 months\n"));
    assert!(csv.contains("2026-10,usd,customers,churned,1,customers\n"));
}

#[test]
fn a_movement_is_one_line_of_the_contracts_json() {
    let lines = movements_ndjson(&rows()).unwrap();
    let second = lines.lines().nth(1).unwrap();
    let digest = "00".repeat(32);
    assert_eq!(
        second,
        format!(
            "{{\"seq\":2,\"id\":\"mv_2\",\"book\":\"acct_example/live\",\"class\":\"expansion\",\"kind\":\"seat\",\
             \"cause\":\"quantity\",\"motion\":\"unknown\",\"customer\":\"cus_a\",\"subscription\":\"sub_a\",\
             \"item\":\"si_a\",\"product\":\"team\",\"price\":\"price_team_1000\",\"currency\":\"usd\",\
             \"delta\":\"2000\",\"customer_mrr_before\":\"10000\",\"customer_mrr_after\":\"12000\",\
             \"quantity_before\":\"10\",\"quantity_after\":\"12\",\"price_before\":\"price_team_1000\",\
             \"effective_at\":\"2026-10-07T12:00:00Z\",\"month\":\"2026-10\",\
             \"recorded_at\":\"2026-11-01T12:00:00Z\",\"posted_in\":\"2026-10\",\
             \"evidence\":{{\"grade\":\"event\",\"event\":\"evt_cus_a_sub_a_1\",\"sha256\":\"{digest}\"}},\
             \"adjusts\":null}}"
        )
    );
    let csv = movements_csv(&rows()).unwrap();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    assert_eq!(reader.records().filter(|row| row.as_ref().unwrap().len() == 27).count(), 2);
    assert!(movements_table(&rows(), chrono_tz::Tz::UTC).contains("10 → 12"));
}

#[test]
fn customers_are_listed_with_what_they_hold() {
    let history = history(&october(), at("2026-12-01"));
    let rows = customer_rows(&history, &settings(), month("2026-10"), false);
    let lines = customers_ndjson(&rows).unwrap();
    assert_eq!(
        lines.lines().next(),
        Some(
            "{\"customer\":\"cus_a\",\"currency\":\"usd\",\"mrr\":\"12000\",\"since\":\"2026-09\",\
             \"products\":[\"team\"],\"status\":\"active\"}"
        )
    );
    assert_eq!(rows.len(), 5);
    let all = customer_rows(&history, &settings(), month("2026-10"), true);
    let status = |name: &str| all.iter().find(|row| row.customer.as_str() == name).unwrap().status;
    assert_eq!((all.len(), status("cus_c"), status("cus_e")), (8, "canceled", "paused"));
    assert!(customers_csv(&rows).unwrap().contains("cus_g,usd,36000,2026-09,seats team,active\n"));
    assert!(customers_table(&rows).contains("360.00 USD"));
}

#[test]
fn every_face_is_the_same_bytes_again() {
    let (one, two) = (report(), report());
    assert_eq!(one.to_json().unwrap(), two.to_json().unwrap());
    assert_eq!(one.to_csv().unwrap(), two.to_csv().unwrap());
    assert_eq!(one.to_table(), two.to_table());
    assert_eq!(one.to_markdown(), two.to_markdown());
    assert_eq!(one.to_html().unwrap(), two.to_html().unwrap());
}

#[test]
fn what_customers_are_called_can_not_break_out_of_a_face() {
    let mut report = report();
    report.pricing_note = "<script>alert(1)</script> | *x*".to_owned();
    assert!(!report.to_html().unwrap().contains("<script>"));
    assert!(report.to_markdown().contains("\\<script\\>alert(1)\\</script\\> \\| \\*x\\*"));
}

#[test]
fn a_month_without_anything_says_so() {
    let empty = month_report(&history(&[], at("2026-12-01")), &settings(), month("2026-10"));
    let words = "No customer had MRR in this month";
    assert!(empty.to_table().contains(words) && empty.to_markdown().contains(words));
    assert!(empty.to_html().unwrap().contains(words));
    assert!(empty.to_json().unwrap().contains("\"currencies\": []"));
}

#[test]
fn a_range_is_one_column_a_month() {
    let history = history(&october(), at("2026-12-01"));
    let range = range_report(&history, &settings(), month("2026-09"), month("2026-11")).unwrap();
    insta::assert_snapshot!("range_table", range.to_table());
    assert!(range.to_json().unwrap().starts_with("{\n  \"from\": \"2026-09\",\n  \"to\": \"2026-11\",\n"));
    assert!(
        range.to_markdown().contains("| Starting MRR |") || range.to_markdown().contains("**Starting MRR**")
    );
    assert!(range.to_html().unwrap().contains("2026-11"));
}

#[test]
fn a_dimensions_word_is_read_back() {
    for dimension in Dimension::PLAIN {
        assert_eq!(Dimension::parse(&dimension.name()).unwrap(), dimension);
    }
    assert_eq!(Dimension::parse("metadata.region").unwrap(), Dimension::metadata("region"));
    assert!(Dimension::parse("colour").unwrap_err().to_string().contains("--by product"));
}

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
    let asked = Settings { owner_key: Some("owner".to_owned()), by: Some(Dimension::Tenure), ..settings() };
    let report = month_report(&history(&told, at("2026-11-05")), &asked, month("2026-10"));
    let page = report.to_html().unwrap();
    assert!(page.contains("<svg") && !page.contains("<script") && !page.contains("http"));
}
