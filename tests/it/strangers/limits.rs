//! Limits that whoever runs the server sets: each small value is seen from outside.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{deliver, event};
use crate::explain::{BEGINS, event as told, price, subscription};
use crate::process::{Answer, Place, Server};
use crate::store::Writer;

const TOKEN: &str = "a-token-of-the-tests-0123456789";

fn sign_in(server: &Server, body: &str) -> Answer {
    let head = format!(
        "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    server.connect().unwrap().ask(&head, body.as_bytes()).unwrap()
}

#[test]
fn a_form_may_be_as_large_as_is_set() {
    let place = Place::new().with("UPSWELL_API_TOKEN", TOKEN).with("UPSWELL_MAX_FORM_BYTES", "1024");
    let server = place.serve();
    let of_size = |bytes: usize| {
        let begins = format!("token={TOKEN}&next=/");
        format!("{begins}{}", "x".repeat(bytes - begins.len()))
    };
    assert_eq!(sign_in(&server, &of_size(1_024)).status, 303);
    let refused = sign_in(&server, &of_size(1_025));
    assert_eq!(refused.status, 400, "{}", refused.body);
}

#[test]
fn a_session_lasts_as_long_as_is_set() {
    let place = Place::new().with("UPSWELL_API_TOKEN", TOKEN).with("UPSWELL_SESSION_SECONDS", "60");
    let server = place.serve();
    let before = upswell::app::now();
    let answer = sign_in(&server, &format!("token={TOKEN}"));
    let set = answer.header("set-cookie").unwrap();
    assert!(set.contains("max-age=60;"), "{set}");
    // What the server itself goes by.
    let until: i64 = set.split(['=', '.']).nth(1).unwrap().parse().unwrap();
    assert!((before + 60..=upswell::app::now() + 60).contains(&until), "{set}");
}

#[test]
fn wrong_tokens_are_counted_for_as_long_as_is_set() {
    let place = Place::new()
        .with("UPSWELL_API_TOKEN", TOKEN)
        .with("UPSWELL_MAX_TOKEN_GUESSES", "1")
        .with("UPSWELL_GUESS_SECONDS", "3600");
    let server = place.serve();
    let ask = |token: &str| {
        let bearer = format!("Authorization: Bearer {token}\r\n");
        server.connect().unwrap().get("/metrics", &bearer).unwrap()
    };
    assert_eq!(ask("wrong").status, 401);
    let answer = ask(TOKEN);
    let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(answer.status, 429);
    assert!((3_000..=3_600).contains(&seconds), "{seconds}");
}

#[test]
fn a_part_of_a_list_has_as_many_entries_as_are_set() {
    let place = Place::new().with("UPSWELL_MAX_PAGE_ROWS", "2");
    place.receive(&(0..4).map(customer).collect::<Vec<_>>());
    let server = place.serve();
    let ask = |path: &str| server.connect().unwrap().get(path, "").unwrap();
    for list in ["movements", "customers"] {
        let first = ask(&format!("/api/v1/{list}"));
        assert_eq!(first.status, 200, "{}", first.body);
        let first: Value = serde_json::from_str(&first.body).unwrap();
        assert_eq!(first["data"].as_array().unwrap().len(), 2);
        let rest = ask(&format!("/api/v1/{list}?limit=2&after={}", first["next"].as_str().unwrap()));
        let rest: Value = serde_json::from_str(&rest.body).unwrap();
        assert_eq!((rest["data"].as_array().unwrap().len(), &rest["next"]), (2, &Value::Null));
        let refused = ask(&format!("/api/v1/{list}?limit=3"));
        assert_eq!(refused.status, 400);
        assert!(refused.body.contains("from 1 to 2"), "{}", refused.body);
    }
}

/// A customer that begins.
fn customer(number: i64) -> String {
    let name = format!("row{number}");
    let now = subscription(&name, &price("price_1", 1_000), 1);
    told(&format!("evt_{name}"), "customer.subscription.created", BEGINS + number, &now, None)
}

/// A delivery while somebody else keeps the store's lock is told to come again after what is set, and not after what would
/// be waited for otherwise.
fn refused_beside_a_lock(settings: [(&'static str, &'static str); 2]) {
    let mut place = Place::new();
    for (name, value) in settings {
        place = place.with(name, value);
    }
    let server = place.serve();
    deliver(&server, "evt_before");
    let other = Writer::begins(&place.url());
    let begun = Instant::now();
    let answer = server.connect().unwrap().deliver(event("evt_1").as_bytes()).unwrap();
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(begun.elapsed() < Duration::from_secs(9), "{settings:?}");
    other.ends();
    // What was not taken in time may be stored all the same, and then is a duplicate.
    deliver(&server, "evt_1");
}

#[test]
fn a_delivery_waits_for_its_commit_as_long_as_is_set() {
    refused_beside_a_lock([("UPSWELL_COMMIT_SECONDS", "1"), ("UPSWELL_LOCK_SECONDS", "300")]);
}

#[test]
fn somebody_else_s_lock_is_waited_for_as_long_as_is_set() {
    refused_beside_a_lock([("UPSWELL_COMMIT_SECONDS", "300"), ("UPSWELL_LOCK_SECONDS", "1")]);
}
