//! The stories by every road through the binary: webhooks, files of every form, half and half.

use std::collections::BTreeMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::process::{Place, assert_same, stories, stories_config};

fn place() -> Place {
    Place::new().with("UPSWELL_CONFIG", &stories_config())
}

/// What events make when all of them come by webhook.
fn by_webhook(events: &[String]) -> (Place, Vec<Value>) {
    let place = place();
    place.receive(events);
    let movements = place.movements();
    assert!(movements.len() > events.len() / 2, "{} movements", movements.len());
    assert_digests(&movements);
    (place, comparable(movements))
}

fn pretty(event: &str) -> String {
    serde_json::to_string_pretty(&serde_json::from_str::<Value>(event).unwrap()).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What a backfill says of its rows.
fn counted(name: &str, rows: usize, known: usize) -> String {
    format!("{name}: {rows} rows read, {} accepted, {known} already known\n", rows - known)
}

/// Every form of a file of events, by the name it goes under. Names say nothing about forms.
fn forms(events: &[String]) -> Vec<(&'static str, Vec<u8>)> {
    let lines = events.join("\n").into_bytes();
    let array = format!("[{}]", events.join(",\n"));
    let values: Vec<Value> = events.iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    let page = json!({"object": "list", "url": "/v1/events", "has_more": false, "data": values});
    let concatenated: Vec<String> = events.iter().map(|event| pretty(event)).collect();
    vec![
        ("lines.txt", lines.clone()),
        ("lines.gz", gzip(&lines)),
        ("lines.zst", zstd::encode_all(&lines[..], 1).unwrap()),
        ("array.json", array.into_bytes()),
        ("page.json", serde_json::to_vec_pretty(&page).unwrap()),
        ("concatenated.json", concatenated.join("\n").into_bytes()),
    ]
}

/// Movements as they are by whatever road: only a pretty-printed copy of an event has another digest.
fn comparable(mut movements: Vec<Value>) -> Vec<Value> {
    for movement in &mut movements {
        movement["evidence"].as_object_mut().unwrap().remove("sha256").unwrap();
    }
    movements.sort_by_key(ToString::to_string);
    movements
}

/// Whether each movement names the digest of the bytes that its event came with.
fn assert_digests(movements: &[Value]) {
    let events = stories();
    let digests = events.iter().map(|event| {
        let id = serde_json::from_str::<Value>(event).unwrap()["id"].as_str().unwrap().to_owned();
        (id, hex::encode(Sha256::digest(event)))
    });
    let digests: BTreeMap<String, String> = digests.collect();
    for movement in movements {
        let evidence = &movement["evidence"];
        assert_eq!(evidence["sha256"], *digests[evidence["event"].as_str().unwrap()], "{movement}");
    }
}

#[test]
fn files_of_every_form_make_the_ledger_that_webhooks_make() {
    let events = &stories()[..100];
    let expected = by_webhook(events).1;
    for (name, bytes) in forms(events) {
        let place = place();
        place.write(name, &bytes);
        let told = place.output(&["backfill", name]);
        assert!(told.starts_with(&counted(name, events.len(), 0)), "{told}");
        if name.starts_with("lines") || name.starts_with("array") {
            assert_digests(&place.movements());
        }
        assert_same(&comparable(place.movements()), &expected, name);
    }
}

#[test]
fn standard_input_is_a_file_like_any() {
    let (_, expected) = by_webhook(&stories());
    let place = place();
    let output = place.fed(&["backfill", "-"], &gzip(stories().join("\n").as_bytes()));
    assert_eq!(output.status.code(), Some(0));
    let told = String::from_utf8(output.stdout).unwrap();
    // One event of the stories is delivered twice.
    assert!(told.starts_with(&counted("standard input", stories().len(), 1)), "{told}");
    assert_same(&comparable(place.movements()), &expected, "other movements");
}

#[test]
fn half_by_webhook_and_half_by_backfill_make_the_same_ledger() {
    let (_, expected) = by_webhook(&stories());
    let events = stories();
    let (older, newer) = events.split_at(events.len() / 2);
    for (delivered, filed) in [(newer, older), (older, newer)] {
        let place = place();
        place.receive(delivered);
        place.write("rest.ndjson", filed.join("\n"));
        place.output(&["backfill", "rest.ndjson"]);
        assert_same(&comparable(place.movements()), &expected, "other movements");
        place.output(&["verify"]);
    }
}

#[test]
fn a_file_goes_in_beside_a_running_server() {
    let (_, expected) = by_webhook(&stories());
    let events = stories();
    let place = place();
    let server = place.serve();
    place.write("older.ndjson", events[..150].join("\n"));
    let mut backfill = place.start(&["backfill", "older.ndjson"]);
    let mut connection = server.connect().unwrap();
    for event in &events[100..] {
        assert_eq!(connection.deliver(event.as_bytes()).unwrap().status, 200);
    }
    assert!(backfill.wait().unwrap().success());
    place.output(&["status", "--wait"]);
    assert_same(&comparable(place.movements()), &expected, "other movements");
    place.output(&["verify"]);
}

#[test]
fn a_backfill_of_what_came_by_webhook_posts_nothing() {
    let (place, expected) = by_webhook(&stories());
    let seqs = place.output(&["movements", "--all", "--format", "ndjson"]);
    // Printed otherwise, the same event is still the same.
    let events: Vec<String> = stories().iter().map(|event| pretty(event)).collect();
    place.write("again.json", events.join("\n"));
    let told = place.output(&["backfill", "again.json"]);
    assert!(told.starts_with(&counted("again.json", events.len(), events.len())), "{told}");
    assert!(told.contains("movements posted 0, taken back 0"), "{told}");
    assert_same(&comparable(place.movements()), &expected, "other movements");
    assert_eq!(place.output(&["movements", "--all", "--format", "ndjson"]), seqs);
    place.receive(&stories()[..20]);
    assert_eq!(place.output(&["movements", "--all", "--format", "ndjson"]), seqs);
}
