//! Stripe's API, and the only room that names its client. It fetches what events leave out (R4): tiers and
//! currencies of prices, what coupons apply to, items past the tenth; and it reads lists, page by page. It only
//! reads, and gives the bytes as they came: what they say is `stripe`'s to tell, as of any other document.

mod error;
mod list;
mod pace;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use miniserde::json::Value;
use stripe::{AccountId, ClientBuilder, CustomizedStripeRequest, RequestStrategy, StripeError};
use stripe_client_core::{RequestBuilder, StripeClient, StripeMethod};

use self::error::fault;
use self::pace::Pace;

pub use self::error::ApiError;
pub use self::list::{List, Listed, Page, Span};

/// How often a request is tried before it is given up.
const TRIES: u32 = 6;
/// How long is waited before the second try, twice as long before the third, and so on: half a minute in all, as
/// the client does not hand on the header that says how long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
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

/// Stripe's API, by a key that may only read. Clones share the rate limit.
#[derive(Debug, Clone)]
pub struct Api {
    client: stripe::Client,
    pace: Pace,
    is_live: bool,
}

impl Api {
    /// The API at `base`, Stripe's own where there is none, by a secret or restricted key.
    ///
    /// # Errors
    ///
    /// [`ApiError::Configuration`].
    pub fn new(key: &str, base: Option<&str>) -> Result<Self, ApiError> {
        let mut builder = ClientBuilder::new(key)
            .request_strategy(RequestStrategy::Once)
            .timeout(TIMEOUT)
            .app_info("upswell", Some(env!("CARGO_PKG_VERSION").to_owned()), None);
        if let Some(base) = base {
            builder = builder.url(format!("{}/", base.trim_end_matches('/')));
        }
        let client = builder.build().map_err(|_| ApiError::Configuration)?;
        Ok(Self { client, pace: Pace::new(), is_live: !key.contains("_test_") })
    }

    /// Whether the key is of live mode: it knows nothing of test mode then, and the other way round.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.is_live
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
        let (body, _) = self.get(&path, permission, &query, account).await?;
        Ok(Fetched { body, place: format!("GET /v1{path}") })
    }

    /// Asks until there is an answer: 429, 5xx and silence wait longer each time, and a 429 lets all others wait.
    async fn get(
        &self,
        path: &str,
        permission: &'static str,
        query: &[(&str, &str)],
        account: Option<&str>,
    ) -> Result<(Bytes, Value), ApiError> {
        let place = format!("GET /v1{path}");
        // An account that is none must not become the own one.
        if let Some(account) = account.filter(|account| !is_account(account)) {
            return Err(ApiError::Account { account: account.to_owned() });
        }
        let mut wait = FIRST_WAIT;
        for attempt in 1.. {
            self.pace.turn().await;
            let error = match self.ask(path, query, account).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let told = fault(&error, &place, permission, account);
            if attempt == TRIES || !told.is_transient() {
                return Err(told);
            }
            if matches!(error, StripeError::Stripe(_, 429)) {
                self.pace.hold(wait);
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        Err(ApiError::Away { place, what: "no answer".to_owned() })
    }

    /// Asks once.
    async fn ask(
        &self,
        path: &str,
        query: &[(&str, &str)],
        account: Option<&str>,
    ) -> Result<(Bytes, Value), StripeError> {
        let request = RequestBuilder::new(StripeMethod::Get, path).query(&Query(query));
        let mut request = request.customize::<Value>();
        if let Some(account) = account {
            request = request.account_id(AccountId::from(account));
        }
        let capture = Capture { client: &self.client, body: Mutex::default() };
        let value = request.send(&capture).await?;
        let body = capture.body.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok((body.unwrap_or_default(), value))
    }
}

/// Whether this may stand in the header that names an account.
fn is_account(account: &str) -> bool {
    let name = account.strip_prefix("acct_").unwrap_or_default();
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
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
        *self.body.lock().unwrap_or_else(PoisonError::into_inner) = Some(body.clone());
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[tokio::test]
    async fn an_account_that_is_none_is_refused_and_nobody_asked() {
        let api = Api::new("rk_test_1", Some("http://127.0.0.1:1")).unwrap();
        for account in ["", "acct_", "cus_1", "acct_1\r\nX: y"] {
            let refused = api.fetch(&Wanted::Price("price_1".to_owned()), Some(account)).await.unwrap_err();
            assert_eq!(refused, ApiError::Account { account: account.to_owned() });
        }
    }

    #[test]
    fn the_mode_is_the_key_s() {
        assert!(Api::new("rk_live_1", None).unwrap().is_live());
        assert!(!Api::new("sk_test_1", None).unwrap().is_live());
    }

    #[test]
    fn the_address_may_end_in_a_slash_or_not() {
        assert!(Api::new("rk_test_1", Some("http://127.0.0.1:1")).is_ok());
        assert!(Api::new("rk_test_1", Some("http://127.0.0.1:1/")).is_ok());
        assert_eq!(Api::new("rk_test_1", Some("not an address")).unwrap_err(), ApiError::Configuration);
        assert_eq!(Api::new("rk\ntest", None).unwrap_err(), ApiError::Configuration);
    }
}
