//! The envelope: what the inbox needs to know of a delivery, without looking into its object.

use std::borrow::Cow;

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::event::Event;
use super::json::Json;
use super::listing;
use super::node::is_identifier;
use super::rows;

/// The form an event came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// A whole event with its object, as webhooks and the API give it.
    Snapshot,
    /// A thin event of API v2, which names its object and leaves it out.
    Thin,
    /// A whole event inside an Amazon EventBridge envelope (`detail`).
    EventBridge,
    /// A whole event inside an Azure Event Grid envelope (CloudEvents `data`).
    EventGrid,
    /// No event: an object of a list (a price, plan, product, coupon, subscription item), or a list of a
    /// subscription's items.
    Listing,
    /// No event: a row of a table, an export of the Dashboard or a table of Sigma.
    Row,
    /// JSON that is no event: it is kept, and parked.
    Unrecognised,
}

/// An event's envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The event's id, the inner one where it was wrapped; of a listed object `listing:`, its id and 16
    /// digits of its digest, and of a row `row:` and the same; of what is neither, `sha256:` and the hash of the body.
    pub id: String,
    /// Its `type`; of a listed object `listing.price` and the like, of a row `row.product`; `unknown` for what is neither.
    pub kind: String,
    /// When it was made, in seconds since 1970; 0 where it doesn't say. Of a listed object, when that was
    /// made or, where it says, last changed.
    pub created: i64,
    /// Whether it is of live mode; what doesn't say is.
    pub livemode: bool,
    /// The connected account it belongs to; `None` for the own one.
    pub account: Option<String>,
    /// The API version that rendered it.
    pub api_version: Option<String>,
    /// The form it came in.
    pub form: Form,
}

/// Why a body can't be kept at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// It is not JSON, or not UTF-8.
    #[error("body is not JSON (line {line}, column {column}); send Stripe's body as it came")]
    NotJson {
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault, from 1.
        column: usize,
    },
}

/// Reads the envelope of a delivery's body. Every JSON text gets one, so that whatever was verified
/// can be stored: what is no event is [`Form::Unrecognised`].
///
/// # Errors
///
/// [`EnvelopeError::NotJson`], where.
pub fn read(body: &[u8]) -> Result<Envelope, EnvelopeError> {
    Ok(Delivery::read(body)?.envelope)
}

/// A delivery's body with its envelope, for who asks what it says as well.
pub struct Delivery<'b> {
    /// Its envelope.
    pub envelope: Envelope,
    pub(super) body: &'b [u8],
    pub(super) event: Option<Event<'b>>,
}

impl<'b> Delivery<'b> {
    /// Reads the envelope of a body, as [`read`] does.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::NotJson`], where.
    pub fn read(body: &'b [u8]) -> Result<Self, EnvelopeError> {
        let text = std::str::from_utf8(body).map_err(|fault| not_utf8(body, fault.valid_up_to()))?;
        let event = Event::find(text);
        if event.is_none() {
            serde_json::from_str::<&RawValue>(text)
                .map_err(|fault| EnvelopeError::NotJson { line: fault.line(), column: fault.column() })?;
        }
        let recognised = event.as_ref().and_then(|event| {
            let listed = listing::envelope_of(event, text);
            listed.or_else(|| rows::envelope_of(event, text)).or_else(|| envelope_of(event))
        });
        Ok(Self { envelope: recognised.unwrap_or_else(|| unrecognised(body)), body, event })
    }
}

/// The book an event belongs to (R13): `live` or `test` of the own account, and for a connected
/// account its id, with `:test` behind it in test mode.
#[must_use]
pub fn book(envelope: &Envelope) -> String {
    book_of(envelope.account.as_deref(), envelope.livemode)
}

/// The book of an account and a mode (R13), as [`book`] has it of an event.
#[must_use]
pub fn book_of(account: Option<&str>, is_live: bool) -> String {
    match (account, is_live) {
        (None, true) => "live".to_owned(),
        (None, false) => "test".to_owned(),
        (Some(account), true) => account.to_owned(),
        (Some(account), false) => format!("{account}:test"),
    }
}

fn not_utf8(body: &[u8], at: usize) -> EnvelopeError {
    let before = &body[..at];
    let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    EnvelopeError::NotJson {
        line: before.iter().filter(|&&byte| byte == b'\n').count() + 1,
        column: at - start + 1,
    }
}

fn envelope_of(event: &Event<'_>) -> Option<Envelope> {
    // Some objects of the API have an id and a type as well, a payment method say.
    let object = event.text("object");
    if object.is_some_and(|object| object != "event" && object != "v2.core.event") {
        return None;
    }
    let id = event.text("id").filter(|id| is_identifier(id))?;
    let kind = event.text("type").filter(|kind| is_identifier(kind))?;
    let created = event.created();
    let account = event.account().filter(|account| is_identifier(account));
    let api_version = event.text("api_version").filter(|version| is_identifier(version));
    Some(Envelope {
        id: id.into_owned(),
        kind: kind.into_owned(),
        created,
        livemode: event.raw("livemode").is_none_or(|raw| raw != "false"),
        account: account.map(Cow::into_owned),
        api_version: api_version.map(Cow::into_owned),
        form: event.form,
    })
}

fn unrecognised(body: &[u8]) -> Envelope {
    let digest: [u8; 32] = Sha256::digest(body).into();
    Envelope {
        id: format!("sha256:{}", hex::encode(digest)),
        kind: "unknown".to_owned(),
        created: 0,
        livemode: true,
        account: None,
        api_version: None,
        form: Form::Unrecognised,
    }
}

/// A digest of what a body says: SHA-256 over an event's type, created and data, the same however it was
/// wrapped, indented or delivered: `pending_webhooks`, which changes between deliveries, is no part of it. Of a
/// listed object, over all of it; of what is neither, over its bytes.
#[must_use]
pub fn says(body: &[u8]) -> [u8; 32] {
    match Delivery::read(body) {
        Ok(Delivery { envelope, event: Some(event), .. }) if envelope.form != Form::Unrecognised => {
            let whole = std::str::from_utf8(body).unwrap_or_default();
            let is_whole = matches!(envelope.form, Form::Listing | Form::Row);
            let data = if is_whole { whole } else { event.payload() };
            digest(&envelope.kind, envelope.created, data)
        }
        _ => Sha256::digest(body).into(),
    }
}

/// Hashes type, created and the canonical form of the data; data that is nested too deeply to be
/// read is taken as it stands.
pub(super) fn digest(kind: &str, created: i64, data: &str) -> [u8; 32] {
    let mut canonical = Vec::with_capacity(data.len());
    match serde_json::from_str::<Json<'_>>(data) {
        Ok(json) => json.canonical(&mut canonical),
        Err(_) => canonical.extend(data.bytes()),
    }
    let mut hash = Sha256::new();
    hash.update(u64::try_from(kind.len()).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(kind);
    hash.update(created.to_be_bytes());
    hash.update(canonical);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const EVENT: &str = r#"{"id":"evt_1","object":"event","type":"customer.subscription.updated","created":1700000000,
        "livemode":true,"api_version":"2024-06-20","pending_webhooks":2,"request":{"id":null},
        "data":{"object":{"id":"sub_1","quantity":2},"previous_attributes":{"quantity":1}}}"#;

    fn envelope(body: &str) -> Envelope {
        read(body.as_bytes()).expect("JSON")
    }

    #[test]
    fn an_envelope_is_read_without_its_object() {
        let envelope = envelope(EVENT);
        assert_eq!(envelope.id, "evt_1");
        assert_eq!(envelope.kind, "customer.subscription.updated");
        assert_eq!(envelope.created, 1_700_000_000);
        assert_eq!(envelope.api_version.as_deref(), Some("2024-06-20"));
        assert_eq!((envelope.form, envelope.account.as_deref()), (Form::Snapshot, None));
        assert_eq!(book(&envelope), "live");
    }

    #[test]
    fn a_digest_covers_type_created_and_data_only() {
        let digest = says(EVENT.as_bytes());
        let again = EVENT.replace("\"pending_webhooks\":2", "\"pending_webhooks\":0");
        assert_eq!(says(again.as_bytes()), digest);
        let order =
            EVENT.replace(r#"{"id":"sub_1","quantity":2}"#, "{ \"quantity\": 2,\n \"id\": \"sub_1\" }");
        assert_ne!(order, EVENT);
        assert_eq!(says(order.as_bytes()), digest);
        for other in [
            EVENT.replace("\"quantity\":2", "\"quantity\":3"),
            EVENT.replace("updated", "created"),
            EVENT.replace("1700000000", "1700000001"),
        ] {
            assert_ne!(says(other.as_bytes()), digest, "{other}");
        }
    }

    #[test]
    fn wrapped_events_are_the_events_inside() {
        let plain = envelope(EVENT);
        let bridge =
            format!(r#"{{"version":"0","id":"aws","detail-type":"x","account":"1234","detail":{EVENT}}}"#);
        let grid = format!(r#"{{"specversion":"1.0","id":"az","type":"com.stripe","data":{EVENT}}}"#);
        let form = |form| Envelope { form, ..plain.clone() };
        assert_eq!(envelope(&bridge), form(Form::EventBridge));
        assert_eq!(envelope(&grid), form(Form::EventGrid));
    }

    #[test]
    fn a_thin_event_is_recognised() {
        let thin = r#"{"id":"evt_2","object":"v2.core.event","type":"v1.billing.meter.error_report_triggered",
            "created":"2025-02-18T10:10:51.000Z","livemode":false,"context":"acct_9",
            "related_object":{"id":"mtr_1","type":"billing.meter"}}"#;
        let envelope = envelope(thin);
        assert_eq!((envelope.form, envelope.created), (Form::Thin, 1_739_873_451));
        assert_eq!(book(&envelope), "acct_9:test");
    }

    #[test]
    fn books_are_kept_apart_by_account_and_mode() {
        let connect = EVENT.replace("\"livemode\":true", "\"livemode\":true,\"account\":\"acct_1\"");
        assert_eq!(book(&envelope(&connect)), "acct_1");
        let test = EVENT.replace("\"livemode\":true", "\"livemode\":false");
        assert_eq!(book(&envelope(&test)), "test");
    }

    #[test]
    fn json_that_is_no_event_can_still_be_stored() {
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        let bodies = ["1", "[]", "{}", r#"{"id":7}"#, r#"{"id":"sub_1"}"#, r#"{"id":"","type":"x"}"#, &deep];
        for body in bodies {
            let envelope = envelope(body);
            assert_eq!(envelope.form, Form::Unrecognised, "{body:.20}");
            assert!(envelope.id.starts_with("sha256:"));
        }
        assert_ne!(envelope("[]").id, envelope("{}").id);
        let nul = r#"{"id":"evt_\u0000","type":"x"}"#;
        assert_eq!(envelope(nul).form, Form::Unrecognised);
    }

    #[test]
    fn data_that_is_nested_deeply_or_odd_never_stops_the_reader() {
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        for data in [deep.as_str(), "1e999", r#""\ud800""#, r#"{"a":1,"a":2}"#, "null"] {
            let envelope = envelope(&format!(r#"{{"id":"evt_1","type":"x","created":1,"data":{data}}}"#));
            assert_eq!(envelope.id, "evt_1");
        }
        assert_eq!(envelope(r#"{"id":"evt_1","id":"evt_2","type":"x"}"#).id, "evt_2");
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        for body in [&b""[..], b"{", b"{\"a\":1}x", b"<html>", b"{\"a\":\"\xff\"}"] {
            assert!(matches!(read(body), Err(EnvelopeError::NotJson { line: 1, .. })), "{body:?}");
        }
        assert_eq!(read(b"{\n\n \xff"), Err(EnvelopeError::NotJson { line: 3, column: 2 }));
    }
}
