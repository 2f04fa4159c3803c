//! Any file: its documents are parts of it, and reading ends.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| upswell_fuzz::documents::check(data));
