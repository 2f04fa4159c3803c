//! What a subscription's payload leaves out, completed as of an instant (R4, R6): prices and coupons
//! from the catalogue, discounts behind their ids from the customer's own facts.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::customer_discount::CustomerDiscount;
use super::learnt::version;
use super::{
    Catalogue, CatalogueFact, Coupon, CouponId, Currency, Discount, DiscountFact, DiscountId, Evidence, Fact,
    Instant, Item, Lesson, ListedItem, Off, Price, PriceId, PriceTerms, Scheme, State, SubscriptionId, Topic,
};

/// What is known about one customer's prices and discounts beside the payloads of its subscriptions,
/// to be asked as of an instant (R4).
#[derive(Debug, Clone)]
pub struct Known<'a> {
    pub(super) catalogue: &'a Catalogue,
    /// What the customer's facts say of each discount, oldest first.
    discounts: BTreeMap<&'a DiscountId, Vec<&'a DiscountFact>>,
    pub(super) customer: CustomerDiscount<'a>,
}

impl<'a> Known<'a> {
    /// What the customer's own facts, in any order, and the catalogue of its book tell.
    #[must_use]
    pub fn of(facts: &'a [Fact], catalogue: &'a Catalogue) -> Self {
        let mut discounts: BTreeMap<&'a DiscountId, Vec<&'a DiscountFact>> = BTreeMap::new();
        for fact in facts {
            if let Fact::Discount(fact) = fact
                && let Some(id) = &fact.discount.id
            {
                discounts.entry(id).or_default().push(fact);
            }
        }
        for versions in discounts.values_mut() {
            versions.sort_by(|a, b| {
                (a.at, a.change, &a.evidence.event).cmp(&(b.at, b.change, &b.evidence.event))
            });
        }
        Self { catalogue, discounts, customer: CustomerDiscount::of(facts) }
    }

    /// The price with what its payload leaves out: what the payload carries stands.
    pub(super) fn price(&self, price: &Arc<Price>, at: Instant) -> Arc<Price> {
        match price.scheme {
            Scheme::PerUnit { .. } | Scheme::Tiered { .. } => Arc::clone(price),
            Scheme::PriceNotSent => self.whole_price(price, at),
            Scheme::TiersNotSent | Scheme::AmountNotSent | Scheme::OptionNotSent => {
                self.scheme(price, at).map_or_else(
                    || Arc::clone(price),
                    |(scheme, _)| Arc::new(Price { scheme: scheme.clone(), ..price.as_ref().clone() }),
                )
            }
        }
    }

    /// A price of which only the id was sent, as far as it was learnt.
    fn whole_price(&self, price: &Arc<Price>, at: Instant) -> Arc<Price> {
        let amount = self.scheme(price, at);
        let Some(terms) = amount.map(|(_, terms)| terms).or_else(|| self.price_terms(&price.id, at)) else {
            return Arc::clone(price);
        };
        let scheme = match amount {
            Some((scheme, _)) => scheme.clone(),
            None if terms.price.currency == price.currency => terms.price.scheme.clone(),
            None => Scheme::OptionNotSent,
        };
        Arc::new(Price { currency: price.currency.clone(), scheme, ..terms.price.clone() })
    }

    /// What was learnt of a price, as of an instant.
    pub(super) fn price_terms(&self, price: &PriceId, at: Instant) -> Option<&'a PriceTerms> {
        let topic = Topic::Price(price.clone());
        self.catalogue.learnt.as_of(&topic, at, terms_in).map(|(terms, _)| terms)
    }

    /// How a price's amount follows from a quantity in the currency that is paid in.
    fn scheme(&self, price: &Price, at: Instant) -> Option<(&'a Scheme, &'a PriceTerms)> {
        self.taught_scheme(price, at).map(|(found, _)| found)
    }

    fn taught_scheme(
        &self,
        price: &Price,
        at: Instant,
    ) -> Option<((&'a Scheme, &'a PriceTerms), &'a CatalogueFact)> {
        let part = |lesson| {
            let terms = terms_in(lesson)?;
            scheme_in(terms, &price.currency).map(|scheme| (scheme, terms))
        };
        self.catalogue.learnt.as_of(&Topic::Price(price.id.clone()), at, part)
    }

    /// What taught the part of a price that its payload leaves out.
    pub(super) fn price_teacher(&self, price: &Price, at: Instant) -> Option<&'a CatalogueFact> {
        if matches!(price.scheme, Scheme::PerUnit { .. } | Scheme::Tiered { .. }) {
            return None;
        }
        let named = || {
            let topic = Topic::Price(price.id.clone());
            self.catalogue.learnt.as_of(&topic, at, terms_in).map(|(_, fact)| fact)
        };
        let named = || named().filter(|_| price.scheme == Scheme::PriceNotSent);
        self.taught_scheme(price, at).map(|(_, fact)| fact).or_else(named)
    }

    /// What told the terms behind a discount's id, and what taught those that its coupon leaves out.
    pub(super) fn discount_teachers(&self, discount: &Discount, at: Instant) -> Vec<(Instant, &'a Evidence)> {
        let told = discount.id.as_ref().filter(|_| discount.coupon.is_none());
        let told = told.and_then(|id| {
            let is_told = |fact: &&'a DiscountFact| {
                (fact.discount.coupon.is_some() || fact.discount.coupon_id.is_some()).then_some(())
            };
            version(self.discounts.get(id)?, at, |fact| fact.at, is_told)
                .map(|(_, fact)| (fact.at, &fact.evidence))
        });
        let whole = self.discount(discount, at);
        let learnt = whole.coupon.as_ref().and_then(|coupon| {
            // What the payload itself tells was not learnt.
            let sent = discount.coupon.as_ref();
            let was_left_out = |learnt: &'a Coupon| {
                let products =
                    sent.is_none_or(|sent| sent.applies_to.is_none()) && learnt.applies_to.is_some();
                let options = sent.is_none_or(|sent| sent.options.is_empty()) && !learnt.options.is_empty();
                (sent.is_none() && told.is_none() || products || options).then_some(())
            };
            let part = |lesson: &'a Lesson| match lesson {
                Lesson::Coupon(coupon) => was_left_out(coupon),
                _ => None,
            };
            let taught = self.catalogue.learnt.as_of(&Topic::Coupon(coupon.id.clone()), at, part);
            taught.map(|(_, fact)| (fact.at, &fact.evidence))
        });
        told.into_iter().chain(learnt).collect()
    }

    /// The discount with what is known of its terms.
    pub(super) fn discount(&self, discount: &Discount, at: Instant) -> Discount {
        let mut whole = discount.clone();
        if whole.coupon.is_none()
            && let Some(told) = whole.id.as_ref().and_then(|id| self.told_of(id, at))
        {
            whole.coupon.clone_from(&told.coupon);
            whole.coupon_id = whole.coupon_id.or_else(|| told.coupon_id.clone());
            whole.end = whole.end.or(told.end);
        }
        whole.coupon = match (&whole.coupon, &whole.coupon_id) {
            (Some(coupon), _) => Some(self.coupon(coupon, at)),
            (None, Some(id)) => {
                self.learnt_of(id, at, Some).map(|coupon| self.coupon(&Arc::new(coupon.clone()), at))
            }
            (None, None) => None,
        };
        whole
    }

    /// What the customer's facts say of a discount's coupon.
    fn told_of(&self, id: &DiscountId, at: Instant) -> Option<&'a Discount> {
        let says = |fact: &&'a DiscountFact| {
            let is_told = fact.discount.coupon.is_some() || fact.discount.coupon_id.is_some();
            is_told.then_some(&fact.discount)
        };
        version(self.discounts.get(id)?, at, |fact| fact.at, says).map(|(discount, _)| discount)
    }

    /// The coupon with the products it is limited to and its amounts in other currencies, which events
    /// leave out.
    fn coupon(&self, coupon: &Arc<Coupon>, at: Instant) -> Arc<Coupon> {
        let applies_to = match &coupon.applies_to {
            Some(_) => None,
            None => self.learnt_of(&coupon.id, at, |learnt| learnt.applies_to.as_ref()),
        };
        let has_options = |learnt: &'a Coupon| Some(&learnt.options).filter(|options| !options.is_empty());
        let options = match &coupon.off {
            Off::Amount { .. } if coupon.options.is_empty() => self.learnt_of(&coupon.id, at, has_options),
            _ => None,
        };
        if applies_to.is_none() && options.is_none() {
            return Arc::clone(coupon);
        }
        let coupon = coupon.as_ref().clone();
        Arc::new(Coupon {
            applies_to: applies_to.or(coupon.applies_to.as_ref()).cloned(),
            options: options.unwrap_or(&coupon.options).clone(),
            ..coupon
        })
    }

    fn learnt_of<T>(&self, id: &CouponId, at: Instant, part: impl Fn(&'a Coupon) -> Option<T>) -> Option<T> {
        let part = |lesson: &'a Lesson| match lesson {
            Lesson::Coupon(coupon) => part(coupon),
            _ => None,
        };
        self.catalogue.learnt.as_of(&Topic::Coupon(id.clone()), at, part).map(|(part, _)| part)
    }

    /// The state with the items that its payload leaves out, where a list of them is known that fits
    /// what the payload shows. Items added after `told_at` are out of consideration.
    pub(super) fn whole<'s>(
        &self,
        subscription: &SubscriptionId,
        state: &'s State,
        told_at: Instant,
    ) -> Cow<'s, State> {
        if !state.items_truncated {
            return Cow::Borrowed(state);
        }
        let Some((listed, _)) = self.fitting(subscription, state, told_at) else {
            return Cow::Borrowed(state);
        };
        let is_shown = |listed: &ListedItem| state.items.iter().any(|item| item.id == listed.item.id);
        let paid_in = state.items.first().map(|item| &item.price.currency);
        let others = listed.into_iter().filter(|listed| !is_shown(listed));
        let others = others.map(|listed| in_currency(&listed.item, paid_in));
        let items = state.items.iter().cloned().chain(others).collect();
        Cow::Owned(State { items, items_truncated: false, ..state.clone() })
    }

    /// The list of a subscription's items nearest to `told_at` that fits what a payload shows then, with those
    /// that were there.
    pub(super) fn fitting(
        &self,
        subscription: &SubscriptionId,
        state: &State,
        told_at: Instant,
    ) -> Option<(Vec<&'a ListedItem>, &'a CatalogueFact)> {
        let facts = self.catalogue.learnt.about(&Topic::Items(subscription.clone()));
        let held = |fact: &'a CatalogueFact| match &fact.lesson {
            Lesson::Items { items, .. } => {
                (items.iter().filter(|listed| listed.created <= told_at).collect(), fact)
            }
            _ => (Vec::new(), fact),
        };
        // What was listed next after the word shows what it left out; else what was listed last before it.
        let (before, after) = facts.split_at(facts.partition_point(|fact| fact.at < told_at));
        let mut nearest = after.iter().chain(before.iter().rev()).map(held);
        nearest.find(|(listed, _)| shows(listed, &state.items))
    }

    /// The instants at which what is known of a state's prices and discounts may change, ends of
    /// discounts with them; some of them may change nothing.
    pub(super) fn instants(&self, state: &State) -> BTreeSet<Instant> {
        let mut instants: BTreeSet<Instant> =
            state.items.iter().flat_map(|item| self.price_facts(&item.price)).map(|fact| fact.at).collect();
        for spell in self.customer.spells() {
            instants.insert(spell.at);
        }
        for discount in self.discounts_near(state) {
            instants.extend(discount.end);
            instants.extend(self.coupon_facts(discount).map(|fact| fact.at));
            for fact in self.discount_facts(discount) {
                instants.extend([fact.at].into_iter().chain(fact.discount.end));
                instants.extend(self.coupon_facts(&fact.discount).map(|fact| fact.at));
            }
        }
        instants
    }

    /// A state's own discounts and, where it has none, the customer's.
    pub(super) fn discounts_of<'s>(&'s self, state: &'s State) -> impl Iterator<Item = &'s Discount> {
        let items = state.items.iter().flat_map(|item| &item.discounts);
        let customers = self.customer.spells().iter().filter(|_| state.discounts.is_empty());
        items.chain(&state.discounts).chain(customers.filter_map(|spell| spell.discount))
    }

    /// What was learnt at an instant that bears on the price of an item.
    pub(super) fn price_proof(&self, item: &Item, at: Instant) -> Option<&'a Evidence> {
        self.price_facts(&item.price).rfind(|fact| fact.at == at).map(|fact| &fact.evidence)
    }

    /// What was told at an instant that bears on the discounts of a state, or the proof of a discount of
    /// the customer that is over at it.
    pub(super) fn discount_proof(&self, state: &State, at: Instant) -> Option<&'a Evidence> {
        let spell = self.customer.spell(at);
        let begun = spell.filter(|spell| spell.at == at).map(|spell| spell.evidence);
        let told = || {
            self.discounts_near(state).find_map(|discount| {
                let facts = self.discount_facts(discount);
                let told = facts.iter().rfind(|fact| fact.at == at).map(|fact| &fact.evidence);
                let mut coupons = std::iter::once(discount)
                    .chain(facts.iter().map(|fact| &fact.discount))
                    .flat_map(|discount| self.coupon_facts(discount));
                told.or_else(|| coupons.find(|fact| fact.at == at).map(|fact| &fact.evidence))
            })
        };
        let over = || {
            let spell = spell?;
            let is_over = self.discount(spell.discount?, at).end == Some(at);
            is_over.then_some(spell.evidence)
        };
        begun.or_else(told).or_else(over)
    }

    /// The discounts that bear on a state at some time: its own and all that the customer had.
    fn discounts_near<'s>(&'s self, state: &'s State) -> impl Iterator<Item = &'s Discount> {
        let own = state.items.iter().flat_map(|item| &item.discounts).chain(&state.discounts);
        own.chain(self.customer.spells().iter().filter_map(|spell| spell.discount))
    }

    fn price_facts(&self, price: &Price) -> std::slice::Iter<'a, CatalogueFact> {
        match price.scheme {
            Scheme::PerUnit { .. } | Scheme::Tiered { .. } => [].iter(),
            _ => self.catalogue.learnt.about(&Topic::Price(price.id.clone())).iter(),
        }
    }

    fn discount_facts(&self, discount: &Discount) -> &[&'a DiscountFact] {
        let id = discount.id.as_ref().filter(|_| discount.coupon.is_none());
        id.and_then(|id| self.discounts.get(id)).map_or(&[], Vec::as_slice)
    }

    fn coupon_facts(&self, discount: &Discount) -> std::slice::Iter<'a, CatalogueFact> {
        let embedded = discount.coupon.as_ref().map(|coupon| &coupon.id);
        match embedded.or(discount.coupon_id.as_ref()) {
            Some(id) => self.catalogue.learnt.about(&Topic::Coupon(id.clone())).iter(),
            None => [].iter(),
        }
    }
}

/// What a lesson says about a price.
fn terms_in(lesson: &Lesson) -> Option<&PriceTerms> {
    match lesson {
        Lesson::Price(terms) => Some(terms),
        _ => None,
    }
}

/// What a price asks in a currency, if that is known.
fn scheme_in<'t>(terms: &'t PriceTerms, currency: &Currency) -> Option<&'t Scheme> {
    let scheme = match terms.price.currency == *currency {
        true => Some(&terms.price.scheme),
        false => terms.options.get(currency),
    };
    scheme.filter(|scheme| matches!(scheme, Scheme::PerUnit { .. } | Scheme::Tiered { .. }))
}

/// A listed item as its subscription pays for it: in the currency of the items that the payload shows, which
/// a list does not tell (R9).
fn in_currency(item: &Item, paid_in: Option<&Currency>) -> Item {
    let mut item = item.clone();
    if let Some(currency) = paid_in.filter(|currency| **currency != item.price.currency) {
        let price = item.price.as_ref().clone();
        let scheme = Scheme::OptionNotSent;
        item.price = Arc::new(Price { currency: currency.clone(), scheme, ..price });
    }
    item
}

/// Whether a list holds every item that a payload shows, as it shows it.
fn shows(listed: &[&ListedItem], shown: &[Item]) -> bool {
    let is_same = |listed: &Item, item: &Item| {
        listed.id == item.id && listed.price.id == item.price.id && listed.quantity == item.quantity
    };
    shown.iter().all(|item| listed.iter().any(|listed| is_same(&listed.item, item)))
}
