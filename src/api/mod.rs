//! Stripe's API, and the only room that names its client. It fetches what events leave out (R4): tiers and
//! currencies of prices, what coupons apply to, items past the tenth; and it reads lists, page by page. It only
//! reads, and gives the bytes as they came: what they say is `stripe`'s to tell, as of any other document.

mod error;
mod list;
mod pace;
mod wire;

use std::time::Duration;

use bytes::Bytes;
use miniserde::json::Value;
use stripe::{AccountId, StripeError};
use stripe_client_core::{RequestBuilder, StripeMethod};

use self::error::fault;
use self::pace::Pace;
use self::wire::Wire;

pub use self::error::ApiError;
pub use self::list::{List, Listed, Page, Span};

/// How often a request is tried before it is given up.
const TRIES: u32 = 6;
/// Where Stripe's own is.
const STRIPE: &str = "https://api.stripe.com/";
/// How long is waited before the second try, twice as long before the third, and so on: half a minute in all. Where Stripe
/// says how long, it is as long, and no less than the first wait.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait that Stripe is believed: who runs a backfill should see it go on or be told. What is not answered by
/// then is tried again by `serve` anyway, so that nobody needs another number.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

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
    wire: Wire,
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
        let wire = Wire::to(base.unwrap_or(STRIPE), key)?;
        Ok(Self { wire, pace: Pace::new(), is_live: !key.contains("_test_") })
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

    /// Asks until there is an answer: 429, 5xx and silence wait longer each time, or as long as Stripe says; a 429, and who
    /// says how long, lets all others wait.
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
            let (error, again_in) = match self.ask(path, query, account).await {
                Ok(answer) => return Ok(answer),
                Err(refused) => refused,
            };
            let told = fault(&error, &place, permission, account);
            if attempt == TRIES || !told.is_transient() {
                return Err(told);
            }
            let pause = pause(wait, again_in);
            if again_in.is_some() || matches!(error, StripeError::Stripe(_, 429)) {
                self.pace.hold(pause);
            }
            tokio::time::sleep(pause).await;
            wait *= 2;
        }
        Err(ApiError::Away { place, what: "no answer".to_owned() })
    }

    /// Asks once; with what went wrong comes how long Stripe asks to wait.
    async fn ask(
        &self,
        path: &str,
        query: &[(&str, &str)],
        account: Option<&str>,
    ) -> Result<(Bytes, Value), (StripeError, Option<Duration>)> {
        let request = RequestBuilder::new(StripeMethod::Get, path).query(&Query(query));
        let mut request = request.customize::<Value>();
        if let Some(account) = account {
            request = request.account_id(AccountId::from(account));
        }
        let call = self.wire.call();
        let answered = request.send(&call).await;
        let heard = call.heard();
        answered.map(|value| (heard.body, value)).map_err(|error| (error, heard.again_in))
    }
}

/// How long is waited before the next try, if Stripe says nothing of it, or this.
fn pause(otherwise: Duration, again_in: Option<Duration>) -> Duration {
    again_in.map_or(otherwise, |told| told.clamp(FIRST_WAIT, LONGEST_WAIT))
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
    fn it_waits_as_long_as_it_is_told_within_reason() {
        let of = |told: Option<u64>| pause(Duration::from_secs(4), told.map(Duration::from_secs)).as_secs();
        assert_eq!([None, Some(7), Some(2), Some(0), Some(3_600)].map(of), [4, 7, 2, 1, 60]);
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
