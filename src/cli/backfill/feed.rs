//! What is read, stored and settled, file by file.

use std::time::Instant;

use anyhow::bail;
use bytes::Bytes;

use super::parked::{ParkedFile, ParkedRow};
use super::progress::Progress;
use super::read::{Found, Piece, begin};
use super::summary::{FileSummary, Parked, Summary};
use crate::app::{App, now};
use crate::backfill::Paths;
use crate::ledger::{Acceptance, Arrival, Source};
use crate::pipeline::{A_BULK, arrival};

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
    let (mut found, thread) = begin(paths.files, book.map(str::to_owned));
    let mut all = Summary::default();
    let mut feed = Feed { app, book, parked, since_seq: last_seq, last_seq, unsettled: 0 };
    let mut file = FileSummary::default();
    let mut begun = Instant::now();
    while let Some(found) = found.recv().await {
        match found {
            Found::File { name, form } => {
                (file, begun) = (FileSummary::of(name, form), Instant::now());
            }
            Found::Documents { pieces, read_bytes } => {
                feed.take(pieces, &mut file).await?;
                progress.at(&file.name, all.total.rows + file.rows, read_bytes);
            }
            Found::End(fault) => {
                file.fault = fault;
                // What came before a file breaks off is settled all the same.
                feed.close(&mut file).await?;
                file.milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                progress.hidden(|| told(&file))?;
                all.add(std::mem::take(&mut file));
            }
        }
    }
    progress.done();
    if thread.join().is_err() {
        bail!("reading ended by a defect of upswell; what was stored before stays, please report it");
    }
    Ok(all)
}

/// Where what is read goes.
struct Feed<'a> {
    app: &'a App,
    book: Option<&'a str>,
    parked: &'a mut ParkedFile,
    /// The inbox's last number before the file.
    since_seq: i64,
    last_seq: i64,
    /// Stored since the last settlement.
    unsettled: usize,
}

impl Feed<'_> {
    /// Stores a batch, and settles when much waits.
    async fn take(&mut self, pieces: Vec<Piece>, file: &mut FileSummary) -> anyhow::Result<()> {
        let received_at = now();
        let mut arrivals = Vec::with_capacity(pieces.len());
        for Piece { place, body } in pieces {
            file.rows += 1;
            let body = match body {
                Ok(body) => Bytes::from(body),
                Err(row) => {
                    self.park(row, place, file)?;
                    continue;
                }
            };
            match arrival(body.clone(), None, received_at, Source::Backfill { place: place.clone() }) {
                Ok(arrival) if self.book.is_some_and(|book| book != arrival.book) => file.other_books += 1,
                Ok(arrival) => arrivals.push(arrival),
                Err(error) => {
                    let (name, line) = place.rsplit_once(':').unwrap_or((&place, ""));
                    let text = String::from_utf8_lossy(&body).into_owned();
                    let line = line.parse().unwrap_or_default();
                    let row = ParkedRow::of_document(name, line, error.to_string(), text);
                    self.park(row, place.clone(), file)?;
                }
            }
        }
        self.store(arrivals, file).await?;
        if self.unsettled >= A_BULK { self.settle(file).await } else { Ok(()) }
    }

    fn park(&mut self, row: ParkedRow, place: String, file: &mut FileSummary) -> anyhow::Result<()> {
        self.parked.keep(&row)?;
        let is_kept = self.parked.is_kept;
        file.park(Parked { place, reason: row.reason, path: None, is_kept });
        Ok(())
    }

    async fn store(&mut self, arrivals: Vec<Arrival>, file: &mut FileSummary) -> anyhow::Result<()> {
        if arrivals.is_empty() {
            return Ok(());
        }
        for acceptance in self.app.ledger.accept(arrivals).await? {
            match acceptance {
                Acceptance::New { seq } => {
                    file.accepted += 1;
                    self.unsettled += 1;
                    self.last_seq = self.last_seq.max(seq);
                }
                Acceptance::Duplicate { .. } => file.known += 1,
                Acceptance::Conflict => file.kept_aside += 1,
            }
        }
        Ok(())
    }

    async fn settle(&mut self, file: &mut FileSummary) -> anyhow::Result<()> {
        file.posted += self.app.settler().settle_by(A_BULK, now()).await?.posted;
        self.unsettled = 0;
        Ok(())
    }

    /// Settles what a file left, and asks what became of its rows.
    async fn close(&mut self, file: &mut FileSummary) -> anyhow::Result<()> {
        self.settle(file).await?;
        if self.last_seq == self.since_seq {
            return Ok(());
        }
        for ignored in self.app.ledger.ignored(self.since_seq).await? {
            *file.ignored.entry(ignored.reason).or_default() += ignored.count;
        }
        for parked in self.app.ledger.parked(self.since_seq).await? {
            let place = parked.place.unwrap_or(parked.event);
            let parked = Parked { place, reason: parked.reason, path: Some(parked.path), is_kept: false };
            file.tell_parked(parked);
        }
        self.since_seq = self.last_seq;
        Ok(())
    }
}
