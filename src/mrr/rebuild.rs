//! History where events are gone: what lists and invoices tell of a subscription, weighed against its events
//! and made into snapshots before anything is derived. The best evidence wins: from the first event on the
//! events rule, and what lists show fills the past before it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::invoiced::{Gap, Past, snapshots};
use super::item_changes;
use super::{
    BilledInvoice, Currency, Discount, DiscountId, Fact, Finding, Grade, HistoryGap, Instant, Item,
    ItemChange, ItemId, Known, Matter, Origin, Price, PriceId, Scheme, Snapshot, State, Status,
    SubscriptionId, Timeline, UsageType,
};

/// A timeline with its past rebuilt, and where that may differ from what happened.
pub(super) struct Rebuilt<'t> {
    /// The timeline; as it came where nothing but events tells it.
    pub(super) timeline: Cow<'t, Timeline>,
    /// What could not be proved.
    pub(super) findings: Vec<Finding>,
}

/// Makes snapshots of what invoices tell, and leaves out what better evidence knows.
pub(super) fn rebuilt<'t>(timeline: &'t Timeline, known: &Known<'_>, as_of: Instant) -> Rebuilt<'t> {
    let is_of_lists = |fact: &Fact| match fact {
        Fact::Billed(_) | Fact::Change(_) => true,
        Fact::Subscription(snapshot) => !snapshot.evidence.grade.is_event(),
        _ => false,
    };
    if !timeline.facts.iter().any(is_of_lists) {
        return Rebuilt { timeline: Cow::Borrowed(timeline), findings: Vec::new() };
    }
    let listed = |fact: &Fact| matches!(fact, Fact::Subscription(_)) && is_of_lists(fact);
    let mut facts: Vec<Fact> = timeline.facts.iter().filter(|fact| !listed(fact)).cloned().collect();
    let terms = Terms::of(timeline, known);
    let mut findings = Vec::new();
    for (id, heard) in heard(timeline) {
        let kept = heard.weighed(id, &terms, as_of, &mut findings);
        facts.extend(kept.into_iter().map(Fact::Subscription));
    }
    // Whose history lists tell is derived from the start, always (`Fact::reaches_back_to`).
    let timeline = Timeline { facts, start: None };
    Rebuilt { timeline: Cow::Owned(timeline), findings }
}

/// All that was heard of one subscription, by its kind of evidence.
#[derive(Default)]
struct Heard<'t> {
    events: Vec<&'t Snapshot>,
    shown: Vec<&'t Snapshot>,
    billed: Vec<&'t BilledInvoice>,
    changes: Vec<&'t ItemChange>,
}

/// What was heard of each subscription of which not events alone tell.
fn heard(timeline: &Timeline) -> BTreeMap<&SubscriptionId, Heard<'_>> {
    let mut heard: BTreeMap<&SubscriptionId, Heard<'_>> = BTreeMap::new();
    for fact in &timeline.facts {
        match fact {
            Fact::Subscription(fact) => {
                let of = heard.entry(&fact.subscription).or_default();
                let kind = if fact.evidence.grade.is_event() { &mut of.events } else { &mut of.shown };
                kind.push(fact);
            }
            Fact::Billed(fact) => heard.entry(&fact.subscription).or_default().billed.push(fact),
            Fact::Change(fact) => heard.entry(&fact.subscription).or_default().changes.push(fact),
            _ => {}
        }
    }
    heard.retain(|_, of| !of.shown.is_empty() || !of.billed.is_empty() || !of.changes.is_empty());
    for of in heard.values_mut() {
        let place = |snapshot: &&Snapshot| (snapshot.at, Arc::clone(&snapshot.evidence.event));
        of.events.sort_by_key(place);
        of.shown.sort_by_key(place);
    }
    heard
}

impl<'t> Heard<'t> {
    /// The snapshots that count beside its events.
    fn weighed(
        &self,
        id: &SubscriptionId,
        terms: &Terms<'_>,
        as_of: Instant,
        findings: &mut Vec<Finding>,
    ) -> Vec<Snapshot> {
        let end = self.end();
        let first_event = self.events.first().map(|event| event.at);
        let ended_at =
            end.map(ended_at).or(self.events.iter().find(|event| event.is_end()).map(|e| ended_at(e)));
        let until = first_event.into_iter().chain(ended_at).min();
        let is_before = |at: Instant| until.is_none_or(|until| at < until);
        let mut changed = item_changes::snapshots(&self.changes, terms);
        let ruled = changed.first().zip(changed.last()).map(|(first, last)| first.at..=last.at);
        let is_open = |at: Instant| is_before(at) && !ruled.as_ref().is_some_and(|ruled| ruled.contains(&at));
        changed.retain(|snapshot| is_before(snapshot.at));
        self.weigh_end(&mut changed, end);
        let mut gaps = Vec::new();
        let mut kept = match self.never_paid() {
            true => Vec::new(),
            false => snapshots(&self.past(until, terms), &mut gaps),
        };
        kept.retain(|snapshot| is_open(snapshot.at));
        let last = kept.last().filter(|_| ruled.is_none()).cloned();
        if let Some(first) = changed.first_mut()
            && kept.iter().any(|other| other.at < first.at)
        {
            first.origin = Origin::Seen;
        }
        kept.append(&mut changed);
        let shown = self.shown.iter().filter(|shown| !shown.is_end() && is_open(shown.at));
        kept.extend(shown.copied().chain(end).map(|shown| terms.with_products(shown)));
        if let Some(last) = &last {
            gaps.extend(self.unbilled_after(last, end));
            gaps.extend(self.end_not_told(last, as_of));
        }
        findings.extend(gaps.into_iter().map(|(at, gap, event)| Finding {
            at,
            subscription: id.clone(),
            matter: Matter::History { gap },
            event,
        }));
        kept
    }

    /// An end that only a list shows. It is the end whatever the list's age; an event after it would show that
    /// it was none.
    fn end(&self) -> Option<&'t Snapshot> {
        if self.events.iter().any(|event| event.is_end()) {
            return None;
        }
        let last = self.events.last().map(|event| event.at);
        let ends = self.shown.iter().copied().filter(|shown| shown.is_end());
        ends.filter(|shown| last.is_none_or(|last| last <= ended_at(shown)))
            .min_by_key(|shown| ended_at(shown))
    }

    /// An end that item changes tell is none where something later does not agree: Stripe's account may count a
    /// churn when it is asked for. Where nothing is held, and it was not the end, that stands.
    fn weigh_end(&self, changed: &mut Vec<Snapshot>, end: Option<&Snapshot>) {
        let Some(last) = changed.last_mut().filter(|last| last.is_end()) else { return };
        let later = self.shown.iter().copied().filter(|shown| !shown.is_end() && shown.at > last.at);
        let later = self.events.first().copied().into_iter().chain(later).min_by_key(|word| word.at);
        let before = later.map(|word| word.previous.as_ref().unwrap_or(&word.state));
        let counts = |state: &State| {
            matches!(state.status, Status::Active | Status::PastDue | Status::Trialing)
                && !state.collection_paused
        };
        if end.is_some() || later.is_some_and(Snapshot::is_end) || before.is_some_and(counts) {
            changed.pop();
        } else if later.is_some() {
            last.origin = Origin::Seen;
            (last.state.status, last.state.ended_at) = (Status::Active, None);
            last.state.items.clear();
        }
    }

    /// Whether the list shows that its first payment was not made.
    fn never_paid(&self) -> bool {
        let is_unpaid =
            |shown: &&Snapshot| matches!(shown.state.status, Status::Incomplete | Status::IncompleteExpired);
        self.shown.last().is_some_and(is_unpaid)
    }

    fn past<'p>(&self, until: Option<Instant>, terms: &'p Terms<'p>) -> Past<'t, 'p> {
        let began = self.shown.iter().filter_map(|shown| shown.listed?.began_at);
        Past::of(&self.billed, began.min(), until, terms)
    }

    /// A change that no invoice tells of, found by the first word after the last invoice.
    fn unbilled_after(&self, last: &Snapshot, end: Option<&Snapshot>) -> Option<Gap> {
        let listed = self.shown.iter().copied().filter(|shown| !shown.is_end()).chain(end);
        let mut words: Vec<(Instant, &State, &Snapshot)> = listed
            .map(|shown| (if shown.is_end() { ended_at(shown) } else { shown.at }, &shown.state, shown))
            .chain(
                self.events
                    .first()
                    .filter(|event| event.origin != Origin::Created)
                    .map(|event| (event.at, event.previous.as_ref().unwrap_or(&event.state), *event)),
            )
            .filter(|(at, ..)| *at >= last.at)
            .collect();
        words.sort_by(|a, b| (a.0, &a.2.evidence.event).cmp(&(b.0, &b.2.evidence.event)));
        let (at, state, told) = words.first()?;
        let is_other = licensed(state) != licensed(&last.state) && !state.items_truncated;
        is_other.then(|| (*at, HistoryGap::Unbilled, Arc::clone(&told.evidence.event)))
    }

    fn end_not_told(&self, last: &Snapshot, as_of: Instant) -> Option<Gap> {
        let is_told = !self.events.is_empty() || !self.shown.is_empty() || !self.changes.is_empty();
        let billed = self.billed.iter().flat_map(|invoice| &invoice.lines);
        let until = billed.map(|line| line.period_end).max().filter(|until| *until <= as_of && !is_told)?;
        Some((until, HistoryGap::EndNotTold, Arc::clone(&last.evidence.event)))
    }
}

/// When a subscription that is over ended.
fn ended_at(snapshot: &Snapshot) -> Instant {
    snapshot.state.ended_at.unwrap_or(snapshot.at)
}

/// What is held of licensed prices. Items are not compared: exports do not name them.
fn licensed(state: &State) -> Vec<(&PriceId, u64)> {
    let items = state.items.iter().filter(|item| item.price.usage_type == UsageType::Licensed);
    let mut held: Vec<_> = items.map(|item| (&item.price.id, item.quantity)).collect();
    held.sort();
    held
}

/// What a customer's facts tell of prices, discounts and taxes that an invoice names by an id alone.
pub(super) struct Terms<'k> {
    known: &'k Known<'k>,
    prices: BTreeMap<(PriceId, Currency), (Rank, Arc<Price>)>,
    discounts: BTreeMap<DiscountId, (Rank, Discount)>,
    taxes: BTreeMap<ItemId, (Rank, u32)>,
}

/// Of several tellings the one that says most, then the first, is taken.
type Rank = (bool, Instant, Arc<str>);

impl<'k> Terms<'k> {
    fn of(timeline: &Timeline, known: &'k Known<'k>) -> Self {
        let (prices, discounts, taxes) = Default::default();
        let mut terms = Self { known, prices, discounts, taxes };
        for fact in &timeline.facts {
            match fact {
                Fact::Subscription(fact) => {
                    let rank = (false, fact.at, Arc::clone(&fact.evidence.event));
                    for state in fact.previous.iter().chain([&fact.state]) {
                        state.items.iter().for_each(|item| terms.hear_item(item, &rank));
                        state.discounts.iter().for_each(|discount| terms.hear_discount(discount, &rank));
                    }
                }
                Fact::Billed(fact) => {
                    let rank = (false, fact.at, Arc::clone(&fact.evidence.event));
                    for line in &fact.lines {
                        terms.hear_price(&line.price, &rank);
                        line.discounts.iter().for_each(|discount| terms.hear_discount(discount, &rank));
                    }
                    fact.discounts.iter().for_each(|billed| terms.hear_discount(&billed.discount, &rank));
                }
                _ => {}
            }
        }
        terms
    }

    fn hear_item(&mut self, item: &Item, rank: &Rank) {
        self.hear_price(&item.price, rank);
        item.discounts.iter().for_each(|discount| self.hear_discount(discount, rank));
        put(&mut self.taxes, item.id.clone(), rank.clone(), &item.inclusive_tax);
    }

    fn hear_price(&mut self, price: &Arc<Price>, rank: &Rank) {
        if price.scheme != Scheme::PriceNotSent {
            let is_part = !matches!(price.scheme, Scheme::PerUnit { .. } | Scheme::Tiered { .. });
            let key = (price.id.clone(), price.currency.clone());
            put(&mut self.prices, key, (is_part, rank.1, Arc::clone(&rank.2)), price);
        }
    }

    fn hear_discount(&mut self, discount: &Discount, rank: &Rank) {
        if let Some(id) = &discount.id {
            let rank = (discount.coupon.is_none(), rank.1, Arc::clone(&rank.2));
            put(&mut self.discounts, id.clone(), rank, discount);
        }
    }

    /// A price as an item holds it: with its terms where another payload carries them; else the catalogue's
    /// to complete.
    pub(super) fn price(&self, price: &Arc<Price>) -> Arc<Price> {
        let told = || self.prices.get(&(price.id.clone(), price.currency.clone()));
        let told = Some(price).filter(|price| price.scheme == Scheme::PriceNotSent).and_then(|_| told());
        told.map_or_else(|| Arc::clone(price), |(_, price)| Arc::clone(price))
    }

    /// A snapshot with the products of its prices: a row of an export may name none, and is read as if the price
    /// were its own.
    fn with_products(&self, shown: &Snapshot) -> Snapshot {
        let mut shown = shown.clone();
        for item in &mut shown.state.items {
            let price = &item.price;
            let is_own = shown.evidence.grade == Grade::Csv && price.product.as_str() == price.id.as_str();
            let told = self.prices.get(&(price.id.clone(), price.currency.clone()));
            let told = told.map(|(_, told)| &told.product).filter(|told| **told != price.product);
            let learnt = || self.known.price_terms(&price.id, shown.at).map(|terms| &terms.price.product);
            if let Some(product) = told.or_else(learnt).filter(|_| is_own) {
                item.price = Arc::new(Price { product: product.clone(), ..price.as_ref().clone() });
            }
        }
        shown
    }

    /// What is known of a price by whatever way; `None` where its id is all.
    pub(super) fn whole(&self, price: &Arc<Price>, at: Instant) -> Option<Arc<Price>> {
        let whole = self.known.price(&self.price(price), at);
        (whole.scheme != Scheme::PriceNotSent).then_some(whole)
    }

    /// A discount with the terms behind its id.
    pub(super) fn discount(&self, discount: &Discount) -> Discount {
        let id = discount.id.as_ref().filter(|_| discount.coupon.is_none());
        id.and_then(|id| self.discounts.get(id)).map_or(discount, |(_, told)| told).clone()
    }

    /// Whether the customer itself ever has a discount.
    pub(super) fn has_customer_discount(&self) -> bool {
        !self.known.customer.spells().is_empty()
    }

    /// The tax that an item's amounts include, as its subscription shows it.
    pub(super) fn tax(&self, item: &ItemId) -> u32 {
        self.taxes.get(item).map_or(0, |(_, tax)| *tax)
    }
}

fn put<K: Ord, V: Clone>(into: &mut BTreeMap<K, (Rank, V)>, key: K, rank: Rank, value: &V) {
    let entry = into.entry(key).or_insert_with(|| (rank.clone(), value.clone()));
    if rank < entry.0 {
        *entry = (rank, value.clone());
    }
}
