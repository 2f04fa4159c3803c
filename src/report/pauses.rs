//! Who is paused at a month's end: MRR that stands by, and comes back with the end of the pause.

use std::collections::BTreeMap;

use super::CustomerHistory;
use crate::mrr::{Class, Currency, CustomerId, Delta, Instant, Mrr, SubscriptionId};

/// A paused subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paused {
    /// Whose.
    pub customer: CustomerId,
    /// The subscription.
    pub subscription: SubscriptionId,
    /// Since when.
    pub since: Instant,
    /// What the pause took.
    pub mrr: Mrr,
}

/// A customer's subscriptions that are paused at an instant, with their currencies: what pauses took and nothing
/// gave back. One that ended while paused is not among them (R15).
pub(super) fn paused(customer: &CustomerHistory, at: Instant) -> Vec<(Currency, Paused)> {
    let mut open: BTreeMap<(&SubscriptionId, &Currency), (Instant, Delta)> = BTreeMap::new();
    for movement in customer.movements.iter().take_while(|movement| movement.effective_at < at) {
        let key = (&movement.subscription, &movement.currency);
        match movement.class {
            Class::Pause if movement.delta < Delta::ZERO => {
                open.entry(key).or_insert((movement.effective_at, Delta::ZERO)).1 += -movement.delta;
            }
            Class::Pause | Class::Resume => {
                open.remove(&key);
            }
            _ => {}
        }
    }
    let told =
        |((subscription, currency), (since, taken)): ((&SubscriptionId, &Currency), (Instant, Delta))| {
            let paused = Paused {
                customer: customer.customer.clone(),
                subscription: subscription.clone(),
                since,
                mrr: Mrr::ZERO + taken,
            };
            (currency.clone(), paused)
        };
    open.into_iter().map(told).collect()
}
