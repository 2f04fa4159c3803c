//! Customers whose rows can't be read, found among others and set aside: one of them never stops the rest.

use std::collections::BTreeMap;

use super::settle::{Changed, Heard, Settler};
use super::verify::is_as_it_came;
use crate::ledger::{
    CustomerKey, CustomerSettlement, Known, LedgerError, NewFact, Outcome, Settlement, unreadable,
};
use crate::mrr::Instant;

/// Where customers stand, and why some of them can't be told.
#[derive(Default)]
pub(super) struct Standing {
    pub(super) known: BTreeMap<CustomerKey, Known>,
    /// Customers that can't be read, as they are settled.
    pub(super) set_aside: Vec<CustomerSettlement>,
}

impl Settler {
    /// Where customers stand. If they can't be read together because of a row, each is read by itself, and those that can't
    /// be are set aside.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] of the store itself.
    pub(super) async fn standing(
        &self,
        changed: &mut BTreeMap<CustomerKey, Changed>,
        asked: &[(CustomerKey, Option<Instant>)],
    ) -> Result<Standing, LedgerError> {
        match self.ledger.known_all(asked).await {
            Err(error) if error.is_of_a_row() => {}
            known => return Ok(Standing { known: known?, ..Standing::default() }),
        }
        let mut standing = Standing::default();
        for (key, changed_from) in asked {
            let Some(changed) = changed.get_mut(key) else { continue };
            match self.standing_of(key, *changed_from, changed).await {
                Err(error) if error.is_of_a_row() => {
                    let reason = told_set_aside(key, &error);
                    standing.set_aside.push(CustomerSettlement {
                        key: key.clone(),
                        revision: self.ledger.revision(key).await?,
                        since: None,
                        is_reread: false,
                        derivation: Err(reason),
                    });
                }
                known => drop(standing.known.insert(key.clone(), known?)),
            }
        }
        Ok(standing)
    }

    /// Where one stands: without its checkpoint if that can't be read, and if its facts can't be, without them, for they
    /// are made anew of the stored bytes.
    async fn standing_of(
        &self,
        key: &CustomerKey,
        changed_from: Option<Instant>,
        changed: &mut Changed,
    ) -> Result<Known, LedgerError> {
        let damage = match self.ledger.known(key, changed_from).await {
            Err(error) if error.is_of_a_row() => error,
            known => return known,
        };
        let whole = match self.ledger.known(key, None).await {
            Err(error) if !error.is_of_a_row() => return Err(error),
            Ok(known) => known,
            Err(_) if changed.is_whole || self.read_anew(key, changed).await? => {
                Known { revision: self.ledger.revision(key).await?, ..Known::default() }
            }
            Err(error) => return Err(error),
        };
        tracing::error!(customer = %key.customer, error = %damage, "a customer is derived anew, from the start");
        Ok(whole)
    }

    /// Reads a customer's facts out of the stored bytes, as if by a new version; whether that could be done.
    async fn read_anew(&self, key: &CustomerKey, changed: &mut Changed) -> Result<bool, LedgerError> {
        let stored = self.ledger.stored_of(key).await?;
        if !stored.iter().all(is_as_it_came) {
            return Ok(false);
        }
        let mut heard = Heard::default();
        stored.iter().for_each(|stored| heard.listen(stored));
        if heard.dispositions.iter().any(|told| told.outcome != Outcome::Settled) {
            return Ok(false);
        }
        let of_customer = heard.facts.into_iter().filter(|new| new.key == *key);
        // What is new may be among what is stored, where a run broke off before it had marked it as settled.
        let all = of_customer.chain(std::mem::take(&mut changed.facts));
        let all: BTreeMap<(i64, i64), NewFact> = all.map(|new| ((new.inbox_seq, new.part), new)).collect();
        *changed = Changed { facts: all.into_values().collect(), is_whole: true };
        Ok(true)
    }

    /// Sets those aside whose rows keep a settlement from being written; whether there are any.
    pub(super) async fn set_aside(&self, settlement: &mut Settlement) -> Result<bool, LedgerError> {
        let unreadable = self.ledger.unreadable_in(settlement).await?;
        for (index, error) in &unreadable {
            if let Some(customer) = settlement.customers.get_mut(*index) {
                customer.derivation = Err(told_set_aside(&customer.key, error));
            }
        }
        Ok(!unreadable.is_empty())
    }
}

/// Tells that a customer is set aside, for the reason that is given back.
fn told_set_aside(key: &CustomerKey, error: &LedgerError) -> String {
    tracing::error!(
        customer = %key.customer,
        %error,
        "a customer can't be read and is set aside, others go on; `upswell doctor` says what to do"
    );
    unreadable(error)
}
