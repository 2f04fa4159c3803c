//! Another world for one process: a clock that is set, a disk that may only be read (`world.c`, preloaded).

use std::path::PathBuf;
use std::process::Command;

use crate::process::Place;

/// A place whose processes have a clock and a disk of their own.
pub struct World {
    pub place: Place,
    clock: PathBuf,
    read_only: PathBuf,
}

impl World {
    /// A place that is as it was, until something is done to its world.
    pub fn around(place: Place) -> Self {
        let (library, clock, read_only) =
            (place.path("world.so"), place.path("clock"), place.path("read_only"));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/outages/world.c");
        // The compiler that SQLite was built with.
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source);
        assert!(compiler.status().unwrap().success());
        let place = place
            .with("LD_PRELOAD", &library.display().to_string())
            .with("TEST_CLOCK", &clock.display().to_string())
            .with("TEST_READ_ONLY", &read_only.display().to_string());
        Self { place, clock, read_only }
    }

    /// Sets the clock so many seconds ahead.
    pub fn clock_is_ahead(&self, seconds: i64) {
        std::fs::write(&self.clock, seconds.to_string()).unwrap();
    }

    /// From now on the disk refuses every write.
    pub fn disk_is_read_only(&self) {
        std::fs::write(&self.read_only, "").unwrap();
    }

    /// It takes them again.
    pub fn disk_is_writable(&self) {
        std::fs::remove_file(&self.read_only).unwrap();
    }
}
