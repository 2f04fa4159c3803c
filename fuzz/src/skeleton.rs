//! A valid JSON text into which a fuzzer puts other values: most of what comes out gets past the
//! JSON parser and as far as the reader of the object.

use std::ops::Range;

use libfuzzer_sys::arbitrary::{Result, Unstructured};

use crate::values::{name, value};

/// The most places that are changed at once.
const MOST_CHANGES: usize = 8;

/// A JSON text and where its values stand.
pub struct Skeleton {
    text: &'static str,
    places: Vec<Place>,
}

struct Place {
    value: Range<usize>,
    /// Where its name begins, if it is a member.
    name: Option<usize>,
}

impl Skeleton {
    /// The skeleton of a text, which must be JSON.
    pub fn new(text: &'static str) -> Self {
        let mut places = Vec::new();
        let end = walk(text, blanks(text, 0), None, &mut places);
        assert_eq!(blanks(text, end), text.len(), "a skeleton is one JSON text: {text}");
        Self { text, places }
    }

    /// The text with some of its values replaced, renamed, added to or repeated.
    pub fn changed(&self, u: &mut Unstructured<'_>) -> Result<String> {
        let count = u.int_in_range(0..=MOST_CHANGES)?;
        let mut splices = (0..count).map(|_| self.splice(u)).collect::<Result<Vec<_>>>()?;
        splices.sort_by_key(|(range, _)| (range.start, range.end));
        let mut told = String::with_capacity(self.text.len() + 256);
        let mut done = 0;
        for (range, text) in splices {
            // What stands inside something replaced is gone with it.
            if range.start >= done {
                told.push_str(&self.text[done..range.start]);
                told.push_str(&text);
                done = range.end;
            }
        }
        told.push_str(&self.text[done..]);
        Ok(told)
    }

    fn splice(&self, u: &mut Unstructured<'_>) -> Result<(Range<usize>, String)> {
        let place = &self.places[u.choose_index(self.places.len())?];
        let end = place.value.end;
        let mut text = String::new();
        Ok(match (u.int_in_range(0..=9_u8)?, place.name) {
            (0, Some(start)) => (start + 1..start + 2, "_".to_owned()),
            (1, Some(_)) => {
                text.push(',');
                name(u, &mut text)?;
                text.push(':');
                value(u, &mut text, 3)?;
                (end..end, text)
            }
            (1, None) if place.value.start > 0 => {
                text.push(',');
                value(u, &mut text, 3)?;
                (end..end, text)
            }
            (2, None) if place.value.start > 0 => (end..end, format!(",{}", &self.text[place.value.clone()])),
            (3, _) => {
                let other = &self.places[u.choose_index(self.places.len())?];
                (place.value.clone(), self.text[other.value.clone()].to_owned())
            }
            _ => {
                value(u, &mut text, 3)?;
                (place.value.clone(), text)
            }
        })
    }
}

/// Notes every value from `at` on, and gives the end of this one.
fn walk(text: &str, at: usize, name: Option<usize>, places: &mut Vec<Place>) -> usize {
    let bytes = text.as_bytes();
    let own = places.len();
    places.push(Place { value: at..at, name });
    let end = match bytes[at] {
        opening @ (b'{' | b'[') => {
            let mut at = blanks(text, at + 1);
            while !matches!(bytes[at], b'}' | b']') {
                let name = (opening == b'{').then_some(at);
                if name.is_some() {
                    at = blanks(text, blanks(text, text_end(bytes, at)) + 1);
                }
                at = blanks(text, walk(text, at, name, places));
                if bytes[at] == b',' {
                    at = blanks(text, at + 1);
                }
            }
            at + 1
        }
        b'"' => text_end(bytes, at),
        _ => at + bytes[at..].iter().take_while(|byte| !b",]} \n".contains(byte)).count(),
    };
    places[own].value.end = end;
    end
}

fn text_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

fn blanks(text: &str, at: usize) -> usize {
    at + text.as_bytes()[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}
