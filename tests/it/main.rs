//! Black-box tests: only the library's doors and the binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod env_example;
mod http;
mod payloads;
mod stories;
mod tidy;
mod translate;
