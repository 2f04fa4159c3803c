//! What events leave out is fetched, stored like any other document, and heals what waited for it (R4).

use std::collections::{BTreeMap, BTreeSet};

use super::arrival;
use crate::api::{Api, ApiError, Fetched, Wanted};
use crate::ledger::{Acceptance, Arrival, Ledger, LedgerError, Source, Untold};
use crate::mrr::Topic;
use crate::stripe::says;

/// How long something that Stripe does not have is not asked for again.
const GONE_SECONDS: i64 = 86_400;
/// How long nothing is asked after a refusal or silence.
const AWAY_SECONDS: i64 = 60;

/// What a run fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Completed {
    /// Objects that were fetched.
    pub fetched: usize,
    /// Those of them that said something new.
    pub new: usize,
}

/// Completes the catalogue from Stripe's API.
#[derive(Debug)]
pub struct Completer {
    ledger: Ledger,
    api: Api,
    /// What was asked, at which state of the ledger, and from when on it may be asked again for the same.
    asked: BTreeMap<(String, Wanted), (i64, i64)>,
    /// When something may be asked again.
    quiet_until: i64,
    /// The faults that were told, each once.
    told: BTreeSet<String>,
}

impl Completer {
    /// A completer from this API.
    #[must_use]
    pub fn new(ledger: Ledger, api: Api) -> Self {
        Self { ledger, api, asked: BTreeMap::new(), quiet_until: 0, told: BTreeSet::new() }
    }

    /// Fetches all that customers ask for and that was not listed since its last event, and stores it.
    /// What Stripe refuses is told once, and nothing is lost by it.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn complete(&mut self, now: i64) -> Result<Completed, LedgerError> {
        let mut completed = Completed::default();
        if now < self.quiet_until {
            return Ok(completed);
        }
        for untold in self.ledger.untold_topics().await? {
            let wanted = wanted(&untold.topic);
            let Some(account) = account_of(&untold.book, self.api.is_live()) else { continue };
            let asked = self.asked.get(&(untold.book.clone(), wanted.clone()));
            if asked.is_some_and(|(since_seq, until)| *since_seq == untold.since_seq && now < *until) {
                continue;
            }
            let again_at = match self.api.fetch(&wanted, account).await {
                Ok(fetched) => {
                    completed.fetched += 1;
                    completed.new += usize::from(self.store(fetched, &untold, account, now).await?);
                    i64::MAX
                }
                Err(error) => {
                    self.tell(&error);
                    match error {
                        ApiError::Gone { .. } => now + GONE_SECONDS,
                        // What is of another kind may be permitted.
                        ApiError::Permission { .. } | ApiError::Account { .. } => now + AWAY_SECONDS,
                        ApiError::Configuration | ApiError::Key | ApiError::Away { .. } => {
                            self.quiet_until = now + AWAY_SECONDS;
                            return Ok(completed);
                        }
                    }
                }
            };
            self.asked.insert((untold.book, wanted), (untold.since_seq, again_at));
        }
        Ok(completed)
    }

    /// Stores what was fetched in the book that asked for it; whether it says something new.
    async fn store(
        &self,
        fetched: Fetched,
        untold: &Untold,
        account: Option<&str>,
        now: i64,
    ) -> Result<bool, LedgerError> {
        let source = Source::Fetched { place: fetched.place };
        let Ok(arrival) = arrival(&fetched.body, None, now, source) else { return Ok(false) };
        // An object of the API does not say whose account it is of.
        let account = account.unwrap_or_default().to_owned();
        let arrival = Arrival { account, book: untold.book.clone(), ..arrival };
        let accepted = self.ledger.accept(&[arrival], says).await?;
        Ok(matches!(accepted[..], [Acceptance::New { .. }]))
    }

    fn tell(&mut self, error: &ApiError) {
        if self.told.insert(error.to_string()) {
            tracing::warn!(%error, "could not fetch what events leave out");
        }
    }
}

/// What to ask for to learn about a topic.
fn wanted(topic: &Topic) -> Wanted {
    match topic {
        Topic::Price(id) => Wanted::Price(id.to_string()),
        Topic::Product(id) => Wanted::Product(id.to_string()),
        Topic::Coupon(id) => Wanted::Coupon(id.to_string()),
        Topic::Items(id) => Wanted::Items(id.to_string()),
    }
}

/// The connected account of a book, `Some(None)` of the own one; `None` of a book that the key's mode
/// knows nothing of (R13).
#[expect(clippy::option_option, reason = "no account, and no book of ours, are two things")]
fn account_of(book: &str, is_live: bool) -> Option<Option<&str>> {
    match (book, is_live) {
        ("live", true) | ("test", false) => Some(None),
        ("live" | "test", _) => None,
        (account, true) => (!account.ends_with(":test")).then_some(Some(account)),
        (account, false) => account.strip_suffix(":test").map(Some),
    }
}
