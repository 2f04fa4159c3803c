//! Black-box tests, one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod env_example;
mod http;
mod tidy;
