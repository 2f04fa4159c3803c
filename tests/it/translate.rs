//! One business fact, told by every generation of the API, is one fact.

use std::path::PathBuf;

use upswell::mrr::{Cadence, Fact, Instant, Origin, PriceAmount, ProductId, Scheme, Snapshot, State, Status};
use upswell::stripe::{Form, Translation, read, says, translate};

/// The fixtures' files, by their folder.
fn events() -> Vec<(String, Vec<u8>)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/events");
    let mut events = Vec::new();
    for folder in std::fs::read_dir(root).expect("fixtures/events").flatten() {
        let Ok(files) = std::fs::read_dir(folder.path()) else {
            continue;
        };
        for file in files.flatten() {
            let name = folder.file_name().to_string_lossy().into_owned();
            events.push((name, std::fs::read(file.path()).expect("a fixture")));
        }
    }
    events.sort();
    assert!(events.len() >= 15, "fixtures are missing");
    events
}

fn snapshot(name: &str, body: &[u8]) -> Snapshot {
    let envelope = read(body).expect("JSON");
    match translate(body, &envelope, "00") {
        Translation::Facts(facts) => match facts.as_slice() {
            [Fact::Subscription(snapshot)] => snapshot.clone(),
            other => panic!("{name}: {other:?}"),
        },
        other => panic!("{name}: {other:?}"),
    }
}

/// What every version tells alike. Before there were items, the subscription is its own; before
/// plans had products, a plan is its own.
fn told(state: &State, version: &str, subscription: &str) -> State {
    let mut state = state.clone();
    let [item] = state.items.as_mut_slice() else {
        panic!("{version}: not one item");
    };
    if version < "2016" {
        assert_eq!(item.id.as_str(), subscription);
        item.id = "si_S3kT2seatsAa".into();
    }
    if version < "2018" {
        let mut price = (*item.price).clone();
        assert_eq!(price.product.as_str(), price.id.as_str());
        price.product = ProductId::from("prod_S3kGrowthPlan");
        item.price = price.into();
    }
    state
}

#[test]
fn every_version_tells_the_same_fact() {
    let events = events();
    let snapshots = events.iter().filter(|(name, _)| name != "thin");
    let told: Vec<_> = snapshots
        .map(|(name, body)| {
            let snapshot = snapshot(name, body);
            let subscription = snapshot.subscription.as_str();
            let before = told(snapshot.previous.as_ref().expect("told"), name, subscription);
            (name, told(&snapshot.state, name, subscription), before, snapshot.clone())
        })
        .collect();
    let (_, state, before, _) = &told[0];
    assert_eq!((state.status, state.items[0].quantity), (Status::Active, 12));
    assert_eq!((before.status, before.items[0].quantity), (Status::Active, 10));
    let price = &state.items[0].price;
    let unit = PriceAmount::minor_units(2000);
    assert_eq!(price.scheme, Scheme::PerUnit { unit, transform: None });
    assert_eq!((price.cadence, price.currency.as_str()), (Cadence::MONTHLY, "usd"));
    for (name, other, other_before, snapshot) in &told {
        assert_eq!(other, state, "{name}");
        assert_eq!(other_before, before, "{name}");
        assert_eq!(snapshot.customer.as_str(), "cus_S3kHarbourLtd", "{name}");
        assert_eq!((snapshot.at, snapshot.origin), (Instant(1_759_399_200), Origin::Updated), "{name}");
    }
}

#[test]
fn every_form_is_recognised_and_told_apart() {
    for (name, body) in events() {
        let expected = match name.as_str() {
            "eventbridge" => Form::EventBridge,
            "eventgrid" => Form::EventGrid,
            "thin" => Form::Thin,
            _ => Form::Snapshot,
        };
        let envelope = read(&body).expect("JSON");
        assert_eq!((envelope.form, envelope.created), (expected, 1_759_399_200), "{name}");
        assert!(envelope.id.starts_with("evt_1SDk"), "{name}");
        let is_ignored = matches!(translate(&body, &envelope, "00"), Translation::Ignored { .. });
        assert_eq!(is_ignored, name == "thin", "{name}");
    }
}

#[test]
fn a_digest_does_not_depend_on_indentation() {
    for (name, body) in events() {
        let value: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        let compact = value.to_string();
        assert_ne!(compact.len(), body.len());
        let digests = [says(&body), says(compact.as_bytes())];
        assert_eq!(digests[0], digests[1], "{name}");
    }
}

#[test]
fn a_body_cut_off_anywhere_never_stops_the_reader() {
    let (_, body) = events().swap_remove(11);
    for end in (0..body.len()).step_by(7) {
        assert!(read(&body[..end]).is_err());
    }
}

/// Every value of an event replaced by something of another kind: parked or tolerated, never a stop.
#[test]
fn a_value_of_another_kind_anywhere_is_parked_or_tolerated() {
    let versions = ["2016-07-06", "2020-08-27", "2026-09-30.endive"];
    for (name, body) in events() {
        if !versions.contains(&name.as_str()) {
            continue;
        }
        let whole: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        let mut paths = Vec::new();
        pointers(&whole, String::new(), &mut paths);
        for pointer in paths {
            for odd in ["null", "-1", "1.5", "\"\\u0000\"", "[{}]", "1e300"] {
                let mut event = whole.clone();
                *event.pointer_mut(&pointer).expect("there") = serde_json::from_str(odd).expect("JSON");
                let text = event.to_string();
                let envelope = read(text.as_bytes()).expect("JSON");
                let translation = translate(text.as_bytes(), &envelope, "00");
                if let Translation::Parked { path, reason } = translation {
                    assert!(path.starts_with('$') && !reason.is_empty(), "{name} {pointer}");
                }
            }
        }
    }
}

fn pointers(value: &serde_json::Value, at: String, into: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (key, value) in members {
                pointers(value, format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), into);
            }
        }
        serde_json::Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                pointers(value, format!("{at}/{index}"), into);
            }
        }
        _ => {}
    }
    into.push(at);
}
