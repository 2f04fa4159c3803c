//! The report as one self-contained HTML file: no scripts, nothing fetched, light and dark, printable.

use askama::Template;

use super::lists::{cohorts, trend};
use super::range::range_sections;
use super::sheet::{Section, Sheet, SheetBlock, range_facts};
use super::trend_chart::{Chart, chart};
use super::{RangeReport, Report, ReportError};

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    sheet: Sheet,
    charts: Vec<Option<Chart>>,
}

impl Report {
    /// The report as an HTML page.
    ///
    /// # Errors
    ///
    /// [`ReportError::Html`], which does not happen for text in memory.
    pub fn to_html(&self) -> Result<String, ReportError> {
        let mut sheet = Sheet::of(self);
        let mut charts = Vec::new();
        for (shown, (_, block)) in sheet.blocks.iter_mut().zip(self.blocks()) {
            charts.push(chart(&block.trend));
            shown.sections.extend(trend(block));
            shown.sections.extend(cohorts(block));
        }
        Ok(Page { sheet, charts }.render()?)
    }
}

impl RangeReport {
    /// The reports as an HTML page, one column a month.
    ///
    /// # Errors
    ///
    /// [`ReportError::Html`], which does not happen for text in memory.
    pub fn to_html(&self) -> Result<String, ReportError> {
        let sheet = Sheet {
            title: format!("Expansion report {} to {}", self.from, self.to),
            facts: range_facts(self),
            blocks: Vec::new(),
            rest: range_sections(self),
        };
        Ok(Page { sheet, charts: Vec::new() }.render()?)
    }
}

impl Page {
    fn chart<'p>(&'p self, index: &usize) -> Option<&'p Chart> {
        self.charts.get(*index).and_then(Option::as_ref)
    }

    /// Wide tables, and those that end in a sentence, take the page's whole width.
    fn is_wide(&self, section: &Section) -> bool {
        let ends_in_text = section.columns.last().is_some_and(|column| !column.is_number);
        section.columns.len() > 3 || ends_in_text
    }

    fn has_tiles(&self, block: &SheetBlock) -> bool {
        !block.tiles.is_empty()
    }
}
