//! How far a backfill is.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::say;

/// How often a line of progress is written where there is no terminal.
const PROGRESS_SECONDS: u64 = 5;

/// How far it is: a bar on a terminal, a line every few seconds otherwise.
pub(super) struct Progress {
    bar: ProgressBar,
    last_line: std::cell::Cell<std::time::Instant>,
    name: String,
}

impl Progress {
    pub(super) fn of(name: &str, total_bytes: Option<u64>) -> Self {
        let bar = total_bytes.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
        let template = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(name.to_owned());
        Self { bar, last_line: std::cell::Cell::new(std::time::Instant::now()), name: name.to_owned() }
    }

    pub(super) fn at(&self, bytes: u64, rows: u64) {
        self.bar.set_position(bytes);
        let is_due = self.last_line.get().elapsed() >= Duration::from_secs(PROGRESS_SECONDS);
        if is_due && !std::io::stderr().is_terminal() {
            say(&format!("{}: {rows} rows read", self.name));
            self.last_line.set(std::time::Instant::now());
        }
    }

    pub(super) fn done(&self) {
        self.bar.finish_and_clear();
    }
}
