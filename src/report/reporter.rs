//! The ledger asked for what reports are made of.

use std::collections::{BTreeMap, BTreeSet};

use super::consolidated::held;
use super::{Concern, CustomerHistory, History, IncompleteLine, MovementRow, Noticed, ReportError, Settings};
use crate::ledger::{Ledger, LedgerError, Posting, Wanted, place};
use crate::mrr::{CustomerId, Instant, MissingRate, Month, Movement};

/// Why a report can't be given.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The store.
    #[error(transparent)]
    Store(#[from] LedgerError),
    /// The report itself.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// There are several books and none was named, or one that is not there.
    #[error("there is no book {asked}; the books are {books}: name one with --book")]
    NoSuchBook {
        /// What was asked for.
        asked: String,
        /// What there is.
        books: String,
    },
}

/// The book that is meant where none is named.
const DEFAULT_BOOK: &str = "live";

/// Answers questions about the ledger.
#[derive(Debug, Clone)]
pub struct Reporter {
    ledger: Ledger,
    settings: Settings,
    reads_kept: bool,
}

impl Reporter {
    /// A reporter over a ledger; `settings` holds the choices, all but book and data.
    #[must_use]
    pub fn new(ledger: Ledger, settings: Settings) -> Self {
        Self { ledger, settings, reads_kept: true }
    }

    /// The same, which makes every report from levels and postings, whatever sums are kept.
    #[must_use]
    pub fn from_postings(self) -> Self {
        Self { reads_kept: false, ..self }
    }

    /// Whether it reads sums that are kept.
    pub(super) fn reads_kept(&self) -> bool {
        self.reads_kept
    }

    /// The settings for one book: the one named, else `live`, else the only one there is.
    ///
    /// # Errors
    ///
    /// [`AskError::NoSuchBook`] if that leaves none.
    pub async fn settings(&self, asked: Option<&str>) -> Result<Settings, AskError> {
        let books = self.ledger.books().await?;
        let wanted = asked.unwrap_or(DEFAULT_BOOK);
        let book = match &books[..] {
            books if books.iter().any(|book| book == wanted) => wanted.to_owned(),
            [only] if asked.is_none() => only.clone(),
            [] if asked.is_none() => DEFAULT_BOOK.to_owned(),
            [] => {
                return Err(AskError::NoSuchBook { asked: wanted.to_owned(), books: "none yet".to_owned() });
            }
            books => {
                return Err(AskError::NoSuchBook { asked: wanted.to_owned(), books: books.join(", ") });
            }
        };
        let data_through = self.ledger.data_through(&book).await?.map(Instant);
        // What is printed is what the figures were made by, not what is configured since.
        let in_force = self.ledger.rules_in_force(&book).await?;
        let policy = in_force.map_or_else(|| self.settings.policy.clone(), |rules| rules.policy);
        let mut settings = Settings { book, data_through, policy, ..self.settings.clone() };
        if let Some(by) = &mut settings.consolidation {
            by.through = self.ledger.last_rate(None).await?;
        }
        Ok(settings)
    }

    /// The last full month at a time, in unix seconds.
    #[must_use]
    pub fn last_full_month(&self, now: i64) -> Month {
        Month::of(Instant(now), self.settings.zone).minus(1)
    }

    /// Every rate that a book's months up to one lack, where there is a reporting currency (R9).
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn missing_rates(
        &self,
        settings: &Settings,
        until: Month,
    ) -> Result<Vec<MissingRate>, AskError> {
        if settings.consolidation.is_none() {
            return Ok(Vec::new());
        }
        let held = match self.held_by_kept(settings, until).await? {
            Some(held) => held,
            None => held(&self.history(settings, until.end(settings.zone)).await?, settings, until),
        };
        let first = held.first().map_or(until, |(month, _)| *month);
        let settings = self.with_rates(settings, first, until, None).await?;
        Ok(settings.consolidation.map(|by| by.missing(&held)).unwrap_or_default())
    }

    /// The settings with the rates that reports of some months may need; with `known_by`, as they were known
    /// by then.
    pub(super) async fn with_rates(
        &self,
        settings: &Settings,
        from: Month,
        to: Month,
        known_by: Option<Instant>,
    ) -> Result<Settings, AskError> {
        let mut settings = settings.clone();
        if let Some(by) = &mut settings.consolidation {
            let days = (from.minus(12), to);
            by.rates = self.ledger.rates(days, by.through, known_by).await?;
        }
        Ok(settings)
    }

    /// The postings that are wanted, as rows.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn movements(&self, wanted: &Wanted) -> Result<Vec<MovementRow>, AskError> {
        let mut postings = self.ledger.postings(wanted).await?;
        // A month that was opened and closed again took in what was posted for it meanwhile.
        let books: BTreeSet<String> = postings.iter().map(|posting| posting.book.clone()).collect();
        for book in books {
            let closings = self.ledger.closings(&book).await?;
            place(postings.iter_mut().filter(|posting| posting.book == book), &closings);
        }
        Ok(postings.into_iter().map(movement_row).collect())
    }

    /// What the ledger holds of a book's customers, their statuses as of an instant.
    pub(super) async fn history(&self, settings: &Settings, before: Instant) -> Result<History, AskError> {
        let book = settings.book.as_str();
        let mut customers: BTreeMap<CustomerId, CustomerHistory> = BTreeMap::new();
        let mut history = |customer: &CustomerId, fill: &mut dyn FnMut(&mut CustomerHistory)| {
            let fresh = || CustomerHistory::of(customer.clone());
            fill(customers.entry(customer.clone()).or_insert_with(fresh));
        };
        for (customer, levels) in &mut self.ledger.levels(book, None).await? {
            history(customer, &mut |of| of.levels = std::mem::take(levels));
        }
        for (customer, movements) in &mut self.standing(book).await? {
            history(customer, &mut |of| of.movements = std::mem::take(movements));
        }
        for (customer, scheduled) in &mut self.ledger.scheduled(book).await? {
            history(customer, &mut |of| of.scheduled = std::mem::take(scheduled));
        }
        for (customer, attributes) in &mut self.ledger.attributes(book).await? {
            history(customer, &mut |of| {
                of.country = attributes.country.take();
                of.metadata = std::mem::take(&mut attributes.metadata);
            });
        }
        for status in self.ledger.statuses(book, before, i64::MAX).await? {
            history(&status.customer, &mut |of| {
                of.statuses.insert(status.subscription.clone(), status.status);
            });
        }
        let mut noticed = Vec::new();
        for found in self.ledger.findings(Some(book)).await? {
            noticed.extend(Noticed::of(&found.finding));
            let Some(line) = IncompleteLine::of(&found.finding) else { continue };
            history(&found.key.customer, &mut |of| of.incomplete.push(line.clone()));
        }
        noticed.extend(self.doubts(book).await?);
        Ok(History { customers: customers.into_values().collect(), noticed })
    }

    /// What a person should look at of the whole book: what waits for another version or another engine.
    pub(super) async fn doubts(&self, book: &str) -> Result<Vec<Noticed>, LedgerError> {
        let doubts = self.ledger.doubts(book).await?;
        let counts = [(Concern::Parked, doubts.parked), (Concern::NotDerived, doubts.not_derived)];
        Ok(counts.into_iter().filter_map(|(concern, count)| Noticed::counted(concern, count)).collect())
    }

    /// Each customer's standing movements in the order they took effect: those of one instant as they
    /// were posted.
    async fn standing(&self, book: &str) -> Result<BTreeMap<CustomerId, Vec<Movement>>, AskError> {
        let wanted = Wanted { book: Some(book.to_owned()), ..Wanted::default() };
        Ok(in_effect(self.ledger.postings(&wanted).await?))
    }

    /// The store.
    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

/// Each customer's movements in the order they took effect, of postings in the ledger's order.
pub(super) fn in_effect(postings: Vec<Posting>) -> BTreeMap<CustomerId, Vec<Movement>> {
    let mut movements: BTreeMap<CustomerId, Vec<Movement>> = BTreeMap::new();
    for posting in postings {
        movements.entry(posting.customer).or_default().push(posting.movement);
    }
    for movements in movements.values_mut() {
        movements.sort_by_key(|movement| movement.effective_at);
    }
    movements
}

pub(super) fn movement_row(posting: Posting) -> MovementRow {
    MovementRow {
        seq: posting.seq,
        id: posting.id,
        book: posting.book,
        customer: posting.customer,
        movement: posting.movement,
        month: posting.month,
        recorded_at: Instant(posting.recorded_at),
        posted_in: posting.posted_in,
        adjusts: posting.adjusts,
    }
}
