//! Event types that never came although the book shows that they must happen.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Found;
use super::parts::{Entry, entry};
use crate::ledger::{Ledger, LedgerError};
use crate::mrr::Matter;
use crate::stripe::EVENT_TYPES;

const A_DAY: i64 = 86_400;
/// A metered item is billed within a month, and its invoice finalized within days.
const UNBILLED_DAYS: i64 = 40;

/// What subscriptions of so many days must have brought.
const IN_TIME: [(&str, i64, &str); 3] = [
    ("customer.subscription.created", 30, "subscriptions are told of and none ever began"),
    ("customer.subscription.updated", 90, "subscriptions are told of and none ever changed or renewed"),
    (
        "customer.subscription.deleted",
        180,
        "subscriptions have been told of for half a year and none ever ended",
    ),
];

/// Families whose imports go stale where their events do not come.
const IMPORTED: [(&str, &str, &[&str]); 4] = [
    ("listing.price", "price.", &["price.created", "price.updated"]),
    ("listing.plan", "plan.", &["plan.created", "plan.updated"]),
    ("listing.product", "product.", &["product.created", "product.updated"]),
    ("listing.coupon", "coupon.", &["coupon.created", "coupon.updated"]),
];

/// Types that never came and why they should have.
#[derive(Serialize)]
pub(super) struct Missing {
    because: String,
    types: Vec<&'static str>,
    remedy: String,
}

/// The event types to enable in Stripe, and those of them that never came.
#[derive(Serialize)]
pub(super) struct EventTypes {
    enable: &'static [&'static str],
    never_came: Vec<&'static str>,
}

/// What the book shows, as far as it tells which events must have happened.
struct Book<'b> {
    /// The types that came, and when the newest event of each was made.
    kinds: &'b BTreeMap<String, i64>,
    /// When the newest event was made: a book that is fed from files may be long past.
    newest: i64,
}

/// The types that never came, and all there are to enable.
pub(super) async fn event_types(
    ledger: &Ledger,
    found: &Found,
) -> Result<(Vec<Missing>, EventTypes), LedgerError> {
    let kinds = ledger.kinds_told().await?;
    let newest = kinds.values().copied().max().unwrap_or_default();
    let book = Book { kinds: &kinds, newest };
    let mut missing = Vec::new();
    for (kind, days, because) in IN_TIME {
        if !book.came(kind) && ledger.was_told_before(newest - days * A_DAY).await? {
            missing.push(lacking(because.to_owned(), &[kind]));
        }
    }
    let bills = ["invoice.finalized", "invoice.paid", "invoice.payment_succeeded"];
    let unbilled = match book.came_lately(&bills) {
        true => 0,
        false => ledger.unbilled_meters(newest - UNBILLED_DAYS * A_DAY).await?,
    };
    if unbilled > 0 {
        let because = format!(
            "{unbilled} metered items are held and no invoice was finalized in {UNBILLED_DAYS} days: usage stands still (R8)"
        );
        let types = ["invoice.finalized", "invoice.paid", "invoice.voided", "invoice.marked_uncollectible"];
        missing.push(lacking(because, &types));
    }
    missing.extend(book.of_catalogue(found));
    let never_came = EVENT_TYPES.iter().copied().filter(|kind| !book.came(kind)).collect();
    Ok((missing, EventTypes { enable: EVENT_TYPES, never_came }))
}

fn lacking(because: String, types: &[&'static str]) -> Missing {
    let remedy = format!(
        "enable {} on the endpoint in Stripe (Workbench, Webhooks, the endpoint, Edit destination), and backfill what \
         was missed",
        types.join(", ")
    );
    Missing { because, types: types.to_vec(), remedy }
}

impl Book<'_> {
    fn came(&self, kind: &str) -> bool {
        self.kinds.contains_key(kind)
    }

    fn came_lately(&self, kinds: &[&str]) -> bool {
        let since = self.newest - UNBILLED_DAYS * A_DAY;
        kinds.iter().any(|kind| self.kinds.get(*kind).is_some_and(|newest| *newest >= since))
    }

    fn family_came(&self, family: &str) -> bool {
        self.kinds.keys().any(|kind| kind.starts_with(family))
    }

    /// Of prices, products, coupons and discounts.
    fn of_catalogue(&self, found: &Found) -> Vec<Missing> {
        let wants = |begins: &[&str]| {
            let begins = |matter: &Matter| match matter {
                Matter::Incomplete { missing, .. } => begins.iter().any(|begin| missing.starts_with(begin)),
                _ => false,
            };
            found.count(begins) > 0
        };
        let unconfirmed = found.count(|matter| matches!(matter, Matter::UnconfirmedCoupon { .. }));
        let mut missing = Vec::new();
        if wants(&["the tiers of", "the amount of price", "the terms of"]) && !self.family_came("price.") {
            let because = "items wait for what their prices ask, and no event about a price ever came (R4)";
            missing.push(lacking(because.to_owned(), &["price.created", "price.updated"]));
        }
        if wants(&["the coupon behind"]) && !self.family_came("customer.discount.") {
            let because =
                "items wait for the coupon behind a discount, and no event about a discount ever came (R4)";
            let types =
                ["customer.discount.created", "customer.discount.updated", "customer.discount.deleted"];
            missing.push(lacking(because.to_owned(), &types));
        }
        let needs_coupons = wants(&["the amount of coupon"]) || unconfirmed > 0;
        if needs_coupons && !self.family_came("coupon.") {
            let because = "coupons are in use and no event about a coupon ever came: what changes in them is missed (R6)";
            missing.push(lacking(because.to_owned(), &["coupon.created", "coupon.updated"]));
        }
        for (listing, family, types) in IMPORTED {
            let is_said = missing.iter().any(|missing| missing.types == types);
            if self.came(listing) && !self.family_came(family) && !is_said {
                let what = family.trim_end_matches('.');
                let because = format!(
                    "a list of {what}s was imported and no event about a {what} ever came: the list goes stale"
                );
                missing.push(lacking(because, types));
            }
        }
        missing
    }
}

impl Missing {
    /// It, for people.
    pub(super) fn entry(&self) -> Entry {
        entry(self.because.clone(), self.remedy.clone())
    }
}

impl EventTypes {
    /// Every type, those marked that never came.
    pub(super) fn lines(&self) -> Vec<String> {
        let mark = |kind: &&str| if self.never_came.contains(kind) { " (never came)" } else { "" };
        self.enable.iter().map(|kind| format!("{kind}{}", mark(kind))).collect()
    }
}
