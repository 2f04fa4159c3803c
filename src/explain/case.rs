//! The ledger asked for what explanations are made of, each customer by the rules and the catalogue that it
//! was settled by, whatever is configured now.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::build::{event_told, told_of, told_of_event};
use super::lessons::{lesson, lesson_row};
use super::moves::{self, levels_told, month_told, movement_told};
use super::{
    CatalogueExplained, CustomerExplained, EventExplained, Explained, MovementExplained, Settled, rfc3339,
};
use crate::ledger::{
    CustomerKey, Known, Ledger, LedgerError, Posting, SettlementRules, Stored, Taught, Wanted,
};
use crate::mrr::{
    Catalogue, CustomerId, Explanation, Fact, Instant, Learnt, Level, Month, Rules, Timeline, explain,
};
use crate::pipeline::{Told as Heard, told_by};

/// Why an id can't be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The store.
    #[error(transparent)]
    Store(#[from] LedgerError),
    /// Nothing is known of the id.
    #[error("nothing is known of {id} in book {book}")]
    Unknown {
        /// The id.
        id: String,
        /// The book.
        book: String,
    },
    /// The customer can't be derived.
    #[error(
        "customer {customer} can't be derived, so that there is nothing to explain: see `upswell doctor`"
    )]
    Underivable {
        /// The customer.
        customer: String,
    },
}

/// Explains figures of a ledger.
#[derive(Debug, Clone)]
pub struct Explainer {
    ledger: Ledger,
}

/// A customer with all that its explanation is made of.
pub(super) struct Case {
    pub(super) key: CustomerKey,
    pub(super) rules: SettlementRules,
    known: Known,
    /// What its deliveries say.
    pub(super) stored: Vec<(Stored, Heard)>,
    pub(super) explanation: Explanation,
    /// All postings, what was taken back and the reversals as well.
    pub(super) postings: Vec<Posting>,
    pub(super) levels: Vec<Level>,
}

impl Explainer {
    /// An explainer over a ledger.
    #[must_use]
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger }
    }

    /// Explains a customer, a subscription, an event, a movement, or a price, product or coupon; of a
    /// customer or a subscription only a month, where one is named.
    ///
    /// # Errors
    ///
    /// [`ExplainError`]: an id that nothing is known of; a customer that can't be derived; the store.
    pub async fn explain(
        &self,
        book: &str,
        id: &str,
        month: Option<Month>,
    ) -> Result<Explained, ExplainError> {
        if let Some(posting) = self.posting(book, id).await? {
            return self.movement(posting).await;
        }
        if let Some(stored) = self.ledger.stored_event(id, Some(book)).await? {
            return self.event(stored).await;
        }
        let key = CustomerKey { book: book.to_owned(), customer: id.into() };
        if self.ledger.known(&key, Some(Instant(i64::MAX))).await?.settled_at.is_some() {
            return self.customer(key, None, month).await;
        }
        let owners = self.ledger.customer_of(id).await?;
        if let Some(key) = owners.into_iter().find(|key| key.book == book) {
            return self.customer(key, Some(id), month).await;
        }
        self.catalogue(book, id).await
    }

    async fn posting(&self, book: &str, id: &str) -> Result<Option<Posting>, ExplainError> {
        let wanted =
            Wanted { id: Some(id.to_owned()), book: Some(book.to_owned()), all: true, ..Wanted::default() };
        let mut found = self.ledger.postings(&wanted).await?;
        Ok(found.pop())
    }

    async fn customer(
        &self,
        key: CustomerKey,
        subscription: Option<&str>,
        month: Option<Month>,
    ) -> Result<Explained, ExplainError> {
        let case = self.case(&key, &self.ledger.taught(&key.book, 0).await?).await?;
        let zone = case.rules.zone;
        let is_asked = |id: &str| subscription.is_none_or(|subscription| subscription == id);
        let is_in = |at: Instant| month.is_none_or(|month| Month::of(at, zone) == month);
        let standing = case.standing();
        let movements: Vec<&Posting> = standing
            .iter()
            .copied()
            .filter(|posting| month.is_none_or(|month| posting.month == month))
            .filter(|posting| is_asked(posting.movement.subscription.as_str()))
            .collect();
        let moved: BTreeSet<Month> = standing.iter().map(|posting| posting.month).collect();
        let months = moved.into_iter().filter(|of| month.is_none_or(|month| month == *of));
        Ok(Explained::Customer(Box::new(CustomerExplained {
            book: key.book.clone(),
            customer: key.customer.to_string(),
            subscription: subscription.map(str::to_owned),
            month: month.map(|month| month.to_string()),
            settled: case.settled()?,
            told: told_of(&case, &is_asked, &is_in),
            levels: levels_told(&case, &is_asked, month),
            movements: movements.into_iter().map(|posting| movement_told(&case, posting)).collect(),
            months: months.map(|month| month_told(&case, month)).collect(),
        })))
    }

    async fn event(&self, stored: Stored) -> Result<Explained, ExplainError> {
        let heard = told_by(&stored);
        let is_pending = self.ledger.is_waiting(stored.seq).await?;
        let (outcome, reason, path) = match &heard {
            _ if is_pending => ("pending", None, None),
            Ok(_) => ("settled", None, None),
            Err(none) => (none.outcome.as_str(), Some(none.reason.clone()), none.path.clone()),
        };
        let heard = heard.unwrap_or_default();
        let customers: BTreeSet<_> = heard.facts.iter().map(|fact| fact.customer().clone()).collect();
        let mut explained = EventExplained {
            book: stored.book.clone(),
            event: event_told(&stored),
            outcome,
            reason,
            path,
            remedy: remedy_of(outcome),
            told: Vec::new(),
            teaches: heard.lessons.iter().map(|fact| lesson(None, fact)).collect(),
            derived: customers.iter().map(ToString::to_string).collect(),
            movements: Vec::new(),
        };
        let mut asking: BTreeSet<CustomerId> = BTreeSet::new();
        for topic in &explained.teaches {
            asking.extend(self.ledger.asked_by(&stored.book, &topic.id).await?);
        }
        explained.derived.extend(asking.iter().map(ToString::to_string));
        explained.derived.sort();
        explained.derived.dedup();
        let asking: Vec<CustomerId> = asking.into_iter().collect();
        let mut proved: BTreeSet<_> = customers.clone();
        proved.extend(self.ledger.resting_on(&stored.book, &stored.event_id, &asking).await?);
        let taught = self.ledger.taught(&stored.book, 0).await?;
        for customer in proved.into_iter().filter(|_| !is_pending) {
            let case = self.case(&CustomerKey { book: stored.book.clone(), customer }, &taught).await?;
            explained.told.extend(told_of_event(&case, &stored.event_id));
            let standing = case.standing();
            let own = standing.iter().filter(|posting| *posting.movement.evidence.event == stored.event_id);
            explained.movements.extend(own.map(|posting| movement_told(&case, posting)));
        }
        Ok(Explained::Event(Box::new(explained)))
    }

    async fn movement(&self, posting: Posting) -> Result<Explained, ExplainError> {
        let key = CustomerKey { book: posting.book.clone(), customer: posting.customer.clone() };
        let case = self.case(&key, &self.ledger.taught(&key.book, 0).await?).await?;
        Ok(Explained::Movement(Box::new(MovementExplained {
            book: key.book.clone(),
            customer: key.customer.to_string(),
            settled: case.settled()?,
            told: told_of_event(&case, &posting.movement.evidence.event),
            movement: movement_told(&case, &posting),
        })))
    }

    async fn catalogue(&self, book: &str, id: &str) -> Result<Explained, ExplainError> {
        let known = self.ledger.taught_about(book, id).await?;
        let asked_by = self.ledger.asked_by(book, id).await?;
        if known.is_empty() && asked_by.is_empty() {
            return Err(ExplainError::Unknown { id: id.to_owned(), book: book.to_owned() });
        }
        Ok(Explained::Catalogue(CatalogueExplained {
            book: book.to_owned(),
            id: id.to_owned(),
            known: known.iter().map(lesson_row).collect(),
            asked_by: asked_by.iter().map(ToString::to_string).collect(),
        }))
    }

    /// A customer derived anew from the stored bytes, by the rules and the catalogue that it was settled by.
    async fn case(&self, key: &CustomerKey, taught: &[Taught]) -> Result<Case, ExplainError> {
        let underivable = || ExplainError::Underivable { customer: key.customer.to_string() };
        let known = self.ledger.known(key, Some(Instant(i64::MAX))).await?;
        let rules = self.ledger.rules_of(key).await?.ok_or_else(underivable)?;
        let taught = taught.iter().filter(|taught| taught.seq <= known.catalogue_seq);
        let learnt: Learnt = taught.map(|taught| taught.fact.clone()).collect();
        let catalogue = Catalogue { learnt: std::sync::Arc::new(learnt), ..rules.catalogue.clone() };
        let stored: Vec<(Stored, Heard)> = self
            .ledger
            .stored_of(key)
            .await?
            .into_iter()
            .map(|stored| {
                let heard = told_by(&stored).unwrap_or_default();
                (stored, heard)
            })
            .collect();
        let facts = stored.iter().flat_map(|(_, heard)| &heard.facts);
        let facts: Vec<Fact> = facts.filter(|fact| *fact.customer() == key.customer).cloned().collect();
        let timeline = Timeline { facts, start: None };
        let as_of = known.settled_at.unwrap_or_default();
        let by = Rules { catalogue: &catalogue, policy: &rules.policy, as_of };
        let explanation =
            catch_unwind(AssertUnwindSafe(|| explain(&timeline, by))).map_err(|_| underivable())?;
        let wanted = Wanted {
            book: Some(key.book.clone()),
            customer: Some(key.customer.to_string()),
            all: true,
            ..Wanted::default()
        };
        let postings = self.ledger.postings(&wanted).await?;
        let levels = self.ledger.levels(&key.book, Some(&key.customer)).await?;
        let levels = levels.into_values().next().unwrap_or_default();
        Ok(Case { key: key.clone(), rules, known, stored, explanation, postings, levels })
    }
}

impl Case {
    fn settled(&self) -> Result<Settled, LedgerError> {
        Ok(Settled {
            engine: self.rules.engine.clone(),
            policy: self.rules.policy_digest()?,
            timezone: self.rules.zone.name().to_owned(),
            settled_at: rfc3339(self.known.settled_at.unwrap_or_default()),
            catalogue_seq: self.known.catalogue_seq,
        })
    }

    /// The postings that stand, in the order they took effect; of one instant as they were posted.
    pub(super) fn standing(&self) -> Vec<&Posting> {
        let stands =
            |posting: &&Posting| posting.adjusts.is_none() && moves::reversal(self, posting).is_none();
        let mut standing: Vec<&Posting> = self.postings.iter().filter(stands).collect();
        standing.sort_by_key(|posting| (posting.movement.effective_at, posting.seq));
        standing
    }
}

fn remedy_of(outcome: &str) -> Option<&'static str> {
    match outcome {
        "parked" => Some(
            "nothing is lost: it is tried again by a newer version; if Stripe sent it so, please report it",
        ),
        "ignored" => Some("nothing to do: it says nothing about recurring revenue"),
        "pending" => Some("`upswell serve` or `upswell backfill` settles what is stored"),
        _ => None,
    }
}
