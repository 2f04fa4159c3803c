//! A clock that is set while the server runs.

use super::world::World;
use crate::load::Load;
use crate::process::Place;
use crate::store::database;

const A_DAY: i64 = 86_400;

#[test]
fn a_clock_that_is_set_forth_and_back_loses_no_event_and_the_ledger_is_proved() {
    for place in [Place::on_sqlite(), Place::at(&database("upswell_template").url)] {
        let world = World::around(place);
        let server = world.place.serve();
        let load = Load::of(68_000, 6);
        load.send(&server, |load| {
            load.reaches(25);
            // A year ahead every signature is too old: refused, and sent again.
            world.clock_is_ahead(370 * A_DAY);
            load.is_refused(16);
            // A day behind they are signed in the future, which is warned of.
            world.clock_is_ahead(-A_DAY);
            load.reaches(60);
            world.clock_is_ahead(200);
            load.reaches(80);
            world.clock_is_ahead(0);
        });
        load.has_arrived(&world.place);
        let (ended, said) = server.stop();
        assert!(ended.success() && said.contains("check the clock"), "{said}");
    }
}
