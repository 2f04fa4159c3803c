//! Strangers: what anybody who reaches the server, or whose words end up in an event, may try. Over real sockets,
//! against the real server.

mod access;
mod bodies;
mod limits;
mod secrets;
mod senders;
mod words;

use serde_json::{Value, json};

use crate::process::{Place, Server};

/// An event that says nothing about recurring revenue.
fn event(id: &str) -> String {
    json!({
        "id": id, "object": "event", "api_version": "2025-09-30.clover", "created": 1_790_000_000, "livemode": true,
        "type": "charge.succeeded", "data": {"object": {"id": "ch_1", "object": "charge"}},
    })
    .to_string()
}

/// Delivers an event that has to be taken.
fn deliver(server: &Server, id: &str) {
    let answer = server.connect().unwrap().deliver(event(id).as_bytes()).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
}

fn status(place: &Place) -> Value {
    serde_json::from_str(&place.output(&["status", "--wait", "--format", "json"])).unwrap()
}

/// The value of a metric.
fn metric(server: &Server, name: &str) -> f64 {
    let answer = server.connect().unwrap().get("/metrics", "").unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mut lines = answer.body.lines();
    let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {name} in\n{}", answer.body)).parse().unwrap()
}
