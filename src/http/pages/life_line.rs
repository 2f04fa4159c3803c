//! A customer's life drawn as a step line, with whole coordinates. The same steps stand in a table beside it.

use chrono_tz::Tz;

use super::shown::{code, signed};
use crate::mrr::{Delta, Instant, Mrr, divide_half_even};
use crate::report::{Life, Scale, local_time};

/// The drawing's measures.
const WIDTH: i128 = 720;
const HEIGHT: i128 = 150;
const TOP: i128 = 24;
/// So many days behind the last step are drawn at least, so that it is seen.
const TAIL_DAYS: i64 = 14;

/// A life as it is drawn and told.
pub(super) struct LifeLine {
    pub(super) currency: String,
    pub(super) mrr: String,
    pub(super) is_at_risk: bool,
    pub(super) steps: Vec<LifeRow>,
    /// The line, as SVG has paths.
    pub(super) line: String,
    /// The same, closed below.
    pub(super) area: String,
    pub(super) dots: Vec<Dot>,
    pub(super) width: i128,
    pub(super) base: i128,
    pub(super) highest: String,
    pub(super) top: i128,
    pub(super) from: String,
    pub(super) to: String,
    /// What it says to those who do not see it.
    pub(super) said: String,
}

/// A step as a row of the table.
pub(super) struct LifeRow {
    pub(super) at: String,
    pub(super) delta: String,
    pub(super) mrr: String,
}

/// Where a step begins.
pub(super) struct Dot {
    pub(super) x: i128,
    pub(super) y: i128,
    pub(super) said: String,
}

/// The life up to `now`; none of a customer that never had a level.
pub(super) fn life_line(life: &Life, now: i64, zone: Tz) -> Option<LifeLine> {
    let (first, last) = (life.steps.first()?, life.steps.last()?);
    let end = now.max(last.from.0 + TAIL_DAYS * 86_400);
    let span = i128::from(end - first.from.0).max(1);
    let high = life.steps.iter().map(|step| step.mrr.0).max()?.max(1);
    let x = |at: Instant| divide_half_even(i128::from(at.0 - first.from.0) * WIDTH, span);
    let y = |mrr: Mrr| TOP + HEIGHT - divide_half_even(mrr.0 * HEIGHT, high);
    let scale = Scale::of(&life.currency);
    let base = TOP + HEIGHT;
    let mut line = format!("M0 {base}");
    for step in &life.steps {
        line.push_str(&format!("H{}V{}", x(step.from), y(step.mrr)));
    }
    line.push_str(&format!("H{WIDTH}"));
    let currency = code(&life.currency);
    let rows = rows(life, scale, zone);
    let dots = life.steps.iter().zip(&rows);
    let dots = dots.map(|(step, row)| Dot {
        x: x(step.from),
        y: y(step.mrr),
        said: format!("{}: {} {currency} a month", row.at, row.mrr),
    });
    let said = format!(
        "MRR in {currency} from {} on, in {} steps: at most {}, {} at the end",
        local_time(first.from, zone),
        life.steps.len(),
        scale.level(Mrr(high)),
        scale.level(last.mrr)
    );
    Some(LifeLine {
        mrr: scale.level(life.mrr()),
        is_at_risk: life.is_at_risk,
        area: format!("{line}V{base}Z"),
        line,
        dots: dots.collect(),
        steps: rows,
        width: WIDTH,
        base,
        highest: scale.level(Mrr(high)),
        top: TOP,
        from: day(first.from, zone),
        to: day(Instant(end), zone),
        currency,
        said,
    })
}

fn rows(life: &Life, scale: Scale, zone: Tz) -> Vec<LifeRow> {
    let mut before = Mrr::ZERO;
    let row = |step: &crate::report::LifeStep| {
        let delta: Delta = step.mrr - std::mem::replace(&mut before, step.mrr);
        LifeRow { at: local_time(step.from, zone), delta: signed(scale, delta), mrr: scale.level(step.mrr) }
    };
    life.steps.iter().map(row).collect()
}

fn day(at: Instant, zone: Tz) -> String {
    local_time(at, zone).split(' ').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::report::LifeStep;

    fn life(steps: &[(i64, i128)]) -> Life {
        let step =
            |(day, mrr): &(i64, i128)| LifeStep { from: Instant(day * 86_400), mrr: Mrr(mrr * 1_000_000) };
        Life { currency: "usd".into(), steps: steps.iter().map(step).collect(), is_at_risk: false }
    }

    #[test]
    fn a_line_steps_where_the_level_does_and_ends_now() {
        let drawn = life_line(&life(&[(0, 1_000), (50, 2_000), (75, 0)]), 100 * 86_400, Tz::UTC).unwrap();
        assert_eq!(drawn.line, "M0 174H0V99H360V24H540V174H720");
        assert!(drawn.area.ends_with("V174Z"));
        let told: Vec<(&str, &str)> =
            drawn.steps.iter().map(|row| (row.delta.as_str(), row.mrr.as_str())).collect();
        assert_eq!(told, [("+10.00", "10.00"), ("+10.00", "20.00"), ("-20.00", "0.00")]);
        assert!(life_line(&life(&[]), 0, Tz::UTC).is_none());
    }

    #[test]
    fn a_level_of_today_is_seen() {
        let drawn = life_line(&life(&[(100, 5)]), 100 * 86_400, Tz::UTC).unwrap();
        assert_eq!(drawn.line, "M0 174H0V24H720");
    }
}
