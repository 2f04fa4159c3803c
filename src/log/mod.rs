//! What the process tells of itself: the log, on standard error, for standard output carries data; and traces, where
//! there is a collector for them.

mod traces;

use std::io::IsTerminal;

use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{ConfigError, LogFormat};
use traces::Traces;

/// Keeps the log and the traces going; dropped at the end of the process, it hands over the last traces.
#[must_use]
pub struct Log {
    _traces: Option<Traces>,
}

/// Starts logging for the whole process, and tracing to the collector at `traces_to`; a second start changes nothing.
/// It is called in the runtime, which the collector is spoken to from.
///
/// # Errors
///
/// [`ConfigError`] if the filter can't be read, or the collector's address can't be used.
pub fn start(filter: &str, format: LogFormat, traces_to: Option<&str>) -> Result<Log, ConfigError> {
    let filter = EnvFilter::try_new(filter).map_err(|error| ConfigError::Value {
        named: "UPSWELL_LOG".to_owned(),
        problem: format!("is not a filter ({error})"),
        example: "UPSWELL_LOG=info,upswell=debug".to_owned(),
    })?;
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let (traces, spans) = traces_to.map(traces::start).transpose()?.unzip();
    let log = tracing_subscriber::registry().with(lines.with_filter(filter)).with(spans);
    // The error says that a log is already set, by an earlier start or by whoever embeds us.
    let _ = log.try_init();
    Ok(Log { _traces: traces })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_filter_that_can_not_be_read_is_named() {
        let error = start("upswell=loud", LogFormat::Text, None).err().unwrap().to_string();
        assert!(error.starts_with("UPSWELL_LOG: "), "{error}");
    }
}
