//! What a table of item changes tells of the past: each row by how much one item's quantity and MRR changed.
//! Their sums are what was held, and become snapshots; the figures are Stripe's, in whole minor units.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::money::divide_half_even;
use super::rebuild::Terms;
use super::value;
use super::{
    Cadence, Coupon, CustomerId, Delta, Discount, Duration, Evidence, Instant, Item, ItemId, MICRO,
    MotionSigns, Mrr, Off, Origin, Price, PriceAmount, Scheme, Snapshot, State, Status, SubscriptionId,
    UsageType,
};

/// A change of one item, as Sigma's `subscription_item_change_events` tell it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ItemChange {
    /// Whose it is.
    pub customer: CustomerId,
    /// Its subscription.
    pub subscription: SubscriptionId,
    /// The item.
    pub item: ItemId,
    /// Its price, of which the row tells id and product.
    pub price: Arc<Price>,
    /// By how much its quantity changed.
    pub quantity: i64,
    /// By how much its MRR changed, as Stripe rounds it.
    pub delta: Delta,
    /// When.
    pub at: Instant,
    /// Where it is proved.
    pub evidence: Evidence,
}

/// What stands behind a discount that only Stripe's figure shows.
const DISCOUNT: &str = "discount in Stripe's figure";

/// The sums of an item's changes.
#[derive(Clone)]
struct Held<'t> {
    price: &'t Arc<Price>,
    quantity: i64,
    mrr: i128,
}

impl Held<'_> {
    fn is_held(&self) -> bool {
        self.quantity > 0 || self.mrr > 0
    }
}

type Items<'t> = BTreeMap<&'t ItemId, Held<'t>>;

/// The snapshots that changes of one subscription tell, in order. What was held before the first of them, if a
/// change takes away more than was ever given, is told by it (R12). The last one is the end, if nothing is held
/// after it.
pub(super) fn snapshots(changes: &[&ItemChange], terms: &Terms<'_>) -> Vec<Snapshot> {
    let mut changes = changes.to_vec();
    // What an instant takes away goes before what it gives.
    changes.sort_by_key(|change| {
        let is_given = change.quantity > 0 || (change.quantity == 0 && change.delta.0 > 0);
        (change.at, is_given, &change.item, &change.evidence.event)
    });
    changes.dedup_by(|a, b| a.evidence.event == b.evidence.event);
    let mut held = before(&changes);
    let mut snapshots: Vec<Snapshot> = Vec::new();
    for instant in changes.chunk_by(|a, b| a.at == b.at) {
        let was = held.clone();
        instant.iter().for_each(|change| hear(&mut held, change));
        let Some(last) = instant.last() else { continue };
        let is_first = snapshots.is_empty();
        let is_held = |items: &Items<'_>| items.values().any(Held::is_held);
        let mut snapshot = Snapshot {
            subscription: last.subscription.clone(),
            customer: last.customer.clone(),
            at: last.at,
            origin: if is_first { Origin::Created } else { Origin::Seen },
            state: state(&held, terms, last.at),
            previous: None,
            motion: MotionSigns::default(),
            metadata: BTreeMap::new(),
            listed: None,
            evidence: last.evidence.clone(),
        };
        if is_first && is_held(&was) {
            snapshot.origin = Origin::Updated;
            snapshot.previous = Some(state(&was, terms, last.at));
        }
        if is_held(&held) || is_held(&was) {
            snapshots.push(snapshot);
        }
    }
    if !held.values().any(Held::is_held) {
        snapshots.last_mut().into_iter().for_each(end);
    }
    snapshots
}

/// Makes of a snapshot that holds nothing the subscription's end.
fn end(snapshot: &mut Snapshot) {
    snapshot.origin = Origin::Deleted;
    snapshot.state.status = Status::Canceled;
    snapshot.state.ended_at = Some(snapshot.at);
    // The end alone was heard of: what was held is what it still says (R12).
    if let Some(before) = snapshot.previous.take() {
        snapshot.state.items = before.items;
    }
}

/// What must have been held before the first change, so that nothing is ever held less than not at all: the
/// table may begin in the midst of a life.
fn before<'t>(changes: &[&'t ItemChange]) -> Items<'t> {
    let mut running: Items<'t> = BTreeMap::new();
    let mut before: Items<'t> = BTreeMap::new();
    for change in changes {
        hear(&mut running, change);
        let Some(now) = running.get(&change.item) else { continue };
        let first = before.entry(&change.item).or_insert(Held { price: &change.price, quantity: 0, mrr: 0 });
        first.quantity = first.quantity.max(now.quantity.saturating_neg());
        first.mrr = first.mrr.max(now.mrr.saturating_neg());
    }
    before.retain(|_, held| held.is_held());
    before
}

fn hear<'t>(items: &mut Items<'t>, change: &'t ItemChange) {
    let held = items.entry(&change.item).or_insert(Held { price: &change.price, quantity: 0, mrr: 0 });
    held.quantity = held.quantity.saturating_add(change.quantity);
    held.mrr = held.mrr.saturating_add(change.delta.0);
    // What is taken away is of the price before.
    if change.quantity > 0 || (change.quantity == 0 && change.delta.0 != 0) {
        held.price = &change.price;
    }
}

fn state(items: &Items<'_>, terms: &Terms<'_>, at: Instant) -> State {
    let held = items.iter().filter(|(_, held)| held.is_held());
    State {
        status: Status::Active,
        collection_paused: false,
        items: held.map(|(id, held)| item(id, held, terms, at)).collect(),
        items_truncated: false,
        // The figures are net of what the customer itself has: that is not taken off twice (R6).
        discounts: terms.has_customer_discount().then(|| discount(Off::Percent(0))).into_iter().collect(),
        trial_end: None,
        ends_at: None,
        canceled_at: None,
        ended_at: None,
        end_reason: None,
    }
}

/// An item at its price, where that is known and makes Stripe's figure to within a minor unit, which is how that is
/// rounded; with the discount that is between the two, where the figure is lower; else at the figure itself.
fn item(id: &ItemId, held: &Held<'_>, terms: &Terms<'_>, at: Instant) -> Item {
    let mut item = Item {
        id: id.clone(),
        price: terms.price(held.price),
        quantity: u64::try_from(held.quantity.max(1)).unwrap_or(1),
        discounts: Vec::new(),
        inclusive_tax: terms.tax(id),
    };
    let Some(whole) = terms.whole(held.price, at) else { return as_told(item, held.mrr) };
    if whole.usage_type == UsageType::Metered {
        return Item { quantity: 1, ..item };
    }
    let valued = Item { price: Arc::clone(&whole), ..item.clone() };
    let full = value::Terms { items: vec![valued], discounts: Vec::new() }.level(0);
    match full {
        Ok(Mrr(full)) if (full - held.mrr).abs() < MICRO => item,
        Ok(Mrr(full)) if held.mrr < full => {
            item.discounts.push(discount(difference(&whole, full, held.mrr)));
            item
        }
        _ => as_told(item, held.mrr),
    }
}

/// An item that costs what Stripe's figure says.
fn as_told(item: Item, mrr: i128) -> Item {
    let per_micro = PriceAmount::ONE / MICRO;
    let unit = divide_half_even(mrr.max(0).saturating_mul(per_micro), i128::from(item.quantity));
    let price = Price {
        cadence: Cadence::MONTHLY,
        usage_type: UsageType::Licensed,
        scheme: Scheme::PerUnit { unit: PriceAmount(unit), transform: None },
        ..item.price.as_ref().clone()
    };
    Item { price: Arc::new(price), inclusive_tax: 0, ..item }
}

/// What takes a level down to Stripe's figure: whole percents, where they make it to within a minor unit; else
/// an amount.
fn difference(price: &Price, full: i128, mrr: i128) -> Off {
    let percent = divide_half_even((full - mrr) * 100, full.max(1));
    let by_percent = divide_half_even(full * (100 - percent), 100);
    match u32::try_from(percent) {
        Ok(whole) if (by_percent - mrr).abs() < MICRO => Off::Percent(whole * 10_000),
        _ => {
            let (months, periods) = price.cadence.monthly_factor();
            let per_micro = PriceAmount::ONE / MICRO;
            let amount = divide_half_even((full - mrr) * per_micro * periods, months);
            Off::Amount { amount: PriceAmount(amount), currency: price.currency.clone() }
        }
    }
}

fn discount(off: Off) -> Discount {
    let coupon = Coupon {
        id: DISCOUNT.into(),
        off,
        options: BTreeMap::new(),
        duration: Duration::Forever,
        applies_to: Some(Vec::new()),
    };
    Discount { id: None, coupon_id: Some(DISCOUNT.into()), coupon: Some(Arc::new(coupon)), end: None }
}
