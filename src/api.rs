//! Stripe's API, and the only room that names its client. It fetches what events leave out (R4): tiers and
//! currencies of prices, what coupons apply to, items past the tenth. It only reads, and gives the bytes as
//! they came: what they say is `stripe`'s to tell, as of any other document.

use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use stripe::{AccountId, ClientBuilder, CustomizedStripeRequest, RequestStrategy, StripeError};
use stripe_client_core::{RequestBuilder, StripeClient, StripeMethod};

/// How often a request is tried before it is given up: 429 and 5xx wait longer each time.
const TRIES: u32 = 5;
/// How long one try may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What may be fetched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wanted {
    /// A price, with its tiers and what it asks in other currencies.
    Price(String),
    /// A product.
    Product(String),
    /// A coupon, with the products it applies to.
    Coupon(String),
    /// All items of a subscription, with their prices' tiers.
    Items(String),
}

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Stripe's answer, byte for byte.
    pub body: Bytes,
    /// What was asked, as a method and a path.
    pub place: String,
}

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

impl Wanted {
    /// The path with what is to be expanded, and the permission it takes.
    fn request(&self) -> (String, &'static str, &'static [(&'static str, &'static str)]) {
        match self {
            Self::Price(id) => (
                format!("/prices/{id}"),
                "Prices",
                &[("expand[0]", "tiers"), ("expand[1]", "currency_options.tiers")],
            ),
            Self::Product(id) => (format!("/products/{id}"), "Products", &[]),
            Self::Coupon(id) => (
                format!("/coupons/{id}"),
                "Coupons",
                &[("expand[0]", "applies_to"), ("expand[1]", "currency_options")],
            ),
            Self::Items(_) => (
                "/subscription_items".to_owned(),
                "Subscriptions",
                &[("limit", "100"), ("expand[0]", "data.price.tiers")],
            ),
        }
    }
}

/// Stripe's API, by a key that may only read.
#[derive(Debug, Clone)]
pub struct Api {
    client: stripe::Client,
}

impl Api {
    /// The API at `base`, Stripe's own where there is none, by a secret or restricted key.
    ///
    /// # Errors
    ///
    /// [`ApiError::Configuration`].
    pub fn new(key: &str, base: Option<&str>) -> Result<Self, ApiError> {
        let mut builder = ClientBuilder::new(key)
            .request_strategy(RequestStrategy::ExponentialBackoff(TRIES))
            .timeout(TIMEOUT)
            .app_info("upswell", Some(env!("CARGO_PKG_VERSION").to_owned()), None);
        if let Some(base) = base {
            builder = builder.url(format!("{}/", base.trim_end_matches('/')));
        }
        let client = builder.build().map_err(|_| ApiError::Configuration)?;
        Ok(Self { client })
    }

    /// Fetches something of the own account, or of a connected one.
    ///
    /// # Errors
    ///
    /// [`ApiError`], after all tries.
    pub async fn fetch(&self, wanted: &Wanted, account: Option<&str>) -> Result<Fetched, ApiError> {
        let (path, permission, expand) = wanted.request();
        let mut query: Vec<(&str, &str)> = expand.to_vec();
        if let Wanted::Items(subscription) = wanted {
            query.push(("subscription", subscription));
        }
        let place = format!("GET /v1{path}");
        let request = RequestBuilder::new(StripeMethod::Get, path).query(&Query(&query));
        let mut request = request.customize::<miniserde::json::Value>();
        if let Some(account) = account.and_then(|account| account.parse::<AccountId>().ok()) {
            request = request.account_id(account);
        }
        let capture = Capture { client: &self.client, body: Mutex::default() };
        let sent = request.send(&capture).await;
        let body = capture.body.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        match (sent, body) {
            (Ok(_), Some(body)) => Ok(Fetched { body, place }),
            (Err(error), _) => Err(fault(&error, place, permission)),
            (Ok(_), None) => Err(ApiError::Away { place, what: "no answer".to_owned() }),
        }
    }
}

fn fault(error: &StripeError, place: String, permission: &'static str) -> ApiError {
    let away = |place, what: &str| ApiError::Away { place, what: what.to_owned() };
    match error {
        StripeError::Stripe(_, status) => refusal(*status, place, permission),
        StripeError::Timeout => away(place, "no answer in time"),
        StripeError::ConfigError(_) => ApiError::Configuration,
        StripeError::JSONDeserialize(_) => away(place, "an answer that is none of Stripe's"),
        StripeError::ClientError(_) => away(place, "no connection"),
    }
}

fn refusal(status: u16, place: String, permission: &'static str) -> ApiError {
    match status {
        401 => ApiError::Key,
        403 => ApiError::Permission { permission },
        400 | 404 => ApiError::Gone { place },
        status => ApiError::Away { place, what: format!("status {status}") },
    }
}

/// A query in the order it is given: arrays of `expand[]` written out.
struct Query<'q>(&'q [(&'q str, &'q str)]);

impl serde::Serialize for Query<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// Hands the answer's bytes on as they came, past the generated types of one API version.
struct Capture<'c> {
    client: &'c stripe::Client,
    body: Mutex<Option<Bytes>>,
}

impl StripeClient for Capture<'_> {
    type Err = StripeError;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<Bytes, StripeError> {
        let body = self.client.execute(request).await?;
        *self.body.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(body.clone());
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn what_stripe_answers_is_told_by_its_remedy() {
        let of = |status| refusal(status, "GET /v1/prices/price_1".to_owned(), "Prices");
        assert_eq!(of(401), ApiError::Key);
        assert_eq!(of(403).to_string().matches("Prices").count(), 2);
        assert!(matches!(of(404), ApiError::Gone { .. }));
        assert!(of(429).is_transient() && of(500).is_transient() && !of(404).is_transient());
    }

    #[test]
    fn the_address_may_end_in_a_slash_or_not() {
        assert!(Api::new("rk_test_1", Some("http://127.0.0.1:1")).is_ok());
        assert!(Api::new("rk_test_1", Some("http://127.0.0.1:1/")).is_ok());
        assert_eq!(Api::new("rk_test_1", Some("not an address")).unwrap_err(), ApiError::Configuration);
        assert_eq!(Api::new("rk\ntest", None).unwrap_err(), ApiError::Configuration);
    }
}
