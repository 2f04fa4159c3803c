//! Opening the store: what writes, a pool that reads, and the schema.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use migration::{Migrator, MigratorTrait};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{self, Connection, SqliteConnection};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait,
};

use super::aside::directory_of;
use super::error::{told_by_file, while_doing};
use super::limited::{Limited, Refusal, Transaction, within};
use super::line::Line;
use super::postgres::{self, Duty, Turn};
use super::{LedgerError, copy, sql};

/// How often an open that found the store locked is tried again: the change to write-ahead logging
/// of a fresh file can't wait by itself.
const OPEN_TRIES: u32 = 50;

/// How long what does not answer keeps the end of a process.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// Who waited this long to begin a transaction waited for somebody else's.
const A_WAIT: Duration = Duration::from_millis(5);

/// How much of the store is taken at once, and how long it is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreTerms {
    /// How long PostgreSQL may take over each statement, migrations apart: a network that broke off without a word is
    /// found by that, and another connection is made. A file is waited for.
    pub statement: Option<Duration>,
    /// How long a connection to PostgreSQL is waited for: Stripe, which waits too, is told to come again.
    pub connect: Duration,
    /// How long somebody else's lock is waited for.
    pub lock: Duration,
    /// Connections that read.
    pub readers: u32,
    /// Connections that write to PostgreSQL: deliveries, a settlement, the turn to settle, what is fetched beside them, a
    /// look at the tables.
    pub writers: u32,
}

impl Default for StoreTerms {
    fn default() -> Self {
        Self {
            statement: None,
            connect: Duration::from_secs(5),
            lock: Duration::from_secs(10),
            readers: 4,
            writers: 6,
        }
    }
}

/// The store: inbox, timelines, postings. Cheap to clone; every clone is the same store.
#[derive(Debug, Clone)]
pub struct Ledger {
    connections: Arc<Connections>,
    /// Where its file is, or what stands in for it.
    directory: Arc<Path>,
}

/// One writer with SQLite, because it has only one at a time and waiting in our own line is fair and cheap; some with
/// PostgreSQL, which take turns (DECISIONS 117). Readers beside them, which see the last commit.
#[derive(Debug)]
struct Connections {
    writer: Limited<DatabaseConnection>,
    readers: Limited<DatabaseConnection>,
    /// Whether commits of PostgreSQL need not have reached the disk when they return.
    in_bulk: AtomicBool,
    /// Whether the transaction that was begun last had to wait for somebody else's.
    waited: AtomicBool,
    /// When it was seen to that PostgreSQL knows its tables.
    looks: postgres::Looks,
    /// Where writers of a file wait for one another; PostgreSQL has its own.
    line: Option<Line>,
    /// How long somebody else's lock is waited for.
    lock: Duration,
}

/// The turn to settle, for as long as it is kept.
#[derive(Debug)]
pub struct SettlingTurn {
    _lock: Option<Transaction>,
}

impl Ledger {
    /// Opens the store that the URL names, such as `sqlite://upswell.db?mode=rwc` or
    /// `postgres://user@host/database`. The schema is left as it is: see [`Ledger::migrate`].
    ///
    /// # Errors
    ///
    /// A store of an unknown kind, or one that can't be opened.
    pub async fn open(url: &str) -> Result<Self, LedgerError> {
        Self::open_by(url, StoreTerms::default()).await
    }

    /// [`Ledger::open`] by terms of one's own.
    ///
    /// # Errors
    ///
    /// As of [`Ledger::open`].
    pub async fn open_by(url: &str, terms: StoreTerms) -> Result<Self, LedgerError> {
        let scheme = url.split(':').next().unwrap_or_default();
        if ["postgres", "postgresql"].contains(&scheme) {
            return Self::open_postgres(url, terms).await;
        }
        if scheme != "sqlite" {
            let scheme = scheme.to_owned();
            return Err(LedgerError::UnknownStore { scheme });
        }
        keep_private(url);
        let refusal = Refusal::default();
        let lock = terms.lock;
        let writer = connect(url, 1, move |options| as_writer(options, lock), &refusal).await?;
        let writer = Limited::noting(writer, None, refusal);
        let as_readers = move |options| as_reader(options, lock);
        let readers = connect(url, terms.readers, as_readers, &Refusal::default()).await?;
        let readers = Limited::new(readers, None);
        let directory = directory_of(url);
        let line = Some(Line::at(&directory));
        Ok(Self::of(writer, readers, directory.into(), line, lock))
    }

    async fn open_postgres(url: &str, terms: StoreTerms) -> Result<Self, LedgerError> {
        let options = postgres::options(url)?;
        let writer = postgres::connect(&options, Duty::Write, &terms).await?;
        let readers = postgres::connect(&options, Duty::Read, &terms).await?;
        let limit = terms.statement;
        let (writer, readers) = (Limited::new(writer, limit), Limited::new(readers, limit));
        Ok(Self::of(writer, readers, std::env::temp_dir().into(), None, terms.lock))
    }

    fn of(
        writer: Limited<DatabaseConnection>,
        readers: Limited<DatabaseConnection>,
        directory: Arc<Path>,
        line: Option<Line>,
        lock: Duration,
    ) -> Self {
        let (in_bulk, waited) = (AtomicBool::new(false), AtomicBool::new(false));
        let looks = postgres::Looks::default();
        let connections = Arc::new(Connections { writer, readers, in_bulk, waited, looks, line, lock });
        Self { connections, directory }
    }

    /// Whether its store is PostgreSQL, which several processes may keep at once.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        sql::is_postgres(self.reader())
    }

    /// Writes as a backfill does: a commit need not have reached the disk when it returns, and more pages are
    /// held before they go to the file. The file stays whole whatever happens; what a power failure takes back
    /// is fed again.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn write_in_bulk(&self) -> Result<(), LedgerError> {
        if self.is_postgres() {
            self.connections.in_bulk.store(true, Ordering::Relaxed);
            return Ok(());
        }
        for pragma in ["synchronous = NORMAL", "cache_size = -65536", "wal_autocheckpoint = 16384"] {
            let done = self.connections.writer.execute_unprepared(&format!("PRAGMA {pragma}")).await;
            done.map_err(while_doing("prepare for a backfill"))?;
        }
        Ok(())
    }

    /// Whether others want to write as well, as far as the transaction that was begun last shows: who writes much
    /// does so in shorter transactions then.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.connections.waited.load(Ordering::Relaxed)
    }

    /// The directory that its file is in; that of temporary files if it has none here.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Brings the schema up to this version's and gives the number of migrations applied. Several
    /// processes may do so at once: the store's write lock lets one go first. Who may not write may call it
    /// while the schema is current.
    ///
    /// # Errors
    ///
    /// The store's refusal; nothing is applied then.
    pub async fn migrate(&self) -> Result<usize, LedgerError> {
        let act = "bring its schema up to date";
        if self.is_current().await? {
            return Ok(0);
        }
        let transaction = self.begin().await?;
        if self.is_postgres() {
            // An index of millions of rows takes its time.
            let unlimited = transaction.execute_unprepared("SET LOCAL statement_timeout = 0").await;
            unlimited.map_err(while_doing(act))?;
        }
        let pending = Migrator::get_pending_migrations(transaction.unlimited()).await;
        let pending = pending.map_err(while_doing(act))?.len();
        let applied = Migrator::up(transaction.unlimited(), None).await;
        applied.map_err(while_doing(act))?;
        transaction.commit().await.map_err(while_doing(act))?;
        Ok(pending)
    }

    /// Whether the schema is this version's.
    ///
    /// # Errors
    ///
    /// A store that a newer version brought up to date; one that can't be read.
    pub async fn is_current(&self) -> Result<bool, LedgerError> {
        match Migrator::get_pending_migrations_read_only(self.reader()).await {
            Ok(pending) => Ok(pending.is_empty()),
            // The migrator's own word: the store names migrations that this version does not have.
            Err(source @ DbErr::Custom(_)) => Err(LedgerError::Newer { source }),
            Err(source) => Err(while_doing("read its schema")(source)),
        }
    }

    /// Lets the store check its own file. PostgreSQL checks its pages itself, as they are read.
    ///
    /// # Errors
    ///
    /// Damage, with the first thing found; a store that can't be read.
    pub async fn check(&self) -> Result<(), LedgerError> {
        let act = "check its file";
        if self.is_postgres() {
            return Ok(());
        }
        let statement = sql::statement("PRAGMA quick_check(1)", Vec::new());
        let answer = self.reader().query_one_raw(statement).await;
        let answer = answer.map_err(while_doing(act))?;
        let finding = match answer {
            Some(row) => row.try_get_by_index(0).map_err(while_doing(act))?,
            None => "no answer".to_owned(),
        };
        if finding == "ok" {
            return Ok(());
        }
        Err(LedgerError::Damaged { finding })
    }

    /// A copy of the store as it is now, in a new file of SQLite.
    ///
    /// # Errors
    ///
    /// The store's refusal: a file that is there already, a full disk.
    pub async fn copy_to(&self, path: &Path) -> Result<(), LedgerError> {
        if self.is_postgres() {
            return copy::rows_to_file(self.reader().unlimited(), path).await;
        }
        let statement = sql::statement("VACUUM INTO $1", vec![path.display().to_string().into()]);
        run(&self.connections.writer, "copy itself", statement).await.map(drop)
    }

    /// Closes the store; what was committed is on disk already. A question that is still being answered, and a server of a
    /// database that does not answer any more, are left after a while: nothing depends on them.
    ///
    /// # Errors
    ///
    /// The refusal of a store in a file.
    pub async fn close(&self) -> Result<(), LedgerError> {
        let Connections { writer, readers, .. } = self.connections.as_ref();
        if tokio::time::timeout(CLOSE_LIMIT, readers.unlimited().close_by_ref()).await.is_err() {
            tracing::warn!("left a question to the store that was not answered yet");
        }
        let limit = writer.limit().map(|limit| limit.min(CLOSE_LIMIT));
        match within(limit, writer.unlimited().close_by_ref()).await {
            Err(error) if limit.is_some() => {
                tracing::warn!(%error, "left a database that did not answer");
                Ok(())
            }
            closed => closed.map_err(while_doing("close")),
        }
    }

    /// The pool that reads.
    pub(super) fn reader(&self) -> &Limited<DatabaseConnection> {
        &self.connections.readers
    }

    /// A transaction of the one writer, which holds the store's write lock from the start: what it
    /// reads can't change before it commits, but for deliveries that come in PostgreSQL. Dropped, it leaves nothing
    /// behind.
    ///
    /// # Errors
    ///
    /// A store that stays locked by another process, or is away.
    pub(super) async fn begin(&self) -> Result<Transaction, LedgerError> {
        self.begin_as(Turn::Write).await
    }

    /// The same for deliveries, which are numbered by one at a time, and in PostgreSQL beside what else is written.
    ///
    /// # Errors
    ///
    /// As of [`Ledger::begin`].
    pub(super) async fn begin_accepting(&self) -> Result<Transaction, LedgerError> {
        self.begin_as(Turn::Accept).await
    }

    /// Waits until nobody else settles what is stored: several processes on one database would all derive the same
    /// customers, and all but one of them for nothing. `None` after some time, if somebody does for long.
    ///
    /// # Errors
    ///
    /// A store that is away.
    pub async fn settling_turn(&self) -> Result<Option<SettlingTurn>, LedgerError> {
        if !self.is_postgres() {
            return Ok(Some(SettlingTurn { _lock: None }));
        }
        match self.begin_as(Turn::Settle).await {
            Ok(lock) => Ok(Some(SettlingTurn { _lock: Some(lock) })),
            Err(error) if error.is_held_by_another() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn begin_as(&self, turn: Turn) -> Result<Transaction, LedgerError> {
        let asked = Instant::now();
        let begun = self.begin_in_turn(turn).await;
        self.connections.waited.store(asked.elapsed() > A_WAIT, Ordering::Relaxed);
        begun
    }

    async fn begin_in_turn(&self, turn: Turn) -> Result<Transaction, LedgerError> {
        let act = "begin a transaction";
        let writer = &self.connections.writer;
        if self.is_postgres() {
            let limit = turn.limit(writer.limit());
            if self.connections.looks.are_due() {
                let connections = Arc::clone(&self.connections);
                tokio::spawn(async move { postgres::look(connections.writer.unlimited()).await });
            }
            let begun = within(limit, writer.unlimited().begin()).await.map_err(while_doing(act))?;
            let transaction = writer.within(begun, limit);
            let in_bulk = self.connections.in_bulk.load(Ordering::Relaxed);
            let waited = transaction.execute_raw(turn.statement(in_bulk, self.connections.lock)).await;
            waited.map_err(while_doing(act))?;
            return Ok(transaction);
        }
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let _first = match &self.connections.line {
            Some(line) => line.first().await,
            None => None,
        };
        let begun = writer.answers(writer.unlimited().begin_with_options(options)).await;
        Ok(writer.within(begun.map_err(while_doing(act))?, None))
    }
}

/// Runs one statement for its effect.
///
/// # Errors
///
/// The store's refusal.
pub(super) async fn run<C: ConnectionTrait>(
    db: &C,
    act: &'static str,
    statement: Statement,
) -> Result<u64, LedgerError> {
    let done = db.execute_raw(sql::fit(db, statement)).await.map_err(while_doing(act))?;
    Ok(done.rows_affected())
}

async fn connect(
    url: &str,
    most: u32,
    prepare: impl Fn(SqliteConnectOptions) -> SqliteConnectOptions + Send + Sync + 'static,
    refusal: &Refusal,
) -> Result<DatabaseConnection, LedgerError> {
    let refusal = refusal.clone();
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(most)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .map_sqlx_sqlite_opts(prepare)
        .map_sqlx_sqlite_pool_opts(move |pool| {
            let refusal = refusal.clone();
            pool.after_release(move |one, _| {
                let refusal = refusal.clone();
                Box::pin(async move { Ok(is_at_rest(one).await? && !refusal.take()) })
            })
        });
    let mut tries = 0;
    loop {
        let failed = match Database::connect(options.clone()).await {
            Ok(connection) => return Ok(connection),
            Err(source) => opening_failed(url, source),
        };
        tries += 1;
        if !failed.is_transient() || tries == OPEN_TRIES {
            return Err(failed);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether a connection is in no transaction any more. After a commit that a full disk refused, SQLite has rolled back by
/// itself and the driver still counts one: what comes next would be put inside it, and never be committed. Such a
/// connection is closed, and another one takes its place. So is one that was refused a write: opened while the disk might only
/// be read, it would stay so for as long as it lives.
async fn is_at_rest(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // A rollback that is under way comes before the answer.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Makes the file of a new store readable by its owner alone: it holds what Stripe sent, customers' data
/// among it. A file that is there keeps the permissions it has.
fn keep_private(url: &str) {
    let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    if !query.split('&').any(|option| option == "mode=rwc") {
        return;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // A file that exists, or can't be made: opening the store tells what is wrong, if anything is.
    let _ = options.open(path);
}

fn opening_failed(url: &str, source: DbErr) -> LedgerError {
    told_by_file("be opened", source)
        .unwrap_or_else(|source| LedgerError::Open { url: url.to_owned(), source })
}

/// `synchronous=FULL`: with less, a power failure may take back what was answered 200. The pages that one settlement changes
/// are held, 16 MiB of them: of a large ledger they lie all over the file.
fn as_writer(options: SqliteConnectOptions, lock: Duration) -> SqliteConnectOptions {
    options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(lock)
        .statement_cache_capacity(400)
        .pragma("cache_size", "-16384")
}

fn as_reader(options: SqliteConnectOptions, lock: Duration) -> SqliteConnectOptions {
    options.busy_timeout(lock).pragma("query_only", "ON").row_buffer_size(1_000)
}
