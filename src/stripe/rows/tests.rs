//! Claims of headers, cells and what rows tell.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::Sheet;
use crate::mrr::{
    CatalogueFact, Fact, Grade, Instant, Lesson, Listed, Origin, PriceAmount, Scheme, Snapshot, Status,
};
use crate::stripe::{Translation, book, read, translate};

const SUBSCRIPTIONS: &str = "id|Customer ID|Customer Email|Plan|Quantity|Currency|Interval|Amount|Status|Created (UTC)|\
                             Trial End (UTC)|Canceled At (UTC)|Ended At (UTC)|coupon|owner (metadata)";

fn cells(row: &str) -> Vec<String> {
    row.split('|').map(str::to_owned).collect()
}

/// The document of rows of one object under a header.
fn document(header: &str, rows: &[&str]) -> Vec<u8> {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| cells(row)).collect();
    let sheet = Sheet::of(&cells(header), rows.iter().map(Vec::as_slice)).unwrap();
    sheet.document(&rows, None)
}

fn translated(body: &[u8]) -> Translation {
    translate(body, &read(body).unwrap(), "00")
}

fn snapshot(header: &str, rows: &[&str]) -> Snapshot {
    match translated(&document(header, rows)) {
        Translation::Facts(facts) => match facts.as_slice() {
            [Fact::Subscription(snapshot)] => snapshot.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn lesson(header: &str, row: &str) -> CatalogueFact {
    match translated(&document(header, &[row])) {
        Translation::Learnt { catalogue, .. } => catalogue[0].clone(),
        other => panic!("{other:?}"),
    }
}

fn parked(header: &str, row: &str) -> (String, String) {
    match translated(&document(header, &[row])) {
        Translation::Parked { path, reason } => (path, reason),
        other => panic!("{other:?}"),
    }
}

fn amount(snapshot: &Snapshot) -> Scheme {
    snapshot.state.items[0].price.scheme.clone()
}

fn per_unit(minor_units: i64) -> Scheme {
    Scheme::PerUnit { unit: PriceAmount::minor_units(minor_units), transform: None }
}

const ALDER: &str =
    "sub_Alder|cus_Alder|alder@example.invalid|price_Seat|3|usd|month|20.00|active|2026-03-01 10:00|||||kim";

#[test]
fn a_subscription_s_row_is_the_subscription_as_a_list_shows_it() {
    let alder = snapshot(SUBSCRIPTIONS, &[ALDER]);
    assert_eq!((alder.subscription.as_str(), alder.customer.as_str()), ("sub_Alder", "cus_Alder"));
    assert_eq!((alder.origin, alder.state.status), (Origin::Seen, Status::Active));
    assert_eq!((alder.evidence.grade, alder.state.items[0].quantity), (Grade::Csv, 3));
    assert_eq!(amount(&alder), per_unit(2_000));
    assert_eq!(alder.metadata["owner"], "kim");
    // When the row was seen is told where it is stored; its period's end bounds it.
    let began_at = Some(Instant(1_772_359_200));
    assert_eq!(alder.listed, Some(Listed { began_at, lasts_until: None }));
    // The day since which a plan is as it is, is no beginning.
    let changed = SUBSCRIPTIONS.replace("Trial End", "Start");
    let began = snapshot(&changed, &[&ALDER.replace("10:00|", "10:00|2026-04-01 10:00")]).listed;
    assert_eq!(began.and_then(|listed| listed.began_at), began_at);
    let header = SUBSCRIPTIONS.replace("Trial End", "Current Period End");
    let listed = snapshot(&header, &[&ALDER.replace("10:00|", "10:00|2026-04-01 10:00")]).listed;
    assert_eq!(listed, Some(Listed { began_at, lasts_until: Some(Instant(1_775_037_599)) }));
}

#[test]
fn a_row_of_a_subscription_that_is_over_ends_it_when_it_ended() {
    let row = "sub_B|cus_B||price_1|1|eur|year|1.200,00|canceled|2025-01-01 00:00||2025-06-01 00:00|2026-01-01 00:00||";
    let over = snapshot(SUBSCRIPTIONS, &[row]);
    assert_eq!((over.origin, over.state.status), (Origin::Deleted, Status::Canceled));
    let (asked, ended) = (Instant(1_748_736_000), Instant(1_767_225_600));
    assert_eq!((over.state.canceled_at, over.state.ended_at), (Some(asked), Some(ended)));
    assert_eq!(amount(&over), per_unit(120_000));
    let undated = "sub_B|cus_B||price_1|1|eur|year|1.00|canceled|2025-01-01 00:00|||||";
    assert_eq!(parked(SUBSCRIPTIONS, undated).0, "column `ended_at`");
}

#[test]
fn rows_of_one_subscription_are_its_plans() {
    let second = ALDER.replace("price_Seat|3", "price_Base|1").replace("20.00", "100.00");
    let both = snapshot(SUBSCRIPTIONS, &[ALDER, &second]);
    let items: Vec<_> = both.state.items.iter().map(|item| (item.id.as_str(), item.quantity)).collect();
    assert_eq!(items, [("sub_Alder:price_Seat", 3), ("sub_Alder:price_Base", 1)]);
}

#[test]
fn a_plan_without_an_amount_is_the_catalogue_s_and_one_without_a_quantity_is_metered() {
    let tiered = ALDER.replace("20.00", "");
    assert_eq!(amount(&snapshot(SUBSCRIPTIONS, &[&tiered])), Scheme::PriceNotSent);
    let metered = ALDER.replace("|3|usd", "||usd");
    let metered = snapshot(SUBSCRIPTIONS, &[&metered]);
    assert_eq!(metered.state.items[0].price.usage_type, crate::mrr::UsageType::Metered);
}

#[test]
fn a_coupon_s_terms_are_the_catalogue_s() {
    let discounted = snapshot(SUBSCRIPTIONS, &[&ALDER.replace("|kim", "FOREVER20|kim")]);
    assert_eq!(discounted.state.discounts[0].coupon_id, Some("FOREVER20".into()));
}

#[test]
fn amounts_are_of_major_units_on_the_dashboard_and_of_minor_ones_in_sigma() {
    let dashboard =
        "Price ID|Product ID|Product Name|Created (UTC)|Amount|Currency|Interval|Interval Count|Usage Type";
    let price = |row: &str| match lesson(dashboard, row).lesson {
        Lesson::Price(terms) => terms.price,
        other => panic!("{other:?}"),
    };
    let euros = price("price_1|prod_1|Gold|2025-02-03 04:05|225,00|EUR|month|3|licensed");
    assert_eq!((euros.scheme, euros.cadence.count.get()), (per_unit(22_500), 3));
    assert_eq!(price("price_2|prod_1|Gold|2025-02-03 04:05|225|jpy|month|1|").scheme, per_unit(225));
    let sigma = "id|product_id|unit_amount|currency|recurring_interval|created";
    let row = "price_3|prod_1|22500|eur|year|2025-02-03 04:05:06.000";
    let CatalogueFact { at, lesson: Lesson::Price(terms), evidence } = lesson(sigma, row) else { panic!() };
    assert_eq!(
        (terms.price.scheme, evidence.grade, at),
        (per_unit(22_500), Grade::Csv, Instant(1_738_555_506))
    );
}

#[test]
fn products_coupons_and_customers_teach_what_they_say() {
    let product = "id|Name|Created (UTC)|upswell_ladder (metadata)";
    let Lesson::Product { marks, .. } = lesson(product, "prod_1|Gold|2025-02-03 04:05|suite").lesson else {
        panic!()
    };
    assert_eq!(marks.ladder.as_deref(), Some("suite"));
    let coupon = "id|duration|percent_off|amount_off|currency|created";
    let told = lesson(coupon, "TEN|forever||1000|usd|2025-02-03 04:05:06.000").lesson;
    let Lesson::Coupon(coupon) = told else { panic!() };
    assert_eq!(coupon.amount_in(&"usd".into()), Some(PriceAmount::minor_units(1_000)));
    let customer = "id|Description|Email|Name|Created (UTC)|owner (metadata)";
    let told = translated(&document(customer, &["cus_1||a@example.invalid|A|2025-02-03 04:05|kim"]));
    let Translation::Facts(facts) = told else { panic!("{told:?}") };
    let [Fact::Customer(customer)] = facts.as_slice() else { panic!() };
    assert_eq!(customer.metadata["owner"], "kim");
}

const INVOICE: &str =
    "id|customer_id|subscription_id|status|date|billing_reason|subtotal|period_end|amount_due";
const LINE: &str = "id|invoice_id|amount|currency|quantity|proration|period_start|period_end|price_id|subscription_item_id|\
                    source_type";
const DISCOUNTS: &str = "id|invoice_id|invoice_line_item_id|discount|amount";
const TAXES: &str = "invoice_id|invoice_line_item_id|amount|inclusive|taxable_amount";

/// What an invoice of a subtotal tells with rows under it: each with its header.
fn invoice(subtotal: &str, under: &[(&str, &str)]) -> Translation {
    let row = format!(
        "in_1|cus_1|sub_1|paid|2026-02-01 00:00:00.000|subscription_cycle|{subtotal}|2026-02-01 00:00:00.000|1"
    );
    let sheet = |header: &str| Sheet::of(&cells(header), std::iter::empty()).unwrap();
    let under: Vec<_> = under.iter().map(|(header, row)| (sheet(header), cells(row))).collect();
    let shown: Vec<_> = under.iter().map(|(sheet, row)| (sheet, row.as_slice())).collect();
    let head = sheet(INVOICE);
    assert!(head.is_head() && shown.iter().all(|(sheet, _)| sheet.is_part() && !sheet.is_head()));
    let body = head.document_with(&[cells(&row)], &shown, None);
    let turned: Vec<_> = shown.iter().chain(&shown).rev().copied().collect();
    assert_eq!(head.document_with(&[cells(&row), cells(&row)], &turned, None), body);
    translated(&body)
}

fn line(id: &str, amount: &str, period: (&str, &str), item: &str) -> String {
    let (start, end) = period;
    format!(
        "{id}|in_1|{amount}|usd|2|false|{start} 00:00:00.000|{end} 00:00:00.000|price_{item}|{item}|subscription"
    )
}

const JANUARY: (&str, &str) = ("2026-01-01", "2026-02-01");
const FEBRUARY: (&str, &str) = ("2026-02-01", "2026-03-01");

#[test]
fn an_invoice_s_row_with_those_of_its_lines_is_the_invoice_as_a_list_shows_it() {
    let (seats, calls) = (line("il_1", "4000", FEBRUARY, "si_1"), line("il_2", "700", JANUARY, "si_2"));
    let under = [
        (LINE, seats.as_str()),
        (LINE, calls.as_str()),
        (DISCOUNTS, "da_1|in_1|il_2|di_1|100"),
        (TAXES, "in_1|il_2|50|true|550"),
    ];
    let Translation::Facts(facts) = invoice("4600", &under) else { panic!() };
    let [Fact::Usage(usage), Fact::Billed(billed)] = facts.as_slice() else { panic!("{facts:?}") };
    assert_eq!((usage.lines.len(), usage.lines[0].item.as_str()), (1, "si_2"));
    assert_eq!(usage.lines[0].amount, crate::mrr::Delta(550_000_000), "net of discount and included tax");
    assert_eq!((billed.invoice.as_str(), billed.is_whole, billed.lines.len()), ("in_1", true, 2));
    let told = &billed.lines[0];
    assert_eq!((told.item.as_str(), told.quantity, told.is_in_arrears), ("si_1", 2, false));
    assert_eq!(
        (told.period_start, told.is_proration, told.is_credit),
        (Instant(1_769_904_000), false, false)
    );
    assert_eq!(billed.evidence.grade, Grade::InvoiceLine);
}

#[test]
fn lines_that_do_not_make_the_subtotal_prove_nothing_gone_and_fewer_are_not_used() {
    let seats = line("il_1", "4000", FEBRUARY, "si_1");
    let is_whole = |subtotal: &str| match invoice(subtotal, &[(LINE, &seats)]) {
        Translation::Facts(facts) => facts.iter().any(|fact| matches!(fact, Fact::Billed(b) if b.is_whole)),
        other => panic!("{other:?}"),
    };
    assert!(is_whole("4000") && !is_whole("3000") && !is_whole(""));
    let Translation::Ignored { reason } = invoice("4001", &[(LINE, &seats)]) else { panic!() };
    assert!(reason.contains("lines are missing"), "{reason}");
    let Translation::Ignored { reason } = invoice("0", &[]) else { panic!() };
    assert!(reason.contains("`invoice_line_items`"), "{reason}");
}

#[test]
fn a_line_that_two_exports_tell_differently_is_parked() {
    let (one, other) = (line("il_1", "4000", FEBRUARY, "si_1"), line("il_1", "5000", FEBRUARY, "si_1"));
    let Translation::Parked { reason, .. } = invoice("4000", &[(LINE, &one), (LINE, &other)]) else {
        panic!()
    };
    assert!(reason.contains("one export"), "{reason}");
}

#[test]
fn a_subscription_s_items_stand_in_a_table_of_their_own_and_tell_its_currency() {
    let header = "id|customer_id|status|price_id|quantity|created";
    let row = "sub_1|cus_1|active|||2026-01-01 00:00:00.000";
    let items = "id|subscription|price_id|price_product_id|price_currency|price_unit_amount|quantity|\
                 price_recurring_interval|price_recurring_interval_count";
    let item = |id: &str, price: &str, quantity: &str| {
        cells(&format!("{id}|sub_1|{price}|prod_1|eur|2000|{quantity}|month|1"))
    };
    let sheet = |header: &str| Sheet::of(&cells(header), std::iter::empty()).unwrap();
    let (head, table) = (sheet(header), sheet(items));
    let (seats, base) = (item("si_2", "price_Seat", "3"), item("si_1", "price_Base", "1"));
    let shown = [(&table, seats.as_slice()), (&table, base.as_slice())];
    assert!(head.is_completed_by(&shown) && !head.is_completed_by(&[]));
    let Translation::Facts(facts) = translated(&head.document_with(&[cells(row)], &shown, None)) else {
        panic!()
    };
    let [Fact::Subscription(snapshot)] = facts.as_slice() else { panic!("{facts:?}") };
    let told = snapshot.state.items.iter().map(|item| (item.id.as_str(), item.quantity));
    assert_eq!(told.collect::<Vec<_>>(), [("si_1", 1), ("si_2", 3)]);
    assert_eq!((amount(snapshot), snapshot.state.items_truncated), (per_unit(2_000), false));
    // Alone, a row names a price whose currency nobody tells.
    let alone = row.replace("active||", "active|price_Seat|3");
    let Translation::Ignored { reason } = translated(&document(header, &[&alone])) else { panic!() };
    assert!(reason.contains("`subscription_items` beside it"), "{reason}");
}

#[test]
fn only_sigma_s_tables_with_all_that_joining_needs_are_joined() {
    let is_part = |header: &str| Sheet::of(&cells(header), std::iter::empty()).unwrap().is_part();
    assert!(is_part(INVOICE) && is_part(LINE) && is_part(DISCOUNTS) && is_part(TAXES));
    assert!(!is_part(&INVOICE.replace("subtotal|", "")) && !is_part(&LINE.replace("quantity|", "")));
    assert!(!is_part(&INVOICE.replace("status", "Status")) && !is_part(SUBSCRIPTIONS));
    assert!(!is_part("amount|customer_id|date|id|invoice_id|price_id|proration|quantity|unit_amount"));
    // As a warehouse writes them, and with the columns alone that are needed. A credit note has a subtotal too.
    assert!(
        is_part(&INVOICE.to_uppercase()) && is_part("id|customer_id|subscription_id|status|date|subtotal")
    );
    let credit_note = "id|customer_id|invoice_id|number|reason|subtotal";
    assert!(Sheet::of(&cells(credit_note), std::iter::empty()).is_err());
}

#[test]
fn what_does_not_fit_is_named_by_its_column_and_not_quoted() {
    let (path, reason) = parked(SUBSCRIPTIONS, &ALDER.replace("20.00", "12,3x"));
    assert_eq!(
        (path.as_str(), reason.as_str()),
        ("column `Amount`", "expected an amount with decimals after `.`")
    );
    assert_eq!(parked(SUBSCRIPTIONS, &ALDER.replace("month", "fortnight")).0, "column `Interval`");
    assert_eq!(parked(SUBSCRIPTIONS, &ALDER.replace("cus_Alder", "")).0, "column `customer_id`");
    assert_eq!(
        parked(SUBSCRIPTIONS, &ALDER.replace("2026-03-01 10:00|", "|01/03/2026")).0,
        "column `Trial End (UTC)`"
    );
}

#[test]
fn an_unknown_header_tells_its_columns_and_what_was_looked_for() {
    let error = |header: &str| Sheet::of(&cells(header), std::iter::empty()).unwrap_err().to_string();
    let unknown = error("colour|size");
    assert!(
        unknown.starts_with("the columns `colour`, `size` are those of no table that is known; looked for")
    );
    assert!(unknown.contains("the Dashboard's subscriptions"), "{unknown}");
    let missing = error("id|Customer ID|Status|Quantity|Currency|Interval|Amount|Created (UTC)");
    assert!(
        missing.starts_with("this looks like the Dashboard's subscriptions, and there is no column `plan`")
    );
    assert!(error("Customer|Customer ID|Currency|2026-05").contains("upswell reconcile"));
    let row = error("sub_1|ada@example.invalid|Ada");
    assert!(!row.contains("ada@"), "{row}");
}

#[test]
fn a_row_says_no_book_and_is_of_the_one_that_is_named() {
    let sheet = Sheet::of(&cells(SUBSCRIPTIONS), std::iter::empty()).unwrap();
    for (named, expected) in [(None, "live"), (Some("test"), "test"), (Some("acct_1:test"), "acct_1:test")] {
        let body = sheet.document(&[cells(ALDER)], named);
        assert_eq!(book(&read(&body).unwrap()), expected);
    }
    // Some tables say the mode.
    let header = SUBSCRIPTIONS.replace("Customer Email", "livemode");
    let test = document(&header, &[&ALDER.replace("alder@example.invalid", "FALSE")]);
    assert_eq!(book(&read(&test).unwrap()), "test");
}
