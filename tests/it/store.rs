//! The store that a test is about: a file of SQLite, or with `UPSWELL_TEST_STORE=postgres` a database of its own on the
//! cluster that `./test` starts. Each claim is stated once and tested on both.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::UNIX_EPOCH;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, Statement};
use tokio::runtime::Runtime;

/// The database that all others are copies of; `./test` brings its schema up to date.
const TEMPLATE: &str = "upswell_template";

/// Whether this run of the tests is about PostgreSQL.
#[expect(clippy::disallowed_methods, reason = "a test is told by its runner")]
pub fn is_postgres() -> bool {
    std::env::var("UPSWELL_TEST_STORE").is_ok_and(|store| store == "postgres")
}

/// The URL of the cluster's administrator.
#[expect(clippy::disallowed_methods, reason = "a test is told by its runner")]
pub fn cluster() -> String {
    let url = std::env::var("UPSWELL_TEST_POSTGRES");
    url.expect("no PostgreSQL for the tests: run ./test, or start one with tests/cluster and name it in UPSWELL_TEST_POSTGRES")
}

/// The URL of a store with the current schema, or of a file that is not there yet.
pub fn new_url(directory: &Path) -> String {
    if is_postgres() {
        return database(TEMPLATE).url;
    }
    format!("sqlite://{}?mode=rwc", directory.join("upswell.db").display())
}

/// The same, without a schema.
pub fn empty_url(directory: &Path) -> String {
    if is_postgres() { database("template0").url } else { new_url(directory) }
}

/// What lets a table be meddled with that is only added to.
pub fn unlock(table: &str, act: &str) -> String {
    let of_table = if is_postgres() { format!(" ON {table}") } else { String::new() };
    format!("DROP TRIGGER {table}_refuses_{act}{of_table}")
}

/// Bytes, as the store writes them.
pub fn bytes(hex: &str) -> String {
    if is_postgres() { format!("'\\x{hex}'::bytea") } else { format!("x'{hex}'") }
}

/// A database of the cluster.
pub struct DatabaseOfTest {
    pub name: String,
    pub url: String,
}

/// A new database: with the schema of the template, or of `template0` an empty one.
pub fn database(template: &str) -> DatabaseOfTest {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    // The clock too, for a run of this many tests sees a process's number come again.
    let since_epoch = UNIX_EPOCH.elapsed().unwrap().as_nanos();
    let name = format!("t{}_{}_{since_epoch}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    execute(&cluster(), &format!("CREATE DATABASE {name} TEMPLATE {template}")).unwrap();
    let url = cluster().replace("/postgres?", &format!("/{name}?"));
    DatabaseOfTest { name, url }
}

/// Runs SQL behind upswell's back; what the store said if it refused.
pub fn execute(url: &str, sql: &str) -> Result<(), String> {
    connected(url, sql, async |store, sql| store.execute_unprepared(&sql).await.map(drop))
}

/// The number that a query gives.
pub fn number(url: &str, sql: &str) -> i64 {
    let asked = connected(url, sql, async |store, sql| {
        let row = store.query_one_raw(Statement::from_string(store.get_database_backend(), sql)).await?;
        row.unwrap().try_get_by_index(0)
    });
    asked.unwrap()
}

/// Does something with a store and SQL. In a thread of its own, for some tests have a runtime already.
fn connected<T: Send + 'static>(
    url: &str,
    sql: &str,
    act: impl AsyncFnOnce(&DatabaseConnection, String) -> Result<T, DbErr> + Send + 'static,
) -> Result<T, String> {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    let done = std::thread::spawn(move || {
        Runtime::new().unwrap().block_on(async {
            let store = Database::connect(url).await.map_err(|error| error.to_string())?;
            let done = act(&store, sql).await;
            store.close().await.unwrap();
            done.map_err(|error| error.to_string())
        })
    });
    done.join().unwrap()
}

/// Somebody else who writes to a store, so that upswell has to wait.
pub struct Writer {
    runtime: Runtime,
    store: DatabaseConnection,
}

impl Writer {
    /// Begins to write: nobody else can until it ends.
    pub fn begins(url: &str) -> Self {
        let begin = if url.starts_with("postgres") {
            "BEGIN; LOCK TABLE inbox IN EXCLUSIVE MODE"
        } else {
            "BEGIN IMMEDIATE"
        };
        let runtime = Runtime::new().unwrap();
        let store = runtime.block_on(async {
            let one = ConnectOptions::new(url).max_connections(1).to_owned();
            let store = Database::connect(one).await.unwrap();
            store.execute_unprepared(begin).await.unwrap();
            store
        });
        Self { runtime, store }
    }

    /// Ends, and has changed nothing.
    pub fn ends(self) {
        self.runtime.block_on(async {
            self.store.execute_unprepared("ROLLBACK").await.unwrap();
            self.store.close().await.unwrap();
        });
    }
}
