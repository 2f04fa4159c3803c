//! Accepted quotes: the change of a subscription that a quote stands behind is deliberate (R20).

use super::{Fact, Instant, QuoteFact, SubscriptionId};

/// How long before the acceptance the change may be dated: what it makes is made at once, and the two
/// events are stamped by two hands.
const BEFORE_SECONDS: i64 = 60;
/// How long after it: a first payment has to be made, say, before the subscription counts.
const AFTER_SECONDS: i64 = 3_600;

/// From when until when, both inclusive, a quote stands behind the change of its subscription.
pub(super) fn stands_behind(quote: &QuoteFact) -> (Instant, Instant) {
    let accepted_at = quote.accepted_at.0;
    (Instant(accepted_at.saturating_sub(BEFORE_SECONDS)), Instant(accepted_at.saturating_add(AFTER_SECONDS)))
}

/// The accepted quotes of a customer, and which of them have had their change.
#[derive(Debug, Clone, Default)]
pub(super) struct Quotes {
    quotes: Vec<Quote>,
}

#[derive(Debug, Clone)]
struct Quote {
    subscription: SubscriptionId,
    from: Instant,
    until: Instant,
    has_moved: bool,
}

impl Quotes {
    pub(super) fn of(facts: &[Fact]) -> Self {
        let quotes = facts.iter().filter_map(|fact| match fact {
            Fact::Quote(quote) => {
                let (from, until) = stands_behind(quote);
                Some(Quote { subscription: quote.subscription.clone(), from, until, has_moved: false })
            }
            _ => None,
        });
        Self { quotes: quotes.collect() }
    }

    /// Whether a quote that has not had its change yet stands behind what a subscription does at an instant.
    pub(super) fn stand_behind(&self, subscription: &SubscriptionId, at: Instant) -> bool {
        self.quotes.iter().any(|quote| !quote.has_moved && quote.is_for(subscription, at))
    }

    /// The subscription moved at an instant: the next change is no longer the quote's.
    pub(super) fn moved(&mut self, subscription: &SubscriptionId, at: Instant) {
        self.quotes
            .iter_mut()
            .filter(|quote| quote.is_for(subscription, at))
            .for_each(|quote| quote.has_moved = true);
    }

    /// Whether a derivation that goes on behind an instant would have to know which of them had moved.
    pub(super) fn are_pending(&self, at: Instant) -> bool {
        self.quotes.iter().any(|quote| quote.from <= at && at < quote.until)
    }
}

impl Quote {
    fn is_for(&self, subscription: &SubscriptionId, at: Instant) -> bool {
        self.subscription == *subscription && self.from <= at && at <= self.until
    }
}
