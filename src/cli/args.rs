//! What several commands take.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;

use crate::config::seconds_of;

/// A calendar month as it is typed: `2026-10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    /// The year, of four digits.
    pub year: i32,
    /// The month, 1 to 12.
    pub month: u32,
}

impl FromStr for Month {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let error = || "a month is written YYYY-MM, for example 2026-10".to_owned();
        let (year, month) = text.split_once('-').ok_or_else(error)?;
        let is_digits = |t: &str, n| t.len() == n && t.bytes().all(|b| b.is_ascii_digit());
        if !is_digits(year, 4) || !is_digits(month, 2) {
            return Err(error());
        }
        let month: u32 = month.parse().map_err(|_| error())?;
        let year = year.parse().map_err(|_| error())?;
        (1..=12).contains(&month).then_some(Self { year, month }).ok_or_else(error)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// The forms of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RowFormat {
    /// For people.
    Table,
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values with a header.
    Csv,
}

/// The forms of a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SummaryFormat {
    /// For people.
    Table,
    /// One JSON object.
    Json,
}

/// Reads `60s`, `5m`, `12h` or `3d`.
pub(super) fn duration(text: &str) -> Result<std::time::Duration, String> {
    seconds_of(text)
        .and_then(|seconds| u64::try_from(seconds).ok())
        .map(std::time::Duration::from_secs)
        .ok_or_else(|| "a duration is a number followed by s, m, h or d, for example 60s".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::Month;

    #[test]
    fn a_month_is_four_digits_and_two() {
        assert_eq!("2026-10".parse::<Month>().unwrap().to_string(), "2026-10");
        for wrong in ["2026-13", "2026-00", "2026-1", "26-10", "2026/10", "2026-10-01", "+026-10"] {
            assert!(wrong.parse::<Month>().is_err(), "{wrong}");
        }
    }
}
