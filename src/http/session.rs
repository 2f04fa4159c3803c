//! Who is signed in: a cookie that says until when, with a tag made by a key that comes of the token that was shown.
//!
//! The token itself is never in it, nothing is kept for it, and it holds on every server and after a restart; once
//! its token is no more among those configured, there is no key that it fits.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderValue, header};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// The cookie's name. Over TLS it is one that a browser takes from this host alone, and over TLS alone.
const NAME: &str = "upswell_session";
const NAME_OVER_TLS: &str = "__Host-upswell_session";
/// Sessions that were ended before their time and are remembered as such: some megabytes, which only who holds sessions can
/// fill, so that nobody needs another number.
const REMEMBERED: usize = 65_536;

/// A key that proves that its holder knows a secret.
#[derive(Clone)]
pub(super) struct Key([u8; 32]);

/// The digits of a session that no other one has.
type Nonce = String;

/// A session that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    until: i64,
    nonce: Nonce,
    /// What a form of this session brings with it.
    pub(super) form: String,
}

/// Sessions that were ended by their holders, on this server, until they would have ended anyway.
#[derive(Debug, Default)]
pub(super) struct Ended(Mutex<BTreeMap<Nonce, i64>>);

impl Key {
    /// The key of a token: it tells nothing of it.
    pub(super) fn of(secret: &[u8]) -> Self {
        Self(tag(secret, &["upswell sessions, 1"]))
    }

    /// What a form of this key's holder brings with it, so that no other site's page can have made it.
    pub(super) fn form(&self, nonce: &str) -> String {
        hex::encode(tag(&self.0, &["form", nonce]))
    }
}

/// Bytes that nobody can guess; none where the system has none to give.
pub(super) fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).ok().map(|()| bytes)
}

/// The value of a new session's cookie, until when it holds; none where the system gives no random bytes.
pub(super) fn begin(key: &Key, until: i64) -> Option<String> {
    let nonce = hex::encode(random::<16>()?);
    let until = until.to_string();
    let tag = hex::encode(tag(&key.0, &["session", &until, &nonce]));
    Some(format!("{until}.{nonce}.{tag}"))
}

/// The session of a cookie's value, if one of the keys made it and it is not over.
pub(super) fn read(keys: &[Key], ended: &Ended, value: &str, now: i64) -> Option<Session> {
    let mut parts = value.split('.');
    let (until, nonce, sent) = (parts.next()?, parts.next()?, parts.next()?);
    let sent = hex::decode(sent).ok()?;
    let fits = |key: &&Key| bool::from(tag(&key.0, &["session", until, nonce]).as_slice().ct_eq(&sent));
    let key = keys.iter().find(fits)?;
    let until = until.parse().ok().filter(|until| *until > now)?;
    let is_whole = parts.next().is_none() && !ended.holds(nonce);
    is_whole.then(|| Session { until, nonce: nonce.to_owned(), form: key.form(nonce) })
}

impl Ended {
    /// A session is over from now on.
    pub(super) fn end(&self, session: &Session, now: i64) {
        let mut ended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|_, until| *until > now);
        // Only who holds a session can end one, so that strangers can't fill this.
        if ended.len() < REMEMBERED {
            ended.insert(session.nonce.clone(), session.until);
        }
    }

    fn holds(&self, nonce: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(nonce)
    }
}

/// The value of the session's cookie in a request.
pub(super) fn sent(headers: &HeaderMap, is_over_tls: bool) -> Option<&str> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut named = pairs.filter(|(name, _)| *name == cookie_name(is_over_tls));
    named.next().map(|(_, value)| value)
}

/// The header that gives a browser its session, which lasts so many seconds.
pub(super) fn set(value: &str, seconds: i64, is_over_tls: bool) -> Option<HeaderValue> {
    cookie(value, seconds, is_over_tls)
}

/// The header that has a browser forget it.
pub(super) fn forget(is_over_tls: bool) -> Option<HeaderValue> {
    cookie("", 0, is_over_tls)
}

fn cookie(value: &str, seconds: i64, is_over_tls: bool) -> Option<HeaderValue> {
    let name = cookie_name(is_over_tls);
    let secure = if is_over_tls { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&text).ok()
}

fn cookie_name(is_over_tls: bool) -> &'static str {
    if is_over_tls { NAME_OVER_TLS } else { NAME }
}

/// HMAC-SHA256 over words, each apart from the next.
fn tag(key: &[u8], words: &[&str]) -> [u8; 32] {
    // A key of any length is one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    for word in words {
        mac.update(word.as_bytes());
        mac.update(&[0]);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: i64 = 1_790_000_000;
    const UNTIL: i64 = NOW + 60;

    fn key(token: &str) -> Key {
        Key::of(token.as_bytes())
    }

    #[test]
    fn a_session_holds_until_its_time_is_over_or_its_token_is_gone() {
        let value = begin(&key("one"), UNTIL).unwrap();
        let held = |keys: &[Key], at| read(keys, &Ended::default(), &value, at).is_some();
        assert!(held(&[key("two"), key("one")], NOW));
        assert!(held(&[key("one")], UNTIL - 1));
        assert!(!held(&[key("one")], UNTIL));
        assert!(!held(&[key("two")], NOW));
        assert!(!held(&[], NOW));
        assert!(!value.contains("one") && begin(&key("one"), UNTIL).unwrap() != value);
    }

    #[test]
    fn a_value_that_was_changed_anywhere_is_none() {
        let value = begin(&key("one"), UNTIL).unwrap();
        let is_read = |value: &str| read(&[key("one")], &Ended::default(), value, NOW).is_some();
        for at in 0..value.len() {
            let mut changed = value.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            assert!(!is_read(&String::from_utf8(changed).unwrap()), "{at}");
        }
        for changed in ["", ".", "..", "9999999999", &format!("{value}."), &format!("{value}.0"), &value[1..]]
        {
            assert!(!is_read(changed), "{changed}");
        }
    }

    #[test]
    fn who_signs_out_is_out_and_others_are_not() {
        let (keys, ended) = ([key("one")], Ended::default());
        let values = [begin(&keys[0], UNTIL).unwrap(), begin(&keys[0], UNTIL).unwrap()];
        let session = read(&keys, &ended, &values[0], NOW).unwrap();
        ended.end(&session, NOW);
        assert_eq!(read(&keys, &ended, &values[0], NOW), None);
        assert!(read(&keys, &ended, &values[1], NOW).is_some());
    }

    #[test]
    fn a_form_is_of_one_session() {
        let key = key("one");
        let sessions = [begin(&key, UNTIL).unwrap(), begin(&key, UNTIL).unwrap()]
            .map(|value| read(std::slice::from_ref(&key), &Ended::default(), &value, NOW).unwrap());
        assert_ne!(sessions[0].form, sessions[1].form);
    }

    #[test]
    fn a_browser_shows_the_cookie_to_nobody_else() {
        let text = |value: Option<HeaderValue>| value.unwrap().to_str().unwrap().to_owned();
        let plain = text(set("value", 43_200, false));
        assert!(plain.starts_with("upswell_session=value; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"));
        assert!(!plain.contains("Secure"));
        let over_tls = text(set("value", 43_200, true));
        assert!(
            over_tls.starts_with("__Host-upswell_session=value; Path=/;") && over_tls.ends_with("; Secure")
        );
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "a=b; upswell_session=value; c=d".parse().unwrap());
        assert_eq!(sent(&headers, false), Some("value"));
        assert_eq!(sent(&headers, true), None, "one that came without TLS is none over TLS");
    }
}
