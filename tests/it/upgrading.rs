//! Upgrading: a store that an older version kept is brought up to date and says what it said; one that a newer version
//! keeps is refused.

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Database};
use serde_json::Value;

use crate::process::{Place, assert_same, rows, stories_config, story};
use crate::store::{bytes, execute, is_postgres};

/// How many migrations there were when the store of `fixtures/stores/` was kept.
const MIGRATIONS: u32 = 11;
/// Its rows, with `⟨⟩` around bytes, and the movements that the upswell of that day told of it.
const ROWS: &str = include_str!("../../fixtures/stores/0.1.0.sql");
const MOVEMENTS: &str = include_str!("../../fixtures/stores/0.1.0.ndjson");
/// The stories that it was fed before it closed its months up to March 2026, and one that came then and waits in it to be
/// settled.
const FED: [&str; 7] = [
    "a-customer-in-euros",
    "a-trial-that-pays-leaves-and-returns",
    "cancelled-while-paused",
    "delivered-out-of-order",
    "discounts-come-and-go",
    "seats-and-tier-in-one-change",
    "usage-on-newer-invoices",
];
const WAITS: &str = "the-price-goes-up";
const CLOSED: &str = "2026-03";
const RATES: &str = "date,from,to,rate\n2026-03-31,eur,usd,1.0856\n2026-10-30,eur,usd,1.1\n";

/// What PostgreSQL does not see of rows that bring their numbers: from where it goes on.
const NUMBERS_GO_ON: &str = "DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT table_name AS t, column_name AS c FROM information_schema.columns
        WHERE identity_generation = 'BY DEFAULT'
    LOOP
        EXECUTE format('SELECT setval(pg_get_serial_sequence(%L, %L), (SELECT COALESCE(MAX(%I), 0) + 1 FROM %I), false)',
            one.t, one.c, one.c, one.t);
    END LOOP; END $$";

/// A place with the store of the older version.
fn kept_by_an_older_version() -> Place {
    let place = Place::unmigrated().with("UPSWELL_CONFIG", &stories_config());
    let (before, rows) = ROWS.split_once('⟨').unwrap();
    let parts = rows.split('⟨').map(|part| part.split_once('⟩').unwrap());
    let rows: String = parts.map(|(hex, rest)| bytes(hex) + rest).collect();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = Database::connect(place.url()).await.unwrap();
        Migrator::up(&store, Some(MIGRATIONS)).await.unwrap();
        store.execute_unprepared(&(before.to_owned() + &rows)).await.unwrap();
        if is_postgres() {
            store.execute_unprepared(NUMBERS_GO_ON).await.unwrap();
        }
        store.close().await.unwrap();
    });
    place
}

/// A place where this version was told the same, in the same order.
fn kept_by_this_version() -> Place {
    let place = Place::new().with("UPSWELL_CONFIG", &stories_config());
    let feed = |events: Vec<String>| {
        place.write("events.ndjson", events.join("\n"));
        place.output(&["backfill", "events.ndjson"]);
    };
    FED.iter().for_each(|name| feed(story(name)));
    place.write("rates.csv", RATES);
    place.output(&["fx", "rates.csv"]);
    place.output(&["close", CLOSED]);
    feed(story(WAITS));
    place
}

#[test]
fn a_store_of_an_older_version_says_what_it_said_and_goes_on_as_if_it_had_always_been_this_one_s() {
    let place = kept_by_an_older_version();
    let said = String::from_utf8(place.run(&["migrate"]).stderr).unwrap();
    let newer = Migrator::migrations().len() - usize::try_from(MIGRATIONS).unwrap();
    assert!(newer > 0 && said.contains(&format!("{newer} migrations applied")), "{said}");
    // Nothing is derived anew yet: what the older one posted is read, proved, and the same.
    let mut told = rows(MOVEMENTS);
    for row in &mut told {
        row.as_object_mut().unwrap().retain(|name, _| name != "seq" && name != "recorded_at");
    }
    told.sort_by_key(ToString::to_string);
    assert_same(&place.movements(), &told, "as the older version told them");
    place.output(&["verify"]);
    // A server settles what waits, and derives anew what the older one settled.
    place.receive(&[]);
    place.output(&["verify"]);
    let ours = kept_by_this_version();
    assert_same(&place.movements(), &ours.movements(), "as this version makes them");
    for month in ["2025-10", CLOSED, "2026-10"] {
        for more in [&[][..], &["--restated"]] {
            assert_eq!(report(&place, month, more), report(&ours, month, more), "{month} {more:?}");
        }
    }
}

/// A month's figures; when it was closed, which its digest covers, is each store's own.
fn report(place: &Place, month: &str, more: &[&str]) -> Value {
    let asked = ["report", "--book", "live", "--month", month, "--format", "json"];
    let mut report: Value = serde_json::from_str(&place.output(&[&asked, more].concat())).unwrap();
    report.as_object_mut().unwrap().remove("closing");
    report
}

#[test]
fn a_store_that_a_newer_version_brought_up_to_date_is_refused_with_the_remedy() {
    let place = Place::new();
    place.output(&["migrate"]);
    let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_of_a_newer_version', 0)";
    execute(&place.url(), newer).unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    for command in [&serve[..], &["migrate"], &["report"], &["verify"], &["status"], &["doctor"]] {
        let refused = place.run(command);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{command:?}: {said}");
        for word in ["newer upswell", "run that version", "restore a backup", "m9999_of_a_newer_version"] {
            assert!(said.contains(word), "{command:?}: {said}");
        }
    }
    execute(&place.url(), "DELETE FROM seaql_migrations WHERE version = 'm9999_of_a_newer_version'").unwrap();
    place.output(&["verify"]);
}

#[test]
fn a_server_whose_store_a_newer_version_brings_up_to_date_says_so_and_the_remedy() {
    let place = Place::new();
    let server = place.serve();
    let ready = || server.connect().unwrap().get("/readyz", "").unwrap();
    assert_eq!(ready().status, 200);
    let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_of_a_newer_version', 0)";
    execute(&place.url(), newer).unwrap();
    // The store is asked once a second.
    let answer = loop {
        let answer = ready();
        if answer.status != 200 {
            break answer;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    };
    assert_eq!(answer.status, 503);
    for word in ["\"schema_newer\"", "a newer upswell", "update this one"] {
        assert!(answer.body.contains(word), "{}", answer.body);
    }
    execute(&place.url(), "DELETE FROM seaql_migrations WHERE version = 'm9999_of_a_newer_version'").unwrap();
}
