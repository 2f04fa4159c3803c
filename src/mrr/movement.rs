//! Movements: changes of MRR with a class, a kind and a cause (R15 to R20), and what else a
//! derivation finds.

use std::sync::Arc;

use super::{Currency, Delta, Evidence, Instant, ItemId, Motion, Mrr, PriceId, ProductId, SubscriptionId};

/// Gives an enum of words its two translations, to and from the text of contract and ledger.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$word_doc])* $word),+ }

        impl $name {
            /// Every word, in the contract's order.
            pub const ALL: &'static [Self] = &[$(Self::$word),+];

            /// The word as the contract and the ledger write it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text),+ }
            }

            /// Reads the word; `None` if it is not one of them.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$word),)+ _ => None }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What happened to the customer (R15).
    Class {
        /// From zero, never paid before.
        New = "new",
        /// From zero, paid before.
        Reactivation = "reactivation",
        /// Upwards.
        Expansion = "expansion",
        /// Downwards.
        Contraction = "contraction",
        /// Parts moved and sum to zero.
        Switch = "switch",
        /// To zero.
        Churn = "churn",
        /// What a pause took, or put back as the subscription ended under it.
        Pause = "pause",
        /// What the end of a pause gave back.
        Resume = "resume",
        /// Left with one subscription and came back with another (R19).
        Transfer = "transfer",
        /// Brought forward from before the first fact (R12).
        Opening = "opening",
    }
}

words! {
    /// What happened to the item (R16). Movements of classes that have no kinds carry the class's name.
    Kind {
        /// A higher tier.
        Upsell = "upsell",
        /// A product the customer did not hold.
        CrossSell = "cross_sell",
        /// Quantity.
        Seat = "seat",
        /// Metered revenue.
        Usage = "usage",
        /// The same plan at a successor's price.
        Price = "price",
        /// A discount added, changed or ended.
        Discount = "discount",
        /// Another interval of the same product.
        Term = "term",
        /// A lower tier.
        Downgrade = "downgrade",
        /// A product the customer no longer holds.
        ProductRemoved = "product_removed",
        /// Of class new.
        New = "new",
        /// Of class reactivation.
        Reactivation = "reactivation",
        /// Of class churn.
        Churn = "churn",
        /// Of class pause.
        Pause = "pause",
        /// Of class resume.
        Resume = "resume",
        /// Of class transfer.
        Transfer = "transfer",
        /// Of class opening.
        Opening = "opening",
    }
}

words! {
    /// Why it happened, as far as the facts tell.
    Cause {
        /// A subscription began.
        Created = "created",
        /// A first payment was made, or an unpaid subscription was paid.
        Activated = "activated",
        /// A trial turned into a paying subscription.
        TrialEnded = "trial_ended",
        /// Quantity.
        Quantity = "quantity",
        /// Another price or product in the place of one.
        Tier = "tier",
        /// A product added or removed.
        Product = "product",
        /// An add-on added or removed.
        AddOn = "add_on",
        /// Usage.
        Usage = "usage",
        /// A successor's price.
        Price = "price",
        /// A discount began.
        DiscountStarted = "discount_started",
        /// A discount ended.
        DiscountEnded = "discount_ended",
        /// One discount took another's place.
        DiscountChanged = "discount_changed",
        /// Another interval.
        Term = "term",
        /// The subscription was ended.
        Canceled = "canceled",
        /// It ended for want of payment.
        Involuntary = "involuntary",
        /// The customer was deleted.
        CustomerDeleted = "customer_deleted",
        /// Paused.
        Pause = "pause",
        /// Resumed.
        Resume = "resume",
        /// Moved to another subscription.
        Transfer = "transfer",
        /// Brought forward.
        Opening = "opening",
    }
}

impl Motion {
    /// Every word, in the contract's order.
    pub const ALL: &'static [Self] = &[Self::Deliberate, Self::Organic, Self::Unknown];

    /// The word as the contract and the ledger write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deliberate => "deliberate",
            Self::Organic => "organic",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the word; `None` if it is not one of them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Deliberate, Self::Organic, Self::Unknown].into_iter().find(|motion| motion.as_str() == text)
    }
}

impl Kind {
    /// The kind that a class without kinds of its own gives its movements (R16); `None` for
    /// expansion, contraction and switch, whose kinds are decided for each item.
    #[must_use]
    pub fn of_class(class: Class) -> Option<Self> {
        match class {
            Class::New => Some(Self::New),
            Class::Reactivation => Some(Self::Reactivation),
            Class::Churn => Some(Self::Churn),
            Class::Pause => Some(Self::Pause),
            Class::Resume => Some(Self::Resume),
            Class::Transfer => Some(Self::Transfer),
            Class::Opening => Some(Self::Opening),
            Class::Expansion | Class::Contraction | Class::Switch => None,
        }
    }
}

/// One item's side of a movement: what it was, or became.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Side {
    /// Its product.
    pub product: ProductId,
    /// Its price.
    pub price: PriceId,
    /// Its quantity; 1 for a metered price.
    pub quantity: u64,
    /// Its level, net of discounts.
    pub mrr: Mrr,
}

/// How a reactivation is to be read if it ended a gap inside one month (R26): the lines before the
/// gap against the lines after it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bridge {
    /// When the customer fell to zero.
    pub gap_began_at: Instant,
    /// The parts that the whole change consists of, had there been no gap.
    pub parts: Vec<BridgePart>,
}

/// One part of a [`Bridge`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BridgePart {
    /// Its kind.
    pub kind: Kind,
    /// Its product.
    pub product: ProductId,
    /// Its price.
    pub price: PriceId,
    /// Its amount.
    pub delta: Delta,
}

/// A change of a customer's MRR, of one item.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Movement {
    /// When it took effect (R14).
    pub effective_at: Instant,
    /// What happened to the customer (R15).
    pub class: Class,
    /// What happened to the item (R16).
    pub kind: Kind,
    /// Why.
    pub cause: Cause,
    /// Who moved (R20).
    pub motion: Motion,
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The item.
    pub item: ItemId,
    /// The currency of its amounts.
    pub currency: Currency,
    /// Whether the item is metered.
    pub is_metered: bool,
    /// The item before; `None` where it was not there.
    pub before: Option<Side>,
    /// The item after; `None` where it is no longer there.
    pub after: Option<Side>,
    /// The amount, never zero.
    pub delta: Delta,
    /// The customer's MRR in this currency before this movement.
    pub customer_mrr_before: Mrr,
    /// The same after it.
    pub customer_mrr_after: Mrr,
    /// Set on the first movement, in its currency, of a reactivation.
    pub bridge: Option<Bridge>,
    /// Where it is proved.
    pub evidence: Evidence,
}

impl Movement {
    /// The side that names the movement's product, price and quantity: what the item became, or,
    /// where it is gone, what it was.
    #[must_use]
    pub fn face(&self) -> Option<&Side> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

/// The level of one item over one stretch of time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Level {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The item.
    pub item: ItemId,
    /// Its product.
    pub product: ProductId,
    /// Its price.
    pub price: PriceId,
    /// The currency of its amounts.
    pub currency: Currency,
    /// Whether it is metered.
    pub is_metered: bool,
    /// Its quantity.
    pub quantity: u64,
    /// Its level; may be zero, of a free plan say.
    pub mrr: Mrr,
    /// Whether the subscription is past due (R5).
    pub is_at_risk: bool,
    /// How good the evidence is that it rests on.
    pub grade: super::Grade,
    /// Since when.
    pub from: Instant,
    /// Until when, exclusive; `None` while it lasts.
    pub until: Option<Instant>,
}

/// Something about a customer's facts that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Finding {
    /// When it shows.
    pub at: Instant,
    /// The subscription.
    pub subscription: SubscriptionId,
    /// What it is.
    pub matter: Matter,
    /// The event that shows it.
    pub event: Arc<str>,
}

/// What a [`Finding`] is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Matter {
    /// An event's `previous_attributes` are not the state before it (R10): something was missed.
    BrokenChain,
    /// An item can't be valued and is held at its last known level (R4).
    Incomplete {
        /// The item.
        item: ItemId,
        /// What is missing: `tiers`, `amount`, `coupon` and so on, with its id.
        missing: String,
    },
    /// The subscription holds more items than the payload shows (R4).
    ItemsTruncated,
    /// A status unknown to this version; counts for nothing.
    UnknownStatus,
    /// A coupon with no `applies_to` in sight, taken as unrestricted (R6).
    UnconfirmedCoupon {
        /// The coupon.
        coupon: String,
    },
    /// History that was rebuilt without events may differ from what happened, from then on.
    History {
        /// Why.
        gap: super::HistoryGap,
    },
}

/// What a derivation gives: a pure function of timeline, catalogue, policy and `as_of` (R22).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Derivation {
    /// The movements that stand as of the run, in the order they took effect.
    pub movements: Vec<Movement>,
    /// What is dated after it: discounts that will end, ends that are asked for, phases of schedules.
    pub scheduled: Vec<Movement>,
    /// Each item's level through time; of what stands only.
    pub levels: Vec<Level>,
    /// What a person should look at.
    pub findings: Vec<Finding>,
    /// When the customer has to be derived again without a new fact; `None` if never.
    pub due_at: Option<Instant>,
    /// What the customer's facts refer to in the catalogue, whether it is known or not: a new fact about one
    /// of these makes the customer be derived again, from the start. A derivation from a checkpoint knows
    /// only what is referred to there and later; what was asked before it stays asked.
    pub asked: std::collections::BTreeSet<super::Topic>,
    /// The newest point from which a later derivation may go on (see `Checkpoint`); `None` if it has
    /// to start from the beginning.
    pub checkpoint: Option<super::Checkpoint>,
}
