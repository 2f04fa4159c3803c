//! What events leave out is fetched, stored like any other document, and heals what waited for it (R4).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::arrival;
use crate::ledger::{Acceptance, Ledger, LedgerError, Source};
use crate::mrr::Topic;
use crate::stripe::{Api, ApiError, Wanted};

/// The least time between two requests: 20 a second, below the 25 that Stripe grants a sandbox.
const PACE: Duration = Duration::from_millis(50);
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
    /// The mode that the key is of: a live key knows nothing of test mode.
    is_live: bool,
    /// What Stripe does not have, and until when that is believed.
    gone: BTreeMap<(String, Wanted), i64>,
    /// When something may be asked again.
    quiet_until: i64,
    /// The faults that were told, each once.
    told: BTreeSet<String>,
}

impl Completer {
    /// A completer by a key, at `base` if not at Stripe.
    ///
    /// # Errors
    ///
    /// [`ApiError::Configuration`].
    pub fn new(ledger: Ledger, key: &str, base: Option<&str>) -> Result<Self, ApiError> {
        Ok(Self {
            ledger,
            api: Api::new(key, base)?,
            is_live: !key.contains("_test_"),
            gone: BTreeMap::new(),
            quiet_until: 0,
            told: BTreeSet::new(),
        })
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
        for (book, topic) in self.ledger.unlisted_topics().await? {
            let wanted = wanted(&topic);
            let Some(account) = account_of(&book, self.is_live) else { continue };
            let is_gone = self.gone.get(&(book.clone(), wanted.clone())).is_some_and(|until| now < *until);
            if is_gone {
                continue;
            }
            match self.api.fetch(&wanted, account).await {
                Ok(fetched) => {
                    completed.fetched += 1;
                    completed.new += usize::from(self.store(fetched, account, now).await?);
                }
                Err(error) => {
                    self.tell(&error);
                    match error {
                        ApiError::Gone { .. } => {
                            self.gone.insert((book, wanted), now + GONE_SECONDS);
                        }
                        // The next kind may be permitted; this one stays asked for.
                        ApiError::Permission { .. } => {
                            self.gone.insert((book, wanted), now + AWAY_SECONDS);
                        }
                        _ => {
                            self.quiet_until = now + AWAY_SECONDS;
                            return Ok(completed);
                        }
                    }
                }
            }
            tokio::time::sleep(PACE).await;
        }
        Ok(completed)
    }

    /// Stores what was fetched; whether it says something new.
    async fn store(
        &self,
        fetched: crate::stripe::Fetched,
        account: Option<&str>,
        now: i64,
    ) -> Result<bool, LedgerError> {
        let source = Source::Fetched { place: fetched.place };
        let Ok(arrival) = arrival(fetched.body, account, None, now, source) else {
            return Ok(false);
        };
        let accepted = self.ledger.accept(vec![arrival]).await?;
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
