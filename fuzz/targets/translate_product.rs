//! Events of products.
#![no_main]

use std::sync::LazyLock;

use upswell_fuzz::translated::Events;

static EVENTS: LazyLock<Events> = LazyLock::new(|| {
    Events::new(
        &["product.created", "product.updated", "product.deleted"],
        &[include_str!("../skeletons/product.json")],
    )
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| EVENTS.check(data));
