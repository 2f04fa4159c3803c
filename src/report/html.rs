//! The report as one self-contained HTML file: no scripts, nothing fetched, light and dark, printable.

use askama::Template;

use super::range::range_sections;
use super::sheet::{Section, Sheet, SheetBlock, range_facts};
use super::trend_chart::{Chart, chart};
use super::waterfall::{Waterfall, waterfall};
use super::{RangeReport, Report, ReportError};

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    sheet: Sheet,
    charts: Vec<Option<Chart>>,
    waterfalls: Vec<Option<Waterfall>>,
}

impl Report {
    /// The report as an HTML page.
    ///
    /// # Errors
    ///
    /// [`ReportError::Html`], which does not happen for text in memory.
    pub fn to_html(&self) -> Result<String, ReportError> {
        let sheet = Sheet::whole(self);
        let charts = self.blocks().map(|(_, block)| chart(&block.trend)).collect();
        let waterfalls = self.blocks().map(|(_, block)| waterfall(block)).collect();
        Ok(Page { sheet, charts, waterfalls }.render()?)
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
        Ok(Page { sheet, charts: Vec::new(), waterfalls: Vec::new() }.render()?)
    }
}

impl Page {
    /// The months of a block whose table is on the page.
    fn chart<'p>(&'p self, index: &usize, block: &SheetBlock) -> Option<&'p Chart> {
        let has_table = block.sections.iter().any(|section| section.key == "trend");
        self.charts.get(*index).and_then(Option::as_ref).filter(|_| has_table)
    }

    /// The drawing of a block whose table is on the page.
    fn waterfall<'p>(&'p self, index: &usize, block: &SheetBlock) -> Option<&'p Waterfall> {
        let has_table = block.sections.iter().any(|section| section.key == "rollforward");
        self.waterfalls.get(*index).and_then(Option::as_ref).filter(|_| has_table)
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
