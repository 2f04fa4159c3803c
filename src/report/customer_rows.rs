//! Each customer's MRR at the end of a month, as a list.

use std::collections::{BTreeMap, BTreeSet};

use super::csv_face::csv_text;
use super::movement_rows::flat;
use super::ordered::{Json, object, optional, text, word};
use super::table::plain_table;
use super::{CustomerHistory, History, ReportError, Scale, Settings};
use crate::mrr::{Class, Currency, CustomerId, Level, Month, Mrr, ProductId, Status, levels_before};

/// One customer in one currency at the end of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerRow {
    /// The customer.
    pub customer: CustomerId,
    /// The currency.
    pub currency: Currency,
    /// Its MRR.
    pub mrr: Mrr,
    /// The month of its first movement.
    pub since: Option<Month>,
    /// What it holds.
    pub products: Vec<ProductId>,
    /// How its subscriptions stand.
    pub status: &'static str,
}

/// Each customer's MRR at the end of a month, in the order of customers and currencies; those at zero
/// only if `with_zeros`.
#[must_use]
pub fn customer_rows(
    history: &History,
    settings: &Settings,
    month: Month,
    with_zeros: bool,
) -> Vec<CustomerRow> {
    let end = month.end(settings.zone);
    let mut rows = Vec::new();
    for customer in &history.customers {
        let mut held: BTreeMap<&Currency, Vec<&Level>> = BTreeMap::new();
        if with_zeros {
            let known = customer.levels.iter().filter(|level| level.from < end);
            held.extend(known.map(|level| (&level.currency, Vec::new())));
        }
        for level in levels_before(&customer.levels, end) {
            held.entry(&level.currency).or_default().push(level);
        }
        for (currency, levels) in held {
            if settings.currency.as_ref().is_some_and(|asked| asked != currency) {
                continue;
            }
            let products: BTreeSet<&ProductId> = levels.iter().map(|level| &level.product).collect();
            rows.push(CustomerRow {
                customer: customer.customer.clone(),
                currency: currency.clone(),
                mrr: levels.iter().map(|level| level.mrr).sum(),
                since: customer.first_month(settings.zone),
                products: products.into_iter().cloned().collect(),
                status: status(customer, &levels, end),
            });
        }
    }
    rows
}

/// How the customer stands: with MRR, as its levels tell; without, as its last movement does, and where
/// it has none, as its subscriptions do.
fn status(customer: &CustomerHistory, levels: &[&Level], end: crate::mrr::Instant) -> &'static str {
    if levels.iter().any(|level| level.is_at_risk) {
        return "past_due";
    }
    if !levels.is_empty() {
        return "active";
    }
    let last = customer.movements.iter().rfind(|movement| movement.effective_at < end);
    match last.map(|movement| movement.class) {
        Some(Class::Pause) => "paused",
        Some(_) => "canceled",
        None => {
            let has = |status| customer.statuses.values().any(|other| *other == status);
            let words = [
                (Status::Active, "active"),
                (Status::PastDue, "past_due"),
                (Status::Trialing, "trialing"),
                (Status::Paused, "paused"),
                (Status::Incomplete, "incomplete"),
                (Status::Unpaid, "unpaid"),
                (Status::IncompleteExpired, "incomplete_expired"),
                (Status::Canceled, "canceled"),
            ];
            words.into_iter().find(|(status, _)| has(*status)).map_or("unknown", |(_, word)| word)
        }
    }
}

fn line(row: &CustomerRow) -> Json {
    object([
        ("customer", text(&row.customer)),
        ("currency", text(&row.currency)),
        ("mrr", text(&row.mrr)),
        ("since", optional(row.since.as_ref())),
        ("products", Json::List(row.products.iter().map(text).collect())),
        ("status", word(row.status)),
    ])
}

/// Customers as NDJSON, one a line.
///
/// # Errors
///
/// [`ReportError::Json`], which does not happen for text in memory.
pub fn customers_ndjson(rows: &[CustomerRow]) -> Result<String, ReportError> {
    let mut lines = String::new();
    for row in rows {
        lines.push_str(&serde_json::to_string(&line(row))?);
        lines.push('\n');
    }
    Ok(lines)
}

/// Customers as CSV, the columns named as in the JSON, products a blank apart.
///
/// # Errors
///
/// [`ReportError::Csv`], which does not happen for text in memory.
pub fn customers_csv(rows: &[CustomerRow]) -> Result<String, ReportError> {
    csv_text(
        &["customer", "currency", "mrr", "since", "products", "status"],
        rows.iter().map(|row| flat(line(row))),
    )
}

/// Customers as a table for people, in major units.
#[must_use]
pub fn customers_table(rows: &[CustomerRow]) -> String {
    let cells = |row: &CustomerRow| {
        let products: Vec<&str> = row.products.iter().map(ProductId::as_str).collect();
        vec![
            row.customer.to_string(),
            format!("{} {}", Scale::of(&row.currency).level(row.mrr), row.currency.as_str().to_uppercase()),
            row.since.map_or_else(|| "–".to_owned(), |since| since.to_string()),
            products.join(" "),
            row.status.to_owned(),
        ]
    };
    plain_table(&["customer", "MRR", "since", "products", "status"], &[1], rows.iter().map(cells))
}
