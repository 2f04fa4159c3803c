//! Lists, some at a time.

use serde::Serialize;
use serde_json::value::RawValue;

use super::asked::{Asked, refused};
use super::refusal;
use crate::http::Problem;
use crate::report::ReportError;

/// How many entries come where no number is named, if so many may.
const USUAL: usize = 100;

/// Which part of a list is wanted.
pub(super) struct Part {
    /// At most so many.
    pub(super) limit: usize,
    /// Those behind this one.
    pub(super) after: Option<String>,
}

impl Part {
    /// The parameters `limit`, so many at most, and `after`.
    ///
    /// # Errors
    ///
    /// A number of entries that is none, or too large.
    pub(super) fn read(asked: &mut Asked, most: usize) -> Result<Self, Problem> {
        let limit = asked.text("limit").map(|text| {
            text.parse().ok().filter(|limit| (1..=most).contains(limit)).ok_or_else(|| {
                refused(format!(
                    "`limit` is a whole number from 1 to {most}; what is left comes with `after`"
                ))
            })
        });
        Ok(Self { limit: limit.transpose()?.unwrap_or(USUAL.min(most)), after: asked.text("after") })
    }
}

/// A cursor that no list gave.
pub(super) fn not_a_cursor() -> Problem {
    refused("`after` is the `next` of the part before, as it came".to_owned())
}

/// A part of a list as it is answered: entries that are JSON already.
#[derive(Serialize)]
struct Page<'a> {
    data: Vec<&'a RawValue>,
    next: Option<String>,
}

/// A part of a list of lines of JSON, as the commands write them.
///
/// # Errors
///
/// Lines that are no JSON, which does not happen.
pub(super) fn page(lines: Result<String, ReportError>, next: Option<String>) -> Result<String, Problem> {
    let lines = lines.map_err(|error| refusal::unavailable(&error))?;
    let written = lines
        .lines()
        .map(serde_json::from_str::<&RawValue>)
        .collect::<Result<Vec<_>, _>>()
        .and_then(|data| serde_json::to_string(&Page { data, next }));
    written.map(|text| text + "\n").map_err(|error| refusal::unavailable(&error))
}
