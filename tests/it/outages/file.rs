//! A file of SQLite that was damaged.

use std::os::unix::fs::FileExt;

use crate::business::Chance;
use crate::process::{Place, stories, stories_config};

const A_PAGE: usize = 4_096;
const PAGES: usize = 12;

#[test]
fn a_page_that_is_damaged_is_found_by_doctor_wherever_it_is() {
    let place = Place::on_sqlite().with("UPSWELL_CONFIG", &stories_config());
    place.write("stories.ndjson", stories().join("\n"));
    place.output(&["backfill", "stories.ndjson"]);
    assert!(doctor(&place).0 < 2);
    let file = std::fs::File::options().read(true).write(true).open(place.path("upswell.db")).unwrap();
    let pages = usize::try_from(file.metadata().unwrap().len()).unwrap() / A_PAGE;
    let mut chance = Chance::new(67);
    let mut there = [0; A_PAGE];
    for page in std::iter::once(0).chain((0..PAGES).map(|_| 1 + chance.below(pages - 1))) {
        let at = u64::try_from(page * A_PAGE).unwrap();
        file.read_exact_at(&mut there, at).unwrap();
        file.write_all_at(&[0xa5; A_PAGE], at).unwrap();
        let (code, said) = doctor(&place);
        assert!(
            code != 0 && said.contains("damaged") && said.contains("restore a backup"),
            "page {page}: {said}"
        );
        file.write_all_at(&there, at).unwrap();
    }
    assert!(doctor(&place).0 < 2, "as it was");
    place.output(&["verify"]);
}

/// The code it ends with, and what it says.
fn doctor(place: &Place) -> (i32, String) {
    let output = place.run(&["doctor"]);
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().unwrap(), said)
}
