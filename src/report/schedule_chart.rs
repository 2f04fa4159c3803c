//! What is to come in the next ninety days, day by day: gains up and filled, losses down and hollow.

use std::collections::BTreeMap;

use chrono::{Duration, NaiveDate};
use chrono_tz::Tz;

use super::drawing::{Axis, Drawing, Shape, View};
use super::{CurrencyBlock, Scale};
use crate::mrr::{Delta, Instant, Mrr};

/// The drawing's measures.
const TOP: i128 = 22;
const HEIGHT: i128 = 120;
const DAY: i128 = 10;
const BAR: i128 = 8;
/// The days of the forward view.
const DAYS: i64 = 90;

/// Draws the days after `now`; `None` where nothing is to come.
pub(super) fn scheduled(block: &CurrencyBlock, now: Instant, zone: Tz) -> Option<Drawing> {
    let scale = Scale::of(&block.currency);
    let first = day(now, zone);
    let mut days: BTreeMap<NaiveDate, (Delta, Delta)> = BTreeMap::new();
    for entry in &block.scheduled {
        let sums = days.entry(day(entry.movement.effective_at, zone)).or_default();
        let side = if entry.movement.delta > Delta::ZERO { &mut sums.0 } else { &mut sums.1 };
        *side += entry.movement.delta;
    }
    let units = |delta: Delta| scale.units(Mrr::ZERO + delta);
    let axis = Axis::from_zero(days.values().flat_map(|(up, down)| [units(*up), units(*down)]), TOP, HEIGHT)?;
    let place = |date: NaiveDate| DAY * i128::from((date - first).num_days());
    let mut shapes = Vec::new();
    let mut said = Vec::new();
    for (date, (up, down)) in &days {
        for (amount, paint) in [(*up, "k1"), (*down, "loss")].map(|(delta, paint)| (units(delta), paint)) {
            if amount == 0 {
                continue;
            }
            let (y, height) = axis.between(0, amount);
            let told = format!("{date} {}", scale.text(amount));
            shapes.push(Shape::Bar { x: place(*date), y, width: BAR, height, paint, said: told.clone() });
            let label = if amount > 0 { y - 5 } else { y + height + 11 };
            // Amounts of days that lie close would cover one another.
            if days.len() <= 12 {
                shapes.push(Shape::text(place(*date) + BAR / 2, label, scale.text(amount)));
            }
            said.push(told);
        }
    }
    let end = DAY * i128::from(DAYS);
    shapes.push(Shape::Line { x1: 0, y1: axis.y(0), x2: end, y2: axis.y(0), paint: "ground" });
    for days in [0, 30, 60, DAYS] {
        let date = first + Duration::days(days);
        shapes.push(Shape::text(place(date), TOP + HEIGHT + 30, date.to_string()));
    }
    Some(Drawing {
        twin: "scheduled".to_owned(),
        title: "Scheduled in the next 90 days".to_owned(),
        legend: vec![("k1", "gains".to_owned()), ("loss", "losses".to_owned())],
        note: String::new(),
        said: said.join("; "),
        view: View { x: -34, width: end + 68, height: TOP + HEIGHT + 36 },
        is_wide: true,
        shapes,
    })
}

fn day(at: Instant, zone: Tz) -> NaiveDate {
    chrono::DateTime::from_timestamp(at.0, 0).unwrap_or_default().with_timezone(&zone).date_naive()
}
