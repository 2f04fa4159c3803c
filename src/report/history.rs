//! What a report is made of: the customers of one book, with what the ledger holds of each.

use std::collections::BTreeMap;

use crate::mrr::{
    CustomerId, Finding, Instant, ItemId, Level, Matter, Month, Movement, Status, SubscriptionId,
};
use chrono_tz::Tz;

use super::Noticed;

/// The customers of one book; test and live never mix (R13).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// The customers, in the order of their ids.
    pub customers: Vec<CustomerHistory>,
    /// What a person should look at; nothing of books that were closed, whose report does not change any more.
    pub noticed: Vec<Noticed>,
}

impl History {
    /// The month of the book's first standing movement; `None` if there is none.
    #[must_use]
    pub fn first_month(&self, zone: Tz) -> Option<Month> {
        self.customers.iter().filter_map(|customer| customer.first_month(zone)).min()
    }
}

/// What stands of one customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerHistory {
    /// The customer.
    pub customer: CustomerId,
    /// Each item's level through time.
    pub levels: Vec<Level>,
    /// The standing movements, in the order they took effect.
    pub movements: Vec<Movement>,
    /// What is dated after the run (R22).
    pub scheduled: Vec<Movement>,
    /// Country of its address, two letters.
    pub country: Option<String>,
    /// The customer's metadata, laid over that of its subscriptions.
    pub metadata: BTreeMap<String, String>,
    /// Its items that can't be valued yet (R4).
    pub incomplete: Vec<IncompleteLine>,
    /// The last known status of each of its subscriptions.
    pub statuses: BTreeMap<SubscriptionId, Status>,
    /// What was posted for months closed before, in the ledger's order (R24).
    pub adjustments: Vec<Adjustment>,
}

/// A prior-period adjustment: what was posted in a month's books and belongs to a month closed before (R24).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    /// The posting's name.
    pub id: String,
    /// Whose.
    pub customer: CustomerId,
    /// The month it belongs to.
    pub month: Month,
    /// The month whose books it is in.
    pub posted_in: Month,
    /// What moved; of a reversal, with the signs turned.
    pub movement: Movement,
    /// The name of the posting that it takes back.
    pub adjusts: Option<String>,
}

impl CustomerHistory {
    /// A customer of whom nothing is known but its name in the ledger.
    #[must_use]
    pub fn of(customer: CustomerId) -> Self {
        Self {
            customer,
            levels: Vec::new(),
            movements: Vec::new(),
            scheduled: Vec::new(),
            country: None,
            metadata: BTreeMap::new(),
            incomplete: Vec::new(),
            statuses: BTreeMap::new(),
            adjustments: Vec::new(),
        }
    }

    /// The month of its first standing movement.
    #[must_use]
    pub fn first_month(&self, zone: Tz) -> Option<Month> {
        self.movements.first().map(|movement| Month::of(movement.effective_at, zone))
    }
}

/// An item held at its last known level for want of something (R4).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IncompleteLine {
    /// Its subscription.
    pub subscription: SubscriptionId,
    /// The item.
    pub item: ItemId,
    /// What is missing, with its id.
    pub missing: String,
    /// Since when.
    pub since: Instant,
}

impl IncompleteLine {
    /// What a finding is about, if that is an item without a value.
    #[must_use]
    pub fn of(finding: &Finding) -> Option<Self> {
        let Matter::Incomplete { item, missing } = &finding.matter else { return None };
        Some(Self {
            subscription: finding.subscription.clone(),
            item: item.clone(),
            missing: missing.clone(),
            since: finding.at,
        })
    }
}
