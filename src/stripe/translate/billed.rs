//! Listed invoices, as far as they bill what a subscription held: lines of every generation, with the
//! instants that the invoice itself carries.

use std::sync::Arc;

use crate::mrr::{
    BilledDiscount, BilledInvoice, BilledLine, BillingReason, Cadence, Discount, Fact, Grade, Instant,
    InvoiceStatus, Price, ProductId, Scheme, UsageType,
};

use super::discount::{discount, discounts_of};
use super::invoice::{status, subscription_of};
use super::price::{currency, price_of};
use super::subscription::{LARGEST_QUANTITY, inclusive_tax, is_one_time};
use super::{Node, Source, Translation, Unfit, ignored};

/// The instants of an invoice's life that the object carries.
struct Life {
    finalized_at: Instant,
    given_up_at: Option<Instant>,
    voided_at: Option<Instant>,
    paid_at: Option<Instant>,
}

impl Life {
    fn of(object: &Node<'_, '_>, created: Instant) -> Result<Self, Unfit> {
        let transitions = object.object("status_transitions")?;
        let at = |name: &str| transitions.as_ref().map_or(Ok(None), |at| at.instant(name));
        let own = object.instant("finalized_at")?;
        let finalized_at = at("finalized_at")?.or(own).unwrap_or(created);
        let (given_up_at, voided_at) = (at("marked_uncollectible_at")?, at("voided_at")?);
        let paid_at = at("paid_at")?.filter(|paid| given_up_at.is_some_and(|given_up| *paid > given_up));
        Ok(Self { finalized_at, given_up_at, voided_at, paid_at })
    }

    /// What the invoice became after it was made, and when.
    fn turns(&self, status: InvoiceStatus) -> Vec<(Instant, InvoiceStatus)> {
        if status == InvoiceStatus::Draft {
            return Vec::new();
        }
        let mut turns = vec![(self.finalized_at, InvoiceStatus::Billed)];
        turns.extend(self.given_up_at.map(|at| (at, InvoiceStatus::Withdrawn)));
        turns.extend(self.paid_at.map(|at| (at, InvoiceStatus::Billed)));
        turns.extend(self.voided_at.map(|at| (at, InvoiceStatus::Withdrawn)));
        if status == InvoiceStatus::Withdrawn && turns.len() == 1 {
            turns.push((self.finalized_at, InvoiceStatus::Withdrawn));
        }
        turns
    }
}

impl Source<'_> {
    /// What a listed invoice says: of usage what its events would have said, at the instants at which they
    /// would have (R8), and of licensed items what it bills.
    pub(super) fn invoice_listed(&self, object: &Node<'_, '_>) -> Result<Translation, Unfit> {
        let Some(subscription) = subscription_of(object)? else {
            return Ok(ignored("invoice without a subscription"));
        };
        let status = status(object)?;
        let life = Life::of(object, self.at)?;
        let mut facts = Vec::new();
        for (at, status) in life.turns(status) {
            let told = Source { grade: Grade::InvoiceLine, at, ..*self }.invoice(object, Some(status))?;
            if let Translation::Facts(told) = told {
                // The quote behind it is one, whatever became of the invoice.
                let is_new = |fact: &Fact| !matches!(fact, Fact::Quote(_)) || facts.is_empty();
                let told: Vec<Fact> = told.into_iter().filter(is_new).collect();
                facts.extend(told);
            }
        }
        let lines = lines(object, subscription)?;
        if !lines.is_empty() {
            facts.push(Fact::Billed(self.billed(object, subscription, lines, &life)?));
        }
        if facts.is_empty() {
            return Ok(ignored("invoice without lines of a subscription"));
        }
        Ok(Translation::Facts(facts))
    }

    fn billed(
        &self,
        object: &Node<'_, '_>,
        subscription: &str,
        lines: Vec<BilledLine>,
        life: &Life,
    ) -> Result<BilledInvoice, Unfit> {
        let later = [life.given_up_at, life.voided_at, life.paid_at].into_iter().flatten();
        let is_voided = matches!(object.text("status")?, Some("void" | "deleted"));
        let status = match status(object)? {
            // What could not be collected was held all the same; the subscription's status tells the rest (R5).
            InvoiceStatus::Withdrawn if !is_voided => InvoiceStatus::Billed,
            status => status,
        };
        Ok(BilledInvoice {
            customer: object.required_id("customer")?.into(),
            subscription: subscription.into(),
            invoice: object.required_id("id")?.into(),
            at: later.fold(life.finalized_at, Instant::max),
            status,
            reason: reason(object)?,
            is_whole: !object.expanded("lines").map_or(Ok(false), |lines| lines.is_true("has_more"))?,
            lines,
            discounts: discounts(object)?,
            evidence: super::Evidence { grade: Grade::InvoiceLine, ..self.evidence() },
        })
    }
}

/// Why it was made; before 2018-10-23 nothing told more than that it was for a subscription.
fn reason(object: &Node<'_, '_>) -> Result<BillingReason, Unfit> {
    Ok(match object.text("billing_reason")? {
        Some("subscription_create") => BillingReason::Beginning,
        Some("subscription_cycle" | "subscription") => BillingReason::Cycle,
        _ => BillingReason::Other,
    })
}

/// Its discounts with their beginnings. One that was given to this invoice alone is no recurring revenue
/// (R6).
fn discounts(object: &Node<'_, '_>) -> Result<Vec<BilledDiscount>, Unfit> {
    let mut since: Vec<(Discount, Option<Instant>, bool)> = Vec::new();
    let listed = object.list("discounts")?.unwrap_or_default();
    let singular = object.expanded("discount");
    let expanded = listed.into_iter().filter_map(|(json, path)| Node::object_at(json, path).ok());
    for node in expanded.chain(singular) {
        let is_once = node.has("invoice") && !node.has("subscription") && !node.has("subscription_item");
        since.push((discount(&node)?, node.instant("start")?, is_once));
    }
    let told = |wanted: &Discount| since.iter().find(|(told, ..)| told == wanted);
    let billed = discounts_of(object)?.into_iter().filter_map(|discount| match told(&discount) {
        Some((.., true)) => None,
        Some((_, since, _)) => Some(BilledDiscount { since: *since, discount }),
        None => Some(BilledDiscount { since: None, discount }),
    });
    Ok(billed.collect())
}

fn lines(object: &Node<'_, '_>, subscription: &str) -> Result<Vec<BilledLine>, Unfit> {
    let lines = object.objects("lines")?.unwrap_or_default();
    let period_end = object.instant("period_end")?;
    let pays_in = object.text("currency")?;
    let of_invoice = discounts_of(object)?;
    let mut billed = Vec::with_capacity(lines.len());
    for line in &lines {
        billed.extend(billed_line(line, subscription, pays_in, period_end, &of_invoice)?);
    }
    Ok(billed)
}

/// A line that bills an item of the subscription; none of one-time prices and invoice items of other kinds.
fn billed_line(
    line: &Node<'_, '_>,
    subscription: &str,
    pays_in: Option<&str>,
    invoice_period_end: Option<Instant>,
    of_invoice: &[Discount],
) -> Result<Option<BilledLine>, Unfit> {
    let parent = line.object("parent")?;
    let details = ["subscription_item_details", "invoice_item_details"];
    let details = parent.as_ref().and_then(|parent| details.iter().find_map(|name| parent.expanded(name)));
    let holder = details.as_ref().unwrap_or(line);
    let is_of_subscription = line.text("type")? == Some("subscription") && parent.is_none();
    let item = match holder.id("subscription_item")? {
        Some(item) => item,
        // Before subscriptions had items.
        None if is_of_subscription => subscription,
        None => return Ok(None),
    };
    let Some(period) = line.object("period")? else { return Ok(None) };
    if !is_priced(line)? || is_one_time(line) {
        return Ok(None);
    }
    let price = line_price(line, pays_in)?;
    let amount = line.integer("amount")?.unwrap_or(0);
    let credited = holder.object("proration_details")?;
    let own = discounts_of(line)?;
    let is_own = |discount: &Discount| !of_invoice.iter().any(|other| is_one(other, discount));
    let period_end = period.required_instant("end")?;
    Ok(Some(BilledLine {
        item: item.into(),
        quantity: quantity(line)?,
        period_start: period.required_instant("start")?,
        period_end,
        is_in_arrears: price.scheme == Scheme::PriceNotSent
            && invoice_period_end.is_some_and(|end| period_end <= end),
        price: Arc::new(price),
        is_proration: line.is_true("proration")? || holder.is_true("proration")?,
        is_credit: amount < 0 || credited.is_some_and(|details| details.has("credited_items")),
        is_free: amount == 0,
        discounts: own.into_iter().filter(is_own).collect(),
        inclusive_tax: inclusive_tax(line, "tax_rates")?,
    }))
}

/// Whether it names a price; one for an amount alone has `pricing` without it.
fn is_priced(line: &Node<'_, '_>) -> Result<bool, Unfit> {
    let pricing = line.object("pricing")?;
    let details = pricing.map_or(Ok(None), |pricing| pricing.object("price_details"))?;
    let has_details = details.is_some_and(|details| details.has("price"));
    Ok(line.has("price") || line.has("plan") || has_details)
}

fn is_one(one: &Discount, other: &Discount) -> bool {
    match (&one.id, &other.id) {
        (Some(one), Some(other)) => one == other,
        _ => one.coupon_id == other.coupon_id,
    }
}

/// The line's price or plan; since basil its id, with the product.
fn line_price(line: &Node<'_, '_>, pays_in: Option<&str>) -> Result<Price, Unfit> {
    let pricing = line.object("pricing")?;
    let details = pricing.map_or(Ok(None), |pricing| pricing.object("price_details"))?;
    let own = line.text("currency")?.or(pays_in);
    let Some(details) = details.filter(|_| line.expanded("price").or(line.expanded("plan")).is_none()) else {
        return price_of(line, own);
    };
    if details.expanded("price").is_some() {
        return price_of(&details, own);
    }
    let id = details.required_id("price")?;
    Ok(Price {
        id: id.into(),
        product: ProductId::from(details.id("product")?.unwrap_or(id)),
        currency: own
            .and_then(currency)
            .ok_or_else(|| line.unfit("currency", "expected a currency's three letters"))?,
        cadence: Cadence::MONTHLY,
        usage_type: UsageType::Licensed,
        scheme: Scheme::PriceNotSent,
        is_seat: true,
        succeeds: None,
    })
}

/// The quantity; where only its decimal is sent, the whole of it, and 1 where there is none (R3).
fn quantity(line: &Node<'_, '_>) -> Result<u64, Unfit> {
    let unfit = || line.unfit("quantity", "expected a quantity from 0 to 10^12");
    let whole = match line.integer("quantity")? {
        Some(quantity) => quantity,
        None => match line.decimal("quantity_decimal")? {
            Some(decimal) => {
                decimal.split('.').next().and_then(|whole| whole.parse().ok()).ok_or_else(unfit)?
            }
            None => 1,
        },
    };
    u64::try_from(whole).ok().filter(|&quantity| quantity <= LARGEST_QUANTITY).ok_or_else(unfit)
}

#[cfg(test)]
#[path = "billed_tests.rs"]
mod tests;
