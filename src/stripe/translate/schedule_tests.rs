#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use crate::mrr::{CouponId, Currency, DiscountId, Duration, Grade, PriceAmount, Scheme};

const START: i64 = 1_700_000_000;
const MONTH: i64 = 30 * 86_400;

fn translated(body: &str) -> Translation {
    let envelope = crate::stripe::read(body.as_bytes()).expect("JSON");
    crate::stripe::translate(body.as_bytes(), &envelope, "00")
}

fn event(version: &str, kind: &str, object: &str) -> Translation {
    translated(&format!(
        r#"{{"id":"evt_1","object":"event","type":"subscription_schedule.{kind}","created":{START},
        "api_version":"{version}","data":{{"object":{object}}}}}"#
    ))
}

fn fact(told: Translation) -> ScheduleFact {
    match told {
        Translation::Facts(facts) => match facts.as_slice() {
            [Fact::Schedule(fact)] => fact.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn schedule(phases: &str, rest: &str) -> String {
    format!(
        r#"{{"id":"sub_sched_1","object":"subscription_schedule","created":{START},"customer":"cus_1",
        "status":"active","subscription":"sub_1","end_behavior":"release",
        "current_phase":{{"start_date":{START},"end_date":{}}},"phases":[{phases}]{rest}}}"#,
        START + MONTH
    )
}

fn phase_from(start: i64, rest: &str) -> String {
    format!(r#"{{"start_date":{start},"end_date":{},{rest}}}"#, start + MONTH)
}

fn only_phase(version: &str, rest: &str) -> Phase {
    let mut phases = fact(event(version, "updated", &schedule(&phase_from(START, rest), ""))).phases;
    assert_eq!(phases.len(), 1);
    phases.remove(0)
}

#[test]
fn a_schedule_is_what_the_event_says() {
    let phases = [
        phase_from(START, r#""currency":"usd","items":[{"price":"price_1","quantity":3}]"#),
        phase_from(START + MONTH, r#""items":[{"price":"price_2"},{"price":"price_3","quantity":2}]"#),
    ];
    let told = fact(event("2024-06-20", "created", &schedule(&phases.join(","), "")));
    assert_eq!((told.customer.as_str(), &*told.schedule), ("cus_1", "sub_sched_1"));
    assert_eq!(told.subscription, Some("sub_1".into()));
    assert_eq!((told.status, told.origin), (ScheduleStatus::Active, Origin::Created));
    assert!(!told.cancels_at_end);
    assert_eq!((told.at, told.lasts_until), (Instant(START), None));
    assert_eq!(told.phases[0].currency, Some(Currency::from("usd")));
    assert_eq!(
        (told.phases[1].start, told.phases[1].end),
        (Instant(START + MONTH), Some(Instant(START + 2 * MONTH)))
    );
    let items =
        told.phases[1].items.iter().map(|item| (item.price.as_str(), item.quantity, item.terms.is_some()));
    assert_eq!(items.collect::<Vec<_>>(), [("price_2", 1, false), ("price_3", 2, false)]);
}

#[test]
fn the_plans_of_the_oldest_version_are_items() {
    let phase = only_phase(
        "2019-03-14",
        r#""coupon":null,"default_tax_rates":[],"tax_percent":null,"trial":false,"trial_end":null,
        "plans":[{"billing_thresholds":null,"plan":"gold","quantity":2,"tax_rates":[]}]"#,
    );
    assert_eq!((phase.items[0].price.as_str(), phase.items[0].quantity), ("gold", 2));
    let expanded = only_phase(
        "2019-03-14",
        r#""plans":[{"plan":{"id":"gold","product":"prod_1","currency":"eur","amount":900,"interval":"month"}}]"#,
    );
    let price = expanded.items[0].terms.clone().expect("expanded");
    assert_eq!((price.product.as_str(), price.currency.as_str()), ("prod_1", "eur"));
}

#[test]
fn a_plan_beside_a_price_is_the_price_in_older_words() {
    let phase = only_phase("2020-08-27", r#""items":[{"plan":"price_1","price":"price_1","quantity":4}]"#);
    assert_eq!((phase.items[0].price.as_str(), phase.items[0].quantity), ("price_1", 4));
    let other = only_phase(
        "2026-06-24.dahlia",
        r#""currency":"usd","items":[{"price":"price_1","quantity":1,
        "plan":{"id":"another","currency":"usd","amount":100,"interval":"month"}}]"#,
    );
    assert_eq!((other.items[0].price.as_str(), other.items[0].terms.is_none()), ("price_1", true));
}

#[test]
fn an_expanded_price_is_taken_with_its_terms() {
    let phase = only_phase(
        "2026-03-25.dahlia",
        r#""currency":"usd","items":[{"price":{"id":"price_1","product":"prod_1","currency":"usd","unit_amount":2000,
        "recurring":{"interval":"month","interval_count":1}},"quantity":5}]"#,
    );
    let price = phase.items[0].terms.clone().expect("expanded");
    assert_eq!(price.scheme, Scheme::PerUnit { unit: PriceAmount::minor_units(2000), transform: None });
    assert_eq!(phase.items[0].price.as_str(), "price_1");
    let deleted = only_phase(
        "2026-03-25.dahlia",
        r#""items":[{"price":{"id":"price_1","object":"price","deleted":true},"quantity":5}]"#,
    );
    assert_eq!((deleted.items[0].price.as_str(), deleted.items[0].terms.is_none()), ("price_1", true));
}

#[test]
fn discounts_are_found_in_every_place() {
    let id = |text: &str| Some(CouponId::from(text));
    let old = only_phase("2020-08-27", r#""coupon":"half","items":[{"price":"p"}]"#);
    assert_eq!(old.discounts[0].coupon_id, id("half"));
    let listed = only_phase(
        "2025-05-28.basil",
        r#""discounts":[{"coupon":"half","discount":null,"promotion_code":null},
        {"coupon":null,"discount":"di_1","promotion_code":null},{"coupon":null,"discount":null,"promotion_code":null}],
        "items":[{"price":"p","discounts":[{"coupon":"ten"}]}]"#,
    );
    assert_eq!(listed.discounts.len(), 2);
    assert_eq!(
        (&listed.discounts[0].coupon_id, &listed.discounts[1].id),
        (&id("half"), &Some(DiscountId::from("di_1")))
    );
    assert_eq!(listed.items[0].discounts[0].coupon_id, id("ten"));
    // A code by its id alone takes off something, nobody knows what.
    let code = only_phase(
        "2025-05-28.basil",
        r#""discounts":[{"promotion_code":"promo_1"}],"items":[{"price":"p"}]"#,
    );
    assert_eq!((code.discounts.len(), &code.discounts[0].coupon), (1, &None));
}

#[test]
fn an_expanded_repeating_coupon_runs_from_the_phases_beginning() {
    let phase = only_phase(
        "2020-08-27",
        r#""coupon":{"id":"half","percent_off":50,"duration":"repeating","duration_in_months":1},
        "items":[{"price":"p"}]"#,
    );
    let given = &phase.discounts[0];
    assert_eq!(given.coupon.as_ref().map(|coupon| coupon.duration), Some(Duration::Repeating));
    // From 14 November 2023, for one calendar month.
    assert_eq!(given.end, Some(Instant(START + MONTH)));
}

#[test]
fn a_trial_ends_when_it_says_or_with_its_phase() {
    let told = only_phase("2020-08-27", &format!(r#""trial_end":{},"items":[{{"price":"p"}}]"#, START + 5));
    assert_eq!(told.trial_end, Some(Instant(START + 5)));
    let whole = only_phase("2020-08-27", r#""trial":true,"items":[{"price":"p"}]"#);
    assert_eq!(whole.trial_end, Some(Instant(START + MONTH)));
}

#[test]
fn taxes_are_told_by_rates_that_are_expanded() {
    let rate = r#"[{"id":"txr_1","inclusive":true,"percentage":20.0}]"#;
    let told = only_phase("2020-08-27", &format!(r#""default_tax_rates":{rate},"items":[{{"price":"p"}}]"#));
    assert_eq!(told.items[0].inclusive_tax, Some(200_000));
    let own = only_phase("2020-08-27", &format!(r#""items":[{{"price":"p","tax_rates":{rate}}}]"#));
    assert_eq!(own.items[0].inclusive_tax, Some(200_000));
    let ids =
        only_phase("2020-08-27", r#""default_tax_rates":["txr_1"],"items":[{"price":"p","tax_rates":[]}]"#);
    assert_eq!(ids.items[0].inclusive_tax, None);
}

#[test]
fn what_is_over_says_so_by_its_type_or_by_its_status() {
    let phases = phase_from(START, r#""items":[{"price":"p"}]"#);
    for (kind, status) in [
        ("released", ScheduleStatus::Released),
        ("canceled", ScheduleStatus::Canceled),
        ("aborted", ScheduleStatus::Canceled),
        ("completed", ScheduleStatus::Completed),
    ] {
        let told = fact(event("2024-06-20", kind, &schedule(&phases, "")));
        assert_eq!((told.status, told.is_over(), told.phases.len()), (status, true, 0), "{kind}");
    }
    let by_status = schedule(&phases, "").replace(r#""status":"active""#, r#""status":"released""#);
    assert!(fact(event("2024-06-20", "updated", &by_status)).is_over());
    let strange = schedule(&phases, "").replace(r#""status":"active""#, r#""status":"resting""#);
    assert_eq!(fact(event("2024-06-20", "expiring", &strange)).status, ScheduleStatus::Unknown);
}

#[test]
fn a_list_is_no_younger_than_the_phase_it_shows() {
    let phases = phase_from(START, r#""items":[{"price":"p"}]"#);
    let told = fact(translated(&schedule(&phases, r#","livemode":true"#)));
    assert_eq!((told.origin, told.evidence.grade), (Origin::Seen, Grade::Listing));
    assert_eq!(told.lasts_until, Some(Instant(START + MONTH - 1)));
    let to_come = schedule(&phase_from(START + 9, r#""items":[{"price":"p"}]"#), "");
    let to_come = to_come.replace(r#""status":"active""#, r#""status":"not_started""#);
    assert_eq!(fact(translated(&to_come)).lasts_until, Some(Instant(START + 8)));
}

#[test]
fn what_does_not_fit_is_named_by_its_path() {
    let parked = |phase: &str| match event("2024-06-20", "updated", &schedule(phase, "")) {
        Translation::Parked { path, .. } => path,
        other => panic!("{other:?}"),
    };
    assert_eq!(parked(r#"{"items":[]}"#), "$.data.object.phases[0].start_date");
    assert_eq!(parked(&phase_from(START, r#""trial":false"#)), "$.data.object.phases[0].items");
    assert_eq!(
        parked(&phase_from(START, r#""items":[{"price":"p","quantity":-1}]"#)),
        "$.data.object.phases[0].items[0].quantity"
    );
    assert_eq!(
        parked(&phase_from(START, r#""items":[{"quantity":1}]"#)),
        "$.data.object.phases[0].items[0].price"
    );
    let nobody = schedule("", "").replace(r#""customer":"cus_1""#, r#""customer":null"#);
    assert_eq!(
        event("2024-06-20", "updated", &nobody),
        Translation::Ignored { reason: "schedule of no customer" }
    );
}
