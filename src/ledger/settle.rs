//! The settlement: facts, the difference to what stands, what follows from it, and the dispositions,
//! all in one transaction (R22).

use std::collections::BTreeMap;
use std::ops::AddAssign;

use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::catalogue::{AskRow, NewLesson, Questions, asks_of};
use super::closing::OpenMonths;
use super::customer::names;
use super::error::while_doing;
use super::fact::FACT;
use super::level::{StoodLevel, levels_since};
use super::limited::Transaction;
use super::mirror::{self, write};
use super::open::run;
use super::posting::{Entry, POSTING, Posting, movement_id, reversal, standing, values};
use super::project::Projections;
use super::sql::{KEYS_A_STATEMENT, Table, all, marks, statement};
use super::{
    CustomerKey, Ledger, LedgerError, NewFact, SettlementRules, closing, fact, project, rules, touched,
};
use crate::mrr::{CustomerId, Derivation, Instant, Month};

/// What a delivery came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its facts are in their timelines, what it teaches is in the catalogue.
    Settled,
    /// It says nothing about recurring revenue.
    Ignored,
    /// It can't be used by this version.
    Parked,
}

impl Outcome {
    /// The word as rows hold it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Ignored => "ignored",
            Self::Parked => "parked",
        }
    }
}

/// A delivery's outcome, and why.
#[derive(Debug, Clone)]
pub struct Disposition {
    /// The delivery.
    pub inbox_seq: i64,
    /// What it came to.
    pub outcome: Outcome,
    /// Why, unless it is settled.
    pub reason: Option<String>,
    /// Where it does not fit, if it is parked.
    pub path: Option<String>,
}

/// What a customer was derived to.
#[derive(Debug, Clone)]
pub struct CustomerSettlement {
    /// Who.
    pub key: CustomerKey,
    /// How often it had been settled when it was derived: another number now means it was overtaken.
    pub revision: i64,
    /// The checkpoint that it was derived from: what stands up to it is left alone.
    pub since: Option<Instant>,
    /// Whether the settlement's facts are its whole timeline, read anew from the stored bytes.
    pub is_reread: bool,
    /// What the derivation gives, or why there is none.
    pub derivation: Result<Derivation, String>,
}

/// Everything that one transaction settles.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The time of the run.
    pub now: i64,
    /// What the customers are derived by.
    pub rules: SettlementRules,
    /// What deliveries came to.
    pub dispositions: Vec<Disposition>,
    /// What they say.
    pub facts: Vec<NewFact>,
    /// What they teach.
    pub lessons: Vec<NewLesson>,
    /// The number of the last lesson, beside those, that each book's customers were derived with.
    pub learnt: BTreeMap<String, i64>,
    /// What that makes of customers.
    pub customers: Vec<CustomerSettlement>,
}

/// What a settlement posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Posted {
    /// New postings.
    pub posted: usize,
    /// Postings that were taken back.
    pub reversed: usize,
}

impl AddAssign for Posted {
    fn add_assign(&mut self, more: Self) {
        self.posted += more.posted;
        self.reversed += more.reversed;
    }
}

const DISPOSITION: Table = Table {
    name: "disposition",
    columns: &["inbox_seq", "outcome", "reason", "path", "decided_at", "engine"],
    tail: "ON CONFLICT (inbox_seq) DO UPDATE SET outcome = excluded.outcome, reason = excluded.reason, \
           path = excluded.path, decided_at = excluded.decided_at, engine = excluded.engine",
};

const CUSTOMER: Table = Table {
    name: "customer",
    columns: &[
        "book",
        "customer",
        "revision",
        "checkpoint",
        "checkpoint_at",
        "due_at",
        "poisoned",
        "settled_at",
        "rules",
        "catalogue_seq",
    ],
    tail: "ON CONFLICT (book, customer) DO UPDATE SET revision = excluded.revision, \
           checkpoint = CASE WHEN excluded.checkpoint IS NULL AND excluded.checkpoint_at = customer.checkpoint_at \
           THEN customer.checkpoint ELSE excluded.checkpoint END, checkpoint_at = excluded.checkpoint_at, due_at = excluded.due_at, \
           poisoned = excluded.poisoned, settled_at = excluded.settled_at, rules = excluded.rules, \
           catalogue_seq = excluded.catalogue_seq",
};

/// What stands of a customer that was settled before.
#[derive(Default)]
struct Stood {
    row: Option<RevisionRow>,
    postings: Vec<Posting>,
    levels: Vec<StoodLevel>,
    asks: Vec<AskRow>,
}

/// The rows of a settlement, but those of its facts.
#[derive(Default)]
struct Rows {
    posted: Posted,
    postings: Vec<Value>,
    projections: Projections,
    questions: Questions,
    customers: Vec<Value>,
    dispositions: Vec<Value>,
}

/// What rows name rules and policy by.
struct Digests {
    policy: String,
    rules: String,
}

#[derive(FromQueryResult)]
struct RevisionRow {
    customer: String,
    revision: i64,
    checkpoint_at: Option<i64>,
}

impl Ledger {
    /// Settles everything in one transaction: either all of it is in the ledger, or nothing. What is
    /// settled again posts nothing.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Overtaken`] if a customer was settled meanwhile, or its book learnt something
    /// (derive again); else the store's refusal, or an amount that does not fit.
    pub async fn settle(&self, settlement: &mut Settlement) -> Result<Posted, LedgerError> {
        let transaction = self.begin().await?;
        let posted = settlement.write(&transaction).await?;
        transaction.commit().await.map_err(while_doing("settle"))?;
        Ok(posted)
    }

    /// The customers of a settlement, by their places in it, of which something stands that can't be read.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn unreadable_in(
        &self,
        settlement: &Settlement,
    ) -> Result<Vec<(usize, LedgerError)>, LedgerError> {
        let mut unreadable = Vec::new();
        for (place, customer) in settlement.customers.iter().enumerate() {
            if customer.derivation.is_err() {
                continue;
            }
            match settlement.stood(self.reader(), |one| one.key == customer.key).await {
                Err(error) if error.is_of_a_row() => unreadable.push((place, error)),
                stood => drop(stood?),
            }
        }
        Ok(unreadable)
    }
}

impl Settlement {
    async fn write(&mut self, db: &Transaction) -> Result<Posted, LedgerError> {
        rules::keep(db, &self.rules, self.now).await?;
        let learnt = self.learn(db).await?;
        touched::touch(db, self).await?;
        for customer in self.customers.iter().filter(|customer| customer.is_reread) {
            fact::forget(db, &customer.key).await?;
        }
        let facts = fact::rows(&mut self.facts)?;
        // While the store adds the facts, the other rows are made.
        let (added, rows) = tokio::join!(FACT.insert(db, facts), self.rows(db, &learnt));
        let (_, mut rows) = (added?, rows?);
        touched::tell(db, self).await?;
        self.clear(db).await?;
        POSTING.insert(db, rows.postings).await?;
        rows.projections.insert(db).await?;
        rows.projections.attributes(db, &self.facts).await?;
        rows.questions.insert(db).await?;
        CUSTOMER.insert(db, rows.customers).await?;
        self.heal(db, &learnt).await?;
        DISPOSITION.insert(db, rows.dispositions).await?;
        self.clear_pending(db).await?;
        Ok(rows.posted)
    }

    /// All rows but those of facts, made from what stands of the customers.
    async fn rows(&self, db: &Transaction, learnt: &BTreeMap<String, i64>) -> Result<Rows, LedgerError> {
        let open = closing::open_months(db).await?;
        let mut stood = self.stood(db, |_| true).await?;
        let digests = Digests { policy: self.rules.policy_digest()?, rules: self.rules.digest()? };
        let mut rows = Rows::default();
        for customer in &self.customers {
            let stood = stood.remove(&customer.key).unwrap_or_default();
            if stood.row.as_ref().map_or(0, |row| row.revision) != customer.revision {
                return Err(LedgerError::Overtaken { customer: customer.key.customer.clone() });
            }
            if let Ok(derivation) = &customer.derivation {
                let by = (&open, digests.policy.as_str());
                rows.posted +=
                    self.difference(customer, derivation, stood.postings, by, &mut rows.postings)?;
                rows.projections.collect(customer, derivation, stood.levels)?;
                rows.questions.replace(db, customer, derivation, &stood.asks).await?;
            }
            let learnt = learnt.get(&customer.key.book).copied().unwrap_or_default();
            rows.customers.extend(self.customer_values(customer, stood.row, learnt, &digests.rules)?);
            // Between two customers whoever hands facts to the store may hand it the next ones.
            tokio::task::yield_now().await;
        }
        rows.dispositions = self.disposition_values();
        Ok(rows)
    }

    /// What stands of those of the customers that are wanted and were settled before, in a few statements for all.
    async fn stood<C: ConnectionTrait>(
        &self,
        db: &C,
        is_wanted: impl Fn(&CustomerSettlement) -> bool,
    ) -> Result<BTreeMap<CustomerKey, Stood>, LedgerError> {
        let mut stood: BTreeMap<CustomerKey, Stood> = BTreeMap::new();
        for (book, customers) in self.by_book(&is_wanted) {
            for row in revisions(db, book, &customers).await? {
                let key = CustomerKey { book: book.to_owned(), customer: row.customer.as_str().into() };
                stood.entry(key).or_default().row = Some(row);
            }
        }
        // Of a customer that was never settled nothing stands.
        let has_stood = |customer: &CustomerSettlement| {
            is_wanted(customer) && customer.revision > 0 && customer.derivation.is_ok()
        };
        for (book, customers) in self.by_book(has_stood) {
            let key = |customer| CustomerKey { book: book.to_owned(), customer };
            for (customer, postings) in standing(db, book, &customers).await? {
                stood.entry(key(customer)).or_default().postings = postings;
            }
            for (customer, levels) in levels_since(db, book, &customers).await? {
                stood.entry(key(customer)).or_default().levels = levels;
            }
            let names: Vec<&CustomerId> = customers.iter().map(|(customer, _)| *customer).collect();
            for (customer, asks) in asks_of(db, book, &names).await? {
                stood.entry(key(customer)).or_default().asks = asks;
            }
        }
        Ok(stood)
    }

    /// Makes room for the projections of the customers that were settled before.
    async fn clear(&self, db: &Transaction) -> Result<(), LedgerError> {
        for (book, customers) in self.by_book(|customer| customer.revision > 0 && customer.derivation.is_ok())
        {
            project::clear(db, book, &customers).await?;
        }
        Ok(())
    }

    /// Those of the customers that are wanted, by their books, with the checkpoints they were derived from.
    fn by_book(
        &self,
        is_wanted: impl Fn(&CustomerSettlement) -> bool,
    ) -> BTreeMap<&str, Vec<(&CustomerId, Option<Instant>)>> {
        let mut books: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for customer in self.customers.iter().filter(|customer| is_wanted(customer)) {
            books.entry(&customer.key.book).or_default().push((&customer.key.customer, customer.since));
        }
        books
    }

    /// Appends what takes back the postings that no longer hold, then those that are new.
    fn difference(
        &self,
        customer: &CustomerSettlement,
        derivation: &Derivation,
        stood: Vec<Posting>,
        (open, policy): (&OpenMonths, &str),
        postings: &mut Vec<Value>,
    ) -> Result<Posted, LedgerError> {
        let mut standing_by_id: BTreeMap<String, Vec<Posting>> = BTreeMap::new();
        for posting in stood {
            standing_by_id.entry(posting.id.clone()).or_default().push(posting);
        }
        let mut new = Vec::new();
        for movement in &derivation.movements {
            let id = movement_id(&customer.key, movement)?;
            let month = Month::of(movement.effective_at, self.rules.zone);
            let same = standing_by_id.get_mut(&id).and_then(|standing| {
                let index = standing.iter().position(|posting| posting.month == month)?;
                Some(standing.remove(index))
            });
            if same.is_none() {
                new.push((id, month, movement));
            }
        }
        let mut gone: Vec<Posting> = standing_by_id.into_values().flatten().collect();
        gone.sort_by_key(|posting| posting.seq);
        let entry = |month, reverses| Entry {
            key: &customer.key,
            month,
            posted_in: open.books_of(&customer.key.book, month),
            recorded_at: self.now,
            engine: &self.rules.engine,
            policy,
            reverses,
        };
        for posting in &gone {
            let entry = entry(posting.month, Some((posting.seq, posting.id.as_str())));
            let movement = reversal(&posting.movement);
            postings.extend(values(entry, &movement_id(&customer.key, &movement)?, &movement)?);
        }
        for (id, month, movement) in &new {
            postings.extend(values(entry(*month, None), id, movement)?);
        }
        Ok(Posted { posted: new.len(), reversed: gone.len() })
    }

    fn customer_values(
        &self,
        customer: &CustomerSettlement,
        row: Option<RevisionRow>,
        learnt: i64,
        rules: &str,
    ) -> Result<[Value; 10], LedgerError> {
        let stood = row.and_then(|row| row.checkpoint_at);
        let (checkpoint, due_at, poisoned) = match &customer.derivation {
            Ok(derivation) => {
                let made = match &derivation.checkpoint {
                    Some(made) => (Some(write::<mirror::Checkpoint, _>(made)?), Some(made.at.0)),
                    // From a checkpoint on, the old one still holds, and is left as it is; from the start, there is none.
                    None => (None, stood.filter(|_| customer.since.is_some())),
                };
                (made, derivation.due_at.map(|at| at.0), None)
            }
            Err(poison) => ((None, None), None, Some(poison.clone())),
        };
        let (checkpoint, checkpoint_at) = checkpoint;
        Ok([
            customer.key.book.clone().into(),
            customer.key.customer.to_string().into(),
            (customer.revision + 1).into(),
            checkpoint.into(),
            checkpoint_at.into(),
            due_at.into(),
            poisoned.into(),
            self.now.into(),
            rules.into(),
            learnt.into(),
        ])
    }

    fn disposition_values(&self) -> Vec<Value> {
        let row = |disposition: &Disposition| {
            [
                Value::from(disposition.inbox_seq),
                disposition.outcome.as_str().into(),
                disposition.reason.clone().into(),
                disposition.path.clone().into(),
                self.now.into(),
                self.rules.engine.clone().into(),
            ]
        };
        self.dispositions.iter().flat_map(row).collect()
    }

    /// What is settled here no longer waits. If some of it does not wait any more, somebody settled it
    /// meanwhile, and its facts would count twice.
    async fn clear_pending(&self, db: &Transaction) -> Result<(), LedgerError> {
        for chunk in self.dispositions.chunks(KEYS_A_STATEMENT) {
            let sql = format!("DELETE FROM pending WHERE inbox_seq IN ({})", marks(chunk.len()));
            let values = chunk.iter().map(|disposition| disposition.inbox_seq.into()).collect();
            let cleared = run(db, "settle", statement(sql, values)).await?;
            if usize::try_from(cleared).ok() != Some(chunk.len()) {
                let customer = self.customers.first().map(|first| first.key.customer.clone());
                return Err(LedgerError::Overtaken { customer: customer.unwrap_or_else(|| "".into()) });
            }
        }
        Ok(())
    }
}

/// The rows of those customers of a book that have one.
async fn revisions<C: ConnectionTrait>(
    db: &C,
    book: &str,
    of: &[(&CustomerId, Option<Instant>)],
) -> Result<Vec<RevisionRow>, LedgerError> {
    let mut rows = Vec::with_capacity(of.len());
    for chunk in of.chunks(KEYS_A_STATEMENT) {
        let sql = format!(
            "SELECT customer, revision, checkpoint_at FROM customer \
             WHERE book = ? AND customer IN ({})",
            marks(chunk.len())
        );
        let values = names(book, chunk.iter().map(|(customer, _)| customer.as_str()));
        rows.extend(all::<RevisionRow, _>(db, "settle", statement(sql, values)).await?);
    }
    Ok(rows)
}
