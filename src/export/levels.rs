//! What each subscription item stood at: through time, and at the end of each month.

use std::collections::BTreeMap;
use std::io::Write;

use super::ExportError;
use super::column::{Column, Holds};
use super::movements::minor_per_major;
use super::parquet::{Origin, Table, Value};
use crate::mrr::{CustomerId, Level, Month, levels_before};

/// The columns of `levels.parquet`.
pub const LEVELS: &[Column] = &[
    Column::always("book", Holds::Text, "The book."),
    Column::always("customer", Holds::Text, "The customer, by Stripe's id."),
    Column::always("subscription", Holds::Text, "The subscription."),
    Column::always("item", Holds::Text, "The subscription item."),
    Column::always("product", Holds::Text, "Its product."),
    Column::always("price", Holds::Text, "Its price."),
    Column::always("currency", Holds::Text, "Its currency, three small letters."),
    Column::always("minor_per_major", Holds::Number, "Minor units in a major one of that currency."),
    Column::always("mrr", Holds::Amount, "The item's MRR, in minor units, exact to the millionth."),
    Column::always("quantity", Holds::Number, "Its quantity."),
    Column::always("is_metered", Holds::Flag, "Whether it is billed by usage."),
    Column::always("is_at_risk", Holds::Flag, "Whether its subscription is past due."),
    Column::always(
        "grade",
        Holds::Text,
        "What proves it: event, previous_attributes, invoice_line, sigma, listing or csv.",
    ),
    Column::always("valid_from", Holds::Instant, "From when on it stood so."),
    Column::maybe("valid_to", Holds::Instant, "Until when; null where it stands so still."),
];

/// The columns of `month_ends.parquet`.
pub const MONTH_ENDS: &[Column] = &[
    Column::always("month", Holds::Day, "The first day of the month, in the reporting time zone."),
    Column::always("month_end", Holds::Day, "Its last day."),
    Column::always("book", Holds::Text, "The book."),
    Column::always("customer", Holds::Text, "The customer, by Stripe's id."),
    Column::always("subscription", Holds::Text, "The subscription."),
    Column::always("item", Holds::Text, "The subscription item."),
    Column::always("product", Holds::Text, "Its product at the month's end."),
    Column::always("price", Holds::Text, "Its price at the month's end."),
    Column::always("currency", Holds::Text, "Its currency, three small letters."),
    Column::always("minor_per_major", Holds::Number, "Minor units in a major one of that currency."),
    Column::always(
        "mrr",
        Holds::Amount,
        "The item's MRR at the month's end, in minor units; never zero. Their sum is the ending MRR of the report.",
    ),
    Column::always("quantity", Holds::Number, "Its quantity at the month's end."),
    Column::always("is_metered", Holds::Flag, "Whether it is billed by usage."),
    Column::always("is_at_risk", Holds::Flag, "Whether its subscription was past due at the month's end."),
    Column::always(
        "grade",
        Holds::Text,
        "What proves it: event, previous_attributes, invoice_line, sigma, listing or csv.",
    ),
];

/// `levels.parquet`, while it is written: a row for each stretch of time in which an item stood at one level.
pub struct LevelsFile<W: Write + Send> {
    table: Table<W>,
    book: String,
}

/// `month_ends.parquet`, while it is written: a row for each item with MRR at the end of each month.
pub struct MonthEndsFile<W: Write + Send> {
    table: Table<W>,
    origin: Origin,
    last: Month,
}

impl<W: Write + Send> LevelsFile<W> {
    /// Begins it.
    ///
    /// # Errors
    ///
    /// [`ExportError::Parquet`].
    pub fn begin(to: W, origin: &Origin) -> Result<Self, ExportError> {
        Ok(Self { table: Table::begin(to, "levels", LEVELS, origin)?, book: origin.book.clone() })
    }

    /// Adds the levels of customers.
    ///
    /// # Errors
    ///
    /// [`ExportError::Parquet`].
    pub fn push(&mut self, levels: &BTreeMap<CustomerId, Vec<Level>>) -> Result<(), ExportError> {
        for (customer, levels) in levels {
            for level in levels {
                let until = level.until.map_or(Value::Nothing, |until| Value::Instant(until.0));
                let rest = [Value::Instant(level.from.0), until];
                self.table.push(values(&self.book, customer, level).into_iter().chain(rest))?;
            }
        }
        Ok(())
    }

    /// Ends it: what it was written to, and how many rows it has.
    ///
    /// # Errors
    ///
    /// [`ExportError::Parquet`].
    pub fn finish(self) -> Result<(W, u64), ExportError> {
        Ok(self.table.finish()?)
    }
}

impl<W: Write + Send> MonthEndsFile<W> {
    /// Begins it; `last` is the last month that it has.
    ///
    /// # Errors
    ///
    /// [`ExportError::Parquet`].
    pub fn begin(to: W, origin: &Origin, last: Month) -> Result<Self, ExportError> {
        let table = Table::begin(to, "month_ends", MONTH_ENDS, origin)?;
        Ok(Self { table, origin: origin.clone(), last })
    }

    /// Adds what customers' items stood at, by customer and month.
    ///
    /// # Errors
    ///
    /// [`ExportError::Parquet`].
    pub fn push(&mut self, levels: &BTreeMap<CustomerId, Vec<Level>>) -> Result<(), ExportError> {
        for (customer, levels) in levels {
            let zone = self.origin.zone;
            let Some(mut month) = levels.iter().map(|level| Month::of(level.from, zone)).min() else {
                continue;
            };
            let open = levels.iter().map(|level| level.until.map(|until| Month::of(until, zone)));
            let ends = open.collect::<Option<Vec<Month>>>().and_then(|ends| ends.into_iter().max());
            let last = ends.map_or(self.last, |ends| ends.min(self.last));
            while month <= last {
                for level in levels_before(levels, month.end(zone)) {
                    let first = [Value::Month(month), Value::Day(month.last_day())];
                    self.table.push(first.into_iter().chain(values(&self.origin.book, customer, level)))?;
                }
                month = month.next();
            }
        }
        Ok(())
    }

    /// Ends it: what it was written to, and how many rows it has.
    ///
    /// # Errors
    ///
    /// [`ExportError::Parquet`].
    pub fn finish(self) -> Result<(W, u64), ExportError> {
        Ok(self.table.finish()?)
    }
}

/// What both tables say of a level.
fn values<'v>(book: &'v str, customer: &'v CustomerId, level: &'v Level) -> [Value<'v>; 13] {
    [
        book.into(),
        customer.as_str().into(),
        level.subscription.as_str().into(),
        level.item.as_str().into(),
        level.product.as_str().into(),
        level.price.as_str().into(),
        level.currency.as_str().into(),
        minor_per_major(&level.currency).into(),
        Value::Amount(level.mrr.0),
        i64::try_from(level.quantity).unwrap_or(i64::MAX).into(),
        Value::Flag(level.is_metered),
        Value::Flag(level.is_at_risk),
        level.grade.as_str().into(),
    ]
}
