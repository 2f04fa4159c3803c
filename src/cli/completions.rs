//! `upswell completions`: what a shell needs to complete commands and flags.

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::{Cli, Outcome, emit};

/// What `upswell completions` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell completions bash > /etc/bash_completion.d/upswell")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Prints the shell's completions.
///
/// # Errors
///
/// Standard output's.
pub fn run(args: &CompletionsArgs) -> anyhow::Result<Outcome> {
    let mut text = Vec::new();
    generate(args.shell, &mut Cli::command(), "upswell", &mut text);
    emit(&String::from_utf8(text)?)?;
    Ok(Outcome::Done)
}
