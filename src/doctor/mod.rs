//! What is wrong, each with the remedy: what a person should look at, gathered once for the command and the page.

mod away;
mod events;
mod history;
mod parts;
mod stretches;
mod sums;
mod unsent;

use serde::Serialize;

use crate::ledger::{FoundFinding, Ledger, SetAside};
use crate::mrr::{Instant, Matter};
use crate::report::{AskError, COUPON_REMEDY, Reporter, items_remedy, remedy_of};
use away::{Away, Outage, UnfinishedPull};
use events::{EventTypes, Missing};
use stretches::{Stretch, Waiting};
use sums::OtherSums;
use unsent::Unsent;

pub use parts::{About, Entry, Part};

/// What is configured, as far as it can be badly configured.
#[derive(Debug, Clone, Copy, Default)]
pub struct Setup {
    /// Whether there is a signing secret.
    pub has_secret: bool,
    /// How many signing secrets do not begin with `whsec_`.
    pub odd_secrets: usize,
    /// Whether others than this machine are listened to, though no token lets them in.
    pub listens_without_token: bool,
    /// Whether there is a key to Stripe's API.
    pub has_key: bool,
}

/// Looks at everything that a person should look at.
#[derive(Debug, Clone)]
pub struct Doctor {
    ledger: Ledger,
    reporter: Reporter,
    setup: Setup,
}

/// How many findings of one sort the dashboard's page names.
pub const ON_A_PAGE: usize = 100;

/// The largest difference of clocks that is none: a second is the resolution of Stripe's stamps.
const CLOCK_TOLERANCE_SECONDS: i64 = 2;

/// Everything that was found.
#[derive(Serialize)]
pub struct Findings {
    parked: Named<Parked>,
    pending: Vec<Waiting>,
    ignored: Vec<Ignored>,
    incomplete: Named<Incomplete>,
    broken_chains: Named<BrokenChain>,
    gaps: Named<Stretch>,
    outages: Vec<Outage>,
    unfinished_pulls: Vec<UnfinishedPull>,
    unconfirmed_coupons: Vec<Coupon>,
    history: Vec<history::Cause>,
    conflicts: Named<KeptAside>,
    poisoned: Named<PoisonedCustomer>,
    missing_rates: Vec<RateNeeded>,
    unsent_reports: Vec<Unsent>,
    other_sums: Vec<OtherSums>,
    configuration: Vec<Advice>,
    clock: Clock,
    missing_events: Vec<Missing>,
    event_types: EventTypes,
}

/// Findings of one sort: those that are named, and how many there are of all.
#[derive(Serialize)]
#[serde(transparent)]
struct Named<T> {
    first: Vec<T>,
    #[serde(skip)]
    count: usize,
}

/// What was found in customers: what is named of it, and how much there is of each matter.
struct Found {
    named: Vec<FoundFinding>,
    counts: Vec<(Matter, usize)>,
}

#[derive(Serialize)]
struct Parked {
    #[serde(skip)]
    book: String,
    event: String,
    #[serde(rename = "type")]
    kind: String,
    path: String,
    reason: String,
    remedy: &'static str,
}

#[derive(Serialize)]
struct Ignored {
    /// Their type; without one, of all types.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    reason: String,
    count: i64,
}

#[derive(Serialize)]
struct Incomplete {
    #[serde(skip)]
    book: String,
    customer: String,
    subscription: String,
    item: String,
    missing: String,
    remedy: String,
}

#[derive(Serialize)]
struct BrokenChain {
    #[serde(skip)]
    book: String,
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
    #[serde(skip)]
    book: String,
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

impl Doctor {
    /// One that looks at a ledger by a configuration.
    #[must_use]
    pub fn new(ledger: Ledger, reporter: Reporter, setup: Setup) -> Self {
        Self { ledger, reporter, setup }
    }

    /// Looks at everything, at the time `now`: names all that is found, and looks at what takes a while in a large
    /// book.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn all_findings(&self, now: i64) -> Result<Findings, AskError> {
        let other_sums = sums::other_sums(&self.ledger, &self.reporter).await?;
        let ignored = self.ledger.ignored(0).await?.into_iter().map(ignored).collect();
        let named = self.ledger.findings(None).await?;
        Ok(Findings { other_sums, ignored, ..self.look(now, named, usize::MAX).await? })
    }

    /// Looks at everything that is soon looked at, and names so many of each sort at most.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn first_findings(&self, now: i64, most: usize) -> Result<Findings, AskError> {
        let named = self.ledger.first_findings(most).await?;
        self.look(now, named, most).await
    }

    async fn look(&self, now: i64, named: Vec<FoundFinding>, most: usize) -> Result<Findings, AskError> {
        let ledger = &self.ledger;
        let found = Found { named, counts: ledger.finding_counts().await? };
        let ahead_seconds = ledger.clock_ahead_seconds().await?.unwrap_or_default().max(0);
        let is_off = ahead_seconds > CLOCK_TOLERANCE_SECONDS;
        let (missing_events, event_types) = events::event_types(ledger, &found).await?;
        let Away { outages, unfinished_pulls } = away::away(ledger, self.setup).await?;
        let broken = found.count(|matter| *matter == Matter::BrokenChain);
        let SetAside { parked: of_parked, conflicts: of_conflicts, poisoned: of_poisoned } =
            ledger.set_aside().await?;
        Ok(Findings {
            parked: Named::of(ledger.parked(0, most).await?, of_parked, parked),
            pending: stretches::pending(ledger, now).await?,
            ignored: ledger.ignored_by_reason().await?.into_iter().map(ignored_for).collect(),
            incomplete: found.incomplete(most),
            broken_chains: Named { first: found.broken().map(broken_chain).collect(), count: broken },
            gaps: Named { first: stretches::gaps(ledger, found.broken()).await?, count: broken },
            outages,
            unfinished_pulls,
            unconfirmed_coupons: found.coupons(),
            history: history::causes(&found),
            conflicts: Named::of(ledger.conflicts(most).await?, of_conflicts, conflict),
            poisoned: Named::of(ledger.poisoned(most).await?, of_poisoned, poisoned),
            missing_rates: self.missing_rates(now).await?,
            unsent_reports: unsent::unsent(ledger, now).await?,
            other_sums: Vec::new(),
            configuration: configuration(self.setup),
            clock: Clock {
                ahead_seconds,
                remedy: is_off.then_some("Stripe's clock is ahead of this machine's: synchronise it (NTP)"),
            },
            missing_events,
            event_types,
        })
    }

    /// The rates that full months lack, where there is a reporting currency.
    async fn missing_rates(&self, now: i64) -> Result<Vec<RateNeeded>, AskError> {
        let reporter = &self.reporter;
        let until = reporter.last_full_month(now);
        let mut needed = Vec::new();
        for book in self.ledger.books().await? {
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
}

fn parked(event: crate::ledger::ParkedEvent) -> Parked {
    Parked {
        book: event.book,
        event: event.event,
        kind: event.kind,
        path: event.path,
        reason: event.reason,
        remedy: "nothing is lost: it is tried again by a newer version; if Stripe sent it so, please report it",
    }
}

fn ignored(events: crate::ledger::IgnoredEvents) -> Ignored {
    Ignored { kind: Some(events.kind), reason: events.reason, count: events.count }
}

fn ignored_for((reason, count): (String, i64)) -> Ignored {
    Ignored { kind: None, reason, count }
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
        book: found.key.book.clone(),
        customer: found.key.customer.to_string(),
        subscription: found.finding.subscription.to_string(),
        item,
        missing,
        remedy,
    })
}

fn broken_chain(found: &FoundFinding) -> BrokenChain {
    BrokenChain {
        book: found.key.book.clone(),
        customer: found.key.customer.to_string(),
        subscription: found.finding.subscription.to_string(),
        event: found.finding.event.to_string(),
        at: instant(found.finding.at),
        remedy: "an event before it was missed: send it again from Stripe (within 30 days), or backfill an export of \
                 its time",
    }
}

impl<T> Named<T> {
    fn of<F>(first: impl IntoIterator<Item = F>, count: i64, told: impl Fn(F) -> T) -> Self {
        Self {
            first: first.into_iter().map(told).collect(),
            count: usize::try_from(count).unwrap_or_default(),
        }
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl Found {
    /// How many findings are of some matters.
    fn count(&self, is_meant: impl Fn(&Matter) -> bool) -> usize {
        self.counts.iter().filter(|(matter, _)| is_meant(matter)).map(|(_, count)| count).sum()
    }

    /// The breaks of chains that are named.
    fn broken(&self) -> impl Iterator<Item = &FoundFinding> {
        self.named.iter().filter(|found| found.finding.matter == Matter::BrokenChain)
    }

    fn incomplete(&self, most: usize) -> Named<Incomplete> {
        let count = self.count(|matter| {
            matches!(matter, Matter::Incomplete { .. } | Matter::ItemsTruncated | Matter::UnknownStatus)
        });
        Named { first: self.named.iter().filter_map(incomplete).take(most).collect(), count }
    }

    fn coupons(&self) -> Vec<Coupon> {
        let coupon = |(matter, _): &(Matter, usize)| match matter {
            Matter::UnconfirmedCoupon { coupon } => {
                Some(Coupon { coupon: coupon.clone(), remedy: COUPON_REMEDY })
            }
            _ => None,
        };
        self.counts.iter().filter_map(coupon).collect()
    }
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
        book: poisoned.key.book,
        customer: poisoned.key.customer.to_string(),
        remedy: match poisoned.is_unreadable {
            true => {
                "its events are stored, its movements stand as they were: a row of it was changed from outside or \
                 damaged, and so were the bytes to make it again of, which `upswell verify` names; restore a backup, or \
                 put that right, and its next event derives it anew"
            }
            false => {
                "a defect of upswell: its events are stored, its movements stand as they were; please report it"
            }
        },
        reason: poisoned.reason,
    }
}

/// What is badly configured.
fn configuration(setup: Setup) -> Vec<Advice> {
    let mut advice = Vec::new();
    let mut say = |what: &str, remedy: &str| {
        advice.push(Advice { what: what.to_owned(), remedy: remedy.to_owned() });
    };
    if !setup.has_secret {
        say(
            "no signing secret: every delivery is refused",
            "set STRIPE_WEBHOOK_SECRET to the endpoint's whsec_…",
        );
    }
    for _ in 0..setup.odd_secrets {
        say(
            "a signing secret does not begin with whsec_",
            "copy the endpoint's signing secret, not an API key, into STRIPE_WEBHOOK_SECRET",
        );
    }
    if setup.listens_without_token {
        say(
            "figures answer only to this machine, though the server listens to others",
            "set UPSWELL_API_TOKEN to read them from elsewhere",
        );
    }
    if !setup.has_key {
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
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.parked.is_empty()
            && self.pending.is_empty()
            && self.incomplete.is_empty()
            && self.broken_chains.is_empty()
            && self.conflicts.is_empty()
            && self.poisoned.is_empty()
            && self.missing_rates.is_empty()
            && self.unsent_reports.is_empty()
            && self.other_sums.is_empty()
            && self.clock.remedy.is_none()
    }
}

/// An instant as the contract writes it.
fn instant(at: Instant) -> String {
    chrono::DateTime::from_timestamp(at.0, 0)
        .map_or_else(|| at.0.to_string(), |at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
}
