//! The stored form of what lists tell of the past.

use super::fact::{Evidence, InvoiceStatus};
use super::price::Price;
use super::state::Discount;
use super::{record, words};
use crate::mrr;

record!(Listed of mrr::Listed {
    #[serde(skip_serializing_if = "Option::is_none")]
    began_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lasts_until: Option<i64>,
});

words!(BillingReason of mrr::BillingReason {
    Beginning = "beginning",
    Cycle = "cycle",
    Other = "other",
});

record!(BilledDiscount of mrr::BilledDiscount {
    discount: Discount,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<i64>,
});

record!(BilledLine of mrr::BilledLine {
    item: String,
    price: Price,
    quantity: u64,
    period_start: i64,
    period_end: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_in_arrears: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_proration: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_credit: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_free: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    discounts: Vec<Discount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inclusive_tax: Option<u32>,
});

record!(BilledInvoice of mrr::BilledInvoice {
    customer: String,
    subscription: String,
    invoice: String,
    at: i64,
    status: InvoiceStatus,
    reason: BillingReason,
    is_whole: bool,
    lines: Vec<BilledLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    discounts: Vec<BilledDiscount>,
    evidence: Evidence,
});

record!(ItemChange of mrr::ItemChange {
    customer: String,
    subscription: String,
    item: String,
    price: Price,
    quantity: i64,
    delta: i128,
    at: i64,
    evidence: Evidence,
});
