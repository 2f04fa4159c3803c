//! Much at once, by customer and not by arrival: everything is stored first, what it says laid aside by customer,
//! and then each customer derived once, with all that came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;

use super::contained::says_contained;
use super::door::arrival_of;
use super::parallel::in_parallel;
use super::settle::{ENGINE, Heard, NoFacts, Settler, Told, gives_way, told_by, told_of};
use super::steps::{Steps, a_step};
use crate::ledger::{
    Acceptance, Arrival, Aside, CustomerKey, LAID_AT_MOST, LaidFact, Ledger, LedgerError, Posted, Run,
    Source, Stored,
};
use crate::mrr::{CatalogueFact, Instant};
use crate::stripe::{Delivery, EnvelopeError, Form};

/// Deliveries read from the store at a time.
const A_PAGE: usize = 2_000;
/// How long a claim lasts that is not kept up: a run that died holds up its deliveries no longer.
const CLAIM_SECONDS: i64 = 15;

/// A document of a backfill.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its bytes.
    pub body: Bytes,
    /// Where it stands.
    pub source: Source,
    /// Whether it is sure to be one document. One that is not sure and is no event is given back.
    pub is_checked: bool,
}

/// What became of a document.
#[derive(Debug)]
pub enum Fate {
    /// It is stored.
    Accepted {
        /// Its number in the inbox.
        seq: i64,
    },
    /// It was known.
    Known,
    /// Its event is known and says something else: it is kept aside.
    KeptAside,
    /// It is of another book than is fed.
    OtherBook,
    /// It is no JSON.
    Unreadable(EnvelopeError),
    /// It is not sure to be one document, and no event: look at it closely, and come back.
    Unclear,
}

/// A document with all that is read out of it, or why there is nothing.
enum Read {
    Whole(Box<(Arrival, Result<Said, NoFacts>)>),
    Not(Fate),
}

/// What a document says: facts in their stored form, and what its book learns.
struct Said {
    facts: Vec<LaidFact>,
    lessons: Vec<CatalogueFact>,
}

/// A run that stores and settles much.
#[derive(Debug)]
pub struct Bulk {
    settler: Settler,
    ledger: Ledger,
    run: Run,
    aside: Aside,
    laid: usize,
    /// The numbers of the deliveries whose facts are laid aside, from and to, in their order; those between that wait
    /// for nothing may be among them.
    seqs: Vec<(i64, i64)>,
    /// The claim lasts until then.
    until: i64,
    now: fn() -> i64,
    posted: Posted,
}

impl Bulk {
    /// Begins a run, with what is left of runs that broke off.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] of the store.
    pub async fn begin(settler: Settler, now: fn() -> i64) -> Result<Self, LedgerError> {
        let mut bulk = Self::start(settler, now).await?;
        bulk.take_up().await?;
        Ok(bulk)
    }

    async fn start(settler: Settler, now: fn() -> i64) -> Result<Self, LedgerError> {
        let ledger = settler.ledger().clone();
        let until = now() + CLAIM_SECONDS;
        let run = ledger.begin_run(until).await?;
        let aside = ledger.aside();
        ledger.take_over(run, now()).await?;
        Ok(Self {
            settler,
            ledger,
            run,
            aside,
            laid: 0,
            seqs: Vec::new(),
            until,
            now,
            posted: Posted::default(),
        })
    }

    /// Settles all that waits and nobody claims, by customer.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] of the store; what was settled before it stays settled.
    pub async fn settle_waiting(settler: Settler, now: fn() -> i64) -> Result<Posted, LedgerError> {
        let mut bulk = Self::start(settler, now).await?;
        bulk.ledger.take_unclaimed(bulk.run).await?;
        bulk.take_up().await?;
        bulk.end().await
    }

    /// Lays aside what is the run's own and lies in the store.
    async fn take_up(&mut self) -> Result<(), LedgerError> {
        let mut last = 0;
        loop {
            let page = self.ledger.pending_of(self.run, last, A_PAGE).await?;
            let Some(newest) = page.last() else { return Ok(()) };
            last = newest.seq;
            let heard = in_parallel(page, |stored: Stored| {
                let said = said(&stored.book, told_by(&stored));
                (stored.seq, stored.book, said)
            });
            let mut sorted = Heard::default();
            for (seq, book, said) in heard.await {
                self.sort(seq, &book, said?, &mut sorted)?;
            }
            self.tell(sorted).await?;
            self.keep_claim().await?;
            self.settle_much().await?;
        }
    }

    /// Settles all that it stored, and gives what was posted since it was asked last.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] of the store; what was settled before it stays settled.
    pub async fn settle(&mut self) -> Result<Posted, LedgerError> {
        self.settle_laid().await?;
        // What concerns several customers at once, and whose time has come.
        self.ledger.release(self.run).await?;
        self.posted += self.settler.settle((self.now)()).await?.posted;
        Ok(std::mem::take(&mut self.posted))
    }

    /// Settles what is left, also of runs that broke off just now, gives what that posted, and ends.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] of the store; what was settled before it stays settled.
    pub async fn end(mut self) -> Result<Posted, LedgerError> {
        self.settle_laid().await?;
        self.settle_what_others_left().await?;
        let posted = self.settle().await?;
        self.ledger.end_run(self.run).await?;
        Ok(posted)
    }

    /// A run that was stopped just now claims what it stored for some time yet: that is waited for. One that keeps
    /// its claim up lives, and settles its own.
    async fn settle_what_others_left(&mut self) -> Result<(), LedgerError> {
        while let Some(until) = self.ledger.claimed_beside(self.run).await? {
            let left = u64::try_from(until - (self.now)()).unwrap_or(0);
            tokio::time::sleep(Duration::from_secs(left.min(CLAIM_SECONDS.unsigned_abs()))).await;
            if self.ledger.claimed_beside(self.run).await?.is_some_and(|later| later > until) {
                return Ok(());
            }
            self.ledger.take_over(self.run, until).await?;
            self.take_up().await?;
            self.settle_laid().await?;
        }
        Ok(())
    }

    /// Stores documents, those of one book if that is given, and says of each what became of it, in their order.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] of the store; what was stored before it stays stored.
    pub async fn store(
        &mut self,
        mut read: Vec<ReadDocument>,
        book: Option<&str>,
    ) -> Result<Vec<Fate>, LedgerError> {
        let mut fates = Vec::with_capacity(read.len());
        while !read.is_empty() {
            let rest = read.split_off(read.len().min(a_step(&self.ledger)));
            fates.append(&mut self.store_at_once(read, book).await?);
            read = rest;
        }
        self.settle_much().await?;
        Ok(fates)
    }

    async fn store_at_once(
        &mut self,
        read: Vec<ReadDocument>,
        book: Option<&str>,
    ) -> Result<Vec<Fate>, LedgerError> {
        let mut fates = Vec::with_capacity(read.len());
        let (mut arrivals, mut told) = (Vec::with_capacity(read.len()), Vec::with_capacity(read.len()));
        for document in read {
            match document.0? {
                Read::Not(fate) => fates.push(fate),
                Read::Whole(read) if book.is_some_and(|book| book != read.0.book) => {
                    fates.push(Fate::OtherBook);
                }
                Read::Whole(read) => {
                    let (arrival, says) = *read;
                    told.push((fates.len(), arrival.book.clone(), says));
                    arrivals.push(arrival);
                    fates.push(Fate::Known);
                }
            }
        }
        self.until = (self.now)() + CLAIM_SECONDS;
        let accepted = match arrivals.is_empty() {
            true => Vec::new(),
            false => self.ledger.accept_for(self.run, &arrivals, says_contained, self.until).await?,
        };
        let mut sorted = Heard::default();
        for (acceptance, (place, book, said)) in accepted.into_iter().zip(told) {
            let fate = match acceptance {
                Acceptance::New { seq } => {
                    self.sort(seq, &book, said, &mut sorted)?;
                    Fate::Accepted { seq }
                }
                Acceptance::Duplicate { .. } => Fate::Known,
                Acceptance::Conflict => Fate::KeptAside,
            };
            if let Some(at) = fates.get_mut(place) {
                *at = fate;
            }
        }
        self.tell(sorted).await?;
        Ok(fates)
    }

    /// Settles what is laid aside, if that is much: the more of a customer's history is there, the fewer times it is
    /// derived.
    async fn settle_much(&mut self) -> Result<(), LedgerError> {
        if self.laid >= LAID_AT_MOST { self.settle_laid().await } else { Ok(()) }
    }

    /// Puts what says nothing of customers, and what books learn, into `sorted`, and lays the rest aside.
    fn sort(
        &mut self,
        seq: i64,
        book: &str,
        said: Result<Said, NoFacts>,
        sorted: &mut Heard,
    ) -> Result<(), LedgerError> {
        let Said { facts, lessons } = match said {
            Ok(said) => said,
            Err(none) => {
                self.pass_over(seq);
                sorted.hear(seq, book, Err(none));
                return Ok(());
            }
        };
        let customers: BTreeSet<&CustomerKey> = facts.iter().map(|fact| &fact.key).collect();
        let how_many = customers.len();
        let mut heard = Heard::default();
        heard.hear(seq, book, Ok(Told { facts: Vec::new(), lessons }));
        sorted.lessons.append(&mut heard.lessons);
        match how_many {
            0 => {
                self.pass_over(seq);
                sorted.dispositions.append(&mut heard.dispositions);
            }
            // It is settled with its customer.
            1 => {
                self.pass_over(seq);
                self.laid += facts.len();
                facts.into_iter().try_for_each(|fact| self.aside.lay(fact.stored_as(seq)))?;
            }
            // It is settled with all of its customers or with none: that is left to the usual way.
            _ => {}
        }
        Ok(())
    }

    /// A delivery's number is among those that are settled once all that is laid aside is.
    fn pass_over(&mut self, seq: i64) {
        match self.seqs.last_mut() {
            Some((_, last)) if *last + 1 == seq => *last = seq,
            _ => self.seqs.push((seq, seq)),
        }
    }

    /// Settles what says nothing of customers; what books learn is there before their customers are settled.
    async fn tell(&mut self, mut sorted: Heard) -> Result<(), LedgerError> {
        let mut overtaken = 0;
        while !(sorted.dispositions.is_empty() && sorted.lessons.is_empty()) {
            match self.settler.post(BTreeMap::new(), sorted.clone(), (self.now)()).await {
                // What somebody settled meanwhile is no part of it.
                Err(error) if gives_way(&error, &mut overtaken) => {
                    let told = sorted.dispositions.iter().map(|told| told.inbox_seq);
                    let seqs: Vec<i64> = told.chain(sorted.lessons.iter().map(|new| new.inbox_seq)).collect();
                    let pending = self.ledger.still_pending(&seqs).await?;
                    sorted.dispositions.retain(|told| pending.contains(&told.inbox_seq));
                    sorted.lessons.retain(|new| pending.contains(&new.inbox_seq));
                }
                posted => {
                    self.posted += posted?;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Settles what is laid aside. Deliveries are marked at the end, in their own order: marked with their customers,
    /// each step would touch every page of marks. A run that breaks off before that leaves them waiting, and
    /// settled again they change nothing (R22).
    async fn settle_laid(&mut self) -> Result<(), LedgerError> {
        let laid = std::mem::replace(&mut self.aside, self.ledger.aside());
        self.laid = 0;
        let steps = Steps::new(self.settler.clone(), self.now);
        let mut derived = steps.derive_ahead(laid);
        while let Some(step) = derived.recv().await {
            self.keep_claim().await?;
            self.posted += steps.write(step?).await?;
        }
        let seqs = std::mem::take(&mut self.seqs);
        self.ledger.mark_settled(self.run, &seqs, ((self.now)(), ENGINE)).await
    }

    /// Keeps the claim up, once half of it is over.
    async fn keep_claim(&mut self) -> Result<(), LedgerError> {
        let now = (self.now)();
        if self.until - now > CLAIM_SECONDS / 2 {
            return Ok(());
        }
        self.until = now + CLAIM_SECONDS;
        self.ledger.keep_claim(self.run, self.until).await
    }
}

/// A document with all that is to be read of it, ready to be stored.
pub struct ReadDocument(Result<Read, LedgerError>);

impl ReadDocument {
    /// Whether it is not sure to be one document, and no event: it is to be looked at closely.
    #[must_use]
    pub fn is_unclear(&self) -> bool {
        matches!(self.0, Ok(Read::Not(Fate::Unclear)))
    }
}

/// Reads documents that come at an instant, on all cores.
pub async fn read_documents(batch: Vec<Document>, now: i64) -> Vec<ReadDocument> {
    in_parallel(batch, move |document| ReadDocument(read_document(document, now))).await
}

fn read_document(document: Document, now: i64) -> Result<Read, LedgerError> {
    let Document { body, source, is_checked } = document;
    let is_event = |form| matches!(form, Form::Snapshot | Form::Thin | Form::EventBridge | Form::EventGrid);
    match Delivery::read(&body) {
        Ok(delivery) if !is_checked && !is_event(delivery.envelope.form) => Ok(Read::Not(Fate::Unclear)),
        Err(_) if !is_checked => Ok(Read::Not(Fate::Unclear)),
        Err(error) => Ok(Read::Not(Fate::Unreadable(error))),
        Ok(delivery) => {
            let arrival = arrival_of(&delivery, &body, None, now, source);
            let told = told_of(&delivery, &hex::encode(arrival.sha256), Instant(now));
            let said = said(&arrival.book, told)?;
            Ok(Read::Whole(Box::new((arrival, said))))
        }
    }
}

/// What a delivery says in a book, its facts in their stored form.
fn said(book: &str, told: Result<Told, NoFacts>) -> Result<Result<Said, NoFacts>, LedgerError> {
    let Told { facts, lessons } = match told {
        Ok(told) => told,
        Err(none) => return Ok(Err(none)),
    };
    let facts =
        (0..).zip(&facts).map(|(part, fact)| LaidFact::of(book, part, fact)).collect::<Result<_, _>>()?;
    Ok(Ok(Said { facts, lessons }))
}
