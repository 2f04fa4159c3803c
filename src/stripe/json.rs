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

/// What doesn't fit, and where: the body of a parked event's message. Values are never quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unfit {
    /// A JSON path such as `$.data.object.items.data[0].price.currency`.
    pub(super) path: String,
    /// What was expected and what was found.
    pub(super) reason: String,
}

/// An object with the path that leads to it.
#[derive(Debug, Clone)]
pub(super) struct Node<'t, 'a> {
    json: &'t Json<'a>,
    path: String,
}

impl<'t, 'a> Node<'t, 'a> {
    /// A value at a path, which must be an object.
    pub(super) fn object_at(json: &'t Json<'a>, path: impl Into<String>) -> Result<Self, Unfit> {
        let node = Self { json, path: path.into() };
        match json {
            Json::Object(_) => Ok(node),
            other => {
                Err(Unfit { reason: format!("expected an object, found {}", other.kind()), path: node.path })
            }
        }
    }

    /// The value itself.
    pub(super) fn json(&self) -> &'t Json<'a> {
        self.json
    }

    /// The path to it.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The path to a member.
    pub(super) fn path_to(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    /// The message that a member doesn't fit.
    pub(super) fn unfit(&self, name: &str, reason: impl Into<String>) -> Unfit {
        Unfit { path: self.path_to(name), reason: reason.into() }
    }

    fn expected(&self, name: &str, wanted: &str, found: &Json<'_>) -> Unfit {
        self.unfit(name, format!("expected {wanted}, found {}", found.kind()))
    }

    /// Whether a member is there and not null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.json.present(name).is_some()
    }

    /// An object; none if missing or null.
    pub(super) fn object(&self, name: &str) -> Result<Option<Self>, Unfit> {
        let member = self.json.present(name);
        member.map(|json| Self::object_at(json, self.path_to(name))).transpose()
    }

    /// An object where there is one, whatever else may stand there: an id, nothing.
    pub(super) fn expanded(&self, name: &str) -> Option<Self> {
        let member = self.json.present(name)?;
        Self::object_at(member, self.path_to(name)).ok()
    }

    /// A text; none if missing or null.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'t str>, Unfit> {
        match self.json.present(name) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(other) => Err(self.expected(name, "a text", other)),
        }
    }

    /// A whole number; none if missing or null.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, Unfit> {
        let Some(found) = self.json.present(name) else {
            return Ok(None);
        };
        let number = match found {
            Json::Integer(number) => i64::try_from(*number).ok(),
            Json::Fraction(number) => number.to_string().parse().ok(),
            other => return Err(self.expected(name, "a whole number", other)),
        };
        let outside = || self.unfit(name, "expected a whole number of 64 bits, found another number");
        number.map(Some).ok_or_else(outside)
    }

    /// A required whole number.
    pub(super) fn required_integer(&self, name: &str) -> Result<i64, Unfit> {
        self.integer(name)?.ok_or_else(|| self.unfit(name, "expected a whole number, found nothing"))
    }

    /// The text of a decimal number that is sent as a text or as a number; none if missing or null.
    pub(super) fn decimal(&self, name: &str) -> Result<Option<Cow<'t, str>>, Unfit> {
        match self.json.present(name) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(Cow::Borrowed(text))),
            Some(Json::Integer(number)) => Ok(Some(number.to_string().into())),
            Some(Json::Fraction(number)) => Ok(Some(number.to_string().into())),
            Some(other) => Err(self.expected(name, "a decimal number", other)),
        }
    }

    /// Whether a member is true; false if missing or null.
    pub(super) fn is_true(&self, name: &str) -> Result<bool, Unfit> {
        match self.json.present(name) {
            None => Ok(false),
            Some(Json::Bool(truth)) => Ok(*truth),
            Some(other) => Err(self.expected(name, "a boolean", other)),
        }
    }

    /// An identifier, sent as such or as the object that it names; none if missing or null.
    pub(super) fn id(&self, name: &str) -> Result<Option<&'t str>, Unfit> {
        let (found, place) = match self.json.present(name) {
            None => return Ok(None),
            Some(object @ Json::Object(_)) => (object.get("id").unwrap_or(&Json::Null), format!("{name}.id")),
            Some(other) => (other, name.to_owned()),
        };
        match found {
            Json::Text(text) if is_identifier(text) => Ok(Some(text)),
            Json::Text(_) => Err(self.unfit(&place, "expected an identifier, found a text that is none")),
            other => Err(self.expected(&place, "an identifier", other)),
        }
    }

    /// A required identifier.
    pub(super) fn required_id(&self, name: &str) -> Result<&'t str, Unfit> {
        self.id(name)?.ok_or_else(|| self.unfit(name, "expected an identifier, found nothing"))
    }

    /// The values of a list with their paths, sent as a list object (`{object: list, data: […]}`)
    /// or as a plain list; none if missing, null or an object of nothing.
    pub(super) fn list(&self, name: &str) -> Result<Option<Vec<(&'t Json<'a>, String)>>, Unfit> {
        let Some(mut found) = self.json.present(name) else {
            return Ok(None);
        };
        let mut path = self.path_to(name);
        if let Some(data) = found.get("data") {
            found = data;
            path.push_str(".data");
        } else if found.members().is_empty() && matches!(found, Json::Object(_)) {
            return Ok(None);
        }
        let Json::List(elements) = found else {
            let reason = format!("expected a list, found {}", found.kind());
            return Err(Unfit { path, reason });
        };
        let places = elements.iter().enumerate();
        Ok(Some(places.map(|(at, json)| (json, format!("{path}[{at}]"))).collect()))
    }

    /// The objects of a list.
    pub(super) fn objects(&self, name: &str) -> Result<Option<Vec<Self>>, Unfit> {
        let Some(elements) = self.list(name)? else {
            return Ok(None);
        };
        elements
            .into_iter()
            .map(|(json, path)| Self::object_at(json, path))
            .collect::<Result<_, _>>()
            .map(Some)
    }
}

/// Whether a text can be a key: short, not empty, and without control characters (a NUL byte is
/// more than some stores take).
pub(super) fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.len() <= 255 && !text.chars().any(char::is_control)
}

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
