//! Finding the event in a delivery, whatever is wrapped around it, and reading its members without
//! its object.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::envelope::Form;
use super::json::Name;
use super::node::is_time;

/// An event's members as raw JSON, out of whatever was wrapped around it.
pub(super) struct Event<'a> {
    members: Members<'a>,
    /// The form it came in.
    pub(super) form: Form,
    /// The path to it.
    pub(super) path: &'static str,
}

impl<'a> Event<'a> {
    /// Finds the event in a body; `None` if the body is no object.
    pub(super) fn find(body: &'a str) -> Option<Self> {
        let outer: Members<'a> = serde_json::from_str(body).ok()?;
        let wrapped = |name, form, path| {
            let members: Members<'a> = serde_json::from_str(outer.get(name)?).ok()?;
            Some(Self { members, form, path })
        };
        let inner = if outer.get("detail-type").is_some() {
            wrapped("detail", Form::EventBridge, "$.detail")
        } else if outer.get("specversion").is_some() {
            wrapped("data", Form::EventGrid, "$.data")
        } else {
            None
        };
        let mut event = inner.unwrap_or(Self { members: outer, form: Form::Snapshot, path: "$" });
        if event.is_thin() {
            event.form = Form::Thin;
        }
        Some(event)
    }

    /// A member's raw JSON.
    pub(super) fn raw(&self, name: &str) -> Option<&'a str> {
        self.members.get(name)
    }

    /// A member that is a text.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        let Name(text) = serde_json::from_str(self.raw(name)?).ok()?;
        Some(text)
    }

    /// When it was made: seconds, or in thin events RFC 3339.
    pub(super) fn created(&self) -> i64 {
        let seconds = self.raw("created").and_then(|raw| raw.parse().ok());
        let stamp = || chrono::DateTime::parse_from_rfc3339(&self.text("created")?).ok();
        let at = seconds.or_else(|| stamp().map(|at| at.timestamp()));
        at.filter(|&at| is_time(at)).unwrap_or(0)
    }

    /// Whether the object is left out: events of API v2, and of v1 in their manner.
    fn is_thin(&self) -> bool {
        let kind = self.text("type").unwrap_or_default();
        self.text("object").is_some_and(|object| object == "v2.core.event")
            || kind.starts_with("v1.")
            || kind.starts_with("v2.")
    }

    /// The connected account: `account`, and of a thin event the last part of its `context`.
    pub(super) fn account(&self) -> Option<Cow<'a, str>> {
        let context = || {
            let context = self.text("context")?;
            Some(Cow::Owned(context.rsplit('/').next()?.to_owned()))
        };
        match self.form {
            Form::Thin => context(),
            _ => self.text("account"),
        }
    }

    /// What its digest covers beside type and created.
    pub(super) fn payload(&self) -> &'a str {
        let name = if self.form == Form::Thin { "related_object" } else { "data" };
        self.raw(name).unwrap_or("null")
    }
}

/// An object's members, their values left as they are; of a name used twice the last counts.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        let member = self.0.iter().rev().find(|(key, _)| key == name);
        member.map(|(_, raw)| raw.get())
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(12);
                while let Some(Name(name)) = object.next_key()? {
                    members.push((name, object.next_value()?));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
