//! When which report is due: pure, by the calendar of the reporting time zone.

use std::fmt;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Weekday};
use chrono_tz::Tz;

use crate::mrr::{Instant, Month};

/// Months that are caught up after a time away, at most.
const MOST_MONTHS: usize = 12;

const DAYS_A_WEEK: u64 = 7;

/// Longer than any clock was ever put forward.
const LONGEST_GAP_MINUTES: i64 = 24 * 60;

/// When a report is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// On a day of each month, for the month before.
    Monthly {
        /// The day, one that every month has.
        day: u32,
        /// The time.
        at: NaiveTime,
    },
    /// On a day of each week, for the month until then.
    Weekly {
        /// The day.
        weekday: Weekday,
        /// The time.
        at: NaiveTime,
    },
}

/// What a report is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// A month.
    Month(Month),
    /// The month of a day, until then.
    MonthToDate(NaiveDate),
}

/// A report that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Since when.
    pub at: Instant,
    /// What it is of.
    pub period: Period,
}

impl Period {
    /// Its month.
    #[must_use]
    pub fn month(self) -> Month {
        match self {
            Self::Month(month) => month,
            Self::MonthToDate(day) => {
                let noon = day.and_time(NaiveTime::MIN).and_utc().timestamp();
                Month::of(Instant(noon), Tz::UTC)
            }
        }
    }
}

/// A month as `2026-10`, a month to date as its day, `2026-11-23`.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Month(month) => month.fmt(f),
            Self::MonthToDate(day) => day.fmt(f),
        }
    }
}

impl Schedule {
    /// What became due after one instant and up to another, oldest first: of months the last twelve, of months to date
    /// the newest, for those before it are out of date.
    #[must_use]
    pub fn due(self, since: Instant, now: Instant, zone: Tz) -> Vec<Due> {
        let is_due = |due: &Due| since < due.at && due.at <= now;
        match self {
            Self::Monthly { day, at } => {
                let mut month = Month::of(now, zone);
                let mut due = Vec::new();
                while month >= Month::of(since, zone) && due.len() < MOST_MONTHS {
                    let on = month.first_day().with_day(day).unwrap_or(month.first_day());
                    let one =
                        Due { at: instant(on.and_time(at), zone), period: Period::Month(month.minus(1)) };
                    due.extend(Some(one).filter(is_due));
                    month = month.minus(1);
                }
                due.reverse();
                due
            }
            Self::Weekly { weekday, at } => {
                let today = local(now, zone).date();
                let days = (0..=DAYS_A_WEEK).filter_map(|back| today.checked_sub_days(Days::new(back)));
                let all = days
                    .filter(|day| day.weekday() == weekday)
                    .map(|day| Due { at: instant(day.and_time(at), zone), period: Period::MonthToDate(day) });
                all.filter(is_due).take(1).collect()
            }
        }
    }

    /// What it sends at an instant if it is asked to: the last full month, or the month to date.
    #[must_use]
    pub fn at_hand(self, now: Instant, zone: Tz) -> Period {
        match self {
            Self::Monthly { .. } => Period::Month(Month::of(now, zone).minus(1)),
            Self::Weekly { .. } => Period::MonthToDate(local(now, zone).date()),
        }
    }
}

fn local(at: Instant, zone: Tz) -> NaiveDateTime {
    DateTime::from_timestamp(at.0, 0).unwrap_or_default().with_timezone(&zone).naive_local()
}

/// When clocks of a zone show a time: of two such instants the first; where they jump over it, the first after it.
fn instant(shown: NaiveDateTime, zone: Tz) -> Instant {
    let shown_later = (0..=LONGEST_GAP_MINUTES)
        .find_map(|minutes| zone.from_local_datetime(&(shown + TimeDelta::minutes(minutes))).earliest());
    Instant(shown_later.map_or_else(|| shown.and_utc().timestamp(), |at| at.timestamp()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use chrono_tz::{America::New_York, Asia::Kathmandu, Europe::Paris, Pacific::Apia, UTC};

    use super::*;

    fn at(text: &str) -> Instant {
        Instant(text.parse::<DateTime<chrono::Utc>>().unwrap().timestamp())
    }

    fn time(text: &str) -> NaiveTime {
        NaiveTime::parse_from_str(text, "%H:%M").unwrap()
    }

    fn monthly(day: u32, text: &str) -> Schedule {
        Schedule::Monthly { day, at: time(text) }
    }

    /// What is due, as instants in UTC and periods.
    fn told(schedule: Schedule, since: &str, now: &str, zone: Tz) -> Vec<(String, String)> {
        let due = schedule.due(at(since), at(now), zone);
        let utc = |at: Instant| DateTime::from_timestamp(at.0, 0).unwrap().format("%FT%TZ").to_string();
        due.iter().map(|due| (utc(due.at), due.period.to_string())).collect()
    }

    #[test]
    fn a_month_is_due_on_its_day_and_time_of_the_month_after_and_not_a_second_before() {
        let second = monthly(2, "07:00");
        let before = told(second, "2026-01-01T00:00:00Z", "2026-01-02T05:59:59Z", Paris);
        assert_eq!(before, []);
        let due = told(second, "2026-01-01T00:00:00Z", "2026-01-02T06:00:00Z", Paris);
        assert_eq!(due, [("2026-01-02T06:00:00Z".to_owned(), "2025-12".to_owned())]);
    }

    #[test]
    fn the_month_is_the_zone_s_month() {
        // In New York it is still October when it is November in UTC, and in Kathmandu already November when it is not.
        let first = monthly(1, "00:00");
        let due = |now, zone| told(first, "2026-10-15T00:00:00Z", now, zone);
        assert_eq!(due("2026-11-01T03:59:59Z", New_York), []);
        assert_eq!(due("2026-11-01T04:00:00Z", New_York)[0].1, "2026-10");
        assert_eq!(due("2026-10-31T18:15:00Z", Kathmandu)[0].1, "2026-10");
        assert_eq!(due("2026-10-31T18:14:59Z", Kathmandu), []);
    }

    #[test]
    fn a_time_that_clocks_jump_over_is_the_first_after_it_and_one_they_show_twice_the_first() {
        // Paris puts its clocks forward at 01:00 UTC on 29 March 2026, and back at 01:00 UTC on 25 October.
        let skipped = Schedule::Weekly { weekday: Weekday::Sun, at: time("02:30") };
        let due = told(skipped, "2026-03-23T00:00:00Z", "2026-03-29T12:00:00Z", Paris);
        assert_eq!(due, [("2026-03-29T01:00:00Z".to_owned(), "2026-03-29".to_owned())]);
        let due = told(skipped, "2026-10-19T00:00:00Z", "2026-10-25T12:00:00Z", Paris);
        assert_eq!(due, [("2026-10-25T00:30:00Z".to_owned(), "2026-10-25".to_owned())]);
        let summer = told(monthly(2, "07:00"), "2026-04-01T12:00:00Z", "2026-04-30T00:00:00Z", Paris);
        assert_eq!(summer[0].0, "2026-04-02T05:00:00Z");
        let none = told(monthly(2, "07:00"), "2026-04-02T05:00:00Z", "2026-04-30T00:00:00Z", Paris);
        assert_eq!(none, [], "what was due when it was begun is over");
    }

    #[test]
    fn a_day_that_a_zone_never_had_is_due_when_the_next_begins() {
        // Samoa had no 30 December 2011.
        let missing = Schedule::Weekly { weekday: Weekday::Fri, at: time("12:00") };
        let due = told(missing, "2011-12-28T00:00:00Z", "2011-12-31T09:00:00Z", Apia);
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].1, "2011-12-30");
    }

    #[test]
    fn after_a_time_away_every_month_is_due_and_of_weeks_the_newest() {
        let months = told(monthly(2, "07:00"), "2026-07-15T00:00:00Z", "2026-10-20T00:00:00Z", UTC);
        let periods: Vec<&str> = months.iter().map(|(_, period)| period.as_str()).collect();
        assert_eq!(periods, ["2026-07", "2026-08", "2026-09"]);
        let years = told(monthly(2, "07:00"), "2020-01-01T00:00:00Z", "2026-10-20T00:00:00Z", UTC);
        assert_eq!((years.len(), years[0].1.as_str()), (12, "2025-10"));
        let weekly = Schedule::Weekly { weekday: Weekday::Mon, at: time("07:00") };
        let weeks = told(weekly, "2026-09-01T00:00:00Z", "2026-10-12T06:59:59Z", UTC);
        assert_eq!(weeks, [("2026-10-05T07:00:00Z".to_owned(), "2026-10-05".to_owned())]);
    }

    #[test]
    fn what_is_at_hand_is_the_last_full_month_or_the_month_to_date() {
        let now = at("2026-10-31T23:30:00Z");
        assert_eq!(monthly(2, "07:00").at_hand(now, UTC).to_string(), "2026-09");
        assert_eq!(monthly(2, "07:00").at_hand(now, Paris).to_string(), "2026-10");
        let weekly = Schedule::Weekly { weekday: Weekday::Mon, at: time("07:00") };
        assert_eq!(weekly.at_hand(now, Paris).to_string(), "2026-11-01");
        assert_eq!(weekly.at_hand(now, Paris).month().to_string(), "2026-11");
    }
}
