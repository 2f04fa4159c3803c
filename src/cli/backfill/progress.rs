//! How far a backfill is, over all its files.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::say;

/// How often a line of progress is written where there is no terminal.
const PROGRESS_SECONDS: u64 = 5;

/// A bar on a terminal, a line every few seconds otherwise: rows and bytes so far, how fast, how long yet.
pub(super) struct Progress {
    bar: ProgressBar,
    total_bytes: Option<u64>,
    begun: Instant,
    last_line: Instant,
}

impl Progress {
    /// Of files of so many bytes, if that is known.
    pub(super) fn of(total_bytes: Option<u64>) -> Self {
        let bar = total_bytes.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
        let template = match total_bytes {
            Some(_) => "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left",
            None => "{spinner} {msg} {bytes} {bytes_per_sec} {elapsed}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar, total_bytes, begun: Instant::now(), last_line: Instant::now() }
    }

    /// So many rows were stored, the last of a file, and so many bytes read up to them.
    pub(super) fn at(&mut self, name: &str, rows: u64, bytes: u64) {
        let seconds = self.begun.elapsed().as_secs().max(1);
        self.bar.set_message(format!("{name}: {rows} rows, {}/s", rows / seconds));
        self.bar.set_position(bytes);
        let is_due = self.last_line.elapsed() >= Duration::from_secs(PROGRESS_SECONDS);
        if is_due && !std::io::stderr().is_terminal() {
            let left = self.total_bytes.map(|total| self.left(bytes, total)).unwrap_or_default();
            say(&format!("{name}: {rows} rows read, {} a second{left}", rows / seconds));
            self.last_line = Instant::now();
        }
    }

    /// How long it takes yet, if it goes on like this.
    fn left(&self, bytes: u64, total: u64) -> String {
        let (bytes, total) = (u128::from(bytes.max(1)), u128::from(total));
        let seconds = self.begun.elapsed().as_millis() * total.saturating_sub(bytes) / bytes / 1_000;
        format!(", {} % of the bytes, about {seconds} s left", bytes.min(total) * 100 / total.max(1))
    }

    /// Does something that writes, with the bar out of the way.
    pub(super) fn hidden<T>(&self, act: impl FnOnce() -> T) -> T {
        self.bar.suspend(act)
    }

    pub(super) fn done(&self) {
        self.bar.finish_and_clear();
    }
}
