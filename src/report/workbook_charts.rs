//! The charts of a workbook, drawn by the spreadsheet from the cells that stand beside them.

use std::collections::BTreeMap;

use rust_xlsxwriter::{
    Chart, ChartFormat, ChartPatternFill, ChartPatternFillType, ChartSolidFill, ChartType, Color,
};

use super::sheet::Section;

/// Where a section stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The row of its head.
    pub(super) head: u32,
    /// The rows of its parts.
    pub(super) first: u32,
    pub(super) last: u32,
    /// The last of those above the first sum.
    before_sum: u32,
    /// What its columns are called.
    columns: Vec<String>,
}

impl Place {
    /// Where a section stands whose head is in a row; `None` where it has no parts. Parts that stand apart, a level
    /// between them, are drawn from the first to the last.
    pub(super) fn of(section: &Section, head: u32) -> Option<Self> {
        let rows = || (head + 1..).zip(&section.rows);
        let mut parts = rows().filter(|(_, row)| !row.is_total).map(|(at, _)| at);
        let first = parts.next()?;
        let last = parts.last().unwrap_or(first);
        let above = rows().take_while(|(_, row)| !row.is_sum).filter(|(_, row)| !row.is_total);
        let before_sum = above.last().map_or(last, |(at, _)| at);
        let columns = section.columns.iter().map(|column| column.name.clone()).collect();
        Some(Self { head, first, last, before_sum, columns })
    }

    /// The column of all months, behind those of the months.
    fn total(&self) -> Option<u16> {
        let at = self.columns.iter().position(|column| column == "total")?;
        u16::try_from(at).ok()
    }
}

/// What is drawn of a section, over its first column.
enum Columns {
    /// These.
    These(&'static [u16]),
    /// All from the second up to the one of this name.
    Before(&'static str),
}

/// A section's key, how it is drawn, the chart's title, the columns.
type Drawing = (&'static str, ChartType, &'static str, Columns);

const DRAWINGS: [Drawing; 8] = [
    ("rollforward", ChartType::Column, "What moved MRR", Columns::These(&[1])),
    ("expansion_by_kind", ChartType::Bar, "Expansion by kind", Columns::These(&[1])),
    ("expansion_by_month", ChartType::ColumnStacked, "Expansion by month and kind", Columns::Before("total")),
    ("trend", ChartType::ColumnStacked, "What each month added", Columns::These(&[2, 1])),
    ("motion", ChartType::Bar, "Who moved core expansion", Columns::These(&[1])),
    ("concentration", ChartType::Line, "Concentration of expansion", Columns::These(&[2])),
    ("segments_product", ChartType::Bar, "Ending MRR by product", Columns::These(&[9])),
    ("scheduled", ChartType::Column, "Scheduled in the next 90 days", Columns::These(&[5])),
];

const DARK: Color = Color::RGB(0x000F_766E);
const LIGHT: Color = Color::RGB(0x009C_CFC9);
const GREY: Color = Color::RGB(0x005F_6B7A);

/// The fills of the columns of values, told apart without colour: dark, light, and hatched.
fn fill(place: usize) -> ChartFormat {
    let mut format = ChartFormat::new();
    let hatched = |pattern, colour| {
        let mut fill = ChartPatternFill::new();
        fill.set_pattern(pattern).set_foreground_color(colour).set_background_color(Color::White);
        fill
    };
    let solid = |colour| ChartSolidFill::new().set_color(colour).clone();
    match place {
        0 => format.set_solid_fill(&solid(DARK)),
        1 => format.set_solid_fill(&solid(LIGHT)),
        2 => format.set_pattern_fill(&hatched(ChartPatternFillType::DiagonalStripesWideUpwards, DARK)),
        3 => format.set_pattern_fill(&hatched(ChartPatternFillType::LargeConfetti, DARK)),
        4 => format.set_solid_fill(&solid(GREY)),
        5 => format.set_pattern_fill(&hatched(ChartPatternFillType::HorizontalStripesNarrow, GREY)),
        _ => format.set_pattern_fill(&hatched(ChartPatternFillType::DottedGrid, GREY)),
    };
    format
}

/// The charts of the sections that stand on a worksheet.
pub(super) fn charts(worksheet: &str, places: &BTreeMap<String, Place>) -> Vec<Chart> {
    let draw = |(key, how, title, columns): &Drawing| {
        let place = places.get(*key)?;
        let columns: Vec<u16> = match columns {
            Columns::These(these) => these.to_vec(),
            Columns::Before(name) => {
                let end = place.columns.iter().position(|column| column == name)?;
                (1..u16::try_from(end).ok()?).collect()
            }
        };
        let mut chart = titled(*how, title);
        if columns.len() == 1 {
            chart.legend().set_hidden();
        }
        for (number, column) in columns.into_iter().enumerate() {
            let series = chart.add_series();
            series.set_name((worksheet, place.head, column));
            series.set_categories((worksheet, place.first, 0, place.last, 0));
            series.set_values((worksheet, place.first, column, place.last, column));
            series.set_format(&mut fill(number));
        }
        Some(chart)
    };
    DRAWINGS.iter().filter_map(draw).collect()
}

/// The sections of a run that have a bar a month, stacked of the section's rows, with the chart's title.
const STACKED: [(&str, &str); 2] =
    [("trend", "What each month added"), ("expansion_by_kind", "Expansion by month and kind")];

/// The charts of a run of months: what moved MRR in all of it, and what each month is made of.
pub(super) fn run_charts(worksheet: &str, places: &BTreeMap<String, Place>) -> Vec<Chart> {
    let moved =
        places.get("rollforward").and_then(|place| Some((place, place.total()?))).map(|(place, total)| {
            let mut chart = titled(ChartType::Column, "What moved MRR");
            let series = chart.add_series();
            series.set_name((worksheet, place.head, total));
            series.set_categories((worksheet, place.first, 0, place.before_sum, 0));
            series
                .set_values((worksheet, place.first, total, place.before_sum, total))
                .set_format(&mut fill(0));
            chart.legend().set_hidden();
            chart
        });
    let stacked = STACKED.iter().filter_map(|(key, title)| {
        let place = places.get(*key)?;
        let last = place.total()? - 1;
        let mut chart = titled(ChartType::ColumnStacked, title);
        for (number, row) in (place.first..=place.before_sum).enumerate() {
            let series = chart.add_series();
            series.set_name((worksheet, row, 0)).set_categories((worksheet, place.head, 1, place.head, last));
            series.set_values((worksheet, row, 1, row, last)).set_format(&mut fill(number));
        }
        Some(chart)
    });
    moved.into_iter().chain(stacked).collect()
}

fn titled(how: ChartType, title: &str) -> Chart {
    let mut chart = Chart::new(how);
    chart.title().set_name(title);
    chart.set_alt_text(format!("{title}: the figures stand in the table of the same rows"));
    chart
}
