//! How reading goes on after a broken document.

use std::io;

use super::ReadError;
use super::documents::{Documents, Place};

impl Documents<'_> {
    /// Goes on after what can't be read: with the next line where documents stand on lines, else
    /// with the next line that begins like the broken document's did.
    pub(super) fn recover(&mut self, at: usize, reason: &str) -> Result<ReadError, io::Error> {
        let line = self.window.line();
        self.window.keep();
        let reason = format!("{reason} ({})", place_of(self.window.bytes(), at, line));
        // Where an element was due already, the flaw is the element's own, and one has to get past it.
        let is_next_element =
            !self.lists.is_empty() && self.place == Place::CommaOrEnd && at == 0 && self.next_is_object()?;
        if is_next_element {
            self.place = Place::Element;
            return Ok(self.unreadable(line, reason));
        }
        self.is_recovering = true;
        if self.lists.is_empty() && self.stands_on_one_line()? {
            self.skip_line()?;
            return Ok(self.unreadable(line, reason));
        }
        let resumed = self.skip_to_object(self.indent.unwrap_or(0))?;
        let rest = match resumed {
            Some(resumed) => format!("{reason}; reading goes on with line {resumed}"),
            None => format!("{reason}; nothing after it could be read"),
        };
        Ok(self.unreadable(line, rest))
    }

    fn next_is_object(&mut self) -> io::Result<bool> {
        Ok(self.window.byte(0)? == Some(b'{'))
    }

    /// Whether the line at hand holds more than an opening bracket, as NDJSON does.
    fn stands_on_one_line(&mut self) -> io::Result<bool> {
        self.window.byte(2)?;
        let start = &self.window.bytes()[..self.window.bytes().len().min(3)];
        let is_bare = matches!(start, [b'{' | b'['] | [b'{' | b'[', b'\n', ..] | [b'{' | b'[', b'\r', b'\n']);
        Ok(!is_bare)
    }

    /// To the next line that holds `{` at this indentation, or at none, where lists are left behind.
    fn skip_to_object(&mut self, indent: usize) -> io::Result<Option<u64>> {
        loop {
            self.skip_line()?;
            let mut blanks = 0;
            while blanks < indent && matches!(self.window.byte(blanks)?, Some(b' ' | b'\t')) {
                blanks += 1;
            }
            match self.window.byte(blanks)? {
                None => {
                    self.lists.clear();
                    return Ok(None);
                }
                Some(b'{') if blanks == indent || blanks == 0 => {
                    if blanks != indent {
                        self.lists.clear();
                    }
                    self.place = Place::Element;
                    return Ok(Some(self.window.line()));
                }
                Some(_) => {}
            }
        }
    }

    fn skip_line(&mut self) -> io::Result<()> {
        self.indent = Some(0);
        while self.window.byte(0)?.is_some() {
            let bytes = self.window.bytes();
            match bytes.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    self.window.advance(end + 1);
                    return Ok(());
                }
                None => self.window.advance(bytes.len()),
            }
        }
        Ok(())
    }
}

/// Line and column of a position, for people.
fn place_of(bytes: &[u8], at: usize, line: u64) -> String {
    let before = &bytes[..at.min(bytes.len())];
    let breaks = before.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    if breaks == 0 {
        return "on that line".to_owned();
    }
    format!("line {}, column {column}", line + breaks)
}
