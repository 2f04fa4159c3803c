//! Events of the discounts of customers.
#![no_main]

use std::sync::LazyLock;

use upswell_fuzz::translated::Events;

static EVENTS: LazyLock<Events> = LazyLock::new(|| {
    Events::new(
        &["customer.discount.created", "customer.discount.updated", "customer.discount.deleted"],
        &[
            include_str!("../skeletons/discount-coupon.json"),
            include_str!("../skeletons/discount-source.json"),
        ],
    )
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| EVENTS.check(data));
