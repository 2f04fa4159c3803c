//! JSON walked with the path at hand, so that whatever doesn't fit is named by where it stands.

use std::borrow::Cow;

use crate::mrr::Instant;

use super::json::Json;

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

    /// The objects that stand under names in an object (`currency_options`); none if it is missing or
    /// null.
    pub(super) fn entries(&self, name: &str) -> Result<Vec<(&'t str, Self)>, Unfit> {
        let Some(holder) = self.object(name)? else {
            return Ok(Vec::new());
        };
        let members = holder.json.members().iter().filter(|(_, value)| !matches!(value, Json::Null));
        members.map(|(key, json)| Ok((key.as_ref(), Self::object_at(json, holder.path_to(key))?))).collect()
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
            Json::Integer(number) => Some(*number),
            Json::Fraction(number) => number.to_string().parse().ok(),
            other => return Err(self.expected(name, "a whole number", other)),
        };
        let outside = || self.unfit(name, "expected a whole number of 64 bits, found another number");
        number.map(Some).ok_or_else(outside)
    }

    /// A time in seconds since 1970, of a year of at most four digits; none if missing or null.
    pub(super) fn instant(&self, name: &str) -> Result<Option<Instant>, Unfit> {
        let seconds = self.integer(name)?;
        if seconds.is_some_and(|seconds| !is_time(seconds)) {
            return Err(self.unfit(name, "expected a time in seconds since 1970"));
        }
        Ok(seconds.map(Instant))
    }

    /// A required time.
    pub(super) fn required_instant(&self, name: &str) -> Result<Instant, Unfit> {
        self.instant(name)?.ok_or_else(|| self.unfit(name, "expected a time, found nothing"))
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

/// Whether a number of seconds since 1970 is a time that calendars know: up to the year 9999.
pub(super) fn is_time(seconds: i64) -> bool {
    (0..=253_402_300_799).contains(&seconds)
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

    #[test]
    fn what_does_not_fit_is_named_by_its_path_and_not_quoted() {
        let json: Json<'_> =
            serde_json::from_str(r#"{"items":{"data":[{"quantity":"many"}]}}"#).expect("JSON");
        let root = Node::object_at(&json, "$").expect("object");
        let items = root.objects("items").expect("list").expect("present");
        let unfit = items[0].integer("quantity").expect_err("a text");
        assert_eq!(unfit.path, "$.items.data[0].quantity");
        assert_eq!(unfit.reason, "expected a whole number, found a text");
    }
}
