//! What a change consists of: each matched line taken apart in the pinned order (R17), each part
//! with its kind (R16) and cause.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::line::{Line, side_of};
use super::matching::{Pair, Reach, pairs};
use super::{
    Cause, Currency, Delta, Discount, Evidence, Grade, ItemId, Kind, Known, Motion, MotionSigns, Mrr, Price,
    ProductId, Side, SubscriptionId,
};

/// One part of a change: one item, one step.
#[derive(Debug, Clone)]
pub(super) struct Part<'a> {
    pub(super) subscription: SubscriptionId,
    pub(super) item: ItemId,
    pub(super) currency: Currency,
    pub(super) kind: Kind,
    pub(super) cause: Cause,
    pub(super) motion: Motion,
    pub(super) is_metered: bool,
    pub(super) before: Option<Side>,
    pub(super) after: Option<Side>,
    pub(super) delta: Delta,
    pub(super) evidence: &'a Evidence,
    /// A lower grade than the evidence's own, of a state put back.
    pub(super) grade: Option<Grade>,
}

impl<'a> Part<'a> {
    /// A part about a whole line, still without its amount.
    pub(super) fn whole(line: &Line<'a>, kind: Kind, cause: Cause) -> Self {
        part(line, kind, cause, None, None)
    }
}

/// What proves a change of a subscription, and what tells who moved.
pub(super) type Proof<'a> = (&'a Evidence, MotionSigns);

/// The proofs of a change, for each item that was held before it.
pub(super) type Proofs<'a> = BTreeMap<(SubscriptionId, ItemId), Proof<'a>>;

/// The lines of a customer before and after a change, and what else decides kinds and causes.
pub(super) struct Change<'c, 'a> {
    pub(super) before: &'c [Line<'a>],
    pub(super) after: &'c [Line<'a>],
    /// Products that paused subscriptions hold all the while.
    pub(super) paused: &'c BTreeSet<ProductId>,
    /// The subscriptions that this change takes to nothing, and why.
    pub(super) ends: &'c BTreeMap<SubscriptionId, Cause>,
    /// What proves the change, for each subscription it touches.
    pub(super) proofs: &'c Proofs<'a>,
    pub(super) known: &'c Known<'a>,
}

impl<'c, 'a> Change<'c, 'a> {
    pub(super) fn pairs(&self, reach: Reach) -> Vec<Pair<'c, 'a>> {
        pairs(self.before, self.after, reach)
    }

    /// The parts of the change, none of them zero, in the order of (subscription, item, step).
    pub(super) fn parts(&self, reach: Reach) -> Vec<Part<'a>> {
        let mut parts: Vec<Part<'a>> = self
            .pairs(reach)
            .iter()
            .flat_map(|pair| match (pair.before, pair.after) {
                (Some(before), Some(after)) => self.steps(before, after),
                (Some(gone), None) => vec![self.removal(gone)],
                (None, Some(new)) => vec![self.addition(new)],
                (None, None) => Vec::new(),
            })
            .collect();
        parts.retain(|part| part.delta != Delta::ZERO);
        parts
    }

    /// Quantity at the old price, then price, tier or term at the new quantity, then discounts (R17).
    fn steps(&self, before: &Line<'a>, after: &Line<'a>) -> Vec<Part<'a>> {
        if after.is_metered() {
            return vec![part(after, Kind::Usage, Cause::Usage, Some(before.side()), Some(after.side()))];
        }
        let (kind, cause) = self.price_step(before, after);
        let held = |price: &Arc<Price>, quantity| before.terms.level_at(before.index, price, quantity);
        let resized = if before.quantity == after.quantity {
            Ok(before.level)
        } else {
            held(&before.price, after.quantity)
        };
        let repriced =
            if before.price == after.price { resized.clone() } else { held(&after.price, after.quantity) };
        // A line held at its last known level can't be taken apart: the price step takes it all.
        let is_known = before.missing.is_none() && after.missing.is_none();
        let (resized, repriced) = match (resized, repriced) {
            (Ok(resized), Ok(repriced)) if is_known => (resized, repriced),
            _ => (before.level, after.level),
        };
        let side = |price: &Arc<Price>, quantity, mrr| Some(side_of(price, quantity, mrr));
        let was = Some(before.side());
        let sized = side(&before.price, after.quantity, resized);
        let priced = side(&after.price, after.quantity, repriced);
        let (seat, quantity_cause) = self.quantity_step(before, resized - before.level);
        let (rest, rest_cause) = rest_step(before, after);
        vec![
            part(after, seat, quantity_cause, was, sized.clone()),
            part(after, by_sign(kind, repriced - resized), cause, sized, priced.clone()),
            part(after, rest, rest_cause, priced, Some(after.side())),
        ]
    }

    fn quantity_step(&self, line: &Line<'a>, delta: Delta) -> (Kind, Cause) {
        if line.place.is_seat {
            (Kind::Seat, Cause::Quantity)
        } else {
            (by_sign(Kind::Upsell, delta), Cause::Quantity)
        }
    }

    /// What another price in the place of one means (R16, R17).
    fn price_step(&self, before: &Line<'a>, after: &Line<'a>) -> (Kind, Cause) {
        let is_same_product = before.price.product == after.price.product;
        let are_ranked = before.place.is_ranked_with(&after.place);
        let succeeds = self.known.succeeds((&after.price, &after.place), &before.price);
        // The same price that asks for another amount is no other plan.
        let is_known = before.missing.is_none() && after.missing.is_none();
        let asks_otherwise =
            is_known && before.price.id == after.price.id && before.price.scheme != after.price.scheme;
        if succeeds || asks_otherwise {
            (Kind::Price, Cause::Price)
        } else if is_same_product && !before.price.cadence.equals(after.price.cadence) && !are_ranked {
            (Kind::Term, Cause::Term)
        } else {
            (Kind::Upsell, Cause::Tier)
        }
    }

    fn removal(&self, gone: &Line<'a>) -> Part<'a> {
        let is_kept = self.holds(self.after, &gone.price.product);
        let (kind, cause) = self.whole_line(gone, is_kept, Kind::ProductRemoved);
        let is_left_whole = !self.after.iter().any(|line| line.subscription == gone.subscription);
        let ended = self.ends.get(&gone.subscription).copied();
        let ended = ended.or(is_left_whole.then_some(Cause::Canceled));
        let gone = &proved(gone, self.proofs);
        part(gone, down(kind), ended.unwrap_or(cause), Some(gone.side()), None)
    }

    fn addition(&self, new: &Line<'a>) -> Part<'a> {
        let is_held = self.holds(self.before, &new.price.product);
        let (kind, cause) = self.whole_line(new, is_held, Kind::CrossSell);
        part(new, kind, cause, None, Some(new.side()))
    }

    /// The kind of a line that comes or goes as a whole (R16).
    fn whole_line(&self, line: &Line<'a>, is_product_held: bool, otherwise: Kind) -> (Kind, Cause) {
        if line.is_metered() {
            (Kind::Usage, Cause::Usage)
        } else if is_product_held {
            (if line.place.is_seat { Kind::Seat } else { Kind::Upsell }, Cause::Quantity)
        } else if line.place.is_add_on {
            (otherwise, Cause::AddOn)
        } else {
            (otherwise, Cause::Product)
        }
    }

    fn holds(&self, lines: &[Line<'a>], product: &ProductId) -> bool {
        self.paused.contains(product) || lines.iter().any(|line| line.price.product == *product)
    }
}

/// A tier step is an upsell upwards and a downgrade downwards; other kinds have one word for both.
fn by_sign(kind: Kind, delta: Delta) -> Kind {
    if delta < Delta::ZERO { down(kind) } else { kind }
}

fn down(kind: Kind) -> Kind {
    if kind == Kind::Upsell { Kind::Downgrade } else { kind }
}

fn part<'a>(
    line: &Line<'a>,
    kind: Kind,
    cause: Cause,
    before: Option<Side>,
    after: Option<Side>,
) -> Part<'a> {
    let level = |side: &Option<Side>| side.as_ref().map_or(Mrr::ZERO, |side| side.mrr);
    Part {
        subscription: line.subscription.clone(),
        item: line.item.clone(),
        currency: line.price.currency.clone(),
        kind,
        cause,
        motion: line.motion(),
        is_metered: line.is_metered(),
        delta: level(&after) - level(&before),
        before,
        after,
        evidence: line.evidence,
        grade: None,
    }
}

/// A line that is gone, with what proves that it is.
pub(super) fn proved<'a>(line: &Line<'a>, proofs: &Proofs<'a>) -> Line<'a> {
    let mut line = line.clone();
    if let Some((evidence, signs)) = proofs.get(&(line.subscription.clone(), line.item.clone())) {
        (line.evidence, line.signs) = (evidence, *signs);
    }
    line
}

/// What the step behind price and quantity is: the discounts, or, where these are as they were and
/// the tax that the amounts include is not, what the price leaves without it (R7).
fn rest_step(before: &Line<'_>, after: &Line<'_>) -> (Kind, Cause) {
    if before.inclusive_tax() != after.inclusive_tax()
        && before.terms.discounts_of(before.index).eq(after.terms.discounts_of(after.index))
    {
        return (Kind::Price, Cause::Price);
    }
    (Kind::Discount, discount_cause(before, after))
}

/// Whether discounts began, ended or took each other's place on a line.
fn discount_cause(before: &Line<'_>, after: &Line<'_>) -> Cause {
    let had: Vec<&Discount> = before.terms.discounts_of(before.index).collect();
    let has: Vec<&Discount> = after.terms.discounts_of(after.index).collect();
    let keeps_all = had.iter().all(|old| has.iter().any(|new| is_same_discount(old, new)));
    let had_all = has.iter().all(|new| had.iter().any(|old| is_same_discount(old, new)));
    match (keeps_all, had_all) {
        (true, false) => Cause::DiscountStarted,
        (false, true) => Cause::DiscountEnded,
        _ => Cause::DiscountChanged,
    }
}

fn is_same_discount(one: &Discount, other: &Discount) -> bool {
    match (&one.id, &other.id) {
        (Some(one), Some(other)) => one == other,
        _ => one.coupon_id == other.coupon_id,
    }
}
