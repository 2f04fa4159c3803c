//! The stored form of the core's values: rows keep them as JSON with short, readable names.
//!
//! The core derives no serde, so that its types may change without a stored row changing with them:
//! what is written here is read for as long as a ledger lives. Add fields as optional ones; never
//! rename one or use its name again.

mod billed;
mod fact;
mod learnt;
mod movement;
mod price;
mod schedule;
mod state;

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::LedgerError;
use crate::mrr;

pub(super) use fact::{Fact, Grade};
pub(super) use learnt::CatalogueFact;
pub(super) use movement::{Bridge, Checkpoint, Level, Movement};
pub(super) use state::Status;

/// A stored form of a value of the core.
pub(super) trait Mirror<Core>: Sized {
    /// The stored form of the value.
    fn of(core: &Core) -> Self;
    /// The value that was stored.
    fn restore(self) -> Core;
}

/// The value as JSON, in its stored form `M`.
///
/// # Errors
///
/// A form that JSON can't hold; none of ours is.
pub(super) fn write<M: Mirror<Core> + Serialize, Core>(core: &Core) -> Result<String, LedgerError> {
    serde_json::to_string(&M::of(core))
        .map_err(|source| LedgerError::Unreadable { what: "a value about to be stored", source })
}

/// The value that stands in stored JSON.
///
/// # Errors
///
/// JSON that is not of the form `M`: written by a newer version, or damaged.
pub(super) fn read<M: Mirror<Core> + DeserializeOwned, Core>(
    what: &'static str,
    json: &str,
) -> Result<Core, LedgerError> {
    read_bytes::<M, _>(what, json.as_bytes())
}

/// The same of bytes, which need not be text.
///
/// # Errors
///
/// As of [`read`].
pub(super) fn read_bytes<M: Mirror<Core> + DeserializeOwned, Core>(
    what: &'static str,
    json: &[u8],
) -> Result<Core, LedgerError> {
    serde_json::from_slice::<M>(json)
        .map(M::restore)
        .map_err(|source| LedgerError::Unreadable { what, source })
}

impl<Core, M: Mirror<Core>> Mirror<Option<Core>> for Option<M> {
    fn of(core: &Option<Core>) -> Self {
        core.as_ref().map(M::of)
    }
    fn restore(self) -> Option<Core> {
        self.map(M::restore)
    }
}

impl<Core, M: Mirror<Core>> Mirror<Vec<Core>> for Vec<M> {
    fn of(core: &Vec<Core>) -> Self {
        core.iter().map(M::of).collect()
    }
    fn restore(self) -> Vec<Core> {
        self.into_iter().map(M::restore).collect()
    }
}

/// Amounts by currency.
impl Mirror<BTreeMap<mrr::Currency, mrr::PriceAmount>> for BTreeMap<String, i128> {
    fn of(core: &BTreeMap<mrr::Currency, mrr::PriceAmount>) -> Self {
        core.iter().map(|(currency, amount)| (currency.to_string(), amount.0)).collect()
    }
    fn restore(self) -> BTreeMap<mrr::Currency, mrr::PriceAmount> {
        self.into_iter().map(|(currency, amount)| (currency.into(), mrr::PriceAmount(amount))).collect()
    }
}

impl<Core, M: Mirror<Core>> Mirror<Arc<Core>> for M {
    fn of(core: &Arc<Core>) -> Self {
        M::of(core.as_ref())
    }
    fn restore(self) -> Arc<Core> {
        Arc::new(M::restore(self))
    }
}

/// Values that are stored as they are.
macro_rules! as_they_are {
    ($($plain:ty),+) => {$(
        impl Mirror<$plain> for $plain {
            fn of(core: &$plain) -> Self { core.clone() }
            fn restore(self) -> $plain { self }
        }
    )+};
}
as_they_are!(bool, i64, u32, u64, String, NonZeroU32, NonZeroU64, BTreeMap<String, String>);

/// Values that wrap one number.
macro_rules! as_numbers {
    ($($core:ident: $number:ty),+) => {$(
        impl Mirror<mrr::$core> for $number {
            fn of(core: &mrr::$core) -> Self { core.0 }
            fn restore(self) -> mrr::$core { mrr::$core(self) }
        }
    )+};
}
as_numbers!(Instant: i64, Mrr: i128, Delta: i128, PriceAmount: i128);

/// Identifiers are stored as text.
macro_rules! as_text {
    ($($core:ident),+) => {$(
        impl Mirror<mrr::$core> for String {
            fn of(core: &mrr::$core) -> Self { core.as_str().to_owned() }
            fn restore(self) -> mrr::$core { mrr::$core::from(self) }
        }
    )+};
}
as_text!(CustomerId, SubscriptionId, ItemId, ProductId, PriceId, InvoiceId, CouponId, DiscountId, Currency);

impl Mirror<Arc<str>> for String {
    fn of(core: &Arc<str>) -> Self {
        core.as_ref().to_owned()
    }
    fn restore(self) -> Arc<str> {
        Arc::from(self)
    }
}

/// A struct whose stored form has the same fields; each may be given a shorter name and attributes
/// of serde.
macro_rules! record {
    ($name:ident of $core:path { $($(#[$attribute:meta])* $field:ident : $stored:ty),+ $(,)? }) => {
        #[doc = concat!("The stored form of [`", stringify!($core), "`].")]
        #[derive(serde::Serialize, serde::Deserialize)]
        pub(in crate::ledger) struct $name { $($(#[$attribute])* $field: $stored),+ }

        impl crate::ledger::mirror::Mirror<$core> for $name {
            fn of(core: &$core) -> Self {
                Self { $($field: crate::ledger::mirror::Mirror::of(&core.$field)),+ }
            }
            fn restore(self) -> $core {
                $core { $($field: crate::ledger::mirror::Mirror::restore(self.$field)),+ }
            }
        }
    };
}

/// An enum without fields, stored as words.
macro_rules! words {
    ($name:ident of $core:path { $($word:ident = $text:literal),+ $(,)? }) => {
        #[doc = concat!("The stored form of [`", stringify!($core), "`].")]
        #[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
        pub(in crate::ledger) enum $name { $(#[serde(rename = $text)] $word),+ }

        impl crate::ledger::mirror::Mirror<$core> for $name {
            fn of(core: &$core) -> Self {
                match core { $(<$core>::$word => Self::$word),+ }
            }
            fn restore(self) -> $core {
                match self { $(Self::$word => <$core>::$word),+ }
            }
        }

        #[allow(dead_code, reason = "only some words also stand in a column of their own")]
        impl $name {
            /// The word as columns hold it.
            pub(in crate::ledger) fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text),+ }
            }
            /// Reads the word; `None` if it is not one of them.
            pub(in crate::ledger) fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$word),)+ _ => None }
            }
        }
    };
}
use {record, words};

/// The word of a grade, as columns hold it.
pub(super) fn word_of(grade: mrr::Grade) -> &'static str {
    Grade::of(&grade).as_str()
}

/// The grade of a word.
pub(super) fn grade(word: &str) -> Option<mrr::Grade> {
    Grade::parse(word).map(Mirror::restore)
}

/// The word of a status, as columns hold it.
pub(super) fn status_word(status: mrr::Status) -> &'static str {
    Status::of(&status).as_str()
}

/// The status of a word.
pub(super) fn status(word: &str) -> Option<mrr::Status> {
    Status::parse(word).map(Mirror::restore)
}

/// Metadata as JSON.
///
/// # Errors
///
/// A form that JSON can't hold; none of ours is.
pub(super) fn metadata_json(metadata: &BTreeMap<String, String>) -> Result<String, LedgerError> {
    serde_json::to_string(metadata).map_err(|source| LedgerError::Unreadable { what: "metadata", source })
}

/// Metadata out of JSON.
///
/// # Errors
///
/// Damage.
pub(super) fn metadata(json: &str) -> Result<BTreeMap<String, String>, LedgerError> {
    serde_json::from_str(json).map_err(|source| LedgerError::Unreadable { what: "metadata", source })
}
