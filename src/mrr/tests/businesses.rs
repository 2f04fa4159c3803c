//! Random businesses: the facts of one customer as chance has it, with the `previous_attributes`
//! that Stripe would have sent.

use proptest::prelude::*;

use super::testing::*;
use crate::mrr::{
    Catalogue, ChurnPolicy, Counting, Discount, Fact, Instant, Item, Origin, PastDuePolicy, Policy, Price,
    State, Status,
};

/// What happens next: to which of three subscriptions, how long after the last, what, and a number
/// that says which of several.
type Happening = (usize, usize, u8, usize);

/// Same second, a second, an hour, a day, exactly the transfer window, longer.
const GAPS: [i64; 8] = [0, 0, 1, 3_600, DAY, 3 * DAY, 11 * DAY, 40 * DAY];

/// A business to be derived; its facts in the order they happened.
pub(super) fn business() -> impl Strategy<Value = Story> {
    let happening = (0..3_usize, 0..GAPS.len(), 0..16_u8, 0..64_usize);
    let happenings = prop::collection::vec(happening, 1..24);
    (happenings, 0..8_usize, 0..3_usize, 1..5_000_usize).prop_map(|(happenings, policy, catalogue, ids)| {
        let mut told = Telling::new(ids);
        for happening in happenings {
            told.happen(happening);
        }
        Story { policy: self::policy(policy), catalogue: self::catalogue(catalogue), ..told.story }
    })
}

fn policy(which: usize) -> Policy {
    let base = Policy::default();
    match which {
        0 => Policy { churn: ChurnPolicy::Requested, ..base },
        1 => Policy { past_due: PastDuePolicy::LapsesAfterDays(7), ..base },
        2 => Policy { paused: Counting::Counts, ..base },
        3 => Policy { trialing: Counting::Counts, ..base },
        4 => Policy { usage_window: 3, transfer_window_seconds: 20 * DAY, ..base },
        _ => base,
    }
}

fn catalogue(which: usize) -> Catalogue {
    let ladder = ["basic", "pro", "max"].map(str::to_owned).to_vec();
    match which {
        0 => Catalogue { ladders: vec![ladder], ..Catalogue::default() },
        1 => Catalogue { add_ons: ["extra".to_owned()].into(), ..Catalogue::default() },
        _ => Catalogue::default(),
    }
}

fn some_price(which: usize) -> Price {
    match which % 9 {
        0 => price("basic_1", "basic", 10),
        1 => price("pro_1", "pro", 20),
        2 => yearly(price("pro_y", "pro", 200)),
        3 => price("max_1", "max", 33),
        4 => Price { is_seat: false, ..price("packs", "packs", 7) },
        5 => euros(price("pro_eur", "pro", 18)),
        6 => price("free", "basic", 0),
        7 => unknown_tiers(price("tiers", "max", 0)),
        _ => price("basic_2", "basic", 12),
    }
}

fn some_discounts(which: usize, now: Instant) -> Vec<Discount> {
    match which % 6 {
        0 => Vec::new(),
        1 => vec![percent("half", 50)],
        2 => vec![dollars_off("five", 5)],
        3 => vec![until(percent("third", 33), Instant(now.0 + 12 * DAY))],
        4 => vec![until(percent("all", 100), Instant(now.0 + 2 * DAY))],
        _ => vec![limited_to(percent("pros", 10), &["pro"]), dollars_off("five", 5)],
    }
}

struct Telling {
    story: Story,
    now: Instant,
    ids: usize,
    /// Of each slot: how many subscriptions it had, and the state of the one that lives.
    slots: [(usize, Option<State>); 3],
    usage_until: Instant,
}

impl Telling {
    fn new(ids: usize) -> Self {
        Self { story: Story::new(), now: day(0), ids, slots: Default::default(), usage_until: day(0) }
    }

    fn happen(&mut self, (slot, gap, what, which): Happening) {
        self.now = Instant(self.now.0 + GAPS[gap]);
        let Some(state) = self.slots[slot].1.clone() else {
            return self.begin(slot, what, which);
        };
        let sub = self.name(slot);
        match what {
            14 => self.end(slot, &sub, which),
            15 => self.bill(&sub, &state, which),
            _ => {
                let state = changed(&sub, state, what, which, self.now);
                self.tell(slot, &sub, Origin::Updated, state);
            }
        }
    }

    fn name(&self, slot: usize) -> String {
        format!("sub_{slot}_{}", self.slots[slot].0)
    }

    /// Ids that tell nothing of the order.
    fn deal_id(&mut self) {
        let id = evidence(&format!("evt_{:05}", (self.story.facts.len() * 7_919 + 13) * self.ids % 10_007));
        match self.story.facts.last_mut() {
            Some(Fact::Subscription(fact)) => fact.evidence = id,
            Some(Fact::Usage(fact)) => fact.evidence = id,
            Some(Fact::Customer(fact)) => fact.evidence = id,
            None => {}
        }
    }

    fn tell(&mut self, slot: usize, sub: &str, origin: Origin, state: State) {
        let previous = self.slots[slot].1.clone().filter(|_| origin == Origin::Updated);
        self.slots[slot].1 = Some(state.clone()).filter(|state| state.status != Status::IncompleteExpired);
        self.story = std::mem::take(&mut self.story).snapshot(sub, self.now, origin, previous, state);
        self.deal_id();
    }

    fn begin(&mut self, slot: usize, what: u8, which: usize) {
        self.slots[slot].0 += 1;
        let sub = self.name(slot);
        let state = active(&[item(&format!("{sub}.1"), &some_price(which), 1 + u64::from(what) % 3)]);
        match what {
            0 | 1 => self.tell(slot, &sub, Origin::Created, with_status(Status::Trialing, state)),
            2 => self.tell(slot, &sub, Origin::Created, with_status(Status::Incomplete, state)),
            3 => {
                let state = changed(&sub, state, 6, which, self.now);
                self.bill(&sub, &state, which);
                self.slots[slot].1 = Some(state.clone());
                self.tell(slot, &sub, Origin::Updated, changed(&sub, state, 0, which, self.now));
            }
            4 => {
                self.slots[slot].1 = Some(paused(state.clone()));
                self.tell(slot, &sub, Origin::Updated, state);
            }
            5 => self.tell(slot, &sub, Origin::Seen, state),
            6 => {
                self.slots[slot].1 = Some(state);
                self.end(slot, &sub, which);
            }
            7 if which > 60 => {
                self.story = std::mem::take(&mut self.story).customer_deleted(self.now);
                self.deal_id();
            }
            _ => self.tell(slot, &sub, Origin::Created, state),
        }
    }

    /// The end, told at once or a while after.
    fn end(&mut self, slot: usize, sub: &str, which: usize) {
        let Some(state) = self.slots[slot].1.clone() else { return };
        let late = if which.is_multiple_of(4) { 2 * DAY } else { 0 };
        let state = State { status: Status::Canceled, ended_at: Some(Instant(self.now.0 - late)), ..state };
        self.tell(slot, sub, Origin::Deleted, state);
        self.slots[slot].1 = None;
    }

    fn bill(&mut self, sub: &str, state: &State, which: usize) {
        let period = (self.usage_until, self.now);
        if period.0 >= period.1 {
            return;
        }
        self.usage_until = self.now;
        let amount = i64::try_from(which % 4).unwrap() * 15;
        let metered = state.items.iter().find(|item| item.id.as_str().ends_with(".m"));
        let lines: Vec<(&str, i64)> = metered.iter().map(|item| (item.id.as_str(), amount)).collect();
        self.story =
            std::mem::take(&mut self.story).billed(sub, period, if which < 48 { &lines } else { &[] });
        self.deal_id();
    }
}

fn changed(sub: &str, state: State, what: u8, which: usize, now: Instant) -> State {
    let first = state.items.first().cloned();
    let others = state.items.iter().skip(1).cloned();
    let with_first = |first: Item| State {
        items: std::iter::once(first).chain(others.clone()).collect(),
        ..state.clone()
    };
    let with_item = |item: Item| {
        let mut items: Vec<Item> = state.items.iter().filter(|held| held.id != item.id).cloned().collect();
        items.push(item);
        State { items, ..state.clone() }
    };
    let Some(first) = first else { return state };
    match what {
        1 if which > 31 => with_first(Item { inclusive_tax: [0, 190_000][which % 2], ..first }),
        0 | 1 => with_first(Item { quantity: 1 + u64::try_from(which % 4).unwrap(), ..first }),
        2 => with_first(Item { price: some_price(which).into(), ..first }),
        3 => with_first(Item { quantity: 3, price: some_price(which).into(), ..first }),
        4 => with_first(item(&format!("{sub}.{}", which % 3 + 3), &some_price(which), 1)),
        5 => with_item(item(&format!("{sub}.2"), &price("extra_1", "extra", 4), 1)),
        6 => with_item(item(&format!("{sub}.m"), &metered("calls", "calls"), 1)),
        7 => State { items: vec![first], items_truncated: which.is_multiple_of(5), ..state },
        8 => State { discounts: some_discounts(which, now), ..state },
        9 => paused(state),
        10 | 11 => State { collection_paused: false, status: Status::Active, ..state },
        12 => {
            let status = [Status::PastDue, Status::PastDue, Status::Unpaid, Status::Active][which % 4];
            State { status, ..state }
        }
        _ => {
            let is_asked = which.is_multiple_of(2);
            let ends_at = is_asked.then_some(Instant(now.0 + 20 * DAY));
            State { ends_at, canceled_at: ends_at.map(|_| now), ..state }
        }
    }
}
