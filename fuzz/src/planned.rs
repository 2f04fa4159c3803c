//! Schedules of subscriptions, of any that there are or none, with phases in any order.

use libfuzzer_sys::arbitrary::{Result, Unstructured};

use crate::mrr::{Grade, Instant, Origin, Phase, PhaseItem, ScheduleFact, ScheduleStatus};
use crate::testing::*;
use crate::timeline::{discounts, maybe, offset, price_of, quantity};

/// One word about a schedule of a subscription.
pub(crate) fn planned(u: &mut Unstructured<'_>, story: Story, sub: &str, now: Instant) -> Result<Story> {
    let mut phases = Vec::new();
    for _ in 0..u.int_in_range(0..=3_u8)? {
        phases.push(phase(u, now)?);
    }
    let mut evidence = evidence("");
    evidence.grade = *u.choose(&[Grade::Event, Grade::Event, Grade::Listing])?;
    Ok(story.schedule(ScheduleFact {
        customer: "cus_1".into(),
        schedule: u.choose(&["one", "two"])?.to_string().into(),
        subscription: if u.ratio(1_u8, 4)? { None } else { Some(sub.into()) },
        origin: *u.choose(&[Origin::Created, Origin::Updated, Origin::Seen])?,
        status: *u.choose(ScheduleStatus::ALL)?,
        cancels_at_end: u.arbitrary()?,
        phases,
        lasts_until: None,
        at: now,
        evidence,
    }))
}

fn phase(u: &mut Unstructured<'_>, now: Instant) -> Result<Phase> {
    let start = offset(u, now)?;
    let mut items = Vec::new();
    for _ in 0..u.int_in_range(0..=3_u8)? {
        let price = price_of(u)?;
        items.push(PhaseItem {
            price: price.id.clone(),
            terms: if u.arbitrary()? { Some(price.into()) } else { None },
            quantity: quantity(u)?,
            discounts: discounts(u, start)?,
            inclusive_tax: *u.choose(&[None, Some(0), Some(190_000)])?,
        });
    }
    Ok(Phase {
        start,
        end: maybe(u, start)?,
        currency: u.choose(&[None, None, Some("usd"), Some("eur")])?.map(Into::into),
        items,
        discounts: discounts(u, start)?,
        trial_end: maybe(u, start)?,
    })
}
