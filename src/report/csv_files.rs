//! The report as an archive of CSV: one tidy file a section, as it is printed, beside the long form that has
//! every figure exactly.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::csv_face::csv_text;
use super::sheet::{Row, Section, Sheet};
use super::{RangeReport, Report, ReportError};

/// A file while it is gathered: every block's rows, each as far as it has columns of the file's. Registers of many
/// months are in memory here, so a row is its values and no more.
#[derive(Default)]
struct File {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl File {
    /// The file as text; a column that a block does not have is empty in its rows.
    fn text(self) -> Result<String, ReportError> {
        let head: Vec<&str> = self.head.iter().map(String::as_str).collect();
        let row = |mut row: Vec<String>| {
            row.resize(head.len(), String::new());
            row
        };
        csv_text(&head, self.rows.into_iter().map(row))
    }

    /// Where columns of these names are; those that it has not yet come last.
    fn places(&mut self, columns: &[String]) -> Vec<usize> {
        let place = |column: &String| {
            let known = self.head.iter().position(|name| name == column);
            known.unwrap_or_else(|| {
                self.head.push(column.clone());
                self.head.len() - 1
            })
        };
        columns.iter().map(place).collect()
    }
}

impl Report {
    /// A zip archive: `report.csv` in long form, and a file for each section with a row for each of its rows,
    /// the month and currency before them. The same report gives the same bytes.
    ///
    /// # Errors
    ///
    /// [`ReportError::Csv`] and [`ReportError::Archive`], which do not happen for text in memory.
    pub fn to_csv_files(&self) -> Result<Vec<u8>, ReportError> {
        let mut files = BTreeMap::new();
        add_sheet(&mut files, &self.month.to_string(), &Sheet::whole(self));
        archive(self.to_csv()?, files)
    }
}

impl RangeReport {
    /// A zip archive as of a month, with the rows of all months in each file, and after them those of the run, under
    /// its first and last month.
    ///
    /// # Errors
    ///
    /// As of one report.
    pub fn to_csv_files(&self) -> Result<Vec<u8>, ReportError> {
        let mut files = BTreeMap::new();
        for report in &self.months {
            add_sheet(&mut files, &report.month.to_string(), &Sheet::whole(report));
        }
        for block in &self.whole_sheet().blocks {
            for section in block.sections.iter().filter_map(of_the_run) {
                add(&mut files, &self.span(), &block.code, &section);
            }
        }
        archive(self.to_csv()?, files)
    }
}

/// The run's own column of a section, called as that of a month is; `None` of what has no such column.
fn of_the_run(section: &Section) -> Option<Section> {
    let value = match section.key.as_str() {
        "rollforward"
        | "expansion_by_kind"
        | "contraction_by_kind"
        | "expansion_by_cause"
        | "contraction_by_cause"
        | "motion" => "#MRR",
        "customers" => "#count",
        "rates" => "#value",
        "summary" => "#amount",
        _ => return None,
    };
    let place = section.columns.iter().position(|column| column.name == "total")?;
    let mut own = Section::of(&section.key, &section.title, &[&section.columns.first()?.name, value]);
    // What stands below a sum is no part of it.
    let last = section.rows.iter().position(|row| row.is_sum).map_or(section.rows.len(), |last| last + 1);
    let rows = section
        .rows
        .iter()
        .take(last)
        .filter(|row| row.cells.get(place).is_some_and(|cell| !cell.text.is_empty()));
    let cells = |row: &Row| [0, place].iter().filter_map(|at| row.cells.get(*at).cloned()).collect();
    own.rows = rows.map(|row| Row { cells: cells(row), ..row.clone() }).collect();
    Some(own)
}

fn add_sheet(files: &mut BTreeMap<String, File>, month: &str, sheet: &Sheet) {
    let of_blocks = sheet
        .blocks
        .iter()
        .flat_map(|block| block.sections.iter().map(move |section| (block.code.as_str(), section)));
    let rest = sheet.rest.iter().chain(&sheet.register).map(|section| ("", section));
    of_blocks.chain(rest).for_each(|(code, section)| add(files, month, code, section));
}

fn add(files: &mut BTreeMap<String, File>, month: &str, code: &str, section: &Section) {
    let columns = section.columns.iter().map(|column| own_name(&column.name));
    let columns: Vec<String> =
        ["month", "currency", "row"].map(str::to_owned).into_iter().chain(columns).collect();
    let file = files.entry(section.key.clone()).or_default();
    let places = file.places(&columns);
    let width = places.iter().max().map_or(0, |last| last + 1);
    let row = |row: &Row| -> Vec<String> {
        let what = match (row.is_sum, row.is_total) {
            (true, _) => "sum",
            (false, true) => "level",
            _ => "part",
        };
        let cells = row.cells.iter().map(|cell| match &cell.number {
            Some(number) => number.decimal.clone(),
            None => cell.text.clone(),
        });
        let mut values = vec![String::new(); width];
        for (place, value) in
            places.iter().zip([month, code, what].map(str::to_owned).into_iter().chain(cells))
        {
            values[*place] = value;
        }
        values
    };
    file.rows.extend(section.rows.iter().map(row));
}

/// What a section's column is called beside those that every file has.
fn own_name(name: &str) -> String {
    match name.to_lowercase().as_str() {
        "" => "name".to_owned(),
        fixed @ ("month" | "currency" | "row") => format!("of_{fixed}"),
        name => name.replace(' ', "_"),
    }
}

/// `report.csv` in long form, then each file by its name.
fn archive(report: String, files: BTreeMap<String, File>) -> Result<Vec<u8>, ReportError> {
    let mut texts = vec![("report".to_owned(), report)];
    for (name, file) in files {
        texts.push((name, file.text()?));
    }
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    // No clock: the same report gives the same bytes.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    for (name, text) in texts {
        writer.start_file(format!("{name}.csv"), options)?;
        writer.write_all(text.as_bytes())?;
    }
    Ok(writer.finish()?.into_inner())
}
