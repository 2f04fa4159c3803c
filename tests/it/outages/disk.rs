//! A disk that takes no more, or nothing at all.

use std::process::Command;

use super::world::World;
use crate::load::Load;
use crate::process::{Place, stories, stories_config};
use crate::store::{database, execute};

/// Bytes that a file may have: the schema has room, a thousand events have not.
const A_SMALL_DISK: u32 = 2 << 20;

#[test]
fn a_full_disk_under_a_file_costs_503_until_there_is_room_again() {
    let place = Place::on_sqlite();
    place.output(&["migrate"]);
    let server = place.serve_with_room(A_SMALL_DISK);
    let load = Load::of(65_000, 12);
    load.send(&server, |load| {
        load.is_refused(20);
        assert!(load.answered() > 0, "nothing was taken while there was room");
        let more = ["--fsize=unlimited:", "--pid", &server.pid().to_string()].map(str::to_owned);
        assert!(Command::new("prlimit").args(more).status().unwrap().success());
    });
    load.has_arrived(&place);
    assert!(place.run(&["doctor"]).status.code().is_some_and(|code| code < 2), "the file is whole");
}

#[test]
fn a_disk_that_may_only_be_read_from_now_on_costs_503_and_figures_are_still_there() {
    let world = World::around(Place::on_sqlite());
    let server = world.place.serve();
    let load = Load::of(69_000, 6);
    load.send(&server, |load| {
        load.reaches(40);
        world.disk_is_read_only();
        load.is_refused(20);
        for path in ["/healthz", "/api/v1/months", "/api/v1/movements"] {
            let answer = server.connect().unwrap().get(path, "").unwrap();
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        }
        world.disk_is_writable();
    });
    load.has_arrived(&world.place);
    assert!(world.place.run(&["doctor"]).status.code().is_some_and(|code| code < 2), "the file is whole");
}

#[test]
fn what_postgresql_can_t_write_costs_503_until_it_can() {
    // A full disk, a standby, a disk that fails: what the server says then.
    for code in ["53100", "25006", "58030"] {
        let url = database("upswell_template").url;
        let place = Place::at(&url);
        let server = place.serve();
        let load = Load::of(66_000, 3);
        let breaks = format!(
            "CREATE FUNCTION breaks() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'the disk is no good' USING ERRCODE = '{code}'; END $$; \
             CREATE TRIGGER inbox_breaks BEFORE INSERT ON inbox EXECUTE FUNCTION breaks(); \
             CREATE TRIGGER posting_breaks BEFORE INSERT ON posting EXECUTE FUNCTION breaks()"
        );
        load.send(&server, |load| {
            load.reaches(40);
            execute(&url, &breaks).unwrap();
            load.is_refused(16);
            execute(&url, "DROP FUNCTION breaks CASCADE").unwrap();
        });
        load.has_arrived(&place);
    }
}

#[test]
fn a_store_that_may_only_be_read_is_reported_and_proved_and_takes_nothing() {
    let place = Place::on_sqlite().with("UPSWELL_CONFIG", &stories_config());
    place.write("stories.ndjson", stories().join("\n"));
    place.output(&["backfill", "stories.ndjson"]);
    let report = place.output(&["report", "--month", "2026-10", "--format", "json"]);
    let read_only = place.at_url(|url| url.replace("mode=rwc", "mode=ro"));
    assert_eq!(read_only.output(&["report", "--month", "2026-10", "--format", "json"]), report);
    read_only.output(&["verify"]);
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["backfill", "stories.ndjson"]] {
        let refused = read_only.run(command);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success(), "{command:?}");
        assert!(said.contains("may only be read") && said.contains("DATABASE_URL"), "{command:?}: {said}");
    }
}
