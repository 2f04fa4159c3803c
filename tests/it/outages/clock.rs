//! A clock that is set while the server runs.

use crate::load::Load;
use crate::process::Place;
use crate::store::database;

/// The library that lets a process see another time, where `./test` found or installed it.
#[expect(clippy::disallowed_methods, reason = "a test is told by its runner")]
fn other_clock() -> Option<String> {
    std::env::var("UPSWELL_TEST_FAKETIME").ok().filter(|library| !library.is_empty())
}

#[test]
fn a_clock_that_is_set_forth_and_back_loses_no_event_and_the_ledger_is_proved() {
    let Some(library) = other_clock() else {
        eprintln!("left out: there is no libfaketime (./test names it in UPSWELL_TEST_FAKETIME)");
        return;
    };
    for place in [Place::on_sqlite(), Place::at(&database("upswell_template").url)] {
        place.write("clock", "+0");
        let hand = place.path("clock").display().to_string();
        let place = place
            .with("LD_PRELOAD", &library)
            .with("FAKETIME_TIMESTAMP_FILE", &hand)
            .with("FAKETIME_NO_CACHE", "1")
            .with("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        let server = place.serve();
        let load = Load::of(68_000, 6);
        load.send(&server, |load| {
            load.reaches(25);
            // A year ahead every signature is too old: refused, and sent again.
            place.write("clock", "+370d");
            load.is_refused(16);
            // A day behind they are signed in the future, which is warned of.
            place.write("clock", "-1d");
            load.reaches(60);
            place.write("clock", "+200s");
            load.reaches(80);
            place.write("clock", "+0");
        });
        load.has_arrived(&place);
        let (ended, said) = server.stop();
        assert!(ended.success() && said.contains("check the clock"), "{said}");
    }
}
