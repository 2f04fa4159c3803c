//! Amounts as Stripe's exports write them, and whoever saved them again: with a decimal point or a decimal
//! comma, with or without thousands apart. Which of the two a file means is found from all of its amounts.

use crate::mrr::divide_half_even;

/// More digits are no amount.
const MAX_DIGITS: usize = 24;

/// What stands before the decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// `1,234.50`
    Point,
    /// `1.234,50`
    Comma,
}

/// A decimal number, exactly as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    digits: i128,
    /// How many of the digits are decimals.
    pub decimals: u32,
}

impl Mark {
    /// The mark that the first telling amount of a file shows; a point, which Stripe writes, if none
    /// does.
    #[must_use]
    pub fn of<'t>(amounts: impl Iterator<Item = &'t str>) -> Self {
        amounts.filter_map(Self::shown_by).next().unwrap_or(Self::Point)
    }

    fn shown_by(amount: &str) -> Option<Self> {
        // What is no amount tells nothing.
        if amount.contains(char::is_alphabetic) {
            return None;
        }
        let points = amount.matches('.').count();
        let commas = amount.matches(',').count();
        let at = |mark| amount.rfind(mark).unwrap_or_default();
        match (points, commas) {
            (0, 0) => None,
            (1.., 1..) => Some(if at('.') > at(',') { Self::Point } else { Self::Comma }),
            (1, 0) => is_decimal(amount, '.').then_some(Self::Point),
            (0, 1) => is_decimal(amount, ',').then_some(Self::Comma),
            // One that comes several times sets thousands apart.
            (_, 0) => Some(Self::Comma),
            (0, _) => Some(Self::Point),
        }
    }

    /// The character that stands before the decimals.
    #[must_use]
    pub fn of_decimals(self) -> char {
        match self {
            Self::Point => '.',
            Self::Comma => ',',
        }
    }

    fn of_thousands(self) -> char {
        match self {
            Self::Point => ',',
            Self::Comma => '.',
        }
    }
}

/// Whether the only mark of an amount can't set thousands apart.
fn is_decimal(amount: &str, mark: char) -> bool {
    let amount = amount.trim();
    let Some((whole, part)) = amount.split_once(mark) else { return false };
    let whole = whole.trim_start_matches(['-', '\u{2212}', '(']);
    let part = part.trim_end_matches(')');
    part.len() != 3 || whole.is_empty() || whole.starts_with('0') || whole.len() > 3
}

impl Decimal {
    /// Reads an amount; nothing at all is zero. `None` for what is no amount.
    #[must_use]
    pub fn read(text: &str, mark: Mark) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return Some(Self { digits: 0, decimals: 0 });
        }
        let bracketed = text.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'));
        let signed = text.strip_prefix(['-', '\u{2212}']);
        let plain = bracketed.or(signed).unwrap_or_else(|| text.strip_prefix('+').unwrap_or(text));
        let (whole, part) = match plain.split_once(mark.of_decimals()) {
            Some((_, "")) => return None,
            Some((whole, part)) => (whole, part),
            None => (plain, ""),
        };
        let whole =
            together(whole, mark.of_thousands()).filter(|whole| !(whole.is_empty() && part.is_empty()))?;
        let digits = whole + part;
        if digits.len() > MAX_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let magnitude: i128 = digits.parse().ok()?;
        let is_negative = bracketed.is_some() || signed.is_some();
        let decimals = u32::try_from(part.len()).ok()?;
        Some(Self { digits: if is_negative { -magnitude } else { magnitude }, decimals })
    }

    /// The amount in a unit of which `scale` make one, rounded half to even; `None` past 128 bits.
    #[must_use]
    pub fn times(self, scale: i128) -> Option<i128> {
        let whole = self.digits.checked_mul(scale)?;
        Some(divide_half_even(whole, 10_i128.checked_pow(self.decimals)?))
    }

    /// The amount, in a unit of which `10^places` make one, as a plain decimal text: `12.5` of a currency
    /// with two places is `1250`. `None` past 128 bits.
    #[must_use]
    pub fn shifted(self, places: u32) -> Option<String> {
        let extra = places.saturating_sub(self.decimals);
        let digits = self.digits.checked_mul(10_i128.checked_pow(extra)?)?;
        let behind = usize::try_from(self.decimals.saturating_sub(places)).ok()?;
        let sign = if digits < 0 { "-" } else { "" };
        let text = format!("{:0>width$}", digits.unsigned_abs(), width = behind + 1);
        let (whole, part) = text.split_at(text.len() - behind);
        let part = part.trim_end_matches('0');
        Some(if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") })
    }
}

/// Digits without what sets their thousands apart; `None` where groups are not of three.
fn together(whole: &str, thousands: char) -> Option<String> {
    let is_apart = |c: char| c == thousands || matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\'' | '\u{2019}');
    let mut groups = whole.split(is_apart);
    let first = groups.next()?.to_owned();
    let rest: Vec<&str> = groups.collect();
    let is_grouped =
        rest.is_empty() || ((1..=3).contains(&first.len()) && rest.iter().all(|group| group.len() == 3));
    is_grouped.then(|| rest.iter().fold(first, |digits, group| digits + group))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn cents(text: &str, mark: Mark) -> Option<i128> {
        Decimal::read(text, mark)?.times(100)
    }

    #[test]
    fn one_amount_is_written_in_many_ways() {
        for text in ["1234.50", "1,234.50", "1 234.50", "1'234.50", "1\u{202f}234.5", "+1234.500"] {
            assert_eq!(cents(text, Mark::Point), Some(123_450), "{text}");
        }
        for text in ["1234,50", "1.234,50", "1\u{a0}234,5"] {
            assert_eq!(cents(text, Mark::Comma), Some(123_450), "{text}");
        }
        for text in ["-5", "(5.00)", "\u{2212}5.0"] {
            assert_eq!(cents(text, Mark::Point), Some(-500), "{text}");
        }
        assert_eq!(cents("", Mark::Point), Some(0));
        assert_eq!(cents(".5", Mark::Point), Some(50));
    }

    #[test]
    fn what_is_no_amount_is_none() {
        for text in ["-", "5.", ".", "12,34", "1,2345", "1.2.3", "five", "5 usd", "a@b", "١", "1e3"] {
            assert_eq!(Decimal::read(text, Mark::Point), None, "{text}");
        }
    }

    #[test]
    fn a_file_s_mark_is_found_from_all_its_amounts() {
        let of = |amounts: &[&str]| Mark::of(amounts.iter().copied());
        assert_eq!(of(&["1,234", "0", "12.50"]), Mark::Point);
        assert_eq!(of(&["1.234", "225,00"]), Mark::Comma);
        assert_eq!(of(&["1.234.567"]), Mark::Comma);
        assert_eq!(of(&["1,234,567"]), Mark::Point);
        assert_eq!(of(&["1.234,5"]), Mark::Comma);
        assert_eq!(of(&["0,125"]), Mark::Comma);
        assert_eq!(of(&["100", ""]), Mark::Point);
        assert_eq!(of(&["12,5x", "n/a, none"]), Mark::Point);
    }

    #[test]
    fn an_amount_of_major_units_becomes_one_of_minor_units() {
        let shifted = |text: &str, places| Decimal::read(text, Mark::Point).unwrap().shifted(places).unwrap();
        for (text, places, wanted) in [
            ("225.00", 2, "22500"),
            ("12.5", 2, "1250"),
            ("500", 0, "500"),
            ("500.00", 0, "500"),
            ("0.005", 2, "0.5"),
            ("-1.2345", 2, "-123.45"),
            ("1.5", 3, "1500"),
            ("", 2, "0"),
        ] {
            assert_eq!(shifted(text, places), wanted, "{text}");
        }
    }

    #[test]
    fn decimals_below_the_scale_are_rounded_half_to_even() {
        let third = Decimal::read("83.3333333333", Mark::Point).unwrap();
        assert_eq!(third.decimals, 10);
        assert_eq!(third.times(100_000_000), Some(8_333_333_333));
    }
}
