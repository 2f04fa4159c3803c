//! Facts laid aside by their customers, while a whole backfill is read: then each customer is derived once,
//! with all that came of it.
//!
//! They lie in nameless files, which the system removes with the process, whatever becomes of it. Nothing
//! is lost with them: their deliveries are pending until the customers are settled, and are read again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use super::{CustomerKey, Ledger, LedgerError, NewFact, Packed, fact};
use crate::mrr::Fact;

/// Facts sorted in memory at a time; they go into a file of their own.
const A_RUN: usize = 32_768;
/// Facts laid aside at most: all files are read at once, and a process may have a few hundred open.
pub const LAID_AT_MOST: usize = 150 * A_RUN;
/// Between the names on a line, which hold no such character.
const BETWEEN: char = '\u{1f}';

/// Facts laid aside, outside of memory.
#[derive(Debug)]
pub struct Aside {
    directory: PathBuf,
    /// In the order they were laid.
    unsorted: Vec<LaidFact>,
    runs: Vec<File>,
}

/// Facts in the order of their customers, those of one in the order they were laid aside. In that order the rows of a
/// new store's customers follow one another in every index, and each page of it is written once.
#[derive(Debug)]
pub struct Sorted {
    runs: Vec<BufReader<File>>,
    /// The first fact of each run that is not at its end. What an earlier run has of a customer was laid earlier.
    firsts: BTreeMap<(CustomerKey, usize), LaidFact>,
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
    #[must_use]
    pub fn aside(&self) -> Aside {
        Aside { directory: self.directory().to_owned(), unsorted: Vec::new(), runs: Vec::new() }
    }
}

impl Aside {
    /// Lays a fact aside.
    ///
    /// # Errors
    ///
    /// A directory that can't be written to, a disk that is full.
    pub fn lay(&mut self, fact: LaidFact) -> Result<(), LedgerError> {
        self.unsorted.push(fact);
        if self.unsorted.len() < A_RUN { Ok(()) } else { self.write_run().map_err(failed) }
    }

    fn write_run(&mut self) -> io::Result<()> {
        // What was laid first stays first.
        self.unsorted.sort_by(|one, other| one.key.cmp(&other.key));
        let mut file = BufWriter::new(tempfile::tempfile_in(&self.directory)?);
        for fact in self.unsorted.drain(..) {
            fact.write(&mut file)?;
        }
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        self.runs.push(file);
        Ok(())
    }

    /// All that was laid aside, by customer.
    ///
    /// # Errors
    ///
    /// As of [`Aside::lay`].
    pub fn sorted(mut self) -> Result<Sorted, LedgerError> {
        if !self.unsorted.is_empty() {
            self.write_run().map_err(failed)?;
        }
        let runs: Vec<_> = self.runs.into_iter().map(BufReader::new).collect();
        let mut sorted = Sorted { firsts: BTreeMap::new(), runs };
        for run in 0..sorted.runs.len() {
            sorted.advance(run).map_err(failed)?;
        }
        Ok(sorted)
    }
}

impl Sorted {
    /// The facts of the next customers: so many, and those that make the last one whole. None after the last.
    ///
    /// # Errors
    ///
    /// A disk that fails.
    pub fn take(&mut self, about: usize) -> Result<BTreeMap<CustomerKey, Vec<LaidFact>>, LedgerError> {
        let (mut taken, mut count) = (BTreeMap::<CustomerKey, Vec<LaidFact>>::new(), 0);
        while let Some(next) = self.firsts.first_entry() {
            let (key, run) = next.key();
            if count >= about && !taken.contains_key(key) {
                break;
            }
            let run = *run;
            let ((key, _), fact) = next.remove_entry();
            taken.entry(key).or_default().push(fact);
            count += 1;
            self.advance(run).map_err(failed)?;
        }
        Ok(taken)
    }

    /// Brings the next fact of a run to its place.
    fn advance(&mut self, run: usize) -> io::Result<()> {
        let Some(file) = self.runs.get_mut(run) else { return Ok(()) };
        if let Some(fact) = LaidFact::read_from(file)? {
            self.firsts.insert((fact.key.clone(), run), fact);
        }
        Ok(())
    }
}

fn failed(source: io::Error) -> LedgerError {
    LedgerError::Aside { source }
}

/// The directory that the file of a store's URL is in.
pub(super) fn directory_of(url: &str) -> PathBuf {
    let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
    let path = Path::new(path.split('?').next().unwrap_or_default());
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => ".".into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The fact of a delivery about a customer.
    fn fact(customer: &str, inbox_seq: i64) -> LaidFact {
        let key = CustomerKey { book: "live".to_owned(), customer: customer.into() };
        // A line break among the bytes is none between facts.
        let packed = Packed { codec: 0, bytes: format!("\n{inbox_seq}\n").into_bytes() };
        LaidFact { key, inbox_seq, part: 0, packed }
    }

    fn room() -> Aside {
        Aside { directory: std::env::temp_dir(), unsorted: Vec::new(), runs: Vec::new() }
    }

    #[test]
    fn customers_come_in_order_each_whole_and_as_it_was_laid() {
        let mut aside = room();
        let count = i64::try_from(2 * A_RUN + 100).unwrap();
        for seq in 0..count {
            // By a number that is prime to theirs, so that every run has some of each.
            aside.lay(fact(&format!("cus_{:02}", seq * 37 % 50), seq)).unwrap();
        }
        let (mut sorted, mut all) = (aside.sorted().unwrap(), Vec::new());
        assert_eq!(sorted.runs.len(), 3);
        loop {
            let taken = sorted.take(2_000).unwrap();
            if taken.is_empty() {
                break;
            }
            assert!(taken.len() <= 2, "{}", taken.len());
            all.extend(taken);
        }
        assert_eq!(all.len(), 50);
        assert!(all.is_sorted_by(|(one, _), (other, _)| one < other));
        for (key, facts) in all {
            let expected =
                (0..count).filter(|seq| format!("cus_{:02}", seq * 37 % 50) == key.customer.as_str());
            let found = facts.iter().map(|fact| (fact.inbox_seq, fact.packed.bytes.clone()));
            let expected = expected.map(|seq| (seq, format!("\n{seq}\n").into_bytes()));
            assert!(found.eq(expected), "{key:?}");
        }
    }

    #[test]
    fn a_step_ends_with_the_customer_that_fills_it() {
        let mut aside = room();
        for (seq, customer) in (0..).zip(["c", "a", "b", "c", "a", "b", "d", "c", "c"]) {
            aside.lay(fact(customer, seq)).unwrap();
        }
        let mut sorted = aside.sorted().unwrap();
        let sizes: Vec<Vec<usize>> =
            (0..4).map(|_| sorted.take(3).unwrap().values().map(Vec::len).collect()).collect();
        assert_eq!(sizes, [vec![2, 2], vec![4], vec![1], vec![]]);
    }
}
