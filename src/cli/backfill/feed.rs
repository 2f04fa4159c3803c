//! What is read, stored and settled, file by file.

use std::time::Instant;

use super::ahead::{ReadPiece, Ready, read_ahead};
use super::parked::{ParkedFile, ParkedRow};
use super::progress::Progress;
use super::read::begin;
use super::summary::{FileSummary, Parked, Summary};
use crate::app::{App, now};
use crate::backfill::Paths;
use crate::pipeline::{Bulk, Fate};
use anyhow::bail;

/// Feeds files, one after the other; `told` hears of each when it is over.
///
/// # Errors
///
/// The store's refusal; what was stored before stays.
pub(super) async fn feed(
    paths: Paths,
    book: Option<&str>,
    app: &App,
    parked: &mut ParkedFile,
    mut told: impl FnMut(&FileSummary) -> anyhow::Result<()>,
) -> anyhow::Result<Summary> {
    let mut progress = Progress::of(paths.total_bytes);
    let last_seq = app.ledger.counts().await?.last_seq;
    let (found, thread) = begin(paths.files, book.map(str::to_owned), app.ledger.directory());
    let mut ready = read_ahead(found);
    let mut all = Summary::default();
    let bulk = Bulk::begin(app.settler(), now).await?;
    let mut feed = Feed { app, bulk, book, parked, since_seq: last_seq, last_seq };
    let mut file = FileSummary::default();
    let mut begun = Instant::now();
    while let Some(ready) = ready.recv().await {
        match ready {
            Ready::File(name, form) => {
                (file, begun) = (FileSummary::of(name, form), Instant::now());
            }
            Ready::Documents(pieces, read_bytes) => {
                feed.take(pieces, &mut file).await?;
                progress.at(&file.name, all.total.rows + file.rows, read_bytes);
            }
            Ready::Aside(rows, read_bytes) => {
                file.put_aside(rows);
                progress.at(&file.name, all.total.rows + file.rows, read_bytes);
            }
            Ready::Joined => (file, begun) = (FileSummary::of_joined(), Instant::now()),
            Ready::End(fault) => {
                file.fault = fault;
                // What came before a file breaks off is settled all the same.
                feed.close(&mut file).await?;
                file.milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                progress.hidden(|| told(&file))?;
                all.add(std::mem::take(&mut file));
            }
        }
    }
    all.total.posted += feed.bulk.end().await?;
    progress.done();
    if thread.join().is_err() {
        bail!("reading ended by a defect of upswell; what was stored before stays, please report it");
    }
    Ok(all)
}

/// Where what is read goes.
struct Feed<'a> {
    app: &'a App,
    bulk: Bulk,
    book: Option<&'a str>,
    parked: &'a mut ParkedFile,
    /// The inbox's last number before the file.
    since_seq: i64,
    last_seq: i64,
}

impl Feed<'_> {
    /// Stores a batch.
    async fn take(&mut self, pieces: Vec<ReadPiece>, file: &mut FileSummary) -> anyhow::Result<()> {
        let (mut places, mut documents) =
            (Vec::with_capacity(pieces.len()), Vec::with_capacity(pieces.len()));
        for ReadPiece { place, body, read } in pieces {
            file.rows += 1;
            match read {
                Ok(read) => {
                    documents.push(read);
                    places.push((place, body));
                }
                Err(row) => self.park(row, place, file)?,
            }
        }
        for (fate, (place, body)) in self.bulk.store(documents, self.book).await?.into_iter().zip(places) {
            match fate {
                Fate::Accepted { seq } => {
                    file.accepted += 1;
                    self.last_seq = self.last_seq.max(seq);
                }
                Fate::Known => file.known += 1,
                Fate::KeptAside => file.kept_aside += 1,
                Fate::OtherBook => file.other_books += 1,
                Fate::Unclear => self.park_document(&place, &body, "this is no JSON document", file)?,
                Fate::Unreadable(error) => self.park_document(&place, &body, &error.to_string(), file)?,
            }
        }
        Ok(())
    }

    fn park_document(
        &mut self,
        place: &str,
        body: &[u8],
        reason: &str,
        file: &mut FileSummary,
    ) -> anyhow::Result<()> {
        let (name, line) = place.rsplit_once(':').unwrap_or((place, ""));
        let text = String::from_utf8_lossy(body).into_owned();
        let row = ParkedRow::of_document(name, line.parse().unwrap_or_default(), reason.to_owned(), text);
        self.park(row, place.to_owned(), file)
    }

    fn park(&mut self, row: ParkedRow, place: String, file: &mut FileSummary) -> anyhow::Result<()> {
        self.parked.keep(&row)?;
        let is_kept = self.parked.is_kept;
        file.park(Parked { place, reason: row.reason, path: None, is_kept });
        Ok(())
    }

    /// Settles what a file left, and asks what became of its rows.
    async fn close(&mut self, file: &mut FileSummary) -> anyhow::Result<()> {
        file.posted += self.bulk.settle().await?;
        if self.last_seq == self.since_seq {
            return Ok(());
        }
        for ignored in self.app.ledger.ignored(self.since_seq).await? {
            *file.ignored.entry(ignored.reason).or_default() += ignored.count;
        }
        for parked in self.app.ledger.parked(self.since_seq, usize::MAX).await? {
            let place = parked.place.unwrap_or(parked.event);
            let parked = Parked { place, reason: parked.reason, path: Some(parked.path), is_kept: false };
            file.tell_parked(parked);
        }
        self.since_seq = self.last_seq;
        Ok(())
    }
}
