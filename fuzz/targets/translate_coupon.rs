//! Events of coupons.
#![no_main]

use std::sync::LazyLock;

use upswell_fuzz::translated::Events;

static EVENTS: LazyLock<Events> = LazyLock::new(|| {
    Events::new(
        &["coupon.created", "coupon.updated", "coupon.deleted"],
        &[include_str!("../skeletons/coupon-percent.json"), include_str!("../skeletons/coupon-amount.json")],
    )
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| EVENTS.check(data));
