//! Where a figure comes from: stored bytes, what they say, each step of each line's value, the movement, the
//! posting, the cell of the report. [`Explainer`] answers with an [`Explained`], which every face shows;
//! names, e-mail addresses and bodies are no part of it.

mod build;
mod case;
mod lessons;
mod model;
mod moves;
mod steps;
mod text;

pub use case::{ExplainError, Explainer};
pub use model::*;

use crate::mrr::Instant;

/// An instant as RFC 3339 in UTC, with seconds.
fn rfc3339(at: Instant) -> String {
    chrono::DateTime::from_timestamp(at.0, 0)
        .map_or_else(|| at.0.to_string(), |at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
}
