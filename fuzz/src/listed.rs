//! What lists tell of subscriptions that events tell of as well, or do not: listed objects, invoices and item
//! changes that need not agree with one another.

use std::sync::Arc;

use libfuzzer_sys::arbitrary::{Result, Unstructured};

use crate::mrr::{
    BilledDiscount, BilledInvoice, BilledLine, BillingReason, Delta, Evidence, Fact, Grade, Instant,
    InvoiceStatus, ItemChange, Listed, MICRO, Origin, Price, Scheme, Status,
};
use crate::testing::*;
use crate::timeline::{SUBSCRIPTIONS, changed, discounts, maybe, offset, price_of, quantity};

/// One thing that a list shows, made at an instant.
pub(crate) fn listed(u: &mut Unstructured<'_>, story: Story, now: Instant) -> Result<Story> {
    let sub = *u.choose(&SUBSCRIPTIONS)?;
    match u.int_in_range(0..=7_u8)? {
        0 | 1 => shown(u, story, sub, now),
        2 => change(u, story, sub, now),
        _ => invoice(u, story, sub, now),
    }
}

/// The proof of what a list shows, as good as its kind is.
pub(crate) fn graded(fact: &Fact, proof: Evidence) -> Evidence {
    let grade = match fact {
        Fact::Billed(_) => Grade::InvoiceLine,
        Fact::Change(_) => Grade::Sigma,
        Fact::Subscription(shown) => shown.evidence.grade,
        Fact::Schedule(told) => told.evidence.grade,
        _ => proof.grade,
    };
    Evidence { grade, ..proof }
}

/// A subscription as a list or an export shows it.
fn shown(u: &mut Unstructured<'_>, story: Story, sub: &'static str, now: Instant) -> Result<Story> {
    let base = match story.states.get(sub) {
        Some(state) if !u.ratio(1_u8, 4)? => state.clone(),
        _ => active(&[item(&format!("{sub}.1"), &price_of(u)?, 1)]),
    };
    let state = changed(u, sub, base, now)?;
    let origin = match state.status {
        Status::Canceled | Status::IncompleteExpired => Origin::Deleted,
        _ => Origin::Seen,
    };
    let told = Listed { began_at: maybe(u, now)?, lasts_until: maybe(u, now)? };
    let grade = *u.choose(&[Grade::Listing, Grade::Csv])?;
    let kept = story.states.get(sub).cloned();
    let mut story = story.snapshot(sub, now, origin, None, state);
    if let Some(Fact::Subscription(fact)) = story.facts.last_mut() {
        (fact.listed, fact.evidence.grade) = (Some(told), grade);
    }
    // What lists show is no word that an event goes on from.
    match kept {
        Some(state) => story.states.insert(sub.to_owned(), state),
        None => story.states.remove(sub),
    };
    Ok(story)
}

fn invoice(u: &mut Unstructured<'_>, mut story: Story, sub: &str, now: Instant) -> Result<Story> {
    let mut lines = Vec::new();
    for _ in 0..u.int_in_range(1..=4_u8)? {
        lines.push(line(u, sub, now)?);
    }
    let mut given = Vec::new();
    if u.ratio(1_u8, 4)? {
        for discount in discounts(u, now)? {
            given.push(BilledDiscount { discount, since: maybe(u, now)? });
        }
    }
    let bits = u.arbitrary::<u8>()?;
    let status = match bits & 7 {
        0 => InvoiceStatus::Draft,
        1 => InvoiceStatus::Withdrawn,
        _ => InvoiceStatus::Billed,
    };
    let reason = match bits >> 3 & 3 {
        0 => BillingReason::Beginning,
        1 => BillingReason::Other,
        _ => BillingReason::Cycle,
    };
    story.facts.push(Fact::Billed(BilledInvoice {
        customer: "cus_1".into(),
        subscription: sub.into(),
        invoice: ["in_1", "in_2", "in_3", "in_4"][usize::from(bits >> 5 & 3)].into(),
        at: now,
        status,
        reason,
        is_whole: bits >> 7 == 0,
        lines,
        discounts: given,
        evidence: evidence(""),
    }));
    Ok(story)
}

fn line(u: &mut Unstructured<'_>, sub: &str, now: Instant) -> Result<BilledLine> {
    let price = price_of(u)?;
    let bits = u.arbitrary::<u8>()?;
    let is = |bit: u8| bits & (1 << bit) != 0;
    let start = offset(u, now)?;
    let length = u.choose(&[30 * DAY, 31 * DAY, 31 * DAY, 365 * DAY, 7 * DAY, 1, 0])?;
    Ok(BilledLine {
        item: format!("{sub}.{}", 1 + (bits & 3)).as_str().into(),
        price: Arc::new(if is(2) { bare(price) } else { price }),
        quantity: quantity(u)?,
        period_start: start,
        period_end: Instant(start.0 + length),
        is_in_arrears: is(3),
        is_proration: is(4),
        is_credit: is(4) && is(5),
        is_free: is(6) && is(7),
        discounts: if u.ratio(1_u8, 8)? { discounts(u, now)? } else { Vec::new() },
        inclusive_tax: if u.ratio(1_u8, 8)? { Some(*u.choose(&[0, 190_000, 1_000_000])?) } else { None },
    })
}

fn change(u: &mut Unstructured<'_>, mut story: Story, sub: &str, now: Instant) -> Result<Story> {
    let price = price_of(u)?;
    let bits = u.arbitrary::<u8>()?;
    let sign = if bits & 4 == 0 { 1 } else { -1 };
    let minor = *u.choose(&[0, 1, 833, 1_000, 2_000, 3_300, i64::MAX])?;
    story.facts.push(Fact::Change(ItemChange {
        customer: "cus_1".into(),
        subscription: sub.into(),
        item: format!("{sub}.{}", 1 + (bits & 3)).as_str().into(),
        price: Arc::new(bare(price)),
        quantity: sign * *u.choose(&[1, 2, 3, 0, 1_000_000_000_000])?,
        delta: Delta(i128::from(sign) * i128::from(minor) * MICRO),
        at: now,
        evidence: evidence(""),
    }));
    Ok(story)
}

/// A price as basil's lines and Sigma's rows name it.
fn bare(price: Price) -> Price {
    Price { scheme: Scheme::PriceNotSent, ..price }
}
