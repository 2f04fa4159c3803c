//! What prices, products, coupons and lists of items teach the whole book (R4, R21), whether an event
//! tells of them or a list shows them.

use std::sync::Arc;

use crate::mrr::{
    CatalogueFact, Coupon, DiscountChange, DiscountFact, Fact, Lesson, ListedItem, Marks, Motion, PriceId,
    PriceTerms, Role, SubscriptionId,
};

use super::super::node::is_identifier;
use super::discount::{self, coupon};
use super::price::{options, price};
use super::subscription::{is_one_time, item};
use super::{Node, Source, Translation, Unfit, ignored, metadata_word};

impl Source<'_> {
    /// A price's terms, or a plan's; with its product's where that is expanded. One that is paid once is
    /// no MRR (R7), and neither is one that was deleted and shows nothing but that.
    pub(super) fn price_told(&self, object: &Node<'_, '_>) -> Result<Translation, Unfit> {
        let product = object.expanded("product").map(|product| self.product(&product)).transpose()?.flatten();
        let mut catalogue: Vec<CatalogueFact> = product.into_iter().collect();
        let is_recurring = object.has("recurring") || object.has("interval");
        if is_recurring {
            let terms =
                PriceTerms { price: price(object, None)?, options: options(object)?, marks: marks(object) };
            catalogue.push(self.fact(Lesson::Price(terms)));
        } else if !is_stub(object)? && object.text("type")? != Some("one_time") {
            return Err(object.unfit("recurring", "expected how often the price bills, found nothing"));
        }
        Ok(learnt(catalogue, "price that is paid once: no recurring revenue"))
    }

    /// What a product's metadata says.
    pub(super) fn product_told(&self, object: &Node<'_, '_>) -> Result<Translation, Unfit> {
        Ok(learnt(self.product(object)?.into_iter().collect(), DELETED))
    }

    fn product(&self, object: &Node<'_, '_>) -> Result<Option<CatalogueFact>, Unfit> {
        if is_stub(object)? {
            return Ok(None);
        }
        let lesson = Lesson::Product { product: object.required_id("id")?.into(), marks: marks(object) };
        Ok(Some(self.fact(lesson)))
    }

    /// A coupon's terms.
    pub(super) fn coupon_told(&self, object: &Node<'_, '_>) -> Result<Translation, Unfit> {
        let told = coupon(object)?;
        if told.is_none() && !is_stub(object)? {
            return Err(object.unfit("percent_off", "expected percent_off or amount_off, found neither"));
        }
        let lesson = told.map(|coupon| self.fact(Lesson::Coupon(coupon)));
        Ok(learnt(lesson.into_iter().collect(), DELETED))
    }

    /// A discount's event: of the customer itself, of a subscription, or of an item of one; with the terms
    /// of its coupon where they are embedded.
    pub(super) fn discount_told(
        &self,
        object: &Node<'_, '_>,
        change: DiscountChange,
    ) -> Result<Translation, Unfit> {
        let Some(customer) = object.id("customer")? else {
            return Ok(ignored("discount of no customer"));
        };
        let one_time = ["invoice", "invoice_item", "checkout_session"].iter().any(|name| object.has(name));
        let subscription = object.id("subscription")?;
        // An item's discount is not the customer's, whether or not it names the subscription as well.
        let holder = subscription.map_or_else(|| object.id("subscription_item"), |id| Ok(Some(id)))?;
        if one_time && holder.is_none() {
            return Ok(ignored("discount of one invoice or checkout: no recurring revenue"));
        }
        let discount = discount::discount(object)?;
        let catalogue = self.embedded(discount.coupon.as_ref());
        let fact = Fact::Discount(DiscountFact {
            customer: customer.into(),
            subscription: holder.map(SubscriptionId::from),
            discount,
            change,
            at: self.at,
            evidence: self.evidence(),
        });
        Ok(told(catalogue, vec![fact]))
    }

    /// The items of a subscription, where the list holds them all.
    pub(super) fn items_told(&self, page: &Node<'_, '_>) -> Result<Translation, Unfit> {
        if page.is_true("has_more")? {
            return Ok(ignored(
                "part of a list of a subscription's items: feed the whole list, made with --limit 100",
            ));
        }
        let listed = page.objects("data")?.unwrap_or_default();
        let mut subscription = None;
        let mut items = Vec::with_capacity(listed.len());
        for object in &listed {
            let of = object.required_id("subscription")?;
            if *subscription.get_or_insert(of) != of {
                return Ok(ignored("list of items of several subscriptions: feed the list of each"));
            }
            if !is_one_time(object) {
                items.push(ListedItem {
                    item: item(object, None, 0)?,
                    created: object.required_instant("created")?,
                });
            }
        }
        let lesson = subscription.map(|id| self.fact(Lesson::Items { subscription: id.into(), items }));
        Ok(learnt(lesson.into_iter().collect(), "list of no items"))
    }

    /// The lesson of a coupon that was sent inside something else.
    pub(super) fn embedded(&self, coupon: Option<&Arc<Coupon>>) -> Vec<CatalogueFact> {
        coupon.map(|coupon| self.fact(Lesson::Coupon(coupon.as_ref().clone()))).into_iter().collect()
    }

    fn fact(&self, lesson: Lesson) -> CatalogueFact {
        CatalogueFact { at: self.at, lesson, evidence: self.evidence() }
    }
}

const DELETED: &str = "deleted object that shows nothing but its id";

fn learnt(catalogue: Vec<CatalogueFact>, or_else: &'static str) -> Translation {
    if catalogue.is_empty() { ignored(or_else) } else { Translation::Learnt { catalogue, facts: Vec::new() } }
}

/// Facts, and what is learnt with them, if anything is.
pub(super) fn told(catalogue: Vec<CatalogueFact>, facts: Vec<Fact>) -> Translation {
    match catalogue.is_empty() {
        true => Translation::Facts(facts),
        false => Translation::Learnt { catalogue, facts },
    }
}

/// Whether an object shows that it was deleted and nothing else; most `deleted` events show the object as
/// it was.
fn is_stub(object: &Node<'_, '_>) -> Result<bool, Unfit> {
    Ok(object.is_true("deleted")? && !object.has("created"))
}

/// What metadata says about a price's or product's place among others (R21), and about who moves what is
/// bought at it (R20); a value that is none of
/// those it may be says nothing.
fn marks(object: &Node<'_, '_>) -> Marks {
    let word = |key| metadata_word(object, key).map(str::trim).filter(|word| !word.is_empty());
    Marks {
        ladder: word("upswell_ladder").map(str::to_owned),
        rank: word("upswell_rank").and_then(|rank| rank.parse().ok()),
        role: word("upswell_role").and_then(Role::parse),
        is_seat: word("upswell_seat").and_then(|word| word.parse().ok()),
        succeeds: word("upswell_succeeds").filter(|id| is_identifier(id)).map(PriceId::from),
        motion: word("upswell_motion").and_then(Motion::parse),
        is_self_serve: matches!(word("upswell_channel"), Some("portal" | "self_serve")),
    }
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;
