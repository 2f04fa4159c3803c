//! What is learnt about prices, products, coupons and items beyond the payloads of subscriptions (R4,
//! R21): facts of a whole book, each with its instant, so that what changed stays known as it was.

use std::collections::BTreeMap;

use super::movement::words;
use super::{
    Coupon, CouponId, Currency, Evidence, Instant, Item, Price, PriceId, ProductId, Scheme, SubscriptionId,
};

words! {
    /// What a product is among those that a customer holds (R21).
    Role {
        /// What others are added to.
        Base = "base",
        /// Held beside another product, never in its place.
        AddOn = "add_on",
    }
}

/// What the metadata of a price or a product says about its place among others (R21); `None` where
/// it says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Marks {
    /// The ladder it is a step of (`upswell_ladder`).
    pub ladder: Option<String>,
    /// Which step, low to high (`upswell_rank`).
    pub rank: Option<i64>,
    /// Base or add-on (`upswell_role`).
    pub role: Option<Role>,
    /// False where its units are packs or blocks (`upswell_seat=false`, R16).
    pub is_seat: Option<bool>,
    /// The price that it follows (`upswell_succeeds`); of prices only.
    pub succeeds: Option<PriceId>,
}

/// A price with what no event of a subscription carries of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PriceTerms {
    /// The price in its own currency.
    pub price: Price,
    /// What it asks in other currencies (`currency_options`); empty where the payload leaves them out.
    pub options: BTreeMap<Currency, Scheme>,
    /// What its metadata says.
    pub marks: Marks,
}

/// An item of a list of a subscription's items.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ListedItem {
    /// The item.
    pub item: Item,
    /// When it was added to the subscription.
    pub created: Instant,
}

/// What a fact of the catalogue tells.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Lesson {
    /// A price's terms.
    Price(PriceTerms),
    /// A product's metadata.
    Product {
        /// The product.
        product: ProductId,
        /// What its metadata says.
        marks: Marks,
    },
    /// A coupon's terms.
    Coupon(Coupon),
    /// All items of a subscription, those past the tenth as well.
    Items {
        /// The subscription.
        subscription: SubscriptionId,
        /// Its items.
        items: Vec<ListedItem>,
    },
}

/// What a fact of the catalogue is about, and what a customer's derivation may ask for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// A price.
    Price(PriceId),
    /// A product.
    Product(ProductId),
    /// A coupon.
    Coupon(CouponId),
    /// The items of a subscription.
    Items(SubscriptionId),
}

/// One thing that was learnt, and since when it holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CatalogueFact {
    /// Since when: an event's `created`; of a listed product or coupon, when it was made or last changed; of a
    /// listed price and of a list of items, which do not tell when they changed, when they were seen.
    pub at: Instant,
    /// What.
    pub lesson: Lesson,
    /// Where it is proved.
    pub evidence: Evidence,
}

impl CatalogueFact {
    /// What it is about.
    #[must_use]
    pub fn topic(&self) -> Topic {
        match &self.lesson {
            Lesson::Price(terms) => Topic::Price(terms.price.id.clone()),
            Lesson::Product { product, .. } => Topic::Product(product.clone()),
            Lesson::Coupon(coupon) => Topic::Coupon(coupon.id.clone()),
            Lesson::Items { subscription, .. } => Topic::Items(subscription.clone()),
        }
    }
}

/// All that was learnt in one book.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Learnt {
    /// The facts of each topic, in the order of their instants; of one instant listings first, so that
    /// an event has the last word; ties by the names of their evidence.
    facts: BTreeMap<Topic, Vec<CatalogueFact>>,
}

impl Learnt {
    /// Takes up a fact; what is known already changes nothing.
    pub fn add(&mut self, fact: CatalogueFact) {
        let known = self.facts.entry(fact.topic()).or_default();
        let place = known.binary_search_by(|other| place_of(other).cmp(&place_of(&fact)));
        if let Err(place) = place {
            known.insert(place, fact);
        }
    }

    /// Whether nothing was learnt at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// A part of what a topic's facts say, as of an instant, with the fact that says it: the newest so
    /// far that carries the part; if none does so early, the earliest that carries it, for what is
    /// learnt late about a thing that never changes, its tiers say, was always true.
    pub(super) fn as_of<'l, T>(
        &'l self,
        topic: &Topic,
        at: Instant,
        part: impl Fn(&'l Lesson) -> Option<T>,
    ) -> Option<(T, &'l CatalogueFact)> {
        version(self.about(topic), at, |fact| fact.at, |fact| part(&fact.lesson))
    }

    /// What is known of a topic, oldest first.
    #[must_use]
    pub fn about(&self, topic: &Topic) -> &[CatalogueFact] {
        self.facts.get(topic).map_or(&[], Vec::as_slice)
    }
}

impl FromIterator<CatalogueFact> for Learnt {
    fn from_iter<I: IntoIterator<Item = CatalogueFact>>(facts: I) -> Self {
        let mut learnt = Self::default();
        facts.into_iter().for_each(|fact| learnt.add(fact));
        learnt
    }
}

/// A listing shows what holds when it is made, an event what held at its instant: of one instant the
/// event counts more, and stands later.
fn place_of(fact: &CatalogueFact) -> (Instant, std::cmp::Reverse<super::Grade>, &str) {
    (fact.at, std::cmp::Reverse(fact.evidence.grade), &fact.evidence.event)
}

/// The version that holds at an instant, of those that carry a part: the newest so far, else the
/// earliest. `versions` are in order.
pub(super) fn version<'v, V, T>(
    versions: &'v [V],
    at: Instant,
    made_at: impl Fn(&V) -> Instant,
    part: impl Fn(&'v V) -> Option<T>,
) -> Option<(T, &'v V)> {
    let (so_far, later) = versions.split_at(versions.partition_point(|version| made_at(version) <= at));
    so_far.iter().rev().chain(later).find_map(|version| part(version).map(|part| (part, version)))
}
