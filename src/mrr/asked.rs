//! What a customer's facts refer to in the catalogue (R4), so that what is learnt later finds those it
//! concerns.

use std::collections::BTreeSet;

use super::known::Known;
use super::life::Life;
use super::{Discount, Fact, Instant, Item, Phase, Price, Scheme, Topic};

/// Every topic that the facts, and the state they go on from, refer to, whether or not it is known.
pub(super) fn asked(facts: &[Fact], lives: &[Life<'_>], known: &Known<'_>) -> BTreeSet<Topic> {
    let mut asked = Asked { known, topics: BTreeSet::new() };
    for life in lives {
        for step in &life.steps {
            if step.snapshot.state.items_truncated {
                asked.topics.insert(Topic::Items(life.id.clone()));
            }
            let previous = step.snapshot.previous.iter();
            for state in previous.chain([step.state.as_ref()]) {
                state.items.iter().for_each(|item| asked.item(item, step.at));
                state.discounts.iter().for_each(|discount| asked.discount(discount));
            }
        }
    }
    for fact in facts {
        match fact {
            Fact::Discount(fact) => asked.discount(&fact.discount),
            Fact::Customer(fact) => {
                fact.discount.iter().flatten().for_each(|discount| asked.discount(discount));
            }
            Fact::Usage(fact) => {
                asked.topics.extend(fact.lines.iter().map(|line| Topic::Price(line.price.clone())));
            }
            Fact::Billed(fact) => {
                fact.lines.iter().for_each(|line| asked.price(&line.price));
            }
            Fact::Change(fact) => asked.price(&fact.price),
            Fact::Schedule(fact) => fact.phases.iter().for_each(|phase| asked.phase(phase)),
            Fact::Subscription(_) | Fact::Quote(_) => {}
        }
    }
    asked.topics
}

struct Asked<'k, 'a> {
    known: &'k Known<'a>,
    topics: BTreeSet<Topic>,
}

impl Asked<'_, '_> {
    fn item(&mut self, item: &Item, at: Instant) {
        self.price(&item.price);
        let whole = self.known.price(&item.price, at);
        if whole.product != item.price.product {
            self.price(&whole);
        }
        item.discounts.iter().for_each(|discount| self.discount(discount));
    }

    fn price(&mut self, price: &Price) {
        self.topics.insert(Topic::Price(price.id.clone()));
        // Of an id alone the product is a guess.
        if price.scheme != Scheme::PriceNotSent {
            self.topics.insert(Topic::Product(price.product.clone()));
        }
    }

    fn phase(&mut self, phase: &Phase) {
        for item in &phase.items {
            self.topics.insert(Topic::Price(item.price.clone()));
            if let Some(learnt) = self.known.price_terms(&item.price, phase.start) {
                self.price(&learnt.price);
            }
            item.terms.iter().for_each(|price| self.price(price));
            item.discounts.iter().for_each(|discount| self.discount(discount));
        }
        phase.discounts.iter().for_each(|discount| self.discount(discount));
    }

    fn discount(&mut self, discount: &Discount) {
        let embedded = discount.coupon.as_ref().map(|coupon| &coupon.id);
        self.topics.extend(embedded.or(discount.coupon_id.as_ref()).map(|id| Topic::Coupon(id.clone())));
    }
}
