//! What the report promises, on businesses made up here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod book;
mod compare;
mod consolidated;
mod faces;
mod october;
mod properties;
mod rates;
mod runs;
