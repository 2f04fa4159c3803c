//! `upswell backfill`: feeds events from files through the same door as webhooks.

mod feed;
mod parked;
mod progress;
mod summary;

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use self::feed::feed;
use self::parked::ParkedFile;
use super::{Outcome, emit, movements, say};
use crate::app::{App, now};
use crate::config::{Config, Secret};
use crate::ledger::{Posted, Wanted};
use crate::pipeline::A_BULK;

/// What `upswell backfill` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "What events leave out (tiers, a coupon's products, items past the tenth) comes from lists of Stripe's \
                  command line:\n  stripe prices list --expand data.tiers --expand data.currency_options --limit 100\n  \
                  stripe plans list --expand data.tiers --limit 100\n  stripe products list --limit 100\n  \
                  stripe coupons list --expand data.applies_to --expand data.currency_options --limit 100\n  \
                  stripe subscription_items list --subscription sub_... --limit 100\n\n\
                  Examples:\n  upswell backfill events.ndjson.gz\n  upswell backfill prices.json\n  \
                  upswell backfill --dry-run events.json"
)]
pub struct BackfillArgs {
    /// Files of Stripe events, or of lists of prices, plans, products, coupons or a subscription's items, in any form, plain, .gz or .zst; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Show the movements that would be posted and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Only events of this book; those of others are passed over
    #[arg(long)]
    pub book: Option<String>,
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
    let wanted = Wanted { since_seq, all: true, ..Wanted::default() };
    let rows = copy.reporter().movements(&wanted).await?;
    say("nothing was changed; these are the movements it would post");
    emit(&movements::text(&rows, None, app.config.timezone)?)?;
    copy.ledger.close().await?;
    Ok(if is_clean { Outcome::Done } else { Outcome::FaultFound })
}
