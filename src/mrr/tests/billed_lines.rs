//! What lines of listed invoices say, alone and beside one another: what comes, goes and stays, which discounts
//! run, which invoice proves it, and where nothing is said.

use super::history::*;
use super::testing::*;
use crate::mrr::{
    BilledDiscount, BilledLine, BillingReason, Discount, Evidence, Fact, Grade, HistoryGap, Instant,
    InvoiceStatus, Item, ItemId, Matter, Origin, Price, Scheme, Snapshot, TiersMode, derive_with_lag,
};
use BillingReason::{Beginning, Cycle, Other};

/// Begun on day 0 with two seats.
fn begun() -> Story {
    bill(Story::new(), Beginning, 0, vec![line(&seats(2), 0, 31)])
}

fn extra() -> Item {
    item("a.2", &price("x", "X", 5), 1)
}

fn bare(id: &str) -> Price {
    Price { scheme: Scheme::PriceNotSent, ..price(id, "P", 0) }
}

fn free(line: BilledLine) -> BilledLine {
    BilledLine { is_free: true, ..line }
}

fn given(story: Story, discounts: &[(&Discount, Option<i64>)]) -> Story {
    let mut story = story;
    let discounts = discounts
        .iter()
        .map(|(discount, since)| BilledDiscount { discount: (*discount).clone(), since: since.map(day) });
    last_bill(&mut story).discounts = discounts.collect();
    story
}

fn seen(story: Story, at: i64, items: &[Item]) -> Story {
    shown(story, "a", day(at), day(0), active(items))
}

fn unbilled(at: &str) -> (String, HistoryGap) {
    (at.to_owned(), HistoryGap::Unbilled)
}

/// Which invoice or list proves each movement.
fn proofs(story: &Story) -> Vec<String> {
    let movements = story.derive().movements;
    movements
        .iter()
        .map(|movement| movement.evidence.event.trim_start_matches("listing:").to_owned())
        .collect()
}

fn incomplete(story: &Story) -> Vec<ItemId> {
    let findings = story.derive().findings.into_iter();
    let items = findings.filter_map(|finding| match finding.matter {
        Matter::Incomplete { item, .. } => Some(item),
        _ => None,
    });
    items.collect()
}

#[test]
fn of_an_unknown_price_a_line_in_advance_is_incomplete_and_one_in_arrears_may_be_usage() {
    let unknown = line(&item("a.2", &bare("u"), 1), 0, 31);
    let told = |other: BilledLine| bill(Story::new(), Beginning, 0, vec![line(&seats(2), 0, 31), other]);
    assert_eq!(incomplete(&told(unknown.clone())), ["a.2".into()]);
    assert_eq!(incomplete(&told(BilledLine { is_in_arrears: true, ..unknown })), []);
}

#[test]
fn discounts_of_the_first_invoice_run_from_the_beginning_even_where_it_bills_a_part_of_a_period() {
    let story = bill(Story::new(), Beginning, 0, vec![remaining(&seats(2), 0, 31)]);
    given(story, &[(&percent("half", 50), None)]).moves(&["d0 new created a.1 +10"]);
}

#[test]
fn a_discount_without_a_start_runs_since_the_period_of_its_invoice() {
    given(grown(), &[(&percent("half", 50), None)]).moves(&[
        "d0 new created a.1 +20",
        "d40 expansion/seat quantity a.1 +10",
        "d59 contraction/discount discount_started a.1 -15",
    ]);
}

#[test]
fn an_invoice_of_a_change_leaves_out_what_it_does_not_change() {
    let yearly = item("a.1", &yearly(price("py", "P", 96)), 2);
    let story = given(begun(), &[(&percent("half", 50), Some(0))]);
    let story = bill(story, Other, 10, vec![unused(&seats(2), 10, 31), line(&yearly, 10, 375)]);
    story.moves(&["d0 new created a.1 +10", "d10 contraction/term term a.1 -2"]);
}

#[test]
fn an_invoice_with_a_part_of_its_lines_ends_nothing() {
    let story = bill(Story::new(), Beginning, 0, vec![line(&seats(2), 0, 31), line(&extra(), 0, 31)]);
    let mut story = bill(story, Cycle, 31, vec![line(&seats(2), 31, 59)]);
    last_bill(&mut story).is_whole = false;
    let story = seen(story, 40, &[seats(2), extra()]);
    story.moves(&["d0 new created a.1 +20", "d0 new created a.2 +5"]);
    assert_eq!(gaps(&story), [("d31".to_owned(), HistoryGap::LinesLeftOut)]);
}

#[test]
fn several_lines_that_ask_nothing_and_give_nothing_back_tell_nothing() {
    let lines = vec![free(remaining(&seats(4), 10, 31)), free(remaining(&seats(3), 10, 31))];
    let story = seen(bill(begun(), Other, 10, lines), 20, &[seats(2)]);
    story.moves(&["d0 new created a.1 +20"]);
    assert_eq!(gaps(&story), []);
}

#[test]
fn a_free_line_beside_a_credit_or_alone_is_what_came() {
    let none = item("a.1", &price("free", "P", 0), 1);
    let lines = vec![unused(&seats(2), 10, 31), free(remaining(&none, 10, 31))];
    let story = seen(bill(begun(), Other, 10, lines), 20, std::slice::from_ref(&none));
    story.moves(&["d0 new created a.1 +20", "d10 churn tier a.1 -20"]);
    let given = item("a.2", &price("free", "P", 0), 1);
    let story = bill(begun(), Other, 10, vec![free(remaining(&given, 10, 31))]);
    let story = seen(
        bill(story, Cycle, 31, vec![line(&seats(2), 31, 59), free(line(&given, 31, 59))]),
        40,
        &[seats(2), given],
    );
    story.moves(&["d0 new created a.1 +20"]);
    assert_eq!(gaps(&story), []);
}

#[test]
fn of_two_charges_of_one_instant_the_last_is_what_it_became_but_tiers_are_one() {
    let lines = vec![unused(&seats(2), 10, 31), remaining(&seats(3), 10, 31), remaining(&seats(4), 10, 31)];
    let story = bill(begun(), Other, 10, lines);
    story.moves(&["d0 new created a.1 +20", "d10 expansion/seat quantity a.1 +20"]);
    let tiers = |id| tiered(price(id, "P", 0), TiersMode::Graduated, &[(Some(5), 0, 4), (None, 0, 2)]);
    let held = |id, quantity| remaining(&item("a.1", &tiers(id), quantity), 10, 31);
    let lines = vec![unused(&seats(2), 10, 31), held("t", 5), held("t", 3), held("u", 5), held("u", 2)];
    let story = seen(bill(begun(), Other, 10, lines), 20, &[item("a.1", &tiers("u"), 7)]);
    story.moves(&[
        "d0 new created a.1 +20",
        "d10 expansion/seat quantity a.1 +50",
        "d10 expansion/downgrade tier a.1 -46",
    ]);
    assert_eq!(gaps(&story), []);
}

#[test]
fn what_invoices_leave_open_after_the_first_event_is_no_gap() {
    let mut story = bill(begun(), Cycle, 31, vec![line(&seats(2), 31, 59)]);
    for at in [40, 65, 90] {
        story = bill(story, Cycle, at, vec![line(&seats(9), at, at + 30)]);
        last_bill(&mut story).status = InvoiceStatus::Withdrawn;
    }
    let story = story.snapshot("a", day(65), Origin::Updated, Some(active(&[seats(2)])), active(&[seats(5)]));
    assert_eq!(gaps(&story), [("d40".to_owned(), HistoryGap::Voided)]);
}

#[test]
fn a_credit_for_what_was_not_held_is_a_gap_after_the_beginning_alone() {
    let lines = vec![unused(&seats(5), 10, 31), remaining(&seats(6), 10, 31)];
    let story = seen(bill(begun(), Other, 10, lines), 20, &[seats(6)]);
    assert_eq!(gaps(&story), [unbilled("d10")]);
    let story = bill(Story::new(), Cycle, 31, vec![line(&seats(2), 31, 59)]);
    let story = seen(bill(story, Other, 31, vec![unused(&extra(), 31, 59)]), 40, &[seats(2)]);
    story.moves(&["d31 opening a.1 +20"]);
    assert_eq!(gaps(&story), []);
}

#[test]
fn a_period_billed_with_another_quantity_or_price_is_a_gap() {
    let story = bill(begun(), Cycle, 31, vec![line(&seats(4), 31, 59)]);
    assert_eq!(gaps(&seen(story, 40, &[seats(4)])), [unbilled("d31")]);
    let pro = item("a.1", &price("q", "P", 15), 2);
    let story = bill(begun(), Cycle, 31, vec![line(&pro, 31, 59)]);
    assert_eq!(gaps(&seen(story, 40, &[pro])), [unbilled("d31")]);
}

#[test]
fn what_a_period_leaves_out_is_a_gap_after_the_beginning_alone() {
    let story = bill(Story::new(), Beginning, 0, vec![line(&seats(2), 0, 31), line(&extra(), 0, 31)]);
    let story = bill(story, Cycle, 31, vec![line(&seats(2), 31, 59)]);
    assert_eq!(gaps(&seen(story, 40, &[seats(2)])), [unbilled("d31")]);
    let lines = vec![remaining(&extra(), 12, 31), line(&seats(2), 31, 59)];
    let story = seen(bill(Story::new(), Cycle, 31, lines), 40, &[seats(2)]);
    story.moves(&["d31 opening a.1 +20"]);
    assert_eq!(gaps(&story), []);
}

#[test]
fn a_discount_that_begins_beside_another_is_one_more_and_the_same_told_again_is_not() {
    let (five, half) = (dollars_off("five", 5), percent("half", 50));
    let story = given(begun(), &[(&five, Some(0))]);
    let story = bill(story, Cycle, 31, vec![line(&seats(2), 31, 59)]);
    let story = given(story, &[(&five, Some(0)), (&half, Some(7))]);
    story.moves(&["d0 new created a.1 +15", "d7 contraction/discount discount_started a.1 -7.5"]);
    let nameless = Discount { id: None, ..half };
    let story = given(begun(), &[(&nameless, Some(0))]);
    let story = bill(story, Cycle, 31, vec![line(&seats(2), 31, 59)]);
    given(story, &[(&nameless, Some(0))]).moves(&["d0 new created a.1 +10"]);
}

#[test]
fn each_movement_is_proved_by_the_invoice_that_tells_it() {
    assert_eq!(proofs(&grown()), ["in_0", "in_2"]);
    let story = bill(Story::new(), Beginning, 0, vec![free(line(&seats(2), 0, 14))]);
    let story = bill(story, Cycle, 14, vec![line(&seats(2), 14, 45)]);
    story.moves(&["d14 new trial_ended a.1 +20"]);
    assert_eq!(proofs(&story), ["in_1"]);
    let story = bill(begun(), Cycle, 31, vec![line(&seats(2), 31, 59)]);
    assert_eq!(proofs(&bill(story, Cycle, 59, vec![line(&seats(3), 59, 90)])), ["in_0", "in_2"]);
}

#[test]
fn a_draft_is_a_gap_unless_it_is_the_newest_and_a_voided_one_unless_another_bills_the_same() {
    let draft = |mut story: Story| {
        last_bill(&mut story).status = InvoiceStatus::Draft;
        story
    };
    let third = |story| bill(story, Cycle, 90, vec![line(&seats(3), 90, 120)]);
    assert_eq!(gaps(&seen(draft(third(grown())), 95, &[seats(3)])), []);
    let story = bill(draft(third(grown())), Cycle, 120, vec![line(&seats(3), 120, 151)]);
    assert_eq!(gaps(&seen(story, 130, &[seats(3)])), [("d90".to_owned(), HistoryGap::Voided)]);
    let mut corrected = bill(grown(), Cycle, 90, vec![line(&seats(9), 90, 120)]);
    last_bill(&mut corrected).status = InvoiceStatus::Withdrawn;
    let corrected = bill(corrected, Cycle, 91, vec![line(&seats(3), 90, 120)]);
    assert_eq!(gaps(&seen(corrected, 95, &[seats(3)])), []);
}

#[test]
fn none_of_a_dear_price_is_no_trial() {
    let story = bill(Story::new(), Beginning, 0, vec![free(line(&seats(0), 0, 31))]);
    let story = bill(story, Cycle, 31, vec![line(&seats(2), 31, 59)]);
    story.moves(&["d31 new quantity a.1 +20"]);
}

#[test]
fn prices_are_taken_from_whichever_line_tells_them_whole() {
    let bare_seats = item("a.1", &bare("p"), 2);
    let story = bill(Story::new(), Beginning, 0, vec![line(&bare_seats, 0, 31)]);
    let unsaid = Price { scheme: Scheme::AmountNotSent, ..price("p", "P", 0) };
    let story = bill(story, Cycle, 31, vec![line(&item("a.1", &unsaid, 2), 31, 59)]);
    let story = bill(story, Cycle, 59, vec![line(&seats(2), 59, 90)]);
    story.moves(&["d0 new created a.1 +20"]);
}

#[test]
fn tax_that_a_line_does_not_tell_is_the_one_of_the_listed_item() {
    let taxed = Item { inclusive_tax: 250_000, ..seats(2) };
    seen(begun(), 20, &[taxed]).moves(&["d0 new created a.1 +16"]);
}

#[test]
fn a_row_of_an_export_takes_its_product_from_who_knows_it() {
    let levels = |grade, product: &str| {
        let own = item("a.1", &price("p", product, 10), 2);
        let mut story = seen(begun(), 20, &[own]);
        if let Some(Fact::Subscription(Snapshot { evidence, .. })) = story.facts.last_mut() {
            *evidence = Evidence { grade, ..evidence.clone() };
        }
        let levels = story.derive().levels;
        levels.iter().map(|level| level.product.to_string()).collect::<Vec<_>>()
    };
    // A row names no product: the price's own id stands for it.
    assert_eq!(levels(Grade::Csv, "p"), ["P"]);
    assert_eq!(levels(Grade::Csv, "Q"), ["P", "Q"]);
    assert_eq!(levels(Grade::Listing, "p"), ["P", "p"]);
}

#[test]
fn what_is_seen_when_the_first_event_comes_has_no_say() {
    let story = seen(begun(), 20, &[seats(9)]);
    let story = story.snapshot("a", day(20), Origin::Updated, Some(active(&[seats(2)])), active(&[seats(3)]));
    story.moves(&["d0 new created a.1 +20", "d20 expansion/seat quantity a.1 +10"]);
}

#[test]
fn what_lists_show_reaches_back_to_the_beginning() {
    let story = seen(begun(), 20, &[seats(2)]);
    assert!(story.facts.iter().all(|fact| fact.reaches_back_to() == Instant(i64::MIN)));
    let told = Story::new().created("a", day(3), active(&[seats(1)]));
    assert_eq!(told.facts[0].reaches_back_to(), day(3));
}

#[test]
fn what_a_later_event_says_of_a_price_counts_for_all_that_lists_told_before_it() {
    let bare_seats = item("a.1", &bare("p"), 2);
    let told = bill(Story::new(), Beginning, 0, vec![line(&bare_seats, 0, 31)]);
    let told = told.snapshot("a", day(10), Origin::Updated, None, active(&[seats(2)]));
    let told = told.snapshot("a", day(20), Origin::Updated, Some(active(&[seats(2)])), active(&[seats(3)]));
    told.moves(&["d0 new created a.1 +20", "d20 expansion/seat quantity a.1 +10"]);
    // So that nothing goes on from the midst of it.
    assert_eq!(derive_with_lag(&told.timeline(), told.rules(), 0).checkpoint, None);
}
