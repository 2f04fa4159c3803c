//! What can go wrong in the store, and whether trying again can help.

use sea_orm::sqlx::postgres::PgDatabaseError;
use sea_orm::{DbErr, RuntimeErr, sqlx};

use super::postgres;
use crate::mrr::CustomerId;

/// Why the ledger could not do what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A store that this version does not know.
    #[error(
        "DATABASE_URL names a `{scheme}` store, which this version does not know; use SQLite, for example \
         DATABASE_URL=sqlite://upswell.db?mode=rwc, or PostgreSQL, for example DATABASE_URL=postgres://user@host/upswell"
    )]
    UnknownStore {
        /// What stands before the colon of the URL.
        scheme: String,
    },
    /// The store could not be opened.
    #[error(
        "the ledger at {url} could not be opened; check that the directory exists and may be \
         written to, and that DATABASE_URL ends in ?mode=rwc if the file is to be created"
    )]
    Open {
        /// The store's URL.
        url: String,
        /// What the store said.
        source: DbErr,
    },
    /// A URL of PostgreSQL that can't be read.
    #[error(
        "DATABASE_URL is no address of a PostgreSQL database ({problem}); write it as \
         DATABASE_URL=postgres://user:password@host:5432/database?sslmode=verify-full, with %-signs for what is no \
         letter or digit in the password"
    )]
    PostgresUrl {
        /// What is wrong with it.
        problem: String,
    },
    /// PostgreSQL could not be reached, or did not let us in.
    #[error(
        "the database {store} could not be opened; check that it runs and exists, that DATABASE_URL has the user and \
         password that may connect, and that sslmode is what the server asks for"
    )]
    OpenPostgres {
        /// Where it is, without the password.
        store: String,
        /// What the driver or the server said.
        source: DbErr,
    },
    /// A store whose schema a newer version made.
    #[error(
        "the ledger was brought up to date by a newer upswell than this one, {}; run that version, or restore a backup \
         that was made before the upgrade",
        env!("CARGO_PKG_VERSION")
    )]
    Newer {
        /// Which migrations this version does not have.
        source: DbErr,
    },
    /// The store refused or failed a statement.
    #[error("the ledger could not {act}")]
    Store {
        /// What was being done.
        act: &'static str,
        /// What the store said.
        source: DbErr,
    },
    /// A stored value could not be read back.
    #[error(
        "{what} in the ledger is not of the form this version writes; \
         if a newer upswell wrote it, run that one, else restore a backup"
    )]
    Unreadable {
        /// Which value.
        what: &'static str,
        /// What the reader said.
        source: serde_json::Error,
    },
    /// A stored word that is none of those this version knows.
    #[error("`{word}` is no {what} known to this version; run the upswell that wrote it")]
    UnknownWord {
        /// What it should be.
        what: &'static str,
        /// The word.
        word: String,
    },
    /// A stored rate that is none.
    #[error("the rate of {pair} on {date} in the ledger can't be read; restore a backup")]
    NoRate {
        /// Its two currencies.
        pair: String,
        /// Its day.
        date: String,
    },
    /// A number outside of what a column holds (64 bits).
    #[error("{what} {value} of customer {customer} does not fit into the ledger's 64 bits")]
    DoesNotFit {
        /// Which number.
        what: &'static str,
        /// The number.
        value: i128,
        /// Whose it is.
        customer: CustomerId,
    },
    /// Somebody else settled the customer between reading its timeline and settling it.
    #[error("customer {customer} was settled by another process meanwhile; derive it again")]
    Overtaken {
        /// Who.
        customer: CustomerId,
    },
    /// What a backfill lays aside while it runs could not be written, or read again.
    #[error(
        "facts could not be laid aside in the directory of the ledger's file, or with PostgreSQL in that of temporary \
         files; see that it has space, and run again"
    )]
    Aside {
        /// What the system said.
        source: std::io::Error,
    },
    /// The store can be read and not written to.
    #[error(
        "the ledger may only be read, and could not {act}; see that its file and its directory may be written to, that \
         their disk is not mounted read-only, and that DATABASE_URL does not end in mode=ro"
    )]
    ReadOnly {
        /// What was being done.
        act: &'static str,
        /// What the store said.
        source: DbErr,
    },
    /// The store found damage in its file.
    #[error("the ledger's file is damaged ({finding}); restore a backup")]
    Damaged {
        /// The first thing that it found.
        finding: String,
    },
}

impl LedgerError {
    /// Whether a lock was waited for in vain.
    pub(super) fn is_held_by_another(&self) -> bool {
        let Self::Store { source, .. } = self else { return false };
        let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = source
        else {
            return false;
        };
        error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .is_some_and(|code| code == "55P03")
    }

    /// Whether it is about what a row holds, and not about the store: without that row the same call succeeds.
    #[must_use]
    pub fn is_of_a_row(&self) -> bool {
        match self {
            Self::Unreadable { .. } | Self::UnknownWord { .. } => true,
            Self::Store { source: DbErr::Query(RuntimeErr::SqlxError(error)), .. } => {
                matches!(error.as_ref(), sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_))
            }
            _ => false,
        }
    }

    /// Whether the same call may succeed later: the store was busy, away or out of connections, or
    /// the customer has to be derived again. Everything else will fail again.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Overtaken { .. } => true,
            Self::Open { source, .. } | Self::OpenPostgres { source, .. } | Self::Store { source, .. } => {
                is_transient(source)
            }
            _ => false,
        }
    }
}

/// Turns a refusal of the store into an error that says what was being done.
pub(super) fn while_doing(act: &'static str) -> impl FnOnce(DbErr) -> LedgerError {
    move |source| told_by_file(act, source).unwrap_or_else(|source| LedgerError::Store { act, source })
}

/// What a file of SQLite says of itself: that it is damaged, or may not be written to.
///
/// # Errors
///
/// The refusal itself, if it says something else.
pub(super) fn told_by_file(act: &'static str, source: DbErr) -> Result<LedgerError, DbErr> {
    match sqlite_code(&source).map(|code| code & 0xff) {
        Some(SQLITE_CORRUPT | SQLITE_NOTADB) => Ok(LedgerError::Damaged { finding: source.to_string() }),
        Some(SQLITE_READONLY) => Ok(LedgerError::ReadOnly { act, source }),
        _ => Err(source),
    }
}

/// Whether SQLite refused to write to a file that may only be read.
pub(super) fn is_of_a_read_only_file(error: &DbErr) -> bool {
    sqlite_code(error).is_some_and(|code| code & 0xff == SQLITE_READONLY)
}

const SQLITE_READONLY: u32 = 8;
const SQLITE_CORRUPT: u32 = 11;
const SQLITE_NOTADB: u32 = 26;

/// The code of a refusal of SQLite, an extended one with what it is in its low byte.
fn sqlite_code(error: &DbErr) -> Option<u32> {
    let (DbErr::Conn(runtime) | DbErr::Exec(runtime) | DbErr::Query(runtime)) = error else { return None };
    let RuntimeErr::SqlxError(error) = runtime else { return None };
    let refusal = error.as_database_error()?;
    if refusal.try_downcast_ref::<PgDatabaseError>().is_some() {
        return None;
    }
    refusal.code()?.parse().ok()
}

fn is_transient(error: &DbErr) -> bool {
    let runtime = match error {
        DbErr::ConnectionAcquire(_) => return true,
        DbErr::Conn(runtime) | DbErr::Exec(runtime) | DbErr::Query(runtime) => runtime,
        _ => return false,
    };
    let RuntimeErr::SqlxError(said) = runtime else {
        return false;
    };
    match said.as_ref() {
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => true,
        sqlx::Error::Database(refusal) if refusal.try_downcast_ref::<PgDatabaseError>().is_some() => {
            refusal.try_downcast_ref().is_some_and(postgres::passes)
        }
        sqlx::Error::Database(_) => sqlite_code(error).is_some_and(is_transient_code),
        _ => false,
    }
}

/// SQLite's BUSY 5, LOCKED 6, IOERR 10, FULL 13, CANTOPEN 14; an extended code has one of them in
/// its low byte.
fn is_transient_code(code: u32) -> bool {
    matches!(code & 0xff, 5 | 6 | 10 | 13 | 14)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_store_is_worth_another_try_and_a_refused_row_is_not() {
        assert!(is_transient_code(5) && is_transient_code(5 | (1 << 8)));
        assert!(!is_transient_code(19) && !is_transient_code(1));
        let overtaken = LedgerError::Overtaken { customer: "cus_1".into() };
        assert!(overtaken.is_transient());
    }

    #[test]
    fn a_row_is_at_fault_where_it_can_t_be_read_and_not_where_the_store_refuses() {
        let store = |error| LedgerError::Store {
            act: "read",
            source: DbErr::Query(RuntimeErr::SqlxError(std::sync::Arc::new(error))),
        };
        let undecoded =
            sqlx::Error::ColumnDecode { index: "body".to_owned(), source: "invalid utf-8 sequence".into() };
        assert!(store(undecoded).is_of_a_row());
        assert!(!store(sqlx::Error::PoolTimedOut).is_of_a_row());
        assert!(!store(sqlx::Error::ColumnNotFound("body".to_owned())).is_of_a_row());
        let unknown = LedgerError::UnknownWord { what: "kind", word: "x".to_owned() };
        assert!(unknown.is_of_a_row() && !unknown.is_transient());
    }
}
