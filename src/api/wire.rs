//! How Stripe's API is spoken to: async-stripe's requests and errors over a connection of our own, for its client hands
//! on no header of an answer, and so not how long to wait.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chrono::DateTime;
use http_body_util::{BodyExt, Empty};
use hyper::header::{AUTHORIZATION, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use miniserde::Deserialize;
use stripe::{ApiErrors, CustomizedStripeRequest, StripeError};
use stripe_client_core::{StripeClient, VERSION};

use super::ApiError;

/// How long one try may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The address of the API, and what every request says.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    /// With a slash at its end.
    base: String,
    headers: HeaderMap,
}

/// One request, and what is heard of its answer beside what it says.
#[derive(Debug)]
pub(super) struct Call<'w> {
    wire: &'w Wire,
    heard: Mutex<Heard>,
}

/// What is heard of an answer.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Its bytes as they came, past the generated types of one API version.
    pub(super) body: Bytes,
    /// How long Stripe asks to wait before the next try.
    pub(super) again_in: Option<Duration>,
}

/// How Stripe says what is wrong.
#[derive(Deserialize)]
struct Refusal {
    error: Box<ApiErrors>,
}

impl Wire {
    /// To the API at this address, by a key.
    ///
    /// # Errors
    ///
    /// [`ApiError::Configuration`] if they can't be used.
    pub(super) fn to(base: &str, key: &str) -> Result<Self, ApiError> {
        let base = format!("{}/", base.trim_end_matches('/'));
        base.parse::<Uri>().map_err(|_| ApiError::Configuration)?;
        let mut secret: HeaderValue = format!("Bearer {key}").parse().map_err(|_| ApiError::Configuration)?;
        secret.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, secret),
            (USER_AGENT, HeaderValue::from_static(concat!("upswell/", env!("CARGO_PKG_VERSION")))),
            (
                HeaderName::from_static("stripe-version"),
                HeaderValue::from_str(VERSION.as_str()).map_err(|_| ApiError::Configuration)?,
            ),
        ]);
        let tls = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        // As async-stripe has it: a connection that was kept may be gone when it is wanted.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(tls);
        Ok(Self { client, base, headers })
    }

    /// What one request is made by.
    pub(super) fn call(&self) -> Call<'_> {
        Call { wire: self, heard: Mutex::default() }
    }
}

impl Call<'_> {
    /// What was heard, once it is answered.
    pub(super) fn heard(self) -> Heard {
        self.heard.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, request: Request<Empty<Bytes>>) -> Result<Bytes, StripeError> {
        let answer = self.wire.client.request(request).await?;
        let (status, again_in) = (answer.status(), again_in(answer.headers()));
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).again_in = again_in;
        let body = answer.into_body().collect().await?.to_bytes();
        if status.is_success() {
            self.heard.lock().unwrap_or_else(PoisonError::into_inner).body = body.clone();
            return Ok(body);
        }
        let text = std::str::from_utf8(&body).unwrap_or_default();
        let refusal: Refusal = miniserde::json::from_str(text)
            .map_err(|_| StripeError::JSONDeserialize("an error that is none of Stripe's".to_owned()))?;
        Err(StripeError::Stripe(refusal.error, status.as_u16()))
    }
}

impl StripeClient for Call<'_> {
    type Err = StripeError;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<Bytes, StripeError> {
        let (asked, by) = request.into_pieces();
        let query = asked.query.map(|query| format!("?{query}")).unwrap_or_default();
        let mut request =
            Request::get(format!("{}v1{}{query}", self.wire.base, asked.path)).body(Empty::new())?;
        request.headers_mut().clone_from(&self.wire.headers);
        if let Some(account) = by.account_id {
            let account = HeaderValue::from_str(account.as_str())
                .map_err(|_| StripeError::ConfigError("the account is none".to_owned()))?;
            request.headers_mut().insert(HeaderName::from_static("stripe-account"), account);
        }
        let answer = tokio::time::timeout(TIMEOUT, self.ask(request)).await;
        answer.unwrap_or(Err(StripeError::Timeout))
    }
}

/// How long an answer asks to wait: so many seconds, or until an instant, which counts from the answer's own date, so that
/// no clock has to agree with another.
fn again_in(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let told = text(RETRY_AFTER)?.trim();
    if let Ok(seconds) = told.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let instant = |text| DateTime::parse_from_rfc2822(text).ok();
    let wait = instant(told)? - instant(text(DATE)?)?;
    Some(wait.to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn how_long_to_wait_is_told_in_seconds_or_by_an_instant() {
        let date = "Wed, 21 Oct 2026 07:28:00 GMT";
        for (told, date, seconds) in [
            (Some("7"), None, Some(7)),
            (Some(" 0 "), None, Some(0)),
            (Some("Wed, 21 Oct 2026 07:28:09 GMT"), Some(date), Some(9)),
            (Some("Wed, 21 Oct 2026 07:27:00 GMT"), Some(date), Some(0)),
            (Some("Wed, 21 Oct 2026 07:28:09 GMT"), None, None),
            (Some("soon"), Some(date), None),
            (Some("-1"), Some(date), None),
            (None, Some(date), None),
        ] {
            let mut headers = HeaderMap::new();
            let mut say = |name, value: Option<&str>| {
                value.map(|value| headers.insert(name, value.parse().unwrap()));
            };
            say(RETRY_AFTER, told);
            say(DATE, date);
            assert_eq!(again_in(&headers), seconds.map(Duration::from_secs), "{told:?}");
        }
    }
}
