//! What each book has learnt of prices, products, coupons and items (R4), and which customers ask for it:
//! what is learnt makes those be derived again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::customer::names;
use super::error::while_doing;
use super::inbox::Stored;
use super::mirror::{self, read, write};
use super::open::run;
use super::sql::{KEYS_A_STATEMENT, Table, all, marks, number, statement};
use super::{CustomerKey, CustomerSettlement, Ledger, LedgerError, Settlement};
use crate::mrr::{CatalogueFact, CustomerId, Derivation, Learnt, Topic};

/// Something that a delivery teaches a book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLesson {
    /// The book (R13).
    pub book: String,
    /// The delivery that teaches it.
    pub inbox_seq: i64,
    /// Which of the delivery's lessons it is, from 0.
    pub part: i64,
    /// What is learnt.
    pub fact: CatalogueFact,
}

/// A lesson as it stands in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taught {
    /// Its number, in the order of learning.
    pub seq: i64,
    /// The delivery that teaches it.
    pub inbox_seq: i64,
    /// Which of the delivery's lessons it is.
    pub part: i64,
    /// What is learnt.
    pub fact: CatalogueFact,
}

/// All that a book has learnt up to a number.
#[derive(Debug, Clone, Default)]
pub struct LearntSoFar {
    /// The number of the last lesson; 0 of a book that has learnt nothing.
    pub seq: i64,
    /// What was learnt.
    pub learnt: Arc<Learnt>,
}

#[derive(FromQueryResult)]
pub(super) struct TaughtRow {
    seq: i64,
    inbox_seq: i64,
    part: i64,
    body: String,
}

/// Something that a customer asks for.
#[derive(FromQueryResult)]
pub(super) struct AskRow {
    customer: String,
    kind: String,
    topic: String,
}

impl AskRow {
    /// What is asked for; nothing if the row names a kind that this version does not know.
    fn topic(&self) -> Option<Topic> {
        let id = self.topic.as_str();
        match self.kind.as_str() {
            "price" => Some(Topic::Price(id.into())),
            "product" => Some(Topic::Product(id.into())),
            "coupon" => Some(Topic::Coupon(id.into())),
            "items" => Some(Topic::Items(id.into())),
            _ => None,
        }
    }
}

const CATALOGUE: Table = Table {
    name: "catalogue",
    columns: &["book", "kind", "topic", "at", "inbox_seq", "part", "event_id", "body"],
    tail: "ON CONFLICT DO NOTHING",
};

const ASKS: Table =
    Table { name: "asks", columns: &["book", "kind", "topic", "customer"], tail: "ON CONFLICT DO NOTHING" };

impl Ledger {
    /// Brings what is known of a book's catalogue up to what the store holds; only what is new is read.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn learn_on(&self, book: &str, so_far: &mut LearntSoFar) -> Result<(), LedgerError> {
        let new = self.taught(book, so_far.seq).await?;
        let Some(last) = new.last() else { return Ok(()) };
        so_far.seq = last.seq;
        let learnt = Arc::make_mut(&mut so_far.learnt);
        new.into_iter().for_each(|taught| learnt.add(taught.fact));
        Ok(())
    }

    /// What a book has learnt after a number, in the order of learning.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn taught(&self, book: &str, after_seq: i64) -> Result<Vec<Taught>, LedgerError> {
        let sql =
            "SELECT seq, inbox_seq, part, body FROM catalogue WHERE book = $1 AND seq > $2 ORDER BY seq";
        let values = vec![book.into(), after_seq.into()];
        let rows: Vec<TaughtRow> = all(self.reader(), "read the catalogue", statement(sql, values)).await?;
        rows.iter().map(taught_of).collect()
    }

    /// Which of these customers of a book, as they were last settled, ask for any of these topics.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn concerned(
        &self,
        book: &str,
        customers: &[&CustomerId],
        topics: &BTreeSet<Topic>,
    ) -> Result<BTreeSet<CustomerId>, LedgerError> {
        if topics.is_empty() {
            return Ok(BTreeSet::new());
        }
        let asks = asks_of(self.reader(), book, customers).await?;
        let asks_for_one =
            |asks: &[AskRow]| asks.iter().filter_map(AskRow::topic).any(|topic| topics.contains(&topic));
        let concerned = asks.into_iter().filter(|(_, asks)| asks_for_one(asks));
        Ok(concerned.map(|(customer, _)| customer).collect())
    }

    /// Deliveries that taught something to another version, so many at most.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn taught_to_others(&self, engine: &str, limit: usize) -> Result<Vec<Stored>, LedgerError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.stored_where(
            "seq IN (SELECT DISTINCT c.inbox_seq FROM catalogue c JOIN disposition d ON d.inbox_seq = c.inbox_seq \
             WHERE d.engine <> $1 ORDER BY c.inbox_seq LIMIT $2)",
            vec![engine.into(), limit.into()],
        )
        .await
    }

    /// Puts what a version reads out of deliveries in the place of what another one read. Their customers
    /// are settled by that other version, and so are derived anew in any case.
    ///
    /// # Errors
    ///
    /// The store's refusal; then nothing is changed.
    pub async fn relearn(
        &self,
        deliveries: &[i64],
        lessons: &[NewLesson],
        engine: &str,
    ) -> Result<(), LedgerError> {
        let transaction = self.begin().await?;
        for chunk in deliveries.chunks(KEYS_A_STATEMENT) {
            let named = marks(chunk.len());
            let values: Vec<Value> = chunk.iter().map(|seq| Value::from(*seq)).collect();
            let sql = format!("DELETE FROM catalogue WHERE inbox_seq IN ({named})");
            run(&transaction, "learn anew", statement(sql, values.clone())).await?;
            let sql = format!("UPDATE disposition SET engine = ? WHERE inbox_seq IN ({named})");
            let values = std::iter::once(Value::from(engine)).chain(values).collect();
            run(&transaction, "learn anew", statement(sql, values)).await?;
        }
        CATALOGUE.insert(&transaction, rows(lessons)?).await?;
        transaction.commit().await.map_err(while_doing("learn anew"))
    }
}

impl Settlement {
    /// Refuses to go on if a book has learnt something that its customers were not derived with, and adds
    /// what these deliveries teach; gives the number of the last lesson of each book.
    pub(super) async fn learn<C: ConnectionTrait>(
        &self,
        db: &C,
    ) -> Result<BTreeMap<String, i64>, LedgerError> {
        for (book, first) in self.first_customers() {
            if last(db, book).await? != self.learnt.get(book).copied().unwrap_or_default() {
                return Err(LedgerError::Overtaken { customer: first.clone() });
            }
        }
        CATALOGUE.insert(db, rows(&self.lessons)?).await?;
        let taught = self.lessons.iter().map(|lesson| &lesson.book);
        let books: BTreeSet<&String> = self.first_customers().into_keys().chain(taught).collect();
        let mut learnt = BTreeMap::new();
        for book in books {
            learnt.insert(book.clone(), last(db, book).await?);
        }
        Ok(learnt)
    }

    /// The books that customers are settled of, each with one of them.
    fn first_customers(&self) -> BTreeMap<&String, &CustomerId> {
        self.customers.iter().map(|customer| (&customer.key.book, &customer.key.customer)).collect()
    }

    /// Makes the customers that ask for what was learnt here, and were not derived with it, be derived
    /// again, from the start. They are due since they were last settled.
    pub(super) async fn heal<C: ConnectionTrait>(
        &self,
        db: &C,
        learnt: &BTreeMap<String, i64>,
    ) -> Result<(), LedgerError> {
        let sql = "UPDATE customer SET due_at = CASE WHEN settled_at < $1 THEN settled_at ELSE $1 END, \
                   checkpoint = NULL, checkpoint_at = NULL WHERE book = $2 AND catalogue_seq < $3 AND customer IN (\
                     SELECT a.customer FROM catalogue c \
                     JOIN asks a ON a.book = c.book AND a.kind = c.kind AND a.topic = c.topic \
                     WHERE c.book = $2 AND c.seq > $4)";
        let books: BTreeSet<&String> = self.lessons.iter().map(|lesson| &lesson.book).collect();
        for book in books {
            let before = self.learnt.get(book).copied().unwrap_or_default();
            let last = learnt.get(book).copied().unwrap_or_default();
            let values = vec![self.now.into(), book.clone().into(), last.into(), before.into()];
            run(db, "settle", statement(sql, values)).await?;
        }
        Ok(())
    }
}

/// A row as the lesson that it holds.
pub(super) fn taught_of(row: &TaughtRow) -> Result<Taught, LedgerError> {
    let fact = read::<mirror::CatalogueFact, _>("a fact of the catalogue", &row.body)?;
    Ok(Taught { seq: row.seq, inbox_seq: row.inbox_seq, part: row.part, fact })
}

/// The number of a book's last lesson.
async fn last<C: ConnectionTrait>(db: &C, book: &str) -> Result<i64, LedgerError> {
    let sql = "SELECT MAX(seq) FROM catalogue WHERE book = $1";
    Ok(number(db, "settle", statement(sql, vec![book.into()])).await?.unwrap_or_default())
}

fn rows(lessons: &[NewLesson]) -> Result<Vec<Value>, LedgerError> {
    let mut values = Vec::with_capacity(lessons.len() * CATALOGUE.columns.len());
    for new in lessons {
        let (kind, topic) = columns(&new.fact.topic());
        values.extend([
            Value::from(new.book.clone()),
            kind.into(),
            topic.into(),
            new.fact.at.0.into(),
            new.inbox_seq.into(),
            new.part.into(),
            new.fact.evidence.event.to_string().into(),
            write::<mirror::CatalogueFact, _>(&new.fact)?.into(),
        ]);
    }
    Ok(values)
}

fn columns(topic: &Topic) -> (&'static str, String) {
    match topic {
        Topic::Price(id) => ("price", id.to_string()),
        Topic::Product(id) => ("product", id.to_string()),
        Topic::Coupon(id) => ("coupon", id.to_string()),
        Topic::Items(id) => ("items", id.to_string()),
    }
}

/// Questions of customers, collected over a settlement.
#[derive(Default)]
pub(super) struct Questions(Vec<Value>);

impl Questions {
    /// Notes what a customer asks for. Derived from the start, what it no longer asks is forgotten; from a
    /// checkpoint, what was asked before stays asked.
    /// `known` is what it asked for before.
    pub(super) async fn replace<C: ConnectionTrait>(
        &mut self,
        db: &C,
        customer: &CustomerSettlement,
        derivation: &Derivation,
        known: &[AskRow],
    ) -> Result<(), LedgerError> {
        let mut asked: BTreeSet<(&'static str, String)> = derivation.asked.iter().map(columns).collect();
        for AskRow { kind, topic, .. } in known {
            let known = asked.iter().find(|ask| ask.0 == kind && ask.1 == *topic).cloned();
            match known {
                Some(known) => drop(asked.remove(&known)),
                None if customer.since.is_none() => {
                    forget(db, &customer.key, kind.clone(), topic.clone()).await?;
                }
                None => {}
            }
        }
        for (kind, topic) in asked {
            let key = &customer.key;
            self.0.extend([
                key.book.clone().into(),
                kind.into(),
                topic.into(),
                key.customer.to_string().into(),
            ]);
        }
        Ok(())
    }

    pub(super) async fn insert<C: ConnectionTrait>(self, db: &C) -> Result<(), LedgerError> {
        ASKS.insert(db, self.0).await.map(drop)
    }
}

/// What customers of a book ask for.
pub(super) async fn asks_of<C: ConnectionTrait>(
    db: &C,
    book: &str,
    customers: &[&CustomerId],
) -> Result<BTreeMap<CustomerId, Vec<AskRow>>, LedgerError> {
    let mut asks: BTreeMap<CustomerId, Vec<AskRow>> = BTreeMap::new();
    for chunk in customers.chunks(KEYS_A_STATEMENT) {
        let sql = format!(
            "SELECT customer, kind, topic FROM asks WHERE book = ? AND customer IN ({})",
            marks(chunk.len())
        );
        let values = names(book, chunk.iter().map(|customer| customer.as_str()));
        let rows: Vec<AskRow> = all(db, "settle", statement(sql, values)).await?;
        for row in rows {
            asks.entry(row.customer.clone().into()).or_default().push(row);
        }
    }
    Ok(asks)
}

async fn forget<C: ConnectionTrait>(
    db: &C,
    key: &CustomerKey,
    kind: String,
    topic: String,
) -> Result<(), LedgerError> {
    let sql = "DELETE FROM asks WHERE book = $1 AND kind = $2 AND topic = $3 AND customer = $4";
    let values = vec![key.book.clone().into(), kind.into(), topic.into(), key.customer.to_string().into()];
    run(db, "settle", statement(sql, values)).await.map(drop)
}
