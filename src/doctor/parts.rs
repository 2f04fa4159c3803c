//! Findings laid out for people: the command prints them, the page shows them.

use super::away::{Outage, UnfinishedPull};
use super::events::Missing;
use super::history::Cause;
use super::stretches::{Stretch, Waiting};
use super::sums::OtherSums;
use super::unsent::Unsent;
use super::{Findings, Named};

/// Findings of one sort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What they are.
    pub title: &'static str,
    /// Whether somebody has to do something; else it is good to know.
    pub is_fault: bool,
    /// How many there are.
    pub count: usize,
    /// Each of them, or the first where there are very many.
    pub entries: Vec<Entry>,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub remedy: Option<String>,
    /// What it is about.
    pub about: Vec<About>,
}

/// What a finding is about, by what leads to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its book.
    pub book: String,
    /// Its id.
    pub id: String,
    /// Whether it is a customer; else an event or a subscription.
    pub is_customer: bool,
}

impl About {
    fn customer(book: &str, id: &str) -> Self {
        Self { book: book.to_owned(), id: id.to_owned(), is_customer: true }
    }

    fn origin(book: &str, id: &str) -> Self {
        Self { book: book.to_owned(), id: id.to_owned(), is_customer: false }
    }
}

fn fault(title: &'static str, entries: Vec<Entry>) -> Part {
    Part { title, is_fault: true, count: entries.len(), entries }
}

fn notice(title: &'static str, entries: Vec<Entry>) -> Part {
    Part { is_fault: false, ..fault(title, entries) }
}

/// Findings of which the first are named.
fn first<T>(title: &'static str, named: &Named<T>, told: impl Fn(&T) -> Entry) -> Part {
    Part { count: named.count, ..fault(title, named.first.iter().map(told).collect()) }
}

/// A finding with a remedy.
pub(super) fn entry(what: String, remedy: impl Into<String>) -> Entry {
    Entry { what, remedy: Some(remedy.into()), about: Vec::new() }
}

/// Something to know.
fn told(what: String) -> Entry {
    Entry { what, remedy: None, about: Vec::new() }
}

impl Findings {
    /// What was found, by sort; sorts of which nothing was found are left out.
    #[must_use]
    pub fn parts(&self) -> Vec<Part> {
        let mut parts = self.faults();
        parts.extend(self.notices());
        parts.retain(|part| part.count > 0);
        parts
    }

    fn faults(&self) -> Vec<Part> {
        let parked = first("Parked: can't be used by this version", &self.parked, |p| Entry {
            about: vec![About::origin(&p.book, &p.event)],
            ..entry(format!("{} ({}) at {}: {}", p.event, p.kind, p.path, p.reason), p.remedy)
        });
        let incomplete = first("Incomplete: held at the last known level", &self.incomplete, |i| Entry {
            about: vec![About::customer(&i.book, &i.customer)],
            ..entry(
                format!("{} {} {}: {} is missing", i.customer, i.subscription, i.item, i.missing),
                i.remedy.clone(),
            )
        });
        let broken = first("Broken chains: something was missed before", &self.broken_chains, |b| Entry {
            about: vec![About::customer(&b.book, &b.customer), About::origin(&b.book, &b.event)],
            ..entry(format!("{} {} at {} ({})", b.customer, b.subscription, b.at, b.event), b.remedy)
        });
        let gaps = first("Gaps: what to export and backfill", &self.gaps, Stretch::entry);
        let kept = first("Kept aside: a known event that said something else", &self.conflicts, |c| {
            entry(format!("{} ({})", c.event, c.kind), c.remedy)
        });
        let poisoned = first("Customers that can't be derived", &self.poisoned, |p| Entry {
            about: vec![About::customer(&p.book, &p.customer)],
            ..entry(format!("{}: {}", p.customer, p.reason), p.remedy)
        });
        let rates = self.missing_rates.iter().map(|r| {
            let what = format!("{} in {} for {} (book {})", r.currency, r.reporting_currency, r.date, r.book);
            entry(what, r.remedy.clone())
        });
        let clock = self.clock.remedy.iter();
        let clock = clock.map(|remedy| entry(format!("{} s", self.clock.ahead_seconds), *remedy));
        vec![
            parked,
            incomplete,
            broken,
            Part { is_fault: false, ..gaps },
            notice(
                "Outages: what was sent meanwhile may be missing",
                self.outages.iter().map(Outage::entry).collect(),
            ),
            notice(
                "Lists that were not read to their end",
                self.unfinished_pulls.iter().map(UnfinishedPull::entry).collect(),
            ),
            fault("Pending for more than a minute", self.pending.iter().map(Waiting::entry).collect()),
            kept,
            poisoned,
            fault("Exchange rates that are missing", rates.collect()),
            fault("Reports that could not be sent", self.unsent_reports.iter().map(Unsent::entry).collect()),
            fault("Kept sums that differ", self.other_sums.iter().map(OtherSums::entry).collect()),
            fault("Clock", clock.collect()),
        ]
    }

    fn notices(&self) -> Vec<Part> {
        let advice = self.configuration.iter().map(|a| entry(a.what.clone(), a.remedy.clone()));
        let coupons = self.unconfirmed_coupons.iter().map(|c| entry(c.coupon.clone(), c.remedy));
        let of_kind =
            |kind: &Option<String>| kind.as_ref().map(|kind| format!("{kind}: ")).unwrap_or_default();
        let ignored =
            self.ignored.iter().map(|i| told(format!("{} × {}{}", i.count, of_kind(&i.kind), i.reason)));
        vec![
            notice("Configuration", advice.collect()),
            notice("Event types that never came", self.missing_events.iter().map(Missing::entry).collect()),
            notice(
                "History without events: where it may differ",
                self.history.iter().map(Cause::entry).collect(),
            ),
            notice("Coupons to confirm", coupons.collect()),
            notice("Ignored, as it should be", ignored.collect()),
            notice(
                "Event types to enable in Stripe",
                self.event_types.lines().into_iter().map(told).collect(),
            ),
        ]
    }

    /// What was found as text for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for part in self.parts() {
            text.push_str(&format!("{}\n", part.title));
            for entry in part.entries {
                text.push_str(&format!("  {}\n", entry.what));
                text.extend(entry.remedy.map(|remedy| format!("    {remedy}\n")));
            }
        }
        if self.is_healthy() {
            text.push_str("Nothing needs to be done.\n");
        }
        text
    }
}
