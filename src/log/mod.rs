//! What the process tells of itself: the log, on standard error, for standard output carries data; and traces, where
//! there is a collector for them.

mod traces;

use std::any::Any;
use std::io::IsTerminal;
use std::panic::PanicHookInfo;

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
    std::panic::set_hook(Box::new(tell_defect));
    Ok(Log { _traces: traces })
}

/// Tells of a panic, which is a defect of ours, where it was.
fn tell_defect(defect: &PanicHookInfo<'_>) {
    let place = defect.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(place, said = literal(defect.payload()), "a defect of upswell; please report it");
}

/// What a panic says, if that is a text of the source: one that was put together may hold somebody's words.
fn literal(payload: &(dyn Any + Send)) -> &'static str {
    payload.downcast_ref::<&'static str>().copied().unwrap_or("(left out)")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, clippy::unwrap_used)]
    use super::*;

    #[test]
    fn of_a_defect_only_words_of_the_source_are_told() {
        let body = "somebody@example.com";
        let put_together = std::panic::catch_unwind(|| panic!("no end in {body}")).unwrap_err();
        assert_eq!(literal(&*put_together), "(left out)");
        let of_the_source = std::panic::catch_unwind(|| panic!("no end")).unwrap_err();
        assert_eq!(literal(&*of_the_source), "no end");
    }

    #[test]
    fn a_filter_that_can_not_be_read_is_named() {
        let error = start("upswell=loud", LogFormat::Text, None).err().unwrap().to_string();
        assert!(error.starts_with("UPSWELL_LOG: "), "{error}");
    }
}
