//! A window over a source: what has been read and not yet been done with.

use std::io::{self, Read};

/// How much is read at once.
const CHUNK_BYTES: usize = 1 << 16;

/// Bytes of a source from a moving start on. Positions count from that start.
pub(super) struct Window {
    source: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    line: u64,
    is_exhausted: bool,
}

impl Window {
    pub(super) fn new(source: Box<dyn Read + Send>) -> Self {
        Self { source, buffer: Vec::new(), start: 0, line: 1, is_exhausted: false }
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

    /// Moves the start forward, counting lines.
    pub(super) fn advance(&mut self, count: usize) {
        let passed = &self.buffer[self.start..self.start + count];
        self.line += passed.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        self.start += count;
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
