//! The line of those that want to write to one file of SQLite.
//!
//! SQLite lets whoever asks at the right moment go first, and who waits asks ten times a second: beside a backfill, which
//! writes one transaction after the other, deliveries waited for seconds. So who wants to begin a transaction stands
//! in line first, and leaves it when it has begun: whoever is next is asking while that one writes.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

/// A line of processes, at a directory that all of them have: the lock on it goes with the process that held it.
#[derive(Debug)]
pub(super) struct Line {
    /// None where a directory can't be locked: there it is as SQLite has it.
    directory: Option<Arc<Mutex<File>>>,
}

/// The first place in line, until it is dropped.
#[derive(Debug)]
pub(super) struct First {
    directory: OwnedMutexGuard<File>,
}

impl Line {
    /// The line at a directory.
    pub(super) fn at(directory: &Path) -> Self {
        Self { directory: File::open(directory).ok().map(|open| Arc::new(Mutex::new(open))) }
    }

    /// Waits for the first place.
    pub(super) async fn first(&self) -> Option<First> {
        let directory = Arc::clone(self.directory.as_ref()?);
        let first = First { directory: directory.lock_owned().await };
        match first.directory.try_lock() {
            Ok(()) => Some(first),
            Err(TryLockError::Error(_)) => None,
            // Whoever gives up waiting meanwhile drops the place as soon as it has it.
            Err(TryLockError::WouldBlock) => {
                let waited = move || first.directory.lock().is_ok().then_some(first);
                tokio::task::spawn_blocking(waited).await.ok().flatten()
            }
        }
    }
}

impl Drop for First {
    fn drop(&mut self) {
        // Closed or not locked, it is nobody's place any more.
        let _ = self.directory.unlock();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn who_is_first_in_a_directory_is_first_for_every_line_there() {
        let place = tempfile::tempdir().unwrap();
        let (one, other) = (Line::at(place.path()), Line::at(place.path()));
        let first = one.first().await.unwrap();
        assert!(timeout(Duration::from_millis(50), other.first()).await.is_err(), "two are first");
        assert!(
            timeout(Duration::from_millis(50), one.first()).await.is_err(),
            "two of one process are first"
        );
        drop(first);
        // Those that gave up waiting stand in nobody's way.
        let next = timeout(Duration::from_secs(10), other.first()).await.unwrap();
        drop(next);
        assert!(timeout(Duration::from_secs(10), one.first()).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn where_there_is_no_directory_there_is_no_line() {
        assert!(Line::at(Path::new("/nowhere/at/all")).first().await.is_none());
    }
}
