//! The charts of a block, each before the section that has its figures.

use super::drawing::Drawing;
use super::{
    CurrencyBlock, Report, bar_charts, curve_chart, heat_map, schedule_chart, trend_chart, waterfall,
};

/// The charts that stand above all sections, by the sections that have their figures.
pub(super) const FIRST: [&str; 2] = ["rollforward", "expansion_by_month"];

/// All charts of a block that have something to show.
pub(super) fn drawings(report: &Report, block: &CurrencyBlock) -> Vec<Drawing> {
    let target = report.targets.expansion_share_of_new_arr;
    let scheduled = report.data_through.and_then(|now| schedule_chart::scheduled(block, now, report.zone));
    let segments = block.segment_trends.iter().filter_map(|trend| bar_charts::segments(trend, block));
    let single = [
        waterfall::waterfall(block),
        trend_chart::by_kind(block, target),
        trend_chart::added(block),
        bar_charts::motion(block),
        curve_chart::concentration(block),
        heat_map::retention(block),
        scheduled,
    ];
    single.into_iter().flatten().chain(segments).collect()
}
