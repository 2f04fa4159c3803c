//! What several commands take.

use std::io::IsTerminal;

use clap::ValueEnum;

use crate::config::seconds_of;
use crate::mrr::Month;

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

impl RowFormat {
    /// The form asked for; else a table for a terminal and lines of JSON for a pipe.
    pub(super) fn or_by_reader(asked: Option<Self>) -> Self {
        let by_reader = if std::io::stdout().is_terminal() { Self::Table } else { Self::Ndjson };
        asked.unwrap_or(by_reader)
    }
}

impl SummaryFormat {
    /// The form asked for; else a table for a terminal and JSON for a pipe.
    pub(super) fn or_by_reader(asked: Option<Self>) -> Self {
        let by_reader = if std::io::stdout().is_terminal() { Self::Table } else { Self::Json };
        asked.unwrap_or(by_reader)
    }
}

/// Reads a month as it is typed.
pub(super) fn month(text: &str) -> Result<Month, String> {
    Month::parse(text).ok_or_else(|| "a month is written YYYY-MM, for example 2026-10".to_owned())
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
    use super::month;

    #[test]
    fn a_month_is_four_digits_and_two() {
        assert_eq!(month("2026-10").unwrap().to_string(), "2026-10");
        for wrong in ["2026-13", "2026-00", "2026-1", "26-10", "2026/10", "2026-10-01", "+026-10"] {
            assert!(month(wrong).is_err(), "{wrong}");
        }
    }
}
