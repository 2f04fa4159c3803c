//! The official clients' bodies are accepted, and nobody else's: over the real server, signed by
//! Stripe's documented rule.

use serde_json::{Value, json};
use upswell::app::now;
use upswell::stripe::{Secret, SignatureError, sign, verify};

use crate::process::{Answer, Place, SECRET, Server, tag};

const NEW_SECRET: &str = "whsec_after_the_roll";
const MEBIBYTE: usize = 1 << 20;

fn event(id: &str) -> String {
    event_of(id, "quiet")
}

/// An event that says nothing about recurring revenue.
fn event_of(id: &str, word: &str) -> String {
    json!({
        "id": id, "object": "event", "api_version": "2025-09-30.clover", "created": 1_790_000_000, "livemode": true,
        "type": "charge.succeeded", "data": {"object": {"id": "ch_1", "object": "charge", "description": word}},
    })
    .to_string()
}

fn post(server: &Server, header: &str, body: &[u8]) -> Answer {
    let line = if header.is_empty() { String::new() } else { format!("Stripe-Signature: {header}\r\n") };
    server.connect().unwrap().post(&line, body).unwrap()
}

/// The answer's stable code.
fn refused(answer: &Answer) -> String {
    assert_eq!(answer.status, 400, "{}", answer.body);
    let problem: Value = serde_json::from_str(&answer.body).unwrap();
    problem["code"].as_str().unwrap().to_owned()
}

fn status(place: &Place) -> Value {
    serde_json::from_str(&place.output(&["status", "--wait", "--format", "json"])).unwrap()
}

fn doctor(place: &Place) -> (Option<i32>, Value) {
    let output = place.run(&["doctor", "--format", "json"]);
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn any_v1_by_any_secret_is_enough_wherever_it_stands() {
    let secrets = format!(" {SECRET} ,\t{NEW_SECRET} ");
    let place = Place::new().with("STRIPE_WEBHOOK_SECRET", &secrets);
    let server = place.serve();
    let at = now();
    let wrong = "0".repeat(64);
    let mut sent = 0;
    for secret in [SECRET, NEW_SECRET] {
        let headers = [
            "v1={right}",
            "v1={right},v1={wrong}",
            "v1={wrong},v1={right}",
            "v1={wrong},v1={right},v1={wrong}",
            "v1={right},v0={wrong}",
            "v0={wrong},v1={right}",
        ];
        for header in headers {
            sent += 1;
            let body = event(&format!("evt_{sent}"));
            let right = tag(secret, at, body.as_bytes());
            let tags = header.replace("{right}", &right).replace("{wrong}", &wrong);
            let answer = post(&server, &format!("t={at},{tags}"), body.as_bytes());
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    }
    assert_eq!(status(&place)["stored"], sent);
}

#[test]
fn a_roll_signs_once_a_secret_and_one_known_is_enough() {
    let place = Place::new();
    let server = place.serve();
    let (at, body) = (now(), event("evt_1"));
    let both = |first, second| {
        let tag = |secret| tag(secret, at, body.as_bytes());
        format!("t={at},v1={},v1={}", tag(first), tag(second))
    };
    assert_eq!(post(&server, &both(NEW_SECRET, SECRET), body.as_bytes()).status, 200);
    assert_eq!(post(&server, &both(SECRET, NEW_SECRET), body.as_bytes()).status, 200);
}

#[test]
fn what_is_not_signed_right_is_refused_and_nothing_of_it_is_stored() {
    let place = Place::new();
    let server = place.serve();
    let (at, body) = (now(), event("evt_1"));
    let right = tag(SECRET, at, body.as_bytes());
    let stranger = tag("whsec_of_somebody_else", at, body.as_bytes());
    let body_only = {
        let body = body.as_bytes();
        tag(SECRET, at, &body[1..])
    };
    let cases = [
        (String::new(), "signature_missing"),
        (format!("t={at},v0={right}"), "signature_no_v1"),
        (format!("t={at}"), "signature_no_v1"),
        (format!("v1={right}"), "signature_malformed"),
        (format!("t=soon,v1={right}"), "signature_malformed"),
        (format!("t={at},v1={stranger}"), "signature_wrong"),
        (format!("t={at},v1={body_only}"), "signature_wrong"),
        (format!("t={at},v1={}", &right[..62]), "signature_wrong"),
        // Another time than the one that was signed.
        (format!("t={},v1={right}", at - 1), "signature_wrong"),
    ];
    for (header, code) in &cases {
        assert_eq!(refused(&post(&server, header, body.as_bytes())), *code, "{header}");
    }
    assert_eq!(status(&place)["stored"], 0);
}

#[test]
fn a_body_altered_by_one_byte_is_refused() {
    let place = Place::new();
    let server = place.serve();
    let (at, body) = (now(), event("evt_1").into_bytes());
    let header = format!("t={at},v1={}", tag(SECRET, at, &body));
    for place in [0, body.len() / 2, body.len() - 1] {
        let mut altered = body.clone();
        altered[place] ^= 1;
        assert_eq!(refused(&post(&server, &header, &altered)), "signature_wrong");
    }
    let mut longer = body.clone();
    longer.push(b'\n');
    assert_eq!(refused(&post(&server, &header, &longer)), "signature_wrong");
    assert_eq!(refused(&post(&server, &header, &body[..body.len() - 1])), "signature_wrong");
    assert_eq!(status(&place)["stored"], 0);
    assert_eq!(post(&server, &header, &body).status, 200);
}

#[test]
fn three_hundred_seconds_are_fresh_and_one_more_is_stale() {
    let (body, secret) = (event("evt_1").into_bytes(), Secret::new(SECRET).unwrap());
    let at = 1_790_000_000;
    let header = sign(&body, &secret, at);
    let secrets = [secret];
    let judged = |now| verify(Some(header.as_bytes()), &body, &secrets, now, 300);
    assert!(judged(at + 300).is_ok());
    assert!(matches!(judged(at + 301), Err(SignatureError::Stale { .. })));
    assert!(judged(at - 1_000_000).unwrap().is_from_the_future);
}

#[test]
fn an_old_signature_is_stale_and_one_of_the_future_is_accepted_and_reported() {
    let place = Place::new().with("UPSWELL_TOLERANCE_SECONDS", "600");
    let server = place.serve();
    let body = event("evt_1").into_bytes();
    let signed = |age: i64| {
        let at = now() - age;
        post(&server, &format!("t={at},v1={}", tag(SECRET, at, &body)), &body)
    };
    assert_eq!(refused(&signed(602)), "signature_stale");
    assert_eq!(refused(&signed(86_400)), "signature_stale");
    assert_eq!(status(&place)["stored"], 0);
    // Older than the default would allow.
    assert_eq!(signed(400).status, 200);
    let later = event("evt_2").into_bytes();
    let at = now() + 3_600;
    let answer = post(&server, &format!("t={at},v1={}", tag(SECRET, at, &later)), &later);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(status(&place)["stored"], 2);
    let (code, findings) = doctor(&place);
    assert_eq!(code, Some(1));
    assert!(findings["clock"]["ahead_seconds"].as_i64().unwrap() > 3_000, "{findings}");
    assert!(findings["clock"]["remedy"].is_string());
}

#[test]
fn a_body_of_a_mebibyte_is_taken_and_one_byte_more_is_not() {
    let place = Place::new();
    let server = place.serve();
    let empty = event_of("evt_1", "").len();
    for (length, expected) in [(MEBIBYTE, 200), (MEBIBYTE + 1, 413)] {
        let body = event_of("evt_1", &"x".repeat(length - empty));
        assert_eq!(body.len(), length);
        let at = now();
        let answer =
            post(&server, &format!("t={at},v1={}", tag(SECRET, at, body.as_bytes())), body.as_bytes());
        assert_eq!(answer.status, expected, "{}", answer.body);
    }
    assert_eq!(status(&place)["stored"], 1);
}

#[test]
fn what_is_no_json_is_refused_and_json_that_is_no_event_is_kept_and_parked() {
    let place = Place::new();
    let server = place.serve();
    let mut connection = server.connect().unwrap();
    for body in ["", "hello", "{\"id\":", "<event/>"] {
        assert_eq!(refused(&connection.deliver(body.as_bytes()).unwrap()), "not_json", "{body}");
    }
    assert_eq!(status(&place)["stored"], 0);
    for body in ["[]", "{\"hello\":\"world\"}"] {
        let answer = connection.deliver(body.as_bytes()).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let status = status(&place);
    assert_eq!((&status["stored"], &status["parked"]), (&json!(2), &json!(2)));
    let (code, findings) = doctor(&place);
    assert_eq!(code, Some(1));
    assert_eq!(findings["parked"].as_array().unwrap().len(), 2, "{findings}");
}

#[test]
fn a_second_delivery_is_called_a_duplicate_and_one_that_says_something_else_is_kept_aside() {
    let place = Place::new();
    let server = place.serve();
    let mut connection = server.connect().unwrap();
    let mut deliver = |body: &str| connection.deliver(body.as_bytes()).unwrap();
    let first = deliver(&event("evt_1"));
    assert_eq!(first.body, r#"{"received":true,"event":"evt_1","duplicate":false}"#);
    assert_eq!(deliver(&event("evt_1")).body, r#"{"received":true,"event":"evt_1","duplicate":true}"#);
    assert_eq!(doctor(&place).0, Some(0));
    assert_eq!(deliver(&event_of("evt_1", "loud")).status, 200);
    assert_eq!(status(&place)["stored"], 1);
    let (code, findings) = doctor(&place);
    assert_eq!(code, Some(1));
    assert_eq!(findings["conflicts"][0]["event"], "evt_1", "{findings}");
    place.output(&["verify"]);
}
