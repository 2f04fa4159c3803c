#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use crate::mrr::{DiscountChange, Listed, Origin, Status};

fn facts(object: &str) -> Vec<Fact> {
    let envelope = crate::stripe::read(object.as_bytes()).expect("JSON");
    match crate::stripe::translate(object.as_bytes(), &envelope, "00") {
        Translation::Facts(facts) | Translation::Learnt { facts, .. } => facts,
        other => panic!("{other:?}"),
    }
}

fn billed(object: &str) -> BilledInvoice {
    let told = facts(object).into_iter().find_map(|fact| match fact {
        Fact::Billed(billed) => Some(billed),
        _ => None,
    });
    told.expect("lines")
}

fn invoice(lines: &str, rest: &str) -> String {
    format!(
        r#"{{"id":"in_1","object":"invoice","created":900,"customer":"cus_1","currency":"usd","status":"paid",
        "subscription":"sub_1","period_end":1000,"billing_reason":"subscription_cycle",
        "lines":{{"object":"list","has_more":false,"data":[{lines}]}}{rest}}}"#
    )
}

const LICENSED: &str = r#"{"amount":2000,"currency":"usd","quantity":2,"period":{"start":1000,"end":2000},
    "type":"subscription","proration":false,"subscription_item":"si_1",
    "price":{"id":"price_1","product":"prod_1","currency":"usd","unit_amount":1000,"type":"recurring",
    "recurring":{"interval":"month","usage_type":"licensed"}}}"#;

const BASIL: &str = r#"{"amount":2000,"currency":"usd","quantity":2,"period":{"start":1000,"end":2000},
    "parent":{"type":"subscription_item_details","subscription_item_details":{"subscription":"sub_1",
    "subscription_item":"si_1","proration":false,"proration_details":{"credited_items":null}}},
    "pricing":{"type":"price_details","price_details":{"price":"price_1","product":"prod_1"}}}"#;

#[test]
fn every_generation_of_line_tells_item_price_quantity_and_period() {
    let plan = LICENSED.replace("\"price\":", "\"plan\":").replace(
        "\"recurring\":{\"interval\":\"month\",\"usage_type\":\"licensed\"}",
        "\"interval\":\"month\",\"usage_type\":\"licensed\"",
    );
    for line in [LICENSED, &plan, BASIL] {
        let told = billed(&invoice(line, ""));
        let only = &told.lines[0];
        assert_eq!((only.item.as_str(), only.price.id.as_str(), only.quantity), ("si_1", "price_1", 2));
        assert_eq!((only.period_start, only.period_end), (Instant(1000), Instant(2000)));
        assert!(!only.is_proration && !only.is_credit && !only.is_free && !only.is_in_arrears);
        assert_eq!((told.reason, told.is_whole), (BillingReason::Cycle, true));
        assert_eq!(told.evidence.grade, Grade::InvoiceLine);
    }
    let basil = billed(&invoice(BASIL, ""));
    assert_eq!(basil.lines[0].price.product.as_str(), "prod_1");
    assert_eq!(basil.lines[0].price.scheme, Scheme::PriceNotSent);
}

#[test]
fn a_line_of_an_amount_alone_bills_nothing_that_is_held() {
    let bare = BASIL.replace(
        "\"price_details\":{\"price\":\"price_1\",\"product\":\"prod_1\"}",
        "\"unit_amount_decimal\":null",
    );
    assert_ne!(bare, BASIL);
    let told = facts(&invoice(&bare, ""));
    assert!(!told.iter().any(|fact| matches!(fact, Fact::Billed(_))), "{told:?}");
}

#[test]
fn a_line_without_an_item_is_its_subscriptions_and_an_invoice_items_is_none() {
    let old = LICENSED.replace("\"subscription_item\":\"si_1\",", "");
    assert_eq!(billed(&invoice(&old, "")).lines[0].item.as_str(), "sub_1");
    let other = old.replace("\"type\":\"subscription\"", "\"type\":\"invoiceitem\"");
    let envelope = crate::stripe::read(invoice(&other, "").as_bytes()).expect("JSON");
    let told = crate::stripe::translate(invoice(&other, "").as_bytes(), &envelope, "00");
    // A cycle's invoice still says zero of what it leaves out (R8).
    assert!(matches!(told, Translation::Facts(facts) if matches!(facts.as_slice(), [Fact::Usage(_)])));
}

#[test]
fn a_credit_is_one_by_its_sign_or_by_what_it_credits() {
    let minus = LICENSED.replace("2000,\"currency\"", "-2000,\"currency\"").replace("false", "true");
    let line = &billed(&invoice(&minus, "")).lines[0];
    assert!(line.is_credit && line.is_proration);
    let free = BASIL.replace("\"amount\":2000", "\"amount\":0");
    let named = free.replace("\"credited_items\":null", "\"credited_items\":{\"invoice\":\"in_0\"}");
    let (free, named) = (billed(&invoice(&free, "")), billed(&invoice(&named, "")));
    assert!(free.lines[0].is_free && !free.lines[0].is_credit && named.lines[0].is_credit);
}

#[test]
fn a_decimal_quantity_counts_whole() {
    let decimal = BASIL.replace("\"quantity\":2", "\"quantity\":null,\"quantity_decimal\":\"3.5\"");
    assert_eq!(billed(&invoice(&decimal, "")).lines[0].quantity, 3);
}

#[test]
fn discounts_of_the_invoice_tell_since_when_and_those_given_to_it_alone_are_none() {
    let coupon = r#""coupon":{"id":"c","percent_off":10,"duration":"forever"}"#;
    let told = billed(&invoice(
        LICENSED,
        &format!(
            r#","discounts":["di_0",{{"id":"di_1","start":500,"subscription":"sub_1",{coupon}}},
            {{"id":"di_2","start":900,"invoice":"in_1","subscription":null,{coupon}}}]"#
        ),
    ));
    let discounts: Vec<_> = told
        .discounts
        .iter()
        .map(|billed| (billed.discount.id.clone().unwrap(), billed.since, billed.discount.coupon.is_some()))
        .collect();
    assert_eq!(discounts, [("di_0".into(), None, false), ("di_1".into(), Some(Instant(500)), true)]);
    let line = LICENSED.replace("\"quantity\":2", "\"quantity\":2,\"discounts\":[\"di_1\",\"di_7\"]");
    let told = billed(&invoice(&line, &format!(r#","discount":{{"id":"di_1","start":500,{coupon}}}"#)));
    assert_eq!(told.lines[0].discounts.len(), 1, "the invoice's own discount is no item's");
}

#[test]
fn usage_has_the_instants_that_the_invoice_carries() {
    let metered = LICENSED.replace("licensed", "metered").replace("1000,\"end\":2000", "0,\"end\":1000");
    let transitions = r#","status_transitions":{"finalized_at":1100,"paid_at":null,"voided_at":5000,
        "marked_uncollectible_at":null}"#;
    let told = facts(&invoice(&metered, transitions).replace("\"paid\"", "\"void\""));
    let usage: Vec<_> = told
        .iter()
        .filter_map(|fact| match fact {
            Fact::Usage(usage) => Some((usage.at.0, usage.status, usage.lines.len())),
            _ => None,
        })
        .collect();
    assert_eq!(usage, [(1100, InvoiceStatus::Billed, 1), (5000, InvoiceStatus::Withdrawn, 1)]);
    let last = told.iter().find_map(|fact| match fact {
        Fact::Billed(billed) => Some((billed.at.0, billed.status)),
        _ => None,
    });
    assert_eq!(last, Some((5000, InvoiceStatus::Withdrawn)));
}

#[test]
fn what_could_not_be_collected_was_held_all_the_same() {
    let told = billed(&invoice(LICENSED, "").replace("\"paid\"", "\"uncollectible\""));
    assert_eq!(told.status, InvoiceStatus::Billed);
    assert_eq!(billed(&invoice(LICENSED, "").replace("\"paid\"", "\"draft\"")).status, InvoiceStatus::Draft);
}

const SUBSCRIPTION: &str = r#"{"id":"sub_1","object":"subscription","customer":"cus_1","status":"active","created":700,
    "start_date":650,"current_period_end":3000,"currency":"usd","items":{"object":"list","data":[{"id":"si_1",
    "quantity":1,"price":{"id":"p","currency":"usd","unit_amount":5,"recurring":{"interval":"month"}}}]}}"#;

#[test]
fn a_listed_subscription_tells_when_it_began_and_until_when_the_list_can_have_been_made() {
    let told = facts(SUBSCRIPTION);
    let [Fact::Subscription(shown)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((shown.origin, shown.evidence.grade), (Origin::Seen, Grade::Listing));
    let listed = Listed { began_at: Some(Instant(700)), lasts_until: Some(Instant(2999)) };
    assert_eq!(shown.listed, Some(listed));
}

#[test]
fn a_canceled_one_in_a_list_is_an_end() {
    let gone = SUBSCRIPTION.replace("\"status\":\"active\"", "\"status\":\"canceled\",\"ended_at\":2500");
    let told = facts(&gone);
    let [Fact::Subscription(shown)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((shown.origin, shown.state.status), (Origin::Deleted, Status::Canceled));
    assert_eq!(shown.state.ended_at, Some(Instant(2500)));
    assert_eq!(shown.listed.and_then(|listed| listed.lasts_until), None);
}

#[test]
fn a_listed_customers_discount_runs_since_its_start_and_having_none_says_nothing() {
    let told = facts(
        r#"{"id":"cus_1","object":"customer","created":5,"address":{"country":"de"},"metadata":{},
        "discount":{"id":"di_1","start":77,"coupon":{"id":"c","percent_off":10,"duration":"forever"}}}"#,
    );
    let [Fact::Discount(given), Fact::Customer(shown)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((given.at, given.change), (Instant(77), DiscountChange::Created));
    assert_eq!((shown.discount.clone(), shown.country.as_deref()), (None, Some("DE")));
    let told = facts(r#"{"id":"cus_1","object":"customer","created":5,"discount":null}"#);
    assert!(matches!(told.as_slice(), [Fact::Customer(shown)] if shown.discount.is_none()));
}
