//! The ledger asked for what reports are made of.

use std::collections::BTreeMap;

use super::{
    CustomerHistory, CustomerRow, History, IncompleteLine, MovementRow, RangeReport, Report, ReportError,
    Settings, customer_rows, missing_rates, month_report, range_report,
};
use crate::ledger::{Ledger, LedgerError, Posting, Wanted};
use crate::mrr::{CustomerId, Instant, Matter, MissingRate, Month, Movement};

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
}

impl Reporter {
    /// A reporter over a ledger; `settings` holds the choices, all but book and data.
    #[must_use]
    pub fn new(ledger: Ledger, settings: Settings) -> Self {
        Self { ledger, settings }
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
        Ok(Settings { book, data_through, policy, ..self.settings.clone() })
    }

    /// The last full month at a time, in unix seconds.
    #[must_use]
    pub fn last_full_month(&self, now: i64) -> Month {
        Month::of(Instant(now), self.settings.zone).minus(1)
    }

    /// The page of a month of the default book; `None` if the text names no month.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn page(&self, month: &str) -> Result<Option<String>, AskError> {
        let Some(month) = Month::parse(month) else { return Ok(None) };
        let settings = self.settings(None).await?;
        Ok(Some(self.month(&settings, month).await?.to_html()?))
    }

    /// The report of a month.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn month(&self, settings: &Settings, month: Month) -> Result<Report, AskError> {
        let history = self.history(settings, month.end(settings.zone)).await?;
        let settings = self.with_rates(settings, month, month).await?;
        Ok(month_report(&history, &settings, month))
    }

    /// The reports of the months from one to another.
    ///
    /// # Errors
    ///
    /// The store's; a range that is none.
    pub async fn range(&self, settings: &Settings, from: Month, to: Month) -> Result<RangeReport, AskError> {
        let history = self.history(settings, to.end(settings.zone)).await?;
        let settings = self.with_rates(settings, from, to).await?;
        Ok(range_report(&history, &settings, from, to)?)
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
        let history = self.history(settings, until.end(settings.zone)).await?;
        let first = history.first_month(settings.zone).unwrap_or(until);
        let settings = self.with_rates(settings, first, until).await?;
        Ok(missing_rates(&history, &settings, until))
    }

    /// The settings with the rates that reports of some months may need.
    async fn with_rates(&self, settings: &Settings, from: Month, to: Month) -> Result<Settings, AskError> {
        let mut settings = settings.clone();
        if let Some(by) = &mut settings.consolidation {
            by.rates = self.ledger.rates(from.minus(12), to).await?;
        }
        Ok(settings)
    }

    /// The customers at the end of a month.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn customers(
        &self,
        settings: &Settings,
        month: Month,
        with_zeros: bool,
    ) -> Result<Vec<CustomerRow>, AskError> {
        let history = self.history(settings, month.end(settings.zone)).await?;
        Ok(customer_rows(&history, settings, month, with_zeros))
    }

    /// The postings that are wanted, as rows.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn movements(&self, wanted: &Wanted) -> Result<Vec<MovementRow>, AskError> {
        let postings = self.ledger.postings(wanted).await?;
        Ok(postings.into_iter().map(movement_row).collect())
    }

    /// What the ledger holds of a book's customers, their statuses as of an instant.
    async fn history(&self, settings: &Settings, before: Instant) -> Result<History, AskError> {
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
        for status in self.ledger.statuses(book, before).await? {
            history(&status.customer, &mut |of| {
                of.statuses.insert(status.subscription.clone(), status.status);
            });
        }
        for found in self.ledger.findings(Some(book)).await? {
            let Matter::Incomplete { item, missing } = &found.finding.matter else { continue };
            let line = IncompleteLine {
                subscription: found.finding.subscription.clone(),
                item: item.clone(),
                missing: missing.clone(),
                since: found.finding.at,
            };
            history(&found.key.customer, &mut |of| of.incomplete.push(line.clone()));
        }
        Ok(History { customers: customers.into_values().collect() })
    }

    /// Each customer's standing movements in the order they took effect: those of one instant as they
    /// were posted.
    async fn standing(&self, book: &str) -> Result<BTreeMap<CustomerId, Vec<Movement>>, AskError> {
        let wanted = Wanted { book: Some(book.to_owned()), ..Wanted::default() };
        let mut standing: BTreeMap<CustomerId, Vec<Movement>> = BTreeMap::new();
        for posting in self.ledger.postings(&wanted).await? {
            standing.entry(posting.customer).or_default().push(posting.movement);
        }
        for movements in standing.values_mut() {
            movements.sort_by_key(|movement| movement.effective_at);
        }
        Ok(standing)
    }
}

fn movement_row(posting: Posting) -> MovementRow {
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
