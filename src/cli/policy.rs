//! `upswell policy`: the policy in force, and what another one would change before anybody adopts it.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::args::month;
use super::{Flags, Outcome, UsageError, emit, say};
use crate::app::{App, now};
use crate::config::Config;
use crate::ledger::SettlementRules;
use crate::mrr::{CustomerId, Derivation, Month};
use crate::pipeline::{WhatIf, what_if};
use crate::report::{
    Comparison, CustomerHistory, History, PolicyInForce, PolicyTrial, Reading, Settings, choice_changes,
    comparable_months, compare,
};

/// What `upswell policy` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  upswell policy\n  upswell policy --try other.toml --from 2026-01 --to 2026-10"
)]
pub struct PolicyArgs {
    /// An upswell.toml whose policy, catalogue and time zone are tried; nothing is changed
    #[arg(long = "try", value_name = "FILE")]
    pub tried: Option<PathBuf>,
    /// The first month to compare [default: that of the book's first movement]
    #[arg(long, requires_all = ["to", "tried"], value_parser = month)]
    pub from: Option<Month>,
    /// The last month to compare
    #[arg(long, requires_all = ["from", "tried"], value_parser = month)]
    pub to: Option<Month>,
    /// The form [default: table on a terminal, else json]
    #[arg(long, value_enum)]
    pub format: Option<PolicyFormat>,
    /// The book [default: all; with --try live, or the only one there is]
    #[arg(long)]
    pub book: Option<String>,
}

/// The forms of a policy and of what it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PolicyFormat {
    /// For people.
    Table,
    /// One JSON object.
    Json,
    /// Comma-separated values, one figure a row; with --try only.
    Csv,
}

/// Prints the policy in force beside the one configured; with `--try`, what another one would change.
///
/// # Errors
///
/// A file that can't be used, a range or book that is none; the store's.
pub async fn run(args: &PolicyArgs, flags: &Flags, app: &App) -> anyhow::Result<Outcome> {
    let by_reader = match super::SummaryFormat::or_by_reader(None) {
        super::SummaryFormat::Table => PolicyFormat::Table,
        super::SummaryFormat::Json => PolicyFormat::Json,
    };
    let format = args.format.unwrap_or(by_reader);
    let text = match &args.tried {
        Some(file) => {
            let trial = trial(args, file, flags, app).await?;
            match format {
                PolicyFormat::Table => trial.to_table(),
                PolicyFormat::Json => trial.to_json()?,
                PolicyFormat::Csv => trial.to_csv()?,
            }
        }
        None => {
            let policy = in_force(args, app).await?;
            match format {
                PolicyFormat::Table => policy.to_table(),
                PolicyFormat::Json => policy.to_json()?,
                PolicyFormat::Csv => return Err(only_tried().into()),
            }
        }
    };
    emit(&text)?;
    Ok(Outcome::Done)
}

fn only_tried() -> UsageError {
    let what = "--format csv shows what another policy would change".to_owned();
    UsageError { what, example: "upswell policy --try other.toml --format csv".to_owned() }
}

async fn in_force(args: &PolicyArgs, app: &App) -> anyhow::Result<PolicyInForce> {
    let books = match &args.book {
        Some(book) => vec![app.reporter().settings(Some(book)).await?.book],
        None => app.ledger.books().await?,
    };
    let mut used = Vec::with_capacity(books.len());
    for book in books {
        let rules = app.ledger.rules_used(&book).await?;
        used.push((book, rules));
    }
    let configured = app.settler().rules().clone();
    Ok(PolicyInForce { configured, pricing_note: app.config.pricing_note.clone(), books: used })
}

async fn trial(
    args: &PolicyArgs,
    file: &std::path::Path,
    flags: &Flags,
    app: &App,
) -> anyhow::Result<PolicyTrial> {
    let config = Config::load_with(&flags.given(), file).context("--try")?;
    let settings = app.reporter().settings(args.book.as_deref()).await?;
    let settings = app.reporter().with_closed(settings).await?;
    let rules = app.settler_by(&config).rules().clone();
    let pending = app.ledger.counts().await?.pending;
    if pending > 0 {
        say(&format!(
            "{pending} deliveries are not settled yet and are left out; `upswell status --wait` waits for them"
        ));
    }
    let found = what_if(&app.ledger, &settings.book, &rules, now()).await?;
    let used = app.ledger.rules_used(&settings.book).await?;
    if used.len() > 1 {
        let others = used.len() - 1;
        say(&format!(
            "customers of this book were settled by {others} other sets of rules; each is compared by its own"
        ));
    }
    let engine = rules.engine.clone();
    let in_force = used.into_iter().next().map_or_else(|| app.settler().rules().clone(), |used| used.rules);
    let in_force = SettlementRules { engine, ..in_force };
    let posted = found.posted;
    let not_derived = found.not_derived.clone();
    // By the rules in force, of which the zone is one: what is configured may not be adopted yet.
    let settings = Settings { zone: in_force.zone, ..settings };
    let then = Settings { zone: config.timezone, policy: config.policy.clone(), ..settings.clone() };
    let comparison = compared(args, found, &settings, &then)?;
    Ok(PolicyTrial {
        file: file.display().to_string(),
        book: settings.book,
        changes: choice_changes(&in_force, &rules),
        now: in_force,
        then: rules,
        comparison,
        posted,
        not_derived,
    })
}

/// The two readings of the book, compared in the months that are asked for, or in all.
fn compared(
    args: &PolicyArgs,
    found: WhatIf,
    now: &Settings,
    then: &Settings,
) -> anyhow::Result<Option<Comparison>> {
    let history = |customer: &CustomerId, derivation: Derivation| CustomerHistory {
        levels: derivation.levels,
        movements: derivation.movements,
        ..CustomerHistory::of(customer.clone())
    };
    let (mut before, mut after) = (History::default(), History::default());
    for tried in found.customers {
        before.customers.push(history(&tried.customer, tried.now));
        after.customers.push(history(&tried.customer, tried.then));
    }
    let now = Reading { history: &before, settings: now };
    let then = Reading { history: &after, settings: then };
    let months = match args.from.zip(args.to) {
        None => comparable_months(now, then),
        asked => asked,
    };
    let compared = months.map(|(from, to)| compare(now, then, from, to)).transpose();
    Ok(compared.map_err(crate::report::AskError::from)?)
}
