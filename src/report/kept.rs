//! Sums that are kept: added to sums, taken from sums, and written as bytes. A sum of nothing is not written,
//! so that the same sums have the same bytes by whatever road they came.

use std::collections::BTreeMap;

use super::{CustomerCounts, Dimension};
use crate::mrr::{
    Cause, Class, Currency, CustomerId, Delta, Grade, Kind, Lane, Month, Motion, Mrr, SubscriptionId,
};

/// Which way sums are laid over others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// They are added.
    Plus,
    /// They are taken away.
    Minus,
}

/// A value with a form in bytes.
pub(super) trait Stored: Sized {
    /// Appends its bytes.
    fn put(&self, to: &mut Vec<u8>);
    /// Takes it off the front; `None` if that is no such value.
    fn take(from: &mut &[u8]) -> Option<Self>;

    /// Its bytes.
    fn to_bytes(&self) -> Vec<u8> {
        let mut to = Vec::new();
        self.put(&mut to);
        to
    }
}

/// A sum over customers.
pub(super) trait Sum: Stored {
    /// Lays another over it.
    fn combine(&mut self, other: &Self, sign: Sign);
    /// Whether nothing is in it.
    fn is_nothing(&self) -> bool;
}

/// The value of bytes, all of them.
pub(super) fn restored<T: Stored>(mut from: &[u8]) -> Option<T> {
    let value = T::take(&mut from)?;
    from.is_empty().then_some(value)
}

/// A struct as the sum of its fields, every one of them: one that is added and not named does not compile.
macro_rules! sums {
    ($name:ident { $($field:ident),+ $(,)? }) => {
        impl $crate::report::kept::Stored for $name {
            fn put(&self, to: &mut Vec<u8>) {
                let Self { $($field),+ } = self;
                $($crate::report::kept::Stored::put($field, to);)+
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: $crate::report::kept::Stored::take(from)?),+ })
            }
        }

        impl $crate::report::kept::Sum for $name {
            fn combine(&mut self, other: &Self, sign: $crate::report::kept::Sign) {
                let Self { $($field),+ } = other;
                $($crate::report::kept::Sum::combine(&mut self.$field, $field, sign);)+
            }

            fn is_nothing(&self) -> bool {
                let Self { $($field),+ } = self;
                $($crate::report::kept::Sum::is_nothing($field))&&+
            }
        }

        impl $name {
            /// What its bytes hold, in their order.
            pub(super) const SHAPE: &str = concat!(stringify!($name), $(" ", stringify!($field)),+);
        }
    };
}
pub(super) use sums;

sums!(CustomerCounts {
    starting,
    new,
    reactivated,
    resumed,
    expanded,
    contracted,
    churned,
    paused,
    transferred,
    ending,
});

impl Stored for u64 {
    fn put(&self, to: &mut Vec<u8>) {
        i128::from(*self).put(to);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        i128::take(from)?.try_into().ok()
    }
}

impl Sum for u64 {
    fn combine(&mut self, other: &Self, sign: Sign) {
        *self = match sign {
            Sign::Plus => self.saturating_add(*other),
            Sign::Minus => self.saturating_sub(*other),
        };
    }

    fn is_nothing(&self) -> bool {
        *self == 0
    }
}

/// Seven bits a byte, the sign in the lowest: small amounts are short.
impl Stored for i128 {
    fn put(&self, to: &mut Vec<u8>) {
        let mut rest = ((self << 1) ^ (self >> 127)).cast_unsigned();
        loop {
            let low = u8::try_from(rest & 0x7f).unwrap_or_default();
            rest >>= 7;
            if rest == 0 {
                to.push(low);
                return;
            }
            to.push(low | 0x80);
        }
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let mut value: u128 = 0;
        for shift in (0..128).step_by(7) {
            let (byte, rest) = from.split_first()?;
            *from = rest;
            value |= u128::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
            }
        }
        None
    }
}

impl Sum for i128 {
    fn combine(&mut self, other: &Self, sign: Sign) {
        match sign {
            Sign::Plus => *self += other,
            Sign::Minus => *self -= other,
        }
    }

    fn is_nothing(&self) -> bool {
        *self == 0
    }
}

macro_rules! amounts {
    ($($name:ident),+) => {$(
        impl Stored for $name {
            fn put(&self, to: &mut Vec<u8>) {
                self.0.put(to);
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                i128::take(from).map(Self)
            }
        }

        impl Sum for $name {
            fn combine(&mut self, other: &Self, sign: Sign) {
                match sign {
                    Sign::Plus => self.0 += other.0,
                    Sign::Minus => self.0 -= other.0,
                }
            }

            fn is_nothing(&self) -> bool {
                self.0 == 0
            }
        }
    )+};
}
amounts!(Delta, Mrr);

impl Stored for String {
    fn put(&self, to: &mut Vec<u8>) {
        text(self, to);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        word(from).map(str::to_owned)
    }
}

fn text(text: &str, to: &mut Vec<u8>) {
    (text.len() as u64).put(to);
    to.extend_from_slice(text.as_bytes());
}

fn word<'b>(from: &mut &'b [u8]) -> Option<&'b str> {
    let length = usize::try_from(u64::take(from)?).ok()?;
    let (text, rest) = from.split_at_checked(length)?;
    *from = rest;
    std::str::from_utf8(text).ok()
}

macro_rules! by_text {
    ($($name:ident: $put:expr, $take:expr);+ $(;)?) => {$(
        impl Stored for $name {
            fn put(&self, to: &mut Vec<u8>) {
                let put: fn(&Self, &mut Vec<u8>) = $put;
                put(self, to);
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                let take: fn(&str) -> Option<Self> = $take;
                take(word(from)?)
            }
        }
    )+};
}
by_text! {
    Currency: |id, to| text(id.as_str(), to), |word| Some(word.into());
    CustomerId: |id, to| text(id.as_str(), to), |word| Some(word.into());
    SubscriptionId: |id, to| text(id.as_str(), to), |word| Some(word.into());
    Lane: |word, to| text(word.as_str(), to), Self::parse;
    Cause: |word, to| text(word.as_str(), to), Self::parse;
    Class: |word, to| text(word.as_str(), to), Self::parse;
    Kind: |word, to| text(word.as_str(), to), Self::parse;
    Motion: |word, to| text(word.as_str(), to), Self::parse;
    Grade: |word, to| text(word.as_str(), to), Self::parse;
    Month: |month, to| text(&month.to_string(), to), Self::parse;
    Dimension: |dimension, to| text(&dimension.name(), to), |word| Self::parse(word).ok();
}

macro_rules! tuples {
    ($(($($name:ident $place:tt),+))+) => {$(
        impl<$($name: Stored),+> Stored for ($($name,)+) {
            fn put(&self, to: &mut Vec<u8>) {
                $(self.$place.put(to);)+
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                Some(($($name::take(from)?,)+))
            }
        }

        impl<$($name: Sum),+> Sum for ($($name,)+) {
            fn combine(&mut self, other: &Self, sign: Sign) {
                $(self.$place.combine(&other.$place, sign);)+
            }

            fn is_nothing(&self) -> bool {
                $(self.$place.is_nothing())&&+
            }
        }
    )+};
}
tuples!((A 0, B 1) (A 0, B 1, C 2));

impl<T: Stored + Copy + Default, const N: usize> Stored for [T; N] {
    fn put(&self, to: &mut Vec<u8>) {
        self.iter().for_each(|value| value.put(to));
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let mut all = [T::default(); N];
        for value in &mut all {
            *value = T::take(from)?;
        }
        Some(all)
    }
}

impl<T: Sum + Copy + Default, const N: usize> Sum for [T; N] {
    fn combine(&mut self, other: &Self, sign: Sign) {
        self.iter_mut().zip(other).for_each(|(value, other)| value.combine(other, sign));
    }

    fn is_nothing(&self) -> bool {
        self.iter().all(Sum::is_nothing)
    }
}

impl<K: Stored + Ord, V: Sum> Stored for BTreeMap<K, V> {
    fn put(&self, to: &mut Vec<u8>) {
        let entries = || self.iter().filter(|(_, value)| !value.is_nothing());
        (entries().count() as u64).put(to);
        for (key, value) in entries() {
            key.put(to);
            value.put(to);
        }
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let count = u64::take(from)?;
        (0..count).map(|_| Some((K::take(from)?, V::take(from)?))).collect()
    }
}

impl<K: Stored + Ord + Clone, V: Sum + Default> Sum for BTreeMap<K, V> {
    fn combine(&mut self, other: &Self, sign: Sign) {
        for (key, value) in other {
            let of = self.entry(key.clone()).or_default();
            of.combine(value, sign);
            if of.is_nothing() {
                self.remove(key);
            }
        }
    }

    fn is_nothing(&self) -> bool {
        self.values().all(Sum::is_nothing)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    type Sums = BTreeMap<String, (Delta, u64)>;

    fn some_sums() -> impl Strategy<Value = Sums> {
        let amount = any::<i64>().prop_map(|amount| Delta(amount.into()));
        proptest::collection::btree_map("[a-c]{1,3}", (amount, 0..9_u64), 0..6)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(amount in any::<i128>(), count in any::<u64>(), text in ".*") {
            prop_assert_eq!(restored::<i128>(&amount.to_bytes()), Some(amount));
            prop_assert_eq!(restored::<u64>(&count.to_bytes()), Some(count));
            prop_assert_eq!(restored::<String>(&text.to_bytes()), Some(text));
        }

        #[test]
        fn what_was_added_and_taken_away_leaves_the_same_bytes(sums in some_sums(), more in some_sums()) {
            let mut both = sums.clone();
            both.combine(&more, Sign::Plus);
            both.combine(&more, Sign::Minus);
            prop_assert_eq!(both.to_bytes(), sums.to_bytes());
            let again: Sums = restored(&sums.to_bytes()).unwrap();
            prop_assert_eq!(again.to_bytes(), sums.to_bytes());
        }

        #[test]
        fn bytes_of_anything_else_are_refused_or_read_without_a_panic(
            noise in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            drop(restored::<Sums>(&noise));
        }
    }
}
