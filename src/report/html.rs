//! The report as one self-contained HTML file: no scripts, nothing fetched, light and dark, printable.

use askama::Template;

use super::leads::{Lead, Leads};
use super::range::range_sections;
use super::sheet::{Row, Section, Sheet, SheetBlock, range_facts};
use super::trend_chart::{Chart, chart};
use super::waterfall::{Waterfall, waterfall};
use super::{RangeReport, Report, ReportError};

#[derive(Template)]
#[template(path = "report.html", blocks = ["figures"])]
struct Page<'p> {
    sheet: Sheet,
    charts: Vec<Option<Chart>>,
    waterfalls: Vec<Option<Waterfall>>,
    /// Where figures lead; nowhere in a file of its own.
    leads: Option<Leads<'p>>,
}

impl Report {
    /// The report as an HTML page.
    ///
    /// # Errors
    ///
    /// [`ReportError::Html`], which does not happen for text in memory.
    pub fn to_html(&self) -> Result<String, ReportError> {
        Ok(self.html_page(None).render()?)
    }

    /// What is between the head and the foot of that page, each figure leading to what `href` gives for it.
    ///
    /// # Errors
    ///
    /// [`ReportError::Html`], which does not happen for text in memory.
    pub fn to_html_part(&self, href: &dyn Fn(&Lead) -> String) -> Result<String, ReportError> {
        let leads = Leads { month: self.month, href };
        Ok(self.html_page(Some(leads)).as_figures().render()?)
    }

    fn html_page<'p>(&self, leads: Option<Leads<'p>>) -> Page<'p> {
        Page {
            sheet: Sheet::whole(self),
            charts: self.blocks().map(|(_, block)| chart(&block.trend)).collect(),
            waterfalls: self.blocks().map(|(_, block)| waterfall(block)).collect(),
            leads,
        }
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
        Ok(Page { sheet, charts: Vec::new(), waterfalls: Vec::new(), leads: None }.render()?)
    }
}

/// The style of the page, as it stands in its template.
#[must_use]
pub fn page_style() -> &'static str {
    let template = include_str!("../../templates/report.html");
    let inside = template.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>"));
    inside.map_or("", |(style, _)| style)
}

impl Page<'_> {
    fn tile_href(&self, block: &SheetBlock, name: &str) -> Option<String> {
        self.leads.as_ref()?.tile(&block.code, name)
    }

    fn href(&self, code: &str, section: &Section, row: &Row, index: &usize) -> Option<String> {
        self.leads.as_ref()?.cell(code, section, row, *index)
    }

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
