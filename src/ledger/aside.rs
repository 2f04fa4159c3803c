//! Facts laid aside by their customers, while a whole backfill is read: then each customer is derived once,
//! with all that came of it.
//!
//! They lie in nameless files, which the system removes with the process, whatever becomes of it. Nothing
//! is lost with them: their deliveries are pending until the customers are settled, and are read again.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::mirror::{self, Mirror};
use super::{CustomerKey, Ledger, LedgerError, NewFact};

/// Files that the customers are spread over: what one of them holds is in memory at a time.
const PARTS: usize = 64;

/// Facts by customer, outside of memory.
#[derive(Debug)]
pub struct Aside {
    parts: Vec<BufWriter<File>>,
}

/// A fact as it lies in a file, one a line.
#[derive(Serialize, Deserialize)]
struct Line {
    book: String,
    customer: String,
    inbox_seq: i64,
    part: i64,
    fact: mirror::Fact,
}

impl Ledger {
    /// Room for facts, beside the store: there is as much space as that will need.
    ///
    /// # Errors
    ///
    /// A directory that can't be written to.
    pub fn aside(&self) -> Result<Aside, LedgerError> {
        let file = || tempfile::tempfile_in(self.directory()).map(BufWriter::new);
        let parts = (0..PARTS).map(|_| file()).collect::<io::Result<_>>();
        Ok(Aside { parts: parts.map_err(failed)? })
    }
}

impl Aside {
    /// Lays a fact aside.
    ///
    /// # Errors
    ///
    /// A disk that is full.
    pub fn lay(&mut self, new: &NewFact) -> Result<(), LedgerError> {
        let line = Line {
            book: new.key.book.clone(),
            customer: new.key.customer.to_string(),
            inbox_seq: new.inbox_seq,
            part: new.part,
            fact: Mirror::of(&new.fact),
        };
        let at = part_of(&new.key);
        let Some(part) = self.parts.get_mut(at) else { return Ok(()) };
        serde_json::to_writer(&mut *part, &line).map_err(|error| failed(error.into()))?;
        part.write_all(b"\n").map_err(failed)
    }

    /// The facts of the next customers, in the order they were laid aside; `None` after the last. All facts
    /// of a customer come together.
    ///
    /// # Errors
    ///
    /// A disk that fails.
    pub fn take(&mut self) -> Result<Option<Vec<NewFact>>, LedgerError> {
        let Some(part) = self.parts.pop() else { return Ok(None) };
        let mut file = part.into_inner().map_err(|error| failed(error.into_error()))?;
        file.rewind().map_err(failed)?;
        let mut facts = Vec::new();
        let mut text = String::new();
        let mut lines = BufReader::new(file);
        while lines.read_line(&mut text).map_err(failed)? > 0 {
            let line: Line = serde_json::from_str(&text).map_err(|error| failed(error.into()))?;
            let key = CustomerKey { book: line.book, customer: line.customer.into() };
            facts.push(NewFact {
                key,
                inbox_seq: line.inbox_seq,
                part: line.part,
                fact: line.fact.restore(),
            });
            text.clear();
        }
        Ok(Some(facts))
    }
}

/// Which file a customer is in: FNV-1a over its name.
fn part_of(key: &CustomerKey) -> usize {
    let bytes = key.book.bytes().chain([0]).chain(key.customer.as_str().bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // The low bits of this hash are the poor ones.
    usize::try_from((hash >> 32) % PARTS as u64).unwrap_or_default()
}

fn failed(source: io::Error) -> LedgerError {
    LedgerError::Aside { source }
}

/// The directory that the file of a store's URL is in.
pub(super) fn directory_of(url: &str) -> std::path::PathBuf {
    let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
    let path = Path::new(path.split('?').next().unwrap_or_default());
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => ".".into(),
    }
}
