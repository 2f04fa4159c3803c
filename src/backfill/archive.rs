//! Archives: each file in them is told as if it lay there by itself.

use std::io::{Read, Seek};
use std::ops::ControlFlow;

use super::ReadError;
use super::contents::{Told, open};

/// How much of a tar archive shows that it is one.
pub(super) const TAR_BYTES: usize = 512;
/// Entries of one archive; more are a bomb, not an export.
const MAX_ENTRIES: usize = 1 << 20;

/// What is in every file of spreadsheets and the like, which are zip archives as well.
const SPREADSHEET: &str = "[Content_Types].xml";

/// Whether a block is the header of a tar archive's entry, by the checksum it carries.
pub(super) fn is_tar(block: &[u8]) -> bool {
    let Some(header) = block.get(..TAR_BYTES) else { return false };
    let digits: Vec<u8> =
        header[148..156].iter().copied().filter(|byte| (b'0'..=b'7').contains(byte)).collect();
    let told = std::str::from_utf8(&digits).ok().and_then(|digits| u32::from_str_radix(digits, 8).ok());
    let blank = |(at, byte): (usize, &u8)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) };
    let sum: u32 = header.iter().enumerate().map(blank).sum();
    told == Some(sum) && header[0] != 0
}

/// Tells of each file of a tar archive, as they come.
pub(super) fn tar(name: &str, source: Box<dyn Read + '_>, depth: usize, told: Told<'_>) -> ControlFlow<()> {
    let mut archive = ::tar::Archive::new(source);
    let entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => return told(name, Err(damaged(&error))),
    };
    for entry in entries.take(MAX_ENTRIES) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return told(name, Err(damaged(&error))),
        };
        let inside = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if entry.header().entry_type().is_file() && is_shown(&inside) {
            open(&place(name, &inside), Box::new(entry), None, depth + 1, told)?;
        }
    }
    ControlFlow::Continue(())
}

/// Tells of each file of a zip archive, in the order of their names.
pub(super) fn zip(name: &str, file: impl Read + Seek, depth: usize, told: Told<'_>) -> ControlFlow<()> {
    let mut archive = match ::zip::ZipArchive::new(file) {
        Ok(archive) => archive,
        Err(error) => return told(name, Err(damaged(&error))),
    };
    if archive.index_for_name(SPREADSHEET).is_some() {
        let reason = "this is a spreadsheet; save its sheet as CSV (UTF-8) first".to_owned();
        return told(name, Err(ReadError::Archive { reason }));
    }
    let names = (0..archive.len())
        .filter_map(|index| archive.name_for_index(index).map(|name| (name.to_owned(), index)));
    let mut inside: Vec<(String, usize)> = names.filter(|(name, _)| is_shown(name)).collect();
    inside.sort();
    for (inside, index) in inside.into_iter().take(MAX_ENTRIES) {
        let place = place(name, &inside);
        match archive.by_index(index) {
            Ok(entry) if !entry.is_file() => {}
            Ok(entry) => open(&place, Box::new(entry), None, depth + 1, told)?,
            Err(error) => told(&place, Err(damaged(&error)))?,
        }
    }
    ControlFlow::Continue(())
}

fn place(archive: &str, inside: &str) -> String {
    format!("{archive}/{}", inside.trim_start_matches("./"))
}

/// Whether no part of the path is hidden: what systems add for themselves is no export.
fn is_shown(path: &str) -> bool {
    let mut parts = path.split(['/', '\\']).filter(|part| !matches!(*part, "" | "."));
    parts.all(|part| !part.starts_with('.') && part != "__MACOSX")
}

fn damaged(error: &impl std::fmt::Display) -> ReadError {
    ReadError::Archive { reason: format!("{error}; fetch it again, or unpack it and name its directory") }
}
