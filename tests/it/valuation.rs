//! `docs/valuation.md`, case by case: the figures worked out by hand there against the arithmetic that
//! stands beside them, and against what an event that says the same is derived to.

pub mod arithmetic;
mod document;

use serde_json::{Value, json};
use upswell::mrr::{Catalogue, Derivation, Fact, Instant, Matter, Mrr, Rules, Snapshot, Timeline, derive};
use upswell::report::Scale;
use upswell::stripe::{Translation, read, translate};

use document::Case;

/// 2026-01-01 and 2026-04-01: when every subscription of the document begins, and is looked at.
const BEGINS: i64 = 1_767_225_600;
const LOOKED_AT: Instant = Instant(1_775_001_600);
const AT_LEAST: usize = 60;

fn document() -> Vec<Result<Case, String>> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/valuation.md");
    document::cases(&std::fs::read_to_string(path).unwrap())
}

/// Runs a check over every case and fails with all that it found.
fn check(of: impl Fn(&Case) -> Result<(), String>) {
    let cases = document();
    let count = cases.len();
    let found: Vec<String> =
        cases.into_iter().filter_map(|case| case.and_then(|case| of(&case)).err()).collect();
    assert!(found.is_empty(), "docs/valuation.md, {} of {count} cases:\n{}", found.len(), found.join("\n"));
    assert!(count >= AT_LEAST, "docs/valuation.md: {count} cases; there must be {AT_LEAST} at least");
}

#[test]
fn every_worked_case_is_the_arithmetic_beside_it() {
    check(|case| {
        let worked = arithmetic::levels(&case.arithmetic).map_err(|reason| case.says(&reason))?;
        case.must_be("the arithmetic", &worked)
    });
}

#[test]
fn every_worked_case_is_what_its_event_is_derived_to() {
    check(|case| {
        let snapshot = snapshot(case)?;
        let levels = levels(case, &snapshot)?;
        case.must_be("the derived level", &levels)?;
        printed(case, &snapshot, &levels)
    });
}

/// The event that says what a case's row says.
fn event(case: &Case) -> String {
    let mut subscription = json!({
        "id": "sub_1", "object": "subscription", "customer": "cus_1",
        "created": BEGINS, "start_date": BEGINS, "status": "active",
    });
    for (name, value) in case.subscription.as_object().unwrap() {
        subscription[name] = value.clone();
    }
    if let Some(items) = subscription["items"].as_array().cloned() {
        // A subscription pays in the currency of its items unless the case says otherwise.
        if subscription["currency"].is_null() {
            subscription["currency"] = items[0]["price"]["currency"].clone();
        }
        let numbered = items.into_iter().enumerate().map(|(index, mut item)| {
            item["id"] = Value::from(format!("si_{index}"));
            item
        });
        subscription["items"] =
            json!({"object": "list", "has_more": false, "data": numbered.collect::<Vec<_>>()});
    }
    json!({
        "id": format!("evt_case{}", case.number), "object": "event", "api_version": "2026-09-30.endive",
        "created": BEGINS, "livemode": true, "type": "customer.subscription.created",
        "data": {"object": subscription},
    })
    .to_string()
}

fn snapshot(case: &Case) -> Result<Snapshot, String> {
    let body = event(case);
    let envelope = read(body.as_bytes()).map_err(|error| case.says(&error.to_string()))?;
    match translate(body.as_bytes(), &envelope, "00") {
        Translation::Facts(facts) => match facts.as_slice() {
            [Fact::Subscription(snapshot)] => Ok(snapshot.clone()),
            other => Err(case.says(&format!("no snapshot but {other:?}"))),
        },
        other => Err(case.says(&format!("not understood: {other:?}"))),
    }
}

/// Each item's level when the case is looked at, in the order of the items.
fn levels(case: &Case, snapshot: &Snapshot) -> Result<Vec<Mrr>, String> {
    let timeline = Timeline { facts: vec![Fact::Subscription(snapshot.clone())], start: None };
    let catalogue = Catalogue::default();
    let derivation =
        derive(&timeline, Rules { catalogue: &catalogue, policy: &case.policy, as_of: LOOKED_AT });
    is_sound(case, &derivation)?;
    let stands = |item| {
        let mut lasting = derivation.levels.iter().filter(|level| level.until.is_none());
        lasting.find(|level| level.item == item).map_or(Mrr::ZERO, |level| level.mrr)
    };
    Ok(snapshot.state.items.iter().map(|item| stands(item.id.clone())).collect())
}

/// Nothing is left open, and the movements add up to the levels.
fn is_sound(case: &Case, derivation: &Derivation) -> Result<(), String> {
    let open = derivation
        .findings
        .iter()
        .find(|finding| !matches!(finding.matter, Matter::UnconfirmedCoupon { .. }));
    if let Some(open) = open {
        return Err(case.says(&format!("{:?}", open.matter)));
    }
    let moved: i128 = derivation.movements.iter().map(|movement| movement.delta.0).sum();
    let stands = derivation.levels.iter().filter(|level| level.until.is_none());
    let stands: i128 = stands.map(|level| level.mrr.0).sum();
    if moved == stands {
        Ok(())
    } else {
        Err(case.says(&format!("movements of {moved} and levels of {stands}")))
    }
}

fn printed(case: &Case, snapshot: &Snapshot, levels: &[Mrr]) -> Result<(), String> {
    let Some(expected) = &case.printed else {
        return Ok(());
    };
    let scale = Scale::of(&snapshot.state.items[0].price.currency);
    let printed = scale.level(levels.iter().copied().sum());
    if printed == *expected {
        return Ok(());
    }
    Err(case.says(&format!("printed as {printed}, the document says {expected}")))
}

/// A document with what is given in the place of a good row's cells.
fn with_row(row: &str) -> Vec<Result<Case, String>> {
    let price = r#"{"id":"p","currency":"usd","recurring":{"interval":"month"},"unit_amount":5}"#;
    let head = "| # | case | subscription | MRR | arithmetic | source |\n|---|---|---|---|---|---|";
    document::cases(&format!(
        "```json\n[{price}]\n```\n\n{head}\n{row}\n\n[page]: https://docs.stripe.com/x\n"
    ))
}

#[test]
fn a_row_that_does_not_read_is_told_by_its_line() {
    let good = r#"| 1 | a price | `{"items":[{"price":"p"}]}` | 5.000000 | 1 × 5; one | R3, [page] |"#;
    assert!(with_row(good)[0].is_ok());
    let broken = [
        (r#""price":"p""#, r#""price":"q""#, "nothing above has the id `q`"),
        (r#"[{"price""#, r#"["price""#, "subscription"),
        ("5.000000", "5.00", "six decimals"),
        ("R3, [page]", "R3, [elsewhere]", "[elsewhere]"),
        ("R3, [page]", "everybody knows", "source"),
        ("| 1 |", "| 2 |", "expected case 1"),
        (" | 1 × 5; one", "", "cells"),
    ];
    for (part, instead, reason) in broken {
        let cases = with_row(&good.replace(part, instead));
        let error = cases[0].as_ref().err().unwrap_or_else(|| panic!("{instead} passes"));
        assert!(error.starts_with("line 7") && error.contains(reason), "{error}");
    }
    let wrong = with_row(&good.replace("1 × 5", "1 × 6")).remove(0).unwrap();
    let worked = arithmetic::levels(&wrong.arithmetic).unwrap();
    let error = wrong.must_be("the arithmetic", &worked).unwrap_err();
    assert_eq!(error, "line 7, case 1 (a price): the arithmetic is 6.000000, the document says 5.000000");
    assert!(arithmetic::levels("1 ×").is_err() && arithmetic::levels("(1").is_err());
}
