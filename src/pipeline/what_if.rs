//! What other rules would make of a book: every customer derived in memory by the rules that it was
//! settled by and by others. Nothing is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::settle::ENGINE;
use super::verify::{Fault, derived_from_bytes};
use crate::ledger::{
    CustomerKey, LearntSoFar, Ledger, LedgerError, Posted, SettlementRules, Stored, movement_id,
};
use crate::mrr::{Catalogue, CustomerId, Derivation, Instant, Month, Movement};

/// What two sets of rules make of a book.
#[derive(Debug, Default)]
pub struct WhatIf {
    /// The customers, in the order of their ids.
    pub customers: Vec<Tried>,
    /// What the others would reverse and post if they were adopted.
    pub posted: Posted,
    /// Customers that could not be derived, and why: they stay as they are.
    pub not_derived: Vec<(CustomerId, String)>,
}

/// One customer by the rules in force and by others.
#[derive(Debug)]
pub struct Tried {
    /// The customer.
    pub customer: CustomerId,
    /// What the rules that it was settled by make of its stored bytes.
    pub now: Derivation,
    /// What the others make of them.
    pub then: Derivation,
}

/// Derives every customer of a book from its stored bytes by the rules that it was settled by and by
/// `rules`, both as of `now` and by this version, so that the rules are all that differs
/// (DECISIONS 70). What is stored and not settled yet is in neither.
///
/// # Errors
///
/// The store's refusal.
pub async fn what_if(
    ledger: &Ledger,
    book: &str,
    rules: &SettlementRules,
    now: i64,
) -> Result<WhatIf, LedgerError> {
    let mut found = WhatIf::default();
    let mut so_far = LearntSoFar::default();
    ledger.learn_on(book, &mut so_far).await?;
    let with_learnt = |rules: SettlementRules| SettlementRules {
        engine: ENGINE.to_owned(),
        catalogue: Catalogue { learnt: Arc::clone(&so_far.learnt), ..rules.catalogue },
        ..rules
    };
    let rules = &with_learnt(rules.clone());
    for key in ledger.customers(book).await? {
        let Some(settled_by) = ledger.rules_of(&key).await? else { continue };
        let settled_by = with_learnt(settled_by);
        let stored = ledger.stored_of(&key).await?;
        let derived = derived(&key, &stored, &settled_by, now)
            .and_then(|before| Ok((before, derived(&key, &stored, rules, now)?)));
        match derived {
            Ok((before, after)) => {
                let made = |derivation, rules| Made { derivation, rules };
                found.posted += difference(&key, made(&before, &settled_by), made(&after, rules))?;
                found.customers.push(Tried { customer: key.customer, now: before, then: after });
            }
            Err(reason) => found.not_derived.push((key.customer, reason)),
        }
    }
    Ok(found)
}

/// A customer by one set of rules; the only place here that derives.
fn derived(
    key: &CustomerKey,
    stored: &[Stored],
    rules: &SettlementRules,
    now: i64,
) -> Result<Derivation, String> {
    derived_from_bytes(key, stored, rules, Instant(now)).map_err(|fault: Fault| fault.to_string())
}

/// What an adoption reverses and posts of a customer: the difference of the names of its movements and
/// of their months, as a settlement sees it.
fn difference(key: &CustomerKey, now: Made<'_>, then: Made<'_>) -> Result<Posted, LedgerError> {
    let mut counts: BTreeMap<(String, Month), (usize, usize)> = BTreeMap::new();
    for movement in &now.derivation.movements {
        counts.entry(now.posting(key, movement)?).or_default().0 += 1;
    }
    for movement in &then.derivation.movements {
        counts.entry(then.posting(key, movement)?).or_default().1 += 1;
    }
    let counts = counts.values();
    Ok(counts.fold(Posted::default(), |sum, (now, then)| Posted {
        posted: sum.posted + then.saturating_sub(*now),
        reversed: sum.reversed + now.saturating_sub(*then),
    }))
}

/// What rules made of a customer.
#[derive(Clone, Copy)]
struct Made<'d> {
    derivation: &'d Derivation,
    rules: &'d SettlementRules,
}

impl Made<'_> {
    /// By what a settlement tells its posting from others.
    fn posting(self, key: &CustomerKey, movement: &Movement) -> Result<(String, Month), LedgerError> {
        Ok((movement_id(key, movement)?, Month::of(movement.effective_at, self.rules.zone)))
    }
}
