//! Durations as people write them: `90s`, `5m`, `12h`, `3d`.

/// Reads a duration into seconds; `None` where it is not a number followed by `s`, `m`, `h` or `d`.
///
/// ```
/// assert_eq!(upswell::config::seconds_of("3d"), Some(259_200));
/// assert_eq!(upswell::config::seconds_of("3"), None);
/// ```
#[must_use]
pub fn seconds_of(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let seconds_a_unit = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let number = text.strip_suffix(unit)?;
    if !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    number.parse::<i64>().ok()?.checked_mul(seconds_a_unit)
}

#[cfg(test)]
mod tests {
    use super::seconds_of;

    #[test]
    fn each_unit_is_known() {
        for (text, seconds) in [("60s", 60), ("5m", 300), ("12h", 43_200), ("0d", 0)] {
            assert_eq!(seconds_of(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn what_has_no_number_or_no_unit_is_no_duration() {
        for text in ["", "d", "3", "3 d", "-3d", "+3d", "1.5h", "3w", "99999999999999999d"] {
            assert_eq!(seconds_of(text), None, "{text}");
        }
    }
}
