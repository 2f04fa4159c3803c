//! upswell: parses the command line and gives the exit code.

use std::process::ExitCode;

use clap::Parser;
use upswell::cli::{self, Cli, Outcome, exit_code};
use upswell::{config::Config, log};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = run(&cli);
    if let Err(error) = &result {
        // Before the log is set up, and whatever its filter: a failure is always told.
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "upswell: {error:#}");
    }
    ExitCode::from(exit_code(&result))
}

fn run(cli: &Cli) -> anyhow::Result<Outcome> {
    let config = Config::load(&cli.flags.given())?;
    log::start(&config.log, config.log_format)?;
    tokio::runtime::Runtime::new()?.block_on(cli::run(&cli.command, config))
}
