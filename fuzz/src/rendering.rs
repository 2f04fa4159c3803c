//! One JSON text written otherwise: with other blanks, with its members in another order. Numbers
//! and texts stay as they are, to the byte.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::stripe::{Envelope, Form, read};

/// What has to hold for every body that is JSON: its envelope can be stored.
pub fn check_envelope(body: &[u8]) -> Option<Envelope> {
    let envelope = read(body).ok()?;
    assert!(!envelope.id.is_empty() && !envelope.kind.is_empty());
    assert!((0..=253_402_300_799).contains(&envelope.created), "{envelope:?}");
    Some(envelope)
}

/// What has to hold for an event: read again it says the same, and written or wrapped otherwise it
/// is the same event.
pub fn check_renderings(body: &str, envelope: &Envelope) {
    assert_eq!(read(body.as_bytes()).as_ref(), Ok(envelope));
    if envelope.form == Form::Unrecognised || !is_read_whole(body) {
        return;
    }
    assert_eq!(read(spread(body).as_bytes()).as_ref(), Ok(envelope), "other blanks: {body}");
    if let Some(turned) = turned(body) {
        assert_eq!(read(turned.as_bytes()).as_ref(), Ok(envelope), "another order: {body}\n{turned}");
    }
    if envelope.form == Form::Snapshot {
        let wrapped = format!(r#"{{"id":"1","detail-type":"x","account":"1234","detail":{body}}}"#);
        let inside = Envelope { form: Form::EventBridge, ..envelope.clone() };
        assert_eq!(read(wrapped.as_bytes()), Ok(inside), "wrapped: {body}");
    }
}

/// Whether the parser reads it down to its leaves; of what is nested too deeply the bytes count.
fn is_read_whole(body: &str) -> bool {
    const ROOM: usize = 100;
    let deep = body.bytes().scan(0_usize, |depth, byte| {
        match byte {
            b'{' | b'[' => *depth += 1,
            b'}' | b']' => *depth = depth.saturating_sub(1),
            _ => {}
        }
        Some(*depth)
    });
    deep.max().unwrap_or(0) < ROOM && serde_json::from_str::<serde_json::Value>(body).is_ok()
}

/// The text with blanks around each of its tokens.
pub fn spread(text: &str) -> String {
    let mut told = String::with_capacity(text.len() * 2);
    let (mut is_text, mut is_escaped) = (false, false);
    for character in text.chars() {
        if is_text {
            told.push(character);
            is_text = is_escaped || character != '"';
            is_escaped = !is_escaped && character == '\\';
        } else if "{}[]:,".contains(character) {
            told.extend([' ', character, '\n']);
        } else if !character.is_ascii_whitespace() {
            told.push(character);
            is_text = character == '"';
        }
    }
    told
}

/// The text with every object's members in the reverse order; `None` if a name is used twice.
fn turned(text: &str) -> Option<String> {
    let text = text.trim_start_matches([' ', '\t', '\r', '\n']);
    let parts = match text.as_bytes().first() {
        Some(b'{') => {
            let Members(members) = serde_json::from_str(text).ok()?;
            let mut names: Vec<&String> = members.iter().map(|(name, _)| name).collect();
            names.sort();
            if names.windows(2).any(|pair| pair[0] == pair[1]) {
                return None;
            }
            let member = |(name, value): &(String, &RawValue)| {
                Some(format!("{}:{}", serde_json::Value::from(name.as_str()), turned(value.get())?))
            };
            return Some(format!(
                "{{{}}}",
                members.iter().rev().map(member).collect::<Option<Vec<_>>>()?.join(",")
            ));
        }
        Some(b'[') => serde_json::from_str::<Vec<&RawValue>>(text).ok()?,
        _ => return Some(text.to_owned()),
    };
    let parts = parts.iter().map(|part| turned(part.get())).collect::<Option<Vec<_>>>()?;
    Some(format!("[{}]", parts.join(",")))
}

struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = object.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
