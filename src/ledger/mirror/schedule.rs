//! The stored form of what schedules tell.

use super::fact::{Evidence, Origin};
use super::price::Price;
use super::state::Discount;
use super::{record, words};
use crate::mrr;

words!(ScheduleStatus of mrr::ScheduleStatus {
    NotStarted = "not_started",
    Active = "active",
    Completed = "completed",
    Released = "released",
    Canceled = "canceled",
    Unknown = "unknown",
});

record!(PhaseItem of mrr::PhaseItem {
    price: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    terms: Option<Price>,
    quantity: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    discounts: Vec<Discount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inclusive_tax: Option<u32>,
});

record!(Phase of mrr::Phase {
    start: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    items: Vec<PhaseItem>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    discounts: Vec<Discount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trial_end: Option<i64>,
});

record!(ScheduleFact of mrr::ScheduleFact {
    customer: String,
    schedule: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription: Option<String>,
    origin: Origin,
    status: ScheduleStatus,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    cancels_at_end: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    phases: Vec<Phase>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lasts_until: Option<i64>,
    at: i64,
    evidence: Evidence,
});
