//! The charts of a run of months, each of what one of its tables prints.

use super::drawing::Drawing;
use super::range::Grid;
use super::{Targets, trend_chart, waterfall};

/// All charts of a run that have something to show.
pub(super) fn drawings(grid: &Grid<'_>, targets: &Targets) -> Vec<Drawing> {
    let (months, kinds) = (grid.run.added(), grid.kinds());
    let target = targets.expansion_share_of_new_arr;
    let by_kind = trend_chart::stacked("expansion_by_kind", &months, &kinds, grid.scale, target);
    let waterfall = grid.total.as_ref().and_then(waterfall::drawn);
    let added = trend_chart::new_and_core(&months, &grid.added(), grid.scale);
    [waterfall, by_kind, added].into_iter().flatten().collect()
}
