//! Decimals of the configuration file, kept exactly.

use std::fmt;

/// Millionths in a whole.
const MICRO: i128 = 1_000_000;

/// A decimal that is not negative, in millionths: targets, and bounds of size bands (R1: no floats).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal {
    /// Its value in millionths.
    pub millionths: i128,
}

impl Decimal {
    /// Reads digits with at most six decimals; `None` for anything else.
    ///
    /// ```
    /// use upswell::config::Decimal;
    /// assert_eq!(Decimal::parse("0.30").map(|d| d.millionths), Some(300_000));
    /// assert_eq!(Decimal::parse("1e3"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let is_digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        if !is_digits(whole) || !is_digits(part) || part.len() > 6 || whole.len() > 18 {
            return None;
        }
        let whole: i128 = whole.parse().ok()?;
        let part: i128 = format!("{part:0<6}").parse().ok()?;
        Some(Self { millionths: whole * MICRO + part })
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.millionths / MICRO, self.millionths % MICRO);
        if part == 0 {
            return write!(f, "{whole}");
        }
        let decimals = format!("{part:06}");
        write!(f, "{whole}.{}", decimals.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::Decimal;

    #[test]
    fn a_decimal_is_printed_as_short_as_it_can_be() {
        for (text, printed) in [("0.30", "0.3"), ("1000", "1000"), ("0.000001", "0.000001")] {
            assert_eq!(Decimal::parse(text).unwrap().to_string(), printed);
        }
    }

    #[test]
    fn what_is_not_plain_digits_is_no_decimal() {
        for text in ["", ".5", "5.", "-1", "+1", "1,5", "0.1234567", "1e3", " 1"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }
}
