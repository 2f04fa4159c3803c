//! Gaps: who left and came back within the window has moved (R19), and how a return reads where its
//! gap lies inside one month (R26).

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Change, Part};
use super::fold::{Fold, Sums, is_zero};
use super::line::Line;
use super::matching::Reach;
use super::{Bridge, BridgePart, Cause, Class, Currency, Instant, Kind, Mrr};

/// What a customer left with, for as long as it may turn out to have moved (R19).
#[derive(Debug, Clone)]
pub(super) struct Left<'a> {
    pub(super) at: Instant,
    pub(super) lines: Vec<Line<'a>>,
    /// The movements that took it out.
    pub(super) movements: std::ops::Range<usize>,
}

impl Left<'_> {
    /// Whether another subscription than those that ended is among what comes.
    pub(super) fn is_followed_by(&self, after: &[Line<'_>]) -> bool {
        let has_ended =
            |line: &Line<'_>| self.lines.iter().any(|left| left.subscription == line.subscription);
        after.iter().any(|line| line.level.is_positive() && !has_ended(line))
    }
}

impl<'a> Fold<'a, '_> {
    /// The customer had not churned but moved (R19): what left goes out as a transfer, comes back on
    /// the items it is matched to, and stands there as if there had been no gap, beside what it held for
    /// nothing all the while (`standing`).
    pub(super) fn move_over(
        &mut self,
        at: Instant,
        left: Left<'a>,
        standing: &[Line<'a>],
        after: &[Line<'a>],
    ) -> Vec<Line<'a>> {
        for movement in &mut self.movements[left.movements.clone()] {
            (movement.class, movement.kind, movement.cause) =
                (Class::Transfer, Kind::Transfer, Cause::Transfer);
        }
        let mut left = left;
        left.lines.extend(idle(standing, after));
        self.place(&mut left.lines, at);
        let nothing = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
        let change = Change {
            before: &left.lines,
            after,
            paused: &nothing.0,
            ends: &nothing.1,
            proofs: &nothing.2,
            known: self.known,
        };
        let newcomer = after.iter().find(|line| line.level.is_positive());
        let mut arrived = Vec::new();
        for pair in change.pairs(Reach::Customer) {
            let old = pair.before.filter(|old| old.level.is_positive());
            let (Some(old), Some(newcomer)) = (old, pair.after.or(newcomer)) else {
                continue;
            };
            let place = pair.after.unwrap_or(old);
            arrived.push(Part {
                subscription: place.subscription.clone(),
                item: place.item.clone(),
                evidence: newcomer.evidence,
                motion: newcomer.motion(),
                after: Some(old.side()),
                delta: old.level - Mrr::ZERO,
                ..Part::whole(old, Kind::Transfer, Cause::Transfer)
            });
        }
        for part in arrived {
            self.post(at, Class::Transfer, part, None);
        }
        left.lines
    }

    /// For each currency of a reactivation, how it reads if it ended a gap inside a month (R26). What was
    /// held for nothing all the while (`standing`) neither comes nor goes.
    pub(super) fn bridges(
        &self,
        at: Instant,
        (start, end): (&Sums, &Sums),
        standing: &[Line<'a>],
        after: &[Line<'a>],
    ) -> BTreeMap<Currency, Bridge> {
        let Some(gap_began_at) = self.zero_since.filter(|_| is_zero(start) && !is_zero(end)) else {
            return BTreeMap::new();
        };
        let mut gone = self.gone.clone();
        let is_gone = |line: &Line<'a>| {
            self.gone.iter().any(|gone| gone.subscription == line.subscription && gone.item == line.item)
        };
        gone.extend(idle(standing, after).filter(|line| !is_gone(line)));
        let paused = self.paused_products();
        self.place(&mut gone, at);
        let nothing = (BTreeMap::new(), BTreeMap::new());
        let change = Change {
            before: &gone,
            after,
            paused: &paused,
            ends: &nothing.0,
            proofs: &nothing.1,
            known: self.known,
        };
        let mut bridges: BTreeMap<Currency, Bridge> = BTreeMap::new();
        for currency in end.keys() {
            bridges.insert(currency.clone(), Bridge { gap_began_at, parts: Vec::new() });
        }
        for part in change.parts(Reach::Customer) {
            let Some(side) = part.after.as_ref().or(part.before.as_ref()) else { continue };
            let bridge = BridgePart {
                kind: part.kind,
                product: side.product.clone(),
                price: side.price.clone(),
                delta: part.delta,
            };
            if let Some(open) = bridges.get_mut(&part.currency) {
                open.parts.push(bridge);
            }
        }
        bridges
    }
}

/// The lines that are held for nothing before a return and after it: they neither come nor go, and nothing
/// is matched to them.
fn idle<'l, 'a>(standing: &'l [Line<'a>], after: &'l [Line<'a>]) -> impl Iterator<Item = Line<'a>> + 'l {
    let is_idle = |line: &&Line<'a>| {
        after.iter().any(|after| {
            after.subscription == line.subscription && after.item == line.item && !after.level.is_positive()
        })
    };
    standing.iter().filter(is_idle).cloned()
}
