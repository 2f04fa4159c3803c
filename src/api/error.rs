//! Why Stripe did not answer as it should, each with the remedy.

use stripe::StripeError;

/// Why something was not fetched. Stripe's own messages stay out: they may name customers and keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The key can't stand in a header, or the address is none.
    #[error(
        "STRIPE_API_KEY or STRIPE_API_BASE can't be used; STRIPE_API_KEY=rk_live_… and STRIPE_API_BASE=https://api.stripe.com/ are of the right form"
    )]
    Configuration,
    /// The key is not known.
    #[error(
        "Stripe does not know the key in STRIPE_API_KEY; make a restricted key with read permissions in the Dashboard"
    )]
    Key,
    /// The key lacks a permission.
    #[error(
        "the key in STRIPE_API_KEY may not read {permission}; give the restricted key read permission for {permission}"
    )]
    Permission {
        /// The permission, as the Dashboard names it.
        permission: &'static str,
    },
    /// The account is none of those that the key may read.
    #[error(
        "the key in STRIPE_API_KEY may not read the account {account}; name one that is connected to the key's own, as \
         acct_…, and give the restricted key read permissions for connected accounts"
    )]
    Account {
        /// The account.
        account: String,
    },
    /// It is not there, or no more.
    #[error("Stripe does not have {place}")]
    Gone {
        /// What was asked.
        place: String,
    },
    /// Stripe is busy, away or slow; later it may answer.
    #[error("Stripe did not answer {place} ({what}); it is tried again later")]
    Away {
        /// What was asked.
        place: String,
        /// The status, or what happened.
        what: String,
    },
}

impl ApiError {
    /// Whether the same request may succeed later without anybody doing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Away { .. })
    }
}

/// What went wrong with a request, without Stripe's words.
pub(super) fn fault(
    error: &StripeError,
    place: &str,
    permission: &'static str,
    account: Option<&str>,
) -> ApiError {
    let away = |what: &str| ApiError::Away { place: place.to_owned(), what: what.to_owned() };
    match error {
        StripeError::Stripe(told, status) => {
            // A connected account that the key has nothing to do with is no lack of a permission.
            let is_account = told.code.as_ref().is_some_and(|code| code.as_str() == "account_invalid");
            match account.filter(|_| is_account) {
                Some(account) => ApiError::Account { account: account.to_owned() },
                None => refusal(*status, place, permission),
            }
        }
        StripeError::Timeout => away("no answer in time"),
        StripeError::ConfigError(_) => ApiError::Configuration,
        StripeError::JSONDeserialize(_) => away("an answer that is none of Stripe's"),
        StripeError::ClientError(_) => away("no connection"),
    }
}

fn refusal(status: u16, place: &str, permission: &'static str) -> ApiError {
    let place = place.to_owned();
    match status {
        401 => ApiError::Key,
        403 => ApiError::Permission { permission },
        400 | 404 => ApiError::Gone { place },
        status => ApiError::Away { place, what: format!("status {status}") },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn what_stripe_answers_is_told_by_its_remedy() {
        let of = |status| refusal(status, "GET /v1/prices/price_1", "Prices");
        assert_eq!(of(401), ApiError::Key);
        assert_eq!(of(403).to_string().matches("Prices").count(), 2);
        assert!(matches!(of(404), ApiError::Gone { .. }));
        assert!(of(429).is_transient() && of(500).is_transient() && !of(404).is_transient());
    }
}
