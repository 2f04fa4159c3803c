//! `MRR_per_Subscriber`: a row a subscriber and currency, a column a month, amounts in major units of
//! the currency. Names and e-mail are read past.

use std::collections::BTreeMap;

use super::export::Export;
use super::file::{ExportError, Header, Row, Rows};
use crate::mrr::{Currency, MICRO, Month, Mrr};
use crate::report::Scale;
use crate::stripe::{Decimal, Mark};

/// The columns of the form.
pub(super) const COLUMNS: &str = "`Customer ID`, `Currency` and one column a month, `YYYY-MM`";

/// A row before its amounts are read: that takes all of the file's.
struct Untold {
    line: u64,
    customer: String,
    currency: Currency,
    amounts: Vec<String>,
}

/// Adds a file's rows to an export.
pub(super) fn read(header: &Header, rows: Rows<'_>, mut export: Export) -> Result<Export, ExportError> {
    let customer = header.need("Customer ID", COLUMNS)?;
    let currency = header.need("Currency", COLUMNS)?;
    let months = months(header, currency)?;
    let mut untold = Vec::new();
    for row in rows {
        let row = row?;
        if row.is_blank() {
            continue;
        }
        match untold_row(&row, customer, currency, &months) {
            Ok(told) => untold.push(told),
            Err(reason) => export.faults.push(header.fault(row.line, reason)),
        }
    }
    let mark = Mark::of(untold.iter().flat_map(|row| &row.amounts).map(String::as_str));
    let mut decimals: BTreeMap<Currency, u32> = BTreeMap::new();
    for row in &untold {
        let amounts = row.amounts.iter().filter_map(|amount| Decimal::read(amount, mark));
        let most = amounts.map(|amount| amount.decimals).max().unwrap_or_default();
        let held = decimals.entry(row.currency.clone()).or_default();
        *held = (*held).max(most);
    }
    for (currency, decimals) in decimals {
        let unit = smallest(&currency, decimals);
        let known = export.units.entry(currency).or_insert(unit);
        *known = (*known).max(unit);
    }
    export.columns.extend(months.iter().map(|(_, month)| *month));
    for row in &untold {
        if let Err(reason) = tell(&mut export, row, &months, mark) {
            export.faults.push(header.fault(row.line, reason));
        }
    }
    Ok(export)
}

/// The columns of months. What else there is has to be the customer's or the currency.
fn months(header: &Header, currency: usize) -> Result<Vec<(usize, Month)>, ExportError> {
    let mut months: Vec<(usize, Month)> = Vec::new();
    for (place, name) in header.columns.iter().enumerate() {
        if place == currency || name.to_ascii_lowercase().starts_with("customer") {
            continue;
        }
        let Some(month) = Month::parse(name) else {
            return Err(header.refuse(format!("column {}, `{name}`, is not known", place + 1), COLUMNS));
        };
        if months.iter().any(|(_, known)| *known == month) {
            return Err(header.refuse(format!("column `{month}` stands there twice"), COLUMNS));
        }
        months.push((place, month));
    }
    if months.is_empty() {
        return Err(header.refuse("there is no column of a month".to_owned(), COLUMNS));
    }
    Ok(months)
}

fn untold_row(
    row: &Row,
    customer: usize,
    currency: usize,
    months: &[(usize, Month)],
) -> Result<Untold, String> {
    Header::check(row)?;
    let amounts = months.iter().map(|(place, _)| row.cell(*place).to_owned()).collect();
    Ok(Untold {
        line: row.line,
        customer: row.customer(customer)?.to_owned(),
        currency: row.currency(currency)?.into(),
        amounts,
    })
}

/// The smallest amount that so many decimals of a major unit show, but never more than a minor unit: a
/// file whose amounts happen to be whole is no less exact.
fn smallest(currency: &Currency, decimals: u32) -> i128 {
    let major = Scale::of(currency).of_major(1).0;
    10_i128.checked_pow(decimals).map_or(1, |parts| (major / parts).clamp(1, MICRO))
}

/// Takes a row, whole or not at all.
fn tell(export: &mut Export, row: &Untold, months: &[(usize, Month)], mark: Mark) -> Result<(), String> {
    let scale = Scale::of(&row.currency).of_major(1).0;
    let line = (row.customer.as_str().into(), row.currency.clone());
    let known = export.months.get(&line);
    let mut told = BTreeMap::new();
    for ((_, month), amount) in months.iter().zip(&row.amounts) {
        let read = Decimal::read(amount, mark).and_then(|amount| amount.times(scale)).map(Mrr);
        let mrr = read.ok_or_else(|| format!("column `{month}` holds no amount"))?;
        if known.and_then(|known| known.get(month)).is_some_and(|known| *known != mrr) {
            return Err(format!("{} {} is told twice of {month}, and not alike", row.customer, row.currency));
        }
        told.insert(*month, mrr);
    }
    export.months.entry(line).or_default().extend(told);
    export.rows += 1;
    Ok(())
}
