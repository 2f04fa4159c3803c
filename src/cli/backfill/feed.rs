//! One file's documents, read, stored and settled.

use std::path::Path;

use bytes::Bytes;

use super::parked::ParkedFile;
use super::progress::Progress;
use super::summary::summary;
use crate::app::{App, now};
use crate::backfill::{Document, ReadError, open};
use crate::ledger::{Acceptance, Arrival, Posted, Source};
use crate::pipeline::{A_BULK, arrival};

/// Documents stored in one transaction.
const A_BATCH: usize = 1_000;

/// What became of a file's rows.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) rows: u64,
    pub(super) accepted: u64,
    pub(super) known: u64,
    pub(super) kept_aside: u64,
    pub(super) other_books: u64,
    /// Rows that are no JSON: line and reason.
    pub(super) unreadable: Vec<(u64, String)>,
    pub(super) posted: Posted,
    /// Stored since the last settlement.
    pub(super) unsettled: usize,
}

/// What became of a file.
pub(super) struct Fed {
    pub(super) summary: String,
    /// Whether every row could be read.
    pub(super) is_clean: bool,
}

/// Feeds one file.
pub(super) async fn feed(
    file: &Path,
    book: Option<&str>,
    app: &App,
    mut parked: ParkedFile,
) -> anyhow::Result<Fed> {
    let name = if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
    let before = app.ledger.counts().await?;
    let mut documents = open(file).map_err(|error| named(error, &name))?;
    let progress = Progress::of(&name, documents.progress().total_bytes());
    let settler = app.settler();
    let mut tally = Tally::default();
    let mut is_open = true;
    while is_open {
        let batch: Vec<_> = documents.by_ref().take(A_BATCH).collect();
        is_open = batch.len() == A_BATCH;
        let mut arrivals = Vec::with_capacity(batch.len());
        let read = read_batch(batch, (&name, book), &mut arrivals, &mut tally, &mut parked);
        store(app, arrivals, &mut tally).await?;
        // What came before a file breaks off is settled all the same.
        if tally.unsettled >= A_BULK || !is_open || read.is_err() {
            tally.posted += settler.settle_by(A_BULK, now()).await?.posted;
            tally.unsettled = 0;
        }
        read?;
        progress.at(documents.progress().read_bytes(), tally.rows);
    }
    progress.done();
    let summary = summary(app, &name, before.last_seq, &tally, parked.is_kept).await?;
    Ok(Fed { summary, is_clean: tally.unreadable.is_empty() })
}

/// A file's fault with its name, where the fault itself does not have it.
fn named(error: ReadError, name: &str) -> anyhow::Error {
    match error {
        ReadError::Closed { .. } | ReadError::Directory { .. } => error.into(),
        _ => anyhow::Error::from(error).context(format!("{name} could not be read to its end")),
    }
}

/// Puts the arrivals of a batch of documents into `arrivals`; what is no JSON goes to the file of parked
/// rows.
///
/// # Errors
///
/// A file that breaks off; what came before is in `arrivals`.
fn read_batch(
    batch: Vec<Result<Document, ReadError>>,
    (name, book): (&str, Option<&str>),
    arrivals: &mut Vec<Arrival>,
    tally: &mut Tally,
    parked: &mut ParkedFile,
) -> anyhow::Result<()> {
    for document in batch {
        let document = match document {
            Ok(document) => document,
            Err(ReadError::Unreadable { line, reason }) => {
                tally.rows += 1;
                parked.keep(name, line, &reason, &[])?;
                tally.unreadable.push((line, reason));
                continue;
            }
            Err(error) => return Err(named(error, name)),
        };
        tally.rows += 1;
        let place = format!("{name}:{}", document.line);
        let body = Bytes::from(document.bytes);
        match arrival(body.clone(), None, now(), Source::Backfill { place }) {
            Ok(arrival) if book.is_some_and(|book| book != arrival.book) => tally.other_books += 1,
            Ok(arrival) => arrivals.push(arrival),
            Err(error) => {
                parked.keep(name, document.line, &error.to_string(), &body)?;
                tally.unreadable.push((document.line, error.to_string()));
            }
        }
    }
    Ok(())
}

/// Stores a batch.
async fn store(app: &App, arrivals: Vec<Arrival>, tally: &mut Tally) -> anyhow::Result<()> {
    if arrivals.is_empty() {
        return Ok(());
    }
    for acceptance in app.ledger.accept(arrivals).await? {
        match acceptance {
            Acceptance::New { .. } => {
                tally.accepted += 1;
                tally.unsettled += 1;
            }
            Acceptance::Duplicate { .. } => tally.known += 1,
            Acceptance::Conflict => tally.kept_aside += 1,
        }
    }
    Ok(())
}
