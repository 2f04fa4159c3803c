//! Reading, beside storing: a thread goes through the files and hands on what it finds, batch by batch and
//! never far ahead.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::join::Join;
use super::parked::ParkedRow;
use crate::backfill::{Contents, Documents, Progress, ReadError, Row, Table, each};
use crate::stripe::{Sheet, Translation, read, translate};

/// Documents in a batch, which are stored in one transaction.
const A_BATCH: usize = 1_000;
/// Bytes in a batch, where documents are large.
const BATCH_BYTES: usize = 8 << 20;
/// Batches that wait to be stored.
const WAITING: usize = 2;
const NO_ROOM: &str = "rows that are joined with those of other tables can't be put aside beside the ledger; make \
                       room there and feed all of them again";

/// Rows that show what stands before the decimals of a table's amounts.
const SAMPLE: usize = 1_000;

/// What is found, file by file.
pub(super) enum Found {
    /// A file begins.
    File {
        /// Its name, an entry's behind its archive's.
        name: String,
        /// What it holds, for people.
        form: &'static str,
    },
    /// Some of its documents, in their order.
    Documents {
        /// The documents.
        pieces: Vec<Piece>,
        /// How much of all files was read up to them.
        read_bytes: u64,
    },
    /// Rows of it were put aside, to be joined with those of other tables when all files are read.
    Aside {
        /// How many.
        rows: u64,
        /// How much of all files was read up to them.
        read_bytes: u64,
    },
    /// All files are read; what follows, up to an end, was put aside.
    Joined,
    /// It is over; why, if that was before its end.
    End(Option<String>),
}

/// A document, or what could not be read.
pub(super) struct Piece {
    /// The file and the line.
    pub(super) place: String,
    /// Its bytes, or the row to be corrected.
    pub(super) body: Result<Vec<u8>, ParkedRow>,
    /// Whether it is sure to be one document.
    pub(super) is_checked: bool,
}

/// Begins to read files; rows of tables are of `book`, if that is given. `aside` is a directory with room for
/// the rows that wait for others.
pub(super) fn begin(
    files: Vec<PathBuf>,
    book: Option<String>,
    aside: &Path,
) -> (Receiver<Found>, JoinHandle<()>) {
    let (sender, receiver) = channel(WAITING);
    let progress = Progress::default();
    let join = Join::within(aside, book.clone());
    let thread = std::thread::spawn(move || {
        let (name, batch) = (String::new(), Vec::new());
        let mut reader =
            Reader { sender, book, progress: progress.clone(), name, batch, bytes: 0, join, aside: 0 };
        for file in files {
            let told =
                &mut |name: &str, contents: Result<Contents<'_>, ReadError>| reader.file(name, contents);
            if each(&file, &progress, told).is_break() {
                return;
            }
        }
        // Nobody may listen any more.
        let _ = reader.joined();
    });
    (receiver, thread)
}

/// Nobody listens any more, or a file is over before its end.
enum Stop {
    Unheard,
    Fault(String),
}

type Went = Result<(), Stop>;

struct Reader {
    sender: Sender<Found>,
    book: Option<String>,
    progress: Progress,
    name: String,
    batch: Vec<Piece>,
    bytes: usize,
    join: Join,
    /// Rows that were put aside and not yet told of.
    aside: u64,
}

impl Reader {
    /// Reads a file and hands on what it holds.
    fn file(&mut self, name: &str, contents: Result<Contents<'_>, ReadError>) -> ControlFlow<()> {
        name.clone_into(&mut self.name);
        let went = match contents {
            Ok(Contents::Documents(documents)) => self.documents(documents),
            Ok(Contents::Table(table)) => self.table(table),
            Err(error) => self.begin("unreadable").and(Err(fault(&error))),
        };
        let fault = match went {
            Ok(()) => None,
            Err(Stop::Fault(fault)) => Some(fault),
            Err(Stop::Unheard) => return ControlFlow::Break(()),
        };
        match self.flush().and_then(|()| self.send(Found::End(fault))) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    fn begin(&mut self, form: &'static str) -> Went {
        let name = self.name.clone();
        self.send(Found::File { name, form })
    }

    fn documents(&mut self, documents: Documents<'_>) -> Went {
        self.begin("JSON documents")?;
        for document in documents.by_line() {
            match document {
                Ok(document) => match ParkedRow::of(&document.bytes) {
                    Some(parked) => self.again(parked)?,
                    None => {
                        let place = self.place(document.line);
                        self.batch_up(place, Ok(document.bytes), document.is_checked)?;
                    }
                },
                Err(ReadError::Unreadable { line, reason, text }) => {
                    let row = String::from_utf8_lossy(&text).trim_end().to_owned();
                    self.park(ParkedRow::of_document(&self.name, line, reason, row))?;
                }
                Err(error) => return Err(fault(&error)),
            }
        }
        Ok(())
    }

    /// Reads a row that was parked, and maybe corrected.
    fn again(&mut self, parked: ParkedRow) -> Went {
        let place = format!("{}:{}", parked.file, parked.line);
        match parked.waiting() {
            Ok(None) => {}
            Err(reason) => return self.park(parked.because(reason)),
            Ok(Some(waiting)) => {
                for (file, line, sheet, cells) in waiting {
                    let table = self.join.table(&file, sheet);
                    self.put_aside(table, line, cells)?;
                }
                return Ok(());
            }
        }
        match parked.document(self.book.as_deref()) {
            Ok(body) => self.hand_on(place, Ok(body)),
            Err(reason) => self.park(parked.because(reason)),
        }
    }

    fn table(&mut self, mut table: Table<'_>) -> Went {
        let columns = table.columns.clone();
        let sample = table.look_ahead(SAMPLE).map(|row| row.cells.as_slice());
        let sheet = match Sheet::of(&columns, sample) {
            Ok(sheet) => sheet,
            Err(error) => return self.begin("unknown table").and(Err(Stop::Fault(error.to_string()))),
        };
        self.begin(sheet.name())?;
        if sheet.is_part() {
            return self.wait(&sheet, table);
        }
        let mut known = Known::default();
        let mut group: Vec<Row> = Vec::new();
        for row in table {
            let row = row.map_err(|error| fault(&error))?;
            let whole = sheet.whole(&row.cells);
            let is_more =
                whole.is_some() && group.first().is_some_and(|first| sheet.whole(&first.cells) == whole);
            if !is_more {
                self.rows(&sheet, std::mem::take(&mut group), &mut known)?;
            }
            group.push(row);
        }
        self.rows(&sheet, group, &mut known)
    }

    /// Puts the rows of a table aside that are joined with those of other tables.
    fn wait(&mut self, sheet: &Sheet, rows: Table<'_>) -> Went {
        let table = self.join.table(&self.name, sheet.clone());
        for row in rows {
            let Row { line, cells, flaw } = row.map_err(|error| fault(&error))?;
            match flaw {
                Some(flaw) => self.park(ParkedRow::of_rows(&self.name, line, flaw, sheet, vec![cells]))?,
                None => self.put_aside(table, line, cells)?,
            }
        }
        Ok(())
    }

    fn put_aside(&mut self, table: usize, line: u64, cells: Vec<String>) -> Went {
        match self.join.lay(table, line, cells) {
            Ok(None) => self.aside += 1,
            Ok(Some((place, body))) => return self.hand_on(place, body),
            Err(error) => return Err(Stop::Fault(format!("{NO_ROOM}: {error}"))),
        }
        if self.aside >= A_BATCH as u64 { self.tell_aside() } else { Ok(()) }
    }

    fn tell_aside(&mut self) -> Went {
        let (rows, read_bytes) = (std::mem::take(&mut self.aside), self.progress.read_bytes());
        if rows == 0 { Ok(()) } else { self.send(Found::Aside { rows, read_bytes }) }
    }

    /// Joins what was put aside, and hands it on.
    fn joined(&mut self) -> Went {
        if self.join.is_empty() {
            return Ok(());
        }
        self.send(Found::Joined)?;
        let fault = loop {
            match self.join.take() {
                Ok(None) => break None,
                Ok(Some(joined)) => {
                    for (place, body) in joined {
                        self.hand_on(place, body)?;
                    }
                }
                Err(error) => break Some(format!("{NO_ROOM}, and nothing of them was joined: {error}")),
            }
        };
        self.flush()?;
        self.send(Found::End(fault))
    }

    /// Makes a document of a row, or of the rows of one subscription, if all of them can be read.
    fn rows(&mut self, sheet: &Sheet, rows: Vec<Row>, known: &mut Known) -> Went {
        let Some(first) = rows.first() else { return Ok(()) };
        let line = first.line;
        let flaw = rows.iter().find_map(|row| row.flaw.clone());
        let flaw = flaw.or_else(|| {
            let is_apart = sheet.whole(&first.cells).is_some_and(|id| !known.is_new(id));
            is_apart
                .then(|| "another row of this subscription stands elsewhere: sort the table by its id".into())
        });
        let cells: Vec<Vec<String>> = rows.into_iter().map(|row| row.cells).collect();
        let body = flaw.map_or_else(|| checked(sheet.document(&cells, self.book.as_deref())), Err);
        match body {
            Ok(body) => self.hand_on(self.place(line), Ok(body)),
            Err(reason) => self.park(ParkedRow::of_rows(&self.name, line, reason, sheet, cells)),
        }
    }

    fn place(&self, line: u64) -> String {
        format!("{}:{line}", self.name)
    }

    fn park(&mut self, row: ParkedRow) -> Went {
        self.hand_on(format!("{}:{}", row.file, row.line), Err(row))
    }

    fn hand_on(&mut self, place: String, body: Result<Vec<u8>, ParkedRow>) -> Went {
        self.batch_up(place, body, true)
    }

    fn batch_up(&mut self, place: String, body: Result<Vec<u8>, ParkedRow>, is_checked: bool) -> Went {
        self.bytes += body.as_ref().map_or(0, Vec::len);
        self.batch.push(Piece { place, body, is_checked });
        if self.batch.len() >= A_BATCH || self.bytes >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Went {
        self.tell_aside()?;
        self.bytes = 0;
        let pieces = std::mem::take(&mut self.batch);
        let read_bytes = self.progress.read_bytes();
        if pieces.is_empty() { Ok(()) } else { self.send(Found::Documents { pieces, read_bytes }) }
    }

    fn send(&mut self, found: Found) -> Went {
        self.sender.blocking_send(found).map_err(|_| Stop::Unheard)
    }
}

/// The subscriptions that a table told of, by a hash of their ids.
#[derive(Default)]
struct Known {
    hasher: RandomState,
    told: HashSet<u64>,
}

impl Known {
    fn is_new(&mut self, id: &str) -> bool {
        self.told.insert(self.hasher.hash_one(id))
    }
}

fn fault(error: &ReadError) -> Stop {
    let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    Stop::Fault(match error {
        ReadError::Closed { .. } => format!("{error}{source}"),
        ReadError::Directory { .. } => error.to_string(),
        _ => format!("could not be read to its end: {error}"),
    })
}

/// A row's document, if it says something that can be used: what can't is corrected before it is stored.
pub(super) fn checked(body: Vec<u8>) -> Result<Vec<u8>, String> {
    let envelope = read(&body).map_err(|error| error.to_string())?;
    match translate(&body, &envelope, "") {
        Translation::Parked { path, reason } => Err(format!("{path}: {reason}")),
        _ => Ok(body),
    }
}
