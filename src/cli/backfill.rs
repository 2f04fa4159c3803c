//! `upswell backfill`: feeds events from files through the same door as webhooks.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::backfill_api::{ApiArgs, pull};
use super::{Outcome, emit, movements, say};
use crate::app::{App, now};
use crate::backfill::{Document, ReadError, open};
use crate::config::{Config, Secret};
use crate::ledger::{Acceptance, Arrival, Posted, Source, Wanted};
use crate::pipeline::{A_BULK, arrival};

/// Documents stored in one transaction.
const A_BATCH: usize = 1_000;
/// How often a line of progress is written where there is no terminal.
const PROGRESS_SECONDS: u64 = 5;
/// Where rows are kept that could not be read at all, to be corrected and fed again.
const PARKED_FILE: &str = "upswell.parked";

/// What `upswell backfill` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "What events leave out (tiers, a coupon's products, items past the tenth) comes from lists of Stripe's \
                  command line:\n  stripe prices list --expand data.tiers --expand data.currency_options --limit 100\n  \
                  stripe plans list --expand data.tiers --limit 100\n  stripe products list --limit 100\n  \
                  stripe coupons list --expand data.applies_to --expand data.currency_options --limit 100\n  \
                  stripe subscription_items list --subscription sub_... --limit 100\n\n\
                  Examples:\n  upswell backfill events.ndjson.gz\n  upswell backfill prices.json\n  \
                  upswell backfill --dry-run events.json\n  upswell backfill --from-api --since 2025-01-01"
)]
pub struct BackfillArgs {
    /// Files of Stripe events, or of lists of prices, plans, products, coupons or a subscription's items, in any form, plain, .gz or .zst; `-` is standard input
    #[arg(required_unless_present = "from_api", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Show the movements that would be posted and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Only events of this book; those of others are passed over
    #[arg(long)]
    pub book: Option<String>,
    /// What is read from Stripe's API.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// What became of a file's rows.
#[derive(Debug, Default)]
struct Tally {
    rows: u64,
    accepted: u64,
    known: u64,
    kept_aside: u64,
    other_books: u64,
    /// Rows that are no JSON: line and reason.
    unreadable: Vec<(u64, String)>,
    posted: Posted,
    /// Stored since the last settlement.
    unsettled: usize,
}

/// Feeds the files, one after the other.
///
/// # Errors
///
/// A file that can't be opened, or the store's refusal; what was stored before stays.
pub async fn run(args: &BackfillArgs, app: &App) -> anyhow::Result<Outcome> {
    if args.dry_run {
        return dry_run(args, app).await;
    }
    app.settler().adopt(now()).await?;
    let mut is_clean = true;
    for file in &args.files {
        let fed = feed(file, args.book.as_deref(), app, ParkedFile::default()).await?;
        emit(&fed.summary)?;
        is_clean &= fed.is_clean;
    }
    if args.api.from_api {
        let pulled = pull(&args.api, app).await?;
        emit(&pulled.summary)?;
        is_clean &= pulled.is_clean;
    }
    complete(app).await?;
    Ok(if is_clean { Outcome::Done } else { Outcome::FaultFound })
}

/// Fetches what the files leave out, where there is a key, and settles what that heals. A price that is known
/// by its id alone names its product only once it is fetched, so it is gone about in rounds.
async fn complete(app: &App) -> anyhow::Result<()> {
    let Some(mut completer) = app.completer()? else { return Ok(()) };
    let (mut fetched, mut posted) = (0, Posted::default());
    loop {
        let round = completer.complete(now()).await?;
        fetched += round.fetched;
        if round.new == 0 {
            break;
        }
        posted += app.settler().settle_by(A_BULK, now()).await?.posted;
    }
    if fetched > 0 {
        emit(&format!(
            "Stripe's API: {fetched} objects fetched that events leave out; {} movements posted, {} taken back\n",
            posted.posted, posted.reversed
        ))?;
    }
    Ok(())
}

/// The same on a copy of the store, which goes away again: what it would post is what it posts.
async fn dry_run(args: &BackfillArgs, app: &App) -> anyhow::Result<Outcome> {
    let directory = tempfile::tempdir().context("no temporary directory for a copy of the store")?;
    let path = directory.path().join("copy.db");
    app.ledger.copy_to(&path).await?;
    let database_url = Secret::new(format!("sqlite://{}", path.display()));
    let copy = App::open(Config { database_url, ..app.config.clone() }).await?;
    let since_seq = Some(copy.ledger.counts().await?.last_posting);
    let mut is_clean = true;
    for file in &args.files {
        let fed = feed(file, args.book.as_deref(), &copy, ParkedFile::none()).await?;
        // Standard output is for the movements.
        say(fed.summary.trim_end());
        is_clean &= fed.is_clean;
    }
    if args.api.from_api {
        let pulled = pull(&args.api, &copy).await?;
        say(pulled.summary.trim_end());
        is_clean &= pulled.is_clean;
    }
    let wanted = Wanted { since_seq, all: true, ..Wanted::default() };
    let rows = copy.reporter().movements(&wanted).await?;
    say("nothing was changed; these are the movements it would post");
    emit(&movements::text(&rows, None, app.config.timezone)?)?;
    copy.ledger.close().await?;
    Ok(if is_clean { Outcome::Done } else { Outcome::FaultFound })
}

/// What became of a file.
struct Fed {
    summary: String,
    /// Whether every row could be read.
    is_clean: bool,
}

/// Feeds one file.
async fn feed(file: &Path, book: Option<&str>, app: &App, mut parked: ParkedFile) -> anyhow::Result<Fed> {
    let name = if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
    let before = app.ledger.counts().await?;
    let mut documents = open(file).map_err(|error| named(error, &name))?;
    let progress = Progress::of(&name, documents.progress().total_bytes());
    let settler = app.settler();
    let mut tally = Tally::default();
    let mut is_open = true;
    while is_open {
        let batch: Vec<_> = documents.by_ref().take(A_BATCH).collect();
        is_open = batch.len() == A_BATCH;
        let mut arrivals = Vec::with_capacity(batch.len());
        let read = read_batch(batch, (&name, book), &mut arrivals, &mut tally, &mut parked);
        store(app, arrivals, &mut tally).await?;
        // What came before a file breaks off is settled all the same.
        if tally.unsettled >= A_BULK || !is_open || read.is_err() {
            tally.posted += settler.settle_by(A_BULK, now()).await?.posted;
            tally.unsettled = 0;
        }
        read?;
        progress.at(documents.progress().read_bytes(), tally.rows);
    }
    progress.done();
    let summary = summary(app, &name, before.last_seq, &tally, parked.is_kept).await?;
    Ok(Fed { summary, is_clean: tally.unreadable.is_empty() })
}

/// A file's fault with its name, where the fault itself does not have it.
fn named(error: ReadError, name: &str) -> anyhow::Error {
    match error {
        ReadError::Closed { .. } | ReadError::Directory { .. } => error.into(),
        _ => anyhow::Error::from(error).context(format!("{name} could not be read to its end")),
    }
}

/// Puts the arrivals of a batch of documents into `arrivals`; what is no JSON goes to the file of parked
/// rows.
///
/// # Errors
///
/// A file that breaks off; what came before is in `arrivals`.
fn read_batch(
    batch: Vec<Result<Document, ReadError>>,
    (name, book): (&str, Option<&str>),
    arrivals: &mut Vec<Arrival>,
    tally: &mut Tally,
    parked: &mut ParkedFile,
) -> anyhow::Result<()> {
    for document in batch {
        let document = match document {
            Ok(document) => document,
            Err(ReadError::Unreadable { line, reason }) => {
                tally.rows += 1;
                parked.keep(name, line, &reason, &[])?;
                tally.unreadable.push((line, reason));
                continue;
            }
            Err(error) => return Err(named(error, name)),
        };
        tally.rows += 1;
        let place = format!("{name}:{}", document.line);
        let body = Bytes::from(document.bytes);
        match arrival(body.clone(), None, now(), Source::Backfill { place }) {
            Ok(arrival) if book.is_some_and(|book| book != arrival.book) => tally.other_books += 1,
            Ok(arrival) => arrivals.push(arrival),
            Err(error) => {
                parked.keep(name, document.line, &error.to_string(), &body)?;
                tally.unreadable.push((document.line, error.to_string()));
            }
        }
    }
    Ok(())
}

/// Stores a batch.
async fn store(app: &App, arrivals: Vec<Arrival>, tally: &mut Tally) -> anyhow::Result<()> {
    if arrivals.is_empty() {
        return Ok(());
    }
    for acceptance in app.ledger.accept(arrivals).await? {
        match acceptance {
            Acceptance::New { .. } => {
                tally.accepted += 1;
                tally.unsettled += 1;
            }
            Acceptance::Duplicate { .. } => tally.known += 1,
            Acceptance::Conflict => tally.kept_aside += 1,
        }
    }
    Ok(())
}

async fn summary(
    app: &App,
    name: &str,
    since_seq: i64,
    tally: &Tally,
    is_kept: bool,
) -> anyhow::Result<String> {
    let mut text = format!(
        "{name}: {} rows read, {} accepted, {} already known\n",
        tally.rows, tally.accepted, tally.known
    );
    let mut reasons: BTreeMap<String, i64> = BTreeMap::new();
    for ignored in app.ledger.ignored(since_seq).await? {
        *reasons.entry(ignored.reason).or_default() += ignored.count;
    }
    for (reason, count) in reasons {
        text.push_str(&format!("  ignored {count}: {reason}\n"));
    }
    for parked in app.ledger.parked(since_seq).await? {
        let place = parked.place.unwrap_or(parked.event);
        text.push_str(&format!("  parked {place}: {} at {}\n", parked.reason, parked.path));
    }
    for (line, reason) in &tally.unreadable {
        let kept = if is_kept { format!("; kept in {PARKED_FILE}") } else { String::new() };
        text.push_str(&format!("  parked {name}:{line}: {reason}{kept}\n"));
    }
    if tally.kept_aside > 0 {
        text.push_str(&format!(
            "  kept aside {}: a known event that says something else\n",
            tally.kept_aside
        ));
    }
    if tally.other_books > 0 {
        text.push_str(&format!("  passed over {}: of another book\n", tally.other_books));
    }
    let posted = tally.posted;
    text.push_str(&format!("  movements posted {}, taken back {}\n", posted.posted, posted.reversed));
    Ok(text)
}

/// The file of rows that could not be read, one JSON object a line; begun with the first of them.
struct ParkedFile {
    open: Option<std::fs::File>,
    /// A dry run keeps none.
    is_kept: bool,
}

impl Default for ParkedFile {
    fn default() -> Self {
        Self { open: None, is_kept: true }
    }
}

impl ParkedFile {
    fn none() -> Self {
        Self { open: None, is_kept: false }
    }

    fn keep(&mut self, file: &str, line: u64, reason: &str, row: &[u8]) -> anyhow::Result<()> {
        if !self.is_kept {
            return Ok(());
        }
        let mut open = match self.open.take() {
            Some(open) => open,
            None => private_file(PARKED_FILE).with_context(|| format!("{PARKED_FILE} can't be written"))?,
        };
        let row = String::from_utf8_lossy(row);
        let entry = serde_json::json!({"file": file, "line": line, "reason": reason, "row": row});
        writeln!(open, "{entry}").with_context(|| format!("{PARKED_FILE} can't be written"))?;
        self.open = Some(open);
        Ok(())
    }
}

/// A file that only its owner may read: rows hold customers' data.
fn private_file(path: &str) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// How far it is: a bar on a terminal, a line every few seconds otherwise.
struct Progress {
    bar: ProgressBar,
    last_line: std::cell::Cell<std::time::Instant>,
    name: String,
}

impl Progress {
    fn of(name: &str, total_bytes: Option<u64>) -> Self {
        let bar = total_bytes.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
        let template = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(name.to_owned());
        Self { bar, last_line: std::cell::Cell::new(std::time::Instant::now()), name: name.to_owned() }
    }

    fn at(&self, bytes: u64, rows: u64) {
        self.bar.set_position(bytes);
        let is_due = self.last_line.get().elapsed() >= Duration::from_secs(PROGRESS_SECONDS);
        if is_due && !std::io::stderr().is_terminal() {
            say(&format!("{}: {rows} rows read", self.name));
            self.last_line.set(std::time::Instant::now());
        }
    }

    fn done(&self) {
        self.bar.finish_and_clear();
    }
}
