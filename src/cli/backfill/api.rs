//! `upswell backfill --from-api`: what Stripe has, list by list, through the same door as webhooks.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use chrono::{NaiveDate, NaiveTime, TimeZone};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::api::List;
use crate::app::{App, now};
use crate::cli::{UsageError, instant, say};
use crate::ledger::Posted;
use crate::mrr;
use crate::pipeline::Bulk;
use crate::pull::{Fault, Puller, Taken, Told, accounts};

/// How often a line of progress is written where there is no terminal.
const PROGRESS_SECONDS: u64 = 5;
/// Pages that may wait to be counted; readers wait for a settlement then.
const PAGES_WAITING: usize = 32;

/// What `upswell backfill` takes of Stripe's API.
#[derive(Debug, Args)]
pub struct ApiArgs {
    /// Read from Stripe's API what it has, by STRIPE_API_KEY: the events of 30 days, then prices, products, coupons, customers, subscriptions, schedules and invoices; goes on where an earlier run stopped
    #[arg(long, conflicts_with = "book")]
    pub from_api: bool,
    /// Events and invoices from this day on, YYYY-MM-DD; of lists that were read before everything from it on [default: all there is, then what is newer than the last run]
    #[arg(long, value_name = "DATE", requires = "from_api")]
    pub since: Option<NaiveDate>,
    /// Read this connected account, acct_…, in place of the key's own; may be given again
    #[arg(long, value_name = "ACCOUNT", requires = "from_api", conflicts_with = "all_accounts")]
    pub account: Vec<String>,
    /// Read the key's own account and every one that is connected to it
    #[arg(long, requires = "from_api")]
    pub all_accounts: bool,
}

/// What became of a pull.
pub(super) struct Pulled {
    /// For people.
    pub(super) summary: String,
    /// The same, account by account, for programs.
    pub(super) accounts: Vec<Value>,
    /// Whether every list was read to its end, and every object of it.
    pub(super) is_clean: bool,
}

/// What was read of an account.
#[derive(Default)]
struct Tally {
    lists: BTreeMap<List, Count>,
    all: Taken,
    posted: Posted,
    left: usize,
}

#[derive(Default)]
struct Count {
    pages: u64,
    objects: u64,
    reached_at: Option<i64>,
}

/// Reads all accounts that are asked for, one after the other.
///
/// # Errors
///
/// No key, or the store's refusal; what was stored before stays, and the next run goes on there.
pub(super) async fn pull(args: &ApiArgs, app: &App) -> anyhow::Result<Pulled> {
    let Some(api) = app.api()? else {
        return Err(UsageError {
            what: "--from-api reads by the key in STRIPE_API_KEY, which is not set".to_owned(),
            example: "STRIPE_API_KEY=rk_live_… upswell backfill --from-api".to_owned(),
        }
        .into());
    };
    let puller = app.puller(api);
    let zone = app.config.timezone;
    let midnight = |day: NaiveDate| zone.from_local_datetime(&day.and_time(NaiveTime::MIN)).earliest();
    let since = args.since.and_then(midnight).map(|at| at.timestamp());
    let mut pulled = Pulled { summary: String::new(), accounts: Vec::new(), is_clean: true };
    for account in asked(args, &puller, &mut pulled).await {
        pull_account(app, &puller, account, since, &mut pulled).await?;
    }
    Ok(pulled)
}

/// The accounts that are asked for; `None` is the own one.
async fn asked(args: &ApiArgs, puller: &Puller, pulled: &mut Pulled) -> Vec<Option<String>> {
    if !args.all_accounts && !args.account.is_empty() {
        return args.account.iter().cloned().map(Some).collect();
    }
    let mut asked = vec![None];
    if args.all_accounts {
        match accounts(puller).await {
            Ok(connected) => asked.extend(connected.into_iter().map(Some)),
            Err(error) => {
                pulled
                    .summary
                    .push_str(&format!("Stripe's API: connected accounts were not read: {error}\n"));
                pulled.is_clean = false;
            }
        }
    }
    asked
}

async fn pull_account(
    app: &App,
    puller: &Puller,
    account: Option<String>,
    since: Option<i64>,
    pulled: &mut Pulled,
) -> anyhow::Result<()> {
    let name =
        account.as_ref().map_or("Stripe's API".to_owned(), |account| format!("Stripe's API, {account}"));
    let before = app.ledger.counts().await?.last_seq;
    let (told, mut heard) = mpsc::channel(PAGES_WAITING);
    let reading = tokio::spawn(crate::pull::pull(puller.clone(), account.clone(), since, told));
    let mut tally = Tally::default();
    let mut progress = Progress::of(&name);
    let every = Duration::from_secs(PROGRESS_SECONDS);
    loop {
        match tokio::time::timeout(every, heard.recv()).await {
            Ok(Some(page)) => tally.add(&page),
            Ok(None) => break,
            // Stripe lets everybody wait: that is told as well.
            Err(_) => {}
        }
        progress.at(&tally);
    }
    let faults = reading.await?;
    // What came before the store refused something is settled all the same.
    tally.settle(app).await?;
    let faults = faults?;
    progress.done();
    pulled.is_clean &= faults.is_empty() && tally.all.unreadable == 0;
    pulled.summary.push_str(&summary(app, &name, before, &tally, &faults).await?);
    pulled.accounts.push(tally.json(account.as_deref(), &faults));
    Ok(())
}

impl Tally {
    fn add(&mut self, page: &Told) {
        let count = self.lists.entry(page.list).or_default();
        count.pages += 1;
        count.objects += page.taken.objects;
        count.reached_at = [count.reached_at, page.reached_at].into_iter().flatten().min();
        self.all += page.taken;
        self.left = page.left;
    }

    async fn settle(&mut self, app: &App) -> anyhow::Result<()> {
        self.posted += Bulk::settle_waiting(app.settler(), now).await?;
        Ok(())
    }

    /// For programs.
    fn json(&self, account: Option<&str>, faults: &[Fault]) -> Value {
        let lists = self.lists.iter().map(|(list, count)| {
            let reached_at = count.reached_at.map(|at| instant(mrr::Instant(at)));
            json!({"list": list.name(), "pages": count.pages, "objects": count.objects, "back_to": reached_at})
        });
        let faults =
            faults.iter().map(|fault| json!({"list": fault.list.name(), "reason": fault.error.to_string()}));
        json!({
            "account": account,
            "objects": self.all.objects,
            "accepted": self.all.new,
            "known": self.all.known,
            "unreadable": self.all.unreadable,
            "lists": lists.collect::<Vec<_>>(),
            "faults": faults.collect::<Vec<_>>(),
            "movements_posted": self.posted.posted,
            "movements_taken_back": self.posted.reversed,
        })
    }
}

/// What was read, list by list, what could not be and why, and what came of it.
async fn summary(
    app: &App,
    name: &str,
    since_seq: i64,
    tally: &Tally,
    faults: &[Fault],
) -> anyhow::Result<String> {
    let all = tally.all;
    let mut text =
        format!("{name}: {} objects read, {} accepted, {} already known\n", all.objects, all.new, all.known);
    for (list, count) in &tally.lists {
        text.push_str(&format!("  {}\n", count.line(*list)));
    }
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let told: Vec<(String, &str)> =
        faults.iter().map(|fault| (fault.error.to_string(), fault.list.name())).collect();
    for (error, list) in &told {
        reasons.entry(error).or_default().push(list);
    }
    // A key that is that of nobody is named once, whatever it was tried on.
    for (error, lists) in reasons {
        text.push_str(&format!("  not read to the end: {}: {error}\n", lists.join(", ")));
    }
    let mut ignored: BTreeMap<String, i64> = BTreeMap::new();
    for events in app.ledger.ignored(since_seq).await? {
        *ignored.entry(events.reason).or_default() += events.count;
    }
    for (reason, count) in ignored {
        text.push_str(&format!("  ignored {count}: {reason}\n"));
    }
    let parked = app.ledger.parked(since_seq, usize::MAX).await?.len();
    if parked > 0 {
        text.push_str(&format!("  parked {parked}: stored, and told one by one by `upswell doctor`\n"));
    }
    if all.unreadable > 0 {
        text.push_str(&format!(
            "  not stored {}: what Stripe answered is no JSON that can be read\n",
            all.unreadable
        ));
    }
    let posted = tally.posted;
    text.push_str(&format!("  movements posted {}, taken back {}\n", posted.posted, posted.reversed));
    Ok(text)
}

impl Count {
    fn line(&self, list: List) -> String {
        let date = self.reached_at.map(|at| instant(mrr::Instant(at)));
        let back = date.as_deref().and_then(|date| date.split('T').next());
        let back = back.map(|date| format!(", back to {date}")).unwrap_or_default();
        let pages = if self.pages == 1 { "page" } else { "pages" };
        format!("{}: {} {pages}, {} objects{back}", list.name(), self.pages, self.objects)
    }
}

/// How far it is: a line that changes on a terminal, a line every few seconds otherwise.
struct Progress {
    bar: ProgressBar,
    last_line: Instant,
    name: String,
}

impl Progress {
    fn of(name: &str) -> Self {
        let bar = ProgressBar::new_spinner();
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        Self { bar, last_line: Instant::now(), name: name.to_owned() }
    }

    fn at(&mut self, tally: &Tally) {
        let is_terminal = std::io::stderr().is_terminal();
        let is_due = self.last_line.elapsed() >= Duration::from_secs(PROGRESS_SECONDS);
        if !is_terminal && !is_due {
            return;
        }
        let lists: Vec<String> = tally.lists.iter().map(|(list, count)| count.line(*list)).collect();
        let text = format!("{} slices left; {}", tally.left, lists.join("; "));
        if is_terminal {
            self.bar.set_message(text);
            self.bar.tick();
        } else {
            say(&format!("{}: {text}", self.name));
            self.last_line = Instant::now();
        }
    }

    fn done(&self) {
        self.bar.finish_and_clear();
    }
}
