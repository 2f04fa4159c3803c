//! What is said otherwise to PostgreSQL: how values are bound, how many rows go in at a time, whose turn it is to
//! write, how a connection is made, and which refusals pass.

use std::borrow::Cow;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use sea_orm::sea_query::ArrayType;
use sea_orm::sqlx::pool::PoolOptions;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgDatabaseError};
use sea_orm::sqlx::{self, Connection, PgConnection, Postgres};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement,
    TransactionTrait, Value,
};

use super::LedgerError;
use super::open::StoreTerms;
use super::sql::Table;

/// How long an idle connection may take to show that it is alive, before another one takes its place. Not for anybody to set:
/// a longer one would only take from the time for the connection, and one that is alive answers in milliseconds.
const PULSE_LIMIT: Duration = Duration::from_secs(2);

/// How long a statement of the transaction that stores deliveries may take at most: their senders wait, and how long they do
/// is Stripe's to say.
const ACCEPT_LIMIT: Duration = Duration::from_secs(15);

/// How often a writer looks whether a table has come to be that the planner knows nothing of.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long such a look waits for somebody else's lock before it leaves it for the next time.
const LOOK_LIMIT: &str = "1s";

/// Rows of one statement: they are bound by column, as arrays, so that their number is no matter.
pub(super) const ROWS_A_STATEMENT: usize = 2_000;

/// What connections of a pool are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duty {
    /// Reading, and nothing else.
    Read,
    /// Writing.
    Write,
}

/// What writers take turns for. Each turn is a lock that ends with its transaction, whatever becomes of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// To number deliveries, so that their numbers are without gaps and in the order of their commits.
    Accept,
    /// To write anything else: settlements, closings, the schema.
    Write,
    /// To work out what is to be settled; it only spares others the same work.
    Settle,
}

impl Turn {
    /// Waits for the turn. A transaction whose process does not answer any more must not keep it: it is ended by
    /// the store; it is idle between two statements of ours only, so for how long is not for anybody to set. With `in_bulk`,
    /// its commit need not have reached the disk when it returns.
    pub(super) fn statement(self, in_bulk: bool, lock: Duration) -> Statement {
        let (name, idle) = match self {
            Self::Accept => ("accept", "15s"),
            Self::Write => ("write", "60s"),
            Self::Settle => ("settle", "300s"),
        };
        let lazily = if in_bulk {
            "set_config('synchronous_commit', 'off', true)"
        } else {
            "current_setting('TimeZone')"
        };
        let sql = format!(
            "SELECT set_config('lock_timeout', '{}ms', true), {lazily}, \
             set_config('idle_in_transaction_session_timeout', '{idle}', true), \
             pg_advisory_xact_lock(hashtextextended('upswell {name} ' || COALESCE(current_schema(), ''), 0))",
            lock.as_millis()
        );
        Statement::from_string(DbBackend::Postgres, sql)
    }

    /// How long its statements may take, where the store's may take so long.
    pub(super) fn limit(self, of_store: Option<Duration>) -> Option<Duration> {
        match self {
            Self::Accept => of_store.map(|limit| limit.min(ACCEPT_LIMIT)),
            Self::Write | Self::Settle => of_store,
        }
    }
}

/// When a process looked last for tables that the planner knows nothing of.
///
/// Without statistics it takes a book for a two-hundredth of its table, and reads all of a book to find a few customers in
/// it. The server makes statistics by itself, within a minute: a whole backfill may be over by then.
#[derive(Debug, Default)]
pub(super) struct Looks(Mutex<Option<Instant>>);

impl Looks {
    /// Whether it is time for a look; who asks is to have it done.
    pub(super) fn are_due(&self) -> bool {
        let Ok(mut last) = self.0.lock() else { return false };
        let is_due = last.is_none_or(|last| last.elapsed() >= LOOK_EVERY);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}

/// Has the server make statistics of tables that have some pages and none yet: of those that this role may have it make.
/// What comes of it is no matter to anybody who writes.
pub(super) async fn look(db: &DatabaseConnection) {
    if let Err(error) = make_statistics(db).await {
        tracing::debug!(%error, "made no statistics of new tables");
    }
}

async fn make_statistics(db: &DatabaseConnection) -> Result<(), DbErr> {
    let unknown = "SELECT string_agg(quote_ident(relname), ', ') FROM pg_class \
                   WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND reltuples <= 0 \
                   AND pg_relation_size(oid) >= 65536 AND pg_has_role(relowner, 'USAGE')";
    let unknown = db.query_one_raw(Statement::from_string(DbBackend::Postgres, unknown)).await?;
    let tables: Option<String> = unknown.map_or(Ok(None), |row| row.try_get_by_index(0))?;
    let Some(tables) = tables else { return Ok(()) };
    let transaction = db.begin().await?;
    transaction.execute_unprepared(&format!("SET LOCAL lock_timeout = '{LOOK_LIMIT}'")).await?;
    transaction.execute_unprepared(&format!("ANALYZE {tables}")).await?;
    transaction.commit().await
}

/// The options of a URL.
///
/// # Errors
///
/// A URL that can't be read; it is not repeated, for it may hold a password.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, LedgerError> {
    url.parse().map_err(|source: sqlx::Error| LedgerError::PostgresUrl { problem: source.to_string() })
}

/// Where a store is, without the password.
pub(super) fn shown(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or(options.get_username());
    let host = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => options.get_host().to_owned(),
    };
    format!("postgres://{}@{host}:{}/{database}", options.get_username(), options.get_port())
}

/// A pool of connections, the first of which is made now, as many at most as the terms have it.
///
/// A statement is planned each time it runs: a plan that was made while a table was empty would go through all of it
/// once it is large.
pub(super) async fn connect(
    options: &PgConnectOptions,
    duty: Duty,
    terms: &StoreTerms,
) -> Result<DatabaseConnection, LedgerError> {
    let (read_only, most) = match duty {
        Duty::Read => ("on", terms.readers),
        Duty::Write => ("off", terms.writers),
    };
    let session = [
        ("plan_cache_mode", "force_custom_plan"),
        ("jit", "off"),
        ("default_transaction_read_only", read_only),
        ("client_min_messages", "warning"),
        // The server lets go of what a client held that is gone without a word.
        ("tcp_keepalives_idle", "15"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
    ];
    let mut session = options.clone().application_name("upswell").options(session);
    if let Some(limit) = terms.statement {
        // What nobody waits for any more is not gone on with.
        session = session.options([("statement_timeout", format!("{}ms", limit.as_millis()))]);
    }
    // The URL is in the options; here it would be written to the log with its password, if tracing is on.
    let mut pool = ConnectOptions::new("postgres://");
    pool.max_connections(most)
        .min_connections(0)
        .acquire_timeout(terms.connect)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .map_sqlx_postgres_opts(move |_| session.clone())
        .map_sqlx_postgres_pool_opts(replacing_the_dead);
    Database::connect(pool)
        .await
        .map_err(|source| LedgerError::OpenPostgres { store: shown(options), source })
}

/// A pool in which a connection that does not answer is closed, before it is lent out and when it comes back, and another
/// takes its place. The driver would wait for it.
fn replacing_the_dead(pool: PoolOptions<Postgres>) -> PoolOptions<Postgres> {
    pool.test_before_acquire(false)
        .before_acquire(|connection, _| Box::pin(has_pulse(connection)))
        .after_release(|connection, _| Box::pin(has_pulse(connection)))
}

/// Whether a connection answers; what it was told and has not sent yet, a rollback, goes before.
async fn has_pulse(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    match tokio::time::timeout(PULSE_LIMIT, connection.ping()).await {
        Ok(answer) => answer.map(|()| true),
        Err(_) => Err(sqlx::Error::PoolTimedOut),
    }
}

/// Whether a refusal passes: connections that broke or are too many, a server that starts, stops or changes over, a
/// lock that was not free in time, a deadlock, a full disk.
pub(super) fn passes(refusal: &PgDatabaseError) -> bool {
    let code = refusal.code();
    let class = code.get(..2).unwrap_or_default();
    matches!(class, "08" | "53" | "57" | "58")
        || ["40001", "40P01", "55P03", "25P03", "25006"].contains(&code)
}

/// A statement as PostgreSQL reads it.
pub(super) fn fit(mut statement: Statement) -> Statement {
    statement.db_backend = DbBackend::Postgres;
    if let Cow::Owned(sql) = numbered(&statement.sql) {
        statement.sql = sql;
    }
    if let Some(values) = &mut statement.values {
        values.0.iter_mut().for_each(without_nul);
    }
    statement
}

/// The marks `?` of a statement as `$1`, `$2` and so on; none stands in a text of ours.
fn numbered(sql: &str) -> Cow<'_, str> {
    if !sql.contains('?') {
        return Cow::Borrowed(sql);
    }
    let mut numbered = String::with_capacity(sql.len() * 2);
    for (number, part) in sql.split('?').enumerate() {
        if number > 0 {
            numbered.push('$');
            numbered.push_str(&number.to_string());
        }
        numbered.push_str(part);
    }
    Cow::Owned(numbered)
}

/// A text of PostgreSQL can't hold the character NUL, which no text of Stripe's has.
fn without_nul(value: &mut Value) {
    if let Value::String(Some(text)) = value
        && text.contains('\0')
    {
        *text = text.replace('\0', "\u{fffd}");
    }
}

/// Rows as one statement, bound by column: the text does not depend on their number.
pub(super) fn rows(table: &Table, values: Vec<Value>) -> Statement {
    let Table { name, columns, tail } = table;
    let mut by_column: Vec<Vec<Value>> =
        vec![Vec::with_capacity(values.len() / columns.len()); columns.len()];
    for (place, mut value) in values.into_iter().enumerate() {
        without_nul(&mut value);
        if let Some(column) = by_column.get_mut(place % columns.len()) {
            column.push(value);
        }
    }
    let (types, values): (Vec<String>, Vec<Value>) = by_column.into_iter().map(array).unzip();
    let arrays = types.iter().enumerate().map(|(place, of)| format!("${}{of}", place + 1));
    let arrays = arrays.collect::<Vec<_>>().join(", ");
    let sql = format!(
        "INSERT INTO {name} ({}) SELECT * FROM UNNEST({arrays}) AS row_values {tail}",
        columns.join(", ")
    );
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

/// A column as an array, with the cast that makes it one; as its text where something is missing in it, because the
/// driver's arrays hold no gaps.
fn array(column: Vec<Value>) -> (String, Value) {
    let (of, name) = match column.first() {
        Some(Value::BigInt(_)) => (ArrayType::BigInt, "bigint[]"),
        Some(Value::Bytes(_)) => (ArrayType::Bytes, "bytea[]"),
        _ => (ArrayType::String, "text[]"),
    };
    let is_whole = column.iter().all(|value| match value {
        Value::BigInt(number) => number.is_some(),
        Value::Bytes(bytes) => bytes.is_some(),
        Value::String(text) => text.is_some(),
        _ => false,
    });
    if is_whole {
        return (format!("::{name}"), Value::Array(of, Some(Box::new(column))));
    }
    (format!("::text::{name}"), array_text(&column).into())
}

/// An array in PostgreSQL's own notation.
fn array_text(column: &[Value]) -> String {
    let mut text = String::with_capacity(column.len() * 16);
    text.push('{');
    for (place, value) in column.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        match value {
            Value::BigInt(Some(number)) => text.push_str(&number.to_string()),
            Value::Bytes(Some(bytes)) => {
                text.push_str("\"\\\\x");
                text.push_str(&hex::encode(bytes));
                text.push('"');
            }
            Value::String(Some(said)) => {
                text.push('"');
                for character in said.chars() {
                    if matches!(character, '"' | '\\') {
                        text.push('\\');
                    }
                    text.push(character);
                }
                text.push('"');
            }
            _ => text.push_str("NULL"),
        }
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn marks_become_numbers_and_numbers_stay() {
        assert_eq!(numbered("a = ? AND b IN (?,?)"), "a = $1 AND b IN ($2,$3)");
        assert_eq!(numbered("a = $1 OR b = $1"), "a = $1 OR b = $1");
    }

    #[test]
    fn an_array_with_gaps_is_written_out_and_one_without_is_bound() {
        let texts = vec![Value::from(None::<String>), Value::from("a\"b\\c"), Value::from("")];
        assert_eq!(
            array(texts),
            ("::text::text[]".to_owned(), Value::from(r#"{NULL,"a\"b\\c",""}"#.to_owned()))
        );
        let numbers = vec![Value::from(1_i64), Value::from(None::<i64>)];
        assert_eq!(array(numbers), ("::text::bigint[]".to_owned(), Value::from("{1,NULL}".to_owned())));
        let (cast, whole) = array(vec![Value::from(1_i64), Value::from(-2_i64)]);
        assert!(matches!(whole, Value::Array(ArrayType::BigInt, Some(_))) && cast == "::bigint[]");
    }

    #[test]
    fn where_a_store_is_is_shown_without_its_password() {
        let options = options("postgres://app:hunter2@db.example.com:6432/ledger").unwrap();
        assert_eq!(shown(&options), "postgres://app@db.example.com:6432/ledger");
        let refused = super::options("postgres://app:hunter2@db:port/ledger").unwrap_err().to_string();
        assert!(!refused.contains("hunter2") && refused.contains("postgres://"), "{refused}");
    }
}
