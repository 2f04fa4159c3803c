//! What the books have learnt (R4), kept from settlement to settlement; and learning it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::Mutex;

use super::adopt::LeftOut;
use super::settle::{ENGINE, Heard, Settler};
use crate::ledger::{LearntSoFar, Ledger, LedgerError, NewLesson};
use crate::mrr::{Catalogue, Learnt};

/// Deliveries learnt from anew at a time.
const A_PAGE: usize = 1_000;

/// What each book has learnt, as far as this process has read it.
#[derive(Debug, Clone, Default)]
pub(super) struct Shelf(Arc<Mutex<BTreeMap<String, LearntSoFar>>>);

impl Shelf {
    /// What these books have learnt, up to the store's last lesson; only what is new is read.
    pub(super) async fn up_to_date(
        &self,
        ledger: &Ledger,
        books: BTreeSet<&str>,
    ) -> Result<BTreeMap<String, LearntSoFar>, LedgerError> {
        let mut shelf = self.0.lock().await;
        let mut asked = BTreeMap::new();
        for book in books {
            let known = shelf.entry(book.to_owned()).or_default();
            ledger.learn_on(book, known).await?;
            asked.insert(book.to_owned(), known.clone());
        }
        Ok(asked)
    }

    async fn forget(&self) {
        self.0.lock().await.clear();
    }
}

/// The configured catalogue with what a book has learnt and learns now.
pub(super) fn catalogue_with(
    configured: &Catalogue,
    book: &str,
    known: &LearntSoFar,
    lessons: &[NewLesson],
) -> Catalogue {
    let mut new = lessons.iter().filter(|lesson| lesson.book == book).peekable();
    let learnt = if new.peek().is_none() {
        Arc::clone(&known.learnt)
    } else {
        let mut learnt: Learnt = known.learnt.as_ref().clone();
        new.for_each(|lesson| learnt.add(lesson.fact.clone()));
        Arc::new(learnt)
    };
    Catalogue { learnt, ..configured.clone() }
}

impl Settler {
    /// Learns anew, from the stored bytes, what another version learnt from them.
    pub(super) async fn relearn(&self, left_out: &mut LeftOut) -> Result<(), LedgerError> {
        loop {
            let stored = self.ledger.taught_to_others(ENGINE, A_PAGE).await?;
            if stored.is_empty() {
                return Ok(());
            }
            let mut heard = Heard::default();
            stored.iter().for_each(|stored| left_out.listen(&mut heard, stored));
            let deliveries: Vec<i64> = stored.iter().map(|stored| stored.seq).collect();
            self.ledger.relearn(&deliveries, &heard.lessons, ENGINE).await?;
            self.shelf.forget().await;
        }
    }
}
