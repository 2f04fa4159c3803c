//! Reports that somebody is to have and that could not be sent.

use serde::Serialize;

use super::instant;
use super::parts::{Entry, entry};
use crate::ledger::{DispatchState, Dispatched, Ledger, LedgerError};
use crate::mrr::Instant;

/// How long after its time a report that is being sent is taken for forgotten, in seconds.
const FORGOTTEN_AFTER: i64 = 600;

/// A report that could not be sent.
#[derive(Serialize)]
pub(super) struct Unsent {
    delivery: String,
    period: String,
    tries: i64,
    last_try_at: String,
    reason: String,
    remedy: String,
}

/// The reports that could not be sent to names that the configuration still has.
pub(super) async fn unsent(ledger: &Ledger, now: i64) -> Result<Vec<Unsent>, LedgerError> {
    let is_unsent = |one: &Dispatched| match one.state {
        DispatchState::Failed => true,
        DispatchState::Sending => now > one.again_at + FORGOTTEN_AFTER,
        DispatchState::Sent => false,
    };
    let dispatches = ledger.dispatches().await?.into_iter();
    Ok(dispatches.filter(|one| one.is_planned && is_unsent(one)).map(told).collect())
}

fn told(one: Dispatched) -> Unsent {
    let month = one.period.get(..7).filter(|_| one.period.len() == 7);
    let of = month.map(|month| format!(" --month {month}")).unwrap_or_default();
    Unsent {
        remedy: format!("it is tried again for a week; `upswell deliver --to {}{of}` sends it now", one.name),
        delivery: one.name,
        period: one.period,
        tries: one.tries,
        last_try_at: instant(Instant(one.begun_at)),
        reason: one.reason.unwrap_or_else(|| "whoever was sending it ended".to_owned()),
    }
}

impl Unsent {
    /// It, for people.
    pub(super) fn entry(&self) -> Entry {
        let Self { delivery, period, tries, last_try_at, reason, remedy } = self;
        let times = if *tries == 1 { "once" } else { "several times" };
        entry(
            format!("{delivery} of {period}: {reason} (tried {times}, last at {last_try_at})"),
            remedy.clone(),
        )
    }
}
