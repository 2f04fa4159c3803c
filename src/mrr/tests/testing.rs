//! Words for tests: prices in dollars, subscriptions by short names, days for instants, and a
//! customer's movements as readable lines.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::mrr::derive_with_lag;
use crate::mrr::{
    Cadence, Catalogue, CatalogueFact, Coupon, CustomerFact, Delta, Derivation, Discount, DiscountChange,
    DiscountFact, Duration, EndReason, Evidence, Fact, Grade, Instant, Interval, InvoiceStatus, Item, Lesson,
    ListedItem, MICRO, Marks, MotionSigns, Movement, Off, Origin, Policy, Price, PriceAmount, PriceTerms,
    QuoteFact, Rules, ScheduleFact, Scheme, Snapshot, State, Status, Tier, TiersMode, Timeline, UsageInvoice,
    UsageLine, UsageType,
};

pub(crate) const DAY: i64 = 86_400;

/// Midnight of a day, counted from an arbitrary first of January.
pub(crate) fn day(day: i64) -> Instant {
    Instant(1_767_225_600 + day * DAY)
}

pub(crate) fn dollars(amount: i64) -> PriceAmount {
    PriceAmount::minor_units(amount * 100)
}

/// A monthly price of so many dollars a unit.
pub(crate) fn price(id: &str, product: &str, amount: i64) -> Price {
    Price {
        id: id.into(),
        product: product.into(),
        currency: "usd".into(),
        cadence: Cadence::MONTHLY,
        usage_type: UsageType::Licensed,
        scheme: Scheme::PerUnit { unit: dollars(amount), transform: None },
        is_seat: true,
        succeeds: None,
    }
}

/// A monthly metered price.
pub(crate) fn metered(id: &str, product: &str) -> Price {
    Price { usage_type: UsageType::Metered, ..price(id, product, 1) }
}

pub(crate) fn every(count: u32, interval: Interval) -> Cadence {
    Cadence { interval, count: count.try_into().unwrap() }
}

pub(crate) fn yearly(price: Price) -> Price {
    Price { cadence: every(1, Interval::Year), ..price }
}

pub(crate) fn euros(price: Price) -> Price {
    Price { currency: "eur".into(), ..price }
}

/// A price whose tiers no event sends.
pub(crate) fn unknown_tiers(price: Price) -> Price {
    Price { scheme: Scheme::TiersNotSent, ..price }
}

/// A tiered price; each tier is its last unit, its flat dollars and the dollars of a unit.
pub(crate) fn tiered(price: Price, mode: TiersMode, tiers: &[(Option<u64>, i64, i64)]) -> Price {
    let tier = |(up_to, flat, unit): &(Option<u64>, i64, i64)| Tier {
        up_to: *up_to,
        flat: dollars(*flat),
        unit: dollars(*unit),
    };
    Price { scheme: Scheme::Tiered { mode, tiers: tiers.iter().map(tier).collect() }, ..price }
}

pub(crate) fn item(id: &str, price: &Price, quantity: u64) -> Item {
    Item { id: id.into(), price: Arc::new(price.clone()), quantity, discounts: Vec::new(), inclusive_tax: 0 }
}

/// One of the two plans that many tests sell, of the smaller product.
pub(crate) fn basic(id: &str, quantity: u64) -> Item {
    item(id, &price("basic_1", "basic", 10), quantity)
}

/// Of the larger one.
pub(crate) fn pro(id: &str, quantity: u64) -> Item {
    item(id, &price("pro_1", "pro", 20), quantity)
}

pub(crate) fn coupon(id: &str, off: Off, duration: Duration) -> Discount {
    let coupon = Coupon { id: id.into(), off, options: BTreeMap::new(), duration, applies_to: None };
    Discount {
        id: Some(format!("di_{id}").into()),
        coupon_id: Some(id.into()),
        coupon: Some(Arc::new(coupon)),
        end: None,
    }
}

/// A discount for ever of so many hundredths.
pub(crate) fn percent(id: &str, hundredths: u32) -> Discount {
    coupon(id, Off::Percent(hundredths * 10_000), Duration::Forever)
}

/// A discount for ever of so many dollars an invoice.
pub(crate) fn dollars_off(id: &str, amount: i64) -> Discount {
    coupon(id, Off::Amount { amount: dollars(amount), currency: "usd".into() }, Duration::Forever)
}

pub(crate) fn limited_to(discount: Discount, products: &[&str]) -> Discount {
    let coupon = discount.coupon.as_deref().unwrap().clone();
    let applies_to = Some(products.iter().map(|product| (*product).into()).collect());
    Discount { coupon: Some(Arc::new(Coupon { applies_to, ..coupon })), ..discount }
}

pub(crate) fn until(discount: Discount, end: Instant) -> Discount {
    let coupon = discount.coupon.as_deref().unwrap().clone();
    let coupon = Coupon { duration: Duration::Repeating, ..coupon };
    Discount { coupon: Some(Arc::new(coupon)), end: Some(end), ..discount }
}

pub(crate) fn once(discount: Discount) -> Discount {
    let coupon = discount.coupon.as_deref().unwrap().clone();
    Discount { coupon: Some(Arc::new(Coupon { duration: Duration::Once, ..coupon })), ..discount }
}

/// An active subscription to some items.
pub(crate) fn active(items: &[Item]) -> State {
    State {
        status: Status::Active,
        collection_paused: false,
        items: items.to_vec(),
        items_truncated: false,
        discounts: Vec::new(),
        trial_end: None,
        ends_at: None,
        canceled_at: None,
        ended_at: None,
        end_reason: None,
    }
}

pub(crate) fn with_status(status: Status, state: State) -> State {
    State { status, ..state }
}

pub(crate) fn paused(state: State) -> State {
    State { collection_paused: true, ..state }
}

pub(crate) fn discounted(state: State, discounts: &[Discount]) -> State {
    State { discounts: discounts.to_vec(), ..state }
}

pub(crate) fn snapshot(
    sub: &str,
    event: &str,
    at: Instant,
    origin: Origin,
    previous: Option<State>,
    state: State,
) -> Snapshot {
    Snapshot {
        subscription: sub.into(),
        customer: "cus_1".into(),
        at,
        origin,
        state,
        previous,
        motion: MotionSigns::default(),
        metadata: BTreeMap::new(),
        listed: None,
        evidence: evidence(event),
    }
}

pub(crate) fn evidence(event: &str) -> Evidence {
    Evidence { grade: Grade::Event, event: event.into(), sha256: "".into() }
}

/// A customer's facts as they are told, one after the other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Story {
    pub(crate) facts: Vec<Fact>,
    pub(crate) policy: Policy,
    pub(crate) catalogue: Catalogue,
    pub(crate) as_of: Option<Instant>,
    pub(crate) motion: MotionSigns,
    pub(crate) states: BTreeMap<String, State>,
    pub(crate) learnt: usize,
}

impl Story {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The event ids say who and how many, and sort in the reverse of the telling, so that no test
    /// passes by the luck of ids.
    pub(crate) fn next_event(&self) -> String {
        format!("evt_{:04}", 9999 - self.facts.len())
    }

    pub(crate) fn snapshot(
        mut self,
        sub: &str,
        at: Instant,
        origin: Origin,
        previous: Option<State>,
        state: State,
    ) -> Self {
        self.states.insert(sub.to_owned(), state.clone());
        let snapshot = Snapshot {
            motion: self.motion,
            ..snapshot(sub, &self.next_event(), at, origin, previous, state)
        };
        self.facts.push(Fact::Subscription(snapshot));
        self
    }

    pub(crate) fn created(self, sub: &str, at: Instant, state: State) -> Self {
        self.snapshot(sub, at, Origin::Created, None, state)
    }

    pub(crate) fn updated(self, sub: &str, at: Instant, state: State) -> Self {
        let previous = self.states.get(sub).cloned();
        self.snapshot(sub, at, Origin::Updated, previous, state)
    }

    pub(crate) fn state(&self, sub: &str) -> State {
        self.states.get(sub).unwrap().clone()
    }

    pub(crate) fn pause(self, sub: &str, at: Instant) -> Self {
        let state = paused(self.state(sub));
        self.updated(sub, at, state)
    }

    pub(crate) fn resume(self, sub: &str, at: Instant) -> Self {
        let state = State { collection_paused: false, ..self.state(sub) };
        self.updated(sub, at, state)
    }

    pub(crate) fn status(self, sub: &str, at: Instant, status: Status) -> Self {
        let state = with_status(status, self.state(sub));
        self.updated(sub, at, state)
    }

    pub(crate) fn deleted(self, sub: &str, at: Instant) -> Self {
        self.deleted_for(sub, at, at, EndReason::Requested)
    }

    pub(crate) fn deleted_for(self, sub: &str, at: Instant, ended_at: Instant, reason: EndReason) -> Self {
        let state = State {
            status: Status::Canceled,
            ended_at: Some(ended_at),
            end_reason: Some(reason),
            ..self.state(sub)
        };
        self.snapshot(sub, at, Origin::Deleted, None, state)
    }

    pub(crate) fn customer_deleted(mut self, at: Instant) -> Self {
        let evidence = evidence(&self.next_event());
        self.facts.push(Fact::Customer(CustomerFact {
            customer: "cus_1".into(),
            at,
            is_deleted: true,
            country: None,
            metadata: BTreeMap::new(),
            discount: None,
            evidence,
        }));
        self
    }

    /// The catalogue learns something; its facts are named `evt_learnt_0` and on.
    pub(crate) fn learns(mut self, at: Instant, lesson: Lesson) -> Self {
        let evidence = evidence(&format!("evt_learnt_{}", self.learnt));
        self.learnt += 1;
        let learnt = Arc::make_mut(&mut self.catalogue.learnt);
        learnt.add(CatalogueFact { at, lesson, evidence });
        self
    }

    pub(crate) fn learns_price(self, at: Instant, price: &Price) -> Self {
        self.learns_options(at, price, &[])
    }

    /// A price with what it asks in other currencies.
    pub(crate) fn learns_options(self, at: Instant, price: &Price, options: &[(&str, i64)]) -> Self {
        let option = |(currency, amount): &(&str, i64)| {
            ((*currency).into(), Scheme::PerUnit { unit: dollars(*amount), transform: None })
        };
        let options = options.iter().map(option).collect();
        self.learns(at, Lesson::Price(PriceTerms { price: price.clone(), options, marks: Marks::default() }))
    }

    pub(crate) fn marks_price(self, at: Instant, price: &Price, marks: &Marks) -> Self {
        let (price, marks) = (price.clone(), marks.clone());
        self.learns(at, Lesson::Price(PriceTerms { price, options: BTreeMap::new(), marks }))
    }

    pub(crate) fn marks_product(self, at: Instant, product: &str, marks: &Marks) -> Self {
        self.learns(at, Lesson::Product { product: product.into(), marks: marks.clone() })
    }

    pub(crate) fn learns_items(self, sub: &str, at: Instant, items: Vec<ListedItem>) -> Self {
        self.learns(at, Lesson::Items { subscription: sub.into(), items })
    }

    pub(crate) fn learns_coupon(self, at: Instant, discount: &Discount) -> Self {
        self.learns(at, Lesson::Coupon(discount.coupon.as_deref().unwrap().clone()))
    }

    /// An event of a discount, of a subscription or, without one, of the customer.
    pub(crate) fn discount(
        mut self,
        sub: Option<&str>,
        at: Instant,
        change: DiscountChange,
        discount: &Discount,
    ) -> Self {
        let evidence = evidence(&self.next_event());
        self.facts.push(Fact::Discount(DiscountFact {
            customer: "cus_1".into(),
            subscription: sub.map(Into::into),
            discount: discount.clone(),
            change,
            at,
            evidence,
        }));
        self
    }

    /// The customer's own event, showing its discount.
    pub(crate) fn customer_shows(mut self, at: Instant, discount: Option<&Discount>) -> Self {
        let mut shown = self.clone().customer_deleted(at);
        if let Some(Fact::Customer(fact)) = shown.facts.last_mut() {
            fact.is_deleted = false;
            fact.discount = Some(discount.cloned());
        }
        self.facts = shown.facts;
        self
    }

    /// A quote for a subscription was accepted.
    pub(crate) fn quoted(mut self, sub: &str, at: Instant, accepted_at: Instant) -> Self {
        let evidence = evidence(&self.next_event());
        self.facts.push(Fact::Quote(QuoteFact {
            customer: "cus_1".into(),
            subscription: sub.into(),
            quote: "qt_1".into(),
            accepted_at,
            at,
            evidence,
        }));
        self
    }

    /// Something was said of a schedule.
    pub(crate) fn schedule(mut self, mut fact: ScheduleFact) -> Self {
        fact.evidence.event = self.next_event().into();
        self.facts.push(Fact::Schedule(fact));
        self
    }

    /// A cycle's invoice, told at the end of its period, with one metered line for each (item, dollars).
    pub(crate) fn billed(self, sub: &str, period: (Instant, Instant), lines: &[(&str, i64)]) -> Self {
        let invoice = format!("in_{}", self.facts.len());
        self.invoice(sub, &invoice, period.1, InvoiceStatus::Billed, period, lines)
    }

    pub(crate) fn invoice(
        mut self,
        sub: &str,
        invoice: &str,
        at: Instant,
        status: InvoiceStatus,
        period: (Instant, Instant),
        lines: &[(&str, i64)],
    ) -> Self {
        let line = |(item, amount): &(&str, i64)| UsageLine {
            item: (*item).into(),
            price: "price_metered".into(),
            cadence: None,
            period_start: period.0,
            period_end: period.1,
            amount: Delta(i128::from(*amount) * 100 * MICRO),
        };
        let evidence = evidence(&self.next_event());
        self.facts.push(Fact::Usage(UsageInvoice {
            customer: "cus_1".into(),
            subscription: sub.into(),
            invoice: invoice.into(),
            at,
            status,
            is_cycle: true,
            period_end: period.1,
            lines: lines.iter().map(line).collect(),
            evidence,
        }));
        self
    }

    pub(crate) fn rules(&self) -> Rules<'_> {
        let as_of = self.as_of.unwrap_or(day(3_650));
        Rules { catalogue: &self.catalogue, policy: &self.policy, as_of }
    }

    pub(crate) fn timeline(&self) -> Timeline {
        Timeline { facts: self.facts.clone(), start: None }
    }

    /// Derives the customer, and checks on the way what holds for every customer.
    pub(crate) fn derive(&self) -> Derivation {
        let derivation = derive_with_lag(&self.timeline(), self.rules(), 0);
        let twice: Vec<Fact> = self.facts.iter().rev().chain(&self.facts).cloned().collect();
        let twice = derive_with_lag(&Timeline { facts: twice, start: None }, self.rules(), 0);
        assert_eq!(derivation, twice, "the order and number of facts matter");
        assert_sound(&derivation.movements);
        derivation
    }

    /// Checks the movements, one a line: day, class, kind, cause, item and amount in dollars.
    #[track_caller]
    pub(crate) fn moves(&self, expected: &[&str]) {
        assert_eq!(told(&self.derive().movements), expected);
    }
}

/// What holds for the movements of every customer.
pub(crate) fn assert_sound(movements: &[Movement]) {
    let mut running = BTreeMap::new();
    for movement in movements {
        let level = running.entry(&movement.currency).or_default();
        assert_ne!(movement.delta, Delta::ZERO, "{movement:#?}");
        assert_eq!(movement.customer_mrr_before, *level, "{movement:#?}");
        *level += movement.delta;
        assert_eq!(movement.customer_mrr_after, *level, "{movement:#?}");
        let side = |side: &Option<crate::mrr::Side>| side.as_ref().map(|side| side.mrr).unwrap_or_default();
        assert_eq!(side(&movement.after) - side(&movement.before), movement.delta, "{movement:#?}");
    }
}

/// Movements as lines: `d3 expansion/seat quantity a.1 +40`.
pub(crate) fn told(movements: &[Movement]) -> Vec<String> {
    movements.iter().map(line).collect()
}

fn line(movement: &Movement) -> String {
    let Movement { class, kind, cause, item, currency, .. } = movement;
    let (class, kind, cause) = (class.as_str(), kind.as_str(), cause.as_str());
    let kinds = if class == kind { class.to_owned() } else { format!("{class}/{kind}") };
    let currency = if currency.as_str() == "usd" { String::new() } else { format!(" {currency}") };
    let cause = if cause == class { String::new() } else { format!(" {cause}") };
    let amount = in_dollars(movement.delta);
    format!("{} {kinds}{cause} {item} {amount}{currency}", when(movement.effective_at))
}

/// An instant as `d3`, or `d3+5` five seconds later, or `d3-1` in the last second before it.
pub(crate) fn when(at: Instant) -> String {
    let seconds = at.0 - day(0).0;
    let (day, rest) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    match rest {
        0 => format!("d{day}"),
        86_399 => format!("d{}-1", day + 1),
        rest => format!("d{day}+{rest}"),
    }
}

/// Signed dollars, in full precision.
pub(crate) fn in_dollars(delta: Delta) -> String {
    let (sign, amount) = if delta.0 < 0 { ("-", -delta.0) } else { ("+", delta.0) };
    let scale = 100 * MICRO;
    let part = format!("{:08}", amount % scale);
    let part = part.trim_end_matches('0');
    let point = if part.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{part}", amount / scale)
}
