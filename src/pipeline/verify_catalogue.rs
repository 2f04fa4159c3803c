//! The catalogue's part of the proof (R25): what a book has learnt against the stored bytes, and as much
//! of it as a customer was derived with.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::settle::told_by;
use super::verify::Fault;
use crate::ledger::{Ledger, Taught};
use crate::mrr::Learnt;

/// Deliveries read at a time.
const A_PAGE: usize = 1_000;

/// The digests of the bytes that prove lessons, by event.
pub(super) type Proofs = Arc<BTreeMap<Arc<str>, Arc<str>>>;

/// A book's lessons, each checked against its bytes.
pub(super) struct Lessons {
    book: String,
    taught: Vec<Taught>,
    /// How many of them are in `learnt`.
    taken: usize,
    learnt: Arc<Learnt>,
    proofs: Proofs,
}

impl Lessons {
    /// The lessons of a book as the store holds them now.
    ///
    /// # Errors
    ///
    /// [`Fault::Catalogue`] if one of them is not what the bytes teach.
    pub(super) async fn of(ledger: &Ledger, book: &str) -> Result<Self, Fault> {
        let mut lessons = Self {
            book: book.to_owned(),
            taught: Vec::new(),
            taken: 0,
            learnt: Arc::default(),
            proofs: Proofs::default(),
        };
        lessons.read_on(ledger).await?;
        Ok(lessons)
    }

    /// What was learnt up to a number.
    ///
    /// # Errors
    ///
    /// As of [`Lessons::of`].
    pub(super) async fn until(&mut self, ledger: &Ledger, seq: i64) -> Result<Arc<Learnt>, Fault> {
        if self.taught.last().map_or(0, |last| last.seq) < seq {
            self.read_on(ledger).await?;
        }
        let count = self.taught.partition_point(|taught| taught.seq <= seq);
        if count < self.taken {
            self.learnt = Arc::default();
            self.taken = 0;
        }
        if count > self.taken {
            let learnt = Arc::make_mut(&mut self.learnt);
            self.taught[self.taken..count].iter().for_each(|taught| learnt.add(taught.fact.clone()));
            self.taken = count;
        }
        Ok(Arc::clone(&self.learnt))
    }

    /// What proves the lessons that were read.
    pub(super) fn proofs(&self) -> Proofs {
        Arc::clone(&self.proofs)
    }

    async fn read_on(&mut self, ledger: &Ledger) -> Result<(), Fault> {
        let last = self.taught.last().map_or(0, |last| last.seq);
        let new = ledger.taught(&self.book, last).await?;
        compare(ledger, &self.book, &new).await?;
        let proofs = new.iter().map(|taught| &taught.fact.evidence);
        Arc::make_mut(&mut self.proofs)
            .extend(proofs.map(|proof| (Arc::clone(&proof.event), Arc::clone(&proof.sha256))));
        self.taught.extend(new);
        Ok(())
    }
}

/// Every lesson against what its delivery's bytes teach.
async fn compare(ledger: &Ledger, book: &str, taught: &[Taught]) -> Result<(), Fault> {
    let mut by_delivery: BTreeMap<i64, Vec<&Taught>> = BTreeMap::new();
    for taught in taught {
        by_delivery.entry(taught.inbox_seq).or_default().push(taught);
    }
    let mut after = by_delivery.keys().next().map_or(0, |first| first - 1);
    while !by_delivery.is_empty() {
        let page = ledger.stored_lessons(book, after, A_PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        for stored in page {
            let told = told_by(&stored).map(|told| told.lessons).unwrap_or_default();
            for taught in by_delivery.remove(&stored.seq).unwrap_or_default() {
                let part = usize::try_from(taught.part).ok();
                if part.and_then(|part| told.get(part)) != Some(&taught.fact) {
                    return Err(Fault::Catalogue { event: stored.event_id, seq: stored.seq });
                }
            }
        }
    }
    match by_delivery.into_values().flatten().next() {
        Some(taught) => Err(unproved(taught)),
        None => Ok(()),
    }
}

fn unproved(taught: &Taught) -> Fault {
    Fault::Catalogue { event: taught.fact.evidence.event.to_string(), seq: taught.inbox_seq }
}
