//! Where data goes while it is made: standard output, or a file that is there once it is whole.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

/// What is written to.
pub(super) enum Written {
    /// Standard output.
    Output(BufWriter<io::Stdout>),
    /// A file beside the one that it becomes.
    File {
        /// The file as it is written.
        to: BufWriter<tempfile::NamedTempFile<File>>,
        /// What it becomes.
        path: PathBuf,
    },
}

impl Written {
    /// To a file, or to standard output if there is none.
    ///
    /// # Errors
    ///
    /// A directory that can't be written to.
    pub(super) fn to(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::Output(BufWriter::new(io::stdout()))) };
        let directory =
            path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::Builder::new()
            .prefix(".upswell-")
            .suffix(".part")
            .make_in(directory, |place| File::create_new(place))
            .with_context(|| format!("{} can't be written", path.display()))?;
        Ok(Self::File { to: BufWriter::new(file), path: path.to_owned() })
    }

    /// Lets what was written be there; where, if that is a file.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(super) fn keep(self) -> anyhow::Result<Option<String>> {
        match self {
            Self::Output(mut to) => match to.flush() {
                Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
                _ => Ok(None),
            },
            Self::File { to, path } => {
                let shown = path.display().to_string();
                let file = to.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.as_file().sync_all()?;
                file.persist(&path).with_context(|| format!("{shown} can't be written"))?;
                Ok(Some(shown))
            }
        }
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Output(to) => to.write(bytes),
            Self::File { to, .. } => to.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Output(to) => to.flush(),
            Self::File { to, .. } => to.flush(),
        }
    }
}

/// Whether somebody who was read to has had enough.
pub(super) fn is_enough(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == ErrorKind::BrokenPipe)
}
