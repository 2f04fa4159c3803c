//! The report laid out for people: tiles, headings, rows of text. Terminal, Markdown and HTML all show
//! this one sheet; amounts are major units whose printed parts sum to the printed totals (R1).

use chrono_tz::Tz;

use super::cell::Cell;
use super::lists::{cohorts, segments, trend};
use super::notices::{exceptions, movement_evidence, reconciliation, register};
use super::over_time::{expansion_by_month, retention, segment_trend};
use super::{CONSOLIDATED, ClosedMonth, CurrencyBlock, MonthStatus, REFERENCE_SOURCE, Report, View};
use crate::mrr::{Instant, PastDuePolicy, Policy};

/// A report on paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sheet {
    pub(super) title: String,
    /// Whether it is of several months side by side.
    pub(super) is_run: bool,
    /// What is said about the whole: book, time zone, policy.
    pub(super) facts: Vec<(String, String)>,
    pub(super) blocks: Vec<SheetBlock>,
    /// What the sections that belong to no currency are under.
    pub(super) rest_title: &'static str,
    /// These sections.
    pub(super) rest: Vec<Section>,
    /// The month's movements, where they were asked for.
    pub(super) register: Option<Section>,
}

/// One currency on paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SheetBlock {
    /// Its name in files: the currency's code, or `consolidated`.
    pub(super) code: String,
    pub(super) currency: String,
    pub(super) tiles: Vec<Tile>,
    /// What the figures say, in sentences.
    pub(super) said: Vec<String>,
    pub(super) sections: Vec<Section>,
}

/// One figure in large type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tile {
    pub(super) name: &'static str,
    pub(super) value: Cell,
    pub(super) note: String,
}

/// A heading with a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    /// What it is called by views and in the names of files.
    pub(super) key: String,
    pub(super) title: String,
    pub(super) note: Option<String>,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) is_number: bool,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) cells: Vec<Cell>,
    /// Whether it is a level or a sum rather than a part.
    pub(super) is_total: bool,
    /// Whether each amount in it is the sum of those above it, as printed.
    pub(super) is_sum: bool,
}

impl Section {
    /// A section whose columns are named `name` for text and `#name` for numbers.
    pub(super) fn of(key: &str, title: &str, columns: &[&str]) -> Self {
        let column = |name: &&str| Column {
            name: name.strip_prefix('#').unwrap_or(name).to_owned(),
            is_number: name.starts_with('#'),
        };
        Self {
            key: key.to_owned(),
            title: title.to_owned(),
            note: None,
            columns: columns.iter().map(column).collect(),
            rows: Vec::new(),
        }
    }

    /// A part, or what stands for itself.
    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(Row { cells, is_total: false, is_sum: false });
    }

    /// A level.
    pub(super) fn level(&mut self, cells: Vec<Cell>) {
        self.rows.push(Row { cells, is_total: true, is_sum: false });
    }

    /// The sum of all rows so far.
    pub(super) fn sum(&mut self, cells: Vec<Cell>) {
        self.rows.push(Row { cells, is_total: true, is_sum: true });
    }

    /// The first so many rows; the note then says that there are more.
    pub(super) fn at_most(mut self, rows: usize) -> Self {
        if self.rows.len() > rows {
            let all = self.rows.len();
            self.rows.truncate(rows);
            let note = self.note.take().unwrap_or_default();
            self.note = Some(format!("The first {rows} of {all}. {note}"));
        }
        self
    }

    pub(super) fn noted(mut self, note: Option<String>) -> Self {
        self.note = note;
        self
    }
}

/// What sections are under that are of no currency.
pub(super) const BESIDE: &str = "Beside the figures";

impl Sheet {
    /// Whether nothing stood and nothing moved in what it is of; what is said then.
    pub(super) fn quiet(&self) -> Option<&'static str> {
        let said = match self.is_run {
            false => "No customer had MRR in this month, and none moved.",
            true => "No customer had MRR in these months, and none moved.",
        };
        (self.blocks.is_empty() && self.rest_title == BESIDE).then_some(said)
    }

    /// Lays a report out for a terminal: as a view has it, or with all that there is room for; and says where the
    /// rest is.
    pub(super) fn of(report: &Report) -> (Self, String) {
        let month = report.month;
        match report.view {
            Some(view) => {
                let all = format!("upswell report --month {month} --format md");
                (
                    Self::whole(report),
                    format!("Only what the {} view has. Every section: {all}", view.as_str()),
                )
            }
            None => {
                let most = "Months, cohorts and segments are too wide for this table.";
                let all = format!("upswell report --month {month} --format md, html or xlsx");
                (Self::short(report), format!("{most} Every section: {all}; some of them here: --by, --view"))
            }
        }
    }

    fn short(report: &Report) -> Self {
        let incomplete = super::lists::incomplete(&report.incomplete, report.zone);
        let rest: Vec<Section> = incomplete
            .into_iter()
            .chain(exceptions(report))
            .chain(movement_evidence(report))
            .chain([reconciliation(report)])
            .collect();
        let is_chosen = |section: &Section| {
            let is_listed = |view: View| view.sections().contains(&section.key.as_str());
            section.key == "incomplete" || report.view.is_none_or(is_listed)
        };
        Self {
            title: match report.view {
                Some(view) => format!("Expansion report {}, {} view", report.month, view.as_str()),
                None => format!("Expansion report {}", report.month),
            },
            is_run: false,
            facts: facts(report),
            blocks: report.blocks().map(|(name, block)| sheet_block(report, name, block)).collect(),
            rest_title: BESIDE,
            rest: rest.into_iter().filter(is_chosen).collect(),
            register: register(report).filter(is_chosen),
        }
    }

    /// Lays a report out with what is too long for a terminal: months, cohorts, every segment.
    pub(super) fn whole(report: &Report) -> Self {
        let mut sheet = Self::short(report);
        for (shown, (_, block)) in sheet.blocks.iter_mut().zip(report.blocks()) {
            if report.by.is_none() {
                shown.sections.extend(block.segments.iter().map(|table| segments(table, block)));
            }
            let target = report.targets.expansion_share_of_new_arr;
            shown.sections.extend(expansion_by_month(block, target));
            shown.sections.extend(trend(block));
            shown.sections.extend(block.segment_trends.iter().map(|trend| segment_trend(trend, block)));
            shown.sections.extend(cohorts(block));
            shown.sections.extend(retention(block));
            if let Some(view) = report.view {
                shown.sections = chosen(std::mem::take(&mut shown.sections), view);
            }
        }
        sheet
    }
}

/// The sections of a view, in its order; one that has nothing to say is not there.
pub(super) fn chosen(sections: Vec<Section>, view: View) -> Vec<Section> {
    let place = |section: &Section| view.sections().iter().position(|key| *key == section.key);
    let mut chosen: Vec<(usize, Section)> =
        sections.into_iter().filter_map(|section| Some((place(&section)?, section))).collect();
    chosen.sort_by_key(|(place, _)| *place);
    chosen.into_iter().map(|(_, section)| section).collect()
}

fn sheet_block(report: &Report, currency: String, block: &CurrencyBlock) -> SheetBlock {
    let is_consolidated = currency.starts_with("Consolidated");
    SheetBlock {
        code: if is_consolidated { CONSOLIDATED.to_owned() } else { block.currency.to_string() },
        currency,
        tiles: super::tiles::tiles(report, block),
        said: super::tiles::said(report, block),
        sections: super::sections::sections(report, block),
    }
}

/// What is said about the whole.
pub(super) fn facts(report: &Report) -> Vec<(String, String)> {
    let month = match report.status {
        MonthStatus::Restated => "closed, restated: not what was reported".to_owned(),
        status => format!("{}, as {}", status.as_str(), report.basis.as_str()),
    };
    let data_through = report.data_through.map_or_else(|| "no data".to_owned(), |at| local(at, report.zone));
    let mut facts = vec![("Book", report.book.clone()), ("Month", month)];
    let closed = match &report.closing {
        Some(ClosedMonth { closed_at, digest, postings }) => {
            format!("{}, {postings} postings, SHA-256 {digest}", local(*closed_at, report.zone))
        }
        None => format!("not yet: upswell close {} freezes the month and makes its digest", report.month),
    };
    facts.push(("Closed", closed));
    facts.extend([
        ("Time zone", report.zone.name().to_owned()),
        ("Currencies", currencies(report)),
        ("Data through", data_through),
        ("Evidence", evidence(report)),
        ("Movements", movements(report)),
        ("Policy", policy(&report.policy)),
    ]);
    if let (Some(_), Err(reason)) = (&report.reporting_currency, &report.consolidated) {
        facts.push(("Consolidated", format!("no: {reason}")));
    }
    if !report.exchange_rates.is_empty() {
        facts.push(("Exchange rates", exchange_rates(report).join(" · ")));
    }
    if !report.pricing_note.is_empty() {
        facts.push(("Pricing", report.pricing_note.clone()));
    }
    facts.push(("Reference lines", REFERENCE_SOURCE.to_owned()));
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The currencies that the report has a block of.
fn currencies(report: &Report) -> String {
    let codes: Vec<String> = report.blocks().map(|(name, _)| name).collect();
    if codes.is_empty() { "none".to_owned() } else { codes.join(", ") }
}

/// What ending MRR rests on, currency by currency.
fn evidence(report: &Report) -> String {
    let of = |block: &CurrencyBlock| {
        let shares: Vec<String> = block
            .evidence_shares()
            .into_iter()
            .map(|(grade, _, share)| {
                format!("{} {}", grade.replace('_', " "), super::sections::short(&share))
            })
            .collect();
        (!shares.is_empty())
            .then(|| format!("{} {}", block.currency.as_str().to_uppercase(), shares.join(", ")))
    };
    let all: Vec<String> = report.currencies.iter().filter_map(of).collect();
    if all.is_empty() { "no ending MRR".to_owned() } else { all.join(" · ") }
}

/// How many movements stand in the month, and how to get them.
fn movements(report: &Report) -> String {
    let month = report.month;
    format!("{} in this month: upswell movements --month {month} --format csv", report.movements)
}

/// The rates behind the consolidated block, with the days they are of.
pub(super) fn exchange_rates(report: &Report) -> Vec<String> {
    let rate = |used: &super::UsedRate| {
        let quotes: Vec<String> = used.rate.quotes.iter().map(ToString::to_string).collect();
        format!("{}: {}", used.month, quotes.join(", "))
    };
    report.exchange_rates.iter().map(rate).collect()
}

fn policy(policy: &Policy) -> String {
    let past_due = match policy.past_due {
        PastDuePolicy::Counts => "counts".to_owned(),
        PastDuePolicy::LapsesAfterDays(days) => format!("lapses after {days} days"),
    };
    let seconds = policy.transfer_window_seconds;
    let window = match (seconds % 86_400, seconds % 3_600) {
        (0, _) => format!("{} d", seconds / 86_400),
        (_, 0) => format!("{} h", seconds / 3_600),
        _ => format!("{seconds} s"),
    };
    format!(
        "churn {} · past due {past_due} · paused {} · trialing {} · discounts {} · usage window {} · transfer window {window}",
        policy.churn.as_str(),
        policy.paused.as_str(),
        policy.trialing.as_str(),
        policy.discounts.as_str(),
        policy.usage_window,
    )
}

/// An instant in the reporting time zone.
pub(super) fn local(at: Instant, zone: Tz) -> String {
    let at = chrono::DateTime::from_timestamp(at.0, 0).unwrap_or_default();
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string()
}
