//! What has to hold for every event that is translated.

use libfuzzer_sys::arbitrary::{Result, Unstructured};

use crate::mrr::{
    Discount, Evidence, Fact, Instant, Item, Off, Phase, Price, PriceAmount, Scheme, Snapshot, State, UsageInvoice,
    derive,
};
use crate::rendering::{check_envelope, check_renderings, spread};
use crate::skeleton::Skeleton;
use crate::stripe::{Envelope, Translation, translate};
use crate::testing::{Story, assert_sound};
use crate::values::HUSH;

/// Whole events, each with `KIND` where its type stands.
pub struct Events {
    kinds: &'static [&'static str],
    skeletons: Vec<Skeleton>,
}

impl Events {
    /// The events of some types, as these texts have them.
    pub fn new(kinds: &'static [&'static str], texts: &[&'static str]) -> Self {
        Self { kinds, skeletons: texts.iter().map(|text| Skeleton::new(text)).collect() }
    }

    /// Changes one of the events and checks what is read of it.
    pub fn check(&self, data: &[u8]) {
        let u = &mut Unstructured::new(data);
        if let Ok((event, salt)) = self.event(u) {
            check(&event, is_spread(&event, salt));
        }
    }

    fn event(&self, u: &mut Unstructured<'_>) -> Result<(String, u8)> {
        let salt = u.arbitrary()?;
        let kind = u.choose(self.kinds)?;
        let skeleton = u.choose(&self.skeletons)?;
        Ok((skeleton.changed(u)?.replace("KIND", kind), salt))
    }
}

/// Whether an event is also read in other renderings: one in eight. By its hash, or the fuzzer, which sees
/// more code in them, spends half its time there.
fn is_spread(event: &str, salt: u8) -> bool {
    let hash = event.bytes().fold(u64::from(salt), |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(29)
    });
    hash.is_multiple_of(8)
}

/// An event of a subscription of which only the previous attributes change: its state stays.
pub struct Befores {
    object: &'static str,
    /// The state after it.
    state: Option<State>,
    previous: Vec<Skeleton>,
}

impl Befores {
    /// The events of one object with one of these previous attributes.
    pub fn new(object: &'static str, previous: &[&'static str]) -> Self {
        let previous = previous.iter().map(|text| Skeleton::new(text)).collect();
        let event = event_before(object, "{}", None);
        let state = snapshot_of(check(&event, true)).map(|snapshot| snapshot.state);
        Self { object, state, previous }
    }

    /// Changes the previous attributes and checks what is read of them.
    pub fn check(&self, u: &mut Unstructured<'_>) -> Result<()> {
        let versions =
            [None, Some("2014-09-08"), Some("2017-04-06"), Some("2017-05-25"), Some("2025-03-31.basil")];
        let (salt, version) = (u.arbitrary()?, *u.choose(&versions)?);
        let before = u.choose(&self.previous)?.changed(u)?;
        let event = event_before(self.object, &before, version);
        match check(&event, is_spread(&event, salt)) {
            Some(Translation::Parked { path, .. }) => {
                assert!(
                    path.starts_with("$.data.previous_attributes") || path == "$.data",
                    "{path}: {before}"
                );
            }
            translation => {
                let state = snapshot_of(translation).map(|snapshot| snapshot.state);
                assert_eq!(state, self.state, "previous attributes change what is: {before}");
            }
        }
        Ok(())
    }
}

fn event_before(object: &str, before: &str, version: Option<&str>) -> String {
    let version = version.map(|version| format!(r#""api_version":"{version}","#)).unwrap_or_default();
    format!(
        r#"{{"id":"evt_1","type":"customer.subscription.updated",{version}"created":1759399200,"data":{{"object":{object},"previous_attributes":{before}}}}}"#
    )
}

fn snapshot_of(translation: Option<Translation>) -> Option<Snapshot> {
    match translation? {
        Translation::Facts(facts) => facts.into_iter().find_map(|fact| match fact {
            Fact::Subscription(snapshot) => Some(snapshot),
            _ => None,
        }),
        _ => None,
    }
}

/// Reads and translates an event; `is_spread` says whether it is read again, and in other renderings.
fn check(event: &str, is_spread: bool) -> Option<Translation> {
    let envelope = check_envelope(event.as_bytes())?;
    let translation = translate(event.as_bytes(), &envelope, "00");
    match &translation {
        Translation::Parked { path, reason } => {
            assert!(path.starts_with('$') && !reason.is_empty(), "{path}: {reason}");
            assert!(!path.contains(HUSH) && !reason.contains(HUSH), "a value is repeated: {path}: {reason}");
        }
        Translation::Ignored { reason } => assert!(!reason.is_empty()),
        Translation::Facts(facts) => {
            assert!(!facts.is_empty(), "{event}");
            facts.iter().for_each(|fact| check_fact(fact, &envelope));
            let story = Story { facts: facts.clone(), ..Story::new() };
            assert_sound(&derive(&story.timeline(), story.rules()).movements);
        }
        #[allow(unreachable_patterns)]
        _ => {}
    }
    if is_spread {
        assert_eq!(translate(event.as_bytes(), &envelope, "00"), translation, "{event}");
        check_renderings(event, &envelope);
        let spread = spread(event);
        assert_eq!(translate(spread.as_bytes(), &envelope, "00"), translation, "other blanks: {event}");
    }
    Some(translation)
}

fn check_fact(fact: &Fact, envelope: &Envelope) {
    match fact {
        Fact::Subscription(snapshot) => {
            is_id(snapshot.customer.as_str());
            is_id(snapshot.subscription.as_str());
            check_source(snapshot.at, &snapshot.evidence, envelope);
            check_state(&snapshot.state);
            snapshot.previous.iter().for_each(check_state);
        }
        Fact::Usage(invoice) => {
            is_id(invoice.customer.as_str());
            is_id(invoice.subscription.as_str());
            check_source(invoice.at, &invoice.evidence, envelope);
            check_usage(invoice);
        }
        Fact::Customer(fact) => {
            is_id(fact.customer.as_str());
            check_source(fact.at, &fact.evidence, envelope);
            assert!(fact.country.as_ref().is_none_or(|country| country.len() == 2));
        }
        Fact::Schedule(fact) => {
            is_id(fact.customer.as_str());
            is_id(&fact.schedule);
            check_source(fact.at, &fact.evidence, envelope);
            fact.phases.iter().for_each(check_phase);
        }
        #[allow(unreachable_patterns)]
        _ => {}
    }
}

fn check_source(at: Instant, evidence: &Evidence, envelope: &Envelope) {
    // A listed object carries instants of its own.
    let at = if evidence.grade.is_event() { at.0 } else { envelope.created };
    let at = Instant(at);
    assert_eq!((at.0, &*evidence.event, &*evidence.sha256), (envelope.created, envelope.id.as_str(), "00"));
}

fn check_state(state: &State) {
    state.items.iter().for_each(check_item);
    state.discounts.iter().for_each(check_discount);
    let instants = [state.trial_end, state.ends_at, state.canceled_at, state.ended_at];
    instants.into_iter().flatten().for_each(is_time);
}

fn check_item(item: &Item) {
    is_id(item.id.as_str());
    assert!(item.quantity <= 1_000_000_000_000);
    check_price(&item.price);
    item.discounts.iter().for_each(check_discount);
}

fn check_phase(phase: &Phase) {
    is_time(phase.start);
    phase.end.into_iter().chain(phase.trial_end).for_each(is_time);
    phase.discounts.iter().for_each(check_discount);
    for item in &phase.items {
        is_id(item.price.as_str());
        assert!(item.quantity <= 1_000_000_000_000);
        item.terms.iter().for_each(|price| check_price(price));
        item.discounts.iter().for_each(check_discount);
    }
}

fn check_price(price: &Price) {
    is_id(price.id.as_str());
    is_id(price.product.as_str());
    assert_eq!(price.currency.as_str().len(), 3);
    match &price.scheme {
        Scheme::PerUnit { unit, .. } => is_amount(*unit),
        Scheme::Tiered { tiers, .. } => tiers.iter().for_each(|tier| {
            is_amount(tier.flat);
            is_amount(tier.unit);
        }),
        _ => {}
    }
}

fn check_discount(discount: &Discount) {
    discount.end.into_iter().for_each(is_time);
    if let Some(coupon) = &discount.coupon {
        match &coupon.off {
            Off::Percent(millionths) => assert!(*millionths <= 1_000_000),
            Off::Amount { amount, currency } => {
                is_amount(*amount);
                assert_eq!(currency.as_str().len(), 3);
            }
        }
    }
}

fn check_usage(invoice: &UsageInvoice) {
    is_time(invoice.period_end);
    for line in &invoice.lines {
        is_id(line.item.as_str());
        is_time(line.period_start);
        is_time(line.period_end);
        // Some amounts of 64 bits in millionths, with room to add up.
        assert!(line.amount.0.unsigned_abs() < 1 << 100, "{line:?}");
    }
}

fn is_amount(amount: PriceAmount) {
    assert!(amount.0.abs() <= 1_000_000_000_000_000 * PriceAmount::ONE, "{amount:?}");
}

fn is_time(at: Instant) {
    assert!((0..=253_402_300_799).contains(&at.0), "{at:?}");
}

fn is_id(id: &str) {
    assert!(!id.is_empty() && id.len() <= 255 && !id.chars().any(char::is_control), "{id:?}");
}
