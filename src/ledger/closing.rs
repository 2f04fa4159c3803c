//! Which months are closed (R24): closings and reopenings, which are only ever added, and into whose
//! books a posting therefore goes.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, FromQueryResult};

use super::sql::{Table, all, statement};
use super::{Ledger, LedgerError};
use crate::mrr::{Instant, Month};

/// A month as it was closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// Its place among closings and reopenings.
    pub seq: i64,
    /// The month.
    pub month: Month,
    /// When it was closed.
    pub closed_at: Instant,
    /// The last posting there was: what was posted later is not in its books.
    pub through_posting: i64,
    /// The last delivery there was.
    pub through_delivery: i64,
    /// The newest fact behind its figures.
    pub data_through: Option<Instant>,
    /// The digest of the rules that its customers were settled by.
    pub rules: String,
    /// The metadata keys that reports were segmented by.
    pub segment_keys: BTreeSet<String>,
    /// How many postings went into its books.
    pub postings: i64,
    /// The digest over them, and over the digest of the month before, if that was closed then.
    pub digest: String,
    /// The digest over what was kept of customers with this closing.
    pub kept: String,
}

/// Something done to a book's months, in the order it was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MonthAct {
    /// A month was closed.
    Close(Closing),
    /// A month and every later one were opened again.
    Reopen {
        /// The first of them.
        month: Month,
        /// When.
        at: Instant,
        /// The last posting there was.
        through_posting: i64,
        /// Why.
        why: String,
    },
}

impl MonthAct {
    /// The last posting there was when it was done.
    #[must_use]
    pub fn through_posting(&self) -> i64 {
        match self {
            Self::Close(closing) => closing.through_posting,
            Self::Reopen { through_posting, .. } => *through_posting,
        }
    }
}

/// A book's closed months: those whose closing no reopening undid, without a gap between them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Closings {
    months: BTreeMap<Month, Closing>,
}

impl Closings {
    /// What acts come to, one after the other.
    #[must_use]
    pub fn after(acts: &[MonthAct]) -> Self {
        let mut closings = Self::default();
        acts.iter().for_each(|act| closings.follow(act));
        closings
    }

    /// What one more act makes of it.
    pub fn follow(&mut self, act: &MonthAct) {
        match act {
            MonthAct::Close(closing) => {
                self.months.insert(closing.month, closing.clone());
            }
            MonthAct::Reopen { month, .. } => {
                self.months.split_off(month);
            }
        }
    }

    /// The closing of a month; `None` while it is open. A month before the first that was closed is closed
    /// with it, its books empty.
    #[must_use]
    pub fn of(&self, month: Month) -> Option<Closing> {
        let (first, closing) = self.months.first_key_value()?;
        if month < *first {
            return Some(Closing { month, postings: 0, ..closing.clone() });
        }
        self.months.get(&month).cloned()
    }

    /// The closings, by month.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Closing> {
        self.months.values()
    }

    /// The last closed month.
    #[must_use]
    pub fn last(&self) -> Option<&Closing> {
        self.months.values().next_back()
    }

    /// The month whose books a posting is in, by the month it belongs to and its place in the ledger: its
    /// own, unless that was closed before it was posted; then the first that was still open.
    ///
    /// A month that is opened and closed again takes in what was posted for it meanwhile.
    #[must_use]
    pub fn books_of(&self, month: Month, posting: i64) -> Month {
        let open = self.months.range(month..).find(|(_, closing)| posting <= closing.through_posting);
        match (open, self.last()) {
            (Some((open, _)), _) => *open,
            (None, Some(last)) => month.max(last.month.next()),
            (None, None) => month,
        }
    }
}

/// The first open month of each book that has a closed one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct OpenMonths(BTreeMap<String, Month>);

impl OpenMonths {
    /// The month whose books a posting of now goes into.
    pub(super) fn books_of(&self, book: &str, month: Month) -> Month {
        self.0.get(book).map_or(month, |open| month.max(*open))
    }
}

#[derive(FromQueryResult)]
struct ActRow {
    seq: i64,
    book: String,
    month: String,
    act: String,
    acted_at: i64,
    through_posting: i64,
    through_delivery: i64,
    data_through: Option<i64>,
    rules: Option<String>,
    segment_keys: Option<String>,
    postings: Option<i64>,
    digest: Option<String>,
    kept: Option<String>,
    why: Option<String>,
}

/// The words of acts, as rows hold them.
pub(super) const CLOSE: &str = "close";
pub(super) const REOPEN: &str = "reopen";

/// The table as acts are added to it.
pub(super) const CLOSING: Table = Table {
    name: "closing",
    columns: &[
        "book",
        "month",
        "act",
        "acted_at",
        "through_posting",
        "through_delivery",
        "data_through",
        "zone",
        "rules",
        "segment_keys",
        "postings",
        "digest",
        "kept",
        "why",
    ],
    tail: "RETURNING seq",
};

const ACTS: &str = "SELECT seq, book, month, act, acted_at, through_posting, through_delivery, data_through, rules, \
                    segment_keys, postings, digest, kept, why FROM closing";

impl Ledger {
    /// All that was done to a book's months, in the order it was done.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn month_acts(&self, book: &str) -> Result<Vec<MonthAct>, LedgerError> {
        acts_of(self.reader(), book).await
    }

    /// A book's closed months.
    ///
    /// # Errors
    ///
    /// As of [`Ledger::month_acts`].
    pub async fn closings(&self, book: &str) -> Result<Closings, LedgerError> {
        Ok(Closings::after(&self.month_acts(book).await?))
    }
}

/// All that was done to a book's months.
pub(super) async fn acts_of<C: ConnectionTrait>(db: &C, book: &str) -> Result<Vec<MonthAct>, LedgerError> {
    let sql = format!("{ACTS} WHERE book = $1 ORDER BY seq");
    let rows: Vec<ActRow> = all(db, "read its closings", statement(sql, vec![book.into()])).await?;
    rows.into_iter().map(ActRow::restore).collect()
}

/// The first open month of each book, as a settlement has to know it: read in its own transaction, so that
/// no closing comes between.
pub(super) async fn open_months<C: ConnectionTrait>(db: &C) -> Result<OpenMonths, LedgerError> {
    let sql = format!("{ACTS} ORDER BY seq");
    let rows: Vec<ActRow> = all(db, "read its closings", statement(sql, Vec::new())).await?;
    let mut books: BTreeMap<String, Closings> = BTreeMap::new();
    for row in rows {
        books.entry(row.book.clone()).or_default().follow(&row.restore()?);
    }
    let open = |(book, closings): (String, Closings)| Some((book, closings.last()?.month.next()));
    Ok(OpenMonths(books.into_iter().filter_map(open).collect()))
}

fn keys(json: &str) -> Result<BTreeSet<String>, LedgerError> {
    serde_json::from_str(json)
        .map_err(|source| LedgerError::Unreadable { what: "the segments of a closing", source })
}

impl ActRow {
    fn restore(self) -> Result<MonthAct, LedgerError> {
        let unknown = |what, word: &str| LedgerError::UnknownWord { what, word: word.to_owned() };
        let month = Month::parse(&self.month).ok_or_else(|| unknown("month", &self.month))?;
        match self.act.as_str() {
            CLOSE => Ok(MonthAct::Close(Closing {
                seq: self.seq,
                month,
                closed_at: Instant(self.acted_at),
                through_posting: self.through_posting,
                through_delivery: self.through_delivery,
                data_through: self.data_through.map(Instant),
                rules: self.rules.unwrap_or_default(),
                segment_keys: keys(self.segment_keys.as_deref().unwrap_or("[]"))?,
                postings: self.postings.unwrap_or_default(),
                digest: self.digest.unwrap_or_default(),
                kept: self.kept.unwrap_or_default(),
            })),
            REOPEN => Ok(MonthAct::Reopen {
                month,
                at: Instant(self.acted_at),
                through_posting: self.through_posting,
                why: self.why.unwrap_or_default(),
            }),
            word => Err(unknown("act on a month", word)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn month(text: &str) -> Month {
        Month::parse(text).unwrap()
    }

    fn closed(text: &str, through_posting: i64) -> MonthAct {
        MonthAct::Close(Closing {
            seq: 1,
            month: month(text),
            closed_at: Instant(0),
            through_posting,
            through_delivery: 0,
            data_through: None,
            rules: String::new(),
            segment_keys: BTreeSet::new(),
            postings: 0,
            digest: String::new(),
            kept: String::new(),
        })
    }

    fn reopened(text: &str, through_posting: i64) -> MonthAct {
        MonthAct::Reopen { month: month(text), at: Instant(0), through_posting, why: String::new() }
    }

    #[test]
    fn what_comes_late_is_in_the_books_of_the_first_month_that_was_still_open() {
        let closings = Closings::after(&[closed("2026-09", 10), closed("2026-10", 20)]);
        let books = |of, posting| closings.books_of(month(of), posting).to_string();
        assert_eq!(books("2026-09", 10), "2026-09");
        assert_eq!(books("2026-09", 11), "2026-10");
        assert_eq!(books("2026-09", 21), "2026-11");
        assert_eq!(books("2026-10", 20), "2026-10");
        assert_eq!(books("2026-10", 21), "2026-11");
        assert_eq!(books("2026-12", 21), "2026-12");
        assert_eq!(books("2020-01", 11), "2026-10", "older history than the first closed month");
        assert_eq!(Closings::default().books_of(month("2026-09"), 1), month("2026-09"));
    }

    #[test]
    fn a_month_that_is_closed_again_takes_in_what_was_posted_for_it_meanwhile() {
        let mut acts = vec![closed("2026-09", 10), closed("2026-10", 20), reopened("2026-10", 30)];
        let closings = Closings::after(&acts);
        assert_eq!(closings.last().unwrap().month, month("2026-09"));
        assert_eq!(closings.books_of(month("2026-10"), 25), month("2026-10"));
        acts.push(closed("2026-10", 40));
        let closings = Closings::after(&acts);
        assert_eq!(closings.books_of(month("2026-10"), 25), month("2026-10"));
        assert_eq!(closings.books_of(month("2026-09"), 25), month("2026-10"));
        assert_eq!(closings.books_of(month("2026-10"), 41), month("2026-11"));
    }

    #[test]
    fn a_reopening_opens_every_later_month_too() {
        let acts =
            [closed("2026-08", 5), closed("2026-09", 10), closed("2026-10", 20), reopened("2026-09", 30)];
        assert_eq!(Closings::after(&acts).last().unwrap().month, month("2026-08"));
    }
}
