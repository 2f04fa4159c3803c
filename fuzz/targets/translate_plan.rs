//! Events of plans.
#![no_main]

use std::sync::LazyLock;

use upswell_fuzz::translated::Events;

static EVENTS: LazyLock<Events> = LazyLock::new(|| {
    Events::new(
        &["plan.created", "plan.updated", "plan.deleted"],
        &[include_str!("../skeletons/plan.json"), include_str!("../skeletons/plan-tiers.json")],
    )
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| EVENTS.check(data));
