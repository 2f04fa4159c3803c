//! What a defect may stop, contained: one customer, or one delivery, and none of the others.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sha2::{Digest, Sha256};

use super::settle::{NoFacts, Told};
use crate::ledger::{Outcome, SettlementRules};
use crate::mrr::{Derivation, Instant, Rules, Timeline, derive};
use crate::stripe::says;

/// Why a delivery is parked that can't be read for a defect. What the defect says of itself may hold words of the body,
/// and is left out; the log names its place.
const DEFECT: &str = "a defect of this version, whose log names its place; another version tries it again";

/// Derives a timeline by rules as of `now`; a defect that it meets is contained, so that one customer
/// does not stop the others.
///
/// # Errors
///
/// What the derivation stumbled over.
pub(super) fn derive_contained(
    timeline: &Timeline,
    by: &SettlementRules,
    now: i64,
) -> Result<Derivation, String> {
    let rules = Rules { catalogue: &by.catalogue, policy: &by.policy, as_of: Instant(now) };
    contained(|| derive(timeline, rules)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    })
}

/// What a delivery says, as it is told; one that meets a defect is parked like one that does not fit.
///
/// # Errors
///
/// [`NoFacts`] as it is told, or of the defect.
pub(super) fn told_contained(tell: impl FnOnce() -> Result<Told, NoFacts>) -> Result<Told, NoFacts> {
    contained(tell).unwrap_or_else(|_| {
        Err(NoFacts { outcome: Outcome::Parked, reason: DEFECT.to_owned(), path: Some("$".to_owned()) })
    })
}

/// A digest of what a body says ([`says`]); of its bytes where a defect is in the way: then what comes again in other
/// bytes is kept aside, and nobody is kept waiting.
pub(super) fn says_contained(body: &[u8]) -> [u8; 32] {
    contained(|| says(body)).unwrap_or_else(|_| Sha256::digest(body).into())
}

fn contained<T>(work: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(work))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_delivery_that_meets_a_defect_is_parked_without_a_word_of_its_body() {
        let body = "somebody@example.com";
        let none = told_contained(|| panic!("no end in {body}")).unwrap_err();
        assert_eq!((none.outcome, none.path.as_deref()), (Outcome::Parked, Some("$")));
        assert_eq!(none.reason, DEFECT);
        // What is told is told as it is.
        assert_eq!(told_contained(|| Ok(Told::default())), Ok(Told::default()));
        let ignored = || NoFacts { outcome: Outcome::Ignored, reason: "x".to_owned(), path: None };
        assert_eq!(told_contained(|| Err(ignored())), Err(ignored()));
    }
}
