//! Where chance comes from, and how often it is tried.

use crate::store::is_postgres;

/// A small deterministic source of chance.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }

    pub fn happens(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }

    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for index in (1..all.len()).rev() {
            all.swap(index, self.below(index + 1));
        }
    }

    /// So many seconds, fewer than these days.
    pub fn seconds(&mut self, days: usize) -> i64 {
        i64::try_from(self.below(days * 86_400)).unwrap()
    }
}

/// How many businesses a property tries in a run: a few, fewer where they are about another store, or as many as
/// `UPSWELL_BUSINESSES` says.
#[allow(clippy::disallowed_methods, reason = "a setting of the tests, not of the program")]
pub fn cases(a_few: u32) -> u32 {
    std::env::var("UPSWELL_BUSINESSES")
        .map_or_else(|_| if is_postgres() { a_few / 4 } else { a_few }, |many| many.parse().unwrap())
}
