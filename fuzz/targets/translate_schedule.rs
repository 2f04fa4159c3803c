//! Events of schedules of subscriptions.
#![no_main]

use std::sync::LazyLock;

use upswell_fuzz::translated::Events;

static EVENTS: LazyLock<Events> = LazyLock::new(|| {
    Events::new(
        &[
            "subscription_schedule.created",
            "subscription_schedule.updated",
            "subscription_schedule.released",
            "listing.subscription_schedule",
        ],
        &[include_str!("../skeletons/schedule-prices.json"), include_str!("../skeletons/schedule-plans.json")],
    )
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| EVENTS.check(data));
