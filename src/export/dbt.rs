//! The exported tables as dbt reads them: sources with described columns and the tests that hold.

use super::column::Column;
use super::{LEVELS, MONTH_ENDS, MOVEMENTS};

/// An exported table.
#[derive(Debug, Clone, Copy)]
pub struct TableTold {
    /// Its name, which its file's name begins with.
    pub name: &'static str,
    /// What a row of it is.
    pub meaning: &'static str,
    /// The columns that name a row.
    pub key: &'static [&'static str],
    /// Its columns.
    pub columns: &'static [Column],
}

/// The exported tables.
pub const TABLES: [TableTold; 3] = [
    TableTold {
        name: "movements",
        meaning: "A movement of MRR that stands in the ledger.",
        key: &["seq"],
        columns: MOVEMENTS,
    },
    TableTold {
        name: "levels",
        meaning: "A stretch of time in which a subscription item stood at one level of MRR, as it is known now.",
        key: &["book", "customer", "subscription", "item", "currency", "valid_from"],
        columns: LEVELS,
    },
    TableTold {
        name: "month_ends",
        meaning: "What a subscription item stood at when a full month ended, as it is known now.",
        key: &["month", "book", "customer", "subscription", "item", "currency"],
        columns: MONTH_ENDS,
    },
];

/// `sources.yml`: tables, columns and tests. `external_location` is what dbt-duckdb reads the files by.
#[must_use]
pub fn sources() -> String {
    let mut text = "version: 2\nsources:\n  - name: upswell\n    description: \"MRR movements and levels, exported by \
                    `upswell export`. Amounts are in minor units, exact to the millionth.\"\n    config:\n      \
                    external_location: \"{name}.parquet\"\n    tables:\n"
        .to_owned();
    for table in TABLES {
        text.push_str(&format!(
            "      - name: {}\n        description: {}\n",
            table.name,
            quoted(table.meaning)
        ));
        text.push_str("        columns:\n");
        table.columns.iter().for_each(|column| text.push_str(&told(column, table.key == [column.name])));
    }
    text
}

fn told(column: &Column, is_key: bool) -> String {
    let mut text = format!(
        "          - name: {}\n            data_type: {}\n            description: {}\n",
        column.name,
        column.holds.sql_type(),
        quoted(column.meaning)
    );
    let tests: Vec<&str> = [(!column.is_optional, "not_null"), (is_key, "unique")]
        .into_iter()
        .filter_map(|(holds, test)| holds.then_some(test))
        .collect();
    if !tests.is_empty() {
        text.push_str(&format!("            data_tests: [{}]\n", tests.join(", ")));
    }
    text
}

/// Text of ours as YAML: it has no quotes and no backslashes.
fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
