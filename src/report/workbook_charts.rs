//! The charts of a workbook, drawn by the spreadsheet from the cells that stand beside them.

use std::collections::BTreeMap;

use rust_xlsxwriter::{Chart, ChartFormat, ChartSolidFill, ChartType, Color};

/// Where a section stands: its head, the rows of its parts, and how many columns it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) head: u32,
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) columns: u16,
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

/// The fill of each column of values, from dark to light, neighbours told apart without colour.
const FILLS: [u32; 7] =
    [0x000F_766E, 0x009C_CFC9, 0x0011_4B46, 0x005F_A8A0, 0x005F_6B7A, 0x00C9_D3DC, 0x002B_3442];

/// The sections of a run that have a bar a month, stacked of the section's rows, with the chart's title.
const STACKED: [(&str, &str); 2] =
    [("trend", "What each month added"), ("expansion_by_kind", "Expansion by month and kind")];

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
            series.set_format(&mut filled(fill));
        }
        Some(chart)
    };
    DRAWINGS.iter().filter_map(draw).collect()
}

/// The charts of a run of months: what moved MRR in all of it, and what each month is made of.
pub(super) fn run_charts(worksheet: &str, places: &BTreeMap<String, Place>) -> Vec<Chart> {
    let titled = |how: ChartType, title: &str| {
        let mut chart = Chart::new(how);
        chart.title().set_name(title);
        chart.set_alt_text(format!("{title}: the figures stand in the table of the same rows"));
        chart
    };
    let moved = places.get("rollforward").filter(|place| place.columns > 2).map(|place| {
        let mut chart = titled(ChartType::Column, "What moved MRR");
        let total = place.columns - 1;
        let series = chart.add_series();
        series.set_name("MRR").set_categories((worksheet, place.first, 0, place.last, 0));
        series
            .set_values((worksheet, place.first, total, place.last, total))
            .set_format(&mut filled(FILLS[0]));
        chart.legend().set_hidden();
        chart
    });
    let stacked = STACKED.iter().filter_map(|(key, title)| {
        let place = places.get(*key).filter(|place| place.columns > 3)?;
        let mut chart = titled(ChartType::ColumnStacked, title);
        let last = place.columns - 2;
        for (row, fill) in (place.first..=place.last).zip(FILLS.iter().cycle()) {
            let series = chart.add_series();
            series.set_name((worksheet, row, 0)).set_categories((worksheet, place.head, 1, place.head, last));
            series.set_values((worksheet, row, 1, row, last)).set_format(&mut filled(*fill));
        }
        Some(chart)
    });
    moved.into_iter().chain(stacked).collect()
}

fn filled(fill: u32) -> ChartFormat {
    let mut format = ChartFormat::new();
    format.set_solid_fill(ChartSolidFill::new().set_color(Color::RGB(fill)));
    format
}
