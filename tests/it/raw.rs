//! JSON as it is written: the keys of an object in their order.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

struct Entries(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AsWritten)
    }
}

struct AsWritten;

impl<'de> Visitor<'de> for AsWritten {
    type Value = Entries;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, raw)) = map.next_entry::<String, Box<RawValue>>()? {
            entries.push((key, raw.get().to_owned()));
        }
        Ok(Entries(entries))
    }
}

fn entries(json: &str) -> Vec<(String, String)> {
    serde_json::from_str::<Entries>(json).unwrap().0
}

/// The keys of an object, in the order they are written.
pub fn keys(json: &str) -> Vec<String> {
    entries(json).into_iter().map(|(key, _)| key).collect()
}

/// The text of an object's value.
pub fn value(json: &str, name: &str) -> String {
    entries(json).into_iter().find(|(key, _)| key == name).unwrap_or_else(|| panic!("no {name}")).1
}
