//! `upswell export`: the ledger's movements and levels as Parquet files, all of one instant.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::movements::origin;
use super::written::Written;
use super::{Outcome, SummaryFormat, emit};
use crate::app::{App, now};
use crate::export::{LevelsFile, MonthEndsFile, MovementsFile, Origin, sources};
use crate::ledger::Wanted;
use crate::mrr::Month;
use crate::report::Extract;

/// What `upswell export` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell export warehouse")]
pub struct ExportArgs {
    /// The directory for movements.parquet, levels.parquet, month_ends.parquet and dbt's sources.yml
    #[arg(value_name = "DIRECTORY")]
    pub directory: PathBuf,
    /// Movements that were taken back, and what took them back, as well
    #[arg(long)]
    pub all: bool,
    /// The form of the summary [default: table on a terminal, else json]
    #[arg(long, value_enum)]
    pub format: Option<SummaryFormat>,
    /// The book, where there are several
    #[arg(long)]
    pub book: Option<String>,
}

#[derive(serde::Serialize)]
struct Summary {
    book: String,
    through_seq: i64,
    last_month: String,
    movements: u64,
    levels: u64,
    month_ends: u64,
}

/// Writes the files; each is there once it is whole.
///
/// # Errors
///
/// A directory that can't be written to; the store's.
pub async fn run(args: &ExportArgs, app: &App) -> anyhow::Result<Outcome> {
    let reporter = app.reporter();
    let settings = reporter.settings(args.book.as_deref()).await?;
    let last = reporter.last_full_month(now());
    let directory = args.directory.as_path();
    std::fs::create_dir_all(directory).with_context(|| format!("{} can't be made", directory.display()))?;
    let extract = reporter.extract(&settings).await?;
    let origin = origin(&extract, &settings);
    let (movements, written) = movements(directory, &extract, &origin, args.all).await?;
    let mut files = vec![written];
    let (counts, written) = levels(directory, &extract, &origin, last).await?;
    files.extend(written);
    // Only once all are whole, so that those of before are not mixed with those of now.
    for file in files {
        file.keep()?;
    }
    let described = directory.join("sources.yml");
    std::fs::write(&described, sources())
        .with_context(|| format!("{} can't be written", described.display()))?;
    let (levels, month_ends) = counts;
    let summary = Summary {
        book: origin.book,
        through_seq: origin.through_posting,
        last_month: last.to_string(),
        movements,
        levels,
        month_ends,
    };
    emit(&text(&summary, directory, args.format)?)?;
    Ok(Outcome::Done)
}

async fn movements(
    directory: &Path,
    extract: &Extract,
    origin: &Origin,
    all: bool,
) -> anyhow::Result<(u64, Written)> {
    let to = Written::to(Some(&directory.join("movements.parquet")))?;
    let mut file = MovementsFile::begin(to, origin)?;
    let mut wanted = Wanted { all, ..Wanted::default() };
    loop {
        let rows = extract.movements(&mut wanted).await?;
        if rows.is_empty() {
            let (to, count) = file.finish()?;
            return Ok((count, to));
        }
        file.push(&rows)?;
    }
}

async fn levels(
    directory: &Path,
    extract: &Extract,
    origin: &Origin,
    last: Month,
) -> anyhow::Result<((u64, u64), [Written; 2])> {
    let to = |name: &str| Written::to(Some(&directory.join(name)));
    let mut spans = LevelsFile::begin(to("levels.parquet")?, origin)?;
    let mut ends = MonthEndsFile::begin(to("month_ends.parquet")?, origin, last)?;
    let mut after = String::new();
    loop {
        let (levels, last_customer) = extract.levels(&after).await?;
        let Some(last_customer) = last_customer else { break };
        spans.push(&levels)?;
        ends.push(&levels)?;
        after = last_customer;
    }
    let ((spans, count_of_spans), (ends, count_of_ends)) = (spans.finish()?, ends.finish()?);
    Ok(((count_of_spans, count_of_ends), [spans, ends]))
}

fn text(summary: &Summary, directory: &Path, format: Option<SummaryFormat>) -> anyhow::Result<String> {
    if SummaryFormat::or_by_reader(format) == SummaryFormat::Json {
        return Ok(format!("{}\n", serde_json::to_string(summary)?));
    }
    let Summary { book, through_seq, last_month, movements, levels, month_ends } = summary;
    Ok(format!(
        "book {book} up to posting {through_seq}, in {}\n  movements.parquet   {movements} movements\n  \
         levels.parquet      {levels} levels\n  month_ends.parquet  {month_ends} items at the ends of months, up to \
         {last_month}\n  sources.yml         what they hold, for dbt\n",
        directory.display()
    ))
}
