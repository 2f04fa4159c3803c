//! The `Stripe-Signature` header, judged as Stripe's own libraries judge it.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

/// An endpoint's signing secret. Its whole text, `whsec_` included, is the key.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret without the blanks around it; `None` if nothing is left, since a signature made with
    /// an empty key proves nothing.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The secrets of a comma-separated list: one an endpoint, and two while one is rolled.
    #[must_use]
    pub fn list(text: &str) -> Vec<Self> {
        text.split(',').filter_map(Self::new).collect()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A delivery whose signature holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed {
    /// When Stripe signed it, in seconds since 1970.
    pub at: i64,
    /// Whether that is later than our clock: the delivery is good, one of the clocks is not.
    pub is_from_the_future: bool,
}

/// Why a delivery is refused. The texts name no secret and no body and may be sent to the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no header, or a blank one.
    #[error("no Stripe-Signature header; only Stripe, or a sender that signs as it does, may post here")]
    Missing,
    /// The header has no time that can be read.
    #[error("Stripe-Signature header {fault}; expected t=<unix seconds>,v1=<hex>")]
    Malformed {
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The header has no signature of the one scheme that counts.
    #[error("Stripe-Signature header has no v1 signature; other schemes are not accepted")]
    NoV1,
    /// No signature fits the body and a secret.
    #[error(
        "no v1 signature fits; check that the endpoint's signing secret is among STRIPE_WEBHOOK_SECRET \
         and that nothing between Stripe and here rewrites the body"
    )]
    NoMatch,
    /// The signature fits and is too old.
    #[error(
        "signature is {age_seconds} s old and {tolerance_seconds} s are allowed; check this machine's \
         clock, and replay old events with `upswell backfill`"
    )]
    Stale {
        /// Its age.
        age_seconds: i64,
        /// The age that is still accepted.
        tolerance_seconds: i64,
    },
}

/// Checks that `body` was signed with one of `secrets`, at most `tolerance_seconds` before `now`.
///
/// Every `v1` is compared with every secret in constant time; other schemes are ignored, since
/// accepting one would let a sender choose the weakest. `t` is read as an integer and rendered anew
/// for the signed text. A stamp in the future is accepted and told: refusing it would lose events
/// to a slow clock.
///
/// # Errors
///
/// A [`SignatureError`]. The signature is judged before its age, so that only what Stripe really
/// signed is ever called stale.
pub fn verify(
    header: Option<&[u8]>,
    body: &[u8],
    secrets: &[Secret],
    now: i64,
    tolerance_seconds: i64,
) -> Result<Signed, SignatureError> {
    let header = String::from_utf8_lossy(header.unwrap_or_default());
    let (at, signatures) = parse(&header)?;
    if !is_signed(at, body, secrets, &signatures) {
        return Err(SignatureError::NoMatch);
    }
    let age_seconds = now.saturating_sub(at);
    if age_seconds > tolerance_seconds {
        return Err(SignatureError::Stale { age_seconds, tolerance_seconds });
    }
    Ok(Signed { at, is_from_the_future: age_seconds < 0 })
}

/// The header that signs `body` at `at`, as Stripe would send it.
#[must_use]
pub fn sign(body: &[u8], secret: &Secret, at: i64) -> String {
    let tag = tag(at, body, secret).map(hex::encode).unwrap_or_default();
    format!("t={at},v1={tag}")
}

/// The header's time and its `v1` signatures; those that are no hex are dropped.
fn parse(header: &str) -> Result<(i64, Vec<Vec<u8>>), SignatureError> {
    if header.trim().is_empty() {
        return Err(SignatureError::Missing);
    }
    let pairs = || {
        let pair = |part: &'_ str| {
            part.split_once('=').map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        };
        header.split(',').filter_map(pair)
    };
    let at = pairs()
        .rfind(|(key, _)| key == "t")
        .ok_or(SignatureError::Malformed { fault: "has no t" })?
        .1
        .parse()
        .map_err(|_| SignatureError::Malformed { fault: "has a t that is no whole number" })?;
    let v1: Vec<String> = pairs().filter(|(key, _)| key == "v1").map(|(_, value)| value).collect();
    if v1.is_empty() {
        return Err(SignatureError::NoV1);
    }
    Ok((at, v1.iter().filter_map(|text| hex::decode(text).ok()).collect()))
}

/// Whether any signature fits any secret; every pair is compared, found or not.
fn is_signed(at: i64, body: &[u8], secrets: &[Secret], signatures: &[Vec<u8>]) -> bool {
    let mut fits = Choice::from(0);
    for secret in secrets {
        let Some(expected) = tag(at, body, secret) else {
            continue;
        };
        for signature in signatures {
            fits |= expected.as_slice().ct_eq(signature);
        }
    }
    fits.into()
}

/// HMAC-SHA256 over `<t>.<body>`; HMAC takes keys of any length, so that there always is one.
fn tag(at: i64, body: &[u8], secret: &Secret) -> Option<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.0.as_bytes()).ok()?;
    mac.update(format!("{at}.").as_bytes());
    mac.update(body);
    Some(mac.finalize().into_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1","object":"event"}"#;
    const AT: i64 = 1_700_000_000;

    fn secret(text: &str) -> Secret {
        Secret::new(text).expect("not blank")
    }

    fn v1(body: &[u8], key: &str, at: i64) -> String {
        let header = sign(body, &secret(key), at);
        header.split_once(",v1=").expect("signed").1.to_owned()
    }

    fn judge(header: &str) -> Result<Signed, SignatureError> {
        judge_at(header, AT)
    }

    fn judge_at(header: &str, now: i64) -> Result<Signed, SignatureError> {
        let secrets = [secret("whsec_new"), secret("whsec_old")];
        verify(Some(header.as_bytes()), BODY, &secrets, now, 300)
    }

    #[test]
    fn a_known_vector_holds() {
        // Made with `printf '1700000000.{"id":"evt_1","object":"event"}' | openssl dgst -sha256 -hmac whsec_new`.
        assert_eq!(v1(BODY, "whsec_new", AT), KNOWN);
    }
    const KNOWN: &str = "c15330950069e52feb112c7c495d04bcd2bef3e2784ee078587728d546bb99b6";

    #[test]
    fn either_secret_signs_and_any_v1_counts() {
        for key in ["whsec_new", "whsec_old"] {
            let good = v1(BODY, key, AT);
            let bad = "00".repeat(32);
            for header in [
                format!("t={AT},v1={good}"),
                format!("t={AT},v1={good},v1={bad}"),
                format!("t={AT},v1={bad},v1={good}"),
                format!("v1={good},v0={bad},t={AT}"),
                format!(" t = {AT} , v1 = {good} "),
                format!("t={AT},scheme,v1={good}"),
                format!("t={AT},v1=not-hex,v1={good}"),
                format!("t={AT},v1={}", good.to_uppercase()),
                format!("t=+{AT},v1={good}"),
                format!("t=0{AT},v1={good}"),
            ] {
                assert_eq!(judge(&header), Ok(Signed { at: AT, is_from_the_future: false }), "{header}");
            }
        }
    }

    #[test]
    fn only_v1_counts() {
        let good = v1(BODY, "whsec_new", AT);
        assert_eq!(judge(&format!("t={AT},v0={good}")), Err(SignatureError::NoV1));
        let downgraded = format!("t={AT},v0={good},v1={}", "00".repeat(32));
        assert_eq!(judge(&downgraded), Err(SignatureError::NoMatch));
    }

    #[test]
    fn what_was_not_signed_does_not_match() {
        let good = v1(BODY, "whsec_new", AT);
        let stranger = v1(BODY, "whsec_other", AT);
        let altered = v1(br#"{"id":"evt_2","object":"event"}"#, "whsec_new", AT);
        for header in [
            format!("t={AT},v1={stranger}"),
            format!("t={AT},v1={altered}"),
            format!("t={},v1={good}", AT + 1),
            format!("t={AT},v1="),
            format!("t={AT},v1={}", &good[..62]),
            format!("t={AT},v1={good}00"),
            format!("t={AT},v1={good}ü"),
        ] {
            assert_eq!(judge(&header), Err(SignatureError::NoMatch), "{header}");
        }
    }

    #[test]
    fn an_age_of_exactly_the_tolerance_is_accepted() {
        let header = sign(BODY, &secret("whsec_new"), AT);
        assert!(judge_at(&header, AT + 300).is_ok());
        assert_eq!(
            judge_at(&header, AT + 301),
            Err(SignatureError::Stale { age_seconds: 301, tolerance_seconds: 300 })
        );
    }

    #[test]
    fn a_stamp_in_the_future_is_accepted_and_told() {
        let header = sign(BODY, &secret("whsec_new"), AT);
        assert_eq!(judge_at(&header, AT - 86_400), Ok(Signed { at: AT, is_from_the_future: true }));
    }

    #[test]
    fn a_stale_forgery_is_a_forgery() {
        let header = format!("t={},v1={}", AT - 9_999, "00".repeat(32));
        assert_eq!(judge(&header), Err(SignatureError::NoMatch));
        assert_eq!(judge(&format!("t={},v1=00", i64::MIN)), Err(SignatureError::NoMatch));
    }

    #[test]
    fn a_header_without_a_readable_time_is_malformed() {
        assert_eq!(verify(None, BODY, &[], AT, 300), Err(SignatureError::Missing));
        assert_eq!(judge("  "), Err(SignatureError::Missing));
        let good = v1(BODY, "whsec_new", AT);
        for header in [
            format!("v1={good}"),
            format!("t=,v1={good}"),
            format!("t=soon,v1={good}"),
            format!("t={AT}.5,v1={good}"),
            format!("t=99999999999999999999,v1={good}"),
            "nonsense".to_owned(),
        ] {
            assert!(matches!(judge(&header), Err(SignatureError::Malformed { .. })), "{header}");
        }
        let bytes = [b"t=".as_slice(), &[0xff, 0xfe], b",v1=00"].concat();
        assert!(matches!(verify(Some(&bytes), BODY, &[], AT, 300), Err(SignatureError::Malformed { .. })));
    }

    #[test]
    fn a_body_is_bytes() {
        let body = [0xff, 0x00, b'\n'];
        let header = sign(&body, &secret("k"), AT);
        assert!(verify(Some(header.as_bytes()), &body, &[secret("k")], AT, 300).is_ok());
    }

    #[test]
    fn secrets_are_trimmed_and_never_printed() {
        let secrets = Secret::list(" whsec_a , ,whsec_b,");
        assert_eq!(secrets, [secret("whsec_a"), secret("whsec_b")]);
        assert!(!format!("{secrets:?}").contains("whsec"));
        assert_eq!(Secret::new("  "), None);
    }
}
