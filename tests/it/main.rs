//! Black-box tests: only the library's doors.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod payloads;
mod stories;
mod translate;
