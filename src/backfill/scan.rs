//! Finds where a JSON value ends, without building it: brackets, strings and the order of tokens.
//!
//! Scalars are only delimited here; the whole document is checked once it is cut out. Order is
//! checked, for a document that was cut short must not swallow the ones after it.

use std::io;

use super::MAX_DOCUMENT_BYTES;
use super::window::Window;

/// What begins at a position.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// A value that ends before this position.
    Value(usize),
    /// A list page, whose elements begin at this position.
    Page(usize),
}

/// Why no end was found.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The source can't be read.
    Source(io::Error),
    /// What stands at this position can't stand there.
    Flaw(usize, &'static str),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Source(error)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    KeyOrEnd,
    Key,
    Colon,
    Value,
    ValueOrEnd,
    CommaOrEnd,
}

/// Where in a document the scan is.
struct Scan {
    at: usize,
    expect: Expect,
    /// The open brackets; `true` for objects.
    open: Vec<bool>,
    /// The key before the value at depth one, if it tells a page from a document.
    key: Option<PageKey>,
    may_be_page: bool,
    /// Whether the object says that it is an item of a subscription, once it said what it is.
    is_item: Option<bool>,
    /// Whether that is all that is asked.
    only_asks: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PageKey {
    Object,
    Data,
}

/// The extent of the value that begins at the window's start. An object with an array as `data` is a
/// page, unless it says before that it is something else than a list. A page of a subscription's items is
/// one value: it says something as a whole, and is as short as such lists are.
pub(super) fn extent(window: &mut Window<'_>) -> Result<Extent, Trouble> {
    Scan::of(0, true).run(window)
}

/// The end of an object of which the window's start is behind one of its values: the rest of a page.
pub(super) fn rest_of_object(window: &mut Window<'_>) -> Result<usize, Trouble> {
    let mut scan = Scan { expect: Expect::CommaOrEnd, open: vec![true], ..Scan::of(0, false) };
    match scan.run(window)? {
        Extent::Value(end) | Extent::Page(end) => Ok(end),
    }
}

/// Whether the list whose elements begin at a position holds items of a subscription, by its first.
fn holds_items(window: &mut Window<'_>, at: usize) -> Result<bool, Trouble> {
    let mut scan = Scan { only_asks: true, ..Scan::of(at, false) };
    match scan.run(window) {
        Err(Trouble::Source(error)) => Err(error.into()),
        // What is wrong with the element is told when it is read.
        _ => Ok(scan.is_item == Some(true)),
    }
}

impl Scan {
    /// A scan of the value that begins at a position.
    fn of(at: usize, may_be_page: bool) -> Self {
        Self {
            at,
            expect: Expect::Value,
            open: Vec::new(),
            key: None,
            may_be_page,
            is_item: None,
            only_asks: false,
        }
    }

    fn run(&mut self, window: &mut Window<'_>) -> Result<Extent, Trouble> {
        loop {
            let Some(byte) = window.byte(self.at)? else {
                return Err(Trouble::Flaw(self.at, "the file ends inside a document"));
            };
            if self.at >= MAX_DOCUMENT_BYTES {
                return Err(Trouble::Flaw(0, "the document is over the limit of 64 MiB"));
            }
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                b'"' => self.string(window)?,
                b':' if self.expect == Expect::Colon => self.step(Expect::Value),
                b',' if self.expect == Expect::CommaOrEnd => self.comma(),
                b'{' | b'[' if self.wants_value() => {
                    if self.opens_page(byte) && !holds_items(window, self.at + 1)? {
                        return Ok(Extent::Page(self.at + 1));
                    }
                    self.open(byte == b'{');
                }
                b'}' | b']' => self.close(byte == b'}')?,
                b'-' | b'0'..=b'9' | b't' | b'f' | b'n' if self.wants_value() => {
                    self.scalar(window)?;
                }
                _ => return Err(Trouble::Flaw(self.at, self.wanted())),
            }
            let is_whole = self.open.is_empty() && self.expect == Expect::CommaOrEnd;
            if is_whole || (self.only_asks && self.is_item.is_some()) {
                return Ok(Extent::Value(self.at));
            }
        }
    }

    fn wants_value(&self) -> bool {
        matches!(self.expect, Expect::Value | Expect::ValueOrEnd)
    }

    fn step(&mut self, next: Expect) {
        self.at += 1;
        self.expect = next;
    }

    fn comma(&mut self) {
        let is_object = self.open.last() == Some(&true);
        self.step(if is_object { Expect::Key } else { Expect::Value });
    }

    fn opens_page(&self, byte: u8) -> bool {
        let is_data = self.open.len() == 1 && self.key == Some(PageKey::Data);
        byte == b'[' && is_data && self.may_be_page
    }

    fn open(&mut self, is_object: bool) {
        self.open.push(is_object);
        self.step(if is_object { Expect::KeyOrEnd } else { Expect::ValueOrEnd });
    }

    fn close(&mut self, is_object: bool) -> Result<(), Trouble> {
        let empty = if is_object { Expect::KeyOrEnd } else { Expect::ValueOrEnd };
        let may_end = self.expect == empty || self.expect == Expect::CommaOrEnd;
        if !may_end || self.open.last() != Some(&is_object) {
            return Err(Trouble::Flaw(self.at, self.wanted()));
        }
        self.open.pop();
        self.step(Expect::CommaOrEnd);
        Ok(())
    }

    fn scalar(&mut self, window: &mut Window<'_>) -> Result<(), Trouble> {
        while let Some(b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') = window.byte(self.at)? {
            self.at += 1;
        }
        self.expect = Expect::CommaOrEnd;
        Ok(())
    }

    fn string(&mut self, window: &mut Window<'_>) -> Result<(), Trouble> {
        let is_key = matches!(self.expect, Expect::Key | Expect::KeyOrEnd);
        if !is_key && !self.wants_value() {
            return Err(Trouble::Flaw(self.at, self.wanted()));
        }
        let end = string_end(window, self.at + 1)?;
        if self.open.len() == 1 {
            let text = &window.bytes()[self.at + 1..end - 1];
            if is_key {
                self.key = page_key(text);
            } else if self.key == Some(PageKey::Object) {
                self.may_be_page &= text == b"list";
                self.is_item = Some(text == b"subscription_item");
            }
        }
        self.at = end;
        self.expect = if is_key { Expect::Colon } else { Expect::CommaOrEnd };
        Ok(())
    }

    fn wanted(&self) -> &'static str {
        match self.expect {
            Expect::KeyOrEnd => "a key or `}` is missing",
            Expect::Key => "a key is missing",
            Expect::Colon => "`:` is missing",
            Expect::Value => "a value is missing",
            Expect::ValueOrEnd => "a value or `]` is missing",
            Expect::CommaOrEnd => "`,` or a closing bracket is missing",
        }
    }
}

fn page_key(text: &[u8]) -> Option<PageKey> {
    match text {
        b"object" => Some(PageKey::Object),
        b"data" => Some(PageKey::Data),
        _ => None,
    }
}

/// The position behind the closing quote. A bare line break can't stand in a string, which shows
/// that a line was cut short.
fn string_end(window: &mut Window<'_>, mut at: usize) -> Result<usize, Trouble> {
    loop {
        if window.byte(at)?.is_none() {
            return Err(Trouble::Flaw(at, "the file ends inside a string"));
        }
        let unread = &window.bytes()[at..];
        let stop = unread.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
        let Some(offset) = stop else {
            at += unread.len();
            if at >= MAX_DOCUMENT_BYTES {
                return Err(Trouble::Flaw(0, "the document is over the limit of 64 MiB"));
            }
            continue;
        };
        at += offset;
        match window.byte(at)? {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') if window.byte(at + 1)?.is_none_or(|byte| byte > 0x1f) => at += 2,
            _ => return Err(Trouble::Flaw(at, "a string breaks off")),
        }
    }
}
