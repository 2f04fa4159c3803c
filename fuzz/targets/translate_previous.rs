//! Events of one subscription whose previous attributes are anything: the state after them stays.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::arbitrary::Unstructured;
use upswell_fuzz::translated::Befores;

static BEFORES: LazyLock<Befores> = LazyLock::new(|| {
    Befores::new(
        include_str!("../skeletons/before-object.json"),
        &[
            include_str!("../skeletons/before-items.json"),
            include_str!("../skeletons/before-plan.json"),
            include_str!("../skeletons/before-terms.json"),
        ],
    )
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    // Too short an input says nothing.
    let _ = BEFORES.check(&mut Unstructured::new(data));
});
