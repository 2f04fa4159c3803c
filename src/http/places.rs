//! The places for connections: a bounded number, so that a flood of them costs no memory, and so given that a
//! flood of senders that send nothing does not keep out one that does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::metrics::Metrics;

/// All places. When none is free, the connection that has been without a whole request for longest makes room.
#[derive(Debug)]
pub(super) struct Places {
    limit: usize,
    metrics: Metrics,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    /// Connections without a whole request, those that are so for longest first.
    idle: BTreeMap<u64, Idle>,
    /// How many have a request that is being answered.
    busy: usize,
}

#[derive(Debug)]
struct Idle {
    leave: Arc<Notify>,
    /// What arrived of its body.
    bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle(u64),
    Busy,
    /// Asked to leave; its place is another's already.
    Gone,
}

/// The place of one connection, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    leave: Arc<Notify>,
    state: Mutex<State>,
}

impl Places {
    pub(super) fn new(limit: usize, metrics: Metrics) -> Arc<Self> {
        Arc::new(Self { limit, metrics, taken: Mutex::default() })
    }

    /// A place for a connection; none if every one is answered something just now.
    pub(super) fn take(self: &Arc<Self>) -> Option<Place> {
        let leave = Arc::new(Notify::new());
        let mut taken = self.lock();
        if taken.idle.len() + taken.busy >= self.limit && !self.make_room(&mut taken) {
            return None;
        }
        let since = taken.sit(&leave);
        self.tell(&taken);
        drop(taken);
        Some(Place { places: Arc::clone(self), leave, state: Mutex::new(State::Idle(since)) })
    }

    /// For a connection that the system has no more room for: asks another to leave.
    pub(super) fn make_room_for_files(&self) -> bool {
        let mut taken = self.lock();
        self.make_room(&mut taken)
    }

    fn make_room(&self, taken: &mut Taken) -> bool {
        self.metrics.shed();
        let longest = taken.idle.pop_first();
        longest.is_some_and(|(_, longest)| {
            longest.leave.notify_one();
            self.tell(taken);
            true
        })
    }

    /// Asks the connection that has held a part of a body for longest to leave, if one holds so many bytes one of
    /// those; whether there is one.
    fn make_room_for_bytes(&self, wanted: usize) -> bool {
        let mut taken = self.lock();
        let holding = |least: usize| taken.idle.iter().find(|(_, idle)| idle.bytes >= least.max(1));
        let longest = holding(wanted).or_else(|| holding(1)).map(|(since, _)| *since);
        let Some(longest) = longest.and_then(|since| taken.idle.remove(&since)) else { return false };
        longest.leave.notify_one();
        self.metrics.shed();
        self.tell(&taken);
        true
    }

    fn tell(&self, taken: &Taken) {
        self.metrics.connections(taken.idle.len() + taken.busy);
    }

    /// A panic while it was held leaves nothing half done that counts for more than one place.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn sit(&mut self, leave: &Arc<Notify>) -> u64 {
        let since = self.next;
        self.next += 1;
        self.idle.insert(since, Idle { leave: Arc::clone(leave), bytes: 0 });
        since
    }
}

impl Place {
    /// Done when the connection is to make room.
    pub(super) async fn asked_to_leave(&self) {
        self.leave.notified().await;
    }

    /// So many bytes of its body have arrived and are kept.
    pub(super) fn holds(&self, bytes: usize) {
        let mut taken = self.places.lock();
        if let State::Idle(since) = *self.state()
            && let Some(idle) = taken.idle.get_mut(&since)
        {
            idle.bytes = bytes;
        }
    }

    /// Its request is whole: from here to the answer it need not make room.
    pub(super) fn busy(&self) {
        let mut taken = self.places.lock();
        let mut state = self.state();
        if let State::Idle(since) = *state {
            let is_here = taken.idle.remove(&since).is_some();
            taken.busy += usize::from(is_here);
            *state = if is_here { State::Busy } else { State::Gone };
        }
    }

    /// It is answered.
    pub(super) fn idle(&self) {
        let mut taken = self.places.lock();
        let mut state = self.state();
        match *state {
            State::Busy => {
                taken.busy -= 1;
                *state = State::Idle(taken.sit(&self.leave));
            }
            // Answered before its request was whole.
            State::Idle(since) => {
                if taken.idle.remove(&since).is_some() {
                    *state = State::Idle(taken.sit(&self.leave));
                }
            }
            State::Gone => {}
        }
    }

    /// For bytes that find no room: asks somebody else to make some.
    pub(super) fn make_room_for_bytes(&self, wanted: usize) -> bool {
        self.places.make_room_for_bytes(wanted)
    }

    /// Always locked after the places are.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        match *self.state() {
            State::Idle(since) => drop(taken.idle.remove(&since)),
            State::Busy => taken.busy -= 1,
            State::Gone => {}
        }
        self.places.tell(&taken);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn places(limit: usize) -> Arc<Places> {
        Places::new(limit, Metrics::new().unwrap())
    }

    fn is_asked_to_leave(place: &Place) -> bool {
        let asked = std::pin::pin!(place.asked_to_leave());
        asked.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready()
    }

    #[test]
    fn when_no_place_is_free_the_one_that_is_idle_for_longest_makes_room() {
        let places = places(2);
        let (first, second) = (places.take().unwrap(), places.take().unwrap());
        first.busy();
        first.idle();
        let third = places.take().unwrap();
        assert!(is_asked_to_leave(&second) && !is_asked_to_leave(&first));
        // The one that had to go gives back nothing when it is gone.
        drop(second);
        first.busy();
        third.busy();
        assert!(places.take().is_none(), "both are being answered");
        drop(third);
        assert!(places.take().is_some());
    }

    #[test]
    fn who_was_asked_to_leave_holds_no_place_whatever_it_does_then() {
        let places = places(1);
        let first = places.take().unwrap();
        let second = places.take().unwrap();
        first.busy();
        first.idle();
        drop(first);
        let third = places.take().unwrap();
        assert!(is_asked_to_leave(&second));
        drop((second, third));
        let taken = places.lock();
        assert_eq!((taken.idle.len(), taken.busy), (0, 0));
    }

    #[test]
    fn bytes_are_made_room_for_by_the_oldest_that_holds_some() {
        let places = places(3);
        let (_empty, slow, other) = (places.take().unwrap(), places.take().unwrap(), places.take().unwrap());
        slow.holds(10);
        other.holds(1_000);
        assert!(other.make_room_for_bytes(10));
        assert!(is_asked_to_leave(&slow) && !is_asked_to_leave(&other));
        other.busy();
        assert!(!other.make_room_for_bytes(10), "nobody holds a part of a body any more");
    }
}
