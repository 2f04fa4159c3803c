//! The report as CSV in long form: the figures of causes, months, cohorts and pauses.

use super::csv_face::Rows;
use super::{CurrencyBlock, Report};

/// The rows of a block.
pub(super) fn sections(rows: &mut Rows<'_>, report: &Report, block: &CurrencyBlock) {
    let minor = format!("{}_minor", block.currency);
    for (cause, amount) in &block.expansion_by_cause {
        rows.amount("expansion_by_cause", cause.as_str(), amount);
    }
    for (cause, amount) in &block.contraction_by_cause {
        rows.amount("contraction_by_cause", cause.as_str(), amount);
    }
    let concentration = &block.concentration;
    rows.push("concentration", "expanders", &concentration.expanders, "customers");
    rows.rate("concentration", "top_ten_share", &concentration.top_ten_share, "ratio");
    rows.rate("concentration", "median", &concentration.median, &minor);
    for point in &concentration.curve {
        let name = point.customers.to_string();
        rows.amount("concentration_curve", &name, &point.expansion);
        rows.rate("concentration_shares", &name, &point.share, "ratio");
    }
    for month in &block.trend {
        let section = format!("expansion_by_month:{}", month.month);
        for (kind, amount) in &month.expansion_by_kind {
            rows.amount(&section, kind.as_str(), amount);
        }
        rows.amount(&section, "total_expansion", &month.total_expansion());
        rows.amount(&section, "core_expansion", &month.core_expansion);
        rows.amount(&section, "new", &month.new);
        if let Some(aimed) = month.aimed(report.targets.expansion_share_of_new_arr) {
            rows.amount(&section, "core_expansion_for_target", &aimed);
        }
    }
    for month in block.last_year() {
        let section = format!("trend:{}", month.month);
        rows.amount(&section, "new", &month.new);
        rows.amount(&section, "core_expansion", &month.core_expansion);
        rows.rate(&section, "expansion_share_of_new_arr", &month.share(), "ratio");
    }
    retention(rows, block);
    for trend in &block.segment_trends {
        for (segment, amounts) in &trend.rows {
            let section = format!("segment_months:{}:{segment}", trend.dimension);
            for (month, amount) in block.trend.iter().zip(amounts) {
                rows.amount(&section, &month.month.to_string(), amount);
            }
        }
    }
    rows.amount("summary", "paused_mrr", &block.paused_mrr());
    for paused in &block.pauses {
        rows.amount(&format!("pauses:{}", paused.customer), paused.subscription.as_str(), &paused.mrr);
    }
    for fx in &block.fx {
        rows.amount("fx_effects", fx.currency.as_str(), &fx.effect);
        let section = format!("fx_effects:{}", fx.currency);
        rows.push(&section, "starting_mrr", &fx.starting_mrr, &format!("{}_minor", fx.currency));
        rows.push(&section, "rate_before", &fx.rates.0, &format!("{} per {}", block.currency, fx.currency));
        rows.push(&section, "rate", &fx.rates.1, &format!("{} per {}", block.currency, fx.currency));
    }
    for entry in &block.scheduled {
        let movement = &entry.movement;
        let section =
            format!("scheduled:{}:{}", super::ordered::rfc3339(movement.effective_at), entry.customer);
        rows.amount(&section, movement.kind.as_str(), &movement.delta);
    }
}

fn retention(rows: &mut Rows<'_>, block: &CurrencyBlock) {
    for cohort in &block.retention {
        let section = format!("retention:{}", cohort.month);
        rows.push(&section, "customers", &cohort.customers, "customers");
        rows.push(&section, "brought_forward", &cohort.brought_forward, "customers");
        rows.amount(&section, "mrr", &cohort.base);
        for point in &cohort.points {
            rows.amount(&section, &format!("mrr {}", point.month), &point.mrr);
            rows.rate(&section, &format!("nrr {}", point.month), &point.nrr, "ratio");
            rows.rate(&section, &format!("grr {}", point.month), &point.grr, "ratio");
        }
    }
}
