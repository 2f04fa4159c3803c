//! Which line after a change is which line before it (R18).

use std::collections::BTreeSet;

use super::line::Line;
use super::place::Ladder;

/// How far matching may reach where no catalogue helps (R18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Inside a change: one line for another of the same subscription.
    Subscription,
    /// Over a gap (R19, R26): one line for another of the customer.
    Customer,
}

/// A line before and the line after it; one of the two may be missing, never both.
#[derive(Debug, Clone)]
pub(super) struct Pair<'l, 'a> {
    pub(super) before: Option<&'l Line<'a>>,
    pub(super) after: Option<&'l Line<'a>>,
}

/// Matches lines before a change with lines after it: same item, else same price, else same product,
/// else the one removed and the one added on a ladder, else, off all ladders, the only one removed
/// and the only one added within `reach`. Pairs come in the order of (subscription, item).
pub(super) fn pairs<'l, 'a>(
    before: &'l [Line<'a>],
    after: &'l [Line<'a>],
    reach: Reach,
) -> Vec<Pair<'l, 'a>> {
    let mut matching = Matching { before: sorted(before), after: sorted(after), pairs: Vec::new() };
    matching.every(|b, a| b.item == a.item && b.subscription == a.subscription);
    matching.every(|b, a| b.price.id == a.price.id && b.subscription == a.subscription);
    matching.every(|b, a| b.price.id == a.price.id);
    matching.every(|b, a| b.price.product == a.price.product && b.subscription == a.subscription);
    matching.every(|b, a| b.price.product == a.price.product);
    matching.on_ladders();
    matching.only_ones(reach);
    matching.finish()
}

fn sorted<'l, 'a>(lines: &'l [Line<'a>]) -> Vec<&'l Line<'a>> {
    let mut lines: Vec<&'l Line<'a>> = lines.iter().collect();
    lines.sort_by(|a, b| {
        (&a.subscription, &a.item, a.is_metered()).cmp(&(&b.subscription, &b.item, b.is_metered()))
    });
    lines
}

struct Matching<'l, 'a> {
    before: Vec<&'l Line<'a>>,
    after: Vec<&'l Line<'a>>,
    pairs: Vec<Pair<'l, 'a>>,
}

impl<'l, 'a> Matching<'l, 'a> {
    /// Pairs whatever fits, first with first. Lines of two currencies, or a licensed line and a
    /// metered one, are never the same thing.
    fn every(&mut self, fits: impl Fn(&Line<'a>, &Line<'a>) -> bool) {
        let mut unmatched = Vec::new();
        for before in std::mem::take(&mut self.before) {
            let found = self.after.iter().position(|after| before.is_like(after) && fits(before, after));
            match found {
                Some(index) => {
                    let after = self.after.remove(index);
                    self.pairs.push(Pair { before: Some(before), after: Some(after) });
                }
                None => unmatched.push(before),
            }
        }
        self.before = unmatched;
    }

    /// On each ladder, the one line removed and the one added.
    fn on_ladders(&mut self) {
        let steps = self.before.iter().flat_map(|line| &line.place.ladders);
        let ladders: BTreeSet<Ladder> = steps.cloned().collect();
        for ladder in &ladders {
            let stands = |line: &Line<'a>| !line.is_metered() && line.place.ladders.contains(ladder);
            self.only(stands, stands);
        }
    }

    /// Off all ladders, the only line removed and the only one added. An add-on is held beside
    /// something, never in its place.
    fn only_ones(&mut self, reach: Reach) {
        let is_off = |line: &Line<'a>| !line.is_metered() && !line.place.is_add_on;
        let is_free = |line: &Line<'a>| line.place.ladders.is_empty();
        match reach {
            Reach::Customer => self.only_free(is_off, is_free),
            Reach::Subscription => {
                let mut ids: Vec<_> = self.before.iter().map(|line| line.subscription.clone()).collect();
                ids.dedup();
                for id in ids {
                    self.only_free(|line| is_off(line) && line.subscription == id, is_free);
                }
            }
        }
    }

    fn only_free(&mut self, counts: impl Fn(&Line<'a>) -> bool, is_free: impl Fn(&Line<'a>) -> bool) {
        let removed: Vec<&Line<'a>> = self.before.iter().copied().filter(|line| counts(line)).collect();
        let added: Vec<&Line<'a>> = self.after.iter().copied().filter(|line| counts(line)).collect();
        if let ([before], [after]) = (&removed[..], &added[..])
            && is_free(before)
            && is_free(after)
        {
            self.only(&counts, &counts);
        }
    }

    /// Pairs the two if exactly one line before and exactly one after fit.
    fn only(&mut self, fits_before: impl Fn(&Line<'a>) -> bool, fits_after: impl Fn(&Line<'a>) -> bool) {
        let removed: Vec<usize> = (0..self.before.len()).filter(|i| fits_before(self.before[*i])).collect();
        let added: Vec<usize> = (0..self.after.len()).filter(|i| fits_after(self.after[*i])).collect();
        if let ([removed], [added]) = (&removed[..], &added[..])
            && self.before[*removed].is_like(self.after[*added])
        {
            let before = Some(self.before.remove(*removed));
            let after = Some(self.after.remove(*added));
            self.pairs.push(Pair { before, after });
        }
    }

    fn finish(mut self) -> Vec<Pair<'l, 'a>> {
        self.pairs.extend(self.before.into_iter().map(|line| Pair { before: Some(line), after: None }));
        self.pairs.extend(self.after.into_iter().map(|line| Pair { before: None, after: Some(line) }));
        let place = |pair: &Pair<'l, 'a>| {
            let line = pair.after.or(pair.before);
            line.map(|line| (line.subscription.clone(), line.item.clone(), pair.after.is_some()))
        };
        self.pairs.sort_by_key(place);
        self.pairs
    }
}
