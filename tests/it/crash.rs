//! `kill -9` under load: nothing that was answered is lost, nothing is posted twice.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::business::{Chance, business};
use crate::process::Place;

const ROUNDS: usize = 20;
const SENDERS: usize = 8;

#[test]
fn what_was_answered_survives_a_kill_and_the_ledger_verifies() {
    let place = Place::new();
    let mut chance = Chance::new(20_261_122);
    let answered: Mutex<BTreeSet<String>> = Mutex::default();
    let mut sent = 0;
    for round in 0..ROUNDS {
        let mut server = place.serve();
        // Fresh customers each round, told in a random order.
        let mut events: Vec<(String, String)> = (0..60)
            .flat_map(|seed| {
                let rename = |text: &str| text.replace("cus_", &format!("cus_{round}_{seed}_"))
                    .replace("sub_", &format!("sub_{round}_{seed}_"))
                    .replace("evt_", &format!("evt_{round}_{seed}_"));
                let told = business(seed + 1_000 * u64::try_from(round).unwrap(), false);
                told.into_iter().map(move |event| (rename(&event.id), rename(&event.body))).collect::<Vec<_>>()
            })
            .collect();
        chance.shuffle(&mut events);
        let next = AtomicUsize::new(0);
        let is_dead = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..SENDERS {
                scope.spawn(|| {
                    let Some(mut connection) = server_connection(&server.address) else { return };
                    while !is_dead.load(Ordering::Relaxed) {
                        let Some((id, body)) = events.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
                        let Some(answer) = connection.deliver(body.as_bytes()) else { return };
                        if answer.status == 200 {
                            answered.lock().unwrap().insert(id.clone());
                        }
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(20 + u64::try_from(chance.below(200)).unwrap()));
            let pid = server.pid();
            kill(pid);
            is_dead.store(true, Ordering::Relaxed);
        });
        server.kill();
        sent += next.load(Ordering::Relaxed).min(events.len());
    }
    let answered = answered.into_inner().unwrap();
    assert!(answered.len() > ROUNDS * 10, "only {} of {sent} were answered: no load to speak of", answered.len());
    let _server = place.serve();
    place.output(&["status", "--wait", "--timeout", "120s"]);
    let stored = place.stored();
    let lost: Vec<&String> = answered.iter().filter(|id| !stored.contains(*id)).collect();
    assert!(lost.is_empty(), "answered 200 and not in the inbox: {lost:?}");
    place.output(&["verify"]);
}

fn server_connection(address: &str) -> Option<crate::process::Connection> {
    crate::process::Connection::to(address)
}

fn kill(pid: u32) {
    let status = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
    assert!(status.success());
}
