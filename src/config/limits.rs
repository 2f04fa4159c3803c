//! What strangers can make the server hold, and for how long.

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
    /// Deliveries that wait to be stored.
    pub waiting: usize,
    /// Bytes of deliveries held in memory, arriving or waiting.
    pub waiting_bytes: usize,
    /// Requests for figures answered at once.
    pub questions: usize,
    /// Wrong tokens from one address in a minute.
    pub token_guesses: u32,
    /// How late the worker may be and the server call itself ready.
    pub lag_seconds: i64,
    /// The time for a header.
    pub header_seconds: u64,
    /// The time for a body.
    pub body_seconds: u64,
    /// The time for a part of an answer to be taken.
    pub answer_seconds: u64,
    /// The time for requests under way, once the server is told to stop.
    pub drain_seconds: u64,
    /// The time for a statement of PostgreSQL.
    pub store: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            header_bytes: 32 << 10,
            waiting: 4_096,
            waiting_bytes: 64 << 20,
            questions: 16,
            token_guesses: 10,
            lag_seconds: 300,
            header_seconds: 10,
            body_seconds: 30,
            answer_seconds: 60,
            drain_seconds: 30,
            store: Duration::from_secs(60),
        }
    }
}

/// A header of less than this would refuse honest senders.
const LEAST_HEADER_BYTES: usize = 1_024;

pub(super) fn limits(variables: &Variables<'_>, max_body_bytes: usize) -> Result<Limits, ConfigError> {
    let default = Limits::default();
    let (number, seconds) = ("is not a number above 0", "is not a number of seconds above 0");
    Ok(Limits {
        connections: above_zero(variables, "UPSWELL_MAX_CONNECTIONS", number, default.connections)?,
        header_bytes: variables
            .read("UPSWELL_MAX_HEADER_BYTES", "is not a number of bytes, 1024 at least", |text| {
                text.parse().ok().filter(|bytes| *bytes >= LEAST_HEADER_BYTES)
            })?
            .unwrap_or(default.header_bytes),
        waiting: above_zero(variables, "UPSWELL_MAX_WAITING", number, default.waiting)?,
        waiting_bytes: variables
            .read(
                "UPSWELL_MAX_WAITING_BYTES",
                "is not a number of bytes, UPSWELL_MAX_BODY_BYTES at least",
                |text| text.parse().ok().filter(|bytes| *bytes >= max_body_bytes),
            )?
            .unwrap_or(default.waiting_bytes.max(max_body_bytes)),
        questions: above_zero(variables, "UPSWELL_MAX_QUESTIONS", number, default.questions)?,
        token_guesses: above_zero(variables, "UPSWELL_MAX_TOKEN_GUESSES", number, default.token_guesses)?,
        lag_seconds: above_zero(variables, "UPSWELL_MAX_LAG_SECONDS", seconds, default.lag_seconds)?,
        header_seconds: above_zero(variables, "UPSWELL_HEADER_SECONDS", seconds, default.header_seconds)?,
        body_seconds: above_zero(variables, "UPSWELL_BODY_SECONDS", seconds, default.body_seconds)?,
        answer_seconds: above_zero(variables, "UPSWELL_ANSWER_SECONDS", seconds, default.answer_seconds)?,
        drain_seconds: above_zero(variables, "UPSWELL_DRAIN_SECONDS", seconds, default.drain_seconds)?,
        store: Duration::from_secs(above_zero(
            variables,
            "UPSWELL_STORE_SECONDS",
            seconds,
            default.store.as_secs(),
        )?),
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
