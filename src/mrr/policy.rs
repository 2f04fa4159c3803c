//! What can be chosen: the policy, printed on every report, and what the catalogue says about
//! products and prices (R21).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Learnt;
use super::movement::words;

words! {
    /// When an end takes effect (R14).
    ChurnPolicy {
        /// When the subscription ended.
        Ended = "ended",
        /// When its end was asked for.
        Requested = "requested",
    }
}

words! {
    /// Whether something counts (R5).
    Counting {
        /// It does not.
        Zero = "zero",
        /// It does.
        Counts = "counts",
    }
}

words! {
    /// Which discounts MRR is net of (R6).
    DiscountPolicy {
        /// Those for ever, and repeating ones while they run.
        Recurring = "recurring",
        /// Those used once as well.
        All = "all",
        /// None.
        None = "none",
    }
}

/// Whether late payers count (R5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PastDuePolicy {
    /// They do.
    Counts,
    /// They do for so many days.
    LapsesAfterDays(u32),
}

/// The choices that change figures. The default stands for what `domain.md` puts first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Policy {
    /// When an end takes effect.
    pub churn: ChurnPolicy,
    /// Whether late payers count.
    pub past_due: PastDuePolicy,
    /// Whether paused subscriptions count.
    pub paused: Counting,
    /// Whether trials count.
    pub trialing: Counting,
    /// Which discounts MRR is net of.
    pub discounts: DiscountPolicy,
    /// The mean of how many closed service periods makes a metered level (R8), 1 to 12.
    pub usage_window: u32,
    /// How long a customer may be gone and have moved, not churned (R19), in seconds, inclusive.
    pub transfer_window_seconds: i64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            churn: ChurnPolicy::Ended,
            past_due: PastDuePolicy::Counts,
            paused: Counting::Zero,
            trialing: Counting::Zero,
            discounts: DiscountPolicy::Recurring,
            usage_window: 1,
            transfer_window_seconds: 3 * 86_400,
        }
    }
}

/// What is known about products and prices beyond the payloads (R4, R21): what is configured, and what
/// was learnt. The configured words are ids of products or prices, as `upswell.toml` mixes them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalogue {
    /// Ladders, each from low to high.
    pub ladders: Vec<Vec<String>>,
    /// Products that are add-ons.
    pub add_ons: BTreeSet<String>,
    /// Products and prices whose quantity is packs or blocks, not seats.
    pub not_seats: BTreeSet<String>,
    /// Prices and those that succeed them.
    pub successors: BTreeMap<String, String>,
    /// What was learnt from events, imports and the API; not configured, and kept with its instants.
    pub learnt: Arc<Learnt>,
}
