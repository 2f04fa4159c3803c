//! The months of a book: which are open, which closed, and which were learnt more of since they were closed.

use super::ordered::{Json, object, optional, rfc3339, text, word};
use super::reporter::{AskError, Reporter};
use super::{MonthStatus, ReportError, Settings};
use crate::mrr::{Instant, Month};

/// A month of a book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthRow {
    /// The month.
    pub month: Month,
    /// Open; closed; or restated, if something was posted for it, or for a month before it, after it was closed:
    /// what is known now then differs from what was reported.
    pub status: MonthStatus,
    /// When it was closed.
    pub closed_at: Option<Instant>,
    /// The digest of its books.
    pub digest: Option<String>,
    /// How many postings are in them.
    pub postings: Option<i64>,
    /// How many postings were added for it since, or taken back.
    pub adjustments: i64,
}

impl Reporter {
    /// The months of a book, from that of its first movement to the one of `now`.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn months(&self, settings: &Settings, now: i64) -> Result<Vec<MonthRow>, AskError> {
        let book = settings.book.as_str();
        let posted = self.ledger().months_posted(book).await?;
        let closings = self.ledger().closings(book).await?;
        let this = Month::of(Instant(now), settings.zone);
        let closed = || closings.all().map(|closing| closing.month);
        let Some(first) = posted.keys().copied().chain(closed()).min() else { return Ok(Vec::new()) };
        let last = posted.keys().copied().chain(closed()).chain([this]).max().unwrap_or(first);
        let mut rows = Vec::new();
        let mut month = first;
        while month <= last {
            let closing = closings.of(month);
            let is_touched = |through: i64| posted.range(..=month).any(|(_, last)| *last > through);
            let adjustments = match &closing {
                Some(closing) if is_touched(closing.through_posting) => {
                    self.ledger().adjustments_of(book, &closings, month).await?.len()
                }
                _ => 0,
            };
            rows.push(MonthRow {
                month,
                status: match &closing {
                    None => MonthStatus::Open,
                    Some(_) if adjustments == 0 => MonthStatus::Closed,
                    Some(_) => MonthStatus::Restated,
                },
                closed_at: closing.as_ref().map(|closing| closing.closed_at),
                digest: closing.as_ref().map(|closing| closing.digest.clone()),
                postings: closing.as_ref().map(|closing| closing.postings),
                adjustments: i64::try_from(adjustments).unwrap_or(i64::MAX),
            });
            month = month.next();
        }
        Ok(rows)
    }
}

/// Months as NDJSON, one a line.
///
/// # Errors
///
/// [`ReportError::Json`], which does not happen for text in memory.
pub fn months_ndjson(rows: &[MonthRow]) -> Result<String, ReportError> {
    let mut lines = String::new();
    for row in rows {
        lines.push_str(&serde_json::to_string(&line(row))?);
        lines.push('\n');
    }
    Ok(lines)
}

fn line(row: &MonthRow) -> Json {
    object([
        ("month", text(&row.month)),
        ("status", word(row.status.as_str())),
        ("closed_at", optional(row.closed_at.map(rfc3339).as_ref())),
        ("digest", optional(row.digest.as_ref())),
        ("postings", row.postings.map_or(Json::Null, Json::Number)),
        ("adjustments", Json::Number(row.adjustments)),
    ])
}
