//! What is not told: stretches before broken chains, and deliveries that wait.

use serde::Serialize;

use super::instant;
use super::parts::{Entry, entry};
use crate::ledger::{EventAt, FoundFinding, Gap, Ledger, LedgerError, WaitingEvent};
use crate::mrr::Instant;

/// A delivery that waits longer than this is told.
const PATIENCE_SECONDS: i64 = 60;
/// So many of those that wait are told one by one.
const MOST_WAITING: usize = 100;

/// A stretch of a subscription that is not told.
#[derive(Serialize)]
pub(super) struct Stretch {
    customer: String,
    subscription: String,
    after_event: Option<String>,
    from: Option<String>,
    before_event: String,
    to: String,
    remedy: String,
}

/// A delivery that waits.
#[derive(Serialize)]
pub(super) struct Waiting {
    event: String,
    #[serde(rename = "type")]
    kind: String,
    received_at: String,
    waits_seconds: i64,
    remedy: &'static str,
}

/// The stretch before each of some breaks of chains (R10).
pub(super) async fn gaps(
    ledger: &Ledger,
    broken: impl Iterator<Item = &FoundFinding>,
) -> Result<Vec<Stretch>, LedgerError> {
    let mut gaps = Vec::new();
    for found in broken {
        let finding = &found.finding;
        let broken = EventAt { event: finding.event.to_string(), at: finding.at.0 };
        let gap = ledger.gap_before(&found.key, finding.subscription.as_str(), &broken).await?;
        gaps.push(stretch(found, gap));
    }
    Ok(gaps)
}

fn stretch(found: &FoundFinding, gap: Gap) -> Stretch {
    let subscription = &found.finding.subscription;
    let to = instant(Instant(gap.to.at));
    let from = gap.from.as_ref().map(|from| instant(Instant(from.at)));
    // An export by the second: both ends are told, so that what lies between overlaps them.
    let since =
        gap.from.as_ref().map_or_else(String::new, |from| format!(" -d \"created[gte]={}\"", from.at));
    let remedy = format!(
        "export the events of {subscription} from {} to {to} and feed them to `upswell backfill`; within 30 days: \
         `stripe events list -d type=customer.subscription.updated{since} -d \"created[lte]={}\" --limit 100`",
        from.as_deref().unwrap_or("its beginning"),
        gap.to.at
    );
    Stretch {
        customer: found.key.customer.to_string(),
        subscription: subscription.to_string(),
        after_event: gap.from.map(|from| from.event),
        from,
        before_event: gap.to.event,
        to,
        remedy,
    }
}

/// The deliveries that have waited too long at `now`.
pub(super) async fn pending(ledger: &Ledger, now: i64) -> Result<Vec<Waiting>, LedgerError> {
    let waiting = ledger.waiting_since(now - PATIENCE_SECONDS, MOST_WAITING).await?;
    let told = |waiting: WaitingEvent| Waiting {
        waits_seconds: now - waiting.received_at,
        received_at: instant(Instant(waiting.received_at)),
        event: waiting.event,
        kind: waiting.kind,
        remedy: "stored and not in the figures yet: run `upswell serve`, and read its log if it runs",
    };
    Ok(waiting.into_iter().map(told).collect())
}

impl Stretch {
    /// It, for people.
    pub(super) fn entry(&self) -> Entry {
        let from = self.from.as_deref().unwrap_or("the beginning");
        let after = self.after_event.as_deref().unwrap_or("nothing");
        let what = format!(
            "{} {} from {from} ({after}) to {} ({})",
            self.customer, self.subscription, self.to, self.before_event
        );
        entry(what, self.remedy.clone())
    }
}

impl Waiting {
    /// It, for people.
    pub(super) fn entry(&self) -> Entry {
        entry(format!("{} ({}) for {} s", self.event, self.kind, self.waits_seconds), self.remedy)
    }
}
