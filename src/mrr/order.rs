//! The order of a subscription's snapshots (R10): by the second they were made in, and within one
//! second by the chain of their `previous_attributes`.

use super::{Discount, Item, Origin, Snapshot, State};

/// A subscription's snapshots in order, each with whether the chain breaks before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ordered<'a> {
    /// The snapshot.
    pub(super) snapshot: &'a Snapshot,
    /// Whether its state before is not the state that the snapshot before it left.
    pub(super) is_broken: bool,
}

/// What following one state with a snapshot costs, worst first: a break of the chain, a change that
/// nothing explains, and saying what was known. The last is no break (R10), yet an order that
/// needs fewer of them explains more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Cost {
    breaks: u32,
    unexplained: u32,
    repeats: u32,
    /// Ends asked for or taken back that are not what the state before said: no break, for versions
    /// differ in how they tell them, yet they too have an order.
    drifts: u32,
}

/// More than this many in one second are put in order step by step, not by trying every order.
const EXHAUSTIVE: usize = 12;

/// Puts the snapshots of one subscription in order (R10). `before` is the state they continue from,
/// if it is known.
///
/// Created first, deleted last, and between them the order with the fewest breaks; ties by event id.
#[must_use]
pub(super) fn order<'a>(before: Option<&'a State>, snapshots: &[&'a Snapshot]) -> Vec<Ordered<'a>> {
    let mut sorted = snapshots.to_vec();
    sorted.sort_by(|a, b| (a.at, &a.evidence.event).cmp(&(b.at, &b.evidence.event)));
    // One invoice may tell of several instants.
    sorted.dedup_by(|a, b| a.at == b.at && a.evidence.event == b.evidence.event);
    let mut ordered: Vec<Ordered<'a>> = Vec::with_capacity(sorted.len());
    for second in sorted.chunk_by(|a, b| a.at == b.at) {
        let rank = |snapshot: &Snapshot| match snapshot.origin {
            Origin::Created => 0,
            Origin::Updated | Origin::Seen => 1,
            Origin::Deleted => 2,
        };
        let mut second = second.to_vec();
        second.sort_by_key(|snapshot| rank(snapshot));
        for group in second.chunk_by(|a, b| rank(a) == rank(b)) {
            let reached = ordered.last().map(|last| &last.snapshot.state).or(before);
            for snapshot in chain(reached, group) {
                // Events are a chain; what lists tell is none, and may have missed something.
                let is_linked = |last: &&Ordered<'_>| last.snapshot.evidence.grade.is_event();
                let linked = ordered.last().filter(is_linked).map(|last| &last.snapshot.state);
                let reached = if ordered.is_empty() { before } else { linked };
                let is_broken = reached.is_some_and(|state| follow(Some(state), snapshot).breaks > 0);
                ordered.push(Ordered { snapshot, is_broken });
            }
        }
    }
    ordered
}

/// The order of `group`, sorted by event id, that costs least after `reached`.
fn chain<'a>(reached: Option<&State>, group: &[&'a Snapshot]) -> Vec<&'a Snapshot> {
    match group.len() {
        0 | 1 => group.to_vec(),
        size if size <= EXHAUSTIVE => cheapest_path(reached, group),
        _ => nearest_steps(reached, group),
    }
}

/// Tries every order: `rest[set][last]` is the least cost of following `last` with all that is not
/// in `set`.
fn cheapest_path<'a>(reached: Option<&State>, group: &[&'a Snapshot]) -> Vec<&'a Snapshot> {
    let size = group.len();
    let full = (1_usize << size) - 1;
    let step: Vec<Vec<Cost>> =
        group.iter().map(|from| group.iter().map(|to| follow(Some(&from.state), to)).collect()).collect();
    let mut rest = vec![vec![Cost::default(); size]; full + 1];
    for set in (1..full).rev() {
        for last in (0..size).filter(|last| set & (1 << last) != 0) {
            rest[set][last] = (0..size)
                .filter(|next| set & (1 << next) == 0)
                .map(|next| step[last][next].plus(rest[set | (1 << next)][next]))
                .min()
                .unwrap_or_default();
        }
    }
    let mut path: Vec<usize> = Vec::with_capacity(size);
    let mut set = 0;
    while set != full {
        let cost = |next: usize| match path.last() {
            Some(last) => step[*last][next],
            None => follow(reached, group[next]),
        };
        // The group is sorted by event id, and the first of equals wins: ties go by id.
        let Some(next) = (0..size)
            .filter(|next| set & (1 << next) == 0)
            .min_by_key(|next| cost(*next).plus(rest[set | (1 << next)][*next]))
        else {
            break;
        };
        path.push(next);
        set |= 1 << next;
    }
    path.into_iter().map(|index| group[index]).collect()
}

/// Takes the cheapest next snapshot again and again.
fn nearest_steps<'a>(reached: Option<&State>, group: &[&'a Snapshot]) -> Vec<&'a Snapshot> {
    let mut left = group.to_vec();
    let mut path: Vec<&'a Snapshot> = Vec::with_capacity(group.len());
    while !left.is_empty() {
        let from = path.last().map(|last| &last.state).or(reached);
        let next = (0..left.len()).min_by_key(|index| follow(from, left[*index])).unwrap_or(0);
        path.push(left.remove(next));
    }
    path
}

impl Cost {
    fn plus(self, other: Self) -> Self {
        Self {
            breaks: self.breaks + other.breaks,
            unexplained: self.unexplained + other.unexplained,
            repeats: self.repeats + other.repeats,
            drifts: self.drifts + other.drifts,
        }
    }
}

/// What it costs that `snapshot` follows the state `reached`; nothing where none is known.
fn follow(reached: Option<&State>, snapshot: &Snapshot) -> Cost {
    let Some(reached) = reached else {
        return Cost::default();
    };
    let previous = snapshot.previous.as_ref();
    let drifts = u32::from(previous.is_some_and(|previous| previous.ends_at != reached.ends_at));
    if previous.is_some_and(|previous| is_same(previous, reached) && !is_same(previous, &snapshot.state)) {
        return Cost { drifts, ..Cost::default() };
    }
    if is_same(&snapshot.state, reached) {
        return Cost { repeats: 1, drifts, ..Cost::default() };
    }
    // An end needs no explanation, and a beginning has none; a notice carries no `previous_attributes`.
    let is_link = snapshot.origin == Origin::Updated && previous.is_some();
    Cost {
        breaks: u32::from(is_link),
        unexplained: u32::from(!is_link && snapshot.origin != Origin::Deleted),
        repeats: 0,
        drifts,
    }
}

/// Whether two states are the same as far as MRR goes. Discounts that can't be told apart, one
/// known by its coupon and one by its own id, count as the same: versions differ in what they show.
fn is_same(one: &State, other: &State) -> bool {
    // Of two lists that both leave items out, what they show is compared.
    let are_alike = one.items_truncated == other.items_truncated;
    one.status == other.status
        && one.collection_paused == other.collection_paused
        && (!are_alike || are_same_items(&one.items, &other.items))
        && are_same_discounts(&one.discounts, &other.discounts)
}

fn are_same_items(one: &[Item], other: &[Item]) -> bool {
    let is_same = |a: &Item, b: &Item| {
        a.price.id == b.price.id
            && a.quantity == b.quantity
            && a.inclusive_tax == b.inclusive_tax
            && are_same_discounts(&a.discounts, &b.discounts)
    };
    let has_same = |a: &Item| other.iter().any(|b| a.id == b.id && is_same(a, b));
    one.len() == other.len() && one.iter().all(has_same)
}

fn are_same_discounts(one: &[Discount], other: &[Discount]) -> bool {
    let differ = |a: &Discount, b: &Discount| {
        let ids = matches!((&a.id, &b.id), (Some(a), Some(b)) if a != b);
        let coupons = matches!((&a.coupon_id, &b.coupon_id), (Some(a), Some(b)) if a != b);
        ids || coupons
    };
    one.len() == other.len() && !one.iter().zip(other).any(|(a, b)| differ(a, b))
}
