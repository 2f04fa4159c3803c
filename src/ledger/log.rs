//! The log of SQLite's changes (its WAL), and how it is brought into the file beside whoever writes. Done by the writer, as
//! is usual, it keeps deliveries waiting for some tens of milliseconds, several times a second.

use std::time::Duration;

use sea_orm::{ConnectionTrait, FromQueryResult};
use tokio::task::JoinHandle;

use super::error::while_doing;
use super::sql::{all, statement};
use super::{Ledger, LedgerError};

/// Pages in the log from which on the writer brings in what is left, so that the log begins anew: 32 MiB.
const PAGES_AT_MOST: u32 = 8_192;
/// Pages that are to be brought in at a time, about.
const A_ROUND: i64 = 1_000;
/// How long the rounds are apart, while much is written and while nothing is.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

#[derive(FromQueryResult)]
struct RoundRow {
    /// Pages of the log that are in the file.
    checkpointed: i64,
}

impl Ledger {
    /// Has the log of changes brought into the file by a task, until that is aborted; `None` where the store is PostgreSQL,
    /// which has its own.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn start_emptying_log(&self) -> Result<Option<JoinHandle<()>>, LedgerError> {
        if self.is_postgres() {
            return Ok(None);
        }
        let pragma = format!("PRAGMA wal_autocheckpoint = {PAGES_AT_MOST}");
        let leaves = self.writer().execute_unprepared(&pragma).await;
        leaves.map_err(while_doing("leave its log to others"))?;
        let ledger = self.clone();
        Ok(Some(tokio::spawn(async move {
            let (mut pause, mut before) = (PAUSES.0, 0);
            loop {
                tokio::time::sleep(pause).await;
                let moved = match ledger.empty_log().await {
                    // A log that began anew counts anew.
                    Ok(now) => (if now < before { now } else { now - before }, before = now).0,
                    Err(error) => {
                        tracing::debug!(%error, "left its log of changes to the writer");
                        0
                    }
                };
                pause = pause_after(pause, moved);
            }
        })))
    }

    /// Brings into the file what of the log may be by now, and gives how many of its pages are.
    async fn empty_log(&self) -> Result<i64, LedgerError> {
        let rows: Vec<RoundRow> =
            all(self.reader(), "empty its log", statement("PRAGMA wal_checkpoint(PASSIVE)", Vec::new()))
                .await?;
        Ok(rows.first().map_or(0, |row| row.checkpointed))
    }
}

/// How long to wait after a round that moved so many pages.
fn pause_after(pause: Duration, moved: i64) -> Duration {
    let next = match moved {
        _ if moved > 2 * A_ROUND => pause / 2,
        _ if moved < A_ROUND / 2 => pause * 2,
        _ => pause,
    };
    next.clamp(PAUSES.0, PAUSES.1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn a_reader_brings_the_log_into_the_file_and_leaves_what_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", directory.path().join("upswell.db").display());
        let ledger = Ledger::open(&url).await.unwrap();
        ledger.migrate().await.unwrap();
        let task = ledger.start_emptying_log().await.unwrap().unwrap();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        let size = || std::fs::metadata(directory.path().join("upswell.db")).unwrap().len();
        let made = ledger.empty_log().await.unwrap();
        let (before, snapshot) = (size(), ledger.snapshot().await.unwrap());
        for statement in ["CREATE TABLE large (body BLOB)", "INSERT INTO large VALUES (randomblob(2000000))"]
        {
            ledger.writer().execute_unprepared(statement).await.unwrap();
        }
        assert_eq!(ledger.empty_log().await.unwrap(), 0, "of the log that began anew");
        assert_eq!(size(), before, "somebody reads the store as it was before");
        drop(snapshot);
        let then = ledger.empty_log().await.unwrap();
        assert!(then > 400, "{made} {then}");
        assert!(size() > before + 1_900_000, "{}", size());
    }

    #[test]
    fn rounds_are_closer_the_more_there_is_to_move() {
        let (short, long) = PAUSES;
        assert_eq!(pause_after(short * 2, 2 * A_ROUND + 1), short);
        assert_eq!(pause_after(short, 9 * A_ROUND), short);
        assert_eq!(pause_after(short * 3, A_ROUND), short * 3);
        assert_eq!(pause_after(short, 0), short * 2);
        assert_eq!(pause_after(long, 0), long);
    }
}
