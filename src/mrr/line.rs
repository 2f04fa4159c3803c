//! A line: one item of a subscription, valued.

use std::sync::Arc;

use super::place::Place;
use super::value::Terms;
use super::{Evidence, ItemId, Motion, MotionSigns, Mrr, Price, Side, SubscriptionId, UsageType};

/// One subscription item, valued, with what it takes to value it otherwise (R17).
#[derive(Debug, Clone)]
pub(super) struct Line<'a> {
    pub(super) subscription: SubscriptionId,
    pub(super) item: ItemId,
    pub(super) price: Arc<Price>,
    pub(super) quantity: u64,
    pub(super) level: Mrr,
    /// The subscription's terms, and which of their items this is.
    pub(super) terms: Arc<Terms>,
    pub(super) index: usize,
    /// Where its price stands among others, as of the change that asks (R21).
    pub(super) place: Place,
    /// What the level can't be worked out for; it is then the last known one (R4).
    pub(super) missing: Option<String>,
    /// What proves the line as it is now.
    pub(super) evidence: &'a Evidence,
    pub(super) signs: MotionSigns,
}

impl Line<'_> {
    pub(super) fn is_metered(&self) -> bool {
        self.price.usage_type == UsageType::Metered
    }

    /// Whether the two can be the same thing at all: one currency, both licensed or both metered.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.price.currency == other.price.currency && self.is_metered() == other.is_metered()
    }

    /// The tax that its amounts include (R7).
    pub(super) fn inclusive_tax(&self) -> u32 {
        self.terms.items.get(self.index).map_or(0, |item| item.inclusive_tax)
    }

    pub(super) fn side(&self) -> Side {
        side_of(&self.price, self.quantity, self.level)
    }

    /// Who moved (R20): what the subscription says goes before what its price says, and that before what
    /// the product says; usage is organic unless something says otherwise.
    pub(super) fn motion(&self) -> Motion {
        if let Some(declared) = self.signs.declared.or(self.place.motion) {
            declared
        } else if self.signs.is_scheduled {
            Motion::Deliberate
        } else if self.is_metered() || self.signs.is_self_serve || self.place.is_self_serve {
            Motion::Organic
        } else {
            Motion::Unknown
        }
    }
}

/// A side of a movement: a price at a quantity, and the level that makes.
pub(super) fn side_of(price: &Price, quantity: u64, mrr: Mrr) -> Side {
    Side { product: price.product.clone(), price: price.id.clone(), quantity, mrr }
}
