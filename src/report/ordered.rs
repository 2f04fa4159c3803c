//! JSON whose keys stand in the contract's order.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Rate;
use crate::mrr::Instant;

/// A JSON value; no floats, for money and ratios are text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(i64),
    Count(u64),
    Text(Cow<'static, str>),
    List(Vec<Self>),
    Object(Object),
}

/// Names and values, in order.
pub(super) type Object = Vec<(Cow<'static, str>, Json)>;

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_unit(),
            Self::Bool(is_so) => to.serialize_bool(*is_so),
            Self::Number(number) => to.serialize_i64(*number),
            Self::Count(count) => to.serialize_u64(*count),
            Self::Text(text) => to.serialize_str(text),
            Self::List(values) => to.collect_seq(values),
            Self::Object(entries) => {
                let mut map = to.serialize_map(Some(entries.len()))?;
                for (name, value) in entries {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

/// A word of the program's own.
pub(super) fn word(text: &'static str) -> Json {
    Json::Text(Cow::Borrowed(text))
}

/// Anything that prints.
pub(super) fn text(value: &impl ToString) -> Json {
    Json::Text(Cow::Owned(value.to_string()))
}

/// Anything that prints, or null.
pub(super) fn optional(value: Option<&impl ToString>) -> Json {
    value.map_or(Json::Null, text)
}

/// An object of the program's own names.
pub(super) fn object<const N: usize>(entries: [(&'static str, Json); N]) -> Json {
    Json::Object(named(entries))
}

/// Entries of the program's own names.
pub(super) fn named<const N: usize>(entries: [(&'static str, Json); N]) -> Object {
    entries.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect()
}

/// A ratio under its name; without a value, null and the reason beside it.
pub(super) fn push_rate(into: &mut Object, name: &'static str, rate: &Rate) {
    match rate {
        Rate::Known(fraction) => into.push((name.into(), text(&fraction.to_decimal()))),
        Rate::Unknown(reason) => {
            into.push((name.into(), Json::Null));
            into.push((format!("{name}_reason").into(), text(reason)));
        }
    }
}

/// An instant as RFC 3339 in UTC, with seconds.
pub(super) fn rfc3339(at: Instant) -> String {
    chrono::DateTime::from_timestamp(at.0, 0)
        .unwrap_or_default()
        .to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
