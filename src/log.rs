//! The log: on standard error, for standard output carries data.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{ConfigError, LogFormat};

/// Starts logging for the whole process; a second start changes nothing.
///
/// # Errors
///
/// [`ConfigError`] if the filter can't be read.
pub fn start(filter: &str, format: LogFormat) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(filter).map_err(|error| ConfigError::Value {
        named: "UPSWELL_LOG".to_owned(),
        problem: format!("is not a filter ({error})"),
        example: "UPSWELL_LOG=info,upswell=debug".to_owned(),
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // The error says that a log is already set, by an earlier start or by whoever embeds us.
    let _ = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_filter_that_can_not_be_read_is_named() {
        let error = start("upswell=loud", LogFormat::Text).unwrap_err().to_string();
        assert!(error.starts_with("UPSWELL_LOG: "), "{error}");
    }
}
