//! The cells of a row, read: words, times, amounts. What does not fit is named by its column, and never
//! quoted.

use chrono::{NaiveDate, NaiveDateTime, TimeZone};

use super::names::{Clock, Name, name};
use crate::mrr::MICRO;
use crate::stripe::amount::{Decimal, Mark};
use crate::stripe::json::Json;
use crate::stripe::node::{Unfit, is_identifier, is_time};

/// A cell that is not empty.
#[derive(Debug, Clone, Copy)]
pub(in crate::stripe) struct Cell<'j> {
    column: &'j str,
    clock: Clock,
    /// Its text, without the blanks around it.
    pub(in crate::stripe) text: &'j str,
}

/// The cells of one row that are not empty, to be asked for by the names of their columns.
pub(in crate::stripe) struct Cells<'j> {
    own: Vec<(String, Cell<'j>)>,
    metadata: Vec<(String, &'j str)>,
    mark: Mark,
}

impl<'j> Cells<'j> {
    /// The cells of a row of a document.
    pub(in crate::stripe) fn of(row: &'j Json<'_>, document: &Json<'_>) -> Self {
        let is_comma = document.get("decimals_after").and_then(Json::as_text) == Some(",");
        let mark = if is_comma { Mark::Comma } else { Mark::Point };
        let mut cells = Self { own: Vec::new(), metadata: Vec::new(), mark };
        for (column, value) in row.members() {
            let Some(text) = value.as_text().map(str::trim).filter(|text| !text.is_empty()) else { continue };
            match name(column) {
                Name::Own { key, clock } => cells.own.push((key, Cell { column, clock, text })),
                Name::Metadata(key) => cells.metadata.push((key, text)),
            }
        }
        cells
    }

    /// The first of some columns that holds something.
    pub(in crate::stripe) fn any(&self, keys: &[&str]) -> Option<Cell<'j>> {
        keys.iter().find_map(|key| self.own.iter().find(|(own, _)| own == key).map(|(_, cell)| *cell))
    }

    /// The metadata, in the order of its keys.
    pub(super) fn metadata(&self) -> &[(String, &'j str)] {
        &self.metadata
    }

    /// An identifier that has to be there.
    pub(super) fn id(&self, keys: &[&str]) -> Result<&'j str, Unfit> {
        let cell = self.any(keys).ok_or_else(|| missing(keys))?;
        cell.id()
    }

    /// An identifier, if one is there.
    pub(super) fn maybe_id(&self, keys: &[&str]) -> Result<Option<&'j str>, Unfit> {
        self.any(keys).map(Cell::id).transpose()
    }

    /// A word of Stripe's: lower case, words joined by `_`.
    pub(super) fn word(&self, keys: &[&str]) -> Option<String> {
        let cell = self.any(keys)?;
        Some(cell.text.to_lowercase().replace([' ', '-'], "_"))
    }

    /// Whether a cell says yes.
    pub(super) fn is_true(&self, keys: &[&str]) -> bool {
        matches!(self.word(keys).as_deref(), Some("true" | "yes" | "1" | "t"))
    }

    /// A time in seconds since 1970, if one is there.
    pub(super) fn time(&self, keys: &[&str]) -> Result<Option<i64>, Unfit> {
        self.any(keys).map(Cell::time).transpose()
    }

    /// A whole number that is not negative, if one is there.
    pub(super) fn count(&self, keys: &[&str]) -> Result<Option<i64>, Unfit> {
        let Some(cell) = self.any(keys) else { return Ok(None) };
        let count = cell.whole().filter(|count| *count >= 0);
        count.map(Some).ok_or_else(|| cell.unfit("expected a whole number from 0 on"))
    }

    /// A whole number, if one is there.
    pub(super) fn signed(&self, keys: &[&str]) -> Result<Option<i64>, Unfit> {
        let Some(cell) = self.any(keys) else { return Ok(None) };
        cell.whole().map(Some).ok_or_else(|| cell.unfit("expected a whole number"))
    }

    /// An amount of major units, if one is there, as the decimal text of minor units.
    pub(super) fn major(&self, keys: &[&str], decimals: u32) -> Result<Option<String>, Unfit> {
        let Some(cell) = self.any(keys) else { return Ok(None) };
        let read = Decimal::read(cell.text, self.mark).and_then(|amount| amount.shifted(decimals));
        let mark = self.mark.of_decimals();
        read.map(Some).ok_or_else(|| cell.unfit(&format!("expected an amount with decimals after `{mark}`")))
    }

    /// An amount of minor units, if one is there, in millionths of one.
    pub(super) fn micro(&self, keys: &[&str]) -> Result<Option<i128>, Unfit> {
        let Some(cell) = self.any(keys) else { return Ok(None) };
        let read = Decimal::read(cell.text, Mark::Point).and_then(|amount| amount.times(MICRO));
        read.map(Some).ok_or_else(|| cell.unfit("expected an amount in minor units"))
    }

    /// An amount of minor units, if one is there.
    pub(super) fn minor(&self, keys: &[&str]) -> Result<Option<String>, Unfit> {
        let Some(cell) = self.any(keys) else { return Ok(None) };
        let read = Decimal::read(cell.text, Mark::Point).and_then(|amount| amount.shifted(0));
        read.map(Some).ok_or_else(|| cell.unfit("expected an amount in minor units"))
    }

    /// A decimal number as a plain text, if one is there: a percentage.
    pub(super) fn decimal(&self, keys: &[&str]) -> Result<Option<String>, Unfit> {
        let Some(cell) = self.any(keys) else { return Ok(None) };
        let plain = cell.text.trim_end_matches('%').trim_end().replace(',', ".");
        let read = Decimal::read(&plain, Mark::Point).and_then(|amount| amount.shifted(0));
        read.map(Some).ok_or_else(|| cell.unfit("expected a number"))
    }

    /// The code of a currency, in lower case.
    pub(super) fn currency(&self, keys: &[&str]) -> Result<Option<String>, Unfit> {
        let Some(cell) = self.any(keys) else { return Ok(None) };
        let is_code = cell.text.len() == 3 && cell.text.bytes().all(|byte| byte.is_ascii_alphabetic());
        let code = is_code.then(|| cell.text.to_ascii_lowercase());
        code.map(Some).ok_or_else(|| cell.unfit("expected a currency's three letters"))
    }
}

impl<'j> Cell<'j> {
    pub(super) fn unfit(&self, reason: &str) -> Unfit {
        Unfit { path: format!("column `{}`", self.column), reason: reason.to_owned() }
    }

    /// A whole number; a spreadsheet may have written decimals behind it.
    fn whole(&self) -> Option<i64> {
        let whole = self.text.split_once(['.', ',']).map_or(self.text, |(whole, zeros)| {
            if zeros.bytes().all(|byte| byte == b'0') { whole } else { self.text }
        });
        whole.parse().ok()
    }

    fn id(self) -> Result<&'j str, Unfit> {
        let is_one =
            |text: &&str| is_identifier(text) && !text.contains(|c: char| c.is_whitespace() || c == '@');
        Some(self.text).filter(is_one).ok_or_else(|| self.unfit("expected an identifier"))
    }

    fn time(self) -> Result<i64, Unfit> {
        let read = date_time(self.text).or_else(|| midnight(self.text)).and_then(|at| self.seconds(at));
        let seconds = read.or_else(|| self.text.parse().ok().filter(|seconds| *seconds > 100_000_000));
        seconds
            .filter(|seconds| is_time(*seconds))
            .ok_or_else(|| self.unfit("expected a time, for example 2026-10-31 21:11"))
    }

    fn seconds(&self, at: NaiveDateTime) -> Option<i64> {
        match self.clock {
            Clock::Utc => Some(at.and_utc().timestamp()),
            Clock::Zone(zone) => zone.from_local_datetime(&at).earliest().map(|at| at.timestamp()),
        }
    }
}

/// The message that a column is not there, or holds nothing.
pub(super) fn missing(keys: &[&str]) -> Unfit {
    let column = keys.first().copied().unwrap_or_default();
    Unfit { path: format!("column `{column}`"), reason: "expected something, found nothing".to_owned() }
}

/// The instant that a row is dated by, for its envelope: when its object was made.
pub(in crate::stripe) fn first_time(cells: &Cells<'_>) -> Option<i64> {
    cells.time(&["event_timestamp", "created", "start_date", "start", "date"]).ok().flatten()
}

/// Reads a date with a time as exports write it: `2026-10-31 21:11:42.000`, with a blank or a T, with or
/// without seconds and their fraction, `Z` or `UTC`; or `31.10.2026 21:11`. Slashes, which mean day or month
/// first, are not read.
#[must_use]
pub fn date_time(text: &str) -> Option<NaiveDateTime> {
    let plain = text.trim_end_matches("UTC").trim_end().trim_end_matches('Z').replacen('T', " ", 1);
    let forms = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M"];
    forms.iter().find_map(|form| NaiveDateTime::parse_from_str(&plain, form).ok())
}

fn midnight(text: &str) -> Option<NaiveDateTime> {
    let day = ["%Y-%m-%d", "%d.%m.%Y"].iter().find_map(|form| NaiveDate::parse_from_str(text, form).ok())?;
    day.and_hms_opt(0, 0, 0)
}

#[cfg(test)]
mod tests {
    use super::date_time;

    #[test]
    fn a_time_is_read_however_an_export_writes_it() {
        let forms = [
            "2026-10-31 21:11:42.000",
            "2026-10-31 21:11:42",
            "2026-10-31T21:11:42Z",
            "2026-10-31 21:11:42.000 UTC",
            "31.10.2026 21:11:42",
        ];
        for form in forms {
            assert_eq!(
                date_time(form).map(|at| at.to_string()).as_deref(),
                Some("2026-10-31 21:11:42"),
                "{form}"
            );
        }
        assert_eq!(
            date_time("2026-10-31 21:11").map(|at| at.to_string()).as_deref(),
            Some("2026-10-31 21:11:00")
        );
        for wrong in ["", "2026-10-31", "31/10/2026 21:11:42", "yesterday"] {
            assert_eq!(date_time(wrong), None, "{wrong}");
        }
    }
}
