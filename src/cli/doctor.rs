//! `upswell doctor`: what is wrong, each with the remedy.

mod away;
mod events;
mod history;
mod stretches;

use clap::Args;
use serde::Serialize;

use super::{Outcome, SummaryFormat, emit};
use crate::app::{App, now};
use crate::ledger::FoundFinding;
use crate::mrr::Matter;
use crate::report::{COUPON_REMEDY, items_remedy, remedy_of};
use away::{Away, Outage, UnfinishedPull};
use events::{EventTypes, Missing};
use stretches::{Stretch, Waiting};

/// What `upswell doctor` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell doctor --format json")]
pub struct DoctorArgs {
    /// The form [default: table on a terminal, else json]
    #[arg(long, value_enum)]
    pub format: Option<SummaryFormat>,
}

/// The largest difference of clocks that is none: a second is the resolution of Stripe's stamps.
const CLOCK_TOLERANCE_SECONDS: i64 = 2;

#[derive(Serialize)]
struct Findings {
    parked: Vec<Parked>,
    pending: Vec<Waiting>,
    ignored: Vec<Ignored>,
    incomplete: Vec<Incomplete>,
    broken_chains: Vec<BrokenChain>,
    gaps: Vec<Stretch>,
    outages: Vec<Outage>,
    unfinished_pulls: Vec<UnfinishedPull>,
    unconfirmed_coupons: Vec<Coupon>,
    history: Vec<history::Cause>,
    conflicts: Vec<KeptAside>,
    poisoned: Vec<PoisonedCustomer>,
    missing_rates: Vec<RateNeeded>,
    configuration: Vec<Advice>,
    clock: Clock,
    missing_events: Vec<Missing>,
    event_types: EventTypes,
}

#[derive(Serialize)]
struct Parked {
    event: String,
    #[serde(rename = "type")]
    kind: String,
    path: String,
    reason: String,
    remedy: &'static str,
}

#[derive(Serialize)]
struct Ignored {
    #[serde(rename = "type")]
    kind: String,
    reason: String,
    count: i64,
}

#[derive(Serialize)]
struct Incomplete {
    customer: String,
    subscription: String,
    item: String,
    missing: String,
    remedy: String,
}

#[derive(Serialize)]
struct BrokenChain {
    customer: String,
    subscription: String,
    event: String,
    at: String,
    remedy: &'static str,
}

#[derive(Serialize)]
struct Coupon {
    coupon: String,
    remedy: &'static str,
}

#[derive(Serialize)]
struct KeptAside {
    event: String,
    #[serde(rename = "type")]
    kind: String,
    remedy: &'static str,
}

#[derive(Serialize)]
struct PoisonedCustomer {
    customer: String,
    reason: String,
    remedy: &'static str,
}

#[derive(Serialize)]
struct RateNeeded {
    book: String,
    currency: String,
    reporting_currency: String,
    date: String,
    remedy: String,
}

#[derive(Serialize)]
struct Advice {
    what: String,
    remedy: String,
}

#[derive(Serialize)]
struct Clock {
    ahead_seconds: i64,
    remedy: Option<&'static str>,
}

/// Looks at everything that a person should look at.
///
/// # Errors
///
/// The store's.
pub async fn run(args: &DoctorArgs, app: &App) -> anyhow::Result<Outcome> {
    app.ledger.check().await?;
    let findings = gather(app).await?;
    let text = match SummaryFormat::or_by_reader(args.format) {
        SummaryFormat::Json => format!("{}\n", serde_json::to_string(&findings)?),
        SummaryFormat::Table => findings.text(),
    };
    emit(&text)?;
    Ok(if findings.is_healthy() { Outcome::Done } else { Outcome::FaultFound })
}

async fn gather(app: &App) -> anyhow::Result<Findings> {
    let ledger = &app.ledger;
    let found = ledger.findings(None).await?;
    let ahead_seconds = ledger.clock_ahead_seconds().await?.unwrap_or_default().max(0);
    let is_off = ahead_seconds > CLOCK_TOLERANCE_SECONDS;
    let (missing_events, event_types) = events::event_types(ledger, &found).await?;
    let Away { outages, unfinished_pulls } = away::away(app).await?;
    Ok(Findings {
        parked: ledger.parked(0).await?.into_iter().map(parked).collect(),
        pending: stretches::pending(ledger, now()).await?,
        ignored: ledger.ignored(0).await?.into_iter().map(ignored).collect(),
        incomplete: found.iter().filter_map(incomplete).collect(),
        broken_chains: found.iter().filter_map(broken_chain).collect(),
        gaps: stretches::gaps(ledger, &found).await?,
        outages,
        unfinished_pulls,
        unconfirmed_coupons: coupons(&found),
        history: history::causes(&found),
        conflicts: ledger.conflicts().await?.into_iter().map(conflict).collect(),
        poisoned: ledger.poisoned().await?.into_iter().map(poisoned).collect(),
        missing_rates: missing_rates(app).await?,
        configuration: configuration(app),
        clock: Clock {
            ahead_seconds,
            remedy: is_off.then_some("Stripe's clock is ahead of this machine's: synchronise it (NTP)"),
        },
        missing_events,
        event_types,
    })
}

fn parked(event: crate::ledger::ParkedEvent) -> Parked {
    Parked {
        event: event.event,
        kind: event.kind,
        path: event.path,
        reason: event.reason,
        remedy: "nothing is lost: it is tried again by a newer version; if Stripe sent it so, please report it",
    }
}

fn ignored(events: crate::ledger::IgnoredEvents) -> Ignored {
    Ignored { kind: events.kind, reason: events.reason, count: events.count }
}

fn incomplete(found: &FoundFinding) -> Option<Incomplete> {
    let (item, missing) = match &found.finding.matter {
        Matter::Incomplete { item, missing } => (item.to_string(), missing.clone()),
        Matter::ItemsTruncated => (String::new(), "the items past the tenth".to_owned()),
        Matter::UnknownStatus => (String::new(), "the meaning of the subscription's status".to_owned()),
        Matter::BrokenChain | Matter::UnconfirmedCoupon { .. } | Matter::History { .. } => return None,
    };
    let remedy = match &found.finding.matter {
        Matter::ItemsTruncated => items_remedy(found.finding.subscription.as_str()),
        _ => remedy_of(&missing),
    };
    let remedy = format!("the last known level stands until it arrives; {remedy}");
    Some(Incomplete {
        customer: found.key.customer.to_string(),
        subscription: found.finding.subscription.to_string(),
        item,
        missing,
        remedy,
    })
}

fn broken_chain(found: &FoundFinding) -> Option<BrokenChain> {
    (found.finding.matter == Matter::BrokenChain).then(|| BrokenChain {
        customer: found.key.customer.to_string(),
        subscription: found.finding.subscription.to_string(),
        event: found.finding.event.to_string(),
        at: super::instant(found.finding.at),
        remedy: "an event before it was missed: send it again from Stripe (within 30 days), or backfill an export of \
                 its time",
    })
}

fn coupons(found: &[FoundFinding]) -> Vec<Coupon> {
    let mut coupons: Vec<&String> = found
        .iter()
        .filter_map(|found| match &found.finding.matter {
            Matter::UnconfirmedCoupon { coupon } => Some(coupon),
            _ => None,
        })
        .collect();
    coupons.sort();
    coupons.dedup();
    let remedy = COUPON_REMEDY;
    coupons.into_iter().map(|coupon| Coupon { coupon: coupon.clone(), remedy }).collect()
}

fn conflict(conflict: crate::ledger::Conflict) -> KeptAside {
    KeptAside {
        event: conflict.event,
        kind: conflict.kind,
        remedy: "the event came again and said something else; the first one counts, the second is kept aside: find \
                 out who sent it",
    }
}

fn poisoned(poisoned: crate::ledger::Poisoned) -> PoisonedCustomer {
    PoisonedCustomer {
        customer: poisoned.key.customer.to_string(),
        reason: poisoned.reason,
        remedy: "a defect of upswell: its events are stored, its movements stand as they were; please report it",
    }
}

/// The rates that full months lack, where there is a reporting currency.
async fn missing_rates(app: &App) -> anyhow::Result<Vec<RateNeeded>> {
    let reporter = app.reporter();
    let until = reporter.last_full_month(now());
    let mut needed = Vec::new();
    for book in app.ledger.books().await? {
        let settings = reporter.settings(Some(&book)).await?;
        for missing in reporter.missing_rates(&settings, until).await? {
            needed.push(RateNeeded {
                book: book.clone(),
                currency: missing.from.to_string(),
                reporting_currency: missing.to.to_string(),
                date: missing.date.to_string(),
                remedy: format!(
                    "import a rate dated {} to {} with `upswell fx FILE`; the month is not consolidated without it",
                    missing.earliest(),
                    missing.date
                ),
            });
        }
    }
    Ok(needed)
}

/// What is badly configured.
fn configuration(app: &App) -> Vec<Advice> {
    let mut advice = Vec::new();
    let mut say = |what: &str, remedy: &str| {
        advice.push(Advice { what: what.to_owned(), remedy: remedy.to_owned() });
    };
    let config = &app.config;
    if config.webhook_secrets.is_empty() {
        say(
            "no signing secret: every delivery is refused",
            "set STRIPE_WEBHOOK_SECRET to the endpoint's whsec_…",
        );
    }
    for secret in &config.webhook_secrets {
        if !secret.expose().starts_with("whsec_") {
            say(
                "a signing secret does not begin with whsec_",
                "copy the endpoint's signing secret, not an API key, into STRIPE_WEBHOOK_SECRET",
            );
        }
    }
    if !config.listen.ip().is_loopback() && config.api_tokens.is_empty() {
        say(
            "figures answer only to this machine, though the server listens to others",
            "set UPSWELL_API_TOKEN to read them from elsewhere",
        );
    }
    if config.api_key.is_none() {
        say(
            "no key to Stripe's API: what is sent while upswell is away can't be looked for",
            "set STRIPE_API_KEY to a restricted key with read permission for Events, so that no outage leaves a gap",
        );
    }
    advice
}

impl Findings {
    /// Whether nobody has to do anything. Ignored events are as they should be; a coupon taken as
    /// unrestricted, history that nothing proves and event types that never came are notices. A gap is a
    /// broken chain told again, and an outage need not have left one.
    fn is_healthy(&self) -> bool {
        self.parked.is_empty()
            && self.pending.is_empty()
            && self.incomplete.is_empty()
            && self.broken_chains.is_empty()
            && self.conflicts.is_empty()
            && self.poisoned.is_empty()
            && self.missing_rates.is_empty()
            && self.clock.remedy.is_none()
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let mut part = |title: &str, lines: Vec<String>| {
            if !lines.is_empty() {
                text.push_str(&format!("{title}\n"));
                text.extend(lines.iter().map(|line| format!("  {line}\n")));
            }
        };
        let parked = self.parked.iter();
        let line =
            |p: &Parked| format!("{} ({}) at {}: {}\n    {}", p.event, p.kind, p.path, p.reason, p.remedy);
        part("Parked: can't be used by this version", parked.map(line).collect());
        let line = |i: &Incomplete| {
            format!(
                "{} {} {}: {} is missing\n    {}",
                i.customer, i.subscription, i.item, i.missing, i.remedy
            )
        };
        part("Incomplete: held at the last known level", self.incomplete.iter().map(line).collect());
        let line = |b: &BrokenChain| {
            format!("{} {} at {} ({})\n    {}", b.customer, b.subscription, b.at, b.event, b.remedy)
        };
        part("Broken chains: something was missed before", self.broken_chains.iter().map(line).collect());
        part("Gaps: what to export and backfill", self.gaps.iter().map(Stretch::line).collect());
        part(
            "Outages: what was sent meanwhile may be missing",
            self.outages.iter().map(Outage::line).collect(),
        );
        let pulls = self.unfinished_pulls.iter();
        part("Lists that were not read to their end", pulls.map(UnfinishedPull::line).collect());
        part("Pending for more than a minute", self.pending.iter().map(Waiting::line).collect());
        let line = |c: &KeptAside| format!("{} ({})\n    {}", c.event, c.kind, c.remedy);
        part("Kept aside: a known event that said something else", self.conflicts.iter().map(line).collect());
        let line = |p: &PoisonedCustomer| format!("{}: {}\n    {}", p.customer, p.reason, p.remedy);
        part("Customers that can't be derived", self.poisoned.iter().map(line).collect());
        let line = |r: &RateNeeded| {
            format!(
                "{} in {} for {} (book {})\n    {}",
                r.currency, r.reporting_currency, r.date, r.book, r.remedy
            )
        };
        part("Exchange rates that are missing", self.missing_rates.iter().map(line).collect());
        let line = |a: &Advice| format!("{}\n    {}", a.what, a.remedy);
        part("Configuration", self.configuration.iter().map(line).collect());
        let line = |remedy: &&str| format!("{} s\n    {remedy}", self.clock.ahead_seconds);
        part("Clock", self.clock.remedy.iter().map(line).collect());
        part("Event types that never came", self.missing_events.iter().map(Missing::line).collect());
        let line = |c: &Coupon| format!("{}: {}", c.coupon, c.remedy);
        let causes = self.history.iter().map(history::Cause::line);
        part("History without events: where it may differ", causes.collect());
        part("Coupons to confirm", self.unconfirmed_coupons.iter().map(line).collect());
        let line = |i: &Ignored| format!("{} × {}: {}", i.count, i.kind, i.reason);
        part("Ignored, as it should be", self.ignored.iter().map(line).collect());
        part("Event types to enable in Stripe", self.event_types.lines());
        if self.is_healthy() {
            text.push_str("Nothing needs to be done.\n");
        }
        text
    }
}
