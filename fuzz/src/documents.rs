//! What has to hold for every file that is read for backfill.

use std::io::{self, Read};

use crate::backfill::{Document, documents};

/// Beginnings of compressed files, whose documents are no part of the bytes as they are.
const COMPRESSED: [&[u8]; 2] = [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd]];

/// Gives its bytes in small pieces, so that boundaries fall anywhere.
struct Pieces {
    bytes: Vec<u8>,
    at: usize,
    size: usize,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.size.min(into.len()).min(self.bytes.len() - self.at);
        into[..count].copy_from_slice(&self.bytes[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// Reads a file whole and in pieces: both give the same documents, each a JSON object, each a part of
/// the file, in their order; and reading ends. Of a compressed file that is broken one reading may get
/// further than the other.
pub fn check(file: &[u8]) {
    let Some((&first, file)) = file.split_first() else { return };
    let whole = documents_of(file, usize::MAX);
    let in_pieces = documents_of(file, usize::from(first % 16) + 1);
    if COMPRESSED.iter().any(|magic| file.starts_with(magic)) {
        assert!(whole.iter().zip(&in_pieces).all(|(one, other)| one == other));
        return;
    }
    assert_eq!(in_pieces, whole);
    let mut rest = file;
    for document in &whole {
        let Document { bytes, .. } = document;
        let at = rest.windows(bytes.len()).position(|part| part == bytes);
        rest = &rest[at.expect("a document is a part of its file, behind those before it") + bytes.len()..];
        let json: serde_json::Result<serde::de::IgnoredAny> = serde_json::from_slice(bytes);
        assert!(json.is_ok() && bytes.first() == Some(&b'{'));
    }
}

fn documents_of(file: &[u8], size: usize) -> Vec<Document> {
    let Ok(source) = documents(Pieces { bytes: file.to_vec(), at: 0, size }) else { return Vec::new() };
    let mut found = Vec::new();
    let (mut told, mut line) = (0, 1);
    let mut is_over = false;
    for document in source {
        assert!(!is_over, "reading went on after an error that ends it");
        told += 1;
        match document {
            Ok(document) => {
                assert_eq!(document.index, found.len() as u64 + 1);
                assert!(document.line >= line, "lines go back");
                line = document.line;
                found.push(document);
            }
            Err(error) => is_over = !error.is_about_one_document(),
        }
        // A file of so many bytes has no more documents and flaws than bytes; a bomb may.
        let is_plain = !COMPRESSED.iter().any(|magic| file.starts_with(magic));
        assert!(!is_plain || told <= file.len() + 1, "reading does not end");
    }
    found
}
