//! A file of figures: its form found from its header, its rows read by column name.

use std::io::{self, Read};
use std::path::Path;

use chrono_tz::Tz;

use super::export::{Export, Fault, Form};
use super::{changes, subscribers};
use crate::backfill::{self, ReadError};

/// So many bytes are looked at for a header.
const HEADER_BYTES: u64 = 64 << 10;
/// What holds no CSV as it is, and what to do with it.
const FOREIGN: [(&[u8], &str); 4] = [
    (b"\xff\xfe", "this is UTF-16; convert it, for example iconv -f UTF-16 -t UTF-8"),
    (b"\xfe\xff", "this is UTF-16; convert it, for example iconv -f UTF-16 -t UTF-8"),
    (b"PK\x03\x04", "this is a zip archive or a workbook; unpack it, or save it as CSV"),
    (b"{", "this is JSON; feed events with upswell backfill, and give a CSV of Stripe's figures here"),
];

/// Why a file of figures can't be used; exits 2.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It can't be opened or decompressed.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// It breaks off: a compressed file that was cut, a disk that fails.
    #[error("{file}, line {line}: the rest can't be read: {source}; fetch the file again")]
    BrokenOff {
        /// The file.
        file: String,
        /// The line up to which all was read.
        line: u64,
        /// What the system or the decompressor says.
        source: io::Error,
    },
    /// It holds no CSV.
    #[error("{file}: {reason}")]
    Foreign {
        /// The file.
        file: String,
        /// What it is, and the remedy.
        reason: &'static str,
    },
    /// A column is missing, or one is there that has no meaning.
    #[error("{file}: {column}; looked for {looked_for}")]
    Header {
        /// The file.
        file: String,
        /// The column and what is wrong with it.
        column: String,
        /// What was looked for.
        looked_for: String,
    },
    /// It is of another form than those before it.
    #[error(
        "{file} holds {form}, the files before it another form; compare one form at a time, for example \
         upswell reconcile {file}"
    )]
    Mixed {
        /// The file.
        file: String,
        /// Its form.
        form: &'static str,
    },
}

/// The header of a file, its columns found by name whatever their order and case.
pub(super) struct Header {
    pub(super) file: String,
    pub(super) columns: Vec<String>,
}

/// A row as it stands, with the line where it starts.
pub(super) struct Row {
    pub(super) line: u64,
    row: backfill::Row,
}

/// The rows of a file.
pub(super) type Rows<'r> = &'r mut dyn Iterator<Item = Result<Row, ExportError>>;

/// Reads a file of Stripe's figures, and adds it to what was read before; `-` is standard input.
/// `zone` is the clock of times that don't say theirs.
///
/// # Errors
///
/// [`ExportError`] if it can't be read as a whole; rows that can't be read are faults of the export.
pub fn read_file(path: &Path, zone: Tz, before: Option<Export>) -> Result<Export, ExportError> {
    let file = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
    read(&file, backfill::bytes(path)?, zone, before)
}

/// Reads figures from anything that gives bytes; `file` names it in messages.
///
/// # Errors
///
/// As for [`read_file`].
pub fn read(
    file: &str,
    mut source: impl Read,
    zone: Tz,
    before: Option<Export>,
) -> Result<Export, ExportError> {
    let broken_off = |source| ExportError::BrokenOff { file: file.to_owned(), line: 1, source };
    let mut beginning = Vec::new();
    source.by_ref().take(HEADER_BYTES).read_to_end(&mut beginning).map_err(broken_off)?;
    if let Some((_, reason)) = FOREIGN.iter().find(|(magic, _)| beginning.starts_with(magic)) {
        return Err(ExportError::Foreign { file: file.to_owned(), reason });
    }
    if beginning.trim_ascii().is_empty() {
        return Err(ExportError::Foreign {
            file: file.to_owned(),
            reason: "the file is empty; export it again",
        });
    }
    let table =
        backfill::table(io::Cursor::new(beginning).chain(source)).map_err(|error| broken(file, error))?;
    let columns = table.columns.clone();
    let mut rows =
        table.map(|row| row.map(|row| Row { line: row.line, row }).map_err(|error| broken(file, error)));
    let header = Header { file: file.to_owned(), columns };
    let form = header.form()?;
    let export = before.unwrap_or_else(|| Export::new(form));
    if export.form != form {
        return Err(ExportError::Mixed { file: file.to_owned(), form: form.as_str() });
    }
    match form {
        Form::SubscriberMonths => subscribers::read(&header, &mut rows, export),
        Form::ItemChanges => changes::read(&header, &mut rows, zone, export),
    }
}

fn broken(file: &str, error: ReadError) -> ExportError {
    match error {
        ReadError::BrokenOff { line, source } => {
            ExportError::BrokenOff { file: file.to_owned(), line, source }
        }
        error => error.into(),
    }
}

impl Header {
    /// What the file tells, by the columns that only one form has.
    fn form(&self) -> Result<Form, ExportError> {
        if self.find("mrr_change").is_some() || self.find("subscription_item_id").is_some() {
            return Ok(Form::ItemChanges);
        }
        let has_month = self.columns.iter().any(|name| crate::mrr::Month::parse(name).is_some());
        if self.find("Customer ID").is_some() || has_month {
            return Ok(Form::SubscriberMonths);
        }
        // What has no header begins with a row, which may hold a name.
        let is_row = self.columns.iter().any(|name| name.contains('@') || name.starts_with("cus_"));
        let column = match self.columns.first() {
            Some(name) if !is_row => format!("column 1, `{name}`, and those after it are not known"),
            _ => "line 1 is no header".to_owned(),
        };
        let looked_for =
            format!("{} (MRR per subscriber), or {} (Sigma)", subscribers::COLUMNS, changes::COLUMNS);
        Err(ExportError::Header { file: self.file.clone(), column, looked_for })
    }

    /// A column's place.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.eq_ignore_ascii_case(name))
    }

    /// The place of a column that has to be there.
    pub(super) fn need(&self, name: &str, looked_for: &str) -> Result<usize, ExportError> {
        self.find(name).ok_or_else(|| self.refuse(format!("there is no column `{name}`"), looked_for))
    }

    pub(super) fn refuse(&self, column: String, looked_for: &str) -> ExportError {
        ExportError::Header { file: self.file.clone(), column, looked_for: looked_for.to_owned() }
    }

    pub(super) fn fault(&self, line: u64, reason: String) -> Fault {
        Fault { file: self.file.clone(), line, reason }
    }

    /// Whether a row's cells are where they belong.
    pub(super) fn check(row: &Row) -> Result<(), String> {
        row.row.flaw.clone().map_or(Ok(()), Err)
    }
}

impl Row {
    /// A cell without the blanks around it; empty where there is none.
    pub(super) fn cell(&self, column: usize) -> &str {
        self.row.cells.get(column).map(|cell| cell.trim()).unwrap_or_default()
    }

    /// Whether it holds nothing.
    pub(super) fn is_blank(&self) -> bool {
        self.row.cells.iter().all(|cell| cell.trim().is_empty())
    }

    /// The customer's id, in one word; what else stands there is not repeated.
    pub(super) fn customer(&self, column: usize) -> Result<&str, String> {
        self.id(column).ok_or_else(|| "there is no customer id where one belongs".to_owned())
    }

    /// An id: one word, no address.
    pub(super) fn id(&self, column: usize) -> Option<&str> {
        let id = self.cell(column);
        let is_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        (!id.is_empty() && id.len() <= 255 && id.chars().all(is_id)).then_some(id)
    }

    /// The currency's code, in lower case.
    pub(super) fn currency(&self, column: usize) -> Result<String, String> {
        let code = self.cell(column);
        let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic());
        if is_code {
            Ok(code.to_ascii_lowercase())
        } else {
            Err("there is no currency of three letters where one belongs".to_owned())
        }
    }
}
