//! Records brought together by a key, outside of memory, however many there are.
//!
//! They are spread over nameless files, which the system removes with the process, and a file is read when all
//! are written. One that is too large for that is spread once more. Nothing is lost with them: what they hold is
//! read again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Files that records are spread over at once.
const PARTS: usize = 64;
/// So much of a file is brought together in memory; a larger one is spread once more.
const PART_BYTES: u64 = 4 << 20;
/// Times that records are spread; what is too large then has one key.
const MAX_DEPTH: u32 = 5;

/// The records of one key, in the order they were laid in.
pub type Group = Vec<Vec<u8>>;

/// Records by key.
#[derive(Debug)]
pub struct Grouped {
    directory: PathBuf,
    part_bytes: u64,
    /// What is being written, once there is something.
    written: Vec<Part>,
    /// What is to be brought together.
    waiting: Vec<Part>,
    count: u64,
}

#[derive(Debug)]
struct Part {
    file: BufWriter<File>,
    bytes: u64,
    depth: u32,
}

impl Grouped {
    /// Room for records in a directory, in which there is as much space as they need.
    #[must_use]
    pub fn within(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            part_bytes: PART_BYTES,
            written: Vec::new(),
            waiting: Vec::new(),
            count: 0,
        }
    }

    /// Whether nothing was laid in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Lays a record in.
    ///
    /// # Errors
    ///
    /// A disk that is full, or a directory that can't be written to.
    pub fn lay(&mut self, key: &str, record: &[u8]) -> io::Result<()> {
        if self.written.is_empty() {
            self.written = parts(&self.directory, 0)?;
        }
        self.count += 1;
        lay(&mut self.written, key.as_bytes(), record)
    }

    /// The next groups, in the order of their keys; `None` when all were given. All records of a key come together.
    ///
    /// # Errors
    ///
    /// A disk that fails.
    pub fn take(&mut self) -> io::Result<Option<Vec<Group>>> {
        self.waiting.append(&mut self.written);
        while let Some(part) = self.waiting.pop() {
            if part.bytes == 0 {
                continue;
            }
            if part.bytes <= self.part_bytes || part.depth >= MAX_DEPTH {
                return part.groups().map(Some);
            }
            let mut spread = parts(&self.directory, part.depth + 1)?;
            part.each(|key, record| lay(&mut spread, &key, &record))?;
            self.waiting.append(&mut spread);
        }
        Ok(None)
    }
}

fn parts(directory: &Path, depth: u32) -> io::Result<Vec<Part>> {
    let part = || {
        let file = BufWriter::new(tempfile::tempfile_in(directory)?);
        Ok(Part { file, bytes: 0, depth })
    };
    (0..PARTS).map(|_| part()).collect()
}

fn lay(parts: &mut [Part], key: &[u8], record: &[u8]) -> io::Result<()> {
    let depth = parts.first().map_or(0, |part| part.depth);
    let at = part_of(key, depth);
    match parts.get_mut(at) {
        Some(part) => part.write(key, record),
        None => Ok(()),
    }
}

impl Part {
    fn write(&mut self, key: &[u8], record: &[u8]) -> io::Result<()> {
        for bytes in [key, record] {
            let length = u32::try_from(bytes.len()).map_err(|_| io::Error::other("a row of over 4 GiB"))?;
            self.file.write_all(&length.to_le_bytes())?;
            self.file.write_all(bytes)?;
            self.bytes += 4 + u64::from(length);
        }
        Ok(())
    }

    /// Reads what was written, record by record.
    fn each(self, mut told: impl FnMut(Vec<u8>, Vec<u8>) -> io::Result<()>) -> io::Result<()> {
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        let mut file = BufReader::new(file);
        let mut next = || -> io::Result<Vec<u8>> {
            let mut length = [0; 4];
            file.read_exact(&mut length)?;
            let mut bytes = Vec::new();
            file.by_ref().take(u32::from_le_bytes(length).into()).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let mut read = 0;
        while read < self.bytes {
            let (key, record) = (next()?, next()?);
            read += 8 + (key.len() + record.len()) as u64;
            told(key, record)?;
        }
        Ok(())
    }

    fn groups(self) -> io::Result<Vec<Group>> {
        let mut groups: BTreeMap<Vec<u8>, Group> = BTreeMap::new();
        self.each(|key, record| {
            groups.entry(key).or_default().push(record);
            Ok(())
        })?;
        Ok(groups.into_values().collect())
    }
}

/// Which file a key is in: FNV-1a over it, another one each time that it is spread.
fn part_of(key: &[u8], depth: u32) -> usize {
    let seed = depth.to_le_bytes();
    let hash = seed.iter().chain(key).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // The low bits of this hash are the poor ones.
    usize::try_from((hash >> 32) % PARTS as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn taken(grouped: &mut Grouped) -> Vec<Vec<String>> {
        let mut all = Vec::new();
        while let Some(groups) = grouped.take().unwrap() {
            let text = |record: Vec<u8>| String::from_utf8(record).unwrap();
            all.extend(groups.into_iter().map(|group| group.into_iter().map(text).collect::<Vec<_>>()));
        }
        all.sort();
        all
    }

    #[test]
    fn records_of_a_key_come_together_in_their_order_however_often_they_are_spread() {
        let directory = tempfile::tempdir().unwrap();
        for (part_bytes, keys) in [(PART_BYTES, 500), (256, 500), (0, 8)] {
            let mut grouped = Grouped { part_bytes, ..Grouped::within(directory.path()) };
            assert!(grouped.is_empty());
            for number in 0..4 * keys {
                grouped.lay(&format!("in_{}", number % keys), format!("{number:04}").as_bytes()).unwrap();
            }
            let all = taken(&mut grouped);
            let expected =
                (0..keys).map(|key| (0..4).map(|turn| format!("{:04}", key + turn * keys)).collect());
            assert_eq!(all, expected.collect::<Vec<Vec<String>>>(), "{part_bytes}");
        }
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "files have no names");
    }

    #[test]
    fn nothing_laid_in_gives_nothing_and_makes_no_file() {
        let mut grouped = Grouped::within(Path::new("/there/is/no/such/directory"));
        assert_eq!(grouped.take().unwrap(), None);
        assert!(grouped.lay("in_1", b"x").is_err());
    }
}
