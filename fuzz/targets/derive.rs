//! Any timeline: what is derived of it agrees with itself.
#![no_main]

use libfuzzer_sys::arbitrary::Unstructured;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    // Too short an input says nothing.
    let _ = upswell_fuzz::derived::check(&mut Unstructured::new(data));
});
