//! The report as JSON: what was added to the contract's blocks by and by.

use super::ordered::{Json, Object, named, object, push_rate, rfc3339, text, word};
use super::{
    CohortCurve, ConcentrationPoint, CurrencyBlock, Exception, FxEffect, Paused, Report, RetentionPoint,
    SegmentTrend, TrendMonth,
};
use crate::ledger::ComparedMonth;
use crate::mrr::{Cause, Delta};

/// The keys of a currency's block.
pub(super) fn block_sections(report: &Report, block: &CurrencyBlock) -> Object {
    let by_month = |month: &TrendMonth| {
        let aimed = month.aimed(report.targets.expansion_share_of_new_arr);
        expansion_of_month(month, aimed)
    };
    let pauses = block.pauses.iter().map(paused).collect();
    named([
        ("expansion_by_cause", causes(&block.expansion_by_cause)),
        ("contraction_by_cause", causes(&block.contraction_by_cause)),
        ("expansion_by_month", Json::List(block.trend.iter().map(by_month).collect())),
        ("retention", Json::List(block.retention.iter().map(cohort).collect())),
        ("paused_mrr", text(&block.paused_mrr())),
        ("pauses", Json::List(pauses)),
        ("fx_effects", Json::List(block.fx.iter().map(fx).collect())),
        ("segment_trends", Json::List(block.segment_trends.iter().map(segment_trend).collect())),
    ])
}

/// The keys of the whole report.
pub(super) fn report_sections(report: &Report) -> Object {
    let by_evidence = report.movements_by_evidence.iter();
    let by_evidence = by_evidence.map(|(grade, count)| (grade.as_str().into(), Json::Count(*count)));
    named([
        ("movements", Json::Count(report.movements)),
        ("exceptions", Json::List(report.exceptions.iter().map(exception).collect())),
        ("movements_by_evidence", Json::Object(by_evidence.collect())),
        ("reconciliation", Json::List(report.compared.iter().map(compared).collect())),
    ])
}

fn compared(compared: &ComparedMonth) -> Json {
    object([
        ("currency", text(&compared.currency)),
        ("form", text(&compared.form)),
        ("compared_at", text(&rfc3339(compared.compared_at))),
        ("exported_at", text(&rfc3339(compared.exported_at))),
        ("ours", text(&compared.ours)),
        ("stripes", text(&compared.theirs)),
        ("gap", text(&(compared.theirs - compared.ours))),
        ("agreed", Json::Count(compared.agreed)),
        ("rounded", Json::Count(compared.rounded)),
        ("explained", Json::Count(compared.explained)),
        ("unknown", Json::Count(compared.unknown)),
        ("unreadable_rows", Json::Count(compared.unreadable)),
    ])
}

/// A point of the curve of concentration.
pub(super) fn concentration_point(point: &ConcentrationPoint) -> Json {
    let mut entries =
        named([("customers", Json::Count(point.customers)), ("expansion", text(&point.expansion))]);
    push_rate(&mut entries, "share", &point.share);
    Json::Object(entries)
}

pub(super) fn causes(causes: &[(Cause, Delta)]) -> Json {
    Json::Object(causes.iter().map(|(cause, amount)| (cause.as_str().into(), text(amount))).collect())
}

fn expansion_of_month(month: &TrendMonth, aimed: Option<Delta>) -> Json {
    let by_kind = month.expansion_by_kind.iter().map(|(kind, amount)| (kind.as_str().into(), text(amount)));
    object([
        ("month", text(&month.month)),
        ("by_kind", Json::Object(by_kind.collect())),
        ("total_expansion", text(&month.total_expansion())),
        ("core_expansion", text(&month.core_expansion)),
        ("new", text(&month.new)),
        ("core_expansion_for_target", aimed.as_ref().map_or(Json::Null, text)),
    ])
}

fn cohort(cohort: &CohortCurve) -> Json {
    let point = |point: &RetentionPoint| {
        let mut entries = named([("month", text(&point.month)), ("mrr", text(&point.mrr))]);
        push_rate(&mut entries, "nrr", &point.nrr);
        push_rate(&mut entries, "grr", &point.grr);
        Json::Object(entries)
    };
    object([
        ("cohort", text(&cohort.month)),
        ("customers", Json::Count(cohort.customers)),
        ("brought_forward", Json::Count(cohort.brought_forward)),
        ("mrr", text(&cohort.base)),
        ("months", Json::List(cohort.points.iter().map(point).collect())),
    ])
}

fn paused(paused: &Paused) -> Json {
    object([
        ("customer", text(&paused.customer)),
        ("subscription", text(&paused.subscription)),
        ("since", text(&rfc3339(paused.since))),
        ("mrr", text(&paused.mrr)),
    ])
}

fn fx(fx: &FxEffect) -> Json {
    object([
        ("currency", text(&fx.currency)),
        ("starting_mrr", text(&fx.starting_mrr)),
        ("rate_before", text(&fx.rates.0)),
        ("rate", text(&fx.rates.1)),
        ("effect", text(&fx.effect)),
    ])
}

fn segment_trend(trend: &SegmentTrend) -> Json {
    let row = |(segment, months): &(String, Vec<Delta>)| {
        object([
            ("segment", text(segment)),
            ("core_expansion", Json::List(months.iter().map(text).collect())),
        ])
    };
    object([
        ("dimension", text(&trend.dimension)),
        ("rows", Json::List(trend.rows.iter().map(row).collect())),
    ])
}

fn exception(exception: &Exception) -> Json {
    let concern = exception.concern;
    object([
        ("exception", word(concern.as_str())),
        ("count", Json::Count(exception.count)),
        ("remedy", word(concern.remedy())),
    ])
}
