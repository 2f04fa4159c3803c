//! Schedules: what subscriptions are to become, as their schedules tell it. A schedule moves nothing before its
//! subscription says so itself (R14, R22); `ahead` shows what is to come of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::movement::words;
use super::{
    Currency, CustomerId, Discount, Evidence, Fact, Instant, Origin, Price, PriceId, SubscriptionId,
};

words! {
    /// How a schedule stands.
    ScheduleStatus {
        /// Its first phase is still to come.
        NotStarted = "not_started",
        /// One of its phases runs.
        Active = "active",
        /// Its last phase is over.
        Completed = "completed",
        /// Its subscription goes on without it.
        Released = "released",
        /// It was taken back, or ended with its subscription.
        Canceled = "canceled",
        /// A word unknown to this version: nothing is expected of it.
        Unknown = "unknown",
    }
}

/// An item of a phase. Items of phases have no names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PhaseItem {
    /// Its price.
    pub price: PriceId,
    /// The price itself, where the payload carries it; else it is what the subscription has or the
    /// catalogue knows (R4).
    pub terms: Option<Arc<Price>>,
    /// Its quantity; a missing one is 1 (R3).
    pub quantity: u64,
    /// Its own discounts, in order.
    pub discounts: Vec<Discount>,
    /// The tax that its amounts include, in millionths of the amount without it (R7); `None` where the
    /// phase tells no rates.
    pub inclusive_tax: Option<u32>,
}

/// A phase: what the subscription holds from an instant on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Phase {
    /// When it begins.
    pub start: Instant,
    /// When it ends.
    pub end: Option<Instant>,
    /// The currency that is paid in, where the phase tells it.
    pub currency: Option<Currency>,
    /// Its items, in the payload's order.
    pub items: Vec<PhaseItem>,
    /// The subscription's discounts in it, in order.
    pub discounts: Vec<Discount>,
    /// When its trial ends, if it begins with one.
    pub trial_end: Option<Instant>,
}

/// What an event or a list says of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ScheduleFact {
    /// Whose it is.
    pub customer: CustomerId,
    /// Its id.
    pub schedule: Arc<str>,
    /// The subscription that it changes; `None` before it has begun one.
    pub subscription: Option<SubscriptionId>,
    /// Where in its life the word stands.
    pub origin: Origin,
    /// How it stands.
    pub status: ScheduleStatus,
    /// Whether its subscription ends with its last phase (`end_behavior: cancel`).
    pub cancels_at_end: bool,
    /// Its phases, those that are over as well; none where nothing can come of it any more.
    pub phases: Vec<Phase>,
    /// Until when, at the latest, it can have been as a list shows it; `None` of an event.
    pub lasts_until: Option<Instant>,
    /// When the fact was made.
    pub at: Instant,
    /// Where it is proved.
    pub evidence: Evidence,
}

impl ScheduleFact {
    /// Whether nothing comes of it any more, whatever else is said of it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.status, ScheduleStatus::Completed | ScheduleStatus::Released | ScheduleStatus::Canceled)
    }

    /// Its place among the words about it. A list shows what holds when it is made, an event what held at its
    /// instant: of one instant the event counts more. The beginning comes first; ties by the event's id.
    fn place(&self) -> (Instant, bool, bool, &str) {
        let is_later = self.origin != Origin::Created;
        (self.at, self.evidence.grade.is_event(), is_later, &self.evidence.event)
    }
}

/// The schedules that something may come of, each by its newest word; of several for one subscription the one
/// that was heard of last. What is over stays over, however old the list is that still shows it.
pub(super) fn running(facts: &[Fact]) -> Vec<&ScheduleFact> {
    let mut schedules: BTreeMap<&str, Vec<&ScheduleFact>> = BTreeMap::new();
    for fact in facts {
        if let Fact::Schedule(fact) = fact {
            schedules.entry(&fact.schedule).or_default().push(fact);
        }
    }
    schedules.retain(|_, words| !words.iter().any(|word| word.is_over()));
    let newest =
        schedules.into_values().filter_map(|words| words.into_iter().max_by_key(|word| word.place()));
    let mut running: Vec<&ScheduleFact> = Vec::new();
    for schedule in newest {
        let rival = running
            .iter_mut()
            .find(|other| schedule.subscription.is_some() && other.subscription == schedule.subscription);
        match rival {
            Some(rival) if rival.place() < schedule.place() => *rival = schedule,
            Some(_) => {}
            None => running.push(schedule),
        }
    }
    running.retain(|schedule| schedule.status != ScheduleStatus::Unknown);
    running
}
