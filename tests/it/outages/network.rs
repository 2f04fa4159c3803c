//! The network to PostgreSQL.

use std::time::Duration;

use super::relay::Relay;
use crate::load::Load;
use crate::process::Place;
use crate::store::{database, number};

/// A place whose database is reached by a network that can break.
fn beyond() -> (Place, Relay) {
    let url = database("upswell_template").url;
    let relay = Relay::to(&url);
    (Place::at(&relay.url(&url)), relay)
}

#[test]
fn a_network_that_is_cut_again_and_again_costs_503_and_no_event() {
    let (place, relay) = beyond();
    let server = place.serve();
    let load = Load::of(60_000, 8);
    load.send(&server, |load| {
        for hundredths in [20, 50, 80] {
            load.reaches(hundredths);
            relay.is_cut();
            load.is_refused(16);
            relay.heals();
        }
    });
    load.has_arrived(&place);
}

#[test]
fn a_network_that_breaks_off_without_a_word_is_given_up_and_the_server_goes_on_by_other_connections() {
    let (place, relay) = beyond();
    let place = place.with("UPSWELL_STORE_SECONDS", "1");
    let server = place.serve();
    let load = Load::of(61_000, 6);
    load.send(&server, |load| {
        load.reaches(40);
        relay.falls_silent();
        load.is_refused(12);
        relay.forgets_its_connections();
    });
    assert!(load.slowest() < Duration::from_secs(10), "an answer took {:?}", load.slowest());
    load.has_arrived(&place);
    let (ended, said) = server.stop();
    assert!(ended.success(), "{said}");
    assert!(said.contains("UPSWELL_STORE_SECONDS") || said.contains("commit failed"), "{said}");
}

#[test]
fn a_network_that_only_stops_for_a_while_loses_nothing_and_counts_nothing_twice() {
    let (place, relay) = beyond();
    let place = place.with("UPSWELL_STORE_SECONDS", "1");
    let server = place.serve();
    let load = Load::of(62_000, 6);
    load.send(&server, |load| {
        load.reaches(30);
        relay.falls_silent();
        load.is_refused(8);
        // What was given up arrives now, commits among it.
        relay.heals();
    });
    load.has_arrived(&place);
}

#[test]
fn a_slow_database_is_waited_for_and_deliveries_share_its_commits() {
    let (place, relay) = beyond();
    let server = place.serve();
    let load = Load::of(63_000, 2).at_most(120);
    relay.slows_down(Duration::from_millis(15));
    load.send(&server, |_| {});
    relay.heals();
    load.has_arrived(&place);
    // Eight senders at once: what comes while one commit is under way is in the next one.
    let commits = number(&place.url(), "SELECT COUNT(DISTINCT xmin::text) FROM inbox");
    assert!((1..=60).contains(&commits), "120 deliveries in {commits} commits");
}
