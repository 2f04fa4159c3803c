//! Tables as Parquet: their columns are named in the file, and each value becomes the text that a CSV of the
//! same table holds, so that one table is one whatever it came in.

use std::fs::File;
use std::io::{self, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind};

use ::parquet::basic::{LogicalType, TimeUnit};
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::reader::{ChunkReader, FileReader, Length, SerializedFileReader};
use ::parquet::record::reader::RowIter;
use ::parquet::record::{Field, Row as Record};
use ::parquet::schema::types::Type;
use chrono::{DateTime, Days, NaiveDate, Utc};

use super::source::Counted;
use super::{Progress, ReadError, Row, Table};

const NANOS_IN_MICRO: i64 = 1_000;

/// Reads the table of a file that lies on a disk. Memory holds a page of each column.
///
/// # Errors
///
/// [`ReadError::NoTable`] of what is damaged, encrypted, or compressed in a way that is not read.
pub(super) fn parquet(file: File, progress: &Progress) -> std::result::Result<Table<'static>, ReadError> {
    let no_table = |told: String| ReadError::NoTable {
        line: 1,
        reason: format!("the Parquet file can't be read: {told}; write it again, or as CSV with its header"),
    };
    let chunks = Chunks { length: file.len(), file, progress: progress.clone() };
    let reader =
        unharmed(|| SerializedFileReader::new(chunks)).map_err(|error| no_table(error.to_string()))?;
    let fields = reader.metadata().file_metadata().schema().get_fields().to_vec();
    let columns: Vec<String> = fields.iter().map(|field| field.name().to_owned()).collect();
    if columns.is_empty() {
        return Err(no_table("it has no columns".to_owned()));
    }
    let units = fields.iter().map(|field| unit(field)).collect();
    let rows = Rows { records: RowIter::from_file_into(Box::new(reader)), units, line: 1, is_over: false };
    Ok(Table::of(columns, rows))
}

/// A file read from any place, with what is read counted.
struct Chunks {
    file: File,
    length: u64,
    progress: Progress,
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Chunks {
    type T = Counted<BufReader<File>>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(self.progress.counting(self.file.get_read(start)?))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<bytes::Bytes> {
        self.progress.count(length);
        self.file.get_bytes(start, length)
    }
}

/// The rows; the header would be the first.
struct Rows {
    records: RowIter<'static>,
    /// Of each column whose numbers are times, their unit.
    units: Vec<Option<TimeUnit>>,
    line: u64,
    is_over: bool,
}

impl Iterator for Rows {
    type Item = std::result::Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        self.line += 1;
        let line = self.line;
        let records = &mut self.records;
        match unharmed(|| records.next().transpose()) {
            Ok(Some(record)) => Some(Ok(Row { line, cells: self.cells(&record), flaw: None })),
            Ok(None) => None,
            Err(error) => {
                self.is_over = true;
                Some(Err(ReadError::BrokenOff { line, source: io::Error::other(error) }))
            }
        }
    }
}

impl Rows {
    fn cells(&self, record: &Record) -> Vec<String> {
        let fields = record.get_column_iter().zip(&self.units);
        fields.map(|((_, field), unit)| cell(field, unit.as_ref())).collect()
    }
}

/// What the reader of Parquet makes of a file, of which it does not know all kinds of columns: it may panic.
fn unharmed<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    let unknown = |_| Err(ParquetError::General("it holds columns of a kind that is not known".to_owned()));
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(unknown)
}

/// The unit of a column of times; those that say no zone are read as numbers, and taken to be in UTC.
fn unit(field: &Type) -> Option<TimeUnit> {
    match field.get_basic_info().logical_type_ref() {
        Some(LogicalType::Timestamp(time)) => Some(time.unit),
        _ => None,
    }
}

/// A value as a CSV holds it; nothing where there is none.
fn cell(field: &Field, unit: Option<&TimeUnit>) -> String {
    match field {
        Field::Long(number) if unit.is_some() => time(match unit {
            Some(TimeUnit::MILLIS) => DateTime::from_timestamp_millis(*number),
            Some(TimeUnit::NANOS) => DateTime::from_timestamp_micros(number / NANOS_IN_MICRO),
            _ => DateTime::from_timestamp_micros(*number),
        }),
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Bytes(bytes) => String::from_utf8_lossy(bytes.data()).into_owned(),
        Field::TimestampMillis(millis) => time(DateTime::from_timestamp_millis(*millis)),
        Field::TimestampMicros(micros) => time(DateTime::from_timestamp_micros(*micros)),
        Field::Date(days) => date(*days),
        // As short as they are; never calculated with.
        Field::Float(value) => value.to_string(),
        Field::Double(value) => value.to_string(),
        other => other.to_string(),
    }
}

fn time(at: Option<DateTime<Utc>>) -> String {
    at.map(|at| at.format("%Y-%m-%d %H:%M:%S%.3f").to_string()).unwrap_or_default()
}

/// A day, counted from 1970.
fn date(days: i32) -> String {
    let count = Days::new(days.unsigned_abs().into());
    let epoch = NaiveDate::default();
    let day = if days < 0 { epoch.checked_sub_days(count) } else { epoch.checked_add_days(count) };
    day.map(|day| day.to_string()).unwrap_or_default()
}
