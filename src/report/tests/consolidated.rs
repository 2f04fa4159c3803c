//! All currencies in one (R9): a worked example, and what holds whatever the rates are.

use num_bigint::BigInt;
use num_rational::BigRational;
use proptest::prelude::*;

use super::book::{Told, at, block, history, item, month, priced, settings, value};
use super::properties::{asked, business, customers, foots, sums_to};
use crate::mrr::{Cadence, Cause, Currency, Delta, ExchangeRate, Kind, Lane, MICRO, Mrr, Quote, RateTable};
use crate::report::consolidated::held;
use crate::report::{
    Adjustment, CONSOLIDATED, Consolidation, CurrencyBlock, Figures, History, Report, Settings, month_report,
    range_report,
};

fn table(quotes: &[(&str, &str, &str, &str)]) -> RateTable {
    let mut rates = RateTable::default();
    for (date, from, to, rate) in quotes {
        let (date, rate) = (date.parse().unwrap(), ExchangeRate::parse(rate).unwrap());
        rates.add(Quote { date, from: (*from).into(), to: (*to).into(), rate });
    }
    rates
}

fn consolidating(settings: Settings, currency: &str, rates: RateTable) -> Settings {
    Settings {
        consolidation: Some(Consolidation { currency: currency.into(), rates, through: 0 }),
        ..settings
    }
}

fn euros(id: &str, unit: i64, quantity: u64) -> Vec<crate::mrr::Item> {
    vec![priced(id, "team", "eur", unit * 100, quantity, Cadence::MONTHLY)]
}

/// A dollar is 0.90 euros in August, 0.92 in September, 0.88 in October.
fn three_months() -> RateTable {
    table(&[
        ("2026-08-31", "usd", "eur", "0.90"),
        ("2026-09-10", "usd", "eur", "0.75"),
        ("2026-09-30", "usd", "eur", "0.92"),
        ("2026-10-29", "usd", "eur", "0.95"),
        ("2026-10-30", "usd", "eur", "0.88"),
        ("2026-11-01", "usd", "eur", "0.5"),
    ])
}

/// A pays dollars and adds seats in September; B pays euros and leaves in October; C pays both, and in
/// October more euros and fewer dollars.
fn two_currencies() -> Vec<Told> {
    vec![
        Told::of("cus_a").starts("sub_a", "2026-08-05", vec![item("si_a", "team", 10, 10)]).becomes(
            "sub_a",
            "2026-09-07",
            vec![item("si_a", "team", 10, 12)],
        ),
        Told::of("cus_b").starts("sub_b", "2026-08-09", euros("si_b", 50, 1)).ends("sub_b", "2026-10-10"),
        Told::of("cus_c")
            .starts("sub_c", "2026-08-11", vec![item("si_c", "team", 5, 2)])
            .starts("sub_e", "2026-08-11", euros("si_e", 10, 2))
            .becomes("sub_c", "2026-10-03", vec![item("si_c", "team", 5, 1)])
            .becomes("sub_e", "2026-10-20", euros("si_e", 10, 3)),
    ]
}

fn report_of(told: &[Told], settings: &Settings, name: &str) -> Report {
    month_report(&history(told, at("2026-12-01")), settings, month(name))
}

fn consolidated(name: &str) -> CurrencyBlock {
    let settings = consolidating(settings(), "eur", three_months());
    *report_of(&two_currencies(), &settings, name).consolidated.unwrap()
}

/// Euro cents.
fn cents(amount: i128) -> Delta {
    Delta(amount * MICRO)
}

fn check(name: &str, start: i128, lanes: &[(Lane, i128)], end: i128) {
    let roll = consolidated(name).figures.rollforward;
    assert_eq!((roll.starting_mrr, roll.ending_mrr), (Mrr(start * MICRO), Mrr(end * MICRO)), "{name}");
    for lane in Lane::ALL {
        let expected = lanes.iter().filter(|(of, _)| of == lane).map(|(_, amount)| *amount).sum();
        assert_eq!(roll.lane(*lane), cents(expected), "{name} {lane:?}");
    }
}

#[test]
fn three_months_in_two_currencies_foot_by_hand() {
    // 100 $ × 0.90 + 50 € + 10 $ × 0.90 + 20 €.
    check("2026-08", 0, &[(Lane::New, 16_900)], 16_900);
    // 110 $ × (0.92 − 0.90); 20 $ × 0.92.
    check("2026-09", 16_900, &[(Lane::Expansion, 1_840), (Lane::Fx, 220)], 18_960);
    // 130 $ × (0.88 − 0.92); 50 € leave; C: 10 € − 5 $ × 0.88.
    let october = [(Lane::Expansion, 560), (Lane::Churn, -5_000), (Lane::Fx, -520)];
    check("2026-10", 18_960, &october, 14_000);
}

#[test]
fn what_is_learnt_of_a_closed_month_comes_at_the_open_month_s_rate_and_no_rate_changed_on_it() {
    let mut told = two_currencies();
    told.push(Told::of("cus_d").starts("sub_d", "2026-09-20", vec![item("si_d", "team", 40, 1)]));
    let mut history = history(&told, at("2026-12-01"));
    let late = history.customers.iter_mut().find(|customer| customer.customer.as_str() == "cus_d").unwrap();
    late.adjustments = vec![Adjustment {
        id: "mv_late".to_owned(),
        customer: late.customer.clone(),
        month: month("2026-09"),
        posted_in: month("2026-10"),
        movement: late.movements[0].clone(),
        adjusts: None,
    }];
    let settings = consolidating(settings(), "eur", three_months());
    let report = month_report(&history, &settings, month("2026-10"));
    let block = report.consolidated.as_ref().unwrap();
    let roll = &block.figures.rollforward;
    // It begins with what September was reported to end with, without D; D is 40 $ × 0.88.
    assert_eq!((roll.starting_mrr, roll.ending_mrr), (Mrr(18_960 * MICRO), Mrr((14_000 + 3_520) * MICRO)));
    assert_eq!((roll.lane(Lane::PriorPeriod), roll.lane(Lane::Fx)), (cents(3_520), cents(-520)));
    let listed = block.prior_period_adjustments.iter();
    let listed: Vec<_> =
        listed.map(|one| (one.id.as_str(), one.movement.delta, &one.movement.currency)).collect();
    assert_eq!(listed, [("mv_late", cents(3_520), &Currency::from("eur"))]);
    assert_eq!(roll.lane(Lane::Expansion) + roll.lane(Lane::Churn), cents(560 - 5_000));
    // 130 $ were held in dollars.
    let fx: Vec<(Mrr, Delta)> = block.fx.iter().map(|fx| (fx.starting_mrr, fx.effect)).collect();
    assert_eq!(fx, [(Mrr(13_000 * MICRO), cents(-520))]);
    // S' = 18,440 + 40 $ × 0.88, of which 50 € left and 10 € − 5 $ × 0.88 came.
    assert_eq!(value(&block.figures.expansion_rate), "0.025501");
    for segments in &block.segments {
        let rows = segments.rows.iter().map(|row| &row.figures.rollforward);
        let starts: Mrr = rows.clone().map(|roll| roll.starting_mrr).sum();
        assert_eq!(starts, roll.starting_mrr, "{}", segments.dimension);
        for row in rows {
            let lanes: Delta = Lane::ALL.iter().map(|lane| row.lane(*lane)).sum();
            assert_eq!(
                row.starting_mrr + lanes + row.transfer_in + row.transfer_out,
                row.ending_mrr,
                "{}",
                segments.dimension
            );
        }
    }
}

#[test]
fn a_customer_is_netted_over_its_currencies_and_rates_are_at_the_months_rate() {
    let october = consolidated("2026-10");
    let figures = &october.figures;
    let seat = figures.expansion_by_kind.iter().find(|(kind, _)| *kind == Kind::Seat).unwrap().1;
    assert_eq!((seat, figures.core_expansion), (cents(560), cents(560)));
    // S' = 120 $ × 0.88 + 50 € + 10 $ × 0.88 + 20 € = 184.40 €.
    assert_eq!(value(&figures.expansion_rate), "0.030369");
    assert_eq!(value(&figures.nrr), "0.759219");
    assert_eq!(value(&figures.grr), "0.728850".trim_end_matches('0'));
    let counts = figures.customers;
    assert_eq!((counts.starting, counts.expanded, counts.contracted, counts.churned), (3, 1, 0, 1));
    assert_eq!((counts.ending, value(&october.rates.seat_rate)), (2, "0.333333".to_owned()));
    assert_eq!(value(&october.arpa), "7000");
    assert_eq!(october.ending_arr, 168_000);
    let report = report_of(&two_currencies(), &settings(), "2026-10");
    assert_eq!(block(&report, "usd").figures.rollforward.lane(Lane::Contraction), cents(-500));
    assert_eq!(block(&report, "eur").figures.rollforward.lane(Lane::Expansion), cents(1_000));
}

#[test]
fn what_rates_did_is_told_by_currency_and_cohorts_are_followed_at_one_rate() {
    let october = consolidated("2026-10");
    let [fx] = &october.fx[..] else { panic!("{:?}", october.fx) };
    assert_eq!((fx.currency.as_str(), fx.starting_mrr), ("usd", Mrr(13_000 * MICRO)));
    assert_eq!((fx.rates.0.as_str(), fx.rates.1.as_str(), fx.effect), ("0.92", "0.88", cents(-520)));
    // At 0.88: A 88 €, B 50 €, C 8.80 € + 20 €; then A 105.60 €; then B gone, C 4.40 € + 30 €.
    let [cohort] = &october.retention[..] else { panic!("{:?}", october.retention) };
    let kept: Vec<Mrr> = cohort.points.iter().map(|point| point.mrr).collect();
    assert_eq!(
        (cohort.base, &kept[..]),
        (Mrr(16_680 * MICRO), &[Mrr(18_440 * MICRO), Mrr(14_000 * MICRO)][..])
    );
    assert_eq!(value(&cohort.points[1].nrr), "0.839329");
    // A counts for 88 €, C for 28.80 €.
    assert_eq!(value(&cohort.points[1].grr), "0.70024");
    let quantity = october.expansion_by_cause.iter().find(|(cause, _)| *cause == Cause::Quantity).unwrap().1;
    assert_eq!(quantity, cents(560));
    let team = &october.segment_trends[0].rows[0];
    assert_eq!((team.0.as_str(), &team.1[..]), ("team", &[Delta::ZERO, cents(1_840), cents(560)][..]));
}

#[test]
fn earlier_months_are_converted_at_their_own_rates() {
    let october = consolidated("2026-10");
    let trend: Vec<(String, Delta, Delta)> = october
        .trend
        .iter()
        .map(|month| (month.month.to_string(), month.new, month.core_expansion))
        .collect();
    let expected = [
        ("2026-08".to_owned(), cents(16_900), Delta::ZERO),
        ("2026-09".to_owned(), Delta::ZERO, cents(1_840)),
        ("2026-10".to_owned(), Delta::ZERO, cents(560)),
    ];
    assert_eq!(trend, expected);
    assert_eq!(value(&october.rates.expansion_share_of_new_arr_3m), "0.124352");
}

#[test]
fn every_face_shows_the_consolidated_block_and_its_rates() {
    let settings = consolidating(settings(), "eur", three_months());
    let report = report_of(&two_currencies(), &settings, "2026-10");
    let rate = "2026-10: 1 usd = 0.88 eur on 2026-10-30";
    for (face, text) in
        [("table", report.to_table()), ("html", report.to_html().unwrap()), ("md", report.to_markdown())]
    {
        for word in ["Consolidated in EUR", "Exchange rates", rate, "-5.20", "140.00"] {
            assert!(text.contains(word), "{face} without {word}");
        }
    }
    let json: serde_json::Value = serde_json::from_str(&report.to_json().unwrap()).unwrap();
    assert_eq!(json["consolidated"]["currency"], "eur");
    assert_eq!(json["consolidated"]["rollforward"]["fx"], "-520");
    assert!(json["currencies"][0]["rollforward"].get("fx").is_none());
    assert!(json.get("consolidated_reason").is_none());
    assert_eq!(json["exchange_rates"][0]["month"], "2026-09");
    assert_eq!(json["exchange_rates"][1]["rate"], "0.88");
    let csv = report.to_csv().unwrap();
    assert!(csv.contains("2026-10,consolidated,rollforward,fx,-520,eur_minor\n"));
    assert!(csv.contains("2026-10,consolidated,exchange_rates,usd 2026-10,0.88,eur per usd\n"));
    let range = range_report(
        &history(&two_currencies(), at("2026-12-01")),
        &settings,
        month("2026-08"),
        month("2026-10"),
    );
    let text = range.unwrap().to_table();
    assert!(text.contains("── Consolidated in EUR ──") && text.contains(rate), "{text}");
}

#[test]
fn a_missing_rate_is_named_with_its_currency_and_date_and_nothing_is_guessed() {
    // The tenth is twenty days before the month's end.
    let old = table(&[("2026-08-31", "usd", "eur", "0.90"), ("2026-09-19", "usd", "eur", "0.92")]);
    let settings = consolidating(settings(), "eur", old);
    for name in ["2026-09", "2026-10"] {
        let report = report_of(&two_currencies(), &settings, name);
        let reason = report.consolidated.as_ref().unwrap_err();
        assert!(reason.contains("no rate of usd in eur for 2026-09-30"), "{reason}");
        assert!(
            reason.contains("dated 2026-09-20 to 2026-09-30") && reason.contains("upswell fx"),
            "{reason}"
        );
        assert!(report.to_table().contains(reason.as_str()));
        assert!(report.to_csv().unwrap().contains(reason.split(':').next().unwrap()));
        let json: serde_json::Value = serde_json::from_str(&report.to_json().unwrap()).unwrap();
        assert!(json["consolidated"].is_null());
        assert_eq!(json["consolidated_reason"], reason.as_str());
    }
    let history = history(&two_currencies(), at("2026-12-01"));
    let held = held(&history, &settings, month("2026-10"));
    let missing = settings.consolidation.unwrap().missing(&held);
    let named: Vec<String> = missing.iter().map(ToString::to_string).collect();
    assert_eq!(named, ["no rate of usd in eur for 2026-09-30", "no rate of usd in eur for 2026-10-31"]);
}

#[test]
fn what_looks_back_to_a_month_without_a_rate_says_so() {
    let quotes = [("2026-08-31", "usd", "eur", "0.90"), ("2026-10-31", "usd", "eur", "0.92")];
    let gap = table(&quotes);
    let told = [
        Told::of("cus_a").starts("sub_a", "2026-08-05", vec![item("si_a", "team", 10, 10)]),
        Told::of("cus_b").starts("sub_b", "2026-10-05", vec![item("si_b", "team", 10, 10)]),
        // Came and went in September: nothing stood at its ends.
        Told::of("cus_c")
            .starts("sub_c", "2026-09-05", vec![item("si_c", "team", 10, 10)])
            .ends("sub_c", "2026-09-09"),
    ];
    let only_b = [told[1].clone(), told[2].clone()];
    let settings = consolidating(settings(), "eur", gap);
    let october = report_of(&only_b, &settings, "2026-10").consolidated.unwrap();
    let reason = format!("{:?}", october.rates.expansion_share_of_new_arr_3m);
    assert!(reason.contains("no rate of usd in eur for 2026-09-30"), "{reason}");
    assert_eq!(value(&october.rates.expansion_share_of_new_arr), "0");
    assert_eq!(october.trend.len(), 1);
    assert!(report_of(&told, &settings, "2026-10").consolidated.is_err());
}

#[test]
fn a_pair_is_found_inverted_and_across_a_common_currency() {
    let month = month("2026-10");
    let rate = |quotes: &[(&str, &str, &str, &str)], from: &str, to: &str| {
        let found = table(quotes).of_month(&from.into(), &to.into(), month);
        found.map(|rate| rate.value.to_string()).unwrap_or_else(|missing| missing.to_string())
    };
    let bank = [("2026-10-30", "eur", "usd", "1.25"), ("2026-10-30", "eur", "gbp", "0.8")];
    assert_eq!(rate(&bank, "eur", "usd"), "5/4");
    assert_eq!(rate(&bank, "usd", "eur"), "4/5");
    assert_eq!(rate(&bank, "usd", "gbp"), "16/25");
    assert_eq!(rate(&bank, "usd", "usd"), "1");
    assert_eq!(
        rate(&bank, "usd", "jpy"),
        "no rate of jpy in usd".replace("jpy in usd", "usd in jpy for 2026-10-31")
    );
    let own = [bank[0], bank[1], ("2026-10-30", "usd", "gbp", "0.7"), ("2026-10-21", "usd", "eur", "0.9")];
    assert_eq!(rate(&own, "usd", "gbp"), "7/10");
    assert_eq!(rate(&own, "usd", "eur"), "4/5");
    assert_eq!(rate(&own[3..], "usd", "eur"), "9/10");
    let too_old = [("2026-10-20", "usd", "eur", "0.9"), ("2026-11-01", "usd", "eur", "0.9")];
    assert_eq!(rate(&too_old, "usd", "eur"), "no rate of usd in eur for 2026-10-31");
    let dollars = [("2026-10-30", "usd", "gbp", "0.8"), ("2026-10-30", "usd", "jpy", "150")];
    assert_eq!(rate(&dollars, "gbp", "jpy"), "375/2");
}

#[test]
fn asking_for_one_currency_shows_that_one_and_the_reporting_one_both() {
    let shown = |asked: &str| {
        let asked = Settings { currency: Some(asked.into()), ..settings() };
        let report = report_of(&two_currencies(), &consolidating(asked, "eur", three_months()), "2026-10");
        (report.currencies.len(), report.consolidated.map(|block| block.currency.to_string()))
    };
    assert_eq!(shown(CONSOLIDATED), (0, Ok("eur".to_owned())));
    assert_eq!(shown("eur"), (1, Ok("eur".to_owned())));
    assert_eq!(shown("usd"), (1, Err("only usd was asked for".to_owned())));
}

/// What a block says but for its name and its lane of exchange rates.
fn same(block: &CurrencyBlock) -> (Vec<String>, String) {
    let mut own = block.clone();
    own.figures.rollforward.lanes.retain(|(lane, _)| *lane != Lane::Fx);
    let rates = own.named_rates().iter().map(|(name, rate)| format!("{name} {}", value(rate))).collect();
    let roll = &own.figures.rollforward;
    let rest = format!(
        "{roll:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {}",
        own.figures.expansion_by_kind,
        own.figures.contraction_by_kind,
        own.figures.customers,
        own.activity,
        own.motion,
        own.trend,
        own.top_expanders,
        own.at_risk,
        own.ending_arr,
        value(&own.arpa),
    );
    (rates, rest)
}

/// Every month of two years has a rate of its own, euros in dollars.
fn every_month(rates: &[u32]) -> RateTable {
    let days = (0..).zip(rates).map(|(index, rate)| {
        let date = month("2025-12").minus(-index).last_day().to_string();
        (date, format!("{}.{:04}", rate / 10_000, rate % 10_000))
    });
    let days: Vec<(String, String)> = days.collect();
    let quotes: Vec<_> =
        days.iter().map(|(date, rate)| (date.as_str(), "eur", "usd", rate.as_str())).collect();
    table(&quotes)
}

fn exact(amount: i128, rate: &BigRational) -> BigRational {
    BigRational::from_integer(BigInt::from(amount)) * rate
}

/// Whether a rounded level is the nearest millionth to what it should be.
fn is_nearest(level: Mrr, exact: &BigRational) -> bool {
    let off = exact - BigRational::from_integer(BigInt::from(level.0));
    let half = BigRational::new(BigInt::from(1), BigInt::from(2));
    off <= half.clone() && off >= -half
}

/// What all currencies of a report come to at rates.
fn total(report: &Report, rates: &RateTable, into: &str, of: impl Fn(&CurrencyBlock) -> i128) -> BigRational {
    let into = Currency::from(into);
    let of = |block: &CurrencyBlock| {
        exact(of(block), &rates.of_month(&block.currency, &into, report.month).unwrap().value)
    };
    report.currencies.iter().map(of).sum()
}

fn months_of(history: &History, settings: &Settings) -> Vec<Report> {
    range_report(history, settings, month("2026-01"), month("2027-03")).unwrap().months
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_rates_every_month_and_segment_foots_and_each_closing_is_the_next_opening(
        acts in customers(),
        rates in prop::collection::vec(5_000_u32..20_000, 16),
        into in prop::sample::select(vec!["usd", "eur"]),
    ) {
        let rates = every_month(&rates);
        let history = history(&business(&acts), at("2027-12-01"));
        let settings = consolidating(asked(), into, rates.clone());
        let mut opening = Mrr::ZERO;
        for report in months_of(&history, &settings) {
            let block = report.consolidated.as_ref().unwrap();
            let figures = &block.figures;
            prop_assert!(foots(figures));
            prop_assert_eq!(figures.rollforward.transfer_in, Delta::ZERO);
            prop_assert_eq!(figures.rollforward.starting_mrr, opening);
            opening = figures.rollforward.ending_mrr;
            let ending = total(&report, &rates, into, |block| block.figures.rollforward.ending_mrr.0);
            prop_assert!(is_nearest(opening, &ending), "{} is not {ending}", opening.0);
            let core: Delta = block.motion.values().copied().sum();
            prop_assert_eq!(core, figures.core_expansion);
            let kinds: Delta = figures.expansion_by_kind.iter().map(|(_, sum)| *sum).sum();
            prop_assert_eq!(kinds, figures.total_expansion);
            for table in &block.segments {
                let rows: Vec<&Figures> = table.rows.iter().map(|row| &row.figures).collect();
                for row in &rows {
                    prop_assert!(foots(row), "{} {row:?}", table.dimension);
                }
                sums_to(&rows, figures)?;
            }
            let cohorts: Vec<&Figures> = block.cohorts.iter().map(|cohort| &cohort.figures).collect();
            sums_to(&cohorts, figures)?;
        }
    }

    #[test]
    fn at_a_rate_of_one_lanes_are_the_sums_of_the_currencies_lanes(acts in customers()) {
        let ones = every_month(&[10_000; 16]);
        let history = history(&business(&acts), at("2027-12-01"));
        for report in months_of(&history, &consolidating(asked(), "usd", ones)) {
            let roll = &report.consolidated.as_ref().unwrap().figures.rollforward;
            let sum = |of: &dyn Fn(&CurrencyBlock) -> i128| report.currencies.iter().map(of).sum::<i128>();
            prop_assert_eq!(roll.starting_mrr.0, sum(&|block| block.figures.rollforward.starting_mrr.0));
            prop_assert_eq!(roll.ending_mrr.0, sum(&|block| block.figures.rollforward.ending_mrr.0));
            let mut netted = Delta::ZERO;
            for lane in Lane::ALL {
                let of_currencies = Delta(sum(&|block| block.figures.rollforward.lane(*lane).0));
                match lane {
                    // Of a customer in two currencies, what one gained and the other lost is netted.
                    Lane::Expansion | Lane::Contraction => netted += roll.lane(*lane) - of_currencies,
                    _ => prop_assert_eq!(roll.lane(*lane), of_currencies, "{:?}", lane),
                }
            }
            prop_assert_eq!(netted, Delta::ZERO);
        }
    }

    #[test]
    fn a_month_in_the_reporting_currency_alone_is_that_currencys(acts in customers()) {
        let history = history(&business(&acts), at("2027-12-01"));
        for report in months_of(&history, &consolidating(asked(), "usd", every_month(&[12_345; 16]))) {
            let block = report.consolidated.as_ref().unwrap();
            if let [only] = &report.currencies[..]
                && only.currency.as_str() == "usd"
                && block.trend == only.trend
            {
                let (own, told) = (same(only), same(block));
                prop_assert_eq!(own.1, told.1);
                // A year ago there may have been other currencies.
                let is_of_month = |rate: &&String| !rate.contains("12m") && !rate.contains("3m") && !rate.contains("ttm");
                let of_month = |rates: &[String]| rates.iter().filter(is_of_month).cloned().collect::<Vec<_>>();
                prop_assert_eq!(of_month(&own.0), of_month(&told.0));
                prop_assert_eq!(block.figures.rollforward.lane(Lane::Fx), Delta::ZERO);
            }
        }
    }
}
