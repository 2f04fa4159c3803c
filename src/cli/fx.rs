//! `upswell fx`: imports dated exchange rates.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use super::{Outcome, SummaryFormat, emit, say};
use crate::app::{App, now};
use crate::backfill::{BadRow, RateFile, RateRow, read_rates};
use crate::ledger::{ImportedQuote, RateImport, Replaced};
use crate::mrr::{ExchangeRate, Quote};

/// How many bad rows are told one by one on standard error.
const TOLD: usize = 20;

/// What `upswell fx` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  upswell fx eurofxref-hist.csv\n  upswell fx --skip-bad-rows rates.csv\n\nThe European Central Bank's tables of euro reference rates, of a day and through time, and rows of\ndate,from,to,rate are read. A file with a row that can't be read is not imported at all unless\n--skip-bad-rows is given."
)]
pub struct FxArgs {
    /// Files of rates, plain, .gz or .zst; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Import the rows that can be read of a file with others that can't
    #[arg(long)]
    pub skip_bad_rows: bool,
    /// The summary's form [default: table on a terminal, else json]
    #[arg(long, value_enum)]
    pub format: Option<SummaryFormat>,
}

/// What became of a file.
#[derive(Serialize)]
struct Summary {
    file: String,
    read: usize,
    new: usize,
    known: usize,
    replaced: Vec<Change>,
    unreadable: Vec<Unreadable>,
    imported: bool,
}

#[derive(Serialize)]
struct Change {
    date: String,
    from: String,
    to: String,
    old: String,
    new: String,
}

#[derive(Serialize)]
struct Unreadable {
    line: u64,
    reason: String,
}

/// Imports the files, one after the other, each whole or not at all.
///
/// # Errors
///
/// A file that can't be read or holds no rates; the store's. Files before it stay imported.
pub async fn run(args: &FxArgs, app: &App) -> anyhow::Result<Outcome> {
    let mut is_clean = true;
    for file in &args.files {
        let summary = import(file, args.skip_bad_rows, app).await?;
        is_clean &= summary.unreadable.is_empty();
        let text = match SummaryFormat::or_by_reader(args.format) {
            SummaryFormat::Json => format!("{}\n", serde_json::to_string(&summary)?),
            SummaryFormat::Table => summary.text(),
        };
        emit(&text)?;
    }
    Ok(if is_clean { Outcome::Done } else { Outcome::FaultFound })
}

async fn import(file: &Path, skips_bad_rows: bool, app: &App) -> anyhow::Result<Summary> {
    let name = if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
    let RateFile { rows, mut bad } = read_rates(file).with_context(|| format!("{name} is not imported"))?;
    let read = rows.len();
    let quotes = quotes(rows, &mut bad);
    tell_bad(&name, &bad);
    let is_imported = bad.is_empty() || skips_bad_rows;
    let done = if is_imported {
        app.ledger.import_rates(&quotes, &name, now()).await?
    } else {
        say(&format!("{name}: nothing was imported; correct it, or take the rest with --skip-bad-rows"));
        RateImport::default()
    };
    for replaced in &done.replaced {
        say(&format!("replaced: {}; it was {}, which stays on record", replaced.quote, replaced.old));
    }
    Ok(Summary {
        file: name,
        read,
        new: done.new,
        known: done.known,
        replaced: done.replaced.iter().map(change).collect(),
        unreadable: bad.into_iter().map(|BadRow { line, reason }| Unreadable { line, reason }).collect(),
        imported: is_imported,
    })
}

/// The rows as quotes, each day and pair once; a row that contradicts one before it is bad.
fn quotes(rows: Vec<RateRow>, bad: &mut Vec<BadRow>) -> Vec<ImportedQuote> {
    let mut seen: HashMap<_, (u64, ExchangeRate)> = HashMap::new();
    let mut quotes = Vec::with_capacity(rows.len());
    for row in rows {
        let RateRow { line, date, from, to, rate: text } = row;
        let Some(rate) = ExchangeRate::parse(&text) else {
            bad.push(BadRow { line, reason: format!("`{text}` is no rate") });
            continue;
        };
        match seen.get(&(date, from.clone(), to.clone())) {
            Some((_, known)) if *known == rate => continue,
            Some((first, known)) => {
                let reason = format!(
                    "1 {from} is {rate} {to} on {date} here and {known} in line {first}; leave one of them"
                );
                bad.push(BadRow { line, reason });
                continue;
            }
            None => {}
        }
        seen.insert((date, from.clone(), to.clone()), (line, rate.clone()));
        let quote = Quote { date, from: from.into(), to: to.into(), rate };
        quotes.push(ImportedQuote { quote, line });
    }
    bad.sort_by_key(|row| row.line);
    quotes
}

fn tell_bad(name: &str, bad: &[BadRow]) {
    for row in bad.iter().take(TOLD) {
        say(&format!("{name}, line {}: {}", row.line, row.reason));
    }
    if bad.len() > TOLD {
        say(&format!("{name}: and {} more rows that can't be read", bad.len() - TOLD));
    }
}

fn change(replaced: &Replaced) -> Change {
    Change {
        date: replaced.quote.date.to_string(),
        from: replaced.quote.from.to_string(),
        to: replaced.quote.to.to_string(),
        old: replaced.old.to_string(),
        new: replaced.quote.rate.to_string(),
    }
}

impl Summary {
    fn text(&self) -> String {
        format!(
            "{}: {} rates read, {} new, {} known already, {} replaced, {} rows unreadable\n",
            self.file,
            self.read,
            self.new,
            self.known,
            self.replaced.len(),
            self.unreadable.len()
        )
    }
}
