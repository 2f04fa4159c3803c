//! A subscription of any version, as a snapshot.

use std::sync::Arc;

use crate::mrr::{
    EndReason, Fact, Instant, Item, Listed, Motion, MotionSigns, Origin, Snapshot, State, Status,
};

use super::discount::{discounts_of, millionths};
use super::price::price_of;
use super::{Json, Node, Source, Translation, Unfit, metadata, metadata_word, previous};

impl Source<'_> {
    /// What an event of a subscription says: its state after it and, where `previous_attributes`
    /// tell, before it.
    pub(super) fn subscription(
        &self,
        data: &Node<'_, '_>,
        object: &Node<'_, '_>,
        origin: Origin,
    ) -> Result<Translation, Unfit> {
        let subscription = object.required_id("id")?.into();
        let customer = object.required_id("customer")?.into();
        let state = state(object, origin)?;
        let before = data.object("previous_attributes")?;
        let previous =
            before.as_ref().map(|before| self.previous(object, before, &state, origin)).transpose()?;
        Ok(Translation::Facts(vec![Fact::Subscription(Snapshot {
            subscription,
            customer,
            at: self.at,
            origin,
            state,
            previous,
            motion: motion(object, before.as_ref()),
            metadata: metadata(object),
            listed: None,
            evidence: self.evidence(),
        })]))
    }

    /// What a list shows of a subscription: its state when the list was made, and the dates that tell of its
    /// past. One that was canceled held until its end what its items still say (R12).
    pub(super) fn subscription_listed(&self, object: &Node<'_, '_>) -> Result<Translation, Unfit> {
        let is_canceled = status(object, Origin::Seen)? == Status::Canceled;
        let origin = if is_canceled { Origin::Deleted } else { Origin::Seen };
        let state = state(object, origin)?;
        let created = object.instant("created")?;
        let started =
            object.instant("start_date")?.or(object.instant("start")?.filter(|_| created.is_none()));
        let runs = matches!(state.status, Status::Active | Status::Trialing | Status::PastDue);
        let period_end = period_end(object)?.filter(|_| runs);
        let listed = Listed {
            began_at: created.into_iter().chain(started).max(),
            lasts_until: period_end.map(|end| Instant(end.0 - 1)),
        };
        Ok(Translation::Facts(vec![Fact::Subscription(Snapshot {
            subscription: object.required_id("id")?.into(),
            customer: object.required_id("customer")?.into(),
            at: self.at,
            origin,
            state,
            previous: None,
            motion: motion(object, None),
            metadata: metadata(object),
            listed: Some(listed),
            evidence: self.evidence(),
        })]))
    }

    /// The state before the event: the object with its previous attributes put back, read by the
    /// same code. Most events change nothing that is read here, and stay as they are.
    fn previous(
        &self,
        object: &Node<'_, '_>,
        before: &Node<'_, '_>,
        state: &State,
        origin: Origin,
    ) -> Result<State, Unfit> {
        if !previous::touches(before.json()) {
            return Ok(state.clone());
        }
        let version = self.envelope.api_version.as_deref();
        let put_back = previous::put_back(object.json(), before.json(), version);
        let origin = if origin == Origin::Deleted { Origin::Updated } else { origin };
        Node::object_at(&put_back, before.path()).and_then(|node| self::state(&node, origin))
    }
}

fn state(object: &Node<'_, '_>, origin: Origin) -> Result<State, Unfit> {
    Ok(State {
        status: status(object, origin)?,
        collection_paused: object.has("pause_collection"),
        items: items(object)?,
        items_truncated: is_truncated(object)?,
        discounts: discounts_of(object)?,
        trial_end: object.instant("trial_end")?,
        ends_at: ends_at(object)?,
        canceled_at: object.instant("canceled_at")?,
        ended_at: object.instant("ended_at")?,
        end_reason: end_reason(object)?,
    })
}

fn status(object: &Node<'_, '_>, origin: Origin) -> Result<Status, Unfit> {
    Ok(match object.text("status")? {
        Some("incomplete") => Status::Incomplete,
        Some("incomplete_expired") => Status::IncompleteExpired,
        Some("trialing") => Status::Trialing,
        Some("active") => Status::Active,
        Some("past_due") => Status::PastDue,
        Some("canceled") => Status::Canceled,
        Some("unpaid") => Status::Unpaid,
        Some("paused") => Status::Paused,
        Some(_) => Status::Unknown,
        None if origin == Origin::Deleted => Status::Canceled,
        None => {
            return Err(object.unfit("status", "expected a subscription's status, found nothing"));
        }
    })
}

/// The items; of a subscription from before there were items, itself as its only one, with its
/// `plan` and `quantity`.
fn items(object: &Node<'_, '_>) -> Result<Vec<Item>, Unfit> {
    let currency = object.text("currency")?;
    let default_tax = inclusive_tax(object, "default_tax_rates")?.unwrap_or(0);
    let listed = object.objects("items")?;
    if let Some(items) = listed.filter(|items| !items.is_empty() || !object.has("plan")) {
        let recurring = items.iter().filter(|item| !is_one_time(item));
        return recurring.map(|object| item(object, currency, default_tax)).collect();
    }
    if !object.has("plan") && !object.has("price") {
        return Err(object.unfit("items", "expected items or a plan, found neither"));
    }
    let mut only = item(object, currency, default_tax)?;
    // The subscription's own discounts, which `item` has read as well, are no item's.
    only.discounts.clear();
    Ok(vec![only])
}

/// Whether an item's price is paid once, and so is no MRR (R7).
pub(super) fn is_one_time(item: &Node<'_, '_>) -> bool {
    let kind = item.json().get("price").and_then(|price| price.get("type"));
    kind.and_then(Json::as_text) == Some("one_time")
}

/// Far above what anybody holds: what is larger is no quantity, and might not be calculated with.
pub(super) const LARGEST_QUANTITY: u64 = 1_000_000_000_000;

/// An item; `currency` is its subscription's, and so are the tax rates it has none of its own for.
pub(super) fn item(object: &Node<'_, '_>, currency: Option<&str>, default_tax: u32) -> Result<Item, Unfit> {
    Ok(Item {
        id: object.required_id("id")?.into(),
        price: Arc::new(price_of(object, currency)?),
        quantity: quantity(object)?,
        discounts: discounts_of(object)?,
        inclusive_tax: inclusive_tax(object, "tax_rates")?.unwrap_or(default_tax),
    })
}

/// How many of an item are held; a missing quantity is 1 (R3).
pub(super) fn quantity(item: &Node<'_, '_>) -> Result<u64, Unfit> {
    let quantity = u64::try_from(item.integer("quantity")?.unwrap_or(1));
    let unfit = || item.unfit("quantity", "expected a quantity from 0 to 10^12");
    quantity.ok().filter(|&quantity| quantity <= LARGEST_QUANTITY).ok_or_else(unfit)
}

/// The sum of the rates in a list that are included in amounts, in millionths (R7); none where the
/// list is empty, so that the subscription's own rates apply. Taxes that are added to amounts, as the
/// `tax_percent` of old versions was, are none of MRR.
pub(super) fn inclusive_tax(holder: &Node<'_, '_>, name: &str) -> Result<Option<u32>, Unfit> {
    let rates = holder.list(name)?.unwrap_or_default();
    if rates.is_empty() {
        return Ok(None);
    }
    let mut sum = 0;
    for (json, path) in rates {
        // One that is sent as its id alone is not known.
        let Ok(rate) = Node::object_at(json, path) else { continue };
        if rate.is_true("inclusive")? {
            let unfit = || rate.unfit("percentage", "expected a percentage from 0 to 100");
            let percent = rate.decimal("percentage")?.unwrap_or("0".into());
            sum += millionths(&percent).ok_or_else(unfit)?;
        }
    }
    Ok(Some(sum))
}

/// An event holds ten items at most, and says so.
fn is_truncated(object: &Node<'_, '_>) -> Result<bool, Unfit> {
    object.expanded("items").map_or(Ok(false), |items| items.is_true("has_more"))
}

/// When it is to end. Flexible billing sets `cancel_at` alone, classic billing
/// `cancel_at_period_end`, and the period stands on the items since basil.
fn ends_at(object: &Node<'_, '_>) -> Result<Option<Instant>, Unfit> {
    let at = object.instant("cancel_at")?;
    if at.is_some() || !object.is_true("cancel_at_period_end")? {
        return Ok(at);
    }
    let own = object.instant("current_period_end")?;
    if own.is_some() {
        return Ok(own);
    }
    let items = object.objects("items")?.unwrap_or_default();
    let ends = items.iter().map(|item| item.instant("current_period_end"));
    Ok(ends.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().max())
}

/// The end of the current period, of its items the first.
fn period_end(object: &Node<'_, '_>) -> Result<Option<Instant>, Unfit> {
    let items = object.objects("items")?.unwrap_or_default();
    let ends = items.iter().map(|item| item.instant("current_period_end"));
    let ends = ends.collect::<Result<Vec<_>, _>>()?.into_iter().flatten();
    Ok(ends.chain(object.instant("current_period_end")?).min())
}

fn end_reason(object: &Node<'_, '_>) -> Result<Option<EndReason>, Unfit> {
    let Some(details) = object.object("cancellation_details")? else {
        return Ok(None);
    };
    Ok(match details.text("reason")? {
        Some("cancellation_requested") => Some(EndReason::Requested),
        Some("payment_failed" | "payment_disputed") => Some(EndReason::Payment),
        _ => None,
    })
}

/// What tells who stands behind a change (R20): the subscription as it is and, where the change released
/// a schedule, as it was.
fn motion(object: &Node<'_, '_>, before: Option<&Node<'_, '_>>) -> MotionSigns {
    let has_schedule = |node: &Node<'_, '_>| {
        matches!(node.json().present("schedule"), Some(Json::Text(_) | Json::Object(_)))
    };
    MotionSigns {
        declared: metadata_word(object, "upswell_motion").and_then(Motion::parse),
        is_scheduled: has_schedule(object),
        is_released: before.is_some_and(has_schedule),
        is_self_serve: matches!(metadata_word(object, "upswell_channel"), Some("portal" | "self_serve")),
    }
}

#[cfg(test)]
#[path = "subscription_tests.rs"]
mod tests;
