//! What was sent while nobody was there to receive it, and what Stripe could not deliver.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::{EVENTS_KEPT_SECONDS, OVERLAP_SECONDS};
use super::puller::{PullError, Puller};
use crate::api::List;
use crate::ledger::{LastDelivery, Ledger, LedgerError, PullSlice};

/// The word for a time in which nothing was delivered and whose events Stripe no longer has.
pub const LOST: &str = "lost";
/// Stripe tries a delivery for three days: what was made before that and failed was seen before.
const TRIED_SECONDS: i64 = 4 * 86_400;

/// What a look came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Caught {
    /// Events read.
    pub events: u64,
    /// Those that were missing, and are stored now.
    pub new: u64,
    /// Whether all was read that was to be.
    pub is_whole: bool,
}

/// Writes down since when nothing was delivered, before anything is: what is delivered from now on does not hide the
/// time before. Needs no key.
///
/// # Errors
///
/// The store's refusal.
pub async fn note_absence(ledger: &Ledger, now: i64) -> Result<(), LedgerError> {
    for last in ledger.last_deliveries().await? {
        let LastDelivery { account, livemode, at } = last;
        let kept_since = now - EVENTS_KEPT_SECONDS;
        let known = ledger.pull_slices(&account, livemode).await?;
        // Told once, however often it is started before anything is delivered again.
        let is_told = known.iter().any(|slice| slice.list == LOST && slice.since == at);
        if at < kept_since && !is_told {
            ledger.keep_slices(&[PullSlice::new(&account, livemode, LOST, (at, kept_since))]).await?;
        }
        let name = List::Missed.name();
        let open: Vec<PullSlice> =
            known.into_iter().filter(|slice| slice.list == name && slice.done_at.is_none()).collect();
        let since = open.iter().map(|slice| slice.since).fold(at - OVERLAP_SECONDS, i64::min);
        // What is not yet read of an earlier absence is read with this one.
        let missed = PullSlice::new(&account, livemode, name, (since.max(kept_since), now));
        ledger.replace_slices(&open, &missed).await?;
    }
    Ok(())
}

/// Looks for missed events beside the receiver.
#[derive(Debug)]
pub struct CatchUp {
    puller: Puller,
    /// Since when undelivered events are looked for, by account.
    undelivered_since: BTreeMap<String, i64>,
    /// The faults that were told, each once.
    told: BTreeSet<String>,
}

impl CatchUp {
    /// Looks with this puller.
    #[must_use]
    pub fn new(puller: Puller) -> Self {
        Self { puller, undelivered_since: BTreeMap::new(), told: BTreeSet::new() }
    }

    /// Stores the events that were made while nobody received, and those that Stripe could not deliver, of the own
    /// account and of every connected one that anything was delivered of. What Stripe refuses is told once.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn look(&mut self) -> Result<Caught, LedgerError> {
        let mut caught = Caught { is_whole: true, ..Caught::default() };
        let livemode = self.puller.api.is_live();
        let open = self.puller.ledger.unfinished_pulls().await?.into_iter();
        for slice in open.filter(|slice| slice.list == List::Missed.name() && slice.livemode == livemode) {
            self.read(List::Missed, slice, &mut caught).await?;
        }
        let heard = self.puller.ledger.last_deliveries().await?.into_iter();
        let mut accounts: BTreeSet<String> =
            heard.filter(|last| last.livemode == livemode).map(|last| last.account).collect();
        accounts.insert(String::new());
        for account in accounts {
            let now = (self.puller.now)();
            let since = *self.undelivered_since.get(&account).unwrap_or(&(now - EVENTS_KEPT_SECONDS));
            let span = (since, now);
            let slice = PullSlice::new(&account, livemode, List::Undelivered.name(), span);
            if self.read(List::Undelivered, slice, &mut caught).await? {
                self.undelivered_since.insert(account, now - TRIED_SECONDS);
            }
        }
        Ok(caught)
    }

    /// Reads a slice to its end; whether it got there.
    async fn read(
        &mut self,
        list: List,
        mut slice: PullSlice,
        caught: &mut Caught,
    ) -> Result<bool, LedgerError> {
        while slice.done_at.is_none() {
            match self.puller.page(list, &mut slice).await {
                Ok(taken) => {
                    caught.events += taken.objects;
                    caught.new += taken.new;
                }
                Err(PullError::Ledger(error)) => return Err(error),
                Err(PullError::Api(error)) => {
                    caught.is_whole = false;
                    if self.told.insert(error.to_string()) {
                        tracing::warn!(%error, "could not look for events that were missed");
                    }
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}
