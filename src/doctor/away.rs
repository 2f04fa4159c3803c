//! Times in which nothing was delivered, and lists of the API that were not read to their end.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Setup;
use super::instant;
use super::parts::{Entry, entry};
use crate::api::List;
use crate::ledger::{Ledger, LedgerError, PullSlice};
use crate::mrr::Instant;
use crate::pull::LOST;
use crate::stripe::book_of;

/// A time in which nothing was delivered and that could not be looked into.
#[derive(Serialize)]
pub(super) struct Outage {
    book: String,
    from: String,
    to: String,
    remedy: String,
}

/// A list that an interrupted or refused pull did not read to its end.
#[derive(Serialize)]
pub(super) struct UnfinishedPull {
    book: String,
    list: String,
    slices_left: u64,
    remedy: String,
}

/// What is known of being away.
pub(super) struct Away {
    pub(super) outages: Vec<Outage>,
    pub(super) unfinished_pulls: Vec<UnfinishedPull>,
}

/// The outages that are not made up for, and the lists that are not read to their end.
pub(super) async fn away(ledger: &Ledger, setup: Setup) -> Result<Away, LedgerError> {
    let mut outages = Vec::new();
    let mut left: BTreeMap<(String, String, String), u64> = BTreeMap::new();
    for slice in ledger.unfinished_pulls().await? {
        let account = (!slice.account.is_empty()).then_some(slice.account.as_str());
        let book = book_of(account, slice.livemode);
        if slice.list == LOST {
            outages.push(outage(book, &slice, lost(account, slice.since)));
        } else if slice.list != List::Missed.name() {
            let account = account.unwrap_or_default().to_owned();
            *left.entry((book, account, slice.list)).or_default() += 1;
        } else if !setup.has_key {
            outages.push(outage(book, &slice, NO_KEY.to_owned()));
        }
    }
    let unfinished = left.into_iter().map(|((book, account, list), slices_left)| UnfinishedPull {
        book,
        list,
        slices_left,
        remedy: format!(
            "run `upswell backfill --from-api{}` again: it goes on where it stopped",
            of(&account)
        ),
    });
    Ok(Away { outages, unfinished_pulls: unfinished.collect() })
}

const NO_KEY: &str = "whether Stripe sent something meanwhile could not be looked for: set STRIPE_API_KEY and start \
                      `upswell serve`, or backfill an export of the events of this time";

fn lost(account: Option<&str>, since: i64) -> String {
    let day = instant(Instant(since));
    let day = day.split('T').next().unwrap_or_default();
    format!(
        "Stripe keeps events for 30 days: run `upswell backfill --from-api{} --since {day}`, which reads the lists \
         that still tell what changed, or backfill an export of the events of this time",
        of(account.unwrap_or_default())
    )
}

fn of(account: &str) -> String {
    if account.is_empty() { String::new() } else { format!(" --account {account}") }
}

fn outage(book: String, slice: &PullSlice, remedy: String) -> Outage {
    Outage { book, from: instant(Instant(slice.since)), to: instant(Instant(slice.until)), remedy }
}

impl Outage {
    /// It, for people.
    pub(super) fn entry(&self) -> Entry {
        entry(format!("{} from {} to {}", self.book, self.from, self.to), self.remedy.clone())
    }
}

impl UnfinishedPull {
    /// It, for people.
    pub(super) fn entry(&self) -> Entry {
        entry(
            format!("{} of {}: {} slices are left", self.list, self.book, self.slices_left),
            self.remedy.clone(),
        )
    }
}
