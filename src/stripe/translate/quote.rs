//! An accepted quote: it stands behind what it makes of its subscription (R20).

use crate::mrr::{Fact, Instant, QuoteFact};

use super::{Node, Source, Translation, Unfit, ignored};

impl Source<'_> {
    /// What the event of an accepted quote says. One that begins a subscription at a later date has a
    /// schedule for it, which tells of itself on the subscription.
    pub(super) fn quote(&self, object: &Node<'_, '_>) -> Result<Translation, Unfit> {
        let Some(customer) = object.id("customer")? else {
            return Ok(ignored("quote of no customer"));
        };
        let Some(subscription) = object.id("subscription")? else {
            return Ok(ignored("quote that names no subscription: one-time, or a schedule stands for it"));
        };
        let transitions = object.object("status_transitions")?;
        let accepted_at = transitions.map_or(Ok(None), |at| at.instant("accepted_at"))?;
        let quote = object.required_id("id")?;
        let accepted_at = accepted_at.unwrap_or(self.at);
        Ok(Translation::Facts(vec![self.accepted(quote, customer, subscription, accepted_at)]))
    }

    /// That a quote was accepted.
    pub(super) fn accepted(&self, quote: &str, customer: &str, subscription: &str, at: Instant) -> Fact {
        Fact::Quote(QuoteFact {
            customer: customer.into(),
            subscription: subscription.into(),
            quote: quote.into(),
            accepted_at: at,
            at: self.at,
            evidence: self.evidence(),
        })
    }
}
