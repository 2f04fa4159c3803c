//! What holds of any business: every table foots, and months join.

use proptest::prelude::*;

use super::book::{Told, at, history, item, month, settings};
use crate::mrr::{Currency, Delta, Fate, Instant, Item, Lane, Mrr, Origin, State, Status, net_month};
use crate::report::{CurrencyBlock, CustomerHistory, Figures, Settings, month_report, range_report};

/// What one customer does next: days later, an act, a product, a quantity.
pub(super) type Act = (i64, u8, u8, u64);

pub(super) fn customers() -> impl Strategy<Value = Vec<Vec<Act>>> {
    let act = (0_i64..40, 0_u8..8, 0_u8..3, 1_u64..9);
    prop::collection::vec(prop::collection::vec(act, 1..12), 1..8)
}

/// The act's item: three products, whose prices differ, or the second in another currency.
fn line(product: u8, quantity: u64) -> Vec<Item> {
    let name = ["basic", "team", "scale"][usize::from(product)];
    vec![item("si", name, [10, 25, 70][usize::from(product)], quantity)]
}

pub(super) fn business(customers: &[Vec<Act>]) -> Vec<Told> {
    let told = customers.iter().enumerate().map(|(index, acts)| {
        let mut told = Told::of(&format!("cus_{index}")).with("region", ["north", "south"][index % 2]);
        told.country = (index % 3 > 0).then(|| "FR".to_owned());
        let mut now = at("2026-01-02").0;
        for (number, (days, act, product, quantity)) in acts.iter().enumerate() {
            now += days * 86_400 + 60;
            told = act_out(told, number, Instant(now), *act, *product, *quantity);
        }
        told
    });
    told.collect()
}

fn act_out(told: Told, number: usize, now: Instant, act: u8, product: u8, quantity: u64) -> Told {
    let (first, second) = ("sub_first".to_owned(), format!("sub_{number}"));
    let Some(held) = told.holds(&first).cloned() else {
        let state = super::book::state(line(product, quantity));
        return told.tell(&first, now, Origin::Created, state, None);
    };
    let change = |told: Told, next: State| told.tell(&first, now, Origin::Updated, next, Some(held.clone()));
    match act {
        0 | 1 => change(told, State { items: line(product, quantity), ..held.clone() }),
        2 => {
            let extra =
                super::book::priced("si_x", "addon", "usd", 777, quantity, crate::mrr::Cadence::MONTHLY);
            let mut items = line(product, quantity);
            items.push(extra);
            change(told, State { items, ..held.clone() })
        }
        3 => change(told, State { collection_paused: !held.collection_paused, ..held.clone() }),
        4 => {
            let ended = State { status: Status::Canceled, ended_at: Some(now), ..held.clone() };
            told.tell(&first, now, Origin::Deleted, ended, None)
        }
        5 => {
            let euros = super::book::priced("si_e", "team", "eur", 1_999, quantity, yearly());
            told.tell(&second, now, Origin::Created, super::book::state(vec![euros]), None)
        }
        6 => told.tell(&second, now, Origin::Created, super::book::state(line(product, quantity)), None),
        _ => {
            let before = super::book::state(line(product, 1));
            let after = super::book::state(line(product, quantity));
            told.tell(&second, now, Origin::Updated, after, Some(before))
        }
    }
}

fn yearly() -> crate::mrr::Cadence {
    crate::mrr::Cadence { interval: crate::mrr::Interval::Year, count: std::num::NonZeroU32::MIN }
}

pub(super) fn asked() -> Settings {
    Settings {
        owner_key: Some("region".to_owned()),
        segments: vec!["metadata.region".to_owned()],
        size_bands: vec![50, 200],
        ..settings()
    }
}

/// Starting + lanes + transfers = ending.
pub(super) fn foots(figures: &Figures) -> bool {
    let roll = &figures.rollforward;
    let lanes: Delta = roll.lanes.iter().map(|(_, amount)| *amount).sum();
    roll.starting_mrr + lanes + roll.transfer_in + roll.transfer_out == roll.ending_mrr
}

/// Every column of parts sums to the whole's.
pub(super) fn sums_to(parts: &[&Figures], whole: &Figures) -> Result<(), TestCaseError> {
    let stock =
        |of: &dyn Fn(&Figures) -> Mrr| parts.iter().map(|figures| of(figures)).sum::<Mrr>() == of(whole);
    let flow =
        |of: &dyn Fn(&Figures) -> Delta| parts.iter().map(|figures| of(figures)).sum::<Delta>() == of(whole);
    prop_assert!(stock(&|figures| figures.rollforward.starting_mrr));
    prop_assert!(stock(&|figures| figures.rollforward.ending_mrr));
    for lane in Lane::ALL {
        prop_assert!(flow(&|figures| figures.rollforward.lane(*lane)), "{lane:?}");
    }
    for index in 0..7 {
        prop_assert!(flow(&|figures| figures.expansion_by_kind[index].1));
        prop_assert!(flow(&|figures| figures.contraction_by_kind[index].1));
    }
    prop_assert!(flow(&|figures| figures.core_expansion));
    prop_assert!(flow(&|figures| figures.rollforward.transfer_in + figures.rollforward.transfer_out));
    Ok(())
}

/// Causes, customers, months and segments are other ways to take the same expansion apart; cohorts keep no more
/// than there is.
pub(super) fn spreads(block: &CurrencyBlock) -> Result<(), TestCaseError> {
    let total = block.figures.total_expansion;
    let sum = |causes: &[(crate::mrr::Cause, Delta)]| causes.iter().map(|(_, sum)| *sum).sum::<Delta>();
    prop_assert_eq!(sum(&block.expansion_by_cause), total);
    prop_assert_eq!(sum(&block.contraction_by_cause), block.figures.rollforward.lane(Lane::Contraction));
    let largest = block.concentration.curve.last().map_or(Delta::ZERO, |point| point.expansion);
    prop_assert_eq!(largest, total);
    let last = block.trend.last().map(|month| (month.total_expansion(), month.core_expansion));
    prop_assert_eq!(last.unwrap_or_default(), (total, block.figures.core_expansion));
    for trend in &block.segment_trends {
        for (index, month) in block.trend.iter().enumerate() {
            let of_month: Delta = trend.rows.iter().map(|(_, months)| months[index]).sum();
            prop_assert_eq!(of_month, month.core_expansion, "{} {}", &trend.dimension, month.month);
        }
    }
    let mut left = Mrr::ZERO;
    for cohort in &block.retention {
        prop_assert!(cohort.base.is_positive() && cohort.brought_forward <= cohort.customers);
        left += cohort.points.last().map_or(cohort.base, |point| point.mrr);
        for point in &cohort.points {
            let (net, gross) = (point.nrr.known().unwrap(), point.grr.known().unwrap());
            prop_assert!(gross.numerator <= net.numerator && gross.numerator <= cohort.base.0);
        }
    }
    prop_assert!(left <= block.figures.rollforward.ending_mrr);
    prop_assert!(block.pauses.iter().all(|paused| paused.mrr.is_positive()));
    Ok(())
}

fn quiet(customer: &CustomerHistory) -> bool {
    customer.movements.is_empty()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_month_and_segment_foots_and_each_closing_is_the_next_opening(acts in customers()) {
        let told = business(&acts);
        let history = history(&told, at("2027-12-01"));
        let range = range_report(&history, &asked(), month("2026-01"), month("2027-03")).unwrap();
        let mut closing: std::collections::BTreeMap<Currency, Mrr> = std::collections::BTreeMap::new();
        for report in &range.months {
            let mut opened = std::mem::take(&mut closing);
            for block in &report.currencies {
                prop_assert!(foots(&block.figures));
                let opening = opened.remove(&block.currency).unwrap_or_default();
                prop_assert_eq!(block.figures.rollforward.starting_mrr, opening);
                closing.insert(block.currency.clone(), block.figures.rollforward.ending_mrr);
                for table in &block.segments {
                    let rows: Vec<&Figures> = table.rows.iter().map(|row| &row.figures).collect();
                    for row in &rows {
                        prop_assert!(foots(row), "{} {row:?}", table.dimension);
                    }
                    sums_to(&rows, &block.figures)?;
                }
                let cohorts: Vec<&Figures> = block.cohorts.iter().map(|cohort| &cohort.figures).collect();
                sums_to(&cohorts, &block.figures)?;
                spreads(block)?;
            }
            prop_assert!(opened.values().all(|left| *left == Mrr::ZERO));
        }
        prop_assert!(range.months.iter().all(|report| report.incomplete.is_empty()));
        prop_assert!(!history.customers.iter().all(quiet) || range.months.iter().all(|m| m.currencies.is_empty()));
    }

    #[test]
    fn the_same_history_gives_the_same_bytes_whatever_the_order_of_its_customers(acts in customers()) {
        let mut history = history(&business(&acts), at("2027-12-01"));
        let one = month_report(&history, &asked(), month("2026-03"));
        history.customers.reverse();
        let other = month_report(&history, &asked(), month("2026-03"));
        prop_assert_eq!(one.to_json().unwrap(), other.to_json().unwrap());
        prop_assert_eq!(one.to_csv().unwrap(), other.to_csv().unwrap());
    }

    #[test]
    fn the_same_history_gives_the_same_bytes_in_whatever_order_an_instant_was_posted(acts in customers()) {
        let mut history = history(&business(&acts), at("2027-12-01"));
        let one = month_report(&history, &asked(), month("2026-03"));
        for customer in &mut history.customers {
            customer.movements.reverse();
            customer.movements.sort_by_key(|movement| movement.effective_at);
        }
        let other = month_report(&history, &asked(), month("2026-03"));
        prop_assert_eq!(one.to_json().unwrap(), other.to_json().unwrap());
    }

    #[test]
    fn retention_is_one_plus_the_lanes_of_those_in_the_denominator(acts in customers()) {
        let history = history(&business(&acts), at("2027-12-01"));
        let (start, end) = (month("2026-03").start(chrono_tz::Tz::UTC), month("2026-03").end(chrono_tz::Tz::UTC));
        let report = month_report(&history, &asked(), month("2026-03"));
        for block in &report.currencies {
            let (mut base, mut moved, mut at_most) = (Mrr::ZERO, Delta::ZERO, Mrr::ZERO);
            for customer in &history.customers {
                let net = net_month(&customer.levels, &customer.movements, start, end);
                let here = net.currencies.get(&block.currency).cloned().unwrap_or_default();
                if matches!(net.fate, Fate::Came(_)) {
                    prop_assert_eq!(here.base(), Mrr::ZERO);
                }
                if here.base().is_positive() {
                    moved += here.cells.iter().map(|cell| cell.delta).sum::<Delta>() - here.brought;
                    at_most += here.base().min(here.end);
                }
                base += here.base();
            }
            let Some(nrr) = block.figures.nrr.known() else {
                prop_assert_eq!(base, Mrr::ZERO);
                continue;
            };
            prop_assert_eq!(nrr.denominator, base.0);
            prop_assert_eq!(nrr.numerator, base.0 + moved.0);
            prop_assert_eq!(block.figures.grr.known().map(|grr| grr.numerator), Some(at_most.0));
        }
    }
}
