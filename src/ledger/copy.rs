//! A copy of a ledger in PostgreSQL as a file of SQLite: the same tables with the same rows.

use std::path::Path;

use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, FromQueryResult, IsolationLevel,
    QueryResult, TransactionTrait, Value,
};

use super::error::while_doing;
use super::limited::Transaction;
use super::sql::{all, marks, statement};
use super::{Ledger, LedgerError};

/// Rows held at a time.
const A_PAGE: usize = 1_000;
const ACT: &str = "copy itself";

#[derive(FromQueryResult)]
struct TableRow {
    name: String,
}

#[derive(FromQueryResult)]
struct ColumnRow {
    name: String,
    kind: String,
}

/// Writes all rows, as they are at one instant, into a new file.
///
/// # Errors
///
/// The refusal of either store: a disk that is full.
pub(super) async fn rows_to_file(from: &DatabaseConnection, path: &Path) -> Result<(), LedgerError> {
    let file = Ledger::open(&format!("sqlite://{}?mode=rwc", path.display())).await?;
    file.migrate().await?;
    file.write_in_bulk().await?;
    let options = (Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly));
    let from = from.begin_with_config(options.0, options.1).await.map_err(while_doing(ACT))?;
    let to = file.begin().await?;
    // Rows of PostgreSQL lie in any order: what reverses a posting may come before it. All is held to at the commit.
    to.execute_unprepared("PRAGMA defer_foreign_keys = ON").await.map_err(while_doing(ACT))?;
    // In the order they were made in: what a row refers to is in a table before it, or in its own.
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
               AND name <> 'seaql_migrations' ORDER BY rowid";
    for table in all::<TableRow, _>(&to, ACT, statement(sql, Vec::new())).await? {
        copy_table(&from, &to, &table.name).await?;
    }
    to.commit().await.map_err(while_doing(ACT))?;
    file.close().await
}

async fn copy_table(from: &DatabaseTransaction, to: &Transaction, table: &str) -> Result<(), LedgerError> {
    let sql = "SELECT name, type AS kind FROM pragma_table_info($1)";
    let columns: Vec<ColumnRow> = all(to, ACT, statement(sql, vec![table.into()])).await?;
    let names = columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
    // One name a table: what is fetched from a name is known by its columns.
    let cursor = format!("rows_of_{table}");
    let declare = format!("DECLARE {cursor} NO SCROLL CURSOR FOR SELECT {names} FROM {table}");
    from.execute_unprepared(&declare).await.map_err(while_doing(ACT))?;
    let insert = format!("INSERT INTO {table} ({names}) VALUES ({})", marks(columns.len()));
    loop {
        let page = statement(format!("FETCH {A_PAGE} FROM {cursor}"), Vec::new());
        let page = from.query_all_raw(super::sql::fit(from, page)).await.map_err(while_doing(ACT))?;
        if page.is_empty() {
            break;
        }
        for row in &page {
            let values = columns.iter().map(|column| value(row, column)).collect::<Result<_, _>>()?;
            to.execute_raw(statement(&insert, values)).await.map_err(while_doing(ACT))?;
        }
    }
    from.execute_unprepared(&format!("CLOSE {cursor}")).await.map_err(while_doing(ACT)).map(drop)
}

fn value(row: &QueryResult, column: &ColumnRow) -> Result<Value, LedgerError> {
    let name = column.name.as_str();
    let value = match column.kind.as_str() {
        "INTEGER" => row.try_get::<Option<i64>>("", name).map(Value::from),
        "BLOB" => row.try_get::<Option<Vec<u8>>>("", name).map(Value::from),
        _ => row.try_get::<Option<String>>("", name).map(Value::from),
    };
    value.map_err(while_doing(ACT))
}
