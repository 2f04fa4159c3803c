//! The server of PostgreSQL: killed, stopped, started again. It has a cluster of its own, that waits for its disk.

use std::path::PathBuf;
use std::process::Command;

use crate::business::Chance;
use crate::load::Load;
use crate::process::Place;

/// A cluster that may be killed.
struct Cluster {
    directory: tempfile::TempDir,
    url: String,
}

impl Cluster {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        // The server of PostgreSQL does not run as root, and has to get to its directory.
        let opened = Command::new("chmod").arg("755").arg(directory.path()).status().unwrap();
        assert!(opened.success());
        let mut cluster = Self { directory, url: String::new() };
        cluster.url = cluster.order(&["start"], &["durable"]).trim().to_owned();
        cluster
    }

    fn order(&self, order: &[&str], more: &[&str]) -> String {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cluster");
        let at = self.directory.path().join("postgres");
        let output = Command::new(script).args(order).arg(at).args(more).output().unwrap();
        assert!(output.status.success(), "{order:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.order(&["stop"], &[]);
    }
}

#[test]
fn a_database_that_is_killed_or_restarted_under_load_has_every_event_that_was_answered() {
    let cluster = Cluster::start();
    let place = Place::at(&cluster.url);
    let server = place.serve();
    let load = Load::of(64_000, 8);
    let mut chance = Chance::new(64);
    load.send(&server, |load| {
        for from in [10, 40] {
            load.reaches(from + chance.below(30));
            cluster.order(&["kill"], &[]);
            cluster.order(&["again"], &[]);
        }
        load.reaches(80);
        cluster.order(&["restart"], &[]);
    });
    load.has_arrived(&place);
}
