//! Headers put together from good and bad parts: only what a known secret signed verifies.
#![no_main]

use libfuzzer_sys::arbitrary::Unstructured;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    // Too short an input says nothing.
    let _ = upswell_fuzz::signed::check(&mut Unstructured::new(data));
});
