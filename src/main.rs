//! upswell: parses the command line and gives the exit code.

use std::process::ExitCode;

use clap::Parser;
use upswell::cli::{self, Cli, Outcome, example, exit_code};
use upswell::{config::Config, log};

/// A backfill takes and gives back memory millions of times a second, on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let result = run(&cli);
    if let Err(error) = &result {
        // Before the log is set up, and whatever its filter: a failure is always told.
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "upswell: {error:#}");
    }
    ExitCode::from(exit_code(&result))
}

/// Help and version, which are no fault, or what is wrong with what was typed, with a command that
/// works.
fn refuse(error: &clap::Error) -> ExitCode {
    use std::io::Write;
    let _ = error.print();
    if error.exit_code() == 0 {
        return ExitCode::SUCCESS;
    }
    let _ = writeln!(std::io::stderr(), "\n{}", example(std::env::args().skip(1)));
    ExitCode::from(2)
}

fn run(cli: &Cli) -> anyhow::Result<Outcome> {
    if let Some(outcome) = cli::run_bare(cli) {
        return outcome;
    }
    let config = Config::load(&cli.flags.given())?;
    let runtime = tokio::runtime::Runtime::new()?;
    let _inside = runtime.enter();
    // Dropped before the runtime is, through which the last traces go.
    let _log = log::start(&config.log, config.log_format, config.traces_to.as_deref())?;
    runtime.block_on(cli::run(cli, config))
}
