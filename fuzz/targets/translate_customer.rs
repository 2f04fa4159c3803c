//! Events of customers.
#![no_main]

use std::sync::LazyLock;

use upswell_fuzz::translated::Events;

static EVENTS: LazyLock<Events> = LazyLock::new(|| {
    Events::new(
        &["customer.created", "customer.updated", "customer.deleted"],
        &[include_str!("../skeletons/customer.json")],
    )
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| EVENTS.check(data));
