//! Rows as a Parquet file, some thousands at a time.

use std::io::Write;
use std::sync::Arc;

use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use ::parquet::errors::Result;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use ::parquet::schema::parser::parse_message_type;
use chrono::{Datelike, NaiveDate};

use super::column::{Column, Holds};
use crate::mrr::Month;

/// Rows that are held before they are written, as one group of the file.
const ROWS_A_GROUP: usize = 50_000;

/// Days from the first of the common era to the first of 1970, both counted.
const DAYS_TO_1970: i32 = 719_163;

const MICROS_IN_SECOND: i64 = 1_000_000;

/// What a file says of where its rows come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The book.
    pub book: String,
    /// The time zone whose calendar months are the periods.
    pub zone: chrono_tz::Tz,
    /// The highest number of a posting behind the rows.
    pub through_posting: i64,
}

/// One value.
pub(super) enum Value<'v> {
    Text(&'v str),
    Number(i64),
    /// Millionths of a minor unit.
    Amount(i128),
    /// Unix seconds.
    Instant(i64),
    Month(Month),
    Day(NaiveDate),
    Flag(bool),
    Nothing,
}

/// A value, or nothing.
impl<'v, T: Into<Value<'v>>> From<Option<T>> for Value<'v> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

impl<'v> From<&'v str> for Value<'v> {
    fn from(text: &'v str) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

/// What a column's values are until they are written.
enum Held {
    Texts(Vec<ByteArray>),
    Longs(Vec<i64>),
    Amounts(Vec<FixedLenByteArray>),
    Days(Vec<i32>),
    Flags(Vec<bool>),
}

struct HeldColumn {
    held: Held,
    /// Of a column that may hold nothing, 1 for each row that holds something.
    defined: Option<Vec<i16>>,
}

/// A table that is being written.
pub(super) struct Table<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Vec<HeldColumn>,
    rows: usize,
    written: u64,
}

impl<W: Write + Send> Table<W> {
    /// Begins a file of these columns.
    pub(super) fn begin(to: W, name: &str, columns: &[Column], origin: &Origin) -> Result<Self> {
        let lines: String = columns.iter().map(Column::schema).collect();
        let schema = Arc::new(parse_message_type(&format!("message {name} {{ {lines} }}"))?);
        let told = [
            ("upswell.book", origin.book.clone()),
            ("upswell.timezone", origin.zone.name().to_owned()),
            ("upswell.through_seq", origin.through_posting.to_string()),
        ];
        let told = told.into_iter().map(|(key, value)| KeyValue::new(key.to_owned(), Some(value))).collect();
        let properties = WriterProperties::builder()
            .set_created_by(concat!("upswell ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .set_key_value_metadata(Some(told))
            .build();
        let writer = SerializedFileWriter::new(to, schema, Arc::new(properties))?;
        let columns = columns.iter().map(HeldColumn::of).collect();
        Ok(Self { writer, columns, rows: 0, written: 0 })
    }

    /// Adds a row, its values in the order of the columns.
    pub(super) fn push<'v>(&mut self, row: impl IntoIterator<Item = Value<'v>>) -> Result<()> {
        for (column, value) in self.columns.iter_mut().zip(row) {
            column.push(&value);
        }
        self.rows += 1;
        self.written += 1;
        if self.rows == ROWS_A_GROUP { self.write_group() } else { Ok(()) }
    }

    /// Writes what is held and ends the file; how many rows it has.
    pub(super) fn finish(mut self) -> Result<(W, u64)> {
        self.write_group()?;
        Ok((self.writer.into_inner()?, self.written))
    }

    fn write_group(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        let mut columns = self.columns.iter_mut();
        while let Some(mut writer) = group.next_column()? {
            if let Some(column) = columns.next() {
                column.write(&mut writer)?;
            }
            writer.close()?;
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

impl HeldColumn {
    fn of(column: &Column) -> Self {
        let held = match column.holds {
            Holds::Text => Held::Texts(Vec::new()),
            Holds::Number | Holds::Instant => Held::Longs(Vec::new()),
            Holds::Amount => Held::Amounts(Vec::new()),
            Holds::Day => Held::Days(Vec::new()),
            Holds::Flag => Held::Flags(Vec::new()),
        };
        Self { held, defined: column.is_optional.then(Vec::new) }
    }

    /// Nothing is left out of the values, and told by `defined`; a value of another kind can't come, for a test
    /// compares every column with what stands in the ledger.
    fn push(&mut self, value: &Value<'_>) {
        let is_held = match (&mut self.held, value) {
            (Held::Texts(held), Value::Text(text)) => {
                held.push(ByteArray::from(*text));
                true
            }
            (Held::Longs(held), Value::Number(number)) => {
                held.push(*number);
                true
            }
            (Held::Longs(held), Value::Instant(at)) => {
                held.push(at.saturating_mul(MICROS_IN_SECOND));
                true
            }
            (Held::Amounts(held), Value::Amount(micro)) => {
                held.push(decimal(*micro));
                true
            }
            (Held::Days(held), Value::Month(month)) => {
                held.push(day(month.first_day()));
                true
            }
            (Held::Days(held), Value::Day(date)) => {
                held.push(day(*date));
                true
            }
            (Held::Flags(held), Value::Flag(is_so)) => {
                held.push(*is_so);
                true
            }
            _ => false,
        };
        if let Some(defined) = &mut self.defined {
            defined.push(i16::from(is_held));
        }
    }

    fn write(&mut self, writer: &mut SerializedColumnWriter<'_>) -> Result<()> {
        let defined = self.defined.as_deref();
        match &mut self.held {
            Held::Texts(held) => {
                writer.typed::<ByteArrayType>().write_batch(held, defined, None)?;
                held.clear();
            }
            Held::Longs(held) => {
                writer.typed::<Int64Type>().write_batch(held, defined, None)?;
                held.clear();
            }
            Held::Amounts(held) => {
                writer.typed::<FixedLenByteArrayType>().write_batch(held, defined, None)?;
                held.clear();
            }
            Held::Days(held) => {
                writer.typed::<Int32Type>().write_batch(held, defined, None)?;
                held.clear();
            }
            Held::Flags(held) => {
                writer.typed::<BoolType>().write_batch(held, defined, None)?;
                held.clear();
            }
        }
        if let Some(defined) = &mut self.defined {
            defined.clear();
        }
        Ok(())
    }
}

/// Millionths as the nine bytes of a decimal: what the ledger holds has 64 bits and fits.
fn decimal(micro: i128) -> FixedLenByteArray {
    FixedLenByteArray::from(micro.to_be_bytes()[7..].to_vec())
}

fn day(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - DAYS_TO_1970
}
