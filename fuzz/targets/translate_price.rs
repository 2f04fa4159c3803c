//! Events of prices.
#![no_main]

use std::sync::LazyLock;

use upswell_fuzz::translated::Events;

static EVENTS: LazyLock<Events> = LazyLock::new(|| {
    Events::new(
        &["price.created", "price.updated", "price.deleted"],
        &[include_str!("../skeletons/price.json"), include_str!("../skeletons/price-tiers.json")],
    )
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| EVENTS.check(data));
