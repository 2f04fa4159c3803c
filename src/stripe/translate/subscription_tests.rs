#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use crate::mrr::{PriceAmount, Scheme};

const ITEM: &str = r#"{"id":"si_1","quantity":10,"price":{"id":"price_1","product":"prod_1","currency":"usd",
    "unit_amount":2000,"recurring":{"interval":"month","interval_count":1,"usage_type":"licensed"}}}"#;

fn translated(version: &str, kind: &str, object: &str, previous: Option<&str>) -> Translation {
    let previous =
        previous.map(|previous| format!(r#","previous_attributes":{previous}"#)).unwrap_or_default();
    let body = format!(
        r#"{{"id":"evt_1","type":"customer.subscription.{kind}","created":1700000000,"api_version":"{version}",
        "data":{{"object":{object}{previous}}}}}"#
    );
    let envelope = crate::stripe::read(body.as_bytes()).expect("JSON");
    crate::stripe::translate(body.as_bytes(), &envelope, "00")
}

fn snapshot_of(version: &str, kind: &str, object: &str, previous: Option<&str>) -> Snapshot {
    match translated(version, kind, object, previous) {
        Translation::Facts(facts) => match facts.as_slice() {
            [Fact::Subscription(snapshot)] => snapshot.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn subscription(items: &str, rest: &str) -> String {
    format!(
        r#"{{"id":"sub_1","customer":"cus_1","status":"active","items":{{"object":"list","data":[{items}]}}{rest}}}"#
    )
}

fn snapshot(object: &str) -> Snapshot {
    snapshot_of("2024-06-20", "updated", object, None)
}

fn before(object: &str, previous: &str) -> State {
    snapshot_of("2024-06-20", "updated", object, Some(previous)).previous.expect("told")
}

fn quantities(state: &State) -> Vec<(&str, u64)> {
    state.items.iter().map(|item| (item.id.as_str(), item.quantity)).collect()
}

#[test]
fn a_snapshot_is_what_the_event_says() {
    let snapshot = snapshot(&subscription(ITEM, r#","customer":{"id":"cus_9"},"metadata":{"owner":"kim"}"#));
    assert_eq!((snapshot.subscription.as_str(), snapshot.customer.as_str()), ("sub_1", "cus_9"));
    assert_eq!((snapshot.at, snapshot.origin), (Instant(1_700_000_000), Origin::Updated));
    assert_eq!(snapshot.state.status, Status::Active);
    assert_eq!(quantities(&snapshot.state), [("si_1", 10)]);
    assert_eq!(snapshot.previous, None);
    assert_eq!(snapshot.metadata["owner"], "kim");
    assert_eq!((&*snapshot.evidence.event, &*snapshot.evidence.sha256), ("evt_1", "00"));
}

#[test]
fn an_origin_follows_from_the_type() {
    let origin = |kind| snapshot_of("2024-06-20", kind, &subscription(ITEM, ""), None).origin;
    assert_eq!(origin("created"), Origin::Created);
    assert_eq!(origin("deleted"), Origin::Deleted);
    for notice in ["paused", "resumed", "trial_will_end", "pending_update_applied", "pending_update_expired"]
    {
        assert_eq!(origin(notice), Origin::Seen);
    }
}

#[test]
fn a_subscription_without_items_is_its_own_only_item() {
    let old = r#"{"id":"sub_1","customer":"cus_1","status":"active","quantity":3,"metadata":[],
        "plan":{"id":"gold","amount":5000,"currency":"usd","interval":"month","metadata":[]},
        "discount":{"coupon":{"id":"c","percent_off":10,"duration":"forever"}}}"#;
    let state = snapshot(old).state;
    assert_eq!(quantities(&state), [("sub_1", 3)]);
    assert_eq!((state.discounts.len(), state.items[0].discounts.len()), (1, 0));
    let empty = old.replace("\"quantity\":3", "\"items\":{\"data\":[]}");
    assert_eq!(quantities(&snapshot(&empty).state), [("sub_1", 1)]);
}

#[test]
fn a_missing_quantity_is_one() {
    let state = snapshot(&subscription(&ITEM.replace("\"quantity\":10,", ""), "")).state;
    assert_eq!(quantities(&state), [("si_1", 1)]);
}

#[test]
fn more_items_than_an_event_holds_are_told() {
    let whole = subscription(ITEM, "");
    assert!(!snapshot(&whole).state.items_truncated);
    let more = whole.replace("\"object\":\"list\"", "\"has_more\":true");
    assert!(snapshot(&more).state.items_truncated);
}

#[test]
fn an_item_paid_once_is_left_out() {
    let once = r#"{"id":"si_2","price":{"id":"price_2","type":"one_time","recurring":null,"currency":"usd","unit_amount":900}}"#;
    let both = subscription(&format!("{once},{ITEM}"), "");
    assert_eq!(quantities(&snapshot(&both).state), [("si_1", 10)]);
    assert_eq!(quantities(&snapshot(&subscription(once, "")).state), []);
}

#[test]
fn an_unknown_status_is_kept_as_unknown() {
    let unknown = subscription(ITEM, r#","status":"hibernating""#);
    assert_eq!(snapshot(&unknown).state.status, Status::Unknown);
    let gone = subscription(ITEM, r#","status":null"#);
    let deleted = snapshot_of("2024-06-20", "deleted", &gone, None);
    assert_eq!(deleted.state.status, Status::Canceled);
}

#[test]
fn a_paused_collection_is_told_by_its_presence() {
    let paused = subscription(ITEM, r#","pause_collection":{"behavior":"void","resumes_at":null}"#);
    assert!(snapshot(&paused).state.collection_paused);
    assert!(!snapshot(&subscription(ITEM, r#","pause_collection":null"#)).state.collection_paused);
}

#[test]
fn a_scheduled_end_is_found_in_every_place() {
    let ends = |rest: &str, item: &str| snapshot(&subscription(item, rest)).state.ends_at;
    assert_eq!(
        ends(r#","cancel_at":5,"cancel_at_period_end":true,"current_period_end":7"#, ITEM),
        Some(Instant(5))
    );
    assert_eq!(ends(r#","cancel_at":5,"cancel_at_period_end":false"#, ITEM), Some(Instant(5)));
    assert_eq!(
        ends(r#","cancel_at":null,"cancel_at_period_end":true,"current_period_end":7"#, ITEM),
        Some(Instant(7))
    );
    let periods = [
        ITEM.replacen('{', "{\"current_period_end\":8,", 1),
        ITEM.replacen('{', "{\"current_period_end\":9,", 1),
    ];
    assert_eq!(ends(r#","cancel_at_period_end":true"#, &periods.join(",")), Some(Instant(9)));
    assert_eq!(ends(r#","cancel_at_period_end":false,"current_period_end":7"#, ITEM), None);
}

#[test]
fn an_end_has_a_reason_where_its_details_tell() {
    let reason = |word: &str| {
        let details = format!(r#","cancellation_details":{{"reason":{word},"comment":"…"}}"#);
        snapshot(&subscription(ITEM, &details)).state.end_reason
    };
    assert_eq!(reason("\"payment_failed\""), Some(EndReason::Payment));
    assert_eq!(reason("\"payment_disputed\""), Some(EndReason::Payment));
    assert_eq!(reason("\"cancellation_requested\""), Some(EndReason::Requested));
    assert_eq!(reason("\"canceled_by_retention_policy\""), None);
    assert_eq!(reason("null"), None);
}

#[test]
fn signs_of_motion_are_read() {
    let motion = |rest: &str| snapshot(&subscription(ITEM, rest)).motion;
    assert_eq!(motion(""), MotionSigns::default());
    assert_eq!(motion(r#","metadata":{"upswell_motion":"deliberate"}"#).declared, Some(Motion::Deliberate));
    assert_eq!(motion(r#","metadata":{"upswell_motion":"magic"}"#).declared, None);
    assert_eq!(motion(r#","metadata":{"upswell_motion":"unknown"}"#).declared, Some(Motion::Unknown));
    assert!(motion(r#","schedule":"sub_sched_1""#).is_scheduled);
    let released =
        snapshot_of("2024-06-20", "updated", &subscription(ITEM, ""), Some(r#"{"schedule":"sub_sched_1"}"#));
    assert!(released.motion.is_released && !released.motion.is_scheduled);
    assert!(motion(r#","metadata":{"upswell_channel":"portal"}"#).is_self_serve);
}

#[test]
fn previous_attributes_that_change_nothing_read_leave_the_state() {
    let object = subscription(ITEM, "");
    for previous in ["{}", r#"{"latest_invoice":"in_0"}"#, r#"{"metadata":{"a":null}}"#] {
        let snapshot = snapshot_of("2024-06-20", "updated", &object, Some(previous));
        assert_eq!(snapshot.previous.as_ref(), Some(&snapshot.state), "{previous}");
    }
    assert_eq!(snapshot_of("2024-06-20", "updated", &object, Some("null")).previous, None);
}

#[test]
fn old_values_are_put_back() {
    let object =
        subscription(ITEM, r#","trial_end":9,"pause_collection":{"behavior":"void"},"discounts":["di_1"]"#);
    let previous = r#"{"status":"trialing","trial_end":99,"pause_collection":null,"discounts":[]}"#;
    let state = before(&object, previous);
    assert_eq!((state.status, state.trial_end), (Status::Trialing, Some(Instant(99))));
    assert!(!state.collection_paused && state.discounts.is_empty());
    assert_eq!(quantities(&state), [("si_1", 10)]);
}

#[test]
fn a_list_of_items_is_put_back_whole() {
    let second = ITEM.replace("si_1", "si_2");
    let old = ITEM.replace("\"quantity\":10", "\"quantity\":4").replace("price_1", "price_0");
    let object = subscription(&[ITEM, &second].join(","), "");
    let state = before(&object, &format!(r#"{{"items":{{"object":"list","data":[{old}]}}}}"#));
    assert_eq!(quantities(&state), [("si_1", 4)]);
    assert_eq!(state.items[0].price.id.as_str(), "price_0");
}

#[test]
fn partial_elements_are_put_into_the_items_they_were() {
    let second = ITEM.replace("si_1", "si_2");
    let object = subscription(&[ITEM, &second].join(","), "");
    let by_id = r#"{"items":{"data":[{"id":"si_2","quantity":4}]}}"#;
    let by_place = r#"{"items":{"data":[{"quantity":4}]}}"#;
    let state =
        |version, previous| snapshot_of(version, "updated", &object, Some(previous)).previous.expect("told");
    assert_eq!(quantities(&state("2016-07-06", by_id)), [("si_1", 10), ("si_2", 4)]);
    assert_eq!(quantities(&state("2017-04-06", by_place)), [("si_1", 4), ("si_2", 10)]);
    assert_eq!(quantities(&state("2017-05-25", by_id)), [("si_2", 4)]);
}

#[test]
fn an_old_plan_and_quantity_are_those_of_the_only_item() {
    let object = subscription(
        ITEM,
        r#","plan":{"id":"price_1","amount":2000,"currency":"usd","interval":"month"},"quantity":10"#,
    );
    let previous = r#"{"plan":{"id":"gold","amount":1000,"currency":"usd","interval":"month"},"quantity":4}"#;
    let state = before(&object, previous);
    assert_eq!(quantities(&state), [("si_1", 4)]);
    let unit = PriceAmount::minor_units(1000);
    assert_eq!(state.items[0].price.scheme, Scheme::PerUnit { unit, transform: None });
    assert_eq!(state.items[0].price.id.as_str(), "gold");
}

#[test]
fn of_a_plan_that_is_told_in_part_the_rest_stands() {
    let object = r#"{"id":"sub_1","customer":"cus_1","status":"active","quantity":3,
        "plan":{"id":"gold","amount":5000,"currency":"usd","interval":"month"}}"#;
    let state = before(object, r#"{"plan":{"amount":4000},"quantity":null}"#);
    let unit = PriceAmount::minor_units(4000);
    assert_eq!(state.items[0].price.scheme, Scheme::PerUnit { unit, transform: None });
    assert_eq!(quantities(&state), [("sub_1", 1)]);
}

#[test]
fn what_does_not_fit_before_is_named_there() {
    let parked =
        translated("2024-06-20", "updated", &subscription(ITEM, ""), Some(r#"{"trial_end":"soon"}"#));
    let Translation::Parked { path, .. } = parked else {
        panic!("{parked:?}");
    };
    assert_eq!(path, "$.data.previous_attributes.trial_end");
}

#[test]
fn what_does_not_fit_is_named_in_the_item() {
    let path = |item: &str| match translated("2024-06-20", "updated", &subscription(item, ""), None) {
        Translation::Parked { path, .. } => path,
        other => panic!("{other:?}"),
    };
    assert_eq!(path(&ITEM.replace("month", "moon")), "$.data.object.items.data[0].price.recurring.interval");
    assert_eq!(path(&ITEM.replace("\"usd\"", "null")), "$.data.object.items.data[0].price.currency");
    assert_eq!(path(&ITEM.replace(":10", ":-1")), "$.data.object.items.data[0].quantity");
    assert_eq!(path(&ITEM.replace("\"si_1\"", "null")), "$.data.object.items.data[0].id");
    assert_eq!(path(&ITEM.replace("2000", "\"a lot\"")), "$.data.object.items.data[0].price.unit_amount");
    assert_eq!(path("7"), "$.data.object.items.data[0]");
}

#[test]
fn tax_that_amounts_include_is_read_and_tax_on_top_is_not() {
    let rate = |percentage: &str, is_inclusive| {
        format!(r#"{{"id":"txr_1","percentage":{percentage},"inclusive":{is_inclusive}}}"#)
    };
    let tax_of = |rates: &str, own: &str| {
        let item = ITEM.replacen('{', &format!(r#"{{"tax_rates":[{own}],"#), 1);
        let object = subscription(&item, &format!(r#","default_tax_rates":[{rates}]"#));
        snapshot(&object).state.items[0].inclusive_tax
    };
    assert_eq!(tax_of(&rate("20.0", true), ""), 200_000);
    assert_eq!(tax_of(&rate("20.0", false), ""), 0);
    assert_eq!(tax_of(&format!("{},{}", rate("8.875", true), rate("2", true)), ""), 108_750);
    assert_eq!(tax_of(&rate("20", true), &rate("7", true)), 70_000, "an item's own rates replace the others");
    assert_eq!(tax_of(&rate("20", true), &rate("7", false)), 0);
    assert_eq!(tax_of(r#""txr_1""#, ""), 0, "a rate that is sent as its id is not known");
}

#[test]
fn tax_rates_that_changed_are_put_back() {
    let object = subscription(ITEM, r#","default_tax_rates":[]"#);
    let state = before(&object, r#"{"default_tax_rates":[{"id":"txr_1","percentage":20,"inclusive":true}]}"#);
    assert_eq!(state.items[0].inclusive_tax, 200_000);
}

#[test]
fn a_tax_rate_that_is_none_is_named() {
    let rates = r#","default_tax_rates":[{"id":"txr_1","percentage":"much","inclusive":true}]"#;
    let parked = translated("2024-06-20", "updated", &subscription(ITEM, rates), None);
    let Translation::Parked { path, .. } = parked else {
        panic!("{parked:?}");
    };
    assert_eq!(path, "$.data.object.default_tax_rates[0].percentage");
}
