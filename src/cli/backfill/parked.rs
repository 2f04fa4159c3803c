//! The file of rows that could not be read.

use std::io::Write;

use anyhow::Context;

/// Where rows are kept that could not be read at all, to be corrected and fed again.
pub(super) const PARKED_FILE: &str = "upswell.parked";

/// The file of rows that could not be read, one JSON object a line; begun with the first of them.
pub(super) struct ParkedFile {
    open: Option<std::fs::File>,
    /// A dry run keeps none.
    pub(super) is_kept: bool,
}

impl Default for ParkedFile {
    fn default() -> Self {
        Self { open: None, is_kept: true }
    }
}

impl ParkedFile {
    pub(super) fn none() -> Self {
        Self { open: None, is_kept: false }
    }

    pub(super) fn keep(&mut self, file: &str, line: u64, reason: &str, row: &[u8]) -> anyhow::Result<()> {
        if !self.is_kept {
            return Ok(());
        }
        let mut open = match self.open.take() {
            Some(open) => open,
            None => private_file(PARKED_FILE).with_context(|| format!("{PARKED_FILE} can't be written"))?,
        };
        let row = String::from_utf8_lossy(row);
        let entry = serde_json::json!({"file": file, "line": line, "reason": reason, "row": row});
        writeln!(open, "{entry}").with_context(|| format!("{PARKED_FILE} can't be written"))?;
        self.open = Some(open);
        Ok(())
    }
}

/// A file that only its owner may read: rows hold customers' data.
fn private_file(path: &str) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
