//! Reports told to a webhook. It is spoken to once, answers in time, and sends nobody elsewhere.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::parcel::Parcel;
use super::{AddressError, SendError, slack};

/// How long it may take, from the first byte to its answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest that a webhook is believed when it says when to come again, in seconds.
const LONGEST_PAUSE: i64 = 24 * 3_600;

/// A webhook; its address may open something, and is not shown.
#[derive(Clone)]
pub struct Webhook {
    address: Uri,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Webhook(…)")
    }
}

impl Webhook {
    /// The webhook at an address.
    ///
    /// # Errors
    ///
    /// An address that is none.
    pub fn at(address: &str) -> Result<Self, AddressError> {
        let address: Uri = address.parse().map_err(|_| AddressError::Web)?;
        let is_web = matches!(address.scheme_str(), Some("http" | "https")) && address.host().is_some();
        if !is_web {
            return Err(AddressError::Web);
        }
        let tls = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        Ok(Self { address, client: Client::builder(TokioExecutor::new()).build(tls) })
    }

    /// Tells it of a parcel.
    pub(super) async fn tell(&self, parcel: &Parcel) -> Result<(), SendError> {
        let body = slack::message(&parcel.message).to_string();
        let request = Request::post(self.address.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("upswell/", env!("CARGO_PKG_VERSION")))
            .body(Full::from(body))
            .map_err(|_| SendError::Letter)?;
        let answer = tokio::time::timeout(PATIENCE, self.client.request(request)).await;
        let answer = answer.map_err(|_| SendError::TooSlow { limit: PATIENCE })?;
        let answer = answer.map_err(|_| SendError::WebhookAway)?;
        if answer.status().is_success() { Ok(()) } else { Err(refused(&answer)) }
    }
}

fn refused<B>(answer: &Response<B>) -> SendError {
    let status = answer.status().as_u16();
    let again_in = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    SendError::WebhookRefused {
        status,
        meaning: match status {
            300..400 => {
                ": it sends elsewhere, and nobody goes there; give the delivery the address that it names"
            }
            400 => ": it does not take messages like this one",
            401 | 403 | 404 | 410 => ": its address is no longer, or was never, one to post to",
            429 => ": it is told too much",
            500.. => ": it is in trouble itself",
            _ => "",
        },
        again_in: again_in.filter(|seconds| (0..=LONGEST_PAUSE).contains(seconds)),
    }
}
