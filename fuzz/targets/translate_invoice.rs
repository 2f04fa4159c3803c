//! Events of invoices of all generations of the API.
#![no_main]

use std::sync::LazyLock;

use upswell_fuzz::translated::Events;

static EVENTS: LazyLock<Events> = LazyLock::new(|| {
    Events::new(
        &["invoice.paid", "invoice.finalized", "invoice.voided", "invoice.updated", "invoice.created"],
        &[
            include_str!("../skeletons/invoice-flags.json"),
            include_str!("../skeletons/invoice-lines.json"),
            include_str!("../skeletons/invoice-basil.json"),
        ],
    )
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| EVENTS.check(data));
