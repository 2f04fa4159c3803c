//! The report as JSON, as the contract has it: its keys in its order, then those added to it.

use std::collections::BTreeMap;

use super::json_sections::{block_sections, concentration_point, report_sections};
use super::ordered::{Json, Object, named, object, optional, push_rate, rfc3339, text, word};
use super::{
    Activity, Adjustment, Bridge, BridgeRow, ClosedMonth, Cohort, Concentration, CurrencyBlock,
    CustomerCounts, Expander, Figures, Fraction, Incomplete, OwnerBook, RangeReport, Report, ReportError,
    RollForward, Scheduled, SegmentRow, SegmentTable, Standing, TrendMonth, UsedRate, remedy_of,
};
use crate::mrr::{Class, CustomerId, Delta, Kind, Motion, Mrr, PastDuePolicy, Policy, Quote};

impl Report {
    /// The report as JSON, indented; the same report gives the same bytes.
    ///
    /// # Errors
    ///
    /// [`ReportError::Json`], which does not happen for text in memory.
    pub fn to_json(&self) -> Result<String, ReportError> {
        pretty(&report(self))
    }
}

impl RangeReport {
    /// The reports as JSON, indented, and what they come to.
    ///
    /// # Errors
    ///
    /// [`ReportError::Json`], which does not happen for text in memory.
    pub fn to_json(&self) -> Result<String, ReportError> {
        pretty(&object([
            ("from", text(&self.from)),
            ("to", text(&self.to)),
            ("months", Json::List(self.months.iter().map(report).collect())),
            ("total", self.total_json()),
        ]))
    }
}

pub(super) fn pretty(json: &Json) -> Result<String, ReportError> {
    let mut text = serde_json::to_string_pretty(json)?;
    text.push('\n');
    Ok(text)
}

fn report(report: &Report) -> Json {
    let mut entries = named([
        ("month", text(&report.month)),
        ("timezone", text(&report.zone.name())),
        ("book", text(&report.book)),
        ("status", word(report.status.as_str())),
        ("as", word(report.basis.as_str())),
        ("data_through", optional(report.data_through.map(rfc3339).as_ref())),
        ("policy", policy(&report.policy, Some(&report.pricing_note))),
        ("currencies", Json::List(report.currencies.iter().map(|of| block(report, of)).collect())),
    ]);
    match &report.consolidated {
        Ok(consolidated) => entries.push(("consolidated".into(), block(report, consolidated))),
        Err(reason) => {
            entries.extend(named([("consolidated", Json::Null), ("consolidated_reason", text(reason))]));
        }
    }
    let targets = &report.targets;
    let aimed = |target: Option<Fraction>| optional(target.map(Fraction::to_decimal).as_ref());
    entries.extend(named([
        ("incomplete", Json::List(report.incomplete.iter().map(incomplete).collect())),
        ("closing", report.closing.as_ref().map_or(Json::Null, closing)),
        (
            "targets",
            object([
                ("expansion_share_of_new_arr", text(&targets.expansion_share_of_new_arr.to_decimal())),
                ("owner_book_growth", text(&targets.owner_book_growth.to_decimal())),
                ("expansion_rate", aimed(targets.expansion_rate)),
                ("nrr", aimed(targets.nrr)),
                ("grr", aimed(targets.grr)),
                ("logo_churn", aimed(targets.logo_churn)),
                (
                    "owners",
                    Json::Object(
                        targets
                            .owners
                            .iter()
                            .map(|(owner, target)| (owner.clone().into(), text(&target.to_decimal())))
                            .collect(),
                    ),
                ),
            ]),
        ),
    ]));
    entries.push((
        "exchange_rates".into(),
        Json::List(report.exchange_rates.iter().map(exchange_rate).collect()),
    ));
    entries.extend(report_sections(report));
    if let Some(view) = report.view {
        let list = |keys: &[&'static str]| Json::List(keys.iter().map(|key| word(key)).collect());
        let chosen = [
            ("name", word(view.as_str())),
            ("tiles", list(view.tiles())),
            ("sections", list(view.sections())),
        ];
        entries.push(("view".into(), object(chosen)));
    }
    Json::Object(entries)
}

fn exchange_rate(used: &UsedRate) -> Json {
    let quote = |quote: &Quote| {
        object([
            ("date", text(&quote.date)),
            ("from", text(&quote.from)),
            ("to", text(&quote.to)),
            ("rate", text(&quote.rate)),
        ])
    };
    object([
        ("month", text(&used.month)),
        ("from", text(&used.from)),
        ("to", text(&used.to)),
        ("rate", text(&used.to_decimal())),
        ("quotes", Json::List(used.rate.quotes.iter().map(quote).collect())),
    ])
}

/// A policy by its keys; the note, which changes no figure, where there may be one.
pub(super) fn policy(policy: &Policy, pricing_note: Option<&str>) -> Json {
    let mut entries = named([
        ("churn", word(policy.churn.as_str())),
        (
            "past_due",
            match policy.past_due {
                PastDuePolicy::Counts => word("counts"),
                PastDuePolicy::LapsesAfterDays(days) => Json::Count(days.into()),
            },
        ),
        ("paused", word(policy.paused.as_str())),
        ("trialing", word(policy.trialing.as_str())),
        ("discounts", word(policy.discounts.as_str())),
        ("usage_window", Json::Count(policy.usage_window.into())),
        ("transfer_window_seconds", Json::Number(policy.transfer_window_seconds)),
    ]);
    entries.extend(pricing_note.map(|note| ("pricing_note".into(), text(&note))));
    Json::Object(entries)
}

fn block(report: &Report, block: &CurrencyBlock) -> Json {
    let mut entries = named([("currency", text(&block.currency))]);
    entries.extend(amounts(&block.figures));
    let mut rates = Object::new();
    for (name, rate) in block.named_rates() {
        push_rate(&mut rates, name, rate);
    }
    entries.push(("rates".into(), Json::Object(rates)));
    entries.push(("customers".into(), customers(&block.figures.customers)));
    push_rate(&mut entries, "arpa", &block.arpa);
    entries.push(("motion".into(), motion(&block.motion)));
    entries.extend(named([
        ("activity", activity(&block.activity)),
        ("segments", Json::List(block.segments.iter().map(segments).collect())),
        ("cohorts", Json::List(block.cohorts.iter().map(cohort).collect())),
        ("top_expanders", Json::List(block.top_expanders.iter().map(expander).collect())),
        (
            "prior_period_adjustments",
            Json::List(block.prior_period_adjustments.iter().map(adjustment).collect()),
        ),
        ("scheduled", Json::List(block.scheduled.iter().map(scheduled).collect())),
        ("at_risk", text(&block.at_risk)),
        ("incomplete", Json::List(block.incomplete.iter().map(incomplete).collect())),
        ("starting_arr", text(&block.starting_arr)),
        ("ending_arr", text(&block.ending_arr)),
        ("expansion_from_outside", text(&block.expansion_from_outside)),
    ]));
    let mut sources = Object::new();
    for (name, rate) in block.sources() {
        push_rate(&mut sources, name, rate);
    }
    entries.push(("sources".into(), Json::Object(sources)));
    entries.push(("concentration".into(), concentration(&block.concentration)));
    entries.push(("owners".into(), Json::List(block.owners.iter().map(owner).collect())));
    entries.push(("trend".into(), Json::List(block.last_year().iter().map(trend).collect())));
    entries.push(("bridge".into(), block.bridge.as_ref().map_or(Json::Null, bridge)));
    let (mut evidence, mut shares) = (Object::new(), Object::new());
    for (grade, mrr, share) in block.evidence_shares() {
        evidence.push((grade.into(), text(&mrr)));
        push_rate(&mut shares, grade, &share);
    }
    entries.push(("evidence".into(), Json::Object(evidence)));
    entries.push(("evidence_shares".into(), Json::Object(shares)));
    let late =
        |(customer, mrr): &(CustomerId, Mrr)| object([("customer", text(customer)), ("mrr", text(mrr))]);
    entries.push(("late_payers".into(), Json::List(block.late_payers.iter().map(late).collect())));
    let (up, down) = block.first_month;
    entries.push(("first_month".into(), object([("expansion", text(&up)), ("contraction", text(&down))])));
    let said = super::tiles::said(report, block);
    entries.push(("summary".into(), Json::List(said.iter().map(text).collect())));
    let standings = block.standings(&report.targets);
    entries.push(("targets".into(), Json::List(standings.iter().map(standing).collect())));
    entries.extend(block_sections(report, block));
    Json::Object(entries)
}

/// The amounts that a currency and its segments have in common.
pub(super) fn amounts(figures: &Figures) -> Object {
    named([
        ("rollforward", rollforward(&figures.rollforward)),
        ("expansion_by_kind", kinds(&figures.expansion_by_kind)),
        ("contraction_by_kind", kinds(&figures.contraction_by_kind)),
        ("core_expansion", text(&figures.core_expansion)),
        ("total_expansion", text(&figures.total_expansion)),
        ("net_expansion", text(&figures.net_expansion)),
        ("retained_base_growth", text(&figures.retained_base_growth)),
    ])
}

fn rollforward(roll: &RollForward) -> Json {
    let mut entries = named([("starting_mrr", text(&roll.starting_mrr))]);
    entries.extend(roll.lanes.iter().map(|(lane, amount)| (lane.as_str().into(), text(amount))));
    entries.push(("ending_mrr".into(), text(&roll.ending_mrr)));
    Json::Object(entries)
}

fn kinds(kinds: &[(Kind, Delta)]) -> Json {
    Json::Object(kinds.iter().map(|(kind, amount)| (kind.as_str().into(), text(amount))).collect())
}

pub(super) fn customers(counts: &CustomerCounts) -> Json {
    Json::Object(counts.named().into_iter().map(|(name, count)| (name.into(), Json::Count(count))).collect())
}

pub(super) fn motion(motion: &BTreeMap<Motion, Delta>) -> Json {
    Json::Object(motion.iter().map(|(motion, amount)| (motion.as_str().into(), text(amount))).collect())
}

pub(super) fn activity(activity: &Activity) -> Json {
    let by_kind = activity.kinds().into_iter().map(|(kind, sum)| (kind.as_str().into(), text(&sum)));
    let by_class =
        Class::ALL.iter().map(|class| (class.as_str().into(), text(&activity.class(*class)))).collect();
    let within = |class: Class| {
        let sums = activity.sums.iter().filter(move |((of, _), _)| *of == class);
        Json::Object(sums.map(|((_, kind), sum)| (kind.as_str().into(), text(sum))).collect())
    };
    let split = [Class::Expansion, Class::Contraction, Class::Switch];
    object([
        ("expansion", text(&activity.class(Class::Expansion))),
        ("contraction", text(&activity.class(Class::Contraction))),
        ("by_kind", Json::Object(by_kind.collect())),
        ("by_class", Json::Object(by_class)),
        (
            "by_class_and_kind",
            Json::Object(split.into_iter().map(|class| (class.as_str().into(), within(class))).collect()),
        ),
    ])
}

fn segments(table: &SegmentTable) -> Json {
    object([
        ("dimension", text(&table.dimension)),
        ("rows", Json::List(table.rows.iter().map(segment).collect())),
    ])
}

fn segment(row: &SegmentRow) -> Json {
    let figures = &row.figures;
    let roll = &figures.rollforward;
    let mut entries = named([("segment", text(&row.segment)), ("starting_mrr", text(&roll.starting_mrr))]);
    entries.extend(roll.lanes.iter().map(|(lane, amount)| (lane.as_str().into(), text(amount))));
    entries.extend(named([
        ("transfer_in", text(&roll.transfer_in)),
        ("transfer_out", text(&roll.transfer_out)),
        ("ending_mrr", text(&roll.ending_mrr)),
        ("expansion_by_kind", kinds(&figures.expansion_by_kind)),
        ("contraction_by_kind", kinds(&figures.contraction_by_kind)),
        ("core_expansion", text(&figures.core_expansion)),
        ("total_expansion", text(&figures.total_expansion)),
        ("net_expansion", text(&figures.net_expansion)),
    ]));
    push_rate(&mut entries, "expansion_rate", &figures.expansion_rate);
    push_rate(&mut entries, "nrr", &figures.nrr);
    push_rate(&mut entries, "grr", &figures.grr);
    entries.push(("customers".into(), customers(&figures.customers)));
    Json::Object(entries)
}

fn cohort(cohort: &Cohort) -> Json {
    let figures = &cohort.figures;
    let mut entries = named([
        ("cohort", text(&cohort.month)),
        ("customers", Json::Count(figures.customers.starting)),
        ("starting_mrr", text(&figures.rollforward.starting_mrr)),
        ("ending_mrr", text(&figures.rollforward.ending_mrr)),
    ]);
    push_rate(&mut entries, "nrr", &figures.nrr);
    push_rate(&mut entries, "grr", &figures.grr);
    entries.push(("ending_customers".into(), Json::Count(figures.customers.ending)));
    Json::Object(entries)
}

fn expander(expander: &Expander) -> Json {
    object([
        ("customer", text(&expander.customer)),
        ("expansion", text(&expander.expansion)),
        ("by_kind", kinds(&expander.by_kind)),
    ])
}

fn closing(closing: &ClosedMonth) -> Json {
    object([
        ("closed_at", text(&rfc3339(closing.closed_at))),
        ("digest", text(&closing.digest)),
        ("postings", Json::Number(closing.postings)),
    ])
}

fn adjustment(entry: &Adjustment) -> Json {
    let movement = &entry.movement;
    object([
        ("customer", text(&entry.customer)),
        ("month", text(&entry.month)),
        ("posted_in", text(&entry.posted_in)),
        ("class", word(movement.class.as_str())),
        ("kind", word(movement.kind.as_str())),
        ("delta", text(&movement.delta)),
        ("event", text(&movement.evidence.event)),
        ("id", text(&entry.id)),
        ("adjusts", optional(entry.adjusts.as_ref())),
    ])
}

fn bridge(bridge: &Bridge) -> Json {
    let row = |row: &BridgeRow| {
        object([
            ("lane", word(row.lane)),
            ("reported", text(&row.reported)),
            ("adjustment", text(&row.adjustment())),
            ("restated", text(&row.restated)),
        ])
    };
    object([("lanes", Json::List(bridge.rows.iter().map(row).collect()))])
}

fn scheduled(entry: &Scheduled) -> Json {
    let movement = &entry.movement;
    object([
        ("customer", text(&entry.customer)),
        ("effective_at", text(&rfc3339(movement.effective_at))),
        ("class", word(movement.class.as_str())),
        ("kind", word(movement.kind.as_str())),
        ("delta", text(&movement.delta)),
        ("cause", word(movement.cause.as_str())),
        ("subscription", text(&movement.subscription)),
    ])
}

fn incomplete(entry: &Incomplete) -> Json {
    let line = &entry.line;
    object([
        ("customer", text(&entry.customer)),
        ("subscription", text(&line.subscription)),
        ("item", text(&line.item)),
        ("missing", text(&line.missing)),
        ("since", text(&rfc3339(line.since))),
        ("remedy", text(&remedy_of(&line.missing))),
    ])
}

fn concentration(concentration: &Concentration) -> Json {
    let mut entries = named([("expanders", Json::Count(concentration.expanders))]);
    push_rate(&mut entries, "top_ten_share", &concentration.top_ten_share);
    push_rate(&mut entries, "median", &concentration.median);
    let curve = concentration.curve.iter().map(concentration_point).collect();
    entries.push(("curve".into(), Json::List(curve)));
    Json::Object(entries)
}

fn owner(book: &OwnerBook) -> Json {
    let mut entries = named([
        ("owner", text(&book.owner)),
        ("core_expansion", text(&book.core_expansion)),
        ("growth", text(&book.growth)),
    ]);
    push_rate(&mut entries, "owner_book_growth", &book.owner_book_growth);
    Json::Object(entries)
}

pub(super) fn standing(standing: &Standing) -> Json {
    let mut entries = named([("figure", word(standing.figure))]);
    push_rate(&mut entries, "value", &standing.rate);
    entries.extend(named([
        ("target", text(&standing.target.to_decimal())),
        ("aim", word(standing.aim.as_str())),
        ("met", standing.is_met().map_or(Json::Null, Json::Bool)),
    ]));
    Json::Object(entries)
}

fn trend(month: &TrendMonth) -> Json {
    let mut entries = named([
        ("month", text(&month.month)),
        ("new", text(&month.new)),
        ("core_expansion", text(&month.core_expansion)),
    ]);
    push_rate(&mut entries, "expansion_share_of_new_arr", &month.share());
    Json::Object(entries)
}
