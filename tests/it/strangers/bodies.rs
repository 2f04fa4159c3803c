//! Bodies made to break the reader. They are signed, as if Stripe had sent them: what is not signed is never read.

use serde_json::{Value, json};

use super::{deliver, status};
use crate::process::{Connection, Place};

fn take(connection: &mut Connection, body: &[u8]) {
    let answer = connection.deliver(body).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// A subscription's event with something put where its items are.
fn subscription_event(id: &str, items: &str) -> String {
    let event = json!({
        "id": id, "object": "event", "api_version": "2025-09-30.clover", "created": 1_790_000_000, "livemode": true,
        "type": "customer.subscription.updated",
        "data": {"object": {"id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active",
                            "items": "HERE"}},
    });
    event.to_string().replace("\"HERE\"", items)
}

#[test]
fn json_of_any_depth_and_width_is_stored_and_crashes_nobody() {
    let place = Place::new();
    let server = place.serve();
    let mut connection = server.connect().unwrap();
    let depth = 100_000;
    let (brackets, braces) = (
        format!("{}{}", "[".repeat(depth), "]".repeat(depth)),
        "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth),
    );
    let wide = format!("{{{}\"z\":0}}", (0..60_000).map(|n| format!("\"k{n}\":0,")).collect::<String>());
    let many = format!("{{\"data\":[{}{{}}]}}", "{},".repeat(200_000));
    let bodies = [
        brackets.clone(),
        braces.clone(),
        subscription_event("evt_deep_list", &brackets),
        subscription_event("evt_deep_object", &braces),
        subscription_event("evt_wide", &wide),
        subscription_event("evt_many", &many),
        subscription_event("evt_number", &format!("1{}", "0".repeat(100_000))),
        subscription_event("evt_text", &format!("\"{}\"", "\\ud83d\\ude00".repeat(50_000))),
    ];
    for body in &bodies {
        take(&mut connection, body.as_bytes());
    }
    deliver(&server, "evt_after");
    let status = status(&place);
    assert_eq!(status["stored"], 9, "{status}");
    assert_eq!(status["pending"], 0, "{status}");
    place.output(&["verify"]);
    // It starts again over what it has stored.
    drop(server);
    deliver(&place.serve(), "evt_again");
}

#[test]
fn bytes_that_are_no_text_are_refused_or_parked() {
    let place = Place::new();
    let server = place.serve();
    let mut connection = server.connect().unwrap();
    let whole = subscription_event("evt_1", "[\"HERE\"]");
    let before = whole.split("HERE").next().unwrap().len();
    let with = |bytes: &[u8]| [&whole.as_bytes()[..before], bytes, &whole.as_bytes()[before + 4..]].concat();
    for bytes in [&b"\xff\xfe"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\0"] {
        let answer = connection.deliver(&with(bytes)).unwrap();
        let is_kept = answer.status == 200 || answer.body.contains("\"code\":\"not_json\"");
        assert!(is_kept, "{bytes:?}: {} {}", answer.status, answer.body);
    }
    // A lone surrogate is JSON, and no text.
    take(&mut connection, subscription_event("evt_surrogate", "\"\\ud800\"").as_bytes());
    deliver(&server, "evt_after");
    let doctor = place.run(&["doctor", "--format", "json"]);
    let _: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    place.output(&["verify"]);
}

#[test]
fn numbers_at_the_end_of_every_range_crash_nobody() {
    let place = Place::new();
    let server = place.serve();
    let mut connection = server.connect().unwrap();
    let extremes =
        ["-1", "1e400", "9223372036854775807", "-9223372036854775808", "18446744073709551616", "1.5", "null"];
    for (number, extreme) in extremes.iter().enumerate() {
        let price = format!(
            "{{\"id\":\"price_1\",\"object\":\"price\",\"currency\":\"usd\",\"unit_amount\":{extreme},\
             \"recurring\":{{\"interval\":\"month\",\"interval_count\":{extreme}}},\"product\":\"prod_1\",\"type\":\"recurring\"}}"
        );
        let items = format!("{{\"data\":[{{\"id\":\"si_1\",\"quantity\":{extreme},\"price\":{price}}}]}}");
        take(&mut connection, subscription_event(&format!("evt_{number}"), &items).as_bytes());
        let times = subscription_event(&format!("evt_t{number}"), "{\"data\":[]}")
            .replace("\"created\":1790000000", &format!("\"created\":{extreme}"));
        let answer = connection.deliver(times.as_bytes()).unwrap();
        assert_eq!(answer.status, 200, "{extreme}: {}", answer.body);
    }
    assert_eq!(status(&place)["pending"], 0);
    place.output(&["report", "--format", "html"]);
    place.output(&["verify"]);
}
