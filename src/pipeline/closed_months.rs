//! What is proved of closed months (R24, R25): their books are those they were closed with, nothing was put
//! into them since, and the levels that were kept of customers are what their books make.

use std::collections::BTreeMap;

use super::Fault;
use crate::ledger::{
    Closing, Closings, KeptCustomer, Ledger, MonthAct, Posting, Wanted, books_digest, place,
};
use crate::mrr::{Currency, CustomerId, Delta, Month, Mrr, levels_before};

/// How often the book is read again that a month was closed in meanwhile.
const TRIES: usize = 5;

/// What customers hold, by currency.
type Sums = BTreeMap<(CustomerId, Currency), Delta>;

/// Proves a book's closed months; gives their number.
///
/// # Errors
///
/// [`Fault::Closed`], with the first month that differs; the store's.
pub(super) async fn verify(ledger: &Ledger, book: &str) -> Result<usize, Fault> {
    let mut tries = 0;
    let (acts, postings) = loop {
        let acts = ledger.month_acts(book).await?;
        if acts.is_empty() {
            return Ok(0);
        }
        let wanted = Wanted { book: Some(book.to_owned()), all: true, ..Wanted::default() };
        let postings = ledger.postings(&wanted).await?;
        if ledger.month_acts(book).await? == acts || tries == TRIES {
            break (acts, postings);
        }
        tries += 1;
    };
    nothing_was_added(book, &acts, &postings)?;
    let closings = Closings::after(&acts);
    let mut placed = postings;
    place(&mut placed, &closings);
    let mut books: BTreeMap<Month, Vec<&Posting>> = BTreeMap::new();
    for posting in &placed {
        books.entry(posting.posted_in).or_default().push(posting);
    }
    let mut before: Option<&Closing> = None;
    let mut held = Sums::new();
    let mut kept: BTreeMap<CustomerId, KeptCustomer> = BTreeMap::new();
    for closing in closings.all() {
        let postings = books.remove(&closing.month).unwrap_or_default();
        same_books(book, closing, before, &postings)?;
        if ledger.kept_digest(book, closing.seq).await? != closing.kept {
            return Err(differs(book, closing.month, "what was kept of its customers"));
        }
        for posting in &postings {
            let key = (posting.customer.clone(), posting.movement.currency.clone());
            *held.entry(key).or_default() += posting.movement.delta;
        }
        let after = before.map_or(0, |before| before.seq);
        kept.extend(ledger.kept(book, after, closing.seq).await?);
        levels_are_held(ledger, book, closing, (&kept, &held)).await?;
        before = Some(closing);
    }
    Ok(closings.all().count())
}

/// Every posting is in the books of the month that was open when it was posted.
fn nothing_was_added(book: &str, acts: &[MonthAct], postings: &[Posting]) -> Result<(), Fault> {
    let mut closings = Closings::default();
    let mut acts = acts.iter().peekable();
    for posting in postings {
        while let Some(act) = acts.next_if(|act| act.through_posting() < posting.seq) {
            closings.follow(act);
        }
        if closings.books_of(posting.month, posting.seq) != posting.posted_in {
            let (seq, posted_in) = (posting.seq, posting.posted_in);
            return Err(Fault::Closed {
                month: posted_in,
                book: book.to_owned(),
                what: format!(
                    "posting {seq} says that it was posted in its books, and it was not open then{RESTORE}"
                ),
            });
        }
    }
    Ok(())
}

fn same_books(
    book: &str,
    closing: &Closing,
    before: Option<&Closing>,
    postings: &[&Posting],
) -> Result<(), Fault> {
    let digest = books_digest(before.map(|before| before.digest.as_str()), postings)?;
    if digest == closing.digest && i64::try_from(postings.len()) == Ok(closing.postings) {
        return Ok(());
    }
    Err(differs(book, closing.month, "the digest of its books"))
}

/// The levels at the month's end are what all postings in its books and those before come to.
async fn levels_are_held(
    ledger: &Ledger,
    book: &str,
    closing: &Closing,
    (kept, held): (&BTreeMap<CustomerId, KeptCustomer>, &Sums),
) -> Result<(), Fault> {
    let Some(rules) = ledger.rules(&closing.rules).await? else {
        return Err(differs(book, closing.month, "the rules it was closed by"));
    };
    let end = closing.month.end(rules.zone);
    let mut levels = Sums::new();
    for (customer, kept) in kept {
        for level in levels_before(&kept.levels, end) {
            *levels.entry((customer.clone(), level.currency.clone())).or_default() += level.mrr - Mrr::ZERO;
        }
    }
    let differing = held.iter().find(|(key, sum)| levels.remove(*key).unwrap_or_default() != **sum);
    let left = levels.keys().next();
    match differing.map(|(key, _)| key).or(left) {
        None => Ok(()),
        Some((customer, currency)) => {
            let what = format!("the level that was kept of customer {customer} in {currency}");
            Err(differs(book, closing.month, &what))
        }
    }
}

const RESTORE: &str = "; the file was changed from outside: restore a backup";

fn differs(book: &str, month: Month, what: &str) -> Fault {
    let what = format!("{what} is not as it was closed{RESTORE}");
    Fault::Closed { month, book: book.to_owned(), what }
}
