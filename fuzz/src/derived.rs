//! What has to hold for whatever is derived.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use libfuzzer_sys::arbitrary::{Result, Unstructured};

use crate::mrr::{
    Checkpoint, Currency, Delta, Derivation, Fact, Instant, Level, Month, Movement, Mrr, Start, Timeline,
    derive_with_lag, net_month,
};
use crate::testing::{DAY, Story, assert_sound};
use crate::timeline::story;

/// Zones with and without summer time, on both sides of Greenwich.
const ZONES: [Tz; 3] = [Tz::UTC, Tz::America__New_York, Tz::Pacific__Auckland];
/// The most months that are netted.
const MOST_MONTHS: usize = 36;

/// Derives a timeline in several ways, which have to agree.
pub fn check(u: &mut Unstructured<'_>) -> Result<()> {
    let zone = *u.choose(&ZONES)?;
    let lag = *u.choose(&[0, 3_600, 4 * DAY])?;
    let cut = u.int_in_range(1..=11_usize)?;
    let story = story(u)?;
    let whole = derived(&story, story.facts.clone(), 0);
    check_order(&story, &whole);
    assert_sound(&whole.movements);
    assert_sound(&[whole.movements.as_slice(), whole.scheduled.as_slice()].concat());
    check_levels(&whole);
    check_months(&whole, zone);
    check_checkpoint(&story, cut, lag);
    Ok(())
}

fn derived(story: &Story, facts: Vec<Fact>, lag: i64) -> Derivation {
    derive_with_lag(&Timeline { facts, start: None }, story.rules(), lag)
}

/// Neither the order of the facts nor their number matters (R22).
fn check_order(story: &Story, whole: &Derivation) {
    let reversed: Vec<Fact> = story.facts.iter().rev().cloned().collect();
    assert_eq!(&derived(story, reversed.clone(), 0), whole, "the order of facts matters");
    let twice: Vec<Fact> = story.facts.iter().chain(&reversed).cloned().collect();
    assert_eq!(&derived(story, twice, 0), whole, "the number of facts matters");
}

/// The sum of all deltas is the level that is left, for each currency, and the levels of an item
/// follow one another (R1).
fn check_levels(whole: &Derivation) {
    let last = positive(stood(&whole.levels, Instant(i64::MAX)));
    assert_eq!(positive(moved(&whole.movements, Instant(i64::MAX))), last);
    for level in &whole.levels {
        assert!(level.mrr >= Mrr::ZERO, "{level:?}");
        assert!(level.until.is_none_or(|until| until > level.from), "{level:?}");
    }
}

fn stood(levels: &[Level], before: Instant) -> BTreeMap<Currency, Mrr> {
    let mut sums: BTreeMap<Currency, Mrr> = BTreeMap::new();
    let stands = |level: &&Level| level.from < before && level.until.is_none_or(|until| until >= before);
    for level in levels.iter().filter(stands) {
        *sums.entry(level.currency.clone()).or_default() += level.mrr;
    }
    sums
}

fn moved(movements: &[Movement], before: Instant) -> BTreeMap<Currency, Mrr> {
    let mut sums: BTreeMap<Currency, Mrr> = BTreeMap::new();
    for movement in movements.iter().filter(|movement| movement.effective_at < before) {
        *sums.entry(movement.currency.clone()).or_default() += movement.delta;
    }
    sums
}

fn positive(mut sums: BTreeMap<Currency, Mrr>) -> BTreeMap<Currency, Mrr> {
    assert!(sums.values().all(|level| *level >= Mrr::ZERO), "{sums:?}");
    sums.retain(|_, level| level.is_positive());
    sums
}

/// Every month foots, and each closing is the next opening (R26).
fn check_months(whole: &Derivation, zone: Tz) {
    let (Some(first), Some(last)) = (whole.movements.first(), whole.movements.last()) else { return };
    let mut month = Month::of(first.effective_at, zone);
    let end = Month::of(last.effective_at, zone);
    for _ in 0..MOST_MONTHS {
        let (start, until) = (month.start(zone), month.next().start(zone));
        let netted = net_month(&whole.levels, &whole.movements, start, until);
        let standing = |at| positive(moved(&whole.movements, at));
        let (mut starts, mut ends) = (BTreeMap::new(), BTreeMap::new());
        for (currency, net) in &netted.currencies {
            let lanes: Delta = net.cells.iter().map(|cell| cell.delta).sum();
            assert_eq!(net.start + lanes, net.end, "{month} does not foot: {net:#?}");
            starts.insert(currency.clone(), net.start);
            ends.insert(currency.clone(), net.end);
        }
        assert_eq!(positive(starts), standing(start), "{month} opens with something else");
        assert_eq!(positive(ends), standing(until), "{month} closes with something else");
        if month >= end {
            break;
        }
        month = month.next();
    }
}

/// What is derived from a checkpoint is the rest of what is derived from the start (DECISIONS 22).
fn check_checkpoint(story: &Story, cut: usize, lag: i64) {
    let (known, unknown) = story.facts.split_at(cut.min(story.facts.len()));
    let early = derived(story, known.to_vec(), lag);
    let Some(checkpoint) = early.checkpoint else { return };
    // A fact that reaches back behind the checkpoint is derived from the start.
    if unknown.iter().any(|fact| fact.reaches_back_to() <= checkpoint.at) {
        return;
    }
    let at = checkpoint.at;
    let whole = derived(story, story.facts.clone(), lag);
    let (before, after): (Vec<_>, Vec<_>) =
        whole.movements.into_iter().partition(|movement| movement.effective_at <= at);
    let known_before: Vec<_> =
        early.movements.into_iter().filter(|movement| movement.effective_at <= at).collect();
    assert_eq!(before, known_before, "what came later changes what stood at a checkpoint");
    let rest = go_on(story, checkpoint);
    assert_eq!(rest.movements, after, "a derivation from a checkpoint is another one");
    assert_eq!(rest.due_at, whole.due_at);
}

fn go_on(story: &Story, checkpoint: Checkpoint) -> Derivation {
    let is_base = |fact: &&Fact| match fact {
        Fact::Subscription(snapshot) => checkpoint.base.contains(&snapshot.evidence.event),
        _ => false,
    };
    let base = story.facts.iter().filter(is_base).filter_map(|fact| match fact {
        Fact::Subscription(snapshot) => Some(snapshot.clone()),
        _ => None,
    });
    let base = base.collect();
    // What is about the customer itself is at hand from any checkpoint on.
    let is_at_hand = |fact: &&Fact| fact.at() > checkpoint.at || matches!(fact, Fact::Schedule(_));
    let facts = story.facts.iter().filter(is_at_hand).cloned().collect();
    let start = Some(Start { checkpoint, base });
    derive_with_lag(&Timeline { facts, start }, story.rules(), 0)
}
