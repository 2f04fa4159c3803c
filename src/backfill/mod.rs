//! Readers of exports: from files in whatever form to the bytes of their documents, exactly as they
//! stand there, and to the rows of their tables.
//!
//! The form is found from the content, never from the name: directories, archives, compressed or not;
//! NDJSON, an array, a list page (`{"object": "list", "data": […]}`), documents one after another,
//! pretty-printed or not, or one alone; tables as CSV, whatever stands between their cells, and as Parquet.
//! Memory stays flat: a file is read through a window that holds one document, or one row.
//!
//! ```
//! let text: &[u8] = b"[{\"id\": \"evt_1\"},\n {\"id\": \"evt_2\"}]";
//! let documents: Vec<_> = upswell::backfill::documents(text)?.collect::<Result<_, _>>()?;
//! assert_eq!(documents[1].bytes, b"{\"id\": \"evt_2\"}");
//! assert_eq!(documents[1].line, 2);
//! # Ok::<(), upswell::backfill::ReadError>(())
//! ```

mod archive;
mod contents;
mod documents;
mod grouped;
mod parquet;
mod paths;
mod rates;
mod recovery;
mod scan;
mod source;
mod table;
#[cfg(test)]
mod tests;
mod window;

use std::path::PathBuf;

pub use contents::{Contents, Told, each};
pub use documents::{Document, Documents, parts};
pub use grouped::{Group, Grouped};
pub use paths::{Paths, paths};
pub use rates::{BadRow, RateFile, RateRow, rates, read_rates};
pub use source::{Progress, bytes, documents};
pub use table::{Row, Table, table};

/// The largest document: far above any event, and a bound on memory where a file is not what it
/// seems.
pub const MAX_DOCUMENT_BYTES: usize = 64 << 20;

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// One document can't be read; reading goes on after it.
    #[error("line {line}: {reason}")]
    Unreadable {
        /// The line where it starts, from 1.
        line: u64,
        /// Where and what, without content.
        reason: String,
        /// What was passed over, up to a mebibyte, for a person to correct.
        text: Vec<u8>,
    },
    /// The rest can't be read: a compressed file that was cut, a disk that fails. Reading ends.
    #[error(
        "line {line}: the rest can't be read: {source}; fetch the file again, what was read before \
         is not taken twice"
    )]
    BrokenOff {
        /// The line up to which all was read.
        line: u64,
        /// What the system or the decompressor says.
        source: std::io::Error,
    },
    /// The file holds no JSON. Reading ends.
    #[error("line {line}: {reason}")]
    NotJson {
        /// The line where that was certain.
        line: u64,
        /// What it seems to be, and the remedy.
        reason: String,
    },
    /// The file holds no table, or one in a form that can't be read. Reading ends.
    #[error("line {line}: {reason}")]
    NoTable {
        /// The line where that was certain.
        line: u64,
        /// What is wrong, and the remedy.
        reason: String,
    },
    /// An archive can't be opened: it is damaged, or of a kind that is not read.
    #[error("the archive can't be read: {reason}")]
    Archive {
        /// What is wrong, and the remedy.
        reason: String,
    },
    /// The file holds no exchange rates.
    #[error("line {line}: {reason}")]
    NotRates {
        /// The line where that was certain.
        line: u64,
        /// What is wrong, and the forms that are read.
        reason: String,
    },
    /// The file can't be opened.
    #[error("{} can't be opened; look at its name and its permissions", path.display())]
    Closed {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is a directory, where a file is wanted, or without files to read in it.
    #[error("{dir} is a directory in which no files are read; name files that are there", dir = path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
    },
}

impl ReadError {
    /// Whether reading goes on after it.
    #[must_use]
    pub fn is_about_one_document(&self) -> bool {
        matches!(self, Self::Unreadable { .. })
    }
}
