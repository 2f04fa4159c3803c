//! Where bytes come from: a file or standard input, decompressed as often as they were compressed.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Documents, ReadError};

/// Compressions inside one another that are undone; more is a bomb, not an export.
const MAX_LAYERS: usize = 4;
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// How much of the source was read, as it is stored (compressed, if it is).
#[derive(Debug, Clone, Default)]
pub struct Progress {
    read_bytes: Arc<AtomicU64>,
    total_bytes: Option<u64>,
}

impl Progress {
    /// The bytes read so far.
    #[must_use]
    pub fn read_bytes(&self) -> u64 {
        self.read_bytes.load(Ordering::Relaxed)
    }

    /// All bytes; `None` for a pipe.
    #[must_use]
    pub fn total_bytes(&self) -> Option<u64> {
        self.total_bytes
    }
}

/// Counts what passes.
struct Counted<R> {
    inner: R,
    progress: Progress,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.progress.read_bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// The documents of a file; `-` is standard input.
///
/// # Errors
///
/// [`ReadError`] if it can't be opened, is a directory, or can't be decompressed.
pub fn open(path: &Path) -> Result<Documents, ReadError> {
    let (source, progress) = stored(path)?;
    read(source, progress)
}

/// The bytes of a file that holds no documents, a CSV say, decompressed; `-` is standard input.
///
/// # Errors
///
/// [`ReadError`] if it can't be opened, is a directory, or can't be decompressed.
pub fn bytes(path: &Path) -> Result<Box<dyn Read + Send>, ReadError> {
    let (source, _) = stored(path)?;
    decompressed(source).map_err(|source| ReadError::BrokenOff { line: 1, source })
}

/// The bytes of a file as they are stored.
fn stored(path: &Path) -> Result<(Box<dyn Read + Send>, Progress), ReadError> {
    if path == Path::new("-") {
        return Ok((Box::new(io::stdin()), Progress::default()));
    }
    let closed = |source| ReadError::Closed { path: path.to_owned(), source };
    let file = File::open(path).map_err(closed)?;
    let metadata = file.metadata().map_err(closed)?;
    if metadata.is_dir() {
        return Err(ReadError::Directory { path: path.to_owned() });
    }
    let progress =
        Progress { total_bytes: metadata.is_file().then_some(metadata.len()), ..Progress::default() };
    Ok((Box::new(file), progress))
}

/// The documents of anything that gives bytes.
///
/// # Errors
///
/// [`ReadError`] if its beginning can't be read or decompressed.
pub fn documents(source: impl Read + Send + 'static) -> Result<Documents, ReadError> {
    read(source, Progress::default())
}

/// The bytes of a file, decompressed; `-` is standard input.
pub(super) fn plain(path: &Path) -> Result<Box<dyn Read + Send>, ReadError> {
    let source: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        let closed = |source| ReadError::Closed { path: path.to_owned(), source };
        let file = File::open(path).map_err(closed)?;
        if file.metadata().map_err(closed)?.is_dir() {
            return Err(ReadError::Directory { path: path.to_owned() });
        }
        Box::new(file)
    };
    decompressed(source).map_err(|source| ReadError::BrokenOff { line: 1, source })
}

fn read(source: impl Read + Send + 'static, progress: Progress) -> Result<Documents, ReadError> {
    let counted = Counted { inner: source, progress: progress.clone() };
    let plain = decompressed(Box::new(counted)).map_err(|source| ReadError::BrokenOff { line: 1, source })?;
    Ok(Documents::new(plain, progress))
}

/// Looks at the first bytes, not at the name: pipes have none, and names lie.
fn decompressed(mut source: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
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
