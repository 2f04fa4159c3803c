//! The report as an archive of CSV: one tidy file a section, as it is printed, beside the long form that has
//! every figure exactly.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::csv_face::csv_text;
use super::sheet::{Row, Section, Sheet};
use super::{Report, ReportError};

/// A file while it is gathered: every block's rows, each with the columns that it has.
#[derive(Default)]
struct File {
    head: Vec<String>,
    rows: Vec<BTreeMap<String, String>>,
}

impl File {
    /// The file as text; a column that a block does not have is empty in its rows.
    fn text(&self) -> Result<String, ReportError> {
        let head: Vec<&str> = self.head.iter().map(String::as_str).collect();
        let row = |row: &BTreeMap<String, String>| -> Vec<String> {
            self.head.iter().map(|name| row.get(name).cloned().unwrap_or_default()).collect()
        };
        csv_text(&head, self.rows.iter().map(row))
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
        let sheet = Sheet::whole(self);
        let mut files: BTreeMap<String, File> = BTreeMap::new();
        let of_blocks = sheet
            .blocks
            .iter()
            .flat_map(|block| block.sections.iter().map(move |section| (block.code.as_str(), section)));
        for (code, section) in
            of_blocks.chain(sheet.rest.iter().chain(&sheet.register).map(|section| ("", section)))
        {
            add(&mut files, &self.month.to_string(), code, section);
        }
        let mut texts = vec![("report".to_owned(), self.to_csv()?)];
        for (name, file) in files {
            texts.push((name, file.text()?));
        }
        archive(&texts)
    }
}

fn add(files: &mut BTreeMap<String, File>, month: &str, code: &str, section: &Section) {
    let columns = section.columns.iter().map(|column| own_name(&column.name));
    let columns: Vec<String> =
        ["month", "currency", "row"].map(str::to_owned).into_iter().chain(columns).collect();
    let file = files.entry(section.key.clone()).or_default();
    for column in &columns {
        if !file.head.contains(column) {
            file.head.push(column.clone());
        }
    }
    let row = |row: &Row| -> BTreeMap<String, String> {
        let what = match (row.is_sum, row.is_total) {
            (true, _) => "sum",
            (false, true) => "level",
            _ => "part",
        };
        let cells = row.cells.iter().map(|cell| match &cell.number {
            Some(number) => number.decimal.clone(),
            None => cell.text.clone(),
        });
        let values = [month, code, what].map(str::to_owned).into_iter().chain(cells);
        columns.iter().cloned().zip(values).collect()
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

fn archive(texts: &[(String, String)]) -> Result<Vec<u8>, ReportError> {
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
