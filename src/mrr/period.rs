//! Periods: calendar months in the reporting time zone.

use std::fmt;

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Tz;

use super::{Cadence, Instant, Interval};

/// A calendar month.
///
/// ```
/// use upswell::mrr::Month;
/// let month = Month::parse("2026-10").ok_or("not a month")?;
/// assert_eq!(month.next().to_string(), "2026-11");
/// assert_eq!(month.minus(10).to_string(), "2025-12");
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// Months since year 0.
    index: i32,
}

impl Month {
    /// The month of a year, 1 to 12; `None` for another number, or a year that is not in 1..=9999.
    #[must_use]
    pub fn new(year: i32, month: u32) -> Option<Self> {
        let month = i32::try_from(month).ok().filter(|month| (1..=12).contains(month))?;
        (1..=9999).contains(&year).then_some(Self { index: year * 12 + month - 1 })
    }

    /// Reads `2026-10`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let is_digits =
            |run: &str, length| run.len() == length && run.bytes().all(|byte| byte.is_ascii_digit());
        let is_plain = is_digits(year, 4) && is_digits(month, 2);
        Self::new(year.parse().ok().filter(|_| is_plain)?, month.parse().ok()?)
    }

    /// The month that an instant falls into.
    #[must_use]
    pub fn of(at: Instant, zone: Tz) -> Self {
        let local = DateTime::from_timestamp(at.0, 0).unwrap_or_default().with_timezone(&zone);
        let month0 = i32::try_from(local.month0()).unwrap_or_default();
        Self { index: local.year() * 12 + month0 }
    }

    /// The month after it.
    #[must_use]
    pub fn next(self) -> Self {
        self.minus(-1)
    }

    /// So many months before it.
    #[must_use]
    pub fn minus(self, months: i32) -> Self {
        Self { index: self.index - months }
    }

    /// How many months after `earlier` it is.
    #[must_use]
    pub fn since(self, earlier: Self) -> i32 {
        self.index - earlier.index
    }

    /// Its first day, as calendars have it.
    #[must_use]
    pub fn first_day(self) -> NaiveDate {
        let month = u32::try_from(self.index.rem_euclid(12)).unwrap_or_default() + 1;
        NaiveDate::from_ymd_opt(self.index.div_euclid(12), month, 1).unwrap_or_default()
    }

    /// Its last day, as calendars have it.
    ///
    /// ```
    /// use upswell::mrr::Month;
    /// let last_day = |month| Month::parse(month).map(|month| month.last_day().to_string());
    /// assert_eq!(last_day("2028-02").as_deref(), Some("2028-02-29"));
    /// ```
    #[must_use]
    pub fn last_day(self) -> NaiveDate {
        self.next().first_day().pred_opt().unwrap_or_default()
    }

    /// Its first instant.
    #[must_use]
    pub fn start(self, zone: Tz) -> Instant {
        let first = self.first_day();
        // Where the clock jumps over midnight, the month starts at the first hour there is.
        let local = (0..24)
            .filter_map(|hour| NaiveTime::from_hms_opt(hour, 0, 0))
            .find_map(|time| zone.from_local_datetime(&first.and_time(time)).earliest());
        Instant(local.map_or(0, |local| local.timestamp()))
    }

    /// Its end, the first instant of the next.
    #[must_use]
    pub fn end(self, zone: Tz) -> Instant {
        self.next().start(zone)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.index.div_euclid(12), self.index.rem_euclid(12) + 1)
    }
}

/// The end of one billing period that starts at `start` (UTC): days and weeks by the clock, months
/// and years by the calendar, so that months of 28 to 31 days are whole ones (R8).
#[must_use]
pub fn period_end(start: Instant, cadence: Cadence) -> Instant {
    let count = cadence.count.get();
    let days = |days: i64| Instant(start.0.saturating_add(days * 86_400 * i64::from(count)));
    let months = |months: u32| {
        DateTime::from_timestamp(start.0, 0)
            .and_then(|start| start.checked_add_months(Months::new(months.saturating_mul(count))))
            .map_or(start, |end| Instant(end.timestamp()))
    };
    match cadence.interval {
        Interval::Day => days(1),
        Interval::Week => days(7),
        Interval::Month => months(1),
        Interval::Year => months(12),
    }
}
