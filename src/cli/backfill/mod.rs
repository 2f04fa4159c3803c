//! `upswell backfill`: feeds what files hold, and what Stripe's API has, through the same door as webhooks.

mod ahead;
mod api;
mod feed;
mod join;
mod parked;
mod progress;
mod read;
mod summary;

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use self::api::{ApiArgs, pull};
use self::feed::feed;
use self::parked::ParkedFile;
use self::summary::Summary;
use super::{Outcome, SummaryFormat, emit, movements, say};
use crate::app::{App, now};
use crate::backfill::{Paths, paths};
use crate::config::{Config, Secret};
use crate::ledger::{Posted, Wanted};
use crate::pipeline::Bulk;

/// What `upswell backfill` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "What events leave out (tiers, a coupon's products, items past the tenth) comes from lists of Stripe's \
                  command line:\n  stripe prices list --expand data.tiers --expand data.currency_options --limit 100\n  \
                  stripe plans list --expand data.tiers --limit 100\n  stripe products list --limit 100\n  \
                  stripe coupons list --expand data.applies_to --expand data.currency_options --limit 100\n  \
                  stripe subscription_items list --subscription sub_... --limit 100\n\n\
                  Examples:\n  upswell backfill events.ndjson.gz\n  upswell backfill prices.json\n  \
                  upswell backfill stripe-exports/ sigma.zip\n  upswell backfill upswell.parked\n  \
                  upswell backfill --dry-run events.json\n  upswell backfill --from-api --since 2025-01-01"
)]
pub struct BackfillArgs {
    /// Stripe events, lists of Stripe's API, CSV exports of the Dashboard, tables of Sigma as CSV or Parquet, in any form; directories and archives of them (zip, tar), plain, .gz or .zst; upswell.parked; `-` is standard input
    #[arg(required_unless_present = "from_api", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Show the movements that would be posted and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Only events of this book; those of others are passed over. Rows of tables, which name none, are of it
    #[arg(long)]
    pub book: Option<String>,
    /// What is read from Stripe's API.
    #[command(flatten)]
    pub api: ApiArgs,
    /// The summary, for people or as one JSON object with the text on standard error
    #[arg(long, value_enum, default_value_t = SummaryFormat::Table)]
    pub format: SummaryFormat,
}

/// Feeds the files, one after the other, and then what Stripe's API has.
///
/// # Errors
///
/// A file that is not there, or the store's refusal; what was stored before stays.
pub async fn run(args: &BackfillArgs, app: &App) -> anyhow::Result<Outcome> {
    let files = paths(&args.files)?;
    if args.dry_run {
        return dry_run(args, files, app).await;
    }
    app.ledger.write_in_bulk().await?;
    app.settler().adopt(now()).await?;
    let mut parked = ParkedFile::beside(&files.files);
    let mut summary = args.feed_all(files, app, &mut parked).await?;
    complete(args, app, &mut summary).await?;
    if args.format == SummaryFormat::Json {
        emit(&summary.json())?;
    }
    Ok(outcome(&summary))
}

fn outcome(summary: &Summary) -> Outcome {
    if summary.is_faulty { Outcome::FaultFound } else { Outcome::Done }
}

impl BackfillArgs {
    /// Feeds what is asked for, and tells of each file and account when it is over.
    async fn feed_all(&self, files: Paths, app: &App, parked: &mut ParkedFile) -> anyhow::Result<Summary> {
        let book = self.book.as_deref();
        let mut summary = feed(files, book, app, parked, |file| self.tell(&file.text())).await?;
        parked.all_read()?;
        if let Some(text) = summary.text() {
            self.tell(&text)?;
        }
        if self.api.from_api {
            let pulled = pull(&self.api, app).await?;
            self.tell(&pulled.summary)?;
            summary.add_api(pulled.accounts, pulled.is_clean);
        }
        Ok(summary)
    }

    /// A word for people: beside JSON, and beside the movements of a dry run, on standard error.
    fn tell(&self, text: &str) -> anyhow::Result<()> {
        if self.dry_run || self.format == SummaryFormat::Json {
            say(text.trim_end());
            return Ok(());
        }
        Ok(emit(text)?)
    }
}

/// Fetches what the files leave out, where there is a key, and settles what that heals. A price that is known
/// by its id alone names its product only once it is fetched, so it is gone about in rounds.
async fn complete(args: &BackfillArgs, app: &App, summary: &mut Summary) -> anyhow::Result<()> {
    let Some(mut completer) = app.completer()? else { return Ok(()) };
    let (mut fetched, mut posted) = (0, Posted::default());
    loop {
        let round = completer.complete(now()).await?;
        fetched += round.fetched;
        if round.new == 0 {
            break;
        }
        posted += Bulk::settle_waiting(app.settler(), now).await?;
    }
    if fetched > 0 {
        summary.complete(fetched, posted);
        args.tell(&format!(
            "Stripe's API: {fetched} objects fetched that events leave out; {} movements posted, {} taken back\n",
            posted.posted, posted.reversed
        ))?;
    }
    Ok(())
}

/// The same on a copy of the store, which goes away again: what it would post is what it posts.
async fn dry_run(args: &BackfillArgs, files: Paths, app: &App) -> anyhow::Result<Outcome> {
    let directory = tempfile::tempdir().context("no temporary directory for a copy of the store")?;
    let path = directory.path().join("copy.db");
    app.ledger.copy_to(&path).await?;
    let database_url = Secret::new(format!("sqlite://{}", path.display()));
    let copy = App::open(Config { database_url, ..app.config.clone() }).await?;
    let since_seq = Some(copy.ledger.counts().await?.last_posting);
    let summary = args.feed_all(files, &copy, &mut ParkedFile::none()).await?;
    let wanted = Wanted { since_seq, all: true, ..Wanted::default() };
    let rows = copy.reporter().movements(&wanted).await?;
    match args.format {
        SummaryFormat::Json => emit(&summary.json())?,
        SummaryFormat::Table => {
            say("nothing was changed; these are the movements it would post");
            emit(&movements::text(&rows, None, app.config.timezone)?)?;
        }
    }
    copy.ledger.close().await?;
    Ok(outcome(&summary))
}
