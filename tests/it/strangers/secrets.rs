//! Secrets and people's data in what a process says of itself: nothing, even where it says everything.

use serde_json::json;

use crate::process::{Place, SECRET, rows, tag};
use crate::stripe::{KEY, Reply, Stripe};
use upswell::app::now;

const TOKEN: &str = "token-of-the-secrets-test-5f1c";
const MARK: &str = "Ada Countess of Lovelace";
const EMAIL: &str = "ada.lovelace@example.invalid";
const PHONE: &str = "+44 20 7946 0958";

fn customer(id: &str, kind: &str, extra: &serde_json::Value) -> String {
    json!({
        "id": id, "object": "event", "api_version": "2025-09-30.clover", "created": 1_790_000_000, "livemode": true,
        "type": kind,
        "data": {"object": {"id": "cus_1", "object": "customer", "name": MARK, "email": EMAIL, "phone": PHONE,
                            "customer": "cus_1", "status": extra, "items": extra, "metadata": {"note": MARK}}},
    })
    .to_string()
}

/// A subscription that can't be valued, so that somebody has something to say about it.
fn broken(id: &str) -> String {
    customer(id, "customer.subscription.updated", &json!({"data": [{"id": MARK, "price": EMAIL}]}))
}

#[test]
fn nothing_secret_and_nobody_s_data_is_in_the_log_however_much_it_says() {
    let api = Stripe::speaking(|_| Reply::refusal(401, "invalid_request_error"));
    for format in ["text", "json"] {
        let place = Place::new().with("UPSWELL_LOG", "trace").with("UPSWELL_LOG_FORMAT", format);
        let place = api.known_to(place.with("UPSWELL_API_TOKEN", TOKEN));
        let server = place.serve();
        let mut connection = server.connect().unwrap();
        let body = customer("evt_1", "customer.updated", &json!("x"));
        let at = now();
        let right = tag(SECRET, at, body.as_bytes());
        assert_eq!(connection.deliver(body.as_bytes()).unwrap().status, 200);
        assert_eq!(connection.deliver(broken("evt_2").as_bytes()).unwrap().status, 200);
        assert_eq!(connection.deliver(json!([MARK, EMAIL]).to_string().as_bytes()).unwrap().status, 200);
        // The same event that says something else, what is no JSON, what is signed wrong.
        assert_eq!(connection.deliver(broken("evt_1").as_bytes()).unwrap().status, 200);
        assert_eq!(connection.deliver(format!("{{\"name\": {MARK} {EMAIL}").as_bytes()).unwrap().status, 400);
        let wrong = format!("Stripe-Signature: t={at},v1={}\r\n", right.replace('a', "b"));
        assert_eq!(connection.post(&wrong, body.as_bytes()).unwrap().status, 400);
        for path in ["/", "/metrics", "/months/2026-10", "/months/ada.lovelace@example.invalid"] {
            connection.get(path, &format!("Authorization: Bearer {TOKEN}\r\n")).unwrap();
            connection.get(path, &format!("Authorization: Bearer {TOKEN}x\r\n")).unwrap();
        }
        place.output(&["status", "--wait", "--timeout", "60s"]);
        place.write("events.ndjson", format!("{}\n{{\"name\": \"{MARK}\n", broken("evt_3")));
        let mut said = String::new();
        for typed in [
            &["backfill", "events.ndjson"][..],
            &["backfill", "--from-api"],
            &["verify"],
            &["report"],
            &["serve", "--listen", "nowhere"],
            &["fx", "events.ndjson"],
        ] {
            said.push_str(&String::from_utf8(place.run(typed).stderr).unwrap());
        }
        said.push_str(&server.stop().1);
        assert!(said.len() > 10_000, "the log says next to nothing: {said}");
        if format == "json" {
            assert!(rows_in(&said) > 10);
        }
        let upper = &right[..16];
        for secret in [SECRET, TOKEN, KEY, MARK, "Lovelace", EMAIL, "ada.lovelace", PHONE, upper] {
            let found = said.lines().find(|line| line.contains(secret));
            assert!(found.is_none(), "{secret} is in the log: {}", found.unwrap_or_default());
        }
    }
}

fn rows_in(said: &str) -> usize {
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with('{')).collect();
    rows(&lines.join("\n")).len()
}
