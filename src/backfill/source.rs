//! Where bytes come from: a file or standard input, decompressed as often as they were compressed.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Documents, ReadError};

/// Compressions inside one another that are undone; more is a bomb, not an export.
const MAX_LAYERS: usize = 4;
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// How much was read of the files as they are stored (compressed, if they are); its copies count together.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    read_bytes: Arc<AtomicU64>,
}

impl Progress {
    /// The bytes read so far.
    #[must_use]
    pub fn read_bytes(&self) -> u64 {
        self.read_bytes.load(Ordering::Relaxed)
    }

    /// Counts so many bytes.
    pub(super) fn count(&self, bytes: usize) {
        self.read_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts what passes.
    pub(super) fn counting<R>(&self, inner: R) -> Counted<R> {
        Counted { inner, progress: self.clone() }
    }
}

/// Counts what passes.
pub(super) struct Counted<R> {
    inner: R,
    progress: Progress,
}

impl<R: Seek> Seek for Counted<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.progress.count(count);
        Ok(count)
    }
}

/// The bytes of a file that holds no documents, a CSV say, decompressed; `-` is standard input.
///
/// # Errors
///
/// [`ReadError`] if it can't be opened, is a directory, or can't be decompressed.
pub fn bytes(path: &Path) -> Result<Box<dyn Read>, ReadError> {
    let source = stored(path, &Progress::default())?;
    decompressed(source).map_err(|source| ReadError::BrokenOff { line: 1, source })
}

/// The bytes of a file as they are stored, counted by `progress`.
pub(super) fn stored(path: &Path, progress: &Progress) -> Result<Box<dyn Read>, ReadError> {
    if path == Path::new("-") {
        return Ok(Box::new(progress.counting(io::stdin())));
    }
    let closed = |source| ReadError::Closed { path: path.to_owned(), source };
    let file = File::open(path).map_err(closed)?;
    if file.metadata().map_err(closed)?.is_dir() {
        return Err(ReadError::Directory { path: path.to_owned() });
    }
    Ok(Box::new(progress.counting(file)))
}

/// The documents of anything that gives bytes.
///
/// # Errors
///
/// [`ReadError`] if its beginning can't be read or decompressed.
pub fn documents<'s>(source: impl Read + 's) -> Result<Documents<'s>, ReadError> {
    let plain = decompressed(Box::new(source)).map_err(|source| ReadError::BrokenOff { line: 1, source })?;
    Ok(Documents::new(plain))
}

/// Looks at the first bytes, not at the name: pipes have none, and names lie.
pub(super) fn decompressed<'s>(mut source: Box<dyn Read + 's>) -> io::Result<Box<dyn Read + 's>> {
    for _ in 0..MAX_LAYERS {
        let mut magic = Vec::with_capacity(ZSTD.len());
        source.by_ref().take(ZSTD.len() as u64).read_to_end(&mut magic)?;
        let is_gzip = magic.starts_with(GZIP);
        let is_zstd = magic.starts_with(ZSTD);
        let whole = io::Cursor::new(magic).chain(source);
        if is_gzip {
            let buffered = BufReader::with_capacity(1 << 16, whole);
            source = Box::new(flate2::bufread::MultiGzDecoder::new(buffered));
        } else if is_zstd {
            source = Box::new(zstd::stream::read::Decoder::new(whole)?);
        } else {
            return Ok(Box::new(whole));
        }
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        format!("compressed more than {MAX_LAYERS} times over; decompress it first"),
    ))
}
