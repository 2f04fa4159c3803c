//! A made-up book: subscriptions told as snapshots, derived by the real core.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{NaiveDate, NaiveDateTime};

use crate::mrr::{
    Cadence, Catalogue, Currency, CustomerId, Evidence, Fact, Grade, Instant, Item, Month, MotionSigns, Mrr,
    Origin, Policy, Price, PriceAmount, Rules, Scheme, Snapshot, State, Status, SubscriptionId, Timeline,
    UsageType, derive,
};
use crate::report::{CustomerHistory, Fraction, History, Rate, Settings};

/// 2026-10-07 or 2026-10-07 09:00, UTC.
pub(super) fn at(text: &str) -> Instant {
    let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap_or_else(|_| {
        NaiveDate::parse_from_str(text, "%Y-%m-%d").unwrap().and_hms_opt(12, 0, 0).unwrap()
    });
    Instant(time.and_utc().timestamp())
}

pub(super) fn month(text: &str) -> Month {
    Month::parse(text).unwrap()
}

/// Dollars in millionths of a cent.
pub(super) fn dollars(amount: i64) -> i128 {
    i128::from(amount) * 100 * crate::mrr::MICRO
}

/// The exact value of a ratio that has one.
pub(super) fn value(rate: &Rate) -> String {
    rate.known().map_or_else(|| format!("{rate:?}"), Fraction::to_decimal)
}

/// An item: id, product, dollars a unit, quantity. The price is named by product and amount.
pub(super) fn item(id: &str, product: &str, unit: i64, quantity: u64) -> Item {
    priced(id, product, "usd", unit * 100, quantity, Cadence::MONTHLY)
}

/// An item at an amount of minor units.
pub(super) fn priced(
    id: &str,
    product: &str,
    currency: &str,
    minor: i64,
    quantity: u64,
    cadence: Cadence,
) -> Item {
    let price = Price {
        id: format!("price_{product}_{minor}").as_str().into(),
        product: product.into(),
        currency: currency.into(),
        cadence,
        usage_type: UsageType::Licensed,
        scheme: Scheme::PerUnit { unit: PriceAmount::minor_units(minor), transform: None },
        is_seat: true,
        succeeds: None,
    };
    Item { id: id.into(), price: Arc::new(price), quantity, discounts: Vec::new(), inclusive_tax: 0 }
}

pub(super) fn state(items: Vec<Item>) -> State {
    State {
        status: Status::Active,
        collection_paused: false,
        items,
        items_truncated: false,
        discounts: Vec::new(),
        trial_end: None,
        ends_at: None,
        canceled_at: None,
        ended_at: None,
        end_reason: None,
    }
}

/// One customer's facts, told subscription by subscription.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) customer: CustomerId,
    facts: Vec<Fact>,
    states: BTreeMap<String, State>,
    pub(super) country: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
    motion: MotionSigns,
}

impl Told {
    pub(super) fn of(customer: &str) -> Self {
        Self {
            customer: customer.into(),
            facts: Vec::new(),
            states: BTreeMap::new(),
            country: None,
            metadata: BTreeMap::new(),
            motion: MotionSigns::default(),
        }
    }

    pub(super) fn with(mut self, key: &str, value: &str) -> Self {
        self.metadata.insert(key.to_owned(), value.to_owned());
        self
    }

    pub(super) fn starts(self, subscription: &str, when: &str, items: Vec<Item>) -> Self {
        self.tell(subscription, at(when), Origin::Created, state(items), None)
    }

    pub(super) fn becomes(self, subscription: &str, when: &str, items: Vec<Item>) -> Self {
        let previous = self.states[subscription].clone();
        let next = State { items, ..previous.clone() };
        self.tell(subscription, at(when), Origin::Updated, next, Some(previous))
    }

    /// First heard of by a change.
    pub(super) fn was(self, subscription: &str, when: &str, before: Vec<Item>, after: Vec<Item>) -> Self {
        self.tell(subscription, at(when), Origin::Updated, state(after), Some(state(before)))
    }

    pub(super) fn pauses(self, subscription: &str, when: &str) -> Self {
        let previous = self.states[subscription].clone();
        let next = State { collection_paused: true, ..previous.clone() };
        self.tell(subscription, at(when), Origin::Updated, next, Some(previous))
    }

    pub(super) fn falls_due(self, subscription: &str, when: &str) -> Self {
        let previous = self.states[subscription].clone();
        let next = State { status: Status::PastDue, ..previous.clone() };
        self.tell(subscription, at(when), Origin::Updated, next, Some(previous))
    }

    pub(super) fn will_end(self, subscription: &str, when: &str, end: &str) -> Self {
        let previous = self.states[subscription].clone();
        let next = State { ends_at: Some(at(end)), canceled_at: Some(at(when)), ..previous.clone() };
        self.tell(subscription, at(when), Origin::Updated, next, Some(previous))
    }

    pub(super) fn ends(self, subscription: &str, when: &str) -> Self {
        let last = self.states[subscription].clone();
        let next = State { status: Status::Canceled, ended_at: Some(at(when)), ..last };
        self.tell(subscription, at(when), Origin::Deleted, next, None)
    }

    pub(super) fn tell(
        mut self,
        subscription: &str,
        when: Instant,
        origin: Origin,
        state: State,
        previous: Option<State>,
    ) -> Self {
        let event = format!("evt_{}_{subscription}_{}", self.customer, self.facts.len());
        self.states.insert(subscription.to_owned(), state.clone());
        self.facts.push(Fact::Subscription(Snapshot {
            subscription: subscription.into(),
            customer: self.customer.clone(),
            at: when,
            origin,
            state,
            previous,
            motion: self.motion,
            metadata: BTreeMap::new(),
            listed: None,
            evidence: Evidence {
                grade: Grade::Event,
                event: event.as_str().into(),
                sha256: "00".repeat(32).as_str().into(),
            },
        }));
        self
    }

    pub(super) fn holds(&self, subscription: &str) -> Option<&State> {
        self.states.get(subscription).filter(|state| state.status == Status::Active)
    }

    /// What the core makes of it.
    pub(super) fn history(&self, as_of: Instant) -> CustomerHistory {
        let timeline = Timeline { facts: self.facts.clone(), start: None };
        let (catalogue, policy) = (Catalogue::default(), Policy::default());
        let derivation = derive(&timeline, Rules { catalogue: &catalogue, policy: &policy, as_of });
        CustomerHistory {
            levels: derivation.levels,
            movements: derivation.movements,
            scheduled: derivation.scheduled,
            country: self.country.clone(),
            metadata: self.metadata.clone(),
            statuses: self
                .states
                .iter()
                .map(|(id, state)| (SubscriptionId::from(id.as_str()), state.status))
                .collect(),
            ..CustomerHistory::of(self.customer.clone())
        }
    }
}

pub(super) fn history(told: &[Told], as_of: Instant) -> History {
    History { customers: told.iter().map(|told| told.history(as_of)).collect(), noticed: Vec::new() }
}

pub(super) fn settings() -> Settings {
    Settings { data_through: Some(at("2026-11-05")), ..Settings::of("acct_example/live") }
}

/// The worked October of section 6 of the rules, customers A to H.
pub(super) fn october() -> Vec<Told> {
    let gone = |customer: &str| Told::of(customer);
    vec![
        gone("cus_a").starts("sub_a", "2026-09-03", vec![item("si_a", "team", 10, 10)]).becomes(
            "sub_a",
            "2026-10-07",
            vec![item("si_a", "team", 10, 12)],
        ),
        gone("cus_b").starts("sub_b", "2026-10-03", vec![item("si_b", "team", 50, 1)]).becomes(
            "sub_b",
            "2026-10-12",
            vec![item("si_b", "team", 80, 1)],
        ),
        gone("cus_c")
            .starts("sub_c", "2026-08-20", vec![item("si_c", "team", 200, 1)])
            .ends("sub_c", "2026-10-15"),
        gone("cus_d").was(
            "sub_d",
            "2026-10-09",
            vec![item("si_d", "basic", 90, 1)],
            vec![item("si_d", "team", 120, 1)],
        ),
        gone("cus_e")
            .starts("sub_e", "2026-07-01", vec![item("si_e", "team", 100, 1)])
            .pauses("sub_e", "2026-10-18")
            .ends("sub_e", "2026-11-10"),
        gone("cus_f")
            .starts("sub_f", "2026-06-11", vec![item("si_f", "team", 100, 1)])
            .ends("sub_f", "2026-10-30")
            .starts("sub_f2", "2026-11-01", vec![item("si_f2", "team", 120, 1)]),
        gone("cus_g")
            .starts(
                "sub_g",
                "2026-09-09",
                vec![item("si_g", "team", 100, 1), item("si_g_seats", "seats", 10, 20)],
            )
            .becomes(
                "sub_g",
                "2026-10-05",
                vec![item("si_g", "team", 190, 1), item("si_g_seats", "seats", 10, 20)],
            )
            .becomes(
                "sub_g",
                "2026-10-20",
                vec![item("si_g", "team", 190, 1), item("si_g_seats", "seats", 10, 17)],
            ),
        gone("cus_h")
            .starts("sub_h", "2026-08-02", vec![item("si_h", "team", 60, 1)])
            .ends("sub_h", "2026-10-05")
            .starts("sub_h2", "2026-10-20", vec![item("si_h2", "team", 60, 1)]),
    ]
}

/// The first of a report's blocks of one currency.
pub(super) fn block<'r>(
    report: &'r crate::report::Report,
    currency: &str,
) -> &'r crate::report::CurrencyBlock {
    report.currencies.iter().find(|block| block.currency == Currency::from(currency)).unwrap()
}

pub(super) fn mrr(amount: i64) -> Mrr {
    Mrr(dollars(amount))
}
