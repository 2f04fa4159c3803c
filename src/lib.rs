//! upswell: how much did our existing customers grow this month, and can you prove it?
//!
//! The rooms, in reading order: [`pipeline`] is the road of an event; [`mrr`] the pure core that says
//! what every number means; [`stripe`] the wire, [`api`] what is fetched; [`ledger`] the store; [`report`]
//! the questions over it and the faces of their answers; [`mod@deliver`] sends them, [`mod@export`] is
//! for other people's tools; [`explain`] each figure's origin; [`doctor`] what is wrong; [`backfill`] the
//! readers of exports; [`mod@reconcile`] the ledger against Stripe's own figures; [`http`] the doors;
//! [`mod@metrics`] what is counted; [`config`] what can be chosen; [`app`] builds it all; [`cli`] the commands.

pub mod api;
pub mod app;
pub mod backfill;
pub mod cli;
pub mod config;
pub mod deliver;
pub mod doctor;
pub mod explain;
pub mod export;
pub mod http;
pub mod ledger;
pub mod log;
pub mod metrics;
pub mod mrr;
pub mod pipeline;
pub mod pull;
pub mod reconcile;
pub mod report;
pub mod stripe;
