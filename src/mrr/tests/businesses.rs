//! Random businesses: the facts of one customer as chance has it, with the `previous_attributes`
//! that Stripe would have sent.

use proptest::prelude::*;

use super::testing::*;
use crate::mrr::{
    Catalogue, ChurnPolicy, Counting, Coupon, Discount, DiscountChange, Fact, Instant, Item, ListedItem,
    Marks, Motion, Origin, PastDuePolicy, Policy, Price, Role, Scheme, State, Status, TiersMode,
};

/// What happens next: to which of three subscriptions, how long after the last, what, and a number
/// that says which of several.
type Happening = (usize, usize, u8, usize);

/// Same second, a second, an hour, a day, exactly the transfer window, longer.
const GAPS: [i64; 8] = [0, 0, 1, 3_600, DAY, 3 * DAY, 11 * DAY, 40 * DAY];

/// A business to be derived; its facts in the order they happened.
pub(super) fn business() -> impl Strategy<Value = Story> {
    let happening = (0..3_usize, 0..GAPS.len(), 0..20_u8, 0..64_usize);
    let happenings = prop::collection::vec(happening, 1..24);
    let lessons = prop::collection::vec((0..16_usize, -30..200_i64, 0..64_usize), 0..12);
    (happenings, 0..8_usize, 0..3_usize, 1..5_000_usize, lessons).prop_map(
        |(happenings, policy, catalogue, ids, lessons)| {
            let mut told = Telling::new(ids);
            for happening in happenings {
                told.happen(happening);
            }
            let facts = told.story.facts.clone();
            let catalogue = self::catalogue(catalogue);
            let story = Story { policy: self::policy(policy), catalogue, ..told.story };
            lessons.into_iter().fold(story, |story, lesson| learns(story, lesson, &facts))
        },
    )
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
    match which % 12 {
        0 => price("basic_1", "basic", 10),
        1 => price("pro_1", "pro", 20),
        2 => yearly(price("pro_y", "pro", 200)),
        3 => price("max_1", "max", 33),
        4 => Price { is_seat: false, ..price("packs", "packs", 7) },
        5 => euros(price("pro_eur", "pro", 18)),
        6 => price("free", "basic", 0),
        7 => unknown_tiers(price("tiers", "max", 0)),
        8 => Price { scheme: Scheme::PriceNotSent, ..price("calls", "calls", 0) },
        9 => Price { scheme: Scheme::PriceNotSent, ..price("whole", "whole", 0) },
        10 => Price { scheme: Scheme::OptionNotSent, ..euros(price("pro_1", "pro", 0)) },
        _ => price("basic_2", "basic", 12),
    }
}

fn some_discounts(which: usize, now: Instant) -> Vec<Discount> {
    match which % 9 {
        0 => Vec::new(),
        1 => vec![percent("half", 50)],
        2 => vec![dollars_off("five", 5)],
        3 => vec![until(percent("third", 33), Instant(now.0 + 12 * DAY))],
        4 => vec![until(percent("all", 100), Instant(now.0 + 2 * DAY))],
        5 => vec![sent_as_id("half")],
        6 => vec![sent_as_id("third"), sent_as_id("five")],
        7 => vec![Discount { coupon_id: Some("five".into()), ..sent_as_id("other") }],
        _ => vec![limited_to(percent("pros", 10), &["pro"]), dollars_off("five", 5)],
    }
}

fn sent_as_id(id: &str) -> Discount {
    Discount { id: Some(format!("di_{id}").into()), coupon: None, coupon_id: None, end: None }
}

/// A discount of the customer or behind an id, told by an event of its own.
fn some_discount(which: usize, now: Instant) -> Discount {
    match which % 6 {
        0 | 1 => percent("half", 50),
        2 => until(percent("third", 33), Instant(now.0 + 12 * DAY)),
        3 => Discount { coupon: None, ..dollars_off("five", 5) },
        4 => until(percent("all", 100), Instant(now.0 + 5 * DAY)),
        _ => limited_to(percent("pros", 10), &["pro"]),
    }
}

/// Something that the catalogue learns, whenever it is heard of.
fn learns(story: Story, (what, when, which): (usize, i64, usize), facts: &[Fact]) -> Story {
    let at = day(when);
    let amount = 5 + i64::try_from(which % 9).unwrap();
    let marks = Marks {
        ladder: Some("steps".to_owned()).filter(|_| which.is_multiple_of(2)),
        rank: Some(amount).filter(|_| which.is_multiple_of(4)),
        role: Some(Role::AddOn).filter(|_| which.is_multiple_of(5)),
        is_seat: Some(!which.is_multiple_of(3)),
        succeeds: Some("basic_1".into()).filter(|_| which.is_multiple_of(7)),
        motion: Some(Motion::Organic).filter(|_| which.is_multiple_of(6)),
        is_self_serve: which.is_multiple_of(8),
    };
    match what {
        // Tiers never change.
        0 | 1 => {
            story.learns_price(at, &tiered(price("tiers", "max", 0), TiersMode::Volume, &[(None, 3, 8)]))
        }
        2 => story.learns_price(at, &unknown_tiers(price("tiers", "max", 0))),
        3 | 4 => story.learns_price(at, &metered("calls", "calls")),
        5 => story.learns_price(at, &yearly(price("whole", "basic", 240))),
        6 | 7 => story.learns_options(at, &price("pro_1", "pro", 20), &[("eur", amount)]),
        8 => story.learns_coupon(at, &limited_to(percent("half", 50), &["pro", "max"])),
        9 | 10 => story.learns_coupon(at, &dollars_off("five", 5)),
        11 => {
            let five = dollars_off("five", 5);
            let options = [("eur".into(), dollars(amount))].into();
            let coupon = Coupon { options, ..five.coupon.as_deref().unwrap().clone() };
            story.learns_coupon(at, &Discount { coupon: Some(coupon.into()), ..five })
        }
        12 => story.marks_price(at, &price("pro_1", "pro", 20), &marks),
        13 => story.marks_product(at, ["basic", "max", "packs"][which % 3], &marks),
        _ => lists(story, at, which, facts),
    }
}

/// A list of a subscription's items as one of its snapshots has them, with one more.
fn lists(story: Story, at: Instant, which: usize, facts: &[Fact]) -> Story {
    let Some(Fact::Subscription(fact)) = facts.get(which % facts.len().max(1)) else { return story };
    let mut items = fact.state.items.clone();
    items.push(item(&format!("{}.11", fact.subscription), &price("extra_1", "extra", 4), 2));
    let added = |index: usize| Instant(fact.at.0 - DAY * i64::try_from(which % 3 * index).unwrap());
    let listed = |(index, item)| ListedItem { item, created: added(index) };
    let items = items.into_iter().enumerate().map(listed).collect();
    story.learns_items(fact.subscription.clone().as_str(), at, items)
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
        if what == 19 {
            return self.accept(slot, which);
        }
        if what > 15 {
            return self.discount(slot, what, which);
        }
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

    /// A quote for a subscription, accepted now or a while ago.
    fn accept(&mut self, slot: usize, which: usize) {
        let accepted_at = Instant(self.now.0 - [0, 30, 3_600, DAY][which % 4]);
        let sub = self.name(slot);
        self.story = std::mem::take(&mut self.story).quoted(&sub, self.now, accepted_at);
        self.deal_id();
    }

    /// A word about a discount: of the customer, or of a subscription.
    fn discount(&mut self, slot: usize, what: u8, which: usize) {
        let discount = some_discount(which, self.now);
        let story = std::mem::take(&mut self.story);
        let sub = self.name(slot);
        let changes = [DiscountChange::Created, DiscountChange::Updated, DiscountChange::Deleted];
        self.story = match what {
            16 => story.discount(None, self.now, changes[which % 3], &discount),
            17 => story.discount(Some(&sub), self.now, DiscountChange::Created, &discount),
            _ => story.customer_shows(self.now, Some(&discount).filter(|_| which.is_multiple_of(2))),
        };
        self.deal_id();
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
            Some(Fact::Discount(fact)) => fact.evidence = id,
            Some(Fact::Quote(fact)) => fact.evidence = id,
            Some(Fact::Schedule(fact)) => fact.evidence = id,
            Some(Fact::Billed(fact)) => fact.evidence = id,
            Some(Fact::Change(fact)) => fact.evidence = id,
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
