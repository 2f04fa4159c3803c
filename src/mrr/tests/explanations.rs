//! What a derivation tells of itself: the steps of a level, the sides of a movement, the cell it lands in.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::businesses::business;
use super::testing::*;
use crate::mrr::{
    Counts, Fate, Instant, Lane, Matter, Month, Mrr, NotApplied, Occasion, Off, PriceAmount, Reason, Scope,
    TiersMode, TransformQuantity, ValuationStep, explain, landing, net_month,
};

/// The steps of a story's newest moment, of its item at `index`.
fn steps(story: &Story, index: usize) -> Vec<ValuationStep> {
    let told = explain(&story.timeline(), story.rules());
    told.moments.last().unwrap().lines[index].valuation.steps.clone()
}

fn shown(step: &ValuationStep) -> String {
    match step {
        ValuationStep::Quantity { units } => format!("{units} units"),
        ValuationStep::Packages { units, packages, .. } => format!("{units} units are {packages} packages"),
        ValuationStep::Units { units, unit, amount } => format!("{units} × {unit} = {amount}"),
        ValuationStep::Band { number, units, unit, flat, amount, .. } => {
            format!("band {number}: {units} × {unit} + {flat} = {amount}")
        }
        ValuationStep::Period { amount, .. } => format!("a period: {amount}"),
        ValuationStep::Discount { scope, off, eligible, before, after, .. } => {
            let off = match off {
                Off::Percent(millionths) => format!("{millionths} millionths"),
                Off::Amount { amount, .. } => {
                    format!(
                        "{amount} over {}",
                        eligible.as_ref().map(ToString::to_string).unwrap_or_default()
                    )
                }
            };
            format!("{scope:?}: {before} less {off} = {after}")
        }
        ValuationStep::WithoutTax { before, after, .. } => format!("{before} without tax = {after}"),
        ValuationStep::Usage { billed, after, .. } => format!("billed {billed}, a month {after}"),
        ValuationStep::Mean { periods, after, .. } => format!("mean of {periods} = {after}"),
        ValuationStep::Month { factor, before, after } => {
            format!("{before} × {}/{} = {after}", factor.0, factor.1)
        }
        ValuationStep::Rounded { before, level } => format!("{before} ≈ {level}"),
    }
}

fn assert_steps(story: &Story, index: usize, expected: &[&str]) {
    let steps = steps(story, index);
    assert_eq!(steps.iter().map(shown).collect::<Vec<_>>(), expected);
}

#[test]
fn packages_discounts_tax_and_interval_are_told_in_their_order() {
    let mut packs = yearly(price("p", "P", 100));
    let transform = Some(TransformQuantity { divide_by: 10.try_into().unwrap(), round_up: true });
    packs.scheme = crate::mrr::Scheme::PerUnit { unit: dollars(100), transform };
    let mut held = item("i", &packs, 25);
    held.inclusive_tax = 200_000;
    held.discounts = vec![percent("own", 50)];
    let other = item("j", &price("q", "Q", 50), 1);
    let state = discounted(active(&[held, other]), &[dollars_off("shared", 20)]);
    let story = Story::new().created("a", day(0), state);
    assert_steps(
        &story,
        0,
        &[
            "25 units",
            "25 units are 3 packages",
            "3 × 10000 = 30000",
            "a period: 30000",
            "Item: 30000 less 500000 millionths = 15000",
            "Shared: 15000 less 2000 over 20000 = 13500",
            "13500 without tax = 11250",
            "11250 × 1/12 = 937.5",
            "937.5 ≈ 937.5",
        ],
    );
}

#[test]
fn each_band_of_a_tiered_price_is_told() {
    let tiers = [(Some(5), 10, 3), (Some(10), 9, 0), (None, 8, 0)];
    let graduated = tiered(price("p", "P", 0), TiersMode::Graduated, &tiers);
    let story = |price| Story::new().created("a", day(0), active(&[item("i", &price, 12)]));
    let bands: Vec<ValuationStep> = steps(&story(graduated), 0)
        .into_iter()
        .filter(|step| matches!(step, ValuationStep::Band { .. }))
        .collect();
    let of = |band: &ValuationStep| match band {
        ValuationStep::Band { number, units, .. } => (*number, *units),
        _ => (0, 0),
    };
    assert_eq!(bands.iter().map(of).collect::<Vec<_>>(), [(1, 5), (2, 5), (3, 2)]);
    let volume = tiered(price("p", "P", 0), TiersMode::Volume, &tiers);
    let bands = steps(&story(volume), 0);
    assert_eq!(of(&bands[1]), (3, 12));
}

#[test]
fn a_discount_that_takes_nothing_off_says_why() {
    let mut held = item("i", &price("p", "P", 100), 1);
    held.discounts = vec![once(percent("first", 10))];
    let shared =
        [until(percent("over", 10), day(0)), limited_to(percent("others", 10), &["Q"]), percent("runs", 10)];
    let story = Story::new()
        .discount(None, day(0), crate::mrr::DiscountChange::Created, &percent("customer", 30))
        .created("a", day(1), discounted(active(&[held]), &shared));
    let told = explain(&story.timeline(), story.rules());
    let line = &told.moments[0].lines[0];
    let why: Vec<(Scope, NotApplied)> =
        line.set_aside.iter().map(|aside| (aside.scope, aside.why.clone())).collect();
    assert_eq!(
        why,
        [
            (Scope::Item, NotApplied::Once),
            (Scope::Shared, NotApplied::Over(day(0))),
            (Scope::Shared, NotApplied::OtherProducts),
            (Scope::Customer, NotApplied::StandsAside),
        ]
    );
    assert_eq!(line.stands, Some(Mrr(9_000_000_000)));
}

#[test]
fn a_customers_discount_is_told_as_the_customers() {
    let story = Story::new()
        .discount(None, day(0), crate::mrr::DiscountChange::Created, &percent("customer", 30))
        .created("a", day(1), active(&[item("i", &price("p", "P", 100), 1)]));
    let steps = steps(&story, 0);
    let is_customers =
        |step: &ValuationStep| matches!(step, ValuationStep::Discount { scope: Scope::Customer, .. });
    assert!(steps.iter().any(is_customers), "{steps:?}");
}

#[test]
fn what_ends_without_a_word_is_a_moment_of_its_own() {
    let shared = [until(percent("d", 10), day(10))];
    let state = discounted(active(&[item("i", &price("p", "P", 100), 1)]), &shared);
    let story = Story::new().created("a", day(0), state);
    let told = explain(&story.timeline(), story.rules());
    let moments: Vec<(Instant, &Occasion)> =
        told.moments.iter().map(|moment| (moment.at, &moment.occasion)).collect();
    assert_eq!(moments.len(), 2, "{moments:?}");
    assert_eq!(moments[1], (day(10), &Occasion::DiscountEnded));
    assert_eq!(told.moments[1].lines[0].stands, Some(Mrr(10_000_000_000)));
}

#[test]
fn what_was_learnt_is_named_with_its_teacher() {
    let known = price("p", "P", 100);
    let story = Story::new()
        .created("a", day(0), active(&[item("i", &unknown_tiers(known.clone()), 1)]))
        .learns_price(day(-5), &known);
    let told = explain(&story.timeline(), story.rules());
    let teachers = &told.moments[0].lines[0].teachers;
    assert_eq!(teachers.len(), 1, "{teachers:?}");
    assert_eq!((teachers[0].about.as_str(), teachers[0].since), ("price p", day(-5)));
}

#[test]
fn seats_then_tier_are_valued_between_the_two_states() {
    let (basic, pro) = (price("p", "P", 20), price("q", "Q", 30));
    let story = Story::new().created("a", day(0), active(&[item("i", &basic, 10)])).updated(
        "a",
        day(5),
        active(&[item("i", &pro, 12)]),
    );
    let told = explain(&story.timeline(), story.rules());
    let seat = &told.derivation.movements[1];
    let side = told.side(&seat.subscription, seat.effective_at, seat.after.as_ref().unwrap(), true).unwrap();
    assert!(side.is_between);
    assert!(side.steps.contains(&ValuationStep::Units {
        units: 12,
        unit: dollars(20),
        amount: PriceAmount::minor_units(24_000),
    }));
}

#[test]
fn a_paused_subscription_counts_for_nothing_and_holds_no_level() {
    let story =
        Story::new().created("a", day(0), active(&[item("i", &price("p", "P", 100), 1)])).pause("a", day(5));
    let told = explain(&story.timeline(), story.rules());
    assert_eq!(told.moments[1].counts, Counts::Paused);
    assert_eq!(told.moments[1].lines[0].stands, None);
    assert_eq!(told.moments[0].lines[0].stands, Some(Mrr(10_000_000_000)));
}

#[test]
fn a_gap_inside_a_month_lands_bridged_and_a_newcomers_upsell_in_new() {
    let zone = chrono_tz::UTC;
    let state = |amount| active(&[item("i", &price("p", "P", amount), 1)]);
    let gap = Story::new().created("a", day(-40), state(100)).deleted("a", day(4)).created(
        "b",
        day(20),
        state(120),
    );
    let newcomer = Story::new().created("a", day(2), state(100)).updated(
        "a",
        day(9),
        active(&[item("i", &price("q", "Q", 150), 1)]),
    );
    for (story, expected) in [(gap, Reason::Bridged), (newcomer, Reason::Came)] {
        let derivation = story.derive();
        let month = Month::of(day(5), zone);
        let net = net_month(&derivation.levels, &derivation.movements, month.start(zone), month.end(zone));
        for movement in derivation.movements.iter().filter(|moved| moved.effective_at >= month.start(zone)) {
            let landed = landing(&net, movement, month.start(zone));
            assert_eq!(landed.reason, expected, "{movement:?}");
        }
    }
}

/// A number in each step is the one that the step before left.
pub(super) fn assert_chained(steps: &[ValuationStep]) {
    let mut last: Option<String> = None;
    for step in steps {
        let (before, after) = match step {
            ValuationStep::Period { amount, .. } => (None, Some(amount.to_string())),
            ValuationStep::Discount { before, after, .. }
            | ValuationStep::WithoutTax { before, after, .. }
            | ValuationStep::Month { before, after, .. } => {
                (Some(before.to_string()), Some(after.to_string()))
            }
            ValuationStep::Mean { after, .. } => (None, Some(after.to_string())),
            ValuationStep::Rounded { before, .. } => (Some(before.to_string()), None),
            ValuationStep::Usage { .. } => continue,
            _ => (None, None),
        };
        if let (Some(last), Some(before)) = (&last, &before) {
            assert_eq!(last, before, "{steps:?}");
        }
        last = after.or(last);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_last_step_of_every_line_is_its_level_and_the_one_that_stands(story in business()) {
        let told = explain(&story.timeline(), story.rules());
        for moment in &told.moments {
            for line in &moment.lines {
                assert_chained(&line.valuation.steps);
                let Ok(level) = line.valuation.level else { continue };
                match line.valuation.steps.last() {
                    Some(ValuationStep::Rounded { level: last, .. }) => prop_assert_eq!(*last, level),
                    other => prop_assert!(false, "{:?}", other),
                }
                // Of several words of one second only the last one stands.
                let is_last = !told.moments.iter().rev().take_while(|other| !std::ptr::eq(*other, moment))
                    .any(|other| other.at == moment.at && other.subscription == moment.subscription);
                if let Some(stands) = line.stands.filter(|_| is_last && moment.counts == Counts::Levels) {
                    prop_assert_eq!(stands, level, "{:?}", moment);
                }
            }
        }
    }

    #[test]
    fn every_side_of_a_movement_is_valued_step_by_step(story in business()) {
        let told = explain(&story.timeline(), story.rules());
        let is_held = told.derivation.findings.iter().any(|finding| {
            matches!(finding.matter, Matter::Incomplete { .. } | Matter::ItemsTruncated | Matter::UnknownStatus)
        });
        for movement in told.derivation.movements.iter().filter(|_| !is_held) {
            for (side, is_after) in [(&movement.before, false), (&movement.after, true)] {
                let Some(side) = side else { continue };
                let found = told.side(&movement.subscription, movement.effective_at, side, is_after);
                prop_assert!(found.is_some(), "{:?} {:?}", movement, told.moments);
            }
        }
    }

    #[test]
    fn every_lane_of_a_month_is_landed_in_by_a_movement(story in business()) {
        let zone = chrono_tz::UTC;
        let derivation = story.derive();
        let months: BTreeSet<Month> =
            derivation.movements.iter().map(|movement| Month::of(movement.effective_at, zone)).collect();
        for month in months {
            let (start, end) = (month.start(zone), month.end(zone));
            let net = net_month(&derivation.levels, &derivation.movements, start, end);
            let moved = derivation.movements.iter().filter(|moved| (start..end).contains(&moved.effective_at));
            let landed: Vec<_> = moved.map(|moved| (moved.currency.clone(), landing(&net, moved, start))).collect();
            for (currency, lanes) in &net.currencies {
                let went = matches!(net.fate, Fate::Went(_));
                for cell in &lanes.cells {
                    let is_landed = |lane: Lane| landed.iter().any(|(_, landing)| landing.lane == Some(lane));
                    // What went takes what was brought with it.
                    prop_assert!(
                        is_landed(cell.lane) || (went && cell.delta.0 == 0),
                        "{} {:?} {:?} {:?}", currency, cell, landed, net
                    );
                }
            }
        }
    }
}
