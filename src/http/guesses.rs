//! Guessing tokens: after so many wrong ones in a time, a minute if nothing else is set, an address is not listened to
//! until that time is over.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Addresses that are remembered; those that come when the memory is full are counted as one. It bounds memory to about a
/// megabyte, and whoever has more addresses gains nothing by them, so that nobody needs another number.
const REMEMBERED: usize = 16_384;

/// The wrong tokens of late, by address.
#[derive(Debug)]
pub(super) struct Guesses {
    limit: u32,
    /// How long an address is not listened to, counted from its first wrong token.
    seconds: i64,
    wrong: Mutex<HashMap<IpAddr, Wrong>>,
}

#[derive(Debug, Clone, Copy)]
struct Wrong {
    since: i64,
    count: u32,
}

impl Guesses {
    pub(super) fn new(limit: u32, seconds: i64) -> Self {
        Self { limit, seconds, wrong: Mutex::default() }
    }

    /// For how many seconds an address is not listened to; `None` if it is.
    pub(super) fn wait_seconds(&self, address: IpAddr, now: i64) -> Option<u32> {
        let wrong = self.lock();
        let found = wrong.get(&network(address)).or_else(|| {
            let is_full = wrong.len() >= REMEMBERED;
            is_full.then(|| wrong.get(&EVERYBODY_ELSE)).flatten()
        })?;
        let left = found.since + self.seconds - now;
        let left = u32::try_from(left).ok().filter(|left| *left > 0)?;
        (found.count >= self.limit).then_some(left)
    }

    /// A token from an address was wrong.
    pub(super) fn was_wrong(&self, address: IpAddr, now: i64) {
        let mut wrong = self.lock();
        let mut network = network(address);
        if wrong.len() >= REMEMBERED && !wrong.contains_key(&network) {
            wrong.retain(|_, wrong| wrong.since + self.seconds > now);
            if wrong.len() >= REMEMBERED {
                network = EVERYBODY_ELSE;
            }
        }
        let found = wrong.entry(network).or_insert(Wrong { since: now, count: 0 });
        if found.since + self.seconds <= now {
            *found = Wrong { since: now, count: 0 };
        }
        found.count = found.count.saturating_add(1);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Wrong>> {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// No address of a client.
const EVERYBODY_ELSE: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

/// Whoever has one address of the sixth version has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & !u128::from(u64::MAX))),
        four @ IpAddr::V4(_) => four,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_not_listened_to_until_the_minute_of_its_first_guess_is_over() {
        let guesses = Guesses::new(3, 60);
        let (guesser, other) = (address("192.0.2.1"), address("192.0.2.2"));
        for at in [100, 110, 120] {
            assert_eq!(guesses.wait_seconds(guesser, at), None);
            guesses.was_wrong(guesser, at);
        }
        assert_eq!(guesses.wait_seconds(guesser, 121), Some(39));
        assert_eq!(guesses.wait_seconds(other, 121), None);
        assert_eq!(guesses.wait_seconds(guesser, 160), None);
        guesses.was_wrong(guesser, 160);
        assert_eq!(guesses.wait_seconds(guesser, 161), None, "the count begins anew");
    }

    #[test]
    fn one_network_of_the_sixth_version_is_one_guesser() {
        let guesses = Guesses::new(1, 60);
        guesses.was_wrong(address("2001:db8::1"), 100);
        assert!(guesses.wait_seconds(address("2001:db8::ffff:2"), 100).is_some());
        assert!(guesses.wait_seconds(address("2001:db8:0:1::1"), 100).is_none());
        guesses.was_wrong(address("::ffff:192.0.2.1"), 100);
        assert!(guesses.wait_seconds(address("192.0.2.1"), 100).is_some());
    }

    #[test]
    fn more_addresses_than_are_remembered_are_counted_as_one() {
        let guesses = Guesses::new(2, 60);
        for number in 0..u32::try_from(REMEMBERED).unwrap() {
            guesses.was_wrong(IpAddr::V4(number.into()), 100);
        }
        let late = [address("203.0.113.1"), address("203.0.113.2")];
        late.iter().for_each(|address| guesses.was_wrong(*address, 100));
        assert!(guesses.wait_seconds(address("203.0.113.3"), 100).is_some());
        assert!(guesses.lock().len() <= REMEMBERED + 1);
        assert!(guesses.wait_seconds(address("203.0.113.3"), 160).is_none());
    }
}
