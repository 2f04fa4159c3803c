//! Sigma's `subscription_item_change_events`: a row a change, in minor units with a sign. Sums over
//! time are levels; what ends and starts at one instant nets out by itself.

use std::collections::BTreeMap;

use chrono::{NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;

use super::export::{Change, Export, Line};
use super::file::{ExportError, Header, Row, Rows};
use crate::mrr::{Delta, Instant, MICRO};
use crate::stripe::{Decimal, Mark, date_time};

/// The columns of the form.
pub(super) const COLUMNS: &str = "`customer_id`, `currency`, `mrr_change`, and `local_event_timestamp` or \
                                  `event_timestamp`; where they are there, `subscription_item_id` and `event_type`";

/// Where the columns are.
struct Places {
    customer: usize,
    currency: usize,
    change: usize,
    at: Option<usize>,
    local: Option<usize>,
    item: Option<usize>,
    event_type: Option<usize>,
}

/// A row before its amount is read: that takes all of the file's.
struct Untold {
    line: u64,
    whose: Line,
    change: Change,
    /// How far the account's clock was from UTC; none where the row shows one clock only.
    offset: Option<i64>,
    amount: String,
}

/// Adds a file's rows to an export; other columns than those looked for are read past.
pub(super) fn read(
    header: &Header,
    rows: Rows<'_>,
    zone: Tz,
    mut export: Export,
) -> Result<Export, ExportError> {
    let places = Places::of(header)?;
    let mut untold = Vec::new();
    for row in rows {
        let row = row?;
        if row.is_blank() {
            continue;
        }
        match untold_row(&row, &places, zone) {
            Ok(told) => untold.push(told),
            Err(reason) => export.faults.push(header.fault(row.line, reason)),
        }
    }
    let mark = Mark::of(untold.iter().map(|row| row.amount.as_str()));
    let mut told: BTreeMap<Line, Vec<Change>> = BTreeMap::new();
    for row in untold {
        let read = Decimal::read(&row.amount, mark).filter(|_| !row.amount.is_empty());
        let Some((amount, delta)) = read.and_then(|amount| Some((amount, amount.times(MICRO)?))) else {
            export.faults.push(header.fault(row.line, "column `mrr_change` holds no amount".to_owned()));
            continue;
        };
        let unit = 10_i128.checked_pow(amount.decimals).map_or(1, |parts| (MICRO / parts).max(1));
        let known = export.units.entry(row.whose.1.clone()).or_insert(unit);
        *known = (*known).min(unit);
        export.offsets.extend(row.offset);
        export.newest = export.newest.max(Some(row.change.at));
        export.rows += 1;
        told.entry(row.whose).or_default().push(Change { delta: Delta(delta), ..row.change });
    }
    export.take(told);
    Ok(export)
}

impl Places {
    fn of(header: &Header) -> Result<Self, ExportError> {
        let (at, local) = (header.find("event_timestamp"), header.find("local_event_timestamp"));
        if at.or(local).is_none() {
            return Err(header.refuse("there is no column `local_event_timestamp`".to_owned(), COLUMNS));
        }
        Ok(Self {
            customer: header.need("customer_id", COLUMNS)?,
            currency: header.need("currency", COLUMNS)?,
            change: header.need("mrr_change", COLUMNS)?,
            at,
            local,
            item: header.find("subscription_item_id"),
            event_type: header.find("event_type"),
        })
    }
}

fn untold_row(row: &Row, places: &Places, zone: Tz) -> Result<Untold, String> {
    Header::check(row)?;
    let clock = |place: Option<usize>, name: &str| -> Result<Option<NaiveDateTime>, String> {
        let Some(place) = place else { return Ok(None) };
        let read = date_time(row.cell(place)).ok_or_else(|| format!("column `{name}` holds no time"))?;
        Ok(Some(read))
    };
    let at = clock(places.at, "event_timestamp")?;
    let local = clock(places.local, "local_event_timestamp")?;
    let offset = local.zip(at).map(|(local, at)| (local - at).num_seconds());
    let (at, local) = match (at, local) {
        (Some(at), Some(local)) => (at, local),
        (Some(at), None) => (at, zone.from_utc_datetime(&at).naive_local()),
        (None, Some(local)) => (utc(local, zone), local),
        (None, None) => return Err("the row holds no time".to_owned()),
    };
    let item = match places.item {
        Some(place) => Some(row.id(place).ok_or("there is no item id where one belongs")?.into()),
        None => None,
    };
    let change = Change {
        local,
        at: Instant(at.and_utc().timestamp()),
        item,
        event_type: places.event_type.map(|place| row.cell(place).to_owned()).unwrap_or_default(),
        delta: Delta::ZERO,
    };
    Ok(Untold {
        line: row.line,
        whose: (row.customer(places.customer)?.into(), row.currency(places.currency)?.into()),
        offset,
        change,
        amount: row.cell(places.change).to_owned(),
    })
}

/// A time on a zone's clock as one in UTC; one that the clock shows twice is the first, and one that it
/// jumps over is read by the zone's offset just before.
fn utc(local: NaiveDateTime, zone: Tz) -> NaiveDateTime {
    match zone.from_local_datetime(&local).earliest() {
        Some(at) => at.naive_utc(),
        None => local - zone.offset_from_utc_datetime(&local).fix(),
    }
}
