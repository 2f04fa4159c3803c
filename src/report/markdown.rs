//! The report as Markdown, for a wiki or a message.

use super::cell::Cell;
use super::sheet::{Section, Sheet};
use super::{RangeReport, Report};

impl Report {
    /// The report as Markdown, with every section but the register of movements.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        sheet_text(&Sheet::whole(self))
    }
}

impl RangeReport {
    /// The reports as Markdown, one column a month and one for all of them.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        sheet_text(&self.sheet())
    }
}

fn sheet_text(sheet: &Sheet) -> String {
    let mut text = format!("# {}\n\n{}", sheet.title, listed(&sheet.facts));
    text.extend(sheet.quiet().map(|said| format!("\n{said}\n")));
    for block in &sheet.blocks {
        text.push_str(&format!("\n## {}\n\n", block.currency));
        text.push_str(&format!("{}\n", escaped(&block.said.join(" "))));
        text.extend(block.sections.iter().map(section_text));
    }
    if !sheet.rest.is_empty() {
        text.push_str(&format!("\n## {}\n", sheet.rest_title));
    }
    text.extend(sheet.rest.iter().map(section_text));
    text
}

fn listed(facts: &[(String, String)]) -> String {
    facts.iter().map(|(name, value)| format!("- **{name}:** {}\n", escaped(value))).collect()
}

fn section_text(section: &Section) -> String {
    let mut text = format!("\n### {}\n\n", section.title);
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    text.push_str(&row(section.columns.iter().map(|column| column.name.clone()).collect()));
    let rule = |is_number| if is_number { "---:" } else { "---" };
    text.push_str(&row(section.columns.iter().map(|column| rule(column.is_number).to_owned()).collect()));
    for line in &section.rows {
        let cell = |cell: &Cell| match (line.is_total, cell.text.is_empty()) {
            (true, false) => format!("**{}**", escaped(&cell.text)),
            _ => escaped(&cell.text),
        };
        text.push_str(&row(line.cells.iter().map(cell).collect()));
    }
    if let Some(note) = &section.note {
        text.push_str(&format!("\n{note}\n"));
    }
    text
}

/// Text that can't break out of its cell or be taken for markup.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '|' | '*' | '_' | '`' | '[' | ']' | '<' | '>' | '\\' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            '\n' | '\r' => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}
