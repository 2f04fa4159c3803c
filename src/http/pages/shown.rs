//! How single things are written on pages.

use std::fmt::Write;

use chrono_tz::Tz;

use super::frame::Frame;
use crate::mrr::{Currency, Delta, MICRO, Side};
use crate::report::{MovementRow, Scale, local_time};

/// How many entries of a list come on one page.
pub(super) const A_PAGE: usize = 100;

/// Text as a part of an address.
pub(super) fn encoded(text: &str) -> String {
    let mut address = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            address.push(char::from(byte));
        } else {
            // Text in memory takes whatever is written.
            let _ = write!(address, "%{byte:02X}");
        }
    }
    address
}

/// A currency's code in capitals.
pub(super) fn code(currency: &Currency) -> String {
    currency.as_str().to_uppercase()
}

/// Minor units as text in the JSON's form, in major units for people, with the code; as it stands where it is no
/// amount.
pub(super) fn major(minor_units: &str, currency: &str) -> String {
    let code = currency.to_uppercase();
    match delta(minor_units) {
        Some(delta) => format!("{} {code}", Scale::of(&Currency::from(currency.to_owned())).flow(delta)),
        None => format!("{minor_units} {code}"),
    }
}

/// Reads an amount in minor units.
fn delta(text: &str) -> Option<Delta> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let (whole, part): (i128, i128) = (whole.parse().ok()?, format!("{part:0<6}").get(..6)?.parse().ok()?);
    Some(Delta(sign * (whole * MICRO + part)))
}

/// A movement as a row of a table.
pub(super) struct Line {
    pub(super) at: String,
    pub(super) customer: String,
    pub(super) customer_href: String,
    pub(super) class: &'static str,
    pub(super) kind: &'static str,
    pub(super) cause: &'static str,
    pub(super) item: String,
    pub(super) quantity: String,
    pub(super) delta: String,
    pub(super) after: String,
    pub(super) currency: String,
    /// The page that explains it.
    pub(super) href: String,
    /// Where it counts in its month's report, where its class and kind do not say that (R26).
    pub(super) counts: Option<String>,
    /// What a person should know of it: that it takes another one back, or is in another month's books.
    pub(super) note: Option<String>,
}

impl Line {
    pub(super) fn of(row: &MovementRow, frame: &Frame, zone: Tz) -> Self {
        let movement = &row.movement;
        let scale = Scale::of(&movement.currency);
        let quantity = |side: &Option<Side>| {
            side.as_ref().map_or_else(|| "–".to_owned(), |side| side.quantity.to_string())
        };
        let taken_back = row.adjusts.as_ref().map(|id| format!("takes back {id}"));
        let elsewhere = (row.posted_in != row.month).then(|| format!("in the books of {}", row.posted_in));
        Self {
            at: local_time(movement.effective_at, zone),
            customer: row.customer.to_string(),
            customer_href: frame.to_customer(row.customer.as_str()),
            class: movement.class.as_str(),
            kind: movement.kind.as_str(),
            cause: movement.cause.as_str(),
            item: movement.item.to_string(),
            quantity: format!("{} → {}", quantity(&movement.before), quantity(&movement.after)),
            delta: signed(scale, movement.delta),
            after: scale.level(movement.customer_mrr_after),
            currency: code(&movement.currency),
            href: frame.to_origin(&row.id),
            counts: None,
            note: taken_back.or(elsewhere),
        }
    }
}

/// A flow with its sign.
pub(super) fn signed(scale: Scale, delta: Delta) -> String {
    let sign = if delta.0 > 0 { "+" } else { "" };
    format!("{sign}{}", scale.flow(delta))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_an_address_stays_a_part_of_it() {
        assert_eq!(encoded("cus_A-1.~"), "cus_A-1.~");
        assert_eq!(encoded("a/b?c=d&e#f%é \""), "a%2Fb%3Fc%3Dd%26e%23f%25%C3%A9%20%22");
    }

    #[test]
    fn minor_units_are_read_exactly() {
        assert_eq!(major("4000", "usd"), "40.00 USD");
        assert_eq!(major("-83333.333333", "usd"), "-833.33 USD");
        assert_eq!(major("-0.5", "jpy"), "0 JPY");
        assert_eq!(major("1.5", "jpy"), "2 JPY");
        assert_eq!(major("n/a", "usd"), "n/a USD");
    }
}
