//! Views for Metabase and dbt: their columns are those that `docs/warehouse.md` explains, and their figures those of
//! the commands.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, Database, DbBackend, QueryResult, Statement};
use serde_json::Value;

use crate::business::business;
use crate::process::{Place, rows};

const DOCUMENT: &str = include_str!("../../docs/warehouse.md");

/// The views of the document: name, and columns with their types.
fn documented() -> Vec<(String, Vec<(String, String)>)> {
    let mut views: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for line in DOCUMENT.lines() {
        if let Some(name) = line.strip_prefix("## `") {
            views.push((name.trim_end_matches('`').to_owned(), Vec::new()));
        } else if let (Some(row), Some((_, columns))) = (line.strip_prefix("| `"), views.last_mut()) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            assert_eq!(cells.len(), 5, "{line}");
            assert!(!cells[3].is_empty(), "{line}: a column without a meaning");
            columns.push((cells[0].trim_end_matches('`').to_owned(), cells[1].to_owned()));
        }
    }
    views
}

fn asked(url: &str, sql: &str) -> Vec<QueryResult> {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    let asked = async {
        let store = Database::connect(url).await.unwrap();
        let backend = if crate::store::is_postgres() { DbBackend::Postgres } else { DbBackend::Sqlite };
        let rows = store.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
        store.close().await.unwrap();
        rows
    };
    tokio::runtime::Runtime::new().unwrap().block_on(asked)
}

fn place() -> Place {
    let place = Place::new();
    let events: Vec<String> =
        (1..=6).flat_map(|seed| business(seed, seed % 2 == 0)).map(|event| event.body).collect();
    place.receive(&events);
    place
}

#[test]
fn the_document_names_every_column_with_its_type_and_nothing_else() {
    let place = place();
    let views = documented();
    assert_eq!(views.len(), 4);
    for (view, columns) in views {
        let shown = asked(&place.url(), &format!("SELECT * FROM {view} LIMIT 1"));
        let row = shown.first().unwrap_or_else(|| panic!("{view} is empty"));
        let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(row.column_names(), names, "{view}");
        for (name, of) in &columns {
            let fits = match of.as_str() {
                "text" => row.try_get::<Option<String>>("", name).is_ok(),
                "integer" => row.try_get::<Option<i64>>("", name).is_ok(),
                _ => false,
            };
            assert!(fits, "{view}.{name} is no {of}");
        }
    }
}

#[test]
fn the_views_show_what_movements_customers_and_the_report_say() {
    let place = place();
    let said = rows(&place.output(&["movements", "--book", "live", "--format", "ndjson"]));
    let shown = asked(&place.url(), "SELECT id FROM movements WHERE book = 'live' ORDER BY seq");
    let ids: Vec<String> = shown.iter().map(|row| row.try_get("", "id").unwrap()).collect();
    assert_eq!(ids, said.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>());

    for month in ["2025-03", "2025-07"] {
        let said = place.output(&["customers", "--book", "live", "--month", month, "--format", "ndjson"]);
        let said: BTreeMap<(String, String), String> = rows(&said).iter().map(customer).collect();
        let sql = format!(
            "SELECT customer, currency, ending_mrr_micro FROM customer_mrr_monthly \
             WHERE book = 'live' AND month = '{month}'"
        );
        let shown = asked(&place.url(), &sql);
        assert!(!shown.is_empty());
        let shown: BTreeMap<(String, String), String> = shown
            .iter()
            .map(|row| {
                let key = (row.try_get("", "customer").unwrap(), row.try_get("", "currency").unwrap());
                let micro: i64 = row.try_get("", "ending_mrr_micro").unwrap();
                (key, micro_text(micro))
            })
            .collect();
        assert_eq!(shown, said, "{month}");
    }
}

fn customer(row: &Value) -> ((String, String), String) {
    let word = |name: &str| row[name].as_str().unwrap().to_owned();
    ((word("customer"), word("currency")), word("mrr"))
}

/// Minor units as the exact faces write them.
fn micro_text(micro: i64) -> String {
    let (whole, part) = (micro / 1_000_000, micro % 1_000_000);
    let part = format!("{part:06}");
    match part.trim_end_matches('0') {
        "" => whole.to_string(),
        part => format!("{whole}.{part}"),
    }
}
