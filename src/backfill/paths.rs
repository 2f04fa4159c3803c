//! What paths on a command line name: files, directories with all that is in them, standard input.

use std::path::{Path, PathBuf};

use super::ReadError;

/// Directories inside one another that are gone into; deeper ones are no export.
const MAX_DEPTH: usize = 32;

/// The files to be read, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paths {
    /// Each file; `-` is standard input.
    pub files: Vec<PathBuf>,
    /// All their bytes as they are stored; `None` where a pipe is among them.
    pub total_bytes: Option<u64>,
}

/// The files that paths name: a directory names those in it and below it, by their names in order, hidden
/// ones left out.
///
/// # Errors
///
/// [`ReadError::Closed`] of what is not there or can't be looked at, [`ReadError::Directory`] of one that holds
/// no files.
pub fn paths(named: &[PathBuf]) -> Result<Paths, ReadError> {
    let mut found = Paths { files: Vec::new(), total_bytes: Some(0) };
    for path in named {
        let before = found.files.len();
        look(path, 0, &mut found)?;
        if found.files.len() == before {
            return Err(ReadError::Directory { path: path.clone() });
        }
    }
    Ok(found)
}

fn look(path: &Path, depth: usize, found: &mut Paths) -> Result<(), ReadError> {
    let closed = |source| ReadError::Closed { path: path.to_owned(), source };
    if path == Path::new("-") {
        found.files.push(path.to_owned());
        found.total_bytes = None;
        return Ok(());
    }
    let metadata = std::fs::metadata(path).map_err(closed)?;
    if !metadata.is_dir() {
        let bytes = metadata.is_file().then_some(metadata.len());
        found.total_bytes = found.total_bytes.zip(bytes).map(|(total, bytes)| total + bytes);
        found.files.push(path.to_owned());
        return Ok(());
    }
    if depth >= MAX_DEPTH {
        return Err(ReadError::Directory { path: path.to_owned() });
    }
    let mut inside = Vec::new();
    for entry in std::fs::read_dir(path).map_err(closed)? {
        inside.push(entry.map_err(closed)?.path());
    }
    inside.sort();
    let is_shown = |path: &&PathBuf| {
        let name = path.file_name().unwrap_or_default();
        !name.to_string_lossy().starts_with('.')
    };
    inside.iter().filter(is_shown).try_for_each(|path| look(path, depth + 1, found))
}
