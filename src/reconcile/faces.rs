//! A comparison for people, programs and spreadsheets.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde::Serialize;

use super::cause::Cause;
use super::gap::{Gap, MonthLine, Reconciliation};
use crate::mrr::{Currency, Delta, Month, Mrr};
use crate::report::{ReportError, Scale, csv_text, plain_table};

/// So many customers' months are shown where not all are asked for.
const SHOWN: usize = 20;
/// So many faults are shown one by one.
const FAULTS_SHOWN: usize = 20;

/// The comparison for a terminal, in major units with every decimal there is: a row a month, then the
/// customers that differ, twenty of them or `all`, those that only rounding makes as well.
#[must_use]
pub fn reconciliation_table(found: &Reconciliation, all: bool) -> String {
    let mut text = format!("Reconciliation of book {} with {}\n", found.book, found.form.as_str());
    if !found.months.is_empty() {
        let _ = write!(text, "\nMonth by month (gap = Stripe's less ours)\n{}", months_table(found));
    }
    let gaps = wanted(found, all);
    let shown = if all { gaps.len() } else { SHOWN.min(gaps.len()) };
    if shown > 0 {
        let _ = write!(text, "\nCustomers that differ, largest first\n{}", gaps_table(&gaps[..shown]));
    }
    if shown < gaps.len() {
        let _ = writeln!(text, "and {} more: --all shows them, --format csv lists them", gaps.len() - shown);
    }
    if !found.faults.is_empty() {
        text.push_str("\nRows that can't be read, and are not in any figure above\n");
        for fault in found.faults.iter().take(FAULTS_SHOWN) {
            let _ = writeln!(text, "  {fault}");
        }
        if found.faults.len() > FAULTS_SHOWN {
            let _ =
                writeln!(text, "  and {} more: --format json lists them", found.faults.len() - FAULTS_SHOWN);
        }
    }
    let _ = writeln!(text, "\n{}", found.summary());
    text
}

impl Reconciliation {
    /// The comparison in one sentence.
    #[must_use]
    pub fn summary(&self) -> String {
        let rounded = match self.rounded {
            0 => String::new(),
            count => format!("; {count} differ by less than the files print"),
        };
        let faults = match self.faults.len() {
            0 => String::new(),
            1 => "; 1 row can't be read".to_owned(),
            count => format!("; {count} rows can't be read"),
        };
        format!(
            "{} customer-months agree to the last unit, {} explained, {} unknown{rounded}{faults}",
            self.agreed, self.explained, self.unknown
        )
    }
}

/// The gaps that are wanted: those that only rounding makes are none, but belong to `all`.
fn wanted(found: &Reconciliation, all: bool) -> Vec<&Gap> {
    found.gaps.iter().filter(|gap| all || !gap.is_rounding()).collect()
}

fn months_table(found: &Reconciliation) -> String {
    let mut causes: BTreeSet<Cause> = BTreeSet::new();
    causes.extend(found.months.values().flat_map(|line| line.causes.keys()));
    let is_rounded = found.months.values().any(|line| line.rounding != Delta::ZERO);
    let mut head = vec!["month", "currency", "ours", "Stripe's", "gap"];
    head.extend(causes.iter().map(|cause| cause.as_str()));
    head.extend(is_rounded.then_some("rounding"));
    let numbers: Vec<usize> = (2..head.len()).collect();
    let row =
        |((month, currency), line): (&(Month, Currency), &MonthLine)| {
            let scale = Scale::of(currency);
            let mut cells = vec![month.to_string(), currency.to_string()];
            cells.extend([line.ours, line.theirs].map(|level| scale.exact(level - Mrr::ZERO)));
            cells.push(scale.exact(line.gap()));
            cells.extend(causes.iter().map(|cause| {
                line.causes.get(cause).map_or_else(|| "–".to_owned(), |delta| scale.exact(*delta))
            }));
            cells.extend(is_rounded.then(|| scale.exact(line.rounding)));
            cells
        };
    plain_table(&head, &numbers, found.months.iter().map(row))
}

fn gaps_table(gaps: &[&Gap]) -> String {
    let row = |gap: &&Gap| {
        let scale = Scale::of(&gap.currency);
        let mut causes: Vec<String> =
            gap.causes.iter().map(|(cause, delta)| format!("{cause} {}", scale.exact(*delta))).collect();
        if gap.rounding != Delta::ZERO {
            causes.push(format!("rounding {}", scale.exact(gap.rounding)));
        }
        vec![
            gap.customer.to_string(),
            gap.month.to_string(),
            gap.currency.to_string(),
            scale.exact(gap.ours - Mrr::ZERO),
            scale.exact(gap.theirs - Mrr::ZERO),
            scale.exact(gap.gap()),
            causes.join(", "),
            remarks(gap, scale),
        ]
    };
    let head = ["customer", "month", "currency", "ours", "Stripe's", "gap", "causes", "remarks"];
    plain_table(&head, &[3, 4, 5], gaps.iter().map(row))
}

/// What would make ours Stripe's, and the items that differ.
fn remarks(gap: &Gap, scale: Scale) -> String {
    let level = |level: Mrr| scale.exact(level - Mrr::ZERO);
    let item = |differs: &super::ItemGap| {
        format!("{} {}, Stripe's {}", differs.item, level(differs.ours), level(differs.theirs))
    };
    let remarks: Vec<String> = gap.details.iter().cloned().chain(gap.items.iter().map(item)).collect();
    remarks.join("; ")
}

#[derive(Serialize)]
struct CauseJson {
    cause: &'static str,
    delta: String,
}

#[derive(Serialize)]
struct ItemJson {
    item: String,
    ours: String,
    stripes: String,
}

#[derive(Serialize)]
struct MonthJson {
    month: String,
    currency: String,
    ours: String,
    stripes: String,
    gap: String,
    causes: Vec<CauseJson>,
    rounding: String,
}

#[derive(Serialize)]
struct GapJson {
    customer: String,
    month: String,
    currency: String,
    ours: String,
    stripes: String,
    gap: String,
    causes: Vec<CauseJson>,
    rounding: String,
    details: Vec<String>,
    items: Vec<ItemJson>,
}

#[derive(Serialize)]
struct FaultJson {
    file: String,
    line: u64,
    reason: String,
}

#[derive(Serialize)]
struct SummaryJson {
    agreed: u64,
    rounded: u64,
    explained: u64,
    unknown: u64,
    unreadable_rows: usize,
}

#[derive(Serialize)]
struct ReconciliationJson {
    book: String,
    form: &'static str,
    exported_at: String,
    months: Vec<MonthJson>,
    gaps: Vec<GapJson>,
    faults: Vec<FaultJson>,
    summary: SummaryJson,
}

/// The comparison as one JSON object, money as strings of minor units; with `all`, the customers' months
/// that only rounding makes as well.
///
/// # Errors
///
/// [`ReportError::Json`], which does not happen for text in memory.
pub fn reconciliation_json(found: &Reconciliation, all: bool) -> Result<String, ReportError> {
    let json = ReconciliationJson {
        book: found.book.clone(),
        form: found.form.as_str(),
        exported_at: super::search::rfc3339(found.exported_at),
        months: found.months.iter().map(month_json).collect(),
        gaps: wanted(found, all).into_iter().map(gap_json).collect(),
        faults: found
            .faults
            .iter()
            .map(|fault| FaultJson {
                file: fault.file.clone(),
                line: fault.line,
                reason: fault.reason.clone(),
            })
            .collect(),
        summary: SummaryJson {
            agreed: found.agreed,
            rounded: found.rounded,
            explained: found.explained,
            unknown: found.unknown,
            unreadable_rows: found.faults.len(),
        },
    };
    Ok(serde_json::to_string_pretty(&json)? + "\n")
}

fn month_json(((month, currency), line): (&(Month, Currency), &MonthLine)) -> MonthJson {
    MonthJson {
        month: month.to_string(),
        currency: currency.to_string(),
        ours: line.ours.to_string(),
        stripes: line.theirs.to_string(),
        gap: line.gap().to_string(),
        causes: line.causes.iter().map(|(cause, delta)| cause_json(*cause, *delta)).collect(),
        rounding: line.rounding.to_string(),
    }
}

fn gap_json(gap: &Gap) -> GapJson {
    GapJson {
        customer: gap.customer.to_string(),
        month: gap.month.to_string(),
        currency: gap.currency.to_string(),
        ours: gap.ours.to_string(),
        stripes: gap.theirs.to_string(),
        gap: gap.gap().to_string(),
        causes: gap.causes.iter().map(|(cause, delta)| cause_json(*cause, *delta)).collect(),
        rounding: gap.rounding.to_string(),
        details: gap.details.clone(),
        items: gap
            .items
            .iter()
            .map(|item| ItemJson {
                item: item.item.to_string(),
                ours: item.ours.to_string(),
                stripes: item.theirs.to_string(),
            })
            .collect(),
    }
}

fn cause_json(cause: Cause, delta: Delta) -> CauseJson {
    CauseJson { cause: cause.as_str(), delta: delta.to_string() }
}

/// The customers' months that differ as CSV, a column a cause, in minor units; with `all`, those that only
/// rounding makes as well.
///
/// # Errors
///
/// [`ReportError::Csv`], which does not happen for text in memory.
pub fn reconciliation_csv(found: &Reconciliation, all: bool) -> Result<String, ReportError> {
    let mut head = vec!["customer", "month", "currency", "ours", "stripes", "gap"];
    head.extend(Cause::ALL.iter().map(|cause| cause.as_str()));
    head.extend(["rounding", "details", "items"]);
    let rows = wanted(found, all).into_iter().map(|gap| {
        let mut cells = vec![gap.customer.to_string(), gap.month.to_string(), gap.currency.to_string()];
        cells.extend([gap.ours, gap.theirs].map(|level| level.to_string()));
        cells.push(gap.gap().to_string());
        cells.extend(Cause::ALL.iter().map(|cause| {
            let of_cause = gap.causes.iter().filter(|(other, _)| other == cause).map(|(_, delta)| *delta);
            of_cause.sum::<Delta>().to_string()
        }));
        cells.push(gap.rounding.to_string());
        cells.push(gap.details.join("; "));
        cells.push(gap.items.iter().map(|item| item.item.to_string()).collect::<Vec<_>>().join(" "));
        cells
    });
    csv_text(&head, rows)
}
