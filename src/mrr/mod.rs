//! The pure core: what every number means. Money, prices, snapshots, and how a customer's timeline
//! becomes movements and a month's roll-forward. It knows no clock, no database, no Stripe words.

mod ids;
mod money;
mod movement;
mod policy;
mod price;
mod snapshot;

pub use ids::*;
pub use money::*;
pub use movement::*;
pub use policy::*;
pub use price::*;
pub use snapshot::*;

/// A point up to which a customer's movements need not be derived again: the state there is that of
/// the last snapshot of each subscription, and nothing else is pending (no pause, no gap, no usage,
/// no running discount, nothing incomplete).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Checkpoint {
    /// Every fact up to and with this second is behind it.
    pub at: Instant,
    /// The event ids of the snapshots that make up the state there, one for each subscription that
    /// counts.
    pub base: Vec<std::sync::Arc<str>>,
    /// The subscriptions that are over, so that a late word about one is known for what it is.
    pub ended: Vec<SubscriptionId>,
}
