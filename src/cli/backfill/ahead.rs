//! Documents read on all cores, beside what stores those before them.

use bytes::Bytes;
use tokio::sync::mpsc::{Receiver, channel};

use super::parked::ParkedRow;
use super::read::{Found, Piece};
use crate::app::now;
use crate::backfill::{ReadError, parts};
use crate::ledger::Source;
use crate::pipeline::{Document, ReadDocument, read_documents};

/// Batches that are read and wait to be stored.
const READY: usize = 1;

/// What is found, file by file, with all that is to be read of it.
pub(super) enum Ready {
    /// A file begins: its name, and what it holds.
    File(String, &'static str),
    /// Some of its documents, and how much of all files was read up to them.
    Documents(Vec<ReadPiece>, u64),
    /// So many of its rows were put aside, and how much of all files was read up to them.
    Aside(u64, u64),
    /// All files are read; what follows, up to an end, was put aside.
    Joined,
    /// It is over; why, if that was before its end.
    End(Option<String>),
}

/// A document that is read, or what could not be.
pub(super) struct ReadPiece {
    /// The file and the line.
    pub(super) place: String,
    /// Its bytes; none where there is a row.
    pub(super) body: Bytes,
    /// What is read of it, or the row to be corrected.
    pub(super) read: Result<ReadDocument, ParkedRow>,
}

/// Reads what is found, a batch ahead of whoever listens.
pub(super) fn read_ahead(mut found: Receiver<Found>) -> Receiver<Ready> {
    let (sender, receiver) = channel(READY);
    tokio::spawn(async move {
        while let Some(found) = found.recv().await {
            let ready = match found {
                Found::File { name, form } => Ready::File(name, form),
                Found::Documents { pieces, read_bytes } => Ready::Documents(read(pieces).await, read_bytes),
                Found::Aside { rows, read_bytes } => Ready::Aside(rows, read_bytes),
                Found::Joined => Ready::Joined,
                Found::End(fault) => Ready::End(fault),
            };
            if sender.send(ready).await.is_err() {
                return;
            }
        }
    });
    receiver
}

/// Reads a batch, and closely what is no single event.
async fn read(pieces: Vec<Piece>) -> Vec<ReadPiece> {
    let first = read_once(pieces).await;
    if !first.iter().any(is_unclear) {
        return first;
    }
    let (mut read, mut unclear) = (Vec::with_capacity(first.len()), Vec::new());
    for piece in first {
        if is_unclear(&piece) {
            unclear.push((read.len(), closely(&piece)));
        } else {
            read.push(piece);
        }
    }
    // From behind, so that the places before stay what they are.
    for (place, pieces) in unclear.into_iter().rev() {
        read.splice(place..place, read_once(pieces).await);
    }
    read
}

fn is_unclear(piece: &ReadPiece) -> bool {
    piece.read.as_ref().is_ok_and(ReadDocument::is_unclear)
}

async fn read_once(pieces: Vec<Piece>) -> Vec<ReadPiece> {
    let mut documents = Vec::with_capacity(pieces.len());
    let mut read = Vec::with_capacity(pieces.len());
    for Piece { place, body, is_checked } in pieces {
        match body {
            Ok(body) => {
                let body = Bytes::from(body);
                let source = Source::Backfill { place: place.clone() };
                documents.push(Document { body: body.clone(), source, is_checked });
                read.push((place, body, None));
            }
            Err(row) => read.push((place, Bytes::new(), Some(row))),
        }
    }
    let mut found = read_documents(documents, now()).await.into_iter();
    let piece = |(place, body, row): (String, Bytes, Option<ParkedRow>)| {
        let read = match row {
            Some(row) => Err(row),
            None => Ok(found.next()?),
        };
        Some(ReadPiece { place, body, read })
    };
    read.into_iter().filter_map(piece).collect()
}

/// Whatever stands on a line that is no single event.
fn closely(piece: &ReadPiece) -> Vec<Piece> {
    let (name, line) = piece.place.rsplit_once(':').unwrap_or((&piece.place, ""));
    let place = |line: u64| format!("{name}:{line}");
    let found = |found| match found {
        Ok(crate::backfill::Document { bytes, line, .. }) => {
            Piece { place: place(line), body: Ok(bytes), is_checked: true }
        }
        Err(ReadError::Unreadable { line, reason, text }) => {
            let row = String::from_utf8_lossy(&text).trim_end().to_owned();
            let row = ParkedRow::of_document(name, line, reason, row);
            Piece { place: place(line), body: Err(row), is_checked: true }
        }
        Err(other) => {
            let row = ParkedRow::of_document(name, 0, other.to_string(), String::new());
            Piece { place: piece.place.clone(), body: Err(row), is_checked: true }
        }
    };
    parts(piece.body.clone(), line.parse().unwrap_or(1)).map(found).collect()
}
