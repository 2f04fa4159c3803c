//! Columns of exported tables: what they are called, hold and mean. Schema, dbt's description and the page of the
//! documentation all follow these lists.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Text.
    Text,
    /// A whole number of 64 bits.
    Number,
    /// An amount in minor units, exact to the millionth: a decimal of 20 digits, six of them after the point.
    Amount,
    /// An instant in UTC, to the microsecond.
    Instant,
    /// A day; of a month its first.
    Day,
    /// True or false.
    Flag,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub holds: Holds,
    /// Whether it may hold nothing.
    pub is_optional: bool,
    /// What it means.
    pub meaning: &'static str,
}

impl Column {
    /// One that always holds something.
    pub(super) const fn always(name: &'static str, holds: Holds, meaning: &'static str) -> Self {
        Self { name, holds, is_optional: false, meaning }
    }

    /// One that may hold nothing.
    pub(super) const fn maybe(name: &'static str, holds: Holds, meaning: &'static str) -> Self {
        Self { name, holds, is_optional: true, meaning }
    }

    /// Its line in the schema of a Parquet file.
    pub(super) fn schema(&self) -> String {
        let how_often = if self.is_optional { "OPTIONAL" } else { "REQUIRED" };
        let name = self.name;
        match self.holds {
            Holds::Text => format!("{how_often} BYTE_ARRAY {name} (STRING);"),
            Holds::Number => format!("{how_often} INT64 {name};"),
            Holds::Amount => format!("{how_often} FIXED_LEN_BYTE_ARRAY (9) {name} (DECIMAL(20,6));"),
            Holds::Instant => format!("{how_often} INT64 {name} (TIMESTAMP(MICROS,true));"),
            Holds::Day => format!("{how_often} INT32 {name} (DATE);"),
            Holds::Flag => format!("{how_often} BOOLEAN {name};"),
        }
    }
}

impl Holds {
    /// What warehouses call it.
    #[must_use]
    pub fn sql_type(self) -> &'static str {
        match self {
            Self::Text => "varchar",
            Self::Number => "bigint",
            Self::Amount => "decimal(20,6)",
            Self::Instant => "timestamptz",
            Self::Day => "date",
            Self::Flag => "boolean",
        }
    }
}
