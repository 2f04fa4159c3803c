//! Closing a month and opening it again (R24): one writing transaction each, so that no settlement comes
//! between what is digested and what is closed.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{FromQueryResult, Value};

use super::books::{CLOSED_CUSTOMER, books_digest, kept_digest, place};
use super::closing::{CLOSE, CLOSING, REOPEN};
use super::error::while_doing;
use super::limited::Transaction;
use super::sql::{one, statement};
use super::{Closing, Closings, KeptCustomer, Ledger, LedgerError, Posting, SettlementRules, Wanted, rules};
use crate::mrr::{Instant, Month};

/// What is to be closed.
#[derive(Debug, Clone)]
pub struct CloseOrder {
    /// The book.
    pub book: String,
    /// The month; every earlier one that is still open is closed with it.
    pub month: Month,
    /// The time of the run, in unix seconds.
    pub now: i64,
    /// The rules in force, by which all customers have to be settled.
    pub rules: SettlementRules,
    /// The metadata keys that reports are segmented by.
    pub segment_keys: BTreeSet<String>,
}

/// What a person should know of a book whose month is closed: counts of what may be missing in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, FromQueryResult)]
pub struct Doubts {
    /// Deliveries that can't be used by this version.
    pub parked: i64,
    /// Lines held at their last known level for want of something.
    pub incomplete: i64,
    /// Broken chains.
    pub broken_chains: i64,
    /// Customers that could not be derived.
    pub not_derived: i64,
}

/// What was closed.
#[derive(Debug, Clone)]
pub struct Closed {
    /// The months, in their order; the one asked for is the last.
    pub closings: Vec<Closing>,
    /// What may be missing in them.
    pub doubts: Doubts,
}

/// Why a month can't be closed or opened again.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// The store.
    #[error(transparent)]
    Store(#[from] LedgerError),
    /// The month still goes on.
    #[error(
        "{month} is not over yet in {zone}, the reporting time zone; close it once it is, or close the month before: \
         upswell close {}",
        month.minus(1)
    )]
    NotOver {
        /// The month.
        month: Month,
        /// The time zone.
        zone: chrono_tz::Tz,
    },
    /// It is closed already.
    #[error(
        "{month} of book {book} is closed already; show it with `upswell report --month {month}`, or open it again on \
         record: upswell reopen {month} --why \"TEXT\""
    )]
    AlreadyClosed {
        /// The book.
        book: String,
        /// The month.
        month: Month,
    },
    /// Nothing was posted up to it.
    #[error(
        "nothing in book {book} belongs to {month} or an earlier month, so there is nothing to close; \
         look at what there is with `upswell movements --book {book}`"
    )]
    Nothing {
        /// The book.
        book: String,
        /// The month.
        month: Month,
    },
    /// Deliveries wait.
    #[error(
        "{count} deliveries of book {book} are stored and not settled yet; let `upswell serve` settle them \
         (`upswell status --wait` tells when), then close again"
    )]
    Pending {
        /// The book.
        book: String,
        /// How many.
        count: i64,
    },
    /// Customers have to be derived again first.
    #[error(
        "{count} customers of book {book} are due to be derived again; let `upswell serve` do it, then close again"
    )]
    Due {
        /// The book.
        book: String,
        /// How many.
        count: i64,
    },
    /// Customers were settled by other rules than those configured.
    #[error(
        "{count} customers of book {book} were settled by another version, policy, catalogue or time zone than are \
         configured here; configure those, or let `upswell serve` or `upswell backfill` bring the ledger up to \
         these, then close again"
    )]
    OtherRules {
        /// The book.
        book: String,
        /// How many.
        count: i64,
    },
    /// It is open.
    #[error("{month} of book {book} is not closed, so there is nothing to open again; {closed}")]
    NotClosed {
        /// The book.
        book: String,
        /// The month.
        month: Month,
        /// What is closed.
        closed: String,
    },
}

/// How often the books are read without the write lock at most.
const TRIES: usize = 3;

#[derive(Debug, Clone, Default, FromQueryResult)]
pub(super) struct Waiting {
    pub(super) pending: i64,
    pub(super) due: i64,
    pub(super) other_rules: i64,
    revisions: i64,
    last_act: i64,
    last_posting: i64,
    last_delivery: i64,
    newest_fact: Option<i64>,
}

impl Ledger {
    /// Closes a month and every earlier one that is open, each with the digest of its books.
    ///
    /// The books are read and digested before the write lock is taken, so that deliveries are not kept waiting;
    /// if something was settled meanwhile they are read again, the last time holding it.
    ///
    /// # Errors
    ///
    /// [`CloseError`], with the remedy; nothing is closed then.
    pub async fn close_month(&self, order: &CloseOrder) -> Result<Closed, CloseError> {
        let mut drafted = self.draft(order).await?;
        for _ in 1..TRIES {
            if self.waiting_exactly(order).await?.is_as(&drafted.waiting) {
                break;
            }
            drafted = self.draft(order).await?;
        }
        // From here on, what is read can't change before the commit.
        let transaction = self.begin().await?;
        let waiting = self.waiting_exactly(order).await?;
        if !waiting.is_as(&drafted.waiting) {
            drafted = self.draft(order).await?;
        }
        waiting.refuse(order)?;
        rules::keep(&transaction, &order.rules, order.now).await?;
        let closings = drafted.write(&transaction, order, waiting.last_delivery).await?;
        transaction.commit().await.map_err(while_doing("close a month"))?;
        Ok(Closed { closings, doubts: self.doubts(&order.book).await? })
    }

    /// Opens a closed month again, and with it every later one; gives these, in their order. Nothing is
    /// removed: closing and reopening both stay on record.
    ///
    /// # Errors
    ///
    /// [`CloseError::NotClosed`]; the store's refusal.
    pub async fn reopen_month(
        &self,
        book: &str,
        month: Month,
        why: &str,
        now: i64,
    ) -> Result<Vec<Month>, CloseError> {
        let transaction = self.begin().await?;
        let closings = self.closings(book).await?;
        if closings.of(month).is_none() {
            let closed = closings.last().map_or_else(
                || "no month is".to_owned(),
                |last| format!("the last closed month is {}", last.month),
            );
            return Err(CloseError::NotClosed { book: book.to_owned(), month, closed });
        }
        let counts = self.counts().await?;
        let none = || Value::from(None::<String>);
        let row = vec![
            book.into(),
            month.to_string().into(),
            REOPEN.into(),
            now.into(),
            counts.last_posting.into(),
            counts.last_seq.into(),
            Value::from(None::<i64>),
            none(),
            none(),
            none(),
            Value::from(None::<i64>),
            none(),
            none(),
            why.into(),
        ];
        CLOSING.insert(&transaction, row).await?;
        transaction.commit().await.map_err(while_doing("open a month again"))?;
        Ok(closings.all().map(|closing| closing.month).filter(|closed| *closed >= month).collect())
    }

    /// What may be missing in a book's figures.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn doubts(&self, book: &str) -> Result<Doubts, LedgerError> {
        let sql = "SELECT (SELECT COUNT(*) FROM disposition d JOIN inbox i ON i.seq = d.inbox_seq \
                    WHERE d.outcome = 'parked' AND d.outcome <> 'settled' AND i.book = $1) AS parked, \
                   (SELECT COUNT(*) FROM finding WHERE book = $1 AND matter = 'incomplete') AS incomplete, \
                   (SELECT COUNT(*) FROM finding WHERE book = $1 AND matter = 'broken_chain') AS broken_chains, \
                   (SELECT COUNT(*) FROM customer WHERE book = $1 AND poisoned IS NOT NULL) AS not_derived";
        let doubts =
            one(self.reader(), "look for what is missing", statement(sql, vec![book.into()])).await?;
        Ok(doubts.unwrap_or_default())
    }

    /// What waits to be settled first.
    pub(super) async fn waiting(&self, order: &CloseOrder) -> Result<Waiting, LedgerError> {
        self.waiting_with("0", order).await
    }

    /// The same, with what tells whether anything was settled meanwhile: that takes a look at each customer.
    async fn waiting_exactly(&self, order: &CloseOrder) -> Result<Waiting, LedgerError> {
        self.waiting_with("(SELECT COALESCE(SUM(revision), 0) FROM customer WHERE book = $1)", order).await
    }

    /// Few wait, are due or were settled by other rules: they are found by that, and not among all of the book's.
    async fn waiting_with(&self, revisions: &str, order: &CloseOrder) -> Result<Waiting, LedgerError> {
        let sql = format!(
            "SELECT (SELECT COUNT(*) FROM pending p CROSS JOIN inbox i WHERE i.seq = p.inbox_seq AND i.book = $1) \
                    AS pending, \
                   (SELECT COUNT(*) FROM customer WHERE (book || '') = $1 AND due_at <= $2) AS due, \
                   (SELECT COUNT(*) FROM customer WHERE (book || '') = $1 AND (rules < $3 OR rules > $3)) \
                    AS other_rules, \
                   CAST({revisions} AS BIGINT) AS revisions, \
                   (SELECT COALESCE(MAX(seq), 0) FROM closing WHERE book = $1) AS last_act, \
                   (SELECT COALESCE(MAX(seq), 0) FROM posting) AS last_posting, \
                   (SELECT COALESCE(MAX(seq), 0) FROM inbox) AS last_delivery, \
                   COALESCE((SELECT through FROM told WHERE book = $1), (SELECT MAX(at) FROM fact WHERE book = $1)) \
                    AS newest_fact"
        );
        let values = vec![order.book.clone().into(), order.now.into(), order.rules.digest()?.into()];
        let row = one(self.reader(), "look for what waits", statement(sql, values)).await?;
        Ok(row.unwrap_or_default())
    }

    /// All that a closing writes, as the store stands.
    async fn draft(&self, order: &CloseOrder) -> Result<Draft, CloseError> {
        let waiting = self.waiting_exactly(order).await?;
        let closings = self.closings(&order.book).await?;
        refuse(order, &closings)?;
        waiting.refuse(order)?;
        let wanted = Wanted { book: Some(order.book.clone()), all: true, ..Wanted::default() };
        let mut postings = self.postings(&wanted).await?;
        place(&mut postings, &closings);
        let mut kept = self.changed(order).await?;
        let mut before = closings.last().map(|closing| closing.digest.clone());
        let mut months = Vec::new();
        for (month, postings) in books_of_months(order, &closings, &postings)? {
            let digest = books_digest(before.as_deref(), &postings)?;
            before = Some(digest.clone());
            // What is kept stands from the first month of the act on.
            let kept = std::mem::take(&mut kept);
            let closing = Closing {
                seq: 0,
                month,
                closed_at: Instant(order.now),
                through_posting: waiting.last_posting,
                through_delivery: 0,
                data_through: waiting.newest_fact.map(Instant),
                rules: order.rules.digest()?,
                segment_keys: order.segment_keys.clone(),
                postings: i64::try_from(postings.len()).unwrap_or(i64::MAX),
                digest,
                kept: kept_digest(kept.iter().map(|(customer, body)| (customer.as_str(), body.as_str()))),
            };
            months.push((closing, kept));
        }
        Ok(Draft { waiting, months })
    }

    /// The customers that are others than with the last closing, in their stored form.
    async fn changed(&self, order: &CloseOrder) -> Result<BTreeMap<String, String>, LedgerError> {
        let mut kept = self.kept_bodies(&order.book, 0, i64::MAX).await?;
        let mut changed = BTreeMap::new();
        for (customer, now) in self.to_keep(&order.book, &order.segment_keys).await? {
            let (customer, body) = (customer.to_string(), now.to_body()?);
            if kept.remove(&customer).as_ref() != Some(&body) {
                changed.insert(customer, body);
            }
        }
        // Of whom there is nothing any more, that is kept.
        let nothing = KeptCustomer::default().to_body()?;
        kept.retain(|_, body| *body != nothing);
        changed.extend(kept.into_keys().map(|customer| (customer, nothing.clone())));
        Ok(changed)
    }
}

/// What a closing is to write, and what the store held when it was worked out.
struct Draft {
    waiting: Waiting,
    /// The months, each with the customers that are kept with it.
    months: Vec<(Closing, BTreeMap<String, String>)>,
}

impl Draft {
    async fn write(
        self,
        db: &Transaction,
        order: &CloseOrder,
        through_delivery: i64,
    ) -> Result<Vec<Closing>, LedgerError> {
        let mut closed = Vec::with_capacity(self.months.len());
        for (closing, kept) in self.months {
            let mut closing = Closing { through_delivery, ..closing };
            for row in CLOSING.insert(db, close_values(order, &closing)?).await? {
                closing.seq = row.try_get("", "seq").map_err(while_doing("close a month"))?;
            }
            let rows = kept.into_iter().flat_map(|(customer, body)| {
                [Value::from(order.book.clone()), customer.into(), closing.seq.into(), body.into()]
            });
            CLOSED_CUSTOMER.insert(db, rows.collect()).await?;
            closed.push(closing);
        }
        Ok(closed)
    }
}

fn refuse(order: &CloseOrder, closings: &Closings) -> Result<(), CloseError> {
    let month = order.month;
    let zone = order.rules.zone;
    if month.end(zone) > Instant(order.now) {
        return Err(CloseError::NotOver { month, zone });
    }
    if closings.last().is_some_and(|last| month <= last.month) {
        return Err(CloseError::AlreadyClosed { book: order.book.clone(), month });
    }
    Ok(())
}

impl Waiting {
    /// Whether nothing was settled, closed or opened between the two.
    fn is_as(&self, other: &Self) -> bool {
        let stands = |of: &Self| (of.revisions, of.last_act, of.last_posting, of.newest_fact);
        stands(self) == stands(other)
    }

    fn refuse(&self, order: &CloseOrder) -> Result<(), CloseError> {
        let book = order.book.clone();
        match (self.pending, self.other_rules, self.due) {
            (0, 0, 0) => Ok(()),
            (0, 0, count) => Err(CloseError::Due { book, count }),
            (0, count, _) => Err(CloseError::OtherRules { book, count }),
            (count, ..) => Err(CloseError::Pending { book, count }),
        }
    }
}

/// The months to close with the postings of their books: from the first that is open, or the first that
/// anything belongs to.
fn books_of_months<'p>(
    order: &CloseOrder,
    closings: &Closings,
    postings: &'p [Posting],
) -> Result<BTreeMap<Month, Vec<&'p Posting>>, CloseError> {
    let first = match closings.last() {
        Some(last) => Some(last.month.next()),
        None => postings.iter().map(|posting| posting.month).min(),
    };
    let nothing = || CloseError::Nothing { book: order.book.clone(), month: order.month };
    let mut month = first.filter(|first| *first <= order.month).ok_or_else(nothing)?;
    let mut months = BTreeMap::new();
    while month <= order.month {
        months.insert(month, Vec::new());
        month = month.next();
    }
    for posting in postings {
        if let Some(books) = months.get_mut(&posting.posted_in) {
            books.push(posting);
        }
    }
    Ok(months)
}

fn close_values(order: &CloseOrder, closing: &Closing) -> Result<Vec<Value>, LedgerError> {
    let keys = serde_json::to_string(&closing.segment_keys)
        .map_err(|source| LedgerError::Unreadable { what: "the segments of a closing", source })?;
    Ok(vec![
        order.book.clone().into(),
        closing.month.to_string().into(),
        CLOSE.into(),
        order.now.into(),
        closing.through_posting.into(),
        closing.through_delivery.into(),
        closing.data_through.map(|at| at.0).into(),
        order.rules.zone.name().into(),
        closing.rules.clone().into(),
        keys.into(),
        closing.postings.into(),
        closing.digest.clone().into(),
        closing.kept.clone().into(),
        Value::from(None::<String>),
    ])
}
