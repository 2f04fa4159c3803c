//! The report as one self-contained HTML file: no scripts, nothing fetched, light and dark, printable.

use askama::Template;

use super::charts::{FIRST, drawings};
use super::drawing::{Drawing, Shape};
use super::leads::{Href, Lead, Leads};
use super::sheet::{Row, Section, Sheet, SheetBlock};
use super::{RangeReport, Report, ReportError};

/// The most movements that a page is given; archives and workbooks have all.
const MOST_ROWS: usize = 2_000;

#[derive(Template)]
#[template(path = "report.html", blocks = ["figures"])]
struct Page<'p> {
    sheet: Sheet,
    /// Each block's.
    drawings: Vec<Vec<Drawing>>,
    /// Where figures lead, and how a page writes that; nowhere in a file of its own.
    leads: Option<(Leads, Href<'p>)>,
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
        Ok(self.html_page(Some((Leads { month: self.month }, href))).as_figures().render()?)
    }

    fn html_page<'p>(&self, leads: Option<(Leads, Href<'p>)>) -> Page<'p> {
        let mut sheet = Sheet::whole(self);
        sheet.register = sheet.register.map(|register| register.at_most(MOST_ROWS));
        let drawings = self.blocks().map(|(_, block)| drawings(self, block)).collect();
        Page { sheet, drawings, leads }
    }
}

impl RangeReport {
    /// The reports as an HTML page, one column a month and one for all of them; printed, it lies on its side.
    ///
    /// # Errors
    ///
    /// [`ReportError::Html`], which does not happen for text in memory.
    pub fn to_html(&self) -> Result<String, ReportError> {
        Ok(Page { sheet: self.whole_sheet(), drawings: self.drawings(), leads: None }.render()?)
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
        self.written(&self.leads?.0.tile(&block.code, name)?)
    }

    fn href(&self, code: &str, section: &Section, row: &Row, index: &usize) -> Option<String> {
        self.written(&self.leads?.0.cell(code, section, row, *index)?)
    }

    /// A lead as an address; none to a section that the view leaves out, or that has nothing to say.
    fn written(&self, lead: &Lead) -> Option<String> {
        if let Lead::Section(code, key) = lead {
            let block = self.sheet.blocks.iter().find(|block| block.code == *code)?;
            block.sections.iter().find(|section| section.key == *key)?;
        }
        self.leads.map(|(_, href)| href(lead))
    }

    /// The charts that stand above a block's sections, where the tables of the same figures are on the page.
    fn first<'p>(&'p self, block: &usize, shown: &SheetBlock) -> Vec<(usize, &'p Drawing)> {
        let has_table = |twin: &str| shown.sections.iter().any(|section| section.key == twin);
        self.drawn(*block, |twin| FIRST.contains(&twin) && has_table(twin))
    }

    /// The charts that stand before a section: those of its figures.
    fn beside<'p>(&'p self, block: &usize, section: &Section) -> Vec<(usize, &'p Drawing)> {
        self.drawn(*block, |twin| twin == section.key && !FIRST.contains(&twin))
    }

    fn drawn(&self, block: usize, is_meant: impl Fn(&str) -> bool) -> Vec<(usize, &Drawing)> {
        let drawings = self.drawings.get(block).into_iter().flatten().enumerate();
        drawings.filter(|(_, drawing)| is_meant(&drawing.twin)).collect()
    }

    /// A chart's own name on the page.
    fn id(&self, block: &usize, place: &usize) -> String {
        format!("chart-{block}-{place}")
    }

    fn is_line(&self, paint: &str) -> bool {
        ["line", "curve", "dashes"].contains(&paint)
    }

    /// Wide tables, and those that end in a sentence, take the page's whole width.
    fn is_wide(&self, section: &Section) -> bool {
        let ends_in_text = section.columns.last().is_some_and(|column| !column.is_number);
        section.columns.len() > 3 || ends_in_text
    }

    /// Tables of a column a month are set in small type.
    fn has_many_columns(&self, section: &Section) -> bool {
        section.columns.len() > 10
    }

    fn has_tiles(&self, block: &SheetBlock) -> bool {
        !block.tiles.is_empty()
    }
}
