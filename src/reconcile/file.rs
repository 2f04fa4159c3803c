//! A file of figures: its form found from its header, its rows read by column name.

use std::io::{self, Read};
use std::path::Path;

use chrono_tz::Tz;

use super::export::{Export, Fault, Form};
use super::{changes, subscribers};
use crate::backfill::{self, ReadError};

/// So many bytes are looked at for a header.
const HEADER_BYTES: u64 = 64 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
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
    record: csv::ByteRecord,
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
    let broken_off = |line| {
        let file = file.to_owned();
        move |source| ExportError::BrokenOff { file, line, source }
    };
    let mut beginning = Vec::new();
    source.by_ref().take(HEADER_BYTES).read_to_end(&mut beginning).map_err(broken_off(1))?;
    if let Some((_, reason)) = FOREIGN.iter().find(|(magic, _)| beginning.starts_with(magic)) {
        return Err(ExportError::Foreign { file: file.to_owned(), reason });
    }
    let text = beginning.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&beginning).to_vec();
    let delimiter = delimiter(&text);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .from_reader(io::Cursor::new(text).chain(source));
    let file_name = file.to_owned();
    let mut rows = reader.byte_records().map(move |record| {
        let record = record.map_err(|error| broken(&file_name, error))?;
        let line = record.position().map_or(0, csv::Position::line);
        Ok(Row { line, record })
    });
    let Some(first) = rows.next().transpose()? else {
        return Err(ExportError::Foreign {
            file: file.to_owned(),
            reason: "the file is empty; export it again",
        });
    };
    let columns = first.record.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
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

/// What stands between the cells: whichever of comma, semicolon and tab the first line has most of.
fn delimiter(text: &[u8]) -> u8 {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| line.iter().filter(|byte| **byte == delimiter).count();
    let others = [b';', b'\t'].into_iter().max_by_key(|delimiter| count(*delimiter));
    others.filter(|delimiter| count(*delimiter) > count(b',')).unwrap_or(b',')
}

fn broken(file: &str, error: csv::Error) -> ExportError {
    let line = error.position().map_or(0, csv::Position::line);
    let source = match error.into_kind() {
        csv::ErrorKind::Io(source) => source,
        _ => io::Error::other("the rows are no CSV"),
    };
    ExportError::BrokenOff { file: file.to_owned(), line, source }
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

    /// Whether a row has as many cells as the header; its cells are not where they belong otherwise.
    pub(super) fn check(&self, row: &Row) -> Result<(), String> {
        let (has, wants) = (row.record.len(), self.columns.len());
        if has == wants { Ok(()) } else { Err(format!("the row has {has} cells, the header {wants}")) }
    }
}

impl Row {
    /// A cell without the blanks around it; empty where it is no text.
    pub(super) fn cell(&self, column: usize) -> &str {
        let bytes = self.record.get(column).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default().trim()
    }

    /// Whether it holds nothing.
    pub(super) fn is_blank(&self) -> bool {
        self.record.iter().all(|cell| cell.trim_ascii().is_empty())
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
