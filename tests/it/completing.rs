//! With a key to Stripe's API, what events leave out is fetched and heals what waited for it (R4): against a
//! Stripe of our own that answers over real HTTP.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::catalogue::{created, item, list, mrr, price, tiered, tiered_in_full};
use crate::stripe::{Reply, Stripe};

/// What a Stripe of ours answers, by the path without its query; the answers of one path in turn, the last
/// one for ever.
type Answers = BTreeMap<&'static str, Vec<(u16, String)>>;

fn answering(answers: Answers) -> Stripe {
    let answers = Mutex::new(answers);
    Stripe::speaking(move |asked| match answers.lock().unwrap().get_mut(asked.path.as_str()) {
        Some(turns) => {
            let (status, body) = if turns.len() > 1 { turns.remove(0) } else { turns[0].clone() };
            Reply::of(status, body)
        }
        None => Reply::missing(),
    })
}

fn refusal(kind: &str) -> String {
    Reply::refusal(400, kind).body
}

#[test]
fn a_backfill_fetches_the_tiers_that_events_leave_out() {
    let stripe =
        answering(BTreeMap::from([("/v1/prices/price_tiered", vec![(200, tiered_in_full().to_string())])]));
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
    let stripe = answering(BTreeMap::from([(
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
    let stripe = answering(BTreeMap::from([("/v1/subscription_items", vec![(200, list(&all))])]));
    let place = stripe.place();
    let file = place.write("events.ndjson", created(&all[..10], &cut));
    place.output(&["backfill", &file]);
    assert_eq!(mrr(&place), 12_000);
    place.output(&["verify"]);
    assert!(stripe.asked().iter().any(|asked| asked.contains("subscription=sub_1")));
}

#[test]
fn a_connected_account_is_asked_for_by_its_name_and_its_book_learns() {
    let stripe =
        answering(BTreeMap::from([("/v1/prices/price_tiered", vec![(200, tiered_in_full().to_string())])]));
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
    let stripe = answering(BTreeMap::from([
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
    let stripe = answering(Answers::new());
    let place = stripe.place();
    let event =
        created(&[item(1, &tiered(), 12)], &json!({})).replace("\"livemode\":true", "\"livemode\":false");
    let file = place.write("events.ndjson", event);
    place.output(&["backfill", &file]);
    assert_eq!(stripe.asked(), Vec::<String>::new());
}
