//! The ledger's movements as a list: one line of JSON each, CSV, a table.

use chrono_tz::Tz;

use super::csv_face::csv_part;
use super::ordered::{Json, object, optional, rfc3339, text, word};
use super::table::plain_table;
use super::{ReportError, Scale};
use crate::mrr::{CustomerId, Instant, Month, Movement, Side};

/// A movement as it stands in the ledger (R23).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovementRow {
    /// Its place in the book's ledger.
    pub seq: i64,
    /// Its id.
    pub id: String,
    /// The book.
    pub book: String,
    /// Whose it is.
    pub customer: CustomerId,
    /// What moved.
    pub movement: Movement,
    /// The month it belongs to.
    pub month: Month,
    /// When it was posted.
    pub recorded_at: Instant,
    /// The month it was posted in.
    pub posted_in: Month,
    /// The posting that it corrects.
    pub adjusts: Option<String>,
}

const COLUMNS: [&str; 27] = [
    "seq",
    "id",
    "book",
    "class",
    "kind",
    "cause",
    "motion",
    "customer",
    "subscription",
    "item",
    "product",
    "price",
    "currency",
    "delta",
    "customer_mrr_before",
    "customer_mrr_after",
    "quantity_before",
    "quantity_after",
    "price_before",
    "effective_at",
    "month",
    "recorded_at",
    "posted_in",
    "grade",
    "event",
    "sha256",
    "adjusts",
];

/// Movements as NDJSON: one a line, in the order given, keys in the contract's order.
///
/// # Errors
///
/// [`ReportError::Json`], which does not happen for text in memory.
pub fn movements_ndjson(rows: &[MovementRow]) -> Result<String, ReportError> {
    let mut lines = String::new();
    for row in rows {
        lines.push_str(&serde_json::to_string(&line(row))?);
        lines.push('\n');
    }
    Ok(lines)
}

/// Movements as CSV, the columns named as in the JSON.
///
/// # Errors
///
/// [`ReportError::Csv`], which does not happen for text in memory.
pub fn movements_csv(rows: &[MovementRow]) -> Result<String, ReportError> {
    movements_csv_part(rows, true)
}

/// Some of the movements as CSV, without the head unless they are the first.
///
/// # Errors
///
/// [`ReportError::Csv`], which does not happen for text in memory.
pub fn movements_csv_part(rows: &[MovementRow], is_first: bool) -> Result<String, ReportError> {
    let values = |row: &MovementRow| -> Vec<String> {
        let Json::Object(entries) = line(row) else { return Vec::new() };
        entries.into_iter().flat_map(|(_, value)| flat(value)).collect()
    };
    csv_part(is_first.then_some(&COLUMNS[..]), rows.iter().map(values))
}

/// Movements as a table for people, in major units and the reporting time zone.
#[must_use]
pub fn movements_table(rows: &[MovementRow], zone: Tz) -> String {
    let head =
        ["seq", "effective", "customer", "class", "kind", "cause", "item", "quantity", "delta", "MRR after"];
    let cells = |row: &MovementRow| {
        let movement = &row.movement;
        let scale = Scale::of(&movement.currency);
        let quantity = |side: &Option<Side>| {
            side.as_ref().map_or_else(|| "–".to_owned(), |side| side.quantity.to_string())
        };
        let code = movement.currency.as_str().to_uppercase();
        let at = chrono::DateTime::from_timestamp(movement.effective_at.0, 0).unwrap_or_default();
        vec![
            row.seq.to_string(),
            at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string(),
            row.customer.to_string(),
            movement.class.as_str().to_owned(),
            movement.kind.as_str().to_owned(),
            movement.cause.as_str().to_owned(),
            movement.item.to_string(),
            format!("{} → {}", quantity(&movement.before), quantity(&movement.after)),
            format!("{} {code}", scale.flow(movement.delta)),
            format!("{} {code}", scale.level(movement.customer_mrr_after)),
        ]
    };
    plain_table(&head, &[7, 8, 9], rows.iter().map(cells))
}

/// One movement, as the contract has it.
fn line(row: &MovementRow) -> Json {
    let movement = &row.movement;
    let face = movement.face();
    let quantity = |side: &Option<Side>| optional(side.as_ref().map(|side| &side.quantity));
    let evidence = &movement.evidence;
    object([
        ("seq", Json::Number(row.seq)),
        ("id", text(&row.id)),
        ("book", text(&row.book)),
        ("class", word(movement.class.as_str())),
        ("kind", word(movement.kind.as_str())),
        ("cause", word(movement.cause.as_str())),
        ("motion", word(movement.motion.as_str())),
        ("customer", text(&row.customer)),
        ("subscription", text(&movement.subscription)),
        ("item", text(&movement.item)),
        ("product", optional(face.map(|side| &side.product))),
        ("price", optional(face.map(|side| &side.price))),
        ("currency", text(&movement.currency)),
        ("delta", text(&movement.delta)),
        ("customer_mrr_before", text(&movement.customer_mrr_before)),
        ("customer_mrr_after", text(&movement.customer_mrr_after)),
        ("quantity_before", quantity(&movement.before)),
        ("quantity_after", quantity(&movement.after)),
        ("price_before", optional(movement.before.as_ref().map(|side| &side.price))),
        ("effective_at", text(&rfc3339(movement.effective_at))),
        ("month", text(&row.month)),
        ("recorded_at", text(&rfc3339(row.recorded_at))),
        ("posted_in", text(&row.posted_in)),
        (
            "evidence",
            object([
                ("grade", word(evidence.grade.as_str())),
                ("event", text(&evidence.event)),
                ("sha256", text(&evidence.sha256)),
            ]),
        ),
        ("adjusts", optional(row.adjusts.as_ref())),
    ])
}

/// A value as the cells of a row; what is null is empty.
pub(super) fn flat(value: Json) -> Vec<String> {
    match value {
        Json::Bool(is_so) => vec![is_so.to_string()],
        Json::Null => vec![String::new()],
        Json::Number(number) => vec![number.to_string()],
        Json::Count(count) => vec![count.to_string()],
        Json::Text(text) => vec![text.into_owned()],
        Json::List(values) => vec![values.into_iter().flat_map(flat).collect::<Vec<_>>().join(" ")],
        Json::Object(entries) => entries.into_iter().flat_map(|(_, value)| flat(value)).collect(),
    }
}
