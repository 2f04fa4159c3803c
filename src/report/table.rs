//! The report for a terminal.

use comfy_table::{Cell, CellAlignment, ContentArrangement, ContentLineStyle, LineStyle, Table, TableStyle};

use super::sheet::{Section, Sheet};
use super::{RangeReport, Report};

impl Report {
    /// The report as text for a terminal; what is too wide for one is left out, and the last line says where it is.
    #[must_use]
    pub fn to_table(&self) -> String {
        let (sheet, rest) = Sheet::of(self);
        format!("{}\n{rest}\n", sheet_text(&sheet))
    }
}

impl RangeReport {
    /// The reports as text for a terminal, one column a month and one for all of them.
    #[must_use]
    pub fn to_table(&self) -> String {
        sheet_text(&self.sheet())
    }
}

fn sheet_text(sheet: &Sheet) -> String {
    let mut text = format!("{}\n{}\n\n", sheet.title, "═".repeat(sheet.title.chars().count()));
    text.push_str(&listed(&sheet.facts));
    text.extend(sheet.quiet().map(|said| format!("\n{said}\n")));
    for block in &sheet.blocks {
        text.push_str(&format!("\n── {} ──\n\n", block.currency));
        block.said.iter().for_each(|sentence| text.push_str(&format!("{sentence}\n")));
        for section in &block.sections {
            text.push_str(&section_text(section));
        }
    }
    if !sheet.rest.is_empty() {
        text.push_str(&format!("\n── {} ──\n", sheet.rest_title));
    }
    for section in &sheet.rest {
        text.push_str(&section_text(section));
    }
    text
}

pub(super) fn listed(facts: &[(String, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    facts.iter().map(|(name, value)| format!("{name:width$}  {value}\n")).collect()
}

pub(super) fn section_text(section: &Section) -> String {
    let head: Vec<&str> = section.columns.iter().map(|column| column.name.as_str()).collect();
    let numbers: Vec<usize> = section
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.is_number)
        .map(|(index, _)| index)
        .collect();
    let table = plain_table(
        &head,
        &numbers,
        section.rows.iter().map(|row| row.cells.iter().map(|cell| cell.text.clone()).collect()),
    );
    let note = section.note.as_ref().map(|note| format!("{note}\n")).unwrap_or_default();
    format!("\n{}\n{table}{note}", section.title)
}

/// A rule under the head and no other line.
const RULED: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none().junction(' '))
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .content_lines(ContentLineStyle::none().junction(' '));

/// A table with a rule under its head; the columns named in `numbers` are set to the right.
#[must_use]
pub fn plain_table(head: &[&str], numbers: &[usize], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let aligned = |index: usize, text: &str| {
        let alignment = if numbers.contains(&index) { CellAlignment::Right } else { CellAlignment::Left };
        Cell::new(text).set_alignment(alignment)
    };
    let mut table = Table::new();
    table.load_style(RULED);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head.iter().enumerate().map(|(index, name)| aligned(index, name)));
    for row in rows {
        table.add_row(row.iter().enumerate().map(|(index, text)| aligned(index, text)));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n") + "\n"
}
