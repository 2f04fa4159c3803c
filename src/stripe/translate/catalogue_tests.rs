#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use crate::mrr::{Coupon, Grade, Instant, Off, PriceAmount, Scheme};

fn translated(body: &str) -> Translation {
    let envelope = crate::stripe::read(body.as_bytes()).expect("JSON");
    crate::stripe::translate(body.as_bytes(), &envelope, "00")
}

fn event(kind: &str, object: &str) -> Translation {
    translated(&format!(
        r#"{{"id":"evt_1","object":"event","type":"{kind}","created":1700000000,"data":{{"object":{object}}}}}"#
    ))
}

fn lessons(translation: Translation) -> Vec<CatalogueFact> {
    match translation {
        Translation::Learnt { catalogue, .. } => catalogue,
        other => panic!("{other:?}"),
    }
}

fn only(translation: Translation) -> CatalogueFact {
    let mut lessons = lessons(translation);
    assert_eq!(lessons.len(), 1, "{lessons:?}");
    lessons.remove(0)
}

fn reason(translation: Translation) -> &'static str {
    match translation {
        Translation::Ignored { reason } => reason,
        other => panic!("{other:?}"),
    }
}

fn terms(fact: CatalogueFact) -> PriceTerms {
    match fact.lesson {
        Lesson::Price(terms) => terms,
        other => panic!("{other:?}"),
    }
}

const PRICE: &str = r#"{"id":"price_1","object":"price","type":"recurring","currency":"usd","created":1600000000,
    "product":"prod_1","recurring":{"interval":"month"},"unit_amount":900,
    "currency_options":{"usd":{"unit_amount":900},"eur":{"unit_amount":800,"unit_amount_decimal":"800"}},
    "metadata":{"upswell_ladder":"plans","upswell_rank":"2","upswell_role":"base","upswell_seat":"false",
        "upswell_succeeds":"price_0"}}"#;

#[test]
fn a_price_teaches_its_terms_whether_told_or_listed() {
    let told = only(event("price.updated", PRICE));
    assert_eq!((told.at, told.evidence.grade), (Instant(1_700_000_000), Grade::Event));
    let listed = only(translated(PRICE));
    assert_eq!((listed.at, listed.evidence.grade), (Instant(1_600_000_000), Grade::Listing));
    assert!(listed.evidence.event.starts_with("listing:price_1:"));
    assert_eq!(told.lesson, listed.lesson);
    let terms = terms(told);
    let per_unit = |units| Scheme::PerUnit { unit: PriceAmount::minor_units(units), transform: None };
    assert_eq!((terms.price.product.as_str(), terms.price.scheme), ("prod_1", per_unit(900)));
    assert_eq!(terms.options[&"eur".into()], per_unit(800));
    let marks = terms.marks;
    assert_eq!((marks.ladder.as_deref(), marks.rank), (Some("plans"), Some(2)));
    assert_eq!((marks.role, marks.is_seat), (Some(Role::Base), Some(false)));
    assert_eq!(marks.succeeds, Some("price_0".into()));
}

#[test]
fn a_mark_that_is_none_is_no_mark() {
    let odd = PRICE
        .replace("\"2\"", "\"second\"")
        .replace("\"base\"", "\"foundation\"")
        .replace("\"plans\"", "\" \"")
        .replace("\"price_0\"", "\"\"")
        .replace("\"upswell_seat\":\"false\"", "\"upswell_seat\":\"perhaps\"");
    assert_eq!(terms(only(event("price.created", &odd))).marks, Marks::default());
}

#[test]
fn a_plan_teaches_in_older_words_and_is_its_own_product() {
    let plan = r#"{"id":"gold","object":"plan","currency":"usd","interval":"year","amount":null,
        "billing_scheme":"tiered","tiers_mode":"graduated","tiers":[{"up_to":5,"amount":100},{"up_to":null,"amount":50}]}"#;
    let terms = terms(only(event("plan.created", plan)));
    assert_eq!(terms.price.product.as_str(), "gold");
    assert!(matches!(terms.price.scheme, Scheme::Tiered { .. }));
}

#[test]
fn what_was_deleted_still_teaches_its_terms() {
    assert_eq!(terms(only(event("price.deleted", PRICE))).price.id.as_str(), "price_1");
    let coupon = r#"{"id":"c","percent_off":10,"duration":"forever","created":1}"#;
    assert!(matches!(only(event("coupon.deleted", coupon)).lesson, Lesson::Coupon(_)));
    let product = r#"{"id":"prod_1","created":1,"metadata":{"upswell_role":"add_on"}}"#;
    let Lesson::Product { marks, .. } = only(event("product.deleted", product)).lesson else { panic!() };
    assert_eq!(marks.role, Some(Role::AddOn));
    for kind in ["price.deleted", "product.deleted", "coupon.deleted"] {
        assert!(!reason(event(kind, r#"{"id":"x_1","deleted":true}"#)).is_empty(), "{kind}");
    }
}

#[test]
fn a_price_that_is_paid_once_teaches_its_product_at_most() {
    let once = PRICE.replace("\"recurring\",", "\"one_time\",").replace(r#"{"interval":"month"}"#, "null");
    assert!(reason(event("price.created", &once)).contains("paid once"));
    let expanded = once.replace("\"prod_1\"", r#"{"id":"prod_1","metadata":{}}"#);
    assert!(matches!(only(translated(&expanded)).lesson, Lesson::Product { .. }));
    let neither = PRICE.replace(r#""recurring":{"interval":"month"},"#, "");
    assert!(matches!(event("price.created", &neither), Translation::Parked { .. }));
}

#[test]
fn a_coupon_teaches_its_amounts_and_its_products() {
    let coupon = r#"{"id":"c","object":"coupon","amount_off":500,"currency":"usd","duration":"forever","created":7,
        "currency_options":{"eur":{"amount_off":400}},"applies_to":{"products":["prod_1"]}}"#;
    let Lesson::Coupon(coupon) = only(translated(coupon)).lesson else { panic!() };
    let Coupon { off, options, applies_to, .. } = coupon;
    assert_eq!(off, Off::Amount { amount: PriceAmount::minor_units(500), currency: "usd".into() });
    assert_eq!(options[&"eur".into()], PriceAmount::minor_units(400));
    assert_eq!(applies_to, Some(vec!["prod_1".into()]));
}

fn discount(rest: &str, kind: &str) -> (Vec<CatalogueFact>, DiscountFact) {
    let object = format!(r#"{{"id":"di_1","object":"discount","customer":"cus_1"{rest}}}"#);
    let (catalogue, facts) = match event(kind, &object) {
        Translation::Facts(facts) => (Vec::new(), facts),
        Translation::Learnt { catalogue, facts } => (catalogue, facts),
        other => panic!("{other:?}"),
    };
    match facts.as_slice() {
        [Fact::Discount(fact)] => (catalogue, fact.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_discounts_event_is_a_fact_of_the_customer_and_teaches_the_coupon() {
    let embedded = r#","coupon":{"id":"c","percent_off":10,"duration":"forever"},"subscription":null"#;
    let (catalogue, fact) = discount(embedded, "customer.discount.created");
    assert_eq!((catalogue.len(), fact.change, &fact.subscription), (1, DiscountChange::Created, &None));
    let source = r#","source":{"type":"coupon","coupon":"c"},"subscription":"sub_1","start":1,"end":9"#;
    let (catalogue, fact) = discount(source, "customer.discount.deleted");
    assert_eq!((catalogue.len(), fact.change), (0, DiscountChange::Deleted));
    assert_eq!(fact.subscription, Some("sub_1".into()));
    assert_eq!((fact.discount.coupon_id, fact.discount.end), (Some("c".into()), Some(Instant(9))));
    let (_, fact) = discount(r#","coupon":"c","subscription_item":"si_1""#, "customer.discount.updated");
    assert!(fact.subscription.is_some(), "an item's discount is not the customer's");
}

#[test]
fn a_discount_of_one_invoice_is_no_customers() {
    let object = r#"{"id":"di_1","customer":"cus_1","invoice":"in_1","coupon":"c"}"#;
    assert!(reason(event("customer.discount.created", object)).contains("one invoice"));
    let checkout = r#"{"id":"di_1","customer":null,"checkout_session":"cs_1","coupon":"c"}"#;
    assert_eq!(reason(event("customer.discount.created", checkout)), "discount of no customer");
}

fn items(has_more: bool, subscriptions: [&str; 2]) -> String {
    let item = |number: usize| {
        format!(
            r#"{{"id":"si_{number}","object":"subscription_item","subscription":"{}","created":160000000{number},
                "quantity":2,"price":{PRICE}}}"#,
            subscriptions[number]
        )
    };
    format!(r#"{{"object":"list","data":[{},{}],"has_more":{has_more}}}"#, item(0), item(1))
}

#[test]
fn a_whole_list_of_items_teaches_all_of_them() {
    let fact = only(translated(&items(false, ["sub_1", "sub_1"])));
    assert_eq!(fact.at, Instant(1_600_000_001));
    let Lesson::Items { subscription, items } = fact.lesson else { panic!() };
    assert_eq!((subscription.as_str(), items.len()), ("sub_1", 2));
    assert_eq!((items[0].created, items[0].item.quantity), (Instant(1_600_000_000), 2));
}

#[test]
fn a_part_of_a_list_of_items_teaches_nothing() {
    assert!(reason(translated(&items(true, ["sub_1", "sub_1"]))).contains("--limit 100"));
    assert!(reason(translated(&items(false, ["sub_1", "sub_2"]))).contains("several subscriptions"));
    let one = r#"{"id":"si_1","object":"subscription_item","subscription":"sub_1","created":5}"#;
    assert!(reason(translated(one)).contains("by itself"));
}
