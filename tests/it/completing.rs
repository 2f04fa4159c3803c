//! With a key to Stripe's API, what events leave out is fetched and heals what waited for it (R4): against a
//! Stripe of our own that answers over real HTTP.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::catalogue::{created, item, list, mrr, price, tiered, tiered_in_full};
use crate::process::Place;

/// What a Stripe of ours answers, by the path without its query; the answers of one path in turn, the last
/// one for ever.
type Answers = BTreeMap<&'static str, Vec<(u16, String)>>;

/// A Stripe of our own, and what it was asked.
struct Stripe {
    base: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Stripe {
    fn answering(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        let answers = Mutex::new(answers);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                // A client that goes away costs nobody anything.
                let _ = answer(stream, &answers, &heard);
            }
        });
        Self { base, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// A place that fetches from here, by a key of live mode.
    fn place(&self) -> Place {
        Place::new().with("STRIPE_API_KEY", "rk_live_of_the_tests").with("STRIPE_API_BASE", &self.base)
    }
}

fn answer(stream: TcpStream, answers: &Mutex<Answers>, heard: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let target = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut account, mut key) = (String::new(), String::new());
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 || header == "\r\n" {
            break;
        }
        let header = header.trim_end();
        if let Some((name, value)) = header.split_once(": ") {
            match name.to_ascii_lowercase().as_str() {
                "stripe-account" => account = format!(" for {value}"),
                "authorization" => value.clone_into(&mut key),
                _ => {}
            }
        }
    }
    assert_eq!(key, "Bearer rk_live_of_the_tests");
    heard.lock().unwrap().push(format!("{target}{account}"));
    let path = target.split('?').next().unwrap_or_default();
    let missing =
        (404, json!({"error": {"type": "invalid_request_error", "code": "resource_missing"}}).to_string());
    let (status, body) = match answers.lock().unwrap().get_mut(path) {
        Some(turns) if turns.len() > 1 => turns.remove(0),
        Some(turns) => turns[0].clone(),
        None => missing,
    };
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    reader.get_mut().write_all(format!("{head}{body}").as_bytes())
}

fn refusal(kind: &str) -> String {
    json!({"error": {"type": kind, "message": "of Ada Lovelace, ada@example.com"}}).to_string()
}

#[test]
fn a_backfill_fetches_the_tiers_that_events_leave_out() {
    let stripe = Stripe::answering(BTreeMap::from([(
        "/v1/prices/price_tiered",
        vec![(200, tiered_in_full().to_string())],
    )]));
    let place = stripe.place();
    let file = place.write("events.ndjson", created(&[item(1, &tiered(), 12)], &json!({})));
    let said = place.output(&["backfill", &file]);
    assert!(said.contains("fetched"), "{said}");
    // 10 × 1000 + 2 × 500.
    assert_eq!(mrr(&place), 11_000);
    place.output(&["verify"]);
    let asked = stripe.asked();
    assert!(asked[0].contains("tiers") && asked[0].contains("currency_options"), "{asked:?}");
    let explained = place.output(&["doctor", "--format", "json"]);
    let doctor: Value = serde_json::from_str(&explained).unwrap();
    assert_eq!(doctor["incomplete"], json!([]));
}

#[test]
fn a_server_fetches_by_itself_and_waits_out_a_busy_stripe() {
    let busy = (429, refusal("rate_limit_error"));
    let stripe = Stripe::answering(BTreeMap::from([(
        "/v1/prices/price_tiered",
        vec![busy, (200, tiered_in_full().to_string())],
    )]));
    let place = stripe.place();
    let server = place.serve();
    let mut connection = server.connect().unwrap();
    let event = created(&[item(1, &tiered(), 12)], &json!({}));
    assert_eq!(connection.deliver(event.as_bytes()).unwrap().status, 200);
    let begun = std::time::Instant::now();
    while mrr(&place) != 11_000 {
        assert!(begun.elapsed().as_secs() < 60, "not healed: asked {:?}", stripe.asked());
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    place.output(&["verify"]);
}

#[test]
fn items_past_the_tenth_are_fetched_as_one_list() {
    let seat = price("price_seat", &json!({}));
    let all: Vec<Value> = (1..=12).map(|number| item(number, &seat, 1)).collect();
    let cut = json!({"items": {"object": "list", "has_more": true, "data": all[..10],
                     "url": "/v1/subscription_items?subscription=sub_1"}});
    let stripe = Stripe::answering(BTreeMap::from([("/v1/subscription_items", vec![(200, list(&all))])]));
    let place = stripe.place();
    let file = place.write("events.ndjson", created(&all[..10], &cut));
    place.output(&["backfill", &file]);
    assert_eq!(mrr(&place), 12_000);
    place.output(&["verify"]);
    assert!(stripe.asked().iter().any(|asked| asked.contains("subscription=sub_1")));
}

#[test]
fn a_connected_account_is_asked_for_by_its_name_and_its_book_learns() {
    let stripe = Stripe::answering(BTreeMap::from([(
        "/v1/prices/price_tiered",
        vec![(200, tiered_in_full().to_string())],
    )]));
    let place = stripe.place();
    let mut event: Value = serde_json::from_str(&created(&[item(1, &tiered(), 12)], &json!({}))).unwrap();
    event["account"] = json!("acct_1");
    let file = place.write("events.ndjson", event.to_string());
    place.output(&["backfill", &file]);
    assert_eq!(mrr(&place), 11_000);
    place.output(&["verify"]);
    assert!(stripe.asked().iter().all(|asked| asked.ends_with(" for acct_1")), "{:?}", stripe.asked());
}

#[test]
fn what_stripe_refuses_is_told_by_its_remedy_and_nothing_else() {
    let stripe = Stripe::answering(BTreeMap::from([
        ("/v1/prices/price_tiered", vec![(403, refusal("invalid_request_error"))]),
        ("/v1/products/prod_1", vec![(401, refusal("authentication_error"))]),
    ]));
    let place = stripe.place();
    let file = place.write("events.ndjson", created(&[item(1, &tiered(), 12)], &json!({})));
    let output = place.run(&["backfill", &file]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("read permission for Prices"), "{said}");
    assert!(said.contains("does not know the key"), "{said}");
    for private in ["Ada", "ada@example.com", "rk_live"] {
        assert!(!said.contains(private), "{said}");
    }
}

#[test]
fn a_live_key_asks_nothing_of_test_mode() {
    let stripe = Stripe::answering(Answers::new());
    let place = stripe.place();
    let event =
        created(&[item(1, &tiered(), 12)], &json!({})).replace("\"livemode\":true", "\"livemode\":false");
    let file = place.write("events.ndjson", event);
    place.output(&["backfill", &file]);
    assert_eq!(stripe.asked(), Vec::<String>::new());
}
