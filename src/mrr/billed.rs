//! What lists tell of the past: invoices, as far as they bill what a subscription held, and the dates that
//! a listed subscription shows of itself. `rebuild` makes snapshots of them.

use std::sync::Arc;

use super::movement::words;
use super::{
    CustomerId, Discount, Evidence, Instant, InvoiceId, InvoiceStatus, ItemId, Price, SubscriptionId,
};

/// What a listed subscription shows beside its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Listed {
    /// When it began: the later of `created` and `start_date`, which may lie before it.
    pub began_at: Option<Instant>,
    /// The end of its current period: while it runs, a list that shows this period was made before.
    pub lasts_until: Option<Instant>,
}

/// Why an invoice was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BillingReason {
    /// The subscription began.
    Beginning,
    /// A period began: every item that renews with it is on the invoice.
    Cycle,
    /// A change within a period, or whatever else; what it leaves out says nothing.
    Other,
}

/// A discount of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BilledDiscount {
    /// The discount.
    pub discount: Discount,
    /// Since when it runs (`start`), where the payload tells.
    pub since: Option<Instant>,
}

/// A line of an invoice that bills an item of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BilledLine {
    /// The item; of a subscription without items, the subscription's own id.
    pub item: ItemId,
    /// Its price; since basil the id alone (R4).
    pub price: Arc<Price>,
    /// Its quantity; 1 where it has none.
    pub quantity: u64,
    /// Start of the period it bills.
    pub period_start: Instant,
    /// End of that period, exclusive.
    pub period_end: Instant,
    /// Whether its period is over with the invoice's own, as metered lines' is: where neither the line nor
    /// the catalogue says what the price is, it may be usage.
    pub is_in_arrears: bool,
    /// Whether it bills a part of a period.
    pub is_proration: bool,
    /// Whether it gives back what was not used of something.
    pub is_credit: bool,
    /// Whether its amount, before discounts, is zero.
    pub is_free: bool,
    /// Its own discounts, those of the whole invoice left out.
    pub discounts: Vec<Discount>,
    /// The tax that its amount includes, as [`super::Item::inclusive_tax`]; `None` where it does not tell.
    pub inclusive_tax: Option<u32>,
}

/// A listed invoice as far as it bills what a subscription held.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BilledInvoice {
    /// Whose it is.
    pub customer: CustomerId,
    /// For which subscription.
    pub subscription: SubscriptionId,
    /// The invoice.
    pub invoice: InvoiceId,
    /// The last instant that the object carries: of two listings of one invoice the later one counts.
    pub at: Instant,
    /// A draft and one that was voided bill nothing; an uncollectible one did bill.
    pub status: InvoiceStatus,
    /// Why it was made.
    pub reason: BillingReason,
    /// Whether all its lines are at hand.
    pub is_whole: bool,
    /// Its lines for items of the subscription.
    pub lines: Vec<BilledLine>,
    /// Its discounts, those that were given to this invoice alone left out.
    pub discounts: Vec<BilledDiscount>,
    /// Where it is proved.
    pub evidence: Evidence,
}

words! {
    /// Why history that was rebuilt may differ from what happened.
    HistoryGap {
        /// What is held is not what was billed last, and no line tells when it changed: counted from then on.
        Unbilled = "unbilled_change",
        /// An invoice was voided or left a draft: collection was paused, or a bill corrected.
        Voided = "voided_invoice",
        /// The invoice shows a part of its lines.
        LinesLeftOut = "lines_left_out",
        /// Nothing tells whether the subscription went on after its last invoice.
        EndNotTold = "end_not_told",
    }
}
