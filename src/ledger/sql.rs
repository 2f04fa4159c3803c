//! Statements: how rows go in many at a time, and how values are written.

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, QueryResult, Statement, Value};

use super::error::while_doing;
use super::{LedgerError, postgres};

/// Rows of one statement: the store's limit of bound values is 32,766, and more rows gain nothing. What is left over
/// goes in by halves of it, so that there are few statements and each stays prepared.
const ROWS_A_STATEMENT: usize = 256;

/// The customers of one book, and something of each, as the table `k` of a statement: what is wanted of all
/// of them is asked at once. Join it by `CROSS JOIN`, which goes through its left side first.
pub(super) fn with_customers(count: usize, column: &str) -> String {
    with_rows(count, &["customer", column])
}

/// The same of rows that say more of each.
pub(super) fn with_rows(count: usize, columns: &[&str]) -> String {
    format!("WITH k ({}) AS (VALUES {})", columns.join(", "), tuples(count, columns.len()))
}

/// Keys looked for in one statement.
pub(super) const KEYS_A_STATEMENT: usize = 500;

/// A statement with its values bound to `$1`, `$2` and so on, or to `?` in their order: written once for both stores
/// and made to fit where it is run.
pub(super) fn statement(sql: impl Into<String>, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)
}

/// A statement as the store of a connection reads it.
pub(super) fn fit<C: ConnectionTrait>(db: &C, statement: Statement) -> Statement {
    if is_postgres(db) { postgres::fit(statement) } else { statement }
}

/// Whether a connection's store is PostgreSQL.
pub(super) fn is_postgres<C: ConnectionTrait>(db: &C) -> bool {
    db.get_database_backend() == DbBackend::Postgres
}

/// A table as rows are written to it.
pub(super) struct Table {
    /// Its name.
    pub(super) name: &'static str,
    /// The columns that are given.
    pub(super) columns: &'static [&'static str],
    /// What follows the values: what to do on conflict, what to return.
    pub(super) tail: &'static str,
}

impl Table {
    /// Adds rows, whose values stand one after the other in the order of the columns, many rows a
    /// statement; gives what the tail returns.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub(super) async fn insert<C: ConnectionTrait>(
        &self,
        db: &C,
        mut values: Vec<Value>,
    ) -> Result<Vec<QueryResult>, LedgerError> {
        let mut returned = Vec::new();
        while !values.is_empty() {
            let rows = values.len() / self.columns.len();
            let rows =
                if is_postgres(db) { rows.min(postgres::ROWS_A_STATEMENT) } else { rows_at_once(rows) };
            let rest = values.split_off(rows * self.columns.len());
            let statement = if is_postgres(db) {
                postgres::rows(self, values)
            } else {
                statement(self.text(values.len() / self.columns.len()), values)
            };
            if self.tail.contains("RETURNING") {
                let rows = db.query_all_raw(statement).await;
                returned.extend(rows.map_err(while_doing("add rows"))?);
            } else {
                let added = db.execute_raw(statement).await;
                added.map_err(while_doing("add rows"))?;
            }
            values = rest;
        }
        Ok(returned)
    }

    fn text(&self, rows: usize) -> String {
        let Self { name, columns, tail } = self;
        let values = tuples(rows, columns.len());
        format!("INSERT INTO {name} ({}) VALUES {values} {tail}", columns.join(", "))
    }
}

/// How many of some rows SQLite is given in one statement, a power of two.
fn rows_at_once(rows: usize) -> usize {
    rows.checked_ilog2().map_or(0, |halves| 1 << halves).min(ROWS_A_STATEMENT)
}

/// `(?,?),(?,?)` and so on.
fn tuples(rows: usize, width: usize) -> String {
    vec![format!("({})", marks(width)); rows].join(",")
}

/// `?,?` and so on, for a statement whose values are all bound in their order: SQLite looks for every
/// numbered one in a list of all of them, which makes thousands of them dear.
pub(super) fn marks(count: usize) -> String {
    vec!["?"; count].join(",")
}

/// Every row of a query as an `R`.
///
/// # Errors
///
/// The store's refusal, or a column that is not of the type it should be.
pub(super) async fn all<R: FromQueryResult, C: ConnectionTrait>(
    db: &C,
    act: &'static str,
    statement: Statement,
) -> Result<Vec<R>, LedgerError> {
    let rows = db.query_all_raw(fit(db, statement)).await.map_err(while_doing(act))?;
    rows.iter().map(|row| R::from_query_result(row, "").map_err(while_doing(act))).collect()
}

/// The one number that a query gives, in its first column; `None` without a row, and of a row without one.
///
/// # Errors
///
/// As of [`all`].
pub(super) async fn number<C: ConnectionTrait>(
    db: &C,
    act: &'static str,
    statement: Statement,
) -> Result<Option<i64>, LedgerError> {
    let row = db.query_one_raw(fit(db, statement)).await.map_err(while_doing(act))?;
    row.map_or(Ok(None), |row| row.try_get_by_index(0).map_err(while_doing(act)))
}

/// The first row of a query as an `R`, if there is one.
///
/// # Errors
///
/// As of [`all`].
pub(super) async fn one<R: FromQueryResult, C: ConnectionTrait>(
    db: &C,
    act: &'static str,
    statement: Statement,
) -> Result<Option<R>, LedgerError> {
    let row = db.query_one_raw(fit(db, statement)).await.map_err(while_doing(act))?;
    row.map(|row| R::from_query_result(&row, "").map_err(while_doing(act))).transpose()
}

/// How SQLite goes about statements, for tests that hold it to an index.
#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(super) mod plans {
    use super::{ConnectionTrait as _, Value, statement};
    use crate::ledger::Ledger;

    /// A new store on SQLite.
    pub(in crate::ledger) struct Plans {
        ledger: Ledger,
        _directory: tempfile::TempDir,
    }

    impl Plans {
        pub(in crate::ledger) async fn of_a_new_store() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let url = format!("sqlite://{}?mode=rwc", directory.path().join("upswell.db").display());
            let ledger = Ledger::open(&url).await.unwrap();
            ledger.migrate().await.unwrap();
            Self { ledger, _directory: directory }
        }

        /// The steps of a statement.
        pub(in crate::ledger) async fn steps(&self, sql: &str, values: Vec<Value>) -> Vec<String> {
            let plan = statement(format!("EXPLAIN QUERY PLAN {sql}"), values);
            let steps = self.ledger.reader().query_all_raw(plan).await.unwrap();
            steps.iter().map(|step| step.try_get("", "detail").unwrap()).collect()
        }
    }
}
