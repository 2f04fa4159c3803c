//! Any bytes: an envelope is read without a panic, and is the same however its event is written.
#![no_main]

use upswell_fuzz::rendering::{check_envelope, check_renderings};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let (Some(envelope), Ok(text)) = (check_envelope(data), std::str::from_utf8(data)) {
        check_renderings(text, &envelope);
    }
});
