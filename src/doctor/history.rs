//! Where history that was rebuilt without events may differ from what happened, by cause.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::parts::{Entry, entry};
use super::{Found, instant};
use crate::ledger::FoundFinding;
use crate::mrr::{HistoryGap, Instant, Matter};

/// So many places of a cause are told one by one.
const MOST: usize = 100;

/// A cause, and where it shows.
#[derive(Serialize)]
pub(super) struct Cause {
    cause: &'static str,
    /// How many subscriptions it concerns, of those whose places were looked at.
    subscriptions: usize,
    remedy: &'static str,
    places: Vec<Place>,
    /// In how many places it shows.
    #[serde(skip)]
    count: usize,
}

/// Where a cause shows.
#[derive(Serialize)]
struct Place {
    customer: String,
    subscription: String,
    at: String,
    event: String,
}

/// The causes that were found, each with the first places where it shows.
pub(super) fn causes(all: &Found) -> Vec<Cause> {
    let mut by_cause: BTreeMap<HistoryGap, Vec<(Instant, &FoundFinding)>> = BTreeMap::new();
    for found in &all.named {
        if let Matter::History { gap } = found.finding.matter {
            by_cause.entry(gap).or_default().push((found.finding.at, found));
        }
    }
    let cause = |(gap, mut found): (HistoryGap, Vec<(Instant, &FoundFinding)>)| {
        found.sort_by_key(|(at, found)| (*at, found.key.clone()));
        let subscriptions: BTreeSet<_> =
            found.iter().map(|(_, found)| (&found.key.book, &found.finding.subscription)).collect();
        Cause {
            cause: gap.as_str(),
            subscriptions: subscriptions.len(),
            remedy: remedy(gap),
            places: found.iter().take(MOST).map(|(at, found)| place(*at, found)).collect(),
            count: all.count(|matter| *matter == Matter::History { gap }),
        }
    };
    by_cause.into_iter().map(cause).collect()
}

fn place(at: Instant, found: &FoundFinding) -> Place {
    Place {
        customer: found.key.customer.to_string(),
        subscription: found.finding.subscription.to_string(),
        at: instant(at),
        event: found.finding.event.to_string(),
    }
}

fn remedy(gap: HistoryGap) -> &'static str {
    match gap {
        HistoryGap::Unbilled => {
            "it changed without a line of an invoice and is counted from when it shows; events of that time, or \
             Sigma's changes, tell when"
        }
        HistoryGap::Voided => {
            "collection was paused or a bill corrected: nothing tells which, and what was held before stands; events \
             of that time tell"
        }
        HistoryGap::LinesLeftOut => {
            "the invoice shows a part of its lines: feed the invoice with all of them (`stripe invoices retrieve` shows \
             ten, its `lines` list shows all)"
        }
        HistoryGap::EndNotTold => {
            "nothing tells whether it went on after its last invoice, and what was billed last stands: feed the list \
             of subscriptions, made with `-d status=all`"
        }
    }
}

impl Cause {
    /// It, for people.
    pub(super) fn entry(&self) -> Entry {
        entry(format!("{}: {} places", self.cause, self.count), self.remedy)
    }
}
