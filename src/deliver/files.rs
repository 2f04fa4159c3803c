//! Reports as files: each is there once it is whole, in the place of one that was there.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::SendError;
use super::parcel::Parcel;
use crate::report::Form;

/// Files whose names are made by a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    pattern: String,
}

impl Files {
    /// By a pattern, in which `{month}`, `{date}`, `{name}`, `{book}` and `{format}` stand for what they say.
    #[must_use]
    pub fn by(pattern: &str) -> Self {
        Self { pattern: pattern.to_owned() }
    }

    /// Where a parcel's file of a form goes.
    pub(super) fn path(&self, parcel: &Parcel, form: Form) -> PathBuf {
        let of = [
            ("{month}", parcel.period.month().to_string()),
            ("{date}", parcel.period.to_string()),
            ("{name}", parcel.name.clone()),
            ("{book}", plain(&parcel.book)),
            ("{format}", form.as_str().to_owned()),
        ];
        let put = |path: String, (word, value): &(&str, String)| path.replace(word, value);
        PathBuf::from(of.iter().fold(self.pattern.clone(), put))
    }

    pub(super) fn write(&self, parcel: &Parcel) -> Result<(), SendError> {
        for file in &parcel.files {
            write(&self.path(parcel, file.form), &file.bytes)
                .map_err(|error| SendError::File { kind: error.kind() })?;
        }
        Ok(())
    }
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    let mut file = tempfile::Builder::new()
        .prefix(".upswell-")
        .suffix(".part")
        .make_in(directory, |place| std::fs::File::create_new(place))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|refused| refused.error)
}

/// A book's name as a part of a file's: nothing in it leads to another directory.
fn plain(book: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    book.chars().map(|letter| if is_plain(letter) { letter } else { '-' }).collect()
}
