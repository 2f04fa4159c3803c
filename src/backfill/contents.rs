//! What a file holds, found from its first bytes: documents, a table, or an archive of files.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;

use super::archive::{self, TAR_BYTES, is_tar};
use super::documents::FOREIGN;
use super::parquet::parquet;
use super::source::{decompressed, stored};
use super::table::has_cells;
use super::{Documents, Progress, ReadError, Table, table};

/// So many bytes are looked at to find out what a file holds.
const LOOK_BYTES: u64 = 64 << 10;
/// Lines that are looked at for JSON before a text is taken for a table.
const LOOK_LINES: usize = 20;
/// Archives inside one another that are gone into.
const MAX_DEPTH: usize = 4;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

const BINARY: &str = "this is no text; JSON, CSV, Parquet and archives of them are read";

/// What a file holds.
pub enum Contents<'s> {
    /// JSON documents.
    Documents(Documents<'s>),
    /// A table with a header.
    Table(Table<'s>),
}

/// Who is told of each file: its name, an entry's behind its archive's (`export.zip/prices.csv`), and what
/// it holds. Breaking off ends the reading.
pub type Told<'t> = &'t mut dyn FnMut(&str, Result<Contents<'_>, ReadError>) -> ControlFlow<()>;

/// Reads a file, and each file in it if it is an archive; `-` is standard input. What can't be read is told
/// like what can. Memory stays flat: entries of archives are read as they come, and only what has its directory at
/// its end, a zip archive or a Parquet file, is laid on a disk first where it does not lie there.
pub fn each(path: &Path, progress: &Progress, told: Told<'_>) -> ControlFlow<()> {
    let name = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
    match stored(path, progress) {
        Ok(source) => {
            // A pipe must not be opened twice.
            let is_file = std::fs::metadata(path).is_ok_and(|at| at.is_file());
            let file = if is_file { File::open(path).ok() } else { None };
            let lying = file.map(|file| Lying { file, progress: progress.clone() });
            open(&name, source, lying, 0, told)
        }
        Err(error) => told(&name, Err(error)),
    }
}

/// A file that lies on a disk, to be read from any place.
pub(super) struct Lying {
    file: File,
    progress: Progress,
}

impl Lying {
    /// Whether its bytes are as they are read, not compressed ones.
    fn is_plain(&mut self, start: &[u8]) -> bool {
        let mut first = vec![0; start.len().min(8)];
        let is_same = self.file.read_exact(&mut first).is_ok() && start.starts_with(&first);
        self.file.seek(SeekFrom::Start(0)).is_ok() && is_same
    }
}

/// Opens what a source holds. `lying` is the same once more, where it lies on a disk.
pub(super) fn open<'s>(
    name: &str,
    source: Box<dyn Read + 's>,
    lying: Option<Lying>,
    depth: usize,
    told: Told<'_>,
) -> ControlFlow<()> {
    let broken_off = |source| ReadError::BrokenOff { line: 1, source };
    let mut start = Vec::new();
    let plain = decompressed(source).and_then(|mut plain| {
        plain.by_ref().take(LOOK_BYTES).read_to_end(&mut start)?;
        Ok(plain)
    });
    let plain = match plain {
        Ok(plain) => plain,
        // What came before the break may be documents.
        Err(error) if start.is_empty() => return told(name, Err(broken_off(error))),
        Err(error) => Box::new(Broken(Some(error))),
    };
    let kind = Kind::of(&start);
    let whole: Box<dyn Read + '_> = Box::new(Cursor::new(start.clone()).chain(plain));
    match kind {
        Kind::Zip | Kind::Tar if depth >= MAX_DEPTH => {
            let reason = format!("archives stand more than {MAX_DEPTH} deep in one another; unpack it first");
            told(name, Err(ReadError::Archive { reason }))
        }
        Kind::Tar => archive::tar(name, whole, depth, told),
        Kind::Zip => match lying_down(lying, &start, whole) {
            Err(error) => told(name, Err(broken_off(error))),
            Ok(Lying { file, progress }) => archive::zip(name, progress.counting(file), depth, told),
        },
        Kind::Parquet => match lying_down(lying, &start, whole) {
            Err(error) => told(name, Err(broken_off(error))),
            Ok(Lying { file, progress }) => told(name, parquet(file, &progress).map(Contents::Table)),
        },
        Kind::Binary => told(name, Err(ReadError::NotJson { line: 1, reason: BINARY.to_owned() })),
        Kind::Table => told(name, table(whole).map(Contents::Table)),
        Kind::Documents => told(name, Ok(Contents::Documents(Documents::new(whole)))),
    }
}

/// A source that can be read from any place: the file itself, where it lies on a disk as it is; else a file of its
/// own, which goes away again.
fn lying_down(lying: Option<Lying>, start: &[u8], mut source: Box<dyn Read + '_>) -> io::Result<Lying> {
    if let Some(lying) = lying.and_then(|mut lying| lying.is_plain(start).then_some(lying)) {
        return Ok(lying);
    }
    let mut file = tempfile::tempfile()?;
    io::copy(&mut source, &mut file)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(Lying { file, progress: Progress::default() })
}

/// Gives nothing but the error that reading ended with.
struct Broken(Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Zip,
    Tar,
    Parquet,
    Binary,
    Table,
    Documents,
}

impl Kind {
    fn of(start: &[u8]) -> Self {
        if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
            Self::Zip
        } else if start.starts_with(b"PAR1") {
            Self::Parquet
        } else if start.len() >= TAR_BYTES && is_tar(start) {
            Self::Tar
        } else if is_binary(start) {
            Self::Binary
        } else if is_table(start) {
            Self::Table
        } else {
            Self::Documents
        }
    }
}

/// Whether it is neither text nor JSON that broke: a picture that lies beside exports, say. What is known and
/// comes with a remedy is told where documents are read.
fn is_binary(start: &[u8]) -> bool {
    let is_known = FOREIGN.iter().any(|(magic, _)| start.starts_with(magic));
    let first_line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_cut = |error: std::str::Utf8Error| error.error_len().is_none();
    let is_text = std::str::from_utf8(start).map_or_else(is_cut, |_| true);
    // A table in another encoding tells its rows.
    !is_known && !begins_as_json(start) && (start.contains(&0) || !(is_text || has_cells(first_line)))
}

fn begins_as_json(text: &[u8]) -> bool {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text).trim_ascii_start();
    matches!(text.first(), Some(b'{' | b'[' | b']' | b'}' | b'<' | 0x1e))
}

/// Whether a text is a table: its first line has cells, and none of the first lines begins as JSON does, unless
/// it does so within a cell. What is broken JSON is told as such.
fn is_table(start: &[u8]) -> bool {
    if start.contains(&0) || FOREIGN.iter().any(|(magic, _)| start.starts_with(magic)) {
        return false;
    }
    let start = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start);
    let mut lines = start.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    if !lines.clone().next().is_some_and(has_cells) {
        return false;
    }
    let mut is_quoted = false;
    !lines.by_ref().take(LOOK_LINES).any(|line| {
        let is_json = !is_quoted && begins_as_json(line);
        is_quoted ^= line.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
        is_json
    })
}
