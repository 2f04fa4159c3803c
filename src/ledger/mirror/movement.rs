//! The stored form of movements, their bridges, levels, and checkpoints.

use serde::{Deserialize, Serialize};

use super::fact::{Evidence, Grade, Motion};
use super::{Mirror, record};
use crate::mrr;

/// Words of the core that bring their own text along.
macro_rules! spoken {
    ($($name:ident),+) => {$(
        #[doc = concat!("The stored form of [`mrr::", stringify!($name), "`], its own word.")]
        #[derive(Serialize, Deserialize)]
        #[serde(into = "&'static str", try_from = "String")]
        pub(in crate::ledger) struct $name(mrr::$name);

        impl Clone for $name {
            fn clone(&self) -> Self { Self(self.0) }
        }
        impl From<$name> for &'static str {
            fn from(word: $name) -> Self { word.0.as_str() }
        }
        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                mrr::$name::parse(&text)
                    .map(Self)
                    .ok_or_else(|| format!("`{text}` is no {}", stringify!($name)))
            }
        }
        impl Mirror<mrr::$name> for $name {
            fn of(core: &mrr::$name) -> Self { Self(*core) }
            fn restore(self) -> mrr::$name { self.0 }
        }
    )+};
}
spoken!(Class, Kind, Cause);

record!(Side of mrr::Side {
    product: String,
    price: String,
    quantity: u64,
    mrr: i128,
});

record!(BridgePart of mrr::BridgePart {
    kind: Kind,
    product: String,
    price: String,
    delta: i128,
});

record!(Bridge of mrr::Bridge {
    gap_began_at: i64,
    parts: Vec<BridgePart>,
});

record!(Movement of mrr::Movement {
    effective_at: i64,
    class: Class,
    kind: Kind,
    cause: Cause,
    motion: Motion,
    subscription: String,
    item: String,
    currency: String,
    is_metered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Side>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Side>,
    delta: i128,
    customer_mrr_before: i128,
    customer_mrr_after: i128,
    #[serde(skip_serializing_if = "Option::is_none")]
    bridge: Option<Bridge>,
    evidence: Evidence,
});

/// What levels rested on before other evidence was known.
fn by_event() -> Grade {
    Grade::Event
}

fn is_by_event(grade: &Grade) -> bool {
    matches!(grade, Grade::Event)
}

record!(Level of mrr::Level {
    subscription: String,
    item: String,
    product: String,
    price: String,
    currency: String,
    is_metered: bool,
    quantity: u64,
    mrr: i128,
    is_at_risk: bool,
    #[serde(default = "by_event", skip_serializing_if = "is_by_event")]
    grade: Grade,
    from: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
});

record!(Checkpoint of mrr::Checkpoint {
    at: i64,
    base: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ended: Vec<String>,
});
