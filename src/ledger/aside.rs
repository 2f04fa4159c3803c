//! Facts laid aside by their customers, while a whole backfill is read: then each customer is derived once,
//! with all that came of it.
//!
//! They lie in nameless files, which the system removes with the process, whatever becomes of it. Nothing
//! is lost with them: their deliveries are pending until the customers are settled, and are read again.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};
use std::path::Path;

use super::{CustomerKey, Ledger, LedgerError, NewFact, Packed, fact};
use crate::mrr::Fact;

/// Files that the customers are spread over: what one of them holds is in memory at a time.
const PARTS: usize = 200;
/// Between the names on a line, which hold no such character.
const BETWEEN: char = '\u{1f}';

/// Facts by customer, outside of memory.
#[derive(Debug)]
pub struct Aside {
    parts: Vec<BufWriter<File>>,
}

/// A fact in its stored form, which is all that is needed of it until its customer is derived.
#[derive(Debug, Clone)]
pub struct LaidFact {
    /// Whose.
    pub key: CustomerKey,
    /// The delivery that says it; 0 until it is stored.
    inbox_seq: i64,
    part: i64,
    packed: Packed,
}

impl LaidFact {
    /// The fact that a delivery says in a book as its `part`-th one, from 0.
    ///
    /// # Errors
    ///
    /// A fact that can't be written.
    pub fn of(book: &str, part: i64, fact: &Fact) -> Result<Self, LedgerError> {
        let key = CustomerKey { book: book.to_owned(), customer: fact.customer().clone() };
        Ok(Self { key, inbox_seq: 0, part, packed: fact::pack(fact)? })
    }

    /// The same, of the delivery that has this number.
    #[must_use]
    pub fn stored_as(self, inbox_seq: i64) -> Self {
        Self { inbox_seq, ..self }
    }

    /// The fact.
    ///
    /// # Errors
    ///
    /// A stored form that can't be read.
    pub fn read(self) -> Result<NewFact, LedgerError> {
        let Self { key, inbox_seq, part, packed } = self;
        NewFact::of_packed(key, inbox_seq, part, packed)
    }

    /// Writes it: its names and its length on a line, and behind it its bytes.
    fn write(&self, file: &mut impl Write) -> io::Result<()> {
        let Self { key: CustomerKey { book, customer }, inbox_seq, part, packed: Packed { codec, bytes } } =
            self;
        let length = bytes.len();
        let names = [book.as_str(), customer.as_str()].map(|name| format!("{name}{BETWEEN}")).concat();
        writeln!(file, "{names}{inbox_seq}{BETWEEN}{part}{BETWEEN}{codec}{BETWEEN}{length}")?;
        file.write_all(bytes)
    }

    /// Reads the next one; `None` at the end.
    fn read_from(file: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut line = String::new();
        if file.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let (mut fact, length) =
            Self::of_line(&line).ok_or_else(|| io::Error::other("a line that was written is another one"))?;
        fact.packed.bytes = vec![0; length];
        file.read_exact(&mut fact.packed.bytes)?;
        Ok(Some(fact))
    }

    /// A fact without its bytes, and how many they are.
    fn of_line(line: &str) -> Option<(Self, usize)> {
        let mut names = line.trim_end_matches('\n').split(BETWEEN);
        let (book, customer) = (names.next()?.to_owned(), names.next()?.into());
        let (inbox_seq, part) = (names.next()?.parse().ok()?, names.next()?.parse().ok()?);
        let (codec, length) = (names.next()?.parse().ok()?, names.next()?.parse().ok()?);
        let packed = Packed { codec, bytes: Vec::new() };
        Some((Self { key: CustomerKey { book, customer }, inbox_seq, part, packed }, length))
    }
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
    pub fn lay(&mut self, fact: &LaidFact) -> Result<(), LedgerError> {
        let at = part_of(&fact.key);
        let Some(file) = self.parts.get_mut(at) else { return Ok(()) };
        fact.write(file).map_err(failed)
    }

    /// The facts of the next customers, in the order they were laid aside; `None` after the last. All facts
    /// of a customer come together.
    ///
    /// # Errors
    ///
    /// A disk that fails.
    pub fn take(&mut self) -> Result<Option<Vec<LaidFact>>, LedgerError> {
        let Some(part) = self.parts.pop() else { return Ok(None) };
        let mut file = part.into_inner().map_err(|error| failed(error.into_error()))?;
        file.rewind().map_err(failed)?;
        let mut facts = Vec::new();
        let mut file = BufReader::new(file);
        while let Some(fact) = LaidFact::read_from(&mut file).map_err(failed)? {
            facts.push(fact);
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
