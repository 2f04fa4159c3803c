//! Sums that reports read, compared with the movements they were made of: how many, and what they come to.

use serde::Serialize;

use super::parts::{Entry, entry};
use crate::ledger::Ledger;
use crate::report::{AskError, Reporter};

/// A month whose kept sums are of other movements than stand.
#[derive(Serialize)]
pub(super) struct OtherSums {
    book: String,
    month: String,
    remedy: &'static str,
}

/// The first such month of each book.
pub(super) async fn other_sums(ledger: &Ledger, reporter: &Reporter) -> Result<Vec<OtherSums>, AskError> {
    let mut others = Vec::new();
    for book in ledger.books().await? {
        if let Some(month) = reporter.kept_of_others(&book).await? {
            others.push(OtherSums {
                book,
                month: month.to_string(),
                remedy: "make them from the movements with `upswell rollup --anew`, and please report it; until then \
                         `upswell report --from-postings` has the right figures",
            });
        }
    }
    Ok(others)
}

impl OtherSums {
    pub(super) fn entry(&self) -> Entry {
        let what = format!(
            "the sums kept of {} in book {} are not what its movements come to",
            self.month, self.book
        );
        entry(what, self.remedy)
    }
}
