//! Events of subscriptions of all generations of the API.
#![no_main]

use std::sync::LazyLock;

use upswell_fuzz::translated::Events;

static EVENTS: LazyLock<Events> = LazyLock::new(|| {
    Events::new(
        &[
            "customer.subscription.created",
            "customer.subscription.updated",
            "customer.subscription.deleted",
            "customer.subscription.paused",
        ],
        &[
            include_str!("../skeletons/subscription-plan.json"),
            include_str!("../skeletons/subscription-items.json"),
            include_str!("../skeletons/subscription-prices.json"),
            include_str!("../skeletons/subscription-basil.json"),
        ],
    )
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| EVENTS.check(data));
