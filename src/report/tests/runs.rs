//! Months as one period: the total is what the months come to, exactly as data and digit by digit as it is printed.

use proptest::prelude::*;

use super::book::{Told, at, history, item, month, october, settings, value};
use super::properties::{asked, business, customers, foots};
use crate::mrr::{Delta, Lane, Mrr};
use crate::report::sheet::{Row, Section};
use crate::report::{CurrencyBlock, RangeReport, Settings, View, range_report};

fn october_run() -> RangeReport {
    let history = history(&october(), at("2026-12-01"));
    range_report(&history, &settings(), month("2026-09"), month("2026-11")).unwrap()
}

fn json(range: &RangeReport) -> serde_json::Value {
    serde_json::from_str(&range.to_json().unwrap()).unwrap()
}

#[test]
fn the_worked_october_between_its_neighbours_comes_to_what_one_adds_up_by_hand() {
    let total = json(&october_run())["total"].clone();
    assert_eq!((&total["months"], &total["lacking"]), (&3.into(), &serde_json::json!([])));
    let usd = &total["currencies"][0];
    let lanes = [
        ("starting_mrr", "46000"),
        ("opening", "9000"),
        ("new", "48000"),
        ("expansion", "13000"),
        ("churn", "-30000"),
        ("pause", "0"),
        ("transfer", "0"),
        ("ending_mrr", "86000"),
    ];
    for (lane, amount) in lanes {
        assert_eq!(usd["rollforward"][lane], amount, "{lane}");
    }
    assert_eq!((&usd["core_expansion"], &usd["net_expansion"]), (&"13000".into(), &"-17000".into()));
    // 130 of 480 + 130.
    assert_eq!(usd["rates"]["expansion_share_of_new_arr"], "0.213115");
    // 480 + 130 over 300.
    assert_eq!(usd["rates"]["quick_ratio"], "2.033333");
    let reason = |name: &str| usd["rates"][format!("{name}_reason")].as_str().unwrap_or_default().to_owned();
    assert!(usd["rates"]["nrr"].is_null() && reason("nrr").contains("of single months"), "{usd}");
    assert_eq!(reason("ttm_expansion_rate"), "of twelve months, not of 3");
    let said = usd["summary"].as_array().unwrap();
    assert_eq!(
        said[0],
        "In 3 months MRR rose from 460.00 to 860.00: 480.00 from new customers, 130.00 from expansion, 300.00 lost to \
         churn and contraction."
    );
    assert_eq!(said.len(), 3);
}

#[test]
fn trailing_twelve_months_have_the_rate_that_the_rules_have_of_them() {
    let told = [
        Told::of("cus_a").starts("sub_a", "2025-10-03", vec![item("si_a", "team", 10, 10)]).becomes(
            "sub_a",
            "2026-03-03",
            vec![item("si_a", "team", 10, 12)],
        ),
        Told::of("cus_b").starts("sub_b", "2025-10-05", vec![item("si_b", "team", 10, 20)]),
        // Not there twelve months ago: part of what was added, not of the rate.
        Told::of("cus_c").starts("sub_c", "2026-01-05", vec![item("si_c", "team", 10, 5)]).becomes(
            "sub_c",
            "2026-06-05",
            vec![item("si_c", "team", 10, 10)],
        ),
    ];
    let history = history(&told, at("2026-11-05"));
    let year = range_report(&history, &settings(), month("2025-11"), month("2026-10")).unwrap();
    let runs = year.currency_runs();
    let total = runs[0].total.as_ref().unwrap();
    // 20 of 100 + 200.
    assert_eq!(value(&total.ttm_expansion_rate), "0.066667");
    // 70 of 50 + 70.
    assert_eq!(value(&total.share), "0.583333");
    let eleven = range_report(&history, &settings(), month("2025-12"), month("2026-10")).unwrap();
    assert!(
        value(&eleven.currency_runs()[0].total.as_ref().unwrap().ttm_expansion_rate).contains("not of 11")
    );
    let page = year.to_html().unwrap();
    assert!(page.contains("Expansion rate, 12 months</span><span class=\"value\">6.67 %"), "{page}");
    assert_eq!(page.matches("<figure").count(), 3);
}

#[test]
fn months_that_do_not_join_have_no_total_and_say_which() {
    let mut range = october_run();
    range.months[1].currencies[0].figures.rollforward.starting_mrr += Mrr(1);
    let reason = "2026-10 does not begin with what 2026-09 ended with";
    assert_eq!(json(&range)["total"]["lacking"], serde_json::json!([{"currency": "usd", "reason": reason}]));
    for face in [range.to_table(), range.to_markdown(), range.to_html().unwrap(), range.to_csv().unwrap()] {
        assert!(face.contains(reason), "{face}");
    }
    let sheet = range.whole_sheet();
    let columns = sheet.blocks.iter().flat_map(|block| &block.sections).flat_map(|section| &section.columns);
    assert!(columns.filter(|column| column.name == "total").count() == 0 && sheet.blocks[0].tiles.is_empty());
}

#[test]
fn a_run_in_which_nothing_stood_says_so_and_one_before_the_book_is_empty_columns() {
    let none = range_report(&history(&[], at("2026-12-01")), &settings(), month("2026-09"), month("2026-10"));
    let none = none.unwrap();
    for face in [none.to_table(), none.to_markdown(), none.to_html().unwrap()] {
        assert!(face.contains("No customer had MRR in these months"), "{face}");
    }
    assert_eq!(json(&none)["total"]["currencies"], serde_json::json!([]));
    let history = history(&october(), at("2026-12-01"));
    let before = range_report(&history, &settings(), month("2024-01"), month("2026-11")).unwrap();
    let total = json(&before)["total"]["currencies"][0]["rollforward"].clone();
    assert_eq!((&total["starting_mrr"], &total["ending_mrr"]), (&"0".into(), &"86000".into()));
    assert!(before.to_table().contains(" – "));
}

#[test]
fn a_view_chooses_of_the_runs_tables_and_tiles() {
    let history = history(&october(), at("2026-12-01"));
    for view in View::ALL {
        let asked = Settings { view: Some(view), ..settings() };
        let range = range_report(&history, &asked, month("2026-09"), month("2026-11")).unwrap();
        let sheet = range.sheet();
        assert_eq!(sheet.title, format!("Expansion report 2026-09 to 2026-11, {} view", view.as_str()));
        let keys: Vec<&str> = sheet.blocks[0].sections.iter().map(|section| section.key.as_str()).collect();
        let listed: Vec<&str> = view.sections().iter().copied().filter(|key| keys.contains(key)).collect();
        assert_eq!(keys, listed, "{view:?}");
        assert!(!keys.is_empty() && !sheet.blocks[0].tiles.is_empty(), "{view:?}: {keys:?}");
    }
}

/// A printed amount in its smallest unit.
fn units(row: &Row, column: usize) -> Option<i128> {
    let number = row.cells[column].number.as_ref()?;
    Some(number.decimal.replace('.', "").parse().unwrap())
}

/// The sections whose rows are flows, each with the rows that are not.
const FLOWS: [(&str, &[&str]); 7] = [
    ("rollforward", &["Starting MRR", "Ending MRR"]),
    ("expansion_by_kind", &[]),
    ("contraction_by_kind", &[]),
    ("expansion_by_cause", &[]),
    ("contraction_by_cause", &[]),
    ("motion", &[]),
    ("trend", &["Expansion share of new ARR"]),
];

/// Every printed table of flows foots down and across.
fn foots_both_ways(section: &Section) -> Result<usize, TestCaseError> {
    let of_flows = FLOWS.iter().find(|(key, _)| *key == section.key);
    let segments = section.key.starts_with("segment_months_").then_some(&[][..]);
    let Some(levels) = of_flows.map(|(_, levels)| *levels).or(segments) else { return Ok(0) };
    let total = section.columns.len() - 1;
    prop_assert_eq!(&section.columns[total].name, "total");
    for row in section.rows.iter().filter(|row| !levels.contains(&row.cells[0].text.as_str())) {
        let months: i128 = (1..total).filter_map(|month| units(row, month)).sum();
        prop_assert_eq!(Some(months), units(row, total), "{} {:?}", &section.key, &row.cells[0]);
    }
    let sum = section.rows.iter().position(|row| row.is_sum).unwrap();
    for column in 1..=total {
        let parts: i128 = section.rows[..sum].iter().filter_map(|row| units(row, column)).sum();
        prop_assert_eq!(Some(parts), units(&section.rows[sum], column).or(Some(0)), "{}", &section.key);
    }
    Ok(1)
}

fn flow(blocks: &[&CurrencyBlock], of: &dyn Fn(&CurrencyBlock) -> Delta) -> Delta {
    blocks.iter().map(|block| of(block)).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_total_is_the_sum_of_its_months_and_foots_as_it_is_printed(acts in customers(), first in 1_i32..6, count in 1_i32..13) {
        let history = history(&business(&acts), at("2027-12-01"));
        let from = month("2026-12").minus(12 - first);
        let range = range_report(&history, &asked(), from, from.minus(1 - count)).unwrap();
        prop_assert_eq!(i32::try_from(range.months.len()).unwrap(), count);
        for run in range.currency_runs() {
            let total = run.total.as_ref().unwrap();
            let blocks: Vec<&CurrencyBlock> = run.blocks().collect();
            prop_assert!(foots(&total.figures));
            let roll = &total.figures.rollforward;
            let ends = |block: Option<&CurrencyBlock>, end: fn(&CurrencyBlock) -> Mrr| block.map_or(Mrr::ZERO, end);
            prop_assert_eq!(roll.starting_mrr, ends(run.months[0].1, |block| block.figures.rollforward.starting_mrr));
            prop_assert_eq!(roll.ending_mrr, ends(run.last(), |block| block.figures.rollforward.ending_mrr));
            for lane in Lane::ALL {
                prop_assert_eq!(roll.lane(*lane), flow(&blocks, &|block| block.figures.rollforward.lane(*lane)));
            }
            let sum = |parts: &[(crate::mrr::Kind, Delta)]| parts.iter().map(|(_, amount)| *amount).sum::<Delta>();
            let causes = |parts: &[(crate::mrr::Cause, Delta)]| parts.iter().map(|(_, amount)| *amount).sum::<Delta>();
            prop_assert_eq!(sum(&total.figures.expansion_by_kind), roll.lane(Lane::Expansion));
            prop_assert_eq!(sum(&total.figures.contraction_by_kind), roll.lane(Lane::Contraction));
            prop_assert_eq!(causes(&total.expansion_by_cause), roll.lane(Lane::Expansion));
            prop_assert_eq!(causes(&total.contraction_by_cause), roll.lane(Lane::Contraction));
            prop_assert_eq!(total.motion.values().copied().sum::<Delta>(), total.figures.core_expansion);
        }
        let sheet = range.whole_sheet();
        for block in &sheet.blocks {
            let mut compared = 0;
            for section in &block.sections {
                compared += foots_both_ways(section)?;
            }
            prop_assert!(compared >= 5);
        }
    }
}
