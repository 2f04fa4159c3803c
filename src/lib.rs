//! upswell: how much did our existing customers grow this month, and can you prove it?
//!
//! The rooms, in reading order: [`mrr`] is the pure core; [`pipeline`] is the road; [`http`] and
//! [`backfill`] are the ways in; [`cli`] is what people type, [`config`] what they set, [`log`] what
//! they read while it runs.

pub mod backfill;
pub mod cli;
pub mod config;
pub mod http;
pub mod log;
pub mod mrr;
pub mod pipeline;
