//! The rules R1 to R22, each claim a test written from its text.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod amounts;
mod billed_lines;
mod businesses;
mod changes;
mod checkpoints;
mod currencies;
mod customer_discounts;
mod discounts;
mod ends;
mod explanations;
mod gaps;
mod held;
mod history;
mod item_changes;
mod kinds;
mod landings;
mod learnt;
mod moments;
mod months;
mod netting;
mod openings;
mod order;
mod pauses;
mod properties;
mod quotes;
mod rates;
mod schedule_properties;
mod schedules;
mod standing;
mod tax;
mod testing;
mod time;
mod transfers;
mod usage;
mod valuation_properties;
mod value;
mod words;
