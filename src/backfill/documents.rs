//! The documents of a source, one by one, and how reading goes on after a broken one.

use std::io::{self, Read};

use serde::de::IgnoredAny;

use super::ReadError;
use super::scan::{Extent, Trouble, extent, rest_of_object};
use super::window::{KEPT_BYTES, Window};

/// Lists inside lists that are opened; deeper ones are no export.
const MAX_LISTS: usize = 8;
/// No event is longer; what is, is read with care.
const MAX_LINE_BYTES: usize = 1 << 20;
/// So many unreadable lines before the first document, and the file is taken for something else.
const PATIENCE_LINES: u32 = 20;
/// Beginnings of files that hold no JSON as they are, and what to do with them.
pub(super) const FOREIGN: [(&[u8], &str); 6] = [
    (b"\xff\xfe", "this is UTF-16; convert it, for example iconv -f UTF-16 -t UTF-8"),
    (b"\xfe\xff", "this is UTF-16; convert it, for example iconv -f UTF-16 -t UTF-8"),
    (b"PK\x03\x04", "this is a zip archive; unpack it and name the files in it"),
    (b"BZh", "this is bzip2; pipe it in, for example bzcat FILE | upswell backfill -"),
    (b"\xfd7zXZ", "this is xz; pipe it in, for example xzcat FILE | upswell backfill -"),
    (b"SQLite format 3", "this is an SQLite database; export its events as JSON first"),
];

/// A document exactly as it stands in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its bytes, as they are, without what surrounds them.
    pub bytes: Vec<u8>,
    /// The line where it starts, from 1.
    pub line: u64,
    /// Its place among the file's readable documents, from 1.
    pub index: u64,
    /// Whether it is sure to be one document and not several, a list or none at all; see [`Documents::by_line`].
    pub is_checked: bool,
}

/// A list that is open around the next document.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    Array,
    /// `data` of a list page: behind its end comes the rest of the page.
    Page,
}

/// What may come next in an open list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    ElementOrEnd,
    Element,
    CommaOrEnd,
}

/// Documents, read as they are asked for. Ends after the first error that is not about one document.
pub struct Documents<'s> {
    pub(super) window: Window<'s>,
    pub(super) lists: Vec<List>,
    pub(super) place: Place,
    /// How far the next document is indented; `None` if something stands before it on its line.
    pub(super) indent: Option<usize>,
    given: u64,
    unreadable: u32,
    pub(super) is_recovering: bool,
    is_over: bool,
    is_by_line: bool,
}

type Found = Option<Result<Document, ReadError>>;

impl<'s> Documents<'s> {
    pub(super) fn new(source: Box<dyn Read + 's>) -> Self {
        Self {
            window: Window::new(source),
            lists: Vec::new(),
            place: Place::ElementOrEnd,
            indent: Some(0),
            given: 0,
            unreadable: 0,
            is_recovering: false,
            is_over: false,
            is_by_line: false,
        }
    }

    /// The same, for who can tell one document from something else: what stands on a line of its own is given as it
    /// stands there, unchecked, which is many times faster. [`parts`] reads such a line with care.
    #[must_use]
    pub fn by_line(mut self) -> Self {
        self.is_by_line = true;
        self
    }

    /// One step: over blanks, into or out of a list, or a document.
    fn step(&mut self) -> Result<Found, Trouble> {
        self.skip_blanks()?;
        let Some(byte) = self.window.byte(0)? else {
            return Ok(self.end());
        };
        if self.lists.is_empty() {
            return self.outside_lists(byte);
        }
        match (self.place, byte) {
            (Place::ElementOrEnd | Place::CommaOrEnd, b']') => self.leave_list(),
            (Place::CommaOrEnd, b',') => {
                self.place = Place::Element;
                self.pass(1);
                Ok(None)
            }
            (Place::ElementOrEnd | Place::Element, _) => self.value(byte),
            _ => Err(Trouble::Flaw(0, "`,` or `]` is missing between elements")),
        }
    }

    fn outside_lists(&mut self, byte: u8) -> Result<Found, Trouble> {
        match byte {
            b'{' | b'[' => self.value(byte),
            // Between documents some tools write commas; what closes a list that broke is left over.
            b',' if self.given > 0 => self.skip_one(),
            b',' | b']' | b'}' if self.is_recovering => self.skip_one(),
            _ => {
                self.window.byte(16)?;
                match foreign(self.window.bytes()).filter(|_| self.given == 0) {
                    Some(reason) => Ok(Some(Err(self.not_json(reason)))),
                    None => Err(Trouble::Flaw(0, "this is no JSON document")),
                }
            }
        }
    }

    fn skip_one(&mut self) -> Result<Found, Trouble> {
        self.pass(1);
        Ok(None)
    }

    fn value(&mut self, byte: u8) -> Result<Found, Trouble> {
        if let Some(document) = self.on_a_line(byte)? {
            return Ok(Some(Ok(document)));
        }
        let found = match byte {
            b'[' => Extent::Page(1),
            _ => extent(&mut self.window)?,
        };
        match found {
            Extent::Value(end) => Ok(Some(self.cut(end))),
            Extent::Page(_) if self.lists.len() >= MAX_LISTS => {
                Err(Trouble::Flaw(0, "lists stand too deep in one another"))
            }
            Extent::Page(inner) => {
                self.lists.push(if byte == b'[' { List::Array } else { List::Page });
                self.place = Place::ElementOrEnd;
                self.pass(inner);
                Ok(None)
            }
        }
    }

    /// The document that a whole line seems to be, unchecked, where that is asked for. It begins the line, the line
    /// ends like an object, and the next one begins like one, which no line within a document is followed by.
    fn on_a_line(&mut self, byte: u8) -> Result<Option<Document>, Trouble> {
        if !self.is_by_line || self.given == 0 || byte != b'{' || !self.lists.is_empty() {
            return Ok(None);
        }
        let Some(end) = self.window.find(b'\n', MAX_LINE_BYTES)? else { return Ok(None) };
        let is_followed = matches!(self.window.byte(end + 1)?, None | Some(b'{'));
        let line = self.window.bytes()[..end].trim_ascii_end();
        if !is_followed || line.last() != Some(&b'}') {
            return Ok(None);
        }
        let bytes = line.to_vec();
        let line = self.window.line();
        self.window.advance_in_line(bytes.len());
        (self.indent, self.place) = (None, Place::CommaOrEnd);
        self.given += 1;
        Ok(Some(Document { bytes, line, index: self.given, is_checked: false }))
    }

    fn leave_list(&mut self) -> Result<Found, Trouble> {
        self.pass(1);
        self.place = Place::CommaOrEnd;
        if self.lists.pop() == Some(List::Page) {
            let end = rest_of_object(&mut self.window)?;
            self.pass(end);
        }
        Ok(None)
    }

    /// Cuts a document out and checks it as a whole.
    fn cut(&mut self, end: usize) -> Result<Document, ReadError> {
        let bytes = self.window.bytes()[..end].to_vec();
        let line = self.window.line();
        self.pass(end);
        self.place = Place::CommaOrEnd;
        if let Some(reason) = flaw_of(&bytes) {
            let text = bytes[..bytes.len().min(KEPT_BYTES)].to_vec();
            return Err(self.unreadable_text(line, reason, text));
        }
        self.given += 1;
        Ok(Document { bytes, line, index: self.given, is_checked: true })
    }

    /// Over blanks; between documents also over byte order marks, as joined files hold them, and
    /// record separators (RFC 7464).
    fn skip_blanks(&mut self) -> io::Result<()> {
        loop {
            let is_outside = self.lists.is_empty();
            match self.window.byte(0)? {
                Some(b'\n') => self.indent = Some(0),
                Some(b' ' | b'\t' | b'\r') => self.indent = self.indent.map(|n| n + 1),
                Some(0x1e) if is_outside => {}
                Some(0xef) if is_outside && self.is_byte_order_mark()? => self.window.advance(2),
                _ => return Ok(()),
            }
            self.window.advance(1);
        }
    }

    fn is_byte_order_mark(&mut self) -> io::Result<bool> {
        self.window.byte(2)?;
        Ok(self.window.bytes().starts_with(b"\xef\xbb\xbf"))
    }

    fn pass(&mut self, count: usize) {
        self.window.advance(count);
        self.indent = None;
    }

    fn end(&mut self) -> Found {
        self.is_over = true;
        let is_cut = !self.lists.is_empty();
        let reason = "the file ends inside a list: it was cut short, fetch it again";
        is_cut.then(|| Err(self.unreadable(self.window.line(), reason.to_owned())))
    }

    pub(super) fn unreadable(&mut self, line: u64, reason: String) -> ReadError {
        let text = self.window.kept();
        self.unreadable_text(line, reason, text)
    }

    fn unreadable_text(&mut self, line: u64, reason: String, text: Vec<u8>) -> ReadError {
        self.unreadable += 1;
        if self.given == 0 && self.unreadable >= PATIENCE_LINES {
            return self.not_json("no JSON so far; export events as JSON, one a line or as a list, or tables as CSV with their header or as Parquet");
        }
        ReadError::Unreadable { line, reason, text }
    }

    fn not_json(&mut self, reason: &str) -> ReadError {
        self.is_over = true;
        ReadError::NotJson { line: self.window.line(), reason: reason.to_owned() }
    }

    fn broken_off(&mut self, source: io::Error) -> ReadError {
        self.is_over = true;
        ReadError::BrokenOff { line: self.window.line(), source }
    }
}

/// The documents of one line of a file, whatever stands on it.
pub fn parts(bytes: bytes::Bytes, line: u64) -> impl Iterator<Item = Result<Document, ReadError>> {
    let mut documents = Documents::new(Box::new(bytes::Buf::reader(bytes)));
    documents.window.begin_at(line);
    documents.map(move |found| match found {
        Err(error @ (ReadError::NotJson { .. } | ReadError::BrokenOff { .. })) => {
            Err(ReadError::Unreadable { line, reason: error.to_string(), text: Vec::new() })
        }
        Err(ReadError::Unreadable { line, reason, text }) => Err(ReadError::Unreadable {
            line,
            reason: reason.replace("the file ends", "the line ends"),
            text,
        }),
        found => found,
    })
}

impl Iterator for Documents<'_> {
    type Item = Result<Document, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over {
            match self.step() {
                Ok(Some(found)) => return Some(found),
                Ok(None) => {}
                Err(Trouble::Source(error)) => return Some(Err(self.broken_off(error))),
                Err(Trouble::Flaw(at, reason)) => {
                    let error = self.recover(at, reason);
                    return Some(Err(error.unwrap_or_else(|source| self.broken_off(source))));
                }
            }
        }
        None
    }
}

/// What keeps the bytes from being a document, if anything does.
fn flaw_of(bytes: &[u8]) -> Option<String> {
    if std::str::from_utf8(bytes).is_err() {
        return Some("the document is not UTF-8; export it again as UTF-8".to_owned());
    }
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(bytes) {
        return Some(format!("within the document: {error}"));
    }
    let is_object = bytes.first() == Some(&b'{');
    (!is_object).then(|| "a document is an object, and this is none".to_owned())
}

fn foreign(bytes: &[u8]) -> Option<&'static str> {
    let known = FOREIGN.iter().find(|(magic, _)| bytes.starts_with(magic));
    known.map(|(_, remedy)| *remedy)
}
