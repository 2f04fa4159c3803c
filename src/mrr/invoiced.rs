//! From a subscription's invoices to what it held: each line tells an item's price and quantity from the
//! line's period on, a credit without a charge that the item is gone, and a period that begins without an
//! item that it should renew the same. Nothing is guessed: what no line tells stays as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::rebuild::Terms;
use super::{
    BilledInvoice, BilledLine, BillingReason, Discount, HistoryGap, Instant, InvoiceStatus, Item, ItemId,
    MotionSigns, Origin, Price, Scheme, Snapshot, State, Status, UsageType,
};

/// A subscription's past, to be told by its invoices.
pub(super) struct Past<'t, 'p> {
    /// Its invoices, each by its last listing, in the order of their listings.
    pub(super) invoices: Vec<&'t BilledInvoice>,
    /// When it began, where a list shows that.
    pub(super) began_at: Option<Instant>,
    /// From when on something better tells, or it is over.
    pub(super) until: Option<Instant>,
    /// What is known of prices and discounts.
    pub(super) terms: &'p Terms<'p>,
}

/// Where history may differ from what happened: since when, why, and the listing that shows it.
pub(super) type Gap = (Instant, HistoryGap, Arc<str>);

/// An item as lines tell it.
#[derive(Clone, PartialEq)]
struct Held {
    item: Item,
    until: Instant,
    is_metered: bool,
    is_trial: bool,
    /// Whether a whole period is billed, which explains no change of what was held.
    is_regular: bool,
}

/// What an invoice tells of one item.
struct Mark<'t> {
    invoice: &'t BilledInvoice,
    item: ItemId,
    /// `None` where it is gone.
    held: Option<Held>,
    /// What it was before, as a credit gives it back.
    was: Option<Item>,
}

/// What invoices tell of one instant.
#[derive(Default)]
struct Turn<'t> {
    marks: Vec<Mark<'t>>,
    /// Invoices on which every item is that renews then.
    renewals: Vec<&'t BilledInvoice>,
    /// Discounts that began then.
    given: Vec<(&'t BilledInvoice, Discount)>,
}

impl<'t, 'p> Past<'t, 'p> {
    /// Of several listings of an invoice the last one counts, and of those of one instant one with all its lines.
    pub(super) fn of(
        billed: &[&'t BilledInvoice],
        began_at: Option<Instant>,
        until: Option<Instant>,
        terms: &'p Terms<'p>,
    ) -> Self {
        let mut last: BTreeMap<_, &'t BilledInvoice> = BTreeMap::new();
        for invoice in billed {
            let kept = last.entry(&invoice.invoice).or_insert(invoice);
            if (kept.at, kept.is_whole, place(kept)) < (invoice.at, invoice.is_whole, place(invoice)) {
                *kept = invoice;
            }
        }
        let mut invoices: Vec<&'t BilledInvoice> = last.into_values().collect();
        invoices.sort_by(|a, b| place(a).cmp(&place(b)));
        Self { invoices, began_at, until, terms }
    }

    fn billed(&self) -> impl Iterator<Item = &'t BilledInvoice> {
        self.invoices.iter().copied().filter(|invoice| invoice.status == InvoiceStatus::Billed)
    }

    /// Not before it began: what is billed for the time before its beginning was agreed on at it.
    fn clamped(&self, at: Instant) -> Instant {
        self.began_at.map_or(at, |began| at.max(began))
    }

    fn is_metered(&self, line: &BilledLine) -> Option<bool> {
        match self.terms.whole(&line.price, line.period_start) {
            Some(price) => Some(price.usage_type == UsageType::Metered),
            None if line.is_in_arrears => None,
            None => Some(false),
        }
    }

    /// The first instant at which all of the subscription is known, and whether that is its beginning.
    fn known_from(&self) -> Option<(Instant, bool, &'t BilledInvoice)> {
        let whole = self.billed().filter(|invoice| invoice.is_whole);
        let from = whole.filter_map(|invoice| {
            let lines = || invoice.lines.iter();
            let starts = lines().map(|line| self.clamped(line.period_start));
            let regular = |line: &&BilledLine| !line.is_proration && self.is_metered(line) == Some(false);
            let renewed = lines().filter(regular).map(|line| self.clamped(line.period_start)).max();
            let used = lines().filter(|line| self.is_metered(line) == Some(true));
            let used = used.map(|line| self.clamped(Instant(line.period_end.0 - 1))).max();
            let at = match invoice.reason {
                BillingReason::Beginning => starts.min(),
                BillingReason::Cycle => renewed.or(used),
                BillingReason::Other => None,
            };
            at.map(|at| (at, invoice.reason == BillingReason::Beginning, invoice))
        });
        let (at, is_first, invoice) =
            from.min_by_key(|(at, is_first, invoice)| (*at, !is_first, place(invoice)))?;
        let is_new = is_first || self.began_at.is_some_and(|began| at <= began);
        Some((at, is_new, invoice))
    }

    /// All that invoices tell, by the instant.
    fn turns(&self, known_from: Instant) -> BTreeMap<Instant, Turn<'t>> {
        let mut turns: BTreeMap<Instant, Turn<'t>> = BTreeMap::new();
        turns.entry(known_from).or_default();
        for invoice in self.billed() {
            let mut renews_at = BTreeSet::new();
            for ((item, start, is_proration), lines) in grouped(invoice) {
                let at = self.clamped(start);
                let held = match is_proration {
                    true => self.changed(&lines),
                    false => self.renewed(&lines).map(Some),
                };
                let Some(held) = held else { continue };
                let credits: Vec<&BilledLine> = lines.iter().copied().filter(|line| line.is_credit).collect();
                let was = credits.last().filter(|_| is_proration);
                let was = was.map(|line| self.held(&credits, line).item);
                let is_first = invoice.reason == BillingReason::Beginning;
                if held.as_ref().is_some_and(|held| !held.is_metered && (held.is_regular || is_first)) {
                    renews_at.insert(at);
                }
                turns.entry(at).or_default().marks.push(Mark { invoice, item, held, was });
            }
            for billed in &invoice.discounts {
                if let Some(since) = billed.since.map(|since| self.clamped(since).max(known_from)) {
                    let discount = self.terms.discount(&billed.discount);
                    turns.entry(since).or_default().given.push((invoice, discount));
                }
            }
            if invoice.reason != BillingReason::Other && invoice.is_whole {
                for at in renews_at {
                    turns.entry(at).or_default().renewals.push(invoice);
                }
            }
        }
        for turn in turns.values_mut() {
            // What is gone goes before what takes its place.
            turn.marks.sort_by(|a, b| {
                (place(a.invoice), a.held.is_some()).cmp(&(place(b.invoice), b.held.is_some()))
            });
        }
        turns
    }

    /// What whole periods of one item tell of it; nothing where its price may be usage and nobody knows.
    fn renewed(&self, lines: &[&BilledLine]) -> Option<Held> {
        let last = lines.last()?;
        self.is_metered(last)?;
        Some(Held { is_regular: true, ..self.held(lines, last) })
    }

    /// What prorations of one item from one instant on tell: what it became, or that it is gone.
    fn changed(&self, lines: &[&BilledLine]) -> Option<Option<Held>> {
        let (credits, charges): (Vec<&BilledLine>, Vec<&BilledLine>) =
            lines.iter().partition(|line| line.is_credit);
        let (free, paid): (Vec<&BilledLine>, Vec<&BilledLine>) =
            charges.into_iter().partition(|line| line.is_free);
        // Beside a charge what is free gives back nothing; beside a credit, or alone, it is what came.
        let came = if paid.is_empty() { free } else { paid };
        match came.last() {
            Some(_) if came.iter().all(|line| line.is_free) && credits.is_empty() && came.len() > 1 => None,
            Some(last) => Some(Some(self.held(&came, last))),
            None => Some(None),
        }
    }

    fn held(&self, lines: &[&BilledLine], line: &BilledLine) -> Held {
        let whole = self.terms.whole(&line.price, line.period_start);
        let is_metered = whole.as_ref().is_some_and(|price| price.usage_type == UsageType::Metered);
        let is_per_unit = whole.as_ref().is_some_and(|price| matches!(price.scheme, Scheme::PerUnit { .. }));
        // Of a price with tiers each tier has its line.
        let alike = |other: &&&BilledLine| {
            other.price.id == line.price.id && other.period_end == line.period_end && !is_per_unit
        };
        let quantity = match lines.iter().filter(alike).count() {
            0 => line.quantity,
            _ => lines.iter().filter(alike).map(|line| line.quantity).fold(0, u64::saturating_add),
        };
        let is_free = lines.iter().all(|line| line.is_free);
        let is_trial = is_free && whole.is_some_and(|price| is_dear(&price, quantity));
        Held {
            item: Item {
                id: line.item.clone(),
                price: self.terms.price(&line.price),
                quantity: if is_metered { 1 } else { quantity },
                discounts: line.discounts.iter().map(|discount| self.terms.discount(discount)).collect(),
                inclusive_tax: line.inclusive_tax.unwrap_or_else(|| self.terms.tax(&line.item)),
            },
            until: line.period_end,
            is_metered,
            is_trial: is_trial && !line.is_proration,
            is_regular: false,
        }
    }

    fn discounts(&self, invoice: &BilledInvoice, at: Instant) -> Vec<Discount> {
        let running = invoice.discounts.iter().filter(|billed| billed.since.is_none_or(|since| since <= at));
        running.map(|billed| self.terms.discount(&billed.discount)).collect()
    }
}

/// The snapshots that invoices tell, in order, and where they may differ from what happened.
pub(super) fn snapshots(past: &Past<'_, '_>, gaps: &mut Vec<Gap>) -> Vec<Snapshot> {
    gaps.extend(unread(past));
    let Some((known_from, is_new, first)) = past.known_from() else { return Vec::new() };
    let mut told = Telling { past, known_from, maker: first, held: BTreeMap::new(), discounts: Vec::new() };
    let mut snapshots: Vec<Snapshot> = Vec::new();
    for (at, turn) in past.turns(known_from) {
        if past.until.is_some_and(|until| at >= until) {
            break;
        }
        told.turn(at, &turn, gaps);
        let state = told.state(at);
        if at < known_from || snapshots.last().is_some_and(|last| last.state == state) {
            continue;
        }
        let is_beginning = snapshots.is_empty() && is_new;
        snapshots.push(Snapshot {
            subscription: told.maker.subscription.clone(),
            customer: told.maker.customer.clone(),
            at,
            origin: if is_beginning { Origin::Created } else { Origin::Seen },
            state,
            previous: None,
            motion: MotionSigns::default(),
            metadata: BTreeMap::new(),
            listed: None,
            evidence: told.maker.evidence.clone(),
        });
    }
    gaps.retain(|(at, ..)| past.until.is_none_or(|until| *at < until));
    gaps.sort();
    gaps.dedup();
    snapshots
}

/// What is held while the invoices are told, one instant after the other.
struct Telling<'t, 'p, 'q> {
    past: &'q Past<'t, 'p>,
    known_from: Instant,
    /// The invoice that made it what it is.
    maker: &'t BilledInvoice,
    held: BTreeMap<ItemId, Held>,
    discounts: Vec<Discount>,
}

impl<'t> Telling<'t, '_, '_> {
    fn turn(&mut self, at: Instant, turn: &Turn<'t>, gaps: &mut Vec<Gap>) {
        let mut given_back = BTreeSet::new();
        let mut renewed = BTreeSet::new();
        for mark in &turn.marks {
            if at > self.known_from && mark.was.as_ref().is_some_and(|was| !self.is_held(was)) {
                gaps.push((at, HistoryGap::Unbilled, Arc::clone(&mark.invoice.evidence.event)));
            }
            match &mark.held {
                None => {
                    given_back.insert(&mark.item);
                    self.held.remove(&mark.item);
                    self.maker = mark.invoice;
                }
                Some(held) => {
                    renewed.insert(&mark.item);
                    if at > self.known_from && !given_back.contains(&mark.item) && self.is_sudden(held) {
                        gaps.push((at, HistoryGap::Unbilled, Arc::clone(&mark.invoice.evidence.event)));
                    }
                    self.hold(held, mark.invoice);
                }
            }
        }
        for invoice in &turn.renewals {
            let is_left_out =
                |held: &Held| !held.is_metered && held.until <= at && !renewed.contains(&held.item.id);
            let before = self.held.len();
            self.held.retain(|_, held| !is_left_out(held));
            if self.held.len() != before {
                self.maker = invoice;
                if at > self.known_from {
                    gaps.push((at, HistoryGap::Unbilled, Arc::clone(&invoice.evidence.event)));
                }
            }
            let discounts = self.past.discounts(invoice, at);
            if discounts != self.discounts {
                (self.discounts, self.maker) = (discounts, invoice);
            }
        }
        for (invoice, discount) in &turn.given {
            let is_it =
                |known: &Discount| known == discount || (known.id.is_some() && known.id == discount.id);
            if !self.discounts.iter().any(is_it) {
                self.discounts.push(discount.clone());
                self.maker = invoice;
            }
        }
    }

    /// Whether a whole period bills what was not held before it, though no line tells of the change.
    fn is_sudden(&self, held: &Held) -> bool {
        held.is_regular && !held.is_metered && !self.is_held(&held.item)
    }

    /// Whether an item is held at its price and quantity.
    fn is_held(&self, item: &Item) -> bool {
        let is_same =
            |held: &Held| held.item.price.id == item.price.id && held.item.quantity == item.quantity;
        self.held.get(&item.id).is_some_and(is_same)
    }

    fn hold(&mut self, held: &Held, invoice: &'t BilledInvoice) {
        let was = self.held.get(&held.item.id);
        if was.is_none_or(|was| was.item != held.item || was.is_trial != held.is_trial) {
            self.maker = invoice;
        }
        // A meter that was read for a period that began earlier tells nothing of what was held since.
        self.held.insert(held.item.id.clone(), held.clone());
    }

    fn state(&self, at: Instant) -> State {
        let licensed = || self.held.values().filter(|held| !held.is_metered);
        let is_trial = licensed().next().is_some() && licensed().all(|held| held.is_trial && held.until > at);
        State {
            status: if is_trial { Status::Trialing } else { Status::Active },
            collection_paused: false,
            items: self.held.values().map(|held| held.item.clone()).collect(),
            items_truncated: false,
            discounts: self.discounts.clone(),
            trial_end: licensed().filter(|held| held.is_trial).map(|held| held.until).max(),
            ends_at: None,
            canceled_at: None,
            ended_at: None,
            end_reason: None,
        }
    }
}

/// Invoices that say nothing, or not all.
fn unread(past: &Past<'_, '_>) -> Vec<Gap> {
    let starts = |invoice: &BilledInvoice| -> BTreeSet<(ItemId, Instant)> {
        let regular = invoice.lines.iter().filter(|line| !line.is_proration);
        regular.map(|line| (line.item.clone(), line.period_start)).collect()
    };
    let billed: BTreeSet<(ItemId, Instant)> = past.billed().flat_map(starts).collect();
    let newest = past.invoices.iter().map(|invoice| invoice.at).max();
    let mut gaps = Vec::new();
    for invoice in &past.invoices {
        let own = starts(invoice);
        let Some(at) = own.iter().map(|(_, start)| *start).max() else { continue };
        let gap = match invoice.status {
            InvoiceStatus::Billed if !invoice.is_whole => HistoryGap::LinesLeftOut,
            InvoiceStatus::Billed => continue,
            // The newest one is about to be sent.
            InvoiceStatus::Draft if Some(invoice.at) == newest => continue,
            InvoiceStatus::Draft | InvoiceStatus::Withdrawn if own.is_subset(&billed) => continue,
            InvoiceStatus::Draft | InvoiceStatus::Withdrawn => HistoryGap::Voided,
        };
        gaps.push((at, gap, Arc::clone(&invoice.evidence.event)));
    }
    gaps
}

type Key = (ItemId, Instant, bool);

/// An invoice's lines by item, start and whether they are prorations, each group in the invoice's order.
fn grouped(invoice: &BilledInvoice) -> BTreeMap<Key, Vec<&BilledLine>> {
    let mut groups: BTreeMap<Key, Vec<&BilledLine>> = BTreeMap::new();
    for line in &invoice.lines {
        groups.entry((line.item.clone(), line.period_start, line.is_proration)).or_default().push(line);
    }
    groups
}

/// Whether a quantity of a price surely costs something, so that a line that asks nothing is a trial's.
fn is_dear(price: &Price, quantity: u64) -> bool {
    match &price.scheme {
        Scheme::PerUnit { unit, transform } => {
            unit.0 > 0 && quantity > 0 && transform.is_none_or(|packs| packs.round_up)
        }
        _ => false,
    }
}

fn place(invoice: &BilledInvoice) -> (Instant, &Arc<str>) {
    (invoice.at, &invoice.evidence.event)
}
