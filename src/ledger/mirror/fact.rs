//! The stored form of facts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::billed::{BilledInvoice, ItemChange, Listed};
use super::price::Cadence;
use super::schedule::ScheduleFact;
use super::state::{Discount, State};
use super::{Mirror, record, words};
use crate::mrr;

words!(Grade of mrr::Grade {
    Event = "event",
    PreviousAttributes = "previous_attributes",
    InvoiceLine = "invoice_line",
    Sigma = "sigma",
    Listing = "listing",
    Csv = "csv",
});
words!(Origin of mrr::Origin {
    Created = "created",
    Updated = "updated",
    Seen = "seen",
    Deleted = "deleted",
});
words!(Motion of mrr::Motion {
    Deliberate = "deliberate",
    Organic = "organic",
    Unknown = "unknown",
});
words!(InvoiceStatus of mrr::InvoiceStatus {
    Draft = "draft",
    Billed = "billed",
    Withdrawn = "withdrawn",
});

record!(Evidence of mrr::Evidence {
    grade: Grade,
    event: String,
    sha256: String,
});

record!(MotionSigns of mrr::MotionSigns {
    #[serde(skip_serializing_if = "Option::is_none")]
    declared: Option<Motion>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_scheduled: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_released: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_self_serve: bool,
});

record!(Snapshot of mrr::Snapshot {
    subscription: String,
    customer: String,
    at: i64,
    origin: Origin,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<State>,
    motion: MotionSigns,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    listed: Option<Listed>,
    evidence: Evidence,
});

record!(UsageLine of mrr::UsageLine {
    item: String,
    price: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cadence: Option<Cadence>,
    period_start: i64,
    period_end: i64,
    amount: i128,
});

record!(UsageInvoice of mrr::UsageInvoice {
    customer: String,
    subscription: String,
    invoice: String,
    at: i64,
    status: InvoiceStatus,
    is_cycle: bool,
    period_end: i64,
    lines: Vec<UsageLine>,
    evidence: Evidence,
});

record!(CustomerFact of mrr::CustomerFact {
    customer: String,
    at: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_deleted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    /// Left out where nothing is said; null where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "said_or_not")]
    discount: Option<Option<Discount>>,
    evidence: Evidence,
});

/// Null is kept apart from left out.
mod said_or_not {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Discount;

    pub(super) fn serialize<S: Serializer>(
        discount: &Option<Option<Discount>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        discount.as_ref().and_then(Option::as_ref).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Option<Discount>>, D::Error> {
        Option::<Discount>::deserialize(deserializer).map(Some)
    }
}

words!(DiscountChange of mrr::DiscountChange {
    Deleted = "deleted",
    Created = "created",
    Updated = "updated",
});

record!(DiscountFact of mrr::DiscountFact {
    customer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription: Option<String>,
    discount: Discount,
    change: DiscountChange,
    at: i64,
    evidence: Evidence,
});

record!(QuoteFact of mrr::QuoteFact {
    customer: String,
    subscription: String,
    quote: String,
    accepted_at: i64,
    at: i64,
    evidence: Evidence,
});

/// The stored form of [`mrr::Fact`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "short-lived, and most are of the large kind")]
pub(in crate::ledger) enum Fact {
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
    /// About what a listed invoice bills.
    Billed(BilledInvoice),
    /// About a change of an item.
    Change(ItemChange),
}

impl Mirror<mrr::Fact> for Fact {
    fn of(core: &mrr::Fact) -> Self {
        match core {
            mrr::Fact::Subscription(fact) => Self::Subscription(Mirror::of(fact)),
            mrr::Fact::Usage(fact) => Self::Usage(Mirror::of(fact)),
            mrr::Fact::Customer(fact) => Self::Customer(Mirror::of(fact)),
            mrr::Fact::Discount(fact) => Self::Discount(Mirror::of(fact)),
            mrr::Fact::Quote(fact) => Self::Quote(Mirror::of(fact)),
            mrr::Fact::Schedule(fact) => Self::Schedule(Mirror::of(fact)),
            mrr::Fact::Billed(fact) => Self::Billed(Mirror::of(fact)),
            mrr::Fact::Change(fact) => Self::Change(Mirror::of(fact)),
        }
    }

    fn restore(self) -> mrr::Fact {
        match self {
            Self::Subscription(fact) => mrr::Fact::Subscription(fact.restore()),
            Self::Usage(fact) => mrr::Fact::Usage(fact.restore()),
            Self::Customer(fact) => mrr::Fact::Customer(fact.restore()),
            Self::Discount(fact) => mrr::Fact::Discount(fact.restore()),
            Self::Quote(fact) => mrr::Fact::Quote(fact.restore()),
            Self::Schedule(fact) => mrr::Fact::Schedule(fact.restore()),
            Self::Billed(fact) => mrr::Fact::Billed(fact.restore()),
            Self::Change(fact) => mrr::Fact::Change(fact.restore()),
        }
    }
}
