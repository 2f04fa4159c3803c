//! Who expanded most: the names behind the first places. A book of hundreds of thousands expanders a month keeps
//! the names of some of them, and of all others what they expanded by.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Expander;
use super::kept::{Sign, Stored, Sum};
use crate::mrr::{CustomerId, Delta, Kind};

/// Names that are kept, several times what reports print: some are taken out again when a month is restated.
const NAMED: usize = 64;

/// An expander's place: the largest first, those of one amount in the order of their ids.
type Place = (Reverse<Delta>, CustomerId);

/// Expanders by place, with what they expanded by, by kind: all of them up to a place.
#[derive(Debug, Clone, Default)]
pub(super) struct Largest {
    named: BTreeMap<Place, BTreeMap<Kind, Delta>>,
    /// Those behind this place are not named; without one, all are.
    last: Option<Place>,
}

impl Largest {
    pub(super) fn add(&mut self, expansion: Delta, customer: &CustomerId, by_kind: BTreeMap<Kind, Delta>) {
        let place = (Reverse(expansion), customer.clone());
        if self.reaches(&place) {
            self.named.insert(place, by_kind);
        }
    }

    /// The first so many.
    pub(super) fn expanders(self, count: usize) -> Vec<Expander> {
        let expander = |((Reverse(expansion), customer), by_kind): (Place, BTreeMap<Kind, Delta>)| Expander {
            customer,
            expansion,
            by_kind: by_kind.into_iter().collect(),
        };
        self.named.into_iter().take(count).map(expander).collect()
    }

    /// Whether the first so many are named, or all there are.
    pub(super) fn names(&self, count: usize) -> bool {
        self.last.is_none() || self.named.len() >= count
    }

    /// Leaves out the names of those far behind.
    pub(super) fn trim(&mut self) {
        if self.named.len() > 2 * NAMED {
            self.end_at(self.named.keys().nth(NAMED - 1).cloned());
        }
    }

    /// Leaves out what the other does not name, and the other way round.
    pub(super) fn level(&mut self, other: &mut Self) {
        let (own, others) = (self.last.clone(), other.last.clone());
        self.end_at(others);
        other.end_at(own);
    }

    fn end_at(&mut self, last: Option<Place>) {
        let Some(last) = last.filter(|last| self.reaches(last)) else { return };
        self.named.retain(|place, _| *place <= last);
        self.last = Some(last);
    }

    fn reaches(&self, place: &Place) -> bool {
        self.last.as_ref().is_none_or(|last| place <= last)
    }
}

impl Stored for Largest {
    fn put(&self, to: &mut Vec<u8>) {
        (self.named.len() as u64).put(to);
        for ((Reverse(expansion), customer), by_kind) in &self.named {
            expansion.put(to);
            customer.put(to);
            by_kind.put(to);
        }
        u64::from(self.last.is_some()).put(to);
        if let Some((Reverse(expansion), customer)) = &self.last {
            expansion.put(to);
            customer.put(to);
        }
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let place = |from: &mut &[u8]| Some((Reverse(Delta::take(from)?), CustomerId::take(from)?));
        let count = u64::take(from)?;
        let named = (0..count).map(|_| Some((place(from)?, Stored::take(from)?))).collect::<Option<_>>()?;
        let last = match u64::take(from)? {
            0 => None,
            _ => Some(place(from)?),
        };
        Some(Self { named, last })
    }
}

impl Sum for Largest {
    fn combine(&mut self, other: &Self, sign: Sign) {
        match sign {
            Sign::Plus => {
                self.end_at(other.last.clone());
                for ((Reverse(expansion), customer), by_kind) in &other.named {
                    self.add(*expansion, customer, by_kind.clone());
                }
            }
            // What is taken away was named whole: nobody trims the few that changed.
            Sign::Minus => other.named.keys().for_each(|place| drop(self.named.remove(place))),
        }
    }

    fn is_nothing(&self) -> bool {
        self.named.is_empty()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::report::kept::restored;
    use proptest::prelude::*;

    fn largest(amounts: impl IntoIterator<Item = i128>) -> Largest {
        let mut largest = Largest::default();
        for amount in amounts {
            largest.add(Delta(amount), &format!("cus_{amount:04}").into(), BTreeMap::new());
        }
        largest
    }

    fn amounts(largest: &Largest) -> Vec<i128> {
        largest.clone().expanders(usize::MAX).into_iter().map(|one| one.expansion.0).collect()
    }

    #[test]
    fn trimmed_it_names_the_largest_whoever_comes_or_goes() {
        let mut all = largest(1..=200);
        all.trim();
        assert_eq!(amounts(&all), (137..=200).rev().collect::<Vec<_>>());
        all.combine(&largest([200, 190, 5]), Sign::Minus);
        all.combine(&largest([201, 180, 6]), Sign::Plus);
        let expected: Vec<i128> = (137..=201).rev().filter(|amount| ![200, 190].contains(amount)).collect();
        assert_eq!(amounts(&all), expected);
        assert!(all.names(10));
    }

    #[test]
    fn what_was_taken_out_is_not_made_up_for_by_others() {
        let mut all = largest(1..=200);
        all.trim();
        all.combine(&largest(140..=200), Sign::Minus);
        assert!(!all.names(10));
        assert!(largest(1..=3).names(10), "all there are");
    }

    proptest! {
        #[test]
        fn whoever_comes_and_goes_the_first_are_those_of_all(
            came in proptest::collection::vec((0..400_i128, any::<bool>()), 0..900),
        ) {
            let (mut all, mut trimmed) = (Largest::default(), Largest::default());
            for (amount, stays) in came {
                let one = largest([amount]);
                let is_there = all.named.contains_key(one.named.keys().next().unwrap());
                let sign = match (is_there, stays) {
                    (false, _) => Sign::Plus,
                    (true, false) => Sign::Minus,
                    (true, true) => continue,
                };
                all.combine(&one, sign);
                trimmed.combine(&one, sign);
                trimmed.trim();
                if trimmed.names(10) {
                    prop_assert_eq!(trimmed.clone().expanders(10), all.clone().expanders(10));
                }
            }
            let read: Largest = restored(&trimmed.to_bytes()).unwrap();
            prop_assert_eq!(read.to_bytes(), trimmed.to_bytes());
        }
    }

    #[test]
    fn two_are_compared_by_what_both_name() {
        let (mut one, mut other) = (largest(1..=200), largest(1..=200));
        one.trim();
        one.level(&mut other);
        assert_eq!(one.to_bytes(), other.to_bytes());
    }
}
