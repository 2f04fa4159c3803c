//! What strangers can make the server hold, and for how long.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::ConfigError;
use super::build::Variables;

/// The limits of the server; each has a variable of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections held at once.
    pub connections: usize,
    /// The size of a request's header.
    pub header_bytes: usize,
    /// The size of a form of the dashboard.
    pub form_bytes: usize,
    /// Deliveries that wait to be stored.
    pub waiting: usize,
    /// Bytes of deliveries held in memory, arriving or waiting.
    pub waiting_bytes: usize,
    /// Requests for figures answered at once.
    pub questions: usize,
    /// Entries of a part of a list of the API.
    pub page_rows: usize,
    /// Wrong tokens from one address in the time that they are counted for.
    pub token_guesses: u32,
    /// The time that wrong tokens are counted for.
    pub guess_seconds: i64,
    /// The time that a browser stays signed in.
    pub session_seconds: i64,
    /// How late the worker may be and the server call itself ready.
    pub lag_seconds: i64,
    /// The time for a header.
    pub header_seconds: u64,
    /// The time for a body.
    pub body_seconds: u64,
    /// The time for a part of an answer to be taken.
    pub answer_seconds: u64,
    /// The time for a delivery to be stored.
    pub commit_seconds: u64,
    /// The time for requests under way, once the server is told to stop.
    pub drain_seconds: u64,
    /// How much of the store is taken at once, and how long it is waited for.
    pub store: StoreLimits,
}

/// How much of the store a process takes at once, and how long it waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreLimits {
    /// The time for a statement of PostgreSQL.
    pub statement: Duration,
    /// The time for a connection to PostgreSQL.
    pub connect: Duration,
    /// The time for somebody else's lock.
    pub lock: Duration,
    /// Connections that read.
    pub readers: u32,
    /// Connections that write to PostgreSQL.
    pub writers: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            header_bytes: 32 << 10,
            form_bytes: 16 << 10,
            waiting: 4_096,
            waiting_bytes: 64 << 20,
            questions: 16,
            page_rows: 1_000,
            token_guesses: 10,
            guess_seconds: 60,
            session_seconds: 12 * 3_600,
            lag_seconds: 300,
            header_seconds: 10,
            body_seconds: 30,
            answer_seconds: 60,
            commit_seconds: 20,
            drain_seconds: 30,
            store: StoreLimits::default(),
        }
    }
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self {
            statement: Duration::from_secs(60),
            connect: Duration::from_secs(5),
            lock: Duration::from_secs(10),
            readers: 4,
            writers: 6,
        }
    }
}

/// A header of less than this would refuse honest senders.
const LEAST_HEADER_BYTES: usize = 1_024;
/// A token fits into the least, and the most is what can be read like a query, whose length an address limits.
const FORM_BYTES: RangeInclusive<usize> = 1_024..=65_000;
/// A part of a list is made in memory, and what the interface promises is the most.
const PAGE_ROWS: RangeInclusive<usize> = 1..=1_000;
/// Whoever mistypes a token is not kept out for longer than a day.
const GUESS_SECONDS: RangeInclusive<i64> = 1..=86_400;
/// Shorter ones would end while a page is read; whoever finds a browser unlocked should not find it signed in for ever.
const SESSION_SECONDS: RangeInclusive<i64> = 60..=2_592_000;
/// Who is waited for longer than this is not waited for by anybody.
const WAITING_SECONDS: RangeInclusive<u64> = 1..=300;
/// One reader may be kept by what is made for long; servers of databases have places for some hundreds in all.
const READERS: RangeInclusive<u32> = 2..=64;
/// Deliveries, a settlement, the turn to settle, and what is fetched beside them, each of which may be kept for long.
const WRITERS: RangeInclusive<u32> = 4..=64;

pub(super) fn limits(variables: &Variables<'_>, max_body_bytes: usize) -> Result<Limits, ConfigError> {
    let default = Limits::default();
    let (number, seconds) = ("is not a number above 0", "is not a number of seconds above 0");
    let waiting = |name, default| within(variables, name, "seconds", &WAITING_SECONDS, default);
    Ok(Limits {
        connections: above_zero(variables, "UPSWELL_MAX_CONNECTIONS", number, default.connections)?,
        header_bytes: variables
            .read("UPSWELL_MAX_HEADER_BYTES", "is not a number of bytes, 1024 at least", |text| {
                text.parse().ok().filter(|bytes| *bytes >= LEAST_HEADER_BYTES)
            })?
            .unwrap_or(default.header_bytes),
        form_bytes: within(variables, "UPSWELL_MAX_FORM_BYTES", "bytes", &FORM_BYTES, default.form_bytes)?,
        waiting: above_zero(variables, "UPSWELL_MAX_WAITING", number, default.waiting)?,
        waiting_bytes: variables
            .read(
                "UPSWELL_MAX_WAITING_BYTES",
                "is not a number of bytes, UPSWELL_MAX_BODY_BYTES at least",
                |text| text.parse().ok().filter(|bytes| *bytes >= max_body_bytes),
            )?
            .unwrap_or(default.waiting_bytes.max(max_body_bytes)),
        questions: above_zero(variables, "UPSWELL_MAX_QUESTIONS", number, default.questions)?,
        page_rows: within(variables, "UPSWELL_MAX_PAGE_ROWS", "entries", &PAGE_ROWS, default.page_rows)?,
        token_guesses: above_zero(variables, "UPSWELL_MAX_TOKEN_GUESSES", number, default.token_guesses)?,
        guess_seconds: within(
            variables,
            "UPSWELL_GUESS_SECONDS",
            "seconds",
            &GUESS_SECONDS,
            default.guess_seconds,
        )?,
        session_seconds: within(
            variables,
            "UPSWELL_SESSION_SECONDS",
            "seconds",
            &SESSION_SECONDS,
            default.session_seconds,
        )?,
        lag_seconds: above_zero(variables, "UPSWELL_MAX_LAG_SECONDS", seconds, default.lag_seconds)?,
        header_seconds: above_zero(variables, "UPSWELL_HEADER_SECONDS", seconds, default.header_seconds)?,
        body_seconds: above_zero(variables, "UPSWELL_BODY_SECONDS", seconds, default.body_seconds)?,
        answer_seconds: above_zero(variables, "UPSWELL_ANSWER_SECONDS", seconds, default.answer_seconds)?,
        commit_seconds: waiting("UPSWELL_COMMIT_SECONDS", default.commit_seconds)?,
        drain_seconds: above_zero(variables, "UPSWELL_DRAIN_SECONDS", seconds, default.drain_seconds)?,
        store: store_limits(variables)?,
    })
}

fn store_limits(variables: &Variables<'_>) -> Result<StoreLimits, ConfigError> {
    let default = StoreLimits::default();
    let seconds = "is not a number of seconds above 0";
    let statement = above_zero(variables, "UPSWELL_STORE_SECONDS", seconds, default.statement.as_secs())?;
    let waiting = |name, default: Duration| {
        within(variables, name, "seconds", &WAITING_SECONDS, default.as_secs()).map(Duration::from_secs)
    };
    let connections = |name, range, default| within(variables, name, "connections", range, default);
    Ok(StoreLimits {
        statement: Duration::from_secs(statement),
        connect: waiting("UPSWELL_CONNECT_SECONDS", default.connect)?,
        lock: waiting("UPSWELL_LOCK_SECONDS", default.lock)?,
        readers: connections("UPSWELL_STORE_READERS", &READERS, default.readers)?,
        writers: connections("UPSWELL_STORE_WRITERS", &WRITERS, default.writers)?,
    })
}

fn above_zero<N: std::str::FromStr + PartialOrd + From<u8>>(
    variables: &Variables<'_>,
    name: &str,
    problem: &str,
    default: N,
) -> Result<N, ConfigError> {
    let given =
        variables.read(name, problem, |text| text.parse().ok().filter(|number| *number > N::from(0)))?;
    Ok(given.unwrap_or(default))
}

fn within<N: std::str::FromStr + PartialOrd + std::fmt::Display>(
    variables: &Variables<'_>,
    name: &str,
    of: &str,
    range: &RangeInclusive<N>,
    default: N,
) -> Result<N, ConfigError> {
    let problem = format!("is not a number of {of} from {} to {}", range.start(), range.end());
    let given =
        variables.read(name, &problem, |text| text.parse().ok().filter(|number| range.contains(number)))?;
    Ok(given.unwrap_or(default))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::Config;

    /// The settings that have a range, each with its ends.
    const RANGES: [(&str, u64, u64); 9] = [
        ("UPSWELL_MAX_FORM_BYTES", 1_024, 65_000),
        ("UPSWELL_MAX_PAGE_ROWS", 1, 1_000),
        ("UPSWELL_GUESS_SECONDS", 1, 86_400),
        ("UPSWELL_SESSION_SECONDS", 60, 2_592_000),
        ("UPSWELL_COMMIT_SECONDS", 1, 300),
        ("UPSWELL_CONNECT_SECONDS", 1, 300),
        ("UPSWELL_LOCK_SECONDS", 1, 300),
        ("UPSWELL_STORE_READERS", 2, 64),
        ("UPSWELL_STORE_WRITERS", 4, 64),
    ];

    #[test]
    fn what_is_outside_of_a_range_is_refused_with_the_range_and_an_example() {
        for (name, least, most) in RANGES {
            for given in [least, most] {
                assert!(Config::from_given(&[(name, &given.to_string())], "").is_ok(), "{name}={given}");
            }
            for given in [0, least - 1, most + 1] {
                let error = Config::from_given(&[(name, &given.to_string())], "").unwrap_err().to_string();
                assert!(error.starts_with(name), "{error}");
                assert!(error.contains(&format!("from {least} to {most}; for example {name}=")), "{error}");
            }
        }
    }

    #[test]
    fn each_setting_is_the_limit_of_its_name() {
        let given = RANGES.map(|(name, least, _)| (name, (least + 1).to_string()));
        let given = given.each_ref().map(|(name, value)| (*name, value.as_str()));
        let limits = Config::from_given(&given, "").unwrap().limits;
        assert_eq!(
            (limits.form_bytes, limits.page_rows, limits.guess_seconds, limits.session_seconds),
            (1_025, 2, 2, 61)
        );
        let two = Duration::from_secs(2);
        let store = StoreLimits { connect: two, lock: two, readers: 3, writers: 5, ..StoreLimits::default() };
        assert_eq!((limits.commit_seconds, limits.store), (2, store));
    }
}
