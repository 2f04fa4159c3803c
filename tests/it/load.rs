//! Stripe at its busiest: events sent by several at once, each again until it is answered 200.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::business::{Chance, business};
use crate::process::{Connection, Place, Server};

const SENDERS: usize = 8;
/// How long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a sender that was not answered, and who looks on, waits before the next look.
const A_MOMENT: Duration = Duration::from_millis(10);

/// Events on their way to a server that may be away for a while.
pub struct Load {
    events: Vec<(String, String)>,
    /// Where they go.
    address: Mutex<String>,
    next: AtomicUsize,
    answered: AtomicUsize,
    refused: AtomicUsize,
    slowest: Mutex<Duration>,
}

impl Load {
    /// The events of so many businesses, in an order of their own.
    pub fn of(seed: u64, businesses: u64) -> Self {
        let mut events = Vec::new();
        for number in 0..businesses {
            let named = |text: &str| {
                let prefixed =
                    |text: String, prefix: &&str| text.replace(prefix, &format!("{prefix}{number}_"));
                ["cus_", "sub_", "evt_"].iter().fold(text.to_owned(), prefixed)
            };
            let told = business(seed + number, false).into_iter().filter(|event| !event.is_listed);
            events.extend(told.map(|event| (named(&event.id), named(&event.body))));
        }
        Chance::new(seed).shuffle(&mut events);
        Self {
            events,
            address: Mutex::default(),
            next: AtomicUsize::new(0),
            answered: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            slowest: Mutex::default(),
        }
    }

    /// So many of them at most.
    pub fn at_most(mut self, many: usize) -> Self {
        self.events.truncate(many);
        self
    }

    /// Sends all, while something else happens.
    pub fn send(&self, server: &Server, meanwhile: impl FnOnce(&Self)) {
        self.address.lock().unwrap().clone_from(&server.address);
        std::thread::scope(|scope| {
            for _ in 0..SENDERS {
                scope.spawn(|| self.sender());
            }
            meanwhile(self);
        });
    }

    fn sender(&self) {
        let mut connection = None;
        while let Some((_, body)) = self.events.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let begun = Instant::now();
            while !self.deliver(&mut connection, body) {
                assert!(begun.elapsed() < PATIENCE, "a delivery was not taken");
                std::thread::sleep(A_MOMENT);
            }
        }
    }

    /// Delivers once; whether it was taken. What is not taken is answered 503 with the time to come again, or not at
    /// all where the server is gone, or 400 where its clock is wrong.
    fn deliver(&self, connection: &mut Option<Connection>, body: &str) -> bool {
        let begun = Instant::now();
        if connection.is_none() {
            let address = self.address.lock().unwrap().clone();
            *connection = Connection::to(&address);
        }
        let Some(answer) = connection.as_mut().and_then(|connection| connection.deliver(body.as_bytes()))
        else {
            *connection = None;
            return false;
        };
        let mut slowest = self.slowest.lock().unwrap();
        *slowest = begun.elapsed().max(*slowest);
        if answer.status == 200 {
            self.answered.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        self.refused.fetch_add(1, Ordering::Relaxed);
        let is_stale = answer.status == 400 && answer.body.contains("signature_stale");
        assert!(is_stale || answer.status == 503, "{}", answer.body);
        assert!(is_stale || answer.header("retry-after").is_some(), "{}", answer.head);
        false
    }

    /// Waits until so many hundredths are answered.
    pub fn reaches(&self, hundredths: usize) {
        self.waits_until("answered", || self.answered() * 100 >= self.events.len() * hundredths);
    }

    /// Waits until so many more were refused.
    pub fn is_refused(&self, times: usize) {
        let before = self.refused.load(Ordering::Relaxed);
        self.waits_until("refused", || self.refused.load(Ordering::Relaxed) >= before + times);
    }

    fn waits_until(&self, what: &str, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < PATIENCE, "after a minute not enough was {what}");
            std::thread::sleep(A_MOMENT);
        }
    }

    pub fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    /// The longest that an answer took, whatever it said.
    pub fn slowest(&self) -> Duration {
        *self.slowest.lock().unwrap()
    }

    /// Holds that every event is stored once and settled, and that the ledger is proved.
    pub fn has_arrived(&self, place: &Place) {
        assert_eq!(self.answered(), self.events.len());
        place.output(&["status", "--wait", "--timeout", "60s"]);
        let all: BTreeSet<String> = self.events.iter().map(|(id, _)| id.clone()).collect();
        assert_eq!(place.stored(), all);
        let told = place.output(&["status", "--format", "json"]);
        assert!(told.contains(&format!(r#""stored":{}"#, all.len())), "{told}");
        place.output(&["verify"]);
    }
}
