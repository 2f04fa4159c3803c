//! upswell: how much did our existing customers grow this month, and can you prove it?
//!
//! The rooms, in reading order: [`mrr`] is the pure core, [`report`] says what it comes to.

pub mod app;
pub mod backfill;
pub mod cli;
pub mod config;
pub mod http;
pub mod ledger;
pub mod log;
pub mod mrr;
pub mod report;
