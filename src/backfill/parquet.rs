//! Tables as Parquet, as Stripe's Data Pipeline lays them down: cells as the texts that a CSV of the same
//! table would hold.

use std::fs::File;
use std::ops::ControlFlow;

use chrono::DateTime;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use super::contents::{Contents, Told};
use super::{ReadError, Row, Table};

/// Tells of the table of a Parquet file.
pub(super) fn open(name: &str, file: File, told: Told<'_>) -> ControlFlow<()> {
    match SerializedFileReader::new(file).map_err(|error| unreadable(1, &error)) {
        Ok(reader) => {
            let columns = columns(&reader);
            let rows = rows(&reader, columns.len());
            told(name, rows.map(|rows| Contents::Table(Table::of(columns, rows))))
        }
        Err(error) => told(name, Err(error)),
    }
}

fn columns(reader: &SerializedFileReader<File>) -> Vec<String> {
    let schema = reader.metadata().file_metadata().schema();
    schema.get_fields().iter().map(|field| field.name().to_owned()).collect()
}

fn rows(
    reader: &SerializedFileReader<File>,
    width: usize,
) -> Result<impl Iterator<Item = Result<Row, ReadError>>, ReadError> {
    let rows = reader.get_row_iter(None).map_err(|error| unreadable(1, &error))?;
    // The header is line 1, as if it were a CSV.
    Ok((2..).zip(rows).map(move |(line, row)| {
        let row = row.map_err(|error| unreadable(line, &error))?;
        let cells: Vec<String> = row.get_column_iter().map(|(_, field)| cell(field)).collect();
        let flaw = (cells.len() != width).then(|| "the row has not the columns of the file".to_owned());
        Ok(Row { line, cells, flaw })
    }))
}

/// A value as a CSV has it: nothing for none, times in UTC.
fn cell(field: &Field) -> String {
    let time = |at: Option<DateTime<chrono::Utc>>| {
        at.map(|at| at.format("%Y-%m-%d %H:%M:%S%.3f").to_string()).unwrap_or_default()
    };
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::TimestampMillis(millis) => time(DateTime::from_timestamp_millis(*millis)),
        Field::TimestampMicros(micros) => time(DateTime::from_timestamp_micros(*micros)),
        Field::Bytes(bytes) => String::from_utf8_lossy(bytes.data()).into_owned(),
        other => other.to_string(),
    }
}

fn unreadable(line: u64, error: &parquet::errors::ParquetError) -> ReadError {
    let reason = format!("this Parquet file can't be read: {error}; export the table as CSV");
    ReadError::NoTable { line, reason }
}
