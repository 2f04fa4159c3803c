//! One subscription as of an instant, in our words, whatever version or export it came from; and
//! the other facts about a customer.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::movement::words;
use super::quotes::stands_behind;
use super::{
    BilledInvoice, CouponId, Currency, CustomerId, Delta, DiscountId, InvoiceId, ItemChange, ItemId, Listed,
    Price, PriceAmount, PriceId, ProductId, ScheduleFact, SubscriptionId,
};

/// A point in time, in whole seconds since 1970 UTC: the resolution of the facts (R10, R15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(pub i64);

words! {
    /// How good the evidence of a fact is, best first.
    Grade {
        /// An event, as signed or exported.
        Event = "event",
        /// The state before an event, put back from its `previous_attributes`.
        PreviousAttributes = "previous_attributes",
        /// A line of an invoice.
        InvoiceLine = "invoice_line",
        /// A row of Sigma's item changes.
        Sigma = "sigma",
        /// A listing of current objects.
        Listing = "listing",
        /// A row of a dashboard export.
        Csv = "csv",
    }
}

/// Where a fact is proved.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Evidence {
    /// How good it is.
    pub grade: Grade,
    /// The event's id, or a name of the row (`file:line`).
    pub event: Arc<str>,
    /// SHA-256 of the stored bytes, in lower-case hex.
    pub sha256: Arc<str>,
}

/// Where a snapshot stands in its subscription's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The subscription's beginning.
    Created,
    /// A change, told with or without `previous_attributes`.
    Updated,
    /// Something else that shows the subscription as it stands, a listing or a notice.
    Seen,
    /// Its end, whatever its items still say (R5).
    Deleted,
}

/// The status of a subscription (R5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// First payment not made yet.
    Incomplete,
    /// First payment never made.
    IncompleteExpired,
    /// In trial.
    Trialing,
    /// Paying.
    Active,
    /// A payment is late; counts, and is listed as at risk.
    PastDue,
    /// Ended.
    Canceled,
    /// Payment given up on: churn, cause involuntary.
    Unpaid,
    /// A trial that ended without a payment method, or a pause by status.
    Paused,
    /// A word unknown to this version: what counted before it holds (R4), and it is reported.
    Unknown,
}

/// Why a subscription ended, as far as its cancellation details tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndReason {
    /// Somebody asked for it.
    Requested,
    /// A payment failed or was disputed: cause involuntary.
    Payment,
}

/// One item of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Item {
    /// The item's id; of a subscription that has no items, the subscription's own (API of 2014).
    pub id: ItemId,
    /// Its price.
    pub price: Arc<Price>,
    /// Its quantity; a missing one is 1 (R3).
    pub quantity: u64,
    /// Its own discounts, in order.
    pub discounts: Vec<Discount>,
    /// The tax that its amounts include, in millionths of the amount without it (R7): 200,000 is 20 %.
    /// 0 where none is included, or the rate is not known.
    pub inclusive_tax: u32,
}

/// How long a coupon runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Duration {
    /// On the first invoice only; ignored by the recurring policy (R6).
    Once,
    /// For some months; the discount's `end` says until when.
    Repeating,
    /// Always.
    Forever,
}

/// What a coupon takes off.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Off {
    /// A percentage, in millionths of one: 12.5 % is 125,000.
    Percent(u32),
    /// An amount of each invoice, in one currency.
    Amount {
        /// Minor units.
        amount: PriceAmount,
        /// Their currency.
        currency: Currency,
    },
}

/// The terms of a coupon.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Coupon {
    /// Its id.
    pub id: CouponId,
    /// What it takes off.
    pub off: Off,
    /// What an amount is in other currencies (`currency_options`); empty where the payload leaves it out.
    pub options: BTreeMap<Currency, PriceAmount>,
    /// How long it runs.
    pub duration: Duration,
    /// The products it is limited to; `None` where the payload does not say, as events leave it out:
    /// it is then taken as unrestricted unless the catalogue knows better (R6). An empty list says that
    /// it is unrestricted.
    pub applies_to: Option<Vec<ProductId>>,
}

impl Coupon {
    /// What it takes off in a currency, if it takes off an amount and has one in it (R6).
    #[must_use]
    pub fn amount_in(&self, currency: &Currency) -> Option<PriceAmount> {
        match &self.off {
            Off::Percent(_) => None,
            Off::Amount { amount, currency: own } if own == currency => Some(*amount),
            Off::Amount { .. } => self.options.get(currency).copied(),
        }
    }
}

/// A coupon in use on an item, a subscription or a customer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Discount {
    /// The discount's id, where the version has one.
    pub id: Option<DiscountId>,
    /// The coupon's terms; `None` where the payload carries only ids (R4).
    pub coupon: Option<Arc<Coupon>>,
    /// The coupon's id, where it is known.
    pub coupon_id: Option<CouponId>,
    /// When it ends, for a repeating one.
    pub end: Option<Instant>,
}

/// What the ledger needs to know of a subscription at a point of its life.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// Its status.
    pub status: Status,
    /// Whether collection is paused (`pause_collection` is set).
    pub collection_paused: bool,
    /// Its items, in the payload's order.
    pub items: Vec<Item>,
    /// Whether the payload left items out (more than ten).
    pub items_truncated: bool,
    /// Its own discounts, in order.
    pub discounts: Vec<Discount>,
    /// When its trial ends or ended.
    pub trial_end: Option<Instant>,
    /// When it is to end: `cancel_at`, or the period's end where `cancel_at_period_end` is set.
    pub ends_at: Option<Instant>,
    /// When its end was last asked for.
    pub canceled_at: Option<Instant>,
    /// When it ended.
    pub ended_at: Option<Instant>,
    /// Why it ended or is to end.
    pub end_reason: Option<EndReason>,
}

/// Who moved: decided by R20.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Motion {
    /// A person of ours worked for it.
    Deliberate,
    /// The customer did it alone.
    Organic,
    /// Nothing tells. Never guessed.
    Unknown,
}

/// What a subscription says about who stands behind its changes (R20).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct MotionSigns {
    /// Metadata `upswell_motion`.
    pub declared: Option<Motion>,
    /// A schedule stands behind it.
    pub is_scheduled: bool,
    /// A schedule stood behind it until this very change, which released it.
    pub is_released: bool,
    /// Metadata `upswell_channel` is `portal` or `self_serve`.
    pub is_self_serve: bool,
}

/// One subscription as of an instant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Snapshot {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// Its customer.
    pub customer: CustomerId,
    /// When the fact was made: the event's `created`.
    pub at: Instant,
    /// Where in the subscription's life it stands.
    pub origin: Origin,
    /// The state after it.
    pub state: State,
    /// The state before it, its `previous_attributes` put back; `None` if it carries none.
    pub previous: Option<State>,
    /// What it tells about the motion.
    pub motion: MotionSigns,
    /// The subscription's metadata, for segments and owners.
    pub metadata: BTreeMap<String, String>,
    /// What a list shows of it beside its state; `None` of an event.
    pub listed: Option<Listed>,
    /// Where it is proved.
    pub evidence: Evidence,
}

/// How an invoice stands (R8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InvoiceStatus {
    /// Not finalized: says nothing.
    Draft,
    /// Finalized or paid: its metered lines are levels.
    Billed,
    /// Voided or uncollectible: its usage is taken back.
    Withdrawn,
}

/// A metered line of an invoice: what a service period's usage cost.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UsageLine {
    /// The item it bills.
    pub item: ItemId,
    /// Its price.
    pub price: PriceId,
    /// The price's cadence where the line carries it; else that of the subscription's item.
    pub cadence: Option<super::Cadence>,
    /// Start of the service period.
    pub period_start: Instant,
    /// End of the service period, exclusive.
    pub period_end: Instant,
    /// Net of discounts and without tax, in minor units at the scale of 1e-6 (R1).
    pub amount: Delta,
}

/// An invoice as far as usage goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UsageInvoice {
    /// Whose it is.
    pub customer: CustomerId,
    /// For which subscription.
    pub subscription: SubscriptionId,
    /// The invoice.
    pub invoice: InvoiceId,
    /// When the fact was made.
    pub at: Instant,
    /// How the invoice stood then.
    pub status: InvoiceStatus,
    /// Whether it closes a cycle (`billing_reason: subscription_cycle`), so that a metered item
    /// without a line was not used at all.
    pub is_cycle: bool,
    /// The invoice's own `period_end`.
    pub period_end: Instant,
    /// Its metered lines that are no prorations.
    pub lines: Vec<UsageLine>,
    /// Where it is proved.
    pub evidence: Evidence,
}

/// What a customer's own events say: whether it is gone, and what it is segmented by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CustomerFact {
    /// The customer.
    pub customer: CustomerId,
    /// When the fact was made.
    pub at: Instant,
    /// Whether the customer was deleted, which ends all its subscriptions.
    pub is_deleted: bool,
    /// Country of its address, two letters.
    pub country: Option<String>,
    /// Its metadata.
    pub metadata: BTreeMap<String, String>,
    /// The discount that it says the customer has (`discount`, R6): `None` where it says nothing,
    /// `Some(None)` where it says that there is none.
    pub discount: Option<Option<Discount>>,
    /// Where it is proved.
    pub evidence: Evidence,
}

/// What happened to a discount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiscountChange {
    /// It was taken away.
    Deleted,
    /// It was given.
    Created,
    /// It was changed.
    Updated,
}

/// What an event of a discount says (`customer.discount.*`): the terms behind a discount's id, and,
/// where it is of the customer itself, whether the customer has it (R4, R6).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DiscountFact {
    /// Whose it is.
    pub customer: CustomerId,
    /// The subscription it is of; `None` of one of the customer itself.
    pub subscription: Option<SubscriptionId>,
    /// The discount.
    pub discount: Discount,
    /// What happened to it.
    pub change: DiscountChange,
    /// When the fact was made.
    pub at: Instant,
    /// Where it is proved.
    pub evidence: Evidence,
}

/// That a quote was accepted: it stands behind what that makes of its subscription (R20).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct QuoteFact {
    /// Who accepted it.
    pub customer: CustomerId,
    /// The subscription that it began or changed.
    pub subscription: SubscriptionId,
    /// The quote's id.
    pub quote: Arc<str>,
    /// When it was accepted.
    pub accepted_at: Instant,
    /// When the fact was made.
    pub at: Instant,
    /// Where it is proved.
    pub evidence: Evidence,
}

/// Anything that says something about a customer at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(clippy::large_enum_variant, reason = "most facts are of the large kind")]
pub enum Fact {
    /// About a subscription.
    Subscription(Snapshot),
    /// About usage.
    Usage(UsageInvoice),
    /// About the customer itself.
    Customer(CustomerFact),
    /// About a discount.
    Discount(DiscountFact),
    /// About a quote.
    Quote(QuoteFact),
    /// About what a subscription is to become.
    Schedule(ScheduleFact),
    /// About what a listed invoice bills of what was held.
    Billed(BilledInvoice),
    /// About a change of an item.
    Change(ItemChange),
}

impl Grade {
    /// Whether it is an event's word, which no list has a say against.
    #[must_use]
    pub fn is_event(self) -> bool {
        matches!(self, Self::Event | Self::PreviousAttributes)
    }
}

impl Snapshot {
    /// Whether it says that its subscription is over, by its type or by its status (R5).
    pub(super) fn is_end(&self) -> bool {
        self.origin == Origin::Deleted
            || matches!(self.state.status, Status::Canceled | Status::IncompleteExpired)
    }
}

impl Fact {
    /// The customer it is about.
    #[must_use]
    pub fn customer(&self) -> &CustomerId {
        match self {
            Self::Subscription(fact) => &fact.customer,
            Self::Usage(fact) => &fact.customer,
            Self::Customer(fact) => &fact.customer,
            Self::Discount(fact) => &fact.customer,
            Self::Quote(fact) => &fact.customer,
            Self::Schedule(fact) => &fact.customer,
            Self::Billed(fact) => &fact.customer,
            Self::Change(fact) => &fact.customer,
        }
    }

    /// The subscription that it is about, where it is about one.
    #[must_use]
    pub fn subscription(&self) -> Option<&SubscriptionId> {
        match self {
            Self::Subscription(fact) => Some(&fact.subscription),
            Self::Usage(fact) => Some(&fact.subscription),
            Self::Customer(_) => None,
            Self::Discount(fact) => fact.subscription.as_ref(),
            Self::Quote(fact) => Some(&fact.subscription),
            Self::Schedule(fact) => fact.subscription.as_ref(),
            Self::Billed(fact) => Some(&fact.subscription),
            Self::Change(fact) => Some(&fact.subscription),
        }
    }

    /// When it was made.
    #[must_use]
    pub fn at(&self) -> Instant {
        match self {
            Self::Subscription(fact) => fact.at,
            Self::Usage(fact) => fact.at,
            Self::Customer(fact) => fact.at,
            Self::Discount(fact) => fact.at,
            Self::Quote(fact) => fact.at,
            Self::Schedule(fact) => fact.at,
            Self::Billed(fact) => fact.at,
            Self::Change(fact) => fact.at,
        }
    }

    /// The earliest instant that it can change: an end may have taken effect before it was told, as
    /// early as it was asked for (R14), usage belongs to the last second of its period (R8), what is told of a
    /// discount may be the first word about what lies behind its id all along (R4), a quote stands
    /// behind what came just before it was accepted (R20), and lists tell of the past. A schedule moves nothing.
    #[must_use]
    pub fn reaches_back_to(&self) -> Instant {
        match self {
            // What lists show may rebuild all of a subscription's past, and a discount's id may stand all through it.
            Self::Billed(_) | Self::Change(_) | Self::Discount(_) => Instant(i64::MIN),
            Self::Subscription(fact) if !fact.evidence.grade.is_event() => Instant(i64::MIN),
            Self::Subscription(fact) => {
                let is_over = fact.is_end() || fact.state.ended_at.is_some();
                let asked_at = fact.state.canceled_at.filter(|_| is_over);
                fact.state.ended_at.into_iter().chain(asked_at).fold(fact.at, Instant::min)
            }
            Self::Usage(fact) => {
                let ends = fact.lines.iter().map(|line| line.period_end).chain([fact.period_end]);
                ends.map(|end| Instant(end.0 - 1)).fold(fact.at, Instant::min)
            }
            Self::Customer(fact) => fact.at,
            Self::Schedule(fact) => fact.at,
            Self::Quote(fact) => stands_behind(fact).0.min(fact.at),
        }
    }
}
