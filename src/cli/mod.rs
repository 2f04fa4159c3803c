//! The command line, one file a command.

mod args;
pub mod backfill;
pub mod backup;
pub mod close;
pub mod completions;
pub mod customers;
pub mod deliver;
pub mod demo;
mod demo_ahead;
pub mod doctor;
pub mod explain;
pub mod export;
mod flags;
pub mod fx;
pub mod migrate;
pub mod movements;
pub mod openapi;
pub mod policy;
pub mod reconcile;
pub mod reopen;
pub mod report;
pub mod rollup;
pub mod serve;
pub mod status;
pub mod verify;
mod written;

use std::io::Write;

use clap::{CommandFactory, Parser, Subcommand};

use crate::app::App;
use crate::config::{Config, ConfigError};
use crate::mrr::Instant;
use crate::reconcile::ExportError;
use crate::report::AskError;

pub use args::{RowFormat, SummaryFormat};
pub use flags::Flags;

/// How much did our existing customers grow this month, and can you prove it?
#[derive(Debug, Parser)]
#[command(
    name = "upswell",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = "Example, without a Stripe account:\n  upswell demo --once"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Settings that win over the environment and the file.
    #[command(flatten)]
    pub flags: Flags,
}

/// What upswell can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show everything on invented events: no Stripe account, no network
    Demo(demo::DemoArgs),
    /// Receive webhooks and keep the ledger
    Serve(serve::ServeArgs),
    /// Feed events from files or from Stripe's API through the same door as webhooks
    Backfill(backfill::BackfillArgs),
    /// The monthly expansion report
    Report(report::ReportArgs),
    /// The ledger's standing movements
    Movements(movements::MovementsArgs),
    /// MRR of each customer at the end of a month
    Customers(customers::CustomersArgs),
    /// The ledger against Stripe's own figures, and what makes each gap
    Reconcile(reconcile::ReconcileArgs),
    /// Movements and levels as Parquet files for a warehouse, with their description for dbt
    Export(export::ExportArgs),
    /// Send reports to whom they are for, now
    Deliver(deliver::DeliverArgs),
    /// Freeze a month: what is learnt later is posted in the month that is open then
    Close(close::CloseArgs),
    /// Open a closed month again, on record
    Reopen(reopen::ReopenArgs),
    /// Where a figure comes from, down to the stored bytes
    Explain(explain::ExplainArgs),
    /// Import dated exchange rates
    Fx(fx::FxArgs),
    /// Make the sums that reports read, instead of waiting until they are asked for
    Rollup(rollup::RollupArgs),
    /// What is stored, settled, pending, parked
    Status(status::StatusArgs),
    /// Prove the ledger from the stored bytes
    Verify(verify::VerifyArgs),
    /// What is missing, parked, incomplete or badly configured, each with the remedy
    Doctor(doctor::DoctorArgs),
    /// The policy in force, and what another one would change
    Policy(policy::PolicyArgs),
    /// Copy the store as it is now into a new file, while others go on writing
    Backup(backup::BackupArgs),
    /// Bring the store's schema up to date, and nothing else
    Migrate(migrate::MigrateArgs),
    /// The description of the HTTP API, as OpenAPI 3.1
    Openapi(openapi::OpenApiArgs),
    /// Completions of commands and flags for a shell
    Completions(completions::CompletionsArgs),
}

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did what was asked.
    Done,
    /// It ran and found a fault: a ledger that differs, a missing rate.
    FaultFound,
}

/// What was asked can't be done as it was put; exits 2.
#[derive(Debug, thiserror::Error)]
#[error("{what}; for example {example}")]
pub struct UsageError {
    /// The flag or argument and what is wrong with it.
    pub what: String,
    /// A command that works.
    pub example: String,
}

/// A command that works, for somebody who typed one that does not.
#[must_use]
pub fn example(mut typed: impl Iterator<Item = String>) -> String {
    let cli = Cli::command();
    let command = typed.find_map(|word| cli.find_subcommand(word)).unwrap_or(&cli);
    command.get_after_help().map(ToString::to_string).unwrap_or_default()
}

/// The exit code: 0 done, 1 a fault found or a failure, 2 wrong usage or configuration.
#[must_use]
pub fn exit_code(result: &anyhow::Result<Outcome>) -> u8 {
    match result {
        Ok(Outcome::Done) => 0,
        Err(error) if is_usage(error) => 2,
        Ok(Outcome::FaultFound) | Err(_) => 1,
    }
}

/// Runs a command that goes by no configuration, and so needs no sound one; none of the others.
#[must_use]
pub fn run_bare(cli: &Cli) -> Option<anyhow::Result<Outcome>> {
    match &cli.command {
        Command::Openapi(args) => Some(openapi::run(args)),
        Command::Completions(args) => Some(completions::run(args)),
        _ => None,
    }
}

/// Runs a command.
///
/// # Errors
///
/// Wrong configuration or usage (exit code 2), or a failure (1).
pub async fn run(cli: &Cli, config: Config) -> anyhow::Result<Outcome> {
    match &cli.command {
        Command::Demo(args) => return demo::run(args, config).await,
        Command::Serve(args) => return serve::run(args, config).await,
        Command::Migrate(args) => return migrate::run(args, &config).await,
        Command::Status(args) if args.server => return status::ask_server(args, &config).await,
        _ => {}
    }
    let app = App::open(config).await?;
    let outcome = match &cli.command {
        Command::Backfill(args) => backfill::run(args, &app).await,
        Command::Report(args) => report::run(args, &app).await,
        Command::Movements(args) => movements::run(args, &app).await,
        Command::Customers(args) => customers::run(args, &app).await,
        Command::Reconcile(args) => reconcile::run(args, &app).await,
        Command::Export(args) => export::run(args, &app).await,
        Command::Deliver(args) => deliver::run(args, &app).await,
        Command::Close(args) => close::run(args, &app).await,
        Command::Reopen(args) => reopen::run(args, &app).await,
        Command::Explain(args) => explain::run(args, &app).await,
        Command::Fx(args) => fx::run(args, &app).await,
        Command::Rollup(args) => rollup::run(args, &app).await,
        Command::Status(args) => status::run(args, &app).await,
        Command::Verify(args) => verify::run(args, &app).await,
        Command::Doctor(args) => doctor::run(args, &app).await,
        Command::Backup(args) => backup::run(args, &app).await,
        Command::Policy(args) => policy::run(args, &cli.flags, &app).await,
        Command::Demo(_)
        | Command::Serve(_)
        | Command::Migrate(_)
        | Command::Openapi(_)
        | Command::Completions(_) => Ok(Outcome::Done),
    };
    app.ledger.close().await?;
    outcome
}

/// An instant as the contract writes it.
fn instant(at: Instant) -> String {
    chrono::DateTime::from_timestamp(at.0, 0)
        .map_or_else(|| at.0.to_string(), |at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
}

/// A word for the person who runs the command, on standard error: standard output carries data.
fn say(text: &str) {
    // Nobody listens: that is no reason to stop.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Data, on standard output. A reader that has had enough (`| head`) is no failure.
///
/// # Errors
///
/// The system's, if it can't be written.
fn emit(data: &str) -> std::io::Result<()> {
    emit_bytes(data.as_bytes())
}

/// The same of what is no text.
fn emit_bytes(data: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(data).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

fn is_usage(error: &anyhow::Error) -> bool {
    let asked = error.downcast_ref::<AskError>();
    let is_asked_wrong = matches!(asked, Some(AskError::NoSuchBook { .. } | AskError::Report(_)));
    let is_wrong = error.is::<ConfigError>() || error.is::<UsageError>() || error.is::<ExportError>();
    is_wrong || is_asked_wrong
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_on_every_command_ends_with_an_example() {
        let mut cli = Cli::command();
        let names: Vec<_> = cli.get_subcommands().map(|command| command.get_name().to_owned()).collect();
        for name in names {
            let command = cli.find_subcommand_mut(&name).unwrap();
            let help = command.render_long_help().to_string();
            let (_, example) = help.rsplit_once("Example").unwrap_or_else(|| {
                panic!("`upswell {name} --help` ends without an example; add after_help to it")
            });
            assert!(example.contains(&format!("upswell {name}")), "{name}: {example}");
        }
    }

    #[test]
    fn examples_in_help_can_be_typed() {
        let cli = Cli::command();
        for command in cli.get_subcommands() {
            let help = command.get_after_help().unwrap().to_string();
            for line in help.lines().filter(|line| line.starts_with("  upswell ")) {
                let typed = line.trim().split(['|', '>']).next().unwrap().trim();
                Cli::try_parse_from(typed.split_whitespace())
                    .unwrap_or_else(|error| panic!("`{typed}` in help does not parse: {error}"));
            }
        }
    }

    #[test]
    fn a_global_flag_may_stand_behind_the_command() {
        let cli = Cli::try_parse_from(["upswell", "serve", "--listen", "127.0.0.1:0"]).unwrap();
        assert_eq!(cli.flags.given(), [("UPSWELL_LISTEN", "127.0.0.1:0".to_owned())]);
    }

    #[test]
    fn wrong_configuration_and_wrong_usage_exit_2_and_failures_1() {
        let usage = UsageError { what: String::new(), example: String::new() };
        assert_eq!(exit_code(&Err(usage.into())), 2);
        let config = ConfigError::DotEnv { after: String::new() };
        assert_eq!(exit_code(&Err(anyhow::Error::from(config).context("starting"))), 2);
        assert_eq!(exit_code(&Err(anyhow::anyhow!("the disk is full"))), 1);
        assert_eq!(exit_code(&Ok(Outcome::FaultFound)), 1);
    }
}
