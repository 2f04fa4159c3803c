//! Movements as ChartMogul exports its MRR movements, for sheets and models that were made for those.

use crate::mrr::{Class, MICRO, Movement, Mrr, divide_half_even};
use crate::report::{MovementRow, ReportError, csv_part};

/// The columns of ChartMogul's calculated data set of MRR movements, in its order.
pub const CHARTMOGUL_COLUMNS: [&str; 16] = [
    "DATE",
    "CUSTOMER_NAME",
    "MRR_MOVEMENT",
    "MRR",
    "DESCRIPTION",
    "MOVEMENT_TYPE",
    "CURRENCY_CODE",
    "BILLING_CONNECTOR_UUID",
    "CUSTOMER_EXTERNAL_ID",
    "CUSTOMER_UUID",
    "SUBSCRIPTION_EXTERNAL_ID",
    "PLAN_EXTERNAL_ID",
    "ACTIVE_SUBSCRIPTION_QUANTITY",
    "UUID",
    "RANK",
    "PREVIOUS_PLAN_EXTERNAL_ID",
];

/// Some of the movements as CSV, those that come first with the head. Amounts are whole minor units: MRR is rounded
/// half to even, and a movement is the difference of two such levels, so that movements sum to levels.
///
/// # Errors
///
/// [`ReportError::Csv`], which does not happen for text in memory.
pub fn chartmogul_csv(rows: &[MovementRow], is_first: bool) -> Result<String, ReportError> {
    csv_part(is_first.then_some(&CHARTMOGUL_COLUMNS[..]), rows.iter().map(cells))
}

fn cells(row: &MovementRow) -> Vec<String> {
    let movement = &row.movement;
    let at = chrono::DateTime::from_timestamp(movement.effective_at.0, 0).unwrap_or_default();
    let (before, after) = (units(movement.customer_mrr_before), units(movement.customer_mrr_after));
    let price = |side: &Option<crate::mrr::Side>| {
        side.as_ref().map(|side| side.price.to_string()).unwrap_or_default()
    };
    let quantity = movement.after.as_ref().map_or(0, |side| side.quantity);
    vec![
        at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        row.customer.to_string(),
        (after - before).to_string(),
        after.to_string(),
        description(movement),
        movement_type(movement).to_owned(),
        movement.currency.as_str().to_uppercase(),
        String::new(),
        row.customer.to_string(),
        String::new(),
        movement.subscription.to_string(),
        price(&movement.after),
        quantity.to_string(),
        row.id.clone(),
        row.seq.to_string(),
        price(&movement.before),
    ]
}

fn units(mrr: Mrr) -> i128 {
    divide_half_even(mrr.0, MICRO)
}

/// Which of ChartMogul's five types it is. Those that ChartMogul does not have are told as it would: from nothing is a
/// reactivation, to nothing is a churn, and what was there before the data begins is new business.
fn movement_type(movement: &Movement) -> &'static str {
    let (is_from_nothing, is_to_nothing) =
        (!movement.customer_mrr_before.is_positive(), !movement.customer_mrr_after.is_positive());
    let by_sign = if movement.delta.0 < 0 { "contraction" } else { "expansion" };
    match movement.class {
        Class::New => "new_biz",
        Class::Reactivation => "reactivation",
        Class::Expansion => "expansion",
        Class::Contraction => "contraction",
        Class::Churn => "churn",
        Class::Opening if is_from_nothing => "new_biz",
        Class::Pause | Class::Transfer if is_to_nothing => "churn",
        Class::Resume | Class::Transfer if is_from_nothing => "reactivation",
        Class::Opening | Class::Pause | Class::Resume | Class::Transfer | Class::Switch => by_sign,
    }
}

/// Our own words for it: class, kind and cause, and the quantities where they differ.
fn description(movement: &Movement) -> String {
    let (class, kind, cause) = (movement.class.as_str(), movement.kind.as_str(), movement.cause.as_str());
    let mut said = if class == kind { class.to_owned() } else { format!("{class} by {kind}") };
    if cause != kind {
        said.push_str(&format!(" ({cause})"));
    }
    if let (Some(before), Some(after)) = (&movement.before, &movement.after)
        && before.quantity != after.quantity
    {
        said.push_str(&format!(", {} to {}", before.quantity, after.quantity));
    }
    said
}
