//! The stored form of what is learnt: prices with their options, marks, coupons, listed items.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fact::{Evidence, Motion};
use super::price::{Price, Scheme};
use super::state::{Coupon, Item};
use super::{Mirror, record, words};
use crate::mrr;

words!(Role of mrr::Role { Base = "base", AddOn = "add_on" });

record!(Marks of mrr::Marks {
    #[serde(skip_serializing_if = "Option::is_none")]
    ladder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    #[serde(rename = "seat", skip_serializing_if = "Option::is_none")]
    is_seat: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    succeeds: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    motion: Option<Motion>,
    #[serde(default, rename = "self_serve", skip_serializing_if = "std::ops::Not::not")]
    is_self_serve: bool,
});

impl Mirror<BTreeMap<mrr::Currency, mrr::Scheme>> for BTreeMap<String, Scheme> {
    fn of(core: &BTreeMap<mrr::Currency, mrr::Scheme>) -> Self {
        core.iter().map(|(currency, scheme)| (currency.to_string(), Scheme::of(scheme))).collect()
    }
    fn restore(self) -> BTreeMap<mrr::Currency, mrr::Scheme> {
        self.into_iter().map(|(currency, scheme)| (currency.into(), scheme.restore())).collect()
    }
}

record!(PriceTerms of mrr::PriceTerms {
    price: Price,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    options: BTreeMap<String, Scheme>,
    marks: Marks,
});

record!(ListedItem of mrr::ListedItem {
    item: Item,
    created: i64,
});

/// The stored form of [`mrr::Lesson`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::ledger) enum Lesson {
    /// A price's terms.
    Price(PriceTerms),
    /// A product's marks.
    Product { product: String, marks: Marks },
    /// A coupon's terms.
    Coupon(Coupon),
    /// All items of a subscription.
    Items { subscription: String, items: Vec<ListedItem> },
}

impl Mirror<mrr::Lesson> for Lesson {
    fn of(core: &mrr::Lesson) -> Self {
        match core {
            mrr::Lesson::Price(terms) => Self::Price(Mirror::of(terms)),
            mrr::Lesson::Product { product, marks } => {
                Self::Product { product: Mirror::of(product), marks: Mirror::of(marks) }
            }
            mrr::Lesson::Coupon(coupon) => Self::Coupon(Mirror::of(coupon)),
            mrr::Lesson::Items { subscription, items } => {
                Self::Items { subscription: Mirror::of(subscription), items: Mirror::of(items) }
            }
        }
    }

    fn restore(self) -> mrr::Lesson {
        match self {
            Self::Price(terms) => mrr::Lesson::Price(terms.restore()),
            Self::Product { product, marks } => {
                mrr::Lesson::Product { product: product.restore(), marks: marks.restore() }
            }
            Self::Coupon(coupon) => mrr::Lesson::Coupon(coupon.restore()),
            Self::Items { subscription, items } => {
                mrr::Lesson::Items { subscription: subscription.restore(), items: items.restore() }
            }
        }
    }
}

record!(CatalogueFact of mrr::CatalogueFact {
    at: i64,
    lesson: Lesson,
    evidence: Evidence,
});
