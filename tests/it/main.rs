//! Black-box tests: only the library's doors and the binary.
#![allow(unreachable_pub, reason = "one binary, nobody outside")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod api;
mod books;
mod business;
mod catalogue;
mod closed_books;
mod closing;
mod commands;
mod completing;
mod crash;
mod doctor;
mod env_example;
mod explain;
mod exports;
mod faces;
mod faults;
mod forms;
mod fx;
mod history;
mod http;
mod operating;
mod payloads;
mod policy;
mod postgres;
mod process;
mod pulling;
mod raw;
mod reconcile;
mod road;
mod roll_ups;
mod rules;
mod signatures;
mod store;
mod stories;
mod strangers;
mod stripe;
mod tidy;
mod translate;
mod valuation;
mod views;
mod warehouse;
mod worked;
