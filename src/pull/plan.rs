//! Which spans of which lists are to be read: the rest of an interrupted pull, or what is newer than the last one.

use crate::api::List;
use crate::ledger::PullSlice;

const A_DAY: i64 = 86_400;
/// How long Stripe keeps events.
pub const EVENTS_KEPT_SECONDS: i64 = 30 * A_DAY;
/// How far a pull reaches back behind the one before: clocks differ, and lists lag.
pub(super) const OVERLAP_SECONDS: i64 = 3_600;
/// Events of so many days are a slice.
const EVENT_DAYS: i64 = 5;
/// Half a year of anything else is a slice, and so many of them are made; what is older is one more.
const SLICE_DAYS: i64 = 182;
const SLICES: usize = 8;

/// The lists of a pull, in the order they are begun: what subscriptions refer to comes first.
pub(super) const LISTS: [List; 9] = [
    List::Products,
    List::Prices,
    List::InactivePrices,
    List::Coupons,
    List::Events,
    List::Customers,
    List::Subscriptions,
    List::Schedules,
    List::Invoices,
];

/// Whose list it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner<'o> {
    /// The connected account; empty for the own one.
    pub(super) account: &'o str,
    /// The mode.
    pub(super) livemode: bool,
}

/// The slices of a list that are to be read now. `known` is what was planned of it before, and `since` how far back
/// the person wants to go: of the first pull it bounds events and invoices only, for what else is listed began
/// before and still counts.
pub(super) fn plan(
    owner: Owner<'_>,
    list: List,
    known: &[PullSlice],
    since: Option<i64>,
    now: i64,
) -> Vec<PullSlice> {
    let mut slices: Vec<PullSlice> = known.iter().filter(|slice| slice.done_at.is_none()).cloned().collect();
    let newest = known.iter().map(|slice| slice.until).max();
    let from = match newest {
        // What is left is read first; what came since then is worth asking for only after a while.
        Some(newest) if !slices.is_empty() && now - newest <= OVERLAP_SECONDS => return slices,
        Some(newest) => {
            let usual = again_from(list, known, newest, now);
            since.map_or(usual, |since| since.min(usual))
        }
        None if matches!(list, List::Events | List::Invoices) => since.unwrap_or(0),
        None => 0,
    };
    let from = if list == List::Events { from.max(now - EVENTS_KEPT_SECONDS) } else { from.max(0) };
    let fresh = spans(list, from, now).into_iter();
    slices.extend(fresh.map(|span| PullSlice::new(owner.account, owner.livemode, list.name(), span)));
    slices
}

/// From when on a list is read that was read before: what is older and changed was told by events, unless they
/// are gone by now.
fn again_from(list: List, known: &[PullSlice], newest: i64, now: i64) -> i64 {
    let is_told_by_events = list == List::Events || now - newest < EVENTS_KEPT_SECONDS - OVERLAP_SECONDS;
    if is_told_by_events {
        newest - OVERLAP_SECONDS
    } else {
        known.iter().map(|slice| slice.since).min().unwrap_or(0)
    }
}

/// The time from one instant to another in slices, newest first: long lists are read at several places at once.
fn spans(list: List, from: i64, now: i64) -> Vec<(i64, i64)> {
    let (days, most) = match list {
        List::Events => (EVENT_DAYS, SLICES),
        List::Customers | List::Subscriptions | List::Invoices => (SLICE_DAYS, SLICES),
        _ => (SLICE_DAYS, 0),
    };
    let mut spans = Vec::new();
    let mut until = now;
    while spans.len() < most && until - days * A_DAY > from {
        spans.push((until - days * A_DAY, until));
        until -= days * A_DAY;
    }
    spans.push((from, until));
    spans
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_790_000_000;
    const OWN: Owner<'static> = Owner { account: "", livemode: true };

    fn planned(list: List, known: &[PullSlice], since: Option<i64>) -> Vec<(i64, i64)> {
        plan(OWN, list, known, since, NOW).iter().map(|slice| (slice.since, slice.until)).collect()
    }

    fn done(list: List, since: i64, until: i64) -> PullSlice {
        PullSlice { done_at: Some(until), ..PullSlice::new("", true, list.name(), (since, until)) }
    }

    #[test]
    fn a_first_pull_reads_all_there_is() {
        assert_eq!(planned(List::Products, &[], None), [(0, NOW)]);
        let invoices = planned(List::Invoices, &[], None);
        assert_eq!((invoices.len(), invoices[8].0), (9, 0));
        let events = planned(List::Events, &[], None);
        assert_eq!((events.len(), events[5].0), (6, NOW - EVENTS_KEPT_SECONDS));
    }

    #[test]
    fn since_bounds_history_and_not_what_still_stands() {
        let since = NOW - 10 * A_DAY;
        assert_eq!(planned(List::Invoices, &[], Some(since)), [(since, NOW)]);
        assert_eq!(planned(List::Events, &[], Some(since)).last().unwrap().0, since);
        assert_eq!(planned(List::Subscriptions, &[], Some(since)).last().unwrap().0, 0);
    }

    #[test]
    fn a_list_that_was_read_is_read_on_from_there_or_from_an_earlier_day() {
        let last = NOW - 2 * A_DAY;
        let known = [done(List::Subscriptions, 0, last)];
        assert_eq!(planned(List::Subscriptions, &known, None), [(last - OVERLAP_SECONDS, NOW)]);
        let earlier = last - A_DAY;
        assert_eq!(planned(List::Subscriptions, &known, Some(earlier)), [(earlier, NOW)]);
        assert_eq!(planned(List::Subscriptions, &known, Some(NOW)), [(last - OVERLAP_SECONDS, NOW)]);
    }

    #[test]
    fn what_changed_while_events_were_lost_is_listed_anew() {
        let last = NOW - 40 * A_DAY;
        let known = [done(List::Coupons, 7, last)];
        assert_eq!(planned(List::Coupons, &known, None), [(7, NOW)]);
    }

    #[test]
    fn an_interrupted_pull_is_gone_on_with() {
        let open = PullSlice {
            after: Some("in_7".to_owned()),
            ..PullSlice::new("", true, List::Invoices.name(), (0, NOW - 60))
        };
        let known = [done(List::Invoices, 9, NOW - 60), open.clone()];
        assert_eq!(plan(OWN, List::Invoices, &known, None, NOW), [open]);
        let later = plan(OWN, List::Invoices, &known, None, NOW + A_DAY);
        assert_eq!((later.len(), later[1].since), (2, NOW - 60 - OVERLAP_SECONDS));
    }

    proptest! {
        #[test]
        fn slices_leave_nothing_out_and_nothing_twice(from in 0..NOW, which in 0..LISTS.len()) {
            let spans = spans(LISTS[which], from, NOW);
            prop_assert_eq!(spans[0].1, NOW);
            prop_assert_eq!(spans[spans.len() - 1].0, from);
            prop_assert!(spans.windows(2).all(|pair| pair[0].0 == pair[1].1));
            prop_assert!(spans.iter().all(|(since, until)| since < until));
        }
    }
}
