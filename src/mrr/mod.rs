//! The pure core: what every number means. Money, prices, snapshots, and how a customer's timeline
//! becomes movements and a month's roll-forward. It knows no clock, no database, no Stripe words.
//!
//! Reading order: [`Snapshot`] and [`Fact`] are what comes in, [`Movement`] is what goes out.
//! `rebuild` makes snapshots of what lists and invoices tell of a past without events.
//! `known` completes what a payload leaves out, as of an instant, from what the catalogue has `learnt`;
//! `value` makes a level of a price and a quantity, `place` says where it stands among others; `order`
//! and `life` bring a subscription's snapshots into order and say what it counts for; `matching` and
//! `change` take a change apart; `asked` tells what is referred to in the catalogue.
//! `fold` carries a customer through time with what it may `hold`, its `levels` and where it may go
//! on from (`checkpoint`), `ahead` goes on with what is planned, and [`derive()`] is the door to it all.

mod ahead;
mod asked;
mod bearing;
mod billed;
mod change;
mod checkpoint;
mod customer_discount;
mod derive;
mod explain;
mod fold;
mod hold;
mod ids;
mod invoiced;
mod item_changes;
mod known;
mod landing;
mod learnt;
mod levels;
mod life;
mod line;
mod matching;
mod money;
mod movement;
mod netting;
mod order;
mod period;
mod place;
mod policy;
mod price;
mod quotes;
mod rate;
mod rebuild;
mod roll_forward;
mod schedule;
mod snapshot;
mod steps;
mod transfer;
mod usage;
mod value;

#[cfg(test)]
mod tests;

pub use billed::*;
pub use derive::*;
pub use explain::*;
pub use ids::*;
pub use item_changes::ItemChange;
pub use known::Known;
pub use landing::*;
pub use learnt::*;
pub use levels::levels_from;
pub use money::*;
pub use movement::*;
pub use netting::*;
pub use period::*;
pub use policy::*;
pub use price::*;
pub use rate::*;
pub use roll_forward::*;
pub use schedule::*;
pub use snapshot::*;
pub use steps::{Exact, NotApplied, Scope, SetAside, Valuation, ValuationStep};
pub use value::{Terms, Unvalued, per_month};

/// A point up to which a customer's movements need not be derived again: the state there is that of
/// the last snapshot of each subscription, and nothing else is pending.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Checkpoint {
    /// Every fact up to and with this second is behind it.
    pub at: Instant,
    /// The event ids of the snapshots that make up the state there, one for each subscription that
    /// is not over.
    pub base: Vec<std::sync::Arc<str>>,
    /// The subscriptions that are over, so that a late word about one is known for what it is.
    pub ended: Vec<SubscriptionId>,
}
