//! The stored form of a subscription's state: items, discounts, coupons.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::price::Price;
use super::{Mirror, record, words};
use crate::mrr;

words!(Status of mrr::Status {
    Incomplete = "incomplete",
    IncompleteExpired = "incomplete_expired",
    Trialing = "trialing",
    Active = "active",
    PastDue = "past_due",
    Canceled = "canceled",
    Unpaid = "unpaid",
    Paused = "paused",
    Unknown = "unknown",
});
words!(EndReason of mrr::EndReason { Requested = "requested", Payment = "payment" });
words!(Duration of mrr::Duration { Once = "once", Repeating = "repeating", Forever = "forever" });

/// The stored form of [`mrr::Off`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Off {
    /// Millionths of one.
    Percent(u32),
    /// An amount of each invoice.
    Amount { amount: i128, currency: String },
}

impl Mirror<mrr::Off> for Off {
    fn of(core: &mrr::Off) -> Self {
        match core {
            mrr::Off::Percent(millionths) => Self::Percent(*millionths),
            mrr::Off::Amount { amount, currency } => {
                Self::Amount { amount: amount.0, currency: Mirror::of(currency) }
            }
        }
    }

    fn restore(self) -> mrr::Off {
        match self {
            Self::Percent(millionths) => mrr::Off::Percent(millionths),
            Self::Amount { amount, currency } => {
                mrr::Off::Amount { amount: mrr::PriceAmount(amount), currency: currency.restore() }
            }
        }
    }
}

record!(Coupon of mrr::Coupon {
    id: String,
    off: Off,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    options: BTreeMap<String, i128>,
    duration: Duration,
    #[serde(skip_serializing_if = "Option::is_none")]
    applies_to: Option<Vec<String>>,
});

record!(Discount of mrr::Discount {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coupon: Option<Coupon>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coupon_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<i64>,
});

record!(Item of mrr::Item {
    id: String,
    price: Price,
    quantity: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    discounts: Vec<Discount>,
    #[serde(default, skip_serializing_if = "is_zero")]
    inclusive_tax: u32,
});

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

record!(State of mrr::State {
    status: Status,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    collection_paused: bool,
    items: Vec<Item>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    items_truncated: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    discounts: Vec<Discount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trial_end: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    canceled_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_reason: Option<EndReason>,
});
