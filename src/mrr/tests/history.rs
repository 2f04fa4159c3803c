//! History from lists and invoices where events are gone: what is proved, what opens, and what is found.

use std::sync::Arc;

use super::testing::*;
use crate::mrr::{
    BilledDiscount, BilledInvoice, BilledLine, BillingReason, Delta, Discount, Evidence, Fact, Grade,
    HistoryGap, Instant, InvoiceStatus, Item, Listed, Matter, Origin, Price, Scheme, Snapshot, State, Status,
    UsageInvoice, UsageLine,
};

pub(super) fn listing(name: &str) -> Evidence {
    Evidence { grade: Grade::Listing, ..evidence(&format!("listing:{name}")) }
}

/// A subscription as a list shows it.
pub(super) fn shown(mut story: Story, sub: &str, seen: Instant, began: Instant, state: State) -> Story {
    let origin = if state.status == Status::Canceled { Origin::Deleted } else { Origin::Seen };
    let number = story.facts.len();
    story.facts.push(Fact::Subscription(Snapshot {
        listed: Some(Listed { began_at: Some(began), lasts_until: None }),
        evidence: listing(&format!("{sub}:{number}")),
        ..snapshot(sub, "", seen, origin, None, state)
    }));
    story
}

pub(super) fn gone(at: Instant, state: State) -> State {
    State { status: Status::Canceled, ended_at: Some(at), ..state }
}

/// A line of a whole period.
pub(super) fn line(item: &Item, from: i64, to: i64) -> BilledLine {
    BilledLine {
        item: item.id.clone(),
        price: Arc::clone(&item.price),
        quantity: item.quantity,
        period_start: day(from),
        period_end: day(to),
        is_in_arrears: false,
        is_proration: false,
        is_credit: false,
        is_free: false,
        discounts: Vec::new(),
        inclusive_tax: None,
    }
}

pub(super) fn remaining(item: &Item, from: i64, to: i64) -> BilledLine {
    BilledLine { is_proration: true, ..line(item, from, to) }
}

pub(super) fn unused(item: &Item, from: i64, to: i64) -> BilledLine {
    BilledLine { is_credit: true, ..remaining(item, from, to) }
}

pub(super) fn bill(mut story: Story, reason: BillingReason, at: i64, lines: Vec<BilledLine>) -> Story {
    let number = story.facts.len();
    story.facts.push(Fact::Billed(BilledInvoice {
        customer: "cus_1".into(),
        subscription: "a".into(),
        invoice: format!("in_{number}").into(),
        at: day(at),
        status: InvoiceStatus::Billed,
        reason,
        is_whole: true,
        lines,
        discounts: Vec::new(),
        evidence: Evidence { grade: Grade::InvoiceLine, ..listing(&format!("in_{number}")) },
    }));
    story
}

pub(super) fn last_bill(story: &mut Story) -> &mut BilledInvoice {
    match story.facts.last_mut() {
        Some(Fact::Billed(invoice)) => invoice,
        other => panic!("{other:?}"),
    }
}

pub(super) fn seats(quantity: u64) -> Item {
    item("a.1", &price("p", "P", 10), quantity)
}

pub(super) fn gaps(story: &Story) -> Vec<(String, HistoryGap)> {
    let found = story.derive().findings.into_iter().filter_map(|finding| match finding.matter {
        Matter::History { gap } => Some((when(finding.at), gap)),
        _ => None,
    });
    found.collect()
}

pub(super) fn grades(story: &Story) -> Vec<Grade> {
    story.derive().movements.iter().map(|movement| movement.evidence.grade).collect()
}

use BillingReason::{Beginning, Cycle, Other};

/// Begun on day 0 with two seats, three from day 40 on by proration, renewed on days 31, 59 and 90.
pub(super) fn grown() -> Story {
    let story = bill(Story::new(), Beginning, 0, vec![line(&seats(2), 0, 31)]);
    let story = bill(story, Cycle, 31, vec![line(&seats(2), 31, 59)]);
    let pair = vec![unused(&seats(2), 40, 59), remaining(&seats(3), 40, 59), line(&seats(3), 59, 90)];
    bill(story, Cycle, 59, pair)
}

#[test]
fn invoices_that_reach_the_beginning_make_a_new_subscription_and_its_changes() {
    let story = shown(grown(), "a", day(70), day(0), active(&[seats(3)]));
    story.moves(&["d0 new created a.1 +20", "d40 expansion/seat quantity a.1 +10"]);
    assert_eq!(grades(&story), [Grade::InvoiceLine; 2]);
    assert_eq!(gaps(&story), []);
}

#[test]
fn a_start_date_proves_a_beginning_where_no_invoice_says_it_is_the_first() {
    let story = bill(Story::new(), Cycle, 31, vec![line(&seats(2), 31, 59)]);
    let begun = shown(story.clone(), "a", day(40), day(31), active(&[seats(2)]));
    begun.moves(&["d31 new created a.1 +20"]);
    let older = shown(story, "a", day(40), day(0), active(&[seats(2)]));
    older.moves(&["d31 opening a.1 +20"]);
}

#[test]
fn a_list_alone_opens_when_it_was_seen_and_a_canceled_one_churns_when_it_ended() {
    let story = shown(Story::new(), "a", day(70), day(0), active(&[seats(3)]));
    story.moves(&["d70 opening a.1 +30"]);
    assert_eq!(grades(&story), [Grade::Listing]);
    let ended = shown(Story::new(), "a", day(70), day(0), gone(day(50), active(&[seats(3)])));
    ended.moves(&["d50 opening a.1 +30", "d50 churn canceled a.1 -30"]);
}

#[test]
fn an_end_in_a_list_ends_what_invoices_tell() {
    let story = shown(grown(), "a", day(200), day(0), gone(day(90), active(&[seats(3)])));
    story.moves(&[
        "d0 new created a.1 +20",
        "d40 expansion/seat quantity a.1 +10",
        "d90 churn canceled a.1 -30",
    ]);
}

#[test]
fn what_was_prorated_away_without_a_charge_is_gone() {
    let extra = item("a.2", &price("x", "X", 5), 1);
    let story = bill(Story::new(), Beginning, 0, vec![line(&seats(2), 0, 31), line(&extra, 0, 31)]);
    let story = bill(story, Cycle, 31, vec![unused(&extra, 12, 31), line(&seats(2), 31, 59)]);
    let story = shown(story, "a", day(40), day(0), active(&[seats(2)]));
    story.moves(&[
        "d0 new created a.1 +20",
        "d0 new created a.2 +5",
        "d12 contraction/product_removed product a.2 -5",
    ]);
    assert_eq!(gaps(&story), []);
}

#[test]
fn a_period_that_begins_without_an_item_ends_it_and_what_changes_without_a_line_is_found() {
    let extra = item("a.2", &price("x", "X", 5), 1);
    let story = bill(Story::new(), Beginning, 0, vec![line(&seats(2), 0, 31), line(&extra, 0, 31)]);
    let story = bill(story, Cycle, 31, vec![line(&seats(4), 31, 59)]);
    let story = shown(story, "a", day(40), day(0), active(&[seats(5)]));
    story.moves(&[
        "d0 new created a.1 +20",
        "d0 new created a.2 +5",
        "d31 expansion/seat quantity a.1 +20",
        "d31 expansion/product_removed product a.2 -5",
        "d40 expansion/seat quantity a.1 +10",
    ]);
    let unbilled = |at: &str| (at.to_owned(), HistoryGap::Unbilled);
    assert_eq!(gaps(&story), [unbilled("d31"), unbilled("d40")]);
}

#[test]
fn a_yearly_item_stays_between_its_invoices() {
    let yearly = item("a.2", &yearly(price("y", "Y", 120)), 1);
    let story = bill(Story::new(), Beginning, 0, vec![line(&seats(1), 0, 31), line(&yearly, 0, 365)]);
    let story = bill(story, Cycle, 31, vec![line(&seats(1), 31, 59)]);
    shown(story, "a", day(40), day(0), active(&[seats(1), yearly]))
        .moves(&["d0 new created a.1 +10", "d0 new created a.2 +10"]);
}

#[test]
fn another_interval_is_billed_anew_and_explained_by_its_credit() {
    let yearly = item("a.1", &yearly(price("py", "P", 96)), 2);
    let story = bill(Story::new(), Beginning, 0, vec![line(&seats(2), 0, 31)]);
    let story = bill(story, Other, 10, vec![unused(&seats(2), 10, 31), line(&yearly, 10, 375)]);
    let story = shown(story, "a", day(40), day(0), active(&[yearly]));
    story.moves(&["d0 new created a.1 +20", "d10 contraction/term term a.1 -4"]);
    assert_eq!(gaps(&story), []);
}

#[test]
fn a_trial_is_a_line_that_asks_nothing_and_what_follows_is_new() {
    let trial = BilledLine { is_free: true, ..line(&seats(2), 0, 14) };
    let story = bill(Story::new(), Beginning, 0, vec![trial]);
    let story = bill(story, Cycle, 14, vec![line(&seats(2), 14, 45)]);
    shown(story, "a", day(20), day(0), active(&[seats(2)])).moves(&["d14 new trial_ended a.1 +20"]);
    let free = item("a.1", &price("free", "P", 0), 2);
    let story = bill(Story::new(), Beginning, 0, vec![BilledLine { is_free: true, ..line(&free, 0, 31) }]);
    assert_eq!(story.derive().levels.len(), 1, "a free plan is no trial");
}

#[test]
fn a_discount_runs_since_it_was_given_and_until_an_invoice_lacks_it() {
    let story = bill(Story::new(), Beginning, 0, vec![line(&seats(2), 0, 31)]);
    let mut story = bill(story, Cycle, 31, vec![line(&seats(2), 31, 59)]);
    let half = percent("half", 50);
    last_bill(&mut story).discounts = vec![BilledDiscount { discount: half, since: Some(day(7)) }];
    let story = bill(story, Cycle, 59, vec![line(&seats(2), 59, 90)]);
    shown(story, "a", day(60), day(0), active(&[seats(2)])).moves(&[
        "d0 new created a.1 +20",
        "d7 contraction/discount discount_started a.1 -10",
        "d59 expansion/discount discount_ended a.1 +10",
    ]);
}

#[test]
fn terms_behind_an_id_come_from_whatever_carries_them() {
    let bare = Price { scheme: Scheme::PriceNotSent, ..price("p", "P", 0) };
    let id = Discount { coupon: None, coupon_id: None, ..percent("half", 50) };
    let mut story = bill(Story::new(), Beginning, 0, vec![line(&item("a.1", &bare, 4), 0, 31)]);
    last_bill(&mut story).discounts = vec![BilledDiscount { discount: id, since: None }];
    let state = discounted(active(&[seats(4)]), &[percent("half", 50)]);
    shown(story, "a", day(20), day(0), state).moves(&["d0 new created a.1 +20"]);
}

#[test]
fn from_the_first_event_on_the_events_rule() {
    // A stale list says two seats; the event that came before it said five.
    let story = shown(grown(), "a", day(80), day(0), active(&[seats(2)]));
    let story = story.snapshot("a", day(65), Origin::Updated, Some(active(&[seats(3)])), active(&[seats(5)]));
    let story = bill(story, Cycle, 90, vec![line(&seats(1), 90, 120)]);
    story.moves(&[
        "d0 new created a.1 +20",
        "d40 expansion/seat quantity a.1 +10",
        "d65 expansion/seat quantity a.1 +20",
    ]);
    assert_eq!(grades(&story), [Grade::InvoiceLine, Grade::InvoiceLine, Grade::Event]);
    let levels: Vec<Grade> = story.derive().levels.iter().map(|level| level.grade).collect();
    assert_eq!(levels, [Grade::InvoiceLine, Grade::InvoiceLine, Grade::Event]);
    assert!(!story.derive().findings.iter().any(|finding| finding.matter == Matter::BrokenChain));
}

#[test]
fn what_the_first_event_knows_otherwise_is_found_and_breaks_no_chain() {
    let story =
        grown().snapshot("a", day(65), Origin::Updated, Some(active(&[seats(4)])), active(&[seats(5)]));
    story.moves(&[
        "d0 new created a.1 +20",
        "d40 expansion/seat quantity a.1 +10",
        "d65 expansion/seat quantity a.1 +20",
    ]);
    assert_eq!(gaps(&story), [("d65".to_owned(), HistoryGap::Unbilled)]);
    assert!(!story.derive().findings.iter().any(|finding| finding.matter == Matter::BrokenChain));
}

#[test]
fn a_life_told_by_events_is_told_by_nothing_else() {
    let by_events = Story::new()
        .created("a", day(0), active(&[seats(2)]))
        .updated("a", day(40), active(&[seats(3)]))
        .deleted("a", day(90));
    let mut mixed = shown(grown(), "a", day(95), day(0), gone(day(90), active(&[seats(3)])));
    mixed.facts.extend(by_events.facts.clone());
    assert_eq!(mixed.derive().movements, by_events.derive().movements);
    assert_eq!(mixed.derive().levels, by_events.derive().levels);
}

#[test]
fn an_end_that_events_missed_is_taken_from_a_list() {
    let story = Story::new().created("a", day(0), active(&[seats(2)]));
    let story = shown(story, "a", day(80), day(0), gone(day(31), active(&[seats(2)])));
    story.moves(&["d0 new created a.1 +20", "d31 churn canceled a.1 -20"]);
    assert_eq!(grades(&story), [Grade::Event, Grade::Listing]);
}

#[test]
fn a_voided_invoice_tells_nothing_and_is_found() {
    let mut story = bill(grown(), Cycle, 90, vec![line(&seats(9), 90, 120)]);
    last_bill(&mut story).status = InvoiceStatus::Withdrawn;
    let story = bill(story, Cycle, 120, vec![line(&seats(3), 120, 151)]);
    let story = shown(story, "a", day(130), day(0), active(&[seats(3)]));
    story.moves(&["d0 new created a.1 +20", "d40 expansion/seat quantity a.1 +10"]);
    assert_eq!(gaps(&story), [("d90".to_owned(), HistoryGap::Voided)]);
}

#[test]
fn of_two_listings_of_one_invoice_the_later_counts() {
    let mut story = bill(Story::new(), Beginning, 0, vec![line(&seats(2), 0, 31)]);
    last_bill(&mut story).status = InvoiceStatus::Draft;
    let mut sent = story.clone();
    last_bill(&mut sent).status = InvoiceStatus::Billed;
    last_bill(&mut sent).at = Instant(day(0).0 + 3_600);
    last_bill(&mut sent).evidence.event = "listing:in_0:2".into();
    story.facts.extend(sent.facts);
    shown(story, "a", day(10), day(0), active(&[seats(2)])).moves(&["d0 new created a.1 +20"]);
}

#[test]
fn an_invoice_with_a_part_of_its_lines_makes_no_history_and_is_found() {
    let mut story = bill(Story::new(), Beginning, 0, vec![line(&seats(2), 0, 31)]);
    last_bill(&mut story).is_whole = false;
    let story = shown(story, "a", day(10), day(0), active(&[seats(2)]));
    story.moves(&["d10 opening a.1 +20"]);
    assert_eq!(gaps(&story), [("d0".to_owned(), HistoryGap::LinesLeftOut)]);
}

#[test]
fn without_a_list_nothing_tells_the_end_and_what_was_billed_last_stands() {
    grown().moves(&["d0 new created a.1 +20", "d40 expansion/seat quantity a.1 +10"]);
    assert_eq!(gaps(&grown()), [("d90".to_owned(), HistoryGap::EndNotTold)]);
}

#[test]
fn a_first_payment_that_was_never_made_is_no_revenue() {
    let expired = with_status(Status::IncompleteExpired, active(&[seats(2)]));
    let story = bill(Story::new(), Beginning, 0, vec![line(&seats(2), 0, 31)]);
    shown(story, "a", day(10), day(0), expired).moves(&[]);
}

#[test]
fn a_backdated_beginning_is_when_it_was_made() {
    let story = bill(Story::new(), Beginning, 20, vec![remaining(&seats(2), 5, 31)]);
    let story = bill(story, Cycle, 31, vec![line(&seats(2), 31, 59)]);
    shown(story, "a", day(40), day(20), active(&[seats(2)])).moves(&["d20 new created a.1 +20"]);
}

#[test]
fn each_tier_of_a_graduated_price_has_its_line_and_they_are_one_quantity() {
    let tiers =
        tiered(price("t", "T", 0), crate::mrr::TiersMode::Graduated, &[(Some(5), 0, 4), (None, 0, 2)]);
    let story = bill(
        Story::new(),
        Beginning,
        0,
        vec![line(&item("a.1", &tiers, 5), 0, 31), line(&item("a.1", &tiers, 3), 0, 31)],
    );
    shown(story, "a", day(10), day(0), active(&[item("a.1", &tiers, 8)])).moves(&["d0 new created a.1 +26"]);
}

#[test]
fn usage_of_invoices_alone_opens_with_its_first_closed_period() {
    let calls = item("a.2", &metered("calls", "C"), 1);
    let mut story = bill(Story::new(), Cycle, 31, vec![line(&calls, 0, 31)]);
    let usage = |from: i64, to: i64, amount: i128| {
        Fact::Usage(UsageInvoice {
            customer: "cus_1".into(),
            subscription: "a".into(),
            invoice: format!("in_{to}").into(),
            at: day(to),
            status: InvoiceStatus::Billed,
            is_cycle: true,
            period_end: day(to),
            lines: vec![UsageLine {
                item: "a.2".into(),
                price: "calls".into(),
                cadence: None,
                period_start: day(from),
                period_end: day(to),
                amount: Delta(amount * 100 * crate::mrr::MICRO),
            }],
            evidence: Evidence { grade: Grade::InvoiceLine, ..listing(&format!("usage_{to}")) },
        })
    };
    story.facts.extend([usage(0, 31, 40), usage(31, 59, 55)]);
    let story = bill(story, Cycle, 59, vec![line(&calls, 31, 59)]);
    shown(story, "a", day(70), Instant(0), active(&[calls]))
        .moves(&["d31-1 opening a.2 +40", "d59-1 expansion/usage usage a.2 +15"]);
}
