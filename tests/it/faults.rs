//! What goes wrong is found and told: rows changed from outside, files that can't be read, rows that
//! can't be used.

use serde_json::{Value, json};

use crate::explain::{BEGINS, DAY, event, price, subscription};
use crate::process::{Place, rows, stories, stories_config};
use crate::store::{bytes, execute, is_postgres, number, unlock};

/// A place where the stories have been backfilled.
fn told() -> Place {
    let place = Place::new().with("UPSWELL_CONFIG", &stories_config());
    place.write("stories.ndjson", stories().join("\n"));
    place.output(&["backfill", "stories.ndjson"]);
    place
}

/// Runs SQL on the store behind upswell's back; what the store said if it refused.
fn meddle(place: &Place, sql: &str) -> Result<(), String> {
    execute(&place.url(), sql)
}

/// `upswell verify` that has to fail, for what it says.
fn not_proved(place: &Place) -> String {
    let output = place.run(&["verify"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}{}", String::from_utf8_lossy(&output.stdout));
    said
}

#[test]
fn the_store_itself_refuses_to_change_what_was_written() {
    let place = told();
    for table in ["inbox", "posting", "conflict"] {
        let zero = bytes("00");
        let fill = format!(
            "INSERT INTO conflict (book, event_id, kind, created, livemode, sha256, received_at, source, body) \
             VALUES ('live', 'evt_x', 'x', 1, 1, {zero}, 1, 'webhook', {zero})"
        );
        if table == "conflict" {
            meddle(&place, &fill).unwrap();
        }
        for sql in [format!("UPDATE {table} SET book = 'other'"), format!("DELETE FROM {table}")] {
            let refusal = meddle(&place, &sql).unwrap_err();
            assert!(refusal.contains("is append-only"), "{sql}: {refusal}");
        }
    }
    place.output(&["verify"]);
}

#[test]
fn a_ledger_is_proved_by_the_rules_it_was_made_by_and_made_anew_by_others() {
    let place = told();
    let made = place.movements();
    let config = place.write("other.toml", "[policy]\ndiscounts = \"none\"\n");
    let place = place.with("UPSWELL_CONFIG", &config).with("UPSWELL_TIMEZONE", "Asia/Tokyo");
    place.output(&["verify"]);
    assert_eq!(place.movements(), made);
    // The next run of the worker adopts them.
    place.write("nothing.ndjson", "");
    place.output(&["backfill", "nothing.ndjson"]);
    assert_ne!(place.movements(), made);
    place.output(&["verify"]);
}

#[test]
fn a_posting_changed_from_outside_is_found_with_its_customer() {
    let place = told();
    let row = "FROM posting WHERE customer = 'cus_Rowan' AND kind = 'seat' LIMIT 1";
    meddle(&place, &format!("CREATE TABLE kept AS SELECT * {row}; {}", unlock("posting", "update"))).unwrap();
    let changes = [
        "delta = delta + 1000000",
        "customer_mrr_after = customer_mrr_after + 1",
        "quantity_after = 99",
        "price_after = 'price_other'",
        "kind = 'upsell'",
        "cause = 'tier'",
        "currency = 'eur'",
        "effective_at = effective_at - 1",
        "month = '2026-09'",
        "event = 'evt_other'",
        "sha256 = 'other'",
    ];
    for change in changes {
        let (column, _) = change.split_once(" = ").unwrap();
        let only = "WHERE seq = (SELECT seq FROM kept)";
        meddle(&place, &format!("UPDATE posting SET {change} {only}")).unwrap();
        let said = not_proved(&place);
        assert!(said.contains("cus_Rowan") && said.contains("book live"), "{change}: {said}");
        assert!(said.contains("upswell explain cus_Rowan"), "{said}");
        meddle(&place, &format!("UPDATE posting SET {column} = (SELECT {column} FROM kept) {only}")).unwrap();
    }
    place.output(&["verify"]);
}

#[test]
fn a_posting_that_is_gone_or_was_put_in_is_found_with_its_customer() {
    let place = told();
    let sql = format!(
        "{}; DELETE FROM posting WHERE seq = (SELECT MAX(seq) FROM posting WHERE customer = 'cus_Sorrel')",
        unlock("posting", "delete")
    );
    meddle(&place, &sql).unwrap();
    assert!(not_proved(&place).contains("cus_Sorrel"));
}

#[test]
fn a_body_of_the_inbox_changed_from_outside_is_found_with_its_event() {
    // Cut short, another event.s, and something else uncompressed.
    let others = "(SELECT i.body FROM inbox i WHERE i.kind = inbox.kind AND i.seq <> inbox.seq LIMIT 1)";
    let empty = format!("{}, codec = 0", bytes("7b7d"));
    for body in ["substr(body, 1, length(body) - 3)", others, &empty] {
        let place = told();
        let sql = format!(
            "{}; UPDATE inbox SET body = {body} WHERE event_id = \
             (SELECT event_id FROM fact WHERE customer = 'cus_Tamarind' LIMIT 1)",
            unlock("inbox", "update")
        );
        meddle(&place, &sql).unwrap();
        let said = not_proved(&place);
        assert!(said.contains("event evt_") && said.contains("restore a backup"), "{body}: {said}");
    }
}

/// An event that can't be used: its status is a number.
fn unusable() -> String {
    let object = json!({"id": "sub_q", "object": "subscription", "customer": "cus_q", "status": 7});
    json!({
        "id": "evt_q", "object": "event", "type": "customer.subscription.updated", "created": 1_790_000_000,
        "livemode": true, "data": {"object": object},
    })
    .to_string()
}

#[test]
fn a_broken_line_among_good_ones_costs_only_itself() {
    let place = Place::new().with("UPSWELL_CONFIG", &stories_config());
    let events = stories();
    let broken = &events[1][..events[1].len() / 2];
    place.write("events.ndjson", [&events[0], broken, &events[2], &unusable(), &events[3]].join("\n"));
    let output = place.run(&["backfill", "events.ndjson"]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.starts_with("events.ndjson: 5 rows read, 4 accepted, 0 already known\n"), "{told}");
    assert!(told.contains("  parked events.ndjson:2: "), "{told}");
    assert!(
        told.contains("  parked events.ndjson:4: expected a text, found a number at $.data.object.status"),
        "{told}"
    );
    let parked = rows(&std::fs::read_to_string(place.path("upswell.parked")).unwrap());
    assert_eq!(parked.len(), 1);
    assert_eq!((&parked[0]["file"], &parked[0]["line"]), (&json!("events.ndjson"), &json!(2)));
    let doctor = place.run(&["doctor", "--format", "json"]);
    let findings: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    assert_eq!(findings["parked"][0]["event"], "evt_q");
    assert_eq!(findings["parked"][0]["path"], "$.data.object.status");
    // Mended and fed again, only what was missing is new.
    place.write("events.ndjson", events[..4].join("\n"));
    let again = place.output(&["backfill", "events.ndjson"]);
    assert!(again.starts_with("events.ndjson: 4 rows read, 1 accepted, 3 already known\n"), "{again}");
}

#[test]
fn a_file_that_can_t_be_read_exits_1_and_says_which() {
    let place = Place::new();
    place.write("cut.gz", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
    place.write("page.html", "<html><body>Sign in</body></html>");
    std::fs::create_dir(place.path("folder")).unwrap();
    for file in ["nothing.ndjson", "cut.gz", "page.html", "folder"] {
        let output = place.run(&["backfill", file]);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert_eq!(output.status.code(), Some(1), "{file}: {said}");
        assert!(said.contains(file), "{said}");
    }
    assert_eq!(rows(&place.output(&["status", "--format", "json"]))[0]["stored"], 0);
}

#[test]
fn a_dry_run_lists_the_movements_and_changes_nothing() {
    let place = Place::new().with("UPSWELL_CONFIG", &stories_config());
    let events = stories();
    place.write("first.ndjson", events[..100].join("\n"));
    place.output(&["backfill", "first.ndjson"]);
    let before = (place.movements(), place.output(&["status", "--format", "json"]));
    place.write("rest.ndjson", format!("{}\nbroken\n", events[100..].join("\n")));
    let output = place.run(&["backfill", "--dry-run", "rest.ndjson"]);
    assert_eq!(output.status.code(), Some(1), "a row could not be read");
    let would = rows(&String::from_utf8(output.stdout).unwrap());
    assert_eq!((place.movements(), place.output(&["status", "--format", "json"])), before);
    assert!(!place.path("upswell.parked").exists());
    place.write("rest.ndjson", events[100..].join("\n"));
    place.output(&["backfill", "rest.ndjson"]);
    let posted = rows(&place.output(&["movements", "--all", "--format", "ndjson"]));
    let new: Vec<&Value> = posted[before.0.len()..].iter().map(|row| &row["id"]).collect();
    assert_eq!(would.iter().map(|row| &row["id"]).collect::<Vec<_>>(), new);
}

#[test]
fn a_customer_whose_amounts_fit_nowhere_is_named_and_all_others_go_on() {
    let other = |number: u64| {
        let held = subscription(&format!("other{number}"), &price("price_1", 1_000), 1 + number);
        event(&format!("evt_other{number}"), "customer.subscription.created", BEGINS, &held, None)
    };
    let others = || (0..40).map(other);
    // Each amount fits, and what the customer pays in all does not.
    let poison = |number: i64, cents| {
        let held = subscription("poison", &price(&format!("price_vast_{cents}"), cents), 1).to_string();
        let held = ["sub_poison", "si_poison"]
            .iter()
            .fold(held, |held, id| held.replace(id, &format!("{id}_{number}")));
        let held = serde_json::from_str(&held).unwrap();
        let at = BEGINS + number * DAY;
        event(&format!("evt_poison_{number}"), "customer.subscription.created", at, &held, None)
    };
    let mut events: Vec<String> = others().collect();
    events.insert(10, poison(0, 9_000_000_000_000));
    events.insert(20, poison(1, 9_000_000_000_000));
    let place = Place::new();
    place.receive(&events);
    let healthy = Place::new();
    healthy.receive(&others().collect::<Vec<_>>());
    let of_others = || -> Vec<Value> {
        let mut moved = place.movements();
        moved.retain(|row| row["customer"] != "cus_poison");
        moved
    };
    assert_eq!(of_others(), healthy.movements());
    let doctor = place.run(&["doctor", "--format", "json"]);
    let findings: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    assert_eq!(findings["poisoned"].as_array().unwrap().len(), 1, "{findings}");
    assert_eq!(findings["poisoned"][0]["customer"], "cus_poison");
    assert!(not_proved(&place).contains("cus_poison"));
    // An event that fits heals nothing that stands before it, and stops nobody.
    let later = [poison(2, 1_000), other(40)];
    place.receive(&later);
    healthy.receive(&later[1..]);
    assert_eq!(of_others(), healthy.movements());
}

/// Six customers that grow by a seat, on the first day or on a later one.
fn grow(day: i64) -> Vec<String> {
    let of = |number: i64| {
        let name = format!("row{number}");
        let at = BEGINS + day * DAY + number;
        let seats = |day: i64| subscription(&name, &price("price_1", 1_000), 1 + day.unsigned_abs());
        let (now, before) = (seats(day), seats(day - 1));
        let id = format!("evt_{name}_{day}");
        match day {
            0 => event(&id, "customer.subscription.created", at, &now, None),
            _ => {
                let previous = json!({"items": before["items"]});
                event(&id, "customer.subscription.updated", at, &now, Some(&previous))
            }
        }
    };
    (0..6).map(of).collect()
}

/// A place where the customers have grown for ten days.
fn grown() -> Place {
    let place = Place::new();
    place.receive(&(0..10).flat_map(grow).collect::<Vec<_>>());
    place
}

/// The errors that a server tells of while it takes events and settles them.
fn takes(place: &Place, events: &[String]) -> String {
    let server = place.serve();
    let mut connection = server.connect().unwrap();
    for event in events {
        assert_eq!(connection.deliver(event.as_bytes()).unwrap().status, 200);
    }
    place.output(&["status", "--wait", "--timeout", "60s"]);
    let (ended, said) = server.stop();
    assert!(ended.success(), "{said}");
    said.lines().filter(|line| line.contains("ERROR")).map(|line| format!("{line}\n")).collect()
}

/// The customers that `doctor` names as set aside, each with reason and remedy.
fn set_aside(place: &Place) -> Vec<Value> {
    let doctor = place.run(&["doctor", "--format", "json"]);
    let findings: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    findings["poisoned"].as_array().unwrap().clone()
}

#[test]
fn a_customer_whose_checkpoint_or_facts_are_garbage_is_made_anew_and_stops_nobody() {
    let others_packed = bytes("28b52ffd2000");
    let of_facts = [
        "codec = 0, body = '{', packed = NULL".to_owned(),
        format!("packed = {others_packed}"),
        format!("codec = 99, packed = {others_packed}"),
    ];
    let mut damages: Vec<String> = of_facts
        .iter()
        .map(|change| format!("UPDATE fact SET {change} WHERE customer = 'cus_row3'"))
        .collect();
    // Of text PostgreSQL sees to it that it is text.
    let checkpoints = ["'{\"at\": 1'", "CAST(x'7bff00' AS TEXT)"];
    for garbage in &checkpoints[..if is_postgres() { 1 } else { 2 }] {
        damages.push(format!("UPDATE customer SET checkpoint = {garbage} WHERE customer = 'cus_row3'"));
    }
    let healthy = grown();
    healthy.receive(&grow(10));
    for damage in damages {
        let place = grown();
        let checkpoints = "SELECT COUNT(*) FROM customer WHERE checkpoint IS NOT NULL";
        assert_eq!(number(&place.url(), checkpoints), 6);
        meddle(&place, &damage).unwrap();
        let said = takes(&place, &grow(10));
        assert_eq!(place.movements(), healthy.movements(), "{damage}");
        assert!(said.contains("cus_row3") && said.contains("derived anew"), "{damage}: {said}");
        assert_eq!(said.lines().count(), 1, "{damage}: {said}");
        assert_eq!(set_aside(&place), Vec::<Value>::new(), "{damage}");
        place.output(&["verify"]);
        // The damage is gone.
        assert_eq!(takes(&place, &grow(11)), "", "{damage}");
    }
}

#[test]
fn a_customer_whose_stored_events_are_garbage_too_is_set_aside_until_they_are_put_right() {
    let (place, healthy) = (grown(), grown());
    let of_customer = "seq IN (SELECT inbox_seq FROM fact WHERE customer = 'cus_row3')";
    let garbage = format!(
        "CREATE TABLE kept AS SELECT seq, body FROM inbox WHERE {of_customer}; {}; \
         UPDATE inbox SET body = {} WHERE {of_customer}; \
         UPDATE fact SET codec = 0, body = 'x', packed = NULL WHERE customer = 'cus_row3'",
        unlock("inbox", "update"),
        bytes("00")
    );
    meddle(&place, &garbage).unwrap();
    let before = place.movements();
    for day in [10, 11] {
        let said = takes(&place, &grow(day));
        healthy.receive(&grow(day));
        assert!(said.contains("cus_row3") && said.contains("upswell doctor"), "{said}");
        assert!(!said.contains("could not settle"), "{said}");
    }
    let of = |is_other: bool, rows: Vec<Value>| -> Vec<Value> {
        rows.into_iter().filter(|row| (row["customer"] != "cus_row3") == is_other).collect()
    };
    assert_eq!(of(true, place.movements()), of(true, healthy.movements()));
    // Its movements stand as they were.
    assert_eq!(of(false, place.movements()), of(false, before));
    let aside = set_aside(&place);
    assert_eq!(aside.len(), 1, "{aside:?}");
    assert_eq!(aside[0]["customer"], "cus_row3");
    assert!(aside[0]["reason"].as_str().unwrap().starts_with("can't be read: a fact"), "{aside:?}");
    assert!(aside[0]["remedy"].as_str().unwrap().contains("upswell verify"), "{aside:?}");
    let right = "UPDATE inbox SET body = (SELECT body FROM kept WHERE kept.seq = inbox.seq) \
                 WHERE seq IN (SELECT seq FROM kept)";
    meddle(&place, right).unwrap();
    takes(&place, &grow(12));
    healthy.receive(&grow(12));
    assert_eq!(place.movements(), healthy.movements());
    assert_eq!(set_aside(&place), Vec::<Value>::new());
    place.output(&["verify"]);
}

#[test]
fn a_customer_whose_posting_is_garbage_is_set_aside_until_it_is_put_right() {
    let (place, healthy) = (grown(), grown());
    // One that a settlement from the checkpoint reads.
    let garbage = format!(
        "CREATE TABLE kept AS SELECT seq, class FROM posting WHERE customer = 'cus_row3' ORDER BY seq DESC LIMIT 1; {}; \
         UPDATE posting SET class = 'nonsense' WHERE seq IN (SELECT seq FROM kept)",
        unlock("posting", "update")
    );
    meddle(&place, &garbage).unwrap();
    let said = takes(&place, &grow(10));
    healthy.receive(&grow(10));
    assert!(said.contains("cus_row3") && said.contains("upswell doctor"), "{said}");
    assert!(!said.contains("could not settle"), "{said}");
    let others = "SELECT COUNT(*) FROM posting WHERE customer <> 'cus_row3'";
    assert_eq!(number(&place.url(), others), number(&healthy.url(), others));
    // Whoever reads all postings, and `doctor` with them, stops at this one.
    let aside = "SELECT COUNT(*) FROM customer WHERE customer = 'cus_row3' AND poisoned LIKE 'can''t be read: `nonsense`%'";
    assert_eq!(number(&place.url(), aside), 1);
    meddle(&place, "UPDATE posting SET class = (SELECT class FROM kept) WHERE class = 'nonsense'").unwrap();
    takes(&place, &grow(11));
    healthy.receive(&grow(11));
    assert_eq!(place.movements(), healthy.movements());
    assert_eq!(set_aside(&place), Vec::<Value>::new());
}
