//! The charts of a workbook, drawn by the spreadsheet from the cells that stand beside them.

use std::collections::BTreeMap;

use rust_xlsxwriter::{Chart, ChartType};

/// The rows of a section's parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) first: u32,
    pub(super) last: u32,
}

/// What is drawn of a section: its key, how, the title, the columns of values with their names.
type Drawing = (&'static str, ChartType, &'static str, &'static [(u16, &'static str)]);

const DRAWINGS: [Drawing; 5] = [
    ("rollforward", ChartType::Column, "What moved MRR", &[(1, "MRR")]),
    ("expansion_by_kind", ChartType::Bar, "Expansion by kind", &[(1, "MRR")]),
    ("trend", ChartType::ColumnStacked, "What each month added", &[(2, "core expansion"), (1, "new")]),
    ("motion", ChartType::Bar, "Who moved core expansion", &[(1, "MRR")]),
    ("concentration", ChartType::Line, "Concentration of expansion", &[(2, "share")]),
];

/// The fill of each column of values: dark and light, told apart without colour.
const FILLS: [u32; 2] = [0x000F_766E, 0x009C_CFC9];

/// The charts of the sections that stand on a worksheet.
pub(super) fn charts(worksheet: &str, places: &BTreeMap<String, Place>) -> Vec<Chart> {
    let draw = |(key, how, title, columns): &Drawing| {
        let place = places.get(*key)?;
        let mut chart = Chart::new(*how);
        chart.title().set_name(*title);
        chart.set_alt_text(format!("{title}: the figures stand in the table of the same rows"));
        if columns.len() == 1 {
            chart.legend().set_hidden();
        }
        for ((column, name), fill) in columns.iter().zip(FILLS) {
            let series = chart.add_series();
            series.set_name(*name).set_categories((worksheet, place.first, 0, place.last, 0));
            series.set_values((worksheet, place.first, *column, place.last, *column));
            series.set_format(rust_xlsxwriter::ChartFormat::new().set_solid_fill(
                rust_xlsxwriter::ChartSolidFill::new().set_color(rust_xlsxwriter::Color::RGB(fill)),
            ));
        }
        Some(chart)
    };
    DRAWINGS.iter().filter_map(draw).collect()
}
