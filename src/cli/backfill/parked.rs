//! The file of rows that could not be read: to be corrected where it lies, and fed again.

use std::collections::HashSet;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::read::checked;
use crate::stripe::Sheet;

/// Where rows are kept that could not be read, to be corrected and fed again.
pub(super) const PARKED_FILE: &str = "upswell.parked";
/// Where they are kept while that file is being fed.
const PARKED_ANEW: &str = "upswell.parked.new";

/// A row that could not be read: one JSON object a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParkedRow {
    /// The file it came from.
    pub(super) file: String,
    /// The line where it starts.
    pub(super) line: u64,
    /// What is wrong with it.
    pub(super) reason: String,
    /// What stands before the decimals of its amounts, if that is a comma.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decimals_after: Option<char>,
    /// The names of its columns, of a row of a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    header: Option<Vec<String>>,
    /// What is to be corrected.
    row: Parked,
    /// Rows of other tables that tell of the same object, which is fed again as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    beside: Vec<Beside>,
}

/// A row of another table that tells of the same object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Beside {
    file: String,
    line: u64,
    header: Vec<String>,
    row: Vec<String>,
}

/// A row that waits for those of other tables: its file, its line, its table and its cells.
pub(super) type Waiting = (String, u64, Sheet, Vec<String>);

impl Beside {
    /// A row of a table of a file.
    pub(super) fn of(file: &str, line: u64, sheet: &Sheet, row: &[String]) -> Self {
        Self { file: file.to_owned(), line, header: sheet.columns().to_vec(), row: row.to_vec() }
    }
}

/// What is to be corrected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Parked {
    /// A document's text.
    Text(String),
    /// A row's cells.
    Cells(Vec<String>),
    /// The cells of several rows of one subscription.
    Rows(Vec<Vec<String>>),
}

impl ParkedRow {
    /// Reads a line of the file; `None` of any other document.
    pub(super) fn of(document: &[u8]) -> Option<Self> {
        let inner = document.strip_prefix(b"{")?.trim_ascii_start();
        inner.starts_with(b"\"file\"").then(|| serde_json::from_slice(document).ok()).flatten()
    }

    /// A document that is no JSON.
    pub(super) fn of_document(file: &str, line: u64, reason: String, text: String) -> Self {
        let row = Parked::Text(text);
        let (decimals_after, header, beside) = (None, None, Vec::new());
        Self { file: file.to_owned(), line, reason, decimals_after, header, row, beside }
    }

    /// Rows of a table.
    pub(super) fn of_rows(
        file: &str,
        line: u64,
        reason: String,
        sheet: &Sheet,
        mut rows: Vec<Vec<String>>,
    ) -> Self {
        let row = match rows.len() {
            1 => Parked::Cells(rows.remove(0)),
            _ => Parked::Rows(rows),
        };
        Self {
            file: file.to_owned(),
            line,
            reason,
            decimals_after: Some(sheet.decimals_after()).filter(|mark| *mark == ','),
            header: Some(sheet.columns().to_vec()),
            row,
            beside: Vec::new(),
        }
    }

    /// The same, with the rows of other tables that tell of the same object.
    pub(super) fn with(self, beside: Vec<Beside>) -> Self {
        Self { beside, ..self }
    }

    /// The rows that are to be joined with those of other tables; `None` of what stands for itself.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub(super) fn waiting(&self) -> Result<Option<Vec<Waiting>>, String> {
        let Some(header) = &self.header else { return Ok(None) };
        let rows = match &self.row {
            Parked::Text(_) => return Ok(None),
            Parked::Cells(cells) => std::slice::from_ref(cells),
            Parked::Rows(rows) => rows.as_slice(),
        };
        if !Sheet::of(header, std::iter::empty()).is_ok_and(|sheet| sheet.is_part()) {
            return Ok(None);
        }
        let own = rows.iter().map(|row| (&self.file, self.line, header, row));
        let beside = self.beside.iter().map(|row| (&row.file, row.line, &row.header, &row.row));
        let waiting = own.chain(beside).map(|(file, line, header, row)| {
            are_as_many(row, header)?;
            let sheet = Sheet::of(header, std::iter::empty()).map_err(|error| error.to_string())?;
            Ok((file.clone(), line, sheet, row.clone()))
        });
        waiting.collect::<Result<_, _>>().map(Some)
    }

    /// The same, wrong for another reason.
    pub(super) fn because(self, reason: String) -> Self {
        Self { reason, ..self }
    }

    /// The document that it makes as it stands now.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn document(&self, book: Option<&str>) -> Result<Vec<u8>, String> {
        let rows = match &self.row {
            Parked::Text(text) => {
                let body = text.clone().into_bytes();
                return match crate::stripe::read(&body) {
                    Ok(_) => Ok(body),
                    Err(error) => Err(error.to_string()),
                };
            }
            Parked::Cells(cells) => vec![cells.clone()],
            Parked::Rows(rows) => rows.clone(),
        };
        let header = self.header.as_ref().ok_or("the row has no header")?;
        rows.iter().try_for_each(|row| are_as_many(row, header))?;
        let sheet = Sheet::of(header, rows.iter().map(Vec::as_slice)).map_err(|error| error.to_string())?;
        checked(sheet.with_decimals_after(self.decimals_after.unwrap_or('.')).document(&rows, book))
    }
}

fn are_as_many(row: &[String], header: &[String]) -> Result<(), String> {
    if row.len() == header.len() {
        return Ok(());
    }
    Err(format!("the row has {} cells, the header {}", row.len(), header.len()))
}

/// The file of rows that could not be read; begun with the first of them.
pub(super) struct ParkedFile {
    open: Option<Open>,
    path: PathBuf,
    /// A dry run keeps none.
    pub(super) is_kept: bool,
}

struct Open {
    file: File,
    /// Hashes of the rows that are in it: a backfill that is run again keeps no row twice.
    held: HashSet<u64>,
    hasher: RandomState,
}

impl ParkedFile {
    /// The file for rows of these files: where it is one of them, what is still wrong takes its place when
    /// all are read.
    pub(super) fn beside(files: &[PathBuf]) -> Self {
        let own = Path::new(PARKED_FILE).canonicalize().ok();
        let is_fed = own.is_some() && files.iter().any(|file| file.canonicalize().ok() == own);
        let path = if is_fed { PARKED_ANEW } else { PARKED_FILE };
        Self { open: None, path: path.into(), is_kept: true }
    }

    /// None, for a dry run.
    pub(super) fn none() -> Self {
        Self { open: None, path: PathBuf::new(), is_kept: false }
    }

    /// Keeps a row.
    pub(super) fn keep(&mut self, row: &ParkedRow) -> anyhow::Result<()> {
        if !self.is_kept {
            return Ok(());
        }
        let cannot = || format!("{} can't be written", self.path.display());
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open::at(&self.path).with_context(cannot)?,
        };
        let line = serde_json::to_string(row).with_context(cannot)?;
        if open.held.insert(open.hasher.hash_one(line.as_bytes())) {
            writeln!(open.file, "{line}").with_context(cannot)?;
        }
        self.open = Some(open);
        Ok(())
    }

    /// All files were read: what was fed from the file of parked rows itself leaves it.
    pub(super) fn all_read(&mut self) -> anyhow::Result<()> {
        if !self.is_kept || self.path != Path::new(PARKED_ANEW) {
            return Ok(());
        }
        let cannot = || format!("{PARKED_FILE} can't be written");
        match self.open.take() {
            Some(_) => std::fs::rename(&self.path, PARKED_FILE).with_context(cannot),
            None => std::fs::remove_file(PARKED_FILE).with_context(cannot),
        }
    }
}

impl Open {
    fn at(path: &Path) -> std::io::Result<Self> {
        // What a run that was interrupted left of the new file is in the old one still.
        if path == Path::new(PARKED_ANEW) && path.exists() {
            std::fs::remove_file(path)?;
        }
        let (mut held, hasher) = (HashSet::new(), RandomState::new());
        if path.exists() {
            for line in BufReader::new(File::open(path)?).split(b'\n') {
                held.insert(hasher.hash_one(line?));
            }
        }
        Ok(Self { file: private_file(path)?, held, hasher })
    }
}

/// A file that only its owner may read: rows hold customers' data.
fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
