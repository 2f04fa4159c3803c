//! Timelines of one customer as no business would make them: any state after any other, with the
//! right, a wrong or no state before it.

use libfuzzer_sys::arbitrary::{Result, Unstructured};

use crate::listed::{graded, listed};
use crate::mrr::{
    Catalogue, ChurnPolicy, Counting, Delta, Discount, DiscountPolicy, EndReason, Fact, Instant, Interval,
    InvoiceStatus, Item, MICRO, Origin, PastDuePolicy, Policy, Price, PriceAmount, Scheme, State, Status,
    TiersMode, TransformQuantity, UsageInvoice,
};
use crate::planned::planned;
use crate::testing::*;

const MOST_FACTS: usize = 12;
/// A day, the same second, a second, an hour, the transfer window, longer.
const GAPS: [i64; 8] = [DAY, 0, 1, 3_600, 3 * DAY, 9 * DAY, 31 * DAY, 200 * DAY];
pub(crate) const SUBSCRIPTIONS: [&str; 4] = ["a", "b", "c", "d"];
const STATUSES: [Status; 9] = [
    Status::Active,
    Status::Trialing,
    Status::PastDue,
    Status::Canceled,
    Status::Unpaid,
    Status::Paused,
    Status::Incomplete,
    Status::IncompleteExpired,
    Status::Unknown,
];

/// A customer's facts, in the order they were made, with the choices they are derived by.
pub(crate) fn story(u: &mut Unstructured<'_>) -> Result<Story> {
    let bits = u.arbitrary::<u8>()?;
    let mut story = Story { policy: policy(u, bits)?, catalogue: catalogue(u)?, ..Story::new() };
    let has_lists = bits & 16 != 0;
    let salt = usize::from(u.arbitrary::<u8>()?) * 2 + 1;
    let mut now = day(0);
    while story.facts.len() < MOST_FACTS && !u.is_empty() {
        now = Instant(now.0 + u.choose(&GAPS)?);
        story = match has_lists && u.arbitrary()? {
            true => listed(u, story, now)?,
            false => happen(u, story, now)?,
        };
        deal_id(&mut story, salt);
    }
    if u.ratio(1_u8, 4)? {
        story.as_of = Some(offset(u, now)?);
    }
    Ok(story)
}

/// An id that tells nothing of the order.
fn deal_id(story: &mut Story, salt: usize) {
    let id = evidence(&format!("evt_{:03}", story.facts.len() * salt % 512));
    let id = match story.facts.last() {
        Some(fact) => graded(fact, id),
        None => return,
    };
    match story.facts.last_mut() {
        Some(Fact::Subscription(fact)) => fact.evidence = id,
        Some(Fact::Billed(fact)) => fact.evidence = id,
        Some(Fact::Change(fact)) => fact.evidence = id,
        Some(Fact::Usage(fact)) => fact.evidence = id,
        Some(Fact::Customer(fact)) => fact.evidence = id,
        Some(Fact::Schedule(fact)) => fact.evidence = id,
        _ => {}
    }
}

fn happen(u: &mut Unstructured<'_>, story: Story, now: Instant) -> Result<Story> {
    let sub = *u.choose(&SUBSCRIPTIONS)?;
    Ok(match u.int_in_range(0..=15_u8)? {
        12 => planned(u, story, sub, now)?,
        13 | 14 => billed(u, story, sub, now)?,
        15 if u.ratio(1_u8, 4)? => story.customer_deleted(now),
        _ => {
            let last = story.states.get(sub).cloned();
            let base = match &last {
                Some(state) if !u.ratio(1_u8, 8)? => state.clone(),
                _ => active(&[item(&format!("{sub}.1"), &price_of(u)?, 1)]),
            };
            let state = changed(u, sub, base, now)?;
            let previous = match u.int_in_range(0..=5_u8)? {
                0 => None,
                1 => Some(changed(u, sub, state.clone(), now)?),
                _ => last,
            };
            let origin = match u.int_in_range(0..=7_u8)? {
                0 | 1 => Origin::Created,
                2 => Origin::Deleted,
                3 => Origin::Seen,
                _ => Origin::Updated,
            };
            story.snapshot(sub, now, origin, previous, state)
        }
    })
}

fn billed(u: &mut Unstructured<'_>, story: Story, sub: &str, now: Instant) -> Result<Story> {
    let status = *u.choose(&[
        InvoiceStatus::Billed,
        InvoiceStatus::Billed,
        InvoiceStatus::Withdrawn,
        InvoiceStatus::Draft,
    ])?;
    let end = offset(u, now)?;
    let start = Instant(end.0 - u.choose(&[0, 1, DAY, 7 * DAY, 30 * DAY, 31 * DAY, 400 * DAY])?);
    let invoice = ["in_1", "in_2", "in_3"][u.choose_index(3)?];
    let items = ["a.1", "a.2", "b.1", "b.2", "c.1"];
    let mut lines = Vec::new();
    for _ in 0..u.int_in_range(0..=2_u8)? {
        lines.push((*u.choose(&items)?, i64::from(u.arbitrary::<i16>()?)));
    }
    // Once it is finalized, Stripe changes no line of an invoice.
    let is_told = |told: &&UsageInvoice| {
        let is_same = told.subscription.as_str() == sub && told.invoice.as_str() == invoice;
        is_same && told.status != InvoiceStatus::Draft && status != InvoiceStatus::Draft
    };
    let mut billed = story.facts.iter().filter_map(|fact| match fact {
        Fact::Usage(billed) => Some(billed),
        _ => None,
    });
    let told = billed.find(is_told).cloned();
    let mut story = story.invoice(sub, invoice, now, status, (start, end), &lines);
    if let (Some(Fact::Usage(fact)), Some(told)) = (story.facts.last_mut(), told) {
        (fact.lines, fact.is_cycle, fact.period_end) = (told.lines, told.is_cycle, told.period_end);
    } else if let Some(Fact::Usage(fact)) = story.facts.last_mut() {
        fact.is_cycle = !u.ratio(1_u8, 4)?;
        for line in &mut fact.lines {
            if u.ratio(1_u8, 8)? {
                line.amount = Delta(i128::from(u.arbitrary::<i64>()?) * MICRO);
            }
            line.cadence = if u.arbitrary()? { Some(every(1, interval(u)?)) } else { None };
        }
    }
    Ok(story)
}

/// A time around another.
pub(crate) fn offset(u: &mut Unstructured<'_>, at: Instant) -> Result<Instant> {
    Ok(Instant(at.0 + u.choose(&[0, 0, 1, -1, DAY, -DAY, 2 * DAY, 7 * DAY, -7 * DAY, 40 * DAY, -40 * DAY])?))
}

fn interval(u: &mut Unstructured<'_>) -> Result<Interval> {
    Ok(*u.choose(&[Interval::Month, Interval::Year, Interval::Week, Interval::Day])?)
}

fn policy(u: &mut Unstructured<'_>, bits: u8) -> Result<Policy> {
    let mut policy = Policy::default();
    let is = |bit: u8| bits & (1 << bit) != 0;
    if is(0) {
        policy.churn = ChurnPolicy::Requested;
    }
    if is(1) {
        policy.past_due = PastDuePolicy::LapsesAfterDays(7);
    }
    if is(2) {
        policy.paused = Counting::Counts;
    }
    if is(3) {
        policy.trialing = Counting::Counts;
    }
    policy.discounts = *u.choose(&[DiscountPolicy::Recurring, DiscountPolicy::All, DiscountPolicy::None])?;
    policy.usage_window = u.int_in_range(1..=3)?;
    policy.transfer_window_seconds = *u.choose(&[3 * DAY, 0, 40 * DAY])?;
    Ok(policy)
}

fn catalogue(u: &mut Unstructured<'_>) -> Result<Catalogue> {
    let mut catalogue = Catalogue::default();
    let bits = u.arbitrary::<u8>()?;
    if bits & 1 != 0 {
        catalogue.ladders = vec![["basic", "pro", "max"].map(str::to_owned).to_vec()];
    }
    if bits & 2 != 0 {
        catalogue.add_ons = ["extra".to_owned()].into();
    }
    if bits & 4 != 0 {
        catalogue.not_seats = ["packs".to_owned(), "pro_1".to_owned()].into();
    }
    if bits & 8 != 0 {
        catalogue.successors = [("basic_1".to_owned(), "basic_2".to_owned())].into();
    }
    Ok(catalogue)
}

/// One of the prices; an id always names the same one.
pub(crate) fn price_of(u: &mut Unstructured<'_>) -> Result<Price> {
    let bands = [(Some(5), 10, 3), (Some(10), 0, 2), (None, 5, 1)];
    let tiny = Scheme::PerUnit { unit: PriceAmount(333_333_333_333), transform: None };
    let packs = Scheme::PerUnit {
        unit: dollars(9),
        transform: std::num::NonZeroU64::new(5)
            .map(|divide_by| TransformQuantity { divide_by, round_up: true }),
    };
    Ok(match u.int_in_range(0..=17_u8)? {
        0 => price("basic_1", "basic", 10),
        1 => price("basic_2", "basic", 12),
        2 => price("pro_1", "pro", 20),
        3 => yearly(price("pro_y", "pro", 200)),
        4 => price("max_1", "max", 33),
        5 => Price { is_seat: false, ..price("packs_1", "packs", 7) },
        6 => euros(price("pro_eur", "pro", 18)),
        7 => price("free", "basic", 0),
        8 => unknown_tiers(price("tiers", "max", 0)),
        9 => tiered(price("grad", "max", 0), TiersMode::Graduated, &bands),
        10 => tiered(price("vol", "max", 0), TiersMode::Volume, &bands),
        11 => metered("calls", "calls"),
        12 => Price { scheme: tiny, ..price("tiny", "extra", 0) },
        13 => Price { scheme: packs, ..price("packed", "packs", 0) },
        14 => Price { cadence: every(2, Interval::Week), ..price("weekly", "pro", 5) },
        15 => Price { scheme: Scheme::AmountNotSent, ..price("unsaid", "extra", 0) },
        16 => Price { succeeds: Some("pro_1".into()), ..price("pro_2", "pro", 22) },
        // As much as an event may say.
        _ => price("huge", "huge", 10_000_000_000_000),
    })
}

pub(crate) fn discounts(u: &mut Unstructured<'_>, now: Instant) -> Result<Vec<Discount>> {
    let mut discounts = Vec::new();
    for _ in 0..u.int_in_range(0..=2_u8)? {
        discounts.push(match u.int_in_range(0..=7_u8)? {
            0 => percent("half", 50),
            1 => percent("all", 100),
            2 => dollars_off("five", 5),
            3 => dollars_off("much", 100_000),
            4 => until(percent("third", 33), offset(u, now)?),
            5 => once(percent("first", 20)),
            6 => limited_to(dollars_off("pros", 3), &["pro"]),
            _ => Discount { coupon: None, ..percent("unsaid", 10) },
        });
    }
    Ok(discounts)
}

pub(crate) fn changed(u: &mut Unstructured<'_>, sub: &str, mut state: State, now: Instant) -> Result<State> {
    for _ in 0..u.int_in_range(0..=3_u8)? {
        match u.int_in_range(0..=15_u8)? {
            0 => state.status = *u.choose(&STATUSES)?,
            1 => state.collection_paused = !state.collection_paused,
            2 => state.items_truncated = !state.items_truncated,
            3 => state.discounts = discounts(u, now)?,
            4 => state.trial_end = maybe(u, now)?,
            5 => (state.ends_at, state.canceled_at) = (maybe(u, now)?, maybe(u, now)?),
            6 => state.ended_at = maybe(u, now)?,
            7 => {
                state.end_reason = *u.choose(&[None, Some(EndReason::Requested), Some(EndReason::Payment)])?
            }
            8 => state.status = Status::Active,
            9 if !state.items.is_empty() => {
                let index = u.choose_index(state.items.len())?;
                state.items.remove(index);
            }
            10 | 11 if state.items.len() < 4 => {
                let id = format!("{sub}.{}", u.int_in_range(1..=5_u8)?);
                state.items.retain(|item| item.id.as_str() != id);
                state.items.push(item(&id, &price_of(u)?, quantity(u)?));
            }
            _ => {
                if let Some(item) = state.items.last_mut() {
                    changed_item(u, item, now)?;
                }
            }
        }
    }
    Ok(state)
}

fn changed_item(u: &mut Unstructured<'_>, item: &mut Item, now: Instant) -> Result<()> {
    match u.int_in_range(0..=3_u8)? {
        0 => item.price = price_of(u)?.into(),
        1 => item.discounts = discounts(u, now)?,
        _ => item.quantity = quantity(u)?,
    }
    Ok(())
}

pub(crate) fn quantity(u: &mut Unstructured<'_>) -> Result<u64> {
    Ok(*u.choose(&[1, 2, 3, 5, 6, 10, 11, 0, 1_000_000_000_000])?)
}

pub(crate) fn maybe(u: &mut Unstructured<'_>, now: Instant) -> Result<Option<Instant>> {
    Ok(if u.arbitrary()? { Some(offset(u, now)?) } else { None })
}
