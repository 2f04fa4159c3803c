//! `upswell demo`: everything a newcomer wants to see, without a Stripe account and without a network.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use clap::Args;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use include_dir::{Dir, include_dir};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::demo_ahead::ahead;
use super::{Outcome, emit, say};
use crate::app::{App, Duty, now};
use crate::config::Config;
use crate::http::shutdown_signal;
use crate::mrr::Month;
use crate::report::RangeReport;
use crate::stripe::{Secret, sign};

/// The stories, in the binary itself: a demo needs no files.
static STORIES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/stories");
/// Signs the demo's own deliveries and nothing else.
const SECRET: &str = "whsec_of_the_demo";
/// The months that the stories tell of. They stay these, so that what is told of them stays true, whatever month it is.
const MONTHS: (&str, &str) = ("2025-10", "2026-10");
/// How long the demo waits for its own worker.
const PATIENCE: Duration = Duration::from_secs(120);

/// What `upswell demo` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell demo --once")]
pub struct DemoArgs {
    /// Where to keep the demo's store and report [default: a new directory among the temporary ones]
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Exit after the report instead of staying up
    #[arg(long)]
    pub once: bool,
}

/// Starts the real server on a fresh store, signs and posts the stories over HTTP, and shows what
/// the ledger makes of them.
///
/// # Errors
///
/// A directory that can't be written; anything the server itself would fail with.
pub async fn run(args: &DemoArgs, config: Config) -> anyhow::Result<Outcome> {
    let directory = directory(args.dir.as_deref())?;
    let app = App::open(demo_config(&config, &directory)?).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await.context("no free port on this machine")?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let is_staying = !args.once;
    let told = is_staying.then(shutdown_signal);
    let server = tokio::spawn(app.clone().serve(listener, Duty::Everything, async move {
        let asked = async { drop(stopped.await) };
        match told {
            Some(told) => tokio::select! { () = asked => {}, () = told => {} },
            None => asked.await,
        }
    }));

    let delivered = deliver(&format!("http://{address}/webhooks/stripe")).await?;
    settle(&app).await?;
    let (from, to) = months()?;
    let reporter = app.reporter();
    let settings = reporter.settings(None).await?;
    let report = reporter.with_register(&settings, reporter.month(&settings, to).await?).await?;
    let range = reporter.range(&settings, from, to).await?;
    let page = directory.join("upswell-report.html");
    std::fs::write(&page, report.to_html()?)
        .with_context(|| format!("{} can't be written", page.display()))?;
    say(&format!(
        "{delivered} signed events of {} stories and of what is to come went over HTTP to {address}, some twice, some late, some out of order.\n",
        stories().len()
    ));
    emit(&report.to_table())?;
    emit(&trend(&range))?;
    say(&format!(
        "\nThe report as a page: {}\nThe ledger:           {}",
        page.display(),
        store(&directory).display()
    ));
    say(&format!(
        "\nLook around:\n  upswell movements --month {to} --class expansion --kind core --database-url sqlite://{0}\n  upswell explain cus_Alder --database-url sqlite://{0}\n  upswell verify --database-url sqlite://{0}",
        store(&directory).display()
    ));
    if is_staying {
        say(&format!("The dashboard:        http://{address}/months/{to}   (Ctrl-C ends the demo)"));
    } else {
        // The server may have ended by itself; the next line tells.
        let _ = stop.send(());
    }
    server.await.context("the demo's server ended early")??;
    Ok(Outcome::Done)
}

/// The directory of the demo, without the store of an earlier one.
fn directory(asked: Option<&Path>) -> anyhow::Result<PathBuf> {
    let directory = match asked {
        Some(asked) => {
            std::fs::create_dir_all(asked)
                .with_context(|| format!("{} can't be made; name another --dir", asked.display()))?;
            asked.to_owned()
        }
        None => tempfile::Builder::new()
            .prefix("upswell-demo-")
            .tempdir()
            .context("no temporary directory")?
            .keep(),
    };
    for ending in ["", "-wal", "-shm"] {
        let mut old = store(&directory).into_os_string();
        old.push(ending);
        match std::fs::remove_file(&old) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error)
                    .with_context(|| format!("{} can't be replaced", Path::new(&old).display()));
            }
            _ => {}
        }
    }
    Ok(directory)
}

fn store(directory: &Path) -> PathBuf {
    directory.join("upswell-demo.db")
}

/// The demo's own configuration: its store, its secret, the stories' catalogue; the log is the user's.
fn demo_config(config: &Config, directory: &Path) -> anyhow::Result<Config> {
    let url = format!("sqlite://{}?mode=rwc", store(directory).display());
    // Its customers are invented, so that their events may be looked at.
    let given =
        [("DATABASE_URL", url.as_str()), ("STRIPE_WEBHOOK_SECRET", SECRET), ("UPSWELL_EVIDENCE", "bytes")];
    let catalogue =
        STORIES.get_file("upswell.toml").and_then(|file| file.contents_utf8()).unwrap_or_default();
    let demo = Config::from_given(&given, catalogue)?;
    Ok(Config { log: config.log.clone(), log_format: config.log_format, ..demo })
}

/// The stories, each with its events in their order of delivery.
fn stories() -> Vec<&'static str> {
    let files =
        STORIES.files().filter(|file| file.path().extension().is_some_and(|ending| ending == "ndjson"));
    files.filter_map(|file| file.contents_utf8()).collect()
}

/// Posts every event as Stripe would, one after the other; those of what is to come last.
async fn deliver(url: &str) -> anyhow::Result<usize> {
    let story = |name: &str| STORIES.get_file(format!("{name}.ndjson")).and_then(|file| file.contents_utf8());
    let told = stories().into_iter().flat_map(str::lines).map(Bytes::from);
    let events: Vec<Bytes> = told.chain(ahead(story, now())?.into_iter().map(Bytes::from)).collect();
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let Some(secret) = Secret::new(SECRET) else { bail!("the demo has no secret") };
    let mut delivered = 0;
    for event in events {
        let request = axum::http::Request::post(url)
            .header("content-type", "application/json")
            .header("stripe-signature", sign(&event, &secret, now()))
            .body(Full::from(event))?;
        let answer = client.request(request).await.context("the demo's server does not answer")?;
        if !answer.status().is_success() {
            bail!("the demo's server answered {} to its own event", answer.status());
        }
        delivered += 1;
    }
    Ok(delivered)
}

/// Waits until everything is settled.
async fn settle(app: &App) -> anyhow::Result<()> {
    let begun = std::time::Instant::now();
    while app.ledger.counts().await?.pending > 0 {
        if begun.elapsed() > PATIENCE {
            bail!("the worker did not settle the stories in {} s; the log says why", PATIENCE.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

fn months() -> anyhow::Result<(Month, Month)> {
    Month::parse(MONTHS.0).zip(Month::parse(MONTHS.1)).context("the stories have no months")
}

/// How expansion's share of new ARR and NRR went, month by month.
fn trend(range: &RangeReport) -> String {
    let mut text =
        "\nThe road here, in US dollars\n  month    expansion share of new ARR    NRR\n".to_owned();
    for report in &range.months {
        let block = report.currencies.iter().find(|block| block.currency.as_str() == "usd");
        if let Some(block) = block {
            let share = block.rates.expansion_share_of_new_arr.to_percent();
            let nrr = block.figures.nrr.to_percent();
            text.push_str(&format!("  {}  {share:>26}  {nrr:>9}\n", report.month));
        }
    }
    text
}
