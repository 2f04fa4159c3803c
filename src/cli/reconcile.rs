//! `upswell reconcile`: the ledger against Stripe's own figures.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use clap::{Args, ValueEnum};

use super::args::month;
use super::{Outcome, UsageError, emit, say};
use crate::app::{App, now};
use crate::mrr::{Instant, Month};
use crate::reconcile::{
    Export, Form, Question, Reconciliation, read_file, reconcile, reconciliation_csv, reconciliation_json,
    reconciliation_table,
};

/// What `upswell reconcile` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  upswell reconcile MRR_per_Subscriber__monthly.csv --exported-at 2026-11-02\n  upswell reconcile item-changes.csv.gz --month 2026-10 --format csv"
)]
pub struct ReconcileArgs {
    /// Stripe's figures: `MRR_per_Subscriber` or Sigma's `subscription_item_change_events`, gzip and zstd
    /// too; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// When the files were made, a date or RFC 3339 [default: the newest change they tell of, else when
    /// they were last written]
    #[arg(long, value_name = "TIME")]
    pub exported_at: Option<String>,
    /// The time zone of Stripe's account; without it, as Sigma's rows show it or as a gap needs it
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    pub stripe_timezone: Option<Tz>,
    /// Only this month
    #[arg(long, conflicts_with_all = ["from", "to"], value_parser = month)]
    pub month: Option<Month>,
    /// The first month [default: the files']
    #[arg(long, value_parser = month)]
    pub from: Option<Month>,
    /// The last month [default: the files']
    #[arg(long, value_parser = month)]
    pub to: Option<Month>,
    /// Only this customer
    #[arg(long, value_name = "ID")]
    pub customer: Option<String>,
    /// Only this currency
    #[arg(long, value_name = "CODE")]
    pub currency: Option<String>,
    /// Every customer's month that differs, also by rounding only
    #[arg(long)]
    pub all: bool,
    /// The form of what is found [default: table on a terminal, else json]
    #[arg(long, value_enum)]
    pub format: Option<ReconcileFormat>,
    /// The book, where there are several
    #[arg(long)]
    pub book: Option<String>,
}

/// The forms of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReconcileFormat {
    /// For people.
    Table,
    /// One JSON object.
    Json,
    /// Comma-separated values, a customer's month a row.
    Csv,
}

/// Compares, and tells whether anything stays unknown.
///
/// # Errors
///
/// A file that can't be read as a whole; the store's.
pub async fn run(args: &ReconcileArgs, app: &App) -> anyhow::Result<Outcome> {
    let settings = app.reporter().settings(args.book.as_deref()).await?;
    let asked = args.exported_at.as_deref().map(|text| time(text, settings.zone)).transpose()?;
    let mut export = None;
    for file in &args.files {
        export = Some(read_file(file, args.stripe_timezone.unwrap_or(settings.zone), export)?);
    }
    let Some(export) = export else { return Ok(Outcome::Done) };
    let question = Question {
        exported_at: asked.unwrap_or_else(|| made_at(&export, &args.files)),
        book: settings.book,
        zone: settings.zone,
        stripe_zone: args.stripe_timezone,
        from: args.month.or(args.from),
        to: args.month.or(args.to),
        currency: args.currency.as_deref().map(|code| code.to_ascii_lowercase().into()),
        customer: args.customer.as_deref().map(Into::into),
    };
    check_months(args, &export.months(question.exported_at, args.stripe_timezone.unwrap_or(settings.zone)))?;
    let found = reconcile(&app.ledger, &export, &question).await?;
    if question.customer.is_none() {
        keep(app, &found).await;
    }
    let by_reader =
        if std::io::stdout().is_terminal() { ReconcileFormat::Table } else { ReconcileFormat::Json };
    let format = args.format.unwrap_or(by_reader);
    emit(&match format {
        ReconcileFormat::Table => reconciliation_table(&found, args.all),
        ReconcileFormat::Json => reconciliation_json(&found, args.all)?,
        ReconcileFormat::Csv => reconciliation_csv(&found, args.all)?,
    })?;
    if format != ReconcileFormat::Table {
        found.faults.iter().for_each(|fault| say(&fault.to_string()));
        say(&found.summary());
    }
    Ok(if found.is_proved() { Outcome::Done } else { Outcome::FaultFound })
}

/// Keeps what was found for the months' reports to say. A user that only reads can't, and is told what was found all
/// the same.
async fn keep(app: &App, found: &Reconciliation) {
    if let Err(error) = app.ledger.note_compared(&found.book, &found.compared(Instant(now()))).await {
        say(&format!(
            "What was found is not kept, and reports will not say it: {:#}",
            anyhow::Error::from(error)
        ));
    }
}

/// The months asked for, of which the files have to tell at least one.
fn check_months(args: &ReconcileArgs, told: &BTreeSet<Month>) -> anyhow::Result<()> {
    let works = "upswell reconcile FILE --from 2026-01 --to 2026-06";
    let (from, to) = (args.month.or(args.from), args.month.or(args.to));
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        return Err(wrong(format!("--from {from} is after --to {to}"), works));
    }
    let is_asked =
        |month: &&Month| from.is_none_or(|from| **month >= from) && to.is_none_or(|to| **month <= to);
    let (Some(first), Some(last)) = (told.first(), told.last()) else { return Ok(()) };
    if told.iter().any(|month| is_asked(&month)) {
        return Ok(());
    }
    Err(wrong(format!("the files tell of {first} to {last}, and of none of the months asked for"), works))
}

/// When the files were made, where nobody says: Sigma's rows tell by the newest of them, months by when
/// their files were last written.
fn made_at(export: &Export, files: &[PathBuf]) -> Instant {
    if let (Form::ItemChanges, Some(newest)) = (export.form, export.newest) {
        return newest;
    }
    files.iter().filter_map(|file| written_at(file)).max().unwrap_or_else(|| Instant(now()))
}

fn written_at(file: &Path) -> Option<Instant> {
    let written = std::fs::metadata(file).ok()?.modified().ok()?;
    let since = written.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok().map(Instant)
}

/// A day, at its end, or an instant.
fn time(text: &str, zone: Tz) -> anyhow::Result<Instant> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(Instant(at.timestamp()));
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|day| day.succ_opt());
    let end = day.and_then(|next| next.and_time(NaiveTime::MIN).and_local_timezone(zone).earliest());
    end.map(|end| Instant(end.timestamp())).ok_or_else(|| {
        wrong(
            format!("--exported-at {text} is neither a date nor RFC 3339"),
            "upswell reconcile FILE --exported-at 2026-11-02",
        )
    })
}

fn zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| "a time zone is named as in Europe/Berlin or UTC".to_owned())
}

fn wrong(what: String, example: &str) -> anyhow::Error {
    UsageError { what, example: example.to_owned() }.into()
}
