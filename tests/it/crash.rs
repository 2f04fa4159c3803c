//! `kill -9` under load: nothing that was answered is lost, nothing is posted twice.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::business::{Chance, business};
use crate::process::{Connection, Place, Server, assert_same, stories, stories_config};

const ROUNDS: usize = 20;
const SENDERS: usize = 8;
/// Businesses told in a round: more events than are sent before the kill.
const BUSINESSES: u64 = 8;

#[test]
fn what_was_answered_survives_a_kill_and_the_ledger_verifies() {
    let place = Place::new();
    let mut chance = Chance::new(20_261_122);
    let answered: Mutex<BTreeSet<String>> = Mutex::default();
    let mut cut_off = 0;
    for round in 0..ROUNDS {
        let events = fresh_events(round, &mut chance);
        let mut server = place.serve();
        // Killed once so many are answered: some early, some late.
        let fatal = 1 + chance.below(120);
        cut_off += usize::from(load(&server, &events, fatal, &answered));
        server.kill();
    }
    assert!(cut_off > ROUNDS / 2, "only {cut_off} of {ROUNDS} kills came during the load");
    let answered = answered.into_inner().unwrap();
    let _server = place.serve();
    place.output(&["status", "--wait", "--timeout", "120s"]);
    let stored = place.stored();
    let lost: Vec<&String> = answered.iter().filter(|id| !stored.contains(*id)).collect();
    assert!(lost.is_empty(), "answered 200 and not in the inbox: {lost:?}");
    place.output(&["verify"]);
}

/// The events of customers that no other round has, in a random order.
fn fresh_events(round: usize, chance: &mut Chance) -> Vec<(String, String)> {
    let mut events = Vec::new();
    for seed in 0..BUSINESSES {
        let named = |text: &str| {
            ["cus_", "sub_", "evt_"].iter().fold(text.to_owned(), |text, prefix| {
                text.replace(prefix, &format!("{prefix}{round}_{seed}_"))
            })
        };
        let told = business(seed + 1_000 * u64::try_from(round).unwrap(), false);
        let sent = told.into_iter().filter(|event| !event.is_listed);
        events.extend(sent.map(|event| (named(&event.id), named(&event.body))));
    }
    chance.shuffle(&mut events);
    events
}

/// Sends from all senders at once and kills the server at the `fatal`-th answer; whether a sender was
/// cut off.
fn load(
    server: &Server,
    events: &[(String, String)],
    fatal: usize,
    answered: &Mutex<BTreeSet<String>>,
) -> bool {
    let (next, answers, cut_off) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                let Some(mut connection) = Connection::to(&server.address) else { return };
                while let Some((id, body)) = events.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let Some(answer) = connection.deliver(body.as_bytes()) else {
                        cut_off.fetch_add(1, Ordering::Relaxed);
                        return;
                    };
                    assert_eq!(answer.status, 200, "{}", answer.body);
                    answered.lock().unwrap().insert(id.clone());
                    if answers.fetch_add(1, Ordering::Relaxed) + 1 == fatal {
                        kill(server.pid());
                    }
                }
            });
        }
    });
    cut_off.into_inner() > 0
}

#[test]
fn a_backfill_that_was_killed_is_run_again_to_the_same_ledger() {
    // As soon as something is stored, which is before it is settled.
    let (whole, broken) = whole_and_killed(&stories().join("\n"), |place| !place.stored().is_empty());
    let status = broken.output(&["status", "--format", "json"]);
    assert!(!status.contains(r#""pending":0"#), "the kill came too late to break anything: {status}");
    let again = broken.output(&["backfill", "events.ndjson"]);
    assert!(again.contains(" already known"), "{again}");
    assert_same(&broken.movements(), &whole.movements(), "run again");
    broken.output(&["verify"]);
}

#[test]
fn a_backfill_that_was_killed_while_it_settled_posts_nothing_twice() {
    // As soon as something is posted, which is before its deliveries are marked as settled.
    let (whole, broken) = whole_and_killed(&many_businesses(12), Place::has_posted);
    let posted = broken.movements().len();
    assert!(0 < posted && posted < whole.movements().len(), "{posted} were posted when it was killed");
    broken.output(&["backfill", "events.ndjson"]);
    assert_same(&broken.movements(), &whole.movements(), "run again");
    assert!(broken.output(&["status", "--format", "json"]).contains(r#""pending":0"#));
    broken.output(&["verify"]);
}

/// A place where events were backfilled, and one where that was killed as soon as it had come so far.
fn whole_and_killed(events: &str, has_come_so_far: impl Fn(&Place) -> bool) -> (Place, Place) {
    let place = || Place::new().with("UPSWELL_CONFIG", &stories_config());
    let (whole, broken) = (place(), place());
    whole.write("events.ndjson", events);
    whole.output(&["backfill", "events.ndjson"]);
    broken.write("events.ndjson", events);
    broken.output(&["migrate"]);
    broken.kill_once(has_come_so_far, &["backfill", "events.ndjson"]);
    (whole, broken)
}

/// The stories so many times, each time of other customers.
fn many_businesses(count: usize) -> String {
    let renamed = |copy: usize| {
        move |event: String| {
            ["evt_", "cus_", "sub_", "si_", "in_"]
                .iter()
                .fold(event, |event, kind| event.replace(&format!("\"{kind}"), &format!("\"{kind}{copy}x")))
        }
    };
    (0..count).flat_map(|copy| stories().into_iter().map(renamed(copy))).collect::<Vec<_>>().join("\n")
}

fn kill(pid: u32) {
    let status = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
    assert!(status.success());
}
