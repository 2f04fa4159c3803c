//! A window over a source: what has been read and not yet been done with.

use std::io::{self, Read};

/// How much is read at once.
const CHUNK_BYTES: usize = 1 << 16;
/// How much of a broken document is kept, for a person to correct.
pub(super) const KEPT_BYTES: usize = 1 << 20;

/// Bytes of a source from a moving start on. Positions count from that start.
pub(super) struct Window<'s> {
    source: Box<dyn Read + 's>,
    buffer: Vec<u8>,
    start: usize,
    line: u64,
    is_exhausted: bool,
    /// What is passed over, up to a bound, while it is asked for.
    passed: Option<Vec<u8>>,
}

impl<'s> Window<'s> {
    pub(super) fn new(source: Box<dyn Read + 's>) -> Self {
        Self { source, buffer: Vec::new(), start: 0, line: 1, is_exhausted: false, passed: None }
    }

    /// Counts lines from another one on.
    pub(super) fn begin_at(&mut self, line: u64) {
        self.line = line;
    }

    /// The line of the start, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// What has been read, from the start on.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// The byte at a position, reading on as needed; `None` behind the end.
    #[inline]
    pub(super) fn byte(&mut self, at: usize) -> io::Result<Option<u8>> {
        while self.start + at >= self.buffer.len() {
            if !self.fill()? {
                return Ok(None);
            }
        }
        Ok(Some(self.buffer[self.start + at]))
    }

    /// Where a byte stands first, reading on as needed, so far at most; `None` if it does not.
    pub(super) fn find(&mut self, wanted: u8, most: usize) -> io::Result<Option<usize>> {
        let mut searched = 0;
        loop {
            if let Some(at) = memchr::memchr(wanted, &self.bytes()[searched..]) {
                return Ok(Some(searched + at));
            }
            searched = self.bytes().len();
            if searched > most || !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Moves the start forward within its line.
    pub(super) fn advance_in_line(&mut self, count: usize) {
        self.start += count;
    }

    /// Moves the start forward, counting lines.
    pub(super) fn advance(&mut self, count: usize) {
        let passed = &self.buffer[self.start..self.start + count];
        self.line += passed.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        if let Some(kept) = &mut self.passed {
            let room = KEPT_BYTES.saturating_sub(kept.len()).min(count);
            kept.extend_from_slice(&self.buffer[self.start..self.start + room]);
        }
        self.start += count;
    }

    /// From here on, what the start moves over is kept, up to a bound.
    pub(super) fn keep(&mut self) {
        self.passed = Some(Vec::new());
    }

    /// What was moved over since [`Window::keep`].
    pub(super) fn kept(&mut self) -> Vec<u8> {
        self.passed.take().unwrap_or_default()
    }

    /// Reads another chunk; `false` at the end.
    fn fill(&mut self) -> io::Result<bool> {
        if self.is_exhausted {
            return Ok(false);
        }
        if self.start >= CHUNK_BYTES && self.start * 2 >= self.buffer.len() {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let length = self.buffer.len();
        self.buffer.resize(length + CHUNK_BYTES, 0);
        let count = loop {
            match self.source.read(&mut self.buffer[length..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(length + *count.as_ref().unwrap_or(&0));
        self.is_exhausted = count? == 0;
        Ok(!self.is_exhausted)
    }
}
