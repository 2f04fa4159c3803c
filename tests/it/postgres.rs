//! What PostgreSQL adds: several servers on one database, connections that are proved, roles that can do their work
//! and nothing else. These tests ask the cluster that `./test` starts, whatever store the others are about.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::business::{Chance, business};
use crate::process::{Connection, Place, Server, assert_same, stories, stories_config};
use crate::store::{cluster, database, execute};

const SERVERS: usize = 4;
const SENDERS: usize = 8;
const BUSINESSES: u64 = 10;
/// How often each event is sent.
const TIMES: usize = 3;
const ROLES: &str = include_str!("../../deploy/postgresql/roles.sql");

fn events() -> Vec<(String, String)> {
    let mut events = Vec::new();
    for seed in 0..BUSINESSES {
        let named = |text: &str| {
            ["cus_", "sub_", "evt_"]
                .iter()
                .fold(text.to_owned(), |text, prefix| text.replace(prefix, &format!("{prefix}{seed}_")))
        };
        let told = business(seed + 40_000, false).into_iter().filter(|event| !event.is_listed);
        events.extend(told.map(|event| (named(&event.id), named(&event.body))));
    }
    events
}

/// Servers on one database, started at once; any of them may be killed and started again.
struct Servers {
    places: Vec<Place>,
    running: Vec<Mutex<Server>>,
    addresses: Mutex<Vec<String>>,
}

impl Servers {
    fn start(url: &str) -> Self {
        let places: Vec<Place> = (0..SERVERS).map(|_| Place::at(url)).collect();
        let running: Vec<Server> = std::thread::scope(|scope| {
            let started: Vec<_> = places.iter().map(|place| scope.spawn(|| place.serve())).collect();
            started.into_iter().map(|server| server.join().unwrap()).collect()
        });
        let addresses = running.iter().map(|server| server.address.clone()).collect();
        Self {
            places,
            running: running.into_iter().map(Mutex::new).collect(),
            addresses: Mutex::new(addresses),
        }
    }

    fn address(&self, number: usize) -> String {
        self.addresses.lock().unwrap()[number].clone()
    }

    fn kill_and_start_again(&self, number: usize) {
        let mut server = self.running[number].lock().unwrap();
        server.kill();
        *server = self.places[number].serve();
        self.addresses.lock().unwrap()[number] = server.address.clone();
    }

    /// Delivers as Stripe does: to one of them, and again to another if there is no answer of 200.
    fn deliver(&self, body: &str, chance: &mut Chance) {
        for _ in 0..100 {
            let number = chance.below(SERVERS);
            let answer = Connection::to(&self.address(number))
                .and_then(|mut connection| connection.deliver(body.as_bytes()));
            match answer {
                Some(answer) if answer.status == 200 => return,
                Some(answer) => assert_eq!(answer.status, 503, "{}", answer.body),
                None => std::thread::sleep(std::time::Duration::from_millis(20)),
            }
        }
        panic!("no server took a delivery");
    }
}

#[test]
fn four_servers_on_one_database_lose_nothing_post_nothing_twice_and_agree_with_one() {
    let events = events();
    let empty = database("template0");
    let servers = Servers::start(&empty.url);
    let mut sent: Vec<usize> = (0..events.len() * TIMES).map(|number| number % events.len()).collect();
    Chance::new(7).shuffle(&mut sent);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for sender in 0..SENDERS as u64 {
            let (servers, sent, events, next) = (&servers, &sent, &events, &next);
            scope.spawn(move || {
                let mut chance = Chance::new(sender);
                while let Some(event) = sent.get(next.fetch_add(1, Ordering::Relaxed)) {
                    servers.deliver(&events[*event].1, &mut chance);
                }
            });
        }
        for number in 0..2 {
            let reached = |part: usize| next.load(Ordering::Relaxed) * 3 > sent.len() * part;
            while !reached(number + 1) {
                std::thread::yield_now();
            }
            servers.kill_and_start_again(number);
        }
    });
    let place = &servers.places[0];
    place.output(&["status", "--wait", "--timeout", "120s"]);
    let all: BTreeSet<String> = events.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(place.stored(), all);
    let told = place.output(&["status", "--format", "json"]);
    assert!(told.contains(&format!(r#""stored":{}"#, all.len())), "{told}");
    place.output(&["verify"]);
    let directory = tempfile::tempdir().unwrap();
    let alone = Place::at(&format!("sqlite://{}?mode=rwc", directory.path().join("upswell.db").display()));
    alone.receive(&events.iter().map(|(_, body)| body.clone()).collect::<Vec<_>>());
    assert_same(&place.movements(), &alone.movements(), "four servers and one");
    let dense = "DO $$ BEGIN ASSERT (SELECT MAX(seq) = COUNT(*) FROM inbox), 'gaps in the inbox'; END $$";
    execute(&empty.url, dense).unwrap();
}

/// Runs a program that comes with the cluster's server.
fn run(program: &str, arguments: &[&str]) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster");
    let found = Command::new(script).arg("binaries").output().unwrap();
    let binaries = String::from_utf8(found.stdout).unwrap();
    let output = Command::new(Path::new(binaries.trim()).join(program)).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

fn deliver(place: &Place, server: &Server, events: &[(String, String)]) {
    let mut connection = server.connect().unwrap();
    for (_, body) in events {
        assert_eq!(connection.deliver(body.as_bytes()).unwrap().status, 200);
    }
    place.output(&["status", "--wait", "--timeout", "60s"]);
}

#[test]
fn a_dump_is_restored_into_a_new_database_to_the_figures_that_it_was_made_of() {
    let place = Place::at(&database("upswell_template").url);
    let figures = |place: &Place| {
        let report = place.output(&["report", "--book", "live", "--month", "2026-10", "--format", "json"]);
        (report, place.movements())
    };
    let mut events = events();
    events.truncate(240);
    let (before, after) = events.split_at(160);
    let server = place.serve();
    deliver(&place, &server, before);
    let dumped = figures(&place);
    let dump = place.path("upswell.dump").display().to_string();
    run("pg_dump", &["--format=custom", "--file", &dump, &place.url()]);
    deliver(&place, &server, after);
    assert_ne!(figures(&place), dumped);
    let restored = Place::at(&database("template0").url);
    run("pg_restore", &["--no-owner", "--exit-on-error", "--dbname", &restored.url(), &dump]);
    restored.output(&["verify"]);
    assert_eq!(figures(&restored), dumped);
    // It serves: what the dump lacks comes again, with what it has.
    deliver(&restored, &restored.serve(), &events);
    assert_same(&restored.movements(), &place.movements(), "restored and delivered again");
    restored.output(&["verify"]);
}

#[test]
fn a_backup_is_whole_in_whatever_order_the_rows_lie() {
    let place = Place::at(&database("upswell_template").url).with("UPSWELL_CONFIG", &stories_config());
    let stories = stories();
    let (earlier, later) = stories.split_at(stories.len() / 2);
    for events in [later, earlier] {
        place.write("events.ndjson", events.join("\n"));
        place.output(&["backfill", "events.ndjson"]);
    }
    // What reverses a posting lies before it now.
    let backwards = "DO $$ BEGIN ASSERT (SELECT COUNT(reverses) > 0 FROM posting), 'nothing was reversed'; END $$; \
                     CREATE INDEX backwards ON posting (seq DESC); CLUSTER posting USING backwards";
    execute(&place.url(), backwards).unwrap();
    let backup = place.path("backup.db").display().to_string();
    place.output(&["backup", &backup]);
    let copy = Place::at(&format!("sqlite://{backup}")).with("UPSWELL_CONFIG", &stories_config());
    copy.output(&["verify"]);
    assert_eq!(copy.movements(), place.movements());
}

#[test]
fn a_database_that_is_away_costs_503_and_nothing_that_was_answered() {
    let of_test = database("upswell_template");
    let place = Place::at(&of_test.url);
    let server = place.serve();
    let events = events();
    let mut connection = server.connect().unwrap();
    assert_eq!(connection.deliver(events[0].1.as_bytes()).unwrap().status, 200);
    let away = format!(
        "ALTER DATABASE {0} ALLOW_CONNECTIONS false; \
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{0}'",
        of_test.name
    );
    execute(&cluster(), &away).unwrap();
    let refused = connection.deliver(events[1].1.as_bytes()).unwrap();
    assert_eq!(refused.status, 503, "{}", refused.body);
    execute(&cluster(), &format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", of_test.name)).unwrap();
    assert_eq!(connection.deliver(events[1].1.as_bytes()).unwrap().status, 200);
    place.output(&["status", "--wait", "--timeout", "60s"]);
    assert_eq!(place.stored().len(), 2);
    place.output(&["verify"]);
}

/// Without statistics, all of a book would be read to find a few customers in it, until the server makes some by itself.
#[test]
fn the_planner_soon_knows_the_tables_of_a_new_database() {
    let of_test = database("upswell_template");
    let left_alone = |table| format!("ALTER TABLE {table} SET (autovacuum_enabled = false)");
    for table in ["inbox", "fact"] {
        execute(&of_test.url, &left_alone(table)).unwrap();
    }
    let server = Place::at(&of_test.url).serve();
    let mut connection = server.connect().unwrap();
    let known = "DO $$ BEGIN ASSERT (SELECT COUNT(*) = 2 FROM pg_stats \
                 WHERE (tablename, attname) IN (('inbox', 'event_id'), ('fact', 'book'))), 'unknown'; END $$";
    let begun = std::time::Instant::now();
    for (_, body) in events().iter().cycle() {
        assert_eq!(connection.deliver(body.as_bytes()).unwrap().status, 200);
        if execute(&of_test.url, known).is_ok() {
            return;
        }
        assert!(begun.elapsed().as_secs() < 60, "no statistics in time");
    }
}

/// The cluster's URL as another user, to another database, with other options.
fn url_as(user: &str, host: &str, database: &str, options: &str) -> String {
    let cluster = cluster();
    let (_, rest) = cluster.split_once('@').unwrap();
    let port = rest.split(['/', ':']).nth(1).unwrap();
    format!("postgres://{user}@{host}:{port}/{database}?{options}")
}

/// A command that has to fail, for what it says.
fn refusal(place: &Place, arguments: &[&str]) -> String {
    let output = place.run(arguments);
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!output.status.success(), "{arguments:?}: {said}");
    said
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test is told by its runner")]
fn a_connection_can_be_encrypted_and_proved_and_a_password_is_never_said() {
    let authority = std::env::var("UPSWELL_TEST_POSTGRES_CA").expect("run ./test, which names the authority");
    let setup = ["DROP DATABASE IF EXISTS tls_only WITH (FORCE)", "CREATE DATABASE tls_only"];
    setup.iter().for_each(|sql| execute(&cluster(), sql).unwrap());
    let user = "DROP ROLE IF EXISTS tls_user; CREATE ROLE tls_user SUPERUSER LOGIN PASSWORD 'hunter2 @/'";
    execute(&cluster(), user).unwrap();
    let url = |host: &str, options: &str| url_as("tls_user:hunter2%20%40%2F", host, "tls_only", options);
    let proved = format!("sslmode=verify-full&sslrootcert={authority}");
    let place = Place::at(&url("localhost", &proved)).with("UPSWELL_LOG", "trace");
    place.output(&["migrate"]);
    place.output(&["verify"]);
    let other = Place::new();
    let no_authority = other.write("other.crt", include_str!("../../fixtures/README.md"));
    for (host, options, password) in [
        ("localhost", "sslmode=disable".to_owned(), "hunter2%20%40%2F"),
        ("127.0.0.1", proved.clone(), "hunter2%20%40%2F"),
        ("localhost", "sslmode=verify-full".to_owned(), "hunter2%20%40%2F"),
        ("localhost", format!("sslmode=verify-full&sslrootcert={no_authority}"), "hunter2%20%40%2F"),
        ("localhost", proved.clone(), "hunter2-wrong"),
    ] {
        let url = url_as(&format!("tls_user:{password}"), host, "tls_only", &options);
        let said = refusal(&Place::at(&url).with("UPSWELL_LOG", "trace"), &["verify"]);
        assert!(said.contains("DATABASE_URL"), "{options}: {said}");
        assert!(!said.contains("hunter2"), "{options}: {said}");
    }
}

#[test]
fn each_role_can_do_its_work_and_nothing_else() {
    let of_test = database("upswell_template");
    execute(&of_test.url, ROLES).unwrap();
    execute(&of_test.url, ROLES).unwrap();
    let member = |role: &str| {
        let user = format!("{role}_{}", of_test.name);
        execute(&of_test.url, &format!("CREATE ROLE {user} LOGIN IN ROLE upswell_{role}")).unwrap();
        let url = of_test.url.replace("upswell@", &format!("{user}@"));
        Place::at(&url)
    };
    let (receiver, keeper, reader) = (member("receiver"), member("keeper"), member("reader"));
    let events: Vec<String> = events().into_iter().map(|(_, body)| body).take(40).collect();
    let server = receiver.serve_with(&["--receive-only"]);
    let mut connection = server.connect().unwrap();
    for event in events.iter().chain(&events[..3]) {
        assert_eq!(connection.deliver(event.as_bytes()).unwrap().status, 200);
    }
    let other = events[0].replacen("\"created\":", "\"created\": 1", 1);
    assert_eq!(connection.deliver(other.as_bytes()).unwrap().status, 200, "kept aside");
    let metrics = connection.get("/metrics", "").unwrap();
    assert!(
        metrics.body.contains("upswell_store_up 1") && metrics.body.contains("stored"),
        "{}",
        metrics.body
    );
    assert!(reader.output(&["status", "--format", "json"]).contains(r#""settled":0"#));
    keeper.receive(&events[..1]);
    reader.output(&["verify"]);
    let lists =
        [&["report", "--month", "2026-10"][..], &["movements"], &["customers"], &["status"], &["policy"]];
    lists.iter().for_each(|arguments| drop(reader.output(arguments)));
    keeper.write("rates.csv", "date,from,to,rate\n2026-10-30,usd,eur,0.92\n");
    keeper.output(&["fx", "rates.csv"]);
    keeper.write("events.ndjson", events.join("\n"));
    keeper.output(&["backfill", "events.ndjson"]);
    keeper.output(&["close", "2026-01"]);
    for (place, refused) in [
        (
            &receiver,
            vec![
                "SELECT * FROM posting",
                "SELECT * FROM customer",
                "SELECT * FROM fact",
                "SELECT * FROM inbox",
                "INSERT INTO posting DEFAULT VALUES",
                "INSERT INTO claim (until) VALUES (1)",
                "DELETE FROM pending",
                "UPDATE pending SET run = 1",
                "UPDATE inbox SET book = ''",
                "DELETE FROM conflict",
                "TRUNCATE pending",
            ],
        ),
        (
            &reader,
            vec![
                "INSERT INTO pending VALUES (1, 1)",
                "UPDATE customer SET revision = 9",
                "DELETE FROM level",
                "TRUNCATE asks",
                "INSERT INTO compared DEFAULT VALUES",
                "INSERT INTO rules VALUES ('', '', 1)",
            ],
        ),
        (
            &keeper,
            vec![
                "UPDATE posting SET delta = 1",
                "DELETE FROM inbox",
                "UPDATE closing SET month = ''",
                "DELETE FROM rate",
                "DELETE FROM compared",
                "DELETE FROM closed_customer",
                "TRUNCATE posting",
                "DELETE FROM conflict",
                "DELETE FROM rules",
                "INSERT INTO seaql_migrations VALUES ('x', 1)",
                "DROP TABLE level",
                "ALTER TABLE posting DISABLE TRIGGER ALL",
            ],
        ),
    ] {
        for sql in refused.into_iter().chain(["CREATE TABLE mine (a int)"]) {
            let said = execute(&place.url(), sql).unwrap_err();
            assert!(said.contains("permission denied") || said.contains("must be owner"), "{sql}: {said}");
        }
    }
    assert!(refusal(&reader, &["fx", "rates.csv"]).contains("rates.csv"));
}

#[test]
fn what_is_only_added_to_is_refused_to_its_owner_too() {
    let of_test = database("upswell_template");
    for table in ["inbox", "conflict", "posting", "closing", "closed_customer", "rate", "compared"] {
        for sql in [
            format!("UPDATE {table} SET book = ''"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table} CASCADE"),
        ] {
            let sql = if table == "rate" { sql.replace("book", "date") } else { sql };
            let said = execute(&of_test.url, &sql).unwrap_err();
            assert!(said.contains("is append-only"), "{sql}: {said}");
        }
    }
}
