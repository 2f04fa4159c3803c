//! JSON read once, borrowed from the stored bytes.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A JSON value. An object keeps its members as they came; of a name used twice the last counts.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a point or an exponent, or one past 64 bits. Never calculated with: its decimal text is read.
    Fraction(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// A list.
    List(Vec<Self>),
    /// An object.
    Object(Vec<(Cow<'a, str>, Self)>),
}

impl<'a> Json<'a> {
    /// The member of that name.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => {
                members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The member of that name, unless it is null.
    pub(super) fn present(&self, name: &str) -> Option<&Self> {
        self.get(name).filter(|value| !matches!(value, Self::Null))
    }

    /// Puts a member in, in the place of the one of that name.
    pub(super) fn set(&mut self, name: &str, value: Self) {
        if let Self::Object(members) = self {
            members.retain(|(key, _)| key != name);
            members.push((Cow::Owned(name.to_owned()), value));
        }
    }

    /// The text, if it is one.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements, if it is a list.
    pub(super) fn elements(&self) -> &[Self] {
        match self {
            Self::List(elements) => elements,
            _ => &[],
        }
    }

    /// The members, if it is an object.
    pub(super) fn members(&self) -> &[(Cow<'a, str>, Self)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// Appends the one form that this value has however it was written: names sorted, no blanks,
    /// texts by their characters and with their length before them.
    pub(super) fn canonical(&self, into: &mut Vec<u8>) {
        match self {
            Self::Null => into.push(b'n'),
            Self::Bool(truth) => into.push(if *truth { b't' } else { b'f' }),
            Self::Integer(number) => {
                into.push(b'i');
                into.extend_from_slice(&number.to_be_bytes());
            }
            Self::Fraction(number) => {
                into.push(b'd');
                into.extend_from_slice(&number.to_bits().to_be_bytes());
            }
            Self::Text(text) => canonical_text(text, into),
            Self::List(elements) => {
                into.push(b'[');
                elements.iter().for_each(|element| element.canonical(into));
                into.push(b']');
            }
            Self::Object(members) => canonical_object(members, into),
        }
    }

    /// What kind of value it is, for a message that must not quote it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) | Self::Fraction(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

fn canonical_text(text: &str, into: &mut Vec<u8>) {
    into.push(b's');
    into.extend_from_slice(&(text.len() as u64).to_be_bytes());
    into.extend_from_slice(text.as_bytes());
}

fn canonical_object(members: &[(Cow<'_, str>, Json<'_>)], into: &mut Vec<u8>) {
    let mut sorted: Vec<_> = members.iter().collect();
    // Stable, so that of a name used twice the last one stays last, and counts.
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    into.push(b'{');
    for (index, (name, value)) in sorted.iter().map(|member| (&member.0, &member.1)).enumerate() {
        if sorted.get(index + 1).is_some_and(|next| next.0 == *name) {
            continue;
        }
        canonical_text(name, into);
        value.canonical(into);
    }
    into.push(b'}');
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Json::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).map_or(Json::Fraction(number as f64), Json::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Json::Fraction(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(Json::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(16);
        while let Some(Name(name)) = object.next_key()? {
            members.push((name, object.next_value()?));
        }
        Ok(Json::Object(members))
    }
}

/// A member's name, borrowed where it holds no escape (`Cow` alone would always copy it).
#[derive(serde::Deserialize)]
pub(super) struct Name<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn canonical(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        serde_json::from_str::<Json<'_>>(text).expect("JSON").canonical(&mut bytes);
        bytes
    }

    #[test]
    fn a_canonical_form_knows_no_order_blanks_or_escapes() {
        let one = r#"{"b":[1,{"d":null,"c":"é"}],"a":12.5}"#;
        let other = "{ \"a\": 1.25e1,\n  \"b\": [ 1, { \"c\": \"\\u00e9\", \"d\": null } ] }";
        assert_eq!(canonical(one), canonical(other));
    }

    #[test]
    fn a_canonical_form_tells_values_apart() {
        let texts = [
            "null",
            "\"null\"",
            "0",
            "\"0\"",
            "[]",
            "{}",
            "[1,2]",
            "[12]",
            "[\"a\",\"b\"]",
            "[\"ab\"]",
            "true",
        ];
        for (i, a) in texts.iter().enumerate() {
            for b in &texts[i + 1..] {
                assert_ne!(canonical(a), canonical(b), "{a} {b}");
            }
        }
    }

    #[test]
    fn of_a_name_used_twice_the_last_counts() {
        assert_eq!(canonical(r#"{"a":1,"b":2,"a":3}"#), canonical(r#"{"b":2,"a":3}"#));
        let json: Json<'_> = serde_json::from_str(r#"{"a":1,"a":3}"#).expect("JSON");
        assert_eq!(json.get("a"), Some(&Json::Integer(3)));
    }
}
